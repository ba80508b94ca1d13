// What the command takes of src/core beside the public headers: files written whole or
// not at all, JSON, numbers, lines, the time of day, names that are nearly right, text
// for terminals and how it is broken, whether logits are finite and an accuracy is near
// guessing, and how a failure becomes a message. Nothing else of src/ is included in
// tools/.
#ifndef IGDEF_CORE_H
#define IGDEF_CORE_H

#include "core/chance.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "core/folder.h"
#include "core/json.h"
#include "core/lines.h"
#include "core/logits.h"
#include "core/nearest.h"
#include "core/number.h"
#include "core/seal.h"
#include "core/text.h"
#include "core/wrap.h"

#endif
