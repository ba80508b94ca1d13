// Attacks that compute in TF32: what a classifier of rounded weights stands in for, on
// the host. Whatever they find must fool the exact one.
#include "attack_fixture.h"

#include "core/json.h"
#include "defend/defense_impl.h"
#include "evaluate/evaluate_impl.h"
#include "external.h"
#include "igdef/defense.h"
#include "igdef/ranking.h"
#include "model/model_parts.h"
#include "result/provenance.h"
#include "result/result_impl.h"
#include "tf32.h"

#define D 20
#define H 16
#define C 5
#define N 60
#define EPS 0.06

static struct {
    toy exact, rough;
    float w[H * D], b[H], w2[C * H], w_rough[H * D];
    float x[N * D];
    int labels[N];
    int32_t label[N];
    igd_dataset *data;
    igd_views views;
} world;

static void world_make(void)
{
    toy_random(world.w, H * D, 1.0f, "w");
    toy_random(world.b, H, 0.5f, "b");
    toy_random(world.w2, C * H, 0.7f, "w2");
    for (int i = 0; i < H * D; i++) // far coarser than TF32, so that few images do
        world.w_rough[i] = roundf(world.w[i] * 8.0f) / 8.0f;
    toy_make(&world.exact, D, H, C, world.w, world.b, world.w2);
    toy_make(&world.rough, D, H, C, world.w_rough, world.b, world.w2);
    world.rough.f.off_host = true;
    world.rough.f.rounding = IGD_ROUND_TF32;
    toy_labelled(&world.exact.f, world.x, world.labels, N, 1.0f);
    for (int i = 0; i < N; i++) {
        if (i % 10 == 0) // some are wrong when clean
            world.labels[i] = (world.labels[i] + 1) % C;
        world.label[i] = world.labels[i];
    }
    assert_ok(igd_dataset_from_floats(&world.data, world.x, world.label, N,
                                      world.exact.f.shape, C));
    world.views = (igd_views){.base = &world.rough.f,
                              .judged = &world.rough.f,
                              .model_path = "toy.pt",
                              .model_sha256 = "00",
                              .model_identity = "toy",
                              .device = "cuda"};
}

// Images said to be fooled that the exact classifier gets wrong, and right.
typedef struct finds {
    int real, none;
} finds;

static finds count(const trial *t)
{
    finds n = {0};
    float z[C];
    const igd_draw draw = {0};
    for (int64_t i = 0; i < t->n; i++) {
        if (!t->fooled[i])
            continue;
        assert_ok(igd_classifier_logits(z, &world.exact.f, t->x_adv + i * D, 1, &draw));
        n.real += igd_argmax(z, C) != t->labels[i];
        n.none += igd_argmax(z, C) == t->labels[i];
    }
    return n;
}

static void attack(trial *t, const char *name, const char *parameter, double value,
                   const igd_classifier *f, int batch_size)
{
    igd_attack_job job = job_make(name, f, IGD_NORM_LINF, EPS);
    assert_ok(igd_attack_job_set(&job, parameter, value));
    trial_make(t, igd_classifier_exact(f), N, world.x, world.labels);
    trial_run(t, &job, f, batch_size);
}

static void test_precision__finds_fool_the_exact_classifier(void **state)
{
    static const struct {
        const char *name, *parameter;
        double value;
    } attacks[] = {{"pgd", "steps", 8},    {"apgd-ce", "steps", 12},
                   {"apgd-t", "steps", 8}, {"apgd-dlr", "steps", 9},
                   {"fab-t", "steps", 6},  {"square", "queries", 90},
                   {"rays", "queries", 90}};
    const int num = sizeof(attacks) / sizeof(attacks[0]);
    igd_classifier checked = world.rough.f;
    finds without = {0}, with = {0};
    trial t, other;

    (void)state;
    checked.exact = &world.exact.f;
    for (int k = 0; k < num; k++) {
        const char *name = attacks[k].name, *parameter = attacks[k].parameter;
        attack(&t, name, parameter, attacks[k].value, &world.rough.f, 16);
        const finds alone = count(&t);
        trial_free(&t);
        attack(&t, name, parameter, attacks[k].value, &checked, 16);
        const finds judged = count(&t);
        assert_int_equal(judged.none, 0);
        assert_true(judged.real >= alone.real);
        attack(&other, name, parameter, attacks[k].value, &checked, 7);
        assert_memory_equal(t.x_adv, other.x_adv, sizeof(world.x));
        assert_memory_equal(t.fooled, other.fooled, N * sizeof(bool));
        trial_free(&other);
        trial_free(&t);
        without.real += alone.real;
        without.none += alone.none;
        with.real += judged.real;
    }
    assert_true(without.none > 0);         // rounding alone fools
    assert_true(with.real > without.real); // a search goes on where it did
}

