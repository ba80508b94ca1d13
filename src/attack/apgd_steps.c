// Owns APGD's checkpoints and the two conditions that halve its step.
#include "attack/apgd_steps.h"

static int at_least_one(double v)
{
    return v < 1.0 ? 1 : (int)v;
}

void igd_apgd_steps_begin(igd_apgd_steps *s, int num_steps, double size, double rho,
                          bool compare_with_start)
{
    *s = (igd_apgd_steps){.size = size,
                          .window = at_least_one(0.22 * num_steps),
                          .shortest = at_least_one(0.06 * num_steps),
                          .shrink = at_least_one(0.03 * num_steps),
                          .rho = rho,
                          .reduced = true, // the second condition spares the first window
                          .first_checkpoint = true,
                          .compare_with_start = compare_with_start};
}

void igd_apgd_steps_start(igd_apgd_steps *s, double loss)
{
    s->improved = true;
    s->best = s->best_at_check = loss;
    s->last = s->compare_with_start ? loss : 0.0;
}

bool igd_apgd_steps_next(igd_apgd_steps *s, double loss)
{
    s->improved = loss > s->best;
    if (s->improved)
        s->best = loss;
    s->rising += loss > s->last;
    s->last = loss;
    if (++s->seen < s->window)
        return false;

    // The paper's condition 1: the loss rose too rarely. Condition 2: step and best loss
    // are those of the checkpoint before.
    const bool no_better = s->best_at_check >= s->best;
    const bool condition_1 = s->rising <= s->rho * s->window;
    const bool condition_2 = !s->reduced && no_better;
    s->stalled = s->stalled || (s->first_checkpoint && no_better);
    s->first_checkpoint = false;
    s->reduced = condition_1 || condition_2;
    s->best_at_check = s->best;
    if (s->reduced)
        s->size /= 2.0;
    s->seen = s->rising = 0;
    s->window = s->window - s->shrink > s->shortest ? s->window - s->shrink : s->shortest;
    return s->reduced;
}
