// Random bytes that nobody can foresee, from the operating system.
#ifndef IGD_CORE_ENTROPY_H
#define IGD_CORE_ENTROPY_H

#include <stddef.h>

#include "igdef/status.h"

// At most 256 bytes. @return IGD_OK, IGD_EIO
igd_status igd_entropy(void *out, size_t size);

#endif
