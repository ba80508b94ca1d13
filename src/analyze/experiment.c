// Owns what the experiments share.
#include "analyze/experiment.h"

#include "analyze/analysis_impl.h"
#include "chart/analysis_check.h"
#include "core/error.h"
#include "core/json_build.h"
#include "defend/defense_impl.h"
#include "evaluate/images.h"
#include "evaluate/session.h"
#include "igdef/runtime.h"
#include "model/model_impl.h"
#include "result/provenance.h"

igd_status igd_experiment_check(const igd_experiment *e)
{
    const int size = e->run->batch_size;
    if (size < 1 || size > 65536)
        return igd_error(IGD_EINVAL, "batch size is %d, outside 1 to 65536", size);
    IGD_TRY(igd_images_check(e->data, igd_model_shape(e->model),
                             igd_model_num_classes(e->model), igd_model_path(e->model)));
    return e->defense != NULL ? igd_defense_check_names(e->defense, e->data) : IGD_OK;
}

igd_status igd_findings_begin(igd_findings *f, const igd_experiment *e)
{
    char data_sha256[65];

    *f = (igd_findings){.begun = igd_now()};
    IGD_TRY(igd_dataset_sha256(e->data, data_sha256));
    const igd_provenance h = {
        .command = e->run->command,
        .data_path = e->run->data_path,
        .data_split = e->run->data_split,
        .preprocess = igd_dataset_preprocess(e->data),
        .model_path = igd_model_path(e->model),
        .model_sha256 = igd_model_sha256(e->model),
        .model_identity = igd_model_identity(e->model),
        .data_sha256 = data_sha256,
        .data = e->data,
        .num_classes = igd_model_num_classes(e->model),
        .defense = e->defense != NULL ? igd_defense_settings_json(e->defense) : NULL,
        .threat = e->threat,
        .seed = e->run->seed,
        .device = igd_model_classifier(e->model)->device,
        .libtorch = igd_torch_version(),
        .blas = igd_torch_blas(),
        .cuda = igd_torch_cuda(),
        .threads = igd_num_threads()};
    f->root = cJSON_CreateObject();
    igd_json_add_string(f->root, "format", IGD_ANALYSIS_FORMAT);
    igd_json_add_string(f->root, "kind", e->kind);
    cJSON *head = igd_provenance_json(&h);
    const bool whole = igd_json_whole(head);
    while (whole && head->child != NULL) {
        cJSON *item = cJSON_DetachItemViaPointer(head, head->child);
        igd_json_add_item(f->root, item->string, item);
    }
    cJSON_Delete(head);
    if (!whole)
        return igd_error(IGD_ENOMEM, "no memory for the analysis");
    igd_images_warn(&f->warnings, e->data, igd_model_num_classes(e->model));
    return IGD_OK;
}

igd_status igd_findings_end(igd_analysis **out, igd_findings *f,
                            void (*print)(FILE *f, const void *json))
{
    cJSON *root = f->root;
    igd_json_add_item(root, "warnings", igd_warnings_json(&f->warnings));
    igd_json_add_number(root, "seconds",
                        f->seconds + (f->begun > 0.0 ? igd_now() - f->begun : 0.0));
    *f = (igd_findings){0};
    return igd_analysis_make(out, root, igd_provenance_print, print, root);
}

void igd_findings_free(igd_findings *f)
{
    cJSON_Delete(f->root);
    *f = (igd_findings){0};
}

igd_status igd_experiment_tick(const igd_analyze_run *run, const char *stage, double done,
                               double total)
{
    if (run->progress != NULL && run->progress(stage, done, total, run->payload) != 0)
        return igd_error(IGD_ECANCELED, "interrupted");
    return IGD_OK;
}
