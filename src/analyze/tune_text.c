// Owns what is written down of a search for settings: JSON, and the table from it.
#include <math.h>
#include <string.h>

#include "analyze/series_text.h"
#include "analyze/tune.h"
#include "chart/analysis_check.h"
#include "core/json.h"
#include "core/json_build.h"
#include "core/number.h"

bool igd_tuned_helps(const igd_tuned *t)
{
    return t->chosen >= 0 &&
           igd_tally_gain(&t->tally[t->chosen], igd_halving_level(t->num)).low > 0.0;
}

// --- JSON

static cJSON *setting_json(const igd_tuned *t, int place)
{
    const igd_setting *v = &t->settings[place];
    const igd_tally *c = &t->tally[place];
    const double n = (double)c->n;
    cJSON *o = cJSON_CreateObject();
    igd_json_add_string(o, "layer", igd_ranking_layer(t->grid->rankings[v->ranking]));
    igd_json_add_number(o, "keep", v->keep);
    igd_json_add_number(o, "sigma", v->sigma);
    igd_json_add_number(o, "temperature", v->temperature);
    igd_json_add_number(o, "rounds", v->round);
    igd_json_add_number(o, "num_images", n);
    igd_json_add_number(o, "clean_acc", (double)c->clean / n);
    igd_json_add_number(o, "base_clean_acc",
                        (double)(c->clean - c->clean_won + c->clean_lost) / n);
    igd_json_add_bool(o, "within_budget",
                      igd_tally_is_within(c, t->options->budget_clean));
    igd_json_add_number(o, "robust_acc", (double)c->robust / n);
    igd_json_add_number(o, "base_robust_acc", (double)(c->robust - c->won + c->lost) / n);
    igd_json_add_number(o, "won", (double)c->won);
    igd_json_add_number(o, "lost", (double)c->lost);
    igd_json_add_number(o, "gain", (double)(c->won - c->lost) / n);
    igd_json_add_item(o, "interval",
                      igd_interval_json(igd_tally_gain(c, IGD_INTERVAL_LEVEL)));
    igd_json_add_item(o, "corrected_interval",
                      igd_interval_json(igd_tally_gain(c, igd_halving_level(t->num))));
    return o;
}

// The command that judges the chosen setting on test images; owned.
static cJSON *command_json(const igd_tuned *t)
{
    const igd_defense_options *d = &t->options->series.defense;
    const char *before = t->options->test_command;
    char text[4096], sigma[32], temperature[32], smooth[32] = "";
    if (!igd_tuned_helps(t) || before == NULL || t->grid->files == NULL)
        return cJSON_CreateNull();
    const igd_setting *v = &t->settings[t->chosen];
    igd_number_shortest(sigma, sizeof(sigma), v->sigma);
    igd_number_shortest(temperature, sizeof(temperature), v->temperature);
    if (d->num_smooth != 1)
        snprintf(smooth, sizeof(smooth), " --smooth %d", d->num_smooth);
    snprintf(text, sizeof(text),
             "%s --ranking %s --keep %d --sigma %s --temperature %s%s", before,
             t->grid->files[v->ranking], v->keep, sigma, temperature, smooth);
    return cJSON_CreateString(text);
}

void igd_tuned_add(cJSON *root, const igd_tuned *t)
{
    cJSON *list;
    igd_json_add_item(root, "attacks",
                      igd_series_attacks_json(t->options->series.evaluate.attacks));
    igd_json_add_number(root, "budget", t->options->budget_clean);
    igd_json_add_number(root, "num_settings", t->num);
    igd_json_add_string(root, "correction", "bonferroni");
    igd_json_add_number(root, "corrected_level", igd_halving_level(t->num));
    list = igd_json_add_array(root, "rounds");
    for (int k = 0; k < t->num_rounds; k++) {
        cJSON *o = cJSON_CreateObject();
        igd_json_add_number(o, "settings", t->rounds[k].settings);
        igd_json_add_number(o, "images", (double)t->rounds[k].images);
        igd_json_append(list, o);
    }
    list = igd_json_add_array(root, "settings");
    for (int k = 0; k < t->num; k++)
        igd_json_append(list, setting_json(t, t->order[k]));
    igd_json_add_item(root, "chosen",
                      t->chosen >= 0 ? setting_json(t, t->chosen) : cJSON_CreateNull());
    igd_json_add_bool(root, "helps", igd_tuned_helps(t));
    igd_json_add_item(root, "next", command_json(t));
}

// --- text

static void print_interval(FILE *f, const cJSON *o, const char *key)
{
    igd_print(f, "  [%+6.2f, %+6.2f]", 100.0 * igd_end_of(o, key, 0),
              100.0 * igd_end_of(o, key, 1));
}

