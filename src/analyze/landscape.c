// The loss over a plane through an image.
//
// Source: Kulkarni and Weng, ECCV 2024, Figure 8.
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analysis_impl.h"
#include "analyze/experiment.h"
#include "attack/loss.h"
#include "chart/analysis_check.h"
#include "core/error.h"
#include "core/json.h"
#include "core/json_build.h"
#include "core/number.h"
#include "core/options.h"
#include "core/random.h"
#include "core/require.h"
#include "data/loader.h"
#include "defend/defense_impl.h"
#include "model/model_impl.h"

#define MOST_GRID 201
#define DIFFERENCE 1e-3 // h of the central differences, in pixel units

// One model's surface in the making.
typedef struct surface {
    const char *name;
    const igd_classifier *f;
    double *loss;  // [G, G] sums over the images so far
    double *error; // [N] of the gradient at each image
} surface;

typedef struct landscape {
    const igd_landscape_options *o;
    const igd_dataset *data;
    int64_t N, d;
    int G, C;
    double done, total; // passes over single images
    // A batch in work, [n, ...].
    igd_batch batch;
    igd_draw *draws;
    float *grad;  // [n, d]
    float *g1;    // [n, d] its sign
    float *g2;    // [n, d]
    float *point; // [n, d]
    float *logits, *weight;
} landscape;

static void landscape_free(landscape *l)
{
    free(l->draws);
    free(l->grad);
    free(l->g1);
    free(l->g2);
    free(l->point);
    free(l->logits);
    free(l->weight);
}

static igd_status landscape_init(landscape *l)
{
    const int64_t most = l->o->run.batch_size;
    const size_t room = (size_t)(l->N < most ? l->N : most);
    const size_t pixels = room * (size_t)l->d, scores = room * (size_t)l->C;
    l->draws = malloc(room * sizeof(*l->draws));
    l->grad = malloc(pixels * sizeof(float));
    l->g1 = malloc(pixels * sizeof(float));
    l->g2 = malloc(pixels * sizeof(float));
    l->point = malloc(pixels * sizeof(float));
    l->logits = malloc(scores * sizeof(float));
    l->weight = malloc(scores * sizeof(float));
    if (l->draws == NULL || l->grad == NULL || l->g1 == NULL || l->g2 == NULL ||
        l->point == NULL || l->logits == NULL || l->weight == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %zu images", room);
    return IGD_OK;
}

static double cross_entropy(const landscape *l, int64_t i)
{
    return igd_loss_eval(NULL, IGD_LOSS_CE, l->logits + i * l->C, l->C,
                         l->batch.labels[i], 0)
        .value;
}

// Cross-entropies at the points of the batch go to l->logits.
static igd_status evaluate(landscape *l, const igd_classifier *f, const char *stage)
{
    IGD_TRY(igd_classifier_logits(l->logits, f, l->point, l->batch.n, l->draws));
    l->done += (double)l->batch.n;
    return igd_experiment_tick(&l->o->run, stage, l->done, l->total);
}

// The gradients at the images of the batch. igd_loss_eval() scales derivatives by a power
// of two, which the second loop takes back: the check compares lengths, not directions.
static igd_status gradients(landscape *l, const igd_classifier *f)
{
    igd_pass *pass = NULL;
    const int64_t n = l->batch.n;
    int *exponent = malloc((size_t)n * sizeof(*exponent));
    igd_status st =
        exponent != NULL ? IGD_OK : igd_error(IGD_ENOMEM, "no memory for gradients");
    if (st != IGD_OK ||
        (st = igd_pass_run(&pass, f, l->batch.images, n, l->draws)) != IGD_OK)
        goto done;
    for (int64_t i = 0; i < n; i++)
        exponent[i] =
            igd_loss_eval(l->weight + i * l->C, IGD_LOSS_CE,
                          igd_pass_logits(pass) + i * l->C, l->C, l->batch.labels[i], 0)
                .exponent;
    if ((st = igd_pass_grad(l->grad, pass, l->weight, false)) != IGD_OK)
        goto done;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < l->d; j++)
            l->grad[i * l->d + j] = (float)ldexp(
                (double)l->grad[i * l->d + j], exponent[i] == INT_MIN ? 0 : exponent[i]);

done:
    igd_pass_free(pass);
    free(exponent);
    return st;
}

