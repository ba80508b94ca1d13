// Owns what the page says first: who was attacked and what is left, with no more
// certainty than the images give.
#include <math.h>
#include <string.h>

#include "chart/markup.h"
#include "report/page.h"

#define NAMED 6 // attacks that are listed by name

static const igd_input *first(const igd_page *p)
{
    return &p->in->result[0];
}

static void put_model(const igd_page *p, const igd_input *r)
{
    fputs("<strong>", p->f);
    igd_put(p->f, r->name);
    fputs("</strong>", p->f);
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
        const cJSON *intervals = igd_get(r->json, "intervals");
        fprintf(p->f, "<li class=\"tile k%d\"><small class=\"who\">", r->series);
        igd_put(p->f, r->name);
        fputs("</small><b>", p->f);
        igd_page_percent_sign(p, igd_number_of(r->json, "worst_acc"));
        fputs("</b><small>worst case ", p->f);
        igd_page_interval(p, igd_end_of(intervals, "worst_acc", 0),
                          igd_end_of(intervals, "worst_acc", 1));
        fputs("</small><small>clean ", p->f);
        igd_page_percent_sign(p, igd_number_of(r->json, "clean_acc"));
        fputs("</small></li>\n", p->f);
    }
    fputs("</ul>\n", p->f);
}

static void put_paired(const igd_page *p, const igd_paired *t, bool comparable)
{
    fputs(": a difference of ", p->f);
    igd_page_points(p, t->difference);
    fputs(" points (95&#8239;% interval ", p->f);
    igd_page_points(p, t->low);
    fputs(" to ", p->f);
    igd_page_points(p, t->high);
    fputs("; McNemar ", p->f);
    fputs(t->p < 0.001 ? "p&#8239;" : "p&#8239;=&#8239;", p->f);
    igd_page_p(p, t->p);
    fputs("). ", p->f);
    if (!comparable)
        fputs("The two were attacked differently, so this difference says nothing about "
              "the defense.",
              p->f);
    else if (t->p >= 0.05)
        fputs(
            "<strong>That is within what chance does to so few images: they do not show "
            "that the defense helps, nor that it harms.</strong>",
            p->f);
    else if (p->in->num_rows == 0)
        fputs("<strong>That is more than chance does</strong>, but nothing was attacked.",
              p->f);
    else if (t->difference > 0.0)
        fputs("<strong>The defense helps against these attacks, by more than "
              "chance.</strong> A stronger attack may leave less of it.",
              p->f);
    else
        fputs("<strong>The defense does harm: the base model withstands these attacks "
              "better, by more than chance.</strong>",
              p->f);
}

static void put_clean_cost(const igd_page *p, const igd_input *r, const igd_input *base)
{
    const double d =
        igd_number_of(r->json, "clean_acc") - igd_number_of(base->json, "clean_acc");
    fputs(" Without any attack it is right on ", p->f);
    igd_page_percent_sign(p, igd_number_of(r->json, "clean_acc"));
    fputs(" of the images", p->f);
    if (fabs(d) > 1e-9) {
        fputs(", ", p->f);
        igd_put_number(p->f, 100.0 * fabs(d), p->decimals);
        fputs(d > 0 ? " points more" : " points less", p->f);
        fputs(" than the base model.", p->f);
    } else {
        fputs(", as many as the base model.", p->f);
    }
}

static void put_sentence(const igd_page *p, int k)
{
    const igd_input *r = &p->in->result[k];
    const bool attacked = p->in->num_rows > 0;
    char why[512];
    igd_paired t;
    fputs("<p class=\"lead\">", p->f);
    put_model(p, r);
    fputs(attacked ? " still classifies " : " classifies ", p->f);
    igd_page_percent_sign(p, igd_number_of(r->json, "worst_acc"));
    fputs(attacked ? " of the images correctly in the worst case over the attacks"
                   : " of the images correctly; nothing was attacked",
          p->f);
    if (r->base < 0) {
        fputs(".", p->f);
        if (!cJSON_IsNull(igd_get(r->json, "defense")))
            fputs(" No result of its base model is in this report, so what the defense "
                  "adds is not known.",
                  p->f);
        fputs("</p>\n", p->f);
        return;
    }
    const igd_input *base = &p->in->result[r->base];
    const bool differently = igd_inputs_attacked_differently(why, sizeof(why), p->in, k);
    fputs(", the base model ", p->f);
    igd_page_percent_sign(p, igd_number_of(base->json, "worst_acc"));
    if (igd_inputs_paired(&t, p->in, k, IGD_ROW_WORST))
        put_paired(p, &t, !differently);
    else
        fputs(". Whether that is more than chance cannot be said: the lines of images "
              "(<code>.images.jsonl</code>) are missing, on which the two could be "
              "compared image by image.",
              p->f);
    put_clean_cost(p, r, base);
    fputs("</p>\n", p->f);
    if (differently) {
        fputs("<div class=\"care\"><p>", p->f);
        igd_put(p->f, r->name);
        fputs(" and its base model were not attacked alike: ", p->f);
        igd_put(p->f, why);
        fputs(". Their worst cases cannot be compared.</p></div>\n", p->f);
    }
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
                put_sentence(p, k);
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
