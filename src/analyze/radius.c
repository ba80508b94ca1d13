// Owns the search for the smallest radius at which each image falls.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/attack_list.h"
#include "analyze/radius_points.h"
#include "analyze/series.h"
#include "analyze/series_text.h"
#include "analyze/sweep_impl.h"
#include "core/error.h"
#include "core/json.h"
#include "core/json_build.h"
#include "core/number.h"
#include "core/options.h"
#include "core/require.h"
#include "data/dataset_impl.h"
#include "result/interval.h"
#include "result/result_impl.h"

#define MOST_HALVINGS 12
#define MOST_SUBJECTS 2  // the base model, and the defended one
#define MOST_ROUNDS 1000 // that a part is believed to have needed
#define ROOM 16          // for members at first
#define NUM_SHARES ((int)(sizeof(shares) / sizeof(shares[0])))
// From a point that is known on, the first look below it goes this part of the way down:
// a find costs little, since attacks end with it, and an image that withstands all of
// one.
#define DESCENT 32

static const double shares[] = {0.1, 0.25, 0.5, 0.75, 0.9};

// What is known of an image, in steps of the range: it withstands step low and falls at
// step high. Wrong when clean: both 0. Not at the largest radius: high is beyond the last
// step.
typedef struct image {
    int low, high;
    int guess;       // where the point of `high`, drawn into the ball, should do as well
    bool resisted;   // some step, which is low then
    igd_point_at at; // that point
} image;

// One classifier, of which all is known that was asked.
typedef struct subject {
    const char *name;
    const igd_defense *defense;
    igd_adaptive adaptive;
    igd_views views; // while it is searched
    int first;       // member of the series at the largest radius
    image *images;   // [n]
} subject;

// What a member of the series is.
typedef struct asked {
    const subject *subject;
    int step, round;
} asked;

typedef struct search {
    const igd_radius_options *options;
    const igd_model *base;
    const igd_dataset *data;
    int64_t n;
    int steps; // 2^halvings
    subject subjects[MOST_SUBJECTS];
    int num_subjects;
    igd_shorter shorter; // of the attacks, for what has no pseudo-label
    igd_series series;
    asked *asked;             // owned [series.num]
    igd_points points;        // that members found
    double *eps;              // owned [steps + 1]
    int64_t *rows;            // owned [n]; of the images that are asked
    igd_point_at *at;         // owned [n]; their points
    igd_shrinking *shrinking; // owned [n]
    image *images;            // owned [MOST_SUBJECTS, n]
} search;

static double largest(const search *s)
{
    return s->options->series.evaluate.threat.eps;
}

