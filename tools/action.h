// What the actions of the plugin share.
#ifndef IGDEF_ACTION_H
#define IGDEF_ACTION_H

#include "core.h"
#include "igdef.h"
#include "options.h"

// "igdef COMMAND: message" of the last failure. @return the exit code for its status
int action_failed(const common_settings *s, igd_status status);

// Says what an interrupted run goes on from, NULL for nothing, and the command that does.
// @return the exit code
int action_interrupted(const common_settings *s, const char *path);

// Says that options which give the images' shape are missing. @return the exit code
int action_no_shape(const common_settings *s, const char *options);

// The images that the options ask for. @param fraction of them, in (0, 1]
igd_status action_open_data(igd_dataset **out, const input_settings *in, double fraction,
                            uint64_t seed);

// Leaves this process's part of the images, and says which; all where nothing is shared.
igd_status action_take_part(igd_dataset *data, const shard_settings *s);

// Whether what is at `path` is that part; another one is not overwritten.
igd_status action_same_part(const igd_part *there, const igd_part *here,
                            const char *path);

// The preprocess of the options, or else what the model's file says, which is only for
// image files.
igd_status action_take_preprocess(igd_dataset_options *o, const input_settings *in);
// Says so where the images are prepared as the model's file asks.
void action_say_preprocess(const igd_dataset *data, const input_settings *in);

// {C, H, W} of the model's images from its file or, where that does not say, from a
// ranking (NULL for none), and says so; zeros where neither tells.
igd_status action_find_shape(int64_t shape[3], const input_settings *in,
                             const char *ranking);

// The base model with the normalisation of the options, for images of a shape {C, H, W}.
igd_status action_load_model(igd_model **out, const input_settings *in,
                             const common_settings *common, const int64_t shape[3]);

// The same for the images of a data set. Image files become grey where the model takes
// one channel.
igd_status action_load_model_for(igd_model **out, igd_dataset *data,
                                 const input_settings *in, const common_settings *common);

// Warns where a clean accuracy is near guessing; nothing for NaN.
void action_warn_chance(double accuracy, int num_classes);

// A ranking; says where its file carries no digest.
igd_status action_load_ranking(igd_ranking **out, const char *path);

// Fails with IGD_ECHECK where the model's accuracy on the test images is more than a
// hundredth off; says what it is else.
igd_status action_check_clean(const igd_model *model, const input_settings *in,
                              const common_settings *common, double expected);

// What the options of a command say to a defense beside its own.
typedef struct defense_setting {
    const input_settings *in;
    const common_settings *common;
    double
        radius; // of the Linf attacks that are defended against; NAN where there is none
} defense_setting;

// The defended model; *out is NULL where the options ask for none. @param base must
// outlive it
igd_status action_load_defense(igd_defense **out, const igd_model *base,
                               const defense_settings *d, const defense_setting *where);

// The settings of a masked defense.
igd_defense_options action_mask_options(const defense_settings *d, uint64_t seed);

// The class of the greatest logit; of equal ones, the first.
int action_best_class(const float *logits, int num_classes);

// Prints JSON, indented, with a line's end. @return IGD_OK, IGD_ENOMEM
igd_status action_print_json(const cJSON *json);

#endif
