// Owns the only numbers of the library that follow from no seed.
#include "core/entropy.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>

#include "core/error.h"

igd_status igd_entropy(void *out, size_t size)
{
    ssize_t got;
    do
        got = getrandom(out, size, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0 || (size_t)got != size)
        return igd_error(IGD_EIO, "no random numbers: %s",
                         got < 0 ? strerror(errno) : "too few");
    return IGD_OK;
}
