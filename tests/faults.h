// Failures of the system, chosen by their kind and number: a program that is linked with
// -Wl,--wrap=NAME for each function here fails in the call that faulty and faulty_call
// say.
#ifndef IGD_TEST_FAULTS_H
#define IGD_TEST_FAULTS_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef enum kind {
    MALLOC,
    CALLOC,
    REALLOC,
    STRDUP,
    OPEN_MEMSTREAM,
    OPEN,
    PWRITE,
    WRITE,
    FFLUSH,
    FSYNC,
    FDATASYNC,
    RENAME,
    FTRUNCATE,
    FCHMOD,
    FCNTL,
    NUM_KINDS
} kind;

static const int reasons[NUM_KINDS] = {
    [MALLOC] = ENOMEM,         [CALLOC] = ENOMEM, [REALLOC] = ENOMEM, [STRDUP] = ENOMEM,
    [OPEN_MEMSTREAM] = ENOMEM, [OPEN] = EMFILE,   [PWRITE] = ENOSPC,  [WRITE] = ENOSPC,
    [FFLUSH] = ENOSPC,         [FSYNC] = EIO,     [FDATASYNC] = EIO,  [RENAME] = EACCES,
    [FTRUNCATE] = EIO,         [FCHMOD] = EPERM,  [FCNTL] = ENOLCK,
};

// Calls of each kind so far, and the one that fails.
static _Atomic long calls[NUM_KINDS];
static kind faulty = NUM_KINDS;
static long faulty_call;

static bool fails(kind k)
{
    if (++calls[k] != faulty_call || k != faulty)
        return false;
    errno = reasons[k];
    return true;
}

// The linker puts these in the place of the library's calls.
#define WRAP(type, name, parameters, values, k, failure)                                 \
    type __real_##name parameters;                                                       \
    type __wrap_##name parameters;                                                       \
    type __wrap_##name parameters                                                        \
    {                                                                                    \
        return fails(k) ? failure : __real_##name values;                                \
    }

WRAP(void *, malloc, (size_t size), (size), MALLOC, NULL)
WRAP(void *, calloc, (size_t num, size_t size), (num, size), CALLOC, NULL)
WRAP(void *, realloc, (void *old, size_t size), (old, size), REALLOC, NULL)
WRAP(char *, strdup, (const char *text), (text), STRDUP, NULL)
WRAP(FILE *, open_memstream, (char **text, size_t *size), (text, size), OPEN_MEMSTREAM,
     NULL)
WRAP(ssize_t, pwrite, (int file, const void *data, size_t size, off_t at),
     (file, data, size, at), PWRITE, -1)
WRAP(ssize_t, write, (int file, const void *data, size_t size), (file, data, size), WRITE,
     -1)
WRAP(int, fflush, (FILE * f), (f), FFLUSH, EOF)
WRAP(int, fsync, (int file), (file), FSYNC, -1)
WRAP(int, fdatasync, (int file), (file), FDATASYNC, -1)
WRAP(int, rename, (const char *from, const char *to), (from, to), RENAME, -1)
WRAP(int, ftruncate, (int file, off_t size), (file, size), FTRUNCATE, -1)
WRAP(int, fchmod, (int file, mode_t mode), (file, mode), FCHMOD, -1)

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_fcntl(int file, int command, ...);
int __wrap_fcntl(int file, int command, ...);

int __wrap_open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;
    va_end(args);
    return fails(OPEN) ? -1 : __real_open(path, flags, mode);
}

int __wrap_fcntl(int file, int command, ...)
{
    va_list args;
    va_start(args, command);
    void *argument = va_arg(args, void *);
    va_end(args);
    return fails(FCNTL) ? -1 : __real_fcntl(file, command, argument);
}

#endif
