// Reports: what the page says, the paired test, hostile text, and files that are refused.
// The pages that this writes are looked at by tests/report/browser.py.
#include "fixture.h"

#include <dirent.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/json.h"
#include "igdef/report.h"
#include "report/explain.h"
#include "report/input.h"
#include "report/mcnemar.h"
#include "result/interval.h"
#include "result/warnings.h"

#define PAGES TEST_BINARY_DIR "/report"
#define WORK TEST_BINARY_DIR "/report/work"
#define SAMPLES TEST_SOURCE_DIR "/tests/report/"
#define PAGE WORK "/page.html"
#define MANY 200

// --- results made by hand

typedef struct maker {
    const char *path;
    const char *method; // of the ranking; NULL for a base model
    const char *fate;   // an image a letter: r robust, f fooled, x wrong without attack
} maker;

static int count_of(const char *text, char letter)
{
    int num = 0;
    for (; *text != '\0'; text++)
        num += *text == letter;
    return num;
}

static cJSON *interval_json(int hits, int n)
{
    const igd_interval v = igd_interval_of(hits, n);
    return cJSON_CreateDoubleArray((double[]){v.low, v.high}, 2);
}

static cJSON *make_attack(const char *name, double accuracy, int fooled, int column)
{
    cJSON *o = cJSON_CreateObject();
    static const char *const zero[] = {"reused",  "not_finite", "zero_gradients",
                                       "stalled", "unverified", "outside_ball"};
    cJSON_AddStringToObject(o, "name", name);
    cJSON_AddStringToObject(o, "target", "defended");
    cJSON_AddNumberToObject(o, "robust_acc", accuracy);
    cJSON_AddNumberToObject(o, "num_fooled", fooled);
    cJSON_AddNumberToObject(o, "forwards", 1234567);
    cJSON_AddNumberToObject(o, "backwards", 800);
    cJSON_AddNumberToObject(o, "seconds", 1.5);
    cJSON_AddBoolToObject(o, "cumulative", false);
    cJSON_AddBoolToObject(o, "white_box", true);
    for (size_t k = 0; k < sizeof(zero) / sizeof(zero[0]); k++)
        cJSON_AddNumberToObject(o, zero[k], 0);
    cJSON_AddItemToObject(o, "columns", cJSON_CreateIntArray(&column, 1));
    cJSON_AddItemToObject(o, "counts", cJSON_CreateIntArray(&column, 1));
    return o;
}

// A result of one attack, on images of two classes in turn.
static cJSON *make_json(const maker *m)
{
    char text[3000];
    const int n = (int)strlen(m->fate), robust = count_of(m->fate, 'r');
    const int clean = n - count_of(m->fate, 'x');
    snprintf(text, sizeof(text),
             "{\"format\":\"igdef.result/1\",\"command\":\"igdef eval -o %s\","
             "\"versions\":{\"igdef\":\"0.1.0\",\"libtorch\":\"1.13.1\"},"
             "\"model\":{\"path\":\"net.pt\",\"sha256\":\"ab\",\"identity\":\"ab\"},"
             "\"data\":{\"path\":\"images\",\"split\":\"test\",\"count\":%d,"
             "\"sha256\":\"cd\",\"preprocess\":\"none\",\"classes\":[\"cat\",\"dog\"]},"
             "\"defense\":null,\"threat\":{\"norm\":\"Linf\",\"eps\":0.0313725490196},"
             "\"seed\":3,\"device\":\"cpu\",\"threads\":2,"
             "\"settings\":{\"draws\":10,\"attacks\":[{\"name\":\"pgd\","
             "\"runs\":[{\"eps\":0.03,\"parameters\":{\"steps\":50}}]}]},"
             "\"clean_acc\":%.17g,\"attacks\":[],\"worst_acc\":%.17g,"
             "\"per_class\":[{\"class\":\"cat\",\"count\":%d,\"clean_acc\":0.5,"
             "\"worst_acc\":0.25},{\"class\":\"dog\",\"count\":%d,\"clean_acc\":1,"
             "\"worst_acc\":0.75}],\"warnings\":[],\"seconds\":2.5}",
             m->path, n, (double)clean / n, (double)robust / n, (n + 1) / 2, n / 2);
    cJSON *json = cJSON_Parse(text);
    assert_non_null(json);
    if (m->method != NULL) {
        cJSON *defense = cJSON_CreateObject();
        cJSON_AddStringToObject(defense, "method", m->method);
        cJSON_AddStringToObject(defense, "layer", "penultimate");
        cJSON_AddNumberToObject(defense, "keep", 5);
        cJSON_ReplaceItemInObject(json, "defense", defense);
    }
    cJSON_AddItemToArray(
        cJSON_GetObjectItem(json, "attacks"),
        make_attack("pgd", (double)robust / n, count_of(m->fate, 'f'), 1));
    cJSON *intervals = cJSON_AddObjectToObject(json, "intervals");
    cJSON_AddItemToObject(intervals, "clean_acc", interval_json(clean, n));
    cJSON_AddItemToObject(intervals, "worst_acc", interval_json(robust, n));
    cJSON_AddItemToArray(cJSON_AddArrayToObject(intervals, "attacks"),
                         interval_json(robust, n));
    return json;
}

