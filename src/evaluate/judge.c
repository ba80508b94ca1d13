// Owns the final judgement.
#include "evaluate/judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attack/ball.h"
#include "core/error.h"
#include "core/logits.h"

#define TOLERANCE 1e-6 // of norms, for reporting only: attacks keep to exact bounds

typedef struct igd_case {
    int64_t row;
    bool has_point;
    bool claimed; // the attack says that it fools
    bool outside; // of the ball or of [0, 1]
    bool bad;     // logits that are not finite
    int place;    // of its point
    int correct;  // draws
    bool first;   // whether the first draw was correct
} igd_case;

igd_status igd_judge_init(igd_judge *j, igd_session *s, int column)
{
    const size_t room = (size_t)s->batch_size;
    *j = (igd_judge){.session = s, .column = column, .capacity = s->batch_size};
    j->cases = calloc(room, sizeof(*j->cases));
    j->points = malloc(room * (size_t)s->d * sizeof(float));
    j->logits = malloc(room * (size_t)s->C * sizeof(float));
    j->draws = malloc(room * sizeof(*j->draws));
    if (j->cases == NULL || j->points == NULL || j->logits == NULL || j->draws == NULL) {
        igd_judge_free(j);
        return igd_error(IGD_ENOMEM, "no memory to judge %zu images", room);
    }
    return IGD_OK;
}

void igd_judge_free(igd_judge *j)
{
    free(j->cases);
    free(j->points);
    free(j->logits);
    free(j->draws);
    *j = (igd_judge){0};
}

static bool within_box(const float *x, int64_t d)
{
    for (int64_t i = 0; i < d; i++)
        if (!(x[i] >= 0.0f && x[i] <= 1.0f))
            return false;
    return true;
}

igd_status igd_judge_add(igd_judge *j, int64_t row, const float *x, const float *x_adv,
                         bool claimed)
{
    igd_session *s = j->session;
    const igd_threat *threat = &s->plan->steps[j->column].jobs[0].threat;
    igd_case *c = &j->cases[j->num++];

    *c = (igd_case){.row = row, .has_point = x_adv != NULL, .claimed = claimed};
    if (x_adv != NULL) {
        float *to = j->points + (size_t)j->num_points * (size_t)s->d;
        const double norm = igd_ball_norm(x_adv, x, s->d, threat->norm);
        c->outside = !(norm <= threat->eps + TOLERANCE) || !within_box(x_adv, s->d);
        c->place = j->num_points++;
        // What cheats is not judged: the clean image stands in for it.
        memcpy(to, c->outside ? x : x_adv, (size_t)s->d * sizeof(float));
    }
    return j->num == j->capacity ? igd_judge_flush(j) : IGD_OK;
}

static bool finite(const float *z, int C)
{
    for (int k = 0; k < C; k++)
        if (!isfinite(z[k]))
            return false;
    return true;
}

// One draw of the classifier for every point.
static igd_status judge_draw(igd_judge *j, int r)
{
    igd_session *s = j->session;
    const igd_flags *t = &s->state.flags;
    for (int k = 0; k < j->num; k++)
        if (j->cases[k].has_point)
            j->draws[j->cases[k].place] =
                igd_session_draw(s, j->column, j->cases[k].row, r);
    IGD_TRY(igd_classifier_logits(j->logits, igd_session_judge(s), j->points,
                                  j->num_points, j->draws));
    s->state.costs[j->column].forwards += j->num_points;
    for (int k = 0; k < j->num; k++) {
        igd_case *c = &j->cases[k];
        if (!c->has_point)
            continue;
        const float *z = j->logits + (size_t)c->place * (size_t)s->C;
        c->bad = c->bad || !finite(z, s->C);
        // What is not a number fools nobody.
        const bool correct = !finite(z, s->C) || igd_argmax(z, s->C) == t->label[c->row];
        c->correct += correct;
        if (r == 0)
            c->first = correct;
    }
    return IGD_OK;
}

