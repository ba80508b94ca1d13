// Owns what can be swept: names, ranges, and what a value changes about the attacks.
#include "analyze/sweep_values.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/nearest.h"
#include "core/number.h"

#define MOST_VALUES 64
#define TEXT_MOST 48 // of a value, which becomes part of a file's name

static const struct kind {
    const char *name;
    igd_swept what;
    bool integer;
    double min, max;
    bool above_min; // min itself is out of range
} kinds[] = {
    {"keep", IGD_SWEPT_KEEP, true, 1, INT_MAX, false},
    {"sigma", IGD_SWEPT_SIGMA, false, 0, 1e6, false},
    {"smooth", IGD_SWEPT_SMOOTH, true, 1, 65536, false},
    {"temperature", IGD_SWEPT_TEMPERATURE, false, 0, 1e6, true},
    {"layer", IGD_SWEPT_LAYER, false, 0, 0, false},
    {"fraction", IGD_SWEPT_FRACTION, false, 0, 1, true},
    {"eps", IGD_SWEPT_EPS, false, 0, 1e6, true},
    {"steps", IGD_SWEPT_STEPS, true, 1, 1e6, false},
};

#define NUM_KINDS ((int)(sizeof(kinds) / sizeof(kinds[0])))

static igd_status find_kind(const struct kind **out, const char *name)
{
    const char *names[NUM_KINDS];
    *out = NULL;
    for (int k = 0; k < NUM_KINDS; k++) {
        names[k] = kinds[k].name;
        if (strcmp(name, kinds[k].name) == 0) {
            *out = &kinds[k];
            return IGD_OK;
        }
    }
    if (strchr(name, '.') != NULL)
        return IGD_OK; // a parameter, which the list of attacks knows or not
    const char *near = igd_nearest(name, names, NUM_KINDS);
    if (near != NULL)
        return igd_error(IGD_EINVAL, "cannot sweep '%s'; did you mean '%s'?", name, near);
    return igd_error(IGD_EINVAL,
                     "cannot sweep '%s': keep, sigma, smooth, temperature, layer, "
                     "fraction, eps, steps or ATTACK.PARAMETER expected",
                     name);
}

static igd_status read_number(igd_value *v, const struct kind *k, const char *name)
{
    if (!igd_number_parse(&v->number, v->text))
        return igd_error(IGD_EINVAL, "cannot sweep %s over '%s': not a number", name,
                         v->text);
    if (k == NULL)
        return IGD_OK;
    if (k->integer && v->number != floor(v->number))
        return igd_error(IGD_EINVAL, "cannot sweep %s over %s: not a whole number", name,
                         v->text);
    if (v->number < k->min || (k->above_min && v->number == k->min))
        return igd_error(IGD_EINVAL, "cannot sweep %s over %s: not %s %g", name, v->text,
                         k->above_min ? "above" : "at least", k->min);
    if (v->number > k->max)
        return igd_error(IGD_EINVAL, "cannot sweep %s over %s: above %.10g", name,
                         v->text, k->max);
    return IGD_OK;
}

static int by_number(const void *a, const void *b)
{
    const igd_value *p = a, *q = b;
    return (p->number > q->number) - (p->number < q->number);
}

static igd_status read_all(igd_values *v, const igd_sweep_values *from,
                           const struct kind *kind)
{
    const bool texts = v->what == IGD_SWEPT_LAYER;
    for (int k = 0; k < v->num; k++) {
        igd_value *value = &v->item[k];
        value->text = from->value[k];
        if (value->text[0] == '\0' || strlen(value->text) > TEXT_MOST)
            return igd_error(IGD_EINVAL, "cannot sweep %s over '%.60s'", v->name,
                             value->text);
        if (!texts)
            IGD_TRY(read_number(value, kind, v->name));
        for (int j = 0; j < k; j++)
            if (texts ? strcmp(v->item[j].text, value->text) == 0
                      : v->item[j].number == value->number)
                return igd_error(IGD_EINVAL, "%s is swept over %s twice", v->name,
                                 value->text);
    }
    if (!texts)
        qsort(v->item, (size_t)v->num, sizeof(*v->item), by_number);
    return IGD_OK;
}

