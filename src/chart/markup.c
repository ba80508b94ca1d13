// Owns the escaping, and the elements of SVG.
#include "chart/markup.h"

#include <limits.h>
#include <math.h>
#include <string.h>

// Bytes of the UTF-8 character at p, which is valid, or comes from a file's name and then
// is treated byte by byte.
static size_t length_at(const char *p)
{
    const unsigned char c = (unsigned char)*p;
    const size_t n = c < 0xc2 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 1;
    for (size_t i = 1; i < n; i++)
        if (((unsigned char)p[i] & 0xc0) != 0x80)
            return 1;
    return n;
}

static int text_length(const char *text)
{
    int n = 0;
    for (; *text != '\0' && n < INT_MAX; n++)
        text += length_at(text);
    return n;
}

// U+200E, U+200F, U+202A .. U+202E, U+2066 .. U+2069: a name with these would show the
// text after it in another order.
static bool turns_direction(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    if (u[0] != 0xe2 || (u[1] != 0x80 && u[1] != 0x81))
        return false;
    return u[1] == 0x80 ? (u[2] >= 0x8e && u[2] <= 0x8f) || (u[2] >= 0xaa && u[2] <= 0xae)
                        : u[2] >= 0xa6 && u[2] <= 0xa9;
}

// Whether a terminal or a page would take it for something else than a character.
static bool acts(const char *p, size_t n)
{
    const unsigned char c = (unsigned char)*p;
    return c < ' ' || c == 0x7f || (c >= 0x80 && n == 1) ||
           (c == 0xc2 && (unsigned char)p[1] < 0xa0) || turns_direction(p);
}

static void put_plain_character(FILE *f, const char *p, size_t n)
{
    if (*p == '\n' || *p == '\t')
        fputc(' ', f);
    else if (acts(p, n))
        fputs("\xef\xbf\xbd", f);
    else
        fwrite(p, 1, n, f);
}

static void put_character(FILE *f, const char *p, size_t n)
{
    const unsigned char c = (unsigned char)*p;
    if (c == '&')
        fputs("&amp;", f);
    else if (c == '<')
        fputs("&lt;", f);
    else if (c == '>')
        fputs("&gt;", f);
    else if (c == '"')
        fputs("&quot;", f);
    else if (c == '\'')
        fputs("&#39;", f);
    else
        put_plain_character(f, p, n);
}

void igd_put_plain(FILE *f, const char *text)
{
    for (size_t n; *text != '\0'; text += n) {
        n = length_at(text);
        put_plain_character(f, text, n);
    }
}

void igd_put(FILE *f, const char *text)
{
    igd_put_short(f, text, INT_MAX);
}

void igd_put_short(FILE *f, const char *text, int most)
{
    const bool cut = most < INT_MAX && text_length(text) > most;
    for (int i = 0; *text != '\0' && i < (cut ? most - 1 : most); i++) {
        const size_t n = length_at(text);
        put_character(f, text, n);
        text += n;
    }
    if (cut)
        fputs("\xe2\x80\xa6", f);
}

// Of 13 pixels height, as in DejaVu Sans, which is wider than what most systems have.
static double character_width(const char *p)
{
    const unsigned char c = (unsigned char)*p;
    if (c >= 0xcd && !(c == 0xe2 && (unsigned char)p[1] <= 0x89))
        return 13.5; // Greek and beyond: up to a full square
    if (c >= 0x80)
        return 11.0; // Latin with accents, punctuation, the minus sign
    if (strchr("WMm@%", c) != NULL)
        return 13.2;
    if (strchr("w<>=+~^#&", c) != NULL || (c >= 'A' && c <= 'Z' && c != 'I' && c != 'J'))
        return 10.9;
    return strchr("ijl.,:;'|!()[]/ ftrIJ-", c) != NULL ? 5.4 : 8.4;
}

// Up to the end, or to `most` characters.
static double width_of(const char *text, int most)
{
    double width = 0.0;
    for (int i = 0; *text != '\0' && i < most; i++) {
        width += character_width(text);
        text += length_at(text);
    }
    return width;
}

double igd_text_width(const char *text)
{
    return width_of(text, INT_MAX);
}

double igd_bold_width(const char *text)
{
    return 1.14 * igd_text_width(text);
}

void igd_decimal_text(char out[IGD_DECIMALS_TEXT], double v, int decimals)
{
    static const long long powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
    const char *minus = "\xe2\x88\x92";
    if (isnan(v)) {
        snprintf(out, IGD_DECIMALS_TEXT, "\xe2\x80\x93");
        return;
    }
    if (fabs(v) >= 1e15 / (double)powers[decimals]) {
        const double power = isinf(v) ? HUGE_VAL : floor(log10(fabs(v)));
        if (isinf(v))
            snprintf(out, IGD_DECIMALS_TEXT, "%s\xe2\x88\x9e", v < 0 ? minus : "");
        else
            snprintf(out, IGD_DECIMALS_TEXT, "%s%de%d", v < 0 ? minus : "",
                     (int)(fabs(v) / pow(10.0, power)), (int)power);
        return;
    }
    // In integers, which no locale writes with a comma.
    const long long all = llround(fabs(v) * (double)powers[decimals]);
    const char *sign = v < 0 && all > 0 ? minus : "";
    if (decimals == 0)
        snprintf(out, IGD_DECIMALS_TEXT, "%s%lld", sign, all);
    else
        snprintf(out, IGD_DECIMALS_TEXT, "%s%lld.%0*lld", sign, all / powers[decimals],
                 decimals, all % powers[decimals]);
}

