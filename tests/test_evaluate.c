// Evaluation, on small classifiers made of tensor operations.
#include "attack_fixture.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.h"
#include "core/logits.h"
#include "evaluate/evaluate_impl.h"
#include "igdef/evaluate.h"
#include "result/result_impl.h"

#define D 12
#define H 16
#define C 5
#define N 60

// The base model and what stands in for its defended form: a model of other weights.
static struct {
    toy base, judged;
    float w[H * D], b[H], w2[C * H], w_judged[H * D];
    float x[N * D];
    int32_t label[N];
    igd_dataset *data;
    igd_views views, undefended;
} world;

// The moments at which a run may be killed: before each pass of a classifier, and before
// each time that a file is flushed or renamed.
static _Atomic int moments, last_moment;

static void moment(void)
{
    if (++moments == last_moment)
        raise(SIGKILL);
}

// The linker puts these in the place of the library's calls.
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_fsync(int file);
int __wrap_fsync(int file);

int __wrap_rename(const char *from, const char *to)
{
    moment();
    return __real_rename(from, to);
}

int __wrap_fsync(int file)
{
    moment();
    return __real_fsync(file);
}

static igd_tensor *mortal_logits(igd_scope *s, const void *self, const igd_tensor *x,
                                 const igd_draw *draws)
{
    moment();
    return toy_logits(s, self, x, draws);
}

static int predict(const toy *t, const float *x)
{
    float z[C];
    const igd_draw draw = {0};
    assert_ok(igd_classifier_logits(z, &t->f, x, 1, &draw));
    return igd_argmax(z, C);
}

static void world_make(void)
{
    const int64_t shape[3] = {1, 1, D};
    toy_random(world.w, H * D, 1.0f, "w");
    toy_random(world.b, H, 0.5f, "b");
    toy_random(world.w2, C * H, 0.7f, "w2");
    toy_random(world.w_judged, H * D, 0.15f, "w judged");
    for (int i = 0; i < H * D; i++)
        world.w_judged[i] += world.w[i];
    toy_make(&world.base, D, H, C, world.w, world.b, world.w2);
    toy_make(&world.judged, D, H, C, world.w_judged, world.b, world.w2);
    world.base.f.logits = world.judged.f.logits = mortal_logits;
    toy_images(world.x, N * D, "x");
    for (int i = 0; i < N; i++) {
        world.label[i] = predict(&world.base, world.x + i * D);
        if (i % 10 == 0) // some are wrong when clean
            world.label[i] = (world.label[i] + 1) % C;
    }
    assert_ok(igd_dataset_from_floats(&world.data, world.x, world.label, N, shape, C));
    world.views = (igd_views){.base = &world.base.f,
                              .judged = &world.judged.f,
                              .model_path = "toy.pt",
                              .model_sha256 = "00",
                              .model_identity = "toy",
                              .device = "cpu"};
    world.undefended = world.views;
    world.undefended.judged = &world.base.f;
}

static igd_evaluate_options options(const char *attacks)
{
    igd_evaluate_options o = igd_evaluate_options_default();
    o.attacks = attacks;
    o.threat.eps = 0.03;
    o.batch_size = 16;
    o.checks = false;
    o.set = NULL;
    return o;
}

static igd_result *evaluate(const igd_views *who, const igd_evaluate_options *o)
{
    igd_result *r = NULL;
    assert_ok(igd_evaluate_views(&r, who, world.data, o));
    assert_non_null(r);
    return r;
}

static void assert_same_flags(const igd_result *a, const igd_result *b)
{
    assert_int_equal(a->flags.num_images, b->flags.num_images);
    assert_int_equal(a->flags.num_columns, b->flags.num_columns);
    const size_t cells = (size_t)a->flags.num_images * (size_t)a->flags.num_columns;
    assert_memory_equal(a->flags.status, b->flags.status, cells);
    if (a->flags.votes != NULL)
        assert_memory_equal(a->flags.votes, b->flags.votes, cells);
}

// --- what the numbers mean

// A linear classifier of two classes is fooled exactly where the margin is at most eps
// times the L1 norm of the difference of the weights: no bound binds in these images.
static void test_evaluate__linear_models_reach_the_closed_form(void **state)
{
    (void)state;
    enum { n = 50 };
    float w[2 * D], b[2] = {0.1f, 0.0f}, x[n * D], z[2];
    int32_t label[n];
    double norm = 0.0;
    const int64_t shape[3] = {1, 1, D};
    igd_dataset *data = NULL;
    igd_result *r = NULL;
    toy t;

    toy_random(w, 2 * D, 1.0f, "linear");
    toy_images(x, n * D, "linear x");
    for (int i = 0; i < n * D; i++)
        x[i] = 0.3f + 0.4f * x[i];
    toy_make(&t, D, 2, 2, w, b, NULL);
    for (int j = 0; j < D; j++)
        norm += fabs((double)w[j] - (double)w[D + j]);
    const igd_views who = {.base = &t.f,
                           .judged = &t.f,
                           .model_path = "",
                           .model_sha256 = "",
                           .model_identity = "",
                           .device = "cpu"};
    for (int k = 1; k <= 3; k++) {
        const double eps = 0.02 * k;
        int robust = 0;
        for (int i = 0; i < n; i++) {
            const igd_draw draw = {0};
            assert_ok(igd_classifier_logits(z, &t.f, x + i * D, 1, &draw));
            label[i] = igd_argmax(z, 2);
            robust += fabs((double)z[0] - (double)z[1]) > eps * norm;
        }
        assert_ok(igd_dataset_from_floats(&data, x, label, n, shape, 2));
        igd_evaluate_options o = options("fgsm,pgd,apgd-ce,apgd-cw,fab-t");
        o.threat.eps = eps;
        o.report = IGD_REPORT_PER_ATTACK;
        assert_ok(igd_evaluate_views(&r, &who, data, &o));
        for (int a = 0; a < igd_result_num_attacks(r); a++)
            assert_true(fabs(igd_result_attack(r, a).robust_acc - (double)robust / n) <
                        1e-9);
        igd_result_free(r);
        igd_dataset_free(data);
    }
}

static void test_evaluate__clean_accuracy_and_predictions(void **state)
{
    (void)state;
    const igd_evaluate_options o = options("clean");
    igd_result *r = evaluate(&world.undefended, &o);
    assert_true(fabs(igd_result_clean_acc(r) - 0.9) < 1e-12);
    assert_true(igd_result_worst_acc(r) == igd_result_clean_acc(r));
    assert_int_equal(igd_result_num_attacks(r), 0);
    for (int i = 0; i < N; i++)
        assert_int_equal(r->flags.clean[i], predict(&world.base, world.x + i * D));
    igd_result_free(r);
}

