// Owns the way from host arrays through a classifier and back.
#include "model/classifier.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "host.h"
#include "tf32.h"

#define CLAMPED 1e-3f // how far outside [0, 1] a rounding error may put a pixel

typedef struct batch {
    const float *images; // [rows, C, H, W], borrowed or of `copy`
    const igd_draw *draws;
    igd_host copy;
    igd_draw *copied_draws;
    int64_t rows;
} batch;

struct igd_pass {
    const igd_classifier *f;
    batch in;
    int64_t n;
    igd_scope scope;
    igd_tensor *leaf;   // [rows, C, H, W]
    igd_tensor *output; // [rows, num_classes]
    igd_host logits;    // [rows, num_classes]
    igd_host weight;    // [rows, num_classes]
    igd_host grad;      // [rows, C, H, W], where rows > n
};

igd_status igd_check_pixels(const float *images, int64_t num_images, int64_t num_pixels)
{
    for (int64_t i = 0; i < num_images * num_pixels; i++)
        if (!(images[i] >= 0.0f && images[i] <= 1.0f))
            return igd_error(IGD_EINVAL,
                             "image %lld has a pixel of value %g, outside [0, 1]",
                             (long long)(i / num_pixels), (double)images[i]);
    return IGD_OK;
}

igd_status igd_check_or_clamp(const float **out, float **owned, const igd_classifier *f,
                              const float *images, int64_t n)
{
    const int64_t pixels = igd_classifier_pixels(f);
    *out = images;
    *owned = NULL;
    if (!f->clamp_pixels)
        return igd_check_pixels(images, n, pixels);
    float *copy = malloc((size_t)(n * pixels) * sizeof(*copy) + 1);
    if (copy == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %lld images", (long long)n);
    for (int64_t i = 0; i < n * pixels; i++) {
        const float v = images[i];
        const bool below = v < 0.0f && v >= -CLAMPED,
                   above = v > 1.0f && v <= 1.0f + CLAMPED;
        copy[i] = below ? 0.0f : above ? 1.0f : v;
    }
    const igd_status st = igd_check_pixels(copy, n, pixels);
    if (st != IGD_OK) {
        free(copy);
        return st;
    }
    *out = *owned = copy;
    return IGD_OK;
}

igd_classifier igd_classifier_alone(const igd_classifier *f)
{
    igd_classifier alone = *f;
    alone.block = f->lone_block;
    return alone;
}

int64_t igd_classifier_rows(const igd_classifier *f, int64_t n)
{
    int64_t step = f->block > 0 ? f->block : 1;
    while (f->off_host && 8 * step < n)
        step *= 2;
    return (n + step - 1) / step * step;
}

static void batch_free(batch *b)
{
    igd_host_free(&b->copy);
    free(b->copied_draws);
    *b = (batch){0};
}

static igd_status batch_fill(batch *b, const igd_classifier *f, const float *images,
                             int64_t n, const igd_draw *draws)
{
    const size_t d = (size_t)igd_classifier_pixels(f);
    *b = (batch){.images = images, .draws = draws, .rows = igd_classifier_rows(f, n)};
    if (b->rows == n)
        return IGD_OK;
    b->copied_draws = malloc((size_t)b->rows * sizeof(igd_draw));
    if (b->copied_draws == NULL ||
        igd_host_make(&b->copy, (size_t)b->rows * d, f->device) != IGD_OK) {
        batch_free(b);
        return igd_error(IGD_ENOMEM, "no memory for a batch of %lld images",
                         (long long)n);
    }
    memcpy(b->copy.data, images, (size_t)n * d * sizeof(float));
    memcpy(b->copied_draws, draws, (size_t)n * sizeof(igd_draw));
    for (int64_t i = n; i < b->rows; i++) {
        memcpy(b->copy.data + (size_t)i * d, images + (size_t)(n - 1) * d,
               d * sizeof(float));
        b->copied_draws[i] = draws[n - 1];
    }
    b->images = b->copy.data;
    b->draws = b->copied_draws;
    return IGD_OK;
}

static igd_tensor *batch_tensor(igd_scope *s, const igd_classifier *f, const batch *b)
{
    const int64_t shape[4] = {b->rows, f->shape[0], f->shape[1], f->shape[2]};
    return igt_view(s, b->images, shape, 4, f->device);
}

// Has the process compute as f wants it; *before is for round_end().
static igd_status round_begin(igd_tf32 *before, const igd_classifier *f)
{
    const bool allowed = f->rounding == IGD_ROUND_TF32;
    *before = (igd_tf32){allowed, allowed};
    return f->rounding == IGD_ROUND_AS_IS ? IGD_OK : igd_tf32_swap(before);
}

static igd_status round_end(igd_tf32 *before, const igd_classifier *f, igd_status st)
{
    if (f->rounding == IGD_ROUND_AS_IS)
        return st;
    const igd_status back = igd_tf32_swap(before);
    return st != IGD_OK ? st : back;
}

static igd_status compute_logits(float *logits, const igd_classifier *f,
                                 const float *images, int64_t n, const igd_draw *draws)
{
    batch in;
    igd_scope s;

    if (n < 1)
        return IGD_OK;
    IGD_TRY(batch_fill(&in, f, images, n, draws));
    s = igd_scope_begin(NULL);
    igd_tensor *z = f->logits(&s, f->self, batch_tensor(&s, f, &in), in.draws);
    igt_read(&s, igt_narrow(&s, z, 0, 0, n), logits, n * f->num_classes);
    const igd_status st = igd_scope_close(&s);
    batch_free(&in);
    return st;
}

igd_status igd_classifier_logits(float *logits, const igd_classifier *f,
                                 const float *images, int64_t n, const igd_draw *draws)
{
    igd_tf32 before;
    IGD_TRY(round_begin(&before, f));
    return round_end(&before, f, compute_logits(logits, f, images, n, draws));
}

static igd_status compute_pass(igd_pass **out, const igd_classifier *f,
                               const float *images, int64_t n, const igd_draw *draws)
{
    igd_status st = IGD_OK;
    igd_pass *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return igd_error(IGD_ENOMEM, "no memory for a pass");
    p->f = f;
    p->n = n;
    p->scope = igd_scope_begin_grad(NULL);
    if ((st = batch_fill(&p->in, f, images, n, draws)) != IGD_OK)
        goto done;
    const size_t outputs = (size_t)p->in.rows * (size_t)f->num_classes;
    const size_t pixels = (size_t)p->in.rows * (size_t)igd_classifier_pixels(f);
    if (igd_host_make(&p->logits, outputs, f->device) != IGD_OK ||
        igd_host_make(&p->weight, outputs, f->device) != IGD_OK ||
        (p->in.rows > n && igd_host_make(&p->grad, pixels, f->device) != IGD_OK)) {
        st = igd_error(IGD_ENOMEM, "no memory for the logits of %lld images",
                       (long long)n);
        goto done;
    }
    p->leaf = igt_leaf(&p->scope, batch_tensor(&p->scope, f, &p->in));
    p->output = f->logits(&p->scope, f->self, p->leaf, p->in.draws);
    igt_read(&p->scope, p->output, p->logits.data, (int64_t)outputs);
    st = p->scope.status;

done:
    if (st != IGD_OK) {
        igd_pass_free(p);
        return st;
    }
    *out = p;
    return IGD_OK;
}

igd_status igd_pass_run(igd_pass **out, const igd_classifier *f, const float *images,
                        int64_t n, const igd_draw *draws)
{
    igd_tf32 before;

    *out = NULL;
    if (n < 1)
        return igd_error(IGD_EINVAL, "a pass over %lld images", (long long)n);
    IGD_TRY(round_begin(&before, f));
    return round_end(&before, f, compute_pass(out, f, images, n, draws));
}

const float *igd_pass_logits(const igd_pass *p)
{
    return p->logits.data;
}

static igd_status compute_grad(float *grad, igd_pass *p, const float *weight, bool again)
{
    const int64_t rows = p->in.rows, C = p->f->num_classes;
    const int64_t d = igd_classifier_pixels(p->f);
    float *room = rows > p->n ? p->grad.data : grad;

    memcpy(p->weight.data, weight,
           (size_t)(p->n * C) * sizeof(float)); // the rest stays zero
    igd_scope s = igd_scope_begin(&p->scope);
    igd_tensor *w = igt_view(&s, p->weight.data, (int64_t[]){rows, C}, 2, p->f->device);
    igt_read(&s, igt_vjp(&s, p->output, w, p->leaf, again), room, rows * d);
    igd_scope_end(&s);
    if (p->scope.status == IGD_OK && room != grad)
        memcpy(grad, room, (size_t)(p->n * d) * sizeof(float));
    return p->scope.status;
}

igd_status igd_pass_grad(float *grad, igd_pass *p, const float *weight, bool again)
{
    igd_tf32 before;
    IGD_TRY(round_begin(&before, p->f));
    return round_end(&before, p->f, compute_grad(grad, p, weight, again));
}

void igd_pass_free(igd_pass *p)
{
    if (p == NULL)
        return;
    igd_scope_end(&p->scope);
    batch_free(&p->in);
    igd_host_free(&p->logits);
    igd_host_free(&p->weight);
    igd_host_free(&p->grad);
    free(p);
}
