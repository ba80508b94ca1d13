// Kills, faults and mutations: whatever happens to a run or to its files, it ends with
// the numbers of a run that nobody disturbed, or with an error; nothing crashes, and
// nothing is left behind. usage: torture KILLS FAULTS MUTATIONS [SEED]
#define N 24
#include "evaluate_fixture.h"
#include "faults.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/file.h"
#include "core/folder.h"
#include "core/seal.h"
#include "rank/ranking_impl.h"
#include "rank/rows.h"

#define MOST_FILE ((size_t)1 << 24)
#define MOST_EDITS 4
#define BATCH 200 // mutations of files that are only read, in one child

static char *folder; // of the run's files, where TMPDIR says

static struct {
    long kills, faults, mutations; // done
    long refused;                  // runs that ended with an error, and files not taken
    long wrong, crashes, left;
} counts;

// --- chance

static uint64_t seed = 1;
static int64_t asked;

static uint32_t chance(uint32_t below)
{
    uint32_t word;
    const igd_stream s = igd_stream_make(seed, "torture", asked++, 0);
    igd_random_words(&word, 1, &s, 0);
    return word % below;
}

// --- the run

static const char *const names[] = {"r.json",  "r.images.jsonl",     "x.npy",
                                    "r.state", "r.state.checkpoint", "x.npy.part",
                                    "cache"};
enum { RESULT, LINES, SAVED, STATE, CHECKPOINT, PART, CACHE, NUM_NAMES };

static char paths[NUM_NAMES][600];

// @return 0, 1 after an error with a message, 2 after one without
static int run(void)
{
    igd_evaluate_options o = options("pgd,transfer:apgd-ce,square");
    igd_result *r = NULL;
    o.set = "pgd.steps=10,square.queries=60,apgd-ce.steps=10";
    o.batch_size = 4;
    o.save_seconds = 0.0;
    o.state = paths[STATE];
    o.cache = paths[CACHE];
    o.save_adversarial = paths[SAVED];
    if (igd_evaluate_views(&r, &world.views, world.data, &o) != IGD_OK ||
        igd_result_save(r, paths[RESULT]) != IGD_OK) {
        const bool said = igd_error_message()[0] != '\0';
        igd_result_free(r);
        return said ? 1 : 2;
    }
    igd_result_free(r);
    return unlink(paths[STATE]) == 0 ? 0 : 1;
}

static bool fresh = true; // whether the next run finds no files of another

static void clear(void)
{
    fresh = true;
    igd_folder_remove(paths[CACHE]);
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        char *path = igd_path_join(folder, e->d_name);
        if (e->d_name[0] != '.')
            unlink(path);
        free(path);
    }
    closedir(d);
}

// The files of the run that nobody disturbed.
static struct content {
    unsigned char *data;
    size_t size;
} wanted[NUM_NAMES];

static struct content get(const char *path)
{
    struct content c = {0};
    if (igd_path_exists(path))
        assert_ok(igd_file_read(&c.data, &c.size, path, MOST_FILE));
    return c;
}

static void put(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static bool same_as_wanted(int name)
{
    struct content c = get(paths[name]);
    const bool same = c.data != NULL && c.size == wanted[name].size &&
                      memcmp(c.data, wanted[name].data, c.size) == 0;
    free(c.data);
    return same;
}

static void complain(const char *what, const char *detail)
{
    printf("seed %llu, after %lld draws: %s %s\n", (unsigned long long)seed,
           (long long)asked, what, detail);
    fflush(stdout);
}

// What a run that came to its end must have left.
static void judge(const char *what)
{
    if (!same_as_wanted(LINES) || !same_as_wanted(SAVED)) {
        counts.wrong++;
        complain(what, "ended with other numbers");
    }
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        bool expected = e->d_name[0] == '.' || strcmp(e->d_name, names[CACHE]) == 0;
        for (int k = RESULT; k <= SAVED; k++)
            expected = expected || strcmp(e->d_name, names[k]) == 0;
        if (!expected) {
            counts.left++;
            complain(what, e->d_name);
        }
    }
    closedir(d);
}

// Where a run writes how many calls it made. Every run is a child's: with libtorch 2.6 of
// Debian no child differentiates once its parent has.
static int report = -1;

static sigset_t child_ends; // SIGCHLD, which is blocked
static bool killed;         // whether that is how the last child ended

static pid_t start(void)
{
    fflush(NULL);
    fresh = false;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return child;
    memset(calls, 0, sizeof(calls));
    const int code = run();
    long made[NUM_KINDS];
    for (int k = 0; k < NUM_KINDS; k++)
        made[k] = calls[k];
    if (report >= 0 && write(report, made, sizeof(made)) != sizeof(made))
        _exit(2);
    _exit(code);
}

