// igdef inspect: what a TorchScript file holds, and how its images were normalised.
#include "options_inspect.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "action.h"
#include "core.h"
#include "csv.h"
#include "print.h"
#include "progress.h"

#define MARGIN 0.01 // by which another must beat the model as it is
#define CHANCE 0.05 // how often chance alone may set any two of the trials apart

// Normalisations that published models were trained with.
static const struct normalization {
    const char *name;
    int num_channels;
    float mean[3], std[3];
} normalizations[] = {
    {"ImageNet", 3, {0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}},
    {"CIFAR-10", 3, {0.4914f, 0.4822f, 0.4465f}, {0.2471f, 0.2435f, 0.2616f}},
    {"CIFAR-100", 3, {0.5071f, 0.4865f, 0.4409f}, {0.2673f, 0.2564f, 0.2762f}},
    {"0.5/0.5", 3, {0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}},
    {"0.5/0.5", 1, {0.5f}, {0.5f}},
    {"MNIST", 1, {0.1307f}, {0.3081f}},
    {"Fashion-MNIST", 1, {0.2860f}, {0.3530f}},
    {"0..255", 3, {0}, {1.0f / 255, 1.0f / 255, 1.0f / 255}},
    {"0..255", 1, {0}, {1.0f / 255}},
};

#define NUM_NORMALIZATIONS ((int)(sizeof(normalizations) / sizeof(normalizations[0])))

// Clean accuracy under one normalisation; NULL stands for the model as it is.
typedef struct trial {
    const struct normalization *normalization;
    bool *right; // owned; [num_images], which images were classified right
    double clean_acc;
    bool as_good; // the best, or one that the images do not tell from it
} trial;

typedef struct findings {
    igd_model_card *card; // owned; NULL where the file says nothing of itself
    const igd_model *model;
    const igd_layer *layers;
    int num_layers;
    int64_t num_images; // 0: no data
    trial trials[NUM_NORMALIZATIONS + 1];
    int num_trials;
    int best;        // of trials; -1: none is better than guessing
    int num_as_good; // trials of which the images do not tell which is best
    bool decided;    // the best is the only one, or the model as it is is not among them
} findings;

static igd_status measure(trial *out, const igd_model *model, const igd_dataset *data,
                          int64_t num, int batch_size, const char *stage)
{
    const int C = igd_model_num_classes(model);
    const int64_t *shape = igd_dataset_shape(data);
    const size_t pixels = (size_t)(shape[0] * shape[1] * shape[2]);
    const size_t room = (size_t)(num < batch_size ? num : batch_size);
    float *images = malloc(room * pixels * sizeof(float));        // [room, C, H, W]
    float *logits = malloc(room * (size_t)C * sizeof(float));     // [room, C]
    int64_t *which = malloc(room * sizeof(int64_t)), correct = 0; // [room]
    igd_status st = IGD_OK;

    out->right = malloc((size_t)num * sizeof(bool));
    if (images == NULL || logits == NULL || which == NULL || out->right == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for %zu images", room);
        goto done;
    }
    for (int64_t i = 0; i < num; i += (int64_t)room) {
        const int64_t n = num - i < (int64_t)room ? num - i : (int64_t)room;
        if (progress_report(stage, (double)i, (double)num, NULL) != 0) {
            st = igd_error(IGD_ECANCELED, "interrupted");
            goto done;
        }
        for (int64_t j = 0; j < n; j++)
            which[j] = i + j;
        if ((st = igd_dataset_read(data, images, which, n)) != IGD_OK ||
            (st = igd_model_predict(logits, model, images, n)) != IGD_OK)
            goto done;
        for (int64_t j = 0; j < n; j++) {
            out->right[i + j] =
                action_best_class(logits + j * C, C) == igd_dataset_label(data, i + j);
            correct += out->right[i + j];
        }
    }
    out->clean_acc = (double)correct / (double)num;

done:
    free(images);
    free(logits);
    free(which);
    return st;
}

