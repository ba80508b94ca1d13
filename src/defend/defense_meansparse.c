// MeanSparse: small variations of activations around their mean are taken away.
//
// Source: Amini et al., 2024 (arXiv 2406.05927), whose operator stands before activation
// functions; its released code, which leaves values at the threshold as they are, so that
// alpha = 0 changes nothing. The deviation here is that of all probe images at once.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/json_build.h"
#include "core/options.h"
#include "core/require.h"
#include "cut.h"
#include "data/loader.h"
#include "defend/defense_kind.h"

typedef struct meansparse {
    igd_defense common;
    igd_cut *cut;
    igd_tensor *mean, *threshold; // [1, ..., K, ..., 1], as long as the activation's axes
} meansparse;

static void free_meansparse(igd_defense *d)
{
    meansparse *m = (meansparse *)d;
    igd_cut_free(m->cut);
    igd_tensor_free(m->mean);
    igd_tensor_free(m->threshold);
}

// --- the classifier

// The activation with its values near the mean set to it.
static igd_tensor *sparsify(igd_scope *s, const meansparse *d, const igd_tensor *act)
{
    igd_tensor *off = igt_abs(s, igt_sub(s, act, d->mean));
    return igt_where_less(s, off, d->threshold, d->mean, act);
}

static igd_tensor *logits(igd_scope *s, const void *self, const igd_tensor *x,
                          const igd_draw *draws)
{
    const igd_defense_view *v = self;
    const meansparse *d = (const meansparse *)v->defense;
    igd_scope t = igd_scope_begin(s);
    igd_carried *carried = NULL;
    igd_tensor *act = igt_prefix(&t, d->cut, x, &carried);
    igd_tensor *sparse = sparsify(&t, d, act);
    (void)draws;
    if (t.grad && v->surrogate) // zero, with the gradient of the activation itself
        sparse =
            igt_add(&t, igt_detach(&t, sparse), igt_sub(&t, act, igt_detach(&t, act)));
    return igd_scope_return(&t, igt_suffix(&t, d->cut, sparse, carried));
}

static void classifier(igd_classifier *f, const igd_defense_view *view)
{
    f->self = view;
    f->logits = logits;
}

static igd_adaptive adaptive(const igd_defense *d)
{
    (void)d;
    return IGD_ADAPTIVE_SURROGATE;
}

static igd_status export(const igd_defense *d, const char *path)
{
    const meansparse *m = (const meansparse *)d;
    const char *carried = igd_cut_carried_text(m->cut);
    char source[2048];
    const int wanted = snprintf(source, sizeof(source),
                                "def forward(self, x):\n"
                                "    act%s = self._prefix(x)\n"
                                "    near = (act - self.mean).abs() < self.threshold\n"
                                "    sparse = torch.where(near, self.mean, act)\n"
                                "    return self._suffix(sparse%s)\n",
                                carried, carried);
    if (wanted < 0 || (size_t)wanted >= sizeof(source))
        return igd_error(IGD_EINVAL, "the layer carries too many values to export");
    return igd_cut_export(m->cut, source, (const char *const[]){"mean", "threshold"},
                          (const igd_tensor *const[]){m->mean, m->threshold}, 2, path);
}

static const igd_defense_type type = {
    .kind = IGD_DEFENSE_MEANSPARSE,
    .name = "meansparse",
    .classifier = classifier,
    .free = free_meansparse,
    .adaptive = adaptive,
    .export = export,
};

// --- the statistics

// What is known of each channel; images are added one after the other, so that batches
// change nothing.
typedef struct moments {
    int64_t K;
    double count;          // values of a channel
    double *mean, *spread; // [K]; spread: sum of squared differences from the mean
} moments;

static void moments_free(moments *m)
{
    free(m->mean);
    free(m->spread);
}

static igd_status moments_init(moments *m, int64_t K)
{
    *m = (moments){.K = K,
                   .mean = calloc((size_t)K, sizeof(double)),
                   .spread = calloc((size_t)K, sizeof(double))};
    if (m->mean != NULL && m->spread != NULL)
        return IGD_OK;
    return igd_error(IGD_ENOMEM, "no memory for the statistics of %lld neurons",
                     (long long)K);
}

