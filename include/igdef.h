/**
 * @file igdef.h
 * Everything that igdef offers to C and C++ programs.
 *
 * Conventions of all headers: out-parameters come first; an object handed out through one
 * is *owned* by the caller, a returned pointer is *borrowed* from its lender. Functions
 * return an igd_status; igd_error_message() has the text of the last failure on the
 * thread. Images are float32 [N, C, H, W] with pixels in [0, 1]; `eps` and `sigma` are in
 * pixel units; times are in seconds; accuracies are fractions. Objects are immutable
 * after construction unless their header says otherwise, so threads may share them.
 */
#ifndef IGDEF_H
#define IGDEF_H

#include "igdef/status.h"
#include "igdef/version.h"

#include "igdef/runtime.h"

#include "igdef/dataset.h"
#include "igdef/model.h"
#include "igdef/ranking.h"

#include "igdef/defense.h"

#include "igdef/callbacks.h"

#include "igdef/attack.h"
#include "igdef/evaluate.h"
#include "igdef/parts.h"
#include "igdef/pass_cache.h"

#include "igdef/analysis.h"
#include "igdef/analyze.h"
#include "igdef/numbers.h"
#include "igdef/report.h"
#include "igdef/sweep.h"
#include "igdef/tune.h"

#endif
