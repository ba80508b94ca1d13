// Owns the search for the smallest radius at which each image falls.
#include "analyze/radius_search.h"

#include <stdio.h>
#include <string.h>

#include "analyze/series_text.h"
#include "core/error.h"
#include "core/options.h"
#include "core/require.h"
#include "data/dataset_impl.h"

// From a point that is known on, the first look below it goes this part of the way down:
// a find costs little, since attacks end with it, and an image that withstands all of
// one.
#define DESCENT 32

static igd_evaluate_options options_of(const igd_radius_search *s,
                                       const igd_radius_subject *u)
{
    igd_evaluate_options o = s->options->series.evaluate;
    o.report = IGD_REPORT_UNION;
    if (u->adaptive == IGD_ADAPTIVE_NONE)
        igd_shorter_apply(&o, &s->shorter);
    return o;
}

static igd_status check_attacks(const igd_radius_search *s)
{
    for (int k = 0; k < s->num_subjects; k++) {
        const igd_radius_subject *u = &s->subjects[k];
        const igd_evaluate_options e = options_of(s, u);
        if (strcmp(e.attacks, "clean") == 0)
            return igd_error(IGD_EINVAL, "radii need an attack; \"clean\" is none");
        IGD_TRY(igd_evaluate_check(&e, u->defense != NULL, u->adaptive));
    }
    return IGD_OK;
}

// --- what is asked next

// The step at which an image that is open is asked. A point that does at `guess` leads:
// the radius lies close below, so a small part of the way down is tried first, and when
// that is withstood the rest is halved.
static int next_step(const igd_radius_image *m)
{
    const int top = m->guess > m->low ? m->guess : m->high, width = top - m->low;
    const int down = m->resisted ? width / 2 : width / DESCENT;
    // Where the step below the point's is withstood, it is the point's own turn.
    return width == 1 && top < m->high ? top : top - (down > 1 ? down : 1);
}

// --- asking

static igd_status point_of(float *x_adv, int64_t row, void *payload)
{
    const igd_radius_search *s = payload;
    return igd_points_read(x_adv, &s->points, s->at[row]);
}

// Evaluates s->rows [num] at a step, which below the largest radius begins with their
// points, and returns the member of the series.
static igd_status ask(igd_radius_search *s, const igd_radius_subject *u, int step,
                      int round, int64_t num, int *member)
{
    char name[64], sum[IGD_SHA256_LENGTH];
    const igd_start start = {.point = point_of, .payload = s, .sha256 = sum};
    const bool led = step < s->steps;
    igd_dataset *some = NULL;
    igd_evaluate_options o = options_of(s, u);
    igd_status st = IGD_OK;

    igd_radius_name_member(name, sizeof(name), s, u, step, round);
    o.threat.eps = s->eps[step];
    o.checks = o.checks && !led;
    IGD_TRY(igd_radius_grow(s, u, step, round));
    *member = igd_series_add(&s->series, name, u->defense, &o);
    s->series.members[*member].keeps_points = true;
    if (led) {
        for (int64_t i = 0; i < num; i++)
            s->at[i] = u->images[s->rows[i]].at;
        IGD_TRY(igd_points_sha256(sum, &s->points, s->at, num));
    }
    if (num < s->n) // all of them may be a part of a run, which is then said
        st = igd_dataset_take(&some, s->data, s->rows, num);
    if (st == IGD_OK)
        st = igd_series_run_one(&s->series, *member, s->base,
                                some != NULL ? some : s->data, led ? &start : NULL);
    igd_dataset_free(some);
    return st == IGD_OK ? igd_points_add(&s->points, &s->series) : st;
}

// Draws the points that a member has just found for images of s->rows [num] further in.
static igd_status lead(igd_radius_search *s, igd_radius_subject *u, int member,
                       int64_t num)
{
    const igd_evaluate_options o = options_of(s, u);
    int64_t found = 0;
    for (int64_t i = 0; i < num; i++) {
        const igd_radius_image *m = &u->images[s->rows[i]];
        if (m->at.member == member && igd_radius_is_open(m))
            s->shrinking[found++] = (igd_shrinking){s->rows[i], m->at, m->low, m->high};
    }
    IGD_TRY(igd_points_shrink(s->shrinking, found, &s->points,
                              igd_classifier_exact(u->views.judged), s->data, s->eps,
                              &o));
    for (int64_t i = 0; i < found; i++)
        u->images[s->shrinking[i].row].guess = s->shrinking[i].high;
    return IGD_OK;
}

