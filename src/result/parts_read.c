// Owns reading what the parts of a divided run have left in a folder.
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/file.h"
#include "core/json_build.h"
#include "core/lock.h"
#include "data/part_check.h"
#include "result/parts_impl.h"
#include "result/provenance.h"

#define RESULT ".json"
#define STATE ".json.state"

const char *igd_parts_step(const igd_parts *all, int step)
{
    if (step == 0)
        return "clean";
    const cJSON *list = igd_get(igd_get(all->run, "settings"), "attacks");
    return igd_string_of(cJSON_GetArrayItem(list, step - 1), "name");
}

// --- what runs agree in

// A state and a result say it in different places; *out is owned.
static cJSON *run_of(const cJSON *identity, const cJSON *from)
{
    static const char *const keys[] = {"defense", "threat", "seed", "settings"};
    cJSON *o = cJSON_CreateObject();
    igd_json_add_copy(o, "model", identity);
    for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
        igd_json_add_copy(o, keys[k], igd_get(from, keys[k]));
    cJSON_DeleteItemFromObjectCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(o, "defense"), "path");
    cJSON *settings = cJSON_GetObjectItemCaseSensitive(o, "settings");
    cJSON_DeleteItemFromObjectCaseSensitive(settings, "order");
    cJSON_DeleteItemFromObjectCaseSensitive(settings, "save_adversarial");
    return o;
}

// Whether checks are among the steps follows from the attacks: they are told apart by
// this key, which comparing leaves out.
bool igd_parts_is_check(const igd_parts *all, int step)
{
    const cJSON *list = igd_get(igd_get(all->run, "settings"), "attacks");
    return step > 0 && cJSON_IsTrue(igd_get(cJSON_GetArrayItem(list, step - 1), "check"));
}

// Takes over `run`.
static igd_status same_run(igd_parts *all, cJSON *run, const igd_parts_file *p)
{
    char difference[400];
    if (all->run == NULL) {
        all->run = run;
        all->first = p->path;
        all->of = p->part.of;
        all->whole = p->part.whole;
        return IGD_OK;
    }
    cJSON *first = cJSON_Duplicate(all->run, true);
    igd_provenance_reduce(cJSON_GetObjectItemCaseSensitive(first, "settings"));
    igd_provenance_reduce(cJSON_GetObjectItemCaseSensitive(run, "settings"));
    bool differ;
    IGD_TRY(igd_json_compare(&differ, difference, sizeof(difference), first, run));
    return differ ? igd_error(IGD_EINVAL, "%s: of another run than %s (\"there\"): %s",
                              p->path, all->first, difference)
                  : IGD_OK;
}

static igd_status same_division(const igd_parts *all, const igd_parts_file *p)
{
    const igd_part *part = &p->part;
    if (part->of == all->of && part->whole == all->whole)
        return IGD_OK;
    return igd_error(IGD_EINVAL,
                     "%s: part %lld of %lld, of %lld images, but %s is one of %lld, of "
                     "%lld images",
                     p->path, (long long)part->index, (long long)part->of,
                     (long long)part->whole, all->first, (long long)all->of,
                     (long long)all->whole);
}

// --- counting

static void tally(igd_parts_file *p, const igd_parts *all, const igd_flags *t)
{
    int main_steps[IGD_MAX_STEPS], num_main = 0;
    igd_part_progress *seen = &p->seen;
    p->num_steps = t->num_columns < IGD_MAX_STEPS ? t->num_columns : IGD_MAX_STEPS;
    for (int c = 0; c < p->num_steps; c++) {
        const char *letters = igd_flags_column(t, c);
        for (int64_t i = 0; i < t->num_images; i++) {
            p->steps[c].attacked += letters[i] == IGD_ROBUST || letters[i] == IGD_FOOLED;
            p->steps[c].skipped += letters[i] == IGD_SKIPPED;
            p->steps[c].todo += letters[i] == IGD_TODO;
        }
        if (!igd_parts_is_check(all, c))
            main_steps[num_main++] = c;
    }
    for (int64_t i = 0; i < t->num_images; i++) {
        if (t->clean[i] < 0)
            continue;
        bool todo = false;
        for (int k = 0; k < num_main; k++)
            todo = todo || igd_flags_column(t, main_steps[k])[i] == IGD_TODO;
        const bool robust = igd_flags_survives(t, main_steps, num_main, i, IGD_ONE_SHOT);
        seen->num_known++;
        seen->num_robust += robust;
        // A random classifier's votes may be counted further once one draw was wrong.
        seen->num_done += t->votes == NULL ? !todo || !robust : !todo;
    }
    seen->num_images = t->num_images;
}

