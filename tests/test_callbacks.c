// Models that the program runs: the same flags as the same network in TorchScript, under
// every attack and norm.
#include "callbacks_fixture.h"

#include <math.h>
#include <pthread.h>

#include "igdef/analyze.h"
#include "igdef/numbers.h"
#include "igdef/ranking.h"
#include "igdef/sweep.h"

static void test_callbacks__predict_as_the_file_does(void **state)
{
    (void)state;
    const igd_callbacks c = all_callbacks();
    igd_model *m = model_of(&c, NULL);
    float a[N * C], b[N * C];
    assert_ok(igd_model_predict(a, m, net.x, N));
    assert_ok(igd_model_predict(b, net.script, net.x, N));
    for (int i = 0; i < N * C; i++)
        assert_float_equal(a[i], b[i], 1e-5);
    assert_true(igd_model_is_deterministic(m));
    const igd_layer *layers = NULL;
    int num = 0;
    assert_ok(igd_model_layers(m, &layers, &num));
    assert_int_equal(num, 1);
    assert_int_equal(layers[0].num_neurons, H);
    igd_model_free(m);
}

// Every attack of the table, under every norm that it knows, base and defended.
static void same_flags(const igd_model *m, const igd_defense *d_m, const igd_model *other,
                       const igd_defense *d_other)
{
    static const double eps[] = {
        [IGD_NORM_LINF] = 0.04, [IGD_NORM_L2] = 0.12, [IGD_NORM_L1] = 0.4};
    float a[N * D], b[N * D];
    igd_attack_outcome of_m[N], of_other[N];
    int64_t fooled = 0, runs = 0;
    for (int k = 0; k < igd_attack_count(); k++) {
        const igd_attack *attack = igd_attack_at(k);
        for (int norm = IGD_NORM_LINF; norm <= IGD_NORM_L1; norm++) {
            if (!igd_attack_has_norm(attack, (igd_norm)norm))
                continue;
            const igd_threat threat = {(igd_norm)norm, eps[norm]};
            const char *name = igd_attack_name(attack);
            igd_attack_options o = igd_attack_options_default();
            int num_parameters = 0;
            const igd_parameter *p = igd_attack_parameters(attack, &num_parameters);
            char set[64] = "";
            for (int j = 0; j < num_parameters; j++) // short runs
                if (strcmp(p[j].name, "steps") == 0)
                    snprintf(set, sizeof(set), "steps=%d", p[j].value > 8.0 ? 8 : 1);
                else if (strcmp(p[j].name, "queries") == 0)
                    snprintf(set, sizeof(set), "queries=60");
            o.set = set;
            o.batch_size = 16;
            assert_ok(igd_attack_images(a, of_m, m, d_m, name, &threat, &o, net.x,
                                        net.label, N));
            assert_ok(igd_attack_images(b, of_other, other, d_other, name, &threat, &o,
                                        net.x, net.label, N));
            for (int i = 0; i < N; i++)
                if (of_m[i].fooled != of_other[i].fooled)
                    fail_msg("%s, %s, image %d: %d by callbacks, %d by TorchScript", name,
                             igd_norm_name(threat.norm), i, of_m[i].fooled,
                             of_other[i].fooled);
            fooled += num_fooled(of_m);
            runs++;
        }
    }
    assert_true(fooled > 4 * runs && fooled < N * runs); // neither none nor all
}

static void test_callbacks__flags_are_those_of_the_file(void **state)
{
    (void)state;
    const igd_callbacks c = all_callbacks();
    igd_model *m = model_of(&c, NULL);
    same_flags(m, NULL, net.script, NULL);
    igd_model_free(m);
}

