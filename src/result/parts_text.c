// Owns how the parts of a divided run are shown.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/json_build.h"
#include "core/number.h"
#include "core/text.h"
#include "result/interval.h"
#include "result/parts_impl.h"

#define FORMAT "igdef.progress/1"
#define NUM_STATES (IGD_PART_FINISHED + 1)

static const char *const state_names[NUM_STATES] = {"not begun", "running", "stopped",
                                                    "finished"};

// Of all parts together.
typedef struct sums {
    int64_t parts[NUM_STATES];
    int64_t images, done, known, robust;
    double longest; // seconds left of the parts that are running
    double idle;    // of those that are not, together
    int lacking;    // step that a part needs and none has done; 0 for none
} sums;

static sums sum_up(const igd_parts *all)
{
    sums s = {.images = all->whole};
    for (int64_t k = 0; k < all->num; k++) {
        const igd_parts_file *p = &all->files[k];
        s.parts[p->seen.state]++;
        s.done += p->seen.num_done;
        s.known += p->seen.num_known;
        s.robust += p->seen.num_robust;
        if (all->of == 0 && p->seen.num_images > 0)
            s.images += p->seen.num_images;
        if (p->lacking > 0 && (s.lacking == 0 || p->lacking < s.lacking))
            s.lacking = p->lacking;
        if (p->seen.state == IGD_PART_RUNNING)
            s.longest = fmax(s.longest, p->least);
        if (p->seen.state == IGD_PART_STOPPED)
            s.idle += p->least;
    }
    // Files that do not say which part they are may be any of those not seen.
    const int64_t seen = all->num < all->of ? all->num : all->of;
    s.parts[IGD_PART_ABSENT] = all->of - seen;
    s.idle += all->absent_least;
    if (all->absent_lacking > 0 && (s.lacking == 0 || all->absent_lacking < s.lacking))
        s.lacking = all->absent_lacking;
    return s;
}

static void time_text(char *out, size_t size, double seconds)
{
    const long long s = (long long)(seconds + 0.5);
    if (s >= 3600)
        snprintf(out, size, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, size, "%lld:%02lld", s / 60, s % 60);
}

// --- the table

static void print_row(FILE *f, const char *part, const igd_part_progress *p, double least)
{
    char images[48] = "", robust[16] = "", left[32] = "", number[24], line[160];
    if (p->num_images >= 0)
        snprintf(images, sizeof(images), "%lld of %lld", (long long)p->num_done,
                 (long long)p->num_images);
    if (p->num_known > 0)
        igd_format(robust, sizeof(robust), "%.2f %%",
                   100.0 * (double)p->num_robust / (double)p->num_known);
    if (p->state != IGD_PART_FINISHED && p->step[0] != '\0') {
        time_text(number, sizeof(number), least);
        snprintf(left, sizeof(left), "%s%s", isnan(p->seconds_left) ? "> " : "", number);
    }
    char step[24];
    igd_escape(step, sizeof(step), p->step, false);
    int length = snprintf(line, sizeof(line), "%-13.13s %-9s %17s %9s %13s  %s", part,
                          state_names[p->state], images, robust, left, step);
    while (length > 0 && line[length - 1] == ' ')
        length--;
    fprintf(f, "%.*s\n", length, line);
}

// Neighbours that are finished, or not begun, share a line. @return how many they are
static int64_t together(const igd_parts *all, int64_t k, igd_part_progress *line)
{
    int64_t num = 1;
    *line = igd_parts_get(all, k);
    if (line->state != IGD_PART_FINISHED && line->state != IGD_PART_ABSENT)
        return 1;
    for (; k + num < all->of; num++) {
        const igd_part_progress next = igd_parts_get(all, k + num);
        if (next.state != line->state)
            break;
        if (next.state == IGD_PART_ABSENT)
            continue;
        line->num_images += next.num_images;
        line->num_done += next.num_done;
        line->num_known += next.num_known;
        line->num_robust += next.num_robust;
    }
    return num;
}

static void print_table(FILE *f, const igd_parts *all)
{
    fprintf(f, "%-13s %-9s %17s %9s %13s  %s\n", "part", "", "images done", "robust",
            "time left", "step");
    const igd_parts_file *file = all->files; // of the line's first part
    for (int64_t k = 0; k < igd_parts_count(all);) {
        char part[60];
        igd_part_progress line;
        const int64_t num = together(all, k, &line);
        const char *slash = strrchr(line.path, '/');
        if (k >= all->of)
            igd_escape(part, sizeof(part), slash != NULL ? slash + 1 : line.path, false);
        else if (num > 1)
            snprintf(part, sizeof(part), "%lld-%lld", (long long)k,
                     (long long)(k + num - 1));
        else
            snprintf(part, sizeof(part), "%lld", (long long)k);
        const bool there = line.state != IGD_PART_ABSENT;
        print_row(f, part, &line, there ? file->least : 0.0);
        file += there ? num : 0;
        k += num;
    }
}

// --- sentences

