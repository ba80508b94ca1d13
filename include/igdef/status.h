/**
 * @file status.h
 * Outcome of a call, and the message of the last failure.
 */
#ifndef IGDEF_STATUS_H
#define IGDEF_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#if defined(__clang__) // GCC knows the attribute on functions only
#define IGD_MUST_CHECK __attribute__((warn_unused_result))
#else
#define IGD_MUST_CHECK
#endif

/** Outcome of a call. IGD_OK is 0; every other value is a failure with a message. */
typedef enum IGD_MUST_CHECK igd_status {
    IGD_OK = 0,    /**< Done. */
    IGD_EINVAL,    /**< An argument is outside its documented range. */
    IGD_ENOMEM,    /**< Host or device memory is exhausted. */
    IGD_EIO,       /**< A file could not be opened, read or written. */
    IGD_EFORMAT,   /**< A file was read but is not what it should be. */
    IGD_EDEVICE,   /**< The requested device is not present. */
    IGD_ETORCH,    /**< libtorch failed; the message is its own. */
    IGD_ESTATE,    /**< Saved state belongs to a different run. */
    IGD_ECANCELED, /**< A callback asked to stop. */
    IGD_ECHECK,    /**< A check that the caller asked for has failed. */
    IGD_ECALLBACK  /**< A function that the program gave has failed. */
} igd_status;

/** Name of a status, such as "IGD_EINVAL"; "unknown status" for a number that is none.
 * @return borrowed, static */
const char *igd_status_name(igd_status status);

/** Last failure on this thread, one line. @return borrowed, until the next failure */
const char *igd_error_message(void);

/**
 * For functions that the library calls: set the message of this thread's failure.
 *
 * @param message  copied, cut to its first 1023 bytes; NULL for ""
 * @return `status`, to be returned
 */
igd_status igd_set_error(igd_status status, const char *message);

/**
 * Called now and then during long work, always on the thread that asked for it.
 *
 * @param stage    what is being done, such as "rank"; borrowed for the call
 * @param done     units of work finished
 * @param total    units of work in all
 * @param payload  the pointer given beside the function
 * @return 0 to go on, anything else to stop with IGD_ECANCELED
 */
typedef int (*igd_progress_fn)(const char *stage, double done, double total,
                               void *payload);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
