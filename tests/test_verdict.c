// What reports claim of a defense: the paired test, several comparisons, results that are
// joined, attacks that show nothing, and the same sentences on page and terminal.
#define WORK TEST_BINARY_DIR "/report/verdict"
#include "report_fixture.h"

#include <math.h>

#include "report/verdict.h"
#include "result/mcnemar.h"

// On one line; on the terminal it is broken at 80 columns.
static char *summary_of(const char *const *paths, int num)
{
    char *text = NULL;
    if (igd_report_summary(&text, paths, num, false) != IGD_OK)
        fail_msg("%s", igd_error_message());
    for (char *c = text; *c != '\0'; c++)
        if (*c == '\n')
            *c = ' ';
    return text;
}

static void test_verdict__mcnemar_agrees_with_hand_computed_values(void **state)
{
    (void)state;
    const struct {
        int lost, won;
        double p;
        bool exact;
    } cases[] = {
        {0, 0, 1.0, true},
        {2, 8, 2.0 * (1 + 10 + 45) / 1024.0, true},
        {8, 2, 2.0 * (1 + 10 + 45) / 1024.0, true},
        {5, 5, 1.0, true}, // twice a tail of more than a half
        {0, 5, 2.0 / 32.0, true},
        {4, 20, 2.0 * (1 + 24 + 276 + 2024 + 10626) / 16777216.0, true},
        {5, 20, 0.0051102607, false},   // chi-squared 14^2 / 25 = 7.84
        {15, 15, 1.0, false},           // no gap is left to correct
        {100, 130, 0.0558501137, false} // 29^2 / 230
    };
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        const igd_paired t = igd_mcnemar(1000, cases[k].lost, cases[k].won);
        assert_true(fabs(t.p - cases[k].p) < 1e-8);
        assert_int_equal(t.exact, cases[k].exact);
        assert_true(fabs(t.difference - (cases[k].won - cases[k].lost) / 1000.0) < 1e-12);
    }
}

static void test_verdict__paired_interval_agrees_with_agresti_and_min(void **state)
{
    (void)state;
    // (15.5 - 5.5) / 102, standard error sqrt(21 - 100 / 102) / 102
    const igd_paired t = igd_mcnemar(100, 5, 15);
    assert_true(fabs(t.low - 0.012063) < 1e-6);
    assert_true(fabs(t.high - 0.184015) < 1e-6);
    const igd_paired all = igd_mcnemar(1, 0, 1);
    assert_true(all.low >= -1.0 && all.high <= 1.0);
}

static void test_verdict__images_are_paired_by_their_lines(void **state)
{
    (void)state;
    igd_inputs in;
    igd_paired t;
    make(BASE, NULL, "rrrrffffxxrf");
    make(LOIR, "loir", "rrffrrrfxrxf");
    assert_int_equal(igd_inputs_read(&in, PAIR, 2), IGD_OK);
    assert_int_equal(in.result[1].base, 0);
    assert_true(igd_inputs_paired(&t, &in, 1, IGD_ROW_WORST));
    assert_int_equal(t.lost, 3); // 2, 3 and 10
    assert_int_equal(t.won, 4);  // 4, 5, 6 and 9
    assert_true(igd_inputs_paired(&t, &in, 1, IGD_ROW_CLEAN));
    assert_int_equal(t.lost, 1);
    assert_int_equal(t.won, 1);
    assert_true(igd_inputs_paired(&t, &in, 1, 0));
    assert_int_equal(t.lost, 3);
    assert_false(igd_inputs_paired(&t, &in, 0, IGD_ROW_WORST)); // the base itself
    igd_inputs_free(&in);
}

static void test_verdict__summary_claims_no_more_than_the_images_show(void **state)
{
    (void)state;
    char base[MANY + 1] = "", loir[MANY + 1] = "";
    char *text = page_of(PAIR, 2); // two images won of 14
    assert_has(text, "McNemar p&#8239;=&#8239;0.50");
    assert_has(text, "That is within what chance does to this many images");
    assert_lacks(text, "The defense helps");
    free(text);
    for (int i = 0; i < MANY; i++) {
        base[i] = i < 100 ? 'r' : 'f';
        loir[i] = i < 130 ? 'r' : 'f';
    }
    make(BASE, NULL, base);
    make(LOIR, "loir", loir);
    strengthen(LOIR);
    text = page_of(PAIR, 2);
    assert_has(text, "The defense helps against these attacks");
    assert_has(text, "+15.0 points");
    assert_lacks(text, "worst case"); // not all nine
    free(text);
    make(BASE, NULL, loir);
    make(LOIR, "loir", base);
    strengthen(LOIR);
    text = page_of(PAIR, 2);
    assert_has(text, "The defense does harm");
    assert_lacks(text, "The defense helps");
    free(text);
}

