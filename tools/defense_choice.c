// Owns what the options of defenses ask for; the front end and the plugin both link it.
#include <string.h>

#include "options_defense.h"

defense_choice defense_chosen(const defense_settings *s)
{
    if (s->defended != NULL)
        return DEFENSE_FILE;
    if (s->defense != NULL)
        return strcmp(s->defense, "caaa") == 0    ? DEFENSE_CAAA
               : strcmp(s->defense, "hedge") == 0 ? DEFENSE_HEDGE
                                                  : DEFENSE_MASK;
    return s->ranking != NULL || strcmp(s->mask, "ranking") != 0 ? DEFENSE_MASK
                                                                 : DEFENSE_NONE;
}

bool defense_is_unmasked(const defense_settings *s)
{
    return strcmp(s->mask, "none") == 0;
}

bool defense_has_pseudo_label(const defense_settings *s)
{
    return defense_chosen(s) == DEFENSE_MASK && !defense_is_unmasked(s) && s->passes == 2;
}

bool defense_is_random(const defense_settings *s)
{
    switch (defense_chosen(s)) {
    case DEFENSE_MASK:
        return s->smoothing && s->sigma > 0.0 &&
               !(defense_is_unmasked(s) && s->passes == 2);
    case DEFENSE_HEDGE:
        return s->hedge_random_start;
    default:
        return false;
    }
}
