// Owns the reliability checks.
// Source: the checks of AutoAttack's released code, and what attacks that it lacks need.
#include "evaluate/checks_before.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attack/attack_impl.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/logits.h"
#include "core/number.h"

#define PROBE_IMAGES 32
#define PROBE_RUNS 5
#define SAME 1e-4 // distance of normalised logits up to which they are the same

typedef struct probe {
    igd_session *s;
    int num;
    int64_t *rows;   // [num]
    float *x;        // [num, d]
    float *z;        // [PROBE_RUNS, num, C]
    float *other;    // [num, C]
    float *swapped;  // [num, d] in reverse order
    float *grad;     // [num, d]
    igd_draw *draws; // [num]
} probe;

static void probe_free(probe *p)
{
    free(p->rows);
    free(p->x);
    free(p->z);
    free(p->other);
    free(p->swapped);
    free(p->grad);
    free(p->draws);
}

static igd_status probe_init(probe *p, igd_session *s)
{
    const int64_t least = s->n < PROBE_IMAGES ? s->n : PROBE_IMAGES;
    const size_t num = (size_t)(least < s->batch_size ? least : s->batch_size);
    const size_t bytes = (size_t)s->d * sizeof(float);

    *p = (probe){.s = s, .num = (int)num};
    p->rows = malloc(num * sizeof(*p->rows));
    p->x = malloc(num * bytes);
    p->z = malloc(PROBE_RUNS * num * (size_t)s->C * sizeof(float));
    p->other = malloc(num * (size_t)s->C * sizeof(float));
    p->swapped = malloc(num * bytes);
    p->grad = malloc(num * bytes);
    p->draws = malloc(num * sizeof(*p->draws));
    if (p->rows == NULL || p->x == NULL || p->z == NULL || p->other == NULL ||
        p->swapped == NULL || p->grad == NULL || p->draws == NULL)
        return igd_error(IGD_ENOMEM, "no memory to check %zu images", num);
    for (int k = 0; k < p->num; k++)
        p->rows[k] = k;
    return igd_dataset_read(s->data, p->x, p->rows, p->num);
}

static double distance(const float *a, const float *b, int C)
{
    double norm_a = 0.0, norm_b = 0.0, sum = 0.0;
    for (int k = 0; k < C; k++) {
        norm_a += (double)a[k] * (double)a[k];
        norm_b += (double)b[k] * (double)b[k];
    }
    norm_a = sqrt(norm_a) + 1e-10;
    norm_b = sqrt(norm_b) + 1e-10;
    for (int k = 0; k < C; k++) {
        const double v = (double)a[k] / norm_a - (double)b[k] / norm_b;
        sum += v * v;
    }
    return sqrt(sum);
}

static void set_draws(probe *p)
{
    for (int k = 0; k < p->num; k++)
        p->draws[k] = igd_session_draw(p->s, 0, p->rows[k], 0);
}

static const float *logits_of(const probe *p, int run, int k)
{
    return p->z + ((size_t)run * (size_t)p->num + (size_t)k) * (size_t)p->s->C;
}

// Whether the list has an attack that averages over the classifier's noise.
static bool averages(const igd_plan *plan)
{
    for (int k = 1; k < plan->num_main; k++) {
        const igd_attack_job *job = &plan->steps[k].jobs[0];
        if (!igd_step_attacks(&plan->steps[k]))
            continue;
        double samples;
        if (igd_attack_job_get(job, "eot", &samples) != NULL && samples > 1.0)
            return true;
    }
    return plan->num_main == 1; // there is nothing but clean images
}

