// Owns the base model: loads its file, and runs it on random images to find out whether
// it is a classifier of images and what kind.
#include "model/model_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/archive.h"
#include "core/error.h"
#include "core/memory_file.h"
#include "core/options.h"
#include "core/random.h"
#include "core/require.h"

#define PROBES 3                       // random images of the checks
#define BATCH 128                      // images per forward pass of igd_model_predict()
#define SMALL_IMAGE (INT64_C(64) * 64) // pixels up to which a device is given more

static igd_tensor *model_logits(igd_scope *s, const void *self, const igd_tensor *x,
                                const igd_draw *draws)
{
    const igd_model *m = self;
    (void)draws;
    return m->outer != NULL ? igt_external(s, &m->outer->logits, x)
                            : igt_graph_run(s, m->graph, x);
}

static igd_status check_options(const igd_model_options *o, const int64_t shape[3])
{
    for (int i = 0; i < 3; i++)
        if (shape[i] < 1 || shape[i] > 65536)
            return igd_error(IGD_EINVAL, "images of %lldx%lldx%lld", (long long)shape[0],
                             (long long)shape[1], (long long)shape[2]);
    if ((o->mean == NULL) != (o->std == NULL))
        return igd_error(IGD_EINVAL, "mean and std belong together");
    if (o->mean == NULL)
        return IGD_OK;
    if (o->num_channels != shape[0] && o->num_channels != 1)
        return igd_error(IGD_EINVAL, "mean and std of %d channels, images of %lld",
                         o->num_channels, (long long)shape[0]);
    for (int c = 0; c < o->num_channels; c++) {
        if (!isfinite(o->mean[c]))
            return igd_error(IGD_EINVAL, "mean %g", (double)o->mean[c]);
        if (!isfinite(o->std[c]) || o->std[c] <= 0)
            return igd_error(IGD_EINVAL, "std %g; must be above 0", (double)o->std[c]);
    }
    return IGD_OK;
}

// A shape that tracing with one batch size has written into the file: "shape '[2, 8]'".
static bool is_baked_batch(const char *message, int64_t n)
{
    const char *shape = strstr(message, "shape '[");
    if (shape == NULL || strstr(message, "is invalid for input of size") == NULL)
        return false;
    const long long first = strtoll(shape + strlen("shape '["), NULL, 10);
    return first > 0 && first != n;
}

// Of libtorch's messages about types that do not fit, "Input type (double) and bias type
// (float) should be the same" and the like.
static bool is_about_types(const char *message)
{
    static const char *const words[] = {"dtype", "scalar type", "Input type ("};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strstr(message, words[i]) != NULL)
            return true;
    return false;
}

static igd_status explain_run(const igd_model *m, int64_t n, bool other_batch_ran)
{
    const int64_t *shape = m->classifier.shape;
    char why[512];
    snprintf(why, sizeof(why), "%s", igd_error_message());
    const char *text = strncmp(why, "model: ", 7) == 0 ? why + 7 : why;
    if (is_baked_batch(text, n))
        return igd_error(IGD_EINVAL,
                         "%s: fails at batch %lld: %s; tracing has written the size of a "
                         "batch into the file",
                         m->path, (long long)n, text);
    if (other_batch_ran)
        return igd_error(IGD_EINVAL, "%s: fails at batch %lld: %s", m->path, (long long)n,
                         text);
    if (strncmp(text, "AssertionError", strlen("AssertionError")) == 0 &&
        m->graph != NULL && igd_graph_asks_type(m->graph))
        return igd_error(IGD_EINVAL,
                         "%s: %s%s: the model asserts the type of its images, which come "
                         "as float32 in [0, 1]; integers would let no gradient through",
                         m->path, text,
                         text[strlen(text) - 1] == ' ' ? "no message" : "");
    if (is_about_types(text))
        return igd_error(IGD_EINVAL,
                         "%s: %s; igdef gives float32 images to weights in float32",
                         m->path, text);
    return igd_error(IGD_EINVAL, "%s: input shape %lldx%lldx%lld: %s", m->path,
                     (long long)shape[0], (long long)shape[1], (long long)shape[2], text);
}

