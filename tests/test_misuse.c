// Every public function with arguments that are missing or out of range: it refuses them
// by name, or returns what its header says, and nothing crashes.
#include "fixture.h"

#include <limits.h>
#include <math.h>

#include "igdef.h"

#define N 12
#define C 3
#define D 12

static const int64_t shape[3] = {3, 2, 2};
static float images[N * D];
static int32_t labels[N];

static struct {
    igd_model *model;
    igd_dataset *data;
    igd_ranking *ranking;
    igd_defense *defense;
    igd_result *result;
    igd_analysis *analysis;
} w;

static int make_world(void **state)
{
    (void)state;
    static float weight[C * D];
    static const float bias[C] = {0.0f, 0.1f, -0.1f};
    for (int i = 0; i < C * D; i++)
        weight[i] = (float)(i * 7 % 11) / 11.0f - 0.5f;
    for (int i = 0; i < N * D; i++)
        images[i] = (float)(i * 13 % 17) / 17.0f;
    float z[N * C];
    assert_ok(igd_model_load(&w.model, fixture_linear("m.pt", weight, bias, C, D), shape,
                             NULL));
    assert_ok(igd_model_predict(z, w.model, images, N));
    for (int i = 0; i < N; i++)
        for (int c = 1; c < C; c++)
            if (z[i * C + c] > z[i * C + labels[i]])
                labels[i] = c;
    assert_ok(igd_dataset_from_floats(&w.data, images, labels, N, shape, C));
    assert_ok(igd_ranking_random(&w.ranking, w.model, "penultimate", NULL, 0));
    igd_defense_options d = igd_defense_options_default();
    d.keep = 6;
    assert_ok(igd_defense_new(&w.defense, w.model, w.ranking, &d));
    assert_ok(igd_evaluate(&w.result, w.model, NULL, w.data, NULL));
    igd_landscape_options l = igd_landscape_options_default();
    l.grid = 3;
    l.run = igd_analyze_run_default();
    assert_ok(igd_analyze_landscape(&w.analysis, w.model, NULL, w.data, &l));
    return 0;
}

static int free_world(void **state)
{
    (void)state;
    igd_analysis_free(w.analysis);
    igd_result_free(w.result);
    igd_defense_free(w.defense);
    igd_ranking_free(w.ranking);
    igd_dataset_free(w.data);
    igd_model_free(w.model);
    return 0;
}

// A call that is refused naming an argument, and leaves no object.
#define REFUSES(argument, call) assert_fails(call, IGD_EINVAL, argument " is NULL")

static void test_misuse__of_models(void **state)
{
    (void)state;
    igd_model *m = (igd_model *)&w;
    const igd_layer *layers;
    int num = 7;
    float z[C];
    REFUSES("out", igd_model_load(NULL, "m.pt", shape, NULL));
    REFUSES("path", igd_model_load(&m, NULL, shape, NULL));
    assert_null(m);
    REFUSES("shape", igd_model_load(&m, "m.pt", NULL, NULL));
    REFUSES("out", igd_model_load_memory(NULL, "x", 1, "m", shape, NULL));
    REFUSES("bytes", igd_model_load_memory(&m, NULL, 1, "m", shape, NULL));
    REFUSES("name", igd_model_load_memory(&m, "x", 1, NULL, shape, NULL));
    REFUSES("shape", igd_model_load_memory(&m, "x", 1, "m", NULL, NULL));
    assert_int_equal(igd_model_num_classes(NULL), 0);
    assert_int_equal(igd_model_batch_size(NULL), 0);
    assert_string_equal(igd_model_sha256(NULL), "");
    assert_string_equal(igd_model_path(NULL), "");
    assert_null(igd_model_shape(NULL));
    assert_false(igd_model_is_deterministic(NULL));
    assert_false(igd_model_gives_probabilities(NULL));
    assert_null(igd_model_methods(NULL, &num));
    assert_int_equal(num, 0);
    assert_null(igd_model_methods(w.model, NULL));
    REFUSES("m", igd_model_layers(NULL, &layers, &num));
    REFUSES("layers", igd_model_layers(w.model, NULL, &num));
    REFUSES("num", igd_model_layers(w.model, &layers, NULL));
    REFUSES("m", igd_model_predict(z, NULL, images, 1));
    REFUSES("logits", igd_model_predict(NULL, w.model, images, 1));
    REFUSES("images", igd_model_predict(z, w.model, NULL, 1));
    assert_fails(igd_model_predict(z, w.model, images, -1), IGD_EINVAL, "-1");
    assert_ok(igd_model_predict(NULL, w.model, NULL, 0));
    REFUSES("out", igd_model_from_callbacks(NULL, shape, C, NULL, NULL));
    const igd_callbacks none = igd_callbacks_default();
    assert_fails(igd_model_from_callbacks(&m, shape, C, &none, NULL), IGD_EINVAL,
                 "without logits");
    assert_string_equal(igd_model_output(NULL), "");
    assert_null(igd_model_no_gradient(NULL));
    igd_model_card *card = (igd_model_card *)&w;
    REFUSES("out", igd_model_card_read(NULL, "m.pt"));
    REFUSES("path", igd_model_card_read(&card, NULL));
    REFUSES("m", igd_model_check_classes(NULL, NULL));
    REFUSES("data", igd_model_check_classes(w.model, NULL));
    assert_null(card);
    igd_model_card_free(NULL);
    igd_model_free(NULL);
    assert_true(igd_model_options_default().device != NULL);
}