// A point of a high loss is wanted whether it fools or not; what it is said to do is
// true.
static void test_precision__points_to_transfer_are_judged_as_well(void **state)
{
    igd_classifier checked = world.rough.f;
    trial t;
    (void)state;
    checked.exact = &world.exact.f;
    for (int k = 0; k < 2; k++) {
        igd_attack_job job =
            job_make(k == 0 ? "square" : "apgd-ce", &checked, IGD_NORM_LINF, EPS);
        assert_ok(igd_attack_job_set(&job, k == 0 ? "queries" : "steps", 20));
        job.mode = IGD_RETURN_HIGH_LOSS;
        trial_make(&t, &world.exact.f, N, world.x, world.labels);
        trial_run(&t, &job, &checked, 16);
        const finds n = count(&t);
        assert_int_equal(n.none, 0);
        assert_true(n.real > 0);
        trial_free(&t);
    }
}

// --- what the process computes with

static struct {
    int calls;
    igd_tf32 rows, gradient;
    bool fails;
} seen;

static igd_tf32 allowed(void)
{
    igd_tf32 now = {0};
    assert_ok(igd_tf32_swap(&now));
    igd_tf32 back = now;
    assert_ok(igd_tf32_swap(&back));
    return now;
}

static igd_status peek_rows(float *out, const float *x, int64_t n, void *payload)
{
    (void)payload;
    seen.calls++;
    seen.rows = allowed();
    for (int64_t i = 0; i < n * C; i++)
        out[i] = x[i % D];
    return seen.fails ? IGD_ENOMEM : IGD_OK;
}

static igd_status peek_gradient(float *grad, const float *x, const float *weight,
                                int64_t n, void *payload)
{
    (void)x;
    (void)weight;
    (void)payload;
    seen.gradient = allowed();
    memset(grad, 0, (size_t)(n * D) * sizeof(float));
    return IGD_OK;
}

static const igd_external outer = {.name = "logits",
                                   .rows = peek_rows,
                                   .gradient = peek_gradient,
                                   .shape = {C},
                                   .num_dims = 1};

static igd_tensor *peek_logits(igd_scope *s, const void *self, const igd_tensor *x,
                               const igd_draw *draws)
{
    (void)self;
    (void)draws;
    return igt_external(s, &outer, x);
}

static void assert_allows(igd_tf32 a, bool expected)
{
    assert_int_equal(a.convolutions, expected);
    assert_int_equal(a.products, expected);
}

static void test_precision__it_holds_for_the_calls_of_a_classifier(void **state)
{
    igd_classifier f = world.rough.f;
    float z[C], grad[D];
    const float weight[C] = {1.0f};
    const igd_draw draw = {0};
    igd_pass *pass = NULL;

    (void)state;
    f.logits = peek_logits;
    for (int process = 0; process < 2; process++)
        for (int k = IGD_ROUND_AS_IS; k <= IGD_ROUND_TF32; k++) {
            igd_tf32 set = {process == 1, process == 1};
            const bool expected =
                k == IGD_ROUND_AS_IS ? process == 1 : k == IGD_ROUND_TF32;
            assert_ok(igd_tf32_swap(&set));
            f.rounding = (igd_rounding)k;
            seen.calls = 0;
            assert_ok(igd_classifier_logits(z, &f, world.x, 1, &draw));
            assert_allows(seen.rows, expected);
            assert_ok(igd_pass_run(&pass, &f, world.x, 1, &draw));
            assert_allows(seen.rows, expected);
            assert_allows(allowed(), process == 1);
            assert_ok(igd_pass_grad(grad, pass, weight, false));
            assert_allows(seen.gradient, expected);
            igd_pass_free(pass);
            seen.fails = true;
            assert_int_equal(igd_classifier_logits(z, &f, world.x, 1, &draw), IGD_ENOMEM);
            seen.fails = false;
            assert_int_equal(seen.calls, 3);
            assert_allows(allowed(), process == 1); // given back
            assert_ok(igd_tf32_swap(&set));
        }
}

