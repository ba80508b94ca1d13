// The zip archive that a TorchScript file is.
#ifndef IGD_CORE_ARCHIVE_H
#define IGD_CORE_ARCHIVE_H

#include "igdef/status.h"

// Reads every entry and compares it with its checksum, which libtorch does not do. Fails
// where the file is missing, no such archive, damaged, or weights without a program.
igd_status igd_archive_check(const char *path);

#endif
