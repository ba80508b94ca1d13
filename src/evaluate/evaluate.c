// Owns an evaluation from its options to its result, on classifiers.
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/file.h"
#include "core/folder.h"
#include "core/json_build.h"
#include "core/options.h"
#include "core/require.h"
#include "core/seal.h"
#include "evaluate/cascade.h"
#include "evaluate/checkpoint.h"
#include "evaluate/checks_after.h"
#include "evaluate/checks_before.h"
#include "evaluate/control.h"
#include "evaluate/evaluate_impl.h"
#include "evaluate/images.h"
#include "evaluate/saved_images.h"
#include "evaluate/session.h"
#include "evaluate/settings.h"
#include "evaluate/stages.h"

#define CLEAN_MARGIN 0.01
#define BOUNDS_MOST_CLASSES 100

static igd_status check_options(const igd_evaluate_options *o)
{
    const double largest = 1e6;
    IGD_REQUIRE(o->attacks);
    if (igd_norm_name(o->threat.norm)[0] == '\0')
        return igd_error(IGD_EINVAL, "norm %d is none", (int)o->threat.norm);
    if (o->report != IGD_REPORT_UNION && o->report != IGD_REPORT_PER_ATTACK)
        return igd_error(IGD_EINVAL, "report %d is none", (int)o->report);
    if (o->precision != IGD_PRECISION_IEEE && o->precision != IGD_PRECISION_TF32)
        return igd_error(IGD_EINVAL, "precision %d is none", (int)o->precision);
    if (!(o->threat.eps > 0.0 && o->threat.eps <= largest))
        return igd_error(IGD_EINVAL, "eps is %g, outside 0 to %g", o->threat.eps,
                         largest);
    if (o->threat.norm == IGD_NORM_LINF && o->threat.eps > 1.0)
        return igd_error(IGD_EINVAL,
                         "eps is %g under Linf, where pixels lie in [0, 1]; is it meant "
                         "to be %g/255?",
                         o->threat.eps, o->threat.eps);
    if (o->batch_size < 1 || o->batch_size > 65536)
        return igd_error(IGD_EINVAL, "batch size is %d, outside 1 to 65536",
                         o->batch_size);
    if (!(o->save_seconds >= 0.0))
        return igd_error(IGD_EINVAL, "saving every %g seconds", o->save_seconds);
    if (o->num_draws < 1 || o->num_draws > 255)
        return igd_error(IGD_EINVAL, "draws are %d, outside 1 to 255", o->num_draws);
    if (!(o->audit >= 0.0 && o->audit <= 100.0))
        return igd_error(IGD_EINVAL, "audit is %g %%, outside 0 to 100", o->audit);
    if (!(o->surrogate_temperature > 0.0) || !(o->joint_weight > 0.0))
        return igd_error(IGD_EINVAL,
                         "surrogate temperature %g and joint weight %g must "
                         "be above 0",
                         o->surrogate_temperature, o->joint_weight);
    if (o->expect_clean > 1.0 || isnan(o->expect_clean))
        return igd_error(IGD_EINVAL, "expected clean accuracy is %g, above 1",
                         o->expect_clean);
    return igd_stages_check(o);
}

igd_status igd_evaluate_check(const igd_evaluate_options *options, bool defended,
                              igd_adaptive adaptive)
{
    IGD_REQUIRE(options);
    IGD_OPTIONS(igd_evaluate_options, o, options);
    // Lists are taken apart for a classifier; what is asked here holds for any.
    const igd_classifier any = {
        .num_classes = 10, .shape = {3, 32, 32}, .differentiable = true};
    const igd_classifier other = any;
    const igd_views who = {
        .base = &any,
        .judged = defended ? &other : &any,
        .surrogate = adaptive >= IGD_ADAPTIVE_SURROGATE ? &other : NULL,
        .joint = adaptive >= IGD_ADAPTIVE_PSEUDO_LABEL ? &other : NULL};
    igd_plan *plan = NULL;
    IGD_TRY(check_options(&o));
    IGD_TRY(igd_plan_make(&plan, &who, &o));
    free(plan);
    return IGD_OK;
}

static int by_value(const void *a, const void *b)
{
    const int64_t p = *(const int64_t *)a, q = *(const int64_t *)b;
    return (p > q) - (p < q);
}

