// Owns the end of the page: warnings with what they mean, cost, and how to repeat it all.
#include <math.h>
#include <string.h>

#include "chart/markup.h"
#include "igdef/version.h"
#include "report/explain.h"
#include "report/page.h"

// File number `i` of the page: results, then analyses; NULL after the last.
static const igd_input *file_at(const igd_inputs *in, int i)
{
    if (i < in->num_results)
        return &in->result[i];
    i -= in->num_results;
    return i < in->num_analyses ? &in->analysis[i] : NULL;
}

static const char *name_at(const igd_inputs *in, int i)
{
    const igd_input *file = file_at(in, i);
    return i < in->num_results ? file->name : file->path;
}

// --- warnings

static bool raised_before(const igd_inputs *in, int file, const cJSON *warning)
{
    for (int i = 0; i <= file; i++) {
        const cJSON *item;
        cJSON_ArrayForEach(item, igd_get(file_at(in, i)->json, "warnings"))
        {
            if (item == warning)
                return false;
            if (strcmp(igd_string_of(item, "id"), igd_string_of(warning, "id")) == 0)
                return true;
        }
    }
    return false;
}

// All of an id, whoever raised them.
static void put_warning(const igd_page *p, const char *id)
{
    const igd_explanation *e = igd_explain(id);
    fputs("<div class=\"warning\"><h3>", p->f);
    igd_put(p->f, e->title);
    fputs(" <code class=\"quiet\">", p->f);
    igd_put(p->f, id);
    fputs("</code></h3>\n<p>", p->f);
    igd_put(p->f, e->meaning);
    fputs(" <strong>What to do:</strong> ", p->f);
    igd_put(p->f, e->advice);
    fputs("</p>\n<ul>\n", p->f);
    for (int i = 0; file_at(p->in, i) != NULL; i++) {
        const cJSON *item;
        cJSON_ArrayForEach(item, igd_get(file_at(p->in, i)->json, "warnings"))
        {
            if (strcmp(igd_string_of(item, "id"), id) != 0)
                continue;
            fputs("<li>", p->f);
            igd_put(p->f, name_at(p->in, i));
            fputs(": ", p->f);
            igd_put(p->f, igd_string_of(item, "text"));
            fputs("</li>\n", p->f);
        }
    }
    fputs("</ul></div>\n", p->f);
}

void igd_page_warnings(const igd_page *p)
{
    bool any = false;
    igd_page_section(p, "warnings", "Warnings, and what they mean");
    for (int i = 0; file_at(p->in, i) != NULL; i++) {
        const cJSON *item;
        cJSON_ArrayForEach(item, igd_get(file_at(p->in, i)->json, "warnings"))
        {
            any = true;
            if (!raised_before(p->in, i, item))
                put_warning(p, igd_string_of(item, "id"));
        }
    }
    if (!any)
        fputs("<p>None was raised. That no check found a fault does not prove that there "
              "is "
              "none: attacks that are made for a defense can find more.</p>\n",
              p->f);
    igd_page_section_end(p);
}

// --- cost

static void put_cost_row(const igd_page *p, const cJSON *e, const char *model)
{
    const char *same = igd_string_of(e, "same_as");
    fputs("<tr><th scope=\"row\">", p->f);
    igd_put(p->f, igd_string_of(e, "name"));
    fputs("</th><td class=\"text\">", p->f);
    igd_put(p->f, model);
    fputs("</td><td class=\"text\">", p->f);
    igd_put(p->f, igd_string_of(e, "target"));
    fputs("</td>", p->f);
    if (same[0] != '\0') {
        fputs("<td class=\"text\" colspan=\"4\">same flags as ", p->f);
        igd_put(p->f, same);
        fputs("</td></tr>\n", p->f);
        return;
    }
    const char *const keys[] = {"num_fooled", "forwards", "backwards"};
    for (int i = 0; i < 3; i++) {
        fputs("<td>", p->f);
        igd_page_count(p, igd_number_of(e, keys[i]));
        fputs("</td>", p->f);
    }
    fputs("<td>", p->f);
    igd_put_number(p->f, igd_number_of(e, "seconds"), 1);
    fputs("</td></tr>\n", p->f);
}

void igd_page_cost(const igd_page *p)
{
    static const char *const titles[] = {"Fooled", "Forwards", "Backwards", "Seconds"};
    igd_page_section(p, "cost", "What it cost");
    fputs(
        "<p>Passes of single images through the attacked classifier. A forward pass of a "
        "smoothed defense takes two or more of the base model\xe2\x80\x99s.</p>\n",
        p->f);
    igd_page_table(p, NULL, "Cost of each attack");
    fputs("<thead><tr><th scope=\"col\">Attack</th><th scope=\"col\" "
          "class=\"text\">Result</th><th scope=\"col\" class=\"text\">On</th>",
          p->f);
    for (int i = 0; i < 4; i++)
        igd_page_th(p, titles[i]);
    fputs("</tr></thead><tbody>\n", p->f);
    for (int row = 0; row < p->in->num_rows; row++)
        for (int k = 0; k < p->in->num_results; k++)
            if (p->in->row[row].entry[k] != NULL)
                put_cost_row(p, p->in->row[row].entry[k], p->in->result[k].name);
    for (int k = 0; k < p->in->num_results; k++) {
        fputs("<tr class=\"sum\"><th scope=\"row\">everything</th><td class=\"text\">",
              p->f);
        igd_put(p->f, p->in->result[k].name);
        fputs("</td><td></td><td></td><td></td><td></td><td>", p->f);
        igd_put_number(p->f, igd_number_of(p->in->result[k].json, "seconds"), 1);
        fputs("</td></tr>\n", p->f);
    }
    fputs("</tbody>", p->f);
    igd_page_table_end(p, NULL);
    igd_page_section_end(p);
}

// --- how to repeat it

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
    text = cJSON_PrintUnformatted(value); // without memory, the key is left out
    if (text != NULL)
        put_pair(p, key, text);
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
    for (int i = 0; file_at(p->in, i) != NULL; i++) {
        const igd_input *file = file_at(p->in, i);
        if (!put_sources(p, file))
            put_file(p, file->json, file->path, name_at(p->in, i));
    }
    igd_page_section_end(p);
}
