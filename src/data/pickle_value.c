// Owns what a pickle's values are asked for.
#include "data/pickle_value.h"

#include <stdlib.h>
#include <string.h>

bool igd_pickle_is(const igd_pickled *v, const char *text)
{
    return v != NULL && v->kind == PICKLE_TEXT && v->size == strlen(text) &&
           memcmp(v->text, text, v->size) == 0;
}

const igd_pickled *igd_pickle_item(const igd_pickle *p, const igd_pickled *tuple,
                                   int64_t i)
{
    if (tuple == NULL || tuple->kind != PICKLE_LIST || i >= tuple->num)
        return NULL;
    return &p->values[tuple->items[i]];
}

void igd_pickle_free(igd_pickle *p)
{
    if (p == NULL)
        return;
    for (int64_t i = 0; i < p->num; i++) {
        free(p->values[i].owned);
        free(p->values[i].items);
    }
    free(p->values);
    free(p);
}

igd_pickle_value igd_pickle_member(const igd_pickle *p, const char *key)
{
    const igd_pickled *top = &p->values[p->top];
    igd_pickle_value found = -1;
    for (int64_t i = 0; i + 1 < top->num; i += 2)
        if (igd_pickle_is(&p->values[top->items[i]], key))
            found = top->items[i + 1]; // the last counts, as in Python
    return found;
}

static const igd_pickled *list_item(const igd_pickle *p, igd_pickle_value list, int64_t i)
{
    return list >= 0 ? igd_pickle_item(p, &p->values[list], i) : NULL;
}

int64_t igd_pickle_length(const igd_pickle *p, igd_pickle_value list)
{
    return list >= 0 && p->values[list].kind == PICKLE_LIST ? p->values[list].num : -1;
}

bool igd_pickle_integer(int64_t *out, const igd_pickle *p, igd_pickle_value list,
                        int64_t i)
{
    const igd_pickled *v = list_item(p, list, i);
    *out = v != NULL ? v->integer : 0;
    return v != NULL && v->kind == PICKLE_INTEGER;
}

bool igd_pickle_text(const char **out, size_t *size, const igd_pickle *p,
                     igd_pickle_value list, int64_t i)
{
    const igd_pickled *v = list_item(p, list, i);
    const bool good = v != NULL && v->kind == PICKLE_TEXT;
    *out = good ? v->text : "";
    *size = good ? v->size : 0;
    return good;
}

bool igd_pickle_bytes(const unsigned char **out, int64_t shape[2], const igd_pickle *p,
                      igd_pickle_value array)
{
    const igd_pickled *v = array >= 0 ? &p->values[array] : NULL;
    if (v == NULL || v->kind != PICKLE_ARRAY || v->text == NULL)
        return false;
    *out = (const unsigned char *)v->text;
    shape[0] = v->shape[0];
    shape[1] = v->shape[1];
    return true;
}
