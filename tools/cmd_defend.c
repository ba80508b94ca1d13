// igdef defend: predictions of the defended model, and its export.
#include "options_defend.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "action.h"
#include "core.h"
#include "print.h"
#include "progress.h"

typedef struct prediction {
    int64_t index;      // in the whole data set
    int label;          // -1: unknown
    int defended, base; // -1: its logits are not finite
    double confidence;  // of the defended model
} prediction;

typedef struct predictions {
    prediction *row; // owned, [num]
    int64_t num;
    int64_t num_labelled, defended_correct, base_correct, agree, nonfinite;
} predictions;

// Softmax of the greatest logit.
static double confidence_of(const float *logits, int num_classes, int best)
{
    double sum = 0.0;
    for (int c = 0; c < num_classes; c++)
        sum += exp((double)logits[c] - (double)logits[best]);
    return 1.0 / sum;
}

// The class of the greatest logit; -1 where one is not finite.
static int class_of(const float *logits, int num_classes)
{
    return igd_peak(logits, (size_t)num_classes) < IGD_INFINITE
               ? action_best_class(logits, num_classes)
               : -1;
}

static void count(predictions *p, const prediction *row)
{
    p->nonfinite += row->defended < 0 || row->base < 0;
    p->agree += row->defended == row->base;
    if (row->label < 0)
        return;
    p->num_labelled++;
    p->defended_correct += row->defended == row->label;
    p->base_correct += row->base == row->label;
}

static igd_status predict(predictions *p, const igd_defense *defense,
                          const igd_dataset *data, int num_classes, int batch_size)
{
    const int64_t *shape = igd_dataset_shape(data);
    const int64_t num = igd_dataset_size(data);
    const size_t pixels = (size_t)(shape[0] * shape[1] * shape[2]);
    const size_t C = (size_t)num_classes;
    const size_t room = (size_t)(num < batch_size ? num : batch_size);
    float *images = malloc(room * pixels * sizeof(float)); // [room, C, H, W]
    float *logits = malloc(room * C * sizeof(float));      // [room, C]
    float *base = malloc(room * C * sizeof(float));        // [room, C]
    int64_t *which = malloc(room * sizeof(int64_t));       // [room]
    int64_t *index = malloc(room * sizeof(int64_t));       // [room]
    igd_status st = IGD_OK;

    p->row = calloc((size_t)num, sizeof(*p->row));
    if (images == NULL || logits == NULL || base == NULL || which == NULL ||
        index == NULL || p->row == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for %zu images", room);
        goto done;
    }
    while (p->num < num) {
        const int64_t left = num - p->num;
        const int64_t n = left < (int64_t)room ? left : (int64_t)room;
        if (progress_report("predict", (double)p->num, (double)num, NULL) != 0) {
            st = igd_error(IGD_ECANCELED, "interrupted");
            goto done;
        }
        for (int64_t j = 0; j < n; j++) {
            which[j] = p->num + j;
            index[j] = igd_dataset_index(data, which[j]);
        }
        if ((st = igd_dataset_read(data, images, which, n)) != IGD_OK ||
            (st = igd_defense_predict(logits, base, defense, images, index, n)) != IGD_OK)
            goto done;
        for (int64_t j = 0; j < n; j++) {
            prediction *row = &p->row[p->num++];
            const float *z = logits + (size_t)j * C;
            row->index = index[j];
            row->label = igd_dataset_label(data, which[j]);
            row->defended = class_of(z, num_classes);
            row->base = class_of(base + (size_t)j * C, num_classes);
            row->confidence =
                row->defended < 0 ? 0.0 : confidence_of(z, num_classes, row->defended);
            count(p, row);
        }
    }

done:
    free(images);
    free(logits);
    free(base);
    free(which);
    free(index);
    return st;
}

// ---- Output

static void write_csv(FILE *f, const predictions *p)
{
    fprintf(f, "index,label,prediction,base_prediction,confidence,agree\n");
    for (int64_t i = 0; i < p->num; i++) {
        const prediction *r = &p->row[i];
        char label[16] = "";
        if (r->label >= 0)
            snprintf(label, sizeof(label), "%d", r->label);
        fprintf(f, "%" PRId64 ",%s,%d,%d,%.6f,%s\n", r->index, label, r->defended,
                r->base, r->confidence, r->defended == r->base ? "true" : "false");
    }
}

