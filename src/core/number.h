// Numbers as people write them.
#ifndef IGD_CORE_NUMBER_H
#define IGD_CORE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

// A finite number or fraction, such as 8/255. @return false if the text is none
bool igd_number_parse(double *out, const char *text);

// The shortest text that reads back as v: "4/255" rather than 0.01568627450980392.
void igd_number_shortest(char *out, size_t size, double v);

#endif
