// Owns the thread-local message. Its buffer is fixed, so failing never allocates.
#include "core/error.h"

#include <stdarg.h>

#include "core/number.h"
#include "core/text.h"

#define MESSAGE_SIZE 1024

static _Thread_local char message[MESSAGE_SIZE];

const char *igd_error_message(void)
{
    return message;
}

igd_status(igd_error)(igd_status status, const char *format, ...)
{
    char text[MESSAGE_SIZE + 8]; // an argument may be the old message itself
    va_list args;
    va_start(args, format);
    igd_format_args(text, sizeof(text), format, args);
    va_end(args);
    // Names and messages from outside stay on this line. What is escaped is never
    // shorter, so a character that vsnprintf() cut in two lies beyond the end.
    igd_escape(message, sizeof(message), text, false);
    return status;
}

igd_status(igd_error_prefix)(igd_status status, const char *text)
{
    return igd_error(status, "%s: %s", text, message);
}
