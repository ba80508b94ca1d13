// The paper's defense: smoothing, pseudo-label, masked second pass; and its ablations. It
// is a classifier.
//
// Source: Kulkarni and Weng, ECCV 2024, section 3; temperature and noise as in the
// released evaluation code.
#include "defend/defense_kind.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/json.h"
#include "core/json_build.h"
#include "core/number.h"
#include "core/options.h"
#include "core/random.h"
#include "core/require.h"
#include "cut.h"
#include "defend/mask.h"
#include "defend/mask_export.h"
#include "defend/pass_cache.h"
#include "rank/ranking_origin.h"

typedef struct masked {
    igd_defense common;
    igd_defense_options options;
    igd_cut *cut;     // NULL where nothing is masked, like the next two
    igd_tensor *mask; // [C, K], or [1, K] for one pass
    char *layer;
    char method[16]; // of the ranking
} masked;

static const masked *masked_of(const igd_defense *d)
{
    return (const masked *)d;
}

// x + sigma * noise, the noise of draw `draws[i]`, copy j, for row i. The noisy images
// are not clamped to [0, 1].
static igd_tensor *noisy(igd_scope *s, const igd_defense_view *v, const igd_tensor *x,
                         const igd_draw *draws, int j)
{
    const masked *d = masked_of(v->defense);
    const int64_t *shape = d->common.f->shape;
    const int64_t N = igd_tensor_length(x, 0),
                  pixels = igd_classifier_pixels(d->common.f);

    if (!igd_scope_ok(s))
        return NULL;
    float *noise = malloc((size_t)(N * pixels) * sizeof(*noise));
    if (noise == NULL) {
        igd_scope_fail(s, igd_error(IGD_ENOMEM, "no memory for the noise of %lld images",
                                    (long long)N));
        return NULL;
    }
    for (int64_t i = 0; i < N; i++) {
        const uint64_t draw = v->fixed_noise ? 0 : draws[i].draw;
        const igd_stream stream =
            igd_stream_make(d->options.seed, "smoothing", draws[i].image,
                            draw * (uint64_t)d->options.num_smooth + (uint64_t)j);
        igd_random_normal(noise + i * pixels, (size_t)pixels, &stream);
    }
    igd_scope t = igd_scope_begin(s);
    igd_tensor *e = igt_view(&t, noise, (int64_t[]){N, shape[0], shape[1], shape[2]}, 4,
                             d->common.f->device);
    igd_tensor *sum = igd_scope_return(&t, igt_axpy(&t, x, d->options.sigma, e));
    free(noise);
    return sum;
}

// Mean logits [N, C] of the first pass over the noisy copies of x.
static igd_tensor *first_pass(igd_scope *s, const igd_defense_view *v,
                              const igd_tensor *x, const igd_draw *draws)
{
    const masked *d = masked_of(v->defense);
    const int J = d->options.num_smooth;
    igd_scope t = igd_scope_begin(s);
    igd_tensor *sum = NULL;

    for (int j = 0; j < J && igd_scope_ok(&t); j++) {
        igd_tensor *z =
            d->common.f->logits(&t, d->common.f->self, noisy(&t, v, x, draws, j), draws);
        sum = sum == NULL ? z : igt_add(&t, sum, z);
    }
    return igd_scope_return(&t, igt_scale(&t, sum, 1.0 / J));
}

static igd_tensor *softmax_at(igd_scope *s, const igd_tensor *z, double temperature)
{
    return igt_softmax(s, igt_scale(s, z, 1.0 / temperature));
}

// The pseudo-label of logits, with gradients as if at that of a surrogate.
static igd_tensor *pseudo_label(igd_scope *s, const igd_defense_view *v,
                                const igd_tensor *z)
{
    igd_tensor *pseudo = softmax_at(s, z, masked_of(v->defense)->options.temperature);
    if (!s->grad || !v->surrogate)
        return pseudo;
    igd_tensor *smooth = softmax_at(s, z, v->surrogate_temperature);
    igd_tensor *change =
        igt_sub(s, smooth, igt_detach(s, smooth)); // zero, with a gradient
    return igt_add(s, igt_detach(s, pseudo), change);
}

