// What igdef does to its process before anything else.
#ifndef IGDEF_PROCESS_H
#define IGDEF_PROCESS_H

#include <signal.h>

// Opens closed standard streams and chooses what signals do; a command that keeps the
// state of its work replaces the latter.
void process_begin(void);

// Makes SIGINT, SIGTERM and SIGHUP call `handler`. A SIGHUP that is ignored, as nohup
// arranges it, stays so.
void process_on_end(void (*handler)(int));

#endif
