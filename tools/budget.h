// Budgets as people write them: 30s, 30m, 2h or 500img.
#ifndef IGDEF_BUDGET_H
#define IGDEF_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

// Sets one of the two and the other to 0. False where the text is no such budget.
bool budget_parse(double *seconds, int64_t *images, const char *text);

#endif
