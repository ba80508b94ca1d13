// Options that several commands share.
#ifndef IGDEF_OPTIONS_H
#define IGDEF_OPTIONS_H

#include "cli.h"
#include "options_defense.h"

// How to compute; the first member of the settings of every command.
typedef struct common_settings {
    const char *command; // its name, for messages
    const char *line;    // as it was typed, for records; NULL before it was parsed
    const char *resume;  // what a shell takes to go on with what it began
    const char *config;
    int threads; // 0: every core
    const char *device;
    int batch_size; // 0: what common_batch_size() or the model says
    uint64_t seed;
    bool json;
    bool csv;
    bool quiet;
} common_settings;

static inline int common_batch_size(const common_settings *s)
{
    return s->batch_size > 0 ? s->batch_size : 128;
}

extern const cli_option common_options[];
common_settings common_defaults(const char *command);

// The base model, the images, and what is put between them.
typedef struct input_settings {
    const char *model;
    const char *data;
    const char *labels;
    const char *split;
    int64_t first, count;
    const char *ids;
    const char *classes;
    const char *class_order;
    bool partial;
    bool clamp_pixels;
    bool labels_unused;     // no option: said by what opens the images
    const char *preprocess; // NULL: what the model's file says, else none
    const char *output; // of a model with several; NULL: the one that looks like logits
    cli_list mean, std;
} input_settings;

extern const cli_option input_options[];
input_settings input_defaults(const char *split);
int input_check(const input_settings *s);

// Of a --merge: that nothing else is given but what is allowed, NULL-ended, and that
// there are two `what`, or a folder of them.
int merge_check(const cli_texts *parts, const cli_group *groups,
                const char *const *allowed, const char *what);

// The part of the images that this process takes.
typedef struct shard_settings {
    cli_shard shard;
    const char *clean; // a result by which parts cost the same; NULL for none
} shard_settings;

extern const cli_option shard_options[];
extern const cli_option shard_number_options[]; // without --shard-by
int shard_check(const shard_settings *s);

// The shape of an image, for commands that may run without any.
extern const cli_option shape_options[]; // one cli_list
int shape_check(const cli_list *shape);

// What an attacker may do: an igd_threat.
extern const cli_option threat_options[]; // &threat_options[1]: eps alone

#endif
