// Reports: what the page says, hostile text, and files that are refused. The pages that
// this writes are looked at by tests/report/browser.py.
#define WORK TEST_BINARY_DIR "/report/work"
#include "report_fixture.h"

#include <dirent.h>

#include "report/explain.h"
#include "result/warnings.h"

// --- what the page says

static void test_report__samples_make_a_page_of_everything(void **state)
{
    (void)state;
    const char *paths[] = {
        SAMPLES "loir.json",      SAMPLES "base.json",     SAMPLES "random.json",
        SAMPLES "shift.json",     SAMPLES "sweep.json",    SAMPLES "search-keep.json",
        SAMPLES "landscape.json", SAMPLES "ablation.json", SAMPLES "defenses.json",
        SAMPLES "radius.json",    SAMPLES "tune.json"};
    const char *sections[] = {"accuracy",   "paired",     "random",     "bounds",
                              "classes",    "analysis-1", "analysis-2", "analysis-3",
                              "analysis-4", "analysis-5", "analysis-6", "analysis-7",
                              "analysis-8", "warnings",   "cost",       "reproduce"};
    char *text = page_of(paths, 11);
    for (size_t k = 0; k < sizeof(sections) / sizeof(sections[0]); k++) {
        char id[64];
        snprintf(id, sizeof(id), "<section id=\"%s\">", sections[k]);
        assert_int_equal(count(text, id), 1);
    }
    // The base comes first, wherever it was given.
    assert_true(strstr(text, ">base</small>") < strstr(text, ">LO-IR</small>"));
    assert_has(text, "That is within what chance does to this many images");
    // Gradients alone show nothing, and two comparisons are corrected for.
    assert_has(text, "Nothing is shown about the defense yet");
    assert_lacks(text, "The defense does harm");
    assert_has(text, ", for 2 comparisons p");
    // A chart for each width, and a table in each figure.
    assert_int_equal(count(text, "class=\"chart wide\""), 12);
    assert_int_equal(count(text, "class=\"chart narrow\""), 12);
    assert_int_equal(count(text, "<figure>"), 12);
    assert_int_equal(igd_file_write(PAGES "/full.html", text, strlen(text)), IGD_OK);
    free(text);
}

static void test_report__page_is_self_contained_and_repeats(void **state)
{
    (void)state;
    char *text = page_of(PAIR, 2), *again = page_of(PAIR, 2);
    const char *const bad[] = {"<script", "<img",    "<link",  "<iframe", " src=",
                               "url(",    "@import", "https:", "onload"};
    assert_string_equal(text, again);
    for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
        assert_lacks(text, bad[k]);
    // No address but SVG's name.
    assert_int_equal(count(text, "http:"), count(text, "http://www.w3.org/2000/svg"));
    assert_has(text, "default-src 'none'; style-src 'unsafe-inline'");
    free(text);
    free(again);
}

static void test_report__numbers_of_the_files_are_on_the_page(void **state)
{
    (void)state;
    char *text = page_of(PAIR, 2);
    assert_has(text, "42.9"
                     "\xe2\x80\xaf"
                     "%"); // 6 of 14
    assert_has(text, "57.1"
                     "\xe2\x80\xaf"
                     "%"); // 8 of 14
    assert_has(text, "eps 8/255");
    assert_has(text, "1\xe2\x80\xaf"
                     "234\xe2\x80\xaf"
                     "567"); // forwards
    assert_has(text, "<pre>igdef eval -o " BASE "</pre>");
    assert_has(text, "<dt>libtorch</dt><dd>1.13.1</dd>");
    assert_has(text, "<dt>model sha256</dt><dd>ab</dd>");
    assert_has(text, "<dt>seed</dt><dd>3</dd>");
    assert_has(text, "best class cat (57.1");
    assert_has(text, "None was raised");
    free(text);
}

static void test_report__equal_names_are_told_apart(void **state)
{
    (void)state;
    const char *paths[] = {BASE, LOIR, WORK "/loir-10.json"};
    make(paths[2], "loir", "rrrrrrrrffffxx");
    change(paths[2], "defense.keep", "10");
    char *text = page_of(paths, 3);
    assert_has(text, ">LO-IR (loir.json)</small>");
    assert_has(text, ">LO-IR (loir-10.json)</small>");
    free(text);
}

