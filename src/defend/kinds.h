// What the kinds of defenses share: one struct, and what each kind must bring.
#ifndef IGD_DEFEND_KINDS_H
#define IGD_DEFEND_KINDS_H

#include "cut.h"
#include "defend/defense_impl.h"
#include "model/model_impl.h"

struct igd_defense {
    const igd_model *base;
    const igd_classifier *f; // the base model's
    igd_defense_kind kind;
    cJSON *settings; // owned
    char *json;      // owned; the same as text

    igd_defense_options options; // IGD_DEFENSE_MASK
    igd_cut *cut;                // NULL where nothing is masked, like the next three
    igd_tensor *mask;            // [C, K], or [1, K] for one pass
    char *layer;
    char method[16]; // of the ranking

    igd_caaa_options caaa;   // IGD_DEFENSE_CAAA
    igd_hedge_options hedge; // IGD_DEFENSE_HEDGE
    igd_model *given;        // IGD_DEFENSE_MODEL; owned
};

// A defense without anything of its kind; owned. @return IGD_OK, IGD_ENOMEM
igd_status igd_defense_begin(igd_defense **out, const igd_model *base,
                             igd_defense_kind kind);

// Ends a constructor: `settings`, its own from then on, becomes the defense's, then *out
// is the defense. On failure, `st` or another, the defense is freed and *out NULL.
igd_status igd_defense_finish(igd_defense **out, igd_defense *d, cJSON *settings,
                              igd_status st);

// The classifiers of the kinds; `f` is the base model's, to be changed.
void igd_masked_classifier(igd_classifier *f, const igd_defense_view *view); // defense.c
void igd_climbing_classifier(igd_classifier *f, const igd_defense_view *view); // climb.c

#endif
