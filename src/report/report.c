// Owns the whole page.
#include "igdef/report.h"

#include <stdlib.h>

#include "chart/chart.h"
#include "chart/markup.h"
#include "core/error.h"
#include "core/file.h"
#include "igdef/version.h"
#include "report/page.h"

#define FINE 1000 // images from which percentages have two decimals

static void put_top(const igd_page *p)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          // Nothing is fetched and nothing runs, whatever the files hold.
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
          "style-src 'unsafe-inline'\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n"
          "<meta name=\"generator\" content=\"igdef ",
          p->f);
    igd_put(p->f, igd_version());
    fputs("\">\n<title>igdef report</title>\n<style>\n", p->f);
    igd_page_style(p->f);
    fputs("</style>\n</head>\n<body>\n<main>\n", p->f);
}

static void put_link(const igd_page *p, const char *id, const char *text)
{
    fprintf(p->f, "<a href=\"#%s\">%s</a>\n", id, text);
}

static bool has_base(const igd_inputs *in)
{
    for (int k = 0; k < in->num_results; k++)
        if (in->result[k].base >= 0)
            return true;
    return false;
}

static void put_contents(const igd_page *p)
{
    fputs("<nav aria-label=\"Contents\">\n", p->f);
    if (p->in->num_results > 0) {
        put_link(p, "accuracy", "Attacks");
        if (has_base(p->in))
            put_link(p, "paired", "Against the base");
        if (cJSON_GetArraySize(igd_get(p->in->result[0].json, "per_class")) > 0)
            put_link(p, "classes", "Classes");
    }
    for (int k = 0; k < p->in->num_analyses; k++) {
        char id[32], title[IGD_CHART_TITLE];
        snprintf(id, sizeof(id), "analysis-%d", k + 1);
        igd_chart_title(title, p->in->analysis[k].json);
        fprintf(p->f, "<a href=\"#%s\">", id);
        igd_put_short(p->f, title, 36);
        fputs("</a>\n", p->f);
    }
    put_link(p, "warnings", "Warnings");
    if (p->in->num_rows > 0)
        put_link(p, "cost", "Cost");
    put_link(p, "reproduce", "Repeat");
    fputs("</nav>\n", p->f);
}

static igd_status put_page(const igd_page *p)
{
    put_top(p);
    igd_page_summary(p);
    put_contents(p);
    if (p->in->num_results > 0) {
        IGD_TRY(igd_page_results(p));
        IGD_TRY(igd_page_classes(p));
    }
    IGD_TRY(igd_page_analyses(p));
    igd_page_warnings(p);
    if (p->in->num_rows > 0)
        igd_page_cost(p);
    igd_page_reproduce(p);
    fputs("<footer>Made by igdef ", p->f);
    igd_put(p->f, igd_version());
    fputs(" from the files above; the same files give the same page.</footer>\n"
          "</main>\n</body>\n</html>\n",
          p->f);
    return IGD_OK;
}

igd_status igd_report_write(const char *const *paths, int num, const char *out_path)
{
    igd_inputs *in = calloc(1, sizeof(*in));
    char *text = NULL;
    size_t size = 0;
    FILE *f = NULL;
    igd_status st;

    if (in == NULL)
        return igd_error(IGD_ENOMEM, "no memory for a report");
    if ((st = igd_inputs_read(in, paths, num)) != IGD_OK)
        goto done;
    f = open_memstream(&text, &size);
    if (f == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for a report");
        goto done;
    }
    const double count =
        in->num_results > 0 ? igd_number_in(in->result[0].json, "data", "count") : 0.0;
    st = put_page(&(igd_page){f, in, count >= FINE ? 2 : 1});
    if (fclose(f) != 0 && st == IGD_OK)
        st = igd_error(IGD_ENOMEM, "no memory for a report");
    if (st == IGD_OK)
        st = igd_file_write(out_path, text, size);

done:
    free(text);
    igd_inputs_free(in);
    free(in);
    return st;
}
