// Owns reading folders of images.
#include "data/listing.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/file.h"
#include "core/letters.h"
#include "data/decode.h"

#define MAX_DEPTH 32 // deeper only by a link that leads back

void igd_listing_free(igd_listing *l)
{
    for (int64_t i = 0; i < l->num; i++)
        free(l->name[i]);
    free(l->name);
    *l = (igd_listing){0};
}

igd_status igd_listing_add(igd_listing *l, char *name, const char *path)
{
    if (l->num == l->room) {
        const int64_t room = l->room < 16 ? 16 : l->room * 2;
        char **names = realloc(l->name, (size_t)room * sizeof(*names));
        if (names != NULL) {
            l->name = names;
            l->room = room;
        }
    }
    if (name == NULL || l->num == l->room) {
        free(name);
        return igd_error(IGD_ENOMEM, "%s: no memory for its content", path);
    }
    l->name[l->num++] = name;
    return IGD_OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort(igd_listing *l)
{
    if (l->num > 0)
        qsort(l->name, (size_t)l->num, sizeof(*l->name), by_text);
}

// Images that igdef cannot decode, but others count.
// What is in a folder without anybody having put it there.
static bool is_left_behind(const char *name)
{
    static const char *const names[] = {
        "__MACOSX",  "@eaDir",      "#recycle",
        "@Recycle",  "lost+found",  "$RECYCLE.BIN",
        "Thumbs.db", "desktop.ini", "System Volume Information"};
    if (name[0] == '.')
        return true;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static void pass_over(igd_passed *passed, const char *name)
{
    if (passed == NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return;
    if (passed->num++ == 0)
        snprintf(passed->first, sizeof(passed->first), "%s", name);
}

// One entry of a folder: an image, a folder, or neither.
static igd_status add_entry(igd_listing *images, igd_listing *folders, const char *path,
                            const char *name)
{
    if (igd_image_has_suffix(name)) {
        return images != NULL ? igd_listing_add(images, strdup(name), path) : IGD_OK;
    }
    const bool foreign = images != NULL && igd_image_has_foreign_suffix(name);
    if (!foreign && folders == NULL)
        return IGD_OK;
    char *full = igd_path_join(path, name);
    if (full == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for its content", path);
    const igd_status st = foreign ? igd_image_refuse_foreign(full) : IGD_OK;
    const bool folder = !foreign && igd_path_is_folder(full);
    free(full);
    IGD_TRY(st);
    return folder ? igd_listing_add(folders, strdup(name), path) : IGD_OK;
}

// The names in one folder, sorted; either list may be NULL.
static igd_status read_folder(igd_listing *images, igd_listing *folders, const char *path,
                              igd_passed *passed)
{
    igd_status st = IGD_OK;
    DIR *dir = opendir(path);
    if (dir == NULL)
        return igd_error(IGD_EIO, "%s: %s", path, strerror(errno));
    while (st == IGD_OK) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL) {
            if (errno != 0)
                st = igd_error(IGD_EIO, "%s: %s", path, strerror(errno));
            break;
        }
        if (is_left_behind(entry->d_name))
            pass_over(passed, entry->d_name);
        else
            st = add_entry(images, folders, path, entry->d_name);
    }
    closedir(dir);
    if (images != NULL)
        sort(images);
    if (folders != NULL)
        sort(folders);
    return st;
}

// "folder/name", or the name alone where the folder is "".
static char *below(const char *folder, const char *name)
{
    return folder[0] != '\0' ? igd_path_join(folder, name) : strdup(name);
}

// Appends every folder below path/folder, as paths below `path`.
static igd_status add_tree(igd_listing *out, const char *path, const char *folder,
                           int depth, igd_passed *passed)
{
    igd_listing inner = {0};
    char *full = folder[0] != '\0' ? igd_path_join(path, folder) : strdup(path);
    igd_status st = igd_listing_add(out, strdup(folder), path);
    if (st == IGD_OK && full == NULL)
        st = igd_error(IGD_ENOMEM, "%s: no memory for its content", path);
    if (st == IGD_OK && depth == MAX_DEPTH)
        st = igd_error(IGD_EFORMAT, "%s: more than %d folders deep", full, MAX_DEPTH);
    if (st == IGD_OK)
        st = read_folder(NULL, &inner, full, passed);
    for (int64_t i = 0; i < inner.num && st == IGD_OK; i++) {
        char *next = below(folder, inner.name[i]);
        st = next != NULL ? add_tree(out, path, next, depth + 1, passed)
                          : igd_error(IGD_ENOMEM, "%s: no memory", path);
        free(next);
    }
    igd_listing_free(&inner);
    free(full);
    return st;
}

// Appends the images of path/folder as paths below `path`.
static igd_status add_images(igd_listing *out, const char *path, const char *folder,
                             igd_passed *passed)
{
    igd_listing inner = {0};
    char *full = folder[0] != '\0' ? igd_path_join(path, folder) : strdup(path);
    igd_status st = full != NULL ? read_folder(&inner, NULL, full, passed)
                                 : igd_error(IGD_ENOMEM, "%s: no memory", path);
    for (int64_t i = 0; i < inner.num && st == IGD_OK; i++)
        st = igd_listing_add(out, below(folder, inner.name[i]), path);
    igd_listing_free(&inner);
    free(full);
    return st;
}

igd_status igd_listing_images(igd_listing *out, const char *path, bool deep,
                              igd_passed *passed)
{
    igd_listing folders = {0};
    *out = (igd_listing){0};
    igd_status st = deep ? add_tree(&folders, path, "", 0, NULL)
                         : igd_listing_add(&folders, strdup(""), path);
    sort(&folders);
    for (int64_t i = 0; i < folders.num && st == IGD_OK; i++)
        st = add_images(out, path, folders.name[i], passed);
    igd_listing_free(&folders);
    if (st != IGD_OK)
        igd_listing_free(out);
    return st;
}

// Whether a folder holds an image at some depth, of this format or another.
static igd_status holds_image(bool *out, const char *path, int depth)
{
    igd_listing folders = {0};
    DIR *dir = opendir(path);
    const struct dirent *entry;
    if (dir == NULL)
        return igd_error(IGD_EIO, "%s: %s", path, strerror(errno));
    *out = false;
    while (!*out && (entry = readdir(dir)) != NULL)
        *out = !is_left_behind(entry->d_name) &&
               (igd_image_has_suffix(entry->d_name) ||
                igd_image_has_foreign_suffix(entry->d_name));
    closedir(dir);
    if (*out || depth == MAX_DEPTH)
        return IGD_OK;
    igd_status st = read_folder(NULL, &folders, path, NULL);
    for (int64_t i = 0; i < folders.num && st == IGD_OK && !*out; i++) {
        char *full = igd_path_join(path, folders.name[i]);
        st = full != NULL ? holds_image(out, full, depth + 1)
                          : igd_error(IGD_ENOMEM, "%s: no memory", path);
        free(full);
    }
    igd_listing_free(&folders);
    return st;
}

igd_status igd_listing_folders(igd_listing *out, igd_listing *empty, const char *path,
                               igd_passed *passed)
{
    igd_listing all = {0};
    *out = *empty = (igd_listing){0};
    igd_status st = read_folder(NULL, &all, path, passed);
    for (int64_t i = 0; i < all.num && st == IGD_OK; i++) {
        bool holds = false;
        char *full = igd_path_join(path, all.name[i]);
        st = full != NULL ? holds_image(&holds, full, 0)
                          : igd_error(IGD_ENOMEM, "%s: no memory", path);
        free(full);
        if (st != IGD_OK)
            break;
        st = igd_listing_add(holds ? out : empty, all.name[i], path);
        all.name[i] = NULL;
    }
    igd_listing_free(&all);
    if (st != IGD_OK) {
        igd_listing_free(out);
        igd_listing_free(empty);
    }
    return st;
}

igd_status igd_note_passed(igd_notes *notes, const igd_passed *passed)
{
    if (passed->num == 0)
        return IGD_OK;
    if (passed->num == 1)
        return igd_notes_add(notes, NULL, "passed over %s", passed->first);
    return igd_notes_add(notes, NULL,
                         "passed over %s and %lld more hidden or left "
                         "by a system",
                         passed->first, (long long)passed->num - 1);
}
