// Owns making and removing folders.
#include "core/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/file.h"

igd_status igd_folder_make(const char *path)
{
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        return igd_error(IGD_EIO, "%s: cannot make the folder: %s", path,
                         strerror(errno));
    if (!igd_path_is_folder(path) || access(path, W_OK | X_OK) != 0)
        return igd_error(IGD_EIO, "%s: not a folder that can be written to", path);
    return IGD_OK;
}

igd_status igd_folder_temporary(char **out)
{
    const char *where = getenv("TMPDIR");
    *out = igd_path_join(where != NULL ? where : "/tmp", "igdef-XXXXXX");
    if (*out == NULL)
        return igd_error(IGD_ENOMEM, "no memory for a folder's name");
    if (mkdtemp(*out) != NULL)
        return IGD_OK;
    const igd_status st =
        igd_error(IGD_EIO, "%s: cannot make the folder: %s", *out, strerror(errno));
    free(*out);
    *out = NULL;
    return st;
}

void igd_folder_remove(const char *path)
{
    DIR *d = path != NULL ? opendir(path) : NULL;
    const struct dirent *entry;
    if (d == NULL)
        return;
    while ((entry = readdir(d)) != NULL) {
        char *file = igd_path_join(path, entry->d_name);
        if (file != NULL)
            unlink(file); // fails for "." and ".."
        free(file);
    }
    closedir(d);
    rmdir(path);
}
