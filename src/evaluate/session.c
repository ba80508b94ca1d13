// Owns what the parts of an evaluation share: time, stopping, draws, clean logits, and
// which images a step takes.
#include "evaluate/session.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/error.h"
#include "core/number.h"
#include "core/random.h"
#include "core/text.h"

#define ACCURACY_INTERVAL 0.3 // seconds: counting it at every pass would be felt

// Images that the checks of saturation and radius take: a share of all, within limits.
#define CHECK_SHARE 0.05
#define CHECK_LEAST 16.0
#define CHECK_MOST 100.0

double igd_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

igd_status igd_session_save(igd_session *s)
{
    const double now = igd_now();
    s->state.costs[s->column].seconds += now - s->mark;
    s->state.seconds += now - s->mark;
    s->mark = now;
    // The images must be on disk before the flags that promise them.
    if (s->saved != NULL)
        IGD_TRY(igd_image_file_sync(s->saved));
    return igd_state_save(&s->state);
}

// Images that every attack so far has left correct, of those whose clean prediction is
// known; -1 where none is.
static double accuracy_so_far(const igd_session *s)
{
    const igd_flags *t = &s->state.flags;
    int columns[IGD_MAX_STEPS], num = 0;
    int64_t known = 0, robust = 0;
    for (int c = 1; c < s->plan->num_main; c++)
        columns[num++] = c;
    for (int64_t i = 0; i < s->n; i++) {
        if (t->clean[i] < 0)
            continue;
        known++;
        robust += igd_flags_survives(t, columns, num, i, IGD_ONE_SHOT);
    }
    return known > 0 ? (double)robust / (double)known : -1.0;
}

// "2/5 square, 12/500 images, still robust 71.67 %"
static void describe(char *out, size_t size, const igd_session *s)
{
    const igd_plan *p = s->plan;
    const bool check = s->column >= p->num_main;
    char number[48] = "", accuracy[48] = "";

    if (check)
        snprintf(number, sizeof(number), "check %d/%d ", s->column - p->num_main + 1,
                 p->num_steps - p->num_main);
    else if (s->column > 0)
        snprintf(number, sizeof(number), "%d/%d ", s->column, p->num_main - 1);
    if (s->accuracy >= 0.0)
        igd_format(accuracy, sizeof(accuracy), ", %s %.2f %%",
                   s->column == 0 ? "correct" : "still robust", 100.0 * s->accuracy);
    snprintf(out, size, "%s%s%s, %lld/%lld images%s", number, p->steps[s->column].name,
             s->phase, (long long)s->done, (long long)s->total, accuracy);
}

igd_status igd_session_tick(igd_session *s)
{
    const igd_evaluate_options *o = s->options;
    const bool out_of_time = o->budget_seconds > 0.0 &&
                             s->state.seconds + igd_now() - s->mark >= o->budget_seconds;
    igd_lock_touch(s->lock);
    if (o->progress != NULL) {
        char stage[IGD_NAME_LENGTH + 160];
        const double now = igd_now();
        if (now - s->accuracy_at > ACCURACY_INTERVAL) {
            s->accuracy = accuracy_so_far(s);
            s->accuracy_at = now;
        }
        describe(stage, sizeof(stage), s);
        if (o->progress(stage, (double)s->done + s->begun, (double)s->total,
                        o->payload) != 0 &&
            !s->ending) {
            s->stop = IGD_STOP_INTERRUPTED;
            return igd_error(IGD_ECANCELED, "interrupted");
        }
    }
    if (!out_of_time || s->ending)
        return IGD_OK;
    s->stop = IGD_STOP_BUDGET;
    return igd_error(IGD_ECANCELED, "the budget is used up");
}

void igd_session_tell(const igd_session *s, const char *format, ...)
{
    char text[512], line[512];
    va_list args;
    if (s->options->message == NULL)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    igd_escape(line, sizeof(line), text, false);
    s->options->message(line, s->options->payload);
}

igd_status igd_session_halve(igd_session *s)
{
    const int half = s->batch_size / 2;
    char why[400];
    snprintf(why, sizeof(why), "%s", igd_error_message());
    if (half < IGD_BATCH_ROWS)
        return igd_error(IGD_ENOMEM, "%s", why);
    if (s->options->keep_batch_size && s->views->judged->off_host)
        return igd_error(IGD_ENOMEM, "%s: --batch-size %d needs less than %d", why, half,
                         s->batch_size);
    igd_session_tell(s, "%s: going on with a --batch-size of %d in place of %d", why,
                     half, s->batch_size);
    s->batch_size = half;
    return IGD_OK;
}

igd_draw igd_judge_draw(uint64_t seed, const char *step, int64_t image, int r)
{
    char purpose[IGD_NAME_LENGTH + 16];
    uint32_t words[2];
    snprintf(purpose, sizeof(purpose), "judge %s", step);
    const igd_stream stream = igd_stream_make(seed, purpose, image, (uint64_t)r);
    igd_random_words(words, 2, &stream, 0);
    return (igd_draw){.image = image, .draw = (uint64_t)words[0] << 32 | words[1]};
}

igd_draw igd_session_draw(const igd_session *s, int column, int64_t row, int r)
{
    // An audit asks for the same flags, so it gets the same draws; and so does what is
    // attacked beside the cascade, as if it had been attacked in it.
    const igd_step *step = &s->plan->steps[column];
    const bool same = step->kind == IGD_STEP_AUDIT || step->kind == IGD_STEP_BESIDE;
    const int as = same ? step->repeats : column;
    const int64_t image = s->state.flags.index[row];
    if (s->views->judged->deterministic)
        return (igd_draw){.image = image};
    return igd_judge_draw(s->options->seed, s->plan->steps[as].name, image, r);
}

