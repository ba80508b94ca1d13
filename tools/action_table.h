// Results and analyses as tables of comma-separated values.
#ifndef IGDEF_ACTION_TABLE_H
#define IGDEF_ACTION_TABLE_H

#include "igdef.h"

// Prints a row for the clean images, one per attack and one for all of them together.
igd_status table_print_result(const igd_result *r);

// Writes a row per image to "R.images.csv" for "R.json"; whole or not at all.
igd_status table_save_images(const igd_result *r, const char *path);

// Prints what the analysis's kind has rows of: points, rows, groups, radii or the points
// of the plane.
igd_status table_print_analysis(const igd_analysis *a);

#endif
