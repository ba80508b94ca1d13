// Owns the memory of a part of a ranking.
#include <stdlib.h>

#include "rank/share_impl.h"

void igd_share_free(igd_share *s)
{
    if (s == NULL)
        return;
    cJSON_Delete(s->about);
    for (int k = 0; k < s->num_arrays; k++)
        free(s->data[k]);
    free(s);
}
