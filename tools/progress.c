// Draws progress: a line that is drawn over on a terminal, one every 30 seconds
// elsewhere. Turns the first SIGINT, SIGTERM or SIGHUP into a wish to stop.
#include "progress.h"

#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "core.h"
#include "print.h"
#include "process.h"
#include "progress_line.h"

#define PATIENCE 8        // seconds that a wish to stop may go unheard
#define COLUMNS 80        // of a terminal that does not say
#define REDRAW 0.1        // seconds between two bars
#define LINE_INTERVAL 30. // seconds between two lines
#define KNOWN_AFTER 0.5   // seconds after which a rate means something

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

// What is said when the program quits in the middle of a pass: `brief` of its characters
// where nothing was saved yet. Owned until the end.
static struct {
    char *text;
    size_t brief, length;
    const char *path; // where a run goes on from, behind the text; NULL for none
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
    const bool saved = farewell.path != NULL && access(farewell.path, F_OK) == 0;
    if (write(STDERR_FILENO, farewell.text, saved ? farewell.length : farewell.brief) <
            0 ||
        write(STDERR_FILENO, "\n", 1) < 0)
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
    progress_goes_on_from(NULL, NULL);
    process_on_end(on_signal);
}

void progress_goes_on_from(const char *path, const char *resume)
{
    size_t size = 0, length;
    char *text = NULL;
    long brief;
    FILE *f = open_memstream(&text, &size);
    if (f == NULL)
        return;
    fprintf(f, "%sigdef %s: interrupted in the middle of a pass",
            state.terminal ? "\r\033[K" : "", state.command);
    brief = ftell(f);
    if (path != NULL) {
        fputs("; to go on from ", f);
        print_safe(f, path);
        fprintf(f, ":\n  %s%c%s", resume, '\0', path);
    }
    if (fclose(f) != 0 || brief < 0)
        return;
    length = strlen(text);
    char *before = farewell.text;
    farewell.path = NULL; // a signal may come between any two
    farewell.brief = farewell.length = 0;
    farewell.text = text;
    farewell.brief = (size_t)brief;
    farewell.length = length;
    farewell.path = path != NULL ? text + length + 1 : NULL;
    free(before);
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
    print_line(f, format, args);
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

// Of the terminal, which may have been resized since the last line.
static int columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                           : COLUMNS;
}

static void draw(const progress_line *line)
{
    char text[PROGRESS_LINE_MAX];
    progress_line_text(text, line, columns());
    fprintf(stderr, "\r%s\033[K", text);
    fflush(stderr);
    state.drawn = true;
}

int progress_report(const char *stage, double done, double total, void *payload)
{
    char times[96];
    const double t = now();
    progress_line line = {.stage = state.stage, .colour = state.colour, .left = NAN};

    (void)payload;
    // What follows a comma changes within a stage.
    const bool same = strcspn(state.stage, ",") == strcspn(stage, ",") &&
                      strncmp(state.stage, stage, strcspn(stage, ",")) == 0;
    if (!same || done < state.done_before) {
        state.begun = state.shown = t;
        state.done_before = done;
    }
    snprintf(state.stage, sizeof(state.stage), "%s", stage);
    if (state.quiet || t - state.shown < (state.terminal ? REDRAW : LINE_INTERVAL))
        return progress_stopped();
    line.share = total > 0.0 && done < total ? fmax(0.0, done / total) : 1.0;
    if (t - state.begun > KNOWN_AFTER && done > state.done_before) {
        line.rate = (done - state.done_before) / (t - state.begun);
        line.left = fmax(0.0, total - done) / line.rate;
    }
    progress_times_text(times, sizeof(times), &line, true, true);
    if (state.terminal)
        draw(&line);
    else
        fprintf(stderr, "igdef %s: %s: %.0f%%%s\n", state.command, stage,
                floor(100.0 * line.share), times); // 100 % is all of it
    state.shown = t;
    return progress_stopped();
}
