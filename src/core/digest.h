// SHA-256, in hexadecimal.
#ifndef IGD_CORE_DIGEST_H
#define IGD_CORE_DIGEST_H

#include <stddef.h>

#include "igdef/status.h"

#define IGD_SHA256_LENGTH 65 // 64 digits and the end

typedef struct igd_sha256 igd_sha256;
igd_status igd_sha256_new(igd_sha256 **out);
void igd_sha256_add(igd_sha256 *h, const void *data, size_t size);
igd_status igd_sha256_hex(igd_sha256 *h, char out[IGD_SHA256_LENGTH]); // ends it
void igd_sha256_free(igd_sha256 *h);

// Of an array.
igd_status igd_sha256_bytes(char out[IGD_SHA256_LENGTH], const void *data, size_t size);
// Of a file's content.
igd_status igd_sha256_file(char out[IGD_SHA256_LENGTH], const char *path);

#endif
