// Structs of options whose first field is their size, so that they can grow.
#ifndef IGD_CORE_OPTIONS_H
#define IGD_CORE_OPTIONS_H

#include <stddef.h>

#include "core/error.h"
#include "igdef/status.h"

// Lays what the program gave, of the size it was compiled with, over the defaults in
// `out`, of `known` bytes. NULL gives the defaults. @return IGD_EINVAL for a size that is
// none, or beyond `known`: options of a newer igdef, of which something would be lost
igd_status igd_options_take(void *out, size_t known, const void *given, const char *type);

// Declares the options of a public function as it works with them: what was given, the
// defaults where it is NULL or does not know of them. Returns the failure of taking them.
#define IGD_OPTIONS(type, name, given)                                                   \
    type name = type##_default();                                                        \
    IGD_TRY(igd_options_take(&(name), sizeof(name), given, #type))

// Lays `known` bytes of defaults over the first `size` bytes of what a program calls the
// same options. Those that it knows beyond are zero, and igd_options_take() refuses them.
void igd_options_give(void *out, size_t size, const void *defaults, size_t known);

#endif
