// igdef rank: its settings and its action.
#ifndef IGDEF_OPTIONS_RANK_H
#define IGDEF_OPTIONS_RANK_H

#include "options.h"

typedef struct rank_settings {
    common_settings common;
    input_settings in;
    const char *method;
    const char *layer;
    const char *output;
    const char *over;
    double fraction;
    bool plain;
    const char *from_units;
    const char *to_units;
    const char *compare;
    int top;

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
    bool cache;
} rank_settings;

extern const cli_command command_rank;
int cmd_rank(const void *settings); // in the engine

#endif
