// Owns the object that says how far the parts of a divided run are.
#include <stdlib.h>

#include "core/error.h"
#include "core/require.h"
#include "result/parts_impl.h"

igd_status igd_parts_look(igd_parts **out, const char *folder)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(folder);
    igd_parts *all = calloc(1, sizeof(*all));
    igd_status st;
    if (all == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory", folder);
    if ((st = igd_parts_read(all, folder)) == IGD_OK) {
        igd_parts_expect(all);
        st = igd_parts_print(all);
    }
    if (st != IGD_OK) {
        igd_parts_free(all);
        return st;
    }
    *out = all;
    return IGD_OK;
}

void igd_parts_free(igd_parts *all)
{
    if (all == NULL)
        return;
    for (int64_t k = 0; k < all->num; k++)
        free(all->files[k].path);
    free(all->files);
    cJSON_Delete(all->run);
    free(all->json);
    free(all->text);
    free(all);
}

const char *igd_parts_text(const igd_parts *all)
{
    return all != NULL ? all->text : "";
}

const char *igd_parts_json(const igd_parts *all)
{
    return all != NULL ? all->json : "";
}
