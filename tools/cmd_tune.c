// igdef analyze tune: ranks what is to be ranked, and finds the setting that helps most.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "action_attack.h"
#include "action_rank.h"
#include "action_series.h"
#include "core.h"
#include "options_tune.h"
#include "print.h"
#include "progress.h"

#define RANKED_IMAGES 10000 // without --rank-count
#define MOST_LAYERS 64

typedef struct tuning {
    const tune_settings *s;
    series_work work;
    igd_ranking *rankings[MOST_LAYERS]; // owned
    char *files[MOST_LAYERS];           // owned, as a shell takes them
    int num;
    int64_t ranked; // training images that rankings have seen, the first
    int keeps[CLI_LIST_MAX];
    char *command; // owned
} tuning;

static void tuning_free(tuning *t)
{
    for (int k = 0; k < t->num; k++) {
        igd_ranking_free(t->rankings[k]);
        free(t->files[k]);
    }
    free(t->command);
}

// A word in quotes where it needs them; owned.
static char *quoted(const char *word)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (f == NULL)
        return NULL;
    print_quoted(f, word);
    if (fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}

static igd_status add_ranking(tuning *t, igd_ranking *r, const char *path)
{
    t->rankings[t->num] = r;
    t->files[t->num] = quoted(path);
    return t->files[t->num++] != NULL ? IGD_OK
                                      : igd_error(IGD_ENOMEM, "no memory for a path");
}

// --- rankings

// Ranks layers "A+B" and writes that into the series's folder.
static igd_status rank_one(tuning *t, const char *layers, const igd_dataset *probe)
{
    const common_settings *common = &t->s->series.common;
    char name[600];
    igd_ranking *r = NULL;

    IGD_TRY(action_rank_joined(&r, t->work.base, layers, probe, &t->s->ranking, common));
    snprintf(name, sizeof(name), "%s.safetensors", layers);
    for (char *c = name; *c != '\0'; c++)
        if (*c == '/' || *c == ':')
            *c = '-';
    char *path = igd_path_join(t->work.folder, name);
    igd_status st = path != NULL ? igd_ranking_save(r, path)
                                 : igd_error(IGD_ENOMEM, "no memory for a path");
    if (st == IGD_OK)
        st = add_ranking(t, r, path);
    else
        igd_ranking_free(r);
    free(path);
    return st;
}

// The model, and all images that rankings are made on.
static igd_status open_probe(igd_dataset **out, tuning *t)
{
    const series_settings *s = &t->s->series;
    input_settings in = s->in;
    in.first = 0;
    in.count = 0;
    in.ids = NULL;
    IGD_TRY(action_open_data(out, &in, 1.0, s->common.seed));
    const int64_t size = igd_dataset_size(*out), half = size / 2;
    t->ranked = t->s->ranked;
    if (t->ranked == 0)
        t->ranked = half < RANKED_IMAGES ? half : RANKED_IMAGES;
    if (t->ranked >= size)
        return igd_error(IGD_EINVAL,
                         "%s: to rank on %lld of %lld training images leaves none to "
                         "choose by",
                         in.data, (long long)t->ranked, (long long)size);
    igd_dataset_free(*out);
    in.count = t->ranked;
    IGD_TRY(action_open_data(out, &in, 1.0, s->common.seed));
    return action_load_model_for(&t->work.base, *out, &s->in, &s->common);
}

static igd_status rank_layers(tuning *t)
{
    igd_dataset *probe = NULL;
    char layer[512];
    igd_status st;

    if ((st = igd_folder_make(t->work.folder)) == IGD_OK)
        st = open_probe(&probe, t);
    for (const char *at = t->s->layers; st == IGD_OK;) {
        const size_t length = strcspn(at, ",");
        if (length == 0 || length >= sizeof(layer) || t->num == MOST_LAYERS)
            st = igd_error(IGD_EINVAL, "--layers: not a list of 1 to %d layers",
                           MOST_LAYERS);
        else {
            snprintf(layer, sizeof(layer), "%.*s", (int)length, at);
            st = rank_one(t, layer, probe);
        }
        if (at[length] == '\0')
            break; // the last one
        at += length + 1;
    }
    igd_dataset_free(probe);
    return st;
}

static igd_status load_ranking(tuning *t)
{
    const char *path = t->s->series.defense.ranking;
    igd_ranking *r = NULL;
    IGD_TRY(action_load_ranking(&r, path));
    t->ranked = igd_ranking_num_images(r);
    return add_ranking(t, r, path);
}

// --- images

// Training images that no ranking has seen, unless the options say which.
static igd_status open_images(tuning *t)
{
    const series_settings *s = &t->s->series;
    const uint64_t seed = s->common.seed;
    input_settings in = s->in;

    if (in.first > 0 || in.ids != NULL)
        return action_open_data(&t->work.data, &in, 1.0, seed);
    const double most = in.count > 0 ? (double)in.count : TUNED_IMAGES;
    in.count = 0;
    IGD_TRY(action_open_data(&t->work.data, &in, 1.0, seed));
    const int64_t left = igd_dataset_size(t->work.data) - t->ranked;
    igd_dataset_free(t->work.data);
    t->work.data = NULL;
    if (left < 1)
        return igd_error(IGD_EINVAL,
                         "%s: the ranking has seen %lld training images, and there are "
                         "no others to choose by; rank on fewer, or say which with "
                         "--first or --ids",
                         in.data, (long long)t->ranked);
    in.first = t->ranked;
    return action_open_data(&t->work.data, &in, fmin(1.0, most / (double)left), seed);
}

