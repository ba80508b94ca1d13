// What evaluations leave in files: a run that is stopped or killed goes on from its
// state, adversarial sets are used again, and nothing damaged or foreign is.
#include "evaluate_fixture.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.h"

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

// Runs in a child that is killed after so many moments, 0 for never; whether it came to
// its end. *took are the moments that it had until then.
static bool run_and_kill(const igd_evaluate_options *o, const char *result, int after,
                         int *took)
{
    int status = 0, ends[2];
    fflush(NULL);
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        igd_result *r = NULL;
        const int begin = moments;
        last_moment = after > 0 ? begin + after : 0;
        if (igd_evaluate_views(&r, &world.views, world.data, o) != IGD_OK) {
            fprintf(stderr, "%s\n", igd_error_message());
            _exit(9);
        }
        const int all = moments - begin;
        if (write(ends[1], &all, sizeof(all)) != sizeof(all))
            _exit(7);
        _exit(igd_result_save(r, result) == IGD_OK ? 0 : 8);
    }
    close(ends[1]);
    *took = 0;
    const ssize_t got = read(ends[0], took, sizeof(*took)); // nothing where it is killed
    assert_true(got == 0 || got == sizeof(*took));
    close(ends[0]);
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
// nobody disturbed. That one is a child too: with libtorch 2.6 of Debian no child
// differentiates once its parent has.
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
    char *path_whole = strdup(fixture_path("whole.json"));
    char *saved = strdup(fixture_path("killed.npy"));
    char *state_path = strdup(fixture_path("killed.state"));
    unlink(state_path); // of the call before
    o.save_adversarial = saved;
    int took, ignored;
    assert_true(run_and_kill(&o, path_whole, 0, &took) && took > 0);
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
        if (run_and_kill(&o, path, (int)(took * (0.02 + 0.25 * share + 0.01 * kills)),
                         &ignored))
            break;
        assert_true(kills < 200);
    }
    assert_true(kills >= 3);
    const char *const paths[1] = {path};
    igd_result *killed = NULL, *whole = NULL;
    assert_ok(igd_result_load(&whole, path_whole));
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
    free(path_whole);
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
                 "option restart");
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
        TENSOR_TEST(test_evaluate__killed_at_any_moment_the_flags_stay), // before others
        TENSOR_TEST(test_evaluate__an_interrupted_run_goes_on_to_the_same_flags),
        TENSOR_TEST(test_evaluate__an_attack_goes_on_inside_a_batch),
        TENSOR_TEST(test_evaluate__images_in_flight_of_another_run_start_again),
        TENSOR_TEST(test_evaluate__state_of_another_run_is_refused),
        TENSOR_TEST(test_evaluate__base_sets_serve_every_later_run),
        TENSOR_TEST(test_evaluate__saved_images_are_what_fooled),
        TENSOR_TEST(test_evaluate__unwritable_files_show_before_the_work),
    };
    world_make();
    world.base.f.logits = world.judged.f.logits = mortal_logits;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    igd_dataset_free(world.data);
    return failed;
}