static void test_callbacks__ranking_and_defense_are_those_of_the_file(void **state)
{
    (void)state;
    const igd_callbacks c = all_callbacks();
    igd_model *m = model_of(&c, NULL);
    igd_dataset *data = NULL;
    igd_ranking *r_m = NULL, *r_script = NULL;
    igd_defense *d_m = NULL, *d_script = NULL;
    igd_defense_options o = igd_defense_options_default();
    o.keep = 6;
    o.temperature = 0.5;
    assert_ok(igd_dataset_from_floats(&data, net.x, net.label, N, shape, C));
    assert_ok(igd_ranking_loir(&r_m, m, "penultimate", data, NULL));
    assert_ok(igd_ranking_loir(&r_script, net.script, "penultimate", data, NULL));
    for (int k = 0; k < C; k++)
        for (int h = 0; h < H; h++)
            assert_float_equal(igd_ranking_score(r_m, k)[h],
                               igd_ranking_score(r_script, k)[h], 1e-4);
    assert_ok(igd_defense_new(&d_m, m, r_m, &o));
    assert_ok(igd_defense_new(&d_script, net.script, r_script, &o));
    same_flags(m, d_m, net.script, d_script);
    assert_fails(igd_defense_export(d_m, fixture_path("no.pt")), IGD_EINVAL, "callbacks");
    igd_defense_free(d_m);
    igd_defense_free(d_script);
    igd_ranking_free(r_m);
    igd_ranking_free(r_script);
    igd_dataset_free(data);
    igd_model_free(m);
}

static void test_callbacks__evaluation_is_that_of_the_file(void **state)
{
    (void)state;
    const igd_callbacks c = all_callbacks();
    igd_model *m = model_of(&c, NULL);
    igd_dataset *data = NULL;
    igd_result *a = NULL, *b = NULL;
    igd_evaluate_options o = igd_evaluate_options_default();
    o.attacks = "fgsm,apgd-ce,square";
    o.set = "apgd-ce.steps=8,square.queries=60";
    o.threat.eps = 0.03;
    assert_ok(igd_dataset_from_floats(&data, net.x, net.label, N, shape, C));
    assert_ok(igd_evaluate(&a, m, NULL, data, &o));
    assert_ok(igd_evaluate(&b, net.script, NULL, data, &o));
    assert_true(igd_result_clean_acc(a) == igd_result_clean_acc(b));
    assert_true(igd_result_worst_acc(a) == igd_result_worst_acc(b));
    igd_result_free(a);
    igd_result_free(b);
    igd_dataset_free(data);
    igd_model_free(m);
}

static void test_callbacks__without_a_gradient_black_boxes_attack(void **state)
{
    (void)state;
    igd_callbacks c = igd_callbacks_default();
    const igd_threat threat = {IGD_NORM_LINF, 0.1};
    float adv[N * D];
    igd_attack_outcome outcomes[N];
    igd_attack_options o = igd_attack_options_default();
    c.logits = logits;
    igd_model *m = model_of(&c, NULL);
    o.set = "queries=100";
    assert_ok(igd_attack_images(adv, outcomes, m, NULL, "square", &threat, &o, net.x,
                                net.label, N));
    assert_true(num_fooled(outcomes) > N / 10);
    assert_fails(igd_attack_images(adv, NULL, m, NULL, "apgd-ce", &threat, NULL, net.x,
                                   net.label, N),
                 IGD_EINVAL, "apgd-ce needs gradients");
    igd_dataset *data = NULL;
    igd_result *r = NULL;
    igd_evaluate_options e = igd_evaluate_options_default();
    assert_ok(igd_dataset_from_floats(&data, net.x, net.label, N, shape, C));
    e.attacks = "square,pgd";
    assert_fails(igd_evaluate(&r, m, NULL, data, &e), IGD_EINVAL, "pgd needs gradients");
    e.attacks = "square";
    e.set = "square.queries=40";
    assert_ok(igd_evaluate(&r, m, NULL, data, &e));
    igd_result_free(r);
    igd_dataset_free(data);
    igd_model_free(m);
}