// Rows of z [N, C] whose pseudo-label has a gradient. A softmax that is exactly one-hot
// in float32 has none: p_i (1[i = j] - p_j) is zero throughout. @return how many, -1 on
// failure
static int64_t soft_rows(int64_t *rows, igd_scope *s, const igd_defense_view *v,
                         const igd_tensor *z)
{
    const double T = v->surrogate ? v->surrogate_temperature
                                  : masked_of(v->defense)->options.temperature;
    const int64_t N = igd_tensor_length(z, 0), C = igd_tensor_length(z, 1);
    float *p = malloc((size_t)(N * C) * sizeof(*p));
    int64_t num = 0;

    if (p == NULL) {
        igd_scope_fail(s, igd_error(IGD_ENOMEM, "no memory for %lld rows", (long long)N));
        return -1;
    }
    igd_scope t = igd_scope_begin_no_grad(s);
    igt_read(&t, softmax_at(&t, z, T), p, N * C);
    igd_scope_end(&t);
    for (int64_t i = 0; i < N && igd_scope_ok(s); i++) {
        int64_t positive = 0;
        for (int64_t c = 0; c < C; c++)
            positive += p[i * C + c] != 0.0f;
        if (positive != 1)
            rows[num++] = i;
    }
    free(p);
    return igd_scope_ok(s) ? num : -1;
}

// The pseudo-label where gradients are recorded. `z` has the graph of the whole first
// pass; going back through it is only worth its cost when most images need it, else it is
// run again for the few that do.
static igd_tensor *recorded_pseudo_label(igd_scope *s, const igd_defense_view *v,
                                         const igd_tensor *x, const igd_draw *draws,
                                         const igd_tensor *z)
{
    const masked *d = masked_of(v->defense);
    const int64_t N = igd_tensor_length(z, 0);
    const int64_t room = N + IGD_BATCH_ROWS;
    int64_t *rows = malloc((size_t)room * sizeof(*rows));
    int64_t *take = malloc((size_t)room * sizeof(*take));
    igd_draw *some = malloc((size_t)room * sizeof(*some));
    igd_tensor *pseudo = NULL;

    if (rows == NULL || take == NULL || some == NULL) {
        igd_scope_fail(s, igd_error(IGD_ENOMEM, "no memory for %lld rows", (long long)N));
        goto done;
    }
    const int64_t num = soft_rows(rows, s, v, z);
    if (num <= 0) {
        pseudo = igt_detach(s, pseudo_label(s, v, z));
        goto done;
    }
    if (2 * num > N || d->options.sigma == 0.0 || v->first_pass_weight > 0.0) {
        pseudo = pseudo_label(s, v, z);
        goto done;
    }
    // Whole blocks of rows, for the same reason as in classifier.c.
    int64_t padded = num;
    while (padded % IGD_BATCH_ROWS != 0) {
        rows[padded] = rows[num - 1];
        padded++;
    }
    for (int64_t i = 0; i < N; i++)
        take[i] = i;
    for (int64_t i = 0; i < padded; i++)
        some[i] = draws[rows[i]];
    for (int64_t i = 0; i < num; i++)
        take[rows[i]] = N + i;
    igd_tensor *few = igt_rows(s, x, igt_indices(s, rows, padded, d->common.f->device));
    igd_tensor *soft = pseudo_label(s, v, first_pass(s, v, few, some));
    igd_tensor *all = igt_detach(s, pseudo_label(s, v, z));
    pseudo =
        igt_rows(s, igt_cat(s, all, soft), igt_indices(s, take, N, d->common.f->device));

done:
    free(some);
    free(take);
    free(rows);
    return pseudo;
}

