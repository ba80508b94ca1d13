// A network of two layers as functions of the program, the same as a file, and images,
// for the tests of callbacks.
#ifndef IGD_TEST_CALLBACKS_FIXTURE_H
#define IGD_TEST_CALLBACKS_FIXTURE_H

#include "attack_fixture.h"

#include "core/error.h"
#include "core/logits.h"
#include "igdef/attack.h"
#include "igdef/callbacks.h"
#include "igdef/evaluate.h"

#define D 12 // pixels, as [3, 2, 2]
#define H 16 // neurons of the mask layer
#define C 4
#define N 40

static const int64_t shape[3] = {3, 2, 2};

// z = w2 relu(w1 x + b1) + b2.
static struct {
    float w1[H * D], b1[H], w2[C * H], b2[C];
    float x[N * D];
    int32_t label[N];
    igd_model *script;
} net;

// What a callback does instead of its work, from call `after` on.
typedef enum fault_kind { NONE, FAIL, SAY, STOP, NAN_LOGITS, STRANGE } fault_kind;

typedef struct fault {
    fault_kind kind;
    int after, calls;
} fault;

static inline igd_status misbehave(fault *f, float *out, int64_t num)
{
    if (f == NULL || f->calls++ < f->after)
        return IGD_OK;
    switch (f->kind) {
    case FAIL:
        return IGD_EIO;
    case SAY:
        return igd_set_error(IGD_ECALLBACK, "the accelerator is on fire");
    case STOP:
        return IGD_ECANCELED;
    case STRANGE:
        return (igd_status)77;
    case NAN_LOGITS:
        for (int64_t i = 0; i < num; i++)
            out[i] = NAN;
        return IGD_OK;
    default:
        return IGD_OK;
    }
}

static inline igd_status prefix(float *act, const float *x, int64_t n, void *payload)
{
    (void)payload;
    for (int64_t i = 0; i < n; i++)
        for (int h = 0; h < H; h++) {
            float z = net.b1[h];
            for (int j = 0; j < D; j++)
                z += net.w1[h * D + j] * x[i * D + j];
            act[i * H + h] = z > 0.0f ? z : 0.0f;
        }
    return IGD_OK;
}

static inline igd_status suffix(float *logits, const float *act, int64_t n, void *payload)
{
    (void)payload;
    for (int64_t i = 0; i < n; i++)
        for (int c = 0; c < C; c++) {
            float z = net.b2[c];
            for (int h = 0; h < H; h++)
                z += net.w2[c * H + h] * act[i * H + h];
            logits[i * C + c] = z;
        }
    return IGD_OK;
}

static inline igd_status suffix_gradient(float *grad, const float *act,
                                         const float *weights, int64_t n, void *payload)
{
    (void)act;
    (void)payload;
    for (int64_t i = 0; i < n; i++)
        for (int h = 0; h < H; h++) {
            float g = 0.0f;
            for (int c = 0; c < C; c++)
                g += net.w2[c * H + h] * weights[i * C + c];
            grad[i * H + h] = g;
        }
    return IGD_OK;
}

static inline igd_status prefix_gradient(float *grad, const float *x,
                                         const float *weights, int64_t n, void *payload)
{
    float act[H];
    for (int64_t i = 0; i < n; i++) {
        IGD_TRY(prefix(act, x + i * D, 1, payload));
        for (int j = 0; j < D; j++) {
            float g = 0.0f;
            for (int h = 0; h < H; h++)
                g += act[h] > 0.0f ? net.w1[h * D + j] * weights[i * H + h] : 0.0f;
            grad[i * D + j] = g;
        }
    }
    return IGD_OK;
}

static inline igd_status logits(float *z, const float *x, int64_t n, void *payload)
{
    float act[H];
    for (int64_t i = 0; i < n; i++) {
        IGD_TRY(prefix(act, x + i * D, 1, NULL));
        IGD_TRY(suffix(z + i * C, act, 1, NULL));
    }
    return misbehave(payload, z, n * C);
}

static inline igd_status gradient(float *grad, const float *x, const float *weights,
                                  int64_t n, void *payload)
{
    float act[H], back[H];
    (void)payload;
    for (int64_t i = 0; i < n; i++) {
        IGD_TRY(prefix(act, x + i * D, 1, NULL));
        IGD_TRY(suffix_gradient(back, act, weights + i * C, 1, NULL));
        IGD_TRY(prefix_gradient(grad + i * D, x + i * D, back, 1, NULL));
    }
    return IGD_OK;
}

static inline igd_callbacks all_callbacks(void)
{
    igd_callbacks c = igd_callbacks_default();
    c.logits = logits;
    c.gradient = gradient;
    c.prefix = prefix;
    c.suffix = suffix;
    c.prefix_gradient = prefix_gradient;
    c.suffix_gradient = suffix_gradient;
    c.num_neurons = H;
    c.thread_safe = true;
    c.identity = "two layers, seed 1";
    return c;
}

static inline igd_model *model_of(const igd_callbacks *c, void *payload)
{
    igd_model *m = NULL;
    assert_ok(igd_model_from_callbacks(&m, shape, C, c, payload));
    assert_non_null(m);
    return m;
}

static inline int make_net(void **state)
{
    (void)state;
    const float *const values[] = {net.w1, net.b1, net.w2, net.b2};
    const char *const names[] = {"w1", "b1", "w2", "b2"};
    const int64_t shapes[][6] = {{H, D}, {H}, {C, H}, {C}};
    toy_random(net.w1, H * D, 0.6f, "callback w1");
    toy_random(net.b1, H, 0.3f, "callback b1");
    toy_random(net.w2, C * H, 0.5f, "callback w2");
    toy_random(net.b2, C, 0.2f, "callback b2");
    toy_images(net.x, N * D, "callback x");
    const char *path = fixture_values(
        "same.pt",
        "def forward(self, x):\n"
        "    h = torch.relu(torch.linear(x.flatten(1), self.w1, self.b1))\n"
        "    return torch.linear(h, self.w2, self.b2)\n",
        names, shapes, values, 4);
    assert_ok(igd_model_load(&net.script, path, shape, NULL));
    float z[N * C];
    assert_ok(igd_model_predict(z, net.script, net.x, N));
    for (int i = 0; i < N; i++) {
        net.label[i] = igd_argmax(z + i * C, C);
        if (i % 10 == 0) // some are wrong when clean
            net.label[i] = (net.label[i] + 1) % C;
    }
    return 0;
}

static inline int free_net(void **state)
{
    (void)state;
    igd_model_free(net.script);
    return 0;
}

static inline int64_t num_fooled(const igd_attack_outcome *outcomes)
{
    int64_t num = 0;
    for (int i = 0; i < N; i++)
        num += outcomes[i].fooled;
    return num;
}

#endif
