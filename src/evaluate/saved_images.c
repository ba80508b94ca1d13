// Owns the last look at the images that a run saves.
#include "evaluate/saved_images.h"

#include <stdlib.h>
#include <string.h>

#include "attack/ball.h"
#include "core/error.h"
#include "core/json_build.h"
#include "core/logits.h"

// Reads every saved image back and judges it once more: within the ball and [0, 1], and
// misclassified where it should be. Images that nothing fooled are the clean ones.
static igd_status finish_saved(igd_session *s, int64_t *outside, int64_t *correct)
{
    const igd_flags *t = &s->state.flags;
    const igd_threat *threat = &s->options->threat;
    const size_t d = (size_t)s->d, C = (size_t)s->C;
    const int64_t batch = s->batch_size;
    float *x = malloc((size_t)batch * d * sizeof(float));
    float *saved = malloc((size_t)batch * d * sizeof(float));
    float *z = malloc((size_t)batch * C * sizeof(float));
    int64_t *rows = malloc((size_t)batch * sizeof(*rows));
    igd_draw *draws = malloc((size_t)batch * sizeof(*draws));
    igd_status st = IGD_OK;

    *outside = *correct = 0;
    if (x == NULL || saved == NULL || z == NULL || rows == NULL || draws == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for %lld images", (long long)batch);
        goto done;
    }
    for (int64_t begin = 0; begin < s->n; begin += batch) {
        const int64_t num = s->n - begin < batch ? s->n - begin : batch;
        for (int64_t k = 0; k < num; k++)
            rows[k] = begin + k;
        if ((st = igd_dataset_read(s->data, x, rows, num)) != IGD_OK)
            goto done;
        for (int64_t k = 0; k < num; k++) {
            const float *clean = x + (size_t)k * d;
            float *at = saved + (size_t)k * d;
            int column = 0;
            while (column < s->plan->num_main &&
                   igd_flags_column(t, column)[rows[k]] != IGD_FOOLED)
                column++;
            const bool fooled = column > 0 && column < s->plan->num_main;
            st = fooled ? igd_image_file_get(s->saved, rows[k], at)
                        : igd_image_file_put(s->saved, rows[k], clean);
            if (st != IGD_OK)
                goto done;
            if (!fooled)
                memcpy(at, clean, d * sizeof(float));
            const bool out =
                !(igd_ball_norm(at, clean, s->d, threat->norm) <= threat->eps + 1e-6);
            *outside += out;
            draws[k] = igd_session_draw(s, fooled ? column : 0, rows[k], 0);
        }
        if ((st = igd_classifier_logits(z, igd_session_judge(s), saved, num, draws)) !=
            IGD_OK)
            goto done;
        for (int64_t k = 0; k < num; k++) {
            bool robust = true;
            for (int c = 0; c < s->plan->num_main; c++)
                robust = robust && igd_flags_column(t, c)[rows[k]] != IGD_FOOLED;
            *correct +=
                !robust && igd_argmax(z + (size_t)k * C, s->C) == t->label[rows[k]];
        }
    }

done:
    free(x);
    free(saved);
    free(z);
    free(rows);
    free(draws);
    return st;
}

igd_status igd_saved_images_finish(igd_session *s, cJSON *checks)
{
    int64_t outside, correct;
    if (s->saved == NULL)
        return IGD_OK;
    IGD_TRY(finish_saved(s, &outside, &correct));
    cJSON *o = igd_json_add_object(checks, "saved");
    igd_json_add_number(o, "images", (double)s->n);
    igd_json_add_number(o, "outside_ball", (double)outside);
    igd_json_add_number(o, "classified_correctly", (double)correct);
    // Cut off from here on, the run knows its images by this.
    IGD_TRY(igd_image_file_sum(s->saved, s->state.saved));
    igd_json_add_string(o, "sha256", s->state.saved);
    IGD_TRY(igd_state_save(&s->state));
    igd_image_file *f = s->saved;
    s->saved = NULL;
    return igd_image_file_commit(f);
}