static igd_status try_normalization(findings *f, const inspect_settings *s,
                                    const igd_dataset *data,
                                    const struct normalization *n)
{
    igd_model *model = NULL;
    char stage[64];
    igd_model_options o = igd_model_options_default();
    o.device = s->common.device;
    o.output = s->in.output;
    o.batch_invariant = true;
    o.mean = n->mean;
    o.std = n->std;
    o.num_channels = n->num_channels;
    o.skip_check = true;
    snprintf(stage, sizeof(stage), "normalised as %s", n->name);
    igd_status st = igd_model_load(&model, s->in.model, igd_model_shape(f->model), &o);
    if (st == IGD_OK)
        st = measure(&f->trials[f->num_trials], model, data, f->num_images,
                     common_batch_size(&s->common), stage);
    f->trials[f->num_trials++].normalization = n;
    igd_model_free(model);
    return st;
}

// Whether chance could set two trials on the same images as far apart.
static bool within_chance(const findings *f, const trial *a, const trial *b)
{
    int64_t lost = 0, won = 0;
    for (int64_t i = 0; i < f->num_images; i++) {
        lost += a->right[i] && !b->right[i];
        won += !a->right[i] && b->right[i];
    }
    return igd_mcnemar(f->num_images, lost, won).p > CHANCE / (f->num_trials - 1);
}

// A normalisation that the model needs makes it better by far, and beyond chance.
static void judge_trials(findings *f)
{
    const double chance = 1.0 / igd_model_num_classes(f->model);
    int best = 0;
    for (int i = 1; i < f->num_trials; i++)
        if (f->trials[i].clean_acc > f->trials[best].clean_acc)
            best = i;
    const trial *b = &f->trials[best];
    if (b->clean_acc < 2.0 * chance && chance < 0.5)
        return;
    f->best = best;
    for (int i = 0; i < f->num_trials; i++) {
        trial *t = &f->trials[i];
        t->as_good = i == best || within_chance(f, t, b) ||
                     (i == 0 && b->clean_acc < t->clean_acc + MARGIN);
        f->num_as_good += t->as_good;
    }
    f->decided = f->num_as_good == 1 || !f->trials[0].as_good;
}

static igd_status try_all(findings *f, const inspect_settings *s, const igd_dataset *data)
{
    const int64_t size = igd_dataset_size(data);
    IGD_TRY(igd_model_check_classes(f->model, data));
    f->num_images = s->in.count == 0 && size > PROBE_IMAGES ? PROBE_IMAGES : size;
    f->num_trials = 1;
    IGD_TRY(measure(&f->trials[0], f->model, data, f->num_images,
                    common_batch_size(&s->common), "as it is"));
    for (int i = 0; i < NUM_NORMALIZATIONS && s->in.mean.num == 0; i++)
        if (normalizations[i].num_channels == igd_dataset_shape(data)[0])
            IGD_TRY(try_normalization(f, s, data, &normalizations[i]));
    judge_trials(f);
    return IGD_OK;
}

static const char *trial_name(const trial *t, const inspect_settings *s)
{
    if (t->normalization != NULL)
        return t->normalization->name;
    return s->in.mean.num > 0 ? "as given" : "none";
}

// ---- Text

static void shape_text(char *out, size_t size, const igd_layer *l)
{
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < l->num_dims && used < size; i++)
        if (i != l->batch_axis)
            used += (size_t)snprintf(out + used, size - used, "%s%" PRId64,
                                     used > 0 ? " x " : "", l->shape[i]);
}

#define ROW "    activation shape  neurons  yes, penultimate" // beside path and kind

