// Owns the check of images against what is to be evaluated on them.
#include "evaluate/images.h"

#include <string.h>

#include "core/error.h"
#include "model/model_impl.h"

igd_status igd_images_check(const igd_dataset *data, const int64_t shape[3],
                            int num_classes, const char *model_path)
{
    const int64_t *own = igd_dataset_shape(data), n = igd_dataset_size(data);
    if (n < 1)
        return igd_error(IGD_EINVAL, "there are no images to evaluate on");
    if (memcmp(own, shape, 3 * sizeof(*shape)) != 0)
        return igd_error(
            IGD_EINVAL,
            "the images are %lld x %lld x %lld, the model wants %lld x %lld x "
            "%lld",
            (long long)own[0], (long long)own[1], (long long)own[2], (long long)shape[0],
            (long long)shape[1], (long long)shape[2]);
    IGD_TRY(igd_dataset_check_classes(data, num_classes));
    const igd_class_names names = igd_dataset_class_names(data);
    IGD_TRY(igd_card_check_names(model_path, num_classes, &names, NULL));
    for (int64_t i = 0; i < n; i++) {
        const int label = igd_dataset_label(data, i);
        if (label < 0 || label >= num_classes)
            return igd_error(IGD_EINVAL,
                             "image %lld has the label %d; the model knows %d classes",
                             (long long)igd_dataset_index(data, i), label, num_classes);
    }
    return IGD_OK;
}

void igd_images_warn(igd_warnings *w, const igd_dataset *data, int num_classes)
{
    for (int i = 0; i < igd_dataset_num_notes(data); i++) {
        const char *id, *text = igd_dataset_note(data, i, &id);
        if (id != NULL && strcmp(id, IGD_WARN_ONE_CLASS) == 0)
            igd_warn(w, id, "%s; the model has %d classes", text, num_classes);
        else if (id != NULL)
            igd_warn(w, id, "%s", text);
    }
}
