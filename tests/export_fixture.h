// That the file of a defense is the defense.
#ifndef IGD_TEST_EXPORT_FIXTURE_H
#define IGD_TEST_EXPORT_FIXTURE_H

#include "fixture.h"

#include "igdef/defense.h"
#include "igdef/model.h"

// The exported file gives the logits of the defense on images [n, shape], to `tolerance`
// (fixture_assert_close()); or draws numbers of its own, where the defense does.
static inline void assert_exports_itself(const igd_defense *d, const float *images, int n,
                                         const int64_t shape[3], double tolerance,
                                         bool random)
{
    const char *path = fixture_path("exported.pt");
    igd_model *exported = NULL;
    assert_ok(igd_defense_export(d, path));
    assert_ok(igd_model_load(&exported, path, shape, NULL));
    assert_int_equal(igd_model_is_deterministic(exported), !random);
    if (!random) {
        const int size = n * igd_model_num_classes(exported);
        float *here = malloc((size_t)size * sizeof(*here));
        float *there = malloc((size_t)size * sizeof(*there));
        assert_ok(igd_defense_predict(here, NULL, d, images, fixture_indices(), n));
        assert_ok(igd_model_predict(there, exported, images, n));
        fixture_assert_close(there, here, size, tolerance);
        free(here);
        free(there);
    }
    igd_model_free(exported);
}

#endif