// One-hot rows [N, C] at the classes that the view names.
static igd_tensor *named_pseudo_label(igd_scope *s, const igd_defense_view *v,
                                      const igd_draw *draws, int64_t N)
{
    const int C = v->defense->f->num_classes;
    float *p = calloc((size_t)(N * C), sizeof(*p));
    if (p == NULL) {
        igd_scope_fail(s, igd_error(IGD_ENOMEM, "no memory for %lld rows", (long long)N));
        return NULL;
    }
    for (int64_t i = 0; i < N; i++)
        p[i * C + v->label(draws[i].image, v->payload)] = 1.0f;
    igd_tensor *pseudo = igt_floats(s, p, (int64_t[]){N, C}, 2, v->defense->f->device);
    free(p);
    return pseudo;
}

// Mean logits [N, C] of the only pass over the noisy copies of x, with one mask for all
// images, or none.
static igd_tensor *only_pass(igd_scope *s, const void *self, const igd_tensor *x,
                             const igd_draw *draws)
{
    const igd_defense_view *v = self;
    const masked *d = masked_of(v->defense);
    const int J = d->options.sigma > 0.0 ? d->options.num_smooth : 1;
    igd_scope t = igd_scope_begin(s);
    igd_tensor *sum = NULL, *z = NULL;

    for (int j = 0; j < J && igd_scope_ok(&t); j++) {
        const igd_tensor *at = d->options.sigma > 0.0 ? noisy(&t, v, x, draws, j) : x;
        if (d->mask == NULL) {
            z = d->common.f->logits(&t, d->common.f->self, at, draws);
        } else {
            igd_carried *carried = NULL;
            igd_tensor *act = igt_prefix(&t, d->cut, at, &carried);
            z = igt_suffix(&t, d->cut, igt_mask_neurons(&t, d->cut, act, d->mask),
                           carried);
        }
        sum = sum == NULL ? z : igt_add(&t, sum, z);
    }
    return igd_scope_return(&t, J > 1 ? igt_scale(&t, sum, 1.0 / J) : sum);
}

// The logits that the pseudo-label is made of; `act` and `carried` are the prefix at x.
static igd_tensor *first_logits(igd_scope *s, const igd_defense_view *v,
                                const igd_tensor *x, const igd_draw *draws,
                                const igd_tensor *act, const igd_carried *carried)
{
    const masked *d = masked_of(v->defense);
    return d->options.sigma > 0.0 ? first_pass(s, v, x, draws)
                                  : igt_suffix(s, d->cut, act, carried);
}

igd_tensor *igt_pseudo_label(igd_scope *s, const igd_defense *d, const igd_tensor *x,
                             const igd_draw *draws, const igd_tensor *act,
                             const struct igd_carried *carried)
{
    const igd_defense_view view = {.defense = d};
    igd_scope t = igd_scope_begin_no_grad(s);
    igd_tensor *z = first_logits(&t, &view, x, draws, act, carried);
    return igd_scope_return(&t, pseudo_label(&t, &view, z));
}

static igd_tensor *second_pass(igd_scope *s, const masked *d, const igd_tensor *act,
                               const igd_carried *carried, const igd_tensor *pseudo)
{
    igd_tensor *row = igt_matmul(s, pseudo, d->mask); // [N, K]
    return igt_suffix(s, d->cut, igt_mask_neurons(s, d->cut, act, row), carried);
}

// Side by side: [N, A], [N, B] -> [N, A + B].
static igd_tensor *beside(igd_scope *s, const igd_tensor *a, const igd_tensor *b)
{
    return igt_move_axis(
        s, igt_cat(s, igt_move_axis(s, a, 0, 1), igt_move_axis(s, b, 0, 1)), 0, 1);
}

igd_tensor *igt_masked_parts(igd_scope *s, const igd_defense *d, const igd_tensor *x,
                             const igd_draw *draws)
{
    const igd_defense_view view = {.defense = d};
    const masked *m = masked_of(d);
    igd_scope t = igd_scope_begin(s);
    igd_carried *carried = NULL;
    igd_tensor *act = igt_prefix(&t, m->cut, x, &carried);
    igd_tensor *first = first_logits(&t, &view, x, draws, act, carried);
    igd_tensor *pseudo = pseudo_label(&t, &view, first);
    igd_tensor *logits = second_pass(&t, m, act, carried, pseudo);
    igd_tensor *row = igt_matmul(&t, pseudo, m->mask); // [N, K]
    return igd_scope_return(
        &t, beside(&t, beside(&t, first, pseudo), beside(&t, logits, row)));
}

