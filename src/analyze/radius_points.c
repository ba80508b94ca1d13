// Owns reading the points of a search over radii back, and drawing them further in.
#include "analyze/radius_points.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attack/ball.h"
#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "core/logits.h"
#include "core/npy.h"
#include "data/dataset_impl.h"
#include "evaluate/session.h"
#include "result/result_impl.h"

// --- files

static igd_status file_init(igd_points_file *f, const igd_result *r)
{
    igd_npy header = {0};
    const char *stated = igd_string_of(igd_get(r->checks, "saved"), "sha256");
    IGD_TRY(igd_sha256_file(f->sha256, f->path));
    if (strcmp(f->sha256, stated) != 0)
        return igd_error(IGD_EFORMAT,
                         "%s: not the images that the result beside it speaks of; option "
                         "restart makes both anew",
                         f->path);
    IGD_TRY(igd_npy_read_header(&header, f->path, 0));
    f->offset = header.offset;
    f->d = header.num_dims > 0 && header.shape[0] > 0 ? header.size / header.shape[0] : 0;
    igd_npy_free(&header);
    return IGD_OK;
}

igd_status igd_points_add(igd_points *p, const igd_series *s)
{
    const int member = p->num;
    igd_points_file *files = realloc(p->files, ((size_t)member + 1) * sizeof(*files));
    if (files == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d files of points", member + 1);
    p->files = files;
    igd_points_file *f = &files[member];
    *f = (igd_points_file){.path = igd_series_points_path(s, member)};
    if (f->path == NULL)
        return igd_error(IGD_ENOMEM, "no memory for the path of points");
    p->num++;
    return file_init(f, s->results[member]);
}

void igd_points_free(igd_points *p)
{
    for (int k = 0; k < p->num; k++)
        free(p->files[k].path);
    free(p->files);
    *p = (igd_points){0};
}

igd_status igd_points_read(float *x_adv, const igd_points *p, igd_point_at at)
{
    const igd_points_file *f = &p->files[at.member];
    const size_t bytes = (size_t)f->d * sizeof(float);
    const int fd = open(f->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return igd_error(IGD_EIO, "%s: %s", f->path, strerror(errno));
    const ssize_t got =
        igd_read_at(fd, x_adv, bytes, (off_t)(f->offset + (size_t)at.place * bytes));
    const int failed = errno;
    close(fd);
    return got == (ssize_t)bytes ? IGD_OK
                                 : igd_error(IGD_EIO, "%s: %s", f->path,
                                             got < 0 ? strerror(failed) : "cut off");
}

igd_status igd_points_sha256(char out[IGD_SHA256_LENGTH], const igd_points *p,
                             const igd_point_at *at, int64_t num)
{
    igd_sha256 *h = NULL;
    IGD_TRY(igd_sha256_new(&h));
    for (int64_t k = 0; k < num; k++) {
        igd_sha256_add(h, p->files[at[k].member].sha256, IGD_SHA256_LENGTH);
        igd_sha256_add(h, &at[k].place, sizeof(at[k].place));
    }
    const igd_status st = igd_sha256_hex(h, out);
    igd_sha256_free(h);
    return st;
}

// --- drawn in

// Room for a batch.
typedef struct desk {
    int64_t d;
    int C;
    float *x, *found, *tried; // [batch_size, d]
    float *bounds;            // [2, d]
    float *z;                 // [batch_size, C]
    igd_draw *draws;          // [batch_size]
    int64_t *rows, *which;    // [batch_size]
} desk;

static igd_status desk_init(desk *k, const igd_classifier *f, int batch_size)
{
    const size_t room = (size_t)batch_size, d = (size_t)igd_classifier_pixels(f);
    *k = (desk){.d = (int64_t)d, .C = f->num_classes};
    k->x = malloc(room * d * sizeof(float));
    k->found = malloc(room * d * sizeof(float));
    k->tried = malloc(room * d * sizeof(float));
    k->bounds = malloc(2 * d * sizeof(float));
    k->z = malloc(room * (size_t)k->C * sizeof(float));
    k->draws = malloc(room * sizeof(*k->draws));
    k->rows = malloc(room * sizeof(*k->rows));
    k->which = malloc(room * sizeof(*k->which));
    return k->x != NULL && k->found != NULL && k->tried != NULL && k->bounds != NULL &&
                   k->z != NULL && k->draws != NULL && k->rows != NULL && k->which != NULL
               ? IGD_OK
               : igd_error(IGD_ENOMEM, "no memory for %zu images", room);
}

static void desk_free(desk *k)
{
    free(k->x);
    free(k->found);
    free(k->tried);
    free(k->bounds);
    free(k->z);
    free(k->draws);
    free(k->rows);
    free(k->which);
}

// One halving for each image [num] of the batch that is open. *num_open is how many were.
static igd_status halve(int64_t *num_open, desk *k, igd_shrinking *images, int64_t num,
                        const igd_classifier *f, const igd_dataset *data,
                        const double *eps, const igd_evaluate_options *o)
{
    const size_t d = (size_t)k->d;
    int64_t open = 0;
    for (int64_t i = 0; i < num; i++) {
        const igd_shrinking *m = &images[i];
        const int middle = m->low + (m->high - m->low) / 2;
        if (middle == m->low)
            continue;
        float *tried = k->tried + (size_t)open * d;
        memcpy(tried, k->found + (size_t)i * d, d * sizeof(float));
        igd_ball_draw_in(tried, k->x + (size_t)i * d, k->bounds, k->d,
                         &(igd_threat){o->threat.norm, eps[middle]});
        k->draws[open] =
            igd_judge_draw(o->seed, "radius", igd_dataset_index(data, m->row), 0);
        k->which[open++] = i;
    }
    *num_open = open;
    if (open == 0)
        return IGD_OK;
    IGD_TRY(igd_classifier_logits(k->z, f, k->tried, open, k->draws));
    for (int64_t j = 0; j < open; j++) {
        igd_shrinking *m = &images[k->which[j]];
        const int middle = m->low + (m->high - m->low) / 2;
        const float *z = k->z + (size_t)j * (size_t)k->C;
        if (igd_argmax(z, k->C) != igd_dataset_label(data, m->row))
            m->high = middle;
        else
            m->low = middle;
    }
    return IGD_OK;
}

igd_status igd_points_shrink(igd_shrinking *images, int64_t num, const igd_points *p,
                             const igd_classifier *f, const igd_dataset *data,
                             const double *eps, const igd_evaluate_options *o)
{
    desk k;
    igd_status st = desk_init(&k, f, o->batch_size);
    for (int64_t begin = 0; begin < num && st == IGD_OK; begin += o->batch_size) {
        const int64_t n = num - begin < o->batch_size ? num - begin : o->batch_size;
        int64_t open = n;
        for (int64_t i = 0; i < n && st == IGD_OK; i++) {
            k.rows[i] = images[begin + i].row;
            st = igd_points_read(k.found + (size_t)i * (size_t)k.d, p,
                                 images[begin + i].at);
        }
        if (st == IGD_OK)
            st = igd_dataset_read(data, k.x, k.rows, n);
        while (open > 0 && st == IGD_OK)
            st = halve(&open, &k, images + begin, n, f, data, eps, o);
    }
    desk_free(&k);
    return st;
}