void igd_put_number(FILE *f, double v, int decimals)
{
    char text[IGD_DECIMALS_TEXT];
    igd_decimal_text(text, v, decimals);
    fputs(text, f);
}

int igd_decimals(double v, double tolerance)
{
    double scale = 1.0;
    for (int d = 0; d < 6; d++, scale *= 10.0)
        if (fabs(v * scale - round(v * scale)) < tolerance * scale)
            return d;
    return 6;
}

// --- SVG

// A coordinate to a tenth of a pixel, with a plain minus sign.
static void put_coordinate(FILE *f, double v)
{
    const long tenths = isfinite(v) && fabs(v) < 1e6 ? lround(v * 10.0) : 0;
    const long size = tenths < 0 ? -tenths : tenths;
    fprintf(f, "%s%ld", tenths < 0 ? "-" : "", size / 10);
    if (size % 10 != 0)
        fprintf(f, ".%ld", size % 10);
}

static void put_attribute(FILE *f, const char *name, double v)
{
    fprintf(f, " %s=\"", name);
    put_coordinate(f, v);
    fputc('"', f);
}

void igd_svg_open(FILE *f, const char *classes, double width, double height,
                  const char *label)
{
    fprintf(f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"%s\" role=\"img\" "
            "aria-label=\"",
            classes);
    igd_put(f, label);
    fputs("\" viewBox=\"0 0 ", f);
    put_coordinate(f, width);
    fputc(' ', f);
    put_coordinate(f, height);
    fputc('"', f);
    put_attribute(f, "width", width);
    put_attribute(f, "height", height);
    fputs(">\n", f);
}

void igd_svg_close(FILE *f)
{
    fputs("</svg>\n", f);
}

void igd_svg_line(FILE *f, const char *classes, double x1, double y1, double x2,
                  double y2)
{
    fprintf(f, "<line class=\"%s\"", classes);
    put_attribute(f, "x1", x1);
    put_attribute(f, "y1", y1);
    put_attribute(f, "x2", x2);
    put_attribute(f, "y2", y2);
    fputs("/>\n", f);
}

void igd_svg_rect(FILE *f, const char *classes, double x, double y, double width,
                  double height)
{
    fprintf(f, "<rect class=\"%s\"", classes);
    put_attribute(f, "x", x);
    put_attribute(f, "y", y);
    put_attribute(f, "width", width > 0.0 ? width : 0.0);
    put_attribute(f, "height", height > 0.0 ? height : 0.0);
    fputs("/>\n", f);
}

static void open_text(FILE *f, const char *classes, double x, double y, igd_anchor anchor)
{
    static const char *const anchors[] = {"start", "middle", "end"};
    fputs("<text", f);
    if (classes[0] != '\0')
        fprintf(f, " class=\"%s\"", classes);
    put_attribute(f, "x", x);
    put_attribute(f, "y", y);
    if (anchor != IGD_START)
        fprintf(f, " text-anchor=\"%s\"", anchors[anchor]);
    fputc('>', f);
}

void igd_svg_text(FILE *f, const char *classes, double x, double y, igd_anchor anchor,
                  const char *text)
{
    open_text(f, classes, x, y, anchor);
    igd_put(f, text);
    fputs("</text>\n", f);
}

// The last `num` characters.
static const char *last_of(const char *text, int num)
{
    for (int left = text_length(text) - num; left > 0; left--)
        text += length_at(text);
    return text;
}

void igd_svg_label(FILE *f, const char *classes, double x, double y, igd_anchor anchor,
                   const char *text, double room)
{
    const double scale = strcmp(classes, "strong") == 0 ? 1.14 : 1.0;
    if (scale * igd_text_width(text) <= room) {
        igd_svg_text(f, classes, x, y, anchor, text);
        return;
    }
    // Both ends are kept: names that begin alike are told apart by the other.
    int head = 1, tail = 0;
    for (int k = 1;; k++) {
        const double width =
            width_of(text, (k + 1) / 2) + igd_text_width(last_of(text, k / 2));
        if (scale * (width + 13.0) > room) // with the ellipsis
            break;
        head = (k + 1) / 2;
        tail = k / 2;
    }
    open_text(f, classes, x, y, anchor);
    fputs("<title>", f);
    igd_put(f, text);
    fputs("</title>", f);
    igd_put_short(f, text, head + 1);
    igd_put(f, last_of(text, tail));
    fputs("</text>\n", f);
}

void igd_svg_marker(FILE *f, int series, double x, double y)
{
    static const char *const shapes[] = {
        "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",    // circle
        "m-3.6-3.6h7.2v7.2h-7.2z",               // square
        "m0-5l4.8 8.4h-9.6z",                    // triangle
        "m0-5l5 5l-5 5l-5-5z",                   // diamond
        "m0 5l4.8-8.4h-9.6z",                    // triangle, point down
        "m-1.5-4.5h3v3h3v3h-3v3h-3v-3h-3v-3h3z", // cross
    };
    const int shape = series % (int)(sizeof(shapes) / sizeof(shapes[0]));
    fprintf(f, "<path class=\"s%d\" d=\"M", series % 6);
    put_coordinate(f, x);
    fputc(' ', f);
    put_coordinate(f, y);
    fprintf(f, "%s\"/>\n", shapes[shape]);
}
