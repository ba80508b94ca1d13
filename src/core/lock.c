// Owns locks between processes.
#include "core/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/claim.h"
#include "core/error.h"

#define SUFFIX ".lock"
#define HOST_SIZE 256
#define RETRY 10 // seconds between two tries to claim

struct igd_lock {
    char *path;       // owned
    int file;         // -1 where there are no locks
    igd_claim *claim; // owned; then, NULL while another process's is not given up
    time_t tried;     // to get it
};

// What its holder wrote into the file; false for nothing.
static bool signature(char *text, size_t size, int file)
{
    const ssize_t length = pread(file, text, size - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return text[0] != '\0';
}

// Who wrote the file; or, before that is done, who the system says holds it.
static igd_status held(const igd_lock *l)
{
    char text[HOST_SIZE + 64];
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (signature(text, sizeof(text), l->file))
        return igd_error(IGD_ESTATE, "%s: in use by %s", l->path, text);
    if (fcntl(l->file, F_GETLK, &whole) == 0 && whole.l_type != F_UNLCK)
        return igd_error(IGD_ESTATE, "%s: in use by process %ld", l->path,
                         (long)whole.l_pid);
    return igd_error(IGD_ESTATE, "%s: in use by another process", l->path);
}

static igd_status sign(const igd_lock *l)
{
    char host[HOST_SIZE] = "", text[HOST_SIZE + 64];
    if (gethostname(host, sizeof(host) - 1) != 0)
        snprintf(host, sizeof(host), "an unknown host");
    const int length =
        snprintf(text, sizeof(text), "process %ld on %s\n", (long)getpid(), host);
    if (ftruncate(l->file, 0) == 0 &&
        pwrite(l->file, text, (size_t)length, 0) == (ssize_t)length)
        return IGD_OK;
    return igd_error(IGD_EIO, "%s: %s", l->path, strerror(errno));
}

static bool still_there(const igd_lock *l)
{
    struct stat there, here;
    return lstat(l->path, &there) == 0 && fstat(l->file, &here) == 0 &&
           there.st_dev == here.st_dev && there.st_ino == here.st_ino;
}

// Without one the run goes on: it does no harm, and another process may have died with
// it.
static void claim(igd_lock *l)
{
    char who[HOST_SIZE + 64];
    l->tried = time(NULL);
    (void)igd_claim_try(&l->claim, l->path, who, sizeof(who));
}

static igd_status take(igd_lock *l, bool *known)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    for (;;) {
        l->file = open(l->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (l->file < 0)
            return igd_error(IGD_EIO, "%s: %s", l->path, strerror(errno));
        if (fcntl(l->file, F_SETLK, &whole) != 0) {
            if (errno == EAGAIN || errno == EACCES)
                return held(l);
            *known = false;
            close(l->file);
            l->file = -1;
            claim(l);
            return IGD_OK;
        }
        if (still_there(l)) {
            const igd_status st = sign(l);
            if (st != IGD_OK)
                unlink(l->path); // while it is held
            return st;
        }
        close(l->file); // its holder removed it between the two calls
        l->file = -1;
    }
}

// "`of`.lock", owned; NULL without memory.
static char *path_of(const char *of)
{
    const size_t room = strlen(of) + sizeof(SUFFIX);
    char *path = malloc(room);
    if (path != NULL)
        snprintf(path, room, "%s" SUFFIX, of);
    return path;
}

bool igd_lock_held(char *who, size_t size, const char *of)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char *path = path_of(of);
    const int file = path != NULL ? open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
    bool held = false;
    who[0] = '\0';
    if (file >= 0) {
        const bool known = fcntl(file, F_GETLK, &whole) == 0;
        held = known ? whole.l_type != F_UNLCK : igd_claim_held(path, who, size);
        if (known && held)
            (void)signature(who, size, file);
        close(file);
    }
    free(path);
    return held;
}

igd_status igd_lock_take(igd_lock **out, bool *known, const char *of)
{
    igd_lock *l = calloc(1, sizeof(*l));

    *out = NULL;
    *known = true;
    if (l == NULL || (l->path = path_of(of)) == NULL) {
        free(l);
        return igd_error(IGD_ENOMEM, "%s: no memory for its lock", of);
    }
    l->file = -1;
    const igd_status st = take(l, known);
    if (st == IGD_OK) {
        *out = l;
        return IGD_OK;
    }
    if (l->file >= 0)
        close(l->file);
    free(l->path);
    free(l);
    return st;
}

void igd_lock_touch(igd_lock *l)
{
    if (l == NULL || l->file >= 0)
        return;
    if (l->claim == NULL && time(NULL) - l->tried >= RETRY)
        claim(l);
    igd_claim_touch(l->claim);
}

void igd_lock_free(igd_lock *l)
{
    if (l == NULL)
        return;
    igd_claim_free(l->claim);
    if (l->file >= 0) {
        unlink(l->path); // while it is held
        close(l->file);
    }
    free(l->path);
    free(l);
}
