// Owns the sections of analyses: what was asked, the picture, and its numbers.
#include <math.h>
#include <string.h>

#include "chart/chart.h"
#include "chart/markup.h"
#include "report/page.h"

static void put_shift(const igd_page *p, const cJSON *a)
{
    fputs("<p>How the neurons of <code>", p->f);
    igd_put(p->f, igd_string_of(a, "layer"));
    fputs("</code> change when <code>", p->f);
    igd_put(p->f, igd_string_of(a, "attack"));
    fputs("</code> attacks ", p->f);
    igd_page_count(p, igd_number_of(a, "num_images"));
    fputs(
        " correctly classified images: the mean activation of a group after the attack, "
        "relative to before. The groups are the ",
        p->f);
    igd_page_count(p, igd_number_of(a, "top"));
    fputs(" most important neurons of the true class, of the class predicted after the "
          "attack, those of the other classes, and neurons important to none.</p>\n",
          p->f);
}

static void put_sweep(const igd_page *p, const cJSON *a)
{
    const cJSON *item, *best = NULL;
    char value[IGD_VALUE_TEXT];
    cJSON_ArrayForEach(item, igd_get(a, "points"))
    {
        if (best == NULL ||
            igd_number_of(item, "worst_acc") > igd_number_of(best, "worst_acc"))
            best = item;
    }
    igd_setting_text(value, igd_get(best, "value"), igd_string_of(a, "option"));
    fputs("<p>One evaluation per value of <code>", p->f);
    igd_put(p->f, igd_string_of(a, "option"));
    fputs("</code>. The worst case is best at <strong>", p->f);
    igd_put(p->f, value);
    fputs("</strong>, ", p->f);
    igd_page_percent_sign(p, igd_number_of(best, "worst_acc"));
    fputs(
        "; a value that was chosen because its accuracy is the highest here looks better "
        "than it is.",
        p->f);
    if (cJSON_IsFalse(igd_get(a, "finished")))
        fputs(" <strong>The sweep is not finished.</strong>", p->f);
    fputs("</p>\n", p->f);
}

static void put_search(const igd_page *p, const cJSON *a)
{
    fputs("<p>The fewest neurons per class that cost at most ", p->f);
    igd_put_number(p->f, 100.0 * igd_number_of(a, "budget"), 2);
    fputs(" points of clean accuracy: <strong>keep ", p->f);
    igd_page_count(p, igd_number_of(a, "keep"));
    fputs("</strong>, with ", p->f);
    igd_page_percent_sign(p, igd_number_of(a, "clean_acc"));
    fputs(" ", p->f);
    igd_page_interval(p, igd_end_of(a, "interval", 0), igd_end_of(a, "interval", 1));
    fputs(" where the base model has ", p->f);
    igd_page_percent_sign(p, igd_number_of(a, "base_clean_acc"));
    fputs(". Found by ", p->f);
    igd_put(p->f, strcmp(igd_string_of(a, "method"), "one-pass") == 0
                      ? "scoring every keep in one pass"
                      : igd_string_of(a, "method"));
    fputs(".</p>\n", p->f);
}

static void put_landscape(const igd_page *p, const cJSON *a)
{
    fputs("<p>The mean cross-entropy of ", p->f);
    igd_page_count(p, igd_number_of(a, "num_images"));
    fputs(
        " images as they are moved along the sign of their gradient (across) and along a "
        "direction at right angles to it (up). A robust model\xe2\x80\x99s loss is low "
        "and flat around the image; a jagged surface hides gradients.</p>\n",
        p->f);
}

static void put_words(const igd_page *p, const igd_input *a)
{
    switch (a->kind) {
    case IGD_SHIFT:
        put_shift(p, a->json);
        break;
    case IGD_SWEEP:
        put_sweep(p, a->json);
        break;
    case IGD_SEARCH_KEEP:
        put_search(p, a->json);
        break;
    case IGD_LANDSCAPE:
        put_landscape(p, a->json);
        break;
    case IGD_ABLATION:
        fputs("<p>The defense with its parts taken out one by one: the mask, the second "
              "pass, the smoothing. A part that adds nothing could be left out.</p>\n",
              p->f);
        break;
    default:
        fputs(
            "<p>Defenses that work at test time, on the same model and images. The worst "
            "case over all attacks is the column that counts.</p>\n",
            p->f);
    }
}

// The model and the images that the analysis is about.
static void put_subject(const igd_page *p, const cJSON *a)
{
    char eps[IGD_VALUE_TEXT];
    const double count = igd_number_in(a, "data", "count");
    fputs("<p class=\"note\">Model ", p->f);
    igd_put(p->f, igd_text_in(a, "model", "path"));
    fputs("; ", p->f);
    if (!isnan(count)) {
        igd_page_count(p, count);
        fputs(" images of ", p->f);
    }
    igd_put(p->f, igd_text_in(a, "data", "path"));
    fputs(" (", p->f);
    igd_put(p->f, igd_text_in(a, "data", "split"));
    fputs(")", p->f);
    if (cJSON_IsObject(igd_get(a, "threat"))) {
        igd_radius_text(eps, igd_number_in(a, "threat", "eps"));
        fputs("; ", p->f);
        igd_put(p->f, igd_text_in(a, "threat", "norm"));
        fputs(", eps ", p->f);
        igd_put(p->f, eps);
    }
    fputs(".</p>\n", p->f);
}

igd_status igd_page_analyses(const igd_page *p)
{
    for (int k = 0; k < p->in->num_analyses; k++) {
        const igd_input *a = &p->in->analysis[k];
        char title[IGD_CHART_TITLE], id[32];
        igd_status st;
        igd_chart_title(title, a->json);
        snprintf(id, sizeof(id), "analysis-%d", k + 1);
        igd_page_section(p, id, title);
        put_words(p, a);
        fputs("<figure>\n", p->f);
        if ((st = igd_chart_put(p->f, a->json, "chart wide", IGD_CHART_WIDE)) != IGD_OK ||
            (st = igd_chart_put(p->f, a->json, "chart narrow", IGD_CHART_NARROW)) !=
                IGD_OK)
            return st;
        igd_page_analysis_table(p, a);
        igd_page_figure_end(p, NULL);
        put_subject(p, a->json);
        igd_page_section_end(p);
    }
    return IGD_OK;
}
