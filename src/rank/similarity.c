// Owns the similarity of neurons and concepts: soft-WPMI, WPMI, cosine, cosine cubed and
// rank reordering.
//
// N images, D embedding length, K neurons, C concepts; P [N, C] cosine similarities of
// images and concepts, A [N, K] activations. P is never held: its blocks of rows are made
// from the embeddings when they are needed.
//
// Source: Oikarinen and Weng, ICLR 2023 (CLIP-Dissect), and its released code.
#include "rank/similarity.h"

#include <cblas.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "rank/top.h"

#define BLOCK_FLOATS (2 << 20) // of the matrices' rows in work at one time
#define TOP_FRACTION 0.05      // rank-reorder: images looked at per neuron
#define MIN_NORM 1e-3          // cos-cubed: least norm of a column
#define MIN_MEAN 1e-3          // rank-reorder: least mean similarity

typedef struct work {
    const igd_similarity_options *o;
    igd_rows *activations, *images;
    int64_t N;
    int K, C, D;
    int64_t block;      // rows
    float *text;        // [C, D], of norm 1
    float *embed;       // [block, D]
    float *P;           // [block, C]
    float *A;           // [block, K]
    double done, total; // rows passed, rows to pass in all
} work;

igd_similarity_options igd_similarity_options_default(igd_similarity kind)
{
    igd_similarity_options o = {.kind = kind,
                                .top_k = 100,
                                .sharpness = 10,
                                .lambda = 1,
                                .p_start = 0.998,
                                .p_end = 0.97,
                                .min_prob = 1e-7};
    if (kind == IGD_SIMILARITY_WPMI) {
        o.top_k = 28;
        o.sharpness = 2;
        o.lambda = 0.6;
    }
    return o;
}

static void *array(size_t n, size_t size)
{
    return calloc(n > 0 ? n : 1, size);
}

static igd_status no_memory(const work *w)
{
    return igd_error(IGD_ENOMEM, "no memory to compare %d neurons with %d concepts", w->K,
                     w->C);
}

static igd_status advance(work *w, int64_t rows)
{
    w->done += (double)rows;
    if (w->o->progress != NULL &&
        w->o->progress("similarity", w->done, w->total, w->o->payload) != 0)
        return igd_error(IGD_ECANCELED, "interrupted");
    return IGD_OK;
}

static double norm(const float *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)x[i] * x[i];
    return sqrt(sum);
}

// P [n, C] := cosine similarities of n embeddings [n, D] with the concepts. They are
// those of images first, first + 1, ... or, where it is given, of images `which`.
static igd_status cosines(const work *w, const float *embed, float *P, int64_t n,
                          int64_t first, const int32_t *which)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, w->C, w->D, 1.0f, embed,
                w->D, w->text, w->D, 0.0f, P, w->C);
    for (int64_t i = 0; i < n; i++) {
        const float *e = embed + i * w->D;
        const float length = sqrtf(cblas_sdot(w->D, e, 1, e, 1));
        if (!(length > 0) || isinf(length))
            return igd_error(IGD_EFORMAT, "%s: the embedding of row %lld is %s",
                             igd_rows_name(w->images),
                             (long long)(which == NULL ? first + i : which[i]),
                             length == 0 ? "zero" : "too large");
        cblas_sscal(w->C, 1 / length, P + i * w->C, 1);
    }
    return IGD_OK;
}

static igd_status block_cosines(work *w, int64_t first, int64_t n)
{
    IGD_TRY(igd_rows_read(w->images, w->embed, first, n));
    return cosines(w, w->embed, w->P, n, first, NULL);
}

static int64_t block_length(const work *w, int64_t first)
{
    return w->N - first < w->block ? w->N - first : w->block;
}

static igd_status top_select(igd_top *t, work *w, int k)
{
    IGD_TRY(igd_top_init(t, w->K, k));
    for (int64_t first = 0; first < w->N; first += w->block) {
        const int64_t n = block_length(w, first);
        IGD_TRY(igd_rows_read(w->activations, w->A, first, n));
        for (int64_t i = 0; i < n; i++)
            igd_top_add(t, w->A + i * w->K, (int32_t)(first + i));
        IGD_TRY(advance(w, n));
    }
    igd_top_sort(t);
    return IGD_OK;
}

// Where each image stands among the neurons' most activating ones.
typedef struct places {
    int32_t *start; // [N + 1]: those of image i are start[i] .. start[i + 1] - 1
    int32_t *place; // [K * k]: neuron * k + rank
} places;

