// Folders that a run keeps its files in.
#ifndef IGD_CORE_FOLDER_H
#define IGD_CORE_FOLDER_H

#include "igdef/status.h"

// Makes a folder where there is none, in one that exists. @return IGD_OK, IGD_EIO if it
// cannot be made or cannot be written to
igd_status igd_folder_make(const char *path);

// Makes a fresh one where temporary files go. *out is owned (free()), NULL on failure.
igd_status igd_folder_temporary(char **out);

// Removes a folder with the files in it, as far as that is possible; NULL is fine.
void igd_folder_remove(const char *path);

#endif
