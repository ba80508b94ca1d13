// How images are attacked, for the commands that evaluate.
#include "options_attack.h"

#include <string.h>

// clang-format off
static const char *const reports[] = {"union", "per-attack", NULL};
static const char *const precisions[] = {"ieee", "tf32", NULL};

const cli_option attack_options[] = {
    {'a', "attack",      CLI_TEXT, offsetof(igd_evaluate_options, attacks),
     "LIST", "attacks between commas: clean, " CLI_ATTACKS "; transfer:NAME made on the "
     "base model; own:, surrogate: and joint:NAME on a defended one; see 'igdef help "
     "attacks'", 0, 0, NULL},
    {0,   "set",         CLI_JOINED, offsetof(igd_evaluate_options, set),
     "A.P=V", "change a parameter of an attack, such as apgd-ce.steps=50; see 'igdef help "
     "apgd-ce'", 0, 0, NULL},
    {0,   "report",      CLI_ENUM, offsetof(igd_evaluate_options, report),
     NULL, "attack only what is still robust, or run every member in full", 0, 0, reports},
    {0,   "draws",       CLI_INT, offsetof(igd_evaluate_options, num_draws),
     "R", "draws of a random defense for the final judgement", 1, 255, NULL},
    {0,   "fixed-noise", CLI_FLAG, offsetof(igd_evaluate_options, fixed_noise),
     NULL, "attack and judge one fixed draw of the noise per image", 0, 0, NULL},
    {0,   "surrogate-temperature", CLI_NUMBER | CLI_POSITIVE,
     offsetof(igd_evaluate_options, surrogate_temperature),
     "T", "temperature of the gradients in surrogate:NAME", 0, 0, NULL},
    {0,   "joint-weight", CLI_NUMBER | CLI_POSITIVE, offsetof(igd_evaluate_options, joint_weight),
     "W", "share of the first pass in joint:NAME", 0, 0, NULL},
    {0,   "precision",   CLI_ENUM, offsetof(igd_evaluate_options, precision),
     NULL, "of the attacks on a CUDA device: IEEE float32, or faster by rounded factors, "
     "where what they find is judged again in IEEE float32", 0, 0, precisions},
    {0,   "allow-nonfinite", CLI_FLAG, offsetof(igd_evaluate_options, allow_nonfinite),
     NULL, "count images whose clean logits are NaN or infinite as wrong", 0, 0, NULL},
    {0},
};
// clang-format on

int attack_check(const igd_evaluate_options *o, const common_settings *common)
{
    if (o->precision == IGD_PRECISION_IEEE || strncmp(common->device, "cuda", 4) == 0)
        return CLI_GO_ON;
    return cli_usage("--precision: tf32 is of CUDA devices, --device is %s",
                     common->device);
}
