// Owns files that lie in memory: shared memory that has lost its name at once.
#include "core/memory_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/entropy.h"
#include "core/error.h"

static igd_status write_all(int to, const char *bytes, size_t num_bytes, const char *name)
{
    while (num_bytes > 0) {
        const ssize_t n = write(to, bytes, num_bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return igd_error(IGD_ENOMEM, "%s: no memory for %zu bytes", name, num_bytes);
        bytes += n;
        num_bytes -= (size_t)n;
    }
    return IGD_OK;
}

igd_status igd_memory_file_open(igd_memory_file *f, const void *bytes, size_t num_bytes,
                                const char *name)
{
    uint64_t chance[2];
    char object[64];
    IGD_TRY(igd_entropy(chance, sizeof(chance)));
    snprintf(object, sizeof(object), "/igdef-%llx%llx", (unsigned long long)chance[0],
             (unsigned long long)chance[1]);
    f->descriptor = shm_open(object, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (f->descriptor < 0)
        return igd_error(IGD_EIO, "%s: shared memory: %s", name, strerror(errno));
    shm_unlink(object);
    snprintf(f->path, sizeof(f->path), "/proc/self/fd/%d", f->descriptor);
    const igd_status st = write_all(f->descriptor, bytes, num_bytes, name);
    if (st != IGD_OK)
        igd_memory_file_close(f);
    return st;
}

void igd_memory_file_close(igd_memory_file *f)
{
    close(f->descriptor);
}
