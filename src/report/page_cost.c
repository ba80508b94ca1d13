// Owns the cost of attacks.
#include "chart/markup.h"
#include "core/json.h"
#include "report/page.h"

static void put_cost_row(const igd_page *p, const cJSON *e, const char *model)
{
    const char *same = igd_string_of(e, "same_as");
    fputs("<tr><th scope=\"row\">", p->f);
    igd_put(p->f, igd_string_of(e, "name"));
    fputs("</th><td class=\"text\">", p->f);
    igd_put(p->f, model);
    fputs("</td><td class=\"text\">", p->f);
    igd_put(p->f, igd_string_of(e, "target"));
    fputs("</td>", p->f);
    if (same[0] != '\0') {
        fputs("<td class=\"text\" colspan=\"4\">same flags as ", p->f);
        igd_put(p->f, same);
        fputs("</td></tr>\n", p->f);
        return;
    }
    const char *const keys[] = {"num_fooled", "forwards", "backwards"};
    for (int i = 0; i < 3; i++) {
        fputs("<td>", p->f);
        igd_page_count(p, igd_number_of(e, keys[i]));
        fputs("</td>", p->f);
    }
    fputs("<td>", p->f);
    igd_put_number(p->f, igd_number_of(e, "seconds"), 1);
    fputs("</td></tr>\n", p->f);
}

void igd_page_cost(const igd_page *p)
{
    static const char *const titles[] = {"Fooled", "Forwards", "Backwards", "Seconds"};
    igd_page_section(p, "cost", "What it cost");
    fputs(
        "<p>Passes of single images through the attacked classifier. A forward pass of a "
        "smoothed defense takes two or more of the base model\xe2\x80\x99s.</p>\n",
        p->f);
    igd_page_table(p, NULL, "Cost of each attack");
    fputs("<thead><tr><th scope=\"col\">Attack</th><th scope=\"col\" "
          "class=\"text\">Result</th><th scope=\"col\" class=\"text\">On</th>",
          p->f);
    for (int i = 0; i < 4; i++)
        igd_page_th(p, titles[i]);
    fputs("</tr></thead><tbody>\n", p->f);
    for (int row = 0; row < p->in->num_rows; row++)
        for (int k = 0; k < p->in->num_results; k++)
            if (p->in->row[row].entry[k] != NULL)
                put_cost_row(p, p->in->row[row].entry[k], p->in->result[k].name);
    for (int k = 0; k < p->in->num_results; k++) {
        fputs("<tr class=\"sum\"><th scope=\"row\">everything</th><td class=\"text\">",
              p->f);
        igd_put(p->f, p->in->result[k].name);
        fputs("</td><td></td><td></td><td></td><td></td><td>", p->f);
        igd_put_number(p->f, igd_number_of(p->in->result[k].json, "seconds"), 1);
        fputs("</td></tr>\n", p->f);
    }
    fputs("</tbody>", p->f);
    igd_page_table_end(p, NULL);
    igd_page_section_end(p);
}
