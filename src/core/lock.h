// A file that one process at a time holds: what says that a run is in progress. On file
// systems without locks nothing keeps a second process out; the file is then a claim
// (core/claim.h), which says who runs as long as it is touched.
#ifndef IGD_CORE_LOCK_H
#define IGD_CORE_LOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "igdef/status.h"

typedef struct igd_lock igd_lock;

// Takes the lock "`of`.lock", which holds the process's number and host; what a killed
// process left is taken over. *known is false where the file system has no locks: there
// is no more than a claim then. @return IGD_OK, IGD_ESTATE naming who holds it, IGD_EIO,
// IGD_ENOMEM
igd_status igd_lock_take(igd_lock **out, bool *known, const char *of);

// Shows that the process lives, where that takes more than to hold the lock; NULL is
// fine. To be called often, and rarely does anything.
void igd_lock_touch(igd_lock *l);

// Whether a process holds the lock "`of`.lock", or where there are no locks claims it;
// `who` [size] is what it wrote there, "" for nothing.
bool igd_lock_held(char *who, size_t size, const char *of);

// Gives it back and removes the file; NULL is fine.
void igd_lock_free(igd_lock *l);

#endif
