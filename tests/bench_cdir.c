// Times whole CD-IR against the two passes that it cannot do without: CLIP's image
// encoder and the base model over the same images.
//
// usage: bench_cdir MODEL DATA CLIP VOCABULARY CONCEPTS COUNT
// Prints the ratio and what is promised. Called by scripts/bench.sh.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/lines.h"
#include "data/loader.h"
#include "igdef.h"
#include "rank/clip.h"

#define BATCH 128
#define REPEATS 3

static igd_model *model;
static igd_dataset *data;
static igd_clip *clip;
static igd_cdir_options options;

static void check(igd_status st)
{
    if (st == IGD_OK)
        return;
    fprintf(stderr, "bench_cdir: %s\n", igd_error_message());
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// Seconds of one pass over the images: of CLIP or of the base model.
static double pass(bool of_clip)
{
    const int64_t width = of_clip ? igd_clip_width(clip) : igd_model_num_classes(model);
    float *out = malloc((size_t)width * BATCH * sizeof(*out));
    igd_loader *loader = NULL;
    igd_batch b;
    if (out == NULL)
        exit(1);
    const double start = now();
    check(igd_loader_open(&loader, data, NULL, igd_dataset_size(data), BATCH));
    for (check(igd_loader_next(loader, &b)); b.n > 0; check(igd_loader_next(loader, &b)))
        check(of_clip ? igd_clip_embed(out, clip, b.images, igd_dataset_shape(data), b.n)
                      : igd_model_predict(out, model, b.images, b.n));
    const double seconds = now() - start;
    igd_loader_free(loader);
    free(out);
    return seconds;
}

static double whole(void)
{
    igd_ranking *ranking = NULL;
    const double start = now();
    check(igd_ranking_cdir(&ranking, model, "penultimate", data, &options));
    const double seconds = now() - start;
    igd_ranking_free(ranking);
    return seconds;
}

static void keep_less(double *least, double seconds)
{
    if (*least == 0 || seconds < *least)
        *least = seconds;
}

int main(int argc, char **argv)
{
    igd_dataset_options of_data = igd_dataset_options_default();
    igd_lines concepts = {0};
    double clip_pass = 0, base_pass = 0, cdir = 0; // least of each

    if (argc != 7) {
        fprintf(stderr, "usage: %s MODEL DATA CLIP VOCABULARY CONCEPTS COUNT\n", argv[0]);
        return 2;
    }
    of_data.count = strtol(argv[6], NULL, 10);
    options = igd_cdir_options_default();
    check(igd_set_num_threads(0));
    check(igd_dataset_open(&data, argv[2], &of_data));
    check(igd_model_load(&model, argv[1], igd_dataset_shape(data), NULL));
    check(igd_clip_open(&clip, &(igd_clip_options){.path = argv[3], .device = "cpu"}));
    check(igd_lines_read(&concepts, argv[5]));
    options.clip = argv[3];
    options.vocabulary = argv[4];
    options.concepts = (const char *const *)concepts.line;
    options.num_concepts = (int)concepts.num;
    options.batch_size = BATCH;
    for (int i = 0; i < REPEATS; i++) {
        keep_less(&clip_pass, pass(true));
        keep_less(&base_pass, pass(false));
        keep_less(&cdir, whole());
    }
    printf("CD-IR / (CLIP pass + base pass)                 %7.2f  (at most 1.10)\n",
           cdir / (clip_pass + base_pass));
    igd_lines_free(&concepts);
    igd_clip_free(clip);
    igd_model_free(model);
    igd_dataset_free(data);
    return 0;
}
