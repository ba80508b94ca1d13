// The smallest keep whose clean accuracy is within a budget of the base model's.
//
// Source: Kulkarni and Weng, ECCV 2024, appendix C.3.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analysis_impl.h"
#include "analyze/experiment.h"
#include "analyze/keep_curve.h"
#include "chart/analysis_check.h"
#include "core/chance.h"
#include "core/error.h"
#include "core/json.h"
#include "core/json_build.h"
#include "core/logits.h"
#include "core/number.h"
#include "core/options.h"
#include "core/require.h"
#include "data/loader.h"
#include "defend/defense_impl.h"
#include "evaluate/session.h"
#include "model/model_impl.h"
#include "rank/jacobian.h"
#include "result/interval.h"

typedef struct search {
    const igd_search_keep_options *o;
    const igd_model *base;
    const igd_ranking *ranking;
    const igd_dataset *data;
    const igd_classifier *f;
    igd_defense *defense; // with any keep: gives the pseudo-labels
    const igd_cut *cut;   // of the defense
    igd_tensor *jacobian; // NULL: bisection
    int C, K;
    int64_t N, d, seen; // images; pixels; images so far in this pass over them
    igd_keep_curve curve;
    int64_t *correct; // [K + 1] by keep
    bool *tried;      // [K + 1]
    int64_t base_correct;
    igd_sparse *pseudo; // [N]
    double passes;      // of the base network, per image
    double done, total; // of those, for all images

    // A batch, filled up to a multiple of IGD_BATCH_ROWS.
    int64_t room;
    float *images; // [room, d]
    float *logits; // [room, C]
    float *mask;   // [room, K]
    igd_draw *draws;
} search;

static void search_free(search *s)
{
    for (int64_t i = 0; s->pseudo != NULL && i < s->N; i++) {
        free(s->pseudo[i].class);
        free(s->pseudo[i].part);
    }
    free(s->pseudo);
    igd_tensor_free(s->jacobian);
    igd_defense_free(s->defense);
    free(s->correct);
    free(s->tried);
    free(s->images);
    free(s->logits);
    free(s->mask);
    free(s->draws);
}

static igd_status search_init(search *s)
{
    const int64_t batch = s->o->run.batch_size < s->N ? s->o->run.batch_size : s->N;
    s->room = (batch + IGD_BATCH_ROWS - 1) / IGD_BATCH_ROWS * IGD_BATCH_ROWS;
    const size_t rows = (size_t)s->room, K = (size_t)s->K;
    s->correct = calloc(K + 1, sizeof(*s->correct));
    s->tried = calloc(K + 1, sizeof(*s->tried));
    s->pseudo = calloc((size_t)s->N, sizeof(*s->pseudo));
    s->images = malloc(rows * (size_t)s->d * sizeof(float));
    s->logits = malloc(rows * (size_t)s->C * sizeof(float));
    s->mask = malloc(rows * K * sizeof(float));
    s->draws = malloc(rows * sizeof(*s->draws));
    if (s->correct == NULL || s->tried == NULL || s->pseudo == NULL ||
        s->images == NULL || s->logits == NULL || s->mask == NULL || s->draws == NULL)
        return igd_error(IGD_ENOMEM, "no memory to search %d neurons", s->K);
    s->curve = (igd_keep_curve){.cut = s->cut,
                                .f = s->f,
                                .ranking = s->ranking,
                                .jacobian = s->jacobian,
                                .C = s->C,
                                .K = s->K,
                                .correct = s->correct};
    return IGD_OK;
}

// --- batches

// Copies a batch, filled up with its last image. @return its rows
static int64_t fill(search *s, const igd_batch *b)
{
    const int64_t rows = (b->n + IGD_BATCH_ROWS - 1) / IGD_BATCH_ROWS * IGD_BATCH_ROWS;
    const size_t each = (size_t)s->d * sizeof(float);
    for (int64_t i = 0; i < rows; i++) {
        const int64_t from = i < b->n ? i : b->n - 1;
        memcpy(s->images + i * s->d, b->images + from * s->d, each);
        // Those by which an evaluation judges clean images.
        s->draws[i] = igd_judge_draw(s->o->run.seed, "clean",
                                     igd_dataset_index(s->data, b->which[from]), 0);
    }
    return rows;
}

static igd_tensor *images_of(igd_scope *t, const search *s, int64_t rows)
{
    const int64_t *shape = s->f->shape;
    return igt_view(t, s->images, (int64_t[]){rows, shape[0], shape[1], shape[2]}, 4,
                    s->f->device);
}

