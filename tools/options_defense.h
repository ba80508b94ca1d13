// The defense that is put on the base model, for the commands that take one.
#ifndef IGDEF_OPTIONS_DEFENSE_H
#define IGDEF_OPTIONS_DEFENSE_H

#include "cli.h"
#include "igdef/defense.h"

// MeanSparse takes its statistics from images of its own.
typedef struct meansparse_settings {
    const char *data, *split, *layer;
    int64_t count;
    igd_meansparse_options options;
} meansparse_settings;

// The defenses that --defense names beside the mask, a line each: its name, which is also
// that of its settings, of its options NAME_options and of its load_NAME(), and the type
// of its settings. What else a defense says on the command line is its row. `more` is
// what X takes beside them.
#define NAMED_DEFENSES(X, more)                                                          \
    X(caaa, igd_caaa_options, more)                                                      \
    X(hedge, igd_hedge_options, more) /* eps is NAN where it was not given */            \
    X(meansparse, meansparse_settings, more)

typedef struct defense_settings {
    const char *defense; // name of a row; NULL: not given
    const char *ranking; // with these two, no other option need say which defense
    const char *defended;
    igd_defense_options mask;
    int passes;     // 1 or 2, which mask.one_pass is made of
    bool smoothing; // false: mask.sigma is to be 0
#define DEFENSE_MEMBER(name, type, more) type name;
    NAMED_DEFENSES(DEFENSE_MEMBER, )
} defense_settings;

// The options, in pieces, so that a command lists those that some call of it takes.
extern const cli_option defense_kind_options[], ranked_options[], mask_options[],
    keep_options[], noise_options[], smoothing_options[], force_options[],
    defended_options[];
#define DEFENSE_OPTIONS(name, type, more) extern const cli_option name##_options[];
NAMED_DEFENSES(DEFENSE_OPTIONS, )

// All of them as groups of a command's table; those of defenses that are no mask.
#define DEFENSE_GROUPS(title, offset)                                                    \
    {title, defense_kind_options, offset}, {NULL, ranked_options, offset},               \
        {NULL, mask_options, offset}, {NULL, keep_options, offset},                      \
        {NULL, noise_options, offset}, {NULL, smoothing_options, offset},                \
        {NULL, force_options, offset}, OTHER_DEFENSE_GROUPS(offset)
#define OTHER_DEFENSE_GROUPS(offset)                                                     \
    NAMED_DEFENSES(DEFENSE_GROUP, offset)                                                \
    {                                                                                    \
        NULL, defended_options, offset                                                   \
    }
#define DEFENSE_GROUP(name, type, offset) {NULL, name##_options, offset},

// A kind of defense on the command line.
typedef struct defense_row {
    igd_defense_kind kind;
    const char *name;                      // of --defense; NULL: `needs` alone makes it
    void (*defaults)(defense_settings *s); // sets those of its settings; NULL: zeros
    const char *given;                // what to give so that its options say something
    const cli_option *const *options; // its pieces, NULL-ended
    const char *needs;                // the option that it cannot be without; NULL
    bool (*random)(const defense_settings *s);           // draws numbers; NULL: never
    igd_adaptive (*adaptive)(const defense_settings *s); // NULL: IGD_ADAPTIVE_NONE
    const char *no_export; // why it cannot be exported; NULL: it can
    const char *compared;  // its row of igdef analyze defenses; NULL: a row per ranking
} defense_row;

// All of them, in the order of the paper's table; ended by one without options.
extern const defense_row defense_rows[];

defense_settings defense_defaults(void);
int defense_check(const defense_settings *s);

// The row that the options ask for; NULL for no defense.
const defense_row *defense_chosen(const defense_settings *s);
// What is given of the option that a row needs; NULL where it needs none, or has none.
const char *defense_needed(const defense_row *row, const defense_settings *s);
// Whether nothing is masked.
bool defense_is_unmasked(const defense_settings *s);
// What surrogate:NAME and joint:NAME find in the defense.
igd_adaptive defense_adaptive(const defense_settings *s);
// Whether the defense draws random numbers, as --fixed-noise needs.
bool defense_is_random(const defense_settings *s);

#endif
