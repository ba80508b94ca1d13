// Owns what a model's file says about itself: the extra file igdef.json of its archive.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/archive.h"
#include "core/error.h"
#include "core/json.h"
#include "core/number.h"
#include "core/require.h"
#include "core/text.h"
#include "model/model_impl.h"

#define FILE_NAME "igdef.json"
#define FORMAT "igdef.model/1"
#define TEXT_MAX 1024     // bytes of a text as it is shown
#define CLASSES_MAX 65536 // names
#define LENGTH_MAX 65536  // of an axis of the images

// The card as it is given out, with what its pointers point to.
typedef struct card {
    igd_model_card public; // first: the two share their address
    char *texts[5];
    char **classes;
    int num_named;
} card;

// A copy that a terminal shows and does not obey; owned.
static igd_status copy_text(char **out, const char *text, const char *path)
{
    char shown[TEXT_MAX];
    igd_escape(shown, sizeof(shown), text, false);
    *out = strdup(shown);
    return *out != NULL ? IGD_OK
                        : igd_error(IGD_ENOMEM, "%s: no memory for its texts", path);
}

// A text, or nothing where the key is missing or null.
static igd_status read_text(char **out, const cJSON *json, const char *key,
                            const char *path)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    if (item == NULL || cJSON_IsNull(item))
        return IGD_OK;
    if (!cJSON_IsString(item))
        return igd_error(IGD_EFORMAT, "%s: %s: '%s' is no text", path, FILE_NAME, key);
    return copy_text(out, item->valuestring, path);
}

static const char *string_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

// "a.pt, sha256 12ab…; b.pt, sha256 …"
static igd_status read_weights(char **out, const cJSON *json, const char *path)
{
    char text[TEXT_MAX] = "";
    size_t used = 0;
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "weights"))
    {
        const cJSON *seed = cJSON_GetObjectItemCaseSensitive(item, "random");
        const char *file = string_of(item, "file"), *from = string_of(item, "from");
        const char *sum = string_of(item, "sha256");
        char random[48];
        igd_format(random, sizeof(random), "random, seed %.17g",
                   cJSON_IsNumber(seed) ? seed->valuedouble : 0.0);
        if (sum == NULL)
            sum = string_of(item, "sha256_of_tensors");
        const char *what = file != NULL ? file : from != NULL ? from : NULL;
        if (what == NULL && cJSON_IsNumber(seed))
            what = random;
        if (what == NULL || sum == NULL)
            return igd_error(IGD_EFORMAT, "%s: %s: 'weights' lacks a file or its sha256",
                             path, FILE_NAME);
        const int n = snprintf(text + used, sizeof(text) - used, "%s%s, sha256 %s%s",
                               used > 0 ? "; " : "", what, sum,
                               file == NULL ? " of the tensors" : "");
        if (n < 0 || (size_t)n >= sizeof(text) - used)
            break; // a long list is cut
        used += (size_t)n;
    }
    return used > 0 ? copy_text(out, text, path) : IGD_OK;
}

// " mean 0.5,0.5,0.5" after the first `used` bytes.
static igd_status add_numbers(char *text, size_t room, size_t *used, const cJSON *json,
                              const char *key, const char *path)
{
    const cJSON *list, *item = NULL;
    IGD_TRY(igd_json_array(&list, json, key, path));
    *used +=
        (size_t)snprintf(text + *used, room - *used, "%s%s", *used > 0 ? ", " : "", key);
    int i = 0;
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble) || i >= 16)
            return igd_error(IGD_EFORMAT, "%s: %s: '%s' is no list of numbers", path,
                             FILE_NAME, key);
        *used += (size_t)igd_format(text + *used, room - *used, "%c%.6g",
                                    i++ == 0 ? ' ' : ',', item->valuedouble);
    }
    return IGD_OK;
}

static igd_status read_normalization(char **out, const cJSON *json, const char *path)
{
    char text[TEXT_MAX] = "";
    size_t used = 0;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, "normalization");
    if (item == NULL || cJSON_IsNull(item))
        return IGD_OK;
    IGD_TRY(add_numbers(text, sizeof(text), &used, item, "mean", path));
    IGD_TRY(add_numbers(text, sizeof(text), &used, item, "std", path));
    const char *place = string_of(item, "place");
    if (place != NULL)
        snprintf(text + used, sizeof(text) - used, ", %s", place);
    return copy_text(out, text, path);
}

static igd_status read_shape(int64_t shape[3], const cJSON *json, const char *path)
{
    const cJSON *list, *item = NULL;
    int i = 0;
    IGD_TRY(igd_json_array(&list, json, "input", path));
    cJSON_ArrayForEach(item, list)
    {
        const double n = cJSON_IsNumber(item) ? item->valuedouble : 0;
        if (i >= 3 || n < 1 || n > LENGTH_MAX || n != floor(n))
            i = 4;
        else
            shape[i++] = (int64_t)n;
    }
    if (i == 3)
        return IGD_OK;
    return igd_error(IGD_EFORMAT, "%s: %s: 'input' is not channels, height and width",
                     path, FILE_NAME);
}

