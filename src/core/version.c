// The version of the linked library.
#include "igdef/version.h"

const char *igd_version(void)
{
    return IGDEF_VERSION;
}

int igd_version_number(void)
{
    return IGDEF_VERSION_NUMBER;
}

int igd_library_check(int version_number)
{
    return version_number / 100 == IGDEF_VERSION_NUMBER / 100 &&
           version_number <= IGDEF_VERSION_NUMBER;
}
