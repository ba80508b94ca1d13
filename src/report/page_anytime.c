// Owns what is said of results in random order: how they came about, image by image.
#include <stdlib.h>

#include "chart/chart.h"
#include "chart/chart_lines.h"
#include "chart/markup.h"
#include "core/error.h"
#include "core/json.h"
#include "report/page.h"
#include "result/anytime.h"

#define FIRST 8 // images at the first point; each has twice as many as the one before
#define MOST_POINTS 40 // more than there are doublings

// Accuracies over images done, in the order in which they came.
typedef struct course {
    const igd_result *r;
    int num;
    int64_t images[MOST_POINTS];
    char text[MOST_POINTS][24];
    const char *text_of[MOST_POINTS];
    // Of the clean images and under all attacks:
    double value[2][MOST_POINTS], low[2][MOST_POINTS], high[2][MOST_POINTS];
} course;

static void add_point(course *c, int64_t images, const int64_t hits[2])
{
    const int k = c->num++;
    c->images[k] = images;
    snprintf(c->text[k], sizeof(c->text[k]), "%lld", (long long)images);
    c->text_of[k] = c->text[k];
    for (int i = 0; i < 2; i++) {
        const igd_interval v = igd_anytime_of(hits[i], images, c->r->planned);
        c->value[i][k] = (double)hits[i] / (double)images;
        c->low[i][k] = v.low;
        c->high[i][k] = v.high;
    }
}

static igd_status take_course(course *c, const igd_result *r, uint64_t seed)
{
    int columns[IGD_MAX_STEPS], num = 0;
    const int64_t n = r->flags.num_images;
    int64_t next = FIRST, hits[2] = {0};
    int64_t *rows = malloc((size_t)n * sizeof(*rows));
    *c = (course){.r = r};
    if (rows == NULL)
        return igd_error(IGD_ENOMEM, "no memory to order %lld images", (long long)n);
    for (int k = 1; k < r->flags.num_columns; k++)
        columns[num++] = k;
    const igd_status st = igd_anytime_order(rows, r->flags.index, n, seed);
    for (int64_t i = 0; i < n && st == IGD_OK; i++) {
        hits[0] += igd_flags_correct(&r->flags, 0, rows[i], IGD_ONE_SHOT);
        hits[1] += igd_flags_survives(&r->flags, columns, num, rows[i], IGD_ONE_SHOT);
        if (i + 1 < next && i + 1 < n)
            continue;
        add_point(c, i + 1, hits);
        next *= 2;
    }
    free(rows);
    return st;
}

static void draw(const igd_page *p, const course *c, const char *name, int series)
{
    static const char *const classes[] = {"chart wide", "chart narrow"};
    static const double widths[] = {IGD_CHART_WIDE, IGD_CHART_NARROW};
    igd_lines l = {.num_points = c->num,
                   .x_text = c->text_of,
                   .num_lines = 2,
                   .marked = -1,
                   .points = true,
                   .x_axis = "images done"};
    l.line[0] = (igd_line){"clean", 3, c->value[0], c->low[0], c->high[0]};
    l.line[1] = (igd_line){igd_page_union_name(p->in), series, c->value[1], c->low[1],
                           c->high[1]};
    fputs("<figure>\n", p->f);
    for (int k = 0; k < 2; k++) {
        igd_svg_open(p->f, classes[k], widths[k], igd_lines_height(widths[k]), name);
        igd_lines_draw(p->f, &l, widths[k], 0.0);
        igd_svg_close(p->f);
    }
}

static void put_table(const igd_page *p, const course *c)
{
    igd_page_table(p, "The numbers, in percent", "Accuracy over images done");
    fputs("<thead><tr>", p->f);
    igd_page_th(p, "Images");
    igd_page_th(p, "Clean");
    igd_page_th(p, igd_page_union_name(p->in));
    fputs("</tr></thead><tbody>\n", p->f);
    for (int k = 0; k < c->num; k++) {
        igd_page_row(p, c->text[k]);
        for (int i = 0; i < 2; i++) {
            fputs("<td>", p->f);
            igd_page_percent(p, c->value[i][k]);
            igd_page_interval(p, c->low[i][k], c->high[i][k]);
            fputs("</td>", p->f);
        }
        fputs("</tr>\n", p->f);
    }
    fputs("</tbody>", p->f);
    igd_page_table_end(p, "");
}

static igd_status put_course(const igd_page *p, int k)
{
    static const char *const stops[] = {
        [IGD_STOP_NONE] = "all were taken",
        [IGD_STOP_BUDGET] = "the budget was used up",
        [IGD_STOP_WIDTH] = "the interval was narrow enough",
        [IGD_STOP_DIFFERENCE] = "the difference was found",
        [IGD_STOP_INTERRUPTED] = "the run was interrupted",
    };
    const igd_input *in = &p->in->result[k];
    const igd_result *r = in->images;
    course c;
    uint64_t seed;
    IGD_TRY(igd_json_seed(&seed, in->json, in->path));
    IGD_TRY(take_course(&c, r, seed));
    fputs("<h3>", p->f);
    igd_put(p->f, in->name);
    fputs("</h3>\n<p>", p->f);
    igd_page_count(p, (double)r->flags.num_images);
    fputs(" of ", p->f);
    igd_page_count(p, (double)r->planned);
    fprintf(p->f, " images: %s.</p>\n", stops[r->stop]);
    draw(p, &c, "Accuracy over images done", in->series == 0 ? 0 : 1);
    put_table(p, &c);
    igd_page_figure_end(p, "Whiskers: confidence sequences for all images of the run, "
                           "95&#8239;%.");
    return IGD_OK;
}

igd_status igd_page_anytime(const igd_page *p)
{
    bool any = false;
    igd_status st = IGD_OK;
    for (int k = 0; k < p->in->num_results; k++)
        any = any ||
              (p->in->result[k].images != NULL && p->in->result[k].images->planned > 0);
    if (!any)
        return IGD_OK;
    igd_page_section(p, "anytime", "Accuracy over images done");
    fputs("<p>These images came in random order, each through all attacks, so those that "
          "are done are a fair sample whenever one looks. The intervals elsewhere on the "
          "page are for a number of images fixed beforehand; those here hold at all "
          "points at once, however one decides to stop.</p>\n",
          p->f);
    for (int k = 0; k < p->in->num_results && st == IGD_OK; k++)
        if (p->in->result[k].images != NULL && p->in->result[k].images->planned > 0)
            st = put_course(p, k);
    igd_page_section_end(p);
    return st;
}