// g1 is the sign of the gradient; g2 is g1 with half of its signs turned, so that the two
// are orthogonal (but for one element where their number is odd).
static igd_status directions(landscape *l)
{
    int32_t *order = malloc((size_t)l->d * sizeof(*order));
    if (order == NULL)
        return igd_error(IGD_ENOMEM, "no memory for directions");
    for (int64_t i = 0; i < l->batch.n; i++) {
        float *g1 = l->g1 + i * l->d, *g2 = l->g2 + i * l->d;
        const float *grad = l->grad + i * l->d;
        int64_t num = 0, turned = 0;
        for (int64_t j = 0; j < l->d; j++) {
            g2[j] = g1[j] = (float)((grad[j] > 0.0f) - (grad[j] < 0.0f));
            num += g1[j] != 0.0f;
        }
        const igd_stream stream =
            igd_stream_make(l->o->run.seed, "landscape", l->draws[i].image, 0);
        igd_random_permutation(order, (int32_t)l->d, &stream);
        for (int64_t j = 0; j < l->d && turned < num / 2; j++) {
            g2[order[j]] = -g2[order[j]];
            turned += g2[order[j]] != 0.0f;
        }
    }
    free(order);
    return IGD_OK;
}

// The points x + a g1 + b g2, returned to the ball and to [0, 1].
static void place_points(landscape *l, double a, double b)
{
    const float eps = (float)l->o->eps;
    for (int64_t j = 0; j < l->batch.n * l->d; j++) {
        const float x = l->batch.images[j];
        const float step = (float)a * l->g1[j] + (float)b * l->g2[j];
        const float moved = x + fminf(fmaxf(step, -eps), eps);
        l->point[j] = fminf(fmaxf(moved, 0.0f), 1.0f);
    }
}

static double offset(const landscape *l, int i)
{
    const int half = l->G / 2;
    return l->o->eps * (i - half) / half;
}

static igd_status fill_surface(landscape *l, const surface *s)
{
    for (int i = 0; i < l->G; i++)
        for (int j = 0; j < l->G; j++) {
            place_points(l, offset(l, i), offset(l, j));
            IGD_TRY(evaluate(l, s->f, s->name));
            // In the order of the images, so that sums do not depend on the batch size.
            for (int64_t k = 0; k < l->batch.n; k++)
                s->loss[i * l->G + j] += cross_entropy(l, k);
        }
    return IGD_OK;
}

// The relative error of the gradient at every image of the batch, along a random sign
// vector each. The points may leave [0, 1] by h.
static igd_status check_gradients(landscape *l, const surface *s)
{
    const int64_t n = l->batch.n;
    for (int64_t i = 0; i < n; i++) {
        float *direction = l->g2 + i * l->d; // both directions are done with
        const igd_stream stream =
            igd_stream_make(l->o->run.seed, "gradient check", l->draws[i].image, 0);
        igd_random_uniform(direction, (size_t)l->d, &stream);
        for (int64_t j = 0; j < l->d; j++)
            direction[j] = direction[j] < 0.5f ? -1.0f : 1.0f;
    }
    double *difference = s->error + l->batch.which[0];
    for (int side = 0; side < 2; side++) {
        for (int64_t j = 0; j < n * l->d; j++)
            l->point[j] = l->batch.images[j] +
                          (side == 0 ? 1.0f : -1.0f) * (float)DIFFERENCE * l->g2[j];
        IGD_TRY(evaluate(l, s->f, s->name));
        for (int64_t i = 0; i < n; i++)
            difference[i] = side == 0 ? cross_entropy(l, i)
                                      : (difference[i] - cross_entropy(l, i)) /
                                            (2.0 * (double)(float)DIFFERENCE);
    }
    for (int64_t i = 0; i < n; i++) {
        double slope = 0.0;
        for (int64_t j = i * l->d; j < (i + 1) * l->d; j++)
            slope += (double)l->grad[j] * (double)l->g2[j];
        const double larger = fmax(fabs(slope), fabs(difference[i]));
        difference[i] = larger > 0.0 ? fabs(difference[i] - slope) / larger : 0.0;
    }
    return IGD_OK;
}

static igd_status run_batch(landscape *l, const surface *surfaces, int num)
{
    for (int64_t i = 0; i < l->batch.n; i++)
        l->draws[i] =
            (igd_draw){.image = igd_dataset_index(l->data, l->batch.which[i]), .draw = 0};
    for (int k = 0; k < num; k++) {
        IGD_TRY(gradients(l, surfaces[k].f));
        IGD_TRY(directions(l));
        IGD_TRY(fill_surface(l, &surfaces[k]));
        IGD_TRY(check_gradients(l, &surfaces[k]));
    }
    return IGD_OK;
}

