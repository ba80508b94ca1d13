// LO-IR: the importance of a neuron is how much a class's logit moves without it.
//
// Source: Kulkarni and Weng, ECCV 2024, leave-one-out importance ranking. Where the
// suffix is affine, z - z^{-n} is the Jacobian's part that belongs to neuron n times its
// activation, the same Jacobian for every image, so no neuron needs a pass of its own.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/exact.h"
#include "core/json_build.h"
#include "core/logits.h"
#include "core/options.h"
#include "core/require.h"
#include "cut.h"
#include "data/loader.h"
#include "model/model_impl.h"
#include "rank/jacobian.h"
#include "rank/ranking_impl.h"
#include "rank/ranking_share.h"

#define ROWS                                                                             \
    IGD_BATCH_ROWS // passes are of so many images or a multiple: rows of them
                   // are then the same whatever is beside them

typedef struct loir {
    const igd_classifier *f;
    const igd_cut *cut;
    const igd_dataset *probe;
    const igd_loir_options *options;
    int C, K;
    int64_t N;            // probe images
    bool divided;         // they are a part of the images to rank on
    uint64_t *sum;        // [C, K, IGD_EXACT_WORDS] of |z_c - z_c^{-n}|
    int64_t *count;       // [C] images that the sum of a class runs over
    igd_tensor *jacobian; // [C, K, P], P positions or 1 where they are alike; affine only
    igd_loader *loader;   // of the probe images, in their order
    int64_t room;         // images of a batch at most, a multiple of ROWS
    int64_t n;            // images of the batch in work; further rows repeat the last one
    float *images;        // [room, C, H, W]
    int64_t *labels;      // [room]
    bool *skipped;        // [room] its logits are not finite
    float *clean;         // [room, C] logits
    int64_t num_skipped, num_correct;
    float *delta; // [room, K]
} loir;

static igd_status report(const loir *l, double done)
{
    const igd_loir_options *o = l->options;
    if (o->progress != NULL && o->progress("rank", done, (double)l->N, o->payload) != 0)
        return igd_error(IGD_ECANCELED, "ranking was stopped");
    return IGD_OK;
}

static igd_tensor *batch_images(igd_scope *s, const loir *l, int64_t n)
{
    const int64_t *shape = l->f->shape;
    return igt_view(s, l->images, (int64_t[]){n, shape[0], shape[1], shape[2]}, 4,
                    l->f->device);
}

static uint64_t *sum_at(const loir *l, int64_t c, int64_t k)
{
    return l->sum + (c * l->K + k) * IGD_EXACT_WORDS;
}

// Adds |delta| [n, K] of the batch's images to the sums of their classes, or of class
// `only` where that is >= 0.
static void add_delta(loir *l, int only)
{
    for (int64_t i = 0; i < l->n; i++)
        for (int k = 0; k < l->K && !l->skipped[i]; k++)
            igd_exact_add(sum_at(l, only >= 0 ? only : l->labels[i], k),
                          fabs((double)l->delta[i * l->K + k]));
}

// delta[i, n] = sum over positions of J[c, n, p] * a[i, n, p], for `n` rows.
static igd_status batch_affine(loir *l, igd_scope *s, const igd_tensor *act, int64_t n)
{
    igd_tensor *a = igt_by_neuron(s, l->cut, act);
    if (igd_tensor_length(l->jacobian, 2) == 1)
        a = igt_reshape(s, igt_sum_axis(s, a, 2), (int64_t[]){n, l->K, 1}, 3);
    for (int c = 0; c < (l->options->over_all ? l->C : 1) && igd_scope_ok(s); c++) {
        igd_scope t = igd_scope_begin(s);
        igd_tensor *J =
            l->options->over_all
                ? igt_narrow(&t, l->jacobian, 0, c, 1)
                : igt_rows(&t, l->jacobian, igt_indices(&t, l->labels, n, l->f->device));
        igd_tensor *delta = igt_sum_axis(&t, igt_mul(&t, a, J), 2); // [n, K]
        igt_read(&t, delta, l->delta, n * l->K);
        igd_scope_end(&t);
        if (igd_scope_ok(s))
            add_delta(l, l->options->over_all ? c : -1);
    }
    return s->status;
}

// Pairs of an image and a neuron whose suffix pass is still to be done.
typedef struct pairs {
    int64_t *image;  // [room] row of the batch
    int32_t *neuron; // [room]
    float *mask;     // [room, K], 1 but for the pair's neuron
    float *logits;   // [room, C]
    int64_t num, room;
} pairs;