static void test_report__every_warning_is_explained(void **state)
{
    (void)state;
    const char *const ids[] = {IGD_WARN_RANDOMISED,      IGD_WARN_PROBABILITIES,
                               IGD_WARN_BATCH_DEPENDENT, IGD_WARN_NOT_DIFFERENTIABLE,
                               IGD_WARN_FEW_CLASSES,     IGD_WARN_NO_SATURATION,
                               IGD_WARN_HUGE_RADIUS,     IGD_WARN_ZERO_GRADIENTS,
                               IGD_WARN_STALLED,         IGD_WARN_NOT_FINITE,
                               IGD_WARN_UNVERIFIED,      IGD_WARN_OUTSIDE,
                               IGD_WARN_BLACK_BOX,       IGD_WARN_TRANSFER,
                               IGD_WARN_AUDIT,           IGD_WARN_DYNAMIC,
                               IGD_WARN_NOT_REPEATABLE,  IGD_WARN_SEEN,
                               IGD_WARN_PLANTED};
    for (size_t k = 0; k < sizeof(ids) / sizeof(ids[0]); k++)
        assert_string_equal(igd_explain(ids[k])->id, ids[k]);
    change(LOIR, "warnings",
           "[{\"id\":\"stalled\",\"text\":\"pgd <fast>\"},{\"id\":\"stalled\","
           "\"text\":\"two\"},{\"id\":\"from-the-future\",\"text\":\"three\"}]");
    char *text = page_of(PAIR, 2);
    assert_has(text, "3 warnings were raised");
    assert_int_equal(count(text, "The loss never rose at the start"), 1);
    assert_has(text, "LO-IR: pgd &lt;fast&gt;");
    assert_has(text, "A warning that this igdef does not know");
    free(text);
}

static void test_report__analyses_stand_for_themselves(void **state)
{
    (void)state;
    const char *paths[] = {SAMPLES "sweep.json"};
    char *text = page_of(paths, 1);
    assert_int_equal(igd_file_write(PAGES "/single.html", text, strlen(text)), IGD_OK);
    assert_has(text, "<h1>1 analysis</h1>");
    assert_has(text, "Accuracy (all listed attacks) is best at <strong>10</strong>");
    assert_has(text, "looks better than it is");
    assert_lacks(text, "id=\"accuracy\"");
    free(text);
}

// Copies a sample analysis to change it.
static void copy(const char *path, const char *name)
{
    cJSON *json = NULL;
    char from[300];
    snprintf(from, sizeof(from), SAMPLES "%s", name);
    assert_int_equal(igd_json_read(&json, from), IGD_OK);
    write_json(path, json);
}

static void test_report__equal_accuracies_have_no_best(void **state)
{
    (void)state;
    const char *paths[] = {WORK "/ties.json"};
    copy(paths[0], "sweep.json");
    change(paths[0], "points",
           "[{\"value\":4,\"clean_acc\":0.9,\"worst_acc\":0.75},"
           "{\"value\":20,\"clean_acc\":0.9,\"worst_acc\":0.75},"
           "{\"value\":50,\"clean_acc\":0.9,\"worst_acc\":0.5}]");
    char *text = page_of(paths, 1);
    assert_has(text, "is best at <strong>4</strong> and <strong>20</strong>, 75.0");
    free(text);
    change(paths[0], "points",
           "[{\"value\":4,\"clean_acc\":0.9,\"worst_acc\":0.75},"
           "{\"value\":20,\"clean_acc\":0.9,\"worst_acc\":0.75}]");
    text = page_of(paths, 1);
    assert_has(text, "% at every value.");
    assert_lacks(text, "best at");
    free(text);
}

