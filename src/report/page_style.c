// Owns the style of the page: one column of text, light or dark as the reader's system
// is, charts for wide and narrow screens, and paper.
#include "chart/chart.h"
#include "report/page.h"

static const char *const rules[] = {
    ":root{--paper:#fff;--ink:#1b1f24;--quiet:#57606a;--line:#dfe3e8;--tint:#f4f6f8;"
    "--link:#0b5cab;--care:#fdf3e4;--care-line:#b8500a}\n",
    "@media screen and (prefers-color-scheme:dark){:root{--paper:#14171c;--ink:#e7eaee;"
    "--quiet:#a2abb6;--line:#2c323a;--tint:#1c2128;--link:#79b8f3;--care:#2a2117;"
    "--care-line:#f0883e}}\n",
    "*{box-sizing:border-box}\n",
    "html{-webkit-text-size-adjust:100%;text-size-adjust:100%}\n",
    "body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,"
    "-apple-system,\"Segoe UI\",Roboto,\"Helvetica Neue\",\"Noto Sans\","
    "\"Liberation Sans\",Arial,sans-serif;font-variant-numeric:tabular-nums;"
    "overflow-wrap:anywhere}\n",
    "main{max-width:752px;margin:0 auto;padding:40px 16px 64px}\n",
    "h1{font-size:clamp(1.7rem,6vw,2.4rem);line-height:1.15;letter-spacing:-.02em;"
    "margin:0 0 8px;text-wrap:balance}\n",
    "h2{font-size:1.35rem;line-height:1.25;letter-spacing:-.01em;margin:0 0 12px}\n",
    "h3{font-size:1rem;line-height:1.35;margin:28px 0 8px}\n",
    "p{margin:0 0 12px;max-width:68ch}\n",
    "section{margin-top:48px;padding-top:24px;border-top:1px solid var(--line)}\n",
    ".over{color:var(--quiet);margin:0 0 4px;font-size:.875rem}\n",
    ".lead{font-size:1.125rem;line-height:1.5}\n",
    ".quiet,figcaption,.interval{color:var(--quiet)}\n",
    ".interval{white-space:nowrap}\n",
    "figcaption,.note{font-size:.875rem;color:var(--quiet);margin:8px 0 0;"
    "max-width:68ch}\n",
    "a{color:var(--link)}\n",
    "nav{margin:24px 0 0;font-size:.875rem;line-height:2}\n",
    "nav a{margin-right:16px;white-space:nowrap}\n",
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(148px,1fr));"
    "gap:16px;margin:28px 0 24px;padding:0;list-style:none}\n",
    ".tile{border-top:4px solid var(--line);padding-top:10px;min-width:0}\n",
    ".tile b{display:block;font-size:2.25rem;line-height:1.15;font-weight:650;"
    "letter-spacing:-.02em}\n",
    ".tile small{display:block;font-size:.875rem;color:var(--quiet);line-height:1.45}\n",
    ".tile .who{color:var(--ink);font-weight:600}\n",
    ".care{background:var(--care);border-left:4px solid var(--care-line);"
    "padding:12px 16px;margin:16px 0}\n",
    ".care p:last-child{margin:0}\n",
    "figure{margin:20px 0 28px}\n",
    ".chart{display:block;width:100%;height:auto;max-width:720px}\n",
    ".narrow{display:none;max-width:460px}\n",
    "details{margin:12px 0 0}\n",
    "summary{cursor:pointer;color:var(--link);font-size:.875rem;width:max-content;"
    "max-width:100%}\n",
    ".scroll{overflow-x:auto;margin:12px 0}\n",
    "table{border-collapse:collapse;font-size:.875rem;line-height:1.4;width:100%;"
    "overflow-wrap:normal}\n",
    "th,td{padding:6px 12px 6px 0;text-align:right;vertical-align:top;"
    "border-bottom:1px solid var(--line)}\n",
    "th:last-child,td:last-child{padding-right:0}\n",
    "th:first-child,td:first-child,td.text,th.text{text-align:left}\n",
    "thead th{border-bottom:1px solid var(--quiet);vertical-align:bottom;"
    "font-weight:600}\n",
    "tbody th{font-weight:400;min-width:7em;overflow-wrap:anywhere}\n",
    "tr.sum th,tr.sum td{font-weight:600}\n",
    "th.sub{padding-left:14px}\n",
    ".name{white-space:nowrap}td .interval,th "
    ".interval{display:block;font-size:.8125rem;font-weight:400}\n",
    "pre{background:var(--tint);padding:12px 14px;margin:8px 0 16px;"
    "white-space:pre-wrap;overflow-wrap:anywhere;font:.8125rem/1.5 ui-monospace,"
    "\"SF Mono\",Menlo,Consolas,\"Liberation Mono\",\"DejaVu Sans Mono\",monospace}\n",
    "code{font-family:ui-monospace,\"SF Mono\",Menlo,Consolas,\"Liberation Mono\","
    "\"DejaVu Sans Mono\",monospace;font-size:.9em}\n",
    "dl{display:grid;grid-template-columns:minmax(6.5em,max-content) minmax(0,1fr);"
    "gap:4px 16px;margin:8px 0 16px;font-size:.875rem}\n",
    "dt{color:var(--quiet)}dd{margin:0}\n",
    ".warning{margin:20px 0}\n",
    ".warning h3{margin:0 0 4px}\n",
    ".warning ul{margin:8px 0 0;padding-left:20px;font-size:.875rem;"
    "color:var(--quiet)}\n",
    "footer{margin-top:48px;padding-top:16px;border-top:1px solid var(--line);"
    "font-size:.875rem;color:var(--quiet)}\n",
    "@media screen and (max-width:699px){.wide{display:none}.narrow{display:block}"
    "main{padding-top:24px}section{margin-top:36px}"
    // Seven columns on a phone: small, close, and names broken where they must be, since
    // a number in two lines is read as two.
    "#cost table{font-size:.625rem;line-height:1.3}#cost th,#cost td{padding-right:5px}"
    "#cost td.text{overflow-wrap:anywhere}#cost td:not(.text){white-space:nowrap}"
    "#cost tbody th{min-width:4.5em}}\n",
    "@page{margin:16mm 14mm}\n",
    "@media print{body{font-size:10pt}main{max-width:none;padding:0}nav{display:none}"
    "section{margin-top:20pt}h2,h3{break-after:avoid}"
    "figure .chart,.tile,.care,.warning,tr,section>p{break-inside:avoid}"
    ".chart{max-width:100%;max-height:170mm}"
    // A table that fits a page stays on one.
    "pre,.scroll{overflow:visible;break-inside:avoid}"
    ".scroll:has(tbody "
    "tr:nth-child(31)){break-inside:auto}table{font-size:8.5pt}table{overflow-wrap:"
    "anywhere}th,td{"
    "padding:3pt 6pt 3pt 0}tbody th{min-width:0}"
    "td .interval{display:inline;margin-left:4pt}th .interval,td "
    ".interval{white-space:normal}.name{white-space:normal}"
    "section>p:has(+figure){break-after:avoid}thead{display:table-header-group}"
    "summary{color:inherit;list-style:none;break-after:avoid}summary::-webkit-details-"
    "marker{display:none}"
    // What is folded away on a screen is on paper.
    "details::details-content{content-visibility:visible;display:block;height:auto}"
    "a{color:inherit;text-decoration:none}}\n",
};

void igd_page_style(FILE *f)
{
    for (size_t k = 0; k < sizeof(rules) / sizeof(rules[0]); k++)
        fputs(rules[k], f);
    igd_chart_style(f);
    igd_chart_edges(f);
}
