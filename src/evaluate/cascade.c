// Owns the order in which images are attacked and judged.
#include "evaluate/cascade.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attack/ball.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/json_build.h"
#include "core/logits.h"
#include "data/loader.h"
#include "evaluate/advset.h"
#include "evaluate/checkpoint.h"
#include "evaluate/feed.h"
#include "evaluate/judge.h"
#include "igdef/version.h"

// --- clean images

static igd_status clean_batch(igd_session *s, const int64_t *rows, int64_t num,
                              const float *x, float *z, igd_draw *draws)
{
    igd_flags *t = &s->state.flags;
    const size_t C = (size_t)s->C;

    for (int r = 0; r < t->num_draws; r++) {
        for (int64_t k = 0; k < num; k++)
            draws[k] = igd_session_draw(s, 0, rows[k], r);
        IGD_TRY(igd_classifier_logits(z, igd_session_judge(s), x, num, draws));
        for (int64_t k = 0; k < num; k++) {
            const int64_t row = rows[k];
            const int prediction = igd_argmax(z + (size_t)k * C, s->C);
            const bool finite = igd_peak(z + (size_t)k * C, C) < IGD_INFINITE;
            const bool correct = finite && prediction == t->label[row];
            if (t->votes != NULL)
                t->votes[row] = (uint8_t)((r == 0 ? 0 : t->votes[row]) + correct);
            if (r > 0)
                continue;
            s->state.costs[0].bad += !finite;
            t->clean[row] = prediction;
            igd_flags_column(t, 0)[row] = correct ? IGD_ROBUST : IGD_FOOLED;
            memcpy(s->judged_clean + (size_t)row * C, z + (size_t)k * C,
                   C * sizeof(float));
        }
    }
    s->state.costs[0].forwards += num * t->num_draws;
    if (!s->options->bounds)
        return IGD_OK;
    for (int64_t k = 0; k < num; k++)
        t->bounds[rows[k]] = IGD_BOUND_DONE | IGD_BOUND_CLEAN_CEILING |
                             IGD_BOUND_CLEAN_FLOOR | IGD_BOUND_WORST_CEILING |
                             IGD_BOUND_WORST_FLOOR;
    return igd_judge_bounds(s, rows, num, x,
                            IGD_BOUND_CLEAN_CEILING | IGD_BOUND_WORST_CEILING,
                            IGD_BOUND_CLEAN_FLOOR | IGD_BOUND_WORST_FLOOR);
}

static igd_status clean_once(igd_session *s)
{
    const size_t batch_size = (size_t)s->batch_size;
    const char *letters = igd_flags_column(&s->state.flags, 0);
    float *z = malloc(batch_size * (size_t)s->C * sizeof(float));
    igd_draw *draws = malloc(batch_size * sizeof(*draws));
    int64_t *rows = malloc((size_t)s->n * sizeof(*rows)), num = 0;
    igd_loader *loader = NULL;
    igd_batch batch;
    igd_status st = IGD_OK;

    if (z == NULL || draws == NULL || rows == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for %zu images", batch_size);
        goto done;
    }
    for (int64_t i = 0; i < s->past; i++)
        if (letters[i] == IGD_TODO)
            rows[num++] = i;
    s->column = 0;
    s->phase = "";
    s->accuracy = -1.0;
    s->total = s->past;
    s->done = s->past - num;
    if (num == 0)
        goto done;
    st = igd_loader_open(&loader, s->data, rows, num, s->batch_size);
    while (st == IGD_OK && (st = igd_loader_next(loader, &batch)) == IGD_OK &&
           batch.n > 0) {
        if ((st = igd_session_tick(s)) != IGD_OK ||
            (st = clean_batch(s, batch.which, batch.n, batch.images, z, draws)) != IGD_OK)
            goto done;
        s->done += batch.n;
        st = igd_session_save(s);
    }

done:
    igd_loader_free(loader);
    free(z);
    free(draws);
    free(rows);
    return st;
}

igd_status igd_cascade_clean(igd_session *s)
{
    igd_status st;
    while ((st = clean_once(s)) == IGD_ENOMEM)
        IGD_TRY(igd_session_halve(s));
    return st;
}

// --- images that a smaller radius broke