static int64_t count_correct(const search *s, const igd_batch *b)
{
    int64_t hits = 0;
    for (int64_t i = 0; i < b->n; i++)
        hits += igd_argmax(s->logits + i * s->C, s->C) == b->labels[i];
    return hits;
}

// Leaves the zeros of the pseudo-labels p [n, C] out, which are nearly all of them.
static igd_status keep_pseudo(igd_sparse *out, const float *p, int64_t n, int C)
{
    for (int64_t i = 0; i < n; i++) {
        int num = 0;
        for (int c = 0; c < C; c++)
            num += p[i * C + c] != 0.0f;
        out[i].class = malloc((size_t)num * sizeof(int) + 1);
        out[i].part = malloc((size_t)num * sizeof(float) + 1);
        if (out[i].class == NULL || out[i].part == NULL)
            return igd_error(IGD_ENOMEM, "no memory for pseudo-labels");
        for (int c = 0; c < C; c++)
            if (p[i * C + c] != 0.0f) {
                out[i].class[out[i].num] = c;
                out[i].part[out[i].num++] = p[i * C + c];
            }
    }
    return IGD_OK;
}

// The first look at a batch: clean logits, pseudo-labels, and with an affine suffix the
// whole curve.
static igd_status first_look(search *s, const igd_batch *b)
{
    const int64_t rows = fill(s, b);
    igd_sparse *pseudo = s->pseudo + s->seen;
    igd_scope t = igd_scope_begin(NULL);
    igd_carried *carried = NULL;
    igd_tensor *x = images_of(&t, s, rows);
    igd_tensor *act = igt_prefix(&t, s->cut, x, &carried);
    igd_status st;

    igt_read(&t, igt_suffix(&t, s->cut, act, carried), s->logits, rows * s->C);
    if ((st = t.status) != IGD_OK)
        goto done;
    s->base_correct += count_correct(s, b);
    igd_tensor *p = igt_pseudo_label(&t, s->defense, x, s->draws, act, carried);
    igt_read(&t, p, s->logits, rows * s->C);
    if ((st = t.status) != IGD_OK ||
        (st = keep_pseudo(pseudo, s->logits, b->n, s->C)) != IGD_OK)
        goto done;
    if (s->jacobian != NULL)
        st = igd_keep_curve_add(&s->curve, &t, act, carried, rows, b->n, b->labels,
                                pseudo);

done:
    igd_scope_end(&t);
    return st;
}

// Adds the images of a batch that are right at a keep.
static igd_status look_at(search *s, const igd_batch *b, int keep)
{
    const int64_t rows = fill(s, b);
    for (int64_t i = 0; i < rows; i++)
        igd_keep_mask(s->mask + i * s->K, s->ranking,
                      &s->pseudo[s->seen + (i < b->n ? i : b->n - 1)], keep);
    igd_scope t = igd_scope_begin(NULL);
    igd_carried *carried = NULL;
    igd_tensor *act = igt_prefix(&t, s->cut, images_of(&t, s, rows), &carried);
    igd_tensor *m = igt_view(&t, s->mask, (int64_t[]){rows, s->K}, 2, s->f->device);
    igd_tensor *z = igt_suffix(&t, s->cut, igt_mask_neurons(&t, s->cut, act, m), carried);
    igt_read(&t, z, s->logits, rows * s->C);
    const igd_status st = igd_scope_close(&t);
    if (st == IGD_OK)
        s->correct[keep] += count_correct(s, b);
    return st;
}

// One pass over all images: the first look, or one keep.
static igd_status pass(search *s, int keep)
{
    const char *stage = s->jacobian != NULL ? "every keep" : "bisection";
    const double each =
        keep == 0 && s->o->defense.sigma > 0.0 ? s->o->defense.num_smooth + 1.0 : 1.0;
    igd_loader *loader = NULL;
    igd_batch b;
    igd_status st = igd_loader_open(&loader, s->data, NULL, s->N, s->o->run.batch_size);
    s->seen = 0;
    while (st == IGD_OK && (st = igd_loader_next(loader, &b)) == IGD_OK && b.n > 0) {
        st = keep == 0 ? first_look(s, &b) : look_at(s, &b, keep);
        s->seen += b.n;
        s->done += each * (double)b.n;
        if (st == IGD_OK)
            st = igd_experiment_tick(&s->o->run, stage, s->done, s->total);
    }
    igd_loader_free(loader);
    s->passes += each;
    if (st == IGD_OK && keep > 0)
        s->tried[keep] = true;
    return st;
}

// --- the search

