// Owns the accuracies per class.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart/markup.h"
#include "core/error.h"
#include "core/json.h"
#include "report/page.h"

#define MOST_SHOWN 24 // classes in a chart; the table has all

static const cJSON *classes_of(const igd_input *r)
{
    return igd_get(r->json, "per_class");
}

// An entry `o` of another result, if it is of the class of `first`; in a file made by
// hand it may not be.
static const cJSON *if_same(const cJSON *o, const cJSON *first, bool by_place)
{
    const bool same =
        by_place ? igd_number_of(o, "count") == igd_number_of(first, "count")
                 : strcmp(igd_string_of(o, "class"), igd_string_of(first, "class")) == 0;
    return same ? o : NULL;
}

typedef struct ranked {
    double worst;
    int place;
} ranked;

static int by_accuracy(const void *a, const void *b)
{
    const ranked *p = a, *q = b;
    if (p->worst != q->worst)
        return p->worst < q->worst ? -1 : 1;
    return p->place - q->place;
}

static int by_place(const void *a, const void *b)
{
    return ((const ranked *)a)->place - ((const ranked *)b)->place;
}

// The classes of the chart in the order of the data: all, or the weakest of the first
// result. @return how many
static int choose(ranked *r, const igd_input *first)
{
    int num = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, classes_of(first))
    {
        r[num] = (ranked){igd_number_of(item, "worst_acc"), num};
        num++;
    }
    if (num <= MOST_SHOWN)
        return num;
    qsort(r, (size_t)num, sizeof(*r), by_accuracy);
    qsort(r, MOST_SHOWN, sizeof(*r), by_place);
    return MOST_SHOWN;
}

static void add_class(igd_bars *b, const igd_inputs *in, int place)
{
    const cJSON *o = cJSON_GetArrayItem(classes_of(&in->result[0]), place);
    const char *name = igd_string_of(o, "class");
    if (in->num_results > 1)
        igd_bars_heading(b, name);
    for (int k = 0; k < in->num_results; k++) {
        const cJSON *c = if_same(cJSON_GetArrayItem(classes_of(&in->result[k]), place), o,
                                 igd_results_by_place(&in->result[0], &in->result[k]));
        if (c != NULL)
            igd_bars_add(b, in->num_results > 1 ? in->result[k].name : name,
                         in->result[k].series, igd_number_of(c, "worst_acc"), NAN, NAN,
                         igd_number_of(c, "clean_acc"));
    }
}

static void put_table(const igd_page *p)
{
    const cJSON *item, *at[IGD_REPORT_MAX_RESULTS];
    for (int k = 0; k < p->in->num_results; k++)
        at[k] = classes_of(&p->in->result[k])->child;
    igd_page_table(p, "The numbers, in percent", "Accuracy per class");
    fputs("<thead><tr>", p->f);
    igd_page_th(p, "Class");
    igd_page_th(p, "Images");
    for (int k = 0; k < p->in->num_results; k++) {
        fputs("<th scope=\"col\" class=\"name\">", p->f);
        igd_put(p->f, p->in->result[k].name);
        fputs("<span class=\"interval\">attacked, clean</span></th>", p->f);
    }
    fputs("</tr></thead><tbody>\n", p->f);
    cJSON_ArrayForEach(item, classes_of(&p->in->result[0]))
    {
        const char *name = igd_string_of(item, "class");
        igd_page_row(p, name);
        fputs("<td>", p->f);
        igd_page_count(p, igd_number_of(item, "count"));
        fputs("</td>", p->f);
        for (int k = 0; k < p->in->num_results; k++) {
            const cJSON *c = if_same(
                at[k], item, igd_results_by_place(&p->in->result[0], &p->in->result[k]));
            at[k] = at[k] != NULL ? at[k]->next : NULL;
            fputs("<td>", p->f);
            igd_page_percent(p, igd_number_of(c, "worst_acc"));
            fputs(" <span class=\"interval\">", p->f);
            igd_page_percent(p, igd_number_of(c, "clean_acc"));
            fputs("</span></td>", p->f);
        }
        fputs("</tr>\n", p->f);
    }
    fputs("</tbody>", p->f);
    igd_page_table_end(p, "");
}

// Best, worst and mean class of each result, in a sentence.
static void put_extremes(const igd_page *p, const igd_input *r)
{
    const cJSON *item, *best = NULL, *worst = NULL;
    double sum = 0.0;
    int num = 0;
    cJSON_ArrayForEach(item, classes_of(r))
    {
        const double v = igd_number_of(item, "worst_acc");
        best = best == NULL || v > igd_number_of(best, "worst_acc") ? item : best;
        worst = worst == NULL || v < igd_number_of(worst, "worst_acc") ? item : worst;
        sum += v;
        num++;
    }
    if (num == 0)
        return;
    fputs("<strong>", p->f);
    igd_put(p->f, r->name);
    fputs("</strong>: best class ", p->f);
    igd_put(p->f, igd_string_of(best, "class"));
    fputs(" (", p->f);
    igd_page_percent_sign(p, igd_number_of(best, "worst_acc"));
    fputs("), worst class ", p->f);
    igd_put(p->f, igd_string_of(worst, "class"));
    fputs(" (", p->f);
    igd_page_percent_sign(p, igd_number_of(worst, "worst_acc"));
    fputs("), mean over the classes ", p->f);
    igd_page_percent_sign(p, sum / num);
    fputs(". ", p->f);
}

igd_status igd_page_classes(const igd_page *p)
{
    const int num = cJSON_GetArraySize(classes_of(&p->in->result[0]));
    igd_bars b = {.points = true,
                  .decimals = p->decimals,
                  .axis = "full bar: under all attacks; pale bar: clean"};
    if (num == 0)
        return IGD_OK;
    ranked *places = malloc((size_t)num * sizeof(*places));
    if (places == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d classes", num);
    const int shown = choose(places, &p->in->result[0]);
    for (int i = 0; i < shown; i++)
        add_class(&b, p->in, places[i].place);
    free(places);
    igd_page_section(p, "classes", "Class by class");
    fprintf(p->f, "<p>Accuracy: %s. ", igd_page_union_name(p->in));
    for (int k = 0; k < p->in->num_results; k++)
        put_extremes(p, &p->in->result[k]);
    fputs("</p>\n", p->f);
    const igd_status st = igd_page_bars(p, &b, "Accuracy of each model in each class");
    if (st == IGD_OK) {
        put_table(p);
        igd_page_figure_end(p, shown < num
                                   ? "The chart shows the 24 classes in which the "
                                     "first model is weakest; the table all."
                                   : NULL);
    }
    igd_page_section_end(p);
    igd_bars_free(&b);
    return st;
}
