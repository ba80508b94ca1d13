// What reliability warnings mean and what to do about them.
#ifndef IGD_REPORT_EXPLAIN_H
#define IGD_REPORT_EXPLAIN_H

typedef struct igd_explanation {
    const char *id;
    const char *title;   // in a few words
    const char *meaning; // sentences
    const char *advice;
} igd_explanation;

// Of an id; one that says that there is none for an unknown id. Borrowed.
const igd_explanation *igd_explain(const char *id);

#endif