static void print_layers(FILE *f, const findings *found)
{
    int path_width = 5, kind_width = 4;
    for (int i = 0; i < found->num_layers; i++) {
        const int path = (int)strlen(found->layers[i].path);
        const int kind = (int)strlen(found->layers[i].kind);
        path_width = path > path_width ? path : path_width;
        kind_width = kind > kind_width ? kind : kind_width;
    }
    // Where a row would be longer, its path has a line of its own.
    const bool apart = path_width + kind_width + (int)strlen(ROW) > IGD_WIDTH;
    const int indent = apart ? 4 : 0;
    fprintf(f, "\n%-*s%s%*s%-*s  %-16s  %7s  affine\n", apart ? 0 : path_width, "layer",
            apart ? "\n" : "  ", indent, "", kind_width, "kind", "activation", "neurons");
    for (int i = 0; i < found->num_layers; i++) {
        const igd_layer *l = &found->layers[i];
        char shape[128];
        fprintf(f, "%-*s%s%*s%-*s  ", apart ? 0 : path_width, l->path,
                apart ? "\n" : "  ", indent, "", kind_width, l->kind);
        if (l->reason != NULL) {
            fprintf(f, "cannot be cut: %s\n", l->reason);
            continue;
        }
        shape_text(shape, sizeof(shape), l);
        fprintf(f, "%-16s  %7" PRId64 "  %s%s%s\n", shape, l->num_neurons,
                l->affine ? "yes" : "no", l->penultimate ? ", penultimate" : "",
                l->axis_guessed ? ", axis guessed" : "");
    }
}

static void print_as_good(FILE *f, const findings *found, const inspect_settings *s)
{
    const char *before = "not told apart by these images: ";
    for (int i = 0; i < found->num_trials; i++)
        if (found->trials[i].as_good) {
            fprintf(f, "%s%s", before, trial_name(&found->trials[i], s));
            before = ", ";
        }
    fprintf(f, "\n");
}

static void print_trials(FILE *f, const findings *found, const inspect_settings *s)
{
    fprintf(f, "\nclean accuracy on %" PRId64 " images of %s, by normalisation\n",
            found->num_images, s->in.data);
    for (int i = 0; i < found->num_trials; i++)
        fprintf(f, "  %-14s %6.2f %%\n", trial_name(&found->trials[i], s),
                100.0 * found->trials[i].clean_acc);
    if (found->best < 0)
        fprintf(f, "no better than guessing: are these the images the model was trained "
                   "on?\n");
    else if (found->num_trials > 1 && found->decided)
        fprintf(f, "likely normalisation: %s\n",
                trial_name(&found->trials[found->best], s));
    if (found->num_as_good > 1)
        print_as_good(f, found, s);
    if (found->best > 0 && found->decided) {
        const struct normalization *n = found->trials[found->best].normalization;
        fprintf(f, "to use it: --mean ");
        for (int i = 0; i < n->num_channels; i++)
            fprintf(f, "%s%g", i > 0 ? "," : "", (double)n->mean[i]);
        fprintf(f, " --std ");
        for (int i = 0; i < n->num_channels; i++)
            fprintf(f, "%s%g", i > 0 ? "," : "", (double)n->std[i]);
        fprintf(f, "\n");
    }
}

// What the file says about itself, each on a line, and where it says otherwise than the
// program does.
static void print_card(FILE *f, const igd_model_card *c, const igd_model *m)
{
    const struct {
        const char *title, *text;
    } row[] = {{"name", c->name},
               {"source", c->source},
               {"weights", c->weights},
               {"normalised", c->normalization},
               {"preprocess", c->preprocess}};
    const int64_t *shape = igd_model_shape(m);

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        if (row[i].text != NULL)
            fprintf(f, "%-14s %s\n", row[i].title, row[i].text);
    if (memcmp(shape, c->shape, sizeof(c->shape)) != 0)
        fprintf(f, "made for       %" PRId64 " x %" PRId64 " x %" PRId64 "\n",
                c->shape[0], c->shape[1], c->shape[2]);
    if (c->classes != NULL)
        fprintf(f, "class names    %s%s%s\n", c->classes[0],
                c->num_classes > 1 ? " ... " : "",
                c->num_classes > 1 ? c->classes[c->num_classes - 1] : "");
}

