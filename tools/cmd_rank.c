// igdef rank: makes an importance ranking and writes it.
#include "options_rank.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "action.h"
#include "action_merge.h"
#include "action_rank.h"
#include "core.h"
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
    char name[400];
    int used = NAME;
    igd_escape(name, sizeof(name), igd_ranking_class_name(r, c), false);
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
    fprintf(f, "%s: %d neurons of %s, %d classes, by %s", s->output, K,
            igd_ranking_layer(r), C, igd_ranking_method(r));
    if (igd_ranking_num_images(r) > 0) // a random one looks at none
        fprintf(f, " on %" PRId64 " images", igd_ranking_num_images(r));
    fprintf(f, "\n\n%-*s most important neurons (score)\n", NAME, "class");
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
    igd_json_add_string(root, "format", "igdef.rank/1");
    igd_json_add_string(root, "output", s->output);
    igd_json_add_string(root, "method", igd_ranking_method(r));
    igd_json_add_string(root, "layer", igd_ranking_layer(r));
    igd_json_add_string(root, "model_sha256", igd_ranking_model_sha256(r));
    igd_json_add_number(root, "num_classes", igd_ranking_num_classes(r));
    igd_json_add_number(root, "num_neurons", igd_ranking_num_neurons(r));
    igd_json_add_number(root, "num_images", (double)igd_ranking_num_images(r));
    if (s->compare != NULL) {
        igd_json_add_number(root, "common", common);
        igd_json_add_number(root, "top", top);
    }
    const igd_status st = action_print_json(root);
    cJSON_Delete(root);
    return st;
}

// What is asked of a ranking beside its file.
typedef struct asked {
    double common; // neurons shared with the one it is compared with
    int top;
} asked;

// A part has no ranking to be asked.
static igd_status answer(asked *a, const igd_ranking *r, const rank_settings *s)
{
    if (s->compare != NULL)
        IGD_TRY(compare(&a->common, &a->top, r, s));
    return s->to_units != NULL ? igd_ranking_to_units(r, s->to_units) : IGD_OK;
}

static igd_status show(const igd_ranking *r, const rank_settings *s, const asked *a)
{
    const igd_part part = igd_ranking_part(r);
    if (s->common.json)
        return print_json(r, s, a->common, a->top);
    if (part.of > 0)
        print_out("%s: part %lld of %lld of a ranking; igdef rank --merge joins them\n",
                  s->output, (long long)part.index, (long long)part.of);
    else if (s->common.csv)
        print_table(r);
    else
        return show_text(r, s, a->common, a->top);
    return IGD_OK;
}

static bool same_ranking(const igd_ranking *a, const igd_ranking *b)
{
    const int C = igd_ranking_num_classes(a), K = igd_ranking_num_neurons(a);
    bool same = C == igd_ranking_num_classes(b) && K == igd_ranking_num_neurons(b) &&
                igd_ranking_num_images(a) == igd_ranking_num_images(b) &&
                strcmp(igd_ranking_model_sha256(a), igd_ranking_model_sha256(b)) == 0 &&
                strcmp(igd_ranking_layer(a), igd_ranking_layer(b)) == 0;
    for (int c = 0; c < C && same; c++)
        same = memcmp(igd_ranking_score(a, c), igd_ranking_score(b, c),
                      (size_t)K * sizeof(float)) == 0;
    return same;
}

// Writes the joined ranking, unless the same one is there; another file stays.
static igd_status save_joined(const igd_ranking *r, const rank_settings *s)
{
    igd_ranking *there = NULL;
    if (!igd_path_exists(s->output))
        return igd_ranking_save(r, s->output);
    const bool same =
        igd_ranking_load(&there, s->output) == IGD_OK && same_ranking(there, r);
    igd_ranking_free(there);
    if (!same)
        return igd_error(IGD_ESTATE,
                         "%s: is there, and is not what the parts give; it is "
                         "not overwritten",
                         s->output);
    progress_note("this is joined already");
    return IGD_OK;
}

static int merge(const rank_settings *s)
{
    merge_files files = {0};
    igd_ranking *r = NULL;
    asked a = {0};
    igd_status st = merge_files_list(&files, &s->merge, ".safetensors", s->output);
    if (st == IGD_OK)
        st = igd_ranking_merge(&r, (const char *const *)files.path, files.num);
    if (st == IGD_OK && (st = answer(&a, r, s)) == IGD_OK)
        st = save_joined(r, s);
    progress_end();
    if (st == IGD_OK)
        st = show(r, s, &a);
    igd_ranking_free(r);
    merge_files_free(&files);
    return st == IGD_OK ? CLI_DONE : action_failed(&s->common, st);
}

// Whether this part was made before; another file at its place is not overwritten.
static igd_status find_made(bool *made, const igd_dataset *probe, const rank_settings *s)
{
    const igd_part here = igd_dataset_part(probe);
    igd_part there = {0};
    *made = false;
    if (here.of == 0 || !igd_path_exists(s->output))
        return IGD_OK;
    IGD_TRY(igd_ranking_part_read(&there, s->output));
    IGD_TRY(action_same_part(&there, &here, s->output));
    *made = true;
    progress_note("%s: this part is there already", s->output);
    return IGD_OK;
}

int cmd_rank(const void *settings)
{
    const rank_settings *s = settings;
    igd_dataset *probe = NULL;
    igd_model *model = NULL;
    igd_ranking *ranking = NULL;
    asked a = {0};
    bool made = false;
    igd_status st;

    if (s->merge.num > 0)
        return merge(s);
    if ((st = action_open_data(&probe, &s->in, s->fraction, s->common.seed)) != IGD_OK ||
        (st = action_take_part(probe, &s->shard)) != IGD_OK ||
        (st = find_made(&made, probe, s)) != IGD_OK || made)
        goto done;
    if ((st = action_load_model_for(&model, probe, &s->in, &s->common)) != IGD_OK ||
        (!isnan(s->expect_clean) &&
         (st = action_check_clean(model, &s->in, &s->common, s->expect_clean)) !=
             IGD_OK) ||
        (st = rank(&ranking, model, probe, s)) != IGD_OK ||
        (st = answer(&a, ranking, s)) != IGD_OK ||
        (st = igd_ranking_save(ranking, s->output)) != IGD_OK)
        goto done;
    progress_end();
    action_warn_chance(igd_ranking_clean_accuracy(ranking), igd_model_num_classes(model));
    st = show(ranking, s, &a);

done:
    igd_ranking_free(ranking);
    igd_model_free(model);
    igd_dataset_free(probe);
    return st == IGD_OK ? CLI_DONE : action_failed(&s->common, st);
}
