// Owns running several evaluations one after another.
#include "analyze/series.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/series_text.h"
#include "core/error.h"
#include "core/file.h"
#include "core/folder.h"
#include "core/json.h"
#include "core/json_build.h"
#include "core/letters.h"
#include "evaluate/evaluate_impl.h"
#include "result/interval.h"
#include "result/result_impl.h"

static igd_status series_init(igd_series *s, int room)
{
    s->members = calloc((size_t)room, sizeof(*s->members));
    s->results = calloc((size_t)room, sizeof(igd_result *));
    s->room = room;
    if (s->members != NULL && s->results != NULL && s->attacks != NULL)
        return IGD_OK;
    igd_series_free(s);
    return igd_error(IGD_ENOMEM, "no memory for %d evaluations", room);
}

igd_status igd_series_grow(igd_series *s)
{
    const size_t room = 2 * (size_t)s->room, num = (size_t)s->num;
    if (s->num < s->room)
        return IGD_OK;
    igd_member *members = realloc(s->members, room * sizeof(*members));
    if (members != NULL)
        s->members = members;
    igd_result **results = realloc(s->results, room * sizeof(igd_result *));
    if (results != NULL)
        s->results = results;
    if (members == NULL || results == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %zu evaluations", room);
    memset(results + num, 0, (room - num) * sizeof(igd_result *));
    s->room = (int)room;
    return IGD_OK;
}

igd_status igd_series_init(igd_series *s, int room, const char *folder,
                           const char *attacks)
{
    *s = (igd_series){.folder = folder, .attacks = igd_series_attacks_json(attacks)};
    return series_init(s, room);
}

igd_status igd_series_init_joined(igd_series *s, int room, const igd_pieces *pieces)
{
    const cJSON *attacks;
    *s = (igd_series){.folder = pieces->folder, .pieces = pieces};
    IGD_TRY(igd_json_array(&attacks, pieces->json[0], "attacks", pieces->path[0]));
    s->attacks = cJSON_Duplicate(attacks, true);
    return series_init(s, room);
}

void igd_series_free(igd_series *s)
{
    for (int k = 0; k < s->num && s->results != NULL; k++)
        igd_result_free(s->results[k]);
    igd_series_end(s);
    cJSON_Delete(s->attacks);
    free(s->results);
    free(s->members);
    *s = (igd_series){0};
}

int igd_series_add(igd_series *s, const char *name, const igd_defense *defense,
                   const igd_evaluate_options *o)
{
    igd_member *m = &s->members[s->num];
    *m = (igd_member){.defense = defense, .options = *o, .smaller = -1};
    m->options.smaller = NULL;
    m->options.save_adversarial = NULL;
    snprintf(m->name, sizeof(m->name), "%s", name);
    snprintf(m->file, sizeof(m->file), "%s", name);
    for (char *c = m->file; *c != '\0'; c++)
        if (!igd_is_letter_or_digit(*c) && *c != '.' && *c != '_')
            *c = '-';
    return s->num++;
}

// --- one member

// What the user's callbacks are told beside what an evaluation says.
typedef struct teller {
    const igd_evaluate_options *user;
    int place, num;
    const char *name;
} teller;

static int tell_progress(const char *stage, double done, double total, void *payload)
{
    const teller *t = payload;
    char text[240];
    snprintf(text, sizeof(text), "[%d/%d] %s: %s", t->place + 1, t->num, t->name, stage);
    return t->user->progress(text, done, total, t->user->payload);
}

static void tell_message(const char *line, void *payload)
{
    const teller *t = payload;
    char text[400];
    snprintf(text, sizeof(text), "[%d/%d] %s: %s", t->place + 1, t->num, t->name, line);
    t->user->message(text, t->user->payload);
}

// "FOLDER/FILE.END", in the temporary folder where no other keeps files; owned.
static char *path_of(const igd_series *s, const igd_member *m, const char *end)
{
    char name[sizeof(m->file) + 16];
    snprintf(name, sizeof(name), "%s.%s", m->file, end);
    return igd_path_join(s->folder != NULL ? s->folder : s->temporary, name);
}

char *igd_series_points_path(const igd_series *s, int member)
{
    return path_of(s, &s->members[member], "npy");
}

static igd_status run_member(igd_series *s, int k, const igd_model *base,
                             const igd_dataset *data, const igd_start *start)
{
    const igd_member *m = &s->members[k];
    igd_evaluate_options o = m->options;
    teller t = {.user = &m->options,
                .place = k,
                .num = s->planned > 0 ? s->planned : s->num,
                .name = m->name};
    char *state = NULL, *finished = NULL, *points = NULL;
    igd_status st = IGD_OK;

    o.smaller = m->smaller >= 0 ? s->results[m->smaller] : NULL;
    o.cache = o.cache == NULL ? s->temporary : o.cache;
    o.pass_cache = s->passes;
    o.cache_all = true; // what the base model's member makes serves the others
    o.payload = &t;
    o.progress = o.progress != NULL ? tell_progress : NULL;
    o.message = o.message != NULL ? tell_message : NULL;
    if (s->folder != NULL) {
        state = path_of(s, m, "state");
        finished = path_of(s, m, "json");
        if (state == NULL || finished == NULL) {
            st = igd_error(IGD_ENOMEM, "no memory for the files of %s", m->name);
            goto done;
        }
        o.state = state;
        o.finished = finished;
    }
    if (m->keeps_points && (points = igd_series_points_path(s, k)) == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for the files of %s", m->name);
        goto done;
    }
    o.save_adversarial = points;
    st = igd_evaluate_from(&s->results[k], base, m->defense, data, &o, start);
    if (st == IGD_OK && finished != NULL &&
        (o.restart || !igd_path_exists(finished) || igd_path_exists(state))) {
        st = igd_result_save(s->results[k], finished);
        if (st == IGD_OK)
            unlink(state); // what it was for is in the result now
    }

done:
    free(state);
    free(finished);
    free(points);
    return st;
}

// Says which member failed.
static igd_status run_named(igd_series *s, int k, const igd_model *base,
                            const igd_dataset *data, const igd_start *start)
{
    const igd_status st = run_member(s, k, base, data, start);
    return st == IGD_OK || st == IGD_ECANCELED ? st
                                               : igd_error_prefix(st, s->members[k].name);
}

igd_status igd_series_begin(igd_series *s)
{
    if (s->folder != NULL)
        IGD_TRY(igd_folder_make(s->folder));
    if (s->members[0].options.cache == NULL)
        IGD_TRY(igd_folder_temporary(&s->temporary));
    return igd_pass_cache_new(&s->passes);
}

void igd_series_end(igd_series *s)
{
    igd_pass_cache_free(s->passes);
    igd_folder_remove(s->temporary);
    free(s->temporary);
    s->passes = NULL;
    s->temporary = NULL;
}

igd_status igd_series_run(igd_series *s, const igd_model *base, const igd_dataset *data)
{
    igd_status st = igd_series_begin(s);
    if (st == IGD_OK)
        st = igd_series_forecast(s, base, data);
    for (int k = 0; k < s->num && st == IGD_OK; k++)
        st = run_named(s, k, base, data, NULL);
    igd_series_end(s);
    return st;
}

igd_status igd_series_run_one(igd_series *s, int member, const igd_model *base,
                              const igd_dataset *data, const igd_start *start)
{
    if (s->folder != NULL)
        IGD_TRY(igd_folder_make(s->folder));
    else if (s->members[member].keeps_points && s->temporary == NULL)
        IGD_TRY(igd_folder_temporary(&s->temporary));
    return run_named(s, member, base, data, start);
}

// --- joined members

igd_status igd_series_join(igd_series *s, const char *name, igd_place_fn find,
                           const void *payload)
{
    const igd_evaluate_options none = {0};
    const int k = igd_series_add(s, name, NULL, &none);
    const igd_status st =
        igd_pieces_join(&s->results[k], s->pieces, s->members[k].file, find, payload);
    return st == IGD_OK ? IGD_OK : igd_error_prefix(st, name);
}

igd_status igd_series_hold(igd_analysis **a, igd_series *s, igd_sweep_numbers *numbers)
{
    igd_found found = {.sweep = numbers, .results = s->results, .num_results = s->num};
    bool whole = true;
    if (s->pieces != NULL && s->folder != NULL) {
        found.replace = s->pieces->replace;
        found.files = calloc((size_t)s->num, sizeof(*found.files));
        whole = found.files != NULL;
        for (int k = 0; k < s->num && whole; k++)
            whole = (found.files[k] = path_of(s, &s->members[k], "json")) != NULL;
    }
    igd_analysis_hold(*a, &found);
    s->results = NULL;
    if (whole)
        return IGD_OK;
    igd_analysis_free(*a);
    *a = NULL;
    return igd_error(IGD_ENOMEM, "no memory for the files of the analysis");
}

// --- what is written down

cJSON *igd_series_file_json(const igd_series *s, int member)
{
    char *path = s->folder != NULL ? path_of(s, &s->members[member], "json") : NULL;
    if (path == NULL)
        return cJSON_CreateNull();
    const char *folder = strrchr(s->folder, '/');
    cJSON *json =
        cJSON_CreateString(folder != NULL ? path + (folder - s->folder) + 1 : path);
    free(path);
    return json;
}

cJSON *igd_series_provenance(const igd_series *s, int member, const char *kind)
{
    static const char *const keys[] = {"command", "versions", "model",
                                       "data",    "defense",  "threat",
                                       "seed",    "device",   "threads"};
    cJSON *json = cJSON_CreateObject();
    igd_json_add_string(json, "format", "igdef.analysis/1");
    igd_json_add_string(json, "kind", kind);
    for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
        const cJSON *from =
            cJSON_GetObjectItemCaseSensitive(s->results[member]->provenance, keys[k]);
        igd_json_add_copy(json, keys[k], from);
    }
    return json;
}

