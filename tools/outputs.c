// Owns the check of the files that a command reads and writes.
#include "outputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core.h"

#define OUTPUTS_MAX 64

// A file to be written.
typedef struct output {
    const cli_option *option;
    char *path;   // owned; as the user wrote it, with the end of a file beside it
    char *target; // owned; where that leads
    bool beside;
} output;

typedef struct outputs {
    const cli_command *command;
    const cli_row *rows;
    int num_rows;
    output item[OUTPUTS_MAX];
    int num;
} outputs;

static void release(outputs *o)
{
    for (int i = 0; i < o->num; i++) {
        free(o->item[i].path);
        free(o->item[i].target);
    }
}

static int failed(const outputs *o, igd_status st)
{
    (void)st; // its message is set
    return cli_failed(o->command->name);
}

static int unusable(const outputs *o, const char *path)
{
    return failed(o, igd_error(IGD_EIO, "%s: %s", path, strerror(errno)));
}

// The paths of a row: one, or those of a list.
static int paths_of(const cli_row *r, const char *const **paths, const char **one)
{
    if ((r->option->type & CLI_TYPE) == CLI_TEXTS) {
        cli_texts list;
        memcpy(&list, r->value, sizeof(list));
        *paths = list.item;
        return list.num;
    }
    memcpy(one, r->value, sizeof(*one));
    *paths = one;
    return *one != NULL ? 1 : 0;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool is_input(const outputs *o, const struct stat *file)
{
    for (int i = 0; i < o->num_rows; i++) {
        const char *const *paths;
        const char *one;
        if ((o->rows[i].option->type & CLI_INPUT) == 0)
            continue;
        const int num = paths_of(&o->rows[i], &paths, &one);
        for (int j = 0; j < num; j++) {
            struct stat in;
            if (stat(paths[j], &in) == 0 && same_file(&in, file))
                return true;
        }
    }
    return false;
}

// "R.state" of "R.json"; owned.
static char *beside(const char *path, const cli_beside *b)
{
    static const char json[] = ".json";
    const size_t length = strlen(path), end = sizeof(json) - 1;
    const bool cut =
        b->for_json && length > end && strcmp(path + length - end, json) == 0;
    const size_t stem = cut ? length - end : length;
    char *out = malloc(stem + strlen(b->end) + 1);
    if (out != NULL) {
        memcpy(out, path, stem);
        memcpy(out + stem, b->end, strlen(b->end) + 1);
    }
    return out;
}

static int add(outputs *o, const cli_option *option, char *path, bool is_beside)
{
    if (path == NULL || o->num == OUTPUTS_MAX) {
        free(path);
        return failed(o, igd_error(IGD_ENOMEM, "no memory for the names of files"));
    }
    char *target = NULL;
    const igd_status st = igd_file_target(&target, path);
    o->item[o->num++] =
        (output){.option = option, .path = path, .target = target, .beside = is_beside};
    return st == IGD_OK ? CLI_GO_ON : failed(o, st);
}

static int collect(outputs *o)
{
    const char *const *paths;
    const char *one;
    int rc = CLI_GO_ON;
    for (int i = 0; i < o->num_rows; i++) {
        const cli_option *option = o->rows[i].option;
        const cli_beside *b = o->command->beside;
        if ((option->type & CLI_OUTPUT) == 0 || paths_of(&o->rows[i], &paths, &one) == 0)
            continue;
        if (paths[0][0] == '\0')
            return failed(o, igd_file_check_writable(paths[0]));
        if ((rc = add(o, option, strdup(paths[0]), false)) != CLI_GO_ON)
            return rc;
        for (; b != NULL && b->option != NULL; b++)
            if (strcmp(b->option, option->name) == 0 &&
                (rc = add(o, option, beside(paths[0], b), true)) != CLI_GO_ON)
                return rc;
    }
    return rc;
}

static bool has_beside(const outputs *o, const cli_option *option)
{
    for (int i = 0; i < o->num; i++)
        if (o->item[i].beside && o->item[i].option == option)
            return true;
    return false;
}

static int check_folder(const outputs *o, const char *path, const struct stat *info)
{
    if (!S_ISDIR(info->st_mode)) {
        errno = ENOTDIR;
        return unusable(o, path);
    }
    return access(path, W_OK | X_OK) == 0 ? CLI_GO_ON : unusable(o, path);
}

static int check_one(const outputs *o, const output *out)
{
    struct stat info;
    const bool exists = stat(out->path, &info) == 0;
    if (exists && is_input(o, &info))
        return cli_usage("--%s: %s is also an input", out->option->name, out->path);
    if (exists && (out->option->type & CLI_FOLDER) != 0)
        return check_folder(o, out->path, &info);
    const igd_status st = igd_file_check_writable(out->path);
    if (st != IGD_OK)
        return failed(o, st);
    if (exists && !S_ISREG(info.st_mode) && has_beside(o, out->option))
        return cli_usage(
            "--%s: %s is no regular file, beside which others could lie%s",
            out->option->name, out->path,
            strcmp(out->option->name, "output") == 0 ? "; --json prints the result" : "");
    // A pipe stays open, so that its reader waits until we are done.
    int pipe;
    if (exists && S_ISFIFO(info.st_mode) && igd_special_open(&pipe, out->path) != IGD_OK)
        return failed(o, IGD_EIO);
    return CLI_GO_ON;
}

static bool same_output(const output *a, const output *b)
{
    struct stat x, y;
    const bool there = stat(a->path, &x) == 0 && stat(b->path, &y) == 0;
    if (there && !S_ISREG(x.st_mode) && !S_ISDIR(x.st_mode))
        return false; // what is written to a device is not lost by writing more
    return strcmp(a->target, b->target) == 0 || (there && same_file(&x, &y));
}

static int check_different(const outputs *o)
{
    for (int i = 0; i < o->num; i++)
        for (int j = 0; j < i; j++) {
            const output *a = &o->item[i], *b = &o->item[j];
            if (same_output(a, b))
                return cli_usage("--%s: %s is also %s--%s", a->option->name, a->path,
                                 b->beside ? "written beside " : "", b->option->name);
        }
    return CLI_GO_ON;
}

static int check_inputs(const outputs *o)
{
    for (int i = 0; i < o->num_rows; i++) {
        const char *const *paths;
        const char *one;
        if ((o->rows[i].option->type & CLI_INPUT) == 0)
            continue;
        const int num = paths_of(&o->rows[i], &paths, &one);
        for (int j = 0; j < num; j++)
            if (access(paths[j], R_OK) != 0)
                return unusable(o, paths[j]);
    }
    return CLI_GO_ON;
}

int outputs_check(const cli_command *command, const cli_row *rows, int num)
{
    outputs o = {.command = command, .rows = rows, .num_rows = num};
    int rc = check_inputs(&o);
    if (rc == CLI_GO_ON)
        rc = collect(&o);
    for (int i = 0; i < o.num && rc == CLI_GO_ON; i++)
        rc = check_one(&o, &o.item[i]);
    if (rc == CLI_GO_ON)
        rc = check_different(&o);
    release(&o);
    return rc;
}