static void test_misuse__of_data(void **state)
{
    (void)state;
    igd_dataset *d = NULL;
    const char *warning = NULL;
    char digest[65];
    const int64_t beyond = N;
    float x[D];
    REFUSES("out", igd_dataset_open(NULL, "x", NULL));
    REFUSES("path", igd_dataset_open(&d, NULL, NULL));
    REFUSES("out", igd_dataset_from_floats(NULL, images, labels, N, shape, C));
    REFUSES("images", igd_dataset_from_floats(&d, NULL, labels, N, shape, C));
    REFUSES("labels", igd_dataset_from_floats(&d, images, NULL, N, shape, C));
    REFUSES("shape", igd_dataset_from_floats(&d, images, labels, N, NULL, C));
    assert_fails(igd_dataset_from_floats(&d, images, labels, -1, shape, C), IGD_EINVAL,
                 "-1");
    igd_pixels p = igd_pixels_default();
    REFUSES("out", igd_dataset_from_pixels(NULL, &p, labels, C, NULL));
    REFUSES("pixels", igd_dataset_from_pixels(&d, NULL, labels, C, NULL));
    REFUSES("labels", igd_dataset_from_pixels(&d, &p, NULL, C, NULL));
    REFUSES("p.data", igd_dataset_from_pixels(&d, &p, labels, C, NULL));
    const uint8_t byte = 0;
    const char *const nameless[C] = {"a", NULL, "c"};
    p.data = &byte;
    REFUSES("class_names[c]", igd_dataset_from_pixels(&d, &p, labels, C, nameless));
    uint8_t resized;
    REFUSES("out", igd_resize(NULL, 1, 1, &byte, 1, 1, 1, IGD_RESIZE_BILINEAR));
    REFUSES("in", igd_resize(&resized, 1, 1, NULL, 1, 1, 1, IGD_RESIZE_BILINEAR));
    REFUSES("out", igd_dataset_from_files(NULL, NULL, 0, NULL));
    REFUSES("paths", igd_dataset_from_files(&d, NULL, 1, NULL));
    const char *const absent[1] = {NULL};
    REFUSES("paths[i]", igd_dataset_from_files(&d, absent, 1, NULL));
    assert_int_equal(igd_dataset_size(NULL), 0);
    assert_string_equal(igd_dataset_preprocess(NULL), "none");
    assert_int_equal(igd_dataset_num_classes(NULL), 0);
    assert_null(igd_dataset_shape(NULL));
    assert_string_equal(igd_dataset_class_name(NULL, 0), "");
    assert_string_equal(igd_dataset_class_name(w.data, -1), "");
    assert_string_equal(igd_dataset_class_name(w.data, C), "");
    REFUSES("d", igd_dataset_take_part(NULL, 0, 1, NULL));
    assert_fails(igd_dataset_take_part(w.data, 0, 0, NULL), IGD_EINVAL, "part 0 of 0");
    assert_fails(igd_dataset_take_part(w.data, 2, 2, NULL), IGD_EINVAL, "part 2 of 2");
    assert_fails(igd_dataset_take_part(w.data, 0, N + 1, NULL), IGD_EINVAL, "divided");
    assert_int_equal(igd_dataset_part(NULL).of, 0);
    REFUSES("d", igd_dataset_check_classes(NULL, C));
    REFUSES("d", igd_dataset_set_channels(NULL, 1));
    assert_fails(igd_dataset_set_channels(w.data, 99), IGD_EINVAL, "99");
    assert_int_equal(igd_dataset_num_notes(NULL), 0);
    assert_null(igd_dataset_note(NULL, 0, &warning));
    assert_null(igd_dataset_note(w.data, 99, &warning));
    assert_int_equal(igd_dataset_label(NULL, 0), -1);
    assert_int_equal(igd_dataset_label(w.data, N), -1);
    assert_int_equal(igd_dataset_label(w.data, -1), -1);
    assert_int_equal(igd_dataset_index(NULL, 0), -1);
    assert_int_equal(igd_dataset_index(w.data, N), -1);
    REFUSES("d", igd_dataset_sha256(NULL, digest));
    REFUSES("out", igd_dataset_sha256(w.data, NULL));
    REFUSES("d", igd_dataset_read(NULL, x, &beyond, 1));
    REFUSES("images", igd_dataset_read(w.data, NULL, &beyond, 1));
    REFUSES("which", igd_dataset_read(w.data, x, NULL, 1));
    assert_fails(igd_dataset_read(w.data, x, &beyond, 1), IGD_EINVAL, "12");
    assert_fails(igd_dataset_read(w.data, x, &beyond, -1), IGD_EINVAL, "-1");
    igd_dataset_free(NULL);
    assert_true(igd_dataset_options_default().split != NULL);
}

