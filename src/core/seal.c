// Owns the digests of JSON files.
#include "core/seal.h"

#include <string.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/json.h"
#include "core/json_build.h"

#define KEY "sha256"

static igd_status digest_of(char out[IGD_SHA256_LENGTH], const cJSON *object,
                            const char *what)
{
    char *text = igd_json_text(object, false);
    if (text == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for its text", what);
    const igd_status st = igd_sha256_bytes(out, text, strlen(text));
    cJSON_free(text);
    return st;
}

igd_status igd_seal(cJSON *object, const char *what)
{
    char sum[IGD_SHA256_LENGTH];
    cJSON_DeleteItemFromObjectCaseSensitive(object, KEY);
    IGD_TRY(digest_of(sum, object, what));
    return igd_json_add_string(object, KEY, sum)
               ? IGD_OK
               : igd_error(IGD_ENOMEM, "%s: no memory for its digest", what);
}

// Whether what a seal leaves stands at the end, under a name that is not its own.
static bool is_broken(const cJSON *object)
{
    const cJSON *last = object->child != NULL ? object->child->prev : NULL;
    return last != NULL && cJSON_IsString(last) &&
           strlen(last->valuestring) == IGD_SHA256_LENGTH - 1;
}

igd_status igd_unseal(cJSON *object, bool *sealed, const char *what)
{
    char sum[IGD_SHA256_LENGTH];
    cJSON *carried = cJSON_DetachItemFromObjectCaseSensitive(object, KEY);
    *sealed = carried != NULL;
    if (carried == NULL && is_broken(object))
        return igd_error(IGD_EFORMAT, "%s: damaged or edited: its SHA-256 is gone", what);
    if (carried == NULL)
        return IGD_OK;
    igd_status st = digest_of(sum, object, what);
    if (st == IGD_OK &&
        (!cJSON_IsString(carried) || strcmp(carried->valuestring, sum) != 0))
        st = igd_error(IGD_EFORMAT, "%s: damaged or edited: not what its SHA-256 is of",
                       what);
    cJSON_Delete(carried);
    return st;
}

igd_status igd_seal_read(cJSON **out, bool *sealed, const char *path)
{
    *sealed = false;
    IGD_TRY(igd_json_read(out, path));
    const igd_status st = igd_unseal(*out, sealed, path);
    if (st != IGD_OK) {
        cJSON_Delete(*out);
        *out = NULL;
    }
    return st;
}

igd_status igd_seal_stage(igd_writer **out, const cJSON *object, const char *path)
{
    cJSON *sealed = cJSON_Duplicate(object, true);
    *out = NULL;
    if (sealed == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for its text", path);
    igd_status st = igd_seal(sealed, path);
    if (st == IGD_OK)
        st = igd_json_stage(out, sealed, path);
    cJSON_Delete(sealed);
    return st;
}

igd_status igd_seal_write(const cJSON *object, const char *path)
{
    igd_writer *w;
    IGD_TRY(igd_seal_stage(&w, object, path));
    return igd_writer_commit(w);
}
