/**
 * @file pass_cache.h
 * Passes of the base model that evaluations of several masked defenses have in common.
 */
#ifndef IGDEF_PASS_CACHE_H
#define IGDEF_PASS_CACHE_H

#include "igdef/status.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** Passes of the base model that evaluations of several masked defenses have in common.
 * Not for several threads at once. */
typedef struct igd_pass_cache igd_pass_cache;

/** Kept in a temporary file. *out is owned, free with igd_pass_cache_free().
 * @return IGD_OK, IGD_EIO, IGD_ENOMEM */
igd_status igd_pass_cache_new(igd_pass_cache **out);

/** Free it with its file; NULL is fine. */
void igd_pass_cache_free(igd_pass_cache *t);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
