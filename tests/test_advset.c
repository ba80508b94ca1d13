// Adversarial sets that several processes make at once, on a file system without locks.
#include "fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/claim.h"
#include "core/file.h"
#include "evaluate/advset.h"
#include "without_locks.h"

#define N 40
#define D 3
#define PROCESSES 6

static const char key[] =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static float brightness; // of all images: another is another data set

static void image_of(float x[D], int64_t index)
{
    for (int k = 0; k < D; k++)
        x[k] = brightness + (float)(index * D + k) / (N * D * 2.0f);
}

static void point_of(float x_adv[D], int64_t index)
{
    image_of(x_adv, index);
    x_adv[0] += 0.01f;
}

// Images that are there; each is what it must be, or the process ends.
static int num_there(igd_advset *s, const int64_t *index, int64_t n)
{
    int num = 0;
    for (int64_t i = 0; i < n; i++) {
        float x[D], expected[D], found_point[D];
        igd_adversarial record;
        bool found = false;
        image_of(x, index[i]);
        point_of(expected, index[i]);
        if (igd_advset_get(s, i, x, &record, found_point, &found) != IGD_OK)
            _exit(3);
        if (found && (memcmp(found_point, expected, sizeof(expected)) != 0 ||
                      record.forwards != index[i]))
            _exit(4);
        num += found;
    }
    return num;
}

// Makes what is missing, a line in `log` for each; slowly, so that others come in
// between.
static void make_missing(igd_advset *s, const int64_t *index, int64_t n, const char *log)
{
    const struct timespec moment = {.tv_nsec = 2000000};
    const int file = open(log, O_WRONLY | O_APPEND | O_CREAT, 0666);
    for (int64_t i = 0; i < n; i++) {
        float x[D], x_adv[D];
        char line[32];
        if (igd_advset_has(s, i))
            continue;
        image_of(x, index[i]);
        point_of(x_adv, index[i]);
        const igd_adversarial record = {.fooled = true, .forwards = index[i]};
        const int length = snprintf(line, sizeof(line), "%lld\n", (long long)index[i]);
        if (igd_advset_put(s, i, x, &record, x_adv) != IGD_OK ||
            write(file, line, (size_t)length) != length)
            _exit(5);
        nanosleep(&moment, NULL);
    }
    close(file);
}

// What a run does about its images.
static int work(const char *folder, const int64_t *index, int64_t n, const char *log)
{
    const struct timespec moment = {.tv_nsec = 5000000};
    char who[300];
    igd_advset *s = NULL;
    bool mine = false;
    if (igd_advset_open(&s, folder, key, index, n, D) != IGD_OK)
        return 1;
    while (!mine) {
        if (igd_advset_claim(s, &mine, who, sizeof(who)) != IGD_OK)
            return 2;
        if (!mine)
            nanosleep(&moment, NULL);
    }
    if (igd_advset_refresh(s) != IGD_OK)
        return 2;
    make_missing(s, index, n, log);
    const int there = num_there(s, index, n);
    igd_advset_free(s);
    return there == n ? 0 : 6;
}

static void wait_for_all(const pid_t *children, int num)
{
    for (int k = 0; k < num; k++) {
        int code = -1;
        assert_int_equal(waitpid(children[k], &code, 0), children[k]);
        assert_int_equal(code, 0);
    }
}

static int num_lines(const char *path, int counts[N])
{
    int num = 0;
    char line[32];
    FILE *f = fopen(path, "r");
    memset(counts, 0, N * sizeof(*counts));
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        counts[atoi(line)]++;
        num++;
    }
    if (f != NULL)
        fclose(f);
    return num;
}

static char folder[256], log_path[512];

static void begin(const char *name)
{
    snprintf(folder, sizeof(folder), "%s", fixture_path(name));
    assert_int_equal(mkdir(folder, 0700), 0);
    snprintf(log_path, sizeof(log_path), "%s/log", folder);
}

static void fill(int64_t *index, int64_t first, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        index[i] = first + i;
}

static void test_advset__of_the_same_images_is_made_once(void **state)
{
    (void)state;
    int64_t index[N];
    pid_t children[PROCESSES];
    int counts[N];
    begin("same");
    fill(index, 0, N);
    for (int k = 0; k < PROCESSES; k++)
        if ((children[k] = fork()) == 0)
            _exit(work(folder, index, N, log_path));
    wait_for_all(children, PROCESSES);
    assert_int_equal(num_lines(log_path, counts), N);
    for (int i = 0; i < N; i++)
        assert_int_equal(counts[i], 1);
}

