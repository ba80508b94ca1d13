// igdef rank: makes an importance ranking and writes it.
#include "options_rank.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "action.h"
#include "core/error.h"
#include "core/lines.h"
#include "progress.h"

#define SHOWN_NEURONS 5
#define SHOWN_CLASSES 10

static igd_status by_leaving_out(igd_ranking **out, const igd_model *model,
                                 const igd_dataset *probe, const rank_settings *s)
{
    igd_loir_options o = igd_loir_options_default();
    o.batch_size = s->common.batch_size;
    o.over_all = strcmp(s->over, "all") == 0;
    o.plain = s->plain;
    o.progress = progress_report;
    return igd_ranking_loir(out, model, s->layer, probe, &o);
}

static igd_status by_chance(igd_ranking **out, const igd_model *model,
                            const igd_dataset *probe, const rank_settings *s)
{
    const int C = igd_dataset_num_classes(probe);
    const char **names = NULL;
    if (C != igd_model_num_classes(model))
        return igd_error(IGD_EINVAL, "%s: has %d classes, but the model %d", s->in.data,
                         C, igd_model_num_classes(model));
    names = malloc((size_t)C * sizeof(*names));
    if (names == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d names", C);
    for (int c = 0; c < C; c++)
        names[c] = igd_dataset_class_name(probe, c);
    const igd_status st = igd_ranking_random(out, model, s->layer, names, s->common.seed);
    free(names);
    return st;
}

// The folder that a file lies in, owned; NULL when memory is exhausted.
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
}

static igd_status by_clip(igd_ranking **out, const igd_model *model,
                          const igd_dataset *probe, const rank_settings *s)
{
    igd_cdir_options o = igd_cdir_options_default();
    igd_lines concepts = {0};
    char *folder = folder_of(s->output);
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
    o.cache = s->cache ? folder : NULL;
    o.device = s->common.device;
    o.batch_size = s->common.batch_size;
    o.progress = progress_report;
    if (folder == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory", s->output);
        goto done;
    }
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
    st = igd_ranking_cdir(out, model, s->layer, probe, &o);

done:
    igd_lines_free(&concepts);
    free(folder);
    return st;
}

static igd_status rank(igd_ranking **out, const igd_model *model,
                       const igd_dataset *probe, const rank_settings *s)
{
    if (s->from_units != NULL)
        return igd_ranking_from_units(out, s->from_units, model, s->layer, s->method);
    if (strcmp(s->method, "random") == 0)
        return by_chance(out, model, probe, s);
    if (strcmp(s->method, "cdir") == 0)
        return by_clip(out, model, probe, s);
    return by_leaving_out(out, model, probe, s);
}

// Mean over the classes of how many of the `top` most important neurons r shares with
// the ranking it is compared with.
static igd_status compare(double *out, int *top, const igd_ranking *r,
                          const rank_settings *s)
{
    const int C = igd_ranking_num_classes(r), K = igd_ranking_num_neurons(r);
    igd_ranking *other = NULL;
    double sum = 0.0;
    igd_status st = igd_ranking_load(&other, s->compare);

    *top = s->top < K ? s->top : K;
    for (int c = 0; c < C && st == IGD_OK; c++) {
        int common = 0;
        if ((st = igd_ranking_overlap(&common, r, other, c, *top)) != IGD_OK)
            st = igd_error_prefix(st, s->compare);
        sum += common;
    }
    igd_ranking_free(other);
    *out = sum / C;
    return st;
}

static void print_text(const igd_ranking *r, const rank_settings *s, double common,
                       int top)
{
    const int C = igd_ranking_num_classes(r), K = igd_ranking_num_neurons(r);
    const int classes = C < SHOWN_CLASSES ? C : SHOWN_CLASSES;
    const int neurons = K < SHOWN_NEURONS ? K : SHOWN_NEURONS;
    printf("%s: %d neurons of %s ranked for %d classes by %s on %" PRId64 " images\n",
           s->output, K, igd_ranking_layer(r), C, igd_ranking_method(r),
           igd_ranking_num_images(r));
    printf("\n%-20s most important neurons (score)\n", "class");
    for (int c = 0; c < classes; c++) {
        const int32_t *order = igd_ranking_order(r, c);
        const float *score = igd_ranking_score(r, c);
        printf("%-20s", igd_ranking_class_name(r, c));
        for (int i = 0; i < neurons; i++)
            printf(" %d (%.3g)", order[i], (double)score[order[i]]);
        printf("\n");
    }
    if (classes < C)
        printf("... and %d more classes\n", C - classes);
    if (s->compare != NULL)
        printf(
            "\n%s shares %.1f of the %d most important neurons, mean over the classes; "
            "chance alone %.1f\n",
            s->compare, common, top, (double)top * top / K);
}

static igd_status print_json(const igd_ranking *r, const rank_settings *s, double common,
                             int top)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "format", "igdef.rank/1");
    cJSON_AddStringToObject(root, "output", s->output);
    cJSON_AddStringToObject(root, "method", igd_ranking_method(r));
    cJSON_AddStringToObject(root, "layer", igd_ranking_layer(r));
    cJSON_AddStringToObject(root, "model_sha256", igd_ranking_model_sha256(r));
    cJSON_AddNumberToObject(root, "num_classes", igd_ranking_num_classes(r));
    cJSON_AddNumberToObject(root, "num_neurons", igd_ranking_num_neurons(r));
    cJSON_AddNumberToObject(root, "num_images", (double)igd_ranking_num_images(r));
    if (s->compare != NULL) {
        cJSON_AddNumberToObject(root, "common", common);
        cJSON_AddNumberToObject(root, "top", top);
    }
    const igd_status st = action_print_json(root);
    cJSON_Delete(root);
    return st;
}

int cmd_rank(const void *settings)
{
    const rank_settings *s = settings;
    igd_dataset *probe = NULL;
    igd_model *model = NULL;
    igd_ranking *ranking = NULL;
    double common = 0.0;
    int top = 0;
    igd_status st;

    if ((st = action_open_data(&probe, &s->in, s->fraction, s->common.seed)) != IGD_OK ||
        (st = action_load_model(&model, &s->in, &s->common, igd_dataset_shape(probe))) !=
            IGD_OK ||
        (st = rank(&ranking, model, probe, s)) != IGD_OK ||
        (s->compare != NULL && (st = compare(&common, &top, ranking, s)) != IGD_OK) ||
        (s->to_units != NULL &&
         (st = igd_ranking_to_units(ranking, s->to_units)) != IGD_OK) ||
        (st = igd_ranking_save(ranking, s->output)) != IGD_OK)
        goto done;
    progress_end();
    if (s->common.json)
        st = print_json(ranking, s, common, top);
    else
        print_text(ranking, s, common, top);

done:
    igd_ranking_free(ranking);
    igd_model_free(model);
    igd_dataset_free(probe);
    return st == IGD_OK ? CLI_DONE : action_failed(&s->common, st);
}
