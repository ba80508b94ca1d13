// Defenses that are a model of their own: a file, or what the program runs.
#include "defend/defense_kind.h"

#include "core/error.h"
#include "core/json_build.h"
#include "core/require.h"
#include "igdef/callbacks.h"

typedef struct foreign {
    igd_defense common;
    igd_model *given; // owned
} foreign;

static void classifier(igd_classifier *f, const igd_defense_view *view)
{
    const foreign *d = (const foreign *)view->defense;
    *f = *igd_model_classifier(d->given);
}

static void free_given(igd_defense *d)
{
    igd_model_free(((foreign *)d)->given);
}

static const igd_defense_type type = {
    .kind = IGD_DEFENSE_MODEL,
    .name = "model",
    .classifier = classifier,
    .free = free_given,
    .no_export = "defenses that are models of their own are files already, or functions",
    .unknown = true,
};

// Ends a constructor: what is given has the base model's classes, and is called `path`.
static igd_status finish(igd_defense **out, foreign *d, const char *path, igd_status st)
{
    const int C = igd_model_num_classes(d->common.base);
    if (st == IGD_OK && igd_model_num_classes(d->given) != C)
        st = igd_error(IGD_EINVAL, "%s: has %d classes, the base model %d", path,
                       igd_model_num_classes(d->given), C);
    if (st == IGD_OK) {
        igd_json_add_string(d->common.settings, "path", path);
        igd_json_add_string(d->common.settings, "sha256", igd_model_sha256(d->given));
    }
    return igd_defense_finish(out, &d->common, st);
}

igd_status igd_defense_new_model(igd_defense **out, const igd_model *base,
                                 const char *path)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(base);
    IGD_REQUIRE(path);
    igd_defense *begun = NULL;

    IGD_TRY(igd_defense_begin(&begun, sizeof(foreign), base, &type));
    foreign *d = (foreign *)begun;
    return finish(out, d, path, igd_model_load_beside(&d->given, base, path));
}

igd_status igd_defense_from_callbacks(igd_defense **out, const igd_model *base,
                                      const igd_callbacks *callbacks, void *payload)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(base);
    igd_defense *begun = NULL;

    IGD_TRY(igd_defense_begin(&begun, sizeof(foreign), base, &type));
    foreign *d = (foreign *)begun;
    return finish(out, d, "callbacks",
                  igd_model_from_callbacks(&d->given, igd_model_shape(base),
                                           igd_model_num_classes(base), callbacks,
                                           payload));
}
