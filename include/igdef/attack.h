/**
 * @file attack.h
 * Attacks: their names, their parameters, and the threat model.
 */
#ifndef IGDEF_ATTACK_H
#define IGDEF_ATTACK_H

#include <stdbool.h>
#include <stdint.h>

#include "igdef/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How the size of a perturbation is measured, over all channels and pixels of an image.
 */
typedef enum igd_norm { IGD_NORM_LINF, IGD_NORM_L2, IGD_NORM_L1 } igd_norm;

/** "Linf", "L2" or "L1". @return borrowed, static */
const char *igd_norm_name(igd_norm norm);

/** @return IGD_OK, IGD_EINVAL with the known names */
igd_status igd_norm_parse(igd_norm *out, const char *name);

/** What an attacker may do: move an image by at most `eps` within [0, 1]. */
typedef struct igd_threat {
    igd_norm norm;
    double eps; /**< In pixel units, > 0. */
} igd_threat;

/** One parameter of an attack. */
typedef struct igd_parameter {
    const char *name; /**< Such as "steps". */
    double value;     /**< Default. */
    double min, max;  /**< Allowed range, both ends included. */
    bool integer;
    const char *help;
} igd_parameter;

/** An attack of the table. */
typedef struct igd_attack igd_attack;

/** Number of attacks in the table, and the attack at a place of it. */
int igd_attack_count(void);
const igd_attack *igd_attack_at(int i);

/** An attack by name. @return IGD_OK, IGD_EINVAL naming the nearest known name */
igd_status igd_attack_find(const igd_attack **out, const char *name);

/** Such as "apgd-ce". @return borrowed, static */
const char *igd_attack_name(const igd_attack *a);

/** One line on what it does. @return borrowed, static */
const char *igd_attack_help(const igd_attack *a);

/** Whether it works under a norm. */
bool igd_attack_has_norm(const igd_attack *a, igd_norm norm);

/** Its parameters. @return borrowed, static, [*num] */
const igd_parameter *igd_attack_parameters(const igd_attack *a, int *num);

#ifdef __cplusplus
}
#endif

#endif
