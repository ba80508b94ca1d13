// Owns the thread-local message. Its buffer is fixed, so failing never allocates.
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_SIZE 1024

static _Thread_local char message[MESSAGE_SIZE];

// Ends the message at the first line break and never inside a UTF-8 character.
static void trim(int wanted)
{
    message[strcspn(message, "\r\n")] = '\0';
    if (wanted < MESSAGE_SIZE)
        return;
    size_t end = strlen(message);
    size_t start = end;
    while (start > 0 && ((unsigned char)message[start - 1] & 0xc0) == 0x80)
        start--;
    if (start > 0 && start < end)
        message[start - 1] = '\0';
}

const char *igd_error_message(void)
{
    return message;
}

igd_status(igd_error)(igd_status status, const char *format, ...)
{
    char text[MESSAGE_SIZE]; // an argument may be the old message itself
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    memcpy(message, text, sizeof(text));
    trim(wanted);
    return status;
}

igd_status(igd_error_prefix)(igd_status status, const char *text)
{
    return igd_error(status, "%s: %s", text, message);
}
