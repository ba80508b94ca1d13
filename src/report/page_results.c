// Owns the accuracies: of each model under each attack, and paired with the base model.
#include <math.h>
#include <string.h>

#include "chart/markup.h"
#include "core/error.h"
#include "core/json.h"
#include "report/page.h"

#define CLEAN IGD_ROW_CLEAN
#define WORST IGD_ROW_WORST

// Robust accuracy of a result in a row, with its interval; NAN where it has none.
static double accuracy(const igd_inputs *in, int k, int row, double *low, double *high)
{
    *low = *high = NAN;
    if (row >= 0) {
        const igd_row *r = &in->row[row];
        if (r->entry[k] == NULL)
            return NAN;
        if (cJSON_IsNumber(igd_get(r->entry[k], "expected_acc"))) {
            *low = igd_end_of(r->entry[k], "expected_interval", 0);
            *high = igd_end_of(r->entry[k], "expected_interval", 1);
            return igd_number_of(r->entry[k], "expected_acc");
        }
        *low = r->interval[k].low;
        *high = r->interval[k].high;
        return igd_number_of(r->entry[k], "robust_acc");
    }
    const igd_headline_value v = igd_headline(in->result[k].json, row == CLEAN);
    *low = v.low;
    *high = v.high;
    return v.accuracy;
}

static bool cumulative(const igd_row *row)
{
    for (int k = 0; k < IGD_REPORT_MAX_RESULTS; k++)
        if (cJSON_IsTrue(igd_get(row->entry[k], "cumulative")))
            return true;
    return false;
}

// The ensemble of all nine is the row of all attacks where nothing else is listed.
static bool is_everything(const igd_row *row)
{
    return strcmp(row->name, "worst-case") == 0;
}

static bool in_worst_case(const igd_row *row)
{
    return row->ensemble[0] == '\0' || strcmp(row->ensemble, "worst-case") == 0;
}

static void name_of(char out[IGD_BAR_TEXT], const igd_inputs *in, int row)
{
    const igd_row *r = row >= 0 ? &in->row[row] : NULL;
    snprintf(out, IGD_BAR_TEXT, "%.40s%s%.40s%s",
             r == NULL ? (row == CLEAN ? "clean" : igd_page_union_name(in)) : r->name,
             r != NULL && !in_worst_case(r) ? " of " : "",
             r != NULL && !in_worst_case(r) ? r->ensemble : "",
             r != NULL && cumulative(r) ? " *" : "");
}

// Rows from clean over the attacks to the worst case; WORST ends.
static int next_row(const igd_inputs *in, int row)
{
    row = row == CLEAN ? 0 : row + 1;
    while (row < in->num_rows && is_everything(&in->row[row]))
        row++;
    return row < in->num_rows ? row : WORST;
}

// --- accuracy under each attack

static void add_row(igd_bars *b, const igd_inputs *in, int row)
{
    char name[IGD_BAR_TEXT];
    double low, high;
    name_of(name, in, row);
    if (in->num_results > 1)
        igd_bars_heading(b, name);
    for (int k = 0; k < in->num_results; k++) {
        const double v = accuracy(in, k, row, &low, &high);
        if (!isnan(v))
            igd_bars_add(b, in->num_results > 1 ? in->result[k].name : name,
                         in->result[k].series, v, low, high, NAN);
    }
}

static void put_cell(const igd_page *p, int k, int row)
{
    double low, high;
    const double v = accuracy(p->in, k, row, &low, &high);
    const char *same = row >= 0 ? igd_string_of(p->in->row[row].entry[k], "same_as") : "";
    fputs("<td>", p->f);
    igd_page_percent(p, v);
    igd_page_interval(p, low, high);
    if (same[0] != '\0') {
        fputs("<span class=\"interval\">as ", p->f);
        igd_put(p->f, same);
        fputs("</span>", p->f);
    }
    fputs("</td>", p->f);
}

