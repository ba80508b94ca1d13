// What the kinds of defenses share: one struct, and what each kind must bring.
#ifndef IGD_DEFEND_DEFENSE_KIND_H
#define IGD_DEFEND_DEFENSE_KIND_H

#include "cut.h"
#include "defend/climb.h"
#include "defend/defense_impl.h"
#include "model/model_impl.h"

struct igd_defense {
    const igd_model *base;
    const igd_classifier *f; // the base model's
    igd_defense_kind kind;
    // Makes f, which is the base model's, that of a view.
    void (*classifier)(igd_classifier *f, const igd_defense_view *view);
    cJSON *settings; // owned
    char *json;      // owned; the same as text

    igd_defense_options options; // IGD_DEFENSE_MASK
    igd_cut *cut;                // NULL where nothing is masked, like the next three
    igd_tensor *mask;            // [C, K], or [1, K] for one pass
    char *layer;
    char method[16];  // of the ranking
    igd_sketch probe; // the images that it was made on, as far as it knows them

    igd_caaa_options caaa;   // IGD_DEFENSE_CAAA
    igd_hedge_options hedge; // IGD_DEFENSE_HEDGE
    igd_climb climb;         // of the last two
    igd_model *given;        // IGD_DEFENSE_MODEL; owned
};

// A defense without anything of its kind but its name and its classifier; owned.
// @return IGD_OK, IGD_ENOMEM
igd_status
igd_defense_begin(igd_defense **out, const igd_model *base, igd_defense_kind kind,
                  void (*classifier)(igd_classifier *f, const igd_defense_view *view));

// Ends a constructor: `settings`, its own from then on, becomes the defense's, then *out
// is the defense. On failure, `st` or another, the defense is freed and *out NULL.
igd_status igd_defense_finish(igd_defense **out, igd_defense *d, cJSON *settings,
                              igd_status st);

#endif
