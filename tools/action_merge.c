// Owns finding the results that --merge joins.
#include "action_merge.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core.h"
#include "progress.h"

void merge_files_free(merge_files *f)
{
    for (int k = 0; k < f->num; k++)
        free(f->path[k]);
    free(f->path);
    *f = (merge_files){0};
}

// Takes over `path`; NULL stands for exhausted memory.
static igd_status add(merge_files *f, char *path)
{
    char **more = NULL;
    if (path != NULL)
        more = realloc(f->path, ((size_t)f->num + 1) * sizeof(*more));
    if (more == NULL) {
        free(path);
        return igd_error(IGD_ENOMEM, "no memory for the names of results");
    }
    f->path = more;
    f->path[f->num++] = path;
    return IGD_OK;
}

static bool ends_in(const char *name, const char *end)
{
    const size_t length = strlen(name), tail = strlen(end);
    return length > tail && name[0] != '.' && strcmp(name + length - tail, end) == 0;
}

static int in_byte_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return b != NULL && stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

// Results to *out, states of runs that have not ended to *unfinished.
static igd_status list(merge_files *out, merge_files *unfinished, const char *folder,
                       const char *end, const char *output)
{
    char state[32];
    snprintf(state, sizeof(state), "%s.state", end);
    DIR *dir = opendir(folder);
    igd_status st = IGD_OK;
    if (dir == NULL)
        return igd_error(IGD_EIO, "%s: %s", folder, strerror(errno));
    for (const struct dirent *e; st == IGD_OK && (e = readdir(dir)) != NULL;) {
        merge_files *to = ends_in(e->d_name, end)     ? out
                          : ends_in(e->d_name, state) ? unfinished
                                                      : NULL;
        char *path = to != NULL ? igd_path_join(folder, e->d_name) : NULL;
        if (to == NULL || (path != NULL && same_file(path, output)))
            free(path);
        else
            st = add(to, path);
    }
    closedir(dir);
    return st;
}

static igd_status add_folder(merge_files *f, const char *folder, const char *end,
                             const char *output)
{
    merge_files unfinished = {0};
    const int before = f->num;
    igd_status st = list(f, &unfinished, folder, end, output);
    const size_t found = (size_t)(f->num - before);
    if (st == IGD_OK && found == 0)
        st = igd_error(IGD_EINVAL, "%s: there are no results in it, which end in %s",
                       folder, end);
    if (st == IGD_OK)
        qsort(f->path + before, found, sizeof(*f->path), in_byte_order);
    for (int k = 0; k < unfinished.num; k++)
        progress_note("%s: of a run that has not ended", unfinished.path[k]);
    merge_files_free(&unfinished);
    return st;
}

igd_status merge_files_list(merge_files *out, const cli_texts *given, const char *end,
                            const char *output)
{
    igd_status st = IGD_OK;
    *out = (merge_files){0};
    for (int k = 0; k < given->num && st == IGD_OK; k++)
        st = igd_path_is_folder(given->item[k])
                 ? add_folder(out, given->item[k], end, output)
                 : add(out, strdup(given->item[k]));
    if (st != IGD_OK)
        merge_files_free(out);
    return st;
}