static void put_accuracies(const igd_page *p)
{
    const igd_inputs *in = p->in;
    igd_page_table(p, "The numbers, in percent", "Accuracy under each attack");
    fputs("<thead><tr>", p->f);
    igd_page_th(p, "Accuracy, %");
    for (int k = 0; k < in->num_results; k++) {
        fputs("<th scope=\"col\" class=\"name\">", p->f);
        igd_put(p->f, in->result[k].name);
        fputs("</th>", p->f);
    }
    fputs("</tr></thead><tbody>\n", p->f);
    for (int row = CLEAN;; row = next_row(in, row)) {
        char name[IGD_BAR_TEXT];
        name_of(name, in, row);
        if (row == WORST)
            fprintf(p->f, "<tr class=\"sum\"><th scope=\"row\">%s</th>", name);
        else
            igd_page_row(p, name);
        for (int k = 0; k < in->num_results; k++)
            put_cell(p, k, row);
        fputs("</tr>\n", p->f);
        if (row == WORST)
            break;
    }
    fputs("</tbody>", p->f);
    igd_page_table_end(p, "");
}

static void put_caption(const igd_page *p, bool cumulative)
{
    bool sure = false, random = false;
    for (int k = 0; k < p->in->num_results; k++) {
        const bool expected = igd_headline(p->in->result[k].json, false).expected;
        random = random || expected;
        sure = sure || !expected;
    }
    fputs("<figcaption>", p->f);
    if (cumulative)
        fputs("* cumulative: the attack saw only images that had withstood those before "
              "it. ",
              p->f);
    fprintf(p->f, "Intervals are exact (%s%s%s), 95&#8239;%%.</figcaption>\n",
            sure ? "Clopper-Pearson" : "",
            sure && random ? "; of accuracies in expectation " : "",
            random ? "Korn-Graubard" : "");
}

static igd_status put_accuracy_section(const igd_page *p)
{
    igd_bars b = {.points = true,
                  .decimals = p->decimals,
                  .axis = "accuracy; whiskers: 95 % interval"};
    bool any = false;
    for (int row = CLEAN;; row = next_row(p->in, row)) {
        add_row(&b, p->in, row);
        any = any || (row >= 0 && cumulative(&p->in->row[row]));
        if (row == WORST)
            break;
    }
    igd_page_section(p, "accuracy", "Accuracy under each attack");
    fputs(
        "<p>An image counts as robust while it is classified correctly under the attack. "
        "In the last row it must withstand all of them.</p>\n",
        p->f);
    const igd_status st =
        igd_page_bars(p, &b, "Accuracy of each model under each attack");
    if (st == IGD_OK) {
        put_accuracies(p);
        put_caption(p, any);
        igd_page_figure_end(p, NULL);
    }
    igd_page_section_end(p);
    igd_bars_free(&b);
    return st;
}

// --- paired with the base

static void put_test(const igd_page *p, int k, int row)
{
    igd_paired t;
    char name[IGD_BAR_TEXT];
    if (!igd_inputs_paired(&t, p->in, k, row))
        return;
    name_of(name, p->in, row);
    fputs(row == WORST ? "<tr class=\"sum\">" : "<tr>", p->f);
    fputs("<th scope=\"row\">", p->f);
    igd_put(p->f, name);
    fputs("</th><td>", p->f);
    igd_page_points(p, t.difference);
    fputs("<span class=\"interval\">[", p->f);
    igd_page_points(p, t.low);
    fputs(", ", p->f);
    igd_page_points(p, t.high);
    fputs("]</span></td><td>", p->f);
    igd_page_count(p, (double)t.won);
    fputs("</td><td>", p->f);
    igd_page_count(p, (double)t.lost);
    fputs("</td><td>", p->f);
    igd_page_p(p, t.p);
    fprintf(p->f, "</td><td class=\"text\">%s</td></tr>\n",
            t.exact ? "exact" : "chi-squared");
}

static void put_tests(const igd_page *p, int k)
{
    static const char *const heads[] = {"", "Difference, points", "Only it right",
                                        "Only base right", "p"};
    igd_page_table(p, "The numbers", "Paired comparison with the base model");
    fputs("<thead><tr>", p->f);
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        igd_page_th(p, heads[i]);
    fputs("<th scope=\"col\" class=\"text\">Test</th></tr></thead><tbody>\n", p->f);
    for (int row = CLEAN;; row = next_row(p->in, row)) {
        put_test(p, k, row);
        if (row == WORST)
            break;
    }
    fputs("</tbody>", p->f);
    igd_page_table_end(p, "");
}

