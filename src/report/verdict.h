// What the results of a page show: each defended model against its base model, with no
// more certainty than the images and the attacks give. The page and the terminal say the
// same sentences.
#ifndef IGD_REPORT_VERDICT_H
#define IGD_REPORT_VERDICT_H

#include <stdio.h>

#include "report/input.h"

// Below this, corrected for the number of comparisons, a difference is more than chance.
#define IGD_SIGNIFICANT 0.05

// Kinds of attacks without which a defense at test time looks better than it is.
enum {
    IGD_EVIDENCE_TRANSFER = 1,  // made on the base model
    IGD_EVIDENCE_BLACK_BOX = 2, // without gradients
    IGD_EVIDENCE_ADAPTIVE = 4,  // with gradients through the whole defense
    IGD_EVIDENCE_ALL = 7
};

typedef enum igd_finding {
    IGD_FINDING_ALONE,       // a base model, or no result of its base model
    IGD_FINDING_UNPAIRED,    // the lines of images are missing
    IGD_FINDING_SPLIT,       // and so several results of one classifier stay apart
    IGD_FINDING_DIFFERENTLY, // attacked differently
    IGD_FINDING_UNATTACKED,
    IGD_FINDING_CHANCE,
    IGD_FINDING_WEAK, // more than chance, but under attacks that show nothing
    IGD_FINDING_HELPS,
    IGD_FINDING_HARMS
} igd_finding;

typedef struct igd_verdict {
    igd_finding finding;
    igd_paired paired; // of all attacks, where the two could be compared
    double corrected;  // its p for all comparisons of the page, by Holm
    int num_compared;  // on the page
    unsigned evidence; // kinds of attacks that the defended model was under
    char why[512];     // of IGD_FINDING_DIFFERENTLY
} igd_verdict;

// One for every result.
igd_status igd_verdicts_make(igd_verdict out[IGD_REPORT_MAX_RESULTS],
                             const igd_inputs *in);

// Writes what is known of result k as sentences: for the page or for the terminal.
typedef struct igd_saying {
    FILE *f;
    bool html;
    int decimals;  // of percentages
    bool *lacking; // set where there was no memory for a sentence
} igd_saying;

void igd_verdict_say(const igd_saying *to, const igd_inputs *in, const igd_verdict *v,
                     int k);

// What "worst_acc" is called on the whole page.
const char *igd_page_union_name(const igd_inputs *in);

// Multiplies each of p [num] by Holm's factors, in place; at most 1.
void igd_holm(double *p, int num);

#endif
