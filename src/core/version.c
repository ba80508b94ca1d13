// The version of the linked library.
#include "igdef/version.h"

const char *igd_version(void)
{
    return IGDEF_VERSION;
}
