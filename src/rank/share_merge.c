// Owns joining the parts of a ranking.
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/exact.h"
#include "core/json.h"
#include "core/json_build.h"
#include "core/require.h"
#include "data/part_check.h"
#include "rank/share_impl.h"
#include "rank/similarity.h"

// One file, read and checked by itself.
typedef struct share_file {
    igd_safetensors *file; // owned
    igd_ranking *like;     // owned; what it says beside scores
    cJSON *about;          // owned
    const char *path;      // borrowed
} share_file;

static void file_free(share_file *f)
{
    igd_safetensors_free(f->file);
    igd_ranking_free(f->like);
    cJSON_Delete(f->about);
    *f = (share_file){0};
}

static igd_status damaged(const share_file *f)
{
    return igd_error(IGD_EFORMAT, "%s: damaged part of a ranking", f->path);
}

static bool is_array(const igd_named_array *a, int num_dims, int64_t first,
                     int64_t second)
{
    return a != NULL && a->num_dims == num_dims && (first < 0 || a->shape[0] == first) &&
           (second < 0 || a->shape[1] == second);
}

static igd_status check_digest(const share_file *f)
{
    igd_named_array arrays[IGD_SHARE_ARRAYS];
    char sum[IGD_SHA256_LENGTH];
    const int num = igd_safetensors_count(f->file);
    const cJSON *metadata = igd_safetensors_metadata(f->file);
    if (num < 1 || num > IGD_SHARE_ARRAYS)
        return damaged(f);
    for (int k = 0; k < num; k++)
        arrays[k] = *igd_safetensors_at(f->file, k);
    IGD_TRY(igd_share_digest(sum, metadata, arrays, num, f->path));
    return strcmp(sum, igd_string_of(metadata, IGD_SHARE_DIGEST)) == 0
               ? IGD_OK
               : igd_error(IGD_EFORMAT,
                           "%s: damaged or edited: not what its SHA-256 is of", f->path);
}

// Classes and neurons, from the arrays of either method.
static igd_status find_size(int *C, int *K, const share_file *f)
{
    const igd_named_array *sum = igd_safetensors_find(f->file, "sum");
    const igd_named_array *act = igd_safetensors_find(f->file, "activations");
    const igd_named_array *images = igd_safetensors_find(f->file, "images");
    const igd_named_array *text = igd_safetensors_find(f->file, "text");
    const double count = igd_number_of(f->about, "count");
    int64_t classes, neurons;
    if (is_array(sum, 3, -1, -1) && sum->shape[2] == IGD_EXACT_DIGITS) {
        classes = sum->shape[0];
        neurons = sum->shape[1];
        if (cJSON_GetArraySize(igd_get(f->about, "counts")) != classes)
            return damaged(f);
    } else if (is_array(act, 2, -1, -1) && is_array(images, 2, act->shape[0], -1) &&
               is_array(text, 2, -1, images->shape[1]) &&
               (double)act->shape[0] == count) {
        classes = text->shape[0];
        neurons = act->shape[1];
    } else {
        return damaged(f);
    }
    if (classes < 1 || neurons < 1 || classes > INT32_MAX / neurons)
        return damaged(f);
    *C = (int)classes;
    *K = (int)neurons;
    return IGD_OK;
}

