// A file system on which nothing can be locked, and on demand nothing be linked, as the
// library sees it. Included by one file of a test.
#ifndef IGD_TESTS_WITHOUT_LOCKS_H
#define IGD_TESTS_WITHOUT_LOCKS_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

long syscall(long number, ...); // unistd.h has it only beside POSIX

int fcntl(int file, int command, ...)
{
    va_list args;
    va_start(args, command);
    void *argument = va_arg(args, void *);
    va_end(args);
    if (command == F_SETLK || command == F_SETLKW || command == F_GETLK) {
        errno = ENOLCK;
        return -1;
    }
    return (int)syscall(SYS_fcntl, file, command, argument);
}

static bool without_links; // as vfat is

int link(const char *from, const char *to)
{
    if (without_links) {
        errno = EPERM;
        return -1;
    }
    return (int)syscall(SYS_link, from, to);
}

#endif
