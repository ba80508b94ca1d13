// Owns the check of a base model before long work: its accuracy on the test images, which
// is what is published.
#include <math.h>
#include <stdlib.h>

#include "action.h"
#include "progress.h"

#define MARGIN 0.01 // of the accuracy, as that of igdef eval

static igd_status count_hits(int64_t *hits, const igd_model *model,
                             const igd_dataset *data, int batch_size)
{
    const int64_t *shape = igd_dataset_shape(data);
    const int64_t num = igd_dataset_size(data);
    const size_t room = (size_t)(num < batch_size ? num : batch_size);
    const size_t pixels = (size_t)(shape[0] * shape[1] * shape[2]);
    const int C = igd_model_num_classes(model);
    float *images = malloc(room * pixels * sizeof(float));    // [room, C, H, W]
    float *logits = malloc(room * (size_t)C * sizeof(float)); // [room, C]
    int64_t *which = malloc(room * sizeof(int64_t));          // [room]
    igd_status st = IGD_OK;

    *hits = 0;
    if (images == NULL || logits == NULL || which == NULL)
        st = igd_error(IGD_ENOMEM, "no memory for %zu images", room);
    for (int64_t i = 0; i < num && st == IGD_OK; i += (int64_t)room) {
        const int64_t left = num - i;
        const int64_t n = left < (int64_t)room ? left : (int64_t)room;
        if (progress_report("check", (double)i, (double)num, NULL) != 0) {
            st = igd_error(IGD_ECANCELED, "interrupted");
            break;
        }
        for (int64_t j = 0; j < n; j++)
            which[j] = i + j;
        if ((st = igd_dataset_read(data, images, which, n)) != IGD_OK ||
            (st = igd_model_predict(logits, model, images, n)) != IGD_OK)
            break;
        for (int64_t j = 0; j < n; j++)
            *hits +=
                action_best_class(logits + j * C, C) == igd_dataset_label(data, which[j]);
    }
    free(images);
    free(logits);
    free(which);
    return st;
}

igd_status action_check_clean(const igd_model *model, const input_settings *in,
                              const common_settings *common, double expected)
{
    input_settings test = *in;
    igd_dataset *data = NULL;
    int64_t hits = 0;
    test.split = "test";
    test.ids = NULL;
    test.first = test.count = 0;
    IGD_TRY(action_open_data(&data, &test, 1.0, 0));
    const int64_t num = igd_dataset_size(data);
    igd_status st = igd_dataset_set_channels(data, (int)igd_model_shape(model)[0]);
    if (st == IGD_OK)
        st = count_hits(&hits, model, data, common_batch_size(common));
    igd_dataset_free(data);
    if (st != IGD_OK)
        return st;
    const double accuracy = (double)hits / (double)num;
    if (fabs(accuracy - expected) > MARGIN + 1e-9)
        return igd_error(IGD_ECHECK,
                         "clean accuracy is %.4f on %lld test images where %.4f was "
                         "expected: wrong data, preprocessing or normalisation?",
                         accuracy, (long long)num, expected);
    progress_note("clean accuracy is %.4f on %lld test images", accuracy, (long long)num);
    return IGD_OK;
}