// --- passes that other defenses have in common

static igd_tensor *first_part(igd_scope *s, const void *self, const igd_tensor *x,
                              const igd_draw *draws)
{
    return first_pass(s, self, x, draws);
}

static igd_tensor *prefix_part(igd_scope *s, const void *self, const igd_tensor *x,
                               const igd_draw *draws)
{
    const igd_defense_view *v = self;
    igd_carried *carried = NULL;
    (void)draws;
    return igt_prefix(s, masked_of(v->defense)->cut, x, &carried);
}

// The prefix at x: kept where it is a row per image and all that the suffix needs, such
// as at the input of the last linear module.
static igd_tensor *shared_prefix(igd_scope *s, const igd_defense_view *v,
                                 const igd_tensor *x, const igd_draw *draws,
                                 igd_carried **carried)
{
    const masked *d = masked_of(v->defense);
    char name[256];
    *carried = NULL;
    if (v->pass_cache == NULL || s->grad || igd_cut_num_carried(d->cut) > 0 ||
        igd_cut_num_dims(d->cut) != 2 || igd_cut_neuron_axis(d->cut) != 1)
        return igt_prefix(s, d->cut, x, carried);
    snprintf(name, sizeof(name), "prefix %.200s", d->layer);
    const igd_cached_pass part = {name, false, d->common.f, prefix_part, v};
    return igt_cached(s, v->pass_cache, &part, x, draws);
}

static igd_tensor *shared_first_logits(igd_scope *s, const igd_defense_view *v,
                                       const igd_tensor *x, const igd_draw *draws,
                                       const igd_tensor *act, const igd_carried *carried)
{
    const igd_defense_options *o = &masked_of(v->defense)->options;
    char name[128];
    if (v->pass_cache == NULL || s->grad || !(o->sigma > 0.0))
        return first_logits(s, v, x, draws, act, carried);
    igd_format(name, sizeof(name), "first pass %.17g %d %llu %d", o->sigma, o->num_smooth,
               (unsigned long long)o->seed, v->fixed_noise);
    const igd_cached_pass part = {name, true, v->defense->f, first_part, v};
    return igt_cached(s, v->pass_cache, &part, x, draws);
}

static igd_tensor *view_logits(igd_scope *s, const void *self, const igd_tensor *x,
                               const igd_draw *draws)
{
    const igd_defense_view *v = self;
    const masked *d = masked_of(v->defense);
    igd_scope t = igd_scope_begin(s);
    igd_carried *carried = NULL;
    igd_tensor *act = shared_prefix(&t, v, x, draws, &carried);

    if (v->pseudo == IGD_PSEUDO_LABEL) {
        const int64_t N = igd_tensor_length(x, 0);
        igd_tensor *named = named_pseudo_label(&t, v, draws, N);
        return igd_scope_return(&t, second_pass(&t, d, act, carried, named));
    }
    igd_tensor *z = shared_first_logits(&t, v, x, draws, act, carried);
    igd_tensor *pseudo =
        t.grad ? recorded_pseudo_label(&t, v, x, draws, z) : pseudo_label(&t, v, z);
    igd_tensor *logits = second_pass(&t, d, act, carried, pseudo);
    if (t.grad && v->first_pass_weight > 0.0)
        logits =
            igt_axpy(&t, logits, v->first_pass_weight, igt_sub(&t, z, igt_detach(&t, z)));
    return igd_scope_return(&t, logits);
}

static void masked_classifier(igd_classifier *f, const igd_defense_view *view)
{
    const masked *d = masked_of(view->defense);
    const igd_defense_options *o = &d->options;
    const bool noise = o->sigma > 0.0 && view->pseudo == IGD_PSEUDO_FIRST_PASS;

    if (d->mask == NULL && !o->one_pass)
        return; // the first pass has nothing to choose, the second is the base model
    f->self = view;
    f->logits = o->one_pass ? only_pass : view_logits;
    f->deterministic = d->common.f->deterministic && (!noise || view->fixed_noise);
    f->num_passes *= !noise ? 1 : o->one_pass ? o->num_smooth : o->num_smooth + 1;
}

