// Owns the report that people read.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/number.h"
#include "core/text.h"
#include "core/wrap.h"
#include "result/expected.h"
#include "result/interval.h"
#include "result/provenance.h"
#include "result/result_anytime.h"
#include "result/result_impl.h"

// "%6.2f %%  [%6.2f, %6.2f]" of all images; of a random classifier in expectation.
static void print_accuracy(FILE *f, const igd_result *r, const int *columns, int num)
{
    const int64_t n = r->flags.num_images;
    igd_expected v = {.accuracy = igd_result_accuracy(r, columns, num, IGD_ONE_SHOT)};
    if (r->flags.votes != NULL)
        v = igd_expected_of(&r->flags, columns, num);
    else
        v.interval = igd_interval_of((int64_t)(v.accuracy * (double)n + 0.5), n);
    igd_print(f, "%6.2f %%  [%6.2f, %6.2f]", 100.0 * v.accuracy, 100.0 * v.interval.low,
              100.0 * v.interval.high);
}

static void print_name(FILE *f, const igd_entry *e)
{
    char name[IGD_NAME_LENGTH + 2];
    snprintf(name, sizeof(name), "%s%s", e->ensemble[0] != '\0' ? "  " : "", e->name);
    fprintf(f, "%-26s ", name);
}

static bool is_cumulative(const igd_result *r)
{
    for (int k = 0; k < r->num_entries; k++)
        if (r->entries[k].cumulative)
            return true;
    return false;
}

// What the classifier gets right, and how sure that is.
static void print_accuracies(FILE *f, const igd_result *r, const int *columns, int num)
{
    fprintf(f, "%-26s %-9s %8s  %-16s  %7s\n", "attack", "target",
            r->flags.votes != NULL ? "expected"
            : is_cumulative(r)     ? "cumul."
                                   : "accuracy",
            "95 % interval", "fooled");
    fprintf(f, "%-26s %-9s ", "clean", "");
    print_accuracy(f, r, NULL, 0);
    fputc('\n', f);
    for (int k = 0; k < r->num_entries; k++) {
        const igd_entry *e = &r->entries[k];
        print_name(f, e);
        fprintf(f, "%-9s ", e->target);
        print_accuracy(f, r, e->counts, e->num_counts);
        fprintf(f, "  %7lld\n", (long long)igd_result_attack(r, k).num_fooled);
    }
    if (r->num_entries == 0)
        return;
    fprintf(f, "%-26s %-9s ", igd_result_union_name(r), "");
    print_accuracy(f, r, columns, num);
    fputc('\n', f);
}

// A random classifier by single draws.
static void print_protocols(FILE *f, const igd_result *r, const int *columns, int num)
{
    for (int p = IGD_ONE_SHOT; p <= IGD_ANY; p++)
        igd_print(f, "  %6.2f %%",
                  100.0 * igd_result_accuracy(r, columns, num, (igd_protocol)p));
    fputc('\n', f);
}

// The control of all attacks together, which comes last.
static void print_control(FILE *f, const igd_result *r)
{
    static const char *const keys[] = {"one_shot", "majority", "any"};
    const cJSON *control = cJSON_GetObjectItemCaseSensitive(r->checks, "control");
    const cJSON *all = cJSON_GetArrayItem(control, cJSON_GetArraySize(control) - 1);
    const double n = (double)r->flags.num_images;
    const cJSON *votes = cJSON_GetObjectItemCaseSensitive(all, "votes");
    if (!cJSON_IsNumber(votes))
        return;
    igd_print(f, "%-26s %6.2f %%", "without attack",
              100.0 * votes->valuedouble / (n * r->flags.num_draws));
    for (int k = 0; k < 3; k++) {
        const cJSON *hits = cJSON_GetObjectItemCaseSensitive(all, keys[k]);
        igd_print(f, "  %6.2f %%", 100.0 * cJSON_GetNumberValue(hits) / n);
    }
    fputc('\n', f);
}

static void print_expectation(FILE *f, const igd_result *r, const int *columns, int num)
{
    igd_print(f, "%6.2f %%", 100.0 * igd_expected_of(&r->flags, columns, num).accuracy);
    print_protocols(f, r, columns, num);
}

static void print_draws(FILE *f, const igd_result *r, const int *columns, int num)
{
    fprintf(f, "\n%-26s %8s  %8s  %8s  any of %d\n", "attack", "expected", "1st draw",
            "majority", r->flags.num_draws);
    fprintf(f, "%-26s ", "clean");
    print_expectation(f, r, NULL, 0);
    for (int k = 0; k < r->num_entries; k++) {
        print_name(f, &r->entries[k]);
        print_expectation(f, r, r->entries[k].counts, r->entries[k].num_counts);
    }
    if (r->num_entries == 0)
        return;
    fprintf(f, "%-26s ", igd_result_union_name(r));
    print_expectation(f, r, columns, num);
    print_control(f, r);
}