static void write_json(const char *path, cJSON *json)
{
    assert_int_equal(igd_json_write(json, path), IGD_OK);
    cJSON_Delete(json);
}

static void write_lines(const char *path, const char *fate)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (int i = 0; fate[i] != '\0'; i++)
        fprintf(
            f,
            "{\"index\":%d,\"label\":%d,\"clean\":%d,\"robust\":%s,\"flags\":\"%s\"}\n",
            i, i % 2, fate[i] == 'x' ? 1 - i % 2 : i % 2,
            fate[i] == 'r' ? "true" : "false",
            fate[i] == 'r'   ? "rr"
            : fate[i] == 'f' ? "rf"
                             : "f-");
    assert_int_equal(fclose(f), 0);
}

static char *lines_path(const char *path)
{
    char *out = igd_result_images_path(path);
    assert_non_null(out);
    return out;
}

// Both files of a result.
static void make(const char *path, const char *method, const char *fate)
{
    const maker m = {path, method, fate};
    char *lines = lines_path(path);
    write_json(path, make_json(&m));
    write_lines(lines, fate);
    free(lines);
}

// Changes a member of a JSON file by a path of keys, such as "data.sha256".
static void change(const char *path, const char *where, const char *value)
{
    char keys[128], *rest = keys, *key;
    cJSON *json = NULL;
    assert_int_equal(igd_json_read(&json, path), IGD_OK);
    cJSON *at = json, *item = cJSON_Parse(value);
    snprintf(keys, sizeof(keys), "%s", where);
    while ((key = strtok_r(rest, ".", &rest)) != NULL) {
        const bool last = *rest == '\0';
        if (cJSON_IsArray(at)) {
            if (last)
                assert_true(cJSON_ReplaceItemInArray(at, atoi(key), item));
            at = cJSON_GetArrayItem(at, atoi(key));
        } else {
            if (last && cJSON_HasObjectItem(at, key))
                assert_true(cJSON_ReplaceItemInObject(at, key, item));
            else if (last)
                assert_true(cJSON_AddItemToObject(at, key, item));
            at = cJSON_GetObjectItem(at, key);
        }
    }
    write_json(path, json);
}

static void change_text(const char *path, const char *where, const char *text)
{
    cJSON *s = cJSON_CreateString(text);
    char *printed = cJSON_PrintUnformatted(s);
    change(path, where, printed);
    cJSON_free(printed);
    cJSON_Delete(s);
}

static void drop_lines(const char *path)
{
    char *lines = lines_path(path);
    assert_int_equal(unlink(lines), 0);
    free(lines);
}