static void test_misuse__of_rankings(void **state)
{
    (void)state;
    igd_ranking *r = NULL;
    int out = 0;
    const igd_cdir_options cdir = igd_cdir_options_default();
    REFUSES("out", igd_ranking_loir(NULL, w.model, "penultimate", w.data, NULL));
    REFUSES("model", igd_ranking_loir(&r, NULL, "penultimate", w.data, NULL));
    REFUSES("layer", igd_ranking_loir(&r, w.model, NULL, w.data, NULL));
    REFUSES("probe", igd_ranking_loir(&r, w.model, "penultimate", NULL, NULL));
    REFUSES("out", igd_ranking_random(NULL, w.model, "penultimate", NULL, 0));
    REFUSES("model", igd_ranking_random(&r, NULL, "penultimate", NULL, 0));
    REFUSES("layer", igd_ranking_random(&r, w.model, NULL, NULL, 0));
    REFUSES("out", igd_ranking_cdir(NULL, w.model, "penultimate", w.data, &cdir));
    REFUSES("model", igd_ranking_cdir(&r, NULL, "penultimate", w.data, &cdir));
    REFUSES("options", igd_ranking_cdir(&r, w.model, "penultimate", w.data, NULL));
    assert_string_equal(igd_similarity_name((igd_similarity)99), "");
    REFUSES("name", igd_similarity_parse(&(igd_similarity){IGD_SIMILARITY_COS}, NULL));
    REFUSES("out", igd_similarity_parse(NULL, "cos"));
    assert_string_equal(igd_pool_name((igd_pool)99), "");
    REFUSES("name", igd_pool_parse(&(igd_pool){IGD_POOL_AVG}, NULL));
    REFUSES("out", igd_pool_parse(NULL, "avg"));
    const char *const absent[1] = {NULL};
    igd_part part;
    REFUSES("out", igd_ranking_merge(NULL, absent, 1));
    REFUSES("paths", igd_ranking_merge(&r, NULL, 1));
    REFUSES("paths[k]", igd_ranking_merge(&r, absent, 1));
    assert_fails(igd_ranking_merge(&r, absent, 0), IGD_EINVAL, "no parts");
    assert_null(r);
    assert_int_equal(igd_ranking_part(NULL).of, 0);
    REFUSES("out", igd_ranking_part_read(NULL, "x"));
    REFUSES("path", igd_ranking_part_read(&part, NULL));
    assert_string_equal(igd_ranking_method(NULL), "");
    assert_string_equal(igd_ranking_layer(NULL), "");
    assert_string_equal(igd_ranking_model_sha256(NULL), "");
    assert_int_equal(igd_ranking_num_classes(NULL), 0);
    assert_int_equal(igd_ranking_num_neurons(NULL), 0);
    assert_int_equal(igd_ranking_num_images(NULL), 0);
    assert_int_equal(igd_ranking_num_layers(NULL), 0);
    assert_null(igd_ranking_layer_neurons(NULL));
    assert_true(isnan(igd_ranking_clean_accuracy(NULL)));
    int64_t known, of;
    REFUSES("known", igd_ranking_seen(NULL, &of, w.ranking, w.data));
    REFUSES("of", igd_ranking_seen(&known, NULL, w.ranking, w.data));
    REFUSES("r", igd_ranking_seen(&known, &of, NULL, w.data));
    REFUSES("data", igd_ranking_seen(&known, &of, w.ranking, NULL));
    assert_string_equal(igd_ranking_class_name(NULL, 0), "");
    assert_string_equal(igd_ranking_class_name(w.ranking, C), "");
    assert_null(igd_ranking_score(NULL, 0));
    assert_null(igd_ranking_score(w.ranking, 99));
    assert_null(igd_ranking_score(w.ranking, -1));
    assert_null(igd_ranking_order(NULL, 0));
    assert_null(igd_ranking_order(w.ranking, C));
    REFUSES("out", igd_ranking_overlap(NULL, w.ranking, w.ranking, 0, 1));
    REFUSES("a", igd_ranking_overlap(&out, NULL, w.ranking, 0, 1));
    REFUSES("b", igd_ranking_overlap(&out, w.ranking, NULL, 0, 1));
    assert_fails(igd_ranking_overlap(&out, w.ranking, w.ranking, C, 1), IGD_EINVAL,
                 "class 3");
    REFUSES("r", igd_ranking_save(NULL, "r"));
    REFUSES("path", igd_ranking_save(w.ranking, NULL));
    REFUSES("out", igd_ranking_load(NULL, "r"));
    REFUSES("path", igd_ranking_load(&r, NULL));
    REFUSES("out", igd_ranking_from_units(NULL, "f", w.model, "penultimate", "loir"));
    REFUSES("folder", igd_ranking_from_units(&r, NULL, w.model, "penultimate", "loir"));
    REFUSES("model", igd_ranking_from_units(&r, "f", NULL, "penultimate", "loir"));
    REFUSES("layer", igd_ranking_from_units(&r, "f", w.model, NULL, "loir"));
    REFUSES("method", igd_ranking_from_units(&r, "f", w.model, "penultimate", NULL));
    REFUSES("r", igd_ranking_to_units(NULL, "f"));
    REFUSES("folder", igd_ranking_to_units(w.ranking, NULL));
    const float score[C] = {0};
    REFUSES("out",
            igd_ranking_from_scores(NULL, w.model, "penultimate", "m", score, 1, NULL));
    REFUSES("model",
            igd_ranking_from_scores(&r, NULL, "penultimate", "m", score, 1, NULL));
    REFUSES("layer", igd_ranking_from_scores(&r, w.model, NULL, "m", score, 1, NULL));
    REFUSES("method",
            igd_ranking_from_scores(&r, w.model, "penultimate", NULL, score, 1, NULL));
    REFUSES("score",
            igd_ranking_from_scores(&r, w.model, "penultimate", "m", NULL, 1, NULL));
    assert_null(igd_ranking_shape(NULL));
    assert_false(igd_ranking_has_digest(NULL));
    igd_ranking_free(NULL);
    assert_true(igd_loir_options_default().batch_size > 0);
}