static void test_report__a_radius_is_not_chosen_for_its_accuracy(void **state)
{
    (void)state;
    const char *paths[] = {WORK "/eps.json"};
    copy(paths[0], "sweep.json");
    change_text(paths[0], "option", "eps");
    change(paths[0], "points",
           "[{\"value\":0.03,\"clean_acc\":0.9,\"worst_acc\":0.8,\"base\":{\"clean_acc\":"
           "0.9,\"worst_acc\":0.7}},{\"value\":0.1,\"clean_acc\":0.9,\"worst_acc\":0.4,"
           "\"base\":{\"clean_acc\":0.9,\"worst_acc\":0.35}}]");
    change(paths[0], "base", "null");
    change(paths[0], "threat", "{\"norm\":\"Linf\"}");
    char *text = page_of(paths, 1);
    assert_has(text, "is highest at <strong>0.03</strong>");
    assert_has(text, "lowest at <strong>0.1</strong>");
    assert_lacks(text, "looks better than it is");
    assert_has(text, "base attacked</text>"); // a curve of its own
    assert_has(text, "Base, attacked, %</th>");
    assert_lacks(text, "eps \xe2\x80\x93"); // no radius is no dash
    free(text);
}

static void test_report__a_tune_names_its_choice_or_that_there_is_none(void **state)
{
    (void)state;
    const char *paths[] = {WORK "/tune.json"};
    copy(paths[0], "tune.json");
    char *text = page_of(paths, 1);
    assert_has(text, "12 on 24 images, 6 on 48 images, 4 on 192 images");
    assert_has(text, "keep 48, sigma 0.05, temperature 0.01</strong>, for 9.38 points");
    // Bars say what tells their settings apart.
    assert_has(text, ">keep 48, sigma 0.05</text>");
    assert_has(text, "--split test --norm Linf");
    assert_lacks(text, "Nothing is shown to help");
    free(text);
    change(paths[0], "helps", "false");
    text = page_of(paths, 1);
    assert_has(text, "Nothing is shown to help");
    assert_lacks(text, "--split test");
    free(text);
}

static void test_report__changes_are_in_percent_of_the_images_counted(void **state)
{
    (void)state;
    const char *paths[] = {WORK "/shift.json"};
    copy(paths[0], "shift.json");
    char *text = page_of(paths, 1);
    assert_has(text, "Attack succeeded (93 images)");
    assert_has(text, "unimportant (90 images)");
    assert_has(text, "mean change, %; whiskers");
    assert_has(text, "Change, %</th>");
    assert_lacks(text, "0.412");
    free(text);
}

static void test_report__surfaces_are_described_by_their_numbers(void **state)
{
    (void)state;
    const char *paths[] = {WORK "/landscape.json"};
    copy(paths[0], "landscape.json");
    char *text = page_of(paths, 1);
    assert_has(text, "Neither proves robustness");
    assert_lacks(text, "is low and flat");
    // Toggles of one name could not be told apart by ear.
    assert_int_equal(count(text, "<summary>Some of the losses</summary>"), 0);
    assert_int_equal(count(text, "<summary>Some of the losses: base</summary>"), 1);
    free(text);
}

static void test_report__settings_are_words(void **state)
{
    (void)state;
    change(LOIR, "defense.rankings",
           "{\"fc1\":\"aa\",\"sizes\":[1,2.5,true],\"more\":null}");
    char *text = page_of(PAIR, 2);
    assert_has(text, "rankings (fc1 aa, sizes (1, 2.5, yes), more none)");
    assert_has(text, "<dt>defense</dt><dd>none</dd>");
    assert_lacks(text, "{&quot;");
    free(text);
}

// --- hostile text

