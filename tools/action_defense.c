// Owns the way from the options of defenses to defended models.
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "action.h"
#include "progress.h"

igd_defense_options action_mask_options(const defense_settings *d, uint64_t seed)
{
    igd_defense_options o = d->mask;
    if (!d->smoothing)
        o.sigma = 0.0;
    o.one_pass = d->passes == 1;
    o.seed = seed;
    return o;
}

static igd_status load_mask(igd_defense **out, const igd_model *base,
                            const defense_settings *d, const defense_setting *where)
{
    const igd_defense_options o = action_mask_options(d, where->common->seed);
    igd_ranking *ranking = NULL;
    igd_status st = IGD_OK;
    if (d->ranking != NULL)
        st = action_load_ranking(&ranking, d->ranking);
    if (st == IGD_OK)
        st = igd_defense_new(out, base, ranking, &o);
    igd_ranking_free(ranking);
    return st;
}

static igd_status load_caaa(igd_defense **out, const igd_model *base,
                            const defense_settings *d, const defense_setting *where)
{
    (void)where;
    return igd_defense_new_caaa(out, base, &d->caaa);
}

// Meant for the attack's radius.
static igd_status load_hedge(igd_defense **out, const igd_model *base,
                             const defense_settings *d, const defense_setting *where)
{
    igd_hedge_options o = d->hedge;
    if (isnan(o.eps))
        o.eps = isnan(where->radius) ? igd_hedge_options_default().eps : where->radius;
    o.seed = where->common->seed;
    return igd_defense_new_hedge(out, base, &o);
}

// The statistics are made anew from the probe images, which are prepared as --data is.
static igd_status load_meansparse(igd_defense **out, const igd_model *base,
                                  const defense_settings *d, const defense_setting *where)
{
    igd_meansparse_options o = d->meansparse.options;
    input_settings probe = *where->in;
    igd_dataset *data = NULL;
    igd_status st;

    probe.data = d->meansparse.data;
    probe.split = d->meansparse.split;
    probe.count = d->meansparse.count;
    probe.first = 0;
    probe.labels = probe.ids = probe.classes = NULL;
    probe.labels_unused = true;
    o.batch_size = common_batch_size(where->common);
    o.progress = progress_report;
    *out = NULL;
    if ((st = action_open_data(&data, &probe, 1.0, where->common->seed)) == IGD_OK &&
        (st = igd_dataset_set_channels(data, (int)igd_model_shape(base)[0])) == IGD_OK)
        st = igd_defense_new_meansparse(out, base, d->meansparse.layer, data, &o);
    igd_dataset_free(data);
    return st;
}

static igd_status load_file(igd_defense **out, const igd_model *base,
                            const defense_settings *d, const defense_setting *where)
{
    (void)where;
    return igd_defense_new_model(out, base, d->defended);
}

// The loaders of --defense NAME; of the row without a name, that of a file.
typedef igd_status (*load_fn)(igd_defense **out, const igd_model *base,
                              const defense_settings *d, const defense_setting *where);
#define LOADER(name, type, more) {#name, load_##name},
static const struct {
    const char *name;
    load_fn load;
} loaders[] = {{"mask", load_mask}, NAMED_DEFENSES(LOADER, )};

igd_status action_load_defense(igd_defense **out, const igd_model *base,
                               const defense_settings *d, const defense_setting *where)
{
    const defense_row *row = defense_chosen(d);
    *out = NULL;
    if (row == NULL)
        return IGD_OK;
    for (size_t k = 0; row->name != NULL; k++)
        if (strcmp(loaders[k].name, row->name) == 0)
            return loaders[k].load(out, base, d, where);
    return load_file(out, base, d, where);
}
