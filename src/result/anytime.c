// Owns confidence sequences and the random order of images.
#include "result/anytime.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "core/error.h"
#include "core/random.h"

// --- order

typedef struct place {
    double key;
    int64_t index, row;
} place;

static int by_key(const void *a, const void *b)
{
    const place *p = a, *q = b;
    if (p->key != q->key)
        return p->key < q->key ? -1 : 1;
    return (p->index > q->index) - (p->index < q->index);
}

igd_status igd_anytime_order(int64_t *rows, const int64_t *index, int64_t n,
                             uint64_t seed)
{
    place *places = malloc((size_t)n * sizeof(*places));
    if (places == NULL)
        return igd_error(IGD_ENOMEM, "no memory to order %lld images", (long long)n);
    for (int64_t i = 0; i < n; i++) {
        const igd_stream stream = igd_stream_make(seed, "order", index[i], 0);
        places[i] = (place){igd_random_double(&stream, 0), index[i], i};
    }
    qsort(places, (size_t)n, sizeof(*places), by_key);
    for (int64_t i = 0; i < n; i++)
        rows[i] = places[i].row;
    free(places);
    return IGD_OK;
}

// --- intervals

static double log_choose(double n, double k)
{
    return igd_log_gamma(n + 1.0) - igd_log_gamma(k + 1.0) - igd_log_gamma(n - k + 1.0);
}

static double times_log(double count, double p)
{
    return count > 0.0 ? count * log(p) : 0.0;
}

// Whether a value stays: the log of the probability of what was counted under it, of
// `outcomes` that the prior takes for equally likely.
static bool stays(double log_probability, double outcomes)
{
    return log_probability + log(outcomes) > log(1.0 - IGD_INTERVAL_LEVEL);
}

// `right` of the planned images being right, that n of them give so many hits.
static double log_drawn(double hits, double n, double planned, double right)
{
    return log_choose(right, hits) + log_choose(planned - right, n - hits) -
           log_choose(planned, n);
}

// Probabilities fall on both sides of the likeliest value, so that ends are found by
// halving.
static igd_interval of_planned(int64_t hits, int64_t n, int64_t planned)
{
    const int64_t least = hits, most = planned - (n - hits);
    const double likeliest = (double)hits / (double)n * (double)planned;
    int64_t mode = (int64_t)(likeliest + 0.5);
    mode = mode < least ? least : mode > most ? most : mode;
    int64_t low = mode, high = mode;
    for (int64_t out = least - 1; low - out > 1;) {
        const int64_t mid = out + (low - out) / 2;
        if (stays(log_drawn((double)hits, (double)n, (double)planned, (double)mid),
                  (double)n + 1.0))
            low = mid;
        else
            out = mid;
    }
    for (int64_t out = most + 1; out - high > 1;) {
        const int64_t mid = high + (out - high) / 2;
        if (stays(log_drawn((double)hits, (double)n, (double)planned, (double)mid),
                  (double)n + 1.0))
            high = mid;
        else
            out = mid;
    }
    return (igd_interval){(double)low / (double)planned, (double)high / (double)planned};
}

// What was counted, for igd_anytime_of_difference(); `lost` is unused for one accuracy.
typedef struct counted {
    double won, lost, both; // both: the images that tell nothing of the difference
} counted;

static bool accuracy_stays(const counted *c, double p)
{
    const double n = c->won + c->both;
    return stays(log_choose(n, c->won) + times_log(c->won, p) +
                     times_log(c->both, 1.0 - p),
                 n + 1.0);
}

// Some shares with this difference stay. The probability is concave in the share of the
// lost, so that its greatest value is found by thirds.
static bool difference_stays(const counted *c, double difference)
{
    const double n = c->won + c->lost + c->both;
    const double ways = log_choose(n, c->won) + log_choose(n - c->won, c->lost);
    double low = fmax(0.0, -difference), high = (1.0 - difference) / 2.0,
           best = -INFINITY;
    for (int i = 0; i < 100; i++) {
        double value[2];
        for (int k = 0; k < 2; k++) {
            const double lost = low + (high - low) * (k + 1) / 3.0;
            value[k] = times_log(c->lost, lost) + times_log(c->won, lost + difference) +
                       times_log(c->both, 1.0 - difference - 2.0 * lost);
            best = fmax(best, value[k]);
        }
        if (value[0] < value[1])
            low += (high - low) / 3.0;
        else
            high -= (high - low) / 3.0;
    }
    return stays(ways + best, (n + 1.0) * (n + 2.0) / 2.0);
}

// The last value from `in`, which stays, towards `out`.
static double last(const counted *c, bool (*value_stays)(const counted *, double),
                   double in, double out)
{
    if (value_stays(c, out))
        return out;
    for (int i = 0; i < 60; i++) {
        const double mid = 0.5 * (in + out);
        if (value_stays(c, mid))
            in = mid;
        else
            out = mid;
    }
    return in;
}

igd_interval igd_anytime_of(int64_t hits, int64_t n, int64_t planned)
{
    if (n == 0)
        return (igd_interval){0.0, 1.0};
    if (planned > 0)
        return of_planned(hits, n, planned);
    const counted c = {.won = (double)hits, .both = (double)(n - hits)};
    const double share = (double)hits / (double)n;
    return (igd_interval){last(&c, accuracy_stays, share, 0.0),
                          last(&c, accuracy_stays, share, 1.0)};
}

igd_interval igd_anytime_of_difference(int64_t won, int64_t lost, int64_t n)
{
    if (n == 0)
        return (igd_interval){-1.0, 1.0};
    const counted c = {(double)won, (double)lost, (double)(n - won - lost)};
    const double difference = (double)(won - lost) / (double)n;
    return (igd_interval){last(&c, difference_stays, difference, -1.0),
                          last(&c, difference_stays, difference, 1.0)};
}