static void print_costs(FILE *f, const igd_result *r)
{
    if (r->num_entries > 0)
        fprintf(f, "\n%-26s %13s %13s %11s\n", "attack", "forwards", "backwards",
                "seconds");
    for (int k = 0; k < r->num_entries; k++) {
        const igd_entry *e = &r->entries[k];
        print_name(f, e);
        if (e->same_as[0] != '\0')
            fprintf(f, "same as %s\n", e->same_as);
        else
            igd_print(f, "%13lld %13lld %11.1f\n", (long long)e->cost.forwards,
                      (long long)e->cost.backwards, e->cost.seconds);
    }
}

static void print_flags(FILE *f, const igd_result *r)
{
    int columns[IGD_MAX_STEPS], num = 0;
    for (int c = 1; c < r->flags.num_columns; c++)
        columns[num++] = c;
    print_accuracies(f, r, columns, num);
    if (r->flags.votes != NULL)
        print_draws(f, r, columns, num);
    print_costs(f, r);
    fputc('\n', f);
    if (is_cumulative(r))
        fputs("Accuracies of attacks are cumulative: each attack saw only the images "
              "that were still robust.\n",
              f);
    if (r->flags.votes != NULL)
        fprintf(f,
                "The classifier is random: accuracy is in expectation over its draws, "
                "then by the first draw, the majority and the worst of %d. Without "
                "attack: clean images, looked at as often as the attacks'.\n",
                r->flags.num_draws);
    fprintf(f, "Intervals are exact (Clopper-Pearson%s).\n",
            r->flags.votes != NULL ? ", Korn-Graubard" : "");
}

static void print_classes(FILE *f, const igd_result *r)
{
    int best = -1, worst = -1;
    double high = -1.0, low = 2.0;
    int columns[IGD_MAX_STEPS], num = 0;
    for (int c = 1; c < r->flags.num_columns; c++)
        columns[num++] = c;
    for (int c = 0; c < r->num_classes; c++) {
        int64_t count = 0, hits = 0;
        for (int64_t i = 0; i < r->flags.num_images; i++) {
            if (r->flags.label[i] != c)
                continue;
            count++;
            hits += igd_flags_survives(&r->flags, columns, num, i, IGD_ONE_SHOT);
        }
        if (count == 0)
            continue;
        const double accuracy = (double)hits / (double)count;
        if (accuracy > high) {
            high = accuracy;
            best = c;
        }
        if (accuracy < low) {
            low = accuracy;
            worst = c;
        }
    }
    if (best < 0)
        return;
    fputs("Best class ", f);
    igd_print_escaped(f, r->class_names[best], false);
    igd_print(f, " (%.2f %%), worst class ", 100.0 * high);
    igd_print_escaped(f, r->class_names[worst], false);
    igd_print(f, " (%.2f %%).\n", 100.0 * low);
}

static void print_bounds(FILE *f, const igd_result *r)
{
    static const int bits[4] = {IGD_BOUND_CLEAN_FLOOR, IGD_BOUND_CLEAN_CEILING,
                                IGD_BOUND_WORST_FLOOR, IGD_BOUND_WORST_CEILING};
    double share[4] = {0};
    if (!r->bounds)
        return;
    for (int k = 0; k < 4; k++) {
        for (int64_t i = 0; i < r->flags.num_images; i++)
            share[k] += (r->flags.bounds[i] & bits[k]) != 0;
        share[k] /= (double)r->flags.num_images;
    }
    igd_print(f,
              "With the worst mask and with the true class's mask: clean %.2f %% and "
              "%.2f %%, on all judged points %.2f %% and %.2f %%.\n",
              100.0 * share[0], 100.0 * share[1], 100.0 * share[2], 100.0 * share[3]);
}

static void print_checks(FILE *f, const igd_result *r)
{
    const cJSON *audit = cJSON_GetObjectItemCaseSensitive(r->checks, "audit");
    const cJSON *runs = cJSON_GetObjectItemCaseSensitive(audit, "attacked");
    const cJSON *differences = cJSON_GetObjectItemCaseSensitive(audit, "differences");
    if (cJSON_IsNumber(runs) && cJSON_IsNumber(differences))
        igd_print(f, "Audit: %.0f flags found again without shortcuts, %.0f differ.\n",
                  runs->valuedouble, differences->valuedouble);
}

igd_status igd_result_print(igd_result *r)
{
    size_t size = 0;
    FILE *f = open_memstream(&r->text, &size);
    if (f == NULL)
        return igd_error(IGD_ENOMEM, "no memory for the report");
    igd_provenance_print(f, r->provenance);
    fputc('\n', f);
    print_flags(f, r);
    if (r->planned > 0)
        igd_result_anytime_print(f, r);
    print_classes(f, r);
    print_bounds(f, r);
    print_checks(f, r);
    if (r->warnings.num > 0)
        fputs("\nWarnings\n", f);
    for (int k = 0; k < r->warnings.num; k++)
        fprintf(f, "  %s: %s\n", r->warnings.item[k].id, r->warnings.item[k].text);
    if (fclose(f) != 0 || !igd_fold(&r->text))
        return igd_error(IGD_ENOMEM, "no memory for the report");
    return IGD_OK;
}
