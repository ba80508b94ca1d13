// Lists of attacks and of changed parameters, as users give them.
#ifndef IGD_ANALYZE_ATTACK_LIST_H
#define IGD_ANALYZE_ATTACK_LIST_H

#include <stdbool.h>

#include "igdef/evaluate.h"

// What a list is checked for.
typedef struct igd_checked {
    igd_evaluate_options options; // with the attacks of the list; `set` is not looked at
    bool defended;
    igd_adaptive adaptive;
} igd_checked;

// Whether an attack of the list has what "NAME.PARAMETER=VALUE" changes.
igd_status igd_list_takes(bool *takes, const igd_checked *list, const char *change);

// The same attacks without those that find nothing in a model, "clean" where none is
// left; and without the changed parameters that the rest has no use for.
typedef struct igd_shorter {
    char *attacks, *set; // owned
} igd_shorter;

igd_status igd_shorter_init(igd_shorter *s, const igd_evaluate_options *options,
                            igd_adaptive adaptive);
void igd_shorter_free(igd_shorter *s);
void igd_shorter_apply(igd_evaluate_options *o, const igd_shorter *s);

#endif