static void free_masked(igd_defense *d)
{
    masked *m = (masked *)d;
    igd_cut_free(m->cut);
    igd_tensor_free(m->mask);
    free(m->layer);
}

static igd_adaptive adaptive(const igd_defense *d)
{
    const masked *m = masked_of(d);
    return m->mask != NULL && !m->options.one_pass ? IGD_ADAPTIVE_PSEUDO_LABEL
                                                   : IGD_ADAPTIVE_NONE;
}

static igd_status export(const igd_defense *d, const char *path)
{
    const masked *m = masked_of(d);
    return igd_mask_export(m->cut, m->mask, &m->options, path);
}

static const igd_defense_type type = {
    .kind = IGD_DEFENSE_MASK,
    .name = "mask",
    .classifier = masked_classifier,
    .free = free_masked,
    .adaptive = adaptive,
    .export = export,
};

static igd_status check_options(const igd_defense_options *o)
{
    if (!isfinite(o->sigma) || o->sigma < 0.0)
        return igd_error(IGD_EINVAL, "sigma is %g, not a number >= 0", o->sigma);
    if (o->num_smooth < 1)
        return igd_error(IGD_EINVAL, "smooth is %d, not a number >= 1", o->num_smooth);
    if (!isfinite(o->temperature) || o->temperature <= 0.0)
        return igd_error(IGD_EINVAL, "temperature is %g, not a number > 0",
                         o->temperature);
    if (o->mask != IGD_MASK_RANKING && o->mask != IGD_MASK_RANDOM &&
        o->mask != IGD_MASK_NONE)
        return igd_error(IGD_EINVAL, "no mask has the number %d", (int)o->mask);
    return IGD_OK;
}

static igd_status check_ranking(const igd_model *base, const igd_ranking *ranking,
                                bool force)
{
    const int C = igd_model_num_classes(base);
    if (igd_ranking_num_classes(ranking) != C)
        return igd_error(IGD_EINVAL, "the ranking has %d classes, the model %d",
                         igd_ranking_num_classes(ranking), C);
    if (!force && strcmp(igd_ranking_model_sha256(ranking), igd_model_sha256(base)) != 0)
        return igd_error(
            IGD_EINVAL,
            "the ranking was made on another model (sha256 %.12s, this is %.12s)",
            igd_ranking_model_sha256(ranking), igd_model_sha256(base));
    return force ? IGD_OK : igd_ranking_check_normalization(ranking, base);
}

// What the defense remembers of its ranking.
static igd_status note_origin(igd_defense *d, const igd_ranking *ranking, bool force)
{
    const igd_class_names names = igd_ranking_names(ranking);
    IGD_TRY(igd_sketch_copy(&d->probe, igd_ranking_images(ranking)));
    return force ? IGD_OK : igd_lines_copy(&d->classes, names.name, names.num);
}

// The masks of the options, on the device: [C, K], or [1, K] for one pass.
static igd_status make_masks(masked *d, const igd_ranking *ranking)
{
    const char *layer = igd_ranking_layer(ranking);
    igd_tensor *mask = NULL;
    igd_status st;

    IGD_TRY(igd_model_cut(&d->cut, d->common.base, layer));
    if (igd_cut_num_neurons(d->cut) != igd_ranking_num_neurons(ranking))
        return igd_error(IGD_EINVAL, "layer %s has %lld neurons, the ranking %d", layer,
                         (long long)igd_cut_num_neurons(d->cut),
                         igd_ranking_num_neurons(ranking));
    IGD_TRY(igd_mask_build(&mask, ranking, d->options.keep));
    igd_scope s = igd_scope_begin(NULL);
    igd_tensor *there = igt_to(&s, mask, d->common.f->device);
    if (d->options.one_pass)
        there = igt_reshape(&s, igt_max_axis(&s, there, 0),
                            (const int64_t[]){1, igd_cut_num_neurons(d->cut)}, 2);
    st = igd_scope_give(&s, &d->mask, there);
    igd_tensor_free(mask);
    IGD_TRY(st);
    d->layer = strdup(layer);
    if (d->layer == NULL)
        return igd_error(IGD_ENOMEM, "no memory for a defended model");
    snprintf(d->method, sizeof(d->method), "%s", igd_ranking_method(ranking));
    return IGD_OK;
}

