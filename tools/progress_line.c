// Owns what of the progress is said in how many columns.
#include "progress_line.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core.h"

#define BAR_MOST 24 // characters
#define BAR_LEAST 8
#define TIMES_MAX 96

// Cuts a text to so many columns, between characters.
static void cut(char *text, int columns)
{
    int num = 0;
    unsigned char *c = (unsigned char *)text;
    for (; *c != '\0'; c++) {
        num += *c < 0x80 ? 1 : *c >= 0xc0 ? 2 : 0;
        if (num > columns)
            break;
    }
    *c = '\0';
}

void progress_times_text(char *out, int size, const progress_line *p, bool rate, bool end)
{
    char speed[24] = "", left[32] = "", clock[40] = "";
    out[0] = '\0';
    if (!(p->rate > 0.0))
        return;
    if (rate)
        snprintf(speed, sizeof(speed), ", %.3g/s", p->rate);
    if (p->left < 359999.0) {
        const long s = (long)(p->left + 0.5);
        if (s >= 3600)
            snprintf(left, sizeof(left), ", %ld:%02ld:%02ld left", s / 3600, s / 60 % 60,
                     s % 60);
        else
            snprintf(left, sizeof(left), ", %ld:%02ld left", s / 60, s % 60);
    }
    if (end)
        igd_clock_ahead(clock, sizeof(clock), p->left);
    snprintf(out, (size_t)size, "%s%s%s%s", speed, left,
             clock[0] != '\0' ? ", ends " : "", clock);
}

// " [####----]"; coloured, which takes no columns.
static void bar_text(char *out, size_t size, const progress_line *p, int width)
{
    char bar[BAR_MOST + 1];
    const int full = (int)(p->share * width);
    memset(bar, '-', sizeof(bar));
    memset(bar, '#', (size_t)full);
    bar[width] = '\0';
    snprintf(out, size, " [%s%.*s%s%s]", p->colour ? "\033[32m" : "", full, bar,
             p->colour ? "\033[0m" : "", bar + full);
}

void progress_line_text(char out[PROGRESS_LINE_MAX], const progress_line *p, int columns)
{
    static const struct {
        bool whole, rate, left, end; // of the stage, of the times
    } ways[] = {{true, true, true, true},
                {true, false, true, true},
                {false, false, true, true},
                {false, false, true, false},
                {false, false, false, false}};
    char stage[256], percent[16], times[TIMES_MAX], bar[BAR_MOST + 32] = "";
    const int most = columns > 1 ? columns - 1 : 1;
    int room = -1;
    size_t way = 0;

    snprintf(percent, sizeof(percent), " %3.0f%%", floor(100.0 * p->share));
    for (; room < 0 && way < sizeof(ways) / sizeof(ways[0]); way += room < 0) {
        igd_escape(stage, sizeof(stage), p->stage, false);
        if (!ways[way].whole)
            stage[strcspn(stage, ",")] = '\0';
        times[0] = '\0';
        if (ways[way].left)
            progress_times_text(times, TIMES_MAX, p, ways[way].rate, ways[way].end);
        room = most - igd_columns(stage) - igd_columns(percent) - igd_columns(times);
    }
    if (room < 0)
        cut(stage, room + igd_columns(stage));
    const int width = room - 3 < BAR_MOST ? room - 3 : BAR_MOST; // blank and brackets
    if (way == 0 && width >= BAR_LEAST)
        bar_text(bar, sizeof(bar), p, width);
    snprintf(out, PROGRESS_LINE_MAX, "%s%s%s%s", stage, bar, percent, times);
    if (most < igd_columns(percent))
        cut(out, most);
}