igd_status igd_cascade_known(igd_session *s)
{
    const igd_result *smaller = s->options->smaller;
    igd_flags *t = &s->state.flags;
    const size_t n = (size_t)t->num_images;

    if (smaller == NULL)
        return IGD_OK;
    const igd_flags *from = &smaller->flags;
    if (from->num_images != t->num_images || from->num_draws != t->num_draws ||
        memcmp(from->index, t->index, n * sizeof(*t->index)) != 0)
        return igd_error(IGD_EINVAL, "the result at a smaller eps is of other images");
    for (int64_t i = 0; i < t->num_images; i++) {
        bool broken = false;
        int votes = t->num_draws;
        for (int c = 1; c < from->num_columns; c++) {
            const char letter = igd_flags_column(from, c)[i];
            if (letter != IGD_ROBUST && letter != IGD_FOOLED)
                continue;
            broken = broken || letter == IGD_FOOLED;
            if (from->votes != NULL && from->votes[(size_t)c * n + (size_t)i] < votes)
                votes = from->votes[(size_t)c * n + (size_t)i];
        }
        igd_flags_column(t, 1)[i] = broken ? IGD_FOOLED : IGD_ROBUST;
        if (t->votes != NULL)
            t->votes[n + (size_t)i] = (uint8_t)votes;
    }
    return IGD_OK;
}

// --- points made on what is judged

// An attack on its way, for the engine's callbacks.
typedef struct work {
    igd_session *session;
    const igd_attack_job *job;
    igd_feed feed;
    igd_judge judge; // unused where points go to a set
    igd_advset *set; // or NULL
    igd_checkpoint *checkpoint;
} work;

static igd_status work_next(igd_target *out, void *payload)
{
    work *w = payload;
    return igd_feed_next(&w->feed, out);
}

static igd_status work_tick(const igd_engine *engine, void *payload)
{
    work *w = payload;
    igd_session *s = w->session;
    double forwards, backwards;
    igd_attack_job_passes(w->job, &forwards, &backwards);
    s->begun = igd_engine_work(engine, forwards, backwards);
    if (w->set == NULL)
        s->begun += w->judge.num;
    const igd_status st = igd_session_tick(s);
    s->begun = 0.0;
    if (w->set != NULL)
        igd_advset_touch(w->set);
    if (st == IGD_OK && !igd_checkpoint_due(w->checkpoint))
        return IGD_OK;
    // What is finished goes to disk first: images are either there or in flight.
    if (w->set == NULL)
        IGD_TRY(igd_judge_flush(&w->judge));
    IGD_TRY(igd_checkpoint_save(w->checkpoint, engine));
    return st;
}

static const unsigned char *work_earlier(size_t *size, int64_t image, void *payload)
{
    const work *w = payload;
    return igd_checkpoint_of(w->checkpoint, size, image);
}

static igd_status judge_done(const igd_outcome *o, void *payload)
{
    work *w = payload;
    igd_session *s = w->session;
    igd_cost *cost = &s->state.costs[w->judge.column];
    const float *x;
    const int64_t row = igd_feed_return(&w->feed, o->image, &x);
    // A deterministic classifier needs no judge where the attack found nothing.
    const bool nothing =
        s->state.flags.num_draws == 1 && !o->fooled && w->job->mode == IGD_RETURN_FOOLED;

    cost->forwards += o->forwards;
    cost->backwards += o->backwards;
    cost->bad += o->bad;
    cost->zero_grads += o->zero_grads;
    cost->stalled += o->stalled;
    return igd_judge_add(&w->judge, row, x, nothing ? NULL : o->x_adv, o->fooled);
}

// What remains to be done after the engine has come back: images that are finished are
// saved even when the user wants to stop.
static igd_status settle(igd_judge *judge, igd_status st)
{
    if (st == IGD_OK || st == IGD_ECANCELED) {
        const igd_status flushed = igd_judge_flush(judge);
        if (flushed != IGD_OK)
            return flushed;
    }
    return st == IGD_ECANCELED ? igd_error(IGD_ECANCELED, "interrupted") : st;
}

static igd_status attack_white(igd_session *s, int column, const int64_t *rows,
                               int64_t num)
{
    const igd_step *step = &s->plan->steps[column];
    const igd_classifier *f = igd_step_attacked(step, s->views);
    work w = {.session = s, .job = &step->jobs[0]};
    const igd_engine_feed feed = {work_next, judge_done, work_tick, &w, work_earlier};
    igd_status st;

    if ((st = igd_checkpoint_open(&w.checkpoint, s, column, 0)) == IGD_OK &&
        (st = igd_feed_init(&w.feed, s, f, rows, num)) == IGD_OK &&
        (st = igd_judge_init(&w.judge, s, column)) == IGD_OK) {
        st = igd_engine_run(w.job, f, s->batch_size, &feed);
        st = settle(&w.judge, st);
    }
    igd_checkpoint_free(w.checkpoint);
    igd_feed_free(&w.feed);
    igd_judge_free(&w.judge);
    return st;
}