// Of those that look at the very moment in which one claims a set, two may make it.
static void test_advset__is_made_without_hard_links(void **state)
{
    (void)state;
    int64_t index[N];
    pid_t children[PROCESSES];
    int counts[N];
    char who[300], path[512];
    igd_claim *c = NULL, *second = NULL;
    begin("links");
    fill(index, 0, N);
    without_links = true;
    for (int k = 0; k < PROCESSES; k++)
        if ((children[k] = fork()) == 0)
            _exit(work(folder, index, N, log_path));
    wait_for_all(children, PROCESSES);
    assert_in_range(num_lines(log_path, counts), N, PROCESSES * N);
    for (int i = 0; i < N; i++)
        assert_int_not_equal(counts[i], 0);
    snprintf(path, sizeof(path), "%s/x.claim", folder);
    assert_ok(igd_claim_try(&c, path, who, sizeof(who)));
    assert_non_null(c);
    assert_ok(igd_claim_try(&second, path, who, sizeof(who)));
    assert_null(second);
    igd_claim_free(c);
    assert_false(igd_path_exists(path));
    without_links = false;
}

static void test_advset__of_parts_is_made_side_by_side(void **state)
{
    (void)state;
    enum { PARTS = 4, SIZE = N / PARTS };
    int64_t index[PARTS][SIZE], all[N];
    pid_t children[PARTS];
    int counts[N];
    igd_advset *s = NULL;
    begin("parts");
    for (int k = 0; k < PARTS; k++) {
        fill(index[k], k * SIZE, SIZE);
        if ((children[k] = fork()) == 0)
            _exit(work(folder, index[k], SIZE, log_path));
    }
    wait_for_all(children, PARTS);
    assert_int_equal(num_lines(log_path, counts), N);
    // One run on all images finds what the parts made; one beside them nothing.
    fill(all, 0, N);
    assert_ok(igd_advset_open(&s, folder, key, all, N, D));
    assert_int_equal(num_there(s, all, N), N);
    igd_advset_free(s);
    fill(all, N, N);
    assert_ok(igd_advset_open(&s, folder, key, all, N, D));
    for (int64_t i = 0; i < N; i++)
        assert_false(igd_advset_has(s, i));
    igd_advset_free(s);
}

// A process that is killed while it makes a set leaves its claim and half a record.
static void test_advset__of_a_killed_process_is_completed(void **state)
{
    (void)state;
    int64_t index[N];
    int counts[N], code = -1, ready[2];
    char byte = 0;
    begin("killed");
    fill(index, 0, N);
    assert_int_equal(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
        igd_advset *s = NULL;
        bool mine = false;
        char who[300];
        if (igd_advset_open(&s, folder, key, index, N, D) != IGD_OK ||
            igd_advset_claim(s, &mine, who, sizeof(who)) != IGD_OK || !mine)
            _exit(1);
        make_missing(s, index, N / 2, log_path);
        _exit(write(ready[1], "x", 1) == 1 && pause() != 0 ? 1 : 0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    igd_advset *s = NULL;
    bool mine = true;
    char who[300] = "", expected[64];
    assert_ok(igd_advset_open(&s, folder, key, index, N, D));
    assert_ok(igd_advset_claim(s, &mine, who, sizeof(who)));
    assert_false(mine); // it lives
    snprintf(expected, sizeof(expected), "process %ld on ", (long)child);
    assert_non_null(strstr(who, expected));
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_ok(igd_advset_claim(s, &mine, who, sizeof(who)));
    assert_true(mine);
    assert_int_equal(num_there(s, index, N), N / 2);
    make_missing(s, index, N, log_path);
    assert_int_equal(num_there(s, index, N), N);
    igd_advset_free(s);
    assert_int_equal(num_lines(log_path, counts), N);
    for (int i = 0; i < N; i++)
        assert_int_equal(counts[i], 1);
}

// Files of sets in the folder; `path` [512] is that of one.
static int num_files(char *path)
{
    int num = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        const size_t length = strlen(e->d_name);
        if (length < 4 || strcmp(e->d_name + length - 4, ".adv") != 0)
            continue;
        snprintf(path, 512, "%s/%s", folder, e->d_name);
        num++;
    }
    closedir(dir);
    return num;
}

static void flip_bit(const char *path, long at)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    const int byte = fgetc(f);
    assert_int_equal(fseek(f, -1, SEEK_CUR), 0);
    fputc(byte ^ 4, f);
    assert_int_equal(fclose(f), 0);
}