static void test_evaluate__worst_case_is_the_union_of_full_runs(void **state)
{
    (void)state;
    igd_evaluate_options o = options("worst-case");
    o.set = "rays.queries=200,square.queries=200,apgd-ce.steps=20,apgd-t.steps=20,"
            "apgd-cw.steps=20,fab-t.steps=20,apgd-eot.steps=20";
    const igd_views *const both[2] = {&world.views, &world.undefended};
    for (int k = 0; k < 2; k++) {
        igd_result *cascade, *full;
        o.report = IGD_REPORT_UNION;
        cascade = evaluate(both[k], &o);
        o.report = IGD_REPORT_PER_ATTACK;
        full = evaluate(both[k], &o);
        assert_true(igd_result_worst_acc(cascade) == igd_result_worst_acc(full));
        assert_true(igd_result_worst_acc(full) < igd_result_clean_acc(full));
        int columns[IGD_MAX_STEPS];
        for (int c = 1; c < IGD_MAX_STEPS; c++)
            columns[c - 1] = c;
        for (int i = 0; i < N; i++)
            assert_int_equal(
                igd_flags_survives(&cascade->flags, columns,
                                   cascade->flags.num_columns - 1, i, IGD_ONE_SHOT),
                igd_flags_survives(&full->flags, columns, full->flags.num_columns - 1, i,
                                   IGD_ONE_SHOT));
        // The nine members, and AutoAttack's four, and the whole.
        assert_int_equal(igd_result_num_attacks(full), 9 + 4 + 1);
        for (int a = 0; a < igd_result_num_attacks(full); a++) {
            assert_true(igd_result_worst_acc(full) <=
                        igd_result_attack(full, a).robust_acc);
            assert_true(igd_result_worst_acc(cascade) <=
                        igd_result_attack(cascade, a).robust_acc);
        }
        assert_string_equal(igd_result_attack(full, 13).name, "worst-case");
        assert_true(igd_result_attack(full, 13).robust_acc == igd_result_worst_acc(full));
        igd_result_free(cascade);
        igd_result_free(full);
    }
}

static void test_evaluate__flags_do_not_depend_on_batches_or_shortcuts(void **state)
{
    (void)state;
    static const int sizes[] = {1, 7, 64};
    igd_evaluate_options o = options("autoattack,transfer:apgd-ce,pgd");
    o.set = "square.queries=100,apgd-ce.steps=20,apgd-t.steps=20,fab-t.steps=20";
    igd_result *first = evaluate(&world.views, &o);
    for (int k = 0; k < 3; k++) {
        o.batch_size = sizes[k];
        igd_result *other = evaluate(&world.views, &o);
        assert_same_flags(first, other);
        for (int a = 0; a < igd_result_num_attacks(first); a++)
            assert_int_equal(igd_result_attack(first, a).forwards,
                             igd_result_attack(other, a).forwards);
        igd_result_free(other);
    }
    o.shortcuts = false;
    igd_result *full = evaluate(&world.views, &o);
    assert_same_flags(first, full);
    igd_result_free(full);
    igd_result_free(first);
}

static void test_evaluate__parts_join_to_the_whole(void **state)
{
    (void)state;
    const int64_t shape[3] = {1, 1, D};
    igd_evaluate_options o = options("apgd-ce,square");
    o.set = "square.queries=50";
    igd_result *whole = evaluate(&world.views, &o), *joined = NULL;
    // Ranges of the same data set keep their indices, so noise and flags stay. A data set
    // from memory counts from 0, so the second half is given as what it is: other images
    // of the same indices, which must not join.
    igd_dataset *half = NULL;
    igd_result *r = NULL;
    const char *paths[2];
    for (int k = 0; k < 2; k++) {
        assert_ok(igd_dataset_from_floats(&half, world.x, world.label, N / 2, shape, C));
        assert_ok(igd_evaluate_views(&r, &world.views, half, &o));
        for (int64_t i = 0; i < N / 2; i++)
            for (int c = 0; c < 3; c++)
                assert_int_equal(igd_flags_column(&r->flags, c)[i],
                                 igd_flags_column(&whole->flags, c)[i]);
        paths[k] = fixture_path(k == 0 ? "half1.json" : "half2.json");
        assert_ok(igd_result_save(r, paths[k]));
        igd_result_free(r);
        igd_dataset_free(half);
    }
    assert_fails(igd_result_merge(&joined, paths, 2), IGD_EINVAL, "image 0");
    assert_ok(igd_result_merge(&joined, paths, 1));
    assert_int_equal(igd_result_num_images(joined), N / 2);
    igd_result_free(joined);
    igd_result_free(whole);
}

// --- randomised classifiers

static void test_evaluate__random_classifiers_are_judged_three_ways(void **state)
{
    (void)state;
    igd_evaluate_options o = options("apgd-ce,transfer:apgd-ce");
    o.set = "apgd-ce.steps=10";
    world.judged.noise = 0.3f;
    world.judged.f.deterministic = false;
    igd_result *r = evaluate(&world.views, &o), *again;
    o.batch_size = 5;
    again = evaluate(&world.views, &o);
    world.judged.noise = 0.0f;
    world.judged.f.deterministic = true;

    assert_same_flags(r, again);
    assert_true(igd_warned(&r->warnings, IGD_WARN_RANDOMISED));
    for (int a = 0; a < 2; a++) {
        const igd_attack_result v = igd_result_attack(r, a);
        assert_true(v.any_acc <= v.majority_acc && v.any_acc <= v.robust_acc);
    }
    assert_true(igd_result_attack(r, 0).any_acc < igd_result_attack(r, 0).majority_acc);
    assert_non_null(strstr(igd_result_json(r), "\"any_acc\""));
    igd_result_free(r);
    igd_result_free(again);
}

// --- interruption