static void test_report__hostile_text_is_escaped(void **state)
{
    (void)state;
    const char *const evil = "</pre><script>alert('x')</script>\"'&<svg onload=x>";
    const char *const wide =
        "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW"
        "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW";
    const char *const places[] = {
        "command",           "versions.igdef",    "model.path",
        "model.sha256",      "data.path",         "data.split",
        "data.sha256",       "threat.norm",       "device",
        "attacks.0.name",    "attacks.0.target",  "per_class.0.class",
        "attacks.0.same_as", "attacks.0.ensemble"};
    for (int k = 0; k < 2; k++) {
        const char *path = PAIR[k];
        drop_lines(path); // in which names with quotes are refused
        for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
            change_text(path, places[i], evil);
        change_text(path, "per_class.1.class", wide);
        change(path, "warnings", "[{\"id\":\"<b>\",\"text\":\"<i>\\u202e\\u0007\"}]");
    }
    change_text(LOIR, "defense.method", evil);
    change_text(LOIR, "defense.<u>", wide);
    const char *paths[] = {BASE, LOIR, WORK "/sweep.json", WORK "/shift.json",
                           WORK "/landscape.json"};
    for (int k = 2; k < 5; k++) {
        cJSON *json = NULL;
        char from[300];
        snprintf(from, sizeof(from), SAMPLES "%s", strrchr(paths[k], '/') + 1);
        assert_int_equal(igd_json_read(&json, from), IGD_OK);
        write_json(paths[k], json);
        change_text(paths[k], "command", evil);
        change_text(paths[k], "model.path", wide);
    }
    change_text(paths[2], "option", evil);
    change_text(paths[2], "points.0.value", evil);
    change_text(paths[2], "points.1.value", wide);
    change_text(paths[2], "points.0.attacks.0.name", evil);
    change_text(paths[3], "layer", evil);
    change_text(paths[3], "successful.groups.0.name", evil);
    change_text(paths[4], "surfaces.0.name", wide);
    char *text = page_of(paths, 5);
    assert_lacks(text, "<script");
    assert_lacks(text, "<svg onload");
    assert_lacks(text, "<b>\xe2");
    assert_lacks(text, "\xe2\x80\xae");
    assert_has(text,
               "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&#39;&amp;&lt;");
    assert_int_equal(igd_file_write(PAGES "/hostile.html", text, strlen(text)), IGD_OK);
    free(text);
}

static void test_report__eight_results_stand_side_by_side(void **state)
{
    (void)state;
    char names[IGD_REPORT_MAX_RESULTS + 1][128];
    const char *paths[IGD_REPORT_MAX_RESULTS + 1];
    for (int k = 0; k <= IGD_REPORT_MAX_RESULTS; k++) {
        snprintf(names[k], sizeof(names[k]), WORK "/result-number-%d.json", k);
        paths[k] = names[k];
        make(paths[k], k == 0 ? NULL : "loir",
             k % 2 ? "rrrrrrrrffffxx" : "rrrrrrffffffxx");
        char keep[16];
        snprintf(keep, sizeof(keep), "%d", k + 1);
        if (k > 0)
            change(paths[k], "defense.keep", keep);
    }
    char *text = page_of(paths, IGD_REPORT_MAX_RESULTS);
    assert_int_equal(count(text, "class=\"tile k"), IGD_REPORT_MAX_RESULTS);
    assert_int_equal(igd_file_write(PAGES "/eight.html", text, strlen(text)), IGD_OK);
    free(text);
    assert_int_equal(igd_report_write(paths, IGD_REPORT_MAX_RESULTS + 1, PAGE),
                     IGD_EINVAL);
    assert_has(igd_error_message(), "more than 8 results");
}

// --- what is refused

static int num_files(void)
{
    DIR *d = opendir(WORK);
    int num = 0;
    assert_non_null(d);
    while (readdir(d) != NULL)
        num++;
    closedir(d);
    return num;
}

// The old page stays as it was, and nothing is left beside it.
static void assert_refused(const char *const *paths, int num, igd_status status,
                           const char *message)
{
    unsigned char *text = NULL;
    size_t size;
    assert_int_equal(igd_file_write(PAGE, "old", 3), IGD_OK);
    const int before = num_files();
    assert_int_equal(igd_report_write(paths, num, PAGE), status);
    assert_has(igd_error_message(), message);
    assert_null(strchr(igd_error_message(), '\n'));
    assert_int_equal(num_files(), before);
    assert_int_equal(igd_file_read(&text, &size, PAGE, 100), IGD_OK);
    assert_string_equal((char *)text, "old");
    free(text);
}