// Labels and indices into the flags; an image may not be there twice.
static igd_status read_labels(igd_session *s)
{
    igd_flags *t = &s->state.flags;
    igd_status st = IGD_OK;

    for (int64_t i = 0; i < s->n; i++) {
        t->index[i] = igd_dataset_index(s->data, i);
        t->label[i] = igd_dataset_label(s->data, i);
    }
    int64_t *sorted = malloc((size_t)s->n * sizeof(*sorted));
    if (sorted == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %lld images", (long long)s->n);
    memcpy(sorted, t->index, (size_t)s->n * sizeof(*sorted));
    qsort(sorted, (size_t)s->n, sizeof(*sorted), by_value);
    for (int64_t i = 1; i < s->n && st == IGD_OK; i++)
        if (sorted[i] == sorted[i - 1])
            st =
                igd_error(IGD_EINVAL, "image %lld is listed twice", (long long)sorted[i]);
    free(sorted);
    return st;
}

// --- files

static igd_status open_cache(igd_session *s)
{
    const char *folder = s->options->cache;
    bool needed = false;
    for (int k = 1; k < s->plan->num_steps; k++)
        needed = needed || igd_session_keeps(s, &s->plan->steps[k]);
    if (!needed)
        return IGD_OK;
    s->cache_is_temporary = folder == NULL;
    if (folder == NULL)
        return igd_folder_temporary(&s->cache);
    s->cache = strdup(folder);
    if (s->cache == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory", folder);
    return igd_folder_make(folder);
}

// A second run on the same files would mix its images with ours.
static igd_status take_lock(igd_lock **out, const igd_session *s, const char *path)
{
    bool known = true;
    if (path == NULL)
        return IGD_OK;
    IGD_TRY(igd_file_check_writable(path));
    IGD_TRY(igd_lock_take(out, &known, path));
    if (!known)
        igd_session_tell(
            s, "%s: lies where nothing can be locked: no second run may use it", path);
    return IGD_OK;
}

// The saved images of this run; `resumed` where its state was there.
static igd_status open_saved(igd_session *s, bool resumed)
{
    const igd_evaluate_options *o = s->options;
    const igd_flags *t = &s->state.flags;
    const size_t cells = (size_t)t->num_images * (size_t)t->num_columns;
    const bool complete = memchr(t->status, IGD_TODO, cells) == NULL;
    char key[IGD_SHA256_LENGTH];
    bool sealed;
    IGD_TRY(igd_sha256_bytes(key, s->state.printed, strlen(s->state.printed)));
    const igd_images_of of = {.n = s->n,
                              .shape = igd_dataset_shape(s->data),
                              .mode = complete  ? IGD_IMAGES_COMPLETE
                                      : resumed ? IGD_IMAGES_RESUMED
                                                : IGD_IMAGES_NEW,
                              .key = o->state != NULL ? key : NULL,
                              .sum = s->state.saved,
                              .discard = o->restart};
    IGD_TRY(igd_image_file_open(&s->saved, &sealed, o->save_adversarial, &of));
    if (!sealed)
        igd_session_tell(s, "%s: its images carry no digest, as of older versions",
                         o->save_adversarial);
    // From here on the state and the images belong together.
    return igd_state_save(&s->state);
}

static igd_status open_files(igd_session *s)
{
    const igd_evaluate_options *o = s->options;
    bool resumed = o->state != NULL && igd_path_exists(o->state);

    if (resumed && o->restart) {
        if (unlink(o->state) != 0)
            return igd_error(IGD_EIO, "%s: cannot remove it: %s", o->state,
                             strerror(errno));
        igd_checkpoint_remove(o->state);
        resumed = false;
    }
    IGD_TRY(igd_state_load(&s->state));
    if (resumed && igd_checkpoint_remove_first(o->state))
        igd_session_tell(s, "%s: of an older version: images begun start again",
                         o->state);
    IGD_TRY(open_cache(s));
    return o->save_adversarial != NULL ? open_saved(s, resumed) : IGD_OK;
}

// --- the whole

static igd_status session_init(igd_session *s, char sha256[65])
{
    const igd_classifier *f = s->views->judged;

    s->n = igd_dataset_size(s->data);
    s->d = igd_classifier_pixels(f);
    s->batch_size = s->options->batch_size;
    s->C = f->num_classes;
    s->num_draws = f->deterministic ? 1 : s->options->num_draws;
    IGD_TRY(igd_images_check(s->data, f->shape, s->C, s->views->model_path));
    IGD_TRY(igd_plan_make(&s->plan, s->views, s->options));
    IGD_TRY(igd_dataset_sha256(s->data, sha256));
    return igd_stages_order(s);
}

// A result at a smaller eps says something here if nothing but eps and attacks differs.
static igd_status check_smaller(const igd_session *s, const char *data_sha256)
{
    char difference[400];
    const igd_result *smaller = s->options->smaller;
    if (smaller == NULL)
        return IGD_OK;
    cJSON *provenances[2] = {cJSON_Duplicate(smaller->provenance, true),
                             igd_settings_provenance(s, data_sha256)};
    double eps[2] = {0};
    for (int k = 0; k < 2; k++) {
        igd_settings_identify(provenances[k]);
        cJSON *threat = cJSON_GetObjectItemCaseSensitive(provenances[k], "threat");
        cJSON *settings = cJSON_GetObjectItemCaseSensitive(provenances[k], "settings");
        eps[k] = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(threat, "eps"));
        cJSON_DeleteItemFromObjectCaseSensitive(threat, "eps");
        cJSON_DeleteItemFromObjectCaseSensitive(settings, "attacks");
        cJSON_DeleteItemFromObjectCaseSensitive(settings, "smaller");
    }
    bool differ;
    IGD_TRY(igd_json_compare(&differ, difference, sizeof(difference), provenances[0],
                             provenances[1]));
    if (differ)
        return igd_error(IGD_EINVAL, "the result at a smaller eps is of another run: %s",
                         difference);
    if (!(eps[0] < eps[1]))
        return igd_error(IGD_EINVAL, "the result at a smaller eps is at %g, this is %g",
                         eps[0], eps[1]);
    return IGD_OK;
}

// Whether the defense was chosen on the images that it is judged on.
static igd_status warn_seen(igd_session *s)
{
    int64_t known = 0, of = 0;
    if (s->views->probe == NULL || s->views->probe->num == 0)
        return IGD_OK;
    IGD_TRY(igd_sketch_compare(&known, &of, s->views->probe, s->data));
    if (known > 0 && of == s->n)
        igd_warn(&s->warnings, IGD_WARN_SEEN,
                 "%lld of the %lld images are among those that the ranking was made on; "
                 "others judge it better",
                 (long long)known, (long long)of);
    else if (known > 0)
        igd_warn(&s->warnings, IGD_WARN_SEEN,
                 "of %lld images looked up, %lld are among those that the ranking was "
                 "made on; others judge it better",
                 (long long)of, (long long)known);
    return IGD_OK;
}

static igd_status clean_logits_init(igd_session *s)
{
    const size_t cells = (size_t)s->n * (size_t)s->C;
    const bool one = s->views->judged == s->views->base;
    s->judged_clean = malloc(cells * sizeof(float));
    s->base_clean = one ? s->judged_clean : malloc(cells * sizeof(float));
    if (s->judged_clean == NULL || s->base_clean == NULL)
        return igd_error(IGD_ENOMEM, "no memory for the logits of %lld images",
                         (long long)s->n);
    for (size_t k = 0; k < cells; k++)
        s->judged_clean[k] = s->base_clean[k] = NAN;
    return IGD_OK;
}

static void warn_finite(igd_session *s)
{
    const int64_t bad = s->state.costs[0].bad;
    if (bad > 0)
        igd_warn(&s->warnings, IGD_WARN_NOT_FINITE,
                 "%lld of %lld images have clean logits that are NaN or infinite; they "
                 "count as wrong",
                 (long long)bad, (long long)s->past);
}

static double clean_accuracy(const igd_session *s)
{
    int64_t hits = 0;
    for (int64_t i = 0; i < s->n; i++)
        hits += igd_flags_correct(&s->state.flags, 0, i, IGD_ONE_SHOT);
    return (double)hits / (double)s->n;
}

static igd_status check_clean(const igd_session *s, double accuracy)
{
    const double expected = s->options->expect_clean;
    if (expected >= 0.0 && fabs(accuracy - expected) > CLEAN_MARGIN + 1e-9)
        return igd_error(IGD_ECHECK,
                         "clean accuracy is %.4f where %.4f was expected: wrong data, "
                         "preprocessing or normalisation?",
                         accuracy, expected);
    return IGD_OK;
}

// Clean images are judged before the first attack where all of them are attacked at once,
// and where something is expected of their accuracy.
static igd_status clean_first(igd_session *s)
{
    s->past = s->n;
    if (s->options->order == IGD_ORDER_RANDOM && s->options->expect_clean < 0.0)
        return IGD_OK;
    IGD_TRY(igd_stages_clean(s));
    return check_clean(s, clean_accuracy(s));
}

static igd_status make_result(igd_result **out, igd_session *s, cJSON *checks,
                              const char *data_sha256)
{
    igd_result *r = calloc(1, sizeof(*r));
    const igd_cost *costs = s->state.costs;
    igd_status st = IGD_OK;

    if (r == NULL) {
        cJSON_Delete(checks);
        return igd_error(IGD_ENOMEM, "no memory for the result");
    }
    r->checks = checks;
    r->provenance = igd_settings_provenance(s, data_sha256);
    r->warnings = s->warnings;
    r->bounds = s->options->bounds;
    r->seconds = s->state.seconds;
    r->num_entries = s->plan->num_entries;
    r->entries = calloc((size_t)r->num_entries + 1, sizeof(*r->entries));
    r->class_names = calloc((size_t)s->C + 1, sizeof(*r->class_names));
    if (r->entries == NULL || r->class_names == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for the result");
        goto done;
    }
    const cJSON *name,
        *classes = cJSON_GetObjectItemCaseSensitive(
            cJSON_GetObjectItemCaseSensitive(r->provenance, "data"), "classes");
    cJSON_ArrayForEach(name, classes)
    {
        const size_t size = strlen(name->valuestring) + 1;
        char *copy = malloc(size);
        if (copy == NULL) {
            st = igd_error(IGD_ENOMEM, "no memory for the result");
            goto done;
        }
        memcpy(copy, name->valuestring, size);
        r->class_names[r->num_classes++] = copy;
    }
    for (int k = 0; k < r->num_entries; k++) {
        igd_entry *e = &r->entries[k];
        *e = s->plan->entries[k];
        for (int c = 0; c < e->num_columns && e->same_as[0] == '\0'; c++)
            igd_cost_add(&e->cost, &costs[e->columns[c]]);
    }
    if ((st = igd_stages_flags(&r->flags, s)) == IGD_OK &&
        (st = igd_stages_describe(r, s)) == IGD_OK)
        st = igd_result_finish(r);

done:
    if (st != IGD_OK) {
        igd_result_free(r);
        return st;
    }
    *out = r;
    return IGD_OK;
}

// Removes a result and its lines of images.
static igd_status discard(const char *path)
{
    char *lines = igd_result_images_path(path);
    igd_status st = lines != NULL ? IGD_OK : igd_error(IGD_ENOMEM, "%s: no memory", path);
    if (st == IGD_OK && unlink(path) != 0)
        st = igd_error(IGD_EIO, "%s: cannot remove it: %s", path, strerror(errno));
    if (st == IGD_OK && unlink(lines) != 0 && errno != ENOENT)
        st = igd_error(IGD_EIO, "%s: cannot remove it: %s", lines, strerror(errno));
    free(lines);
    return st;
}

// The result that an earlier run of the same settings left; *out stays NULL for none, and
// where images are to be saved that are not there.
static igd_status take_finished(igd_result **out, const igd_session *s,
                                const char *data_sha256)
{
    char difference[400];
    const char *path = s->options->finished;
    igd_result *r = NULL;
    igd_status st;

    if (path == NULL || !igd_path_exists(path))
        return IGD_OK;
    if (s->options->restart)
        return discard(path);
    if ((st = igd_result_load(&r, path)) != IGD_OK) {
        char why[400];
        snprintf(why, sizeof(why), "%s", igd_error_message());
        return igd_error(st, "%s; it is not overwritten without option restart", why);
    }
    if (igd_result_num_planned(r) > igd_result_num_images(r)) {
        igd_result_free(r);
        return s->options->state != NULL && igd_path_exists(s->options->state)
                   ? IGD_OK
                   : igd_error(IGD_ESTATE,
                               "%s: stopped before its end, and the state that it could "
                               "go on from is gone; option restart discards it",
                               path);
    }
    cJSON *there = cJSON_Duplicate(r->provenance, true);
    cJSON *here = igd_settings_provenance(s, data_sha256);
    igd_settings_identify(there);
    igd_settings_identify(here);
    bool differ;
    st = igd_json_compare(&differ, difference, sizeof(difference), there, here);
    if (st != IGD_OK) {
        igd_result_free(r);
        return st;
    }
    if (differ) {
        igd_result_free(r);
        return igd_error(IGD_ESTATE,
                         "%s: result of a different run: %s; option restart discards it",
                         path, difference);
    }
    if (s->options->save_adversarial != NULL &&
        !igd_path_exists(s->options->save_adversarial)) {
        igd_result_free(r);
        return IGD_OK;
    }
    if ((st = check_clean(s, igd_result_clean_acc(r))) != IGD_OK) {
        igd_result_free(r);
        return st;
    }
    igd_session_tell(s, "this run is finished; its result is shown");
    if (!r->sealed)
        igd_session_tell(s, "%s: " IGD_UNSEALED, path);
    *out = r;
    return IGD_OK;
}

static igd_status run(igd_result **out, igd_session *s)
{
    char data_sha256[65];
    cJSON *settings = NULL, *checks = NULL;
    igd_speed speed;

    IGD_TRY(session_init(s, data_sha256));
    IGD_TRY(check_smaller(s, data_sha256));
    IGD_TRY(take_lock(&s->lock, s, s->options->state));
    IGD_TRY(take_finished(out, s, data_sha256));
    if (*out != NULL)
        return IGD_OK;
    settings = igd_settings_state(s, data_sha256);
    IGD_TRY(igd_state_init(&s->state, s->options->state, settings, s->n,
                           s->plan->num_steps, s->num_draws));
    IGD_TRY(read_labels(s));
    IGD_TRY(take_lock(&s->saved_lock, s, s->options->save_adversarial));
    IGD_TRY(open_files(s));
    IGD_TRY(igd_cascade_known(s));
    IGD_TRY(clean_logits_init(s));
    s->mark = igd_now();
    IGD_TRY(igd_checks_before(s, &speed));
    IGD_TRY(clean_first(s));
    igd_images_warn(&s->warnings, s->data, s->C);
    IGD_TRY(warn_seen(s));
    igd_checks_forecast(s, &speed);
    IGD_TRY(igd_stages_run(s));
    warn_finite(s);
    s->n = igd_stages_finished(s);
    s->ending = s->options->order == IGD_ORDER_RANDOM;
    if (s->options->state != NULL && s->stop == IGD_STOP_NONE)
        igd_checkpoint_remove(s->options->state);
    IGD_TRY(igd_counts_make(&checks, s));
    if (s->planted != NULL)
        igd_json_add_item(checks, "planted", s->planted);
    s->planted = NULL;
    igd_status st = s->options->checks ? igd_control_make(checks, s) : IGD_OK;
    if (st != IGD_OK || (st = igd_saved_images_finish(s, checks)) != IGD_OK) {
        cJSON_Delete(checks);
        return st;
    }
    return make_result(out, s, checks, data_sha256);
}

igd_status igd_evaluate_views(igd_result **out, const igd_views *views,
                              const igd_dataset *data,
                              const igd_evaluate_options *options)
{
    *out = NULL;
    IGD_OPTIONS(igd_evaluate_options, effective, options);
    igd_session s = {.views = views, .data = data, .options = &effective};

    IGD_TRY(check_options(&effective));
    effective.bounds = effective.bounds && views->ceiling != NULL &&
                       views->judged->num_classes <= BOUNDS_MOST_CLASSES &&
                       strcmp(effective.attacks, "clean") != 0;
    const igd_status st = run(out, &s);
    // A failure's message outlives what follows: freeing sets none.
    if (s.cache_is_temporary)
        igd_folder_remove(s.cache);
    if (s.judged_clean != s.base_clean)
        free(s.base_clean);
    free(s.judged_clean);
    free(s.cache);
    igd_dataset_free(s.reordered);
    free(s.row_of);
    igd_image_file_free(s.saved);
    igd_lock_free(s.saved_lock);
    igd_lock_free(s.lock);
    cJSON_Delete(s.planted);
    igd_state_free(&s.state);
    free(s.plan);
    return st;
}

igd_status igd_evaluate_from(igd_result **out, const igd_model *base,
                             const igd_defense *defense, const igd_dataset *data,
                             const igd_evaluate_options *options, const igd_start *start)
{
    igd_views views;

    igd_status st = igd_views_make(&views, base, defense, data, options);
    views.start = start;
    if (st == IGD_OK)
        st = igd_evaluate_views(out, &views, data, options);
    igd_views_free(&views);
    return st;
}

igd_status igd_evaluate(igd_result **out, const igd_model *base,
                        const igd_defense *defense, const igd_dataset *data,
                        const igd_evaluate_options *options)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(base);
    IGD_REQUIRE(data);
    IGD_OPTIONS(igd_evaluate_options, o, options);
    return igd_evaluate_from(out, base, defense, data, &o, NULL);
}