// All images at the largest radius, and the images as they are.
static igd_status ask_ends(igd_radius_search *s, igd_radius_subject *u)
{
    int64_t num = 0, fallen = 0;
    int member;
    for (int64_t i = 0; i < s->n; i++)
        s->rows[i] = i;
    IGD_TRY(ask(s, u, s->steps, 1, s->n, &u->first));
    igd_radius_note_first(s, u);
    IGD_TRY(lead(s, u, u->first, s->n));
    for (int64_t i = 0; i < s->n; i++)
        if (igd_radius_is_open(&u->images[i]))
            s->rows[num++] = i;
    if (s->options->from == 0.0 || num == 0)
        return IGD_OK;
    IGD_TRY(ask(s, u, 0, 1, num, &member));
    for (int64_t i = 0; i < num; i++)
        fallen += !igd_radius_withstood(s, member, i);
    return igd_radius_check_smallest(s, u, fallen);
}

// Asks each step once, from the largest down, of the images that are due there by then:
// those that fall come again below. *num_asked is how many there were.
static igd_status descend(igd_radius_search *s, igd_radius_subject *u, int round,
                          int64_t *num_asked)
{
    *num_asked = 0;
    for (int step = s->steps - 1; step > 0; step--) {
        int64_t num = 0;
        int member;
        for (int64_t i = 0; i < s->n; i++)
            if (igd_radius_is_open(&u->images[i]) && next_step(&u->images[i]) == step)
                s->rows[num++] = i;
        if (num == 0)
            continue;
        IGD_TRY(ask(s, u, step, round, num, &member));
        for (int64_t i = 0; i < num; i++)
            igd_radius_note(&u->images[s->rows[i]], step,
                            igd_radius_withstood(s, member, i),
                            (igd_point_at){member, i});
        IGD_TRY(lead(s, u, member, num));
        *num_asked += num;
    }
    return IGD_OK;
}

static igd_status run_subject(igd_radius_search *s, igd_radius_subject *u)
{
    int64_t num_asked = 1;
    IGD_TRY(ask_ends(s, u));
    for (int round = 1; num_asked > 0; round++)
        IGD_TRY(descend(s, u, round, &num_asked));
    return IGD_OK;
}

static igd_status run(igd_radius_search *s)
{
    for (int k = 0; k < s->num_subjects; k++) {
        igd_radius_subject *u = &s->subjects[k];
        const igd_evaluate_options o = options_of(s, u);
        igd_status st = igd_views_make(&u->views, s->base, u->defense, s->data, &o);
        if (st == IGD_OK)
            st = run_subject(s, u);
        igd_views_free(&u->views);
        IGD_TRY(st);
    }
    return IGD_OK;
}

igd_status igd_radius(igd_analysis **out, const igd_model *base,
                      const igd_defense *defense, const igd_dataset *data,
                      const igd_radius_options *options)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(base);
    IGD_REQUIRE(data);
    IGD_OPTIONS(igd_radius_options, own, options);
    igd_radius_search s = {
        .options = &own, .base = base, .data = data, .n = igd_dataset_size(data)};
    const igd_series_options *o = &s.options->series;
    igd_status st;

    if ((st = igd_radius_check_range(&s)) != IGD_OK ||
        (st = igd_radius_init(&s)) != IGD_OK)
        goto done;
    igd_radius_add_subject(&s, "base", NULL);
    if (defense != NULL)
        igd_radius_add_subject(&s, "defended", defense);
    if ((st = igd_shorter_init(&s.shorter, &o->evaluate, IGD_ADAPTIVE_NONE)) != IGD_OK ||
        (st = check_attacks(&s)) != IGD_OK ||
        (st = igd_series_init(&s.series, IGD_RADIUS_ROOM, o->folder,
                              o->evaluate.attacks)) != IGD_OK ||
        (st = run(&s)) != IGD_OK)
        goto done;
    st = igd_series_finish(out, igd_radius_json(&s), igd_radius_table, &s);

done:
    igd_radius_free(&s);
    return st;
}
