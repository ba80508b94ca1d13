// Owns what is written down of an evaluation: which run it is, and all that decides about
// its flags.
#include "evaluate/settings.h"

#include <string.h>

#include "core/digest.h"
#include "core/json_build.h"
#include "data/part_check.h"
#include "igdef/model.h"
#include "igdef/runtime.h"
#include "result/provenance.h"

// The flags that are taken over from a smaller radius.
static void add_smaller(cJSON *settings, const igd_result *smaller)
{
    const igd_flags *t = &smaller->flags;
    const size_t cells = (size_t)t->num_images * (size_t)t->num_columns;
    char sum[IGD_SHA256_LENGTH] = "";
    igd_sha256 *h = NULL;
    cJSON *o = igd_json_add_object(settings, "smaller");
    const cJSON *threat = cJSON_GetObjectItemCaseSensitive(smaller->provenance, "threat");
    igd_json_add_copy(o, "eps", cJSON_GetObjectItemCaseSensitive(threat, "eps"));
    // Without memory the digest is empty, and cJSON's builders fail where it matters.
    if (igd_sha256_new(&h) == IGD_OK) {
        igd_sha256_add(h, t->status, cells);
        if (t->votes != NULL)
            igd_sha256_add(h, t->votes, cells);
        if (igd_sha256_hex(h, sum) != IGD_OK)
            sum[0] = '\0';
    }
    igd_sha256_free(h);
    igd_json_add_string(o, "sha256", sum);
}

// What decides about flags and is not who or what is evaluated.
static cJSON *run_settings(const igd_session *s)
{
    const igd_evaluate_options *o = s->options;
    cJSON *json = cJSON_CreateObject();
    igd_json_add_string(json, "report",
                        o->report == IGD_REPORT_UNION ? "union" : "per-attack");
    igd_json_add_string(json, "precision",
                        o->precision == IGD_PRECISION_TF32 ? "tf32" : "ieee");
    igd_json_add_number(json, "draws", s->num_draws);
    igd_json_add_bool(json, "fixed_noise", o->fixed_noise);
    igd_json_add_bool(json, "shortcuts", o->shortcuts);
    igd_json_add_bool(json, "checks", o->checks);
    igd_json_add_bool(json, "bounds", o->bounds);
    igd_json_add_number(json, "audit", o->audit);
    igd_json_add_number(json, "surrogate_temperature", o->surrogate_temperature);
    igd_json_add_number(json, "joint_weight", o->joint_weight);
    igd_json_add_item(json, "attacks", igd_plan_json(s->plan));
    if (o->smaller != NULL)
        add_smaller(json, o->smaller);
    if (s->views->start != NULL)
        igd_json_add_string(igd_json_add_object(json, "larger"), "sha256",
                            s->views->start->sha256);
    return json;
}

static cJSON *defense_json(const igd_session *s)
{
    return s->views->defense != NULL ? cJSON_Duplicate(s->views->defense, true)
                                     : cJSON_CreateNull();
}

cJSON *igd_settings_state(const igd_session *s, const char *data_sha256)
{
    cJSON *o = cJSON_CreateObject();
    igd_json_add_string(o, "model", s->views->model_identity);
    cJSON *defense = defense_json(s);
    cJSON_DeleteItemFromObject(defense, "path"); // its digest says which file it is
    igd_json_add_item(o, "defense", defense);
    const igd_part part = igd_dataset_part(s->data);
    if (part.of > 0)
        igd_json_add_item(o, "part", igd_part_json(&part));
    igd_json_add_string(o, "data", data_sha256);
    igd_json_add_number(o, "images", (double)s->n);
    igd_json_add_item(o, "threat", igd_threat_json(&s->options->threat));
    igd_json_add_seed(o, s->options->seed);
    cJSON *settings = run_settings(s);
    // Rows of the state are in this order.
    if (s->options->order == IGD_ORDER_RANDOM)
        igd_json_add_string(settings, "order", "random");
    const char *saved = s->options->save_adversarial;
    igd_json_add_string(settings, "save_adversarial", saved != NULL ? saved : "");
    igd_json_add_item(o, "settings", settings);
    return o;
}

cJSON *igd_settings_provenance(const igd_session *s, const char *data_sha256)
{
    const igd_evaluate_options *o = s->options;
    igd_model_card *card = NULL;
    // A damaged description costs the names of classes, no more.
    if (s->views->model_path != NULL)
        (void)igd_model_card_read(&card, s->views->model_path);
    const bool named = card != NULL && card->classes != NULL && card->num_classes == s->C;
    const igd_provenance h = {.command = o->command,
                              .data_path = o->data_path,
                              .data_split = o->data_split,
                              .preprocess = igd_dataset_preprocess(s->data),
                              .model_path = s->views->model_path,
                              .model_sha256 = s->views->model_sha256,
                              .model_identity = s->views->model_identity,
                              .data_sha256 = data_sha256,
                              .data = s->data,
                              .num_classes = s->C,
                              .names = named ? card->classes : NULL,
                              .defense = s->views->defense,
                              .threat = &o->threat,
                              .seed = o->seed,
                              .device = s->views->device,
                              .libtorch = igd_torch_version(),
                              .blas = igd_torch_blas(),
                              .cuda = igd_torch_cuda(),
                              .batch_size = s->batch_size,
                              .threads = igd_num_threads()};
    cJSON *provenance = igd_provenance_json(&h);
    igd_model_card_free(card);
    igd_json_add_item(provenance, "settings", run_settings(s));
    return provenance;
}

static void keep_only(cJSON *object, const char *const *keys)
{
    cJSON *item = object != NULL ? object->child : NULL;
    while (item != NULL) {
        cJSON *next = item->next;
        bool kept = false;
        for (int k = 0; keys[k] != NULL; k++)
            kept = kept || strcmp(item->string, keys[k]) == 0;
        if (!kept)
            cJSON_Delete(cJSON_DetachItemViaPointer(object, item));
        item = next;
    }
}

void igd_settings_identify(cJSON *provenance)
{
    static const char *const keys[] = {"model", "data",     "defense", "threat",
                                       "seed",  "settings", NULL};
    static const char *const of_model[] = {"identity", NULL};
    static const char *const of_data[] = {"count", "sha256", "part", "parts", NULL};
    keep_only(provenance, keys);
    keep_only(cJSON_GetObjectItemCaseSensitive(provenance, "model"), of_model);
    keep_only(cJSON_GetObjectItemCaseSensitive(provenance, "data"), of_data);
    igd_provenance_reduce(cJSON_GetObjectItemCaseSensitive(provenance, "settings"));
}