static bool within_budget(const search *s, int keep)
{
    const double lost = (double)(s->base_correct - s->correct[keep]);
    return lost <= s->o->budget * (double)s->N + 1e-9;
}

// Narrows (low, high]: high is within the budget, low is taken not to be.
static igd_status bisect(search *s, int *keep)
{
    int low = 0, high = s->K;
    s->correct[s->K] = s->base_correct; // nothing is masked then
    s->tried[s->K] = true;
    while (high - low > 1) {
        const int middle = low + (high - low) / 2;
        IGD_TRY(pass(s, middle));
        if (within_budget(s, middle))
            high = middle;
        else
            low = middle;
    }
    *keep = high;
    return IGD_OK;
}

static igd_status run(search *s, int *keep)
{
    const double noisy = s->o->defense.sigma > 0.0 ? s->o->defense.num_smooth : 0.0;
    const double steps = s->jacobian != NULL ? 0.0 : ceil(log2((double)s->K));
    s->total = (double)s->N * (noisy + 1.0 + steps);
    IGD_TRY(pass(s, 0));
    if (s->jacobian == NULL)
        return bisect(s, keep);
    // All neurons are within any budget, but for what rounding does to a mask of parts.
    for (*keep = 1; *keep < s->K && !within_budget(s, *keep); ++*keep)
        ;
    for (int k = 1; k <= s->K; k++)
        s->tried[k] = true;
    return IGD_OK;
}

// --- what was found

// Images that the ranking was made on, as far as their places tell: as many training
// images as it counts, from the first on, as igdef rank --count takes them.
static void warn_seen(igd_findings *f, const search *s)
{
    const char *split = s->o->run.data_split;
    const int64_t ranked = igd_ranking_num_images(s->ranking);
    int64_t seen = 0;
    for (int64_t i = 0; i < s->N; i++)
        seen += igd_dataset_index(s->data, i) < ranked;
    if (split != NULL && strcmp(split, "train") == 0 && seen > 0)
        igd_warn(
            &f->warnings, IGD_WARN_SEEN,
            "%lld of the %lld images are among the first %lld, as many as the ranking "
            "was made on; others judge keep better",
            (long long)seen, (long long)s->N, (long long)ranked);
}

// The numbers with what they point to.
typedef struct keep_numbers {
    igd_search_keep_numbers of;
    igd_keep_point points[];
} keep_numbers;

// Owned; NULL without memory.
static igd_search_keep_numbers *take_numbers(const search *s, int keep)
{
    keep_numbers *n = malloc(sizeof(*n) + (size_t)s->K * sizeof(*n->points));
    if (n == NULL)
        return NULL;
    const double N = (double)s->N;
    const igd_interval v = igd_interval_of(s->correct[keep], s->N);
    n->of = (igd_search_keep_numbers){.keep = keep,
                                      .clean_acc = (double)s->correct[keep] / N,
                                      .low = v.low,
                                      .high = v.high,
                                      .base_clean_acc = (double)s->base_correct / N,
                                      .one_pass = s->jacobian != NULL,
                                      .passes = s->passes,
                                      .num_images = s->N,
                                      .points = n->points};
    for (int k = 1; k <= s->K; k++)
        if (s->tried[k])
            n->points[n->of.num_points++] =
                (igd_keep_point){k, (double)s->correct[k] / N};
    return &n->of;
}

static void add_results(igd_findings *f, const igd_search_keep_numbers *n,
                        const search *s)
{
    cJSON *root = f->root;
    igd_json_add_number(root, "budget", s->o->budget);
    igd_json_add_string(root, "method", n->one_pass ? "one-pass" : "bisection");
    igd_json_add_number(root, "base_clean_acc", n->base_clean_acc);
    igd_json_add_number(root, "keep", n->keep);
    igd_json_add_number(root, "clean_acc", n->clean_acc);
    igd_json_add_item(root, "interval",
                      igd_interval_json((igd_interval){n->low, n->high}));
    cJSON *points = igd_json_add_array(root, "points");
    for (int k = 0; k < n->num_points; k++) {
        cJSON *p = cJSON_CreateObject();
        igd_json_add_number(p, "keep", n->points[k].keep);
        igd_json_add_number(p, "clean_acc", n->points[k].clean_acc);
        igd_json_append(points, p);
    }
    igd_json_add_number(root, "num_images", (double)n->num_images);
    igd_json_add_number(root, "passes", n->passes);
    char text[400];
    if (igd_chance_remark(text, sizeof(text), n->base_clean_acc, s->C))
        igd_warn(&f->warnings, IGD_WARN_CHANCE, "%s", text);
    warn_seen(f, s);
}

