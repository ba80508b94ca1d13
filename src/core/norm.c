// Owns the names of the norms.
#include "igdef/attack.h"

#include <string.h>

#include "core/error.h"
#include "core/require.h"

static const char *const norm_names[] = {"Linf", "L2", "L1"};
#define NUM_NORMS ((int)(sizeof(norm_names) / sizeof(norm_names[0])))

const char *igd_norm_name(igd_norm norm)
{
    return norm >= IGD_NORM_LINF && norm <= IGD_NORM_L1 ? norm_names[norm] : "";
}

igd_status igd_norm_parse(igd_norm *out, const char *name)
{
    IGD_REQUIRE(out);
    IGD_REQUIRE(name);
    for (int i = 0; i < NUM_NORMS; i++)
        if (strcmp(name, norm_names[i]) == 0) {
            *out = (igd_norm)i;
            return IGD_OK;
        }
    return igd_error(IGD_EINVAL, "unknown norm '%s': Linf, L2 and L1 are known", name);
}