static void test_evaluate__an_interrupted_run_goes_on_to_the_same_flags(void **state)
{
    (void)state;
    igd_evaluate_options o = options("apgd-ce,transfer:autoattack,square");
    o.set = "square.queries=60,apgd-ce.steps=10,apgd-t.steps=10,fab-t.steps=10";
    o.batch_size = 8;
    igd_result *whole = evaluate(&world.views, &o), *r = NULL;
    char *cache = strdup(fixture_path("cache-interrupted"));
    o.cache = cache;
    o.state = fixture_path("interrupted.state");
    o.progress = fixture_stop_after;
    igd_status st;
    int left, sittings = 0;
    o.payload = &left;
    do {
        left = 3 + sittings % 40;
        st = igd_evaluate_views(&r, &world.views, world.data, &o);
        assert_true(st == IGD_OK || st == IGD_ECANCELED);
        assert_true(igd_path_exists(o.state));
        sittings++;
    } while (st == IGD_ECANCELED && sittings < 500);
    assert_int_equal(st, IGD_OK);
    assert_true(sittings > 5);
    assert_same_flags(whole, r);
    for (int a = 0; a < igd_result_num_attacks(whole); a++)
        assert_int_equal(igd_result_attack(whole, a).num_fooled,
                         igd_result_attack(r, a).num_fooled);
    igd_result_free(whole);
    igd_result_free(r);
    free(cache);
}

static void flip_a_byte(const char *path)
{
    FILE *f = fopen(path, "r+");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    const long size = ftell(f);
    fseek(f, size - 5, SEEK_SET); // in the last record's point
    const int c = fgetc(f);
    fseek(f, size - 5, SEEK_SET);
    fputc(c ^ 0x40, f);
    fclose(f);
}

static void cut_off(const char *path)
{
    FILE *f = fopen(path, "r+");
    fseek(f, 0, SEEK_END);
    const long size = ftell(f);
    assert_int_equal(ftruncate(fileno(f), size * 2 / 3), 0);
    fclose(f);
}

static void overwrite(const char *path)
{
    FILE *f = fopen(path, "w");
    fputs("something else", f);
    fclose(f);
}

static void give_away(const char *path)
{
    assert_int_equal(chmod(path, 0666), 0); // anybody could have written it
}

// Runs in a child that is killed after so many moments; whether it came to its end.
static bool run_and_kill(const igd_evaluate_options *o, const char *result, int after)
{
    int status = 0;
    fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        igd_result *r = NULL;
        last_moment = moments + after;
        if (igd_evaluate_views(&r, &world.views, world.data, o) != IGD_OK) {
            fprintf(stderr, "%s\n", igd_error_message());
            _exit(9);
        }
        _exit(igd_result_save(r, result) == IGD_OK ? 0 : 8);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status))
        assert_int_equal(WEXITSTATUS(status), 0);
    else
        assert_int_equal(WTERMSIG(status), SIGKILL);
    return WIFEXITED(status);
}

static unsigned char *content(const char *path, size_t *size)
{
    unsigned char *text = NULL;
    assert_ok(igd_file_read(&text, size, path, 1 << 24));
    return text;
}

// kill -9 at many moments: the run ends with the flags and the saved images of one that
// nobody disturbed.
static void kill_often(int batch_size, double save_seconds)
{
    igd_evaluate_options o = options("pgd,transfer:apgd-ce,square");
    o.set = "pgd.steps=40,square.queries=300,apgd-ce.steps=40";
    o.batch_size = batch_size;
    o.save_seconds = save_seconds;
    o.restart = false;
    char *cache =
        strdup(fixture_path(batch_size == 4 ? "cache-killed" : "cache-killed2"));
    char *path = strdup(fixture_path("killed.json"));
    char *saved = strdup(fixture_path("killed.npy"));
    char *state_path = strdup(fixture_path("killed.state"));
    unlink(state_path); // of the call before
    o.save_adversarial = saved;
    const int begin = moments;
    igd_result *whole = evaluate(&world.views, &o);
    const int took = moments - begin;
    size_t size_whole, size_killed;
    unsigned char *images = content(saved, &size_whole);

    o.cache = cache;
    o.state = state_path;
    int kills = 0;
    unsigned random = 12345;
    for (;; kills++) {
        random = random * 1103515245u + 12345u;
        // Spread over the run, and late enough to get somewhere in the end.
        const double share = (double)(random >> 16 & 0x7fff) / 32768.0;
        if (run_and_kill(&o, path, (int)(took * (0.02 + 0.25 * share + 0.01 * kills))))
            break;
        assert_true(kills < 200);
    }
    assert_true(kills >= 3);
    const char *const paths[1] = {path};
    igd_result *killed = NULL;
    assert_ok(igd_result_merge(&killed, paths, 1));
    assert_same_flags(whole, killed);
    unsigned char *images_killed = content(saved, &size_killed);
    assert_int_equal(size_whole, size_killed);
    assert_memory_equal(images, images_killed, size_whole);
    free(images);
    free(images_killed);
    igd_result_free(whole);
    igd_result_free(killed);
    free(cache);
    free(path);
    free(saved);
    free(state_path);
}

static void test_evaluate__killed_at_any_moment_the_flags_stay(void **state)
{
    (void)state;
    kill_often(4, 10.0);
    kill_often(64, 0.0); // all images are in flight at once
}

static igd_evaluate_options one_long_attack(const char *name)
{
    igd_evaluate_options o = options("pgd");
    o.threat.eps = 0.002; // hardly an image falls
    o.set = "pgd.steps=400";
    o.batch_size = 64; // more than there are images
    o.state = fixture_path(name);
    o.progress = fixture_stop_after;
    return o;
}

// A run that is stopped again and again within one batch of images comes to its end, with
// the costs of one that is not, and does little twice.
static void test_evaluate__an_attack_goes_on_inside_a_batch(void **state)
{
    (void)state;
    igd_evaluate_options o = one_long_attack("inside.state");
    const char *const state_path = o.state;
    char *checkpoint = malloc(strlen(state_path) + sizeof(".checkpoint"));
    igd_result *whole = NULL, *r = NULL;
    igd_status st;
    int left = 1 << 30, sittings = 0;

    sprintf(checkpoint, "%s.checkpoint", state_path);
    o.payload = &left;
    o.state = NULL;
    int64_t before = world.judged.passes;
    assert_ok(igd_evaluate_views(&whole, &world.views, world.data, &o));
    const int64_t undisturbed = world.judged.passes - before;

    o.state = state_path;
    before = world.judged.passes;
    do {
        left = 50;
        st = igd_evaluate_views(&r, &world.views, world.data, &o);
        assert_true(st == IGD_OK || igd_path_exists(checkpoint) || sittings == 0);
        sittings++;
    } while (st == IGD_ECANCELED && sittings < 100);
    assert_int_equal(st, IGD_OK);
    assert_true(sittings > 5);
    assert_true(world.judged.passes - before < undisturbed * 3 / 2);
    assert_false(igd_path_exists(checkpoint));
    assert_same_flags(whole, r);
    assert_int_equal(igd_result_attack(whole, 0).forwards,
                     igd_result_attack(r, 0).forwards);
    igd_result_free(whole);
    igd_result_free(r);
    free(checkpoint);
}

