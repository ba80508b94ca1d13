// Defaults of the ranking methods, apart from them so that help needs no libtorch.
#include "igdef/ranking.h"

igd_loir_options igd_loir_options_default(void)
{
    return (igd_loir_options){.batch_size = 128};
}
