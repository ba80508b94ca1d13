// What the library sees of a defended model beside its public header: its settings, and
// the classifiers that an attacker may see in it.
#ifndef IGD_DEFEND_DEFENSE_IMPL_H
#define IGD_DEFEND_DEFENSE_IMPL_H

#include <cjson/cJSON.h>

#include "data/sketch.h"
#include "igdef/defense.h"
#include "igdef/evaluate.h"
#include "model/classifier.h"

// How the pseudo-label of a view comes about.
typedef enum igd_pseudo {
    IGD_PSEUDO_FIRST_PASS, // the defense as it is
    IGD_PSEUDO_LABEL       // one-hot at the class that view->label gives for the image
} igd_pseudo;

// A defended model as somebody looks at it. Zeroed but for `defense`, it is the defense
// as it is; the rest makes attacks stronger or bounds tighter, never the defense itself.
typedef struct igd_defense_view {
    const igd_defense *defense;
    bool fixed_noise; // one draw of the noise per image, whatever is asked
    igd_pass_cache
        *pass_cache; // keeps what other defenses of the base model compute as well; NULL
    bool surrogate;  // another backward pass, where igd_defense_adaptive() has one
    double surrogate_temperature; // of a pseudo-label's: gradients as if at this one
    // The rest is for defenses with a pseudo-label, igd_defense_has_pseudo_label().
    double first_pass_weight; // share of the first pass's own gradient added to the
                              // logits', so that an attack lowers both at once
    igd_pseudo pseudo;
    int (*label)(int64_t image, const void *payload); // for IGD_PSEUDO_LABEL
    const void *payload;
} igd_defense_view;

// The classifier of a view, which must outlive it.
igd_classifier igd_defense_classifier(const igd_defense_view *view);

// All that a prediction of a defense with a pseudo-label knows, side by side in a row of
// 3 C + K: logits of the first pass, pseudo-label, logits, and the row of the mask.
igd_tensor *igt_masked_parts(igd_scope *s, const igd_defense *d, const igd_tensor *x,
                             const igd_draw *draws);

// The draws [n] of images that a program predicts: keyed by `indices`, where they are
// NULL ones that were never taken before.
igd_status igd_defense_draws(igd_draw *draws, const int64_t *indices, int64_t n);

// What igd_defense_description() is the text of; borrowed.
const cJSON *igd_defense_settings_json(const igd_defense *d);

// The images that it was made on, such as its ranking's; borrowed.
const igd_sketch *igd_defense_probe(const igd_defense *d);

// Fails where the data have the names of its ranking's classes in another order.
igd_status igd_defense_check_names(const igd_defense *d, const igd_dataset *data);

// Where something is masked, else NULL: the cut and the device-side masks, [C, K] or, in
// a defense of one pass, [1, K]; borrowed.
const struct igd_cut *igd_defense_cut(const igd_defense *d);
const igd_tensor *igd_defense_mask(const igd_defense *d);

// The pseudo-label [N, C] of x, for defenses that have one; `act` and `carried` are the
// prefix of its cut at x.
struct igd_carried;
igd_tensor *igt_pseudo_label(igd_scope *s, const igd_defense *d, const igd_tensor *x,
                             const igd_draw *draws, const igd_tensor *act,
                             const struct igd_carried *carried);

#endif
