// Owns what the command says when it fails.
#include <stdarg.h>
#include <stdio.h>

#include "cli.h"
#include "core.h"
#include "igdef/status.h"
#include "print.h"

static const char *speaker; // the command that was asked for; NULL: none yet

void cli_speak_for(const char *command)
{
    speaker = command;
}

int cli_usage(const char *format, ...)
{
    va_list args;
    fprintf(stderr, "igdef%s%s: ", speaker ? " " : "", speaker ? speaker : "");
    va_start(args, format);
    print_line(stderr, format, args);
    va_end(args);
    return CLI_USAGE;
}

int cli_failed(const char *command)
{
    fprintf(stderr, "igdef %s: %s\n", command, igd_error_message());
    return CLI_FAILED;
}

void cli_note_unsealed(const cli_texts *paths)
{
    for (int i = 0; i < paths->num; i++) {
        cJSON *json = NULL;
        bool sealed = false;
        if (igd_seal_read(&json, &sealed, paths->item[i]) == IGD_OK && !sealed)
            fprintf(stderr, "igdef %s: %s: " IGD_UNSEALED "\n", speaker, paths->item[i]);
        cJSON_Delete(json);
    }
}
