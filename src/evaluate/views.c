// Owns the way from models and defenses to the classifiers that an evaluation sees.
#include "evaluate/views.h"

#include <assert.h>
#include <stdlib.h>

#include "core/error.h"
#include "defend/defense_impl.h"
#include "model/model_impl.h"

static int by_image(const void *a, const void *b)
{
    const igd_label_of *p = a, *q = b;
    return (p->image > q->image) - (p->image < q->image);
}

static igd_status labels_init(igd_labels *l, const igd_dataset *data)
{
    l->num = igd_dataset_size(data);
    l->item = malloc(((size_t)l->num + 1) * sizeof(*l->item));
    if (l->item == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %lld labels", (long long)l->num);
    for (int64_t i = 0; i < l->num; i++)
        l->item[i] =
            (igd_label_of){igd_dataset_index(data, i), igd_dataset_label(data, i)};
    qsort(l->item, (size_t)l->num, sizeof(*l->item), by_image);
    return IGD_OK;
}

static int true_class(int64_t image, const void *payload)
{
    const igd_labels *l = payload;
    const igd_label_of wanted = {.image = image};
    const igd_label_of *found =
        bsearch(&wanted, l->item, (size_t)l->num, sizeof(*l->item), by_image);
    return found != NULL ? found->label : 0;
}

static int given_class(int64_t image, const void *payload)
{
    (void)image;
    return *(const int *)payload;
}

static igd_classifier *keep(igd_views_own *own, igd_classifier f, igd_rounding rounding)
{
    assert(own->num_classifiers < IGD_MOST_VIEWS);
    igd_classifier *kept = &own->classifier[own->num_classifiers++];
    *kept = f;
    kept->rounding = rounding;
    return kept;
}

// The classifier of a view, to judge with.
static const igd_classifier *see(igd_views_own *own, const igd_defense_view *view)
{
    return keep(own, igd_defense_classifier(view), own->exact);
}

// The same to attack, where attacks compute otherwise.
static const igd_classifier *attacked(igd_views_own *own, const igd_classifier *f)
{
    if (own->exact == IGD_ROUND_AS_IS)
        return f;
    igd_classifier *rounded = keep(own, *f, IGD_ROUND_TF32);
    rounded->exact = f;
    return rounded;
}

igd_status igd_views_make(igd_views *v, const igd_model *base, const igd_defense *defense,
                          const igd_dataset *data, const igd_evaluate_options *o)
{
    const igd_classifier *f = igd_model_classifier(base);

    *v = (igd_views){0};
    if (o->precision != IGD_PRECISION_IEEE && !f->off_host)
        return igd_error(IGD_EINVAL,
                         "precision tf32: TF32 is of CUDA devices, the model is on %s",
                         f->device);
    *v = (igd_views){.base = f,
                     .model_path = igd_model_path(base),
                     .model_sha256 = igd_model_sha256(base),
                     .model_identity = igd_model_identity(base),
                     .device = f->device};
    igd_views_own *own = &v->own;
    if (o->precision != IGD_PRECISION_IEEE) {
        own->exact = IGD_ROUND_IEEE;
        v->base = attacked(own, keep(own, *f, own->exact));
    }
    v->judged = v->base;
    if (defense == NULL)
        return IGD_OK;
    IGD_TRY(igd_defense_check_names(defense, data));
    const igd_defense_view plain = {.defense = defense, .fixed_noise = o->fixed_noise};
    own->judged = own->judging = own->surrogate = own->joint = own->ceiling = own->floor =
        plain;
    v->defense = igd_defense_settings_json(defense);
    v->probe = igd_defense_probe(defense);
    own->judging.pass_cache = o->pass_cache;
    v->judged = attacked(own, see(own, &own->judged));
    if (o->pass_cache != NULL)
        v->judging = see(own, &own->judging);
    const igd_adaptive adaptive = igd_defense_adaptive(defense);
    if (adaptive == IGD_ADAPTIVE_NONE)
        return IGD_OK;
    own->surrogate.surrogate = true;
    own->surrogate.surrogate_temperature = o->surrogate_temperature;
    v->surrogate = attacked(own, see(own, &own->surrogate));
    if (adaptive == IGD_ADAPTIVE_SURROGATE)
        return IGD_OK;
    IGD_TRY(labels_init(&own->known, data));
    own->joint.first_pass_weight = o->joint_weight;
    own->ceiling.pseudo = own->floor.pseudo = IGD_PSEUDO_LABEL;
    own->ceiling.label = true_class;
    own->ceiling.payload = &own->known;
    own->floor.label = given_class;
    own->floor.payload = v->floor_class = &own->floor_class;
    v->joint = attacked(own, see(own, &own->joint));
    v->ceiling = see(own, &own->ceiling);
    v->floor = see(own, &own->floor);
    return IGD_OK;
}

void igd_views_free(igd_views *v)
{
    free(v->own.known.item);
}
