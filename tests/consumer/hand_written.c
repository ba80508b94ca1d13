// A program of someone else's that brings a net of its own, with its gradient: a hidden
// layer of rectifiers, defended by a mask on it and attacked with and without.
#include <igdef.h>
#include <stdio.h>
#include <stdlib.h>

enum { PIXELS = 12, HIDDEN = 8, CLASSES = 3, IMAGES = 24 };

typedef struct net {
    float w1[HIDDEN][PIXELS], w2[CLASSES][HIDDEN];
} net;

static igd_status hidden(float *act, const float *images, int64_t n, void *payload)
{
    const net *f = payload;
    for (int64_t i = 0; i < n; i++)
        for (int h = 0; h < HIDDEN; h++) {
            float z = 0;
            for (int p = 0; p < PIXELS; p++)
                z += f->w1[h][p] * images[i * PIXELS + p];
            act[i * HIDDEN + h] = z > 0 ? z : 0;
        }
    return IGD_OK;
}

static igd_status head(float *logits, const float *act, int64_t n, void *payload)
{
    const net *f = payload;
    for (int64_t i = 0; i < n; i++)
        for (int c = 0; c < CLASSES; c++) {
            logits[i * CLASSES + c] = 0;
            for (int h = 0; h < HIDDEN; h++)
                logits[i * CLASSES + c] += f->w2[c][h] * act[i * HIDDEN + h];
        }
    return IGD_OK;
}

static igd_status logits(float *out, const float *images, int64_t n, void *payload)
{
    float *act = malloc((size_t)n * HIDDEN * sizeof(*act));
    if (act == NULL)
        return igd_set_error(IGD_ECALLBACK, "no memory for activations");
    igd_status st = hidden(act, images, n, payload);
    if (st == IGD_OK)
        st = head(out, act, n, payload);
    free(act);
    return st;
}

static igd_status head_gradient(float *grad, const float *act, const float *weights,
                                int64_t n, void *payload)
{
    const net *f = payload;
    (void)act;
    for (int64_t i = 0; i < n; i++)
        for (int h = 0; h < HIDDEN; h++) {
            grad[i * HIDDEN + h] = 0;
            for (int c = 0; c < CLASSES; c++)
                grad[i * HIDDEN + h] += weights[i * CLASSES + c] * f->w2[c][h];
        }
    return IGD_OK;
}

static igd_status hidden_gradient(float *grad, const float *images, const float *weights,
                                  int64_t n, void *payload)
{
    const net *f = payload;
    float *act = malloc((size_t)n * HIDDEN * sizeof(*act));
    if (act == NULL)
        return igd_set_error(IGD_ECALLBACK, "no memory for activations");
    igd_status st = hidden(act, images, n, payload);
    for (int64_t i = 0; i < n; i++)
        for (int p = 0; p < PIXELS; p++) {
            grad[i * PIXELS + p] = 0;
            for (int h = 0; h < HIDDEN; h++)
                if (act[i * HIDDEN + h] > 0)
                    grad[i * PIXELS + p] += weights[i * HIDDEN + h] * f->w1[h][p];
        }
    free(act);
    return st;
}

static igd_status gradient(float *grad, const float *images, const float *weights,
                           int64_t n, void *payload)
{
    float *at = malloc((size_t)n * HIDDEN * sizeof(*at));
    if (at == NULL)
        return igd_set_error(IGD_ECALLBACK, "no memory for gradients");
    igd_status st = head_gradient(at, NULL, weights, n, payload);
    if (st == IGD_OK)
        st = hidden_gradient(grad, images, at, n, payload);
    free(at);
    return st;
}

static float chance(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / (float)(1 << 24);
}

static int fooled(const igd_attack_outcome *outcomes)
{
    int num = 0;
    for (int i = 0; i < IMAGES; i++)
        num += outcomes[i].fooled;
    return num;
}

int main(void)
{
    static net f;
    static float images[IMAGES * PIXELS], z[IMAGES * CLASSES], x_adv[IMAGES * PIXELS];
    int32_t labels[IMAGES];
    igd_attack_outcome outcomes[IMAGES];
    const int64_t shape[3] = {3, 2, 2};
    const igd_threat threat = {IGD_NORM_LINF, 0.1};
    unsigned state = 1;
    igd_model *model = NULL;
    igd_dataset *data = NULL;
    igd_ranking *ranking = NULL;
    igd_defense *defense = NULL;
    igd_callbacks c = igd_callbacks_default();
    igd_defense_options d = igd_defense_options_default();

    for (int i = 0; i < HIDDEN * PIXELS; i++)
        f.w1[i / PIXELS][i % PIXELS] = chance(&state) - 0.5f;
    for (int i = 0; i < CLASSES * HIDDEN; i++)
        f.w2[i / HIDDEN][i % HIDDEN] = chance(&state) - 0.5f;
    for (int i = 0; i < IMAGES * PIXELS; i++)
        images[i] = chance(&state);
    c.logits = logits;
    c.gradient = gradient;
    c.prefix = hidden;
    c.suffix = head;
    c.prefix_gradient = hidden_gradient;
    c.suffix_gradient = head_gradient;
    c.layer = "hidden";
    c.num_neurons = HIDDEN;
    c.thread_safe = true;
    c.identity = "the example's net";
    d.keep = 4;
    d.sigma = 0.05;
    if (igd_model_from_callbacks(&model, shape, CLASSES, &c, &f) != IGD_OK ||
        igd_model_predict(z, model, images, IMAGES) != IGD_OK)
        goto failed;
    for (int i = 0; i < IMAGES; i++) {
        labels[i] = 0;
        for (int k = 1; k < CLASSES; k++)
            if (z[i * CLASSES + k] > z[i * CLASSES + labels[i]])
                labels[i] = k;
    }
    if (igd_attack_images(x_adv, outcomes, model, NULL, "apgd-ce", &threat, NULL, images,
                          labels, IMAGES) != IGD_OK)
        goto failed;
    const int base = fooled(outcomes);
    if (igd_dataset_from_floats(&data, images, labels, IMAGES, shape, CLASSES) !=
            IGD_OK ||
        igd_ranking_random(&ranking, model, "hidden", NULL, 0) != IGD_OK ||
        igd_defense_new(&defense, model, ranking, &d) != IGD_OK ||
        igd_attack_images(x_adv, outcomes, model, defense, "apgd-ce", &threat, NULL,
                          images, labels, IMAGES) != IGD_OK)
        goto failed;
    printf("hand-written: %d of %d fooled, defended %d\n", base, IMAGES,
           fooled(outcomes));
    igd_defense_free(defense);
    igd_ranking_free(ranking);
    igd_dataset_free(data);
    igd_model_free(model);
    return base == 0;

failed:
    fprintf(stderr, "%s\n", igd_error_message());
    return 1;
}