igd_status igd_values_read(igd_values *out, const igd_sweep_values *from)
{
    static const char prefix[] = "set:";
    const struct kind *kind;
    const char *name = from->option;

    *out = (igd_values){0};
    if (strncmp(name, prefix, strlen(prefix)) == 0)
        name += strlen(prefix);
    IGD_TRY(find_kind(&kind, name));
    if (from->num < 1 || from->num > MOST_VALUES)
        return igd_error(IGD_EINVAL, "cannot sweep over %d values, outside 1 to %d",
                         from->num, MOST_VALUES);
    out->name = name;
    out->what = kind != NULL ? kind->what : IGD_SWEPT_PARAMETER;
    out->ranks = out->what == IGD_SWEPT_LAYER || out->what == IGD_SWEPT_FRACTION;
    out->changes_base = out->what == IGD_SWEPT_EPS || out->what == IGD_SWEPT_STEPS ||
                        out->what == IGD_SWEPT_PARAMETER;
    out->num = from->num;
    out->item = calloc((size_t)from->num, sizeof(*out->item));
    if (out->item == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d values", from->num);
    const igd_status st = read_all(out, from, kind);
    if (st != IGD_OK)
        igd_values_free(out);
    return st;
}

void igd_values_free(igd_values *v)
{
    free(v->item);
    *v = (igd_values){0};
}

// --- what a value changes about the attacks

// "NAME.steps=VALUE" for every attack of the list that takes steps.
static igd_status write_steps(FILE *f, const igd_checked *l, const char *value)
{
    bool found = false;
    for (int a = 0; a < igd_attack_count(); a++) {
        int num = 0;
        const igd_parameter *p = igd_attack_parameters(igd_attack_at(a), &num);
        for (int k = 0; k < num; k++) {
            char item[96];
            const char *name = igd_attack_name(igd_attack_at(a));
            if (strcmp(p[k].name, "steps") != 0)
                continue;
            igd_format(item, sizeof(item), "%s.steps=%g", name, p[k].value);
            bool takes;
            IGD_TRY(igd_list_takes(&takes, l, item));
            if (!takes)
                continue;
            fprintf(f, ",%s.steps=%s", name, value);
            found = true;
        }
    }
    return found ? IGD_OK
                 : igd_error(IGD_EINVAL, "no attack of '%s' takes steps",
                             l->options.attacks);
}

igd_status igd_values_set(char **out, const igd_values *v, int k, const igd_checked *list,
                          bool shortened)
{
    const char *value = v->item[k].text, *set = list->options.set;
    char *whole = NULL, change[192];
    size_t size = 0;
    igd_status st = IGD_OK;

    *out = NULL;
    FILE *f = open_memstream(&whole, &size);
    if (f == NULL)
        return igd_error(IGD_ENOMEM, "no memory for the parameters");
    fputs(set != NULL ? set : "", f);
    if (v->what == IGD_SWEPT_STEPS) {
        st = write_steps(f, list, value);
        if (st == IGD_EINVAL && shortened)
            st = IGD_OK;
    } else if (v->what == IGD_SWEPT_PARAMETER) {
        bool takes = true;
        snprintf(change, sizeof(change), "%s=%s", v->name, value);
        if (shortened)
            st = igd_list_takes(&takes, list, change);
        if (takes)
            fprintf(f, ",%s", change);
    }
    if (fclose(f) != 0 && st == IGD_OK)
        st = igd_error(IGD_ENOMEM, "no memory for the parameters");
    if (st != IGD_OK) {
        free(whole);
        return st;
    }
    // A leading comma is of an empty list.
    if (whole[0] == ',')
        memmove(whole, whole + 1, strlen(whole));
    *out = whole;
    return IGD_OK;
}