static void test_misuse__of_defenses(void **state)
{
    (void)state;
    igd_defense *d = NULL;
    float z[C];
    int forwards = 7, backwards = 7;
    const igd_callbacks none = igd_callbacks_default();
    REFUSES("out", igd_defense_new(NULL, w.model, w.ranking, NULL));
    REFUSES("base", igd_defense_new(&d, NULL, w.ranking, NULL));
    assert_fails(igd_defense_new(&d, w.model, NULL, NULL), IGD_EINVAL, "ranking");
    REFUSES("out", igd_defense_new_caaa(NULL, w.model, NULL));
    REFUSES("base", igd_defense_new_caaa(&d, NULL, NULL));
    REFUSES("out", igd_defense_new_hedge(NULL, w.model, NULL));
    REFUSES("base", igd_defense_new_hedge(&d, NULL, NULL));
    REFUSES("out", igd_defense_new_meansparse(NULL, w.model, "l", w.data, NULL));
    REFUSES("base", igd_defense_new_meansparse(&d, NULL, "l", w.data, NULL));
    REFUSES("layer", igd_defense_new_meansparse(&d, w.model, NULL, w.data, NULL));
    REFUSES("probe", igd_defense_new_meansparse(&d, w.model, "l", NULL, NULL));
    REFUSES("out", igd_defense_new_model(NULL, w.model, "m.pt"));
    REFUSES("base", igd_defense_new_model(&d, NULL, "m.pt"));
    REFUSES("path", igd_defense_new_model(&d, w.model, NULL));
    REFUSES("out", igd_defense_from_callbacks(NULL, w.model, &none, NULL));
    REFUSES("base", igd_defense_from_callbacks(&d, NULL, &none, NULL));
    REFUSES("callbacks", igd_defense_from_callbacks(&d, w.model, NULL, NULL));
    REFUSES("d", igd_defense_predict(z, NULL, NULL, images, NULL, 1));
    REFUSES("logits", igd_defense_predict(NULL, NULL, w.defense, images, NULL, 1));
    REFUSES("images", igd_defense_predict(z, NULL, w.defense, NULL, NULL, 1));
    assert_fails(igd_defense_predict(z, NULL, w.defense, images, NULL, -1), IGD_EINVAL,
                 "-1");
    assert_fails(igd_defense_predict(z, NULL, w.defense, images, NULL, INT64_MAX),
                 IGD_EINVAL, "cannot predict");
    assert_int_equal(igd_defense_kind_of(NULL), IGD_DEFENSE_MASK);
    REFUSES("d", igd_defense_check_classes(NULL, NULL));
    assert_string_equal(igd_defense_description(NULL), "{}");
    igd_defense_passes(NULL, &forwards, &backwards);
    assert_true(forwards == 0 && backwards == 0);
    igd_defense_passes(w.defense, NULL, NULL);
    assert_int_equal(igd_defense_adaptive(NULL), IGD_ADAPTIVE_NONE);
    assert_false(igd_defense_has_pseudo_label(NULL));
    assert_null(igd_defense_settings(NULL));
    assert_null(igd_defense_method(NULL));
    assert_null(igd_defense_layer(NULL));
    REFUSES("d", igd_defense_export(NULL, "x.pt"));
    REFUSES("path", igd_defense_export(w.defense, NULL));
    igd_defense_free(NULL);
    float logits[C];
    const igd_insight insight = igd_insight_default();
    REFUSES("insight", igd_defense_explain(logits, NULL, w.defense, images, NULL, 1));
    REFUSES("d", igd_defense_explain(logits, &insight, NULL, images, NULL, 1));
    REFUSES("logits", igd_defense_explain(NULL, &insight, w.defense, images, NULL, 1));
    REFUSES("images", igd_defense_explain(logits, &insight, w.defense, NULL, NULL, 1));
    assert_fails(igd_defense_explain(logits, &insight, w.defense, images, NULL, -1),
                 IGD_EINVAL, "-1");
    assert_ok(igd_defense_explain(NULL, &insight, w.defense, NULL, NULL, 0));
    assert_true(igd_caaa_options_default().num_steps > 0);
    assert_true(igd_hedge_options_default().num_steps > 0);
    assert_true(igd_meansparse_options_default().batch_size > 0);
}

