// The images that a run saves, once all attacks are done.
#ifndef IGD_EVALUATE_SAVED_IMAGES_H
#define IGD_EVALUATE_SAVED_IMAGES_H

#include <cjson/cJSON.h>

#include "evaluate/session.h"

// Reads them back, judges them and notes in `checks` what that gave; then their file has
// its name. Nothing where no images are saved.
igd_status igd_saved_images_finish(igd_session *s, cJSON *checks);

#endif
