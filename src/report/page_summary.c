// Owns what the page says first: who was attacked and what is left, with no more
// certainty than the images give.
#include <math.h>
#include <string.h>

#include "chart/markup.h"
#include "core/json.h"
#include "core/number.h"
#include "report/page.h"

#define NAMED 6 // attacks that are listed by name

static const igd_input *first(const igd_page *p)
{
    return &p->in->result[0];
}

// Lines of the list that stand for themselves: no member of an ensemble that is listed.
static bool on_top(const igd_row *row)
{
    return row->ensemble[0] == '\0';
}

static void put_attacks(const igd_page *p)
{
    int num = 0, said = 0;
    for (int i = 0; i < p->in->num_rows; i++)
        num += on_top(&p->in->row[i]);
    for (int i = 0; i < p->in->num_rows && said < NAMED; i++) {
        if (!on_top(&p->in->row[i]))
            continue;
        fputs(said == 0 ? "" : said == num - 1 ? " and " : ", ", p->f);
        igd_put(p->f, p->in->row[i].name);
        said++;
    }
    if (num > said)
        fprintf(p->f, " and %d more", num - said);
}

static void put_head(const igd_page *p)
{
    const igd_input *r = first(p);
    char eps[IGD_VALUE_TEXT];
    igd_radius_text(eps, igd_number_in(r->json, "threat", "eps"));
    fputs("<p class=\"over\">igdef report</p>\n<h1>Robustness on ", p->f);
    igd_page_count(p, igd_number_in(r->json, "data", "count"));
    fputs(" images</h1>\n<p class=\"quiet\">", p->f);
    igd_put(p->f, igd_text_in(r->json, "data", "path"));
    fputs(" (", p->f);
    igd_put(p->f, igd_text_in(r->json, "data", "split"));
    fputs("). Threat: ", p->f);
    igd_put(p->f, igd_text_in(r->json, "threat", "norm"));
    fputs(", eps ", p->f);
    igd_put(p->f, eps);
    if (p->in->num_rows > 0) {
        fputs(". Attacks: ", p->f);
        put_attacks(p);
    }
    fputs(".</p>\n", p->f);
}

static void put_tiles(const igd_page *p)
{
    fputs("<ul class=\"tiles\">\n", p->f);
    for (int k = 0; k < p->in->num_results; k++) {
        const igd_input *r = &p->in->result[k];
        const igd_headline_value v = igd_headline(r->json, false);
        fprintf(p->f, "<li class=\"tile k%d\"><small class=\"who\">", r->series);
        igd_put(p->f, r->name);
        fputs("</small><b>", p->f);
        igd_page_percent_sign(p, v.accuracy);
        fprintf(p->f, "</b><small>%s ", igd_union_name(r->json));
        igd_page_interval(p, v.low, v.high);
        fputs("</small><small>clean ", p->f);
        igd_page_percent_sign(p, igd_headline(r->json, true).accuracy);
        fputs("</small></li>\n", p->f);
    }
    fputs("</ul>\n", p->f);
}

static void put_sentence(const igd_page *p, const igd_verdict *v, int k)
{
    const igd_saying to = {p->f, true, p->decimals, p->lacking};
    fputs("<p class=\"lead\">", p->f);
    igd_verdict_say(&to, p->in, v, k);
    fputs("</p>\n", p->f);
    if (v->finding != IGD_FINDING_DIFFERENTLY)
        return;
    fputs("<div class=\"care\"><p>", p->f);
    igd_put(p->f, p->in->result[k].name);
    fputs(" and its base model were not attacked alike: ", p->f);
    igd_put(p->f, v->why);
    fputs(". They cannot be compared.</p></div>\n", p->f);
}

static int num_warnings(const igd_inputs *in)
{
    int num = 0;
    for (int k = 0; k < in->num_results; k++)
        num += cJSON_GetArraySize(igd_get(in->result[k].json, "warnings"));
    for (int k = 0; k < in->num_analyses; k++)
        num += cJSON_GetArraySize(igd_get(in->analysis[k].json, "warnings"));
    return num;
}

void igd_page_summary(const igd_page *p)
{
    const int warnings = num_warnings(p->in);
    if (p->in->num_results > 0) {
        put_head(p);
        put_tiles(p);
        bool defended = false;
        for (int k = 0; k < p->in->num_results; k++)
            defended = defended || p->in->result[k].base >= 0;
        for (int k = 0; k < p->in->num_results; k++) // a base model is in the others'
            if (!defended || p->in->result[k].series != 0)
                put_sentence(p, &p->verdict[k], k);
    } else {
        fprintf(p->f,
                "<p class=\"over\">igdef report</p>\n<h1>%d %s</h1>\n"
                "<p class=\"lead\">Each stands for itself, with its own model and "
                "data.</p>\n",
                p->in->num_analyses, p->in->num_analyses == 1 ? "analysis" : "analyses");
    }
    if (warnings > 0)
        fprintf(p->f,
                "<div class=\"care\"><p>%d %s: reasons to doubt these numbers. "
                "<a href=\"#warnings\">What %s</a></p></div>\n",
                warnings, warnings == 1 ? "warning was raised" : "warnings were raised",
                warnings == 1 ? "it means" : "they mean");
}