static cJSON *row_json(const prediction *r)
{
    cJSON *row = cJSON_CreateObject();
    igd_json_add_number(row, "index", (double)r->index);
    if (r->label >= 0)
        igd_json_add_number(row, "label", r->label);
    else
        igd_json_add_null(row, "label");
    igd_json_add_number(row, "prediction", r->defended);
    igd_json_add_number(row, "base_prediction", r->base);
    igd_json_add_number(row, "confidence", r->confidence);
    igd_json_add_bool(row, "agree", r->defended == r->base);
    return row;
}

static igd_status write_json_lines(FILE *f, const predictions *p)
{
    for (int64_t i = 0; i < p->num; i++) {
        cJSON *row = row_json(&p->row[i]);
        char *line = igd_json_text(row, false);
        cJSON_Delete(row);
        if (line == NULL)
            return igd_error(IGD_ENOMEM, "no memory for a line of the result");
        fprintf(f, "%s\n", line);
        free(line);
    }
    return IGD_OK;
}

static igd_status write_file(const predictions *p, const char *path)
{
    igd_writer *w = NULL;
    igd_status st = IGD_OK;
    IGD_TRY(igd_writer_open(&w, path));
    if (strcmp(path + strlen(path) - strlen(".csv"), ".csv") == 0)
        write_csv(igd_writer_stream(w), p);
    else
        st = write_json_lines(igd_writer_stream(w), p);
    if (st != IGD_OK) {
        igd_writer_free(w);
        return st;
    }
    return igd_writer_commit(w);
}

static void print_flags(const predictions *p)
{
    print_out("%7s %6s %11s %16s %11s  %s\n", "index", "label", "prediction",
              "base_prediction", "confidence", "agree");
    for (int64_t i = 0; i < p->num; i++) {
        const prediction *r = &p->row[i];
        char label[16] = "-";
        if (r->label >= 0)
            snprintf(label, sizeof(label), "%d", r->label);
        print_out("%7" PRId64 " %6s %11d %16d %11.4f  %s\n", r->index, label, r->defended,
                  r->base, r->confidence, r->defended == r->base ? "yes" : "no");
    }
    print_out("\n");
}

static void print_text(const predictions *p, const defend_settings *s)
{
    if (s->output == NULL && p->num > 0)
        print_flags(p);
    if (p->num > 0)
        print_out("%" PRId64 " images; both models agree on %.2f %%\n", p->num,
                  100.0 * (double)p->agree / (double)p->num);
    if (p->num_labelled > 0)
        print_out("clean accuracy: defended %.2f %%, base %.2f %%\n",
                  100.0 * (double)p->defended_correct / (double)p->num_labelled,
                  100.0 * (double)p->base_correct / (double)p->num_labelled);
    if (s->output != NULL)
        print_out("predictions: %s\n", s->output);
    if (s->export_path != NULL)
        print_out("defended model: %s\n", s->export_path);
}

static igd_status print_json(const predictions *p, const igd_defense *defense,
                             const defend_settings *s)
{
    cJSON *root = cJSON_CreateObject();
    igd_json_add_string(root, "format", "igdef.defend/1");
    igd_json_add_item(root, "defense", cJSON_Parse(igd_defense_description(defense)));
    igd_json_add_number(root, "count", (double)p->num);
    if (p->num > 0)
        igd_json_add_number(root, "agree", (double)p->agree / (double)p->num);
    if (p->num_labelled > 0) {
        const double n = (double)p->num_labelled;
        igd_json_add_number(root, "clean_acc", (double)p->defended_correct / n);
        igd_json_add_number(root, "base_clean_acc", (double)p->base_correct / n);
    }
    igd_json_add_string(root, "output", s->output);
    igd_json_add_string(root, "export", s->export_path);
    if (s->output == NULL && p->num > 0) {
        cJSON *rows = igd_json_add_array(root, "predictions");
        for (int64_t i = 0; i < p->num; i++)
            igd_json_append(rows, row_json(&p->row[i]));
    }
    const igd_status st = action_print_json(root);
    cJSON_Delete(root);
    return st;
}

