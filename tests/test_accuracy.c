// What attacks come to on small models: tests/golden/accuracy.csv, one row an attack. A
// change that moves a number says why; `UPDATE=1 test_accuracy` writes what it finds to
// accuracy.csv.new.
#include "attack_fixture.h"

#include "core/file.h"
#include "core/lines.h"
#include "core/safetensors.h"
#include "igdef/dataset.h"
#include "model/model_impl.h"

#define CSV TEST_SOURCE_DIR "/tests/golden/accuracy.csv"
#define NETWORK TEST_SOURCE_DIR "/tests/golden/attacks.safetensors"
#define DEMO TEST_SOURCE_DIR "/tests/data/fashion_resnet.pt"
#define FASHION "/usr/share/datasets/fashion-mnist"
#define HEAD "model,norm,eps,attack,parameters,images,fooled,forwards,backwards,queries"

enum { NETWORK_IMAGES = 64, DEMO_IMAGES = 24, MAX_ROWS = 64, MAX_LINE = 256 };

// A model, images of it, and their labels.
typedef struct subject {
    const igd_classifier *f;
    float *x;
    int *labels;
    int num;
} subject;

// "steps=10 restarts=2"
static void set_parameters(igd_attack_job *job, char *text)
{
    for (char *word; (word = strtok_r(text, " ", &text)) != NULL;) {
        char *value = strchr(word, '=');
        assert_non_null(value);
        *value++ = '\0';
        assert_ok(igd_attack_job_set(job, word, number(value)));
    }
}

// Ends the first field of a row and goes to the next; returns the one it ended.
static char *field(char **rest)
{
    char *begin = *rest, *comma = strchr(begin, ',');
    if (comma != NULL)
        *comma = '\0';
    *rest = comma != NULL ? comma + 1 : begin + strlen(begin);
    return begin;
}

// Runs a row's attack and writes the row anew.
static void measure(char *out, const char *row, const subject *who)
{
    char text[MAX_LINE], *rest = text;
    int64_t forwards = 0, backwards = 0, queries = 0;
    igd_norm norm;
    trial t;

    assert_true(strlen(row) < MAX_LINE);
    strcpy(text, row);
    const char *model = field(&rest), *norm_name = field(&rest), *eps = field(&rest),
               *attack = field(&rest);
    char *parameters = field(&rest);
    int used = snprintf(out, MAX_LINE, "%s,%s,%s,%s,%s", model, norm_name, eps, attack,
                        parameters);
    assert_ok(igd_norm_parse(&norm, norm_name));
    igd_attack_job job = job_make(attack, who->f, norm, number(eps));
    set_parameters(&job, parameters);
    trial_make(&t, who->f, who->num, who->x, who->labels);
    trial_run(&t, &job, who->f, 16);
    for (int i = 0; i < who->num; i++) {
        forwards += t.outcomes[i].forwards;
        backwards += t.outcomes[i].backwards;
        queries += t.outcomes[i].queries;
    }
    used += snprintf(out + used, (size_t)(MAX_LINE - used), ",%d,%d,%lld,%lld,%lld",
                     who->num, trial_num_fooled(&t), (long long)forwards,
                     (long long)backwards, (long long)queries);
    assert_true(used < MAX_LINE);
    trial_free(&t);
}

// Equal but for the last three fields, the passes and queries: other versions of libtorch
// round otherwise, and an image falls a step earlier or later.
static bool agree(const char *was, const char *is)
{
    char texts[2][MAX_LINE], *a = texts[0], *b = texts[1];
    bool same = true;

    assert_true(strlen(was) < MAX_LINE);
    strcpy(a, was);
    strcpy(b, is);
    for (int i = 0; i < 10; i++) {
        const char *x = field(&a), *y = field(&b);
        same = same && (i < 7 ? strcmp(x, y) == 0
                              : fabs(number(x) - number(y)) <= 0.03 * number(x));
    }
    return same;
}

// The rows of one model, whose numbers must be those of the file.
static void check_rows(const char *model, const subject *who)
{
    igd_lines rows;
    bool same = true;
    int num = 0;

    assert_ok(igd_lines_read(&rows, CSV));
    assert_string_equal(rows.line[0], HEAD);
    FILE *anew = getenv("UPDATE") != NULL ? fopen(CSV ".new", "a") : NULL;
    for (int i = 1; i < rows.num; i++) {
        char line[MAX_LINE];
        const size_t length = strlen(model);
        if (strncmp(rows.line[i], model, length) != 0 || rows.line[i][length] != ',')
            continue;
        measure(line, rows.line[i], who);
        if (anew != NULL)
            fprintf(anew, "%s\n", line);
        else if (!agree(rows.line[i], line)) {
            print_message("was %s\nis  %s\n", rows.line[i], line);
            same = false;
        }
        num++;
    }
    if (anew != NULL)
        fclose(anew);
    assert_true(num > 0);
    assert_true(same);
    igd_lines_free(&rows);
}

static void test_accuracy__of_a_two_layer_network(void **state)
{
    (void)state;
    igd_safetensors *file = NULL;
    static toy net;
    static float x[NETWORK_IMAGES * 75];
    static int labels[NETWORK_IMAGES];

    assert_ok(igd_safetensors_read(&file, NETWORK));
    const igd_named_array *w1 = igd_safetensors_find(file, "net.w1"),
                          *b1 = igd_safetensors_find(file, "net.b1"),
                          *w2 = igd_safetensors_find(file, "net.w2");
    toy_make(&net, w1->shape[1], w1->shape[0], w2->shape[0], w1->data, b1->data,
             w2->data);
    memcpy(net.f.shape, (const int64_t[]){3, 5, 5}, sizeof(net.f.shape));
    assert_int_equal(w1->shape[1], 75);
    toy_labelled(&net.f, x, labels, NETWORK_IMAGES, 0.9f);
    labels[3] = (labels[3] + 1) % 10; // one is wrong as it is
    const subject who = {&net.f, x, labels, NETWORK_IMAGES};
    check_rows("two-layer", &who);
    igd_safetensors_free(file);
}

static void test_accuracy__of_the_demo_model(void **state)
{
    (void)state;
    igd_dataset *data = NULL;
    igd_model *m = NULL;
    static float x[DEMO_IMAGES * 784];
    static int labels[DEMO_IMAGES];
    igd_dataset_options options = igd_dataset_options_default();

    if (!igd_path_exists(FASHION))
        fixture_skip(FASHION " is not installed");
    options.count = DEMO_IMAGES;
    assert_ok(igd_dataset_open(&data, FASHION, &options));
    assert_ok(igd_model_load(&m, DEMO, (const int64_t[]){1, 28, 28}, NULL));
    int64_t which[DEMO_IMAGES];
    for (int i = 0; i < DEMO_IMAGES; i++) {
        which[i] = i;
        labels[i] = igd_dataset_label(data, i);
    }
    assert_ok(igd_dataset_read(data, x, which, DEMO_IMAGES));
    const subject who = {igd_model_classifier(m), x, labels, DEMO_IMAGES};
    check_rows("demo", &who);
    igd_model_free(m);
    igd_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_accuracy__of_a_two_layer_network),
        TENSOR_TEST(test_accuracy__of_the_demo_model),
    };
    return fixture_result(cmocka_run_group_tests(tests, NULL, NULL));
}
