// Owns reading and writing single numbers.
#include "core/number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

bool igd_number_parse(double *out, const char *text)
{
    char *end;
    double v = strtod(text, &end);
    if (end == text)
        return false;
    if (*end == '/') {
        const char *below = end + 1;
        const double d = strtod(below, &end);
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
    snprintf(out, size, "%.6g", v);
    if (igd_number_parse(&back, out) && back == v)
        return;
    if (grey >= 1.0 && grey < 255.0 && fabs(grey - round(grey)) < 1e-9) {
        snprintf(out, size, "%.0f/255", grey);
        return;
    }
    for (int digits = 7; digits <= DBL_DECIMAL_DIG; digits++) {
        snprintf(out, size, "%.*g", digits, v);
        if (igd_number_parse(&back, out) && back == v)
            return;
    }
}