static igd_status read_file(share_file *f, const char *path)
{
    int C = 0, K = 0;
    float *zeros = NULL;
    *f = (share_file){.path = path};
    IGD_TRY(igd_safetensors_read(&f->file, path));
    const cJSON *metadata = igd_safetensors_metadata(f->file);
    const char *format = igd_string_of(metadata, "format");
    const char *about = igd_string_of(metadata, IGD_SHARE_KEY);
    if (strcmp(format, IGD_SHARE_FORMAT) != 0)
        return igd_error(IGD_EFORMAT, "%s: no part of a ranking", path);
    IGD_TRY(check_digest(f));
    IGD_TRY(igd_json_parse(&f->about, about, strlen(about), path));
    IGD_TRY(find_size(&C, &K, f));
    zeros = calloc((size_t)C * (size_t)K, sizeof(*zeros));
    if (zeros == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for %d x %d scores", path, C, K);
    const igd_status st =
        igd_ranking_from_metadata(&f->like, metadata, zeros, C, K, path);
    free(zeros);
    return st;
}

igd_status igd_ranking_part_read(igd_part *out, const char *path)
{
    IGD_REQUIRE(out);
    IGD_REQUIRE(path);
    share_file f;
    igd_status st = read_file(&f, path);
    if (st == IGD_OK)
        st = igd_part_read(out, f.about, 0, path);
    file_free(&f);
    return st;
}

// --- whether files belong together

// What must agree: all but what is a part's own.
static cJSON *identity_of(const share_file *f)
{
    static const char *const own[] = {"num_images", "images", IGD_SHARE_KEY,
                                      IGD_SHARE_DIGEST};
    cJSON *o = cJSON_Duplicate(igd_safetensors_metadata(f->file), true);
    for (size_t k = 0; k < sizeof(own) / sizeof(own[0]); k++)
        cJSON_DeleteItemFromObjectCaseSensitive(o, own[k]);
    igd_json_add_item(o, "run", cJSON_Duplicate(igd_get(f->about, "run"), true));
    igd_json_add_item(o, "of", cJSON_Duplicate(igd_get(f->about, "of"), true));
    igd_json_add_item(o, "whole", cJSON_Duplicate(igd_get(f->about, "whole"), true));
    igd_json_add_item(o, "images_of",
                      cJSON_Duplicate(igd_get(f->about, "images_of"), true));
    return o;
}

static bool same_text(const share_file *a, const share_file *b)
{
    const igd_named_array *p = igd_safetensors_find(a->file, "text");
    const igd_named_array *q = igd_safetensors_find(b->file, "text");
    return (p == NULL && q == NULL) ||
           (p != NULL && q != NULL && p->size == q->size &&
            memcmp(p->data, q->data, (size_t)p->size * sizeof(float)) == 0);
}

static igd_status same_run(const share_file *first, const share_file *f)
{
    char difference[400];
    bool differ;
    IGD_TRY(igd_json_compare(&differ, difference, sizeof(difference), identity_of(first),
                             identity_of(f)));
    if (differ)
        return igd_error(IGD_EINVAL, "%s: of another ranking than %s (\"there\"): %s",
                         f->path, first->path, difference);
    if (f->like->num_classes != first->like->num_classes ||
        f->like->num_neurons != first->like->num_neurons || !same_text(first, f))
        return igd_error(IGD_EINVAL, "%s: of other classes or neurons than %s", f->path,
                         first->path);
    return IGD_OK;
}

// --- joining

typedef struct joined {
    share_file first; // of those given
    uint64_t *sum;    // [C, K, IGD_EXACT_WORDS]; LO-IR
    double *counts;   // [C]
    double num_correct, num_images;
    igd_rows *activations, *images; // CD-IR
    igd_sketch seen;
} joined;

static igd_status sketch_add(igd_sketch *to, const igd_sketch *from)
{
    uint64_t *all = malloc(((size_t)to->num + (size_t)from->num + 1) * sizeof(*all));
    int i = 0, j = 0, num = 0;
    if (all == NULL)
        return igd_error(IGD_ENOMEM, "no memory for hashes of images");
    while (num < IGD_SKETCH_SIZE && (i < to->num || j < from->num)) {
        const bool left = j == from->num || (i < to->num && to->hash[i] <= from->hash[j]);
        const uint64_t next = left ? to->hash[i++] : from->hash[j++];
        if (num == 0 || all[num - 1] != next)
            all[num++] = next;
    }
    free(to->hash);
    *to = (igd_sketch){all, num};
    return IGD_OK;
}

static igd_status add_sums(joined *j, const share_file *f)
{
    const igd_named_array *sum = igd_safetensors_find(f->file, "sum");
    const int64_t cells = (int64_t)f->like->num_classes * f->like->num_neurons;
    int c = 0;
    const cJSON *item;
    if (sum == NULL)
        return IGD_OK;
    if (j->sum == NULL) {
        j->sum = calloc((size_t)cells, IGD_EXACT_WORDS * sizeof(*j->sum));
        j->counts = calloc((size_t)f->like->num_classes, sizeof(*j->counts));
        if (j->sum == NULL || j->counts == NULL)
            return igd_error(IGD_ENOMEM, "%s: no memory for its sums", f->path);
    }
    for (int64_t k = 0; k < cells; k++) {
        uint64_t words[IGD_EXACT_WORDS];
        if (!igd_exact_join(words, sum->data + k * IGD_EXACT_DIGITS))
            return damaged(f);
        igd_exact_add_sum(j->sum + k * IGD_EXACT_WORDS, words);
    }
    cJSON_ArrayForEach(item, igd_get(f->about, "counts"))
    {
        if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0.0))
            return damaged(f);
        j->counts[c++] += item->valuedouble;
    }
    const double correct = igd_number_of(f->about, "correct");
    if (!(correct >= 0.0))
        return damaged(f);
    j->num_correct += correct;
    return IGD_OK;
}

