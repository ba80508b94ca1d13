// State files of evaluations: as they are, and with the digest made right, so that what
// is behind it is reached as well.
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/digest.h"
#include "core/file.h"
#include "result/state.h"

#define IMAGES 4
#define COLUMNS 3
#define HEADER_SIZE 106 // of the first line, with its digest at DIGEST
#define DIGEST 37

static cJSON *settings(void)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "seed", 1);
    cJSON *list = cJSON_AddArrayToObject(o, "attacks");
    cJSON_AddItemToArray(list, cJSON_CreateString("apgd-ce"));
    return o;
}

static const char *path(void)
{
    static char name[64];
    if (name[0] == '\0')
        snprintf(name, sizeof(name), "/tmp/igdef-fuzz-state-%ld", (long)getpid());
    return name;
}

static void load(const unsigned char *data, size_t size)
{
    igd_state s;
    FILE *f = fopen(path(), "wb");
    if (f == NULL || fwrite(data, 1, size, f) != size || fclose(f) != 0)
        abort();
    if (igd_state_init(&s, path(), settings(), IMAGES, COLUMNS, 2) != IGD_OK)
        abort();
    if (igd_state_load(&s) == IGD_OK)
        for (int k = 0; k < IMAGES * COLUMNS; k++)
            if (strchr(".rf-", s.flags.status[k]) == NULL)
                abort(); // letters are checked
    igd_state_free(&s);
    unlink(path());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char sum[IGD_SHA256_LENGTH];
    igd_sha256 *h = NULL;
    load(data, size);
    if (size < HEADER_SIZE)
        return 0;
    unsigned char *mended = malloc(size);
    if (mended == NULL || igd_sha256_new(&h) != IGD_OK)
        abort();
    memcpy(mended, data, size);
    igd_sha256_add(h, data + HEADER_SIZE, size - HEADER_SIZE);
    if (igd_sha256_hex(h, sum) != IGD_OK)
        abort();
    igd_sha256_free(h);
    memcpy(mended + DIGEST, sum, sizeof(sum) - 1);
    load(mended, size);
    free(mended);
    return 0;
}

size_t fuzz_seed(int index, unsigned char *out)
{
    igd_state s;
    unsigned char *text = NULL;
    size_t size = 0;
    if (index > 0 || igd_state_init(&s, path(), settings(), IMAGES, COLUMNS, 2) != IGD_OK)
        return 0;
    memcpy(s.flags.status, "rrfr.f.r-...", IMAGES * COLUMNS);
    if (igd_state_save(&s) != IGD_OK ||
        igd_file_read(&text, &size, path(), FUZZ_ROOM) != IGD_OK)
        abort();
    memcpy(out, text, size);
    free(text);
    igd_state_free(&s);
    unlink(path());
    return size;
}
