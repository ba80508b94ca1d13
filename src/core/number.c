// Owns reading and writing numbers, in the C locale whatever the program's is.
#include "core/number.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>

// Makes the calling thread's locale the C locale; what it was is to be handed to
// uselocale(). The C locale is a static object of the C library: nothing to free, and
// where it could not be had the thread's locale stays.
static locale_t enter_c_locale(void)
{
    return uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0));
}

static double read_double(const char *text, char **end)
{
    const locale_t before = enter_c_locale();
    const double v = strtod(text, end);
    uselocale(before);
    return v;
}

int igd_format_args(char *out, size_t size, const char *format, va_list args)
{
    const locale_t before = enter_c_locale();
    const int length = vsnprintf(out, size, format, args);
    uselocale(before);
    return length;
}

int igd_format(char *out, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length = igd_format_args(out, size, format, args);
    va_end(args);
    return length;
}

int igd_print(FILE *f, const char *format, ...)
{
    const locale_t before = enter_c_locale();
    va_list args;
    va_start(args, format);
    const int length = vfprintf(f, format, args);
    va_end(args);
    uselocale(before);
    return length;
}

bool igd_number_parse(double *out, const char *text)
{
    char *end;
    double v = read_double(text, &end);
    if (end == text)
        return false;
    if (*end == '/') {
        const char *below = end + 1;
        const double d = read_double(below, &end);
        if (end == below || d == 0.0)
            return false;
        v /= d;
    }
    if (*end != '\0' || !isfinite(v))
        return false;
    *out = v;
    return true;
}

void igd_number_shortest(char *out, size_t size, double v)
{
    const double grey = v * 255.0;
    double back = 0.0;
    igd_format(out, size, "%.6g", v);
    if (igd_number_parse(&back, out) && back == v)
        return;
    if (grey >= 1.0 && grey < 255.0 && fabs(grey - round(grey)) < 1e-9) {
        igd_format(out, size, "%.0f/255", grey);
        return;
    }
    for (int digits = 7; digits <= DBL_DECIMAL_DIG; digits++) {
        igd_format(out, size, "%.*g", digits, v);
        if (igd_number_parse(&back, out) && back == v)
            return;
    }
}

void igd_radius_text(char out[IGD_RADIUS_TEXT], double v)
{
    const double levels = v * 255.0, decimals = v * 1e4;
    const bool grey = levels > 0.5 && fabs(levels - round(levels)) < 1e-6;
    const bool short_already = fabs(decimals - round(decimals)) < 1e-5;
    igd_format(out, IGD_RADIUS_TEXT, grey && !short_already ? "%.0f/255" : "%g",
               grey && !short_already ? levels : v);
}

void igd_radius_print(FILE *f, double v)
{
    char text[IGD_RADIUS_TEXT];
    igd_radius_text(text, v);
    fputs(text, f);
}