static void pairs_free(pairs *p)
{
    free(p->image);
    free(p->neuron);
    free(p->mask);
    free(p->logits);
}

static igd_status pairs_init(pairs *p, const loir *l, int64_t room)
{
    *p = (pairs){.room = room};
    p->image = malloc((size_t)room * sizeof(*p->image));
    p->neuron = malloc((size_t)room * sizeof(*p->neuron));
    p->mask = malloc((size_t)(room * l->K) * sizeof(*p->mask));
    p->logits = malloc((size_t)(room * l->C) * sizeof(*p->logits));
    if (p->image == NULL || p->neuron == NULL || p->mask == NULL || p->logits == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %lld suffix rows", (long long)room);
    for (int64_t i = 0; i < room * l->K; i++)
        p->mask[i] = 1.0f;
    return IGD_OK;
}

// Runs the suffix with each pair's neuron at zero and adds what that did to the logits.
static void pairs_run(pairs *p, loir *l, igd_scope *s, const igd_tensor *act,
                      const igd_carried *carried)
{
    const int C = l->C, K = l->K;
    const bool rows = igd_cut_tiles(l->cut);
    const int64_t num = (p->num + ROWS - 1) / ROWS * ROWS;
    igd_scope t = igd_scope_begin(s);

    for (int64_t i = p->num; i < num; i++) {
        p->image[i] = p->image[p->num - 1];
        p->neuron[i] = p->neuron[p->num - 1];
    }
    for (int64_t i = 0; i < num; i++)
        p->mask[i * K + p->neuron[i]] = 0.0f;
    if (rows) {
        igd_tensor *which = igt_indices(&t, p->image, num, l->f->device);
        act = igt_cut_rows(&t, l->cut, act, which);
        carried = igt_carried_rows(&t, l->cut, carried, which);
    }
    igd_tensor *mask = igt_view(&t, p->mask, (int64_t[]){num, K}, 2, l->f->device);
    igd_tensor *z =
        igt_suffix(&t, l->cut, igt_mask_neurons(&t, l->cut, act, mask), carried);
    igt_read(&t, z, p->logits, num * C);
    igd_scope_end(&t);
    for (int64_t i = 0; i < num; i++) {
        const int32_t k = p->neuron[i];
        const float *z0 = l->clean + p->image[i] * C, *z1 = p->logits + i * C;
        p->mask[i * K + k] = 1.0f;
        if (!igd_scope_ok(s) || i >= p->num || p->image[i] >= l->n ||
            l->skipped[p->image[i]])
            continue;
        const int first = l->options->over_all ? 0 : (int)l->labels[p->image[i]];
        const int last = l->options->over_all ? C - 1 : first;
        for (int c = first; c <= last; c++)
            igd_exact_add(sum_at(l, c, k), fabs((double)z0[c] - (double)z1[c]));
    }
    p->num = 0;
}

// One suffix row per image and neuron. A neuron whose activation is zero at every
// position cannot move a logit, so such pairs are left out where rows can be chosen
// freely.
static igd_status batch_plain(loir *l, igd_scope *s, const igd_tensor *act,
                              const igd_carried *carried, int64_t n, double before)
{
    const int K = l->K;
    const bool rows = igd_cut_tiles(l->cut);
    pairs p = {0};
    igd_status st = pairs_init(&p, l, rows ? l->room : n);

    if (st != IGD_OK)
        goto done;
    igt_read(s, igt_pool_neurons(s, l->cut, igt_abs(s, act), true), l->delta, n * K);
    for (int k = 0; k < K && igd_scope_ok(s); k++) {
        for (int64_t i = 0; i < n; i++) {
            if (rows && (i >= l->n || l->skipped[i] || l->delta[i * K + k] == 0.0f))
                continue;
            p.image[p.num] = i;
            p.neuron[p.num++] = (int32_t)k;
            if (p.num == p.room)
                pairs_run(&p, l, s, act, carried);
        }
        const double share = (double)l->n * (k + 1) / K;
        if (igd_scope_ok(s) && (st = report(l, before + share)) != IGD_OK)
            goto done;
    }
    if (p.num > 0)
        pairs_run(&p, l, s, act, carried);
    st = s->status;

done:
    pairs_free(&p);
    return st;
}

// Logits of the batch: which images are classified correctly, and which cannot be used.
static void judge_batch(loir *l, igd_scope *s, const igd_tensor *act,
                        const igd_carried *carried, int64_t n)
{
    const int C = l->C;
    igt_read(s, igt_suffix(s, l->cut, act, carried), l->clean, n * C);
    for (int64_t i = 0; i < l->n && igd_scope_ok(s); i++) {
        const float *z = l->clean + i * C;
        l->skipped[i] = igd_peak(z, (size_t)C) >= IGD_INFINITE;
        l->num_skipped += l->skipped[i];
        l->num_correct += !l->skipped[i] && igd_argmax(z, C) == l->labels[i];
        if (l->skipped[i] && l->options->over_all)
            for (int c = 0; c < C; c++)
                l->count[c]--;
        else if (l->skipped[i])
            l->count[l->labels[i]]--;
    }
}

// Images from `first` on; sets *n to their number, 0 at the end.
static igd_status run_batch(loir *l, int64_t first, int64_t *n)
{
    igd_batch batch;
    igd_scope s = igd_scope_begin(NULL);
    igd_status st = IGD_OK;

    *n = 0;
    if ((st = igd_loader_next(l->loader, &batch)) != IGD_OK || batch.n == 0)
        goto done;
    *n = l->n = batch.n;
    const size_t pixels = (size_t)igd_classifier_pixels(l->f);
    const int64_t rows = (batch.n + ROWS - 1) / ROWS * ROWS;
    for (int64_t i = 0; i < rows; i++) {
        const int64_t from = i < batch.n ? i : batch.n - 1;
        memcpy(l->images + (size_t)i * pixels, batch.images + (size_t)from * pixels,
               pixels * sizeof(float));
        l->labels[i] = batch.labels[from];
    }
    igd_carried *carried = NULL;
    igd_tensor *act = igt_prefix(&s, l->cut, batch_images(&s, l, rows), &carried);
    judge_batch(l, &s, act, carried, rows);
    st = l->jacobian != NULL ? batch_affine(l, &s, act, rows)
                             : batch_plain(l, &s, act, carried, rows, (double)first);
    if (st == IGD_OK)
        st = report(l, (double)(first + batch.n));

done:
    igd_scope_end(&s);
    return st;
}

static igd_status count_classes(loir *l, const igd_model *model)
{
    IGD_TRY(igd_model_check_classes(model, l->probe));
    for (int64_t i = 0; i < l->N; i++) {
        const int y = igd_dataset_label(l->probe, i);
        if (y >= l->C)
            return igd_error(IGD_EINVAL,
                             "probe image %lld has label %d, the model %d classes",
                             (long long)i, y, l->C);
        l->count[y]++;
    }
    for (int c = 0; c < l->C; c++) {
        if (l->options->over_all)
            l->count[c] = l->N;
        else if (l->count[c] == 0 && !l->divided)
            return igd_error(IGD_EINVAL, "class %d has no probe image", c);
    }
    return IGD_OK;
}

static igd_status check_skipped(const loir *l)
{
    if (l->num_skipped > 0 && !l->options->allow_nonfinite)
        return igd_error(IGD_EINVAL,
                         "%lld of %lld probe images have logits that are NaN or "
                         "infinite; option allow_nonfinite leaves them out",
                         (long long)l->num_skipped, (long long)l->N);
    for (int c = 0; c < l->C && l->num_skipped > 0 && !l->divided; c++)
        if (l->count[c] == 0)
            return igd_error(IGD_EINVAL,
                             "class %d has no probe image whose logits are finite", c);
    return IGD_OK;
}

static igd_status make_ranking(igd_ranking **out, const loir *l, const igd_model *model,
                               const char *layer)
{
    const size_t size = (size_t)l->C * (size_t)l->K;
    float *score = malloc(size * sizeof(*score));
    const char **names = malloc((size_t)l->C * sizeof(*names));
    cJSON *options = cJSON_CreateObject();
    igd_status st = IGD_OK;

    if (score == NULL || names == NULL || options == NULL) {
        cJSON_Delete(options);
        st = igd_error(IGD_ENOMEM, "no memory for the scores");
        goto done;
    }
    const int named = igd_dataset_num_classes(l->probe);
    for (int c = 0; c < l->C; c++) {
        names[c] = c < named ? igd_dataset_class_name(l->probe, c) : NULL;
        for (int k = 0; k < l->K; k++)
            score[c * l->K + k] =
                l->count[c] > 0
                    ? (float)(igd_exact_value(sum_at(l, c, k)) / (double)l->count[c])
                    : 0.0f;
    }
    igd_json_add_string(options, "over", l->options->over_all ? "all" : "class");
    igd_json_add_bool(options, "closed_form", l->jacobian != NULL);
    st = igd_ranking_make(out, "loir", layer, igd_model_sha256(model), l->C, l->K, score,
                          l->N - l->num_skipped, names, options);
    if (st == IGD_OK)
        st = igd_ranking_set_origin(*out, model, l->probe);
    if (st == IGD_OK)
        (*out)->clean_acc = (double)l->num_correct / (double)l->N;
    if (st == IGD_OK && l->divided)
        st = igd_share_of_sums(*out, model, l->probe, l->sum, l->count, l->num_correct);

done:
    free(names);
    free(score);
    return st;
}

igd_status igd_ranking_loir(igd_ranking **out, const igd_model *model, const char *layer,
                            const igd_dataset *probe, const igd_loir_options *options)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(model);
    IGD_REQUIRE(layer);
    IGD_REQUIRE(probe);
    IGD_OPTIONS(igd_loir_options, own, options);
    const igd_loir_options *o = &own;
    igd_cut *cut = NULL;
    loir l = {.f = igd_model_classifier(model), .probe = probe, .options = o};
    igd_status st = IGD_OK;

    if (o->batch_size < 1)
        return igd_error(IGD_EINVAL, "cannot rank in batches of %d images",
                         o->batch_size);
    if (memcmp(igd_dataset_shape(probe), l.f->shape, sizeof(l.f->shape)) != 0)
        return igd_error(IGD_EINVAL,
                         "the probe images have another shape than the model's");
    if (igd_dataset_size(probe) < 1)
        return igd_error(IGD_EINVAL, "no probe images");
    if ((st = igd_model_cut(&cut, model, layer)) != IGD_OK)
        goto done;
    l.cut = cut;
    l.C = igd_model_num_classes(model);
    l.K = (int)igd_cut_num_neurons(cut);
    l.N = igd_dataset_size(probe);
    l.divided = igd_dataset_part(probe).of > 0;
    const int64_t batch = o->batch_size < l.N ? o->batch_size : l.N;
    l.room = (batch + ROWS - 1) / ROWS * ROWS;
    const size_t B = (size_t)l.room;
    l.sum = calloc((size_t)l.C * (size_t)l.K, IGD_EXACT_WORDS * sizeof(*l.sum));
    l.images = malloc(B * (size_t)igd_classifier_pixels(l.f) * sizeof(*l.images));
    l.count = calloc((size_t)l.C, sizeof(*l.count));
    l.labels = malloc(B * sizeof(*l.labels));
    l.delta = malloc(B * (size_t)l.K * sizeof(*l.delta));
    l.skipped = calloc(B, sizeof(*l.skipped));
    l.clean = malloc(B * (size_t)l.C * sizeof(*l.clean));
    if (l.sum == NULL || l.count == NULL || l.labels == NULL || l.delta == NULL ||
        l.skipped == NULL || l.clean == NULL || l.images == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory to rank %d neurons", l.K);
        goto done;
    }
    if ((st = count_classes(&l, model)) != IGD_OK)
        goto done;
    if (igd_cut_is_affine(cut) && !o->plain &&
        (st = igd_jacobian_take(&l.jacobian, cut, l.f, probe)) != IGD_OK)
        goto done;
    if ((st = igd_loader_open(&l.loader, probe, NULL, l.N, (int)batch)) != IGD_OK)
        goto done;
    for (int64_t first = 0, n = 1; n > 0; first += n)
        if ((st = run_batch(&l, first, &n)) != IGD_OK)
            goto done;
    if ((st = check_skipped(&l)) == IGD_OK &&
        (st = make_ranking(out, &l, model, layer)) == IGD_OK)
        st = igd_ranking_note_layers(*out, cut);

done:
    if (st != IGD_OK) {
        igd_ranking_free(*out);
        *out = NULL;
    }
    igd_tensor_free(l.jacobian);
    free(l.images);
    free(l.delta);
    free(l.skipped);
    free(l.clean);
    free(l.labels);
    igd_loader_free(l.loader);
    free(l.count);
    free(l.sum);
    igd_cut_free(cut);
    return st;
}
