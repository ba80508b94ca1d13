// Owns the control of random classifiers.
#include "evaluate/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/json_build.h"
#include "core/logits.h"
#include "data/loader.h"

// Clean images that withstand the looks of some columns.
typedef struct tally {
    int64_t one_shot, majority, any, votes;
} tally;

typedef struct control {
    igd_session *s;
    tally *tallies;  // [num_entries + 1], all together last
    int64_t room;    // images of a batch
    uint8_t *votes;  // [num_main, room] right draws of clean images, as looked at again
    bool *first;     // [num_main, room] whether the first was
    float *x, *z;    // [room, d], [room, C]
    int64_t *which;  // [room] places in the batch
    igd_draw *draws; // [room]
} control;

static void control_free(control *c)
{
    free(c->tallies);
    free(c->votes);
    free(c->first);
    free(c->x);
    free(c->z);
    free(c->which);
    free(c->draws);
}

static igd_status control_init(control *c, igd_session *s)
{
    const size_t room = (size_t)s->batch_size;
    const size_t cells = room * (size_t)s->plan->num_main;
    *c = (control){.s = s, .room = (int64_t)room};
    c->tallies = calloc((size_t)s->plan->num_entries + 1, sizeof(*c->tallies));
    c->votes = calloc(cells, sizeof(*c->votes));
    c->first = calloc(cells, sizeof(*c->first));
    c->x = malloc(room * (size_t)s->d * sizeof(float));
    c->z = malloc(room * (size_t)s->C * sizeof(float));
    c->which = malloc(room * sizeof(*c->which));
    c->draws = malloc(room * sizeof(*c->draws));
    if (c->tallies == NULL || c->votes == NULL || c->first == NULL || c->x == NULL ||
        c->z == NULL || c->which == NULL || c->draws == NULL)
        return igd_error(IGD_ENOMEM, "no memory to look at %zu images again", room);
    return IGD_OK;
}

static bool looked(const control *c, int column, int64_t row)
{
    const char letter = igd_flags_column(&c->s->state.flags, column)[row];
    return letter == IGD_ROBUST || letter == IGD_FOOLED;
}

// As many draws of the clean images of a batch as the judge took of a column's points.
static igd_status look(control *c, int column, const igd_batch *b)
{
    igd_session *s = c->s;
    const igd_flags *t = &s->state.flags;
    char name[IGD_NAME_LENGTH + 16];
    uint8_t *votes = c->votes + column * c->room;
    int64_t num = 0;
    snprintf(name, sizeof(name), "control %s", s->plan->steps[column].name);
    for (int64_t k = 0; k < b->n; k++)
        if (looked(c, column, b->which[k])) {
            memcpy(c->x + num * s->d, b->images + k * s->d, (size_t)s->d * sizeof(float));
            c->which[num++] = k;
            votes[k] = 0;
        }
    for (int r = 0; r < t->num_draws && num > 0; r++) {
        for (int64_t i = 0; i < num; i++)
            c->draws[i] = igd_judge_draw(s->options->seed, name,
                                         t->index[b->which[c->which[i]]], r);
        IGD_TRY(igd_classifier_logits(c->z, igd_session_judge(s), c->x, num, c->draws));
        for (int64_t i = 0; i < num; i++) {
            const int64_t k = c->which[i];
            const bool right = igd_argmax(c->z + i * s->C, s->C) == t->label[b->which[k]];
            votes[k] = (uint8_t)(votes[k] + right);
            if (r == 0)
                c->first[column * c->room + k] = right;
        }
    }
    return IGD_OK;
}

static void count_image(tally *to, const control *c, const int *columns, int num,
                        int64_t k, int64_t row)
{
    const igd_flags *t = &c->s->state.flags;
    int least = t->votes[row]; // of the clean image, as it was judged
    bool first = igd_flags_correct(t, 0, row, IGD_ONE_SHOT);
    for (int i = 0; i < num; i++) {
        if (!looked(c, columns[i], row))
            continue;
        const int64_t cell = columns[i] * c->room + k;
        least = c->votes[cell] < least ? c->votes[cell] : least;
        first = first && c->first[cell];
    }
    to->one_shot += first;
    to->majority += 2 * least > t->num_draws;
    to->any += least == t->num_draws;
    to->votes += least;
}

static igd_status add_batch(control *c, const igd_batch *b)
{
    const igd_plan *p = c->s->plan;
    int all[IGD_MAX_STEPS] = {0};
    for (int column = 1; column < p->num_main; column++) {
        all[column - 1] = column;
        IGD_TRY(look(c, column, b));
    }
    for (int64_t k = 0; k < b->n; k++) {
        for (int e = 0; e < p->num_entries; e++)
            count_image(&c->tallies[e], c, p->entries[e].counts, p->entries[e].num_counts,
                        k, b->which[k]);
        count_image(&c->tallies[p->num_entries], c, all, p->num_main - 1, k, b->which[k]);
    }
    return IGD_OK;
}

static void add_json(cJSON *list, const char *name, const tally *t)
{
    cJSON *o = cJSON_CreateObject();
    igd_json_add_string(o, "attack", name);
    igd_json_add_number(o, "one_shot", (double)t->one_shot);
    igd_json_add_number(o, "majority", (double)t->majority);
    igd_json_add_number(o, "any", (double)t->any);
    igd_json_add_number(o, "votes", (double)t->votes);
    igd_json_append(list, o);
}

igd_status igd_control_make(cJSON *checks, igd_session *s)
{
    control c;
    igd_loader *loader = NULL;
    igd_batch batch;
    igd_status st = IGD_OK;

    if (s->state.flags.votes == NULL || s->plan->num_main == 1)
        return IGD_OK;
    if ((st = control_init(&c, s)) != IGD_OK)
        goto done;
    s->column = 1;
    s->phase = " and all others' looks without attack";
    s->accuracy_at = 0.0; // to be counted anew
    s->total = s->n;
    s->done = 0;
    st = igd_loader_open(&loader, s->data, NULL, s->n, s->batch_size);
    while (st == IGD_OK && (st = igd_session_tick(s)) == IGD_OK &&
           (st = igd_loader_next(loader, &batch)) == IGD_OK && batch.n > 0) {
        st = add_batch(&c, &batch);
        s->done += batch.n;
    }
    if (st != IGD_OK)
        goto done;
    cJSON *list = igd_json_add_array(checks, "control");
    for (int e = 0; e < s->plan->num_entries; e++)
        add_json(list, s->plan->entries[e].name, &c.tallies[e]);
    add_json(list, "", &c.tallies[s->plan->num_entries]);

done:
    igd_loader_free(loader);
    control_free(&c);
    return st;
}
