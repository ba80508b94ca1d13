// Owns the sections of analyses: what was asked, the picture, and its numbers.
#include <math.h>
#include <string.h>

#include "chart/chart.h"
#include "chart/markup.h"
#include "core/json.h"
#include "core/number.h"
#include "report/page.h"

static void put_shift(const igd_page *p, const cJSON *a)
{
    fputs("<p>How the neurons of <code>", p->f);
    igd_put(p->f, igd_string_of(a, "layer"));
    fputs("</code> change when <code>", p->f);
    igd_put(p->f, igd_string_of(a, "attack"));
    fputs("</code> attacks ", p->f);
    igd_page_count(p, igd_number_of(a, "num_images"));
    fputs(
        " correctly classified images: the mean activation of a group after the attack, "
        "relative to before. The groups are the ",
        p->f);
    igd_page_count(p, igd_number_of(a, "top"));
    fputs(" most important neurons of the true class, of the class predicted after the "
          "attack, those of the other classes, and neurons important to none.</p>\n",
          p->f);
}

static bool has_accuracy(const cJSON *point, double accuracy)
{
    return fabs(igd_number_of(point, "worst_acc") - accuracy) < 1e-9;
}

// The values at which the accuracy is that one, "4, 20 and 50".
static void put_values(const igd_page *p, const cJSON *a, double accuracy)
{
    const cJSON *item;
    int left = 0;
    cJSON_ArrayForEach(item, igd_get(a, "points"))
    {
        left += has_accuracy(item, accuracy);
    }
    cJSON_ArrayForEach(item, igd_get(a, "points"))
    {
        char value[IGD_VALUE_TEXT];
        if (!has_accuracy(item, accuracy))
            continue;
        igd_setting_text(value, igd_get(item, "value"), igd_string_of(a, "option"));
        fputs("<strong>", p->f);
        igd_put(p->f, value);
        fputs("</strong>", p->f);
        left--;
        fputs(left > 1 ? ", " : left == 1 ? " and " : "", p->f);
    }
    fputs(", ", p->f);
    igd_page_percent_sign(p, accuracy);
}

// Where the accuracy is highest and, as nobody chooses a radius or a number of steps for
// its accuracy, lowest.
static void put_extremes(const igd_page *p, const cJSON *a)
{
    const cJSON *item;
    double low = 1.0, high = 0.0;
    cJSON_ArrayForEach(item, igd_get(a, "points"))
    {
        low = fmin(low, igd_number_of(item, "worst_acc"));
        high = fmax(high, igd_number_of(item, "worst_acc"));
    }
    if (low > high)
        return; // no points
    fprintf(p->f, " Accuracy (%s) is ", igd_union_name(a));
    if (high - low < 1e-9) {
        igd_page_percent_sign(p, high);
        fputs(" at every value.", p->f);
    } else if (igd_sweep_of_attack(a)) {
        fputs("highest at ", p->f);
        put_values(p, a, high);
        fputs(", and lowest at ", p->f);
        put_values(p, a, low);
        fputs(".", p->f);
    } else {
        fputs("best at ", p->f);
        put_values(p, a, high);
        fputs("; a value that was chosen because its accuracy is the highest here looks "
              "better than it is.",
              p->f);
    }
}

static void put_sweep(const igd_page *p, const cJSON *a)
{
    fputs("<p>One evaluation per value of <code>", p->f);
    igd_put(p->f, igd_string_of(a, "option"));
    fputs("</code>.", p->f);
    put_extremes(p, a);
    if (cJSON_IsFalse(igd_get(a, "finished")))
        fputs(" <strong>The sweep is not finished.</strong>", p->f);
    fputs("</p>\n", p->f);
}

static void put_search(const igd_page *p, const cJSON *a)
{
    fputs("<p>The fewest neurons per class that cost at most ", p->f);
    igd_put_number(p->f, 100.0 * igd_number_of(a, "budget"), 2);
    fputs(" points of clean accuracy: <strong>keep ", p->f);
    igd_page_count(p, igd_number_of(a, "keep"));
    fputs("</strong>, with ", p->f);
    igd_page_percent_sign(p, igd_number_of(a, "clean_acc"));
    fputs(" ", p->f);
    igd_page_interval(p, igd_end_of(a, "interval", 0), igd_end_of(a, "interval", 1));
    fputs(" where the base model has ", p->f);
    igd_page_percent_sign(p, igd_number_of(a, "base_clean_acc"));
    fputs(". Found by ", p->f);
    igd_put(p->f, strcmp(igd_string_of(a, "method"), "one-pass") == 0
                      ? "scoring every keep in one pass"
                      : igd_string_of(a, "method"));
    fputs(".</p>\n", p->f);
}

// A surface in a sentence: how high the loss is, and how far the plane rises above it.
static void put_surface(const igd_page *p, const cJSON *surface)
{
    fputs("<strong>", p->f);
    igd_put(p->f, igd_string_of(surface, "name"));
    fputs("</strong>: ", p->f);
    igd_put_number(p->f, igd_number_of(surface, "clean_loss"), 3);
    fputs(" at the images, ", p->f);
    igd_put_number(p->f, igd_number_of(surface, "max_loss"), 3);
    fputs(" at the highest. ", p->f);
}

static void put_landscape(const igd_page *p, const cJSON *a)
{
    const cJSON *item;
    fputs("<p>The mean cross-entropy of ", p->f);
    igd_page_count(p, igd_number_of(a, "num_images"));
    fputs(
        " images as they are moved along the sign of their gradient (across) and along a "
        "direction at right angles to it (up). ",
        p->f);
    cJSON_ArrayForEach(item, igd_get(a, "surfaces"))
    {
        put_surface(p, item);
    }
    fputs(
        "Where the loss rises little the picture is flat; a jagged one hides gradients. "
        "Neither proves robustness.</p>\n",
        p->f);
}

