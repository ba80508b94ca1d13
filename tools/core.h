// What the command takes of src/ beside the public headers: files written whole or not at
// all, JSON read and built, numbers, lines, the time of day, names that are nearly right,
// text for terminals and how it is broken, whether logits are finite and an accuracy is
// near guessing, the paired test, how a failure becomes a message, images without labels,
// and the names of preprocessings. Tools include nothing of src/ but through this file,
// and cJSON only as src/core has it.
#ifndef IGDEF_CORE_H
#define IGDEF_CORE_H

#include "core/chance.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "core/folder.h"
#include "core/json.h"
#include "core/json_build.h"
#include "core/lines.h"
#include "core/logits.h"
#include "core/nearest.h"
#include "core/number.h"
#include "core/seal.h"
#include "core/text.h"
#include "core/wrap.h"
#include "data/resample.h"
#include "data/unlabelled.h"
#include "result/mcnemar.h"

#endif