// --- evaluations

static igd_evaluate_options options(void)
{
    igd_evaluate_options o = igd_evaluate_options_default();
    o.attacks = "apgd-ce,square";
    o.set = "apgd-ce.steps=12,square.queries=90";
    o.threat.eps = EPS;
    o.batch_size = 16;
    o.checks = false;
    o.precision = IGD_PRECISION_TF32;
    return o;
}

static igd_result *evaluate(const igd_views *who, const igd_evaluate_options *o)
{
    igd_result *r = NULL;
    assert_ok(igd_evaluate_views(&r, who, world.data, o));
    return r;
}

static double unverified(const igd_result *r)
{
    double sum = 0.0;
    for (int k = 0; k < r->num_entries; k++)
        sum += (double)r->entries[k].cost.unverified;
    return sum;
}

static void test_precision__accuracies_are_of_the_exact_classifier(void **state)
{
    igd_classifier checked = world.rough.f;
    igd_views who = world.views, ieee = world.views;
    igd_evaluate_options o = options();
    int correct = 0, right = 0;

    (void)state;
    for (int i = 0; i < N; i++)
        correct += i % 10 != 0;
    for (int i = 0; i < N; i++) {
        float z[C];
        const igd_draw draw = {0};
        assert_ok(igd_classifier_logits(z, &world.rough.f, world.x + i * D, 1, &draw));
        right += igd_argmax(z, C) == world.labels[i];
    }
    assert_int_not_equal(right, correct); // the rough one would show

    igd_result *alone = evaluate(&who, &o);
    checked.exact = &world.exact.f;
    who.base = who.judged = &checked;
    igd_result *judged = evaluate(&who, &o);
    assert_true(igd_result_clean_acc(judged) * N == correct);
    assert_true(unverified(judged) == 0.0);
    assert_string_equal(igd_text_in(judged->provenance, "settings", "precision"), "tf32");
    assert_non_null(strstr(igd_result_text(judged), "TF32"));

    // Judged exactly but not voted on, finds are lost.
    who.base = who.judged = &world.rough.f;
    who.judging = &world.exact.f;
    igd_result *unvoted = evaluate(&who, &o);
    assert_true(unverified(unvoted) > 0.0);
    assert_true(igd_result_worst_acc(judged) < igd_result_worst_acc(unvoted));

    ieee.base = ieee.judged = &world.exact.f;
    o.precision = IGD_PRECISION_IEEE;
    igd_result *plain = evaluate(&ieee, &o);
    assert_true(igd_result_clean_acc(plain) == igd_result_clean_acc(judged));
    assert_string_equal(igd_text_in(plain->provenance, "settings", "precision"), "ieee");
    assert_null(strstr(igd_result_text(plain), "TF32"));
    igd_result_free(plain);
    igd_result_free(unvoted);
    igd_result_free(judged);
    igd_result_free(alone);
}

// A run is of one precision; older results, which say nothing of it, are IEEE's.
static void test_precision__is_part_of_what_a_run_is(void **state)
{
    igd_classifier checked = world.rough.f;
    igd_views who = world.views;
    igd_evaluate_options o = options();
    igd_result *r = NULL;

    (void)state;
    checked.exact = &world.exact.f;
    who.base = who.judged = &checked;
    o.finished = fixture_path("finished.json");
    r = evaluate(&who, &o);
    assert_ok(igd_result_save(r, o.finished));
    igd_result_free(r);
    r = evaluate(&who, &o);
    igd_result_free(r);
    o.precision = IGD_PRECISION_IEEE;
    assert_fails(igd_evaluate_views(&r, &who, world.data, &o), IGD_ESTATE, "precision");

    cJSON *settings = cJSON_Parse("{\"precision\":\"ieee\",\"draws\":1}");
    igd_provenance_reduce(settings);
    assert_false(cJSON_HasObjectItem(settings, "precision"));
    assert_true(cJSON_HasObjectItem(settings, "draws"));
    cJSON_Delete(settings);
    settings = cJSON_Parse("{\"precision\":\"tf32\"}");
    igd_provenance_reduce(settings);
    assert_true(cJSON_HasObjectItem(settings, "precision"));
    cJSON_Delete(settings);
}