static cJSON *interval_json(double accuracy, int64_t n)
{
    const igd_interval v = igd_interval_of((int64_t)(accuracy * (double)n + 0.5), n);
    return cJSON_CreateDoubleArray((const double[]){v.low, v.high}, 2);
}

void igd_series_add_accuracies(cJSON *object, const igd_result *r, bool attacks)
{
    const int64_t n = igd_result_num_images(r);
    igd_json_add_number(object, "clean_acc", igd_result_clean_acc(r));
    igd_json_add_number(object, "worst_acc", igd_result_worst_acc(r));
    igd_json_add_item(object, "clean_interval",
                      interval_json(igd_result_clean_acc(r), n));
    igd_json_add_item(object, "worst_interval",
                      interval_json(igd_result_worst_acc(r), n));
    cJSON *list = attacks ? igd_json_add_array(object, "attacks") : NULL;
    for (int k = 0; list != NULL && k < igd_result_num_attacks(r); k++) {
        const igd_attack_result a = igd_result_attack(r, k);
        cJSON *o = cJSON_CreateObject();
        igd_json_add_string(o, "name", a.name);
        igd_json_add_string(o, "target", a.target);
        igd_json_add_number(o, "robust_acc", a.robust_acc);
        igd_json_append(list, o);
    }
}

void igd_series_add_end(cJSON *analysis, const igd_series *s)
{
    double seconds = 0.0;
    cJSON *list = igd_json_add_array(analysis, "warnings");
    for (int k = 0; k < s->num; k++) {
        const igd_result *r = s->results[k];
        seconds += r->seconds;
        for (int w = 0; w < igd_result_num_warnings(r); w++) {
            char text[sizeof(r->warnings.item[0].text) + sizeof(s->members[0].name) + 2];
            snprintf(text, sizeof(text), "%s: %s", s->members[k].name,
                     igd_result_warning_text(r, w));
            cJSON *o = cJSON_CreateObject();
            igd_json_add_string(o, "id", igd_result_warning_id(r, w));
            igd_json_add_string(o, "text", text);
            igd_json_append(list, o);
        }
    }
    igd_json_add_number(analysis, "seconds", seconds);
}