static void test_verdict__weak_attacks_make_no_headline(void **state)
{
    (void)state;
    char base[MANY + 1] = "", loir[MANY + 1] = "";
    for (int i = 0; i < MANY; i++) {
        base[i] = i < 100 ? 'r' : 'f';
        loir[i] = i < 130 ? 'r' : 'f';
    }
    make(BASE, NULL, base);
    make(LOIR, "loir", loir);
    change_text(LOIR, "command",
                "igdef eval --attack pgd --set pgd.steps=9 --eps 8/255 "
                "-o 'my loir.json' --restart");
    char *text = page_of(PAIR, 2);
    assert_has(text, "+15.0 points");
    assert_lacks(text, "The defense helps");
    assert_has(text,
               "Nothing is shown about the defense yet</strong>: no transferred attack "
               "and no attack without gradients was made");
    assert_has(text, "<code>igdef eval --attack worst-case --eps 8/255 --output &#39;my "
                     "loir-worst-case.json&#39;</code>");
    free(text);
    change_text(LOIR, "command", "igdef eval --config a.json");
    text = page_of(PAIR, 2);
    assert_has(text,
               "with the other options: <code>igdef eval --attack worst-case</code>");
    free(text);
}

static void test_verdict__terminal_and_page_say_the_same(void **state)
{
    (void)state;
    char *text = summary_of(PAIR, 2);
    assert_has(text,
               "LO-IR still classifies 57.1 % of the images correctly under all listed "
               "attacks, the base model 42.9 %: a difference of +14.3 points (95 % "
               "interval -7.8 to +32.8; McNemar p = 0.50). That is within what chance "
               "does to this many images");
    free(text);
    assert_ok(igd_report_summary(&text, PAIR, 2, true));
    cJSON *json = cJSON_Parse(text);
    const cJSON *o = cJSON_GetArrayItem(json, 0);
    assert_int_equal(cJSON_GetArraySize(json), 1);
    assert_string_equal(cJSON_GetObjectItem(o, "finding")->valuestring, "chance");
    assert_true(fabs(cJSON_GetObjectItem(o, "p_corrected")->valuedouble - 0.5) < 1e-9);
    cJSON_Delete(json);
    free(text);
}

// 31.25 and 43.75 %, whose halves lie between two tenths.
static void test_verdict__terminal_and_page_round_alike(void **state)
{
    (void)state;
    make(BASE, NULL, "rrrrrfffffffffff");
    make(LOIR, "loir", "rrrrrrrfffffffff");
    char *text = summary_of(PAIR, 2);
    assert_has(text, "classifies 43.8 % of");
    assert_has(text, "the base model 31.3 %");
    free(text);
}

static void test_verdict__several_comparisons_are_corrected(void **state)
{
    (void)state;
    double p[] = {0.01, 0.04, 0.03, 0.5};
    igd_holm(p, 4); // Holm 1979: 0.01 * 4, 0.03 * 3, then no less than before
    assert_true(fabs(p[0] - 0.04) < 1e-12);
    assert_true(fabs(p[2] - 0.09) < 1e-12);
    assert_true(fabs(p[1] - 0.09) < 1e-12);
    assert_true(fabs(p[3] - 0.5) < 1e-12);
    // Six images won and none lost: alone more than chance, among two comparisons not.
    const char *paths[] = {BASE, LOIR, WORK "/random.json"};
    make(BASE, NULL, "rrrrffffffffff");
    make(LOIR, "loir", "rrrrrrrrrrffff");
    make(paths[2], "random", "rrrrffffffffff");
    strengthen(LOIR);
    strengthen(paths[2]);
    char *text = summary_of(paths, 2);
    assert_has(text, "McNemar p = 0.031). The defense helps");
    free(text);
    text = summary_of(paths, 3);
    assert_has(text, "McNemar p = 0.031, for 2 comparisons p = 0.06");
    assert_has(text, "That is within what chance does");
    assert_lacks(text, "The defense helps");
    free(text);
}

// Direct attacks and transfers in two files are one worst case, and one claim.
static void test_verdict__results_of_one_defense_are_joined(void **state)
{
    (void)state;
    const char *paths[] = {BASE, LOIR, WORK "/loir-transfer.json"};
    make(BASE, NULL, "rrrrrrffffffxx");
    make(LOIR, "loir", "rrrrrrrrrrrrxx");
    make(paths[2], "loir", "rrrrrffrrrrrxx");
    change_text(paths[2], "attacks.0.name", "transfer:pgd");
    change_text(paths[2], "attacks.0.target", "transfer");
    change_text(paths[2], "settings.attacks.0.name", "transfer:pgd");
    char *lines = lines_path(paths[2]);
    write_lines(lines, "rrrrrffrrrrrxx", "transfer:pgd");
    free(lines);
    char *text = page_of(paths, 3);
    assert_int_equal(count(text, "class=\"tile k"), 2);
    assert_int_equal(count(text, "<p class=\"lead\">"), 1);
    assert_has(text, "71.4"
                     "\xe2\x80\xaf"
                     "%"); // 10 of 14: the two that transfers break are broken
    assert_has(text, ">transfer:pgd</th>");
    assert_has(text, "<pre>igdef eval -o " LOIR "</pre>"); // both commands
    assert_has(text, "loir-transfer.json</pre>");
    free(text);
    // The same list twice: told apart by the file.
    make(paths[2], "loir", "rrrrrffrrrrrxx");
    text = page_of(paths, 3);
    assert_has(text, "pgd (loir-transfer.json)");
    assert_int_equal(count(text, "class=\"tile k"), 2);
    free(text);
    // Without the lines of images they stay apart, and nothing is claimed.
    drop_lines(paths[2]);
    text = page_of(paths, 3);
    assert_int_equal(count(text, "class=\"tile k"), 3);
    assert_has(text, "by which the several results of one model would be joined");
    assert_lacks(text, "McNemar p");
    free(text);
}

