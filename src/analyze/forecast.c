// Owns the forecast of what a series costs.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/series.h"
#include "core/error.h"
#include "core/number.h"
#include "defend/defense_impl.h"
#include "evaluate/plan.h"
#include "model/model_impl.h"

// Passes of the base network for one image.
typedef struct passes {
    double forwards, backwards;
} passes;

// What the base model is attacked with, as text: such a run is made once.
typedef struct seen {
    char **run; // owned [num]
    int num;
} seen;

static igd_status see(seen *s, const igd_attack_job *job, bool *fresh)
{
    cJSON *json = igd_job_json(job);
    char *text = igd_json_text(json, false);
    char **more = realloc(s->run, ((size_t)s->num + 1) * sizeof(char *));
    cJSON_Delete(json);
    if (more != NULL)
        s->run = more;
    if (text == NULL || more == NULL) {
        cJSON_free(text);
        return igd_error(IGD_ENOMEM, "no memory for the forecast");
    }
    *fresh = true;
    for (int k = 0; k < s->num; k++)
        *fresh = *fresh && strcmp(s->run[k], text) != 0;
    if (*fresh)
        s->run[s->num++] = text;
    else
        cJSON_free(text);
    return IGD_OK;
}

static igd_status add_step(passes *sum, seen *made, const igd_step *step,
                           const igd_views *who, const igd_defense *defense)
{
    int forwards = 1, backwards = 0;
    const bool on_base = igd_step_attacked(step, who) == who->base;
    if (!on_base)
        igd_defense_passes(defense, &forwards, &backwards);
    for (int j = 0; j < step->num_jobs; j++) {
        double f, b;
        bool fresh = true;
        if (on_base)
            IGD_TRY(see(made, &step->jobs[j], &fresh));
        if (!fresh)
            continue;
        igd_attack_job_passes(&step->jobs[j], &f, &b);
        sum->forwards += f * forwards;
        sum->backwards += f * backwards + b * (on_base ? 1 : who->judged->num_passes);
    }
    return IGD_OK;
}

static igd_status add_member(passes *sum, seen *made, const igd_member *m,
                             const igd_model *base)
{
    const igd_classifier *f = igd_model_classifier(base);
    const igd_defense_view view = {.defense = m->defense,
                                   .fixed_noise = m->options.fixed_noise};
    igd_classifier judged;
    igd_views who = {.base = f, .judged = f};
    igd_plan *plan = NULL;
    igd_status st = IGD_OK;

    if (m->defense != NULL) {
        judged = igd_defense_classifier(&view);
        who.judged = &judged;
        const igd_adaptive adaptive = igd_defense_adaptive(m->defense);
        who.surrogate = adaptive >= IGD_ADAPTIVE_SURROGATE ? &judged : NULL;
        who.joint = adaptive >= IGD_ADAPTIVE_PSEUDO_LABEL ? &judged : NULL;
    }
    IGD_TRY(igd_plan_make(&plan, &who, &m->options));
    for (int k = 1; k < plan->num_main && st == IGD_OK; k++)
        st = add_step(sum, made, &plan->steps[k], &who, m->defense);
    free(plan);
    return st;
}

igd_status igd_series_forecast(const igd_series *s, const igd_model *base,
                               const igd_dataset *data)
{
    const igd_evaluate_options *o = &s->members[0].options;
    const double n = (double)igd_dataset_size(data);
    char text[200];
    passes sum = {0};
    seen made = {0};
    igd_status st = IGD_OK;

    if (o->message == NULL)
        return IGD_OK;
    for (int k = 0; k < s->num && st == IGD_OK; k++)
        st = add_member(&sum, &made, &s->members[k], base);
    for (int k = 0; k < made.num; k++)
        cJSON_free(made.run[k]);
    free(made.run);
    if (st != IGD_OK || sum.forwards <= 0.0)
        return st;
    igd_format(
        text, sizeof(text),
        "%d evaluations: at most %.3g forward and %.3g backward passes of one image "
        "through the base network, if no image falls early",
        s->num, n * sum.forwards, n * sum.backwards);
    o->message(text, o->payload);
    return IGD_OK;
}