static void test_misuse__of_attacks(void **state)
{
    (void)state;
    const igd_attack *a = NULL;
    igd_norm norm;
    int num = 7;
    float adv[D];
    const igd_threat threat = {IGD_NORM_LINF, 0.1};
    const igd_threat strange = {(igd_norm)99, 0.1};
    assert_string_equal(igd_norm_name((igd_norm)99), "");
    assert_string_equal(igd_norm_name((igd_norm)-1), "");
    REFUSES("out", igd_norm_parse(NULL, "Linf"));
    REFUSES("name", igd_norm_parse(&norm, NULL));
    assert_null(igd_attack_at(-1));
    assert_null(igd_attack_at(igd_attack_count()));
    REFUSES("out", igd_attack_find(NULL, "pgd"));
    REFUSES("name", igd_attack_find(&a, NULL));
    assert_string_equal(igd_attack_name(NULL), "");
    assert_string_equal(igd_attack_help(NULL), "");
    assert_false(igd_attack_has_norm(NULL, IGD_NORM_LINF));
    assert_false(igd_attack_has_norm(igd_attack_at(0), (igd_norm)99));
    assert_null(igd_attack_parameters(NULL, &num));
    assert_int_equal(num, 0);
    assert_null(igd_attack_parameters(igd_attack_at(0), NULL));
    REFUSES("x_adv", igd_attack_images(NULL, NULL, w.model, NULL, "pgd", &threat, NULL,
                                       images, labels, 1));
    REFUSES("base", igd_attack_images(adv, NULL, NULL, NULL, "pgd", &threat, NULL, images,
                                      labels, 1));
    REFUSES("attack", igd_attack_images(adv, NULL, w.model, NULL, NULL, &threat, NULL,
                                        images, labels, 1));
    REFUSES("threat", igd_attack_images(adv, NULL, w.model, NULL, "pgd", NULL, NULL,
                                        images, labels, 1));
    REFUSES("images", igd_attack_images(adv, NULL, w.model, NULL, "pgd", &threat, NULL,
                                        NULL, labels, 1));
    REFUSES("labels", igd_attack_images(adv, NULL, w.model, NULL, "pgd", &threat, NULL,
                                        images, NULL, 1));
    assert_fails(igd_attack_images(adv, NULL, w.model, NULL, "pgd", &strange, NULL,
                                   images, labels, 1),
                 IGD_EINVAL, "99 is no norm");
    assert_fails(igd_attack_images(adv, NULL, w.model, NULL, "pgd", &threat, NULL, images,
                                   labels, -1),
                 IGD_EINVAL, "-1");
    assert_true(igd_attack_options_default().size == sizeof(igd_attack_options));
}

