// Measures what igdef promises about speed, each pair of times side by side in this run.
//
// usage: bench MODEL DATA LAYER KEEP [pgd-steps]
// Prints one line per ratio: what, measured, promised. Called by scripts/bench.sh.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cut.h"
#include "defend/defense_impl.h"
#include "engine/engine.h"
#include "igdef.h"
#include "model/model_impl.h"
#include "rank/ranking_impl.h"

#define MAX_IMAGES 2048
#define BATCH 128
#define REPEATS 9

static igd_model *model;
static igd_dataset *data;
static igd_ranking *ranking;
static igd_defense *smoothed, *plain;
static const char *layer;
static float *images, *logits;
static int *labels;
static int64_t pixels, num_images; // a multiple of BATCH
static int pgd_steps;

static void check(igd_status st)
{
    if (st == IGD_OK)
        return;
    fprintf(stderr, "bench: %s\n", igd_error_message());
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void base_forward(void)
{
    for (int64_t i = 0; i < num_images; i += BATCH)
        check(igd_model_predict(logits, model, images + i * pixels, BATCH));
}

static void defended_forward(const igd_defense *d)
{
    for (int64_t i = 0; i < num_images; i += BATCH)
        check(igd_defense_predict(logits, NULL, d, images + i * pixels, NULL, BATCH));
}

static void smoothed_forward(void)
{
    defended_forward(smoothed);
}

static void plain_forward(void)
{
    defended_forward(plain);
}

static void rank_penultimate(void)
{
    igd_ranking *r = NULL;
    check(igd_ranking_loir(&r, model, "penultimate", data, NULL));
    igd_ranking_free(r);
}

static void search_keep(void)
{
    igd_search_keep_options o = igd_search_keep_options_default();
    igd_analysis *a = NULL;
    o.defense = *igd_defense_settings(smoothed);
    o.run.batch_size = BATCH;
    check(igd_analyze_search_keep(&a, model, ranking, data, &o));
    igd_analysis_free(a);
}

// The parts of LO-IR at a layer with one suffix pass per neuron, on one batch.
static igd_dataset *few;

static void rank_layer(void)
{
    igd_loir_options o = igd_loir_options_default();
    igd_ranking *r = NULL;
    o.plain = true;
    check(igd_ranking_loir(&r, model, layer, few, &o));
    igd_ranking_free(r);
}

static void one_batch_forward(void)
{
    check(igd_model_predict(logits, model, images, BATCH));
}

// Least times of both, alternating, so that both meet the same noise of the machine.
static double ratio(void (*a)(void), void (*b)(void), double per_b)
{
    double best_a = 1e30, best_b = 1e30;
    for (int i = 0; i < REPEATS; i++) {
        double start = now();
        a();
        double middle = now();
        b();
        double end = now();
        best_a = middle - start < best_a ? middle - start : best_a;
        best_b = end - middle < best_b ? end - middle : best_b;
    }
    return best_a / (best_b * per_b);
}

// PGD as the same loop elsewhere does it: every step for every image.
typedef struct queue {
    int64_t next;
    int64_t fooled;
} queue;

static igd_status next_target(igd_target *out, void *payload)
{
    queue *q = payload;
    if (q->next == BATCH)
        return IGD_OK;
    const int64_t i = q->next++;
    *out = (igd_target){.image = i,
                        .label = labels[i],
                        .x = images + i * pixels,
                        .clean = logits + i * igd_model_num_classes(model)};
    return IGD_OK;
}

static igd_status count_outcome(const igd_outcome *o, void *payload)
{
    ((queue *)payload)->fooled += o->fooled;
    return IGD_OK;
}

static void run_pgd(void)
{
    const igd_classifier *f = igd_model_classifier(model);
    const igd_threat threat = {.norm = IGD_NORM_LINF, .eps = 8.0 / 255.0};
    const igd_attack *attack = NULL;
    igd_attack_job job;
    queue q = {0};
    const igd_engine_feed feed = {
        .next = next_target, .done = count_outcome, .payload = &q};
    check(igd_attack_find(&attack, "pgd"));
    check(igd_attack_job_init(&job, attack, &threat, f, 0));
    check(igd_attack_job_set(&job, "steps", pgd_steps));
    job.shortcuts = false;
    check(igd_engine_run(&job, f, BATCH, &feed));
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: bench MODEL DATA LAYER KEEP [PGD-STEPS]\n");
        return 2;
    }
    check(igd_set_num_threads(0));
    igd_dataset_options options = igd_dataset_options_default();
    options.split = "train";
    check(igd_dataset_open(&data, argv[2], &options));
    num_images = igd_dataset_size(data) / BATCH * BATCH;
    num_images = num_images < MAX_IMAGES ? num_images : MAX_IMAGES;
    igd_dataset_free(data);
    options.count = num_images;
    check(igd_dataset_open(&data, argv[2], &options));
    options.count = BATCH;
    check(igd_dataset_open(&few, argv[2], &options));
    const int64_t *shape = igd_dataset_shape(data);
    check(igd_model_load(&model, argv[1], shape, NULL));
    layer = argv[3];
    pixels = shape[0] * shape[1] * shape[2];
    images = malloc((size_t)(num_images * pixels) * sizeof(*images));
    logits = malloc((size_t)(BATCH * igd_model_num_classes(model)) * sizeof(*logits));
    labels = malloc((size_t)num_images * sizeof(*labels));
    for (int64_t i = 0; i < num_images; i++) {
        check(igd_dataset_read(data, images + i * pixels, &i, 1));
        labels[i] = igd_dataset_label(data, i);
    }

    if (argc > 5) { // seconds of PGD alone, for the comparison with another program
        pgd_steps = atoi(argv[5]);
        double best = 1e30;
        one_batch_forward();
        run_pgd();
        for (int i = 0; i < REPEATS; i++) {
            const double start = now();
            run_pgd();
            best = now() - start < best ? now() - start : best;
        }
        printf("%.6f\n", best);
        return 0;
    }

    check(igd_ranking_random(&ranking, model, "penultimate", NULL, 0));
    igd_defense_options o = igd_defense_options_default();
    o.keep = atoi(argv[4]);
    check(igd_defense_new(&smoothed, model, ranking, &o));
    o.sigma = 0.0;
    check(igd_defense_new(&plain, model, ranking, &o));
    igd_cut *cut = NULL;
    check(igd_model_cut(&cut, model, layer));
    const double K = (double)igd_cut_num_neurons(cut);
    base_forward();
    one_batch_forward();
    printf("LO-IR, affine suffix / one forward pass          %6.2f  (at most 1.15)\n",
           ratio(rank_penultimate, base_forward, 1.0));
    printf("one full pass per neuron / LO-IR at %-10s   %6.2f  (at least 3 at layer3 of "
           "a ResNet-18)\n",
           layer, 1.0 / ratio(rank_layer, one_batch_forward, K));
    printf("defended forward, smooth 1 / base forward        %6.2f  (at most 2.1)\n",
           ratio(smoothed_forward, base_forward, 1.0));
    printf("defended forward, no smoothing / base forward    %6.2f  (at most 1.1)\n",
           ratio(plain_forward, base_forward, 1.0));
    printf("every keep in one pass / one defended forward    %6.2f  (at most 1.2)\n",
           ratio(search_keep, smoothed_forward, 1.0));
    igd_cut_free(cut);
    igd_defense_free(plain);
    igd_defense_free(smoothed);
    igd_ranking_free(ranking);
    igd_model_free(model);
    igd_dataset_free(few);
    igd_dataset_free(data);
    free(labels);
    free(logits);
    free(images);
    return 0;
}
