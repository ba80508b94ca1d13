// Owns what is known of a search over radii, and how it grows.
#include "analyze/radius_search.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/error.h"
#include "core/number.h"
#include "result/result_impl.h"

igd_status igd_radius_check_range(const igd_radius_search *s)
{
    const igd_radius_options *o = s->options;
    if (o->halvings < 1 || o->halvings > IGD_RADIUS_HALVINGS)
        return igd_error(IGD_EINVAL, "%d halvings, outside 1 to %d", o->halvings,
                         IGD_RADIUS_HALVINGS);
    return o->from >= 0.0 && o->from < igd_radius_largest(s)
               ? IGD_OK
               : igd_error(IGD_EINVAL, "radii from %g to %g", o->from,
                           igd_radius_largest(s));
}

igd_status igd_radius_init(igd_radius_search *s)
{
    const size_t n = (size_t)s->n + 1;
    const double from = s->options->from;
    s->steps = 1 << s->options->halvings;
    s->eps = malloc(((size_t)s->steps + 1) * sizeof(*s->eps));
    s->rows = malloc(n * sizeof(*s->rows));
    s->at = malloc(n * sizeof(*s->at));
    s->shrinking = malloc(n * sizeof(*s->shrinking));
    s->images = calloc(n, sizeof(*s->images) * IGD_RADIUS_SUBJECTS);
    if (s->eps == NULL || s->rows == NULL || s->at == NULL || s->shrinking == NULL ||
        s->images == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %lld images", (long long)s->n);
    for (int k = 0; k < s->steps; k++)
        s->eps[k] = from + (igd_radius_largest(s) - from) * (double)k / (double)s->steps;
    s->eps[s->steps] = igd_radius_largest(s);
    return IGD_OK;
}

void igd_radius_free(igd_radius_search *s)
{
    igd_shorter_free(&s->shorter);
    igd_series_free(&s->series);
    igd_points_free(&s->points);
    free(s->asked);
    free(s->eps);
    free(s->rows);
    free(s->at);
    free(s->shrinking);
    free(s->images);
}

void igd_radius_add_subject(igd_radius_search *s, const char *name,
                            const igd_defense *defense)
{
    s->subjects[s->num_subjects] = (igd_radius_subject){
        .name = name,
        .defense = defense,
        .adaptive = defense != NULL ? igd_defense_adaptive(defense) : IGD_ADAPTIVE_NONE,
        .images = s->images + s->n * s->num_subjects};
    s->num_subjects++;
}

void igd_radius_name_member(char *out, size_t size, const igd_radius_search *s,
                            const igd_radius_subject *u, int step, int round)
{
    char eps[32];
    igd_number_shortest(eps, sizeof(eps), s->eps[step]);
    if (round == 1)
        snprintf(out, size, "%s eps %s", u->name, eps);
    else
        snprintf(out, size, "%s eps %s round %d", u->name, eps, round);
}

igd_status igd_radius_grow(igd_radius_search *s, const igd_radius_subject *u, int step,
                           int round)
{
    const int num = s->series.num;
    IGD_TRY(igd_series_grow(&s->series));
    igd_radius_asked *a = realloc(s->asked, ((size_t)num + 1) * sizeof(*a));
    if (a == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d evaluations", num + 1);
    s->asked = a;
    a[num] = (igd_radius_asked){u, step, round};
    return IGD_OK;
}

bool igd_radius_withstood(const igd_radius_search *s, int member, int64_t i)
{
    const igd_flags *t = &s->series.results[member]->flags;
    int columns[IGD_MAX_STEPS];
    for (int c = 1; c < t->num_columns; c++)
        columns[c - 1] = c;
    return igd_flags_survives(t, columns, t->num_columns - 1, i, IGD_MAJORITY);
}

void igd_radius_note(igd_radius_image *m, int step, bool stood, igd_point_at at)
{
    if (stood) {
        m->low = step;
        m->resisted = true;
        return;
    }
    m->high = m->guess = step;
    m->at = at;
}

void igd_radius_note_first(igd_radius_search *s, igd_radius_subject *u)
{
    const igd_flags *t = &s->series.results[u->first]->flags;
    for (int64_t i = 0; i < s->n; i++) {
        igd_radius_image *m = &u->images[i];
        const bool right = igd_flags_correct(t, 0, i, IGD_MAJORITY);
        const bool beyond = igd_radius_withstood(s, u->first, i);
        *m = (igd_radius_image){.low = beyond ? s->steps : 0,
                                .high = beyond ? s->steps + 1 : 0,
                                .at = {.member = -1}};
        if (right && !beyond)
            igd_radius_note(m, s->steps, false, (igd_point_at){u->first, i});
    }
}

igd_status igd_radius_check_smallest(const igd_radius_search *s,
                                     const igd_radius_subject *u, int64_t fallen)
{
    return fallen == 0
               ? IGD_OK
               : igd_error(IGD_EINVAL,
                           "%s: %lld images fall at the smallest radius already, %g; "
                           "begin below it (0 is the clean image)",
                           u->name, (long long)fallen, s->options->from);
}
