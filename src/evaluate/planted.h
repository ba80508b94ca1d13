// Attacks are tested before they are believed: on copies of the classifier in which a
// point within the ball is known to be misclassified, they must find one.
//
// For some images the classifier's logits z(x) are replaced by those of two classes, the
// true one and another, told apart by a threshold on a random feature <w, z(x)>. The
// threshold lies between the image and a random point of the ball, the one of many with
// the highest feature. The image keeps its margin, so that what hides gradients there
// hides them here.
// Source: Zimmermann et al., NeurIPS 2022.
#ifndef IGD_EVALUATE_PLANTED_H
#define IGD_EVALUATE_PLANTED_H

#include <cjson/cJSON.h>

#include "evaluate/session.h"

// Tests the gradient attacks of the plan, once the clean images are judged. *out, owned,
// lists them with the images that had a planted point and those on which the attack found
// one; NULL where there is nothing to test.
igd_status igd_planted_test(cJSON **out, igd_session *s);

#endif
