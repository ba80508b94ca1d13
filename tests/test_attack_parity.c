// Attacks against the published code they follow: the points at which they ask a
// two-layer network one after the other, the flag they come to and the adversarial image.
// scripts/make_attack_golden.py made the golden file.
#include "attack_fixture.h"

#include "core/logits.h"
#include "core/safetensors.h"

#define GOLDEN TEST_SOURCE_DIR "/tests/golden/attacks.safetensors"
// The published code ran in double precision, igdef computes gradients and points in
// float; twenty steps add up their roundings.
#define TOLERANCE 2e-5f

enum { MAX_POINTS = 400 };

static igd_safetensors *golden;

static const igd_named_array *array(const char *name)
{
    const igd_named_array *a = igd_safetensors_find(golden, name);
    if (a == NULL)
        fail_msg("%s: no array '%s'", GOLDEN, name);
    return a;
}

// The network, which notes what it is asked about, but for the clean image.
typedef struct watched {
    toy net;
    igd_classifier f;
    const float *x;     // [d] the clean image; NULL as long as nothing is noted
    const float *noise; // [.., C] of the logits, by the number of the draw
    int samples;        // draws of noise for each point, 0 for none
    int num_points, num_rows;
    float *points; // [MAX_POINTS, d]
} watched;

static igd_tensor *watched_logits(igd_scope *s, const void *self, const igd_tensor *x,
                                  const igd_draw *draws)
{
    watched *w = (watched *)(uintptr_t)self;
    const size_t d = (size_t)w->net.d, C = (size_t)w->net.C;
    igd_tensor *z = toy_logits(s, &w->net, x, draws);
    const int64_t n = igd_tensor_length(x, 0);
    float *rows = malloc((size_t)n * d * sizeof(float));

    assert_non_null(rows);
    igt_read(s, x, rows, n * w->net.d);
    if (w->x != NULL && memcmp(rows, w->x, d * sizeof(float)) != 0) {
        assert_true(w->num_points < MAX_POINTS);
        memcpy(w->points + (size_t)w->num_points++ * d, rows, d * sizeof(float));
        if (w->samples > 0) { // rows beyond the samples fill the batch up
            const int64_t shape[] = {n, (int64_t)C};
            float *noise = calloc((size_t)n * C, sizeof(float));
            assert_non_null(noise);
            assert_true(w->num_rows + w->samples <= array("net.noise")->shape[0]);
            memcpy(noise, w->noise + (size_t)w->num_rows * C,
                   (size_t)w->samples * C * sizeof(float));
            z = igt_add(s, z, igt_floats(s, noise, shape, 2, "cpu"));
            free(noise);
            w->num_rows += w->samples;
        }
    }
    free(rows);
    return z;
}

static void watched_make(watched *w)
{
    const igd_named_array *w1 = array("net.w1"), *b1 = array("net.b1"),
                          *w2 = array("net.w2");
    *w = (watched){.noise = array("net.noise")->data};
    toy_make(&w->net, w1->shape[1], w1->shape[0], w2->shape[0], w1->data, b1->data,
             w2->data);
    w->f = w->net.f;
    w->f.self = w;
    w->f.logits = watched_logits;
    memcpy(w->f.shape, (const int64_t[]){3, 5, 5}, sizeof(w->f.shape));
    w->points = calloc((size_t)MAX_POINTS * (size_t)w->net.d, sizeof(float));
    assert_non_null(w->points);
}

// A line of the golden file: "ATTACK NORM EPS IMAGE SAMPLES FOOLED PARAMETER=VALUE ...".
typedef struct parity_case {
    const char *name;
    igd_attack_job job;
    int image, samples, fooled;
} parity_case;

static void read_case(parity_case *c, const cJSON *line, const igd_classifier *f)
{
    char text[256], *rest = text;
    igd_norm norm;

    assert_true(strlen(line->valuestring) < sizeof(text));
    strcpy(text, line->valuestring);
    c->name = line->string;
    const char *attack = strtok_r(rest, " ", &rest);
    assert_ok(igd_norm_parse(&norm, strtok_r(rest, " ", &rest)));
    const double eps = number(strtok_r(rest, " ", &rest));
    c->image = atoi(strtok_r(rest, " ", &rest));
    c->samples = atoi(strtok_r(rest, " ", &rest));
    c->fooled = atoi(strtok_r(rest, " ", &rest));
    c->job = job_make(attack, f, norm, eps);
    // The published code takes every step of a run and stops between runs.
    c->job.shortcuts = false;
    for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL;) {
        char *value = strchr(word, '=');
        assert_non_null(value);
        *value++ = '\0';
        assert_ok(igd_attack_job_set(&c->job, word, number(value)));
    }
}

