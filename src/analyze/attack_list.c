// Owns cutting lists of attacks to what a model has.
#include "analyze/attack_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

igd_status igd_list_takes(bool *takes, const igd_checked *list, const char *change)
{
    igd_evaluate_options o = list->options;
    o.set = change;
    o.smaller = NULL;
    const igd_status st = igd_evaluate_check(&o, list->defended, list->adaptive);
    *takes = st == IGD_OK;
    return st == IGD_ENOMEM ? st : IGD_OK;
}

static igd_status no_memory(void)
{
    return igd_error(IGD_ENOMEM, "no memory for the list of attacks");
}

typedef igd_status (*chooser)(bool *wanted, const char *item, const void *payload);

// The names between the commas that `choose` wants, or changes; *out is owned.
static igd_status filter(char **out, const char *list, chooser choose,
                         const void *payload)
{
    char item[192];
    size_t size = 0;
    bool first = true, wanted;
    igd_status st = IGD_OK;
    FILE *f = open_memstream(out, &size);
    if (f == NULL)
        return no_memory();
    for (const char *at = list; *at != '\0' && st == IGD_OK;) {
        const size_t length = strcspn(at, ",");
        snprintf(item, sizeof(item), "%.*s", (int)length, at);
        if ((st = choose(&wanted, item, payload)) == IGD_OK && wanted) {
            fprintf(f, "%s%.*s", first ? "" : ",", (int)length, at);
            first = false;
        }
        at += length + (at[length] == ',');
    }
    if (fclose(f) != 0 && st == IGD_OK)
        st = no_memory();
    if (st != IGD_OK) {
        free(*out);
        *out = NULL;
    }
    return st;
}

static bool begins_with(const char *item, const char *prefix)
{
    return strncmp(item, prefix, strlen(prefix)) == 0;
}

// Whether a model with the igd_adaptive that the payload is has what an attack needs.
static igd_status is_possible(bool *wanted, const char *item, const void *payload)
{
    const igd_adaptive adaptive = *(const igd_adaptive *)payload;
    *wanted = (adaptive >= IGD_ADAPTIVE_SURROGATE || !begins_with(item, "surrogate:")) &&
              (adaptive >= IGD_ADAPTIVE_PSEUDO_LABEL || !begins_with(item, "joint:"));
    return IGD_OK;
}

static igd_status is_taken(bool *wanted, const char *item, const void *payload)
{
    return igd_list_takes(wanted, payload, item);
}

igd_status igd_shorter_init(igd_shorter *s, const igd_evaluate_options *options,
                            igd_adaptive adaptive)
{
    igd_checked list = {.options = *options,
                        .defended = adaptive != IGD_ADAPTIVE_NONE,
                        .adaptive = adaptive};
    *s = (igd_shorter){0};
    igd_status st = filter(&s->attacks, options->attacks, is_possible, &adaptive);
    if (st == IGD_OK && s->attacks[0] == '\0') {
        free(s->attacks);
        s->attacks = strdup("clean");
        st = s->attacks != NULL ? IGD_OK : no_memory();
    }
    list.options.attacks = s->attacks;
    if (st == IGD_OK)
        st = filter(&s->set, options->set != NULL ? options->set : "", is_taken, &list);
    if (st != IGD_OK)
        igd_shorter_free(s);
    return st;
}

void igd_shorter_free(igd_shorter *s)
{
    free(s->attacks);
    free(s->set);
    *s = (igd_shorter){0};
}

void igd_shorter_apply(igd_evaluate_options *o, const igd_shorter *s)
{
    o->attacks = s->attacks;
    o->set = s->set[0] != '\0' ? s->set : NULL;
}