// Whether no earlier attack of the list fooled the image, so that this point is the one
// to save.
static bool is_first(const igd_session *s, int column, int64_t row)
{
    for (int c = 0; c < column; c++)
        if (igd_flags_column(&s->state.flags, c)[row] == IGD_FOOLED)
            return false;
    return true;
}

static igd_status record(igd_judge *j, igd_case *c)
{
    igd_session *s = j->session;
    igd_flags *t = &s->state.flags;
    igd_cost *cost = &s->state.costs[j->column];
    const bool main_column = j->column < s->plan->num_main;

    if (!c->has_point || c->outside) {
        c->first = true;
        c->correct = t->num_draws;
    }
    const bool majority_wrong = 2 * c->correct <= t->num_draws;
    cost->outside += c->outside;
    cost->bad += c->bad;
    cost->unverified += c->claimed && !c->outside && !majority_wrong;
    igd_flags_column(t, j->column)[c->row] = c->first ? IGD_ROBUST : IGD_FOOLED;
    if (t->votes != NULL)
        t->votes[(size_t)j->column * (size_t)t->num_images + (size_t)c->row] =
            (uint8_t)c->correct;
    if (s->saved != NULL && main_column && !c->first && is_first(s, j->column, c->row))
        return igd_image_file_put(s->saved, c->row,
                                  j->points + (size_t)c->place * (size_t)s->d);
    return IGD_OK;
}

static igd_status bounds_of_points(igd_judge *j)
{
    igd_session *s = j->session;
    int64_t *rows = calloc((size_t)j->num_points, sizeof(*rows));
    if (rows == NULL)
        return igd_error(IGD_ENOMEM, "no memory to judge %d images", j->num_points);
    for (int k = 0; k < j->num; k++)
        if (j->cases[k].has_point)
            rows[j->cases[k].place] = j->cases[k].row;
    const igd_status st =
        igd_judge_bounds(s, rows, j->num_points, j->points, IGD_BOUND_WORST_CEILING,
                         IGD_BOUND_WORST_FLOOR);
    free(rows);
    return st;
}

igd_status igd_judge_flush(igd_judge *j)
{
    igd_session *s = j->session;

    if (j->num == 0)
        return IGD_OK;
    for (int r = 0; r < s->state.flags.num_draws && j->num_points > 0; r++)
        IGD_TRY(judge_draw(j, r));
    if (s->options->bounds && j->num_points > 0 && j->column < s->plan->num_main)
        IGD_TRY(bounds_of_points(j));
    for (int k = 0; k < j->num; k++)
        IGD_TRY(record(j, &j->cases[k]));
    s->done += j->num;
    j->num = j->num_points = 0;
    return igd_session_save(s);
}

// Clears `bit` of the images that f misclassifies.
static igd_status bound(igd_session *s, const igd_classifier *f, const int64_t *rows,
                        int64_t num, const float *x, float *z, igd_draw *draws, int bit)
{
    igd_flags *t = &s->state.flags;
    for (int64_t k = 0; k < num; k++)
        draws[k] = igd_session_draw(s, 0, rows[k], 0);
    IGD_TRY(igd_classifier_logits(z, f, x, num, draws));
    for (int64_t k = 0; k < num; k++)
        if (igd_argmax(z + (size_t)k * (size_t)s->C, s->C) != t->label[rows[k]])
            t->bounds[rows[k]] &= (uint8_t)~bit;
    return IGD_OK;
}

igd_status igd_judge_bounds(igd_session *s, const int64_t *rows, int64_t num,
                            const float *x, int ceiling, int floor)
{
    const igd_views *who = s->views;
    float *z = malloc((size_t)num * (size_t)s->C * sizeof(float));
    igd_draw *draws = malloc((size_t)num * sizeof(*draws));
    igd_status st = IGD_OK;

    if (z == NULL || draws == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory to judge %lld images", (long long)num);
        goto done;
    }
    st = bound(s, who->ceiling, rows, num, x, z, draws, ceiling);
    for (int c = 0; c < s->C && st == IGD_OK; c++) {
        *who->floor_class = c;
        st = bound(s, who->floor, rows, num, x, z, draws, floor);
    }

done:
    free(z);
    free(draws);
    return st;
}
