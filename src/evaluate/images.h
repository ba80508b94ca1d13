// What must hold of images before anything is computed on them.
#ifndef IGD_EVALUATE_IMAGES_H
#define IGD_EVALUATE_IMAGES_H

#include "igdef/dataset.h"
#include "result/warnings.h"

// Whether there are images, of the shape and with the labels that a classifier of
// `num_classes` classes takes; `model_path` is NULL where it is from no file.
// @return IGD_OK, IGD_EINVAL, IGD_ENOMEM
igd_status igd_images_check(const igd_dataset *data, const int64_t shape[3],
                            int num_classes, const char *model_path);

// Says what may be wrong with the labels: the data set's warnings.
void igd_images_warn(igd_warnings *w, const igd_dataset *data, int num_classes);

#endif
