// Owns what the parts of the page share.
#include "report/page.h"

#include <math.h>

#include "chart/chart.h"
#include "chart/markup.h"
#include "core/error.h"

void igd_page_section(const igd_page *p, const char *id, const char *title)
{
    fprintf(p->f, "<section id=\"%s\">\n<h2>", id);
    igd_put(p->f, title);
    fputs("</h2>\n", p->f);
}

void igd_page_section_end(const igd_page *p)
{
    fputs("</section>\n", p->f);
}

void igd_page_percent(const igd_page *p, double v)
{
    igd_put_number(p->f, 100.0 * v, p->decimals);
}

void igd_page_percent_sign(const igd_page *p, double v)
{
    igd_page_percent(p, v);
    fputs(IGD_THIN_SPACE "%", p->f);
}

void igd_page_interval(const igd_page *p, double low, double high)
{
    if (isnan(low) || isnan(high))
        return;
    fputs("<span class=\"interval\">[", p->f);
    igd_page_percent(p, low);
    fputs(", ", p->f);
    igd_page_percent(p, high);
    fputs("]</span>", p->f);
}

void igd_page_points(const igd_page *p, double v)
{
    if (v > 0.0)
        fputc('+', p->f);
    igd_put_number(p->f, 100.0 * v, p->decimals);
}

void igd_page_p(const igd_page *p, double v)
{
    if (v < 0.001)
        fputs("&lt;" IGD_THIN_SPACE "0.001", p->f);
    else
        igd_put_number(p->f, v, v < 0.1 ? 3 : 2);
}

// In groups of three digits.
void igd_page_count(const igd_page *p, double v)
{
    char digits[32];
    const int n = snprintf(digits, sizeof(digits), "%lld",
                           v >= 0.0 && v <= 1e15 ? llround(v) : 0LL);
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0 && n > 4)
            fputs(IGD_THIN_SPACE, p->f);
        fputc(digits[i], p->f);
    }
}

igd_status igd_page_bars(const igd_page *p, const igd_bars *b, const char *label)
{
    static const char *const classes[] = {"chart wide", "chart narrow"};
    static const double widths[] = {IGD_CHART_WIDE, IGD_CHART_NARROW};
    if (b->failed)
        return igd_error(IGD_ENOMEM, "no memory for a chart");
    fputs("<figure>\n", p->f);
    for (int k = 0; k < 2; k++) {
        igd_svg_open(p->f, classes[k], widths[k], igd_bars_height(b), label);
        igd_bars_draw(p->f, b, widths[k], 0.0);
        igd_svg_close(p->f);
    }
    return IGD_OK;
}

void igd_page_figure_end(const igd_page *p, const char *caption)
{
    if (caption != NULL)
        fprintf(p->f, "<figcaption>%s</figcaption>\n", caption);
    fputs("</figure>\n", p->f);
}

void igd_page_table(const igd_page *p, const char *summary, const char *label)
{
    if (summary != NULL) {
        fputs("<details><summary>", p->f);
        igd_put(p->f, summary);
        fputs("</summary>\n", p->f);
    }
    fputs("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"", p->f);
    igd_put(p->f, label);
    fputs("\"><table>\n", p->f);
}

void igd_page_table_end(const igd_page *p, const char *summary)
{
    fprintf(p->f, "</table></div>%s\n", summary != NULL ? "</details>" : "");
}

void igd_page_th(const igd_page *p, const char *text)
{
    fputs("<th scope=\"col\">", p->f);
    igd_put(p->f, text);
    fputs("</th>", p->f);
}

void igd_page_row(const igd_page *p, const char *text)
{
    fputs("<tr><th scope=\"row\">", p->f);
    igd_put(p->f, text);
    fputs("</th>", p->f);
}

void igd_page_td(const igd_page *p, const char *text)
{
    fputs("<td>", p->f);
    igd_put(p->f, text);
    fputs("</td>", p->f);
}
