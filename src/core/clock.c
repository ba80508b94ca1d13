// Owns writing the time of day.
#include "core/clock.h"

#include <time.h>

#define CENTURY 3.2e9 // seconds

void igd_clock_ahead(char *out, size_t size, double seconds)
{
    struct tm today, then;
    const time_t now = time(NULL);
    out[0] = '\0';
    if (!(seconds >= 0.0 && seconds < CENTURY))
        return;
    const time_t end = now + (time_t)(seconds + 0.5);
    if (localtime_r(&now, &today) == NULL || localtime_r(&end, &then) == NULL)
        return;
    const int same = today.tm_year == then.tm_year && today.tm_yday == then.tm_yday;
    if (strftime(out, size, same ? "%H:%M" : "%Y-%m-%d %H:%M", &then) == 0)
        out[0] = '\0';
}
