// Owns what is written down of a search over radii.
#include "analyze/radius_search.h"

#include <math.h>
#include <stdio.h>

#include "core/json.h"
#include "core/json_build.h"
#include "core/number.h"
#include "result/interval.h"
#include "result/result_impl.h"

#define NUM_SHARES ((int)(sizeof(shares) / sizeof(shares[0])))

static const double shares[] = {0.1, 0.25, 0.5, 0.75, 0.9};

// Images that withstand a step; at step 0 those that are right when clean.
static int64_t standing(const igd_radius_search *s, const igd_radius_subject *u, int step)
{
    int64_t num = 0;
    for (int64_t i = 0; i < s->n; i++)
        num += u->images[i].high > 0 && u->images[i].low >= step;
    return num;
}

// The first step at which a share of the images has fallen, NAN where none is.
static double radius_of(const igd_radius_search *s, const igd_radius_subject *u,
                        double share)
{
    for (int step = 0; step <= s->steps; step++) {
        const int64_t fallen = s->n - standing(s, u, step);
        if ((double)fallen >= share * (double)s->n - 1e-9)
            return step == 0 ? 0.0 : s->eps[step];
    }
    return NAN;
}

static cJSON *number_or_null(double v)
{
    return isnan(v) ? cJSON_CreateNull() : cJSON_CreateNumber(v);
}

static cJSON *image_json(const igd_radius_search *s, const igd_radius_subject *u,
                         int64_t i)
{
    cJSON *o = cJSON_CreateObject();
    const igd_radius_image *m = &u->images[i];
    const bool wrong = m->high == 0;
    const igd_flags *t = &s->series.results[u->first]->flags;
    igd_json_add_number(o, "index", (double)t->index[i]);
    igd_json_add_number(o, "label", t->label[i]);
    igd_json_add_number(
        o, "low",
        wrong || (m->low == 0 && s->options->from == 0.0) ? 0.0 : s->eps[m->low]);
    igd_json_add_item(o, "high",
                      number_or_null(wrong                ? 0.0
                                     : m->high > s->steps ? NAN
                                                          : s->eps[m->high]));
    return o;
}

static cJSON *subject_json(const igd_radius_search *s, const igd_radius_subject *u)
{
    cJSON *o = cJSON_CreateObject();
    igd_json_add_string(o, "name", u->name);
    igd_json_add_number(o, "wrong", (double)(s->n - standing(s, u, 0)));
    igd_json_add_number(o, "beyond", (double)standing(s, u, s->steps));
    cJSON *list = igd_json_add_array(o, "quantiles");
    for (int k = 0; k < NUM_SHARES; k++) {
        cJSON *q = cJSON_CreateObject();
        igd_json_add_number(q, "share", shares[k]);
        igd_json_add_item(q, "eps", number_or_null(radius_of(s, u, shares[k])));
        igd_json_append(list, q);
    }
    list = igd_json_add_array(o, "curve");
    for (int step = 0; step <= s->steps; step++) {
        const int64_t hits = standing(s, u, step);
        cJSON *p = cJSON_CreateObject();
        igd_json_add_number(p, "eps", s->eps[step]);
        igd_json_add_number(p, "acc", (double)hits / (double)s->n);
        igd_json_add_item(p, "interval", igd_interval_json(igd_interval_of(hits, s->n)));
        igd_json_append(list, p);
    }
    list = igd_json_add_array(o, "images");
    for (int64_t i = 0; i < s->n; i++)
        igd_json_append(list, image_json(s, u, i));
    return o;
}

cJSON *igd_radius_json(const igd_radius_search *s)
{
    const int last = s->num_subjects - 1;
    cJSON *json = igd_series_provenance(&s->series, s->subjects[last].first, "radius");
    igd_json_add_number(json, "from", s->options->from);
    igd_json_add_number(json, "halvings", s->options->halvings);
    igd_json_add_copy(json, "attacks", s->series.attacks);
    cJSON *list = igd_json_add_array(json, "classifiers");
    for (int k = 0; k < s->num_subjects; k++)
        igd_json_append(list, subject_json(s, &s->subjects[k]));
    list = igd_json_add_array(json, "evaluations");
    for (int k = 0; k < s->series.num; k++) {
        const igd_radius_asked *a = &s->asked[k];
        cJSON *o = cJSON_CreateObject();
        igd_json_add_string(o, "name", s->series.members[k].name);
        igd_json_add_string(o, "classifier", a->subject->name);
        igd_json_add_number(o, "step", a->step);
        igd_json_add_number(o, "round", a->round);
        igd_json_add_number(o, "images",
                            (double)igd_result_num_images(s->series.results[k]));
        igd_json_add_item(o, "result", igd_series_file_json(&s->series, k));
        igd_json_append(list, o);
    }
    igd_series_add_end(json, &s->series);
    return json;
}

static void print_radius(FILE *f, double eps)
{
    if (isnan(eps))
        fprintf(f, "  %7s", "beyond");
    else
        igd_print(f, "  %7.5f", eps);
}

void igd_radius_table(FILE *f, const void *payload)
{
    const igd_radius_search *s = payload;
    igd_print(f,
              "Smallest eps at which so many of the images have fallen, to within "
              "%.5f:\n\n%-10s %8s",
              (igd_radius_largest(s) - s->options->from) / s->steps, "", "clean");
    for (int k = 0; k < NUM_SHARES; k++)
        igd_print(f, "  %5.0f %%", 100.0 * shares[k]);
    fputs("  still right\n", f);
    for (int k = 0; k < s->num_subjects; k++) {
        const igd_radius_subject *u = &s->subjects[k];
        igd_print(f, "%-10s %6.2f %%", u->name,
                  100.0 * (double)standing(s, u, 0) / (double)s->n);
        for (int i = 0; i < NUM_SHARES; i++)
            print_radius(f, radius_of(s, u, shares[i]));
        igd_print(f, "  %9.2f %%\n",
                  100.0 * (double)standing(s, u, s->steps) / (double)s->n);
    }
    fputs(
        "Wrong images have fallen at 0. Attacks give upper ends: stronger ones may find "
        "smaller radii.\n",
        f);
}
