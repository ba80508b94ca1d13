// A result as RobustBench's model_info, the JSON file by which a model enters its tables.
#ifndef IGDEF_MODEL_INFO_H
#define IGDEF_MODEL_INFO_H

#include "cli.h"
#include "core.h"
#include "igdef/status.h"

// Whether each text is KEY=VALUE with a key that the file has and igdef does not measure.
// @return CLI_GO_ON, or the exit code after a message
int model_info_check(const cli_texts *info);

// *out (owned; NULL on failure) is made of what the result has measured and of `info`.
// What neither says is an empty text, and is named in `missing`. @return IGD_OK;
// IGD_EINVAL for a result without AutoAttack as it is published, or of a part or norm
// that the tables do not have; as igd_result_load()
#define MODEL_INFO_MISSING 160
igd_status model_info_make(cJSON **out, char missing[MODEL_INFO_MISSING],
                           const char *path, const cli_texts *info);

#endif
