// The final judgement: whether the points that attacks hand over are within the threat
// model and misclassified by what is judged. Points are judged a batch at a time; then
// the flags are on disk.
#ifndef IGD_EVALUATE_JUDGE_H
#define IGD_EVALUATE_JUDGE_H

#include "evaluate/session.h"

typedef struct igd_judge {
    igd_session *session;
    int column;
    int capacity, num;
    struct igd_case *cases; // [capacity]
    int num_points;
    float *points;   // [capacity, d]
    float *logits;   // [capacity, C]
    igd_draw *draws; // [capacity]
} igd_judge;

igd_status igd_judge_init(igd_judge *j, igd_session *s, int column);

// Takes what became of an image: a point `x_adv` [d] found around `x` [d], which the
// attack says fools or not; or NULL where the attack found nothing and there is nothing
// to judge.
igd_status igd_judge_add(igd_judge *j, int64_t row, const float *x, const float *x_adv,
                         bool claimed);

// Judges what is waiting and saves the state.
igd_status igd_judge_flush(igd_judge *j);

void igd_judge_free(igd_judge *j);

// Bounds of images [num, d] by the masks of their own and of every class, into the bits
// `ceiling` and `floor` of the flags: a bit that is set stays only while it holds.
igd_status igd_judge_bounds(igd_session *s, const int64_t *rows, int64_t num,
                            const float *x, int ceiling, int floor);

#endif
