// Owns the list of warnings.
#include "result/warnings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/json_build.h"
#include "core/number.h"

void igd_warn(igd_warnings *w, const char *id, const char *format, ...)
{
    if (w->num == IGD_MAX_WARNINGS)
        return;
    igd_warning *next = &w->item[w->num];
    va_list args;
    va_start(args, format);
    igd_format_args(next->text, sizeof(next->text), format, args);
    va_end(args);
    snprintf(next->id, sizeof(next->id), "%s", id);
    for (int i = 0; i < w->num; i++)
        if (strcmp(w->item[i].id, next->id) == 0 &&
            strcmp(w->item[i].text, next->text) == 0)
            return;
    w->num++;
}

bool igd_warned(const igd_warnings *w, const char *id)
{
    for (int i = 0; i < w->num; i++)
        if (strcmp(w->item[i].id, id) == 0)
            return true;
    return false;
}

cJSON *igd_warnings_json(const igd_warnings *w)
{
    cJSON *array = cJSON_CreateArray();
    for (int k = 0; k < w->num; k++) {
        cJSON *o = cJSON_CreateObject();
        igd_json_add_string(o, "id", w->item[k].id);
        igd_json_add_string(o, "text", w->item[k].text);
        igd_json_append(array, o);
    }
    return array;
}
