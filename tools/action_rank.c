// Owns the way from options to a ranking.
#include "action_rank.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "progress.h"

// What is ranked, on what and how.
typedef struct work {
    const igd_model *model;
    const char *layer;
    const igd_dataset *probe;
    const ranking_settings *how;
    const common_settings *common;
    const char *cache;
} work;

static void warning(const char *line, void *payload)
{
    (void)payload;
    progress_note("warning: %s", line);
}

static igd_status by_leaving_out(igd_ranking **out, const work *w)
{
    igd_loir_options o = igd_loir_options_default();
    o.batch_size = common_batch_size(w->common);
    o.over_all = strcmp(w->how->over, "all") == 0;
    o.plain = w->how->plain;
    o.allow_nonfinite = w->how->allow_nonfinite;
    o.progress = progress_report;
    return igd_ranking_loir(out, w->model, w->layer, w->probe, &o);
}

static igd_status by_chance(igd_ranking **out, const work *w)
{
    const int C = igd_model_num_classes(w->model);
    const int named = igd_dataset_num_classes(w->probe);
    const char **names = NULL;
    IGD_TRY(igd_model_check_classes(w->model, w->probe));
    names = calloc((size_t)C, sizeof(*names));
    if (names == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d names", C);
    for (int c = 0; c < C && c < named; c++)
        names[c] = igd_dataset_class_name(w->probe, c);
    const igd_status st =
        igd_ranking_random(out, w->model, w->layer, names, w->common->seed);
    free(names);
    return st;
}

static igd_status by_clip(igd_ranking **out, const work *w)
{
    const cdir_settings *s = &w->how->cdir;
    igd_cdir_options o = igd_cdir_options_default();
    igd_lines concepts = {0};
    igd_status st = IGD_OK;

    o.clip = s->clip;
    o.clip_image = s->clip_image;
    o.clip_text = s->clip_text;
    o.image_embeddings = s->image_embeddings;
    o.text_embeddings = s->text_embeddings;
    o.vocabulary = s->vocab;
    o.prompt = s->prompt;
    o.top_k = s->top_k;
    o.image_size = s->image_size;
    o.context = s->context_length;
    o.cache = w->cache;
    o.device = w->common->device;
    o.batch_size = common_batch_size(w->common);
    o.progress = progress_report;
    o.message = warning;
    if ((st = igd_similarity_parse(&o.similarity, s->similarity)) != IGD_OK ||
        (st = igd_pool_parse(&o.pool, s->pool)) != IGD_OK ||
        (s->concepts != NULL && (st = igd_lines_read(&concepts, s->concepts)) != IGD_OK))
        goto done;
    if (s->concepts != NULL) {
        if (concepts.num == 0 || concepts.num > INT32_MAX) {
            st = igd_error(IGD_EFORMAT, "%s: holds %" PRId64 " concepts", s->concepts,
                           concepts.num);
            goto done;
        }
        o.concepts = (const char *const *)concepts.line;
        o.num_concepts = (int)concepts.num;
    }
    st = igd_ranking_cdir(out, w->model, w->layer, w->probe, &o);

done:
    igd_lines_free(&concepts);
    return st;
}

igd_status action_rank(igd_ranking **out, const igd_model *model, const char *layer,
                       const igd_dataset *probe, const ranking_settings *how,
                       const common_settings *common, const char *cache)
{
    const work w = {model, layer, probe, how, common, cache};
    if (strcmp(how->method, "random") == 0)
        return by_chance(out, &w);
    if (strcmp(how->method, "cdir") == 0)
        return by_clip(out, &w);
    return by_leaving_out(out, &w);
}

igd_status action_rank_joined(igd_ranking **out, const igd_model *model,
                              const char *layers, const igd_dataset *probe,
                              const ranking_settings *how, const common_settings *common)
{
    char *joined = strdup(layers);
    igd_status st;

    *out = NULL;
    if (joined == NULL)
        return igd_error(IGD_ENOMEM, "no memory for the name of a layer");
    for (char *c = joined; *c != '\0'; c++)
        if (*c == '+')
            *c = ',';
    st = action_rank(out, model, joined, probe, how, common, NULL);
    free(joined);
    return st;
}