// Adds the activation [K, P] of an image.
// Source: Chan, Golub and LeVeque, 1983, equation 2.1: moments of two sets joined.
static void moments_add(moments *m, const float *act, int64_t P)
{
    const double n = (double)P, all = m->count + n;
    for (int64_t k = 0; k < m->K; k++) {
        const float *of = act + k * P;
        double mean = 0.0, spread = 0.0;
        for (int64_t p = 0; p < P; p++)
            mean += (double)of[p];
        mean /= n;
        for (int64_t p = 0; p < P; p++)
            spread += ((double)of[p] - mean) * ((double)of[p] - mean);
        const double apart = mean - m->mean[k];
        m->mean[k] += apart * n / all;
        m->spread[k] += spread + apart * apart * m->count * n / all;
    }
    m->count = all;
}

// act [n, K, P], owned, of images [n, C, H, W]. Whole blocks of rows, as in classifier.c.
static igd_status activate(float **act, int64_t *P, const meansparse *d,
                           const igd_batch *b)
{
    const igd_classifier *f = d->common.f;
    const int64_t K = igd_cut_num_neurons(d->cut), pixels = igd_classifier_pixels(f);
    const int64_t rows = (b->n + IGD_BATCH_ROWS - 1) / IGD_BATCH_ROWS * IGD_BATCH_ROWS;
    const int batch = igd_cut_batch_axis(d->cut), axis = igd_cut_neuron_axis(d->cut);
    float *images = malloc((size_t)(rows * pixels) * sizeof(float));

    *act = NULL;
    if (images == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %lld images", (long long)rows);
    for (int64_t i = 0; i < rows; i++)
        memcpy(images + i * pixels, b->images + (i < b->n ? i : b->n - 1) * pixels,
               (size_t)pixels * sizeof(float));
    igd_scope s = igd_scope_begin(NULL);
    igd_carried *carried = NULL;
    const int64_t shape[] = {rows, f->shape[0], f->shape[1], f->shape[2]};
    igd_tensor *x = igt_view(&s, images, shape, 4, f->device);
    igd_tensor *at = igt_move_axis(&s, igt_prefix(&s, d->cut, x, &carried), batch, 0);
    // The neurons' axis moved up where the batch came from behind it.
    igd_tensor *there = igt_move_axis(&s, at, axis < batch ? axis + 1 : axis, 1);
    const int64_t size = igd_tensor_size(there);
    *P = size / (rows * K);
    *act = malloc((size_t)size * sizeof(float) + 1);
    if (*act == NULL)
        igd_scope_fail(
            &s, igd_error(IGD_ENOMEM, "no memory for %lld activations", (long long)size));
    igt_read(&s, there, *act, size);
    free(images);
    return igd_scope_close(&s);
}

static igd_status measure(moments *m, const meansparse *d, const igd_dataset *probe,
                          const igd_meansparse_options *o)
{
    const int64_t N = igd_dataset_size(probe);
    igd_loader *loader = NULL;
    float *act = NULL;
    igd_status st;
    igd_batch b;

    if ((st = igd_loader_open(&loader, probe, NULL, N, o->batch_size)) != IGD_OK)
        goto done;
    for (int64_t seen = 0; seen < N; seen += b.n) {
        int64_t P = 0;
        if ((st = igd_loader_next(loader, &b)) != IGD_OK ||
            (st = activate(&act, &P, d, &b)) != IGD_OK)
            goto done;
        for (int64_t i = 0; i < b.n; i++)
            moments_add(m, act + i * m->K * P, P);
        free(act);
        act = NULL;
        if (o->progress != NULL && o->progress("activations", (double)(seen + b.n),
                                               (double)N, o->payload) != 0) {
            st = igd_error(IGD_ECANCELED, "interrupted");
            goto done;
        }
    }

done:
    free(act);
    igd_loader_free(loader);
    return st;
}

// --- the constructor

static igd_status check(const igd_model *base, const igd_dataset *probe,
                        const igd_meansparse_options *o)
{
    if (!isfinite(o->alpha) || o->alpha < 0.0)
        return igd_error(IGD_EINVAL, "alpha is %g, not a number >= 0", o->alpha);
    if (o->batch_size < 1 || o->batch_size > 65536)
        return igd_error(IGD_EINVAL, "batch size is %d, outside 1 to 65536",
                         o->batch_size);
    if (memcmp(igd_dataset_shape(probe), igd_model_shape(base), 3 * sizeof(int64_t)) != 0)
        return igd_error(IGD_EINVAL,
                         "the probe images have another shape than the model's");
    if (igd_dataset_size(probe) < 1)
        return igd_error(IGD_EINVAL, "no probe images");
    return IGD_OK;
}

static igd_status to_device(igd_tensor **out, const meansparse *d, const float *values)
{
    int64_t shape[16];
    const int dims = igd_cut_num_dims(d->cut);
    if (dims > 16)
        return igd_error(IGD_EINVAL, "an activation of %d axes", dims);
    for (int i = 0; i < dims; i++)
        shape[i] = i == igd_cut_neuron_axis(d->cut) ? igd_cut_num_neurons(d->cut) : 1;
    igd_scope s = igd_scope_begin(NULL);
    return igd_scope_give(&s, out,
                          igt_floats(&s, values, shape, dims, d->common.f->device));
}

// The tensors of the statistics, and their digest: they decide about flags.
static igd_status settle(meansparse *d, const moments *m, double alpha,
                         char sha256[IGD_SHA256_LENGTH])
{
    const size_t K = (size_t)m->K;
    float *values = malloc(2 * K * sizeof(float)); // means, then thresholds
    igd_sha256 *sum = NULL;
    igd_status st;

    if (values == NULL)
        return igd_error(IGD_ENOMEM, "no memory for the statistics of %zu neurons", K);
    for (size_t k = 0; k < K; k++) {
        values[k] = (float)m->mean[k];
        values[K + k] = (float)(alpha * sqrt(m->spread[k] / m->count));
        if (!isfinite(values[k]) || !isfinite(values[K + k])) {
            st = igd_error(IGD_EINVAL, "neuron %zu has no finite mean and deviation", k);
            goto done;
        }
    }
    if ((st = to_device(&d->mean, d, values)) == IGD_OK &&
        (st = to_device(&d->threshold, d, values + K)) == IGD_OK &&
        (st = igd_sha256_new(&sum)) == IGD_OK) {
        igd_sha256_add(sum, values, 2 * K * sizeof(float));
        st = igd_sha256_hex(sum, sha256);
    }

done:
    igd_sha256_free(sum);
    free(values);
    return st;
}

igd_status igd_defense_new_meansparse(igd_defense **out, const igd_model *base,
                                      const char *layer, const igd_dataset *probe,
                                      const igd_meansparse_options *options)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(base);
    IGD_REQUIRE(layer);
    IGD_REQUIRE(probe);
    IGD_OPTIONS(igd_meansparse_options, o, options);
    char sha256[IGD_SHA256_LENGTH] = "";
    igd_defense *begun = NULL;
    moments m = {0};
    igd_status st;

    IGD_TRY(check(base, probe, &o));
    IGD_TRY(igd_defense_begin(&begun, sizeof(meansparse), base, &type));
    meansparse *d = (meansparse *)begun;
    if ((st = igd_model_cut(&d->cut, base, layer)) == IGD_OK &&
        (st = igd_sketch_make(&begun->probe, probe)) == IGD_OK &&
        (st = moments_init(&m, igd_cut_num_neurons(d->cut))) == IGD_OK &&
        (st = measure(&m, d, probe, &o)) == IGD_OK &&
        (st = settle(d, &m, o.alpha, sha256)) == IGD_OK) {
        igd_json_add_string(begun->settings, "layer", layer);
        igd_json_add_number(begun->settings, "alpha", o.alpha);
        igd_json_add_number(begun->settings, "images", (double)igd_dataset_size(probe));
        igd_json_add_string(begun->settings, "statistics_sha256", sha256);
    }
    moments_free(&m);
    return igd_defense_finish(out, begun, st);
}