// --- points that were found at a larger radius

// The point of a row, drawn into the ball, which needs room for its bounds [2, d].
static igd_status start_point(float *x_adv, const igd_session *s, int64_t row,
                              const float *x, float *bounds)
{
    const igd_start *start = s->views->start;
    IGD_TRY(start->point(x_adv, row, start->payload));
    igd_ball_draw_in(x_adv, x, bounds, s->d, &s->options->threat);
    return IGD_OK;
}

static igd_status judge_start(igd_session *s, int column, const int64_t *rows,
                              int64_t num)
{
    igd_judge judge = {0};
    igd_loader *loader = NULL;
    igd_batch batch;
    float *x_adv = malloc(3 * (size_t)s->d * sizeof(float));
    igd_status st = x_adv == NULL ? igd_error(IGD_ENOMEM, "no memory for a point")
                                  : igd_judge_init(&judge, s, column);

    if (st == IGD_OK)
        st = igd_loader_open(&loader, s->data, rows, num, s->batch_size);
    while (st == IGD_OK && (st = igd_loader_next(loader, &batch)) == IGD_OK &&
           batch.n > 0) {
        st = igd_session_tick(s);
        for (int64_t i = 0; i < batch.n && st == IGD_OK; i++) {
            const int64_t row = batch.which[i];
            const float *x = batch.images + (size_t)i * (size_t)s->d;
            st = start_point(x_adv, s, row, x, x_adv + s->d);
            if (st == IGD_OK)
                st = igd_judge_add(&judge, row, x, x_adv, false);
        }
    }
    if (judge.session != NULL)
        st = settle(&judge, st);
    igd_loader_free(loader);
    igd_judge_free(&judge);
    free(x_adv);
    return st;
}

// --- points made on the base model, which are kept on disk

static igd_status set_key(char out[IGD_SHA256_LENGTH], const igd_session *s,
                          const igd_attack_job *job)
{
    cJSON *o = cJSON_CreateObject();
    igd_json_add_string(o, "igdef", igd_version());
    igd_json_add_string(o, "model", s->views->model_identity);
    igd_json_add_string(o, "norm", igd_norm_name(job->threat.norm));
    igd_json_add_seed(o, job->seed);
    igd_json_add_item(o, "job", igd_job_json(job));
    if (s->views->base->rounding == IGD_ROUND_TF32)
        igd_json_add_string(o, "precision", "tf32");
    char *text = igd_json_text(o, false);
    const igd_status st = text == NULL
                              ? igd_error(IGD_ENOMEM, "no memory for a fingerprint")
                              : igd_sha256_bytes(out, text, strlen(text));
    cJSON_free(text);
    cJSON_Delete(o);
    return st;
}

static igd_status set_done(const igd_outcome *o, void *payload)
{
    work *w = payload;
    const float *x;
    const int64_t row = igd_feed_return(&w->feed, o->image, &x);
    const size_t bytes = (size_t)w->session->d * sizeof(float);
    const igd_adversarial record = {.fooled = o->fooled,
                                    .is_clean = memcmp(o->x_adv, x, bytes) == 0,
                                    .loss = o->loss,
                                    .forwards = o->forwards,
                                    .backwards = o->backwards,
                                    .bad = o->bad,
                                    .zero_grads = o->zero_grads,
                                    .stalled = o->stalled};
    w->session->done++;
    return igd_advset_put(w->set, row, x, &record, o->x_adv);
}

// The images of a step, and which of its attacks their points come from.
typedef struct set_rows {
    const int64_t *rows; // [num]
    int64_t num;
    int8_t *from;     // [num] place of the attack, -1 while unknown
    int64_t *missing; // [num] rows without a record
    float *x, *x_adv; // [batch_size, d], [d]
    igd_advset *sets[IGD_STEP_JOBS];
} set_rows;

