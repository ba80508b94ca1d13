// Default settings of a base model; apart from the rest, so that who only shows them
// needs no libtorch.
#include "igdef/model.h"

#include <stddef.h>

igd_model_options igd_model_options_default(void)
{
    return (igd_model_options){
        .device = "cpu",
        .mean = NULL,
        .std = NULL,
        .num_channels = 0,
        .plain = false,
        .skip_check = false,
    };
}
