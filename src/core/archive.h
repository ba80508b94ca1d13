// The zip archive that a TorchScript file is.
#ifndef IGD_CORE_ARCHIVE_H
#define IGD_CORE_ARCHIVE_H

#include "igdef/status.h"

// Reads every entry and compares it with its checksum, and the tensors with the entries
// that hold them, which libtorch does not do. Fails where the file is missing, no such
// archive, damaged, or weights without a program.
igd_status igd_archive_check(const char *path);

// The text of an extra file of a TorchScript archive, zero-ended; owned, NULL where the
// archive has no such file. More than 16 MiB, and zeros in it, are failures.
igd_status igd_archive_extra(char **out, const char *path, const char *name);

#endif