static void test_misuse__of_evaluations(void **state)
{
    (void)state;
    igd_result *r = NULL;
    igd_evaluate_options o = igd_evaluate_options_default();
    const char *const absent[1] = {NULL};
    REFUSES("out", igd_evaluate(NULL, w.model, NULL, w.data, NULL));
    REFUSES("base", igd_evaluate(&r, NULL, NULL, w.data, NULL));
    REFUSES("data", igd_evaluate(&r, w.model, NULL, NULL, NULL));
    o.attacks = NULL;
    REFUSES("o->attacks", igd_evaluate(&r, w.model, w.defense, w.data, &o));
    REFUSES("o->attacks", igd_evaluate_check(&o, true, true));
    o = igd_evaluate_options_default();
    o.threat.norm = (igd_norm)99;
    assert_fails(igd_evaluate(&r, w.model, NULL, w.data, &o), IGD_EINVAL, "norm 99");
    o = igd_evaluate_options_default();
    o.report = (igd_report_mode)99;
    assert_fails(igd_evaluate(&r, w.model, NULL, w.data, &o), IGD_EINVAL, "report 99");
    REFUSES("options", igd_evaluate_check(NULL, false, false));
    REFUSES("out", igd_pass_cache_new(NULL));
    igd_pass_cache_free(NULL);
    REFUSES("out", igd_result_merge(NULL, absent, 1));
    REFUSES("paths", igd_result_merge(&r, NULL, 1));
    REFUSES("paths[k]", igd_result_merge(&r, absent, 1));
    assert_fails(igd_result_merge(&r, absent, 0), IGD_EINVAL, "no results");
    REFUSES("r", igd_result_save(NULL, "r.json"));
    REFUSES("path", igd_result_save(w.result, NULL));
    assert_int_equal(igd_result_image(NULL, 0).label, -1);
    assert_int_equal(igd_result_image(w.result, -1).index, -1);
    assert_int_equal(igd_result_image(w.result, N).prediction, -1);
    REFUSES("out", igd_result_load(NULL, "r.json"));
    REFUSES("path", igd_result_load(&r, NULL));
    assert_string_equal(igd_result_json(NULL), "");
    assert_string_equal(igd_result_text(NULL), "");
    assert_true(igd_result_clean_acc(NULL) == 0.0);
    assert_true(igd_result_worst_acc(NULL) == 0.0);
    assert_int_equal(igd_result_num_images(NULL), 0);
    assert_int_equal(igd_result_num_planned(NULL), 0);
    assert_int_equal(igd_result_stop(NULL), IGD_STOP_NONE);
    assert_int_equal(igd_result_num_attacks(NULL), 0);
    assert_string_equal(igd_result_attack(NULL, 0).name, "");
    assert_string_equal(igd_result_attack(w.result, 99).target, "");
    assert_int_equal(igd_result_num_warnings(NULL), 0);
    assert_string_equal(igd_result_warning_id(NULL, 0), "");
    assert_string_equal(igd_result_warning_id(w.result, -1), "");
    assert_string_equal(igd_result_warning_text(NULL, 0), "");
    assert_string_equal(igd_result_warning_text(w.result, 99), "");
    igd_result_free(NULL);
    assert_string_equal(igd_ensemble_name(-1), "");
    assert_string_equal(igd_ensemble_help(igd_ensemble_count()), "");
}