static igd_status add_rows(joined *j, const share_file *f)
{
    const igd_named_array *a = igd_safetensors_find(f->file, "activations");
    const igd_named_array *x = igd_safetensors_find(f->file, "images");
    if (a == NULL)
        return IGD_OK;
    if (j->activations == NULL) {
        IGD_TRY(igd_rows_spool(&j->activations, "activations", a->shape[1]));
        IGD_TRY(igd_rows_spool(&j->images, "image embeddings", x->shape[1]));
    }
    if (x->shape[1] != igd_rows_width(j->images))
        return damaged(f);
    IGD_TRY(igd_rows_append(j->activations, a->data, a->shape[0]));
    return igd_rows_append(j->images, x->data, x->shape[0]);
}

static igd_status add(joined *j, const share_file *f)
{
    j->num_images += (double)f->like->num_images;
    IGD_TRY(sketch_add(&j->seen, &f->like->images));
    IGD_TRY(add_sums(j, f));
    return add_rows(j, f);
}

static igd_status score_sums(float *score, const joined *j)
{
    const igd_ranking *like = j->first.like;
    const int K = like->num_neurons;
    for (int c = 0; c < like->num_classes; c++) {
        if (!(j->counts[c] > 0.0))
            return igd_error(IGD_EINVAL, "class %d has no probe image in any part", c);
        for (int k = 0; k < K; k++) {
            const int64_t at = (int64_t)c * K + k;
            score[at] =
                (float)(igd_exact_value(j->sum + at * IGD_EXACT_WORDS) / j->counts[c]);
        }
    }
    return IGD_OK;
}

// Classes of one concept get one row of scores, as in one run.
static void share_equal(float *score, const igd_ranking *like)
{
    const cJSON *concepts = igd_get(like->options, "concepts");
    const size_t K = (size_t)like->num_neurons;
    if (cJSON_GetArraySize(concepts) != like->num_classes)
        return;
    for (int c = 1; c < like->num_classes; c++)
        for (int d = 0; d < c; d++) {
            const cJSON *a = cJSON_GetArrayItem(concepts, d);
            if (cJSON_Compare(a, cJSON_GetArrayItem(concepts, c), true)) {
                memcpy(score + (size_t)c * K, score + (size_t)d * K, K * sizeof(*score));
                break;
            }
        }
}

static igd_status score_rows(float *score, const joined *j)
{
    const igd_ranking *like = j->first.like;
    const igd_named_array *text = igd_safetensors_find(j->first.file, "text");
    igd_similarity kind;
    IGD_TRY(igd_similarity_parse(&kind, igd_string_of(like->options, "similarity")));
    igd_similarity_options o = igd_similarity_options_default(kind);
    const double top_k = igd_number_of(like->options, "top_k");
    if (top_k >= 1.0 && top_k <= INT32_MAX)
        o.top_k = (int)top_k;
    IGD_TRY(igd_similarity_score(score, &o, j->activations, j->images, text->data,
                                 like->num_classes));
    share_equal(score, like);
    return IGD_OK;
}