// --- what was found

static int by_value(const void *a, const void *b)
{
    const double p = *(const double *)a, q = *(const double *)b;
    return (p > q) - (p < q);
}

static double median(double *v, int64_t n)
{
    qsort(v, (size_t)n, sizeof(*v), by_value);
    return n % 2 == 1 ? v[n / 2] : 0.5 * (v[n / 2 - 1] + v[n / 2]);
}

// The numbers with what they point to.
typedef struct landscape_numbers {
    igd_landscape_numbers of;
    igd_surface surfaces[2];
    double values[]; // the axis, then the losses of each
} landscape_numbers;

static igd_surface take_surface(double *loss, const landscape *l, const surface *s)
{
    const int G = l->G;
    const double centre = s->loss[G / 2 * G + G / 2];
    double sum = 0.0, most = centre;
    for (int i = 0; i < G * G; i++) {
        loss[i] = s->loss[i];
        sum += s->loss[i] - centre;
        most = fmax(most, s->loss[i]);
    }
    return (igd_surface){.name = s->name,
                         .loss = loss,
                         .flatness = sum / (G * G),
                         .clean_loss = centre,
                         .max_loss = most,
                         .gradient_error = median(s->error, l->N)};
}

// Owned; NULL without memory.
static igd_landscape_numbers *take_numbers(const landscape *l, const surface *surfaces,
                                           int num)
{
    const size_t G = (size_t)l->G;
    landscape_numbers *n =
        malloc(sizeof(*n) + (G + (size_t)num * G * G) * sizeof(*n->values));
    if (n == NULL)
        return NULL;
    n->of = (igd_landscape_numbers){.grid = l->G,
                                    .axis = n->values,
                                    .num_images = l->N,
                                    .num_surfaces = num,
                                    .surfaces = n->surfaces};
    for (int i = 0; i < l->G; i++)
        n->values[i] = offset(l, i);
    for (int k = 0; k < num; k++)
        n->surfaces[k] = take_surface(n->values + G + (size_t)k * G * G, l, &surfaces[k]);
    return &n->of;
}

static cJSON *surface_json(const igd_landscape_numbers *n, const igd_surface *s)
{
    cJSON *o = cJSON_CreateObject();
    igd_json_add_string(o, "name", s->name);
    igd_json_add_number(o, "flatness", s->flatness);
    igd_json_add_number(o, "clean_loss", s->clean_loss);
    igd_json_add_number(o, "max_loss", s->max_loss);
    cJSON *check = igd_json_add_object(o, "gradient_check");
    igd_json_add_number(check, "median_error", s->gradient_error);
    igd_json_add_number(check, "num", (double)n->num_images);
    cJSON *loss = igd_json_add_array(o, "loss");
    for (int i = 0; i < n->grid; i++)
        igd_json_append(
            loss, cJSON_CreateDoubleArray(s->loss + (ptrdiff_t)i * n->grid, n->grid));
    return o;
}

static void print(FILE *f, const void *json)
{
    const cJSON *s, *a = json;
    igd_print(f, "grid      %.0f x %.0f points\n\n", igd_number_of(a, "grid"),
              igd_number_of(a, "grid"));
    fprintf(f, "cross-entropy in nats   clean    largest   flatness   gradient error\n");
    cJSON_ArrayForEach(s, cJSON_GetObjectItemCaseSensitive(a, "surfaces"))
    {
        const cJSON *check = cJSON_GetObjectItemCaseSensitive(s, "gradient_check");
        igd_print(f, "%-20s %8.4f   %8.4f   %8.4f   %14.2g\n", igd_string_of(s, "name"),
                  igd_number_of(s, "clean_loss"), igd_number_of(s, "max_loss"),
                  igd_number_of(s, "flatness"), igd_number_of(check, "median_error"));
    }
    fputs("\nFlatness is the mean over the plane of the loss less that of the clean "
          "images.\n"
          "Gradient error is the median relative difference between the gradient and\n"
          "finite differences of the loss.\n",
          f);
}

