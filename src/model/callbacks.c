// Owns models that the program runs: checks what it gives, and puts it where a
// TorchScript graph would be.
#include "igdef/callbacks.h"

#include <stdlib.h>
#include <string.h>

#include "core/entropy.h"
#include "core/error.h"
#include "core/options.h"
#include "core/random.h"
#include "model/model_parts.h"

#define PROBES 3 // random images that prefix and suffix are checked on

static igd_status check_callbacks(const igd_callbacks *c, const int64_t shape[3],
                                  int num_classes)
{
    for (int i = 0; i < 3; i++)
        if (shape[i] < 1 || shape[i] > 65536)
            return igd_error(IGD_EINVAL, "images of %lldx%lldx%lld", (long long)shape[0],
                             (long long)shape[1], (long long)shape[2]);
    if (num_classes < 2 || num_classes > 1 << 20)
        return igd_error(IGD_EINVAL, "a classifier of %d classes", num_classes);
    if (c->logits == NULL)
        return igd_error(IGD_EINVAL, "callbacks without logits");
    if ((c->prefix == NULL) != (c->suffix == NULL))
        return igd_error(IGD_EINVAL, "callbacks with a %s and no %s",
                         c->prefix != NULL ? "prefix" : "suffix",
                         c->prefix != NULL ? "suffix" : "prefix");
    if ((c->prefix == NULL && c->prefix_gradient != NULL) ||
        (c->suffix == NULL && c->suffix_gradient != NULL))
        return igd_error(IGD_EINVAL, "callbacks with the gradient of a prefix or suffix "
                                     "that is missing");
    if (c->prefix == NULL)
        return IGD_OK;
    if (c->num_neurons < 1 || c->num_neurons > 1 << 24)
        return igd_error(IGD_EINVAL, "a mask layer of %d neurons", c->num_neurons);
    if (c->num_positions < 1 || c->num_positions > 1 << 24)
        return igd_error(IGD_EINVAL, "neurons of %d positions", c->num_positions);
    if (c->layer == NULL || c->layer[0] == '\0')
        return igd_error(IGD_EINVAL, "a mask layer without a name");
    return IGD_OK;
}

static igd_status outer_new(igd_outer **out, const igd_callbacks *c, int num_classes,
                            void *payload)
{
    igd_outer *o = calloc(1, sizeof(*o));
    *out = NULL;
    if (o == NULL)
        return igd_error(IGD_ENOMEM, "no memory for callbacks");
    const int rc = pthread_mutex_init(&o->lock, NULL);
    if (rc != 0) {
        free(o);
        return igd_error(IGD_ENOMEM, "no lock for callbacks: %s", strerror(rc));
    }
    pthread_mutex_t *lock = c->thread_safe ? NULL : &o->lock;
    o->logits = (igd_external){.name = "logits",
                               .rows = c->logits,
                               .gradient = c->gradient,
                               .payload = payload,
                               .shape = {num_classes},
                               .num_dims = 1,
                               .lock = lock};
    o->prefix = (igd_external){.name = "prefix",
                               .rows = c->prefix,
                               .gradient = c->prefix_gradient,
                               .payload = payload,
                               .shape = {c->num_neurons, c->num_positions},
                               .num_dims = c->num_positions > 1 ? 2 : 1,
                               .lock = lock};
    o->suffix = o->logits;
    o->suffix.name = "suffix";
    o->suffix.rows = c->suffix;
    o->suffix.gradient = c->suffix_gradient;
    o->random = c->random;
    o->name = strdup(c->layer != NULL ? c->layer : "");
    if (o->name == NULL) {
        igd_outer_free(o);
        return igd_error(IGD_ENOMEM, "no memory for callbacks");
    }
    o->layer = (igd_layer){.path = o->name,
                           .kind = "callback",
                           .shape = {1, c->num_neurons, c->num_positions},
                           .num_dims = c->num_positions > 1 ? 3 : 2,
                           .neuron_axis = 1,
                           .num_neurons = c->num_neurons,
                           .penultimate = strcmp(o->name, "penultimate") == 0};
    *out = o;
    return IGD_OK;
}