// How many images are found before anything is made anew.
static int found_at_first(const int64_t *index)
{
    igd_advset *s = NULL;
    assert_ok(igd_advset_open(&s, folder, key, index, N, D));
    const int num = num_there(s, index, N);
    make_missing(s, index, N, log_path);
    assert_int_equal(num_there(s, index, N), N);
    igd_advset_free(s);
    return num;
}

static void test_advset__damage_is_made_again_in_its_place(void **state)
{
    (void)state;
    int64_t index[N];
    int counts[N];
    char path[512];
    begin("damage");
    fill(index, 0, N);
    assert_int_equal(found_at_first(index), 0);
    assert_int_equal(num_files(path), 1);
    flip_bit(path, -1); // of the last point
    assert_int_equal(found_at_first(index), N - 1);
    assert_int_equal(num_files(path), 1);
    assert_int_equal(found_at_first(index), N);
    assert_int_equal(num_lines(log_path, counts), N + 1);
    // A file whose beginning is damaged is nobody's.
    flip_bit(path, 30);
    assert_int_equal(found_at_first(index), 0);
    assert_int_equal(num_files(path), 1);
    assert_int_equal(found_at_first(index), N);
}

static void test_advset__other_pixels_hide_nothing(void **state)
{
    (void)state;
    int64_t index[N];
    char path[512];
    begin("pixels");
    fill(index, 0, N);
    for (int k = 0; k < 4; k++) {
        brightness = 0.1f * (float)k;
        assert_int_equal(found_at_first(index), 0);
    }
    for (int k = 0; k < 4; k++) {
        brightness = 0.1f * (float)k;
        assert_int_equal(found_at_first(index), N);
    }
    assert_int_equal(num_files(path), 4);
    brightness = 0;
}

static void test_advset__claims_of_other_hosts_end_in_silence(void **state)
{
    (void)state;
    char who[300], path[512];
    igd_claim *c = NULL;
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    begin("hosts");
    snprintf(path, sizeof(path), "%s/x.claim", folder);
    FILE *f = fopen(path, "w");
    fputs("process 1 on another-host.example since 5\n", f);
    fclose(f);
    assert_true(igd_claim_held(path, who, sizeof(who)));
    assert_string_equal(who, "process 1 on another-host.example");
    assert_ok(igd_claim_try(&c, path, who, sizeof(who)));
    assert_null(c);
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    assert_false(igd_claim_held(path, who, sizeof(who)));
    assert_ok(igd_claim_try(&c, path, who, sizeof(who)));
    assert_non_null(c);
    igd_claim_free(c);
    assert_false(igd_path_exists(path));
    igd_claim_free(NULL);
    // One that cannot be read when it is given back: this process must not wait for
    // itself.
    assert_ok(igd_claim_try(&c, path, who, sizeof(who)));
    assert_non_null(c);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("elsewhere", path), 0); // links are not followed
    igd_claim_free(c);
    struct stat info;
    assert_int_equal(lstat(path, &info), -1);
    // A process of this host and number, but another beginning, is gone.
    char host[256] = "";
    assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
    f = fopen(path, "w");
    fprintf(f, "process %ld on %s since 5\n", (long)getpid(), host);
    fclose(f);
    assert_false(igd_claim_held(path, who, sizeof(who)));
    f = fopen(path, "w");
    fputs("process", f);
    fclose(f);
    assert_false(igd_claim_held(path, who, sizeof(who)));
    assert_fails(igd_claim_try(&c, "/nonexistent/x.claim", who, sizeof(who)), IGD_EIO,
                 "x.claim");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_advset__of_the_same_images_is_made_once),
        cmocka_unit_test(test_advset__is_made_without_hard_links),
        cmocka_unit_test(test_advset__of_parts_is_made_side_by_side),
        cmocka_unit_test(test_advset__of_a_killed_process_is_completed),
        cmocka_unit_test(test_advset__damage_is_made_again_in_its_place),
        cmocka_unit_test(test_advset__other_pixels_hide_nothing),
        cmocka_unit_test(test_advset__claims_of_other_hosts_end_in_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
