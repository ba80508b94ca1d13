// The state file of an evaluation.
#include "fixture.h"

#include "core/file.h"
#include "result/state.h"

#define N 5
#define COLUMNS 3

static cJSON *settings(double eps, int seed)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "eps", eps);
    cJSON_AddNumberToObject(o, "seed", seed);
    cJSON *attacks = cJSON_AddArrayToObject(o, "attacks");
    cJSON *attack = cJSON_CreateObject();
    cJSON_AddNumberToObject(attack, "steps", 100);
    cJSON_AddItemToArray(attacks, attack);
    return o;
}

static void fill(igd_state *s)
{
    for (int i = 0; i < N; i++) {
        s->flags.clean[i] = i - 1;
        s->flags.bounds[i] = (uint8_t)(31 - i);
    }
    memcpy(s->flags.status, "rrfr.f.r-.....r", N * COLUMNS);
    if (s->flags.votes != NULL)
        for (int i = 0; i < N * COLUMNS; i++)
            s->flags.votes[i] = (uint8_t)(i * 17);
    s->costs[1] = (igd_cost){.forwards = 12345678901,
                             .backwards = 7,
                             .seconds = 1.5,
                             .reused = 3,
                             .bad = 1,
                             .zero_grads = 2,
                             .unverified = 4,
                             .outside = 5};
    s->seconds = 0.1;
}

static void check_round_trip(int num_draws)
{
    const char *path = fixture_path(num_draws > 1 ? "votes.state" : "flags.state");
    igd_state a, b;
    assert_ok(igd_state_init(&a, path, settings(0.03, 1), N, COLUMNS, num_draws));
    assert_ok(igd_state_load(&a)); // there is none yet
    fill(&a);
    assert_ok(igd_state_save(&a));

    assert_ok(igd_state_init(&b, path, settings(0.03, 1), N, COLUMNS, num_draws));
    assert_ok(igd_state_load(&b));
    assert_memory_equal(a.flags.status, b.flags.status, N * COLUMNS);
    assert_memory_equal(a.flags.clean, b.flags.clean, N * sizeof(int32_t));
    assert_memory_equal(a.flags.bounds, b.flags.bounds, N);
    if (num_draws > 1)
        assert_memory_equal(a.flags.votes, b.flags.votes, N * COLUMNS);
    assert_memory_equal(a.costs, b.costs, COLUMNS * sizeof(igd_cost));
    assert_true(b.seconds == 0.1);
    igd_state_free(&a);
    igd_state_free(&b);
}

static void test_state__comes_back_as_it_was_saved(void **state)
{
    (void)state;
    check_round_trip(1);
    check_round_trip(255);
}

static void test_state__without_a_path_nothing_is_written(void **state)
{
    (void)state;
    igd_state s;
    assert_ok(igd_state_init(&s, NULL, settings(0.03, 1), N, COLUMNS, 1));
    assert_ok(igd_state_load(&s));
    assert_ok(igd_state_save(&s));
    igd_state_free(&s);
}

// {"settings": {"attacks": [...]}}, with routes or as the first states have it.
static cJSON *routed(const char *name, const char *route)
{
    cJSON *o = cJSON_CreateObject(), *attack = cJSON_CreateObject();
    cJSON *inner = cJSON_AddObjectToObject(o, "settings");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(inner, "attacks"), attack);
    cJSON_AddStringToObject(attack, "name", name);
    if (route != NULL) {
        cJSON_AddStringToObject(attack, "route", route);
        cJSON_AddTrueToObject(attack, "check");
    }
    return o;
}

