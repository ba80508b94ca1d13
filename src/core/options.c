// Owns the reading of options from programs that were compiled with another igdef.
#include "core/options.h"

#include <string.h>

#include "core/error.h"
#include "igdef/version.h"

igd_status igd_options_take(void *out, size_t known, const void *given, const char *type)
{
    size_t size = 0;
    if (given == NULL)
        return IGD_OK;
    memcpy(&size, given, sizeof(size));
    if (size <= sizeof(size))
        return igd_error(IGD_EINVAL, "%s of %zu bytes: start from %s_default()", type,
                         size, type);
    if (size > known)
        return igd_error(IGD_EINVAL,
                         "%s of %zu bytes, %zu in libigdef %s: the program was compiled "
                         "with a newer one",
                         type, size, known, IGDEF_VERSION);
    memcpy(out, given, size);
    memcpy(out, &known, sizeof(known));
    return IGD_OK;
}

void igd_options_give(void *out, size_t size, const void *defaults, size_t known)
{
    if (out == NULL || size < sizeof(size))
        return;
    memset(out, 0, size);
    memcpy(out, defaults, size < known ? size : known);
    memcpy(out, &size, sizeof(size));
}
