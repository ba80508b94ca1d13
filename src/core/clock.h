// The time of day, for people.
#ifndef IGD_CORE_CLOCK_H
#define IGD_CORE_CLOCK_H

#include <stddef.h>

// The local time in so many seconds: "14:32" today, "2026-11-28 14:32" on another day.
// What no calendar holds becomes "".
void igd_clock_ahead(char *out, size_t size, double seconds);

#endif