static void test_callbacks__attacked_images_stay_in_the_ball(void **state)
{
    (void)state;
    const igd_threat threat = {IGD_NORM_LINF, 0.03};
    float a[N * D], b[D];
    igd_attack_outcome outcomes[N], one;
    igd_attack_options o = igd_attack_options_default();
    o.set = "steps=8";
    assert_ok(igd_attack_images(a, outcomes, net.script, NULL, "apgd-ce", &threat, &o,
                                net.x, net.label, N));
    for (int i = 0; i < N * D; i++) {
        assert_true(a[i] >= 0.0f && a[i] <= 1.0f);
        assert_true(fabsf(a[i] - net.x[i]) <= 0.03f + 1e-6f);
    }
    // One image by itself, under its index, is attacked as it was among the others.
    for (int64_t i = 0; i < N; i += 7) {
        o.indices = &i;
        o.batch_size = 1;
        assert_ok(igd_attack_images(b, &one, net.script, NULL, "apgd-ce", &threat, &o,
                                    net.x + i * D, net.label + i, 1));
        assert_memory_equal(b, a + i * D, sizeof(b));
        assert_int_equal(one.fooled, outcomes[i].fooled);
        assert_int_equal(one.forwards, outcomes[i].forwards);
    }
    static const int64_t twice[2] = {5, 5};
    o.indices = twice;
    assert_fails(igd_attack_images(a, NULL, net.script, NULL, "pgd", &threat, &o, net.x,
                                   net.label, 2),
                 IGD_EINVAL, "index 5 is there twice");
    o = igd_attack_options_default();
    o.set = "stepz=3";
    assert_fails(igd_attack_images(a, NULL, net.script, NULL, "pgd", &threat, &o, net.x,
                                   net.label, 2),
                 IGD_EINVAL, "steps");
    assert_fails(igd_attack_images(a, NULL, net.script, NULL, "pgd", &threat, NULL, net.x,
                                   (const int32_t[]){0, C}, 2),
                 IGD_EINVAL, "label 4");
    assert_fails(igd_attack_images(a, NULL, net.script, NULL, "pgdd", &threat, NULL,
                                   net.x, net.label, 2),
                 IGD_EINVAL, "pgd");
}

static void test_callbacks__one_identity_one_digest(void **state)
{
    (void)state;
    igd_callbacks c = all_callbacks();
    igd_model *a = model_of(&c, NULL), *b = model_of(&c, NULL);
    c.identity = "other weights";
    igd_model *other = model_of(&c, NULL);
    c.identity = NULL;
    igd_model *nameless = model_of(&c, NULL), *again = model_of(&c, NULL);
    assert_string_equal(igd_model_sha256(a), igd_model_sha256(b));
    assert_string_not_equal(igd_model_sha256(a), igd_model_sha256(other));
    assert_string_not_equal(igd_model_sha256(nameless), igd_model_sha256(again));
    igd_model_free(a);
    igd_model_free(b);
    igd_model_free(other);
    igd_model_free(nameless);
    igd_model_free(again);
}

static void test_callbacks__a_defense_of_the_program_is_attacked(void **state)
{
    (void)state;
    igd_callbacks c = igd_callbacks_default();
    igd_defense *d = NULL;
    igd_result *r = NULL;
    igd_dataset *data = NULL;
    igd_evaluate_options o = igd_evaluate_options_default();
    c.logits = logits;
    c.gradient = gradient;
    assert_ok(igd_defense_from_callbacks(&d, net.script, &c, NULL));
    assert_ok(igd_dataset_from_floats(&data, net.x, net.label, N, shape, C));
    o.attacks = "fgsm,transfer:fgsm";
    o.threat.eps = 0.03;
    assert_ok(igd_evaluate(&r, net.script, d, data, &o));
    assert_true(igd_result_worst_acc(r) < igd_result_clean_acc(r));
    igd_result_free(r);
    igd_defense_free(d);
    igd_dataset_free(data);
}