static void test_misuse__of_analyses(void **state)
{
    (void)state;
    igd_analysis *a = NULL;
    const igd_sweep_values v = {.option = "eps"};
    const igd_compared row = {.name = "none"};
    const char *const absent[1] = {NULL};
    char *text = NULL;
    assert_string_equal(igd_analysis_json(NULL), "");
    assert_string_equal(igd_analysis_text(NULL), "");
    REFUSES("a", igd_analysis_save(NULL, "a"));
    REFUSES("path", igd_analysis_save(w.analysis, NULL));
    REFUSES("a", igd_analysis_save_chart(NULL, "a"));
    REFUSES("path", igd_analysis_save_chart(w.analysis, NULL));
    igd_analysis *joined = NULL;
    igd_part part;
    const char *const none[] = {NULL}, *const missing[] = {"/absent/part.json"};
    REFUSES("out", igd_analysis_merge(NULL, "shift", missing, 1, NULL, false));
    REFUSES("kind", igd_analysis_merge(&joined, NULL, missing, 1, NULL, false));
    REFUSES("paths", igd_analysis_merge(&joined, "shift", NULL, 1, NULL, false));
    REFUSES("paths[k]", igd_analysis_merge(&joined, "shift", none, 1, NULL, false));
    assert_fails(igd_analysis_merge(&joined, "shift", missing, 0, NULL, false),
                 IGD_EINVAL, "no analyses");
    assert_fails(igd_analysis_merge(&joined, "shift", missing, 1, NULL, false), IGD_EIO,
                 "/absent/part.json");
    REFUSES("out", igd_analysis_part_read(NULL, "x"));
    REFUSES("path", igd_analysis_part_read(&part, NULL));
    assert_null(igd_analysis_shift(NULL));
    assert_null(igd_analysis_search_keep(NULL));
    assert_null(igd_analysis_landscape(NULL));
    assert_null(igd_analysis_sweep(NULL));
    igd_analysis_free(NULL);
    REFUSES("out", igd_analyze_shift(NULL, w.model, w.ranking, NULL, w.data, NULL));
    REFUSES("base", igd_analyze_shift(&a, NULL, w.ranking, NULL, w.data, NULL));
    REFUSES("ranking", igd_analyze_shift(&a, w.model, NULL, NULL, w.data, NULL));
    REFUSES("data", igd_analyze_shift(&a, w.model, w.ranking, NULL, NULL, NULL));
    REFUSES("out", igd_analyze_search_keep(NULL, w.model, w.ranking, w.data, NULL));
    REFUSES("ranking", igd_analyze_search_keep(&a, w.model, NULL, w.data, NULL));
    REFUSES("out", igd_analyze_landscape(NULL, w.model, NULL, w.data, NULL));
    REFUSES("base", igd_analyze_landscape(&a, NULL, NULL, w.data, NULL));
    REFUSES("values", igd_sweep_check(NULL, NULL, false));
    REFUSES("out", igd_sweep(NULL, w.model, NULL, w.data, &v, NULL));
    REFUSES("values", igd_sweep(&a, w.model, NULL, w.data, NULL, NULL));
    REFUSES("out", igd_radius(NULL, w.model, NULL, w.data, NULL));
    REFUSES("base", igd_radius(&a, NULL, NULL, w.data, NULL));
    REFUSES("data", igd_radius(&a, w.model, NULL, NULL, NULL));
    assert_int_equal(igd_radius_options_default().halvings, 6);
    const igd_tune_grid grid = {.num_rankings = 0};
    REFUSES("out", igd_tune(NULL, w.model, w.data, &grid, NULL));
    REFUSES("base", igd_tune(&a, NULL, w.data, &grid, NULL));
    REFUSES("data", igd_tune(&a, w.model, NULL, &grid, NULL));
    REFUSES("grid", igd_tune(&a, w.model, w.data, NULL, NULL));
    REFUSES("grid", igd_tune_check(NULL, NULL));
    assert_int_equal(igd_tune(&a, w.model, w.data, &grid, NULL), IGD_EINVAL);
    assert_int_equal(igd_tune_options_default().first_images, 32);
    REFUSES("out", igd_ablation(NULL, w.model, w.ranking, w.data, NULL));
    REFUSES("ranking", igd_ablation(&a, w.model, NULL, w.data, NULL));
    REFUSES("out", igd_compare_defenses(NULL, w.model, &row, 1, w.data, NULL));
    REFUSES("rows", igd_compare_defenses(&a, w.model, NULL, 1, w.data, NULL));
    REFUSES("paths", igd_report_write(NULL, 1, "r.html"));
    REFUSES("out_path", igd_report_write(absent, 1, NULL));
    REFUSES("out", igd_report_summary(NULL, absent, 1, false));
    REFUSES("paths", igd_report_summary(&text, NULL, 1, false));
    REFUSES("paths[k]", igd_report_summary(&text, absent, 1, false));
    assert_true(igd_shift_options_default().top > 0);
    assert_true(igd_search_keep_options_default().budget > 0.0);
    assert_true(igd_series_options_default().evaluate.batch_size > 0);
}

