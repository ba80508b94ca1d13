// A lock whose holder has died.
#ifndef LOCK_FIXTURE_H
#define LOCK_FIXTURE_H

#include "fixture.h"

#include <sys/wait.h>
#include <unistd.h>

#include "core/lock.h"

// Another process takes the lock `of` and ends without giving it back.
static inline void take_and_die(const char *of)
{
    int code = -1;
    const pid_t child = fork();
    if (child == 0) {
        igd_lock *theirs = NULL;
        bool known;
        _exit(igd_lock_take(&theirs, &known, of) == IGD_OK ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
}

#endif
