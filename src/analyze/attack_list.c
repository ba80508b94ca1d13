// Owns cutting lists of attacks to what a model has.
#include "analyze/attack_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

bool igd_list_takes(const igd_checked *list, const char *change)
{
    igd_evaluate_options o = list->options;
    o.set = change;
    o.smaller = NULL;
    return igd_evaluate_check(&o, list->defended, list->adaptive) == IGD_OK;
}

char *igd_list_filter(const char *list,
                      bool (*take)(const char *item, const void *payload),
                      const void *payload)
{
    char *out = NULL, item[192];
    size_t size = 0;
    bool first = true;
    FILE *f = open_memstream(&out, &size);
    if (f == NULL)
        return NULL;
    for (const char *at = list; *at != '\0';) {
        const size_t length = strcspn(at, ",");
        snprintf(item, sizeof(item), "%.*s", (int)length, at);
        if (take(item, payload)) {
            fprintf(f, "%s%.*s", first ? "" : ",", (int)length, at);
            first = false;
        }
        at += length + (at[length] == ',');
    }
    if (fclose(f) == 0)
        return out;
    free(out);
    return NULL;
}

static bool begins_with(const char *item, const char *prefix)
{
    return strncmp(item, prefix, strlen(prefix)) == 0;
}

// Whether a model with the igd_adaptive that the payload is has what an attack needs.
static bool is_possible(const char *item, const void *payload)
{
    const igd_adaptive adaptive = *(const igd_adaptive *)payload;
    return (adaptive >= IGD_ADAPTIVE_SURROGATE || !begins_with(item, "surrogate:")) &&
           (adaptive >= IGD_ADAPTIVE_PSEUDO_LABEL || !begins_with(item, "joint:"));
}

static bool is_taken(const char *item, const void *payload)
{
    return igd_list_takes(payload, item);
}

igd_status igd_shorter_init(igd_shorter *s, const igd_evaluate_options *options,
                            igd_adaptive adaptive)
{
    igd_checked list = {.options = *options,
                        .defended = adaptive != IGD_ADAPTIVE_NONE,
                        .adaptive = adaptive};
    s->set = NULL;
    s->attacks = igd_list_filter(options->attacks, is_possible, &adaptive);
    if (s->attacks != NULL && s->attacks[0] == '\0') {
        free(s->attacks);
        s->attacks = strdup("clean");
    }
    if (s->attacks != NULL) {
        list.options.attacks = s->attacks;
        s->set =
            igd_list_filter(options->set != NULL ? options->set : "", is_taken, &list);
    }
    if (s->set != NULL)
        return IGD_OK;
    igd_shorter_free(s);
    return igd_error(IGD_ENOMEM, "no memory for the list of attacks");
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