static igd_status add_state(igd_parts *all, igd_parts_file *p, const char *path)
{
    igd_state s;
    IGD_TRY(igd_state_read(&s, path));
    igd_status st =
        s.flags.num_columns > IGD_MAX_STEPS
            ? igd_error(IGD_EFORMAT, "%s: %d steps", path, s.flags.num_columns)
            : IGD_OK;
    if (st == IGD_OK && igd_get(s.settings, "part") != NULL)
        st = igd_part_read(&p->part, igd_get(s.settings, "part"), s.flags.num_images,
                           path);
    if (st == IGD_OK)
        st = same_run(all, run_of(igd_get(s.settings, "model"), s.settings), p);
    if (st == IGD_OK)
        st = same_division(all, p);
    if (st == IGD_OK) {
        tally(p, all, &s.flags);
        for (int c = 0; c < p->num_steps; c++)
            p->steps[c].seconds = s.costs[c].seconds;
        p->seen.seconds = s.seconds;
        p->random = strcmp(igd_string_of(igd_get(s.settings, "settings"), "order"),
                           "random") == 0;
    }
    igd_state_free(&s);
    return st;
}

// *skip where it is joined from several.
static igd_status add_result(igd_parts *all, igd_parts_file *p, bool *skip)
{
    igd_result *r = NULL;
    IGD_TRY(igd_result_load(&r, p->path));
    const cJSON *data = igd_get(r->provenance, "data");
    igd_status st = IGD_OK;
    *skip = igd_get(data, "parts") != NULL;
    if (*skip)
        goto done;
    if (igd_get(data, "part") != NULL)
        st = igd_part_read(&p->part, igd_get(data, "part"), r->flags.num_images, p->path);
    if (st == IGD_OK)
        st = same_run(
            all,
            run_of(igd_get(igd_get(r->provenance, "model"), "identity"), r->provenance),
            p);
    if (st == IGD_OK)
        st = same_division(all, p);
    if (st != IGD_OK)
        goto done;
    tally(p, all, &r->flags);
    p->seen.seconds = r->seconds;
    const int64_t planned = igd_result_num_planned(r);
    p->seen.state = planned > r->flags.num_images ? IGD_PART_STOPPED : IGD_PART_FINISHED;
    p->seen.num_images = planned > 0 ? planned : r->flags.num_images;
    for (int k = 0; k < r->num_entries; k++) {
        const igd_entry *e = &r->entries[k];
        if (e->num_columns == 1 && !igd_entry_is_ensemble(r, e) && e->same_as[0] == '\0')
            p->steps[e->columns[0]].seconds = e->cost.seconds;
    }

done:
    igd_result_free(r);
    return st;
}

// Adds what is known of the run whose result is, or will be, at `path`; takes it over.
static igd_status add(igd_parts *all, char *path)
{
    char state[4096];
    bool skip = false;
    igd_parts_file *more =
        path != NULL ? realloc(all->files, ((size_t)all->num + 1) * sizeof(*more)) : NULL;
    if (more == NULL) {
        free(path);
        return igd_error(IGD_ENOMEM, "no memory for the parts of a run");
    }
    all->files = more;
    igd_parts_file *p = &more[all->num++];
    *p = (igd_parts_file){.path = path};
    p->seen = (igd_part_progress){
        .index = -1, .state = IGD_PART_STOPPED, .num_images = -1, .step = ""};
    snprintf(state, sizeof(state), "%s.state", path);
    const bool held = igd_lock_held(p->holder, sizeof(p->holder), state);
    igd_status st = IGD_OK;
    if (igd_path_exists(state)) {
        st = add_state(all, p, state);
        // It may have ended while it was looked at.
        if (st == IGD_EIO && !igd_path_exists(state) && igd_path_exists(path))
            st = add_result(all, p, &skip);
    } else if (igd_path_exists(path)) {
        st = add_result(all, p, &skip);
    }
    if (st == IGD_OK && held && p->seen.state != IGD_PART_FINISHED)
        p->seen.state = IGD_PART_RUNNING;
    if (st == IGD_OK && skip) {
        free(p->path);
        all->num--;
    }
    return st;
}

// --- the folder

