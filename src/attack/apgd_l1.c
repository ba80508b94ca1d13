// Owns the steps of APGD under L1.
#include "attack/apgd_l1.h"

#include <math.h>
#include <stddef.h>

#include "core/pixels.h"

// The paper's constants.
#define FIRST_SPARSITY 0.2f // of a search that starts at noise
#define SPARSITY_DIVISOR 1.5f
#define STEP_DIVISOR 1.5f
#define STEP_RANGE 10.0f // of the longest step over the shortest
#define SPARSER 0.95f    // less than this share of the coordinates of a window ago
#define WINDOW 0.04      // share of the iterates

static int64_t num_moved(const float *point, const igd_ball *ball)
{
    int64_t num = 0;
    for (int64_t i = 0; i < ball->d; i++)
        num += point[i] != ball->x[i];
    return num;
}

// Of a perturbation in so many coordinates.
static float sparsity_of(int64_t moved, const igd_ball *ball)
{
    return (float)moved / (float)ball->d / SPARSITY_DIVISOR;
}

void igd_apgd_l1_begin(igd_apgd_l1 *s, int num_steps, const igd_ball *ball,
                       const float *point)
{
    const int window = (int)(WINDOW * num_steps);
    const int64_t moved = point == NULL ? ball->d : num_moved(point, ball);
    *s = (igd_apgd_l1){.step_size = ball->eps,
                       .sparsity =
                           point == NULL ? FIRST_SPARSITY : sparsity_of(moved, ball),
                       .num_moved = moved,
                       .window = window < 1 ? 1 : window};
}

// The k-th smallest of v [n], which is reordered (Hoare's quickselect).
static float select_kth(float *v, int64_t n, int64_t k)
{
    int64_t low = 0, high = n - 1;
    while (low < high) {
        const float pivot = v[low + (high - low) / 2];
        int64_t i = low, j = high;
        while (i <= j) {
            while (v[i] < pivot)
                i++;
            while (v[j] > pivot)
                j--;
            if (i <= j) {
                const float swap = v[i];
                v[i++] = v[j];
                v[j--] = swap;
            }
        }
        if (k <= j)
            high = j;
        else if (k >= i)
            low = i;
        else
            break;
    }
    return v[k];
}

void igd_apgd_l1_move(float *point, const igd_apgd_l1 *s, const igd_ball *ball,
                      const float *x, const float *grad, float *work)
{
    const int64_t d = ball->d;
    const float place = igd_clamp((1.0f - s->sparsity) * (float)d, 0.0f, (float)(d - 1));
    int64_t num = 0;

    for (int64_t i = 0; i < d; i++)
        work[i] = fabsf(grad[i]);
    const float least = select_kth(work, d, (int64_t)place);
    for (int64_t i = 0; i < d; i++)
        num += fabsf(grad[i]) >= least && grad[i] != 0.0f;
    const float step = s->step_size / ((float)num + 1e-10f);
    for (int64_t i = 0; i < d; i++)
        point[i] = x[i] + (fabsf(grad[i]) >= least ? step * igd_sign(grad[i]) : 0.0f);
    igd_ball_project(point, ball);
}

bool igd_apgd_l1_next(igd_apgd_l1 *s, const igd_ball *ball, const float *best)
{
    const float longest = ball->eps, shortest = ball->eps / STEP_RANGE;

    if (++s->seen < s->window)
        return false;
    const int64_t moved = num_moved(best, ball);
    const bool sparser = (float)moved < SPARSER * (float)s->num_moved;
    s->sparsity = sparsity_of(moved, ball);
    s->step_size =
        sparser ? longest : igd_clamp(s->step_size / STEP_DIVISOR, shortest, longest);
    s->num_moved = moved;
    s->seen = 0;
    return sparser;
}
