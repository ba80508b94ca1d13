// Owns replacing files atomically. What is written lies under a temporary name beside the
// file until it is complete. That name is locked: a name whose lock is free was left
// behind by a run that was killed, and the next writer takes it over.
#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/error.h"

#define TEMPORARY "%s.%d.tmp"
#define TEMPORARY_LENGTH 6
#define NUM_TEMPORARY 8 // writers of one file at the same time
#define STALE 60        // seconds; where nothing can be locked, age must tell
#define MOST_LINKS 40
#define PROBE 4096
#define READER_PAUSES 40

struct igd_writer {
    char *path;      // owned; symbolic links resolved
    char *temporary; // owned; NULL where the path is a device or a pipe
    FILE *stream;    // owned; of the temporary file, or of `memory`
    char *memory;    // owned; what goes to the device or pipe
    size_t size;
    bool committed;
};

static igd_status no_memory(const char *path)
{
    return igd_error(IGD_ENOMEM, "%s: no memory for its name", path);
}

static igd_status system_error(const char *path)
{
    return igd_error(IGD_EIO, "%s: %s", path, strerror(errno));
}

// --- where a path leads

// What the symbolic link `path` says, as seen from here; owned, NULL where it cannot be
// read.
static char *read_link(const char *path)
{
    char target[PATH_MAX];
    const ssize_t length = readlink(path, target, sizeof(target) - 1);
    if (length < 0)
        return NULL;
    target[length] = '\0';
    char *folder = target[0] == '/' ? NULL : igd_path_folder(path);
    char *out = folder != NULL ? igd_path_join(folder, target) : strdup(target);
    free(folder);
    return out;
}

// The file that writing to `path` creates or replaces: links are followed, even to a file
// that is not there yet. rename() would put a file in the place of the link.
static igd_status resolve(char **out, const char *path)
{
    struct stat info;
    *out = NULL;
    if (stat(path, &info) == 0) {
        // A pipe that a link such as /dev/stdout leads to has no name of its own.
        const bool named = S_ISREG(info.st_mode) || S_ISDIR(info.st_mode);
        *out = named ? realpath(path, NULL) : strdup(path);
        return *out != NULL ? IGD_OK : system_error(path);
    }
    if (errno == ELOOP || errno == ENAMETOOLONG)
        return system_error(path);
    char *at = strdup(path);
    for (int i = 0;
         i < MOST_LINKS && at != NULL && lstat(at, &info) == 0 && S_ISLNK(info.st_mode);
         i++) {
        char *next = read_link(at);
        free(at);
        at = next;
    }
    *out = at;
    return at != NULL ? IGD_OK : no_memory(path);
}

igd_status igd_file_target(char **out, const char *path)
{
    IGD_TRY(resolve(out, path));
    char *folder = igd_path_folder(*out);
    char *real = folder != NULL ? realpath(folder, NULL) : NULL;
    const char *slash = strrchr(*out, '/');
    if (real != NULL) {
        char *whole = igd_path_join(real, slash != NULL ? slash + 1 : *out);
        free(*out);
        *out = whole;
    }
    free(folder);
    free(real);
    return *out != NULL ? IGD_OK : no_memory(path);
}

static igd_status check_name(const char *path, const char *where, const char *name)
{
    const long most = pathconf(where, _PC_NAME_MAX);
    const size_t limit = most > 0 ? (size_t)most : NAME_MAX;
    if (strlen(name) + TEMPORARY_LENGTH <= limit &&
        strlen(path) + TEMPORARY_LENGTH < PATH_MAX)
        return IGD_OK;
    errno = ENAMETOOLONG;
    return system_error(path);
}