static float largest_difference(const float *a, const float *b, size_t n)
{
    float most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmaxf(most, fabsf(a[i] - b[i]));
    return most;
}

// A single image, and what became of it.
typedef struct told {
    igd_target image;
    bool fooled;
    float x_adv[256];
} told;

static igd_status next_image(igd_target *out, void *payload)
{
    told *t = payload;
    *out = t->image;
    t->image.x = NULL;
    return IGD_OK;
}

static igd_status take_outcome(const igd_outcome *o, void *payload)
{
    told *t = payload;
    t->fooled = o->fooled;
    memcpy(t->x_adv, o->x_adv, 75 * sizeof(float));
    return IGD_OK;
}

static void check_case(const parity_case *c, watched *w)
{
    const size_t d = (size_t)w->net.d;
    const float *x = array("images")->data + (size_t)c->image * d;
    const char *text = igd_attack_name(c->job.attack);
    float *clean = calloc((size_t)w->net.C, sizeof(float));
    char name[64];

    assert_non_null(clean);
    w->x = NULL;
    assert_ok(igd_classifier_logits(clean, &w->f, x, 1, &(igd_draw){.image = c->image}));
    w->x = x;
    w->samples = c->samples;
    w->num_points = w->num_rows = 0;
    told t = {.image = {.image = c->image,
                        .label = igd_argmax(clean, w->f.num_classes),
                        .x = x,
                        .clean = clean}};
    const igd_engine_feed feed = {next_image, take_outcome, NULL, &t, NULL};
    assert_ok(igd_engine_run(&c->job, &w->f, 1, &feed));

    snprintf(name, sizeof(name), "%s.points", c->name);
    const igd_named_array *points = array(name);
    for (int i = 0; i < points->shape[0] && i < w->num_points; i++) {
        const float off = largest_difference(points->data + (size_t)i * d,
                                             w->points + (size_t)i * d, d);
        if (!(off <= TOLERANCE))
            fail_msg("%s %s %s: point %d of %d is off by %g", c->name, text,
                     igd_norm_name(c->job.threat.norm), i, (int)points->shape[0],
                     (double)off);
    }
    if (w->num_points != points->shape[0])
        fail_msg("%s %s %s: %d points instead of %d", c->name, text,
                 igd_norm_name(c->job.threat.norm), w->num_points, (int)points->shape[0]);
    if (t.fooled != c->fooled)
        fail_msg("%s %s: fooled is %d", c->name, text, t.fooled);
    if (t.fooled) {
        snprintf(name, sizeof(name), "%s.x_adv", c->name);
        assert_true(largest_difference(array(name)->data, t.x_adv, d) <= TOLERANCE);
    }
    free(clean);
}

// Every case of the golden file of one attack, of which there must be one at least.
static void check_attack(void **state)
{
    const char *attack = *state;
    watched w;
    int num = 0;

    assert_ok(igd_safetensors_read(&golden, GOLDEN));
    watched_make(&w);
    const cJSON *line;
    cJSON_ArrayForEach(line, igd_safetensors_metadata(golden))
    {
        const size_t length = strcspn(line->valuestring, " ");
        if (strlen(attack) != length || strncmp(line->valuestring, attack, length) != 0)
            continue;
        parity_case c;
        read_case(&c, line, &w.f);
        check_case(&c, &w);
        num++;
    }
    assert_true(num > 0);
    free(w.points);
    igd_safetensors_free(golden);
}

int main(void)
{
    static char *const attacks[] = {
        "apgd-ce", "apgd-dlr", "apgd-cw", "apgd-pma", "apgd-t", "apgd-eot", "fab",
        "fab-t",   "square",   "rays",    "pgd",      "fgsm",   "gama-pgd", "malt"};
    struct CMUnitTest tests[sizeof(attacks) / sizeof(attacks[0])];

    for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++)
        tests[i] = (struct CMUnitTest){attacks[i], check_attack, NULL,
                                       fixture_no_tensors_left, attacks[i]};
    return cmocka_run_group_tests_name("attack parity", tests, NULL, NULL);
}
