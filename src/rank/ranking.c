// Owns a ranking in memory: scores to order, accessors.
#include "rank/ranking_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/json_build.h"
#include "core/require.h"
#include "rank/ranking_share.h"

typedef struct ranked {
    float score;
    int32_t neuron;
} ranked;

static int by_falling_score(const void *a, const void *b)
{
    const ranked *p = a, *q = b;
    if (p->score != q->score)
        return p->score > q->score ? -1 : 1;
    return (p->neuron > q->neuron) - (p->neuron < q->neuron);
}

static igd_status sort_neurons(igd_ranking *r)
{
    const size_t K = (size_t)r->num_neurons;
    ranked *row = malloc(K * sizeof(*row));
    if (row == NULL)
        return igd_error(IGD_ENOMEM, "no memory to sort %zu neurons", K);
    for (int c = 0; c < r->num_classes; c++) {
        for (size_t n = 0; n < K; n++)
            row[n] = (ranked){r->score[(size_t)c * K + n], (int32_t)n};
        qsort(row, K, sizeof(*row), by_falling_score);
        for (size_t i = 0; i < K; i++)
            r->order[(size_t)c * K + i] = row[i].neuron;
    }
    free(row);
    return IGD_OK;
}

static igd_status check_scores(const float *score, int C, int K)
{
    for (int c = 0; c < C; c++)
        for (int n = 0; n < K; n++)
            if (!isfinite(score[(size_t)c * (size_t)K + (size_t)n]))
                return igd_error(IGD_EFORMAT,
                                 "the score of neuron %d for class %d is not finite", n,
                                 c);
    return IGD_OK;
}

