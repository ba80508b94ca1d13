// The plugin: a shared library next to the command that holds everything that needs
// libtorch, whose 286 shared libraries take half a second to load. The command opens it
// when there is work to do; help, usage errors and reports do without.
#ifndef IGDEF_PLUGIN_H
#define IGDEF_PLUGIN_H

// Runs the action `command` of the plugin. @return an exit code
int plugin_run(const char *command, const void *settings);

// The one function that the plugin exports. `version` is the caller's: the two must agree
// on the layout of the settings.
#define PLUGIN_ENTRY "igdef_plugin"
typedef int plugin_entry(const char *version, const char *command, const void *settings);

#endif
