// The line that shows progress on a terminal.
#ifndef IGDEF_PROGRESS_LINE_H
#define IGDEF_PROGRESS_LINE_H

#include <stdbool.h>

typedef struct progress_line {
    const char *stage; // what follows its commas says more about it
    double share;      // that is done, in [0, 1]
    double rate;       // units per second; 0 while it is not known
    double left;       // seconds; NAN with it
    bool colour;
} progress_line;

#define PROGRESS_LINE_MAX 1024

// The line, without its end, for a terminal of so many columns. Fills columns - 1 at
// most, so that the terminal never breaks it. What does not fit is left out, in this
// order: the bar, the rate, what the stage says more, the end, the time left.
void progress_line_text(char out[PROGRESS_LINE_MAX], const progress_line *p, int columns);

// ", 12.3/s, 0:45 left, ends 14:32"; "" while too little is known.
void progress_times_text(char *out, int size, const progress_line *p, bool rate,
                         bool end);

#endif