static void test_evaluate__images_in_flight_of_another_run_start_again(void **state)
{
    (void)state;
    static void (*const damage[])(const char *) = {NULL, flip_a_byte, cut_off, overwrite,
                                                   give_away};
    for (size_t k = 0; k < sizeof(damage) / sizeof(damage[0]); k++) {
        igd_evaluate_options o = one_long_attack("foreign.state");
        igd_result *whole = NULL, *r = NULL;
        char checkpoint[256];
        int left = 1 << 30;
        const char *const state_path = o.state;

        snprintf(checkpoint, sizeof(checkpoint), "%s.checkpoint", state_path);
        o.payload = &left;
        o.state = NULL;
        o.seed = 5;
        assert_ok(igd_evaluate_views(&whole, &world.views, world.data, &o));
        o.state = state_path;
        o.restart = true; // the state of the round before
        left = 50;
        if (damage[k] == NULL)
            o.seed = 6;
        assert_fails(igd_evaluate_views(&r, &world.views, world.data, &o), IGD_ECANCELED,
                     "interrupted");
        if (damage[k] == NULL)
            unlink(state_path); // the images of seed 6 stay without it
        else
            damage[k](checkpoint);
        o.restart = false;
        o.seed = 5;
        left = 1 << 30;
        assert_ok(igd_evaluate_views(&r, &world.views, world.data, &o));
        assert_same_flags(whole, r);
        igd_result_free(whole);
        igd_result_free(r);
    }
}

// What the lines of progress say.
typedef struct line_check {
    char stage[64]; // up to its comma
    double done;
    int lines, stages, parts; // parts: lines between two whole images
} line_check;

static int check_line(const char *stage, double done, double total, void *payload)
{
    line_check *c = payload;
    long long images, of;
    double accuracy = -1.0;
    const size_t length = strcspn(stage, ",");
    assert_true(length < sizeof(c->stage));
    assert_int_equal(sscanf(stage + length, ", %lld/%lld images", &images, &of), 2);
    const char *robust = strstr(stage, "still robust ");
    if (strncmp(stage, "clean,", 6) != 0) {
        assert_non_null(robust);
        assert_int_equal(sscanf(robust, "still robust %lf %%", &accuracy), 1);
        assert_true(accuracy > 0.0 && accuracy <= 90.0); // of these images
        assert_true(strchr("123c", stage[0]) != NULL && strchr(stage, '/') != NULL);
    }
    assert_true(of > 0 && (double)images <= done && done <= total && total == (double)of);
    if (strncmp(c->stage, stage, length) == 0 && c->stage[length] == '\0')
        assert_true(done >= c->done);
    else
        c->stages++;
    snprintf(c->stage, sizeof(c->stage), "%.*s", (int)length, stage);
    c->done = done;
    c->lines++;
    c->parts += done != floor(done);
    return 0;
}

static void test_evaluate__progress_is_never_misleading(void **state)
{
    (void)state;
    igd_evaluate_options o = options("transfer:apgd-ce,square,pgd");
    line_check c = {.done = 0.0};
    o.set = "square.queries=60";
    o.batch_size = 64; // all images finish together
    o.checks = true;
    o.progress = check_line;
    o.payload = &c;
    igd_result_free(evaluate(&world.views, &o));
    // Clean; the gradient attack on planted points; transfers made and judged; two
    // attacks; three checks.
    assert_int_equal(c.stages, 1 + 1 + 2 + 2 + 3);
    assert_true(c.lines > 100 && c.parts > c.lines / 2);
}

static void test_evaluate__state_of_another_run_is_refused(void **state)
{
    (void)state;
    igd_result *r = NULL;
    igd_evaluate_options o = options("apgd-ce");
    int left = 4;
    o.set = "apgd-ce.steps=10";
    o.state = fixture_path("refused.state");
    o.progress = fixture_stop_after;
    o.payload = &left;
    assert_fails(igd_evaluate_views(&r, &world.views, world.data, &o), IGD_ECANCELED,
                 "interrupted");
    assert_null(r);
    o.progress = NULL;

    igd_evaluate_options other = o;
    other.seed = 1;
    assert_fails(igd_evaluate_views(&r, &world.views, world.data, &other), IGD_ESTATE,
                 "seed is 0 there, 1 here");
    other = o;
    other.threat.eps = 0.02;
    assert_fails(igd_evaluate_views(&r, &world.views, world.data, &other), IGD_ESTATE,
                 "threat.eps is 0.03 there, 0.02 here");
    other = o;
    other.set = "apgd-ce.steps=20";
    assert_fails(igd_evaluate_views(&r, &world.views, world.data, &other), IGD_ESTATE,
                 "parameters.steps is 10 there, 20 here");
    igd_views who = world.views;
    who.model_identity = "another";
    assert_fails(igd_evaluate_views(&r, &who, world.data, &o), IGD_ESTATE,
                 "model is \"toy\" there, \"another\" here");

    other.restart = true;
    other.batch_size = 3; // is no part of a run
    assert_ok(igd_evaluate_views(&r, &world.views, world.data, &other));
    igd_result_free(r);

    FILE *f = fopen(o.state, "r+");
    fputs("garbage", f);
    fclose(f);
    assert_fails(igd_evaluate_views(&r, &world.views, world.data, &o), IGD_EFORMAT,
                 "--restart");
}

// --- adversarial sets on disk

