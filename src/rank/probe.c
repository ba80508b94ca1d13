// Owns the probe pass, which decodes every image once for both networks.
#include "rank/probe.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/logits.h"
#include "data/loader.h"
#include "model/model_impl.h"

#define ROWS IGD_BATCH_ROWS

typedef struct probe {
    const igd_probe_options *o;
    const igd_classifier *f;
    igd_cut *cut;
    int64_t K, room; // neurons; images in a batch, a multiple of ROWS
    float *images;   // [room, C, H, W]
    float *act;      // [room, K]
    float *embed;    // [room, D]
    int64_t num_bad; // images with activations that are not finite
    igd_loader *loader;
} probe;

static igd_status probe_init(probe *p)
{
    const igd_probe_options *o = p->o;
    IGD_TRY(igd_model_cut(&p->cut, o->model, o->layer));
    p->f = igd_model_classifier(o->model);
    p->K = igd_cut_num_neurons(p->cut);
    p->room = ((int64_t)o->batch_size + ROWS - 1) / ROWS * ROWS;
    const size_t n = (size_t)p->room;
    p->images = malloc(n * (size_t)igd_classifier_pixels(p->f) * sizeof(*p->images));
    p->act = malloc(n * (size_t)p->K * sizeof(*p->act));
    if (o->clip != NULL)
        p->embed = malloc(n * (size_t)igd_clip_width(o->clip) * sizeof(*p->embed));
    if (p->images == NULL || p->act == NULL || (o->clip != NULL && p->embed == NULL))
        return igd_error(IGD_ENOMEM, "no memory for batches of %d images", o->batch_size);
    return IGD_OK;
}

igd_status igd_activate(float *act, const igd_cut *cut, const igd_classifier *f,
                        float *images, int64_t n, igd_pool pool)
{
    const int64_t *shape = f->shape, K = igd_cut_num_neurons(cut);
    const int64_t pixels = igd_classifier_pixels(f);
    const int64_t rows = (n + ROWS - 1) / ROWS * ROWS;
    for (int64_t i = n; i < rows; i++)
        memcpy(images + i * pixels, images + (n - 1) * pixels,
               (size_t)pixels * sizeof(float));
    igd_scope s = igd_scope_begin(NULL);
    igd_carried *carried = NULL;
    igd_tensor *x = igt_view(&s, images, (int64_t[]){rows, shape[0], shape[1], shape[2]},
                             4, f->device);
    igd_tensor *at = igt_prefix(&s, cut, x, &carried);
    igd_tensor *pooled = igt_pool_neurons(&s, cut, at, pool == IGD_POOL_MAX); // [rows, K]
    igt_read(&s, pooled, act, rows * K);
    return igd_scope_close(&s);
}

static igd_status probe_batch(probe *p, igd_rows *activations, igd_rows *embeddings,
                              const igd_batch *b)
{
    const igd_probe_options *o = p->o;
    // Copied, because igd_activate() fills up the rows.
    memcpy(p->images, b->images,
           (size_t)(b->n * igd_classifier_pixels(p->f)) * sizeof(float));
    if (o->clip != NULL) {
        IGD_TRY(igd_clip_embed(p->embed, o->clip, p->images, p->f->shape, b->n));
        IGD_TRY(igd_rows_append(embeddings, p->embed, b->n));
    }
    IGD_TRY(igd_activate(p->act, p->cut, p->f, p->images, b->n, o->pool));
    for (int64_t i = 0; i < b->n; i++)
        p->num_bad += igd_peak(p->act + i * p->K, (size_t)p->K) >= IGD_INFINITE;
    return igd_rows_append(activations, p->act, b->n);
}

igd_status igd_probe_run(igd_rows **activations, igd_rows **embeddings,
                         const igd_probe_options *o)
{
    const char *stage = o->clip == NULL ? "activations" : "activations and embeddings";
    const int64_t N = igd_dataset_size(o->images);
    probe p = {.o = o};
    igd_status st = IGD_OK;

    *activations = *embeddings = NULL;
    if ((st = probe_init(&p)) != IGD_OK ||
        (st = igd_rows_spool(activations, "activations", p.K)) != IGD_OK ||
        (o->clip != NULL && (st = igd_rows_spool(embeddings, "image embeddings",
                                                 igd_clip_width(o->clip))) != IGD_OK))
        goto done;
    if ((st = igd_loader_open(&p.loader, o->images, NULL, N, o->batch_size)) != IGD_OK)
        goto done;
    igd_batch b;
    for (int64_t seen = 0; seen < N; seen += b.n) {
        if ((st = igd_loader_next(p.loader, &b)) != IGD_OK ||
            (st = probe_batch(&p, *activations, *embeddings, &b)) != IGD_OK)
            goto done;
        if (o->progress != NULL &&
            o->progress(stage, (double)(seen + b.n), (double)N, o->payload) != 0) {
            st = igd_error(IGD_ECANCELED, "interrupted");
            goto done;
        }
    }
    if (p.num_bad > 0)
        st = igd_error(IGD_EINVAL,
                       "%lld of %lld probe images have activations that are NaN or "
                       "infinite",
                       (long long)p.num_bad, (long long)N);

done:
    if (st != IGD_OK) {
        igd_rows_free(*activations);
        igd_rows_free(*embeddings);
        *activations = *embeddings = NULL;
    }
    igd_cut_free(p.cut);
    free(p.images);
    free(p.act);
    free(p.embed);
    igd_loader_free(p.loader);
    return st;
}
