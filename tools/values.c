// Owns the way from text or JSON to the variable of an option.
#include "values.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "shard.h"

static bool whole_number(int64_t *out, const char *text)
{
    char *end;
    errno = 0;
    const long long v = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0)
        return false;
    *out = v;
    return true;
}

static bool seed_number(uint64_t *out, const char *text)
{
    char *end;
    errno = 0;
    // strtoull() would take "-1" for the largest number.
    const unsigned long long v = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0)
        return false;
    *out = v;
    return true;
}

static int wrong(const cli_source *s, const char *value, const char *what)
{
    if (s->file != NULL)
        return cli_usage("%s: key '%s': %s%s%s%s", s->file, s->name, value ? "'" : "",
                         value ? value : "", value ? "' " : "", what);
    return cli_usage("--%s: %s%s%s%s", s->name, value ? "'" : "", value ? value : "",
                     value ? "' " : "", what);
}

static int check_range(const cli_option *o, const cli_source *s, const char *text,
                       double v)
{
    char message[128], low[32], high[32];
    const bool limited = o->min < o->max;
    if ((o->type & CLI_POSITIVE) != 0 && !(v > 0.0))
        return wrong(s, text, "is not greater than 0");
    if (!limited || (v >= o->min && v <= o->max))
        return CLI_GO_ON;
    igd_number_shortest(low, sizeof(low), o->min);
    igd_number_shortest(high, sizeof(high), o->max);
    if (v < o->min)
        snprintf(message, sizeof(message), "is less than %s", low);
    else
        snprintf(message, sizeof(message), "is greater than %s", high);
    return wrong(s, text, message);
}

static int set_list(const cli_row *r, const cli_source *s, const char *text)
{
    cli_list list = {.num = 0};
    char part[64];
    const char *at = text;
    for (;;) {
        const size_t length = strcspn(at, ",");
        if (list.num == CLI_LIST_MAX)
            return wrong(s, text, "has too many numbers");
        if (length >= sizeof(part))
            return wrong(s, text, "is not a list of numbers such as 0.5,0.5,0.5");
        memcpy(part, at, length);
        part[length] = '\0';
        if (!igd_number_parse(&list.value[list.num], part))
            return wrong(s, text, "is not a list of numbers such as 0.5,0.5,0.5");
        const int rc = check_range(r->option, s, part, list.value[list.num++]);
        if (rc != CLI_GO_ON)
            return rc;
        if (at[length] == '\0')
            break;
        at += length + 1;
    }
    memcpy(r->value, &list, sizeof(list));
    return CLI_GO_ON;
}

static int set_choice(const cli_row *r, const cli_source *s, const char *text)
{
    const char *const *choices = r->option->choices;
    char message[512];
    int num = 0;
    size_t used;
    for (; choices[num] != NULL; num++)
        if (strcmp(choices[num], text) == 0) {
            if (cli_type(r) == CLI_ENUM)
                memcpy(r->value, &num, sizeof(num));
            else
                memcpy(r->value, &choices[num], sizeof(choices[num]));
            return CLI_GO_ON;
        }
    const char *near = igd_nearest(text, choices, num);
    if (near != NULL) {
        snprintf(message, sizeof(message), "is not known; did you mean '%s'?", near);
        return wrong(s, text, message);
    }
    used = (size_t)snprintf(message, sizeof(message), "is none of ");
    for (int i = 0; i < num && used < sizeof(message); i++)
        used += (size_t)snprintf(message + used, sizeof(message) - used, "%s%s",
                                 i > 0 ? ", " : "", choices[i]);
    return wrong(s, text, message);
}

static int add_text(const cli_row *r, const char *text)
{
    cli_texts list;
    memcpy(&list, r->value, sizeof(list));
    const char **item = realloc(list.item, ((size_t)list.num + 1) * sizeof(*item));
    if (item == NULL)
        return cli_usage("out of memory");
    item[list.num] = text;
    list = (cli_texts){item, list.num + 1};
    memcpy(r->value, &list, sizeof(list));
    return CLI_GO_ON;
}

static int add_joined(const cli_row *r, const char *text)
{
    char *before;
    memcpy(&before, r->value, sizeof(before));
    const size_t length = before != NULL ? strlen(before) + 1 : 0;
    char *joined = malloc(length + strlen(text) + 1);
    if (joined == NULL)
        return cli_usage("out of memory");
    sprintf(joined, "%s%s%s", before != NULL ? before : "", before != NULL ? "," : "",
            text);
    free(before);
    memcpy(r->value, &joined, sizeof(joined));
    return CLI_GO_ON;
}

static int set_shard(const cli_row *r, const cli_source *s, const char *text)
{
    cli_shard shard;
    const char *fault = shard_parse(&shard, text);
    if (fault != NULL)
        return wrong(s, NULL, fault);
    memcpy(r->value, &shard, sizeof(shard));
    return CLI_GO_ON;
}

void cli_forget(const cli_row *r)
{
    if (cli_type(r) == CLI_TEXTS) {
        cli_texts list;
        memcpy(&list, r->value, sizeof(list));
        free(list.item);
        memcpy(r->value, &(cli_texts){0}, sizeof(list));
    } else if (cli_type(r) == CLI_JOINED) {
        char *text;
        memcpy(&text, r->value, sizeof(text));
        free(text);
        memcpy(r->value, &(char *){NULL}, sizeof(text));
    }
}