static void print_text(FILE *f, const findings *found, const inspect_settings *s)
{
    const igd_model *m = found->model;
    const int64_t *shape = igd_model_shape(m);
    int num_methods;
    const char *const *methods = igd_model_methods(m, &num_methods);

    fputs("file           ", f);
    igd_print_escaped(f, igd_model_path(m), false);
    fprintf(f, "\nsha256         %s\nmethods        ", igd_model_sha256(m));
    for (int i = 0; i < num_methods; i++)
        fprintf(f, "%s%s", i > 0 ? ", " : "", methods[i]);
    fprintf(f, "\nimages         %" PRId64 " x %" PRId64 " x %" PRId64 "\n", shape[0],
            shape[1], shape[2]);
    fprintf(f, "classes        %d\n", igd_model_num_classes(m));
    fprintf(f, "output         %s",
            igd_model_gives_probabilities(m) ? "probabilities" : "logits");
    if (igd_model_output(m)[0] != '\0')
        fprintf(f, ", from output '%s' of several (--output chooses)",
                igd_model_output(m));
    fprintf(f, "\ndeterministic  %s\n", igd_model_is_deterministic(m) ? "yes" : "no");
    fprintf(f, "gradients      %s\n",
            igd_model_no_gradient(m) == NULL ? "reach the images"
                                             : igd_model_no_gradient(m));
    if (found->card != NULL)
        print_card(f, found->card, m);
    print_layers(f, found);
    if (found->num_images > 0)
        print_trials(f, found, s);
}

static igd_status show_text(const findings *found, const inspect_settings *s)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (f == NULL)
        return igd_error(IGD_ENOMEM, "no memory for the result");
    print_text(f, found, s);
    fclose(f);
    print_folded(text);
    return IGD_OK;
}

// ---- JSON

static void add_shape(cJSON *item, const igd_layer *l)
{
    cJSON *shape = igd_json_add_array(item, "shape");
    for (int j = 0; j < l->num_dims; j++)
        if (j != l->batch_axis)
            igd_json_append(shape, cJSON_CreateNumber((double)l->shape[j]));
    igd_json_add_number(item, "num_neurons", (double)l->num_neurons);
    // Axes of the activation with its batch, as PATH~AXIS counts them.
    igd_json_add_number(item, "batch_axis", l->batch_axis);
    igd_json_add_number(item, "neuron_axis", l->neuron_axis);
    igd_json_add_bool(item, "axis_guessed", l->axis_guessed);
    igd_json_add_bool(item, "affine", l->affine);
    igd_json_add_bool(item, "penultimate", l->penultimate);
}

static cJSON *layers_json(const findings *f)
{
    cJSON *array = cJSON_CreateArray();
    for (int i = 0; i < f->num_layers; i++) {
        const igd_layer *l = &f->layers[i];
        cJSON *item = cJSON_CreateObject();
        igd_json_add_string(item, "path", l->path);
        igd_json_add_string(item, "kind", l->kind);
        igd_json_add_string(item, "reason", l->reason);
        if (l->reason == NULL)
            add_shape(item, l);
        igd_json_append(array, item);
    }
    return array;
}
static igd_status print_table(const findings *f)
{
    cJSON *rows = layers_json(f);
    const igd_status st = csv_print(stdout, rows);
    cJSON_Delete(rows);
    return st;
}

static cJSON *trials_json(const findings *f, const inspect_settings *s)
{
    cJSON *data = cJSON_CreateObject();
    igd_json_add_string(data, "path", s->in.data);
    igd_json_add_number(data, "count", (double)f->num_images);
    cJSON *array = igd_json_add_array(data, "normalizations");
    for (int i = 0; i < f->num_trials; i++) {
        cJSON *item = cJSON_CreateObject();
        igd_json_add_string(item, "name", trial_name(&f->trials[i], s));
        igd_json_add_number(item, "clean_acc", f->trials[i].clean_acc);
        igd_json_add_bool(item, "as_good", f->trials[i].as_good);
        igd_json_append(array, item);
    }
    if (f->best >= 0 && f->decided)
        igd_json_add_string(data, "likely", trial_name(&f->trials[f->best], s));
    else
        igd_json_add_null(data, "likely");
    return data;
}

