// A file of a model's classes in their order, in which names of folders and labels are
// looked up.
#ifndef IGD_DATA_CLASS_MAP_H
#define IGD_DATA_CLASS_MAP_H

#include <stddef.h>

#include "igdef/status.h"

typedef struct igd_class_map igd_class_map;

// Reads a file of one of these forms; *out is owned:
// - lines in the order of the model's classes: a name each. "n01440764 tench, Tinca
// tinca"
//   is found by the id, by the rest, and by the whole; fields between tabs are names
//   each;
// - two fields a line, between tabs or commas, one of which is the class's number;
// - JSON: a list of names, {"name": number}, {"number": "name"} or
//   {"number": ["id", "name"]}.
igd_status igd_class_map_read(igd_class_map **out, const char *path);
igd_status igd_class_map_parse(igd_class_map **out, const char *text, size_t size,
                               const char *path);
void igd_class_map_free(igd_class_map *m);

int igd_class_map_size(const igd_class_map *m);

// The name of a class that reads best: not its id where it has a name. Borrowed.
const char *igd_class_map_name(const igd_class_map *m, int c);

// The class of a name. @return -1 where there is none, -2 where there are several
int igd_class_map_find(const igd_class_map *m, const char *name);

#endif
