// Owns what is written down of an evaluation: which run it is, and all that decides about
// its flags.
#include "evaluate/settings.h"

#include <string.h>

#include "core/digest.h"
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
    cJSON *o = cJSON_AddObjectToObject(settings, "smaller");
    const cJSON *threat = cJSON_GetObjectItemCaseSensitive(smaller->provenance, "threat");
    cJSON_AddItemToObject(
        o, "eps", cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(threat, "eps"), true));
    // Without memory the digest is empty, and cJSON's builders fail where it matters.
    if (igd_sha256_new(&h) == IGD_OK) {
        igd_sha256_add(h, t->status, cells);
        if (t->votes != NULL)
            igd_sha256_add(h, t->votes, cells);
        if (igd_sha256_hex(h, sum) != IGD_OK)
            sum[0] = '\0';
    }
    igd_sha256_free(h);
    cJSON_AddStringToObject(o, "sha256", sum);
}

// What decides about flags and is not who or what is evaluated.
static cJSON *run_settings(const igd_session *s)
{
    const igd_evaluate_options *o = s->options;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "report",
                            o->report == IGD_REPORT_UNION ? "union" : "per-attack");
    cJSON_AddStringToObject(json, "precision",
                            o->precision == IGD_PRECISION_TF32 ? "tf32" : "ieee");
    cJSON_AddNumberToObject(json, "draws", s->num_draws);
    cJSON_AddBoolToObject(json, "fixed_noise", o->fixed_noise);
    cJSON_AddBoolToObject(json, "shortcuts", o->shortcuts);
    cJSON_AddBoolToObject(json, "checks", o->checks);
    cJSON_AddBoolToObject(json, "bounds", o->bounds);
    cJSON_AddNumberToObject(json, "audit", o->audit);
    cJSON_AddNumberToObject(json, "surrogate_temperature", o->surrogate_temperature);
    cJSON_AddNumberToObject(json, "joint_weight", o->joint_weight);
    cJSON_AddItemToObject(json, "attacks", igd_plan_json(s->plan));
    if (o->smaller != NULL)
        add_smaller(json, o->smaller);
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
    cJSON_AddStringToObject(o, "model", s->views->model_identity);
    cJSON *defense = defense_json(s);
    cJSON_DeleteItemFromObject(defense, "path"); // its digest says which file it is
    cJSON_AddItemToObject(o, "defense", defense);
    const igd_part part = igd_dataset_part(s->data);
    if (part.of > 0)
        cJSON_AddItemToObject(o, "part", igd_part_json(&part));
    cJSON_AddStringToObject(o, "data", data_sha256);
    cJSON_AddNumberToObject(o, "images", (double)s->n);
    cJSON_AddItemToObject(o, "threat", igd_threat_json(&s->options->threat));
    igd_json_add_seed(o, s->options->seed);
    cJSON *settings = run_settings(s);
    // Rows of the state are in this order.
    if (s->options->order == IGD_ORDER_RANDOM)
        cJSON_AddStringToObject(settings, "order", "random");
    const char *saved = s->options->save_adversarial;
    cJSON_AddStringToObject(settings, "save_adversarial", saved != NULL ? saved : "");
    cJSON_AddItemToObject(o, "settings", settings);
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
                              .threads = igd_num_threads()};
    cJSON *provenance = igd_provenance_json(&h);
    igd_model_card_free(card);
    cJSON_AddItemToObject(provenance, "settings", run_settings(s));
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