// Whether the child came to its end without an error.
static bool finished(pid_t child, const char *what)
{
    static const struct timespec now;
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    sigtimedwait(&child_ends, NULL, &now); // nobody is to be woken by it later
    killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    if (killed)
        return false;
    if (WIFSIGNALED(status) || WEXITSTATUS(status) > 1) {
        counts.crashes++;
        complain(what, WIFSIGNALED(status) ? "crashed" : "gave no message");
        return false;
    }
    counts.refused += WEXITSTATUS(status) == 1;
    return WEXITSTATUS(status) == 0;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// --- kills

static double took; // how long a run takes that nobody disturbs, as far as seen

// Starts a run and kills it after a part of that time, unless it ends before. Whether it
// came to its end.
static bool kill_one(double part)
{
    const double wait = took * part, begin = seconds();
    const struct timespec t = {(time_t)wait, (long)((wait - floor(wait)) * 1e9)};
    const bool whole = fresh;
    const pid_t child = start();
    sigtimedwait(&child_ends, NULL, &t);
    kill(child, SIGKILL);
    const bool done = finished(child, "a killed run");
    // The machine may have more time for us than it had, or less.
    if (done && whole)
        took = seconds() - begin;
    else if (killed)
        took *= 1.01;
    return done;
}

static void kill_runs(long num)
{
    while (counts.kills < num) {
        const bool done = kill_one(chance(1000) / 1000.0);
        counts.kills += killed;
        // Now and then a run is let alone; most are killed several times.
        if (done || (chance(4) == 0 && finished(start(), "a resumed run"))) {
            judge("a run after kills");
            clear();
        }
    }
    if (finished(start(), "a resumed run"))
        judge("a run after kills");
    clear();
}

// --- faults

static void fail_runs(long num, const long *made)
{
    while (counts.faults < num) {
        faulty = (kind)chance(NUM_KINDS);
        if (made[faulty] == 0)
            continue;
        faulty_call = 1 + chance((uint32_t)made[faulty]);
        const bool done = finished(start(), "a run with a fault");
        faulty = NUM_KINDS;
        counts.faults++;
        if (done || finished(start(), "a run after a fault"))
            judge("a run after a fault");
        else
            counts.wrong++, complain("a run after a fault", "did not end");
        clear();
    }
}

// --- mutations

// One edit: of a bit, a byte, four bytes, or the length. `data` has room for 64 more.
static size_t edit(unsigned char *data, size_t size)
{
    const size_t at = size > 0 ? chance((uint32_t)size) : 0;
    const unsigned char byte = (unsigned char)chance(256);
    switch (size == 0 ? 4 : chance(6)) {
    case 0:
        data[at] ^= (unsigned char)(1u << chance(8));
        return size;
    case 1:
        data[at] = byte;
        return size;
    case 2:
        for (size_t i = at; i < at + 4 && i < size; i++)
            data[i] = byte;
        return size;
    case 3:
        return at;
    case 4:
        memmove(data + at + 1, data + at, size - at);
        data[at] = byte;
        return size + 1;
    default: {
        const size_t piece = chance(64) < size - at ? 1 : size - at < 63 ? size - at : 63;
        memmove(data + at + piece, data + at, size - at);
        return size + piece;
    }
    }
}

static struct content mutated(const struct content *from)
{
    struct content c = {malloc(from->size + 64 * MOST_EDITS), from->size};
    assert_non_null(c.data);
    memcpy(c.data, from->data, from->size);
    const int num = chance(2) == 0 ? 1 : 1 + (int)chance(MOST_EDITS);
    for (int k = 0; k < num; k++)
        c.size = edit(c.data, c.size);
    return c;
}

// What an interrupted run leaves: one file of each kind that is read back.
static struct content stock[NUM_NAMES], sets[8];
static char set_paths[8][900];
static int num_sets;

static bool take_stock(void)
{
    for (int k = STATE; k <= PART; k++) {
        free(stock[k].data);
        stock[k] = get(paths[k]);
    }
    while (num_sets > 0)
        free(sets[--num_sets].data);
    DIR *d = opendir(paths[CACHE]);
    for (const struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.' && num_sets < 8) {
            snprintf(set_paths[num_sets], sizeof(set_paths[0]), "%s/%s", paths[CACHE],
                     e->d_name);
            sets[num_sets] = get(set_paths[num_sets]);
            num_sets++;
        }
    if (d != NULL)
        closedir(d);
    return stock[STATE].data != NULL && stock[CHECKPOINT].data != NULL &&
           stock[PART].data != NULL && num_sets > 0;
}

static void interrupt(void)
{
    for (int i = 0; i < 500; i++) {
        clear();
        if (!kill_one(0.3 + 0.6 * chance(1000) / 1000.0) && take_stock())
            return;
    }
    fail_msg("no run was interrupted with all of its files");
}

static void put_stock(int changed)
{
    static const struct timespec long_ago[2];
    mkdir(paths[CACHE], 0777);
    for (int k = STATE; k <= PART; k++) {
        struct content c = k == changed ? mutated(&stock[k]) : stock[k];
        put(paths[k], c.data, c.size);
        chmod(paths[k], 0600);
        if (k == changed)
            free(c.data);
    }
    for (int k = 0; k < num_sets; k++) {
        struct content c = changed == CACHE ? mutated(&sets[k]) : sets[k];
        put(set_paths[k], c.data, c.size);
        // A claim whose changed text names another host is waited for until it is old.
        assert_int_equal(utimensat(AT_FDCWD, set_paths[k], long_ago, 0), 0);
        if (changed == CACHE)
            free(c.data);
    }
}

static void mutate_runs(long num)
{
    static const int changed[] = {STATE, CHECKPOINT, PART, CACHE};
    for (long m = 0; m < num; m++) {
        clear();
        put_stock(changed[m % 4]);
        counts.mutations++;
        if (finished(start(), "a run on a changed file"))
            judge("a run on a changed file");
    }
    clear();
}

// --- files that are only read

static struct content files[5];
static char *whole; // JSON of the result that nobody changed
static igd_ranking *ranking;
static const char made_by[] =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static bool same_scores(const igd_ranking *a, const igd_ranking *b)
{
    const size_t cells = (size_t)a->num_classes * (size_t)a->num_neurons;
    return a->num_classes == b->num_classes && a->num_neurons == b->num_neurons &&
           a->num_images == b->num_images && strcmp(a->layer, b->layer) == 0 &&
           memcmp(a->score, b->score, cells * sizeof(float)) == 0;
}

// Reads changed file number k; whether something else than was written was believed.
static bool believed(int k, const char *path)
{
    bool wrong = false;
    if (k <= LINES) {
        igd_result *r = NULL;
        if (igd_result_load(&r, paths[RESULT]) == IGD_OK)
            wrong = strcmp(igd_result_json(r), whole) != 0;
        igd_result_free(r);
    } else if (k == 2) {
        igd_ranking *r = NULL;
        if (igd_ranking_load(&r, path) == IGD_OK)
            wrong = r->sealed && !same_scores(r, ranking);
        igd_ranking_free(r);
    } else if (k == 3) {
        igd_rows *r = NULL;
        igd_rows_seal seal;
        float x[N * D];
        if (igd_rows_open(&r, path) == IGD_OK &&
            igd_rows_check_seal(&seal, r, NULL) == IGD_OK && seal == IGD_ROWS_SEALED)
            wrong =
                igd_rows_read(r, x, 0, N) != IGD_OK || memcmp(x, world.x, sizeof(x)) != 0;
        igd_rows_free(r);
    } else {
        cJSON *json = NULL;
        bool sealed = false;
        if (igd_seal_read(&json, &sealed, path) == IGD_OK && sealed) {
            char *text = cJSON_PrintUnformatted(json);
            cJSON *own = cJSON_Parse(whole);
            char *expected = cJSON_PrintUnformatted(own);
            wrong = strcmp(text, expected) != 0;
            cJSON_free(text);
            cJSON_free(expected);
            cJSON_Delete(own);
        }
        cJSON_Delete(json);
    }
    return wrong;
}

// What nobody changed is taken, or the rest would show nothing.
static void check_files(const char *path)
{
    igd_ranking *r = NULL;
    igd_rows *rows = NULL;
    cJSON *json = NULL;
    igd_rows_seal seal;
    bool right = false;
    put(path, files[2].data, files[2].size);
    assert_ok(igd_ranking_load(&r, path));
    assert_true(r->sealed && same_scores(r, ranking));
    igd_ranking_free(r);
    put(path, files[3].data, files[3].size);
    assert_ok(igd_rows_open(&rows, path));
    assert_ok(igd_rows_check_seal(&seal, rows, made_by));
    assert_int_equal(seal, IGD_ROWS_SEALED);
    igd_rows_free(rows);
    put(path, files[4].data, files[4].size);
    assert_ok(igd_seal_read(&json, &right, path));
    assert_true(right);
    cJSON_Delete(json);
}

static void make_files(void)
{
    char path[700];
    igd_result *r = NULL;
    igd_rows *rows = NULL;
    assert_int_equal(run(), 0);
    assert_ok(igd_result_load(&r, paths[RESULT]));
    whole = strdup(igd_result_json(r));
    igd_result_free(r);
    files[RESULT] = get(paths[RESULT]);
    files[LINES] = get(paths[LINES]);
    assert_ok(igd_ranking_make(&ranking, "loir", "layer", "ab", C, H, world.w2, 9, NULL,
                               cJSON_CreateObject()));
    snprintf(path, sizeof(path), "%s/file", folder);
    assert_ok(igd_ranking_save(ranking, path));
    files[2] = get(path);
    assert_ok(igd_rows_view(&rows, "rows", world.x, N, D));
    assert_ok(igd_rows_save(rows, path, made_by));
    igd_rows_free(rows);
    files[3] = get(path);
    cJSON *json = cJSON_Parse(whole);
    assert_ok(igd_seal_write(json, path));
    cJSON_Delete(json);
    files[4] = get(path);
    check_files(path);
}

// @return how many changed files were believed
static int mutate_batch(int k, int num)
{
    char path[700];
    int wrong = 0;
    snprintf(path, sizeof(path), "%s/file", folder);
    put(paths[RESULT], files[RESULT].data, files[RESULT].size);
    put(paths[LINES], files[LINES].data, files[LINES].size);
    for (int i = 0; i < num; i++) {
        struct content c = mutated(&files[k]);
        put(k <= LINES ? paths[k] : path, c.data, c.size);
        if (believed(k, path)) {
            char kept[720];
            snprintf(kept, sizeof(kept), "/tmp/torture-%d-%lld", k, (long long)asked);
            put(kept, c.data, c.size);
            complain("a changed file was believed:", kept);
            wrong++;
        }
        free(c.data);
    }
    return wrong;
}

static void mutate_files(long num)
{
    for (long done = 0; done < num;) {
        const int k = (int)chance(5);
        const int part = num - done < BATCH ? (int)(num - done) : BATCH;
        int status = 0;
        fflush(NULL);
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            _exit(mutate_batch(k, part));
        assert_int_equal(waitpid(child, &status, 0), child);
        if (WIFSIGNALED(status)) {
            counts.crashes++;
            complain("a changed file", "crashed");
        } else {
            counts.wrong += WEXITSTATUS(status);
        }
        asked += 100 * part; // the child's draws
        counts.mutations += part;
        done += part;
    }
    clear();
}

int main(int argc, char **argv)
{
    const long kills = argc > 1 ? atol(argv[1]) : 20,
               faults = argc > 2 ? atol(argv[2]) : 60;
    const long mutations = argc > 3 ? atol(argv[3]) : 1000;
    long made[NUM_KINDS];
    int ends[2];
    seed = argc > 4 ? strtoull(argv[4], NULL, 10) : 1;
    assert_ok(igd_folder_temporary(&folder));
    for (int k = 0; k < NUM_NAMES; k++)
        snprintf(paths[k], sizeof(paths[k]), "%s/%s", folder, names[k]);
    assert_int_equal(pipe(ends), 0);
    sigemptyset(&child_ends);
    sigaddset(&child_ends, SIGCHLD);
    assert_int_equal(sigprocmask(SIG_BLOCK, &child_ends, NULL), 0);
    world_make();
    report = ends[1];
    const double begin = seconds();
    assert_true(finished(start(), "the first run"));
    took = seconds() - begin;
    for (int k = RESULT; k <= SAVED; k++)
        wanted[k] = get(paths[k]);
    clear();
    // How many calls there are to fail.
    assert_int_equal(read(ends[0], made, sizeof(made)), sizeof(made));
    report = -1;

    kill_runs(kills);
    fail_runs(faults, made);
    if (mutations > 0) {
        interrupt();
        mutate_runs(mutations / 10);
        make_files();
        mutate_files(mutations - mutations / 10);
    }
    printf("%ld kills, %ld faults, %ld mutations; %ld runs refused; %ld wrong numbers, "
           "%ld crashes, %ld files left\n",
           counts.kills, counts.faults, counts.mutations, counts.refused, counts.wrong,
           counts.crashes, counts.left);
    igd_folder_remove(folder);
    return counts.wrong + counts.crashes + counts.left == 0 ? 0 : 1;
}
