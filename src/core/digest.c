// Owns SHA-256, through OpenSSL's libcrypto.
#include "core/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

#define CHUNK 65536
#define DIGEST_SIZE 32

struct igd_sha256 {
    EVP_MD_CTX *context; // owned
    bool failed;         // a step failed; reported at the end
};

igd_status igd_sha256_new(igd_sha256 **out)
{
    *out = NULL;
    igd_sha256 *h = calloc(1, sizeof(*h));
    if (h != NULL)
        h->context = EVP_MD_CTX_new();
    if (h == NULL || h->context == NULL ||
        EVP_DigestInit_ex(h->context, EVP_sha256(), NULL) != 1) {
        igd_sha256_free(h);
        return igd_error(IGD_ENOMEM, "no memory for SHA-256");
    }
    *out = h;
    return IGD_OK;
}

void igd_sha256_add(igd_sha256 *h, const void *data, size_t size)
{
    h->failed |= EVP_DigestUpdate(h->context, data, size) != 1;
}

igd_status igd_sha256_hex(igd_sha256 *h, char out[IGD_SHA256_LENGTH])
{
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    unsigned int length = 0;
    out[0] = '\0';
    h->failed |= EVP_DigestFinal_ex(h->context, digest, &length) != 1;
    if (h->failed || length != DIGEST_SIZE)
        return igd_error(IGD_ENOMEM, "libcrypto failed to compute SHA-256");
    for (size_t i = 0; i < DIGEST_SIZE; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    return IGD_OK;
}

void igd_sha256_free(igd_sha256 *h)
{
    if (h == NULL)
        return;
    EVP_MD_CTX_free(h->context);
    free(h);
}

igd_status igd_sha256_bytes(char out[IGD_SHA256_LENGTH], const void *data, size_t size)
{
    igd_sha256 *h = NULL;
    IGD_TRY(igd_sha256_new(&h));
    igd_sha256_add(h, data, size);
    const igd_status st = igd_sha256_hex(h, out);
    igd_sha256_free(h);
    return st;
}

igd_status igd_sha256_file(char out[IGD_SHA256_LENGTH], const char *path)
{
    unsigned char chunk[CHUNK];
    igd_sha256 *h = NULL;
    FILE *file = NULL;
    igd_status st = IGD_OK;

    out[0] = '\0';
    file = fopen(path, "rb");
    if (file == NULL) {
        st = igd_error(IGD_EIO, "%s: %s", path, strerror(errno));
        goto done;
    }
    st = igd_sha256_new(&h);
    if (st != IGD_OK)
        goto done;
    size_t got;
    errno = 0;
    while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0)
        igd_sha256_add(h, chunk, got);
    if (ferror(file)) {
        st = igd_error(IGD_EIO, "%s: %s", path, strerror(errno));
        goto done;
    }
    st = igd_sha256_hex(h, out);

done:
    igd_sha256_free(h);
    if (file != NULL)
        fclose(file);
    return st;
}
