// The defense that is put on the base model, for the commands that take one.
#ifndef IGDEF_OPTIONS_DEFENSE_H
#define IGDEF_OPTIONS_DEFENSE_H

#include "cli.h"

typedef struct defense_settings {
    const char *defense; // "mask", "caaa" or "hedge"; NULL: not given
    const char *ranking;
    const char *mask; // "ranking", "random" or "none"
    int passes;       // 1 or 2
    int keep;
    double sigma;
    int smooth;
    double temperature;
    bool smoothing;
    bool force;
    int caaa_steps;
    double caaa_alpha;
    int hedge_steps;
    double hedge_step_size, hedge_eps; // hedge_eps is NAN where it was not given
    bool hedge_random_start;
    const char *defended;
} defense_settings;

// What the options ask for.
typedef enum defense_choice {
    DEFENSE_NONE,
    DEFENSE_MASK,
    DEFENSE_CAAA,
    DEFENSE_HEDGE,
    DEFENSE_FILE // --defended
} defense_choice;

// In pieces, so that a command lists those that some call of it takes.
extern const cli_option defense_kind_options[], ranked_options[], mask_options[],
    keep_options[], noise_options[], smoothing_options[], force_options[], caaa_options[],
    hedge_options[], defended_options[];

// All of them as groups of a command's table.
#define DEFENSE_GROUPS(title, offset)                                                    \
    {title, defense_kind_options, offset}, {NULL, ranked_options, offset},               \
        {NULL, mask_options, offset}, {NULL, keep_options, offset},                      \
        {NULL, noise_options, offset}, {NULL, smoothing_options, offset},                \
        {NULL, force_options, offset}, {NULL, caaa_options, offset},                     \
        {NULL, hedge_options, offset},                                                   \
    {                                                                                    \
        NULL, defended_options, offset                                                   \
    }

defense_settings defense_defaults(void);
int defense_check(const defense_settings *s);

// defense_choice.c, without anything of the command line.
defense_choice defense_chosen(const defense_settings *s);
// Whether nothing is masked.
bool defense_is_unmasked(const defense_settings *s);
// Whether a pseudo-label chooses the mask, as surrogate:NAME and joint:NAME need.
bool defense_has_pseudo_label(const defense_settings *s);
// Whether the defense draws random numbers, as --fixed-noise needs.
bool defense_is_random(const defense_settings *s);

#endif
