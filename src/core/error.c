// Owns the thread-local message. Its buffer is fixed, so failing never allocates.
#include "core/error.h"

#include <stdarg.h>
#include <string.h>

#include "core/number.h"
#include "core/text.h"

#define MESSAGE_SIZE 1024

static _Thread_local char message[MESSAGE_SIZE];
static _Thread_local unsigned long count;

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
    count++;
    return status;
}

unsigned long igd_error_count(void)
{
    return count;
}

igd_status igd_set_error(igd_status status, const char *text)
{
    return igd_error(status, "%s", text != NULL ? text : "");
}

const char *igd_status_name(igd_status status)
{
    switch (status) {
    case IGD_OK:
        return "IGD_OK";
    case IGD_EINVAL:
        return "IGD_EINVAL";
    case IGD_ENOMEM:
        return "IGD_ENOMEM";
    case IGD_EIO:
        return "IGD_EIO";
    case IGD_EFORMAT:
        return "IGD_EFORMAT";
    case IGD_EDEVICE:
        return "IGD_EDEVICE";
    case IGD_ETORCH:
        return "IGD_ETORCH";
    case IGD_ESTATE:
        return "IGD_ESTATE";
    case IGD_ECANCELED:
        return "IGD_ECANCELED";
    case IGD_ECHECK:
        return "IGD_ECHECK";
    case IGD_ECALLBACK:
        return "IGD_ECALLBACK";
    }
    return "unknown status";
}

igd_status(igd_error_prefix)(igd_status status, const char *text)
{
    return igd_error(status, "%s: %s", text, message);
}

igd_status igd_error_rename(igd_status status, const char *from, const char *to)
{
    char rest[MESSAGE_SIZE];
    const size_t length = strlen(from);
    if (status == IGD_OK || strncmp(message, from, length) != 0)
        return status;
    memcpy(rest, message + length, strlen(message + length) + 1);
    return igd_error(status, "%s%s", to, rest);
}
