// Results and pages for the tests of reports: files made by hand, changed by a path of
// keys, and what a page says.
#ifndef IGD_TEST_REPORT_FIXTURE_H
#define IGD_TEST_REPORT_FIXTURE_H

#include "fixture.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/json.h"
#include "igdef/report.h"
#include "report/input.h"
#include "result/interval.h"

#ifndef WORK
#error "WORK is the test's own folder below PAGES"
#endif

#define PAGES TEST_BINARY_DIR "/report"
#define SAMPLES TEST_SOURCE_DIR "/tests/report/"
#define PAGE WORK "/page.html"
#define MANY 200

// --- results made by hand

typedef struct maker {
    const char *path;
    const char *method; // of the ranking; NULL for a base model
    const char *fate;   // an image a letter: r robust, f fooled, x wrong without attack
} maker;

static inline int count_of(const char *text, char letter)
{
    int num = 0;
    for (; *text != '\0'; text++)
        num += *text == letter;
    return num;
}

static inline cJSON *interval_json(int hits, int n)
{
    const igd_interval v = igd_interval_of(hits, n);
    return cJSON_CreateDoubleArray((double[]){v.low, v.high}, 2);
}

static inline cJSON *make_attack(const char *name, double accuracy, int fooled,
                                 int column)
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

// The images of one of two classes, which take turns.
static inline cJSON *make_class(const char *name, const char *fate, int first)
{
    int num = 0, wrong = 0, fooled = 0;
    for (size_t i = (size_t)first; i < strlen(fate); i += 2) {
        num++;
        wrong += fate[i] == 'x';
        fooled += fate[i] == 'f';
    }
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "class", name);
    cJSON_AddNumberToObject(o, "count", num);
    cJSON_AddNumberToObject(o, "clean_acc", (double)(num - wrong) / num);
    cJSON_AddNumberToObject(o, "worst_acc", (double)(num - wrong - fooled) / num);
    return o;
}

// A result of one attack, on images of two classes in turn.
static inline cJSON *make_json(const maker *m)
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
             "\"per_class\":[],\"warnings\":[],\"seconds\":2.5}",
             m->path, n, (double)clean / n, (double)robust / n);
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
    cJSON *classes = cJSON_GetObjectItem(json, "per_class");
    cJSON_AddItemToArray(classes, make_class("cat", m->fate, 0));
    cJSON_AddItemToArray(classes, make_class("dog", m->fate, 1));
    cJSON *intervals = cJSON_AddObjectToObject(json, "intervals");
    cJSON_AddStringToObject(intervals, "method", IGD_INTERVAL_METHOD);
    cJSON_AddNumberToObject(intervals, "level", IGD_INTERVAL_LEVEL);
    cJSON_AddItemToObject(intervals, "clean_acc", interval_json(clean, n));
    cJSON_AddItemToObject(intervals, "worst_acc", interval_json(robust, n));
    cJSON_AddItemToArray(cJSON_AddArrayToObject(intervals, "attacks"),
                         interval_json(robust, n));
    return json;
}

static inline void write_json(const char *path, cJSON *json)
{
    assert_int_equal(igd_json_write(json, path), IGD_OK);
    cJSON_Delete(json);
}

// `attack` is what fooled the images that are.
static inline void write_lines(const char *path, const char *fate, const char *attack)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (int i = 0; fate[i] != '\0'; i++) {
        const char letter = fate[i];
        fprintf(f, "{\"index\":%d,\"label\":%d,\"clean\":%d,\"robust\":%s,", i, i % 2,
                letter == 'x' ? 1 - i % 2 : i % 2, letter == 'r' ? "true" : "false");
        if (letter == 'r')
            fputs("\"fooled_by\":null,", f);
        else
            fprintf(f, "\"fooled_by\":\"%s\",", letter == 'f' ? attack : "clean");
        fprintf(f, "\"flags\":\"%s\"}\n",
                letter == 'r'   ? "rr"
                : letter == 'f' ? "rf"
                                : "f-");
    }
    assert_int_equal(fclose(f), 0);
}

static inline char *lines_path(const char *path)
{
    char *out = igd_result_images_path(path);
    assert_non_null(out);
    return out;
}

// Both files of a result.
static inline void make(const char *path, const char *method, const char *fate)
{
    const maker m = {path, method, fate};
    char *lines = lines_path(path);
    write_json(path, make_json(&m));
    write_lines(lines, fate, "pgd");
    free(lines);
}

// Changes a member of a JSON file by a path of keys, such as "data.sha256".
static inline void change(const char *path, const char *where, const char *value)
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

static inline void change_text(const char *path, const char *where, const char *text)
{
    cJSON *s = cJSON_CreateString(text);
    char *printed = cJSON_PrintUnformatted(s);
    change(path, where, printed);
    cJSON_free(printed);
    cJSON_Delete(s);
}

// Gives a result the attacks without which nothing is said of a defense, with the flags
// of the one that it has.
static inline void strengthen(const char *path)
{
    static const char *const names[] = {"transfer:pgd", "square"};
    cJSON *json = NULL;
    assert_int_equal(igd_json_read(&json, path), IGD_OK);
    cJSON *attacks = cJSON_GetObjectItem(json, "attacks");
    cJSON *intervals =
        cJSON_GetObjectItem(cJSON_GetObjectItem(json, "intervals"), "attacks");
    for (int k = 0; k < 2; k++) {
        cJSON *o = cJSON_Duplicate(cJSON_GetArrayItem(attacks, 0), true);
        cJSON_ReplaceItemInObject(o, "name", cJSON_CreateString(names[k]));
        cJSON_ReplaceItemInObject(o, "white_box", cJSON_CreateBool(false));
        cJSON_AddBoolToObject(o, "black_box", k == 1);
        if (k == 0)
            cJSON_ReplaceItemInObject(o, "target", cJSON_CreateString("transfer"));
        cJSON_AddItemToArray(attacks, o);
        cJSON_AddItemToArray(intervals,
                             cJSON_Duplicate(cJSON_GetArrayItem(intervals, 0), true));
    }
    write_json(path, json);
}

static inline void drop_lines(const char *path)
{
    char *lines = lines_path(path);
    assert_int_equal(unlink(lines), 0);
    free(lines);
}

static inline int count(const char *text, const char *what)
{
    int num = 0;
    for (const char *p = text; (p = strstr(p, what)) != NULL; p += strlen(what))
        num++;
    return num;
}

static inline void assert_has(const char *text, const char *what)
{
    if (strstr(text, what) == NULL)
        fail_msg("'%s' is missing", what);
}

static inline void assert_lacks(const char *text, const char *what)
{
    if (strstr(text, what) != NULL)
        fail_msg("'%s' is there", what);
}

static inline char *page_of(const char *const *paths, int num)
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

static inline int set_up(void **state)
{
    (void)state;
    mkdir(PAGES, 0777);
    mkdir(WORK, 0777);
    make(BASE, NULL, "rrrrrrffffffxx");
    make(LOIR, "loir", "rrrrrrrrffffxx");
    unlink(PAGE);
    return 0;
}

#endif