// Reads from the options how many neurons each layer has; one has them all where they do
// not say.
static igd_status read_layers(igd_ranking *r)
{
    const cJSON *list = cJSON_GetObjectItem(r->options, "layer_neurons"), *item = NULL;
    const int num = list != NULL ? cJSON_GetArraySize(list) : 1;
    int64_t sum = 0;
    int i = 0;

    free(r->layer_neurons);
    r->num_layers = 0;
    r->layer_neurons = calloc((size_t)(num > 0 ? num : 1), sizeof(*r->layer_neurons));
    if (r->layer_neurons == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d layers", num);
    if (list == NULL)
        r->layer_neurons[i++] = (int)(sum = r->num_neurons);
    cJSON_ArrayForEach(item, list)
    {
        const double n = item->valuedouble;
        if (!cJSON_IsNumber(item) || !(n >= 1 && n <= r->num_neurons) || n != (int)n)
            break;
        r->layer_neurons[i++] = (int)n;
        sum += (int64_t)n;
    }
    if (num < 1 || i != num || sum != r->num_neurons)
        return igd_error(IGD_EFORMAT, "'layer_neurons' are not the %d neurons",
                         r->num_neurons);
    r->num_layers = num;
    return IGD_OK;
}

igd_status igd_ranking_note_layers(igd_ranking *r, const igd_cut *cut)
{
    const int num = igd_cut_num_layers(cut);
    if (num < 2)
        return IGD_OK;
    cJSON *list = igd_json_add_array(r->options, "layer_neurons");
    for (int i = 0; i < num; i++)
        igd_json_append(list, cJSON_CreateNumber((double)igd_cut_layer_neurons(cut)[i]));
    if (cJSON_GetArraySize(list) != num)
        return igd_error(IGD_ENOMEM, "no memory for %d layers", num);
    return read_layers(r);
}

igd_status igd_ranking_make(igd_ranking **out, const char *method, const char *layer,
                            const char *model_sha256, int C, int K, const float *score,
                            int64_t num_images, const char *const *class_names,
                            cJSON *options)
{
    igd_ranking *r = NULL;
    igd_status st = IGD_OK;

    *out = NULL;
    r = calloc(1, sizeof(*r));
    if (r == NULL) {
        cJSON_Delete(options);
        return igd_error(IGD_ENOMEM, "no memory for a ranking");
    }
    r->num_classes = C;
    r->num_neurons = K;
    r->num_images = num_images;
    r->options = options;
    r->sealed = true;
    r->clean_acc = NAN;
    if ((st = check_scores(score, C, K)) != IGD_OK)
        goto done;
    const size_t size = (size_t)C * (size_t)K;
    r->method = strdup(method);
    r->layer = strdup(layer);
    r->model_sha256 = strdup(model_sha256);
    r->score = malloc(size * sizeof(*r->score));
    r->order = malloc(size * sizeof(*r->order));
    r->class_names = calloc((size_t)C, sizeof(*r->class_names));
    if (r->method == NULL || r->layer == NULL || r->model_sha256 == NULL ||
        !igd_json_whole(r->options) || r->score == NULL || r->order == NULL ||
        r->class_names == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for a ranking of %d x %d neurons", C, K);
        goto done;
    }
    for (int c = 0; c < C; c++) {
        char number[16];
        snprintf(number, sizeof(number), "%d", c);
        const char *name = class_names != NULL ? class_names[c] : NULL;
        r->class_names[c] = strdup(name != NULL ? name : number);
        if (r->class_names[c] == NULL) {
            st = igd_error(IGD_ENOMEM, "no memory for the name of class %d", c);
            goto done;
        }
    }
    memcpy(r->score, score, size * sizeof(*r->score));
    if ((st = read_layers(r)) == IGD_OK)
        st = sort_neurons(r);

done:
    if (st != IGD_OK) {
        igd_ranking_free(r);
        return st;
    }
    *out = r;
    return IGD_OK;
}

const int64_t *igd_ranking_shape(const igd_ranking *r)
{
    return r != NULL && r->shape[0] > 0 ? r->shape : NULL;
}

const char *igd_ranking_method(const igd_ranking *r)
{
    return r != NULL ? r->method : "";
}

const char *igd_ranking_layer(const igd_ranking *r)
{
    return r != NULL ? r->layer : "";
}

const char *igd_ranking_model_sha256(const igd_ranking *r)
{
    return r != NULL ? r->model_sha256 : "";
}

double igd_ranking_clean_accuracy(const igd_ranking *r)
{
    return r != NULL ? r->clean_acc : NAN;
}

int igd_ranking_num_classes(const igd_ranking *r)
{
    return r != NULL ? r->num_classes : 0;
}

int igd_ranking_num_neurons(const igd_ranking *r)
{
    return r != NULL ? r->num_neurons : 0;
}

int igd_ranking_num_layers(const igd_ranking *r)
{
    return r != NULL ? r->num_layers : 0;
}

const int *igd_ranking_layer_neurons(const igd_ranking *r)
{
    return r != NULL ? r->layer_neurons : NULL;
}

int64_t igd_ranking_num_images(const igd_ranking *r)
{
    return r != NULL ? r->num_images : 0;
}

const char *igd_ranking_class_name(const igd_ranking *r, int c)
{
    if (c < 0 || c >= igd_ranking_num_classes(r))
        return "";
    return r->class_names[c];
}

const float *igd_ranking_score(const igd_ranking *r, int c)
{
    if (c < 0 || c >= igd_ranking_num_classes(r))
        return NULL;
    return r->score + (size_t)c * (size_t)r->num_neurons;
}

const int32_t *igd_ranking_order(const igd_ranking *r, int c)
{
    if (c < 0 || c >= igd_ranking_num_classes(r))
        return NULL;
    return r->order + (size_t)c * (size_t)r->num_neurons;
}

igd_status igd_ranking_overlap(int *out, const igd_ranking *a, const igd_ranking *b,
                               int c, int top)
{
    IGD_REQUIRE(out);
    IGD_REQUIRE(a);
    IGD_REQUIRE(b);
    const int K = a->num_neurons;

    *out = 0;
    if (b->num_neurons != K || b->num_classes != a->num_classes)
        return igd_error(IGD_EINVAL, "rankings of %d x %d and %d x %d neurons",
                         a->num_classes, K, b->num_classes, b->num_neurons);
    if (top < 1 || top > K || c < 0 || c >= a->num_classes)
        return igd_error(IGD_EINVAL, "no %d top neurons of class %d among %d", top, c, K);
    bool *chosen = calloc((size_t)K, sizeof(*chosen));
    if (chosen == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d neurons", K);
    for (int i = 0; i < top; i++)
        chosen[igd_ranking_order(a, c)[i]] = true;
    for (int i = 0; i < top; i++)
        *out += chosen[igd_ranking_order(b, c)[i]];
    free(chosen);
    return IGD_OK;
}

void igd_ranking_free(igd_ranking *r)
{
    if (r == NULL)
        return;
    igd_share_free(r->share);
    for (int c = 0; r->class_names != NULL && c < r->num_classes; c++)
        free(r->class_names[c]);
    free(r->class_names);
    free(r->method);
    free(r->layer);
    free(r->layer_neurons);
    free(r->model_sha256);
    free(r->normalization);
    igd_sketch_free(&r->images);
    free(r->score);
    free(r->order);
    cJSON_Delete(r->options);
    free(r);
}

bool igd_ranking_has_digest(const igd_ranking *r)
{
    return r != NULL && r->sealed;
}
