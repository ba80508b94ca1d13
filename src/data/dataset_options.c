// Owns the defaults of data set options; links nothing of libtorch.
#include "igdef/dataset.h"

igd_dataset_options igd_dataset_options_default(void)
{
    return (igd_dataset_options){.split = "test", .preprocess = "none", .fraction = 1.0};
}