// --- models

typedef struct subject {
    igd_model *model;
    igd_ranking *ranking;
    igd_defense *defense;
    igd_dataset *data;
} subject;

static void subject_make(subject *s)
{
    enum { n = 8 };
    static float images[n * 28 * 28];
    static int32_t labels[n];
    const int64_t shape[3] = {1, 28, 28};
    igd_defense_options o = igd_defense_options_default();
    assert_ok(igd_model_load(&s->model, TEST_SOURCE_DIR "/tests/data/fashion_resnet.pt",
                             shape, NULL));
    assert_ok(igd_ranking_random(&s->ranking, s->model, "penultimate", NULL, 0));
    o.keep = 20;
    assert_ok(igd_defense_new(&s->defense, s->model, s->ranking, &o));
    toy_images(images, n * 28 * 28, "x");
    for (int i = 0; i < n; i++)
        labels[i] = i;
    assert_ok(igd_dataset_from_floats(&s->data, images, labels, n, shape, 10));
}

static void subject_free(subject *s)
{
    igd_dataset_free(s->data);
    igd_defense_free(s->defense);
    igd_ranking_free(s->ranking);
    igd_model_free(s->model);
}

static void assert_attacked(const igd_classifier *f)
{
    assert_int_equal(f->rounding, IGD_ROUND_TF32);
    assert_non_null(f->exact);
    assert_int_equal(f->exact->rounding, IGD_ROUND_IEEE);
    assert_null(f->exact->exact);
    assert_true(f->exact->logits == f->logits && f->exact->self == f->self);
}

static void test_precision__models_are_attacked_in_it_and_judged_without(void **state)
{
    subject s;
    igd_views v;
    igd_result *r = NULL;
    igd_evaluate_options o = options();

    (void)state;
    subject_make(&s);
    assert_fails(igd_evaluate(&r, s.model, NULL, s.data, &o), IGD_EINVAL,
                 "TF32 is of CUDA devices, the model is on cpu");
    s.model->classifier.off_host = true; // as on a device
    assert_ok(igd_views_make(&v, s.model, NULL, s.data, &o));
    assert_attacked(v.base);
    assert_true(v.judged == v.base);
    igd_views_free(&v);
    assert_ok(igd_pass_cache_new(&o.pass_cache));
    assert_ok(igd_views_make(&v, s.model, s.defense, s.data, &o));
    assert_attacked(v.base);
    assert_attacked(v.judged);
    assert_attacked(v.surrogate);
    assert_attacked(v.joint);
    assert_int_equal(v.judging->rounding, IGD_ROUND_IEEE);
    assert_int_equal(v.ceiling->rounding, IGD_ROUND_IEEE);
    assert_int_equal(v.floor->rounding, IGD_ROUND_IEEE);
    igd_views_free(&v);
    o.precision = IGD_PRECISION_IEEE;
    assert_ok(igd_views_make(&v, s.model, s.defense, s.data, &o));
    const igd_classifier *all[] = {v.base,  v.judged,  v.judging, v.surrogate,
                                   v.joint, v.ceiling, v.floor};
    for (int k = 0; k < 7; k++) {
        assert_int_equal(all[k]->rounding, IGD_ROUND_AS_IS);
        assert_null(all[k]->exact);
    }
    igd_views_free(&v);
    igd_pass_cache_free(o.pass_cache);
    subject_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_precision__finds_fool_the_exact_classifier),
        TENSOR_TEST(test_precision__points_to_transfer_are_judged_as_well),
        TENSOR_TEST(test_precision__it_holds_for_the_calls_of_a_classifier),
        TENSOR_TEST(test_precision__accuracies_are_of_the_exact_classifier),
        TENSOR_TEST(test_precision__is_part_of_what_a_run_is),
        TENSOR_TEST(test_precision__models_are_attacked_in_it_and_judged_without),
    };
    world_make();
    const int rc = cmocka_run_group_tests(tests, NULL, NULL);
    igd_dataset_free(world.data);
    return rc;
}
