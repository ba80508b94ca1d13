// Owns the Jacobian of affine suffixes.
#include "rank/jacobian.h"

#include <stdlib.h>

#include "core/error.h"

igd_tensor *igt_by_neuron(igd_scope *s, const igd_cut *cut, const igd_tensor *act)
{
    const int batch = igd_cut_batch_axis(cut), neuron = igd_cut_neuron_axis(cut);
    igd_tensor *first = igt_move_axis(s, act, batch, 0);
    // Taking the batch axis out shifts those before it by one.
    igd_tensor *second = igt_move_axis(s, first, neuron < batch ? neuron + 1 : neuron, 1);
    if (!igd_scope_ok(s))
        return NULL;
    return igt_reshape(
        s, second,
        (int64_t[]){igd_tensor_length(act, batch), igd_cut_num_neurons(cut), -1}, 3);
}

// One row of the Jacobian per class, into rows [C, K, P].
static void take_rows(float *rows, igd_scope *g, const igd_cut *cut,
                      const igd_classifier *f, const igd_tensor *logits,
                      const igd_tensor *leaf, int64_t width)
{
    const int C = f->num_classes;
    float *unit = calloc((size_t)C, sizeof(*unit));
    if (unit == NULL) {
        igd_scope_fail(g, igd_error(IGD_ENOMEM, "no memory for the Jacobian"));
        return;
    }
    for (int c = 0; c < C && igd_scope_ok(g); c++) {
        igd_scope row = igd_scope_begin_no_grad(g);
        unit[c] = 1.0f;
        igd_tensor *e = igt_floats(&row, unit, (int64_t[]){1, C}, 2, f->device);
        igd_tensor *grad = igt_vjp(&row, logits, e, leaf, c < C - 1);
        igt_read(&row, igt_by_neuron(&row, cut, grad), rows + c * width, width);
        unit[c] = 0.0f;
        igd_scope_end(&row);
    }
    free(unit);
}

// Keeps one position of each row where all are alike, as behind average pooling. @return
// how many positions are left
static int64_t merge_positions(float *rows, int64_t num, int64_t P)
{
    for (int64_t i = 0; i < num; i++)
        for (int64_t p = 1; p < P; p++)
            if (rows[i * P + p] != rows[i * P])
                return P;
    for (int64_t i = 0; i < num; i++)
        rows[i] = rows[i * P];
    return 1;
}

igd_status igd_jacobian_take(igd_tensor **out, const igd_cut *cut,
                             const igd_classifier *f, const igd_dataset *data)
{
    const int64_t C = f->num_classes, K = igd_cut_num_neurons(cut);
    const int64_t *shape = f->shape;
    float *image = malloc((size_t)igd_classifier_pixels(f) * sizeof(*image));
    float *rows = NULL; // [C, K, P]
    igd_status st = IGD_OK;

    *out = NULL;
    if (image == NULL)
        return igd_error(IGD_ENOMEM, "no memory for an image");
    igd_scope s = igd_scope_begin(NULL);
    if ((st = igd_dataset_read(data, image, (const int64_t[]){0}, 1)) != IGD_OK)
        goto done;
    igd_carried *carried = NULL;
    igd_tensor *x =
        igt_view(&s, image, (int64_t[]){1, shape[0], shape[1], shape[2]}, 4, f->device);
    igd_tensor *act = igt_prefix(&s, cut, x, &carried);
    igd_scope g = igd_scope_begin_grad(&s);
    igd_tensor *leaf = igt_leaf(&g, act);
    igd_tensor *logits = igt_suffix(&g, cut, leaf, carried);
    const int64_t P = igd_scope_ok(&g) ? igd_tensor_size(act) / K : 1;
    rows = calloc((size_t)(C * K), (size_t)P * sizeof(*rows));
    if (rows == NULL)
        igd_scope_fail(&g, igd_error(IGD_ENOMEM, "no memory for the Jacobian"));
    else
        take_rows(rows, &g, cut, f, logits, leaf, K * P);
    igd_scope_end(&g);
    if ((st = s.status) != IGD_OK || rows == NULL)
        goto done;
    const int64_t left = merge_positions(rows, C * K, P);
    igd_tensor *J = igt_floats(&s, rows, (int64_t[]){C, K, left}, 3, f->device);
    st = igd_scope_give(&s, out, J);

done:
    igd_scope_end(&s);
    free(image);
    free(rows);
    return st;
}
