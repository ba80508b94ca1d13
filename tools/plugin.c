// Finds and opens the plugin.
#include "plugin.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "igdef/version.h"

#define FILE_NAME "igdef-plugin.so"

// Folder of the running program, without the final slash; false if it is not known.
static bool own_folder(char *out, size_t size)
{
    const ssize_t length = readlink("/proc/self/exe", out, size - 1);
    if (length < 1)
        return false;
    out[length] = '\0';
    char *slash = strrchr(out, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    return true;
}

// Beside the program, where the build puts it; where an installation puts it, as seen
// from the program, which may have been moved; where it was configured to be.
static bool find(char *path, size_t size)
{
    char folder[PATH_MAX];
    if (own_folder(folder, sizeof(folder))) {
        snprintf(path, size, "%s/" FILE_NAME, folder);
        if (access(path, R_OK) == 0)
            return true;
        snprintf(path, size, "%s/" PLUGIN_FOLDER_RELATIVE "/" FILE_NAME, folder);
        if (access(path, R_OK) == 0)
            return true;
    }
    snprintf(path, size, PLUGIN_FOLDER "/" FILE_NAME);
    return access(path, R_OK) == 0;
}

int plugin_run(const char *command, const void *settings)
{
    char path[PATH_MAX + 256];
    plugin_entry *entry;

    if (!find(path, sizeof(path))) {
        fprintf(stderr, "igdef %s: %s: not found; is igdef installed?\n", command, path);
        return CLI_FAILED;
    }
    // Idle OpenMP threads would otherwise burn the cores that other programs, or
    // libtorch's other thread pool, need. libgomp reads this when it is loaded.
    setenv("OMP_WAIT_POLICY", "passive", 0);
    void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (plugin == NULL) {
        // Another release of libtorch lacks functions of the one at the build.
        const char *why = dlerror();
        fprintf(stderr, "igdef %s: %s%s\n", command, why,
                strstr(why, "undefined symbol") == NULL
                    ? ""
                    : "; igdef was built with libtorch " LIBTORCH_VERSION
                      ": build it again, or let it find that one");
        return CLI_FAILED;
    }
    void *symbol = dlsym(plugin, PLUGIN_ENTRY);
    if (symbol == NULL) {
        fprintf(stderr, "igdef %s: %s: not a plugin of igdef\n", command, path);
        return CLI_FAILED;
    }
    memcpy(&entry, &symbol, sizeof(entry)); // C has no cast from object to function
    return entry(igd_version(), command, settings); // never closed: libtorch has threads
}
