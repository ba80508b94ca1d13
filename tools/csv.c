// Owns the way from JSON to a table.
#include "csv.h"

#include <math.h>
#include <string.h>

#include "core.h"

#define KEY_MAX 256

void csv_field(FILE *f, const char *text)
{
    if (text[strcspn(text, ",\"\r\n")] == '\0') {
        fputs(text, f);
        return;
    }
    fputc('"', f);
    for (; *text != '\0'; text++)
        fputs(*text == '"' ? "\"\"" : (char[]){*text, '\0'}, f);
    fputc('"', f);
}

// A scalar as text: numbers as they are in JSON. NULL without memory, as below.
static cJSON *text_of(const cJSON *v)
{
    if (cJSON_IsString(v) || cJSON_IsNull(v))
        return cJSON_CreateString(cJSON_IsString(v) ? v->valuestring : "");
    char *text = cJSON_PrintUnformatted(v);
    cJSON *out = text != NULL ? cJSON_CreateString(text) : NULL;
    cJSON_free(text);
    return out;
}

// The values of an array between blanks.
static cJSON *joined(const cJSON *array)
{
    bool whole = true;
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    const cJSON *v;
    if (f == NULL)
        return NULL;
    cJSON_ArrayForEach(v, array)
    {
        cJSON *item = text_of(v);
        whole = whole && item != NULL;
        fprintf(f, "%s%s", v == array->child ? "" : " ",
                item != NULL ? item->valuestring : "");
        cJSON_Delete(item);
    }
    cJSON *out = fclose(f) == 0 && whole ? cJSON_CreateString(text) : NULL;
    cJSON_free(text);
    return out;
}

static bool is_interval(const char *key, const cJSON *v)
{
    return cJSON_IsArray(v) && cJSON_GetArraySize(v) == 2 &&
           strstr(key, "interval") != NULL;
}

// Adds a value, and what is inside it, to a flat object of texts.
static void flatten(cJSON *flat, const char *key, const cJSON *v)
{
    static const char *const ends[] = {"low", "high"};
    char longer[KEY_MAX];
    const cJSON *item;
    int k = 0;
    if (cJSON_IsNull(v) && strstr(key, "interval") != NULL)
        return; // there is none
    if (!cJSON_IsObject(v) && !cJSON_IsArray(v)) {
        igd_json_add_item(flat, key, text_of(v));
        return;
    }
    if (cJSON_IsArray(v) && !is_interval(key, v) &&
        !cJSON_HasObjectItem(v->child, "name")) {
        igd_json_add_item(flat, key, joined(v));
        return;
    }
    cJSON_ArrayForEach(item, v)
    {
        const char *name = cJSON_IsObject(v)     ? item->string
                           : is_interval(key, v) ? ends[k++]
                                                 : igd_string_of(item, "name");
        if (!cJSON_IsObject(v) || strcmp(name, "name") != 0 || key[0] == '\0') {
            snprintf(longer, sizeof(longer), "%s%s%s", key, key[0] != '\0' ? "." : "",
                     name);
            flatten(flat, longer, item);
        }
    }
}

static void add_columns(cJSON *columns, const cJSON *flat)
{
    const cJSON *v;
    cJSON_ArrayForEach(v, flat)
    {
        if (!cJSON_HasObjectItem(columns, v->string))
            igd_json_add_null(columns, v->string);
    }
}

static void print_rows(FILE *f, const cJSON *flat, const cJSON *columns)
{
    const cJSON *row, *column;
    cJSON_ArrayForEach(column, columns)
    {
        fputs(column == columns->child ? "" : ",", f);
        csv_field(f, column->string);
    }
    fputc('\n', f);
    cJSON_ArrayForEach(row, flat)
    {
        cJSON_ArrayForEach(column, columns)
        {
            fputs(column == columns->child ? "" : ",", f);
            csv_field(f, igd_string_of(row, column->string));
        }
        fputc('\n', f);
    }
}

igd_status csv_print(FILE *f, const cJSON *rows)
{
    cJSON *flat = cJSON_CreateArray(), *columns = cJSON_CreateObject();
    const cJSON *row;
    cJSON_ArrayForEach(row, rows)
    {
        cJSON *o = cJSON_CreateObject();
        flatten(o, "", row);
        add_columns(columns, o);
        igd_json_append(flat, o);
    }
    const bool whole =
        igd_json_whole(rows) && igd_json_whole(flat) && igd_json_whole(columns);
    if (whole)
        print_rows(f, flat, columns);
    cJSON_Delete(flat);
    cJSON_Delete(columns);
    return whole ? IGD_OK : igd_error(IGD_ENOMEM, "no memory for the table");
}
