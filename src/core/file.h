// Files: read whole, write whole or not at all.
#ifndef IGD_CORE_FILE_H
#define IGD_CORE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "igdef/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// Reads `size` bytes at a place of an open file, less only at its end. @return how many,
// -1 with errno set on failure
ssize_t igd_read_at(int file, void *out, size_t size, off_t at);

// Writes them there. @return 0, -1 with errno set on failure
int igd_write_at(int file, const void *data, size_t size, off_t at);

// Reads a file of at most `limit` bytes. *out is owned (free()), followed by a zero byte
// that *size does not count. Failures name the path: missing, a folder, larger than
// limit.
igd_status igd_file_read(unsigned char **out, size_t *size, const char *path,
                         size_t limit);

// The same, through zlib where the file is gzip-compressed; `limit` holds for the result.
// With `declared` no more is decompressed than the content's first bytes say there is,
// and no more than these where that is beyond `limit`: it is asked once, with
// IGD_DECLARED_AFTER bytes or more. NULL for none.
#define IGD_DECLARED_AFTER 16
igd_status igd_file_read_gzip(unsigned char **out, size_t *size, const char *path,
                              size_t limit,
                              size_t (*declared)(const unsigned char *head));

// The same from memory; `path` starts the messages.
bool igd_is_gzip(const unsigned char *data, size_t size);
igd_status igd_gunzip(unsigned char **out, size_t *out_size, const unsigned char *data,
                      size_t size, const char *path, size_t limit,
                      size_t (*declared)(const unsigned char *head));

// Writes a file whole: to a temporary name beside it, flushed to disk, then renamed. A
// signal that ends the program waits until that is done.
igd_status igd_file_write(const char *path, const void *data, size_t size);

// The same in pieces: write to igd_writer_stream(), then commit, which reports every
// failure on the way. Freeing an uncommitted writer removes the temporary file and leaves
// `path` as it was. Symbolic links are followed, to files that are not there yet as well;
// what goes to a device or a pipe is collected and written when it is complete, and a
// pipe without a reader is a failure. What a killed run left of the same file is removed.
// Several processes may write a file at the same time, but one thread of each.
typedef struct igd_writer igd_writer;
igd_status igd_writer_open(igd_writer **out, const char *path);
FILE *igd_writer_stream(igd_writer *w);
// Brings to disk what was written so far. Of several files that belong together, all are
// flushed before one is committed: a full disk then changes none.
igd_status igd_writer_flush(igd_writer *w);
igd_status igd_writer_commit(igd_writer *w); // always frees
void igd_writer_free(igd_writer *w);

// Whether `path` could be written later: checks its name, the folder and permissions,
// changes nothing.
igd_status igd_file_check_writable(const char *path);

// Opens a pipe or device for writing. Opening a pipe waits a little while for a reader; a
// failure says where there is none.
igd_status igd_special_open(int *out, const char *path);

// The file that writing to `path` creates or replaces, by its absolute name where its
// folder exists: two names of one file become the same. *out is owned (free()).
igd_status igd_file_target(char **out, const char *path);

bool igd_path_exists(const char *path);
bool igd_path_is_folder(const char *path);

// Whether a folder holds one of these files, NULL-ended; folders of such a name are none.
igd_status igd_folder_holds(bool *out, const char *folder, const char *const *names);

// The folder that a file lies in, owned (free()); NULL when memory is exhausted.
char *igd_path_folder(const char *path);

// "folder/name", owned (free()); NULL when memory is exhausted.
char *igd_path_join(const char *folder, const char *name);

#ifdef __cplusplus
}
#endif

#endif