// Why z, of n images, is not one row of logits per image.
static igd_status explain_shape(const igd_model *m, const igd_tensor *z, int64_t n)
{
    const int dims = igd_tensor_dims(z);
    const int64_t size = igd_tensor_size(z);
    if (dims == 1 && n == 1 && size > 1)
        return igd_error(IGD_EFORMAT,
                         "%s: gives %lld numbers in one axis for one image: a batch of "
                         "one loses its axis, as squeeze() does; export the model "
                         "without that",
                         m->path, (long long)size);
    if (size == n && (dims == 1 || (dims == 2 && igd_tensor_length(z, 1) == 1)))
        return igd_error(IGD_EFORMAT,
                         "%s: gives one number per image, not logits of two classes or "
                         "more; where it is the logit of one of two classes, export a "
                         "model that gives a zero beside it",
                         m->path);
    return igd_error(IGD_EFORMAT,
                     "%s: gives %lld numbers in %d axes for %lld images, not one row of "
                     "logits per image",
                     m->path, (long long)size, dims, (long long)n);
}

// Logits [n, C] of the first n probe images, owned; NULL where *st is a failure. Sets the
// number of classes.
static float *run_probe(igd_status *st, igd_model *m, const float *images, int64_t n,
                        bool other_batch_ran)
{
    igd_classifier *f = &m->classifier;
    float *logits = NULL;
    igd_scope s = igd_scope_begin(NULL);
    const int64_t shape[4] = {n, f->shape[0], f->shape[1], f->shape[2]};

    igd_tensor *x = igt_view(&s, images, shape, 4, f->device);
    igd_tensor *z = model_logits(&s, m, x, NULL);
    if (!igd_scope_ok(&s)) {
        *st = s.status == IGD_ENOMEM || m->outer != NULL
                  ? s.status
                  : explain_run(m, n, other_batch_ran);
        goto done;
    }
    const int64_t C = igd_tensor_length(z, 1);
    if (igd_tensor_dims(z) != 2 || igd_tensor_length(z, 0) != n || C < 2 || C > 1 << 20) {
        *st = explain_shape(m, z, n);
        goto done;
    }
    f->num_classes = (int)C;
    logits = malloc((size_t)(n * C) * sizeof(float));
    if (logits == NULL) {
        *st = igd_error(IGD_ENOMEM, "%s: no memory for logits", m->path);
        goto done;
    }
    igt_read(&s, z, logits, n * C);
    *st = s.status;
    for (int64_t i = 0; i < n * C && *st == IGD_OK; i++)
        if (!isfinite(logits[i]))
            *st = igd_error(IGD_EFORMAT, "%s: gives NaN or infinite logits", m->path);
    if (*st != IGD_OK) {
        free(logits);
        logits = NULL;
    }

done:
    igd_scope_end(&s);
    return logits;
}

static bool rows_are_probabilities(const float *z, int64_t n, int64_t C)
{
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int64_t c = 0; c < C; c++) {
            if (z[i * C + c] < -1e-6f || z[i * C + c] > 1 + 1e-6f)
                return false;
            sum += (double)z[i * C + c];
        }
        if (fabs(sum - 1) > 1e-3)
            return false;
    }
    return true;
}

// To a part of their largest logit.
bool igd_logits_agree(const float *a, const float *b, int64_t C, double tolerance)
{
    double largest = 0, difference = 0;
    for (int64_t c = 0; c < C; c++) {
        largest = fmax(largest, fabs((double)a[c]));
        difference = fmax(difference, fabs((double)a[c] - (double)b[c]));
    }
    return difference <= tolerance * (1 + largest);
}

// Calls f(graph, probe images).
static igd_status with_probes(igd_model *m, const float *images,
                              igd_status (*f)(igd_graph *g, const igd_tensor *x))
{
    const int64_t *shape = m->classifier.shape;
    igd_scope s = igd_scope_begin(NULL);
    igd_tensor *x =
        igt_view(&s, images, (int64_t[]){PROBES, shape[0], shape[1], shape[2]}, 4,
                 m->classifier.device);
    if (igd_scope_ok(&s))
        igd_scope_fail(&s, f(m->graph, x));
    return igd_scope_close(&s);
}

// Refuses a model whose logits of an image in a batch are not those of it alone. Where
// they differ by more than a usual rounding, float64 says what rounding is usual here.
static igd_status compare_rows(igd_model *m, const float *images, const float *all,
                               const float *one)
{
    const int64_t C = m->classifier.num_classes;
    if (igd_logits_agree(all, one, C, IGD_LOGITS_TOLERANCE))
        return IGD_OK;
    if (m->graph != NULL) {
        IGD_TRY(with_probes(m, images, igd_graph_measure_rounding));
        if (igd_logits_agree(all, one, C, igd_graph_tolerance(m->graph)))
            return IGD_OK;
    }
    return igd_error(IGD_EFORMAT,
                     "%s: the logits of an image depend on the images beside it, as by "
                     "statistics of the batch or a batch size that tracing wrote into "
                     "the file",
                     m->path);
}

