// Owns what results say of the parts of a divided run.
#include "result/result_parts.h"

#include <string.h>

#include "core/json.h"

bool igd_parts_same_device(const cJSON *a, const cJSON *b)
{
    const char *p = igd_string_of(a, "device"), *q = igd_string_of(b, "device");
    const size_t length = strcspn(p, ":");
    return length == strcspn(q, ":") && strncmp(p, q, length) == 0;
}

igd_status igd_parts_stated(igd_stated_part *out, const igd_result *r, const char *path)
{
    const cJSON *part = igd_get(igd_get(r->provenance, "data"), "part");
    *out = (igd_stated_part){.num_images = r->flags.num_images};
    return part != NULL ? igd_part_read(&out->part, part, out->num_images, path) : IGD_OK;
}
