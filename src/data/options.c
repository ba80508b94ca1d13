// Defaults of data sets, apart from the formats so that help needs nothing of them.
#include "igdef/dataset.h"

igd_dataset_options igd_dataset_options_default(void)
{
    return (igd_dataset_options){.split = "test", .preprocess = "none", .fraction = 1.0};
}