static void for_each_set(const char *folder, void (*change)(const char *path))
{
    DIR *d = opendir(folder);
    const struct dirent *entry;
    int num = 0;
    assert_non_null(d);
    while ((entry = readdir(d)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        char *path = igd_path_join(folder, entry->d_name);
        change(path);
        free(path);
        num++;
    }
    closedir(d);
    assert_true(num > 0);
}

static int64_t reused(const igd_result *r)
{
    int64_t sum = 0;
    for (int k = 0; k < r->num_entries; k++)
        sum += r->entries[k].num_columns == 1 ? r->entries[k].cost.reused : 0;
    return sum;
}

static void test_evaluate__base_sets_serve_every_later_run(void **state)
{
    (void)state;
    static void (*const damage[])(const char *) = {flip_a_byte, cut_off, overwrite};
    igd_evaluate_options o = options("transfer:apgd-ce,transfer:autoattack");
    o.set = "square.queries=60,apgd-ce.steps=10,apgd-t.steps=10,fab-t.steps=10";
    o.report = IGD_REPORT_PER_ATTACK;
    o.cache = fixture_path("cache-sets");
    igd_result *first = evaluate(&world.views, &o);
    assert_int_equal(reused(first), 0);

    const int64_t before = world.base.passes;
    igd_result *second = evaluate(&world.views, &o);
    const int64_t speed_and_logits = world.base.passes - before;
    assert_same_flags(first, second);
    assert_true(reused(second) > N);
    assert_true(speed_and_logits < 10 * N); // no attack ran

    // Other settings make other sets.
    igd_evaluate_options other = o;
    other.seed = 9;
    igd_result *third = evaluate(&world.views, &other);
    assert_int_equal(reused(third), 0);
    igd_result_free(third);

    for (size_t k = 0; k < 3; k++) {
        for_each_set(o.cache, damage[k]);
        igd_result *again = evaluate(&world.views, &o);
        assert_same_flags(first, again);
        assert_true(reused(again) < reused(second));
        igd_result_free(again);
    }
    igd_result_free(first);
    igd_result_free(second);
}

// --- saved images

static void test_evaluate__saved_images_are_what_fooled(void **state)
{
    (void)state;
    igd_evaluate_options o = options("pgd,square");
    o.set = "square.queries=50";
    char *path = strdup(fixture_path("adversarial.npy"));
    o.save_adversarial = path;
    igd_result *r = evaluate(&world.views, &o);
    size_t size;
    unsigned char *file = content(path, &size);
    assert_int_equal(size, 128 + sizeof(world.x));
    float saved[N * D];
    memcpy(saved, file + 128, sizeof(saved));
    free(file);
    int columns[2] = {1, 2};
    for (int i = 0; i < N; i++) {
        const bool robust = igd_flags_survives(&r->flags, columns, 2, i, IGD_ONE_SHOT);
        const float *at = saved + i * D;
        assert_int_equal(predict(&world.judged, at) == world.label[i], robust);
        assert_true(igd_ball_norm(at, world.x + i * D, D, IGD_NORM_LINF) <= 0.03 + 1e-6);
        if (robust)
            assert_memory_equal(at, world.x + i * D, D * sizeof(float));
    }
    assert_false(igd_path_exists(fixture_path("adversarial.npy.part")));
    igd_result_free(r);
    free(path);
}

// --- reliability

static void test_evaluate__audit_finds_the_same_flags(void **state)
{
    (void)state;
    igd_evaluate_options o = options("autoattack,transfer:apgd-t");
    o.set = "square.queries=60,apgd-ce.steps=10,apgd-t.steps=10,fab-t.steps=10";
    o.audit = 50.0;
    igd_result *r = evaluate(&world.views, &o);
    const cJSON *audit = cJSON_GetObjectItemCaseSensitive(r->checks, "audit");
    assert_true(cJSON_GetObjectItem(audit, "attacked")->valueint > 20);
    assert_int_equal(cJSON_GetObjectItem(audit, "differences")->valueint, 0);
    assert_false(igd_warned(&r->warnings, IGD_WARN_AUDIT));
    igd_result_free(r);
}

static const char *const all_ids[] = {
    IGD_WARN_RANDOMISED,         IGD_WARN_PROBABILITIES, IGD_WARN_BATCH_DEPENDENT,
    IGD_WARN_FEW_CLASSES,        IGD_WARN_HUGE_RADIUS,   IGD_WARN_ZERO_GRADIENTS,
    IGD_WARN_UNVERIFIED,         IGD_WARN_OUTSIDE,       IGD_WARN_NOT_FINITE,
    IGD_WARN_NOT_DIFFERENTIABLE, IGD_WARN_DYNAMIC};

// Which of the ids above a run raised, as bits.
static unsigned raised(const igd_views *who, const char *attacks)
{
    igd_evaluate_options o = options(attacks);
    o.checks = true;
    igd_result *r = evaluate(who, &o);
    unsigned bits = 0;
    for (size_t k = 0; k < sizeof(all_ids) / sizeof(all_ids[0]); k++)
        bits |= (unsigned)igd_warned(&r->warnings, all_ids[k]) << k;
    igd_result_free(r);
    return bits;
}

static unsigned bit(const char *id)
{
    for (size_t k = 0; k < sizeof(all_ids) / sizeof(all_ids[0]); k++)
        if (strcmp(all_ids[k], id) == 0)
            return 1u << k;
    fail();
    return 0;
}

static igd_tensor *softmax_logits(igd_scope *s, const void *self, const igd_tensor *x,
                                  const igd_draw *draws)
{
    return igt_softmax(s, toy_logits(s, self, x, draws));
}

static igd_tensor *stopped_logits(igd_scope *s, const void *self, const igd_tensor *x,
                                  const igd_draw *draws)
{
    // The gradient is zero everywhere: what is left of it is multiplied by zero.
    igd_tensor *z = toy_logits(s, self, x, draws);
    return igt_add(s, igt_detach(s, z), igt_scale(s, z, 0.0));
}

static igd_tensor *coupled_logits(igd_scope *s, const void *self, const igd_tensor *x,
                                  const igd_draw *draws)
{
    igd_tensor *z = toy_logits(s, self, x, draws);
    return igt_sub(s, z, igt_mean_axis(s, igt_abs(s, z), 0)); // over the batch
}

static void test_evaluate__each_weakness_raises_its_warning(void **state)
{
    (void)state;
    const char *const attacks = "apgd-ce";
    igd_views who = world.undefended;
    toy odd = world.base;
    odd.f.self = &odd;
    who.base = who.judged = &odd.f;

    assert_int_equal(raised(&who, attacks), 0);

    odd.f.logits = softmax_logits;
    assert_true(raised(&who, attacks) & bit(IGD_WARN_PROBABILITIES));
    odd.f.logits = coupled_logits;
    assert_true(raised(&who, attacks) & bit(IGD_WARN_BATCH_DEPENDENT));
    odd.f.logits = stopped_logits;
    assert_int_equal(raised(&who, attacks),
                     bit(IGD_WARN_ZERO_GRADIENTS) | bit(IGD_WARN_HUGE_RADIUS));
    odd.f.logits = toy_logits;
    odd.noise = 0.2f;
    assert_true(raised(&who, attacks) & bit(IGD_WARN_RANDOMISED)); // declared fixed
    odd.f.deterministic = false;
    assert_true(raised(&who, attacks) & bit(IGD_WARN_RANDOMISED));
    assert_false(raised(&who, "apgd-eot") & bit(IGD_WARN_RANDOMISED));
    odd.noise = 0.0f;
    odd.f.deterministic = true;
    odd.f.num_backward_passes = 2;
    assert_int_equal(raised(&who, attacks), bit(IGD_WARN_DYNAMIC));
    odd.f.num_backward_passes = 0;
    odd.f.differentiable = false;
    assert_true(raised(&who, "square") == 0);
}

static igd_tensor *reversed_logits(igd_scope *s, const void *self, const igd_tensor *x,
                                   const igd_draw *draws)
{
    // The gradient points the wrong way.
    igd_tensor *z = toy_logits(s, self, x, draws);
    igd_tensor *back = igt_scale(s, z, -1.0);
    return igt_add(s, igt_detach(s, z), igt_sub(s, back, igt_detach(s, back)));
}

static bool warns(const igd_views *who, const igd_evaluate_options *o, const char *id)
{
    igd_result *r = evaluate(who, o);
    const bool warned = igd_warned(&r->warnings, id);
    igd_result_free(r);
    return warned;
}

// Hidden gradients show by attacks that do without: after gradient attacks, beside them,
// and, in a cascade that begins with the others, by a check of what these fooled.
static void test_evaluate__attacks_without_gradients_that_win_are_told(void **state)
{
    (void)state;
    igd_evaluate_options o = options("transfer:apgd-ce,apgd-ce");
    igd_views who = world.undefended;
    toy honest = world.base, hidden = world.base;
    honest.f.self = &honest;
    hidden.f.self = &hidden;
    hidden.f.logits = reversed_logits;
    o.checks = true;

    who.judged = &honest.f;
    assert_false(warns(&who, &o, IGD_WARN_TRANSFER));
    assert_false(warns(&who, &o, IGD_WARN_STALLED));
    who.judged = &hidden.f;
    igd_result *r = evaluate(&who, &o);
    assert_true(igd_warned(&r->warnings, IGD_WARN_TRANSFER));
    assert_true(igd_warned(&r->warnings, IGD_WARN_STALLED));
    const cJSON *transfer = cJSON_GetObjectItemCaseSensitive(r->checks, "transfer");
    const cJSON *cost = cJSON_GetObjectItemCaseSensitive(r->checks, "cost");
    assert_string_equal(cJSON_GetObjectItem(transfer, "transfer")->valuestring,
                        "transfer:apgd-ce");
    assert_true(cJSON_GetObjectItem(transfer, "robust")->valueint >= 2);
    assert_true(cJSON_GetObjectItem(cost, "backwards")->valueint >=
                100 * cJSON_GetObjectItem(transfer, "images")->valueint);
    igd_result_free(r);

    o.checks = false;
    assert_false(warns(&who, &o, IGD_WARN_TRANSFER)); // nobody has looked
    o.report = IGD_REPORT_PER_ATTACK;
    assert_true(warns(&who, &o, IGD_WARN_TRANSFER));
    o.report = IGD_REPORT_UNION;
    o.attacks = "apgd-ce,square";
    o.set = "square.queries=200";
    assert_true(warns(&who, &o, IGD_WARN_BLACK_BOX));
    who.judged = &honest.f;
    assert_false(warns(&who, &o, IGD_WARN_BLACK_BOX));
}

// What is warned of, and in which words, does not depend on the order of the list.
static void test_evaluate__warnings_do_not_depend_on_the_order(void **state)
{
    (void)state;
    static const char *const lists[][4] = {
        {"apgd-ce,transfer:apgd-ce", "transfer:apgd-ce,apgd-ce", NULL, NULL},
        {"apgd-ce,square", "square,apgd-ce", NULL, NULL},
        {"pgd,apgd-ce,transfer:apgd-ce,square", "square,transfer:apgd-ce,apgd-ce,pgd",
         "transfer:apgd-ce,pgd,square,apgd-ce", "square,pgd,apgd-ce,transfer:apgd-ce"}};
    igd_views who = world.undefended;
    toy hidden = world.base;
    hidden.f.self = &hidden;
    hidden.f.logits = reversed_logits;
    for (int h = 0; h < 2; h++) {
        if (h > 0)
            who.judged = &hidden.f;
        for (size_t k = 0; k < sizeof(lists) / sizeof(lists[0]); k++) {
            char *first = NULL;
            for (int i = 0; i < 4 && lists[k][i] != NULL; i++) {
                igd_evaluate_options o = options(lists[k][i]);
                o.checks = true;
                if (strstr(lists[k][i], "square") != NULL)
                    o.set = "square.queries=100";
                igd_result *r = evaluate(&who, &o);
                char *texts = NULL;
                size_t size = 0;
                FILE *f = open_memstream(&texts, &size);
                for (int w = 0; w < r->warnings.num; w++) {
                    const char *id = r->warnings.item[w].id;
                    if (strcmp(id, IGD_WARN_STALLED) != 0 &&
                        strcmp(id, IGD_WARN_ZERO_GRADIENTS) != 0) // counts of passes
                        fprintf(f, "%s: %s\n", id, r->warnings.item[w].text);
                }
                fclose(f);
                if (h > 0)
                    assert_true(igd_warned(&r->warnings, IGD_WARN_TRANSFER) ||
                                igd_warned(&r->warnings, IGD_WARN_BLACK_BOX));
                if (first == NULL)
                    first = texts;
                else {
                    assert_string_equal(first, texts);
                    free(texts);
                }
                igd_result_free(r);
            }
            free(first);
        }
    }
}

// Cross-entropy always exceeds DLR, so that the point of highest loss was never DLR's:
// the points of both losses are judged, and either may fool.
static void test_evaluate__points_of_both_losses_are_judged(void **state)
{
    (void)state;
    static const char *const lists[] = {"own:apgd-eot", "transfer:apgd-eot"};
    static const char *const halves[] = {"1", "2"};
    for (size_t k = 0; k < 2; k++) {
        igd_evaluate_options o = options(lists[k]);
        char set[80];
        bool fooled[2][N] = {{false}};
        o.set = "apgd-eot.eot=2,apgd-eot.steps=5";
        igd_result *both = evaluate(&world.views, &o);
        for (int h = 0; h < 2; h++) {
            snprintf(set, sizeof(set), "%s,apgd-eot.losses=%s", o.set, halves[h]);
            igd_evaluate_options one = o;
            one.set = set;
            igd_result *r = evaluate(&world.views, &one);
            assert_int_equal(r->flags.num_columns, 2);
            for (int i = 0; i < N; i++)
                fooled[h][i] = igd_flags_column(&r->flags, 1)[i] == IGD_FOOLED;
            igd_result_free(r);
        }
        assert_int_equal(both->flags.num_columns, 3);
        assert_int_equal(both->num_entries, 1);
        const igd_entry *e = &both->entries[0];
        for (int i = 0; i < N; i++)
            assert_int_equal(igd_flags_survives(&both->flags, e->counts, e->num_counts, i,
                                                IGD_ONE_SHOT),
                             igd_flags_correct(&both->flags, 0, i, IGD_ONE_SHOT) &&
                                 !fooled[0][i] && !fooled[1][i]);
        assert_ok(igd_result_save(both, fixture_path("both.json")));
        unsigned char *lines = NULL;
        size_t size;
        assert_ok(
            igd_file_read(&lines, &size, fixture_path("both.images.jsonl"), 1 << 20));
        int named = 0, robust = 0;
        for (const char *p = (const char *)lines; (p = strstr(p, lists[k])) != NULL; p++)
            named++;
        for (const char *p = (const char *)lines; (p = strstr(p, "\"robust\":true")); p++)
            robust++;
        assert_int_equal(robust, (int)(igd_result_worst_acc(both) * N + 0.5));
        assert_true(named > 0);
        free(lines);
        igd_result_free(both);
    }
}

// A classifier that errs at random seems less robust the more often it is looked at, with
// nothing attacked: the expected accuracy hardly moves, and the control shows as much.
static void test_evaluate__looking_more_often_is_no_attack(void **state)
{
    (void)state;
    igd_evaluate_options o = options("fgsm,pgd,apgd-ce,apgd-dlr,apgd-cw,square");
    igd_views who = world.undefended;
    toy noisy = world.base;
    noisy.f.self = &noisy;
    noisy.f.deterministic = false;
    noisy.noise = 0.5f;
    who.judged = who.base = &noisy.f;
    o.report = IGD_REPORT_PER_ATTACK;
    o.threat.eps = 1e-7; // no attack reaches anything
    o.checks = true;
    o.num_draws = 20;
    o.set =
        "pgd.steps=2,apgd-ce.steps=2,apgd-dlr.steps=2,apgd-cw.steps=2,square.queries=2";
    igd_result *r = evaluate(&who, &o);
    cJSON *json = cJSON_Parse(igd_result_json(r));
    const cJSON *random = cJSON_GetObjectItem(json, "randomised");
    const cJSON *control =
        cJSON_GetObjectItem(cJSON_GetObjectItem(json, "checks"), "control");
    assert_int_equal(cJSON_GetArraySize(control), 7); // six attacks, and all together
    const cJSON *all = cJSON_GetArrayItem(control, 6);
    const double clean =
        cJSON_GetObjectItem(cJSON_GetObjectItem(random, "clean"), "expected_acc")
            ->valuedouble;
    const cJSON *worst = cJSON_GetObjectItem(random, "worst");
    const double expected = cJSON_GetObjectItem(worst, "expected_acc")->valuedouble;
    const double once = cJSON_GetObjectItem(worst, "one_shot_acc")->valuedouble;
    const double votes = cJSON_GetObjectItem(all, "votes")->valuedouble;
    assert_true(once < clean - 0.1); // the first draws of six looks and more
    assert_true(expected > once);    // what one look finds
    assert_true(fabs(votes / (20.0 * N) - expected) < 0.05); // and nothing was attacked
    const double hits = cJSON_GetObjectItem(all, "one_shot")->valuedouble;
    assert_true(fabs(hits / N - once) < 0.15);
    const cJSON *interval = cJSON_GetObjectItem(worst, "expected_interval");
    assert_true(cJSON_GetArrayItem(interval, 0)->valuedouble < expected);
    assert_true(cJSON_GetArrayItem(interval, 1)->valuedouble > expected);
    assert_non_null(strstr(igd_result_text(r), "expected"));
    assert_non_null(strstr(igd_result_text(r), "without attack"));
    cJSON_Delete(json);
    igd_result_free(r);
}

// On copies in which an adversarial point is planted, attacks find one where the model
// shows its gradients, and miss it where it hides them.
static void test_evaluate__attacks_that_miss_planted_points_are_told(void **state)
{
    (void)state;
    igd_evaluate_options o = options("pgd,apgd-ce,apgd-dlr,apgd-t,fab-t,square");
    igd_views who = world.undefended;
    toy honest = world.base, hidden = world.base, flat = world.base;
    honest.f.self = &honest;
    hidden.f.self = &hidden;
    hidden.f.logits = reversed_logits;
    flat.f.self = &flat;
    flat.scale = 1e5f; // cross-entropy is saturated: its gradient is exactly zero
    o.checks = true;
    o.threat.eps = 0.1;
    o.set = "square.queries=100";

    who.judged = &honest.f;
    igd_result *r = evaluate(&who, &o);
    const cJSON *list = cJSON_GetObjectItem(r->checks, "planted");
    assert_int_equal(cJSON_GetArraySize(list), 5); // gradient attacks
    for (int k = 0; k < 5; k++) {
        const cJSON *item = cJSON_GetArrayItem(list, k);
        assert_true(cJSON_GetObjectItem(item, "images")->valueint >= 2);
        assert_int_equal(cJSON_GetObjectItem(item, "found")->valueint,
                         cJSON_GetObjectItem(item, "images")->valueint);
    }
    assert_false(igd_warned(&r->warnings, IGD_WARN_PLANTED));
    igd_result_free(r);
    honest.f.deterministic = false;
    honest.noise = 0.01f;
    assert_false(warns(&who, &o, IGD_WARN_PLANTED));

    who.judged = &hidden.f;
    r = evaluate(&who, &o);
    list = cJSON_GetObjectItem(r->checks, "planted");
    for (int k = 0; k < 5; k += 4) // apgd-ce and pgd
        assert_true(cJSON_GetObjectItem(cJSON_GetArrayItem(list, k), "found")->valueint <
                    cJSON_GetObjectItem(cJSON_GetArrayItem(list, k), "images")->valueint);
    assert_true(igd_warned(&r->warnings, IGD_WARN_PLANTED));
    igd_result_free(r);
    who.judged = &flat.f;
    o.attacks = "apgd-ce";
    o.set = NULL;
    assert_true(warns(&who, &o, IGD_WARN_PLANTED));
    o.checks = false;
    assert_false(warns(&who, &o, IGD_WARN_PLANTED));
}

static void test_evaluate__too_few_steps_are_told(void **state)
{
    (void)state;
    igd_evaluate_options o = options("pgd");
    o.checks = true;
    o.threat.eps = 0.1;
    o.set = "pgd.steps=5,pgd.step_size=0.1,pgd.last=1";
    assert_true(warns(&world.undefended, &o, IGD_WARN_NO_SATURATION));
    o.set = "pgd.steps=50,pgd.step_size=0.25";
    assert_false(warns(&world.undefended, &o, IGD_WARN_NO_SATURATION));
}

static void test_evaluate__too_few_classes_for_dlr_are_told(void **state)
{
    (void)state;
    const int64_t shape[3] = {1, 1, D};
    int32_t label[N];
    igd_dataset *data = NULL;
    igd_result *r = NULL;
    toy t;
    toy_make(&t, D, H, 3, world.w, world.b, world.w2);
    for (int i = 0; i < N; i++)
        label[i] = world.label[i] % 3;
    igd_views who = world.undefended;
    who.base = who.judged = &t.f;
    assert_ok(igd_dataset_from_floats(&data, world.x, label, N, shape, 3));
    igd_evaluate_options o = options("apgd-t");
    o.set = "apgd-t.steps=5";
    assert_ok(igd_evaluate_views(&r, &who, data, &o));
    assert_true(igd_warned(&r->warnings, IGD_WARN_FEW_CLASSES));
    igd_result_free(r);
    igd_dataset_free(data);
}

static void test_evaluate__a_wrong_clean_accuracy_stops_early(void **state)
{
    (void)state;
    igd_result *r = NULL;
    igd_evaluate_options o = options("apgd-ce");
    o.expect_clean = 0.5;
    const int64_t before = world.base.passes;
    assert_fails(igd_evaluate_views(&r, &world.undefended, world.data, &o), IGD_ECHECK,
                 "0.9000 where 0.5000");
    assert_true(world.base.passes - before < 12 * N);
    o.expect_clean = 0.895;
    o.set = "apgd-ce.steps=2";
    assert_ok(igd_evaluate_views(&r, &world.undefended, world.data, &o));
    igd_result_free(r);
}

// --- misuse

static void fails_with(const igd_evaluate_options *o, const char *text)
{
    igd_result *r = NULL;
    assert_fails(igd_evaluate_views(&r, &world.views, world.data, o), IGD_EINVAL, text);
    assert_null(r);
}

static void test_evaluate__bad_options_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *attacks, *set, *text;
    } lists[] = {
        {"apgd-c", NULL, "did you mean 'apgd-ce'"},
        {"autoatack", NULL, "did you mean 'autoattack'"},
        {"", NULL, "no list"},
        {"apgd-ce,,pgd", NULL, "no list"},
        {"pgd,pgd", NULL, "listed twice"},
        {"surrogate:pgd", NULL, "needs a defense whose pseudo-label"},
        {"pgd", "pgd.step=3", "did you mean 'steps'"},
        {"pgd", "pgd.steps=x", "not a number"},
        {"pgd", "pgd.steps", "ATTACK.PARAMETER=VALUE"},
        {"pgd", "fgsm.steps=3", "no such attack in the list"},
        {"pgd", "pgd.steps=0", "outside"},
    };
    igd_evaluate_options o;
    for (size_t k = 0; k < sizeof(lists) / sizeof(lists[0]); k++) {
        o = options(lists[k].attacks);
        o.set = lists[k].set;
        fails_with(&o, lists[k].text);
    }
    o = options("clean");
    o.threat.eps = 8.0;
    fails_with(&o, "8/255");
    o.threat.eps = -1.0;
    fails_with(&o, "eps is -1");
    o = options("clean");
    o.batch_size = 0;
    fails_with(&o, "batch size is 0");
    o = options("clean");
    o.audit = 101.0;
    fails_with(&o, "audit");
    o = options("clean");
    o.num_draws = 256;
    fails_with(&o, "draws");
}