// Sorts the images that no earlier attack of the step fooled into those whose record says
// what became of them and those that are missing.
static igd_status look_up(igd_session *s, set_rows *r, int job, bool last,
                          int64_t *num_missing)
{
    const int64_t batch = s->batch_size;
    *num_missing = 0;
    for (int64_t begin = 0; begin < r->num; begin += batch) {
        const int64_t num = r->num - begin < batch ? r->num - begin : batch;
        bool wanted = false;
        for (int64_t k = begin; k < begin + num; k++)
            wanted =
                wanted || (r->from[k] < 0 && igd_advset_has(r->sets[job], r->rows[k]));
        if (wanted)
            IGD_TRY(igd_dataset_read(s->data, r->x, r->rows + begin, num));
        for (int64_t k = begin; k < begin + num; k++) {
            igd_adversarial record;
            bool found = false;
            if (r->from[k] >= 0)
                continue;
            if (igd_advset_has(r->sets[job], r->rows[k]))
                IGD_TRY(igd_advset_get(r->sets[job], r->rows[k],
                                       r->x + (size_t)(k - begin) * (size_t)s->d, &record,
                                       NULL, &found));
            if (!found)
                r->missing[(*num_missing)++] = r->rows[k];
            else if (record.fooled || last)
                r->from[k] = (int8_t)job;
        }
        IGD_TRY(igd_session_tick(s));
    }
    return IGD_OK;
}

// Attacks the base model where records are missing.
static igd_status make_records(igd_session *s, const igd_attack_job *job, set_rows *r,
                               int place, int64_t num_missing)
{
    work w = {.session = s, .job = job, .set = r->sets[place]};
    const igd_engine_feed feed = {work_next, set_done, work_tick, &w, work_earlier};
    igd_status st;

    s->phase = "";
    s->done = 0;
    s->total = num_missing;
    if ((st = igd_checkpoint_open(&w.checkpoint, s, s->column, place)) == IGD_OK &&
        (st = igd_feed_init(&w.feed, s, s->views->base, r->missing, num_missing)) ==
            IGD_OK)
        st = igd_engine_run(job, s->views->base, s->batch_size, &feed);
    igd_checkpoint_free(w.checkpoint);
    igd_feed_free(&w.feed);
    return st;
}

// Hands the point of the k-th image, `x` when clean, to the judge.
static igd_status judge_point(igd_session *s, const set_rows *r, igd_judge *judge,
                              int64_t k, const float *x)
{
    const igd_views *who = s->views;
    igd_cost *cost = &s->state.costs[judge->column];
    igd_adversarial record = {0};

    assert(k < r->num);
    const int64_t row = r->rows[k];
    for (int j = 0; j <= r->from[k]; j++) {
        bool found = false;
        IGD_TRY(igd_advset_get(r->sets[j], row, x, &record,
                               j == r->from[k] ? r->x_adv : NULL, &found));
        if (!found)
            return igd_error(IGD_EIO, "%s: an adversarial set was damaged while in use",
                             s->cache);
        cost->forwards += record.forwards;
        cost->backwards += record.backwards;
        cost->bad += record.bad;
        cost->zero_grads += record.zero_grads;
        cost->stalled += record.stalled;
    }
    const bool nothing = record.is_clean && who->judged->deterministic;
    return igd_judge_add(judge, row, x, nothing ? NULL : r->x_adv,
                         record.fooled && who->judged == who->base);
}

// Hands all points to the judge.
static igd_status judge_set(igd_session *s, int column, set_rows *r, igd_judge *judge,
                            const int64_t *num_made)
{
    igd_cost *cost = &s->state.costs[column];
    int64_t from_disk = r->num;
    igd_loader *loader = NULL;
    igd_batch batch;

    for (int k = 0; k < s->plan->steps[column].num_jobs; k++)
        from_disk = from_disk < num_made[k] ? 0 : from_disk - num_made[k];
    cost->reused += from_disk;
    s->phase = " judged";
    s->done = 0;
    s->total = r->num;
    IGD_TRY(igd_loader_open(&loader, s->data, r->rows, r->num, s->batch_size));
    igd_status st = IGD_OK;
    int64_t k = 0;
    while (st == IGD_OK && (st = igd_loader_next(loader, &batch)) == IGD_OK &&
           batch.n > 0) {
        st = igd_session_tick(s);
        for (int64_t i = 0; i < batch.n && st == IGD_OK; i++, k++)
            st = judge_point(s, r, judge, k, batch.images + (size_t)i * (size_t)s->d);
    }
    igd_loader_free(loader);
    return st;
}

