// Owns the colours of charts. Series and text keep a contrast of 3:1 and 4.5:1 to the
// page, and differ in lightness, not in hue alone; contours take viridis, which rises in
// lightness for every kind of eye.
#include "chart/chart.h"

// Of white and of black paper; 0 is for the base model.
static const char *const light[] = {"#6b7280", "#0b62a8", "#b8500a",
                                    "#00745a", "#8a4f9e", "#806400"};
static const char *const dark[] = {"#9aa3b0", "#5aa9ea", "#f0883e",
                                   "#3fb68b", "#c792dd", "#d9b73c"};
static const char *const bands[] = {"#440154", "#482173", "#433e85", "#38588c",
                                    "#2d708e", "#25858e", "#1e9b8a", "#2ab07f",
                                    "#52c569", "#86d549", "#c2df23", "#fde725"};

static void put_series(FILE *f, const char *const colours[])
{
    for (int k = 0; k < 6; k++)
        fprintf(f, ".chart .s%d,.chart .t%d{fill:%s}.chart .l%d{stroke:%s}\n", k, k,
                colours[k], k, colours[k]);
}

static void put_tones(FILE *f, const char *paper, const char *ink, const char *quiet,
                      const char *grid, const char *axis)
{
    fprintf(f,
            ".chart text{fill:%s}.chart .quiet{fill:%s}\n"
            ".chart .grid{stroke:%s}.chart .axis,.chart .frame{stroke:%s}\n"
            ".chart .whisker,.chart .mark{stroke:%s}.chart .halo{stroke:%s}\n"
            ".chart .paper{fill:%s}.chart text{stroke:%s}\n",
            ink, quiet, grid, axis, ink, paper, paper, paper);
}

void igd_chart_style(FILE *f)
{
    fputs(".chart{font:13px system-ui,-apple-system,\"Segoe UI\",Roboto,"
          "\"Helvetica Neue\",\"Noto Sans\",\"Liberation Sans\",Arial,sans-serif;"
          "font-variant-numeric:tabular-nums}\n"
          ".chart text{paint-order:stroke;stroke-width:3;stroke-linejoin:round}\n"
          ".chart .strong{font-weight:600}\n"
          ".chart line,.chart path{stroke-width:1}\n"
          ".chart [class^=l]{fill:none;stroke-width:2;stroke-linejoin:round}\n"
          ".chart .thin{stroke-width:1.2}.chart .dashed{stroke-dasharray:6 4;"
          "stroke-width:1.5}\n"
          ".chart .mark{stroke-dasharray:2 3}.chart .whisker{stroke-width:1.4}\n"
          ".chart .halo{stroke-width:4}.chart .pale{fill-opacity:.3}\n"
          ".chart .frame{fill:none}.chart .contour{fill-rule:evenodd;stroke:#fff;"
          "stroke-opacity:.35;stroke-width:.6}\n",
          f);
    for (int k = 0; k < (int)(sizeof(bands) / sizeof(bands[0])); k++)
        fprintf(f, ".chart .b%d{fill:%s}", k, bands[k]);
    fputc('\n', f);
    put_tones(f, "#fff", "#1b1f24", "#57606a", "#dfe3e8", "#8c959f");
    put_series(f, light);
    // Not where it is printed.
    fputs("@media screen and (prefers-color-scheme:dark){\n", f);
    put_tones(f, "#14171c", "#e7eaee", "#a2abb6", "#2c323a", "#6b7580");
    put_series(f, dark);
    fputs("}\n", f);
}

void igd_chart_edges(FILE *f)
{
    for (int k = 0; k < 6; k++)
        fprintf(f, ".k%d{border-color:%s}", k, light[k]);
    fputs("\n@media screen and (prefers-color-scheme:dark){", f);
    for (int k = 0; k < 6; k++)
        fprintf(f, ".k%d{border-color:%s}", k, dark[k]);
    fputs("}\n", f);
}
