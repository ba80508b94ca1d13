// Owns the sum of costs.
#include "result/cost.h"

void igd_cost_add(igd_cost *to, const igd_cost *from)
{
    to->forwards += from->forwards;
    to->backwards += from->backwards;
    to->seconds += from->seconds;
    to->reused += from->reused;
    to->bad += from->bad;
    to->zero_grads += from->zero_grads;
    to->stalled += from->stalled;
    to->unverified += from->unverified;
    to->outside += from->outside;
}