const igd_classifier *igd_session_judge(const igd_session *s)
{
    return s->views->judging != NULL ? s->views->judging
                                     : igd_classifier_exact(s->views->judged);
}

igd_status igd_session_clean(igd_session *s, const igd_classifier *f, float *known,
                             const int64_t *rows, int64_t num, const float *x)
{
    const size_t C = (size_t)s->C;
    igd_status st = IGD_OK;
    bool missing = false;

    for (int64_t k = 0; k < num; k++)
        missing = missing || isnan(known[(size_t)rows[k] * C]);
    if (!missing)
        return IGD_OK;
    float *z = malloc((size_t)num * C * sizeof(float));
    igd_draw *draws = malloc((size_t)num * sizeof(*draws));
    if (z == NULL || draws == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for the logits of %lld images",
                       (long long)num);
        goto done;
    }
    for (int64_t k = 0; k < num; k++)
        draws[k] = igd_session_draw(s, 0, rows[k], 0);
    if ((st = igd_classifier_logits(z, igd_classifier_exact(f), x, num, draws)) != IGD_OK)
        goto done;
    for (int64_t k = 0; k < num; k++)
        memcpy(known + (size_t)rows[k] * C, z + (size_t)k * C, C * sizeof(float));

done:
    free(z);
    free(draws);
    return st;
}

int64_t igd_session_whole(const igd_session *s)
{
    const igd_part part = igd_dataset_part(s->data);
    return part.of > 0 ? part.whole : s->n;
}

bool igd_session_sampled(const igd_session *s, igd_step_kind kind, int64_t row)
{
    const bool audit = kind == IGD_STEP_AUDIT;
    const double n = (double)igd_session_whole(s);
    const double wanted = fmin(fmax(CHECK_SHARE * n, CHECK_LEAST), CHECK_MOST);
    const double share = audit ? s->options->audit / 100.0 : wanted / n;
    const igd_stream stream = igd_stream_make(s->options->seed, audit ? "audit" : "check",
                                              s->state.flags.index[row], 0);
    return igd_random_double(&stream, 0) < share;
}

bool igd_session_fooled_by(const igd_session *s, int column, int64_t row, igd_role role)
{
    const igd_plan *p = s->plan;
    for (int c = 1; c < p->num_steps; c++) {
        const igd_step *step = &p->steps[c];
        const bool beside = step->kind == IGD_STEP_BESIDE;
        const int group = p->steps[beside ? step->repeats : c].group;
        if ((c < p->num_main || beside) && group == p->steps[column].group &&
            igd_step_role(step, s->views) == role &&
            igd_flags_column(&s->state.flags, c)[row] == IGD_FOOLED)
            return true;
    }
    return false;
}

// Gradients see what others fooled, transfers what only attacks without gradients did,
// until one of them fools it as well.
static bool wants_beside(const igd_session *s, const igd_step *step, int64_t row)
{
    const int of = step->repeats;
    const igd_role role = igd_step_role(step, s->views);
    if (igd_flags_column(&s->state.flags, of)[row] != IGD_SKIPPED ||
        igd_session_fooled_by(s, of, row, IGD_ROLE_GRADIENT))
        return false;
    const bool black_box = igd_session_fooled_by(s, of, row, IGD_ROLE_BLACK_BOX);
    const bool transfer = igd_session_fooled_by(s, of, row, IGD_ROLE_TRANSFER);
    return role == IGD_ROLE_GRADIENT ? black_box || transfer : black_box && !transfer;
}

// The columns of a step's group before `end`.
static int group_columns(const igd_session *s, int column, int end,
                         int out[IGD_MAX_STEPS])
{
    int num = 0;
    for (int c = 1; c < end; c++)
        if (s->plan->steps[c].group == s->plan->steps[column].group)
            out[num++] = c;
    return num;
}

// Which images a checking step takes does not depend on the order of the attacks.
static bool wants_check(const igd_session *s, const igd_step *step, int64_t row)
{
    const igd_flags *t = &s->state.flags;
    const char letter = igd_flags_column(t, step->repeats)[row];
    int columns[IGD_MAX_STEPS];
    switch (step->kind) {
    case IGD_STEP_BESIDE:
        return wants_beside(s, step, row);
    case IGD_STEP_SATURATION: // what all withstood may fall to more steps
        return igd_flags_survives(
                   t, columns,
                   group_columns(s, step->repeats, s->plan->num_main, columns), row,
                   IGD_MAJORITY) &&
               igd_session_sampled(s, step->kind, row);
    case IGD_STEP_RADIUS:
        return igd_flags_survives(t, NULL, 0, row, IGD_ONE_SHOT) &&
               igd_session_sampled(s, step->kind, row);
    default: // an audit takes what the step itself took
        return (letter == IGD_ROBUST || letter == IGD_FOOLED) &&
               igd_session_sampled(s, step->kind, row);
    }
}

bool igd_session_wants(const igd_session *s, int column, int64_t row)
{
    const igd_flags *t = &s->state.flags;
    const igd_step *step = &s->plan->steps[column];
    int earlier[IGD_MAX_STEPS];

    if (step->repeats > 0)
        return wants_check(s, step, row);
    const int num = group_columns(s, column, column, earlier);
    // Images leave when every protocol has given them up, so that each one's accuracy is
    // that of its own cascade. A single wrong draw gives up "any" with the other two.
    return igd_flags_survives(t, earlier, num, row, IGD_ONE_SHOT) ||
           igd_flags_survives(t, earlier, num, row, IGD_MAJORITY);
}

bool igd_session_keeps(const igd_session *s, const igd_step *step)
{
    return igd_step_is_set(step) || (s->options->cache != NULL && s->options->cache_all &&
                                     igd_step_attacked(step, s->views) == s->views->base);
}