igd_status igd_file_check_writable(const char *path)
{
    struct stat info;
    char *file = NULL;
    if (path[0] == '\0')
        return igd_error(IGD_EINVAL, "the name of a file to write is empty");
    const bool exists = stat(path, &info) == 0;
    if (exists && S_ISDIR(info.st_mode))
        return igd_error(IGD_EIO, "%s: is a folder, not a file", path);
    if (exists && access(path, W_OK) != 0)
        return system_error(path);
    if (exists && !S_ISREG(info.st_mode))
        return IGD_OK;

    IGD_TRY(resolve(&file, path));
    char *slash = strrchr(file, '/');
    const char *where = slash == NULL ? "." : slash == file ? "/" : file;
    const char *name = slash != NULL ? slash + 1 : file;
    igd_status st = IGD_OK;
    if (name[0] == '\0') {
        st = igd_error(IGD_EINVAL, "%s: is the name of a folder, not of a file", path);
        goto done;
    }
    if (slash != NULL)
        *slash = '\0';
    const bool there = stat(where, &info) == 0;
    if (there && !S_ISDIR(info.st_mode))
        st = igd_error(IGD_EIO, "%s: %s is not a folder", path, where);
    else if (!there || access(where, W_OK | X_OK) != 0)
        st = igd_error(IGD_EIO, "%s: its folder: %s", path, strerror(errno));
    else
        st = check_name(path, where, name);

done:
    free(file);
    return st;
}

// --- temporary files

// Whether a file that was opened is still the one of that name.
static bool is_at(int file, const char *path)
{
    struct stat there, here;
    return lstat(path, &there) == 0 && fstat(file, &here) == 0 &&
           there.st_dev == here.st_dev && there.st_ino == here.st_ino;
}

static bool is_stale(const struct stat *info)
{
    return time(NULL) - info->st_mtime > STALE;
}

// Nobody else's file is written to, nor one that has another name as well.
static bool is_own(const struct stat *info)
{
    return S_ISREG(info->st_mode) && info->st_nlink == 1 && info->st_uid == geteuid();
}

// Opens a temporary name, made where `create` says so, that no living process works on.
// @return a file that is locked where the file system knows locks; -1 with errno: EBUSY
// where it is another's
static int take(const char *name, bool create)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat info;
    for (;;) {
        int file = -1;
        if (create)
            file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        const bool fresh = file >= 0;
        if (!fresh && create && errno != EEXIST)
            return -1;
        if (!fresh)
            file = open(name, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
        if (file < 0 && errno == ENOENT && create)
            continue; // renamed or removed meanwhile
        bool mine = file >= 0 && fstat(file, &info) == 0 && (fresh || is_own(&info));
        if (mine && fcntl(file, F_SETLK, &whole) != 0)
            mine = errno != EAGAIN && errno != EACCES && (fresh || is_stale(&info));
        if (mine && is_at(file, name))
            return file;
        if (file >= 0)
            close(file);
        if (!mine) {
            errno = EBUSY;
            return -1;
        }
    }
}

static igd_status open_temporary(igd_writer *w)
{
    const size_t room = strlen(w->path) + 32;
    int file = -1;
    w->temporary = malloc(room);
    if (w->temporary == NULL)
        return no_memory(w->path);
    for (int i = 0; i < NUM_TEMPORARY; i++) {
        snprintf(w->temporary, room, TEMPORARY, w->path, i);
        if ((file = take(w->temporary, true)) >= 0 || errno != EBUSY)
            break;
    }
    w->stream = file >= 0 && ftruncate(file, 0) == 0 ? fdopen(file, "wb") : NULL;
    if (w->stream != NULL)
        return IGD_OK;
    const igd_status st = system_error(w->path);
    if (file >= 0) {
        unlink(w->temporary);
        close(file);
    }
    free(w->temporary);
    w->temporary = NULL;
    return st;
}

// Removes what killed runs left under the other temporary names of a file.
static void remove_left(const char *path)
{
    const size_t room = strlen(path) + 32;
    char *name = malloc(room);
    for (int i = 0; i < NUM_TEMPORARY && name != NULL; i++) {
        snprintf(name, room, TEMPORARY, path, i);
        const int file = take(name, false);
        if (file < 0)
            continue;
        unlink(name);
        close(file);
    }
    free(name);
}

// --- writing

igd_status igd_writer_open(igd_writer **out, const char *path)
{
    igd_writer *w = NULL;
    struct stat info;
    igd_status st = IGD_OK;

    *out = NULL;
    st = igd_file_check_writable(path);
    if (st != IGD_OK)
        return st;
    w = calloc(1, sizeof(*w));
    if (w == NULL) {
        st = no_memory(path);
        goto done;
    }
    const bool special = stat(path, &info) == 0 && !S_ISREG(info.st_mode);
    if (special) { // /dev/stdout, say, which stays a device
        w->path = strdup(path);
        w->stream = open_memstream(&w->memory, &w->size);
        st = w->path != NULL && w->stream != NULL ? IGD_OK : no_memory(path);
    } else if ((st = resolve(&w->path, path)) == IGD_OK) {
        remove_left(w->path);
        st = open_temporary(w);
    }
    if (st != IGD_OK)
        goto done;
    *out = w;
    w = NULL;

done:
    igd_writer_free(w);
    return st;
}

