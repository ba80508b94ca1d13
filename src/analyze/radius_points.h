// The points that the members of a search over radii found: read back, and drawn further
// in.
#ifndef IGD_ANALYZE_RADIUS_POINTS_H
#define IGD_ANALYZE_RADIUS_POINTS_H

#include "analyze/series.h"
#include "core/digest.h"
#include "model/classifier.h"

typedef struct igd_points_file {
    char *path; // owned
    size_t offset;
    int64_t d; // pixels of an image
    char sha256[IGD_SHA256_LENGTH];
} igd_points_file;

typedef struct igd_points {
    igd_points_file *files; // owned [num], by the member of the series
    int num;
} igd_points;

// Takes in the file of the next member, which has been evaluated. @return IGD_EFORMAT
// where it is not the one that the member's result speaks of; IGD_EIO, IGD_ENOMEM
igd_status igd_points_add(igd_points *p, const igd_series *s);
void igd_points_free(igd_points *p);

// Where an image's point is.
typedef struct igd_point_at {
    int member;
    int64_t place; // among the member's images
} igd_point_at;

// x_adv [d] := a point.
igd_status igd_points_read(float *x_adv, const igd_points *p, igd_point_at at);

// The digest of that choice of points.
igd_status igd_points_sha256(char out[IGD_SHA256_LENGTH], const igd_points *p,
                             const igd_point_at *at, int64_t num);

// An image whose point fools at step `high`, which becomes the least step above `low` at
// which it does so by bisection, drawn into the ball.
typedef struct igd_shrinking {
    int64_t row;
    igd_point_at at;
    int low, high;
} igd_shrinking;

// Costs f a forward pass of each image for each halving. `eps` are the radii of the
// steps. A guess: f is asked once, with one draw.
igd_status igd_points_shrink(igd_shrinking *images, int64_t num, const igd_points *p,
                             const igd_classifier *f, const igd_dataset *data,
                             const double *eps, const igd_evaluate_options *o);

#endif
