// What tests see of an evaluation beside its public header.
#ifndef IGD_EVALUATE_EVALUATE_IMPL_H
#define IGD_EVALUATE_EVALUATE_IMPL_H

#include "evaluate/views.h"

// igd_evaluate() on classifiers.
igd_status igd_evaluate_views(igd_result **out, const igd_views *views,
                              const igd_dataset *data,
                              const igd_evaluate_options *options);

#endif