FILE *igd_writer_stream(igd_writer *w)
{
    return w->stream;
}

// The rename itself survives a power cut only when the folder is flushed too. Some file
// systems cannot; the file's content is safe without.
static void flush_folder(const char *path)
{
    char *folder = igd_path_folder(path);
    if (folder == NULL)
        return;
    const int file = open(folder, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        fsync(file);
        close(file);
    }
    free(folder);
}

// A stream that failed has forgotten why: the file system says it again.
static void repeat_failure(int file)
{
    static const char nothing[PROBE];
    errno = EIO;
    for (int i = 0; i < 256; i++)
        if (write(file, nothing, sizeof(nothing)) < 0 && errno != EINTR)
            return;
    errno = EIO;
}

igd_status igd_writer_flush(igd_writer *w)
{
    if (w->temporary == NULL)
        return IGD_OK;
    const int file = fileno(w->stream);
    const bool failed = ferror(w->stream) != 0;
    if (failed)
        repeat_failure(file);
    return !failed && fflush(w->stream) == 0 && fsync(file) == 0 ? IGD_OK
                                                                 : system_error(w->path);
}

static igd_status commit_temporary(igd_writer *w)
{
    IGD_TRY(igd_writer_flush(w));
    // The name is given while the temporary one is still locked: nobody may take it over.
    if (rename(w->temporary, w->path) != 0)
        return system_error(w->path);
    w->committed = true;
    flush_folder(w->path);
    return IGD_OK;
}

static igd_status write_whole(int file, const char *data, size_t size, const char *path)
{
    while (size > 0) {
        const ssize_t put = write(file, data, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return system_error(path);
        data += put;
        size -= (size_t)put;
    }
    return IGD_OK;
}

igd_status igd_special_open(int *out, const char *path)
{
    const struct timespec pause = {.tv_nsec = 50000000};
    int file = -1;
    *out = -1;
    for (int i = 0; i < READER_PAUSES; i++) {
        file = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (file >= 0 || errno != ENXIO)
            break;
        nanosleep(&pause, NULL); // a reader that starts with us
        errno = ENXIO;
    }
    if (file < 0 && errno == ENXIO)
        return igd_error(IGD_EIO, "%s: a pipe that nobody reads", path);
    if (file < 0 || fcntl(file, F_SETFL, O_WRONLY) != 0) {
        const igd_status st = system_error(path);
        if (file >= 0)
            close(file);
        return st;
    }
    *out = file;
    return IGD_OK;
}

static igd_status commit_special(igd_writer *w)
{
    const int closed = fclose(w->stream);
    w->stream = NULL;
    if (closed != 0)
        return igd_error(IGD_ENOMEM, "%s: no memory for what goes there", w->path);
    int file;
    IGD_TRY(igd_special_open(&file, w->path));
    const igd_status st = write_whole(file, w->memory, w->size, w->path);
    if (close(file) != 0 && st == IGD_OK)
        return system_error(w->path);
    return st;
}

igd_status igd_writer_commit(igd_writer *w)
{
    const igd_status st = w->temporary != NULL ? commit_temporary(w) : commit_special(w);
    igd_writer_free(w);
    return st;
}

void igd_writer_free(igd_writer *w)
{
    if (w == NULL)
        return;
    if (w->temporary != NULL && !w->committed)
        unlink(w->temporary); // while it is locked
    if (w->stream != NULL)
        fclose(w->stream);
    free(w->memory);
    free(w->temporary);
    free(w->path);
    free(w);
}

igd_status igd_file_write(const char *path, const void *data, size_t size)
{
    sigset_t ends, before;
    igd_writer *w = NULL;

    // Whoever wants to end the program waits for the rename.
    sigemptyset(&ends);
    sigaddset(&ends, SIGHUP);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, &before);
    igd_status st = igd_writer_open(&w, path);
    if (st == IGD_OK) {
        fwrite(data, 1, size, igd_writer_stream(w)); // the commit reports a failure
        st = igd_writer_commit(w);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return st;
}