static cJSON *card_json(const igd_model_card *c)
{
    cJSON *card = cJSON_CreateObject();
    const struct {
        const char *key, *text;
    } row[] = {{"name", c->name},
               {"source", c->source},
               {"weights", c->weights},
               {"normalization", c->normalization},
               {"preprocess", c->preprocess}};
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        igd_json_add_string(card, row[i].key, row[i].text);
    cJSON *shape = igd_json_add_array(card, "shape");
    for (int i = 0; i < 3; i++)
        igd_json_append(shape, cJSON_CreateNumber((double)c->shape[i]));
    igd_json_add_number(card, "num_classes", c->num_classes);
    if (c->classes != NULL)
        igd_json_add_item(card, "classes",
                          cJSON_CreateStringArray(c->classes, c->num_classes));
    return card;
}

static igd_status print_json(const findings *f, const inspect_settings *s)
{
    const igd_model *m = f->model;
    int num_methods;
    const char *const *methods = igd_model_methods(m, &num_methods);
    cJSON *root = cJSON_CreateObject();

    igd_json_add_string(root, "format", "igdef.inspect/1");
    igd_json_add_string(root, "path", igd_model_path(m));
    igd_json_add_string(root, "sha256", igd_model_sha256(m));
    cJSON *names = igd_json_add_array(root, "methods");
    for (int i = 0; i < num_methods; i++)
        igd_json_append(names, cJSON_CreateString(methods[i]));
    cJSON *shape = igd_json_add_array(root, "shape");
    for (int i = 0; i < 3; i++)
        igd_json_append(shape, cJSON_CreateNumber((double)igd_model_shape(m)[i]));
    igd_json_add_number(root, "num_classes", igd_model_num_classes(m));
    igd_json_add_string(root, "output",
                        igd_model_gives_probabilities(m) ? "probabilities" : "logits");
    if (igd_model_output(m)[0] != '\0')
        igd_json_add_string(root, "chosen_output", igd_model_output(m));
    igd_json_add_bool(root, "deterministic", igd_model_is_deterministic(m));
    igd_json_add_bool(root, "differentiable", igd_model_no_gradient(m) == NULL);
    igd_json_add_string(root, "no_gradient", igd_model_no_gradient(m));
    igd_json_add_item(root, "layers", layers_json(f));
    if (f->card != NULL)
        igd_json_add_item(root, "card", card_json(f->card));
    if (f->num_images > 0)
        igd_json_add_item(root, "data", trials_json(f, s));
    const igd_status st = action_print_json(root);
    cJSON_Delete(root);
    return st;
}

int cmd_inspect(const void *settings)
{
    const inspect_settings *s = settings;
    findings f = {.best = -1};
    igd_dataset *data = NULL;
    igd_model *model = NULL;
    int64_t shape[3];
    igd_status st;

    if (s->in.data != NULL && (st = action_open_data(&data, &s->in, 1.0, 0)) != IGD_OK)
        goto done;
    if ((st = igd_model_card_read(&f.card, s->in.model)) != IGD_OK)
        goto done;
    if (data == NULL && s->input.num == 0 && f.card == NULL)
        return action_no_shape(&s->common, "--input C,H,W or --data PATH");
    for (int i = 0; i < 3 && data == NULL; i++)
        shape[i] = s->input.num > 0 ? (int64_t)s->input.value[i] : f.card->shape[i];
    if ((st = data != NULL
                  ? action_load_model_for(&model, data, &s->in, &s->common)
                  : action_load_model(&model, &s->in, &s->common, shape)) != IGD_OK)
        goto done;
    f.model = model;
    if ((st = igd_model_layers(model, &f.layers, &f.num_layers)) != IGD_OK ||
        (data != NULL && (st = try_all(&f, s, data)) != IGD_OK))
        goto done;
    progress_end();
    if (s->common.csv)
        st = print_table(&f);
    else if (s->common.json)
        st = print_json(&f, s);
    else
        st = show_text(&f, s);

done:
    for (int i = 0; i < f.num_trials; i++)
        free(f.trials[i].right);
    igd_model_card_free(f.card);
    igd_model_free(model);
    igd_dataset_free(data);
    return st == IGD_OK ? CLI_DONE : action_failed(&s->common, st);
}