static void test_state__the_first_ones_do_not_name_routes(void **state)
{
    (void)state;
    const char *path = fixture_path("first.state");
    igd_state s;
    assert_ok(igd_state_init(&s, path, routed("huge:fgsm", NULL), N, COLUMNS, 1));
    fill(&s);
    assert_ok(igd_state_save(&s));
    igd_state_free(&s);

    assert_ok(igd_state_init(&s, path, routed("huge:fgsm", "white-box"), N, COLUMNS, 1));
    assert_ok(igd_state_load(&s));
    assert_memory_equal(s.flags.status, "rrfr.f.r-.....r", N * COLUMNS);
    igd_state_free(&s);
    assert_ok(igd_state_init(&s, path, routed("twice:fgsm", "white-box"), N, COLUMNS, 1));
    assert_fails(igd_state_load(&s), IGD_ESTATE, "is \"huge:fgsm\" there");
    igd_state_free(&s);
}

static void test_state__of_another_run_is_refused_by_name(void **state)
{
    (void)state;
    const char *path = fixture_path("other.state");
    igd_state s;
    assert_ok(igd_state_init(&s, path, settings(0.03, 1), N, COLUMNS, 1));
    assert_ok(igd_state_save(&s));
    igd_state_free(&s);

    assert_ok(igd_state_init(&s, path, settings(0.03, 2), N, COLUMNS, 1));
    assert_fails(igd_state_load(&s), IGD_ESTATE, "seed is 1 there, 2 here");
    igd_state_free(&s);

    cJSON *more = settings(0.03, 1);
    cJSON *attacks = cJSON_GetObjectItemCaseSensitive(more, "attacks");
    cJSON *steps =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(attacks, 0), "steps");
    cJSON_SetNumberValue(steps, 50);
    assert_ok(igd_state_init(&s, path, more, N, COLUMNS, 1));
    assert_fails(igd_state_load(&s), IGD_ESTATE,
                 "attacks[0].steps is 100 there, 50 here");
    igd_state_free(&s);

    more = settings(0.03, 1);
    cJSON_AddStringToObject(more, "defense", "loir");
    assert_ok(igd_state_init(&s, path, more, N, COLUMNS, 1));
    assert_fails(igd_state_load(&s), IGD_ESTATE,
                 "defense is missing there, \"loir\" here");
    igd_state_free(&s);
}

// Every single changed byte and every cut is noticed, and nothing crashes.
static void test_state__damage_anywhere_is_refused(void **state)
{
    (void)state;
    const char *path = fixture_path("damaged.state");
    igd_state s;
    unsigned char *good = NULL;
    size_t size = 0;
    assert_ok(igd_state_init(&s, path, settings(0.03, 1), N, COLUMNS, 10));
    fill(&s);
    assert_ok(igd_state_save(&s));
    assert_ok(igd_file_read(&good, &size, path, 1 << 20));
    for (size_t at = 0; at < size; at += 3) {
        const unsigned char old = good[at];
        good[at] ^= 1;
        FILE *f = fopen(path, "wb");
        assert_int_equal(fwrite(good, 1, size, f), size);
        fclose(f);
        assert_fails(igd_state_load(&s), IGD_EFORMAT, "option restart");
        good[at] = old;
    }
    for (size_t length = 0; length < size; length += 29) {
        FILE *f = fopen(path, "wb");
        assert_int_equal(fwrite(good, 1, length, f), length);
        fclose(f);
        assert_fails(igd_state_load(&s), IGD_EFORMAT, path);
    }
    free(good);
    igd_state_free(&s);
}

static void test_state__a_failed_save_names_the_file(void **state)
{
    (void)state;
    igd_state s;
    assert_ok(
        igd_state_init(&s, "/nonexistent/x.state", settings(0.03, 1), N, COLUMNS, 1));
    assert_fails(igd_state_save(&s), IGD_EIO, "/nonexistent/x.state");
    igd_state_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state__comes_back_as_it_was_saved),
        cmocka_unit_test(test_state__without_a_path_nothing_is_written),
        cmocka_unit_test(test_state__the_first_ones_do_not_name_routes),
        cmocka_unit_test(test_state__of_another_run_is_refused_by_name),
        cmocka_unit_test(test_state__damage_anywhere_is_refused),
        cmocka_unit_test(test_state__a_failed_save_names_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
