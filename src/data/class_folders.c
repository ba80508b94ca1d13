// Owns folders of class folders: which folder is which class.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/file.h"
#include "data/class_order.h"
#include "data/dataset_impl.h"
#include "data/label_text.h"
#include "data/listing.h"

igd_status igd_folder_inspect(igd_folder_kind *out, const char *path)
{
    igd_listing folders = {0}, empty = {0}, images = {0};
    *out = IGD_FOLDER_EMPTY;
    igd_status st = igd_listing_folders(&folders, &empty, path, NULL);
    if (st == IGD_OK && folders.num == 0)
        st = igd_listing_images(&images, path, false, NULL);
    bool splits = folders.num > 0;
    for (int64_t i = 0; i < folders.num; i++)
        splits = splits && (strcmp(folders.name[i], "train") == 0 ||
                            strcmp(folders.name[i], "test") == 0 ||
                            strcmp(folders.name[i], "val") == 0);
    if (folders.num > 0)
        *out = splits ? IGD_FOLDER_SPLITS : IGD_FOLDER_CLASSES;
    else if (images.num > 0)
        *out = IGD_FOLDER_FLAT;
    igd_listing_free(&folders);
    igd_listing_free(&empty);
    igd_listing_free(&images);
    return st;
}

// --- Which folder is which class

// Reads the folders' names as numbers [classes]; false where one is not of digits alone.
static bool read_numbers(int32_t *number, const igd_listing *classes)
{
    for (int64_t c = 0; c < classes->num; c++) {
        const char *name = classes->name[c];
        if (name[strspn(name, "0123456789")] != '\0')
            return false;
        (void)igd_label_read(&number[c], name);
    }
    return true;
}

// Names that are numbers look like the model's indices. Where their order is not that of
// numbers, another note has said so.
static igd_status note_start(igd_source *s, const int32_t *number,
                             const igd_listing *classes)
{
    const int64_t last = classes->num - 1;
    bool other = false;
    for (int64_t c = 0; c <= last; c++) {
        if (c > 0 && number[c] < number[c - 1])
            return IGD_OK;
        other = other || number[c] != c;
    }
    if (!other)
        return IGD_OK;
    return igd_notes_add(
        &s->notes, IGD_NOTE_CLASS_ORDER,
        "class folders named by numbers do not count from 0 on: %s is class 0 and %s "
        "class %lld",
        classes->name[0], classes->name[last], (long long)last);
}

// label [classes] of every folder: its place, its number, or what the file of classes
// says. Sets number and names of the classes.
static igd_status label_classes(igd_source *s, int32_t *label, igd_listing *classes,
                                const char *path)
{
    if (s->map != NULL) {
        for (int64_t c = 0; c < classes->num; c++) {
            label[c] = igd_class_map_find(s->map, classes->name[c]);
            if (label[c] < 0)
                return igd_error(
                    IGD_EINVAL, "%s: class folder \"%s\" %s %s", path, classes->name[c],
                    label[c] == -2 ? "could be several classes of" : "is no class of",
                    s->map_path);
        }
        return igd_class_map_take(s);
    }
    IGD_TRY(igd_class_order(s, classes->name, classes->num, "class folders", path));
    const bool numbers = read_numbers(label, classes);
    if (numbers && s->numeric_order && s->partial) {
        s->num_classes = label[classes->num - 1] + 1;
        if (label[classes->num - 1] >= IGD_MAX_CLASSES)
            return igd_error(IGD_EFORMAT, "%s: class folder %s is out of range", path,
                             classes->name[classes->num - 1]);
        return IGD_OK;
    }
    if (numbers)
        IGD_TRY(note_start(s, label, classes));
    for (int64_t c = 0; c < classes->num; c++)
        label[c] = (int32_t)c;
    s->num_classes = (int)classes->num;
    s->named = true;
    return igd_lines_copy(&s->classes, (const char *const *)classes->name, classes->num);
}

// --- Opening

// Appends the images of one class as "class/image".
static igd_status add_class(igd_listing *images, const char *path, const char *name,
                            igd_passed *passed)
{
    igd_listing l = {0};
    char *full = igd_path_join(path, name);
    if (full == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for its name", path);
    igd_status st = igd_listing_images(&l, full, true, passed);
    for (int64_t i = 0; i < l.num && st == IGD_OK; i++)
        st = igd_listing_add(images, igd_path_join(name, l.name[i]), path);
    igd_listing_free(&l);
    free(full);
    return st;
}

// What is in the folder and becomes no class.
static igd_status note_rest(igd_source *s, const char *path, const igd_listing *empty,
                            const igd_passed *passed)
{
    igd_listing beside = {0};
    igd_status st = igd_note_passed(&s->notes, passed);
    if (st == IGD_OK && empty->num > 0)
        st = igd_notes_add(
            &s->notes, NULL, "passed over %s%s: without images and so no class",
            empty->name[0], empty->num > 1 ? " and other folders" : ", a folder");
    if (st == IGD_OK)
        st = igd_listing_images(&beside, path, false, NULL);
    if (st == IGD_OK && beside.num > 0)
        st = igd_notes_add(&s->notes, NULL,
                           "passed over %s%s: beside the class folders, so of no class",
                           beside.name[0], beside.num > 1 ? " and other images" : "");
    igd_listing_free(&beside);
    return st;
}

igd_status igd_source_class_folders(igd_source *s, const char *path,
                                    const igd_preprocess *p)
{
    igd_listing classes = {0}, empty = {0}, images = {0};
    igd_passed passed = {0};
    int64_t *end = NULL;   // [classes] number of images up to and with a class
    int32_t *label = NULL; // [classes]
    igd_status st = igd_listing_folders(&classes, &empty, path, &passed);
    if (st != IGD_OK)
        goto done;
    if (classes.num > IGD_MAX_CLASSES) {
        st = igd_error(IGD_EFORMAT, "%s: %lld class folders", path,
                       (long long)classes.num);
        goto done;
    }
    end = malloc(((size_t)classes.num + 1) * sizeof(*end));
    label = calloc((size_t)classes.num + 1, sizeof(*label));
    if (end == NULL || label == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory for its classes", path);
        goto done;
    }
    if ((st = label_classes(s, label, &classes, path)) != IGD_OK)
        goto done;
    for (int64_t c = 0; c < classes.num && st == IGD_OK; c++) {
        st = add_class(&images, path, classes.name[c], &passed);
        end[c] = images.num;
    }
    if (st != IGD_OK)
        goto done;
    s->labels = malloc(((size_t)images.num + 1) * sizeof(*s->labels));
    if (s->labels == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory for its labels", path);
        goto done;
    }
    for (int64_t i = 0, c = 0; i < images.num; i++) {
        while (i == end[c])
            c++;
        s->labels[i] = label[c];
    }
    st = igd_source_give_files(s, path, p, (const char *const *)images.name, images.num);
    if (st == IGD_OK)
        st = note_rest(s, path, &empty, &passed);

done:
    free(end);
    free(label);
    igd_listing_free(&classes);
    igd_listing_free(&empty);
    igd_listing_free(&images);
    return st;
}
