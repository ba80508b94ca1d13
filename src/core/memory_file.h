// Bytes in memory as a file with a path, for what reads files only.
#ifndef IGD_CORE_MEMORY_FILE_H
#define IGD_CORE_MEMORY_FILE_H

#include <stddef.h>

#include "igdef/status.h"

typedef struct igd_memory_file {
    int descriptor;
    char path[40];
} igd_memory_file;

// The file has a path in this process alone and lies in memory, never on a disk. `name`
// starts messages. @return IGD_OK, IGD_EIO, IGD_ENOMEM
igd_status igd_memory_file_open(igd_memory_file *f, const void *bytes, size_t num_bytes,
                                const char *name);
void igd_memory_file_close(igd_memory_file *f);

#endif