static igd_status put_pair(const igd_page *p, int k)
{
    const igd_input *r = &p->in->result[k], *base = &p->in->result[r->base];
    char why[512];
    bool differ;
    igd_paired t;
    igd_status st;
    fputs("<h3>", p->f);
    igd_put(p->f, r->name);
    fputs(" less base</h3>\n", p->f);
    if (!igd_inputs_paired(&t, p->in, k, WORST)) {
        const char *path = r->images == NULL ? r->path : base->path;
        fputs("<p>Not possible: the lines of images beside <code>", p->f);
        igd_put(p->f, path);
        fputs("</code> are missing (<code>.images.jsonl</code>, which igdef eval "
              "writes).</p>\n",
              p->f);
        return IGD_OK;
    }
    IGD_TRY(igd_inputs_compare_attacks(&differ, why, sizeof(why), p->in, k));
    if (differ)
        fputs("<div class=\"care\"><p>The two were not attacked alike; only the rows of "
              "attacks with equal settings compare them.</p></div>\n",
              p->f);
    igd_bars b = {.plus = true,
                  .decimals = p->decimals,
                  .axis = "points more than the base; whiskers: 95 %"};
    for (int row = CLEAN;; row = next_row(p->in, row)) {
        char name[IGD_BAR_TEXT];
        name_of(name, p->in, row);
        if (igd_inputs_paired(&t, p->in, k, row))
            igd_bars_add(&b, name, r->series, 100.0 * t.difference, 100.0 * t.low,
                         100.0 * t.high, NAN);
        if (row == WORST)
            break;
    }
    st = igd_page_bars(p, &b, "Difference from the base model under each attack");
    if (st == IGD_OK) {
        put_tests(p, k);
        igd_page_figure_end(p, NULL);
    }
    igd_bars_free(&b);
    return st;
}

static igd_status put_paired_section(const igd_page *p)
{
    bool any = false;
    igd_status st = IGD_OK;
    for (int k = 0; k < p->in->num_results; k++)
        any = any || p->in->result[k].base >= 0;
    if (!any)
        return IGD_OK;
    igd_page_section(p, "paired", "The same images, with and without the defense");
    fputs(
        "<p>Both models judged the same images, so only the images on which they differ "
        "tell them apart. McNemar\xe2\x80\x99s test asks whether one model wins more of "
        "those than a fair coin would: exactly (binomial) below 25 such images, else by "
        "chi-squared with continuity correction. Intervals of differences are Agresti "
        "and Min\xe2\x80\x99s. The last row is the comparison that counts; the other "
        "rows are looks at its parts, and among many rows some small p appears by "
        "chance. A random classifier counts as right where the majority of its draws "
        "is.</p>\n",
        p->f);
    for (int k = 0; k < p->in->num_results && st == IGD_OK; k++)
        if (p->in->result[k].base >= 0)
            st = put_pair(p, k);
    igd_page_section_end(p);
    return st;
}

// --- random classifiers and bounds

static void put_draws(const igd_page *p, const igd_input *r, const char *what,
                      const char *label)
{
    static const char *const keys[] = {"expected_acc", "one_shot_acc", "majority_acc",
                                       "any_acc"};
    const cJSON *o = igd_get(igd_get(r->json, "randomised"), what);
    fputs("<tr><th scope=\"row\">", p->f);
    igd_put(p->f, r->name);
    fprintf(p->f, ", %s</th>", label);
    for (int i = 0; i < 4; i++) {
        fputs("<td>", p->f);
        igd_page_percent(p, igd_number_of(o, keys[i]));
        fputs("</td>", p->f);
    }
    fputs("</tr>\n", p->f);
}

// The same numbers of looks at images that nothing attacked: the last entry is of all
// attacks together.
static void put_control(const igd_page *p, const igd_input *r)
{
    static const char *const keys[] = {"one_shot", "majority", "any"};
    const cJSON *list = igd_get(igd_get(r->json, "checks"), "control");
    const cJSON *all = cJSON_GetArrayItem(list, cJSON_GetArraySize(list) - 1);
    const double n = igd_number_in(r->json, "data", "count");
    const double draws = igd_number_in(r->json, "randomised", "draws");
    if (!cJSON_IsObject(all))
        return;
    fputs("<tr><th scope=\"row\">", p->f);
    igd_put(p->f, r->name);
    fputs(", as many looks, no attack</th><td>", p->f);
    igd_page_percent(p, igd_number_of(all, "votes") / (n * draws));
    for (int i = 0; i < 3; i++) {
        fputs("</td><td>", p->f);
        igd_page_percent(p, igd_number_of(all, keys[i]) / n);
    }
    fputs("</td></tr>\n", p->f);
}

