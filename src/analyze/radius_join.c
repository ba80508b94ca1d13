// Owns joining the parts of a search over radii.
#include "analyze/radius_search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/series_text.h"
#include "analyze/sweep_impl.h"
#include "core/error.h"
#include "core/json.h"
#include "result/result_impl.h"

#define MOST_ROUNDS 1000 // that a part is believed to have needed

// What was asked, and of how many images.
static igd_status read_asked(igd_radius_search *s, igd_radius_options *o,
                             const igd_pieces *p)
{
    const cJSON *threat, *data, *classifier;
    int64_t halvings, count;
    IGD_TRY(igd_json_object(&threat, p->json[0], "threat", p->path[0]));
    IGD_TRY(igd_json_number(&o->series.evaluate.threat.eps, threat, "eps", p->path[0]));
    IGD_TRY(igd_json_number(&o->from, p->json[0], "from", p->path[0]));
    IGD_TRY(igd_json_integer(&halvings, p->json[0], "halvings", p->path[0]));
    o->halvings = halvings < 1 || halvings > IGD_RADIUS_HALVINGS ? 0 : (int)halvings;
    if (igd_radius_check_range(s) != IGD_OK)
        return igd_error(IGD_EFORMAT, "%s: not a search over radii", p->path[0]);
    for (int k = 0; k < p->num; k++) {
        IGD_TRY(igd_json_object(&data, p->json[k], "data", p->path[k]));
        IGD_TRY(igd_json_integer(&count, data, "count", p->path[k]));
        if (count < 1 || count > INT32_MAX)
            return igd_error(IGD_EFORMAT, "%s: of %lld images", p->path[k],
                             (long long)count);
        s->n += count;
    }
    IGD_TRY(igd_radius_init(s));
    cJSON_ArrayForEach(classifier, igd_get(p->json[0], "classifiers"))
    {
        if (s->num_subjects <
            IGD_RADIUS_SUBJECTS) // igd_analysis_check() has counted them
            igd_radius_add_subject(s, igd_string_of(classifier, "name"), NULL);
    }
    return IGD_OK;
}

static int by_round(const void *a, const void *b)
{
    const igd_radius_asked *p = a, *q = b;
    return p->round != q->round ? (p->round > q->round) - (p->round < q->round)
                                : (p->step < q->step) - (p->step > q->step);
}

// What the parts asked a classifier, each once, in the order of the search; owned.
static igd_status list_asked(igd_radius_asked **out, int *num, const igd_radius_search *s,
                             const igd_radius_subject *u)
{
    const igd_pieces *p = s->series.pieces;
    const cJSON *item;
    int room = 0, many = 0;
    for (int k = 0; k < p->num; k++)
        room += cJSON_GetArraySize(igd_get(p->json[k], "evaluations"));
    igd_radius_asked *list = malloc(((size_t)room + 1) * sizeof(*list));
    *out = NULL;
    if (list == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d evaluations", room);
    for (int k = 0; k < p->num; k++)
        cJSON_ArrayForEach(item, igd_get(p->json[k], "evaluations"))
        {
            const double step = igd_number_of(item, "step");
            const double round = igd_number_of(item, "round");
            if (strcmp(igd_string_of(item, "classifier"), u->name) == 0 && step >= 0.0 &&
                step <= s->steps && round >= 1.0 && round <= MOST_ROUNDS)
                list[many++] = (igd_radius_asked){u, (int)step, (int)round};
        }
    qsort(list, (size_t)many, sizeof(*list), by_round);
    *num = 0;
    for (int k = 0; k < many; k++)
        if (k == 0 || by_round(&list[k], &list[*num - 1]) != 0)
            list[(*num)++] = list[k];
    *out = list;
    return IGD_OK;
}

// The place of an evaluation in the list of an analysis.
static const cJSON *find_evaluation(const cJSON *analysis, const void *name)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, igd_get(analysis, "evaluations"))
    {
        if (strcmp(igd_string_of(item, "name"), name) == 0)
            return item;
    }
    return NULL;
}

static igd_status join_member(igd_radius_search *s, const igd_radius_subject *u, int step,
                              int round, char *name, size_t size, const igd_flags **t)
{
    const int member = s->series.num;
    igd_radius_name_member(name, size, s, u, step, round);
    IGD_TRY(igd_radius_grow(s, u, step, round));
    IGD_TRY(igd_series_join(&s->series, name, find_evaluation, name));
    *t = &s->series.results[member]->flags;
    return IGD_OK;
}

// What a joined member says of its images, which stand in the order of all.
static igd_status take_in(igd_radius_search *s, igd_radius_subject *u, int step,
                          int round)
{
    char name[64];
    const int member = s->series.num;
    const igd_flags *t, *all;
    int64_t i = -1, fallen = 0;
    IGD_TRY(join_member(s, u, step, round, name, sizeof(name), &t));
    all = &s->series.results[u->first]->flags;
    for (int64_t k = 0; k < t->num_images; k++) {
        do
            i++;
        while (i < s->n && all->index[i] != t->index[k]);
        igd_radius_image *m = i < s->n ? &u->images[i] : NULL;
        const bool stood = igd_radius_withstood(s, member, k);
        if (m == NULL || !igd_radius_is_open(m) ||
            (step > 0 ? step <= m->low || step >= m->high : round > 1))
            return igd_error(IGD_EFORMAT, "%s: not of the images that are asked there",
                             name);
        if (step > 0)
            igd_radius_note(m, step, stood, (igd_point_at){member, k});
        fallen += step == 0 && !stood;
    }
    return igd_radius_check_smallest(s, u, fallen);
}

static igd_status join_subject(igd_radius_search *s, igd_radius_subject *u)
{
    char name[64];
    igd_radius_asked *list = NULL;
    const igd_flags *t;
    int num = 0;
    igd_status st;

    u->first = s->series.num;
    IGD_TRY(join_member(s, u, s->steps, 1, name, sizeof(name), &t));
    if (t->num_images != s->n)
        return igd_error(IGD_EFORMAT, "%s: of %lld images where the parts have %lld",
                         name, (long long)t->num_images, (long long)s->n);
    igd_radius_note_first(s, u);
    st = list_asked(&list, &num, s, u);
    for (int k = 0; k < num && st == IGD_OK; k++)
        if (list[k].step < s->steps)
            st = take_in(s, u, list[k].step, list[k].round);
    free(list);
    for (int64_t i = 0; i < s->n && st == IGD_OK; i++)
        if (igd_radius_is_open(&u->images[i]))
            st = igd_error(IGD_EFORMAT, "%s: the radius of image %lld is not decided",
                           u->name,
                           (long long)s->series.results[u->first]->flags.index[i]);
    return st;
}

igd_status igd_radius_join(igd_analysis **out, const igd_pieces *pieces)
{
    igd_radius_options o = igd_radius_options_default();
    igd_radius_search s = {.options = &o, .n = 0, .num_subjects = 0};
    igd_status st;

    if ((st = read_asked(&s, &o, pieces)) != IGD_OK ||
        (st = igd_series_init_joined(&s.series, IGD_RADIUS_ROOM, pieces)) != IGD_OK)
        goto done;
    for (int k = 0; k < s.num_subjects; k++)
        if ((st = join_subject(&s, &s.subjects[k])) != IGD_OK)
            goto done;
    if ((st = igd_series_finish(out, igd_radius_json(&s), igd_radius_table, &s)) ==
        IGD_OK)
        st = igd_series_hold(out, &s.series, NULL);

done:
    igd_radius_free(&s);
    return st;
}
