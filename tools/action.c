// Owns the steps from options to objects that several actions take.
#include "action.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "print.h"
#include "progress.h"

int action_failed(const common_settings *s, igd_status status)
{
    progress_end();
    fprintf(stderr, "igdef %s: %s\n", s->command,
            status == IGD_ECANCELED ? "interrupted" : igd_error_message());
    switch (status) {
    case IGD_ECANCELED:
        return CLI_INTERRUPTED;
    case IGD_ECHECK:
        return CLI_CHECK_FAILED;
    default:
        return CLI_FAILED;
    }
}

int action_interrupted(const common_settings *s, const char *path)
{
    progress_end();
    fprintf(stderr, "igdef %s: interrupted", s->command);
    if (path != NULL) {
        fputs("; to go on from ", stderr);
        print_safe(stderr, path);
        fprintf(stderr, ":\n  %s", s->resume);
    }
    fputc('\n', stderr);
    return CLI_INTERRUPTED;
}

// What opening the data passed over or took for granted.
static void show_notes(const igd_dataset *d)
{
    for (int i = 0; i < igd_dataset_num_notes(d); i++) {
        const char *warning;
        const char *text = igd_dataset_note(d, i, &warning);
        progress_note("%s%s", warning != NULL ? "warning: " : "", text);
    }
}

int action_no_shape(const common_settings *s, const char *options)
{
    fprintf(stderr, "igdef %s: %s is missing: what images does the model take?\n",
            s->command, options);
    return CLI_USAGE;
}

igd_status action_take_preprocess(igd_dataset_options *o, const input_settings *in)
{
    igd_model_card *card = NULL;
    const igd_preprocess *known;
    o->preprocess = in->preprocess;
    if (in->preprocess != NULL || in->model == NULL)
        return IGD_OK;
    IGD_TRY(igd_model_card_read(&card, in->model));
    const char *name = card != NULL ? card->preprocess : NULL;
    if (name != NULL && igd_preprocess_find(&known, name) == IGD_OK) {
        o->preprocess = known->name;
        o->preprocess_files = true;
    } else if (name != NULL) {
        progress_note("%s was made for images prepared by %s, which igdef does not have",
                      in->model, name);
    }
    igd_model_card_free(card);
    return IGD_OK;
}

void action_say_preprocess(const igd_dataset *data, const input_settings *in)
{
    if (in->preprocess == NULL && strcmp(igd_dataset_preprocess(data), "none") != 0)
        progress_note("images are prepared by %s, as %s says",
                      igd_dataset_preprocess(data), in->model);
}

igd_status action_open_data(igd_dataset **out, const input_settings *in, double fraction,
                            uint64_t seed)
{
    igd_dataset_options o = igd_dataset_options_default();
    *out = NULL;
    IGD_TRY(action_take_preprocess(&o, in));
    o.labels = in->labels;
    o.split = in->split;
    o.ids = in->ids;
    o.classes = in->classes;
    o.numeric_order = !in->labels_unused && strcmp(in->class_order, "numeric") == 0;
    o.partial = in->partial;
    o.clamp_pixels = in->clamp_pixels;
    o.first = in->first;
    o.count = in->count;
    o.fraction = fraction;
    o.seed = seed;
    IGD_TRY(in->labels_unused ? igd_dataset_open_unlabelled(out, in->data, &o)
                              : igd_dataset_open(out, in->data, &o));
    show_notes(*out);
    action_say_preprocess(*out, in);
    return IGD_OK;
}

igd_status action_find_shape(int64_t shape[3], const input_settings *in,
                             const char *ranking)
{
    igd_model_card *card = NULL;
    igd_ranking *r = NULL;
    const char *from = NULL;
    memset(shape, 0, 3 * sizeof(*shape));
    IGD_TRY(igd_model_card_read(&card, in->model));
    if (card == NULL && ranking != NULL)
        IGD_TRY(igd_ranking_load(&r, ranking));
    if (card != NULL) {
        from = in->model;
        memcpy(shape, card->shape, sizeof(card->shape));
    } else if (r != NULL && igd_ranking_shape(r) != NULL) {
        from = ranking;
        memcpy(shape, igd_ranking_shape(r), 3 * sizeof(*shape));
    }
    if (from != NULL)
        progress_note("images are %lldx%lldx%lld, as %s says", (long long)shape[0],
                      (long long)shape[1], (long long)shape[2], from);
    igd_ranking_free(r);
    igd_model_card_free(card);
    return IGD_OK;
}

