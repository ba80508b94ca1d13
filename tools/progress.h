// What a user sees of long work, on standard error, and the way to stop it.
#ifndef IGDEF_PROGRESS_H
#define IGDEF_PROGRESS_H

#include <stdbool.h>

// Starts listening for SIGINT, SIGTERM and SIGHUP: the first asks to stop, the second
// quits. Where the library does not come back to be asked, as from a pass that never
// ends, the program quits by itself within ten seconds.
void progress_begin(const char *command, bool quiet);
// What an interrupted run goes on from, NULL for nothing, and the command that does; what
// the user is told when the program quits.
void progress_goes_on_from(const char *path, const char *resume);
// An igd_progress_fn: draws, and asks the library to stop after a signal.
int progress_report(const char *stage, double done, double total, void *payload);
// Whether a signal has asked to stop; for loops that have no callback.
bool progress_stopped(void);
// "igdef COMMAND: message", above the bar; nothing when quiet.
void progress_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
// The same once the command is done: for what stands beside no failure.
void progress_note_after(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Removes the bar.
void progress_end(void);
// The same at the end of a command; of one that was done, says what was kept for it.
void progress_finish(bool done);

#endif