// Says in m->no_gradient what keeps gradients from the images.
static igd_status check_gradient(igd_model *m, const float *images)
{
    const igd_classifier *f = &m->classifier;
    const size_t C = (size_t)f->num_classes;
    const size_t size = PROBES * (size_t)igd_classifier_pixels(f);
    const igd_draw draws[PROBES] = {{0}};
    const char *reason = NULL;
    char text[512];
    igd_pass *pass = NULL;
    float *weight = calloc(PROBES * C, sizeof(float));
    float *grad = malloc(size * sizeof(float));
    igd_status st = IGD_OK;

    if (weight == NULL || grad == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory for gradients", m->path);
        goto done;
    }
    for (size_t i = 0; i < PROBES * C; i++)
        weight[i] = 1 / (float)(1 + i % C); // all the same would hide a softmax
    st = igd_pass_run(&pass, f, images, PROBES, draws);
    if (st == IGD_OK && f->no_gradients) {
        reason = "the program gives no gradient";
        goto said;
    }
    if (st == IGD_OK)
        st = igd_pass_grad(grad, pass, weight, false);
    if (st == IGD_ENOMEM || (st != IGD_OK && m->outer != NULL))
        goto done;
    if (st != IGD_OK) {
        snprintf(text, sizeof(text), "%s; export the model again with gradients enabled",
                 igd_error_message());
        reason = text;
        st = IGD_OK;
    } else {
        bool any = false, finite = true;
        for (size_t i = 0; i < size; i++) {
            any = any || grad[i] != 0;
            finite = finite && isfinite(grad[i]);
        }
        if (!finite)
            reason = "gradients at random images are NaN or infinite";
        else if (!any)
            reason = "no gradient reaches the images";
    }
said:
    if (reason != NULL) {
        m->no_gradient = strdup(reason);
        if (m->no_gradient == NULL)
            st = igd_error(IGD_ENOMEM, "%s: out of memory", m->path);
    }

done:
    igd_pass_free(pass);
    free(weight);
    free(grad);
    return st;
}

static bool model_draws(const igd_model *m)
{
    return m->outer != NULL ? m->outer->random : igd_graph_draws(m->graph);
}

