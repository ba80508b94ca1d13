// A file that says which process makes something, on file systems without locks too. It
// is made by link() where that can be, of which one of several wins, and touched from
// time to time. Whoever finds one whose process is gone, or silent for minutes, takes it
// over. Two processes may then both believe that they hold it, when one was suspended or,
// without hard links, in the moment of its beginning: what is claimed must stand that, at
// the price of work done twice.
#ifndef IGD_CORE_CLAIM_H
#define IGD_CORE_CLAIM_H

#include <stdbool.h>
#include <stddef.h>

#include "igdef/status.h"

typedef struct igd_claim igd_claim;

// Makes `path`, in a folder that exists. Where another process holds it, *out is NULL,
// and `who` [size] is how that signed. @return IGD_OK, IGD_EIO, IGD_ENOMEM
igd_status igd_claim_try(igd_claim **out, const char *path, char *who, size_t size);

// Shows that the process lives; to be called often, and rarely does anything.
void igd_claim_touch(igd_claim *c);

// Whether a process holds `path`, as igd_claim_try() tells it.
bool igd_claim_held(const char *path, char *who, size_t size);

// Gives it back; NULL is fine.
void igd_claim_free(igd_claim *c);

// A name of this process and moment that no other has, of letters, digits and '-'.
void igd_claim_token(char *out, size_t size);

#endif
