// A program of someone else's whose net runs on another inference engine, XNNPACK,
// forward only: black-box attacks run, and those that need gradients are refused by name.
#include <igdef.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <xnnpack.h>

enum { PIXELS = 48, HIDDEN = 16, CLASSES = 4, IMAGES = 16, MOST = 256 };

typedef struct net {
    xnn_operator_t first, second;
    float act[MOST * HIDDEN + XNN_EXTRA_BYTES / sizeof(float)];
    float in[MOST * PIXELS + XNN_EXTRA_BYTES / sizeof(float)]; // is read beyond its end
} net;

// A layer. What its maker asks for beside the numbers depends on XNNPACK's age.
static bool layer(xnn_operator_t *out, size_t inputs, size_t outputs, const float *weight,
                  const float *bias, float least)
{
    return xnn_create_fully_connected_nc_f32(inputs, outputs, inputs, outputs, weight,
                                             bias, least, INFINITY, 0,
#ifdef XNNPACK_RESHAPES
                                             NULL, NULL,
#endif
                                             out) == xnn_status_success;
}

static bool run(xnn_operator_t layer, size_t rows, const float *in, float *out)
{
#ifdef XNNPACK_RESHAPES
    if (xnn_reshape_fully_connected_nc_f32(layer, rows, NULL) != xnn_status_success ||
        xnn_setup_fully_connected_nc_f32(layer, in, out) != xnn_status_success)
        return false;
#else
    if (xnn_setup_fully_connected_nc_f32(layer, rows, in, out, NULL) !=
        xnn_status_success)
        return false;
#endif
    return xnn_run_operator(layer, NULL) == xnn_status_success;
}

static igd_status logits(float *out, const float *images, int64_t n, void *payload)
{
    net *f = payload;
    for (int64_t i = 0; i < n; i += MOST) {
        const size_t rows = (size_t)(n - i < MOST ? n - i : MOST);
        memcpy(f->in, images + i * PIXELS, rows * PIXELS * sizeof(float));
        if (!run(f->first, rows, f->in, f->act) ||
            !run(f->second, rows, f->act, out + i * CLASSES))
            return igd_set_error(IGD_ECALLBACK, "XNNPACK failed");
    }
    return IGD_OK;
}

static float chance(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / (float)(1 << 24) - 0.5f;
}

int main(void)
{
    static net f;
    static float w1[HIDDEN * PIXELS], b1[HIDDEN], w2[CLASSES * HIDDEN], b2[CLASSES];
    static float images[IMAGES * PIXELS], x_adv[IMAGES * PIXELS], z[IMAGES * CLASSES];
    int32_t labels[IMAGES];
    igd_attack_outcome outcomes[IMAGES];
    const int64_t shape[3] = {3, 4, 4};
    const igd_threat threat = {IGD_NORM_LINF, 0.1};
    unsigned state = 7;
    igd_model *model = NULL;
    igd_callbacks c = igd_callbacks_default();
    igd_attack_options o = igd_attack_options_default();
    int num = 0;

    for (int i = 0; i < HIDDEN * PIXELS; i++)
        w1[i] = chance(&state);
    for (int i = 0; i < CLASSES * HIDDEN; i++)
        w2[i] = chance(&state);
    for (int i = 0; i < IMAGES * PIXELS; i++)
        images[i] = chance(&state) + 0.5f;
    if (xnn_initialize(NULL) != xnn_status_success ||
        !layer(&f.first, PIXELS, HIDDEN, w1, b1, 0.0f) ||
        !layer(&f.second, HIDDEN, CLASSES, w2, b2, -INFINITY))
        return fprintf(stderr, "XNNPACK does not start\n"), 1;
    c.logits = logits; // one call at a time: the operators hold their pointers
    o.set = "queries=300";
    if (igd_model_from_callbacks(&model, shape, CLASSES, &c, &f) != IGD_OK ||
        igd_model_predict(z, model, images, IMAGES) != IGD_OK)
        return fprintf(stderr, "%s\n", igd_error_message()), 1;
    for (int i = 0; i < IMAGES; i++) {
        labels[i] = 0;
        for (int k = 1; k < CLASSES; k++)
            if (z[i * CLASSES + k] > z[i * CLASSES + labels[i]])
                labels[i] = k;
    }
    if (igd_attack_images(x_adv, outcomes, model, NULL, "square", &threat, &o, images,
                          labels, IMAGES) != IGD_OK)
        return fprintf(stderr, "%s\n", igd_error_message()), 1;
    for (int i = 0; i < IMAGES; i++)
        num += outcomes[i].fooled;
    printf("XNNPACK: %d of %d fooled\n", num, IMAGES);
    if (igd_attack_images(x_adv, outcomes, model, NULL, "apgd-ce", &threat, NULL, images,
                          labels, IMAGES) != IGD_EINVAL)
        return fprintf(stderr, "apgd-ce without gradients\n"), 1;
    printf("%s\n", igd_error_message());
    igd_model_free(model);
    xnn_delete_operator(f.second);
    xnn_delete_operator(f.first);
    xnn_deinitialize();
    return num == 0;
}