// Settings that nothing depends on stay out, so that equal defenses have equal settings.
static igd_status describe(masked *d)
{
    static const char *const names[] = {"ranking", "random", "none"};
    const igd_defense_options *o = &d->options;
    cJSON *json = d->common.settings;
    char sha256[IGD_SHA256_LENGTH];

    igd_json_add_string(json, "mask", names[o->mask]);
    igd_json_add_number(json, "passes", o->one_pass ? 1 : 2);
    if (d->mask != NULL) {
        igd_json_add_string(json, "method", d->method);
        igd_json_add_string(json, "layer", d->layer);
        igd_json_add_number(json, "keep", o->keep);
    }
    if (d->mask != NULL || o->one_pass) {
        igd_json_add_number(json, "sigma", o->sigma);
        igd_json_add_number(json, "smooth", o->num_smooth);
    }
    if (igd_defense_has_pseudo_label(&d->common))
        igd_json_add_number(json, "temperature", o->temperature);
    igd_json_add_seed(json, o->seed);
    if (d->mask != NULL) {
        IGD_TRY(igd_mask_sha256(sha256, d->mask));
        igd_json_add_string(json, "mask_sha256", sha256);
    }
    return IGD_OK;
}

igd_status igd_defense_new(igd_defense **out, const igd_model *base,
                           const igd_ranking *ranking, const igd_defense_options *options)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(base);
    IGD_OPTIONS(igd_defense_options, o, options);
    igd_ranking *chance = NULL;
    igd_defense *begun = NULL;
    igd_status st;

    IGD_TRY(igd_defense_begin(&begun, sizeof(masked), base, &type));
    masked *d = (masked *)begun;
    d->options = o;
    if ((st = check_options(&d->options)) != IGD_OK)
        goto done;
    if (d->options.mask == IGD_MASK_RANDOM) {
        const char *layer = ranking != NULL ? igd_ranking_layer(ranking) : "penultimate";
        if ((st = igd_ranking_random(&chance, base, layer, NULL, d->options.seed)) ==
            IGD_OK)
            st = make_masks(d, chance);
    } else if (d->options.mask == IGD_MASK_RANKING) {
        if (ranking == NULL)
            st = igd_error(IGD_EINVAL, "a mask by importance needs a ranking");
        else if ((st = check_ranking(base, ranking, d->options.force)) == IGD_OK &&
                 (st = note_origin(begun, ranking, d->options.force)) == IGD_OK)
            st = make_masks(d, ranking);
    }
    if (st == IGD_OK)
        st = describe(d);

done:
    igd_ranking_free(chance);
    return igd_defense_finish(out, begun, st);
}

// --- what a masked defense says of itself

// It, or NULL for a defense of another kind.
static const masked *masked_or_null(const igd_defense *d)
{
    return d != NULL && d->type == &type ? masked_of(d) : NULL;
}

const igd_defense_options *igd_defense_settings(const igd_defense *d)
{
    const masked *m = masked_or_null(d);
    return m != NULL ? &m->options : NULL;
}

const char *igd_defense_method(const igd_defense *d)
{
    const masked *m = masked_or_null(d);
    return m != NULL && m->mask != NULL ? m->method : NULL;
}

const char *igd_defense_layer(const igd_defense *d)
{
    const masked *m = masked_or_null(d);
    return m != NULL ? m->layer : NULL;
}

const igd_cut *igd_defense_cut(const igd_defense *d)
{
    const masked *m = masked_or_null(d);
    return m != NULL ? m->cut : NULL;
}

const igd_tensor *igd_defense_mask(const igd_defense *d)
{
    const masked *m = masked_or_null(d);
    return m != NULL ? m->mask : NULL;
}
