// igdef rank: makes an importance ranking and writes it.
#include "options_rank.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "action.h"
#include "action_rank.h"
#include "core.h"
#include "core/error.h"
#include "core/file.h"
#include "csv.h"
#include "print.h"
#include "progress.h"

#define SHOWN_NEURONS 5
#define SHOWN_CLASSES 10
#define NAME 20 // columns

// The layer's name as the library takes it, with the axis that the user gave; owned, NULL
// when memory is exhausted.
static char *layer_of(const rank_settings *s)
{
    const size_t size = strlen(s->layer) + 16;
    char *name = malloc(size);
    if (name != NULL && s->neuron_axis >= 0)
        snprintf(name, size, "%s~%d", s->layer, s->neuron_axis);
    else if (name != NULL)
        snprintf(name, size, "%s", s->layer);
    return name;
}

static igd_status rank(igd_ranking **out, const igd_model *model,
                       const igd_dataset *probe, const rank_settings *s)
{
    char *layer = layer_of(s), *folder = s->cache ? igd_path_folder(s->output) : NULL;
    igd_status st;
    if (layer == NULL || (s->cache && folder == NULL))
        st = igd_error(IGD_ENOMEM, "%s: no memory", s->output);
    else if (s->from_units != NULL)
        st = igd_ranking_from_units(out, s->from_units, model, layer, s->ranking.method);
    else
        st = action_rank(out, model, layer, probe, &s->ranking, &s->common, folder);
    free(folder);
    free(layer);
    return st;
}

// Mean over the classes of how many of the `top` most important neurons r shares with
// the ranking it is compared with.
static igd_status compare(double *out, int *top, const igd_ranking *r,
                          const rank_settings *s)
{
    const int C = igd_ranking_num_classes(r), K = igd_ranking_num_neurons(r);
    igd_ranking *other = NULL;
    double sum = 0.0;
    igd_status st = action_load_ranking(&other, s->compare);

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

// A class and, as far as the line goes, its most important neurons.
static void print_class(FILE *f, const igd_ranking *r, int c)
{
    const int32_t *order = igd_ranking_order(r, c);
    const float *score = igd_ranking_score(r, c);
    const char *name = igd_ranking_class_name(r, c);
    int used = NAME;
    if (igd_columns(name) >= NAME)
        fprintf(f, "%s\n%*s", name, NAME, "");
    else
        fprintf(f, "%-*s", NAME, name);
    for (int i = 0; i < SHOWN_NEURONS && i < igd_ranking_num_neurons(r); i++) {
        char one[64];
        used +=
            snprintf(one, sizeof(one), " %d (%.3g)", order[i], (double)score[order[i]]);
        if (used <= IGD_WIDTH)
            fputs(one, f);
    }
    fputc('\n', f);
}

static void print_text(FILE *f, const igd_ranking *r, const rank_settings *s,
                       double common, int top)
{
    const int C = igd_ranking_num_classes(r), K = igd_ranking_num_neurons(r);
    fprintf(f, "%s: %d neurons of %s, %d classes, by %s on %" PRId64 " images\n",
            s->output, K, igd_ranking_layer(r), C, igd_ranking_method(r),
            igd_ranking_num_images(r));
    fprintf(f, "\n%-*s most important neurons (score)\n", NAME, "class");
    for (int c = 0; c < C && c < SHOWN_CLASSES; c++)
        print_class(f, r, c);
    if (SHOWN_CLASSES < C)
        fprintf(f, "... and %d more classes\n", C - SHOWN_CLASSES);
    if (s->compare != NULL)
        fprintf(f,
                "\n%s shares %.1f of the %d most important neurons, mean over the "
                "classes; chance alone %.1f\n",
                s->compare, common, top, (double)top * top / K);
}

static igd_status show_text(const igd_ranking *r, const rank_settings *s, double common,
                            int top)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (f == NULL)
        return igd_error(IGD_ENOMEM, "no memory for the result");
    print_text(f, r, s, common, top);
    fclose(f);
    print_folded(text);
    return IGD_OK;
}

// A row per class and neuron, the most important first.
static void print_table(const igd_ranking *r)
{
    printf("class,name,place,neuron,score\n");
    for (int c = 0; c < igd_ranking_num_classes(r); c++)
        for (int i = 0; i < igd_ranking_num_neurons(r); i++) {
            const int32_t n = igd_ranking_order(r, c)[i];
            printf("%d,", c);
            csv_field(stdout, igd_ranking_class_name(r, c));
            printf(",%d,%d,%.9g\n", i, n, (double)igd_ranking_score(r, c)[n]);
        }
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
        (st = action_load_model_for(&model, probe, &s->in, &s->common)) != IGD_OK ||
        (!isnan(s->expect_clean) &&
         (st = action_check_clean(model, &s->in, &s->common, s->expect_clean)) !=
             IGD_OK) ||
        (st = rank(&ranking, model, probe, s)) != IGD_OK ||
        (s->compare != NULL && (st = compare(&common, &top, ranking, s)) != IGD_OK) ||
        (s->to_units != NULL &&
         (st = igd_ranking_to_units(ranking, s->to_units)) != IGD_OK) ||
        (st = igd_ranking_save(ranking, s->output)) != IGD_OK)
        goto done;
    progress_end();
    action_warn_chance(igd_ranking_clean_accuracy(ranking), igd_model_num_classes(model));
    if (s->common.csv)
        print_table(ranking);
    else if (s->common.json)
        st = print_json(ranking, s, common, top);
    else
        st = show_text(ranking, s, common, top);

done:
    igd_ranking_free(ranking);
    igd_model_free(model);
    igd_dataset_free(probe);
    return st == IGD_OK ? CLI_DONE : action_failed(&s->common, st);
}
