// Owns the table of attacks.
#include "attack/attack_impl.h"

#include <string.h>

#include "core/nearest.h"
#include "core/require.h"

static const igd_attack *const table[] = {
    &igd_attack_fgsm,     &igd_attack_pgd,     &igd_attack_gama_pgd, &igd_attack_apgd_ce,
    &igd_attack_apgd_dlr, &igd_attack_apgd_cw, &igd_attack_apgd_t,   &igd_attack_apgd_pma,
    &igd_attack_apgd_eot, &igd_attack_malt,    &igd_attack_fab,      &igd_attack_fab_t,
    &igd_attack_square,   &igd_attack_rays,
};
#define NUM_ATTACKS ((int)(sizeof(table) / sizeof(table[0])))

int igd_attack_count(void)
{
    return NUM_ATTACKS;
}

const igd_attack *igd_attack_at(int i)
{
    if (i < 0 || i >= igd_attack_count())
        return NULL;
    return i >= 0 && i < NUM_ATTACKS ? table[i] : NULL;
}

igd_status igd_attack_find(const igd_attack **out, const char *name)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(name);
    const char *names[NUM_ATTACKS];

    for (int i = 0; i < NUM_ATTACKS; i++) {
        names[i] = table[i]->name;
        if (strcmp(name, names[i]) == 0) {
            *out = table[i];
            return IGD_OK;
        }
    }
    return igd_unknown("attack", name, names, NUM_ATTACKS);
}

const char *igd_attack_name(const igd_attack *a)
{
    return a != NULL ? a->name : "";
}

const char *igd_attack_help(const igd_attack *a)
{
    return a != NULL ? a->help : "";
}

bool igd_attack_has_norm(const igd_attack *a, igd_norm norm)
{
    if (a == NULL || igd_norm_name(norm)[0] == '\0')
        return false;
    return (a->norms & 1u << norm) != 0;
}

const igd_parameter *igd_attack_parameters(const igd_attack *a, int *num)
{
    if (num != NULL)
        *num = 0;
    if (a == NULL || num == NULL)
        return NULL;
    *num = a->num_parameters;
    return a->parameters;
}
