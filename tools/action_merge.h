// The files that --merge joins.
#ifndef IGDEF_ACTION_MERGE_H
#define IGDEF_ACTION_MERGE_H

#include "action.h"

typedef struct merge_files {
    char **path; // owned, each too
    int num;
} merge_files;

// The files that were given, and in the place of each folder those in it whose names have
// that end, such as ".json", in byte order; the output is none of them. Says which runs
// in a folder are not finished. @return IGD_OK, IGD_EIO, IGD_EINVAL for a folder without
// such files, IGD_ENOMEM
igd_status merge_files_list(merge_files *out, const cli_texts *given, const char *end,
                            const char *output);
void merge_files_free(merge_files *f);

#endif