igd_status igd_model_check(igd_model *m, bool skip)
{
    igd_classifier *f = &m->classifier;
    const size_t pixels = (size_t)igd_classifier_pixels(f);
    float *images = malloc(PROBES * pixels * sizeof(float));
    float *one = NULL, *all = NULL, *again = NULL; // logits
    igd_status st = IGD_OK;

    if (images == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for %d images", m->path, PROBES);
    for (size_t i = 0; i < PROBES; i++) {
        const igd_stream stream = igd_stream_make(0, "probe", (int64_t)i, 0);
        igd_random_uniform(images + i * pixels, pixels, &stream);
    }
    if ((one = run_probe(&st, m, images, 1, false)) == NULL || skip ||
        (all = run_probe(&st, m, images, PROBES, true)) == NULL ||
        (again = run_probe(&st, m, images, PROBES, true)) == NULL)
        goto done;
    const size_t C = (size_t)f->num_classes;
    f->deterministic =
        memcmp(all, again, PROBES * C * sizeof(float)) == 0 && !model_draws(m);
    f->own_noise = !f->deterministic;
    if (m->graph != NULL && igd_graph_climbs(m->graph))
        f->num_backward_passes = 1; // or more
    if (f->deterministic && (st = compare_rows(m, images, all, one)) != IGD_OK)
        goto done;
    m->probabilities = rows_are_probabilities(all, PROBES, (int64_t)C);
    if (m->graph != NULL && f->deterministic &&
        (st = with_probes(m, images, igd_graph_settle)) != IGD_OK)
        goto done;
    st = check_gradient(m, images);
    f->differentiable = m->no_gradient == NULL;

done:
    free(images);
    free(one);
    free(all);
    free(again);
    return st;
}

static igd_status keep_options(igd_model *m, const igd_model_options *o)
{
    const size_t bytes = (size_t)o->num_channels * sizeof(float);
    m->plain = o->plain;
    m->keep_cuda_settings = o->keep_cuda_settings;
    m->num_channels = o->num_channels;
    if (o->output != NULL && (m->output = strdup(o->output)) == NULL)
        return igd_error(IGD_ENOMEM, "%s: out of memory", m->path);
    if (o->num_channels == 0)
        return IGD_OK;
    m->mean = malloc(bytes);
    m->std = malloc(bytes);
    if (m->mean == NULL || m->std == NULL)
        return igd_error(IGD_ENOMEM, "%s: out of memory", m->path);
    memcpy(m->mean, o->mean, bytes);
    memcpy(m->std, o->std, bytes);
    return IGD_OK;
}

static igd_status make_identity(igd_model *m, const igd_model_options *o)
{
    igd_sha256 *sum = NULL;
    memcpy(m->identity, m->sha256, sizeof(m->identity));
    if (o->num_channels == 0 && o->output == NULL)
        return IGD_OK;
    IGD_TRY(igd_sha256_new(&sum));
    igd_sha256_add(sum, m->sha256, sizeof(m->sha256));
    if (o->num_channels > 0) {
        igd_sha256_add(sum, o->mean, (size_t)o->num_channels * sizeof(float));
        igd_sha256_add(sum, o->std, (size_t)o->num_channels * sizeof(float));
    }
    if (o->output != NULL)
        igd_sha256_add(sum, o->output, strlen(o->output));
    const igd_status st = igd_sha256_hex(sum, m->identity);
    igd_sha256_free(sum);
    return st;
}

igd_status igd_model_begin(igd_model **out, const char *path, const int64_t shape[3],
                           const char *device)
{
    igd_model *m = calloc(1, sizeof(*m));
    *out = NULL;
    if (m == NULL || (m->path = strdup(path)) == NULL) {
        free(m);
        return igd_error(IGD_ENOMEM, "%s: out of memory", path);
    }
    snprintf(m->device, sizeof(m->device), "%s", device);
    m->classifier = (igd_classifier){
        .self = m,
        .shape = {shape[0], shape[1], shape[2]},
        .device = m->device,
        .off_host = strcmp(device, "cpu") != 0,
        .block = IGD_BATCH_ROWS,
        .deterministic = true,
        .differentiable = true,
        .num_passes = 1,
        .logits = model_logits,
    };
    *out = m;
    return IGD_OK;
}

// `path` is read, `name` is what it is called.
static igd_status load(igd_model **out, const char *path, const char *name,
                       const int64_t shape[3], const igd_model_options *o)
{
    igd_model *m = NULL;
    igd_status st;

    IGD_TRY(check_options(o, shape));
    const char *device = o->device != NULL ? o->device : "cpu";
    IGD_TRY(igd_error_rename(igd_archive_check(path), path, name));
    IGD_TRY(igd_model_begin(&m, name, shape, device));
    const igd_graph_options graph = {
        .device = device,
        .mean = o->mean,
        .std = o->std,
        .num_channels = o->num_channels,
        .plain = o->plain,
        .output = o->output,
        .shape = shape,
        .keep_cuda_settings = o->keep_cuda_settings,
        .name = name,
    };
    m->classifier.lone_block = o->batch_invariant ? IGD_BATCH_ROWS : 0;
    m->classifier.clamp_pixels = o->clamp_pixels;
    if ((st = igd_error_rename(igd_sha256_file(m->sha256, path), path, name)) == IGD_OK &&
        (st = make_identity(m, o)) == IGD_OK && (st = keep_options(m, o)) == IGD_OK &&
        (st = igd_graph_load(&m->graph, path, "forward", &graph)) == IGD_OK)
        st = igd_model_check(m, o->skip_check);
    if (st != IGD_OK) {
        igd_model_free(m);
        return st;
    }
    *out = m;
    return IGD_OK;
}

igd_status igd_model_load(igd_model **out, const char *path, const int64_t shape[3],
                          const igd_model_options *options)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(path);
    IGD_REQUIRE(shape);
    IGD_OPTIONS(igd_model_options, o, options);
    return load(out, path, path, shape, &o);
}

igd_status igd_model_load_memory(igd_model **out, const void *bytes, size_t num_bytes,
                                 const char *name, const int64_t shape[3],
                                 const igd_model_options *options)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(bytes);
    IGD_REQUIRE(name);
    IGD_REQUIRE(shape);
    IGD_OPTIONS(igd_model_options, o, options);
    igd_memory_file file;
    IGD_TRY(igd_memory_file_open(&file, bytes, num_bytes, name));
    const igd_status st = load(out, file.path, name, shape, &o);
    igd_memory_file_close(&file);
    return st;
}

