// Owns the comparison of an accuracy with guessing.
#include "core/chance.h"

#include "core/number.h"

#define FEW_CLASSES 5  // of fewer, three times chance is a good accuracy
#define TIMES 3.0      // of chance, below which trained models are not seen on their data
#define ROUNDING 1e-12 // of a share of images

bool igd_chance_remark(char *text, size_t size, double accuracy, int num_classes)
{
    const double chance = 1.0 / num_classes;
    const bool none = accuracy <= chance + ROUNDING;
    if (!none && (num_classes < FEW_CLASSES || accuracy >= TIMES * chance - ROUNDING))
        return false;
    igd_format(text, size,
               "clean accuracy %.2f %% is %s than guessing among %d classes (%.2f %%): "
               "images, labels or normalisation may not be the model's; 'igdef inspect "
               "--data' tries the usual normalisations",
               100.0 * accuracy, none ? "no better" : "little better", num_classes,
               100.0 * chance);
    return true;
}
