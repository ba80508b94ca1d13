// Owns how to repeat it all.
#include <stdio.h>

#include "chart/markup.h"
#include "core/json.h"
#include "report/page.h"

static void put_pair(const igd_page *p, const char *key, const char *value)
{
    if (value[0] == '\0')
        return;
    fputs("<dt>", p->f);
    igd_put(p->f, key);
    fputs("</dt><dd>", p->f);
    igd_put(p->f, value);
    fputs("</dd>\n", p->f);
}

// A value of any type as the file has it.
static void put_value(const igd_page *p, const char *key, const cJSON *value)
{
    char *text;
    if (value == NULL || cJSON_IsNull(value))
        return;
    if (cJSON_IsString(value)) {
        put_pair(p, key, value->valuestring);
        return;
    }
    text = igd_json_text(value, false);
    if (text != NULL)
        put_pair(p, key, text);
    else
        *p->lacking = true;
    cJSON_free(text);
}

static void put_origin(const igd_page *p, const char *json_key, const char *label,
                       const cJSON *json)
{
    const cJSON *o = igd_get(json, json_key);
    char key[40];
    snprintf(key, sizeof(key), "%s", label);
    put_value(p, key, igd_get(o, "path"));
    snprintf(key, sizeof(key), "%s sha256", label);
    put_value(p, key, igd_get(o, "sha256"));
}

#define MOST_SETTINGS 12 // of a list

// A setting as words: members of an object and of a list one after another.
static void put_setting(const igd_page *p, const cJSON *v)
{
    const cJSON *item;
    int num = 0;
    if (cJSON_IsString(v)) {
        igd_put(p->f, v->valuestring);
    } else if (cJSON_IsNumber(v)) {
        igd_put_number(p->f, v->valuedouble, igd_decimals(v->valuedouble, 1e-9));
    } else if (cJSON_IsBool(v) || v == NULL || cJSON_IsNull(v)) {
        fputs(cJSON_IsTrue(v) ? "yes" : cJSON_IsFalse(v) ? "no" : "none", p->f);
    } else {
        cJSON_ArrayForEach(item, v)
        {
            if (num++ == MOST_SETTINGS) {
                fprintf(p->f, " and %d more", cJSON_GetArraySize(v) - MOST_SETTINGS);
                break;
            }
            fputs(num > 1 ? ", " : "", p->f);
            if (item->string != NULL) {
                igd_put(p->f, item->string);
                fputc(' ', p->f);
            }
            const bool nested = cJSON_IsObject(item) || cJSON_IsArray(item);
            fputs(nested ? "(" : "", p->f);
            put_setting(p, item);
            fputs(nested ? ")" : "", p->f);
        }
    }
}

static void put_defense(const igd_page *p, const cJSON *defense)
{
    fputs("<dt>defense</dt><dd>", p->f);
    put_setting(p, defense);
    fputs("</dd>\n", p->f);
}

static void put_file(const igd_page *p, const cJSON *json, const char *path,
                     const char *name)
{
    fputs("<h3>", p->f);
    igd_put(p->f, name);
    fputs("</h3>\n<pre>", p->f);
    igd_put(p->f, igd_string_of(json, "command"));
    fputs("</pre>\n<dl>\n", p->f);
    put_pair(p, "file", path);
    put_value(p, "igdef", igd_get(igd_get(json, "versions"), "igdef"));
    put_value(p, "libtorch", igd_get(igd_get(json, "versions"), "libtorch"));
    put_origin(p, "model", "model", json);
    put_origin(p, "data", "data", json);
    put_value(p, "images", igd_get(igd_get(json, "data"), "count"));
    put_value(p, "split", igd_get(igd_get(json, "data"), "split"));
    put_value(p, "preprocess", igd_get(igd_get(json, "data"), "preprocess"));
    put_defense(p, igd_get(json, "defense"));
    put_value(p, "seed", igd_get(json, "seed"));
    put_value(p, "device", igd_get(json, "device"));
    put_value(p, "precision", igd_get(igd_get(json, "settings"), "precision"));
    put_value(p, "images at a time", igd_get(json, "batch_size"));
    put_value(p, "threads", igd_get(json, "threads"));
    fputs("<dt>seconds</dt><dd>", p->f);
    igd_put_number(p->f, igd_number_of(json, "seconds"), 1);
    fputs("</dd>\n", p->f);
    fputs("</dl>\n", p->f);
}

// The files that a result is joined from. @return false for one of its own file
static bool put_sources(const igd_page *p, const igd_input *joined)
{
    bool any = false;
    for (int k = 0; k < p->in->num_sources; k++) {
        const igd_source *s = &p->in->source[k];
        if (s->first != joined->path)
            continue;
        any = true;
        put_file(p, s->json, s->path, joined->name);
    }
    return any;
}

void igd_page_reproduce(const igd_page *p)
{
    igd_page_section(p, "reproduce", "To repeat this");
    fputs("<p>Flags of images depend on the model, the data, the settings and the seed, "
          "not "
          "on batch size, threads or interruptions.</p>\n",
          p->f);
    for (int i = 0; igd_inputs_file(p->in, i) != NULL; i++) {
        const igd_input *file = igd_inputs_file(p->in, i);
        if (!put_sources(p, file))
            put_file(p, file->json, file->path, igd_inputs_name(p->in, i));
    }
    igd_page_section_end(p);
}