// Images that need a file of labels are taken without one.
static igd_status open_data(igd_dataset **out, const defend_settings *s)
{
    const uint64_t seed = s->common.seed;
    input_settings unlabelled = s->in;
    const igd_status st = action_open_data(out, &s->in, 1.0, seed);
    if (st != IGD_EINVAL || s->in.labels != NULL)
        return st;
    unlabelled.labels_unused = true;
    IGD_TRY(action_open_data(out, &unlabelled, 1.0, seed));
    if (igd_dataset_label(*out, 0) < 0)
        return IGD_OK;
    igd_dataset_free(*out);
    return action_open_data(out, &s->in, 1.0, seed); // it is something else
}

static igd_status open_images(igd_dataset **out, const defend_settings *s)
{
    igd_dataset_options o = igd_dataset_options_default();
    *out = NULL;
    if (s->in.data != NULL)
        return open_data(out, s);
    if (s->images.num == 0)
        return IGD_OK;
    IGD_TRY(action_take_preprocess(&o, &s->in));
    IGD_TRY(igd_dataset_from_files(out, s->images.item, s->images.num, &o));
    action_say_preprocess(*out, &s->in);
    return IGD_OK;
}

// What makes predictions useless, or doubtful.
static igd_status check_predictions(const predictions *p, int num_classes, bool allow)
{
    if (p->nonfinite > 0 && !allow)
        return igd_error(IGD_EINVAL,
                         "%" PRId64 " of %" PRId64 " images have logits that are NaN or "
                         "infinite; --allow-nonfinite counts them as wrong",
                         p->nonfinite, p->num);
    if (p->nonfinite > 0)
        progress_note("warning: %" PRId64 " of %" PRId64 " images have logits that are "
                      "NaN or infinite; they count as wrong, and their prediction is -1",
                      p->nonfinite, p->num);
    if (p->num_labelled > 0)
        action_warn_chance((double)p->base_correct / (double)p->num_labelled,
                           num_classes);
    return IGD_OK;
}

int cmd_defend(const void *settings)
{
    const defend_settings *s = settings;
    igd_dataset *data = NULL;
    igd_model *base = NULL;
    igd_defense *defense = NULL;
    const defense_setting where = {&s->in, &s->common, NAN};
    predictions p = {0};
    int64_t shape[3];
    igd_status st;

    if ((st = open_images(&data, s)) != IGD_OK)
        goto done;
    if (data == NULL && s->input.num == 0) {
        if ((st = action_find_shape(shape, &s->in, s->defense.ranking)) != IGD_OK)
            goto done;
        if (shape[0] == 0)
            return action_no_shape(&s->common, "--input C,H,W");
    } else {
        for (int i = 0; i < 3 && data == NULL; i++)
            shape[i] = (int64_t)s->input.value[i];
    }
    if ((st = data != NULL
                  ? action_load_model_for(&base, data, &s->in, &s->common)
                  : action_load_model(&base, &s->in, &s->common, shape)) != IGD_OK ||
        (st = action_load_defense(&defense, base, &s->defense, &where)) != IGD_OK ||
        (data != NULL && (st = igd_defense_check_classes(defense, data)) != IGD_OK) ||
        (data != NULL && (st = predict(&p, defense, data, igd_model_num_classes(base),
                                       common_batch_size(&s->common))) != IGD_OK))
        goto done;
    progress_end();
    if ((st = check_predictions(&p, igd_model_num_classes(base), s->allow_nonfinite)) !=
        IGD_OK)
        goto done;
    if ((s->export_path != NULL &&
         (st = igd_defense_export(defense, s->export_path)) != IGD_OK) ||
        (s->output != NULL && (st = write_file(&p, s->output)) != IGD_OK))
        goto done;
    if (s->common.csv)
        write_csv(stdout, &p);
    else if (s->common.json)
        st = print_json(&p, defense, s);
    else
        print_text(&p, s);

done:
    free(p.row);
    igd_defense_free(defense);
    igd_model_free(base);
    igd_dataset_free(data);
    return st == IGD_OK ? CLI_DONE : action_failed(&s->common, st);
}