static void test_report__results_of_other_data_are_refused(void **state)
{
    (void)state;
    const struct {
        const char *where, *value, *message;
    } cases[] = {
        {"data.sha256", "\"ef\"",
         LOIR ": other data than " BASE " (\"there\"): sha256 is "
              "\"cd\" there, \"ef\" here"},
        {"data.split", "\"train\"", "split is \"test\" there, \"train\" here"},
        {"data.preprocess", "\"Res224\"", "preprocess is \"none\" there"},
        {"data.classes", "[\"cat\",\"bird\"]", "classes[1] is \"dog\" there"},
        {"threat.eps", "0.1", LOIR ": another threat than " BASE},
        {"threat.norm", "\"L2\"", "norm is \"Linf\" there, \"L2\" here"},
    };
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        make(LOIR, "loir", "rrrrrrrrffffxx");
        change(LOIR, cases[k].where, cases[k].value);
        if (strcmp(cases[k].where, "data.classes") == 0)
            change(LOIR, "per_class.1.class", "\"bird\"");
        assert_refused(PAIR, 2, IGD_EINVAL, cases[k].message);
    }
    make(LOIR, "loir", "rrrrrrrrffffxxr");
    assert_refused(PAIR, 2, IGD_EINVAL, LOIR ": 15 images, " BASE " has 14");
}

static void test_report__classes_that_the_data_do_not_name_are_the_same(void **state)
{
    (void)state;
    make(LOIR, "loir", "rrrrrrrrffffxx");
    change(LOIR, "data.classes", "[\"0\",\"1\"]");
    change(LOIR, "per_class.0.class", "\"0\"");
    change(LOIR, "per_class.1.class", "\"1\"");
    free(page_of(PAIR, 2));
    change(LOIR, "data.classes", "[\"0\",\"1\",\"2\"]");
    assert_refused(PAIR, 2, IGD_EINVAL, "num_classes is 2 there, 3 here");
    make(LOIR, "loir", "rrrrrrrrffffxx");
    change(LOIR, "data.classes", "[\"cat\",\"bird\"]");
    change(LOIR, "data.classes_of", "\"model\"");
    change(LOIR, "per_class.1.class", "\"bird\"");
    free(page_of(PAIR, 2));
}

static void test_report__joined_results_are_compared_image_by_image(void **state)
{
    (void)state;
    change(BASE, "data.parts", "[{\"path\":\"a\",\"count\":14,\"sha256\":\"12\"}]");
    char *text = page_of(PAIR, 2);
    assert_has(text, "McNemar p&#8239;=&#8239;0.50");
    free(text);
    char *lines = lines_path(LOIR);
    FILE *f = fopen(lines, "r+");
    fputs("{\"index\":7,", f); // of the first image: as long as before
    fclose(f);
    free(lines);
    assert_refused(PAIR, 2, IGD_EINVAL,
                   "image 7 of class 0 where that has image 0 of class 0");
}

static void test_report__damaged_results_are_refused(void **state)
{
    (void)state;
    const struct {
        const char *where, *value, *message;
    } cases[] = {
        {"format", "\"igdef.result/2\"", "format 'igdef.result/2' where igdef.result/1"},
        {"format", "\"igdef.analysis/9\"", "where igdef.analysis/1 is expected"},
        {"format", "7", "format"},
        {"clean_acc", "1.2", "'clean_acc' is 1.2, not a fraction"},
        {"clean_acc", "\"high\"", "clean_acc"},
        {"worst_acc", "0.99", "the worst case, 0.99, is above pgd"},
        {"worst_acc", "0.1", "an accuracy and 'count' do not agree"},
        {"worst_acc", "0.5", "an accuracy and its interval do not agree"},
        {"intervals.clean_acc.0", "0.5", "an accuracy and its interval do not agree"},
        {"per_class.0.worst_acc", "0.5", "the numbers of a class do not agree"},
        {"per_class.1.count", "14", "the classes and the whole do not agree"},
        {"per_class.1.worst_acc", "0", "the classes and the whole do not agree"},
        {"attacks.0.num_fooled", "3", "give another 'attacks[0].num_fooled'"},
        {"attacks.0.num_fooled", "15", "'num_fooled' and 'count' do not agree"},
        {"attacks", "{}", "attacks"},
        {"attacks.0", "[]", "name"},
        {"attacks.0.robust_acc", "null", "robust_acc"},
        {"attacks.0.seconds", "-1", "'seconds' is -1"},
        {"intervals.attacks", "[]", "0 intervals for 1 attacks"},
        {"intervals.attacks.0", "[1]", "'intervals' holds something else"},
        {"intervals.worst_acc", "[0.9,0.1]", "'intervals' holds something else"},
        {"per_class.0.class", "1", "class"},
        {"defense", "\"loir\"", "'defense' is no object"},
        {"data.count", "0", "a result of no images"},
        {"data.count", "13.5", "'count' is no whole number"},
        {"data.count", "15", "an accuracy and 'count' do not agree"},
        {"warnings.0", "1", "id"},
        {"threat", "null", "threat"},
        {"attacks.0.expected_acc", "5", "'expected_acc' is 5, not a fraction"},
        {"randomised", "{\"draws\":0}", "without draws"},
        {"randomised", "{\"draws\":10,\"clean\":[]}", "clean"},
        {"randomised",
         "{\"draws\":10,\"clean\":{},\"worst\":{\"expected_acc\":0.5,"
         "\"expected_interval\":[0.6,0.5]}}",
         "'intervals' holds something else"},
    };
    const char *alone[] = {LOIR};
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        make(LOIR, "loir", "rrrrrrrrffffxx");
        change(LOIR, "warnings", "[{\"id\":\"stalled\",\"text\":\"x\"}]");
        change(LOIR, cases[k].where, cases[k].value);
        assert_refused(alone, 1, IGD_EFORMAT, cases[k].message);
        assert_has(igd_error_message(), WORK "/loir"); // or its lines
    }
}