static void print_states(FILE *f, const igd_parts *all, const sums *s)
{
    static const igd_part_state order[] = {IGD_PART_FINISHED, IGD_PART_RUNNING,
                                           IGD_PART_STOPPED, IGD_PART_ABSENT};
    fprintf(f, "\n%lld parts:", (long long)(all->of > 0 ? all->of : all->num));
    const char *between = " ";
    for (int k = 0; k < NUM_STATES; k++)
        if (s->parts[order[k]] > 0) {
            fprintf(f, "%s%lld %s", between, (long long)s->parts[order[k]],
                    state_names[order[k]]);
            between = ", ";
        }
    fputc('\n', f);
    for (int64_t k = 0; k < all->num; k++) {
        const igd_parts_file *p = &all->files[k];
        char path[240];
        if (p->seen.state != IGD_PART_STOPPED)
            continue;
        igd_escape(path, sizeof(path), p->path, false);
        fprintf(f, "%s: nobody works on it; its command goes on\n", path);
    }
}

static void print_accuracy(FILE *f, const sums *s)
{
    if (s->known == 0)
        return;
    const igd_interval v = igd_interval_of(s->robust, s->known);
    igd_print(f,
              "%.2f %% of %lld images are correct so far, 95 %% interval %.2f to %.2f "
              "%%\n",
              100.0 * (double)s->robust / (double)s->known, (long long)s->known,
              100.0 * v.low, 100.0 * v.high);
    if (s->done < s->known)
        fprintf(f, "%lld of them are still to be attacked\n",
                (long long)(s->known - s->done));
}

static void print_left(FILE *f, const igd_parts *all, const sums *s)
{
    char running[32], idle[32];
    const char *least = s->lacking > 0 ? "at least " : "";
    time_text(running, sizeof(running), s->longest);
    time_text(idle, sizeof(idle), s->idle);
    if (s->parts[IGD_PART_RUNNING] > 0)
        fprintf(f, "time left: %s%s for the parts that run\n", least, running);
    if (s->parts[IGD_PART_STOPPED] + s->parts[IGD_PART_ABSENT] > 0)
        fprintf(f, "parts that nobody works on: %s%s of work\n", least, idle);
    if (s->lacking > 0)
        fprintf(f, "what %s takes is not known: no part has done it yet\n",
                igd_parts_step(all, s->lacking));
}

static igd_status make_text(igd_parts *all, const sums *s)
{
    size_t size = 0;
    FILE *f = open_memstream(&all->text, &size);
    if (f == NULL)
        return igd_error(IGD_ENOMEM, "no memory for the progress");
    print_table(f, all);
    print_states(f, all, s);
    print_accuracy(f, s);
    print_left(f, all, s);
    return fclose(f) == 0 ? IGD_OK : igd_error(IGD_ENOMEM, "no memory for the progress");
}

// --- JSON

static cJSON *part_json(const igd_part_progress *p)
{
    cJSON *o = cJSON_CreateObject();
    igd_json_add_finite(o, "part", p->index >= 0 ? (double)p->index : NAN);
    igd_json_add_string(o, "state", state_names[p->state]);
    igd_json_add_string(o, "path", p->path);
    igd_json_add_string(o, "holder", p->holder);
    igd_json_add_finite(o, "images", p->num_images >= 0 ? (double)p->num_images : NAN);
    igd_json_add_number(o, "done", (double)p->num_done);
    igd_json_add_number(o, "known", (double)p->num_known);
    igd_json_add_number(o, "robust", (double)p->num_robust);
    igd_json_add_string(o, "step", p->step);
    igd_json_add_finite(o, "seconds", p->seconds);
    igd_json_add_finite(o, "seconds_left", p->seconds_left);
    return o;
}

static igd_status make_json(igd_parts *all, const sums *s)
{
    cJSON *o = cJSON_CreateObject();
    const igd_interval v = igd_interval_of(s->robust, s->known);
    igd_json_add_string(o, "format", FORMAT);
    igd_json_add_number(o, "of", (double)all->of);
    igd_json_add_number(o, "images", (double)s->images);
    igd_json_add_number(o, "done", (double)s->done);
    igd_json_add_number(o, "known", (double)s->known);
    igd_json_add_number(o, "robust", (double)s->robust);
    igd_json_add_finite(o, "accuracy",
                        s->known > 0 ? (double)s->robust / (double)s->known : NAN);
    igd_json_add_item(o, "interval", igd_interval_json(v));
    igd_json_add_finite(o, "seconds_left", s->lacking > 0 ? NAN : s->longest);
    cJSON *parts = igd_json_add_array(o, "parts");
    for (int64_t k = 0; k < igd_parts_count(all); k++) {
        const igd_part_progress p = igd_parts_get(all, k);
        igd_json_append(parts, part_json(&p));
    }
    all->json = igd_json_text(o, true);
    cJSON_Delete(o);
    return all->json != NULL ? IGD_OK
                             : igd_error(IGD_ENOMEM, "no memory for the progress");
}

igd_status igd_parts_print(igd_parts *all)
{
    const sums s = sum_up(all);
    IGD_TRY(make_text(all, &s));
    return make_json(all, &s);
}