// Sets a variable from text, which must live as long as the settings.
int cli_set_text(cli_row *r, const cli_source *s, const char *text)
{
    const cli_option *o = r->option;
    int64_t whole = 0;
    uint64_t seed = 0;
    double number = 0.0;
    int small, rc = CLI_GO_ON;

    r->given = true;
    switch (cli_type(r)) {
    case CLI_TEXT:
    case CLI_PATH:
        if (text[0] == '\0')
            return wrong(s, NULL, "is empty");
        memcpy(r->value, &text, sizeof(text));
        return CLI_GO_ON;
    case CLI_INT:
        if (!whole_number(&whole, text) || whole < INT_MIN || whole > INT_MAX)
            return wrong(s, text, "is not a whole number");
        small = (int)whole;
        rc = check_range(o, s, text, (double)small);
        memcpy(r->value, &small, sizeof(small));
        return rc;
    case CLI_COUNT:
        if (!whole_number(&whole, text) || whole < 0)
            return wrong(s, text, "is not a whole number from 0 on");
        memcpy(r->value, &whole, sizeof(whole));
        return CLI_GO_ON;
    case CLI_SEED:
        if (!seed_number(&seed, text))
            return wrong(s, text, "is not a whole number from 0 to 18446744073709551615");
        memcpy(r->value, &seed, sizeof(seed));
        return CLI_GO_ON;
    case CLI_NUMBER:
        if (!igd_number_parse(&number, text))
            return wrong(s, text, "is not a number such as 0.5 or 8/255");
        rc = check_range(o, s, text, number);
        memcpy(r->value, &number, sizeof(number));
        return rc;
    case CLI_CHOICE:
    case CLI_ENUM:
        return set_choice(r, s, text);
    case CLI_LIST:
        return set_list(r, s, text);
    case CLI_TEXTS:
        return add_text(r, text);
    case CLI_JOINED:
        return add_joined(r, text);
    case CLI_SHARD:
        return set_shard(r, s, text);
    default:
        return wrong(s, text, "is given to an option without a value");
    }
}

void cli_set_flag(cli_row *r, bool value)
{
    r->given = true;
    memcpy(r->value, &value, sizeof(value));
}

// ---- The JSON file

static const char *json_kind(const cli_row *r)
{
    switch (cli_type(r)) {
    case CLI_INT:
    case CLI_COUNT:
        return "must be a whole number";
    case CLI_SEED:
        return "must be a whole number, as text where it is above 2^53";
    case CLI_NUMBER:
        return "must be a number or a fraction as text, such as \"8/255\"";
    case CLI_FLAG:
        return "must be true or false";
    case CLI_LIST:
        return "must be an array of numbers";
    case CLI_TEXTS:
    case CLI_JOINED:
        return "must be an array of strings";
    default:
        return "must be a string";
    }
}

static int set_json_list(cli_row *r, const cli_source *s, const cJSON *array)
{
    char text[32];
    cli_list list = {.num = 0};
    const cJSON *v;
    cJSON_ArrayForEach(v, array)
    {
        if (!cJSON_IsNumber(v))
            return wrong(s, NULL, json_kind(r));
        if (list.num == CLI_LIST_MAX)
            return wrong(s, NULL, "has too many numbers");
        igd_number_shortest(text, sizeof(text), v->valuedouble);
        const int rc = check_range(r->option, s, text, v->valuedouble);
        if (rc != CLI_GO_ON)
            return rc;
        list.value[list.num++] = v->valuedouble;
    }
    r->given = true;
    memcpy(r->value, &list, sizeof(list));
    return CLI_GO_ON;
}

static int set_json_texts(cli_row *r, const cli_source *s, const cJSON *array)
{
    const cJSON *v;
    cJSON_ArrayForEach(v, array)
    {
        if (!cJSON_IsString(v))
            return wrong(s, NULL, json_kind(r));
        const int rc = cli_type(r) == CLI_JOINED ? add_joined(r, v->valuestring)
                                                 : add_text(r, v->valuestring);
        if (rc != CLI_GO_ON)
            return rc;
    }
    r->given = r->from_file = true;
    return CLI_GO_ON;
}

static int set_json_number(cli_row *r, const cli_source *s, double v)
{
    char text[64];
    // Beyond 2^53 a JSON number may not be the one that was written.
    if (cli_type(r) != CLI_NUMBER && (floor(v) != v || fabs(v) > 9007199254740992.0))
        return wrong(s, NULL, json_kind(r));
    snprintf(text, sizeof(text), cli_type(r) == CLI_NUMBER ? "%.17g" : "%.0f", v);
    return cli_set_text(r, s, text); // these types keep no pointer to their text
}

int cli_set_json(cli_row *r, const cli_source *s, const cJSON *v)
{
    switch (cli_type(r)) {
    case CLI_FLAG:
        if (!cJSON_IsBool(v))
            break;
        cli_set_flag(r, cJSON_IsTrue(v));
        return CLI_GO_ON;
    case CLI_LIST:
        if (!cJSON_IsArray(v))
            break;
        return set_json_list(r, s, v);
    case CLI_TEXTS:
    case CLI_JOINED:
        if (!cJSON_IsArray(v))
            break;
        return set_json_texts(r, s, v);
    case CLI_SEED:
    case CLI_NUMBER:
        if (cJSON_IsString(v))
            return cli_set_text(r, s, v->valuestring);
        if (cJSON_IsNumber(v))
            return set_json_number(r, s, v->valuedouble);
        break;
    case CLI_INT:
    case CLI_COUNT:
        if (!cJSON_IsNumber(v))
            break;
        return set_json_number(r, s, v->valuedouble);
    default:
        if (!cJSON_IsString(v))
            break;
        return cli_set_text(r, s, v->valuestring);
    }
    return wrong(s, NULL, json_kind(r));
}
