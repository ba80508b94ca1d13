// What public functions ask of their arguments before they do anything.
#ifndef IGD_CORE_REQUIRE_H
#define IGD_CORE_REQUIRE_H

#include "core/error.h"

// Refuses a missing argument by its name.
#define IGD_REQUIRE(argument)                                                            \
    do {                                                                                 \
        if ((argument) == NULL)                                                          \
            return igd_error(IGD_EINVAL, #argument " is NULL");                          \
    } while (0)

// The same for where an object goes, which is NULL until there is one.
#define IGD_REQUIRE_OUT(out)                                                             \
    do {                                                                                 \
        IGD_REQUIRE(out);                                                                \
        *(out) = NULL;                                                                   \
    } while (0)

#endif