static int count(const char *text, const char *what)
{
    int num = 0;
    for (const char *p = text; (p = strstr(p, what)) != NULL; p += strlen(what))
        num++;
    return num;
}

static void assert_has(const char *text, const char *what)
{
    if (strstr(text, what) == NULL)
        fail_msg("'%s' is missing", what);
}

static void assert_lacks(const char *text, const char *what)
{
    if (strstr(text, what) != NULL)
        fail_msg("'%s' is there", what);
}

static char *page_of(const char *const *paths, int num)
{
    unsigned char *text = NULL;
    size_t size;
    if (igd_report_write(paths, num, PAGE) != IGD_OK)
        fail_msg("%s", igd_error_message());
    assert_int_equal(igd_file_read(&text, &size, PAGE, 1 << 26), IGD_OK);
    return (char *)text;
}

#define BASE WORK "/base.json"
#define LOIR WORK "/loir.json"
#define PAIR ((const char *const[]){BASE, LOIR})

static int set_up(void **state)
{
    (void)state;
    mkdir(PAGES, 0777);
    mkdir(WORK, 0777);
    make(BASE, NULL, "rrrrrrffffffxx");
    make(LOIR, "loir", "rrrrrrrrffffxx");
    unlink(PAGE);
    return 0;
}

// --- the paired test

static void test_report__mcnemar_agrees_with_hand_computed_values(void **state)
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

static void test_report__paired_interval_agrees_with_agresti_and_min(void **state)
{
    (void)state;
    // (15.5 - 5.5) / 102, standard error sqrt(21 - 100 / 102) / 102
    const igd_paired t = igd_mcnemar(100, 5, 15);
    assert_true(fabs(t.low - 0.012063) < 1e-6);
    assert_true(fabs(t.high - 0.184015) < 1e-6);
    const igd_paired all = igd_mcnemar(1, 0, 1);
    assert_true(all.low >= -1.0 && all.high <= 1.0);
}

static void test_report__images_are_paired_by_their_lines(void **state)
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

// --- what the page says

