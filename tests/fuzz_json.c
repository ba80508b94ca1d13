// JSON and every typed getter on every key.
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"

static void get_all(const cJSON *object, int depth)
{
    const cJSON *item, *found;
    const char *text;
    double number;
    int64_t integer;
    bool flag;
    int good = 0;
    cJSON_ArrayForEach(item, object)
    {
        const char *key = item->string != NULL ? item->string : "";
        good += igd_json_string(&text, object, key, "x") == IGD_OK;
        good += igd_json_number(&number, object, key, "x") == IGD_OK;
        good += igd_json_integer(&integer, object, key, "x") == IGD_OK;
        good += igd_json_bool(&flag, object, key, "x") == IGD_OK;
        good += igd_json_array(&found, object, key, "x") == IGD_OK;
        good += igd_json_object(&found, object, key, "x") == IGD_OK;
        if (cJSON_IsObject(object) &&
            (igd_json_get(&found, object, key, "x") != IGD_OK || found != item))
            abort(); // keys are unique
        if (depth > 0)
            get_all(item, depth - 1);
    }
    if (!cJSON_IsObject(object) && good > 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cJSON *json;
    const igd_status st = igd_json_parse(&json, (const char *)data, size, "x.json");
    if (st == IGD_ENOMEM)
        abort(); // cJSON refused what its grammar has
    if (st != IGD_OK)
        return 0;
    get_all(json, 10);
    cJSON_Delete(json);
    return 0;
}

size_t fuzz_seed(int index, unsigned char *out)
{
    static const char *const seeds[] = {
        "{\"format\": \"igdef.result/1\", \"model\": {\"path\": \"m.pt\"}}",
        "{\"attacks\": [{\"name\": \"apgd-ce\", \"robust_acc\": 0.383}], \"all\": true}",
        "[1, -2.5e-7, \"\\u00e4\\n\", null, false, {}, []]\n",
        "{\"eps\": \"8/255\", \"keep\": 50, \"a\": {\"b\": {\"c\": [[[]]]}}}",
    };
    if ((size_t)index >= sizeof(seeds) / sizeof(seeds[0]))
        return 0;
    memcpy(out, seeds[index], strlen(seeds[index]));
    return strlen(seeds[index]);
}