igd_status igd_model_load_beside(igd_model **out, const igd_model *m, const char *path)
{
    const igd_model_options o = {.size = sizeof(o),
                                 .device = m->device,
                                 .mean = m->mean,
                                 .std = m->std,
                                 .num_channels = m->num_channels,
                                 .output = m->output,
                                 .plain = m->plain,
                                 .batch_invariant = m->classifier.lone_block > 0,
                                 .clamp_pixels = m->classifier.clamp_pixels,
                                 .keep_cuda_settings = m->keep_cuda_settings};
    return igd_model_load(out, path, m->classifier.shape, &o);
}

int igd_model_num_classes(const igd_model *m)
{
    return m != NULL ? m->classifier.num_classes : 0;
}

int igd_model_batch_size(const igd_model *m)
{
    if (m == NULL)
        return 0;
    const igd_classifier *f = &m->classifier;
    const bool small = f->shape[1] * f->shape[2] <= SMALL_IMAGE;
    return f->off_host && small ? 4 * BATCH : BATCH;
}

const char *igd_model_sha256(const igd_model *m)
{
    return m != NULL ? m->sha256 : "";
}

const char *igd_model_identity(const igd_model *m)
{
    return m->identity;
}

const char *igd_model_path(const igd_model *m)
{
    return m != NULL ? m->path : "";
}

const int64_t *igd_model_shape(const igd_model *m)
{
    return m != NULL ? m->classifier.shape : NULL;
}

bool igd_model_is_deterministic(const igd_model *m)
{
    return m != NULL ? m->classifier.deterministic : false;
}

bool igd_model_gives_probabilities(const igd_model *m)
{
    return m != NULL ? m->probabilities : false;
}

const char *igd_model_output(const igd_model *m)
{
    return m != NULL && m->graph != NULL ? igd_graph_output(m->graph) : "";
}

const char *const *igd_model_methods(const igd_model *m, int *num)
{
    if (num != NULL)
        *num = 0;
    if (m == NULL || num == NULL)
        return NULL;
    static const char *const forward[] = {"forward"};
    if (m->outer == NULL)
        return igd_graph_methods(m->graph, num);
    *num = 1;
    return forward;
}

igd_status igd_model_layers(const igd_model *m, const igd_layer **layers, int *num)
{
    IGD_REQUIRE(m);
    IGD_REQUIRE(layers);
    IGD_REQUIRE(num);
    if (m->outer == NULL)
        return igd_graph_layers(m->graph, m->classifier.shape, layers, num);
    *num = m->outer->prefix.rows != NULL ? 1 : 0;
    *layers = &m->outer->layer;
    return IGD_OK;
}

igd_status igd_model_predict(float *logits, const igd_model *m, const float *images,
                             int64_t n)
{
    IGD_REQUIRE(m);
    const igd_classifier *f = &m->classifier;
    const int64_t pixels = igd_classifier_pixels(f);
    const igd_draw draws[BATCH] = {{0}}; // a base model has no noise of its own

    if (n < 0)
        return igd_error(IGD_EINVAL, "a prediction of %lld images", (long long)n);
    if (n > 0) {
        IGD_REQUIRE(logits);
        IGD_REQUIRE(images);
    }
    const igd_classifier alone = igd_classifier_alone(f);
    const float *taken = NULL;
    float *owned = NULL;
    igd_status st = igd_check_or_clamp(&taken, &owned, f, images, n);
    for (int64_t i = 0; i < n && st == IGD_OK; i += BATCH) {
        const int64_t count = n - i < BATCH ? n - i : BATCH;
        st = igd_classifier_logits(logits + i * f->num_classes, &alone,
                                   taken + i * pixels, count, draws);
    }
    free(owned);
    return st;
}

const igd_classifier *igd_model_classifier(const igd_model *m)
{
    return &m->classifier;
}

const igd_graph *igd_model_graph(const igd_model *m)
{
    return m->graph;
}

igd_status igd_model_cut(igd_cut **out, const igd_model *m, const char *layer)
{
    return m->outer != NULL ? igd_outer_cut(out, m, layer)
                            : igd_cut_new(out, m->graph, layer, m->classifier.shape);
}

int igd_model_normalization(const igd_model *m, const float **mean, const float **std)
{
    *mean = m->mean;
    *std = m->std;
    return m->num_channels;
}

const char *igd_model_no_gradient(const igd_model *m)
{
    return m != NULL ? m->no_gradient : NULL;
}

void igd_model_free(igd_model *m)
{
    if (m == NULL)
        return;
    igd_graph_free(m->graph);
    igd_outer_free(m->outer);
    free(m->path);
    free(m->no_gradient);
    free(m->output);
    free(m->mean);
    free(m->std);
    free(m);
}
