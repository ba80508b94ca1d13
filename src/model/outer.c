// Owns what a program's functions are to a model: freed, and cut at their one layer.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "model/model_parts.h"

void igd_outer_free(igd_outer *o)
{
    if (o == NULL)
        return;
    pthread_mutex_destroy(&o->lock);
    free(o->name);
    free(o);
}

igd_status igd_outer_cut(igd_cut **out, const igd_model *m, const char *layer)
{
    const igd_outer *o = m->outer;
    *out = NULL;
    if (o->prefix.rows == NULL)
        return igd_error(
            IGD_EINVAL, "cannot cut at '%s': callbacks without prefix and suffix", layer);
    if (strcmp(layer, o->name) != 0 && strcmp(layer, "penultimate") != 0)
        return igd_error(IGD_EINVAL, "no layer '%s'; the callbacks have '%s'", layer,
                         o->name);
    return igd_cut_new_external(out, o->name, &o->prefix, &o->suffix);
}
