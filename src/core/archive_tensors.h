// What the pickles of a TorchScript archive say about tensors, against the archive.
#ifndef IGD_CORE_ARCHIVE_TENSORS_H
#define IGD_CORE_ARCHIVE_TENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "igdef/status.h"

// Where a pickle's tensors are. `entry` gives the bytes of the file `key` of the
// archive's folder; false where there is none.
typedef struct igd_archive_folder {
    const char *name;
    const void *self;
    bool (*entry)(uint64_t *size, const void *self, const char *folder, const char *key,
                  size_t key_size);
} igd_archive_folder;

// Fails where a tensor is larger than its file or reaches beyond it, which libtorch would
// read without a look at the size, and where a pickle has what TorchScript writes not.
igd_status igd_archive_tensors_check(const unsigned char *pickle, size_t size,
                                     const igd_archive_folder *folder, const char *path);

#endif