static igd_status read_classes(card *c, const cJSON *json, const char *path)
{
    int64_t num;
    IGD_TRY(igd_json_integer(&num, json, "num_classes", path));
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "classes");
    const int named = cJSON_GetArraySize(list);
    if (num < 1 || num > 1 << 20 ||
        (list != NULL && (named != num || named > CLASSES_MAX)))
        return igd_error(IGD_EFORMAT, "%s: %s: %d names for %lld classes", path,
                         FILE_NAME, named, (long long)num);
    c->public.num_classes = (int)num;
    if (list == NULL)
        return IGD_OK;
    c->classes = calloc((size_t)named, sizeof(*c->classes));
    if (c->classes == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for %d class names", path, named);
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsString(item))
            return igd_error(IGD_EFORMAT, "%s: %s: class %d has a name that is no text",
                             path, FILE_NAME, c->num_named);
        IGD_TRY(copy_text(&c->classes[c->num_named], item->valuestring, path));
        c->num_named++;
    }
    c->public.classes = (const char *const *)c->classes;
    return IGD_OK;
}

static igd_status read_all(card *c, const cJSON *json, const char *path)
{
    const char *format;
    IGD_TRY(igd_json_string(&format, json, "format", path));
    if (strcmp(format, FORMAT) != 0)
        return igd_error(IGD_EFORMAT, "%s: %s: format is '%s', not '%s'", path, FILE_NAME,
                         format, FORMAT);
    IGD_TRY(read_text(&c->texts[0], json, "name", path));
    IGD_TRY(read_text(&c->texts[1], json, "source", path));
    IGD_TRY(read_weights(&c->texts[2], json, path));
    IGD_TRY(read_normalization(&c->texts[3], json, path));
    IGD_TRY(read_text(&c->texts[4], json, "preprocess", path));
    IGD_TRY(read_shape(c->public.shape, json, path));
    IGD_TRY(read_classes(c, json, path));
    c->public.name = c->texts[0];
    c->public.source = c->texts[1];
    c->public.weights = c->texts[2];
    c->public.normalization = c->texts[3];
    c->public.preprocess = c->texts[4];
    return IGD_OK;
}

igd_status igd_model_card_read(igd_model_card **out, const char *path)
{
    char *text = NULL, what[512];
    cJSON *json = NULL;
    card *c = NULL;
    igd_status st;

    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(path);
    IGD_TRY(igd_archive_extra(&text, path, FILE_NAME));
    if (text == NULL)
        return IGD_OK;
    snprintf(what, sizeof(what), "%s: %s", path, FILE_NAME);
    if ((st = igd_json_parse(&json, text, strlen(text), what)) != IGD_OK)
        goto done;
    c = calloc(1, sizeof(*c));
    if (c == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory for what it says", path);
        goto done;
    }
    st = read_all(c, json, path);

done:
    cJSON_Delete(json);
    free(text);
    if (st != IGD_OK) {
        igd_model_card_free(c != NULL ? &c->public : NULL);
        return st;
    }
    *out = &c->public;
    return IGD_OK;
}

void igd_model_card_free(igd_model_card *public)
{
    card *c = (card *)public;
    if (c == NULL)
        return;
    for (int i = 0; i < 5; i++)
        free(c->texts[i]);
    for (int i = 0; i < c->num_named; i++)
        free(c->classes[i]);
    free(c->classes);
    free(c);
}

igd_status igd_card_check_names(const char *path, int num_classes,
                                const igd_class_names *names, const char *remedy)
{
    igd_model_card *public = NULL;
    if (path == NULL || names->num == 0 || igd_model_card_read(&public, path) != IGD_OK ||
        public == NULL)
        return IGD_OK;
    const bool named = public->classes != NULL && public->num_classes == num_classes;
    const igd_class_names own = {.of = "the model's igdef.json",
                                 .name = public->classes,
                                 .num = named ? num_classes : 0};
    if (remedy == NULL)
        remedy = "--classes FILE takes the model's names in their order";
    const igd_status st = igd_class_names_check(names, &own, remedy);
    igd_model_card_free(public);
    return st;
}

igd_status igd_model_check_classes(const igd_model *m, const igd_dataset *data)
{
    IGD_REQUIRE(m);
    IGD_REQUIRE(data);
    const int C = igd_model_num_classes(m);
    IGD_TRY(igd_dataset_check_classes(data, C));
    const igd_class_names names = igd_dataset_class_names(data);
    return igd_card_check_names(igd_model_path(m), C, &names, NULL);
}