// Without a name of the program's own the weights are those of this process only.
static igd_status make_digest(igd_model *m, const igd_callbacks *c, int num_classes)
{
    igd_sha256 *sum = NULL;
    unsigned char chance[16];
    IGD_TRY(igd_sha256_new(&sum));
    igd_status st = IGD_OK;
    igd_sha256_add(sum, "callbacks", sizeof("callbacks"));
    igd_sha256_add(sum, m->classifier.shape, sizeof(m->classifier.shape));
    igd_sha256_add(sum, &num_classes, sizeof(num_classes));
    if (c->identity != NULL)
        igd_sha256_add(sum, c->identity, strlen(c->identity) + 1);
    else if ((st = igd_entropy(chance, sizeof(chance))) == IGD_OK)
        igd_sha256_add(sum, chance, sizeof(chance));
    if (st == IGD_OK)
        st = igd_sha256_hex(sum, m->sha256);
    igd_sha256_free(sum);
    memcpy(m->identity, m->sha256, sizeof(m->identity));
    return st;
}

// Prefix and suffix give the logits, on random images.
static igd_status check_halves(igd_model *m)
{
    const igd_classifier *f = &m->classifier;
    const int64_t d = igd_classifier_pixels(f), C = f->num_classes;
    const int64_t shape[4] = {PROBES, f->shape[0], f->shape[1], f->shape[2]};
    float *images = malloc((size_t)(PROBES * d) * sizeof(float));
    float *logits = malloc((size_t)(PROBES * C) * 2 * sizeof(float));
    igd_status st = IGD_OK;

    if (images == NULL || logits == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for %d images", PROBES);
        goto done;
    }
    for (int64_t i = 0; i < PROBES; i++) {
        const igd_stream stream = igd_stream_make(0, "probe", i, 0);
        igd_random_uniform(images + i * d, (size_t)d, &stream);
    }
    igd_scope s = igd_scope_begin(NULL);
    igd_tensor *x = igt_view(&s, images, shape, 4, f->device);
    igt_read(&s, igt_external(&s, &m->outer->logits, x), logits, PROBES * C);
    igd_tensor *act = igt_external(&s, &m->outer->prefix, x);
    igt_read(&s, igt_external(&s, &m->outer->suffix, act), logits + PROBES * C,
             PROBES * C);
    if ((st = igd_scope_close(&s)) != IGD_OK)
        goto done;
    for (int64_t i = 0; i < PROBES && st == IGD_OK; i++)
        if (!igd_logits_agree(logits + i * C, logits + (PROBES + i) * C, C,
                              IGD_LOGITS_TOLERANCE))
            st = igd_error(IGD_EINVAL, "prefix and suffix do not give the logits");

done:
    free(images);
    free(logits);
    return st;
}

igd_status igd_model_from_callbacks(igd_model **out, const int64_t shape[3],
                                    int num_classes, const igd_callbacks *callbacks,
                                    void *payload)
{
    igd_callbacks c = igd_callbacks_default();
    igd_model *m = NULL;
    igd_status st;

    if (out == NULL)
        return igd_error(IGD_EINVAL, "out is NULL");
    *out = NULL;
    if (shape == NULL || callbacks == NULL)
        return igd_error(IGD_EINVAL, "%s is NULL", shape == NULL ? "shape" : "callbacks");
    IGD_TRY(igd_options_take(&c, sizeof(c), callbacks, "igd_callbacks"));
    IGD_TRY(check_callbacks(&c, shape, num_classes));
    IGD_TRY(igd_model_begin(&m, "callbacks", shape, "cpu"));
    m->classifier.num_classes = num_classes;
    m->classifier.block = 1;
    m->classifier.no_gradients = c.gradient == NULL;
    if ((st = outer_new(&m->outer, &c, num_classes, payload)) == IGD_OK &&
        (st = make_digest(m, &c, num_classes)) == IGD_OK)
        st = igd_model_check(m, false);
    if (st == IGD_OK && c.prefix != NULL && !c.random)
        st = check_halves(m);
    if (st != IGD_OK) {
        igd_model_free(m);
        return st;
    }
    *out = m;
    return IGD_OK;
}
