// Owns finding the folder of a split.
#include "data/splits.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/file.h"
#include "core/letters.h"
#include "data/dataset_impl.h"

// What programs call splits, in the order in which they stand for the one for testing.
static const char *const words[] = {"test",       "testing",    "val",
                                    "valid",      "validation", "eval",
                                    "evaluation", "training",   "train"};
#define NUM_WORDS ((int)(sizeof(words) / sizeof(words[0])))

// Place of a name among these, -1 where it is none.
static int find_word(const char *name)
{
    for (int i = 0; i < NUM_WORDS; i++)
        if (igd_same_letters(name, words[i]))
            return i;
    return -1;
}

static igd_status inspect(igd_folder_kind *kind, char **full, const char *path,
                          const char *name)
{
    *kind = IGD_FOLDER_EMPTY;
    *full = igd_path_join(path, name);
    if (*full == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for its name", path);
    return igd_path_is_folder(*full) ? igd_folder_inspect(kind, *full) : IGD_OK;
}

// The name of the split that holds class folders and fits best, or NULL; so, too, where a
// folder without the name of a split holds images itself, and so is a class.
static igd_status find_likely(const char **out, const char *path, const igd_listing *l,
                              bool train)
{
    int best = -1;
    *out = NULL;
    for (int64_t i = 0; i < l->num; i++) {
        const int word = find_word(l->name[i]);
        igd_folder_kind kind;
        char *full;
        const igd_status st = inspect(&kind, &full, path, l->name[i]);
        free(full);
        IGD_TRY(st);
        if (word < 0 && kind == IGD_FOLDER_FLAT) {
            *out = NULL;
            return IGD_OK;
        }
        if (word < 0 || kind != IGD_FOLDER_CLASSES)
            continue;
        if (*out == NULL || (train ? word > best : word < best)) {
            best = word;
            *out = l->name[i];
        }
    }
    return IGD_OK;
}

// Splits under other names, or among other folders: as classes they would be as many as
// some model's.
static igd_status refuse_unknown(const char *path, bool train)
{
    igd_listing folders = {0}, empty = {0};
    const char *likely = NULL;
    bool named = false;
    igd_status st = igd_listing_folders(&folders, &empty, path, NULL);
    for (int64_t i = 0; i < folders.num && st == IGD_OK; i++)
        named = named || find_word(folders.name[i]) >= 0;
    if (st == IGD_OK && named)
        st = find_likely(&likely, path, &folders, train);
    if (st == IGD_OK && likely != NULL)
        st = igd_error(IGD_EINVAL, "%s: its folders are splits, no classes; give %s/%s",
                       path, path, likely);
    igd_listing_free(&folders);
    igd_listing_free(&empty);
    return st;
}

igd_status igd_split_folder(char **out, const char *path, const char *split,
                            bool needs_classes)
{
    const bool train = strcmp(split, "train") == 0;
    const char *names[] = {split, train ? split : "val"};
    igd_folder_kind kind[2];
    char *folder[2] = {NULL, NULL};
    igd_status st;

    *out = NULL;
    IGD_TRY(igd_folder_inspect(&kind[0], path));
    if (kind[0] == IGD_FOLDER_CLASSES)
        return refuse_unknown(path, train);
    if (kind[0] != IGD_FOLDER_SPLITS)
        return IGD_OK;
    st = inspect(&kind[0], &folder[0], path, names[0]);
    if (st == IGD_OK)
        st = inspect(&kind[1], &folder[1], path, names[1]);
    if (st != IGD_OK)
        goto done;
    const int chosen = kind[0] != IGD_FOLDER_EMPTY ? 0 : 1;
    if (kind[chosen] == IGD_FOLDER_EMPTY) {
        st = igd_error(IGD_EINVAL, "%s: has no folder \"%s\" with images", path, split);
    } else if (needs_classes && kind[0] == IGD_FOLDER_FLAT &&
               kind[1] == IGD_FOLDER_CLASSES) {
        st = igd_error(IGD_EINVAL,
                       "%s: images without class folders need labels; %s has class "
                       "folders",
                       folder[0], folder[1]);
    } else {
        *out = folder[chosen];
        folder[chosen] = NULL;
    }

done:
    free(folder[0]);
    free(folder[1]);
    return st;
}