static igd_status check_random(probe *p)
{
    igd_session *s = p->s;
    double most = 0.0;
    int flips = 0;

    for (int r = 0; r < PROBE_RUNS; r++) {
        // Also a classifier that calls itself deterministic gets other draws.
        for (int k = 0; k < p->num; k++)
            p->draws[k] =
                (igd_draw){.image = s->state.flags.index[k], .draw = (uint64_t)r};
        IGD_TRY(igd_classifier_logits(p->z + (size_t)r * (size_t)p->num * (size_t)s->C,
                                      igd_classifier_exact(s->views->judged), p->x,
                                      p->num, p->draws));
    }
    for (int k = 0; k < p->num; k++) {
        bool flipped = false;
        for (int r = 1; r < PROBE_RUNS; r++) {
            const float *a = logits_of(p, 0, k), *b = logits_of(p, r, k);
            most = fmax(most, distance(a, b, s->C));
            flipped = flipped || igd_argmax(a, s->C) != igd_argmax(b, s->C);
        }
        flips += flipped;
    }
    const bool random = flips > 0 || most > SAME;
    if (random && s->views->judged->deterministic)
        igd_warn(&s->warnings, IGD_WARN_RANDOMISED,
                 "equal images get unequal logits (by %.2g; %d of %d labels flip in %d "
                 "passes) from a model that was taken for deterministic",
                 most, flips, p->num, PROBE_RUNS);
    else if (random && !averages(s->plan))
        igd_warn(&s->warnings, IGD_WARN_RANDOMISED,
                 "the classifier is random (%d of %d labels flip in %d passes) and no "
                 "attack averages over its noise; use autoattack-rand or apgd-eot",
                 flips, p->num, PROBE_RUNS);
    if (random && s->views->judged->own_noise)
        igd_warn(&s->warnings, IGD_WARN_NOT_REPEATABLE,
                 "the file draws random numbers of its own: no seed decides about them, "
                 "and the same command may find other flags");
    return IGD_OK;
}

static void check_probabilities(probe *p)
{
    for (int k = 0; k < p->num; k++) {
        const float *z = logits_of(p, 0, k);
        double sum = 0.0;
        for (int c = 0; c < p->s->C; c++) {
            if (!((double)z[c] > -1e-5 && (double)z[c] < 1.0 + 1e-5))
                return;
            sum += (double)z[c];
        }
        if (!(fabs(sum - 1.0) < 1e-5))
            return;
    }
    igd_warn(&p->s->warnings, IGD_WARN_PROBABILITIES,
             "the classifier gives probabilities, not logits: gradients vanish where it "
             "is sure");
}

// Logits of an image alone and among others in another order.
static igd_status check_batch(probe *p)
{
    igd_session *s = p->s;
    const size_t d = (size_t)s->d, C = (size_t)s->C;
    const igd_classifier *f = igd_classifier_exact(s->views->judged);
    double most = 0.0;

    if (p->num < 2 || f->own_noise) // nothing can be said where each run differs
        return IGD_OK;
    for (int k = 0; k < p->num; k++) {
        const int to = p->num - 1 - k;
        memcpy(p->swapped + (size_t)to * d, p->x + (size_t)k * d, d * sizeof(float));
        p->draws[to] = (igd_draw){.image = s->state.flags.index[k]};
    }
    IGD_TRY(igd_classifier_logits(p->other, f, p->swapped, p->num, p->draws));
    for (int k = 0; k < p->num; k++)
        most = fmax(most, distance(logits_of(p, 0, k),
                                   p->other + (size_t)(p->num - 1 - k) * C, s->C));
    p->draws[0] = (igd_draw){.image = s->state.flags.index[0]};
    IGD_TRY(igd_classifier_logits(p->other, f, p->x, 1, p->draws));
    most = fmax(most, distance(logits_of(p, 0, 0), p->other, s->C));
    if (most > SAME && !igd_warned(&s->warnings, IGD_WARN_RANDOMISED))
        igd_warn(&s->warnings, IGD_WARN_BATCH_DEPENDENT,
                 "logits of an image depend on the images beside it (by %.2g): results "
                 "hold only for this batch size and order",
                 most);
    return IGD_OK;
}

static bool uses_gradients(const igd_plan *plan)
{
    for (int k = 1; k < plan->num_main; k++)
        if (igd_step_attacks(&plan->steps[k]) &&
            plan->steps[k].jobs[0].attack->gradient != NULL)
            return true;
    return false;
}

