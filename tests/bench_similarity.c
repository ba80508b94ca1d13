// Times the similarity stage of CD-IR on arrays in files; scripts/bench_similarity.py
// makes the arrays, runs the reference's formula on them and compares scores and seconds.
// bench_similarity ACTIVATIONS.npy IMAGES.npy TEXTS.npy SIMILARITY THREADS SCORE.npy
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/npy.h"
#include "igdef/runtime.h"
#include "rank/similarity.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    igd_rows *activations = NULL, *images = NULL;
    igd_similarity kind;
    igd_npy text = {0};
    float *score = NULL;
    int rc = EXIT_FAILURE;

    if (argc != 7) {
        fprintf(stderr, "usage: %s A.npy E.npy T.npy SIMILARITY THREADS SCORE.npy\n",
                argv[0]);
        return 2;
    }
    if (igd_set_num_threads((int)strtol(argv[5], NULL, 10)) != IGD_OK ||
        igd_similarity_parse(&kind, argv[4]) != IGD_OK ||
        igd_rows_open(&activations, argv[1]) != IGD_OK ||
        igd_rows_open(&images, argv[2]) != IGD_OK ||
        igd_npy_read(&text, argv[3]) != IGD_OK ||
        igd_npy_to_f32(&text, argv[3]) != IGD_OK)
        goto done;
    const int64_t shape[2] = {text.shape[0], igd_rows_width(activations)};
    score = malloc((size_t)(shape[0] * shape[1]) * sizeof(*score));
    if (score == NULL)
        goto done;
    const igd_similarity_options o = igd_similarity_options_default(kind);
    const double start = now();
    if (igd_similarity_score(score, &o, activations, images, text.data, (int)shape[0]) !=
        IGD_OK)
        goto done;
    printf("%.4f\n", now() - start);
    if (igd_npy_write(argv[6], IGD_NPY_F32, shape, 2, score) != IGD_OK)
        goto done;
    rc = EXIT_SUCCESS;

done:
    if (rc != EXIT_SUCCESS)
        fprintf(stderr, "%s: %s\n", argv[0], igd_error_message());
    free(score);
    igd_npy_free(&text);
    igd_rows_free(activations);
    igd_rows_free(images);
    return rc;
}
