// Names of the images and of the folders in a folder.
#ifndef IGD_DATA_LISTING_H
#define IGD_DATA_LISTING_H

#include <stdbool.h>
#include <stdint.h>

#include "data/notes.h"
#include "igdef/status.h"

typedef struct igd_listing {
    char **name; // owned, each too; in byte order
    int64_t num, room;
} igd_listing;

// What a listing left out: hidden files, and what systems leave behind.
typedef struct igd_passed {
    int64_t num;
    char first[256];
} igd_passed;

// The images in a folder; with `deep` also those in its folders, as "folder/image", in
// the order of torchvision: folder by folder, each in byte order. A file whose name says
// that it is an image of another format is a failure: leaving it out would move indices.
// `passed` may be NULL.
igd_status igd_listing_images(igd_listing *out, const char *path, bool deep,
                              igd_passed *passed);

// The folders in a folder that hold an image at any depth, and in *empty the others.
igd_status igd_listing_folders(igd_listing *out, igd_listing *empty, const char *path,
                               igd_passed *passed);

// Takes over `name`; NULL stands for exhausted memory.
igd_status igd_listing_add(igd_listing *l, char *name, const char *path);
void igd_listing_free(igd_listing *l);

// Notes what a listing left out.
igd_status igd_note_passed(igd_notes *notes, const igd_passed *passed);

#endif