// Seconds of a pass of one image; the first call of each warms up and does not count.
static igd_status measure(probe *p, const igd_classifier *f, double *forward,
                          double *backward)
{
    igd_session *s = p->s;
    igd_pass *pass = NULL;
    igd_status st = IGD_OK;

    *backward = 0.0;
    set_draws(p);
    IGD_TRY(igd_classifier_logits(p->other, f, p->x, p->num, p->draws));
    double begin = igd_now();
    IGD_TRY(igd_classifier_logits(p->other, f, p->x, p->num, p->draws));
    *forward = (igd_now() - begin) / p->num;
    if (!f->differentiable || !uses_gradients(s->plan))
        return IGD_OK;
    for (int k = 0; k < p->num; k++)
        for (int c = 0; c < s->C; c++)
            p->other[(size_t)k * (size_t)s->C + (size_t)c] = c == 0 ? 1.0f : 0.0f;
    for (int round = 0; round < 2 && st == IGD_OK; round++) {
        if ((st = igd_pass_run(&pass, f, p->x, p->num, p->draws)) != IGD_OK)
            break;
        begin = igd_now();
        st = igd_pass_grad(p->grad, pass, p->other, false);
        *backward = (igd_now() - begin) / p->num;
        igd_pass_free(pass);
    }
    return st;
}

static igd_status check_once(igd_session *s, igd_speed *speed)
{
    const igd_views *who = s->views;
    probe p;
    igd_status st = probe_init(&p, s);

    *speed = (igd_speed){0};
    if (st != IGD_OK || (st = check_random(&p)) != IGD_OK)
        goto done;
    check_probabilities(&p);
    if ((st = check_batch(&p)) != IGD_OK)
        goto done;
    if (!who->judged->differentiable && uses_gradients(s->plan))
        igd_warn(&s->warnings, IGD_WARN_NOT_DIFFERENTIABLE,
                 "no gradient reaches the images: gradient attacks say nothing");
    if (who->judged->num_backward_passes > 0 && s->plan->num_main > 1)
        igd_warn(&s->warnings, IGD_WARN_DYNAMIC,
                 "the forward pass takes gradients of its own, through which attacks do "
                 "not see: adaptive and transferred attacks decide (worst-case)");
    igd_plan_warn(s->plan, &s->warnings);
    if (s->plan->num_main == 1)
        goto done;
    if ((st = measure(&p, who->judged, &speed->judged_forward,
                      &speed->judged_backward)) != IGD_OK)
        goto done;
    speed->base_forward = speed->judged_forward;
    speed->base_backward = speed->judged_backward;
    if (who->base != who->judged)
        st = measure(&p, who->base, &speed->base_forward, &speed->base_backward);

done:
    probe_free(&p);
    return st;
}

igd_status igd_checks_before(igd_session *s, igd_speed *speed)
{
    igd_status st;
    while ((st = check_once(s, speed)) == IGD_ENOMEM)
        IGD_TRY(igd_session_halve(s));
    return st;
}

static void time_text(char *out, size_t size, double seconds)
{
    const double minutes = seconds / 60.0;
    if (seconds < 100.0)
        igd_format(out, size, "%.0f s", ceil(seconds));
    else if (minutes < 100.0)
        igd_format(out, size, "%.0f min", minutes);
    else
        igd_format(out, size, "%.1f h", minutes / 60.0);
}

void igd_checks_forecast(const igd_session *s, const igd_speed *speed)
{
    const igd_flags *t = &s->state.flags;
    double forwards = 0.0, backwards = 0.0, seconds = 0.0;
    char text[240], time[32], clock[40];

    for (int k = 1; k < s->plan->num_main; k++) {
        const igd_step *step = &s->plan->steps[k];
        const bool base = igd_step_attacked(step, s->views) == s->views->base;
        int64_t left = 0;
        for (int64_t i = 0; i < s->n; i++)
            left += igd_flags_column(t, k)[i] == IGD_TODO && t->clean[i] == t->label[i];
        for (int j = 0; j < step->num_jobs; j++) {
            double f, b;
            igd_attack_job_passes(&step->jobs[j], &f, &b);
            forwards += f * (double)left;
            backwards += b * (double)left;
            seconds += (double)left *
                       (f * (base ? speed->base_forward : speed->judged_forward) +
                        b * (base ? speed->base_backward : speed->judged_backward));
        }
    }
    if (s->options->message == NULL || forwards <= 0.0)
        return;
    time_text(time, sizeof(time), seconds);
    igd_clock_ahead(clock, sizeof(clock), seconds);
    igd_format(
        text, sizeof(text),
        "at most %.3g forward and %.3g backward passes of one image, about %s%s%s if no "
        "image falls early",
        forwards, backwards, time, clock[0] != '\0' ? ", until " : "", clock);
    s->options->message(text, s->options->payload);
}
