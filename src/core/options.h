// Structs of options whose first field is their size, so that they can grow.
#ifndef IGD_CORE_OPTIONS_H
#define IGD_CORE_OPTIONS_H

#include <stddef.h>

#include "igdef/status.h"

// Lays what the program gave, of the size it was compiled with, over the defaults in
// `out`, of `known` bytes. NULL gives the defaults. @return IGD_EINVAL for a size that is
// none, or beyond `known`: options of a newer igdef, of which something would be lost
igd_status igd_options_take(void *out, size_t known, const void *given, const char *type);

#endif