static void put_random_section(const igd_page *p)
{
    static const char *const heads[] = {"Accuracy, %", "Expected", "First draw",
                                        "Majority", "Every draw"};
    double draws = NAN;
    bool expected = false;
    for (int k = 0; k < p->in->num_results; k++)
        expected = expected || igd_headline(p->in->result[k].json, false).expected;
    for (int k = 0; k < p->in->num_results; k++)
        draws = fmax(draws, igd_number_in(p->in->result[k].json, "randomised", "draws"));
    if (isnan(draws))
        return;
    igd_page_section(p, "random", "Several draws of a random classifier");
    if (expected) {
        fputs("<p>A smoothed defense answers differently each time. The accuracies above "
              "are in expectation: the share of ",
              p->f);
        igd_page_count(p, draws);
        fputs(" draws that are right, at the worst of an image\xe2\x80\x99s points. Here "
              "stand beside it the first draw, by which the classes below go, the "
              "majority, and an attacker who may try again: right in every draw. Whoever "
              "looks more often finds more errors, attacked or not: the last row of each "
              "is as many looks at images that nothing attacked.</p>\n",
              p->f);
    } else {
        fputs("<p>A smoothed defense answers differently each time. These files have no "
              "expected accuracies: the other numbers here go by the first draw, beside "
              "which stand the majority of ",
              p->f);
        igd_page_count(p, draws);
        fputs(" draws and an attacker who may try again: right in every draw.</p>\n",
              p->f);
    }
    igd_page_table(p, NULL, "Accuracy by several draws");
    fputs("<thead><tr>", p->f);
    for (int i = 0; i < 5; i++)
        igd_page_th(p, heads[i]);
    fputs("</tr></thead><tbody>\n", p->f);
    for (int k = 0; k < p->in->num_results; k++) {
        if (igd_get(p->in->result[k].json, "randomised") == NULL)
            continue;
        put_draws(p, &p->in->result[k], "clean", "clean");
        put_draws(p, &p->in->result[k], "worst", igd_union_name(p->in->result[k].json));
        put_control(p, &p->in->result[k]);
    }
    fputs("</tbody>", p->f);
    igd_page_table_end(p, NULL);
    igd_page_section_end(p);
}

static void put_bounds_section(const igd_page *p)
{
    bool any = false;
    for (int k = 0; k < p->in->num_results; k++)
        any = any || igd_get(p->in->result[k].json, "bounds") != NULL;
    if (!any)
        return;
    igd_page_section(p, "bounds", "What the choice of the mask decides");
    fputs("<p>On the same points: right with the mask of whichever class is worst, as a "
          "first pass would have it that is always fooled; as it is, by the first draw; "
          "and with the mask of the true class, as of a first pass that is always "
          "right. That need not be the most: an image can be right by another class\xe2"
          "\x80\x99s mask alone.</p>\n",
          p->f);
    igd_page_table(p, NULL, "Bounds by the masks");
    fputs("<thead><tr>", p->f);
    igd_page_th(p, "Accuracy, %");
    igd_page_th(p, "Worst mask");
    igd_page_th(p, "As it is");
    igd_page_th(p, "True class\xe2\x80\x99s mask");
    fputs("</tr></thead><tbody>\n", p->f);
    for (int k = 0; k < p->in->num_results; k++) {
        const igd_input *r = &p->in->result[k];
        const cJSON *bounds = igd_get(r->json, "bounds");
        for (int i = 0; i < 2 && bounds != NULL; i++) {
            const double v[] = {
                igd_number_in(bounds, i == 0 ? "clean" : "worst", "floor"),
                igd_number_of(r->json, i == 0 ? "clean_acc" : "worst_acc"),
                igd_number_in(bounds, i == 0 ? "clean" : "worst", "ceiling")};
            fputs("<tr><th scope=\"row\">", p->f);
            igd_put(p->f, r->name);
            fputs(i == 0 ? ", clean</th>" : ", all judged points</th>", p->f);
            for (int c = 0; c < 3; c++) {
                fputs("<td>", p->f);
                igd_page_percent(p, v[c]);
                fputs("</td>", p->f);
            }
            fputs("</tr>\n", p->f);
        }
    }
    fputs("</tbody>", p->f);
    igd_page_table_end(p, NULL);
    igd_page_section_end(p);
}

igd_status igd_page_results(const igd_page *p)
{
    igd_status st = put_accuracy_section(p);
    if (st == IGD_OK)
        st = put_paired_section(p);
    if (st != IGD_OK)
        return st;
    put_random_section(p);
    put_bounds_section(p);
    return IGD_OK;
}
