// Defaults of the defense, apart from it so that help needs no libtorch.
#include "igdef/defense.h"

igd_defense_options igd_defense_options_default(void)
{
    return (igd_defense_options){
        .keep = 50, .sigma = 4.0 / 255.0, .num_smooth = 1, .temperature = 0.01};
}