static igd_status check_options(const landscape *l, const igd_model *base)
{
    const igd_landscape_options *o = l->o;
    const char *reason = igd_model_no_gradient(base);
    if (!(o->eps > 0.0 && o->eps <= 1.0))
        return igd_error(IGD_EINVAL, "eps is %g, outside 0 to 1", o->eps);
    if (o->grid < 3 || o->grid > MOST_GRID || o->grid % 2 == 0)
        return igd_error(IGD_EINVAL, "the grid is %d, not an odd number from 3 to %d",
                         o->grid, MOST_GRID);
    if (reason != NULL)
        return igd_error(IGD_EINVAL, "there is no gradient to look along: %s", reason);
    return IGD_OK;
}

static igd_status surfaces_init(surface *s, int num, const landscape *l)
{
    for (int k = 0; k < num; k++) {
        s[k].loss = calloc((size_t)l->G * (size_t)l->G, sizeof(double));
        s[k].error = calloc((size_t)l->N, sizeof(double));
        if (s[k].loss == NULL || s[k].error == NULL)
            return igd_error(IGD_ENOMEM, "no memory for a grid of %d", l->G);
    }
    return IGD_OK;
}

static igd_status run(landscape *l, surface *surfaces, int num)
{
    igd_loader *loader = NULL;
    igd_status st;
    if ((st = surfaces_init(surfaces, num, l)) != IGD_OK ||
        (st = landscape_init(l)) != IGD_OK ||
        (st = igd_loader_open(&loader, l->data, NULL, l->N, l->o->run.batch_size)) !=
            IGD_OK)
        goto done;
    while ((st = igd_loader_next(loader, &l->batch)) == IGD_OK && l->batch.n > 0)
        if ((st = run_batch(l, surfaces, num)) != IGD_OK)
            goto done;
    for (int k = 0; k < num && st == IGD_OK; k++)
        for (int i = 0; i < l->G * l->G; i++)
            surfaces[k].loss[i] /= (double)l->N;

done:
    igd_loader_free(loader);
    return st;
}

static void add_results(cJSON *root, const igd_landscape_numbers *n)
{
    igd_json_add_number(root, "grid", n->grid);
    igd_json_add_item(root, "axis", cJSON_CreateDoubleArray(n->axis, n->grid));
    igd_json_add_number(root, "num_images", (double)n->num_images);
    cJSON *array = igd_json_add_array(root, "surfaces");
    for (int k = 0; k < n->num_surfaces; k++)
        igd_json_append(array, surface_json(n, &n->surfaces[k]));
}

// Consumes the numbers.
static igd_status finish(igd_analysis **out, igd_findings *found,
                         igd_landscape_numbers *numbers)
{
    if (numbers == NULL)
        return igd_error(IGD_ENOMEM, "no memory for the analysis");
    add_results(found->root, numbers);
    const igd_status st = igd_findings_end(out, found, print);
    if (st == IGD_OK)
        igd_analysis_hold(*out, &(igd_found){.landscape = numbers});
    else
        free(numbers);
    return st;
}

igd_status igd_analyze_landscape(igd_analysis **out, const igd_model *base,
                                 const igd_defense *defense, const igd_dataset *data,
                                 const igd_landscape_options *options)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(base);
    IGD_REQUIRE(data);
    IGD_OPTIONS(igd_landscape_options, o, options);
    const igd_threat threat = {IGD_NORM_LINF, o.eps};
    const igd_experiment who = {"landscape", base, defense, data, &threat, &o.run};
    const igd_defense_view view = {.defense = defense, .fixed_noise = true};
    const int num = defense != NULL ? 2 : 1;
    igd_classifier defended;
    surface surfaces[2] = {{.name = "base", .f = igd_model_classifier(base)},
                           {.name = "defended", .f = &defended}};
    landscape l = {.o = &o, .data = data, .G = o.grid};
    igd_findings found = {0};
    igd_status st;

    IGD_TRY(check_options(&l, base));
    IGD_TRY(igd_experiment_check(&who));
    if (defense != NULL)
        defended = igd_defense_classifier(&view);
    l.N = igd_dataset_size(data);
    l.d = igd_classifier_pixels(surfaces[0].f);
    l.C = surfaces[0].f->num_classes;
    l.total = (double)l.N * num * (o.grid * o.grid + 2);
    if ((st = igd_findings_begin(&found, &who)) == IGD_OK &&
        (st = run(&l, surfaces, num)) == IGD_OK)
        st = finish(out, &found, take_numbers(&l, surfaces, num));
    for (int k = 0; k < num; k++) {
        free(surfaces[k].loss);
        free(surfaces[k].error);
    }
    landscape_free(&l);
    igd_findings_free(&found);
    return st;
}
