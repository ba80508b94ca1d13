// The engine: a shared library next to the command that holds everything that needs
// libtorch, whose 286 shared libraries take half a second to load. The command opens it
// when there is work to do; help, usage errors and reports do without.
#ifndef IGDEF_ENGINE_H
#define IGDEF_ENGINE_H

// Runs the action `command` of the engine. @return an exit code
int engine_run(const char *command, const void *settings);

// The one function that the engine exports. `version` is the caller's: the two must agree
// on the layout of the settings.
#define ENGINE_ENTRY "igdef_engine"
typedef int engine_entry(const char *version, const char *command, const void *settings);

#endif
