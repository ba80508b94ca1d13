// Defenses that are a model of their own: a file, or what the program runs.
#include "defend/defense_kind.h"

#include "core/error.h"
#include "core/require.h"
#include "igdef/callbacks.h"

static void classifier(igd_classifier *f, const igd_defense_view *view)
{
    *f = *igd_model_classifier(view->defense->given);
}

igd_status igd_defense_new_model(igd_defense **out, const igd_model *base,
                                 const char *path)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(base);
    IGD_REQUIRE(path);
    igd_defense *d = NULL;
    igd_status st;

    IGD_TRY(igd_defense_begin(&d, base, IGD_DEFENSE_MODEL, classifier));
    if ((st = igd_model_load_beside(&d->given, base, path)) != IGD_OK)
        return igd_defense_finish(out, d, NULL, st);
    if (igd_model_num_classes(d->given) != igd_model_num_classes(base))
        return igd_defense_finish(
            out, d, NULL,
            igd_error(IGD_EINVAL, "%s: has %d classes, the base model %d", path,
                      igd_model_num_classes(d->given), igd_model_num_classes(base)));
    cJSON *settings = cJSON_CreateObject();
    cJSON_AddStringToObject(settings, "kind", "model");
    cJSON_AddStringToObject(settings, "path", path);
    cJSON_AddStringToObject(settings, "sha256", igd_model_sha256(d->given));
    return igd_defense_finish(out, d, settings, IGD_OK);
}

igd_status igd_defense_from_callbacks(igd_defense **out, const igd_model *base,
                                      const igd_callbacks *callbacks, void *payload)
{
    igd_defense *d = NULL;
    cJSON *settings = NULL;

    if (out == NULL)
        return igd_error(IGD_EINVAL, "out is NULL");
    *out = NULL;
    if (base == NULL)
        return igd_error(IGD_EINVAL, "base is NULL");
    IGD_TRY(igd_defense_begin(&d, base, IGD_DEFENSE_MODEL, classifier));
    const igd_status st =
        igd_model_from_callbacks(&d->given, igd_model_shape(base),
                                 igd_model_num_classes(base), callbacks, payload);
    if (st == IGD_OK) {
        settings = cJSON_CreateObject();
        cJSON_AddStringToObject(settings, "kind", "model");
        cJSON_AddStringToObject(settings, "path", "callbacks");
        cJSON_AddStringToObject(settings, "sha256", igd_model_sha256(d->given));
    }
    return igd_defense_finish(out, d, settings, st);
}
