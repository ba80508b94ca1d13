// Owns standard streams and signals of the whole program.
#include "process.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

// A file that is opened next would take the number of a closed stream, and what is meant
// for the user would end up in it.
static void open_streams(void)
{
    for (int file = STDIN_FILENO; file <= STDERR_FILENO; file++)
        if (fcntl(file, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
            _exit(CLI_FAILED);
}

static void ignore(int number)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = SIG_IGN;
    sigaction(number, &action, NULL);
}

static void end(int number)
{
    (void)number;
    _exit(CLI_INTERRUPTED); // nothing is half-written while signals are delivered
}

void process_on_end(void (*handler)(int))
{
    struct sigaction action, before;
    memset(&action, 0, sizeof(action));
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &action, NULL);
}

void process_begin(void)
{
    open_streams();
    // A full quota and a reader that is gone are failures of the write that meets them.
    ignore(SIGXFSZ);
    ignore(SIGPIPE);
    process_on_end(end);
}