// n and the options are there.
static igd_status search_init(search *s)
{
    const size_t n = (size_t)s->n + 1;
    const double from = s->options->from;
    s->steps = 1 << s->options->halvings;
    s->eps = malloc(((size_t)s->steps + 1) * sizeof(*s->eps));
    s->rows = malloc(n * sizeof(*s->rows));
    s->at = malloc(n * sizeof(*s->at));
    s->shrinking = malloc(n * sizeof(*s->shrinking));
    s->images = calloc(n, sizeof(*s->images) * MOST_SUBJECTS);
    if (s->eps == NULL || s->rows == NULL || s->at == NULL || s->shrinking == NULL ||
        s->images == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %lld images", (long long)s->n);
    for (int k = 0; k < s->steps; k++)
        s->eps[k] = from + (largest(s) - from) * (double)k / (double)s->steps;
    s->eps[s->steps] = largest(s);
    return IGD_OK;
}

static void search_free(search *s)
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

static void add_subject(search *s, const char *name, const igd_defense *defense)
{
    s->subjects[s->num_subjects] = (subject){
        .name = name,
        .defense = defense,
        .adaptive = defense != NULL ? igd_defense_adaptive(defense) : IGD_ADAPTIVE_NONE,
        .images = s->images + s->n * s->num_subjects};
    s->num_subjects++;
}

static igd_evaluate_options options_of(const search *s, const subject *u)
{
    igd_evaluate_options o = s->options->series.evaluate;
    o.report = IGD_REPORT_UNION;
    if (u->adaptive == IGD_ADAPTIVE_NONE)
        igd_shorter_apply(&o, &s->shorter);
    return o;
}

static igd_status check_range(const search *s)
{
    const igd_radius_options *o = s->options;
    if (o->halvings < 1 || o->halvings > MOST_HALVINGS)
        return igd_error(IGD_EINVAL, "%d halvings, outside 1 to %d", o->halvings,
                         MOST_HALVINGS);
    return o->from >= 0.0 && o->from < largest(s)
               ? IGD_OK
               : igd_error(IGD_EINVAL, "radii from %g to %g", o->from, largest(s));
}

static igd_status check_attacks(const search *s)
{
    for (int k = 0; k < s->num_subjects; k++) {
        const subject *u = &s->subjects[k];
        const igd_evaluate_options e = options_of(s, u);
        if (strcmp(e.attacks, "clean") == 0)
            return igd_error(IGD_EINVAL, "radii need an attack; \"clean\" is none");
        IGD_TRY(igd_evaluate_check(&e, u->defense != NULL, u->adaptive));
    }
    return IGD_OK;
}

// --- what is asked next

static bool is_open(const image *m)
{
    return m->high - m->low > 1;
}

// The step at which an image that is open is asked. A point that does at `guess` leads:
// the radius lies close below, so a small part of the way down is tried first, and when
// that is withstood the rest is halved.
static int next_step(const image *m)
{
    const int top = m->guess > m->low ? m->guess : m->high, width = top - m->low;
    const int down = m->resisted ? width / 2 : width / DESCENT;
    // Where the step below the point's is withstood, it is the point's own turn.
    return width == 1 && top < m->high ? top : top - (down > 1 ? down : 1);
}

static bool withstood(const search *s, int member, int64_t i)
{
    const igd_flags *t = &s->series.results[member]->flags;
    int columns[IGD_MAX_STEPS];
    for (int c = 1; c < t->num_columns; c++)
        columns[c - 1] = c;
    return igd_flags_survives(t, columns, t->num_columns - 1, i, IGD_MAJORITY);
}

// Takes in what became of an image, the place `at`, at a step.
static void note(image *m, int step, bool stood, igd_point_at at)
{
    if (stood) {
        m->low = step;
        m->resisted = true;
        return;
    }
    m->high = m->guess = step;
    m->at = at;
}

// --- asking

static igd_status point_of(float *x_adv, int64_t row, void *payload)
{
    const search *s = payload;
    return igd_points_read(x_adv, &s->points, s->at[row]);
}

static void name_member(char *out, size_t size, const search *s, const subject *u,
                        int step, int round)
{
    char eps[32];
    igd_number_shortest(eps, sizeof(eps), s->eps[step]);
    if (round == 1)
        snprintf(out, size, "%s eps %s", u->name, eps);
    else
        snprintf(out, size, "%s eps %s round %d", u->name, eps, round);
}

// Makes room for another member and what it is asked.
static igd_status grow(search *s, const subject *u, int step, int round)
{
    const int num = s->series.num;
    IGD_TRY(igd_series_grow(&s->series));
    asked *a = realloc(s->asked, ((size_t)num + 1) * sizeof(*a));
    if (a == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d evaluations", num + 1);
    s->asked = a;
    a[num] = (asked){u, step, round};
    return IGD_OK;
}

// Evaluates s->rows [num] at a step, which below the largest radius begins with their
// points, and returns the member of the series.
static igd_status ask(search *s, const subject *u, int step, int round, int64_t num,
                      int *member)
{
    char name[64], sum[IGD_SHA256_LENGTH];
    const igd_start start = {.point = point_of, .payload = s, .sha256 = sum};
    const bool led = step < s->steps;
    igd_dataset *some = NULL;
    igd_evaluate_options o = options_of(s, u);
    igd_status st = IGD_OK;

    name_member(name, sizeof(name), s, u, step, round);
    o.threat.eps = s->eps[step];
    o.checks = o.checks && !led;
    IGD_TRY(grow(s, u, step, round));
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
static igd_status lead(search *s, subject *u, int member, int64_t num)
{
    const igd_evaluate_options o = options_of(s, u);
    int64_t found = 0;
    for (int64_t i = 0; i < num; i++) {
        const image *m = &u->images[s->rows[i]];
        if (m->at.member == member && is_open(m))
            s->shrinking[found++] = (igd_shrinking){s->rows[i], m->at, m->low, m->high};
    }
    IGD_TRY(igd_points_shrink(s->shrinking, found, &s->points,
                              igd_classifier_exact(u->views.judged), s->data, s->eps,
                              &o));
    for (int64_t i = 0; i < found; i++)
        u->images[s->shrinking[i].row].guess = s->shrinking[i].high;
    return IGD_OK;
}

static void note_first(search *s, subject *u)
{
    const igd_flags *t = &s->series.results[u->first]->flags;
    for (int64_t i = 0; i < s->n; i++) {
        image *m = &u->images[i];
        const bool right = igd_flags_correct(t, 0, i, IGD_MAJORITY);
        const bool beyond = withstood(s, u->first, i);
        *m = (image){.low = beyond ? s->steps : 0,
                     .high = beyond ? s->steps + 1 : 0,
                     .at = {.member = -1}};
        if (right && !beyond)
            note(m, s->steps, false, (igd_point_at){u->first, i});
    }
}

static igd_status smallest_falls(const search *s, const subject *u, int64_t fallen)
{
    return fallen == 0
               ? IGD_OK
               : igd_error(IGD_EINVAL,
                           "%s: %lld images fall at the smallest radius already, %g; "
                           "begin below it (0 is the clean image)",
                           u->name, (long long)fallen, s->options->from);
}

// All images at the largest radius, and the images as they are.
static igd_status ask_ends(search *s, subject *u)
{
    int64_t num = 0, fallen = 0;
    int member;
    for (int64_t i = 0; i < s->n; i++)
        s->rows[i] = i;
    IGD_TRY(ask(s, u, s->steps, 1, s->n, &u->first));
    note_first(s, u);
    IGD_TRY(lead(s, u, u->first, s->n));
    for (int64_t i = 0; i < s->n; i++)
        if (is_open(&u->images[i]))
            s->rows[num++] = i;
    if (s->options->from == 0.0 || num == 0)
        return IGD_OK;
    IGD_TRY(ask(s, u, 0, 1, num, &member));
    for (int64_t i = 0; i < num; i++)
        fallen += !withstood(s, member, i);
    return smallest_falls(s, u, fallen);
}

// Asks each step once, from the largest down, of the images that are due there by then:
// those that fall come again below. *num_asked is how many there were.
static igd_status descend(search *s, subject *u, int round, int64_t *num_asked)
{
    *num_asked = 0;
    for (int step = s->steps - 1; step > 0; step--) {
        int64_t num = 0;
        int member;
        for (int64_t i = 0; i < s->n; i++)
            if (is_open(&u->images[i]) && next_step(&u->images[i]) == step)
                s->rows[num++] = i;
        if (num == 0)
            continue;
        IGD_TRY(ask(s, u, step, round, num, &member));
        for (int64_t i = 0; i < num; i++)
            note(&u->images[s->rows[i]], step, withstood(s, member, i),
                 (igd_point_at){member, i});
        IGD_TRY(lead(s, u, member, num));
        *num_asked += num;
    }
    return IGD_OK;
}

static igd_status run_subject(search *s, subject *u)
{
    int64_t num_asked = 1;
    IGD_TRY(ask_ends(s, u));
    for (int round = 1; num_asked > 0; round++)
        IGD_TRY(descend(s, u, round, &num_asked));
    return IGD_OK;
}

static igd_status run(search *s)
{
    for (int k = 0; k < s->num_subjects; k++) {
        subject *u = &s->subjects[k];
        const igd_evaluate_options o = options_of(s, u);
        igd_status st = igd_views_make(&u->views, s->base, u->defense, s->data, &o);
        if (st == IGD_OK)
            st = run_subject(s, u);
        igd_views_free(&u->views);
        IGD_TRY(st);
    }
    return IGD_OK;
}

// --- what is written down

// Images that withstand a step; at step 0 those that are right when clean.
static int64_t standing(const search *s, const subject *u, int step)
{
    int64_t num = 0;
    for (int64_t i = 0; i < s->n; i++)
        num += u->images[i].high > 0 && u->images[i].low >= step;
    return num;
}

// The first step at which a share of the images has fallen, NAN where none is.
static double radius_of(const search *s, const subject *u, double share)
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

static cJSON *image_json(const search *s, const subject *u, int64_t i)
{
    cJSON *o = cJSON_CreateObject();
    const image *m = &u->images[i];
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

static cJSON *subject_json(const search *s, const subject *u)
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

static cJSON *radius_json(const search *s)
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
        const asked *a = &s->asked[k];
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

static void radius_print(FILE *f, const void *payload)
{
    const search *s = payload;
    igd_print(f,
              "Smallest eps at which so many of the images have fallen, to within "
              "%.5f:\n\n%-10s %8s",
              (largest(s) - s->options->from) / s->steps, "", "clean");
    for (int k = 0; k < NUM_SHARES; k++)
        igd_print(f, "  %5.0f %%", 100.0 * shares[k]);
    fputs("  still right\n", f);
    for (int k = 0; k < s->num_subjects; k++) {
        const subject *u = &s->subjects[k];
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

igd_status igd_radius(igd_analysis **out, const igd_model *base,
                      const igd_defense *defense, const igd_dataset *data,
                      const igd_radius_options *options)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(base);
    IGD_REQUIRE(data);
    IGD_OPTIONS(igd_radius_options, own, options);
    search s = {.options = &own, .base = base, .data = data, .n = igd_dataset_size(data)};
    const igd_series_options *o = &s.options->series;
    igd_status st;

    if ((st = check_range(&s)) != IGD_OK || (st = search_init(&s)) != IGD_OK)
        goto done;
    add_subject(&s, "base", NULL);
    if (defense != NULL)
        add_subject(&s, "defended", defense);
    if ((st = igd_shorter_init(&s.shorter, &o->evaluate, IGD_ADAPTIVE_NONE)) != IGD_OK ||
        (st = check_attacks(&s)) != IGD_OK ||
        (st = igd_series_init(&s.series, ROOM, o->folder, o->evaluate.attacks)) !=
            IGD_OK ||
        (st = run(&s)) != IGD_OK)
        goto done;
    st = igd_series_finish(out, radius_json(&s), radius_print, &s);

done:
    search_free(&s);
    return st;
}

// --- joined

// What was asked, and of how many images.
static igd_status read_asked(search *s, igd_radius_options *o, const igd_pieces *p)
{
    const cJSON *threat, *data, *classifier;
    int64_t halvings, count;
    IGD_TRY(igd_json_object(&threat, p->json[0], "threat", p->path[0]));
    IGD_TRY(igd_json_number(&o->series.evaluate.threat.eps, threat, "eps", p->path[0]));
    IGD_TRY(igd_json_number(&o->from, p->json[0], "from", p->path[0]));
    IGD_TRY(igd_json_integer(&halvings, p->json[0], "halvings", p->path[0]));
    o->halvings = halvings < 1 || halvings > MOST_HALVINGS ? 0 : (int)halvings;
    if (check_range(s) != IGD_OK)
        return igd_error(IGD_EFORMAT, "%s: not a search over radii", p->path[0]);
    for (int k = 0; k < p->num; k++) {
        IGD_TRY(igd_json_object(&data, p->json[k], "data", p->path[k]));
        IGD_TRY(igd_json_integer(&count, data, "count", p->path[k]));
        if (count < 1 || count > INT32_MAX)
            return igd_error(IGD_EFORMAT, "%s: of %lld images", p->path[k],
                             (long long)count);
        s->n += count;
    }
    IGD_TRY(search_init(s));
    cJSON_ArrayForEach(classifier, igd_get(p->json[0], "classifiers"))
    {
        if (s->num_subjects < MOST_SUBJECTS) // igd_analysis_check() has counted them
            add_subject(s, igd_string_of(classifier, "name"), NULL);
    }
    return IGD_OK;
}

static int by_round(const void *a, const void *b)
{
    const asked *p = a, *q = b;
    return p->round != q->round ? (p->round > q->round) - (p->round < q->round)
                                : (p->step < q->step) - (p->step > q->step);
}

// What the parts asked a classifier, each once, in the order of the search; owned.
static igd_status list_asked(asked **out, int *num, const search *s, const subject *u)
{
    const igd_pieces *p = s->series.pieces;
    const cJSON *item;
    int room = 0, many = 0;
    for (int k = 0; k < p->num; k++)
        room += cJSON_GetArraySize(igd_get(p->json[k], "evaluations"));
    asked *list = malloc(((size_t)room + 1) * sizeof(*list));
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
                list[many++] = (asked){u, (int)step, (int)round};
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

static igd_status join_member(search *s, const subject *u, int step, int round,
                              char *name, size_t size, const igd_flags **t)
{
    const int member = s->series.num;
    name_member(name, size, s, u, step, round);
    IGD_TRY(grow(s, u, step, round));
    IGD_TRY(igd_series_join(&s->series, name, find_evaluation, name));
    *t = &s->series.results[member]->flags;
    return IGD_OK;
}

// What a joined member says of its images, which stand in the order of all.
static igd_status take_in(search *s, subject *u, int step, int round)
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
        image *m = i < s->n ? &u->images[i] : NULL;
        const bool stood = withstood(s, member, k);
        if (m == NULL || !is_open(m) ||
            (step > 0 ? step <= m->low || step >= m->high : round > 1))
            return igd_error(IGD_EFORMAT, "%s: not of the images that are asked there",
                             name);
        if (step > 0)
            note(m, step, stood, (igd_point_at){member, k});
        fallen += step == 0 && !stood;
    }
    return smallest_falls(s, u, fallen);
}

static igd_status join_subject(search *s, subject *u)
{
    char name[64];
    asked *list = NULL;
    const igd_flags *t;
    int num = 0;
    igd_status st;

    u->first = s->series.num;
    IGD_TRY(join_member(s, u, s->steps, 1, name, sizeof(name), &t));
    if (t->num_images != s->n)
        return igd_error(IGD_EFORMAT, "%s: of %lld images where the parts have %lld",
                         name, (long long)t->num_images, (long long)s->n);
    note_first(s, u);
    st = list_asked(&list, &num, s, u);
    for (int k = 0; k < num && st == IGD_OK; k++)
        if (list[k].step < s->steps)
            st = take_in(s, u, list[k].step, list[k].round);
    free(list);
    for (int64_t i = 0; i < s->n && st == IGD_OK; i++)
        if (is_open(&u->images[i]))
            st = igd_error(IGD_EFORMAT, "%s: the radius of image %lld is not decided",
                           u->name,
                           (long long)s->series.results[u->first]->flags.index[i]);
    return st;
}

igd_status igd_radius_join(igd_analysis **out, const igd_pieces *pieces)
{
    igd_radius_options o = igd_radius_options_default();
    search s = {.options = &o, .n = 0, .num_subjects = 0};
    igd_status st;

    if ((st = read_asked(&s, &o, pieces)) != IGD_OK ||
        (st = igd_series_init_joined(&s.series, ROOM, pieces)) != IGD_OK)
        goto done;
    for (int k = 0; k < s.num_subjects; k++)
        if ((st = join_subject(&s, &s.subjects[k])) != IGD_OK)
            goto done;
    if ((st = igd_series_finish(out, radius_json(&s), radius_print, &s)) == IGD_OK)
        st = igd_series_hold(out, &s.series, NULL);

done:
    search_free(&s);
    return st;
}
