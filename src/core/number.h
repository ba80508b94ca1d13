// Numbers as people write them, and text that holds some. A program that links igdef may
// have set a locale whose decimal point is a comma; nothing here follows it, and nothing
// else in the library reads or prints a number with a fraction.
#ifndef IGD_CORE_NUMBER_H
#define IGD_CORE_NUMBER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

// A finite number or fraction, such as 8/255. @return false if the text is none
bool igd_number_parse(double *out, const char *text);

// The shortest text that reads back as v: "4/255" rather than 0.01568627450980392.
void igd_number_shortest(char *out, size_t size, double v);

// A radius or a level of noise as people write it, to six digits: "8/255", "0.3", "12".
#define IGD_RADIUS_TEXT 16
void igd_radius_text(char out[IGD_RADIUS_TEXT], double v);
void igd_radius_print(FILE *f, double v);

// snprintf, vsnprintf and fprintf of the C locale.
int igd_format(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int igd_format_args(char *out, size_t size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
int igd_print(FILE *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