// Length of a name less `end`; 0 where it does not end so.
static size_t stem(const char *name, const char *end)
{
    const size_t length = strlen(name), tail = strlen(end);
    return name[0] != '.' && length > tail && strcmp(name + length - tail, end) == 0
               ? length - tail
               : 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// Names of results without their end, each once, in byte order; owned, each too.
static igd_status list(char ***out, size_t *num, const char *folder)
{
    static const char *const ends[] = {RESULT, STATE, STATE ".lock"};
    DIR *dir = opendir(folder);
    char **names = NULL;
    igd_status st = IGD_OK;
    size_t n = 0;
    if (dir == NULL)
        return igd_error(IGD_EIO, "%s: %s", folder, strerror(errno));
    for (const struct dirent *e; st == IGD_OK && (e = readdir(dir)) != NULL;)
        for (size_t k = 0; k < sizeof(ends) / sizeof(ends[0]); k++) {
            const size_t length = stem(e->d_name, ends[k]);
            if (length == 0)
                continue;
            char **more = realloc(names, (n + 1) * sizeof(*more));
            if (more != NULL)
                names = more;
            if (more == NULL || (names[n] = strndup(e->d_name, length)) == NULL) {
                st = igd_error(IGD_ENOMEM, "%s: no memory for its names", folder);
                break;
            }
            n++;
        }
    closedir(dir);
    if (n > 0)
        qsort(names, n, sizeof(*names), by_name);
    *out = names;
    *num = n;
    return st;
}

static int by_index(const void *a, const void *b)
{
    const igd_parts_file *p = a, *q = b;
    return (p->part.index > q->part.index) - (p->part.index < q->part.index);
}

static int by_part(const void *a, const void *b)
{
    const igd_parts_file *p = a, *q = b;
    const int64_t i = p->part.of > 0 ? p->part.index : INT64_MAX;
    const int64_t j = q->part.of > 0 ? q->part.index : INT64_MAX;
    return i != j ? (i > j) - (i < j) : strcmp(p->path, q->path);
}

static igd_status check_doubled(const igd_parts *all)
{
    for (int64_t k = 1; k < all->num_stated; k++)
        if (all->files[k].part.index == all->files[k - 1].part.index)
            return igd_error(IGD_EINVAL, "%s: part %lld of %lld, as %s is already",
                             all->files[k].path, (long long)all->files[k].part.index,
                             (long long)all->of, all->files[k - 1].path);
    return IGD_OK;
}

igd_status igd_parts_read(igd_parts *all, const char *folder)
{
    char **names = NULL;
    size_t num = 0;
    igd_status st = list(&names, &num, folder);
    for (size_t k = 0; k < num && st == IGD_OK; k++) {
        if (k > 0 && strcmp(names[k], names[k - 1]) == 0)
            continue;
        char name[300];
        snprintf(name, sizeof(name), "%s" RESULT, names[k]);
        st = add(all, igd_path_join(folder, name));
    }
    for (size_t k = 0; k < num; k++)
        free(names[k]);
    free(names);
    if (st == IGD_OK && all->num == 0)
        st = igd_error(IGD_EINVAL, "%s: there are neither results nor states in it",
                       folder);
    if (st != IGD_OK)
        return st;
    qsort(all->files, (size_t)all->num, sizeof(*all->files), by_part);
    while (all->num_stated < all->num && all->files[all->num_stated].part.of > 0)
        all->num_stated++;
    return check_doubled(all);
}

int64_t igd_parts_count(const igd_parts *all)
{
    return all != NULL ? all->of + all->num - all->num_stated : 0;
}

igd_part_progress igd_parts_get(const igd_parts *all, int64_t k)
{
    const igd_parts_file *p = NULL;
    if (all == NULL || k < 0 || k >= igd_parts_count(all))
        return (igd_part_progress){.index = -1, .path = "", .holder = "", .step = ""};
    const igd_parts_file wanted = {.part = {.index = k, .of = all->of}};
    if (k >= all->of)
        p = &all->files[all->num_stated + k - all->of];
    else if (all->files != NULL)
        p = bsearch(&wanted, all->files, (size_t)all->num_stated, sizeof(*p), by_index);
    if (p == NULL)
        return (igd_part_progress){.index = k,
                                   .path = "",
                                   .holder = "",
                                   .step = "",
                                   .num_images = -1,
                                   .seconds_left = NAN};
    igd_part_progress out = p->seen;
    out.index = k < all->of ? k : -1;
    out.path = p->path;
    out.holder = p->holder;
    return out;
}
