// Owns the names of CD-IR's similarities and poolings.
#include "igdef/ranking.h"

#include <string.h>

#include "core/error.h"
#include "core/nearest.h"
#include "core/require.h"

static const char *const similarities[] = {
    [IGD_SIMILARITY_SOFT_WPMI] = "soft-wpmi",
    [IGD_SIMILARITY_WPMI] = "wpmi",
    [IGD_SIMILARITY_COS] = "cos",
    [IGD_SIMILARITY_COS_CUBED] = "cos-cubed",
    [IGD_SIMILARITY_RANK_REORDER] = "rank-reorder",
};
#define NUM_SIMILARITIES ((int)(sizeof(similarities) / sizeof(*similarities)))

const char *igd_similarity_name(igd_similarity similarity)
{
    const int i = (int)similarity;
    return i >= 0 && i < NUM_SIMILARITIES ? similarities[i] : "";
}

igd_status igd_similarity_parse(igd_similarity *out, const char *name)
{
    IGD_REQUIRE(out);
    IGD_REQUIRE(name);
    for (int i = 0; i < NUM_SIMILARITIES; i++) {
        if (strcmp(similarities[i], name) == 0) {
            *out = (igd_similarity)i;
            return IGD_OK;
        }
    }
    const char *near = igd_nearest(name, similarities, NUM_SIMILARITIES);
    if (near != NULL)
        return igd_error(IGD_EINVAL, "unknown similarity '%s'; is '%s' meant?", name,
                         near);
    return igd_error(IGD_EINVAL,
                     "unknown similarity '%s'; known are soft-wpmi, wpmi, cos, "
                     "cos-cubed and rank-reorder",
                     name);
}

const char *igd_pool_name(igd_pool pool)
{
    return pool == IGD_POOL_MAX ? "max" : pool == IGD_POOL_AVG ? "avg" : "";
}

igd_status igd_pool_parse(igd_pool *out, const char *name)
{
    IGD_REQUIRE(out);
    IGD_REQUIRE(name);
    if (strcmp(name, "avg") == 0)
        *out = IGD_POOL_AVG;
    else if (strcmp(name, "max") == 0)
        *out = IGD_POOL_MAX;
    else
        return igd_error(IGD_EINVAL, "unknown pooling '%s'; known are avg and max", name);
    return IGD_OK;
}
