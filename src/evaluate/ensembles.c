// Owns the table of ensembles.
#include "evaluate/ensembles.h"

#include <string.h>

// clang-format off
// Source: Croce and Hein, ICML 2020, and the versions of its released code.
static const igd_ensemble standard = {"autoattack",
    "AutoAttack, standard version: apgd-ce, apgd-t, fab-t, square",
    {{"apgd-ce", {{0}}}, {"apgd-t", {{0}}}, {"fab-t", {{0}}}, {"square", {{0}}}}, 4};
static const igd_ensemble standard_l1 = {"autoattack",
    "AutoAttack, standard version: apgd-ce, apgd-t, fab-t, square",
    {{"apgd-ce", {{"restarts", 5}}}, {"apgd-t", {{"targets", 5}}}, {"fab-t", {{0}}},
     {"square", {{0}}}}, 4};
// Under L1 only the standard version goes through larger radii.
static const igd_ensemble plus = {"autoattack-plus",
    "AutoAttack, larger version: apgd-ce, apgd-dlr, fab, square, apgd-t, fab-t, with restarts",
    {{"apgd-ce", {{"restarts", 5}, {"large_radii", 0}}},
     {"apgd-dlr", {{"restarts", 5}, {"large_radii", 0}}}, {"fab", {{"restarts", 5}}},
     {"square", {{0}}}, {"apgd-t", {{"large_radii", 0}}}, {"fab-t", {{0}}}}, 6};
static const igd_ensemble rand_version = {"autoattack-rand",
    "AutoAttack for random classifiers: apgd-ce, apgd-dlr, with gradients over 20 draws",
    {{"apgd-ce", {{"eot", 20}, {"large_radii", 0}}},
     {"apgd-dlr", {{"eot", 20}, {"large_radii", 0}}}}, 2};

// The nine attacks of the image-wise worst case.
// Source: Kulkarni and Weng, ECCV 2024, section 4.
static const igd_ensemble worst_case = {"worst-case",
    "nine attacks: autoattack, rays, apgd-eot, and transferred apgd-ce, apgd-cw, apgd-t, autoattack, rays, apgd-eot",
    {{"autoattack", {{0}}}, {"rays", {{0}}}, {"apgd-eot", {{0}}}, {"transfer:apgd-ce", {{0}}},
     {"transfer:apgd-cw", {{0}}}, {"transfer:apgd-t", {{"targets", 3}}},
     {"transfer:autoattack", {{0}}}, {"transfer:rays", {{0}}},
     {"transfer:apgd-eot", {{0}}}}, 9};
// clang-format on

static const igd_ensemble *const all[] = {&standard, &plus, &rand_version, &worst_case};
#define NUM_ENSEMBLES ((int)(sizeof(all) / sizeof(all[0])))

const igd_ensemble *igd_ensemble_find(const char *name, igd_norm norm)
{
    for (int k = 0; k < NUM_ENSEMBLES; k++)
        if (strcmp(name, all[k]->name) == 0)
            return all[k] == &standard && norm == IGD_NORM_L1 ? &standard_l1 : all[k];
    return NULL;
}

bool igd_ensemble_is_worst_case(const igd_ensemble *e)
{
    return e == &worst_case;
}

int igd_ensemble_count(void)
{
    return NUM_ENSEMBLES;
}

const char *igd_ensemble_name(int i)
{
    return i >= 0 && i < igd_ensemble_count() ? all[i]->name : "";
}

const char *igd_ensemble_help(int i)
{
    return i >= 0 && i < igd_ensemble_count() ? all[i]->help : "";
}
