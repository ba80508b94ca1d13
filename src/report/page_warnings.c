// Owns the warnings, with what they mean.
#include <string.h>

#include "chart/markup.h"
#include "core/json.h"
#include "report/explain.h"
#include "report/page.h"

static bool raised_before(const igd_inputs *in, int file, const cJSON *warning)
{
    for (int i = 0; i <= file; i++) {
        const cJSON *item;
        cJSON_ArrayForEach(item, igd_get(igd_inputs_file(in, i)->json, "warnings"))
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
    for (int i = 0; igd_inputs_file(p->in, i) != NULL; i++) {
        const cJSON *item;
        cJSON_ArrayForEach(item, igd_get(igd_inputs_file(p->in, i)->json, "warnings"))
        {
            if (strcmp(igd_string_of(item, "id"), id) != 0)
                continue;
            fputs("<li>", p->f);
            igd_put(p->f, igd_inputs_name(p->in, i));
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
    for (int i = 0; igd_inputs_file(p->in, i) != NULL; i++) {
        const cJSON *item;
        cJSON_ArrayForEach(item, igd_get(igd_inputs_file(p->in, i)->json, "warnings"))
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