// Where the options and what the file says of itself do not go together.
static igd_status compare_with_card(const igd_model *m, const input_settings *in)
{
    const int64_t *shape = igd_model_shape(m);
    igd_model_card *card;
    IGD_TRY(igd_model_card_read(&card, igd_model_path(m)));
    if (card != NULL && memcmp(card->shape, shape, sizeof(card->shape)) != 0)
        progress_note("%s was made for images of %lldx%lldx%lld, not %lldx%lldx%lld",
                      igd_model_path(m), (long long)card->shape[0],
                      (long long)card->shape[1], (long long)card->shape[2],
                      (long long)shape[0], (long long)shape[1], (long long)shape[2]);
    if (card != NULL && card->normalization != NULL && in->mean.num > 0)
        progress_note(
            "warning: %s normalises its images itself (%s); --mean and --std do "
            "it once more",
            igd_model_path(m), card->normalization);
    igd_model_card_free(card);
    return IGD_OK;
}

igd_status action_load_model(igd_model **out, const input_settings *in,
                             const common_settings *common, const int64_t shape[3])
{
    float mean[CLI_LIST_MAX], std[CLI_LIST_MAX];
    igd_model_options o = igd_model_options_default();
    o.device = common->device;
    o.output = in->output;
    o.batch_invariant = true; // what is printed does not depend on --batch-size
    if (in->mean.num > 0) {
        for (int i = 0; i < in->mean.num; i++) {
            mean[i] = (float)in->mean.value[i];
            std[i] = (float)in->std.value[i];
        }
        o.mean = mean;
        o.std = std;
        o.num_channels = in->mean.num;
    }
    IGD_TRY(igd_model_load(out, in->model, shape, &o));
    const char *output = igd_model_output(*out);
    if (output[0] != '\0' && in->output == NULL && !common->quiet)
        fprintf(stderr,
                "igdef %s: %s: takes output '%s' of several for the logits; "
                "--model-output chooses\n",
                common->command, in->model, output);
    const igd_status st = compare_with_card(*out, in);
    if (st != IGD_OK) {
        igd_model_free(*out);
        *out = NULL;
    }
    return st;
}

igd_status action_load_model_for(igd_model **out, igd_dataset *data,
                                 const input_settings *in, const common_settings *common)
{
    const int64_t *shape = igd_dataset_shape(data);
    const int64_t grey[3] = {1, shape[1], shape[2]};
    char why[1024];
    const igd_status st = action_load_model(out, in, common, shape);
    if (st != IGD_EINVAL || shape[0] != 3)
        return st;
    snprintf(why, sizeof(why), "%s", igd_error_message());
    if (action_load_model(out, in, common, grey) == IGD_OK &&
        igd_dataset_set_channels(data, 1) == IGD_OK) {
        progress_note("the model takes one channel: images are converted to grey");
        return IGD_OK;
    }
    igd_model_free(*out);
    *out = NULL;
    return igd_error(st, "%s", why);
}

void action_warn_chance(double accuracy, int num_classes)
{
    char text[400];
    if (!isnan(accuracy) && igd_chance_remark(text, sizeof(text), accuracy, num_classes))
        progress_note("warning: %s", text);
}

igd_status action_load_ranking(igd_ranking **out, const char *path)
{
    IGD_TRY(igd_ranking_load(out, path));
    if (!igd_ranking_has_digest(*out))
        progress_note_after("%s: " IGD_UNSEALED, path);
    return IGD_OK;
}

int action_best_class(const float *logits, int num_classes)
{
    int best = 0;
    for (int c = 1; c < num_classes; c++)
        if (logits[c] > logits[best])
            best = c;
    return best;
}

igd_status action_print_json(const cJSON *json)
{
    char *text = igd_json_text(json, true);
    if (text == NULL)
        return igd_error(IGD_ENOMEM, "no memory for the result");
    puts(text);
    free(text);
    return IGD_OK;
}
