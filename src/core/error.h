// Failures: the status of a call and, per thread, the message that belongs to it.
#ifndef IGD_CORE_ERROR_H
#define IGD_CORE_ERROR_H

#include "igdef/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// Sets the thread's message, one line with control characters escaped, and returns
// `status`. The only place where a failure is made, so none is without a message.
igd_status igd_error(igd_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// How many failures this thread made so far: tells whether a call has set a message.
unsigned long igd_error_count(void);

// Where the message of the failure `status`, which it returns, begins with `from`, lets
// it begin with `to`.
igd_status igd_error_rename(igd_status status, const char *from, const char *to);

// Puts "text: " in front of the message of the failure `status`, which it returns.
igd_status igd_error_prefix(igd_status status, const char *text);

// Returns a failing status to the caller; for functions that own nothing.
#define IGD_TRY(call)                                                                    \
    do {                                                                                 \
        igd_status try_status = (call);                                                  \
        if (try_status != IGD_OK)                                                        \
            return try_status;                                                           \
    } while (0)

#ifdef __cplusplus
}
#endif

#ifdef __clang_analyzer__
// The analyser sees one file at a time; this is how it learns that these return `status`.
#define igd_error(status, ...) ((void)igd_error(status, __VA_ARGS__), (status))
#define igd_error_prefix(status, text) ((void)igd_error_prefix(status, text), (status))
#endif

#endif
