// Draws progress: a bar with rate and time left on a terminal, a line every 30 seconds
// elsewhere. Turns the first SIGINT, SIGTERM or SIGHUP into a wish to stop.
#include "progress.h"

#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "core.h"
#include "core/text.h"
#include "print.h"
#include "process.h"

#define PATIENCE 8        // seconds that a wish to stop may go unheard
#define BAR 24            // characters
#define REDRAW 0.1        // seconds between two bars
#define LINE_INTERVAL 30. // seconds between two lines

static volatile sig_atomic_t signals;

static struct {
    const char *command;
    char *after; // lines for the end, owned; NULL for none
    bool quiet, terminal, colour;
    bool drawn;         // a bar is on the screen
    char stage[240];    // what the numbers below belong to
    double begun;       // seconds, when the stage began
    double done_before; // units that were done then: a resumed run begins in the middle
    double shown;       // when it was last drawn
} state;

// What is said when the program quits in the middle of a pass.
static struct {
    char text[600];
    size_t length;
} farewell;

static void on_signal(int number)
{
    (void)number;
    if (signals > 0)
        _exit(CLI_INTERRUPTED);
    signals = 1;
    alarm(PATIENCE);
}

static void on_alarm(int number)
{
    (void)number;
    if (write(STDERR_FILENO, farewell.text, farewell.length) < 0)
        _exit(CLI_INTERRUPTED); // nobody to be told
    _exit(CLI_INTERRUPTED);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0';
}

void progress_begin(const char *command, bool quiet)
{
    struct sigaction action;
    const char *term = getenv("TERM");

    memset(&action, 0, sizeof(action));
    action.sa_handler = on_alarm;
    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, NULL);
    state.command = command;
    state.quiet = quiet;
    state.terminal = isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
    state.colour = state.terminal && !is_set("NO_COLOR");
    progress_goes_on_from(NULL);
    process_on_end(on_signal);
}

void progress_goes_on_from(const char *path)
{
    char shown[400] = "";
    if (path != NULL)
        igd_escape(shown, sizeof(shown), path, false);
    const int length =
        snprintf(farewell.text, sizeof(farewell.text),
                 "%sigdef %s: interrupted in the middle of a pass%s%s\n",
                 state.terminal ? "\r\033[K" : "", state.command,
                 path != NULL ? "; the same command goes on from " : "", shown);
    farewell.length = length > 0 ? (size_t)length : 0;
}

bool progress_stopped(void)
{
    if (signals != 0)
        alarm(0); // heard
    return signals != 0;
}

static void erase(void)
{
    if (state.drawn)
        fputs("\r\033[K", stderr);
    state.drawn = false;
}

void progress_end(void)
{
    erase();
    fflush(stderr);
    state.stage[0] = '\0';
}

void progress_finish(bool done)
{
    progress_end();
    if (done && state.after != NULL)
        fputs(state.after, stderr);
    free(state.after);
    state.after = NULL;
}

// "igdef COMMAND: message".
static void print_note(FILE *f, const char *format, va_list args)
{
    fprintf(f, "igdef %s: ", state.command);
    print_args(f, format, args);
    fputc('\n', f);
}

void progress_note(const char *format, ...)
{
    va_list args;
    if (state.quiet)
        return;
    erase();
    va_start(args, format);
    print_note(stderr, format, args);
    va_end(args);
}

void progress_note_after(const char *format, ...)
{
    va_list args;
    char *text = NULL;
    size_t size;
    FILE *f = state.quiet ? NULL : open_memstream(&text, &size);
    if (f == NULL)
        return;
    if (state.after != NULL)
        fputs(state.after, f);
    va_start(args, format);
    print_note(f, format, args);
    va_end(args);
    fclose(f);
    free(state.after);
    state.after = text;
}

// "12.3/s, 0:45 left", or nothing while too little is known.
static void rate_text(char *out, size_t size, double done, double total, double seconds)
{
    const double rate = seconds > 0.5 ? (done - state.done_before) / seconds : 0.0;
    out[0] = '\0';
    if (!(rate > 0.0))
        return;
    const double left = (total - done) / rate;
    if (left >= 359999.0) {
        snprintf(out, size, ", %.3g/s", rate);
        return;
    }
    const long s = (long)(left + 0.5);
    if (s >= 3600)
        snprintf(out, size, ", %.3g/s, %ld:%02ld:%02ld left", rate, s / 3600, s / 60 % 60,
                 s % 60);
    else
        snprintf(out, size, ", %.3g/s, %ld:%02ld left", rate, s / 60, s % 60);
}

static void draw_bar(double share, const char *rate)
{
    char bar[BAR + 1];
    const int full = (int)(share * BAR);
    memset(bar, '-', BAR);
    memset(bar, '#', (size_t)full);
    bar[BAR] = '\0';
    fprintf(stderr, "\r%s [%s%.*s%s%s] %3.0f%%%s\033[K", state.stage,
            state.colour ? "\033[32m" : "", full, bar, state.colour ? "\033[0m" : "",
            bar + full, floor(100.0 * share), rate);
    fflush(stderr);
    state.drawn = true;
}

int progress_report(const char *stage, double done, double total, void *payload)
{
    char rate[64];
    const double t = now();
    const double share = total > 0.0 && done < total ? done / total : 1.0;

    (void)payload;
    // What follows a comma changes within a stage.
    const bool same = strcspn(state.stage, ",") == strcspn(stage, ",") &&
                      strncmp(state.stage, stage, strcspn(stage, ",")) == 0;
    if (!same || done < state.done_before) {
        state.begun = state.shown = t;
        state.done_before = done;
    }
    snprintf(state.stage, sizeof(state.stage), "%s", stage);
    if (!state.quiet && t - state.shown >= (state.terminal ? REDRAW : LINE_INTERVAL)) {
        rate_text(rate, sizeof(rate), done, total, t - state.begun);
        if (state.terminal)
            draw_bar(share > 0.0 ? share : 0.0, rate);
        else
            fprintf(stderr, "igdef %s: %s: %.0f%%%s\n", state.command, stage,
                    floor(100.0 * share), rate); // 100 % is all of it
        state.shown = t;
    }
    return progress_stopped();
}