static void test_report__samples_make_a_page_of_everything(void **state)
{
    (void)state;
    const char *paths[] = {
        SAMPLES "loir.json",      SAMPLES "base.json",     SAMPLES "random.json",
        SAMPLES "shift.json",     SAMPLES "sweep.json",    SAMPLES "search-keep.json",
        SAMPLES "landscape.json", SAMPLES "ablation.json", SAMPLES "defenses.json"};
    const char *sections[] = {"accuracy",   "paired",     "random",     "bounds",
                              "classes",    "analysis-1", "analysis-2", "analysis-3",
                              "analysis-4", "analysis-5", "analysis-6", "warnings",
                              "cost",       "reproduce"};
    char *text = page_of(paths, 9);
    for (size_t k = 0; k < sizeof(sections) / sizeof(sections[0]); k++) {
        char id[64];
        snprintf(id, sizeof(id), "<section id=\"%s\">", sections[k]);
        assert_int_equal(count(text, id), 1);
    }
    // The base comes first, wherever it was given.
    assert_true(strstr(text, ">base</small>") < strstr(text, ">LO-IR</small>"));
    assert_has(text, "That is within what chance does to so few images");
    assert_has(text, "The defense does harm");
    // A chart for each width, and a table in each figure.
    assert_int_equal(count(text, "class=\"chart wide\""), 10);
    assert_int_equal(count(text, "class=\"chart narrow\""), 10);
    assert_int_equal(count(text, "<figure>"), 10);
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

static void test_report__summary_claims_no_more_than_the_images_show(void **state)
{
    (void)state;
    char base[MANY + 1] = "", loir[MANY + 1] = "";
    char *text = page_of(PAIR, 2); // two images won of 14
    assert_has(text, "McNemar p&#8239;=&#8239;0.50");
    assert_has(text, "That is within what chance does to so few images");
    assert_lacks(text, "The defense helps");
    free(text);
    for (int i = 0; i < MANY; i++) {
        base[i] = i < 100 ? 'r' : 'f';
        loir[i] = i < 130 ? 'r' : 'f';
    }
    make(BASE, NULL, base);
    make(LOIR, "loir", loir);
    text = page_of(PAIR, 2);
    assert_has(text, "The defense helps against these attacks");
    assert_has(text, "+15.0 points");
    free(text);
    make(BASE, NULL, loir);
    make(LOIR, "loir", base);
    text = page_of(PAIR, 2);
    assert_has(text, "The defense does harm");
    assert_lacks(text, "The defense helps");
    free(text);
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
    assert_has(text, "best class dog (75.0");
    assert_has(text, "None was raised");
    free(text);
}

static void test_report__missing_lines_of_images_are_said(void **state)
{
    (void)state;
    drop_lines(LOIR);
    char *text = page_of(PAIR, 2);
    assert_has(text, "Whether that is more than chance cannot be said");
    assert_has(text, "Not possible: the lines of images beside <code>" LOIR "</code>");
    free(text);
}

static void test_report__missing_base_is_said(void **state)
{
    (void)state;
    change_text(LOIR, "model.identity", "another");
    char *text = page_of(PAIR, 2); // a base, but of another model
    assert_has(text, "No result of its base model is in this report");
    assert_has(text, "LO-IR, net.pt");
    assert_lacks(text, "id=\"paired\"");
    free(text);
}

static void test_report__other_attacks_are_said(void **state)
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
    // Attacks that only a defended model has are no difference.
    make(LOIR, "loir", "rrrrrrrrffffxx");
    change(LOIR, "settings.attacks", "[{\"name\":\"transfer:pgd\"},{\"name\":\"pgd\"}]");
    text = page_of(PAIR, 2);
    assert_lacks(text, "were not attacked alike");
    free(text);
}

static void test_report__equal_names_are_told_apart(void **state)
{
    (void)state;
    const char *paths[] = {BASE, LOIR, WORK "/loir-10.json"};
    make(paths[2], "loir", "rrrrrrrrffffxx");
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
                               IGD_WARN_NOT_REPEATABLE,  IGD_WARN_SEEN};
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
    assert_has(text, "The worst case is best at <strong>10</strong>");
    assert_lacks(text, "id=\"accuracy\"");
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
        assert_refused(PAIR, 2, IGD_EINVAL, cases[k].message);
    }
    make(LOIR, "loir", "rrrrrrrrffffxxr");
    assert_refused(PAIR, 2, IGD_EINVAL, LOIR ": 15 images, " BASE " has 14");
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
        {"worst_acc", "0.1", "its lines of images give"},
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
        {"data.count", "15", "14 lines for 15 images"},
        {"warnings.0", "1", "id"},
        {"threat", "null", "threat"},
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
        CASE(mcnemar_agrees_with_hand_computed_values),
        CASE(paired_interval_agrees_with_agresti_and_min),
        CASE(images_are_paired_by_their_lines),
        CASE(samples_make_a_page_of_everything),
        CASE(page_is_self_contained_and_repeats),
        CASE(summary_claims_no_more_than_the_images_show),
        CASE(numbers_of_the_files_are_on_the_page),
        CASE(missing_lines_of_images_are_said),
        CASE(missing_base_is_said),
        CASE(other_attacks_are_said),
        CASE(equal_names_are_told_apart),
        CASE(every_warning_is_explained),
        CASE(analyses_stand_for_themselves),
        CASE(hostile_text_is_escaped),
        CASE(eight_results_stand_side_by_side),
        CASE(results_of_other_data_are_refused),
        CASE(joined_results_are_compared_image_by_image),
        CASE(damaged_results_are_refused),
        CASE(truncated_files_are_refused),
        CASE(wrong_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