// What a setting is, by its place in the list.
static void print_setting(FILE *f, const cJSON *o, int place)
{
    char sigma[IGD_VALUE_TEXT], temperature[IGD_VALUE_TEXT];
    igd_radius_text(sigma, igd_number_of(o, "sigma"));
    igd_setting_text(temperature, cJSON_GetObjectItemCaseSensitive(o, "temperature"),
                     "temperature");
    igd_print(f, "%3d  %5.0f %8s %8s %7.0f  %s%s\n", place, igd_number_of(o, "keep"),
              sigma, temperature, igd_number_of(o, "num_images"),
              igd_string_of(o, "layer"),
              cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, "within_budget"))
                  ? ""
                  : " (over budget)");
}

// What became of it.
static void print_gain(FILE *f, const cJSON *o, int place)
{
    igd_print(
        f, "%3d  %6.2f %6.2f  %6.2f %6.2f  %+6.2f", place,
        100.0 * igd_number_of(o, "clean_acc"), 100.0 * igd_number_of(o, "base_clean_acc"),
        100.0 * igd_number_of(o, "robust_acc"),
        100.0 * igd_number_of(o, "base_robust_acc"), 100.0 * igd_number_of(o, "gain"));
    print_interval(f, o, "interval");
    print_interval(f, o, "corrected_interval");
    fputc('\n', f);
}

static void print_settings(FILE *f, const cJSON *list)
{
    const cJSON *item;
    int place = 1;
    fprintf(f, "%3s  %5s %8s %8s %7s  %s\n", "", "keep", "sigma", "temp.", "images",
            "layer");
    cJSON_ArrayForEach(item, list)
    {
        print_setting(f, item, place++);
    }
    fprintf(f, "\n%3s  %6s %6s  %6s %6s  %6s  %-16s  %s\n", "", "clean", "base", "robust",
            "base", "gain", "alone", "corrected");
    place = 1;
    cJSON_ArrayForEach(item, list)
    {
        print_gain(f, item, place++);
    }
}

static void print_choice(FILE *f, const cJSON *a, const cJSON *chosen)
{
    const char *next = igd_string_of(a, "next");
    char sigma[IGD_VALUE_TEXT];
    igd_radius_text(sigma, igd_number_of(chosen, "sigma"));
    igd_print(
        f,
        "Chosen: %s, keep %.0f, sigma %s, temperature %g: %+.2f points of robust\n"
        "accuracy, with 95 %% confidence at least %+.2f as the best of %.0f settings. "
        "These\nimages chose it, so its gain on others is likely less. Test images judge "
        "it, once",
        igd_string_of(chosen, "layer"), igd_number_of(chosen, "keep"), sigma,
        igd_number_of(chosen, "temperature"), 100.0 * igd_number_of(chosen, "gain"),
        100.0 * igd_end_of(chosen, "corrected_interval", 0),
        igd_number_of(a, "num_settings"));
    if (next[0] != '\0')
        fprintf(f, ":\n  %s\n", next);
    else
        fputs(".\n", f);
}

void igd_tuned_print(FILE *f, const void *json)
{
    const cJSON *a = json, *item, *list = cJSON_GetObjectItemCaseSensitive(a, "rounds");
    const cJSON *chosen = cJSON_GetObjectItemCaseSensitive(a, "chosen");
    const double num = igd_number_of(a, "num_settings");
    igd_print(f, "%.0f settings, judged by majority under ", num);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(a, "attacks"))
    {
        fprintf(f, "%s%s", item->valuestring, item->next != NULL ? ", " : ": ");
    }
    cJSON_ArrayForEach(item, list)
    {
        igd_print(f, "%.0f on %.0f images%s", igd_number_of(item, "settings"),
                  igd_number_of(item, "images"), item->next != NULL ? ", " : ".\n\n");
    }
    print_settings(f, cJSON_GetObjectItemCaseSensitive(a, "settings"));
    igd_print(
        f,
        "\nAccuracies and gains are in points. An interval holds at 95 %% where its "
        "setting alone was looked at; the corrected ones, at %.5g %% each (Bonferroni), "
        "for the best of %.0f.\n\n",
        100.0 * igd_number_of(a, "corrected_level"), num);
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(a, "helps")))
        print_choice(f, a, chosen);
    else if (cJSON_IsObject(chosen))
        igd_print(
            f,
            "Nothing is shown to help: the gain of the best of %.0f settings may be as "
            "low as\n%+.2f points. More images tell smaller gains.\n",
            num, 100.0 * igd_end_of(chosen, "corrected_interval", 0));
    else
        igd_print(f,
                  "Nothing is shown to help: no setting that all images judged is within "
                  "the budget\nof %.4g points of clean accuracy.\n",
                  100.0 * igd_number_of(a, "budget"));
}
