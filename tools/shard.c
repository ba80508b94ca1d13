// Owns finding the part of the work that is this process's.
#include "shard.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

#define PLACE "{shard}"
#define NAMES_MAX 16

static char message[400];
static char *names[NAMES_MAX]; // owned
static int num_names;

static const char *wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
static const char *wrong(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    return message;
}

// All digits, and small enough to be counted with.
static bool number(int64_t *out, const char *text, size_t length)
{
    if (length < 1 || length > 15 || strspn(text, "0123456789") < length)
        return false;
    *out = strtoll(text, NULL, 10);
    return true;
}

static const char *check(const cli_shard *s, const char *of)
{
    if (s->num < 1)
        return wrong("%s: there must be one part at least", of);
    if (s->index >= s->num)
        return wrong("%s: parts count from 0, so that the last of %lld is %lld", of,
                     (long long)s->num, (long long)s->num - 1);
    return NULL;
}

static const char *read_pair(cli_shard *s, const char *text, const char *of)
{
    const char *slash = strchr(text, '/');
    if (slash == NULL || !number(&s->index, text, (size_t)(slash - text)) ||
        !number(&s->num, slash + 1, strlen(slash + 1)))
        return wrong("%s is not I/N, such as 0/4", of);
    return check(s, of);
}

// What a scheduler says, in the order in which they are asked. GNU parallel and an array
// of one task do not say of how many.
typedef struct scheduler {
    const char *index, *num, *least, *step; // names of variables; NULL for none
    int64_t first;                          // what it counts from without `least`
} scheduler;

static const scheduler schedulers[] = {
    {"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN",
     "SLURM_ARRAY_TASK_STEP", 0},
    {"JOB_COMPLETION_INDEX", "JOB_COMPLETIONS", NULL, NULL, 0},
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", NULL, NULL, 0},
    {"PMI_RANK", "PMI_SIZE", NULL, NULL, 0},
    {"PARALLEL_SEQ", NULL, NULL, NULL, 1},
};

static const char *variable(const char *name)
{
    const char *value = name != NULL ? getenv(name) : NULL;
    return value != NULL && value[0] != '\0' ? value : NULL;
}

// A variable that must be a whole number.
static const char *read_variable(int64_t *out, const char *name)
{
    const char *value = variable(name);
    if (!number(out, value, strlen(value)))
        return wrong("%s is '%.40s', not a whole number", name, value);
    return NULL;
}

// `num` is N where --shard gives it, else 0. With it a scheduler's number is the part's,
// whatever other tasks there are: so a single part can be run again.
static const char *ask(cli_shard *out, const scheduler *s, int64_t num)
{
    const char *fault;
    int64_t first = s->first, step = 1, index = 0;
    char of[160];

    if ((fault = read_variable(&index, s->index)) != NULL)
        return fault;
    out->num = num;
    if (num == 0 && variable(s->num) == NULL)
        return wrong("%s says which part, but %s of how many: give N as --shard auto/N",
                     s->index, s->num != NULL ? "nothing" : "not");
    if (num == 0) {
        if ((fault = read_variable(&out->num, s->num)) != NULL ||
            (variable(s->least) != NULL &&
             (fault = read_variable(&first, s->least)) != NULL) ||
            (variable(s->step) != NULL &&
             (fault = read_variable(&step, s->step)) != NULL))
            return fault;
    }
    if (index < first || step < 1 || (index - first) % step != 0)
        return wrong("%s is %lld, where the first is %lld and each is %lld more",
                     s->index, (long long)index, (long long)first, (long long)step);
    out->index = (index - first) / step;
    snprintf(out->from, sizeof(out->from), "%s", s->index);
    snprintf(of, sizeof(of), "%s %lld, part %lld of %lld", s->index, (long long)index,
             (long long)out->index, (long long)out->num);
    return check(out, of);
}

static const char *from_environment(cli_shard *out, int64_t num)
{
    const char *own = variable("IGDEF_SHARD");
    char of[80];
    if (own != NULL) {
        snprintf(out->from, sizeof(out->from), "IGDEF_SHARD");
        snprintf(of, sizeof(of), "IGDEF_SHARD '%.40s'", own);
        const char *fault = read_pair(out, own, of);
        if (fault == NULL && num > 0 && out->num != num)
            return wrong("%s: not a part of %lld", of, (long long)num);
        return fault;
    }
    for (size_t k = 0; k < sizeof(schedulers) / sizeof(schedulers[0]); k++)
        if (variable(schedulers[k].index) != NULL)
            return ask(out, &schedulers[k], num);
    return wrong("'auto': neither IGDEF_SHARD nor a variable of Slurm arrays, Kubernetes "
                 "indexed jobs, MPI or GNU parallel is set");
}

const char *shard_parse(cli_shard *out, const char *text)
{
    char of[80];
    int64_t num = 0;
    *out = (cli_shard){0};
    if (strcmp(text, "auto") == 0)
        return from_environment(out, 0);
    if (strncmp(text, "auto/", 5) == 0) {
        if (!number(&num, text + 5, strlen(text + 5)) || num < 1)
            return wrong("'%.40s' is not auto/N, such as auto/4", text);
        return from_environment(out, num);
    }
    snprintf(of, sizeof(of), "'%.40s'", text);
    return read_pair(out, text, of);
}

// ---- Names of files

// `text` with the number in each place; owned, NULL without memory.
static char *fill(const char *text, int64_t index)
{
    char *out = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&out, &size);
    if (f == NULL)
        return NULL;
    for (const char *at; (at = strstr(text, PLACE)) != NULL; text = at + strlen(PLACE))
        fprintf(f, "%.*s%lld", (int)(at - text), text, (long long)index);
    fputs(text, f);
    if (fclose(f) == 0)
        return out;
    free(out);
    return NULL;
}

int shard_name_outputs(const cli_row *rows, int num)
{
    cli_shard shard = {0};
    bool known = false;
    for (int i = 0; i < num; i++)
        if ((rows[i].option->type & CLI_TYPE) == CLI_SHARD) {
            memcpy(&shard, rows[i].value, sizeof(shard));
            known = true;
        }
    for (int i = 0; i < num && known; i++) {
        const cli_option *o = rows[i].option;
        const char *text;
        if ((o->type & CLI_OUTPUT) == 0)
            continue;
        memcpy(&text, rows[i].value, sizeof(text));
        if (text == NULL || strstr(text, PLACE) == NULL)
            continue;
        if (shard.num == 0)
            return cli_usage("--%s: " PLACE " is the number of a part, and there is no "
                             "--shard",
                             o->name);
        char *name = num_names < NAMES_MAX ? fill(text, shard.index) : NULL;
        if (name == NULL)
            return cli_usage("out of memory");
        names[num_names++] = name;
        memcpy(rows[i].value, &names[num_names - 1], sizeof(name));
    }
    return CLI_GO_ON;
}

void shard_end(void)
{
    while (num_names > 0)
        free(names[--num_names]);
}