static void test_misuse__of_the_rest(void **state)
{
    (void)state;
    assert_fails(igd_set_num_threads(-1), IGD_EINVAL, "-1");
    assert_fails(igd_set_num_threads(2000000000), IGD_EINVAL, "2000000000");
    assert_ok(igd_set_num_threads(2));
    assert_int_equal(igd_num_threads(), 2);
    assert_true(igd_num_cores() >= 1 && igd_num_cuda_devices() >= 0);
    assert_true(strlen(igd_torch_version()) > 0);
    assert_non_null(igd_torch_path());
    assert_non_null(igd_torch_blas());
    assert_non_null(igd_torch_cuda());
    assert_ok(igd_torch_check());
    assert_ok(igd_compute_exactly());
    assert_string_equal(igd_status_name(IGD_EINVAL), "IGD_EINVAL");
    assert_string_equal(igd_status_name((igd_status)99), "unknown status");
    assert_int_equal(igd_set_error(IGD_EIO, NULL), IGD_EIO);
    assert_string_equal(igd_error_message(), "");
    assert_string_equal(igd_version(), IGDEF_VERSION);
    char text[32];
    snprintf(text, sizeof(text), "%d.%d.%d", IGDEF_VERSION_MAJOR, IGDEF_VERSION_MINOR,
             IGDEF_VERSION_PATCH);
    assert_string_equal(text, IGDEF_VERSION);
    assert_int_equal(igd_version_number(), IGDEF_VERSION_NUMBER);
    assert_true(igd_library_check(IGDEF_VERSION_NUMBER));
    assert_false(igd_library_check(IGDEF_VERSION_NUMBER + 1)); // of a newer patch
    assert_false(igd_library_check(IGDEF_VERSION_NUMBER + 100));
}

// A server that asks for one image at a time gets other noise each time, and an
// experiment that gives indices the same.
static void test_misuse__noise_without_indices_is_fresh(void **state)
{
    (void)state;
    float a[C], b[C];
    const int64_t index = 0;
    int same = 0;
    igd_defense *d = NULL;
    igd_defense_options o = igd_defense_options_default();
    o.keep = 6;
    o.sigma = 0.2;
    o.temperature = 1.0;
    assert_ok(igd_defense_new(&d, w.model, w.ranking, &o));
    for (int i = 0; i < 20; i++) {
        assert_ok(igd_defense_predict(a, NULL, d, images, NULL, 1));
        assert_ok(igd_defense_predict(b, NULL, d, images, NULL, 1));
        same += memcmp(a, b, sizeof(a)) == 0;
    }
    assert_int_equal(same, 0);
    assert_ok(igd_defense_predict(a, NULL, d, images, &index, 1));
    assert_ok(igd_defense_predict(b, NULL, d, images, &index, 1));
    assert_memory_equal(a, b, sizeof(a));
    igd_defense_free(d);
}

static void test_misuse__of_parts(void **state)
{
    (void)state;
    igd_parts *all = (igd_parts *)&w;
    REFUSES("out", igd_parts_look(NULL, "x"));
    REFUSES("folder", igd_parts_look(&all, NULL));
    assert_null(all);
    assert_int_equal(igd_parts_count(NULL), 0);
    assert_int_equal(igd_parts_get(NULL, 0).index, -1);
    assert_string_equal(igd_parts_text(NULL), "");
    assert_string_equal(igd_parts_json(NULL), "");
    igd_parts_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_misuse__of_models),
        cmocka_unit_test(test_misuse__of_data),
        cmocka_unit_test(test_misuse__of_rankings),
        cmocka_unit_test(test_misuse__of_parts),
        cmocka_unit_test(test_misuse__of_defenses),
        cmocka_unit_test(test_misuse__of_attacks),
        cmocka_unit_test(test_misuse__of_evaluations),
        cmocka_unit_test(test_misuse__of_analyses),
        cmocka_unit_test(test_misuse__of_the_rest),
        cmocka_unit_test(test_misuse__noise_without_indices_is_fresh),
    };
    return cmocka_run_group_tests(tests, make_world, free_world);
}
