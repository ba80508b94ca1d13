// Owns the units of budgets.
#include "budget.h"

#include <string.h>

#include "core.h"

bool budget_parse(double *seconds, int64_t *images, const char *text)
{
    static const struct {
        const char *unit;
        double seconds; // 0: images
    } units[] = {{"img", 0}, {"s", 1}, {"m", 60}, {"h", 3600}};
    char number[32];
    double value;
    const size_t length = strlen(text);
    *seconds = 0.0;
    *images = 0;
    for (size_t k = 0; k < sizeof(units) / sizeof(units[0]); k++) {
        const size_t unit = strlen(units[k].unit);
        if (length <= unit || length - unit >= sizeof(number) ||
            strcmp(text + length - unit, units[k].unit) != 0)
            continue;
        memcpy(number, text, length - unit);
        number[length - unit] = '\0';
        if (!igd_number_parse(&value, number) || !(value > 0.0 && value <= 1e9))
            return false;
        *seconds = value * units[k].seconds;
        *images = units[k].seconds > 0.0 ? 0 : (int64_t)value;
        return units[k].seconds > 0.0 || (double)*images == value;
    }
    return false;
}