// A defense of the program is one like another: in the experiments, at every radius and
// in tables of defenses. What needs a mask is refused by name.
static void test_callbacks__a_defense_of_the_program_goes_wherever_one_does(void **state)
{
    (void)state;
    igd_callbacks c = igd_callbacks_default();
    igd_defense *d = NULL;
    igd_dataset *data = NULL;
    igd_ranking *ranking = NULL;
    igd_analysis *a = NULL;
    igd_shift_options shift = igd_shift_options_default();
    igd_landscape_options plane = igd_landscape_options_default();
    igd_radius_options radius = igd_radius_options_default();
    float z[N * C], base[N * C];
    c.logits = logits;
    c.gradient = gradient;
    assert_ok(igd_defense_from_callbacks(&d, net.script, &c, NULL));
    assert_ok(igd_dataset_from_floats(&data, net.x, net.label, N, shape, C));
    assert_ok(igd_ranking_random(&ranking, net.script, "penultimate", NULL, 1));
    assert_ok(igd_defense_predict(z, base, d, net.x, NULL, N));
    for (int i = 0; i < N * C; i++) // the callbacks are the same network
        assert_float_equal(z[i], base[i], 1e-5);

    shift.attack = "fgsm";
    shift.top = 4;
    assert_ok(igd_analyze_shift(&a, net.script, ranking, d, data, &shift));
    assert_true(igd_analysis_shift(a)->num_images > 0);
    igd_analysis_free(a);
    plane.grid = 3;
    assert_ok(igd_analyze_landscape(&a, net.script, d, data, &plane));
    const igd_landscape_numbers *n = igd_analysis_landscape(a);
    assert_int_equal(n->num_surfaces, 2);
    for (int i = 0; i < 9; i++)
        assert_true(fabs(n->surfaces[0].loss[i] - n->surfaces[1].loss[i]) < 1e-4);
    igd_analysis_free(a);

    radius.series.evaluate.attacks = "fgsm";
    radius.series.evaluate.threat.eps = 0.2;
    radius.halvings = 2;
    assert_ok(igd_radius(&a, net.script, d, data, &radius));
    assert_non_null(strstr(igd_analysis_text(a), "defended"));
    igd_analysis_free(a);
    const igd_compared rows[2] = {{.name = "base"}, {.name = "own", .defense = d}};
    assert_ok(igd_compare_defenses(&a, net.script, rows, 2, data, &radius.series));
    assert_non_null(strstr(igd_analysis_text(a), "own"));
    igd_analysis_free(a);

    const igd_insight insight = igd_insight_default();
    assert_fails(igd_defense_explain(z, &insight, d, net.x, NULL, N), IGD_EINVAL,
                 "without a pseudo-label");
    assert_fails(igd_defense_export(d, fixture_path("no.pt")), IGD_EINVAL, "");
    igd_ranking_free(ranking);
    igd_defense_free(d);
    igd_dataset_free(data);
}

// Counts calls that overlap.
typedef struct busy {
    pthread_mutex_t lock;
    int inside, most;
} busy;

static igd_status counted(float *z, const float *x, int64_t n, void *payload)
{
    busy *b = payload;
    pthread_mutex_lock(&b->lock);
    b->inside++;
    b->most = b->inside > b->most ? b->inside : b->most;
    pthread_mutex_unlock(&b->lock);
    const igd_status st = logits(z, x, n, NULL);
    pthread_mutex_lock(&b->lock);
    b->inside--;
    pthread_mutex_unlock(&b->lock);
    return st;
}

static void *predict_often(void *model)
{
    float z[N * C];
    for (int i = 0; i < 200; i++)
        if (igd_model_predict(z, model, net.x, N) != IGD_OK)
            return model;
    return NULL;
}

static void test_callbacks__are_called_one_at_a_time(void **state)
{
    (void)state;
    busy b = {.lock = PTHREAD_MUTEX_INITIALIZER};
    igd_callbacks c = igd_callbacks_default();
    pthread_t threads[4];
    c.logits = counted;
    igd_model *m = model_of(&c, &b);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, predict_often, m), 0);
    for (int i = 0; i < 4; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(b.most, 1);
    igd_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_callbacks__attacked_images_stay_in_the_ball),
        cmocka_unit_test(test_callbacks__predict_as_the_file_does),
        cmocka_unit_test(test_callbacks__flags_are_those_of_the_file),
        cmocka_unit_test(test_callbacks__ranking_and_defense_are_those_of_the_file),
        cmocka_unit_test(test_callbacks__evaluation_is_that_of_the_file),
        cmocka_unit_test(test_callbacks__without_a_gradient_black_boxes_attack),
        cmocka_unit_test(test_callbacks__one_identity_one_digest),
        cmocka_unit_test(test_callbacks__a_defense_of_the_program_is_attacked),
        cmocka_unit_test(test_callbacks__a_defense_of_the_program_goes_wherever_one_does),
        cmocka_unit_test(test_callbacks__are_called_one_at_a_time),
    };
    return cmocka_run_group_tests(tests, make_net, free_net);
}
