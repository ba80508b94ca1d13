// Owns the expected accuracy of random classifiers.
#include "result/expected.h"

#include <math.h>

// Draws of R that are right in a column; all where it did not look at the image.
static int votes_of(const igd_flags *t, int column, int64_t i)
{
    const char letter = igd_flags_column(t, column)[i];
    if (letter != IGD_ROBUST && letter != IGD_FOOLED)
        return t->num_draws;
    if (t->votes == NULL)
        return letter == IGD_ROBUST ? t->num_draws : 0;
    return t->votes[(size_t)column * (size_t)t->num_images + (size_t)i];
}

igd_expected igd_expected_of(const igd_flags *t, const int *columns, int num)
{
    const double n = (double)t->num_images;
    double sum = 0.0, squares = 0.0;
    for (int64_t i = 0; i < t->num_images; i++) {
        int least = votes_of(t, 0, i);
        for (int k = 0; k < num; k++) {
            const int votes = votes_of(t, columns[k], i);
            least = votes < least ? votes : least;
        }
        const double share = (double)least / (double)t->num_draws;
        sum += share;
        squares += share * share;
    }
    const double mean = n > 0.0 ? sum / n : 0.0;
    const double variance =
        n > 1.0 ? fmax(0.0, (squares - n * mean * mean) / (n - 1.0)) : 0.0;
    return (igd_expected){
        mean, igd_interval_of_share(mean, variance, t->num_images, t->num_draws)};
}
