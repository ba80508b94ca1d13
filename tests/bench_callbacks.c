// Measures what igdef adds to a network that the program runs: the processor time of an
// attack over that inside the callbacks. usage: bench_callbacks
//
// The network has 10 million multiplications and additions an image: one layer of ReLUs
// between two products, on images of [3, 32, 32].
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cblas.h>

#include "igdef.h"

enum { D = 3 * 32 * 32, H = 1628, C = 10, N = 64, BATCH = 32, REPEATS = 5 };

static float w1[H * D], w2[C * H], images[N * D];
static double inside; // seconds of the processor

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void check(igd_status st)
{
    if (st == IGD_OK)
        return;
    fprintf(stderr, "bench_callbacks: %s\n", igd_error_message());
    exit(1);
}

// h [n, H] := relu(x w1').
static void hidden(float *h, const float *x, int n)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, H, D, 1.0f, x, D, w1, D, 0.0f,
                h, H);
    for (int i = 0; i < n * H; i++)
        h[i] = h[i] > 0.0f ? h[i] : 0.0f;
}

static igd_status logits(float *out, const float *x, int64_t n, void *payload)
{
    float *h = payload;
    const double start = now();
    hidden(h, x, (int)n);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, C, H, 1.0f, h, H, w2, H,
                0.0f, out, C);
    inside += now() - start;
    return IGD_OK;
}

static igd_status gradient(float *grad, const float *x, const float *weights, int64_t n,
                           void *payload)
{
    float *h = payload, *back = h + BATCH * H;
    const double start = now();
    hidden(h, x, (int)n);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, H, C, 1.0f, weights, C,
                w2, H, 0.0f, back, H);
    for (int i = 0; i < n * H; i++)
        back[i] = h[i] > 0.0f ? back[i] : 0.0f;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, D, H, 1.0f, back, H,
                w1, D, 0.0f, grad, D);
    inside += now() - start;
    return IGD_OK;
}

static void fill(float *v, int num, unsigned *state, float centre, float width)
{
    for (int i = 0; i < num; i++) {
        *state = *state * 1664525u + 1013904223u;
        v[i] = centre + width * ((float)(*state >> 8) / 16777216.0f - 0.5f);
    }
}

int main(void)
{
    static const char *const attacks[] = {"pgd", "apgd-ce", "square"};
    static const char *const sets[] = {"steps=10", "steps=10", "queries=20"};
    const int64_t shape[3] = {3, 32, 32};
    const igd_threat threat = {IGD_NORM_LINF, 2.0 / 255.0};
    float *room = malloc(2 * sizeof(float) * BATCH * H);
    float *x_adv = malloc(sizeof(float) * N * D), z[N * C];
    igd_attack_outcome outcomes[N];
    int32_t label[N];
    unsigned state = 1;
    igd_model *model = NULL;
    igd_callbacks c = igd_callbacks_default();

    if (room == NULL || x_adv == NULL)
        return 1;
    fill(w1, H * D, &state, 0.0f, 0.05f);
    fill(w2, C * H, &state, 0.0f, 0.1f);
    fill(images, N * D, &state, 0.5f, 0.8f);
    c.logits = logits;
    c.gradient = gradient;
    check(igd_set_num_threads(1));
    check(igd_model_from_callbacks(&model, shape, C, &c, room));
    for (int i = 0; i < N; i += BATCH)
        check(igd_model_predict(z + i * C, model, images + i * D, BATCH));
    for (int i = 0; i < N; i++) {
        label[i] = 0;
        for (int k = 1; k < C; k++)
            if (z[i * C + k] > z[i * C + label[i]])
                label[i] = k;
    }
    for (int a = 0; a < 3; a++) {
        igd_attack_options o = igd_attack_options_default();
        double least = 1e30;
        o.set = sets[a];
        o.batch_size = BATCH;
        for (int r = 0; r < REPEATS; r++) {
            inside = 0.0;
            const double start = now();
            check(igd_attack_images(x_adv, outcomes, model, NULL, attacks[a], &threat, &o,
                                    images, label, N));
            const double ratio = (now() - start) / inside;
            least = ratio < least ? ratio : least;
        }
        printf("%-8s through callbacks / the network alone     %6.3f  (at most 1.02)\n",
               attacks[a], least);
    }
    igd_model_free(model);
    free(x_adv);
    free(room);
    return 0;
}
