// A search for the radius at which each image falls: what its parts share.
#ifndef IGD_ANALYZE_RADIUS_SEARCH_H
#define IGD_ANALYZE_RADIUS_SEARCH_H

#include "analyze/attack_list.h"
#include "analyze/radius_points.h"
#include "analyze/series.h"
#include "igdef/sweep.h"

#define IGD_RADIUS_HALVINGS 12 // at most
#define IGD_RADIUS_SUBJECTS 2  // the base model, and the defended one
#define IGD_RADIUS_ROOM 16     // for members at first

// What is known of an image, in steps of the range: it withstands step low and falls at
// step high. Wrong when clean: both 0. Not at the largest radius: high is beyond the last
// step.
typedef struct igd_radius_image {
    int low, high;
    int guess;       // where the point of `high`, drawn into the ball, should do as well
    bool resisted;   // some step, which is low then
    igd_point_at at; // that point
} igd_radius_image;

// One classifier, of which all is known that was asked.
typedef struct igd_radius_subject {
    const char *name;
    const igd_defense *defense;
    igd_adaptive adaptive;
    igd_views views;          // while it is searched
    int first;                // member of the series at the largest radius
    igd_radius_image *images; // [n]
} igd_radius_subject;

// What a member of the series is.
typedef struct igd_radius_asked {
    const igd_radius_subject *subject;
    int step, round;
} igd_radius_asked;

typedef struct igd_radius_search {
    const igd_radius_options *options;
    const igd_model *base;
    const igd_dataset *data;
    int64_t n;
    int steps; // 2^halvings
    igd_radius_subject subjects[IGD_RADIUS_SUBJECTS];
    int num_subjects;
    igd_shorter shorter; // of the attacks, for what has no pseudo-label
    igd_series series;
    igd_radius_asked *asked;  // owned [series.num]
    igd_points points;        // that members found
    double *eps;              // owned [steps + 1]
    int64_t *rows;            // owned [n]; of the images that are asked
    igd_point_at *at;         // owned [n]; their points
    igd_shrinking *shrinking; // owned [n]
    igd_radius_image *images; // owned [IGD_RADIUS_SUBJECTS, n]
} igd_radius_search;

static inline double igd_radius_largest(const igd_radius_search *s)
{
    return s->options->series.evaluate.threat.eps;
}

// Whether it is not known yet to within a step.
static inline bool igd_radius_is_open(const igd_radius_image *m)
{
    return m->high - m->low > 1;
}

// @return IGD_EINVAL naming what is out of range
igd_status igd_radius_check_range(const igd_radius_search *s);

// n and the options are there. @return IGD_OK, IGD_ENOMEM
igd_status igd_radius_init(igd_radius_search *s);
void igd_radius_free(igd_radius_search *s);

void igd_radius_add_subject(igd_radius_search *s, const char *name,
                            const igd_defense *defense);

// The name of what a classifier is asked at a step.
void igd_radius_name_member(char *out, size_t size, const igd_radius_search *s,
                            const igd_radius_subject *u, int step, int round);

// Makes room for another member, which asks that. @return IGD_OK, IGD_ENOMEM
igd_status igd_radius_grow(igd_radius_search *s, const igd_radius_subject *u, int step,
                           int round);

// Whether image i of a member withstood.
bool igd_radius_withstood(const igd_radius_search *s, int member, int64_t i);

// Takes in what became of an image, the place `at`, at a step.
void igd_radius_note(igd_radius_image *m, int step, bool stood, igd_point_at at);

// The same of all images at the largest radius, and of the images as they are.
void igd_radius_note_first(igd_radius_search *s, igd_radius_subject *u);

// @return IGD_EINVAL where images that are right when clean fall at the smallest radius
igd_status igd_radius_check_smallest(const igd_radius_search *s,
                                     const igd_radius_subject *u, int64_t fallen);

// radius_text.c: what is written down, owned, and what is printed of the search
// `payload`.
cJSON *igd_radius_json(const igd_radius_search *s);
void igd_radius_table(FILE *f, const void *payload);

#endif