// --- the command for the test

static void put_numbers(FILE *f, const char *option, const cli_list *list)
{
    char text[32];
    for (int k = 0; k < list->num; k++) {
        igd_number_shortest(text, sizeof(text), list->value[k]);
        fprintf(f, "%s%s", k == 0 ? option : ",", text);
    }
}

static void put_word(FILE *f, const char *option, const char *word)
{
    if (word == NULL)
        return;
    fprintf(f, " %s ", option);
    print_quoted(f, word);
}

// What igdef eval is asked for, but for the setting. Lists and arrays have no parts of
// their own for training and test: there the user has to say which the test's are.
static igd_status make_command(tuning *t)
{
    const series_settings *s = &t->s->series;
    const input_settings *in = &s->in;
    char eps[32];
    size_t size = 0;
    FILE *f = open_memstream(&t->command, &size);
    if (f == NULL)
        return igd_error(IGD_ENOMEM, "no memory for the command");
    fputs("igdef eval", f);
    put_word(f, "--model", in->model);
    if (in->labels != NULL) {
        fputs(" --data TEST_IMAGES --labels TEST_LABELS", f);
    } else {
        put_word(f, "--data", in->data);
        fputs(" --split test", f);
    }
    put_word(f, "--classes", in->classes);
    if (strcmp(in->class_order, "bytes") != 0)
        put_word(f, "--class-order", in->class_order);
    put_word(f, "--preprocess", in->preprocess);
    put_word(f, "--model-output", in->output);
    put_numbers(f, " --mean ", &in->mean);
    put_numbers(f, " --std ", &in->std);
    fputs(in->partial ? " --partial" : "", f);
    fputs(in->clamp_pixels ? " --clamp-pixels" : "", f);
    fputs(s->defense.mask.force ? " --force" : "", f);
    igd_number_shortest(eps, sizeof(eps), s->evaluate.threat.eps);
    fprintf(f, " --norm %s --eps %s --attack worst-case",
            igd_norm_name(s->evaluate.threat.norm), eps);
    if (fclose(f) == 0)
        return IGD_OK;
    return igd_error(IGD_ENOMEM, "no memory for the command");
}

// --- all

static igd_tune_grid grid_of(tuning *t)
{
    const tune_settings *s = t->s;
    for (int k = 0; k < s->keeps.num; k++)
        t->keeps[k] = (int)s->keeps.value[k];
    return (igd_tune_grid){.rankings = (const igd_ranking *const *)t->rankings,
                           .files = (const char *const *)t->files,
                           .num_rankings = t->num,
                           .keeps = s->keeps.num > 0 ? t->keeps : NULL,
                           .num_keeps = s->keeps.num,
                           .sigmas = s->sigmas.num > 0 ? s->sigmas.value : NULL,
                           .num_sigmas = s->sigmas.num,
                           .temperatures =
                               s->temperatures.num > 0 ? s->temperatures.value : NULL,
                           .num_temperatures = s->temperatures.num};
}

static igd_tune_options options_of(const tuning *t)
{
    igd_tune_options o = igd_tune_options_default();
    o.series = t->work.options;
    o.budget_clean = t->s->budget;
    o.first_images = t->s->first_images;
    o.test_command = t->command;
    return o;
}

static igd_status run(tuning *t)
{
    const series_settings *s = &t->s->series;
    IGD_TRY(s->defense.ranking != NULL ? load_ranking(t) : rank_layers(t));
    IGD_TRY(open_images(t));
    if (t->work.base == NULL)
        IGD_TRY(action_load_model_for(&t->work.base, t->work.data, &s->in, &s->common));
    else
        IGD_TRY(igd_dataset_set_channels(t->work.data,
                                         (int)igd_model_shape(t->work.base)[0]));
    action_batch_size(&t->work.options.evaluate, t->work.base, &s->common);
    IGD_TRY(make_command(t));
    const igd_tune_grid grid = grid_of(t);
    const igd_tune_options o = options_of(t);
    return igd_tune(&t->work.analysis, t->work.base, t->work.data, &grid, &o);
}

int cmd_tune(const void *settings)
{
    const tune_settings *s = settings;
    tuning t = {.s = s};
    igd_status st = action_series_init(&t.work, &s->series, ".tune");

    if (st == IGD_OK) {
        const igd_tune_grid grid = grid_of(&t);
        const igd_tune_options o = options_of(&t);
        if ((st = igd_tune_check(&grid, &o)) == IGD_EINVAL) {
            action_series_end(&t.work, &s->series, st);
            return CLI_USAGE;
        }
    }
    if (st == IGD_OK)
        st = run(&t);
    const int rc = action_series_end(&t.work, &s->series, st);
    tuning_free(&t);
    return rc;
}