// Of a long curve the powers of two, the chosen keep and the last are shown.
static void print(FILE *f, const void *json)
{
    const cJSON *a = json, *p, *points = cJSON_GetObjectItemCaseSensitive(a, "points");
    const int keep = (int)igd_number_of(a, "keep"), num = cJSON_GetArraySize(points);
    igd_print(f,
              "keep %d is the smallest within %.4g points of the base model's %.2f %%\n",
              keep, 100.0 * igd_number_of(a, "budget"),
              100.0 * igd_number_of(a, "base_clean_acc"));
    igd_print(f, "(%s, %g passes per image)\n\n%6s  %14s\n", igd_string_of(a, "method"),
              igd_number_of(a, "passes"), "keep", "clean accuracy");
    cJSON_ArrayForEach(p, points)
    {
        const int k = (int)igd_number_of(p, "keep");
        const bool power = (k & (k - 1)) == 0;
        if (num > 24 && !power && k != keep && p->next != NULL)
            continue;
        igd_print(f, "%6d  %12.2f %%", k, 100.0 * igd_number_of(p, "clean_acc"));
        if (k == keep)
            igd_print(f, "  [%.2f, %.2f] at 95 %%", 100.0 * igd_end_of(a, "interval", 0),
                      100.0 * igd_end_of(a, "interval", 1));
        fputc('\n', f);
    }
}

static igd_status prepare(search *s)
{
    igd_defense_options any = s->o->defense;
    any.keep = 1;
    any.mask = IGD_MASK_RANKING;
    any.one_pass = false;
    if (!(s->o->budget >= 0.0 && s->o->budget <= 1.0))
        return igd_error(IGD_EINVAL, "the budget is %g, not a fraction from 0 to 1",
                         s->o->budget);
    IGD_TRY(igd_defense_new(&s->defense, s->base, s->ranking, &any));
    IGD_TRY(igd_defense_check_names(s->defense, s->data));
    s->f = igd_model_classifier(s->base);
    s->cut = igd_defense_cut(s->defense);
    s->C = s->f->num_classes;
    s->K = igd_ranking_num_neurons(s->ranking);
    s->N = igd_dataset_size(s->data);
    s->d = igd_classifier_pixels(s->f);
    if (igd_cut_is_affine(s->cut) && !s->o->bisection)
        IGD_TRY(igd_jacobian_take(&s->jacobian, s->cut, s->f, s->data));
    return search_init(s);
}

igd_status igd_analyze_search_keep(igd_analysis **out, const igd_model *base,
                                   const igd_ranking *ranking, const igd_dataset *data,
                                   const igd_search_keep_options *options)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(base);
    IGD_REQUIRE(ranking);
    IGD_REQUIRE(data);
    IGD_OPTIONS(igd_search_keep_options, o, options);
    const double begun = igd_now();
    igd_defense_options chosen = o.defense;
    igd_experiment who = {"search-keep", base, NULL, data, NULL, &o.run};
    search s = {.o = &o, .base = base, .ranking = ranking, .data = data};
    igd_defense *defense = NULL;
    igd_search_keep_numbers *numbers = NULL;
    igd_findings found = {0};
    igd_status st;

    chosen.mask = IGD_MASK_RANKING;
    chosen.one_pass = false;
    IGD_TRY(igd_experiment_check(&who));
    if (igd_ranking_num_layers(ranking) > 1)
        return igd_error(IGD_EINVAL,
                         "the ranking is of several layers, %s; this takes "
                         "one of a single layer",
                         igd_ranking_layer(ranking));
    if ((st = prepare(&s)) != IGD_OK || (st = run(&s, &chosen.keep)) != IGD_OK ||
        (st = igd_defense_new(&defense, base, ranking, &chosen)) != IGD_OK)
        goto done;
    who.defense = defense; // what is recorded has the keep that was chosen
    if ((st = igd_findings_begin(&found, &who)) != IGD_OK)
        goto done;
    found.begun = begun;
    if ((numbers = take_numbers(&s, chosen.keep)) == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for the analysis");
        goto done;
    }
    add_results(&found, numbers, &s);
    if ((st = igd_findings_end(out, &found, print)) == IGD_OK) {
        igd_analysis_hold(*out, &(igd_found){.search_keep = numbers});
        numbers = NULL;
    }

done:
    free(numbers);
    igd_findings_free(&found);
    igd_defense_free(defense);
    search_free(&s);
    return st;
}