static igd_status make_whole(igd_ranking **out, joined *j)
{
    igd_ranking *like = j->first.like;
    const int C = like->num_classes, K = like->num_neurons;
    float *score = malloc((size_t)C * (size_t)K * sizeof(*score));
    igd_status st = IGD_OK;
    if (score == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d x %d scores", C, K);
    if ((st = j->sum != NULL ? score_sums(score, j) : score_rows(score, j)) != IGD_OK)
        goto done;
    st = igd_ranking_make(out, like->method, like->layer, like->model_sha256, C, K, score,
                          (int64_t)j->num_images, (const char *const *)like->class_names,
                          cJSON_Duplicate(like->options, true));
    if (st != IGD_OK)
        goto done;
    memcpy((*out)->shape, like->shape, sizeof(like->shape));
    (*out)->normalization = like->normalization;
    like->normalization = NULL;
    (*out)->images = j->seen;
    j->seen = (igd_sketch){0};
    if (j->sum != NULL)
        (*out)->clean_acc = j->num_correct / igd_number_of(j->first.about, "whole");

done:
    free(score);
    return st;
}

// A file and the place of its images.
typedef struct given {
    igd_stated_part stated;
    const char *path;
} given;

static int by_first_image(const void *a, const void *b)
{
    const given *p = a, *q = b;
    const int64_t i = p->stated.part.first, k = q->stated.part.first;
    return i != k ? (i > k) - (i < k) : strcmp(p->path, q->path);
}

// Looks at every file, so that nothing is computed where one is missing.
static igd_status look(given *files, joined *j, const char *const *paths, int num)
{
    for (int k = 0; k < num; k++) {
        share_file f = {0};
        int64_t count;
        igd_status st = read_file(&f, paths[k]);
        if (st == IGD_OK && k > 0)
            st = same_run(&j->first, &f);
        if (st == IGD_OK)
            st = igd_json_integer(&count, f.about, "count", paths[k]);
        if (st == IGD_OK) {
            files[k] = (given){.stated = {.num_images = count}, .path = paths[k]};
            st = igd_part_read(&files[k].stated.part, f.about, count, paths[k]);
        }
        if (st == IGD_OK && k == 0) {
            j->first = f;
            f = (share_file){0};
        }
        file_free(&f);
        IGD_TRY(st);
    }
    return IGD_OK;
}

static igd_status check_all(const given *files, int num)
{
    igd_stated_part *stated = malloc((size_t)num * sizeof(*stated));
    const char **paths = malloc((size_t)num * sizeof(*paths));
    igd_status st = IGD_OK;
    if (stated == NULL || paths == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for %d parts", num);
        goto done;
    }
    for (int k = 0; k < num; k++) {
        stated[k] = files[k].stated;
        paths[k] = files[k].path;
    }
    st = igd_parts_check(stated, paths, num);

done:
    free(stated);
    free(paths);
    return st;
}

igd_status igd_ranking_merge(igd_ranking **out, const char *const *paths, int num)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(paths);
    joined j = {0};
    igd_status st;
    if (num < 1)
        return igd_error(IGD_EINVAL, "no parts of a ranking to join");
    for (int k = 0; k < num; k++)
        IGD_REQUIRE(paths[k]);
    given *files = calloc((size_t)num, sizeof(*files));
    if (files == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d parts", num);
    if ((st = look(files, &j, paths, num)) != IGD_OK)
        goto done;
    qsort(files, (size_t)num, sizeof(*files), by_first_image);
    if ((st = check_all(files, num)) != IGD_OK)
        goto done;
    for (int k = 0; k < num && st == IGD_OK; k++) {
        share_file f = {0};
        if ((st = read_file(&f, files[k].path)) == IGD_OK &&
            (st = same_run(&j.first, &f)) == IGD_OK)
            st = add(&j, &f);
        file_free(&f);
    }
    if (st == IGD_OK && (st = make_whole(out, &j)) != IGD_OK) {
        igd_ranking_free(*out);
        *out = NULL;
    }

done:
    free(files);
    file_free(&j.first);
    free(j.sum);
    free(j.counts);
    igd_rows_free(j.activations);
    igd_rows_free(j.images);
    igd_sketch_free(&j.seen);
    return st;
}