static void test_evaluate__unwritable_files_show_before_the_work(void **state)
{
    (void)state;
    igd_result *r = NULL;
    igd_evaluate_options o = options("transfer:apgd-ce");
    const int64_t before = world.judged.passes;
    o.state = "/nonexistent/x.state";
    assert_fails(igd_evaluate_views(&r, &world.views, world.data, &o), IGD_EIO,
                 "/nonexistent/x.state");
    o.state = NULL;
    o.cache = "/nonexistent/cache";
    assert_fails(igd_evaluate_views(&r, &world.views, world.data, &o), IGD_EIO,
                 "/nonexistent/cache");
    o.cache = NULL;
    o.save_adversarial = "/nonexistent/x.npy";
    assert_fails(igd_evaluate_views(&r, &world.views, world.data, &o), IGD_EIO,
                 "/nonexistent/x.npy");
    assert_int_equal(world.judged.passes, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_evaluate__linear_models_reach_the_closed_form),
        TENSOR_TEST(test_evaluate__clean_accuracy_and_predictions),
        TENSOR_TEST(test_evaluate__worst_case_is_the_union_of_full_runs),
        TENSOR_TEST(test_evaluate__flags_do_not_depend_on_batches_or_shortcuts),
        TENSOR_TEST(test_evaluate__parts_join_to_the_whole),
        TENSOR_TEST(test_evaluate__random_classifiers_are_judged_three_ways),
        TENSOR_TEST(test_evaluate__an_interrupted_run_goes_on_to_the_same_flags),
        TENSOR_TEST(test_evaluate__killed_at_any_moment_the_flags_stay),
        TENSOR_TEST(test_evaluate__an_attack_goes_on_inside_a_batch),
        TENSOR_TEST(test_evaluate__images_in_flight_of_another_run_start_again),
        TENSOR_TEST(test_evaluate__progress_is_never_misleading),
        TENSOR_TEST(test_evaluate__state_of_another_run_is_refused),
        TENSOR_TEST(test_evaluate__base_sets_serve_every_later_run),
        TENSOR_TEST(test_evaluate__saved_images_are_what_fooled),
        TENSOR_TEST(test_evaluate__audit_finds_the_same_flags),
        TENSOR_TEST(test_evaluate__each_weakness_raises_its_warning),
        TENSOR_TEST(test_evaluate__attacks_without_gradients_that_win_are_told),
        TENSOR_TEST(test_evaluate__warnings_do_not_depend_on_the_order),
        TENSOR_TEST(test_evaluate__points_of_both_losses_are_judged),
        TENSOR_TEST(test_evaluate__looking_more_often_is_no_attack),
        TENSOR_TEST(test_evaluate__attacks_that_miss_planted_points_are_told),
        TENSOR_TEST(test_evaluate__too_few_steps_are_told),
        TENSOR_TEST(test_evaluate__too_few_classes_for_dlr_are_told),
        TENSOR_TEST(test_evaluate__a_wrong_clean_accuracy_stops_early),
        TENSOR_TEST(test_evaluate__bad_options_are_refused),
        TENSOR_TEST(test_evaluate__unwritable_files_show_before_the_work),
    };
    world_make();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    igd_dataset_free(world.data);
    return failed;
}
