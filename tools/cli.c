// Owns the way from a command line and a JSON file to the variables of a command.
#include "cli.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/json.h"
#include "core/nearest.h"
#include "igdef/status.h"

// One command is parsed per process.
static struct {
    const cli_command *command;
    cli_row row[CLI_ROWS_MAX];
    int num;
    cJSON *config;
} parsed;

int cli_usage(const char *format, ...)
{
    va_list args;
    fprintf(stderr, "igdef%s%s: ", parsed.command ? " " : "",
            parsed.command ? parsed.command->name : "");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return CLI_USAGE;
}

int cli_failed(const char *command)
{
    fprintf(stderr, "igdef %s: %s\n", command, igd_error_message());
    return CLI_FAILED;
}

// ---- Tables

static bool listed(const char *const *names, const char *name)
{
    for (; names != NULL && *names != NULL; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

int cli_rows(cli_row rows[CLI_ROWS_MAX], const cli_command *command, void *settings)
{
    int num = 0;
    for (const cli_group *g = command->groups; g->options != NULL; g++)
        for (const cli_option *o = g->options; o->name != NULL && num < CLI_ROWS_MAX; o++)
            rows[num++] = (cli_row){.option = o,
                                    .value = (char *)settings + g->offset + o->offset,
                                    .required = listed(command->required, o->name)};
    return num;
}

static int type_of(const cli_row *r)
{
    return r->option->type & CLI_TYPE;
}

static cli_row *row_by_name(const char *name, size_t length)
{
    for (int i = 0; i < parsed.num; i++) {
        const char *known = parsed.row[i].option->name;
        if (strlen(known) == length && strncmp(known, name, length) == 0)
            return &parsed.row[i];
    }
    return NULL;
}

static cli_row *row_by_letter(char letter)
{
    for (int i = 0; i < parsed.num; i++)
        if (parsed.row[i].option->letter == letter)
            return &parsed.row[i];
    return NULL;
}

bool cli_given(const char *name)
{
    const cli_row *r = row_by_name(name, strlen(name));
    return r != NULL && r->given;
}

static const char *nearest_option(const char *name)
{
    const char *names[CLI_ROWS_MAX];
    for (int i = 0; i < parsed.num; i++)
        names[i] = parsed.row[i].option->name;
    return igd_nearest(name, names, parsed.num);
}

// ---- Values

bool cli_number(double *out, const char *text)
{
    char *end;
    double v = strtod(text, &end);
    if (end == text)
        return false;
    if (*end == '/') {
        const char *below = end + 1;
        const double d = strtod(below, &end);
        if (end == below || d == 0.0)
            return false;
        v /= d;
    }
    if (*end != '\0' || !isfinite(v))
        return false;
    *out = v;
    return true;
}

void cli_number_text(char *out, size_t size, double v)
{
    const double grey = v * 255.0;
    double back = 0.0;
    snprintf(out, size, "%.6g", v);
    if (cli_number(&back, out) && back == v)
        return;
    if (grey >= 1.0 && grey < 255.0 && fabs(grey - round(grey)) < 1e-9) {
        snprintf(out, size, "%.0f/255", grey);
        return;
    }
    for (int digits = 7; digits <= DBL_DECIMAL_DIG; digits++) {
        snprintf(out, size, "%.*g", digits, v);
        if (cli_number(&back, out) && back == v)
            return;
    }
}

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

// Where a value comes from, for messages: "--keep", or "conf.json: key 'keep'".
typedef struct source {
    const char *file; // NULL: the command line
    const char *name;
} source;

static int wrong(const source *s, const char *value, const char *what)
{
    if (s->file != NULL)
        return cli_usage("%s: key '%s': %s%s%s%s", s->file, s->name, value ? "'" : "",
                         value ? value : "", value ? "' " : "", what);
    return cli_usage("--%s: %s%s%s%s", s->name, value ? "'" : "", value ? value : "",
                     value ? "' " : "", what);
}

static int check_range(const cli_option *o, const source *s, const char *text, double v)
{
    char message[128], low[32], high[32];
    const bool limited = o->min < o->max;
    if ((o->type & CLI_POSITIVE) != 0 && !(v > 0.0))
        return wrong(s, text, "is not greater than 0");
    if (!limited || (v >= o->min && v <= o->max))
        return CLI_GO_ON;
    cli_number_text(low, sizeof(low), o->min);
    cli_number_text(high, sizeof(high), o->max);
    if (v < o->min)
        snprintf(message, sizeof(message), "is less than %s", low);
    else
        snprintf(message, sizeof(message), "is greater than %s", high);
    return wrong(s, text, message);
}

static int set_list(const cli_row *r, const source *s, const char *text)
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
        if (!cli_number(&list.value[list.num], part))
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

static int set_choice(const cli_row *r, const source *s, const char *text)
{
    const char *const *choices = r->option->choices;
    char message[512];
    int num = 0;
    size_t used;
    for (; choices[num] != NULL; num++)
        if (strcmp(choices[num], text) == 0) {
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

// Sets a variable from text, which must live as long as the settings.
static int set_text(cli_row *r, const source *s, const char *text)
{
    const cli_option *o = r->option;
    int64_t whole = 0;
    uint64_t seed = 0;
    double number = 0.0;
    int small, rc = CLI_GO_ON;

    r->given = true;
    switch (type_of(r)) {
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
        if (!cli_number(&number, text))
            return wrong(s, text, "is not a number such as 0.5 or 8/255");
        rc = check_range(o, s, text, number);
        memcpy(r->value, &number, sizeof(number));
        return rc;
    case CLI_CHOICE:
        return set_choice(r, s, text);
    case CLI_LIST:
        return set_list(r, s, text);
    case CLI_TEXTS:
        return add_text(r, text);
    default:
        return wrong(s, text, "is given to an option without a value");
    }
}

static void set_flag(cli_row *r, bool value)
{
    r->given = true;
    memcpy(r->value, &value, sizeof(value));
}

// ---- The JSON file

static const char *json_kind(const cli_row *r)
{
    switch (type_of(r)) {
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
        return "must be an array of strings";
    default:
        return "must be a string";
    }
}

static int set_json_list(cli_row *r, const source *s, const cJSON *array)
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
        cli_number_text(text, sizeof(text), v->valuedouble);
        const int rc = check_range(r->option, s, text, v->valuedouble);
        if (rc != CLI_GO_ON)
            return rc;
        list.value[list.num++] = v->valuedouble;
    }
    r->given = true;
    memcpy(r->value, &list, sizeof(list));
    return CLI_GO_ON;
}

static int set_json_texts(cli_row *r, const source *s, const cJSON *array)
{
    const cJSON *v;
    cJSON_ArrayForEach(v, array)
    {
        if (!cJSON_IsString(v))
            return wrong(s, NULL, json_kind(r));
        const int rc = add_text(r, v->valuestring);
        if (rc != CLI_GO_ON)
            return rc;
    }
    r->given = r->from_file = true;
    return CLI_GO_ON;
}

static int set_json_number(cli_row *r, const source *s, double v)
{
    char text[64];
    // Beyond 2^53 a JSON number may not be the one that was written.
    if (type_of(r) != CLI_NUMBER && (floor(v) != v || fabs(v) > 9007199254740992.0))
        return wrong(s, NULL, json_kind(r));
    snprintf(text, sizeof(text), type_of(r) == CLI_NUMBER ? "%.17g" : "%.0f", v);
    return set_text(r, s, text); // these types keep no pointer to their text
}

static int set_json(cli_row *r, const source *s, const cJSON *v)
{
    switch (type_of(r)) {
    case CLI_FLAG:
        if (!cJSON_IsBool(v))
            break;
        set_flag(r, cJSON_IsTrue(v));
        return CLI_GO_ON;
    case CLI_LIST:
        if (!cJSON_IsArray(v))
            break;
        return set_json_list(r, s, v);
    case CLI_TEXTS:
        if (!cJSON_IsArray(v))
            break;
        return set_json_texts(r, s, v);
    case CLI_SEED:
    case CLI_NUMBER:
        if (cJSON_IsString(v))
            return set_text(r, s, v->valuestring);
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
        return set_text(r, s, v->valuestring);
    }
    return wrong(s, NULL, json_kind(r));
}

static int read_config(const char *path)
{
    if (igd_json_read(&parsed.config, path) != IGD_OK)
        return cli_failed(parsed.command->name);
    if (!cJSON_IsObject(parsed.config))
        return cli_usage("%s: not a JSON object of options", path);
    const cJSON *v;
    cJSON_ArrayForEach(v, parsed.config)
    {
        cli_row *r = row_by_name(v->string, strlen(v->string));
        if (r == NULL) {
            const char *near = nearest_option(v->string);
            return cli_usage("%s: unknown key '%s'%s%s%s", path, v->string,
                             near ? "; did you mean '" : "", near ? near : "",
                             near ? "'?" : "");
        }
        if (strcmp(v->string, "config") == 0)
            return cli_usage("%s: key 'config': a file cannot name another", path);
        const int rc = set_json(r, &(source){path, v->string}, v);
        if (rc != CLI_GO_ON)
            return rc;
    }
    return CLI_GO_ON;
}

// ---- The command line

// Where the command line is read. A first reading looks for --config alone.
typedef struct reader {
    int argc, at;
    char **argv;
    int num_arguments; // met without --NAME
    bool only_config;
} reader;

static int take(reader *in, cli_row *r, const char *text)
{
    const bool config = strcmp(r->option->name, "config") == 0;
    if (config != in->only_config)
        return CLI_GO_ON;
    // The command line replaces what the file said rather than adding to it.
    if (type_of(r) == CLI_TEXTS && r->from_file) {
        cli_texts list;
        memcpy(&list, r->value, sizeof(list));
        list.num = 0;
        memcpy(r->value, &list, sizeof(list));
        r->from_file = false;
    }
    return set_text(r, &(source){NULL, r->option->name}, text);
}

static int take_next(reader *in, cli_row *r)
{
    if (in->at + 1 >= in->argc)
        return cli_usage("--%s: needs a value: --%s %s", r->option->name, r->option->name,
                         r->option->argument ? r->option->argument : "VALUE");
    return take(in, r, in->argv[++in->at]);
}

static int unknown_option(const char *name)
{
    const char *bare = strncmp(name, "no-", 3) == 0 ? name + 3 : name;
    const char *near = nearest_option(name);
    if (near == NULL)
        near = nearest_option(bare);
    return cli_usage("unknown option '--%s'%s%s%s", name,
                     near ? "; did you mean '--" : "", near ? near : "",
                     near ? "'?" : "");
}

static int long_option(reader *in, char *text)
{
    char *equals = strchr(text, '=');
    const size_t length = equals ? (size_t)(equals - text) : strlen(text);
    cli_row *r = row_by_name(text, length);
    bool flag = true;

    if (r == NULL && strncmp(text, "no-", 3) == 0) {
        cli_row *positive = row_by_name(text + 3, length - 3);
        if (positive != NULL && type_of(positive) == CLI_FLAG) {
            r = positive;
            flag = false;
        }
    }
    if (r == NULL) {
        if (equals != NULL)
            *equals = '\0';
        return unknown_option(text);
    }
    if (type_of(r) == CLI_FLAG) {
        if (equals != NULL)
            return cli_usage("--%.*s: takes no value", (int)length, text);
        if (!in->only_config)
            set_flag(r, flag);
        return CLI_GO_ON;
    }
    return equals != NULL ? take(in, r, equals + 1) : take_next(in, r);
}

// -o FILE, -oFILE, -qj.
static int short_options(reader *in, char *text)
{
    for (; *text != '\0'; text++) {
        cli_row *r = row_by_letter(*text);
        if (r == NULL)
            return cli_usage("unknown option '-%c'", *text);
        if (type_of(r) != CLI_FLAG)
            return text[1] != '\0' ? take(in, r, text + 1) : take_next(in, r);
        if (!in->only_config)
            set_flag(r, true);
    }
    return CLI_GO_ON;
}

static int argument(reader *in, const char *text)
{
    const char *const *names = parsed.command->arguments;
    int i = 0;
    for (; names != NULL && names[i] != NULL; i++) {
        cli_row *r = row_by_name(names[i], strlen(names[i]));
        if (i == in->num_arguments || (names[i + 1] == NULL && type_of(r) == CLI_TEXTS)) {
            in->num_arguments++;
            return take(in, r, text);
        }
    }
    return cli_usage("unexpected argument '%s'", text);
}

static int read_line(int argc, char **argv, bool only_config)
{
    reader in = {.argc = argc, .argv = argv, .only_config = only_config};
    bool options = true;
    for (; in.at < argc; in.at++) {
        char *text = argv[in.at];
        int rc;
        if (options && strcmp(text, "--") == 0) {
            options = false;
            continue;
        }
        if (options && strncmp(text, "--", 2) == 0)
            rc = long_option(&in, text + 2);
        else if (options && text[0] == '-' && text[1] != '\0')
            rc = short_options(&in, text + 1);
        else
            rc = argument(&in, text);
        if (rc != CLI_GO_ON)
            return rc;
    }
    return CLI_GO_ON;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

// ---- What holds for every command

static int check_required(void)
{
    for (int i = 0; i < parsed.num; i++) {
        const cli_option *o = parsed.row[i].option;
        if (parsed.row[i].required && !parsed.row[i].given)
            return cli_usage("--%s %s is missing; see 'igdef help %s'", o->name,
                             o->argument ? o->argument : "", parsed.command->name);
    }
    return CLI_GO_ON;
}

static int unusable(const char *path, int error)
{
    fprintf(stderr, "igdef %s: %s: %s\n", parsed.command->name, path, strerror(error));
    return CLI_FAILED;
}

// The paths of a row: one, or those of a list.
static int paths_of(const cli_row *r, const char *const **paths, const char **one)
{
    if (type_of(r) == CLI_TEXTS) {
        cli_texts list;
        memcpy(&list, r->value, sizeof(list));
        *paths = list.item;
        return list.num;
    }
    memcpy(one, r->value, sizeof(*one));
    *paths = one;
    return *one != NULL ? 1 : 0;
}

static bool is_input(const struct stat *file)
{
    for (int i = 0; i < parsed.num; i++) {
        const char *const *paths;
        const char *one;
        if ((parsed.row[i].option->type & CLI_INPUT) == 0)
            continue;
        const int num = paths_of(&parsed.row[i], &paths, &one);
        for (int j = 0; j < num; j++) {
            struct stat in;
            if (stat(paths[j], &in) == 0 && in.st_dev == file->st_dev &&
                in.st_ino == file->st_ino)
                return true;
        }
    }
    return false;
}

static int check_output(const cli_option *o, const char *path)
{
    struct stat st;
    const bool exists = stat(path, &st) == 0;
    if (exists && is_input(&st))
        return cli_usage("--%s: %s is also an input", o->name, path);
    if ((o->type & CLI_FOLDER) == 0 || !exists)
        return igd_file_check_writable(path) == IGD_OK ? CLI_GO_ON
                                                       : cli_failed(parsed.command->name);
    if (!S_ISDIR(st.st_mode))
        return unusable(path, ENOTDIR);
    return access(path, W_OK | X_OK) == 0 ? CLI_GO_ON : unusable(path, errno);
}

// Hours of work must not end in an unwritable file, nor a slow start in a missing one.
static int check_paths(void)
{
    for (int i = 0; i < parsed.num; i++) {
        const cli_row *r = &parsed.row[i];
        const char *const *paths;
        const char *one;
        if ((r->option->type & (CLI_INPUT | CLI_OUTPUT)) == 0)
            continue;
        const int num = paths_of(r, &paths, &one);
        for (int j = 0; j < num; j++) {
            if ((r->option->type & CLI_INPUT) != 0 && access(paths[j], R_OK) != 0)
                return unusable(paths[j], errno);
            if ((r->option->type & CLI_OUTPUT) != 0) {
                const int rc = check_output(r->option, paths[j]);
                if (rc != CLI_GO_ON)
                    return rc;
            }
        }
    }
    return CLI_GO_ON;
}

int cli_parse(void *settings, const cli_command *command, int argc, char **argv)
{
    int rc;

    parsed.command = command;
    command->defaults(settings);
    parsed.num = cli_rows(parsed.row, command, settings);
    if (wants_help(argc, argv)) {
        cli_help(stdout, command);
        return CLI_DONE;
    }
    if ((rc = read_line(argc, argv, true)) != CLI_GO_ON)
        return rc;
    const cli_row *config = row_by_name("config", strlen("config"));
    if (config != NULL && config->given) {
        const char *path;
        memcpy(&path, config->value, sizeof(path));
        if ((rc = read_config(path)) != CLI_GO_ON)
            return rc;
    }
    if ((rc = read_line(argc, argv, false)) != CLI_GO_ON ||
        (rc = check_required()) != CLI_GO_ON)
        return rc;
    if (command->check != NULL && (rc = command->check(settings)) != CLI_GO_ON)
        return rc;
    return check_paths();
}

void cli_end(void)
{
    for (int i = 0; i < parsed.num; i++)
        if (type_of(&parsed.row[i]) == CLI_TEXTS) {
            cli_texts list;
            memcpy(&list, parsed.row[i].value, sizeof(list));
            free(list.item);
        }
    cJSON_Delete(parsed.config);
    parsed.config = NULL;
    parsed.num = 0;
}