static igd_status places_init(places *p, const igd_top *t, const work *w)
{
    const int64_t num = (int64_t)t->K * t->k;
    p->start = array((size_t)w->N + 2, sizeof(*p->start));
    p->place = array((size_t)num, sizeof(*p->place));
    if (p->start == NULL || p->place == NULL)
        return no_memory(w);
    int32_t *next = p->start + 1; // becomes `start` when every place is set
    for (int64_t j = 0; j < num; j++)
        next[t->image[j] + 1]++;
    for (int64_t i = 0; i < w->N; i++)
        next[i + 1] += next[i];
    for (int64_t j = 0; j < num; j++)
        p->place[next[t->image[j]]++] = (int32_t)j;
    return IGD_OK;
}

// S := softmax over concepts of the sharpened cosine similarities, in place.
static void softmax(float *row, int C, double sharpness)
{
    const float a = (float)sharpness;
    float most = row[0], sum = 0;
    for (int c = 1; c < C; c++)
        most = row[c] > most ? row[c] : most;
    for (int c = 0; c < C; c++) {
        row[c] = expf(a * (row[c] - most));
        sum += row[c];
    }
    for (int c = 0; c < C; c++)
        row[c] /= sum;
}

// product[c] *= base + p S[c]
static void multiply(double *restrict product, const float *restrict S, int C,
                     double base, double p)
{
    for (int c = 0; c < C; c++)
        product[c] *= base + p * (double)S[c];
}

// L += log(product), product := 1
static void take_logarithm(double *L, double *product, int C)
{
    for (int c = 0; c < C; c++) {
        L[c] += log(product[c]);
        product[c] = 1;
    }
}

// L[n][c] = sum over the most activating images i of neuron n of
// log(1 + p_i (S[i][c] - 1) + min_prob); p_i = 1 for WPMI.
// The sum of logarithms is taken as the logarithm of a product of as many factors as a
// double holds without underflow.
static igd_status sum_logarithms(double *L, const igd_top *t, work *w)
{
    const igd_similarity_options *o = w->o;
    const bool soft = o->kind == IGD_SIMILARITY_SOFT_WPMI;
    const int C = w->C, k = t->k;
    const double least = (soft ? 1 - o->p_start : 0) + o->min_prob; // least factor
    const int most_factors = (int)fmin(fmax(floor(-290 / log10(least)), 1), 1e6);
    double *product = array((size_t)w->K * (size_t)C, sizeof(*product)); // [K, C]
    int *num_factors = array((size_t)w->K, sizeof(*num_factors));        // [K]
    places at = {0};
    igd_status st = IGD_OK;

    if (product == NULL || num_factors == NULL) {
        st = no_memory(w);
        goto done;
    }
    if ((st = places_init(&at, t, w)) != IGD_OK)
        goto done;
    for (int64_t i = 0; i < (int64_t)w->K * C; i++)
        product[i] = 1;

    for (int64_t first = 0; first < w->N; first += w->block) {
        const int64_t n = block_length(w, first);
        if (at.start[first] < at.start[first + n] &&
            (st = block_cosines(w, first, n)) != IGD_OK)
            goto done;
        for (int64_t i = first; i < first + n; i++) {
            float *S = w->P + (i - first) * C;
            if (at.start[i] < at.start[i + 1])
                softmax(S, C, o->sharpness);
            for (int32_t j = at.start[i]; j < at.start[i + 1]; j++) {
                const int neuron = at.place[j] / k, rank = at.place[j] % k;
                const double p =
                    soft ? o->p_start - (double)rank / k * (o->p_start - o->p_end) : 1;
                double *row = product + (int64_t)neuron * C;
                multiply(row, S, C, 1 - p + o->min_prob, p);
                if (++num_factors[neuron] == most_factors) {
                    take_logarithm(L + (int64_t)neuron * C, row, C);
                    num_factors[neuron] = 0;
                }
            }
        }
        if ((st = advance(w, n)) != IGD_OK)
            goto done;
    }
    for (int n = 0; n < w->K; n++)
        take_logarithm(L + (int64_t)n * C, product + (int64_t)n * C, C);

done:
    free(product);
    free(num_factors);
    free(at.start);
    free(at.place);
    return st;
}

// score[c][n] = L[n][c] - lambda (logsumexp_m L[m][c] - log K)
static void subtract_prior(float *score, const double *L, const work *w)
{
    for (int c = 0; c < w->C; c++) {
        double most = L[c], sum = 0;
        for (int n = 1; n < w->K; n++)
            most = fmax(most, L[(int64_t)n * w->C + c]);
        for (int n = 0; n < w->K; n++)
            sum += exp(L[(int64_t)n * w->C + c] - most);
        const double prior = most + log(sum) - log((double)w->K);
        for (int n = 0; n < w->K; n++)
            score[(int64_t)c * w->K + n] =
                (float)(L[(int64_t)n * w->C + c] - w->o->lambda * prior);
    }
}