static void overwrite(const char *path, const char *text, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static void test_report__truncated_files_are_refused(void **state)
{
    (void)state;
    const char *alone[] = {LOIR};
    unsigned char *text = NULL;
    size_t size;
    assert_int_equal(igd_file_read(&text, &size, LOIR, 1 << 20), IGD_OK);
    for (size_t end = 0; end + 2 < size; end += 97) {
        overwrite(LOIR, (const char *)text, end);
        assert_refused(alone, 1, IGD_EFORMAT, LOIR);
    }
    free(text);
    overwrite(LOIR, "[]", 2);
    assert_refused(alone, 1, IGD_EFORMAT, LOIR);
    make(LOIR, "loir", "rrrrrrrrffffxx");
    char *lines = lines_path(LOIR);
    assert_int_equal(igd_file_read(&text, &size, lines, 1 << 20), IGD_OK);
    overwrite(lines, (const char *)text, size / 2);
    assert_refused(alone, 1, IGD_EFORMAT, ".images.jsonl");
    overwrite(lines, "", 0);
    assert_refused(alone, 1, IGD_EFORMAT, ".images.jsonl");
    free(text);
    free(lines);
}

static void test_report__wrong_arguments_are_refused(void **state)
{
    (void)state;
    const char *missing[] = {WORK "/nothing.json"}, *twice[] = {BASE, BASE};
    const char *folder[] = {WORK};
    assert_refused(missing, 1, IGD_EIO, "nothing.json");
    assert_refused(folder, 1, IGD_EIO, WORK);
    assert_refused(twice, 2, IGD_EINVAL, BASE ": given twice");
    assert_refused(twice, 0, IGD_EINVAL, "0 files");
    assert_int_equal(igd_report_write(PAIR, 2, WORK "/no/such/page.html"), IGD_EIO);
    assert_has(igd_error_message(), "page.html");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(test_report__##name, set_up)
    const struct CMUnitTest tests[] = {
        CASE(samples_make_a_page_of_everything),
        CASE(page_is_self_contained_and_repeats),
        CASE(numbers_of_the_files_are_on_the_page),
        CASE(equal_names_are_told_apart),
        CASE(every_warning_is_explained),
        CASE(analyses_stand_for_themselves),
        CASE(equal_accuracies_have_no_best),
        CASE(a_radius_is_not_chosen_for_its_accuracy),
        CASE(a_tune_names_its_choice_or_that_there_is_none),
        CASE(changes_are_in_percent_of_the_images_counted),
        CASE(surfaces_are_described_by_their_numbers),
        CASE(settings_are_words),
        CASE(hostile_text_is_escaped),
        CASE(eight_results_stand_side_by_side),
        CASE(results_of_other_data_are_refused),
        CASE(classes_that_the_data_do_not_name_are_the_same),
        CASE(joined_results_are_compared_image_by_image),
        CASE(damaged_results_are_refused),
        CASE(truncated_files_are_refused),
        CASE(wrong_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