// Waits where another process makes the very images that are missing, until it has made
// them or is gone. *num_missing becomes what is left to be made here.
static igd_status claim_missing(igd_session *s, set_rows *r, int job, bool last,
                                int64_t *num_missing)
{
    const struct timespec moment = {.tv_nsec = 200000000};
    char who[300];
    bool mine = false, told = false;
    if (*num_missing == 0)
        return IGD_OK;
    for (;;) {
        IGD_TRY(igd_advset_claim(r->sets[job], &mine, who, sizeof(who)));
        if (mine)
            break;
        if (!told)
            igd_session_tell(s, "%s makes the same adversarial images: waiting for it",
                             who);
        told = true;
        nanosleep(&moment, NULL);
        IGD_TRY(igd_session_tick(s));
    }
    IGD_TRY(igd_advset_refresh(r->sets[job]));
    return look_up(s, r, job, last, num_missing);
}

static igd_status attack_set(igd_session *s, int column, const int64_t *rows, int64_t num)
{
    const igd_step *step = &s->plan->steps[column];
    const size_t d = (size_t)s->d, batch = (size_t)s->batch_size;
    char key[IGD_SHA256_LENGTH];
    int64_t num_made[IGD_STEP_JOBS] = {0};
    igd_judge judge = {0};
    set_rows r = {.rows = rows, .num = num};
    igd_status st;

    r.from = malloc((size_t)num);
    r.missing = malloc((size_t)num * sizeof(*r.missing));
    r.x = malloc(batch * d * sizeof(float));
    r.x_adv = malloc(d * sizeof(float));
    if (r.from == NULL || r.missing == NULL || r.x == NULL || r.x_adv == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for %lld images", (long long)num);
        goto done;
    }
    memset(r.from, -1, (size_t)num);
    for (int k = 0; k < step->num_jobs; k++) {
        const bool last = k == step->num_jobs - 1;
        if ((st = set_key(key, s, &step->jobs[k])) != IGD_OK ||
            (st = igd_advset_open(&r.sets[k], s->cache, key, s->state.flags.index, s->n,
                                  s->d)) != IGD_OK ||
            (st = look_up(s, &r, k, last, &num_made[k])) != IGD_OK ||
            (st = claim_missing(s, &r, k, last, &num_made[k])) != IGD_OK)
            goto done;
        if (num_made[k] == 0) {
            igd_advset_release(r.sets[k]);
            continue;
        }
        int64_t still = 0;
        if ((st = make_records(s, &step->jobs[k], &r, k, num_made[k])) != IGD_OK ||
            (st = look_up(s, &r, k, last, &still)) != IGD_OK)
            goto done;
        igd_advset_release(r.sets[k]);
    }
    if ((st = igd_judge_init(&judge, s, column)) != IGD_OK)
        goto done;
    st = settle(&judge, judge_set(s, column, &r, &judge, num_made));

done:
    for (int k = 0; k < step->num_jobs; k++)
        igd_advset_free(r.sets[k]);
    igd_judge_free(&judge);
    free(r.from);
    free(r.missing);
    free(r.x);
    free(r.x_adv);
    return st;
}

// --- steps

static igd_status run_step_once(igd_session *s, int column)
{
    igd_flags *t = &s->state.flags;
    const igd_step *step = &s->plan->steps[column];
    char *letters = igd_flags_column(t, column);
    int64_t *rows = calloc((size_t)s->n, sizeof(*rows)), num = 0;
    igd_status st = IGD_OK;

    if (rows == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %lld images", (long long)s->n);
    s->column = column;
    s->phase = "";
    s->accuracy_at = 0.0; // to be counted anew
    s->done = s->total = 0;
    for (int64_t i = 0; i < s->past; i++) {
        const bool wanted = letters[i] == IGD_TODO && igd_session_wants(s, column, i);
        s->done += letters[i] == IGD_ROBUST || letters[i] == IGD_FOOLED;
        if (wanted)
            rows[num++] = i;
        else if (letters[i] == IGD_TODO)
            letters[i] = IGD_SKIPPED;
    }
    s->total = s->done + num;
    if (num > 0)
        st = step->kind == IGD_STEP_GIVEN ? judge_start(s, column, rows, num)
             : igd_session_keeps(s, step) ? attack_set(s, column, rows, num)
                                          : attack_white(s, column, rows, num);
    free(rows);
    return st == IGD_OK ? igd_session_save(s) : st;
}

// A batch that is too large for the memory is made smaller: what is finished stays so.
static igd_status run_step(igd_session *s, int column)
{
    igd_status st;
    while ((st = run_step_once(s, column)) == IGD_ENOMEM)
        IGD_TRY(igd_session_halve(s));
    return st;
}

igd_status igd_cascade_attacks(igd_session *s)
{
    for (int column = 1; column < s->plan->num_steps; column++)
        IGD_TRY(run_step(s, column));
    return IGD_OK;
}