static igd_status score_wpmi(float *score, work *w)
{
    double *L = array((size_t)w->K * (size_t)w->C, sizeof(*L)); // [K, C]
    igd_top t = {0};
    igd_status st = IGD_OK;

    w->total = 2 * (double)w->N;
    if (L == NULL) {
        st = no_memory(w);
        goto done;
    }
    if ((st = top_select(&t, w, w->o->top_k)) != IGD_OK ||
        (st = sum_logarithms(L, &t, w)) != IGD_OK)
        goto done;
    subtract_prior(score, L, w);

done:
    igd_top_free(&t);
    free(L);
    return st;
}

// x [n, width] := (x - mean)^3
static void center_and_cube(float *x, const double *mean, int64_t n, int width)
{
    for (int64_t i = 0; i < n; i++) {
        for (int j = 0; j < width; j++) {
            const double d = (double)x[i * width + j] - mean[j];
            x[i * width + j] = (float)(d * d * d);
        }
    }
}

static void add_columns(double *sum, const float *x, int64_t n, int width, bool squared)
{
    for (int64_t i = 0; i < n; i++) {
        for (int j = 0; j < width; j++) {
            const double v = x[i * width + j];
            sum[j] += squared ? v * v : v;
        }
    }
}

// Sums and inner products of the columns of A and P over all images.
typedef struct columns {
    double *mean_a, *mean_p;     // [K], [C]
    double *square_a, *square_p; // [K], [C]
    double *inner;               // [C, K]
    float *part;                 // [C, K] of one block
} columns;

static void columns_free(columns *s)
{
    free(s->mean_a);
    free(s->mean_p);
    free(s->square_a);
    free(s->square_p);
    free(s->inner);
    free(s->part);
}

static igd_status columns_init(columns *s, const work *w)
{
    const size_t K = (size_t)w->K, C = (size_t)w->C;
    s->mean_a = array(K, sizeof(double));
    s->mean_p = array(C, sizeof(double));
    s->square_a = array(K, sizeof(double));
    s->square_p = array(C, sizeof(double));
    s->inner = array(C * K, sizeof(double));
    s->part = array(C * K, sizeof(float));
    if (s->mean_a == NULL || s->mean_p == NULL || s->square_a == NULL ||
        s->square_p == NULL || s->inner == NULL || s->part == NULL)
        return no_memory(w);
    return IGD_OK;
}

static igd_status read_block(work *w, int64_t first, int64_t n)
{
    IGD_TRY(igd_rows_read(w->activations, w->A, first, n));
    return block_cosines(w, first, n);
}

static igd_status find_means(columns *s, work *w)
{
    for (int64_t first = 0; first < w->N; first += w->block) {
        const int64_t n = block_length(w, first);
        IGD_TRY(read_block(w, first, n));
        add_columns(s->mean_a, w->A, n, w->K, false);
        add_columns(s->mean_p, w->P, n, w->C, false);
        IGD_TRY(advance(w, n));
    }
    cblas_dscal(w->K, 1 / (double)w->N, s->mean_a, 1);
    cblas_dscal(w->C, 1 / (double)w->N, s->mean_p, 1);
    return IGD_OK;
}

// Cosine of the columns of A and P, for cos-cubed of their centred cubes.
static igd_status score_cosine(float *score, work *w)
{
    const bool cubed = w->o->kind == IGD_SIMILARITY_COS_CUBED;
    const double least = cubed ? MIN_NORM : 0;
    columns s = {0};
    igd_status st = IGD_OK;

    w->total = (cubed ? 2 : 1) * (double)w->N;
    if ((st = columns_init(&s, w)) != IGD_OK ||
        (cubed && (st = find_means(&s, w)) != IGD_OK))
        goto done;
    for (int64_t first = 0; first < w->N; first += w->block) {
        const int64_t n = block_length(w, first);
        if ((st = read_block(w, first, n)) != IGD_OK)
            goto done;
        if (cubed) {
            center_and_cube(w->A, s.mean_a, n, w->K);
            center_and_cube(w->P, s.mean_p, n, w->C);
        }
        add_columns(s.square_a, w->A, n, w->K, true);
        add_columns(s.square_p, w->P, n, w->C, true);
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, w->C, w->K, (int)n, 1.0f,
                    w->P, w->C, w->A, w->K, 0.0f, s.part, w->K);
        for (int64_t i = 0; i < (int64_t)w->C * w->K; i++)
            s.inner[i] += (double)s.part[i];
        if ((st = advance(w, n)) != IGD_OK)
            goto done;
    }
    for (int c = 0; c < w->C; c++) {
        for (int n = 0; n < w->K; n++) {
            const double norms =
                fmax(sqrt(s.square_p[c]), least) * fmax(sqrt(s.square_a[n]), least);
            const int64_t at = (int64_t)c * w->K + n;
            // A neuron that never fires agrees with nothing (0 / 0 in the reference).
            score[at] = norms > 0 ? (float)(s.inner[at] / norms) : 0.0f;
        }
    }

