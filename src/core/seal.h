// The digest that a JSON file carries of itself: "sha256", its last key, over all other
// content as cJSON prints it without spaces, so that an editor's layout does not matter.
#ifndef IGD_CORE_SEAL_H
#define IGD_CORE_SEAL_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "core/file.h"
#include "igdef/status.h"

// Adds the digest to an object; `what` starts the message of a failure.
igd_status igd_seal(cJSON *object, const char *what);

// Takes the digest off an object that was read. *sealed is false where there is none, as
// in files of older versions. @return IGD_OK, IGD_EFORMAT where it is not the object's,
// IGD_ENOMEM
igd_status igd_unseal(cJSON *object, bool *sealed, const char *what);

// Reads a file and takes its digest off.
igd_status igd_seal_read(cJSON **out, bool *sealed, const char *path);

// What users are told of a file without one, behind its path.
#define IGD_UNSEALED "carries no digest, as files of older versions do"

// Writes an object with its digest, indented. Consumes nothing. Staged, it is left to be
// committed.
igd_status igd_seal_stage(igd_writer **out, const cJSON *object, const char *path);
igd_status igd_seal_write(const cJSON *object, const char *path);

#endif
