// igdef rank: its settings and its action.
#ifndef IGDEF_OPTIONS_RANK_H
#define IGDEF_OPTIONS_RANK_H

#include "options.h"

// Where CD-IR gets its embeddings from, and how it compares.
typedef struct cdir_settings {
    const char *clip, *clip_image, *clip_text;
    const char *image_embeddings, *text_embeddings;
    const char *vocab;
    const char *concepts;
    const char *prompt;
    const char *similarity;
    const char *pool;
    int top_k;
    int image_size;
    int context_length;
} cdir_settings;

extern const cli_option cdir_options[];
// There must be one source of image and one of text embeddings.
int cdir_check(const cdir_settings *s);
// That no option of a method is given where it is not the chosen one.
int method_check(bool chosen, const char *method, const cli_option *options_of);

// How neurons are ranked.
typedef struct ranking_settings {
    bool allow_nonfinite;
    const char *method;
    const char *over;
    bool plain;
    cdir_settings cdir;
} ranking_settings;

extern const char *const ranking_methods[];
ranking_settings ranking_defaults(void);

typedef struct rank_settings {
    common_settings common;
    input_settings in;
    ranking_settings ranking;
    const char *layer;
    int neuron_axis; // -1: the one that the model's operations tell
    const char *output;
    double fraction;
    const char *from_units;
    const char *to_units;
    const char *compare;
    int top;
    bool cache;
    double expect_clean; // NAN: not given
    shard_settings shard;
    cli_texts merge;
} rank_settings;

extern const cli_command command_rank;
int cmd_rank(const void *settings); // in the plugin

#endif
