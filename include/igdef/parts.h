/**
 * @file parts.h
 * A run that is divided into parts, looked at while they are computed.
 */
#ifndef IGDEF_PARTS_H
#define IGDEF_PARTS_H

#include <stdint.h>

#include "igdef/status.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** What is known of all parts at one moment. */
typedef struct igd_parts igd_parts;

/** What a part is. */
typedef enum igd_part_state {
    IGD_PART_ABSENT,  /**< It has left nothing in the folder. */
    IGD_PART_RUNNING, /**< A process holds the lock of its state. */
    IGD_PART_STOPPED, /**< There is a state, or a result of some images; nobody works. */
    IGD_PART_FINISHED /**< There is its result. */
} igd_part_state;

/** One part, or the images of one file where files do not say which part they are. */
typedef struct igd_part_progress {
    int64_t index;        /**< From 0 on; -1 where that is not known. */
    igd_part_state state; /**< See there. */
    const char *path;   /**< Of its result, there or to be; "" where absent; borrowed. */
    const char *holder; /**< Who holds its lock, as they signed; "" for nobody. */
    int64_t num_images; /**< Of it; -1 where that is not known. */
    int64_t num_done;   /**< Images whose fate is sealed. */
    int64_t num_known;  /**< Images whose clean prediction is known. */
    int64_t num_robust; /**< Of those: correct so far under every attack. */
    double seconds;     /**< That its processes took, as far as they were written down. */
    double
        seconds_left; /**< Expected; NAN where it needs a step that no part has done. */
    const char *step; /**< Of the list of attacks, in progress or next; "" for none. */
} igd_part_progress;

/**
 * Look at the results and states in a folder.
 *
 * Nothing is written or locked. States are files that end in ".json.state", beside the
 * result that they will become; results end in ".json", and joined ones are passed over.
 * The time left of a part is that of its images in each step, at the seconds per image
 * that the step took in all parts so far; of images that have not come to a step, as many
 * are expected to be attacked as were in the parts that have done it.
 *
 * @param[out] out  owned, igd_parts_free(); NULL on failure
 * @return IGD_OK; IGD_EINVAL for a folder with neither, files of different runs or
 *         divisions, or a part that is there twice; IGD_EFORMAT for a damaged file;
 *         IGD_EIO, IGD_ENOMEM
 */
igd_status igd_parts_look(igd_parts **out, const char *folder);

/** Free it; NULL is fine. */
void igd_parts_free(igd_parts *all);

/** Parts of the whole, and then files that do not say which part they are; 0 for NULL. */
int64_t igd_parts_count(const igd_parts *all);
/** One of them; zeros, and -1 as its index, where there is none. */
igd_part_progress igd_parts_get(const igd_parts *all, int64_t k);

/**
 * All of it as a table of at most 80 columns and some sentences. The accuracy so far is a
 * share of the images known, with its exact interval at 95 %; it counts images that
 * further attacks will try.
 *
 * @return borrowed; "" for NULL
 */
const char *igd_parts_text(const igd_parts *all);
/** The same as JSON, "igdef.progress/1"; borrowed, "" for NULL. */
const char *igd_parts_json(const igd_parts *all);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