static void put_tune(const igd_page *p, const cJSON *a)
{
    const cJSON *chosen = igd_get(a, "chosen"), *item;
    char text[IGD_VALUE_TEXT];
    fputs("<p>", p->f);
    igd_page_count(p, igd_number_of(a, "num_settings"));
    fprintf(p->f, " settings of the defense%s: ",
            cJSON_GetArraySize(igd_get(a, "rounds")) > 1 ? ", halved from round to round"
                                                         : "");
    cJSON_ArrayForEach(item, igd_get(a, "rounds"))
    {
        igd_page_count(p, igd_number_of(item, "settings"));
        fputs(" on ", p->f);
        igd_page_count(p, igd_number_of(item, "images"));
        fputs(item->next != NULL ? " images, " : " images. ", p->f);
    }
    if (!cJSON_IsTrue(igd_get(a, "helps"))) {
        fputs(
            "<strong>Nothing is shown to help</strong>: no setting within the budget of "
            "clean accuracy has an interval, corrected for their number, above 0.</p>\n",
            p->f);
        return;
    }
    fputs("Chosen: <strong>", p->f);
    igd_put(p->f, igd_string_of(chosen, "layer"));
    fputs(", keep ", p->f);
    igd_page_count(p, igd_number_of(chosen, "keep"));
    igd_radius_text(text, igd_number_of(chosen, "sigma"));
    fputs(", sigma ", p->f);
    igd_put(p->f, text);
    igd_setting_text(text, igd_get(chosen, "temperature"), "");
    fputs(", temperature ", p->f);
    igd_put(p->f, text);
    fputs("</strong>, for ", p->f);
    igd_put_number(p->f, 100.0 * igd_number_of(chosen, "gain"), 2);
    fputs(" points of robust accuracy over the base model, at least ", p->f);
    igd_put_number(p->f, 100.0 * igd_end_of(chosen, "corrected_interval", 0), 2);
    fputs(" by the interval corrected for the number of settings. These images chose it: "
          "test images judge it, once.</p>\n",
          p->f);
    if (igd_string_of(a, "next")[0] == '\0')
        return;
    fputs("<pre><code>", p->f);
    igd_put(p->f, igd_string_of(a, "next"));
    fputs("</code></pre>\n", p->f);
}

static void put_words(const igd_page *p, const igd_input *a)
{
    switch (a->kind) {
    case IGD_SHIFT:
        put_shift(p, a->json);
        break;
    case IGD_SWEEP:
        put_sweep(p, a->json);
        break;
    case IGD_SEARCH_KEEP:
        put_search(p, a->json);
        break;
    case IGD_LANDSCAPE:
        put_landscape(p, a->json);
        break;
    case IGD_TUNE:
        put_tune(p, a->json);
        break;
    case IGD_RADIUS:
        fputs("<p>The share of the images that withstand each radius, where every image "
              "was searched for the smallest radius at which it falls. Attacks give "
              "upper ends: stronger ones may find smaller radii.</p>\n",
              p->f);
        break;
    case IGD_ABLATION:
        fputs("<p>The defense with its parts taken out one by one: the mask, the second "
              "pass, the smoothing. A part that adds nothing could be left out.</p>\n",
              p->f);
        break;
    default:
        fputs("<p>Defenses that work at test time, on the same model and images. The "
              "column "
              "over all attacks is the one that counts.</p>\n",
              p->f);
    }
}

// The model and the images that the analysis is about.
static void put_subject(const igd_page *p, const cJSON *a)
{
    char eps[IGD_VALUE_TEXT];
    const double count = igd_number_in(a, "data", "count");
    fputs("<p class=\"note\">Model ", p->f);
    igd_put(p->f, igd_text_in(a, "model", "path"));
    fputs("; ", p->f);
    if (!isnan(count)) {
        igd_page_count(p, count);
        fputs(" images of ", p->f);
    }
    igd_put(p->f, igd_text_in(a, "data", "path"));
    fputs(" (", p->f);
    igd_put(p->f, igd_text_in(a, "data", "split"));
    fputs(")", p->f);
    if (cJSON_IsObject(igd_get(a, "threat"))) {
        fputs("; ", p->f);
        igd_put(p->f, igd_text_in(a, "threat", "norm"));
        if (!isnan(igd_number_in(a, "threat", "eps"))) { // a sweep over it has no one
            igd_radius_text(eps, igd_number_in(a, "threat", "eps"));
            fputs(", eps ", p->f);
            igd_put(p->f, eps);
        }
    }
    fputs(".</p>\n", p->f);
}

igd_status igd_page_analyses(const igd_page *p)
{
    for (int k = 0; k < p->in->num_analyses; k++) {
        const igd_input *a = &p->in->analysis[k];
        char title[IGD_CHART_TITLE], id[32];
        igd_status st;
        igd_chart_title(title, a->json);
        snprintf(id, sizeof(id), "analysis-%d", k + 1);
        igd_page_section(p, id, title);
        put_words(p, a);
        fputs("<figure>\n", p->f);
        if ((st = igd_chart_put(p->f, a->json, "chart wide", IGD_CHART_WIDE)) != IGD_OK ||
            (st = igd_chart_put(p->f, a->json, "chart narrow", IGD_CHART_NARROW)) !=
                IGD_OK)
            return st;
        igd_page_analysis_table(p, a);
        igd_page_figure_end(p, NULL);
        put_subject(p, a->json);
        igd_page_section_end(p);
    }
    return IGD_OK;
}
