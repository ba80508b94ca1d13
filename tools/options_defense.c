// What the options of defenses ask for, and which of them go together.
#include "options_defense.h"

#include <string.h>

defense_settings defense_defaults(void)
{
    defense_settings s = {0};
    for (const defense_row *row = defense_rows; row->options != NULL; row++)
        if (row->defaults != NULL)
            row->defaults(&s);
    return s;
}

// A given option that says something to another kind alone.
static int check_option(const char *name, const defense_row *of,
                        const defense_row *chosen)
{
    if (chosen != NULL && chosen->name == NULL)
        return cli_usage("--%s: says nothing to the defense in %s", name, chosen->given);
    if (chosen == NULL || of->kind != IGD_DEFENSE_MASK)
        return cli_usage("--%s: needs %s", name, of->given);
    return cli_usage("--%s: is of no use with %s", name, chosen->given);
}

// Options that are given and say nothing, and what is needed and is not given.
static int check_owners(const defense_settings *s)
{
    const defense_row *chosen = defense_chosen(s);
    for (const defense_row *row = defense_rows; row->options != NULL; row++) {
        if (row == chosen)
            continue;
        for (const cli_option *const *g = row->options; *g != NULL; g++)
            for (const cli_option *o = *g; o->name != NULL; o++)
                if (cli_given(o->name) && row->name == NULL)
                    return cli_usage("--%s and --defense are both given", o->name);
                else if (cli_given(o->name))
                    return check_option(o->name, row, chosen);
    }
    if (chosen != NULL && chosen->needs != NULL && defense_needed(chosen, s) == NULL)
        return cli_usage("--%s is missing: %s needs it", chosen->needs, chosen->given);
    return CLI_GO_ON;
}

static int check_mask(const defense_settings *s)
{
    static const char *const of_masks[] = {"keep", "temperature", "force"};
    static const char *const of_noise[] = {"sigma", "smooth", "smoothing"};
    if (s->ranking == NULL && s->mask.mask == IGD_MASK_RANKING)
        return cli_usage("--ranking FILE is missing; see 'igdef help rank'");
    for (int i = 0; i < 3; i++)
        if (defense_is_unmasked(s) && cli_given(of_masks[i]))
            return cli_usage("--mask none leaves nothing for --%s to set", of_masks[i]);
    for (int i = 0; i < 3; i++)
        if (defense_is_unmasked(s) && s->passes == 2 && cli_given(of_noise[i]))
            return cli_usage("--mask none: the first pass, and --%s, change nothing; "
                             "smoothing alone is --passes 1",
                             of_noise[i]);
    if (s->passes == 1 && cli_given("temperature"))
        return cli_usage("--passes 1 leaves nothing for --temperature to set");
    if (!s->smoothing && (cli_given("sigma") || cli_given("smooth")))
        return cli_usage("--no-smoothing leaves nothing for --%s to set",
                         cli_given("sigma") ? "sigma" : "smooth");
    return CLI_GO_ON;
}

int defense_check(const defense_settings *s)
{
    const defense_row *chosen = defense_chosen(s);
    const int rc = check_owners(s);
    if (rc != CLI_GO_ON || chosen == NULL || chosen->kind != IGD_DEFENSE_MASK)
        return rc;
    return check_mask(s);
}
