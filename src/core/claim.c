// Owns claims between processes.
#include "core/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/error.h"

#define TOUCHED 5.0 // seconds between two signs of life
#define SILENCE 300 // seconds after which a process on another host is given up
#define HOST_SIZE 256
#define TEXT_SIZE (HOST_SIZE + 96)

struct igd_claim {
    char *path; // owned
    char text[TEXT_SIZE];
    double touched;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void host_name(char out[HOST_SIZE])
{
    memset(out, 0, HOST_SIZE);
    if (gethostname(out, HOST_SIZE - 1) != 0)
        snprintf(out, HOST_SIZE, "unknown");
}

// When a process began, in ticks since the system did; 0 where that is not known. It
// tells a process from a later one of the same number.
static unsigned long long began(long pid)
{
    char path[64], text[1024];
    unsigned long long start = 0;
    snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    FILE *f = fopen(path, "r");
    const size_t length = f != NULL ? fread(text, 1, sizeof(text) - 1, f) : 0;
    if (f != NULL)
        fclose(f);
    text[length] = '\0';
    const char *at = strrchr(text, ')'); // the name before it may hold anything
    for (int k = 0; at != NULL && k < 20; k++)
        at = strchr(at + 1, ' ');
    if (at != NULL)
        start = strtoull(at, NULL, 10);
    return start;
}

void igd_claim_token(char *out, size_t size)
{
    char host[HOST_SIZE];
    struct timespec t;
    uint64_t hash = 14695981039346656037u; // FNV-1a
    host_name(host);
    clock_gettime(CLOCK_REALTIME, &t);
    for (const char *c = host; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 1099511628211u;
    snprintf(out, size, "%08llx-%lx-%llx%05lx", (unsigned long long)(hash & 0xffffffff),
             (unsigned long)getpid(), (unsigned long long)t.tv_sec,
             (unsigned long)t.tv_nsec / 1000);
}

static igd_status failed(const char *path)
{
    return igd_error(IGD_EIO, "%s: %s", path, strerror(errno));
}

// --- who holds it

// The time of the file system, which may be another host's.
static bool server_time(time_t *out, const char *path)
{
    char name[4096], token[64];
    struct stat info;
    igd_claim_token(token, sizeof(token));
    snprintf(name, sizeof(name), "%s.%s", path, token);
    const int file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0)
        return false;
    const bool good = fstat(file, &info) == 0;
    close(file);
    unlink(name);
    *out = info.st_mtime;
    return good;
}

static bool alive(const char *text, const struct stat *info, const char *path)
{
    static const char process[] = "process ", on[] = " on ", since[] = " since ";
    char here[HOST_SIZE], *end = NULL;
    time_t server = 0;
    host_name(here);
    const char *host = strstr(text, on), *began_at = strstr(text, since);
    const long pid = strncmp(text, process, strlen(process)) == 0
                         ? strtol(text + strlen(process), &end, 10)
                         : 0;
    if (pid < 1 || end != host || host == NULL || began_at == NULL)
        return false; // cut off while it was written
    host += strlen(on);
    const size_t length = (size_t)(began_at - host);
    if (length == strlen(here) && strncmp(host, here, length) == 0)
        return (kill((pid_t)pid, 0) == 0 || errno == EPERM) &&
               began(pid) == strtoull(began_at + strlen(since), NULL, 10);
    return !server_time(&server, path) || server - info->st_mtime < SILENCE;
}

// What is in the file; false where there is none.
static bool read_text(char text[TEXT_SIZE], struct stat *info, const char *path)
{
    const int file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0)
        return false;
    const ssize_t length = read(file, text, TEXT_SIZE - 1);
    text[length > 0 ? length : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    const bool good = fstat(file, info) == 0;
    close(file);
    return good;
}

bool igd_claim_held(const char *path, char *who, size_t size)
{
    char text[TEXT_SIZE];
    struct stat info;
    who[0] = '\0';
    if (!read_text(text, &info, path) || !alive(text, &info, path))
        return false;
    const char *end = strstr(text, " since ");
    snprintf(who, size, "%.*s", end != NULL ? (int)(end - text) : 0, text);
    return true;
}

// --- taking it

// Where there are no hard links, as on vfat: a file of its own first, which one of
// several can make, then the text. Who looks in between finds no process, and takes it
// over.
static bool moved(const char *name, const char *path)
{
    const int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0)
        return false;
    close(file);
    return rename(name, path) == 0;
}

// Gives a file another name, which no other has; some servers do and then say that they
// did not.
static bool placed(const char *name, const char *path)
{
    struct stat info;
    if (link(name, path) == 0)
        return true;
    if (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS)
        return moved(name, path);
    return stat(name, &info) == 0 && info.st_nlink == 2;
}

// Moves away the file of a process that is gone. What came to its place meanwhile goes
// back.
static void clear(const char *path, const char *stale)
{
    char away[4096], token[64], text[TEXT_SIZE];
    struct stat info;
    igd_claim_token(token, sizeof(token));
    snprintf(away, sizeof(away), "%s.%s", path, token);
    if (rename(path, away) != 0)
        return;
    if (read_text(text, &info, away) && strcmp(text, stale) != 0 && !placed(away, path))
        return; // a third one came; the second goes on without its file
    unlink(away);
}

static igd_status take(bool *mine, const igd_claim *c)
{
    char name[4096], token[64];
    igd_claim_token(token, sizeof(token));
    snprintf(name, sizeof(name), "%s.%s", c->path, token);
    const int file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0)
        return failed(name);
    const size_t length = strlen(c->text);
    igd_status st =
        write(file, c->text, length) == (ssize_t)length ? IGD_OK : failed(name);
    if (close(file) != 0 && st == IGD_OK)
        st = failed(name);
    if (st == IGD_OK) {
        *mine = placed(name, c->path);
        if (!*mine && errno != EEXIST)
            st = failed(c->path);
    }
    unlink(name);
    return st;
}

igd_status igd_claim_try(igd_claim **out, const char *path, char *who, size_t size)
{
    char host[HOST_SIZE], text[TEXT_SIZE];
    struct stat info;
    igd_claim *c = calloc(1, sizeof(*c));
    bool mine = false;
    igd_status st = IGD_OK;

    *out = NULL;
    if (c == NULL || (c->path = strdup(path)) == NULL) {
        free(c);
        return igd_error(IGD_ENOMEM, "%s: no memory", path);
    }
    host_name(host);
    snprintf(c->text, sizeof(c->text), "process %ld on %s since %llu\n", (long)getpid(),
             host, began((long)getpid()));
    if (!igd_claim_held(path, who, size)) {
        if (read_text(text, &info, path))
            clear(path, text);
        st = take(&mine, c);
        if (st == IGD_OK && !mine)
            (void)igd_claim_held(path, who, size); // another was faster
    }
    if (mine) {
        c->touched = now();
        *out = c;
        return st;
    }
    free(c->path);
    free(c);
    return st;
}

void igd_claim_touch(igd_claim *c)
{
    if (c == NULL || now() - c->touched < TOUCHED)
        return;
    c->touched = now();
    (void)utimensat(AT_FDCWD, c->path, NULL, AT_SYMLINK_NOFOLLOW);
}

void igd_claim_free(igd_claim *c)
{
    char text[TEXT_SIZE];
    struct stat info;
    if (c == NULL)
        return;
    c->text[strcspn(c->text, "\n")] = '\0';
    // Not one that took it over. What cannot be read goes too: this process would wait
    // for itself.
    if (!read_text(text, &info, c->path) || strcmp(text, c->text) == 0)
        unlink(c->path);
    free(c->path);
    free(c);
}