static void test_verdict__joined_results_judged_otherwise_when_clean(void **state)
{
    (void)state;
    const char *paths[] = {LOIR, WORK "/loir-seed.json"};
    igd_inputs in;
    make(LOIR, "loir", "rrrrrrffffffxx");
    make(paths[1], "loir", "xrrrrrffffffrr"); // other draws, as of another seed
    assert_int_equal(igd_inputs_read(&in, paths, 2), IGD_OK);
    assert_int_equal(in.num_results, 1);
    assert_true(fabs(igd_result_worst_acc(in.result[0].images) - 5.0 / 14) < 1e-12);
    igd_inputs_free(&in);
}

static void test_verdict__missing_lines_of_images_are_said(void **state)
{
    (void)state;
    drop_lines(LOIR);
    char *text = page_of(PAIR, 2);
    assert_has(text, "Whether that is more than chance cannot be said");
    assert_has(text, "Not possible: the lines of images beside <code>" LOIR "</code>");
    free(text);
}

static void test_verdict__missing_base_is_said(void **state)
{
    (void)state;
    change_text(LOIR, "model.identity", "another");
    char *text = page_of(PAIR, 2); // a base, but of another model
    assert_has(text, "No result of its base model is in this report");
    assert_has(text, "LO-IR, net.pt");
    assert_lacks(text, "id=\"paired\"");
    free(text);
}

static void test_verdict__other_attacks_are_said(void **state)
{
    (void)state;
    change(LOIR, "settings.attacks.0.runs.0.parameters.steps", "100");
    char *text = page_of(PAIR, 2);
    assert_has(text, "were not attacked alike");
    assert_has(text, "steps is 50 there, 100 here");
    assert_lacks(text, "That is within what chance");
    free(text);
    change_text(LOIR, "settings.attacks.0.name", "fgsm");
    text = page_of(PAIR, 2);
    assert_has(text, "pgd attacked only base");
    free(text);
    // Attacks that only a defended model has are no difference, nor are checks, which are
    // marked; in older files both had a prefix.
    const char *const lists[] = {
        "[{\"name\":\"transfer:pgd\"},{\"name\":\"pgd\"}]",
        "[{\"name\":\"pgd\"},{\"name\":\"beside:pgd\"},{\"name\":\"audit:pgd\"}]",
        ("[{\"name\":\"pgd\",\"route\":\"white-box\"},{\"name\":\"new\",\"route\":"
         "\"white-box\",\"check\":true},{\"name\":\"t\",\"route\":\"transfer\"}]")};
    for (size_t k = 0; k < sizeof(lists) / sizeof(lists[0]); k++) {
        make(LOIR, "loir", "rrrrrrrrffffxx");
        change(LOIR, "settings.attacks", lists[k]);
        text = page_of(PAIR, 2);
        assert_lacks(text, "were not attacked alike");
        free(text);
    }
    change(LOIR, "settings.attacks", "[{\"name\":\"pgd\"},{\"name\":\"new\"}]");
    text = page_of(PAIR, 2);
    assert_has(text, "new attacked only LO-IR");
    free(text);
    // What is transferred to a base model attacks it; the defended one must meet it too.
    change(BASE, "settings.attacks", "[{\"name\":\"pgd\"},{\"name\":\"transfer:fgsm\"}]");
    change(LOIR, "settings.attacks", "[{\"name\":\"pgd\"}]");
    text = page_of(PAIR, 2);
    assert_has(text, "transfer:fgsm attacked only base");
    assert_lacks(text, "That is within what chance");
    free(text);
    change(LOIR, "settings.attacks", "[{\"name\":\"pgd\"},{\"name\":\"transfer:fgsm\"}]");
    text = page_of(PAIR, 2);
    assert_lacks(text, "were not attacked alike");
    free(text);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(test_verdict__##name, set_up)
    const struct CMUnitTest tests[] = {
        CASE(mcnemar_agrees_with_hand_computed_values),
        CASE(paired_interval_agrees_with_agresti_and_min),
        CASE(images_are_paired_by_their_lines),
        CASE(summary_claims_no_more_than_the_images_show),
        CASE(weak_attacks_make_no_headline),
        CASE(terminal_and_page_say_the_same),
        CASE(terminal_and_page_round_alike),
        CASE(several_comparisons_are_corrected),
        CASE(results_of_one_defense_are_joined),
        CASE(joined_results_judged_otherwise_when_clean),
        CASE(missing_lines_of_images_are_said),
        CASE(missing_base_is_said),
        CASE(other_attacks_are_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