done:
    columns_free(&s);
    return st;
}

// A whole number that sorts as the similarity does, ties by position.
static uint64_t sort_key(float similarity, uint32_t position)
{
    uint32_t bits;
    memcpy(&bits, &similarity, sizeof(bits));
    bits = (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
    return (uint64_t)bits << 32 | position;
}

// Sorts by the upper half, stably (radix sort, 8 bits at a time); `spare` [n].
static void sort_keys(uint64_t *keys, uint64_t *spare, int n)
{
    for (int shift = 32; shift < 64; shift += 8) {
        int start[257] = {0};
        for (int i = 0; i < n; i++)
            start[(keys[i] >> shift & 255) + 1]++;
        for (int d = 0; d < 256; d++)
            start[d + 1] += start[d];
        for (int i = 0; i < n; i++)
            spare[start[keys[i] >> shift & 255]++] = keys[i];
        memcpy(keys, spare, (size_t)n * sizeof(*keys));
    }
}

// Mean of |t_i - t_j|^3 over all pairs i, j of the falling values t [m]: the error that a
// random order would make. The reference averages five random orders instead.
static double random_error(const float *t, int m)
{
    double sum = 0, s1 = 0, s2 = 0, s3 = 0; // power sums of those before i
    for (int i = 0; i < m; i++) {
        const double x = (double)t[0] - t[i]; // rises from 0
        sum += i * x * x * x - 3 * x * x * s1 + 3 * x * s2 - s3;
        s1 += x;
        s2 += x * x;
        s3 += x * x * x;
    }
    return 2 * sum / ((double)m * m);
}

// One neuron: how far its activations move when its m most activating images are put into
// the order of their similarity with the concept.
static void reorder_errors(float *score, const work *w, const float *t, const float *P,
                           int m, uint64_t *keys, int neuron)
{
    const double baseline = random_error(t, m);
    for (int c = 0; c < w->C; c++) {
        double mean = 0, error = 0;
        for (int i = 0; i < m; i++) {
            const float p = P[(int64_t)i * w->C + c];
            mean += p;
            keys[i] = sort_key(p, (uint32_t)i);
        }
        sort_keys(keys, keys + m, m);
        for (int rank = 0; rank < m; rank++) {
            const int i = (int)(keys[rank] & 0xffffffffu);
            const double d = (double)t[i] - t[m - 1 - rank];
            error += fabs(d * d * d);
        }
        // The reference has 0 / 0 where all activations are equal and the root of a
        // negative number where a concept suits none of the images.
        mean = fmax(mean / m, MIN_MEAN);
        error = baseline > 0 ? error / m / baseline : 1;
        score[(int64_t)c * w->K + neuron] = (float)(-error / sqrt(mean));
    }
}

static igd_status score_reorder(float *score, work *w)
{
    const int m = (int)fmax(TOP_FRACTION * (double)w->N, 1);
    float *embed = array((size_t)m * (size_t)w->D, sizeof(*embed)); // [m, D]
    float *P = array((size_t)m * (size_t)w->C, sizeof(*P));         // [m, C]
    uint64_t *keys = array(2 * (size_t)m, sizeof(*keys));
    igd_top t = {0};
    igd_status st = IGD_OK;

    w->total = 2 * (double)w->N;
    if (embed == NULL || P == NULL || keys == NULL) {
        st = no_memory(w);
        goto done;
    }
    if ((st = top_select(&t, w, m)) != IGD_OK)
        goto done;
    for (int n = 0; n < w->K; n++) {
        const int64_t at = (int64_t)n * m;
        for (int i = 0; i < m; i++)
            if ((st = igd_rows_read(w->images, embed + (int64_t)i * w->D, t.image[at + i],
                                    1)) != IGD_OK)
                goto done;
        if ((st = cosines(w, embed, P, m, 0, t.image + at)) != IGD_OK)
            goto done;
        reorder_errors(score, w, t.value + at, P, m, keys, n);
        if (w->o->progress != NULL &&
            w->o->progress("similarity", w->done * (1 + (n + 1) / (double)w->K), w->total,
                           w->o->payload) != 0) {
            st = igd_error(IGD_ECANCELED, "interrupted");
            goto done;
        }
    }

done:
    igd_top_free(&t);
    free(embed);
    free(P);
    free(keys);
    return st;
}

static igd_status check(const igd_similarity_options *o, const igd_rows *activations,
                        const igd_rows *images, int num_concepts)
{
    const int64_t N = igd_rows_count(images);
    const bool uses_top_k =
        o->kind == IGD_SIMILARITY_SOFT_WPMI || o->kind == IGD_SIMILARITY_WPMI;
    if (igd_rows_count(activations) != N)
        return igd_error(
            IGD_EINVAL, "%s: has %lld rows where there are %lld probe images",
            igd_rows_name(images), (long long)N, (long long)igd_rows_count(activations));
    if (N < 1 || N >= INT32_MAX)
        return igd_error(IGD_EINVAL, "cannot rank on %lld probe images", (long long)N);
    if (igd_rows_width(images) > INT32_MAX / 16)
        return igd_error(IGD_EFORMAT, "%s: rows are too long", igd_rows_name(images));
    if (num_concepts < 1)
        return igd_error(IGD_EINVAL, "there are no concepts");
    if (uses_top_k && (o->top_k < 1 || o->top_k > N))
        return igd_error(IGD_EINVAL,
                         "top_k of %d is not within 1 and the %lld probe images",
                         o->top_k, (long long)N);
    if (igd_rows_width(activations) * (int64_t)o->top_k >= INT32_MAX)
        return igd_error(IGD_EINVAL, "top_k of %d is too large for %lld neurons",
                         o->top_k, (long long)igd_rows_width(activations));
    if (!(o->p_start < 1 && o->p_end <= o->p_start && o->p_end >= 0 &&
          o->min_prob >= 1e-30 && o->min_prob < 1))
        return igd_error(IGD_EINVAL, "p_start, p_end or min_prob is out of range");
    return IGD_OK;
}

static igd_status work_init(work *w, const float *text)
{
    const int64_t widest = w->D + w->C + w->K;
    w->block = BLOCK_FLOATS / widest;
    if (w->block < 16)
        w->block = 16;
    if (w->block > 1024)
        w->block = 1024;
    if (w->block > w->N)
        w->block = w->N;
    const size_t B = (size_t)w->block;
    w->text = array((size_t)w->C * (size_t)w->D, sizeof(float));
    w->embed = array(B * (size_t)w->D, sizeof(float));
    w->P = array(B * (size_t)w->C, sizeof(float));
    w->A = array(B * (size_t)w->K, sizeof(float));
    if (w->text == NULL || w->embed == NULL || w->P == NULL || w->A == NULL)
        return no_memory(w);
    for (int c = 0; c < w->C; c++) {
        const double length = norm(text + (int64_t)c * w->D, w->D);
        if (!(length > 0) || isinf(length))
            return igd_error(IGD_EFORMAT, "the embedding of concept %d is %s", c,
                             length == 0 ? "zero" : "not finite");
        for (int j = 0; j < w->D; j++)
            w->text[(int64_t)c * w->D + j] =
                (float)((double)text[(int64_t)c * w->D + j] / length);
    }
    return IGD_OK;
}

igd_status igd_similarity_score(float *score, const igd_similarity_options *options,
                                igd_rows *activations, igd_rows *images,
                                const float *text, int num_concepts)
{
    work w = {.o = options, .activations = activations, .images = images};
    igd_status st = IGD_OK;

    IGD_TRY(check(options, activations, images, num_concepts));
    w.N = igd_rows_count(images);
    w.K = (int)igd_rows_width(activations);
    w.C = num_concepts;
    w.D = (int)igd_rows_width(images);
    if ((st = work_init(&w, text)) != IGD_OK)
        goto done;
    switch (options->kind) {
    case IGD_SIMILARITY_SOFT_WPMI:
    case IGD_SIMILARITY_WPMI:
        st = score_wpmi(score, &w);
        break;
    case IGD_SIMILARITY_COS:
    case IGD_SIMILARITY_COS_CUBED:
        st = score_cosine(score, &w);
        break;
    case IGD_SIMILARITY_RANK_REORDER:
        st = score_reorder(score, &w);
        break;
    }

done:
    free(w.text);
    free(w.embed);
    free(w.P);
    free(w.A);
    return st;
}
