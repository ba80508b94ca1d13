// Owns the whole page.
#include "igdef/report.h"

#include <stdlib.h>
#include <string.h>

#include "chart/chart.h"
#include "chart/markup.h"
#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "core/json_build.h"
#include "core/require.h"
#include "core/wrap.h"
#include "igdef/version.h"
#include "report/page.h"
#include "report/verdict.h"

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
        IGD_TRY(igd_page_anytime(p));
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

static int decimals_of(const igd_inputs *in)
{
    const double count =
        in->num_results > 0 ? igd_number_in(in->result[0].json, "data", "count") : 0.0;
    return count >= FINE ? 2 : 1;
}

// --- the same for the terminal

static bool has_verdict(const igd_inputs *in, int k)
{
    return !has_base(in) || in->result[k].series != 0;
}

static igd_status no_memory(void)
{
    return igd_error(IGD_ENOMEM, "no memory for a report");
}

static igd_status put_sentences(FILE *f, const igd_inputs *in, const igd_verdict *verdict)
{
    bool lacking = false;
    for (int k = 0; k < in->num_results; k++) {
        char *text = NULL;
        size_t size = 0;
        if (!has_verdict(in, k))
            continue;
        FILE *line = open_memstream(&text, &size);
        if (line == NULL)
            return no_memory();
        igd_verdict_say(&(igd_saying){line, false, decimals_of(in), &lacking}, in,
                        &verdict[k], k);
        if (verdict[k].finding == IGD_FINDING_DIFFERENTLY) {
            fputs(" Not attacked alike: ", line);
            igd_put_plain(line, verdict[k].why);
            fputc('.', line);
        }
        if (fclose(line) != 0 || !igd_fold(&text))
            lacking = true;
        else
            fputs(text, f);
        free(text);
    }
    return lacking ? no_memory() : IGD_OK;
}

static cJSON *verdict_json(const igd_inputs *in, const igd_verdict *v, int k)
{
    static const char *const findings[] = {"alone",       "unpaired",   "split",
                                           "differently", "unattacked", "chance",
                                           "weak",        "helps",      "harms"};
    const igd_input *r = &in->result[k];
    cJSON *o = cJSON_CreateObject();
    igd_json_add_string(o, "name", r->name);
    igd_json_add_string(o, "finding", findings[v->finding]);
    igd_json_add_number(o, "clean_acc", igd_headline(r->json, true).accuracy);
    igd_json_add_number(o, "worst_acc", igd_headline(r->json, false).accuracy);
    if (r->base < 0)
        return o;
    igd_json_add_number(o, "base_worst_acc",
                        igd_headline(in->result[r->base].json, false).accuracy);
    if (v->paired.num == 0)
        return o;
    const double ends[2] = {v->paired.low, v->paired.high};
    igd_json_add_number(o, "difference", v->paired.difference);
    igd_json_add_item(o, "interval", cJSON_CreateDoubleArray(ends, 2));
    igd_json_add_number(o, "p", v->paired.p);
    if (v->finding != IGD_FINDING_DIFFERENTLY) {
        igd_json_add_number(o, "comparisons", v->num_compared);
        igd_json_add_number(o, "p_corrected", v->corrected);
    }
    return o;
}

static igd_status put_json(FILE *f, const igd_inputs *in, const igd_verdict *verdict)
{
    cJSON *list = cJSON_CreateArray();
    for (int k = 0; k < in->num_results; k++)
        if (has_verdict(in, k))
            igd_json_append(list, verdict_json(in, &verdict[k], k));
    char *text = igd_json_text(list, true);
    cJSON_Delete(list);
    if (text == NULL)
        return no_memory();
    fputs(text, f);
    cJSON_free(text);
    return IGD_OK;
}

igd_status igd_report_summary(char **out, const char *const *paths, int num, bool json)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(paths);
    igd_inputs *in = calloc(1, sizeof(*in));
    igd_verdict verdict[IGD_REPORT_MAX_RESULTS];
    size_t size = 0;
    FILE *f = NULL;
    igd_status st;

    if (in == NULL)
        return no_memory();
    if ((st = igd_inputs_read(in, paths, num)) != IGD_OK)
        goto done;
    f = open_memstream(out, &size);
    if (f == NULL) {
        st = no_memory();
        goto done;
    }
    st = igd_verdicts_make(verdict, in);
    if (st == IGD_OK)
        st = json ? put_json(f, in, verdict) : put_sentences(f, in, verdict);
    if (fclose(f) != 0 && st == IGD_OK)
        st = no_memory();
    if (st != IGD_OK) {
        free(*out);
        *out = NULL;
    }

done:
    igd_inputs_free(in);
    free(in);
    return st;
}

igd_status igd_report_write(const char *const *paths, int num, const char *out_path)
{
    IGD_REQUIRE(paths);
    IGD_REQUIRE(out_path);
    igd_inputs *in = calloc(1, sizeof(*in));
    igd_verdict verdict[IGD_REPORT_MAX_RESULTS];
    char *text = NULL;
    size_t size = 0;
    FILE *f = NULL;
    bool lacking = false;
    igd_status st;

    if (in == NULL)
        return no_memory();
    if ((st = igd_inputs_read(in, paths, num)) != IGD_OK)
        goto done;
    f = open_memstream(&text, &size);
    if (f == NULL) {
        st = no_memory();
        goto done;
    }
    st = igd_verdicts_make(verdict, in);
    if (st == IGD_OK)
        st = put_page(&(igd_page){f, in, verdict, decimals_of(in), &lacking});
    if ((fclose(f) != 0 || lacking) && st == IGD_OK)
        st = no_memory();
    if (st == IGD_OK)
        st = igd_file_write(out_path, text, size);

done:
    free(text);
    igd_inputs_free(in);
    free(in);
    return st;
}
