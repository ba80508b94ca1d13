// Owns how long the parts of a divided run will still take.
#include <math.h>

#include "result/parts_impl.h"

// What a step was in all parts together.
typedef struct pooled {
    double seconds, attacked;     // images that were attacked, and their time
    double of_attacked, of_known; // images of parts that are done with the step
} pooled;

static void pool(pooled *steps, const igd_parts *all)
{
    for (int64_t k = 0; k < all->num; k++) {
        const igd_parts_file *p = &all->files[k];
        for (int c = 0; c < p->num_steps; c++) {
            const igd_tally *t = &p->steps[c];
            if (t->seconds > 0.0) {
                steps[c].seconds += t->seconds;
                steps[c].attacked += (double)t->attacked;
            }
            // In random order whatever is settled is a sample of the images.
            if (t->todo > 0 && !p->random)
                continue;
            steps[c].of_attacked += (double)t->attacked;
            steps[c].of_known += (double)(t->attacked + t->skipped);
        }
    }
}

// Images of a part that a step has still to attack.
static double expected(const igd_parts_file *p, int step, const pooled *steps)
{
    const igd_tally *t = &p->steps[step];
    // In the data's order those it need not attack are sorted out when it begins.
    const bool begun = !p->random && (t->skipped > 0 || t->attacked > 0);
    if (t->todo == 0 || begun || step == 0)
        return (double)t->todo;
    if (steps[step].of_known > 0.0)
        return (double)t->todo * steps[step].of_attacked / steps[step].of_known;
    return (double)(t->todo - p->seen.num_known + p->seen.num_robust);
}

static void expect(igd_parts_file *p, const igd_parts *all, const pooled *steps)
{
    double left = 0.0;
    int lacking = 0;
    if (p->num_steps == 0)
        p->seen.seconds_left = NAN;
    if (p->num_steps == 0 || p->seen.state == IGD_PART_FINISHED)
        return;
    for (int c = 0; c < p->num_steps; c++) {
        const double images = expected(p, c, steps);
        if (!(images > 0.0))
            continue;
        if (p->seen.step[0] == '\0')
            p->seen.step = igd_parts_step(all, c);
        if (steps[c].attacked > 0.0)
            left += images * steps[c].seconds / steps[c].attacked;
        else if (lacking == 0)
            lacking = c;
    }
    p->lacking = lacking;
    p->least = left;
    p->seen.seconds_left = lacking > 0 ? NAN : left;
}

// Images of parts that have left nothing are taken to be like those of the others.
static void expect_absent(igd_parts *all, const pooled *steps)
{
    double images = (double)all->whole, known = 0.0, robust = 0.0;
    int num_steps = 0;
    for (int64_t k = 0; k < all->num; k++) {
        const igd_parts_file *p = &all->files[k];
        images -= p->seen.num_images > 0 ? (double)p->seen.num_images : 0.0;
        known += (double)p->seen.num_known;
        robust += (double)p->seen.num_robust;
        num_steps = p->num_steps > num_steps ? p->num_steps : num_steps;
    }
    if (all->of == 0 || !(images > 0.0) || all->num_stated == all->of)
        return;
    for (int c = 0; c < num_steps; c++) {
        const pooled *s = &steps[c];
        const double survive = c > 0 && known > 0.0 ? robust / known : 1.0;
        const double share = s->of_known > 0.0 ? s->of_attacked / s->of_known : survive;
        if (s->attacked > 0.0)
            all->absent_least += images * share * s->seconds / s->attacked;
        else if (share > 0.0 && all->absent_lacking == 0)
            all->absent_lacking = c;
    }
}

void igd_parts_expect(igd_parts *all)
{
    pooled steps[IGD_MAX_STEPS] = {0};
    pool(steps, all);
    for (int64_t k = 0; k < all->num; k++)
        expect(&all->files[k], all, steps);
    expect_absent(all, steps);
}
