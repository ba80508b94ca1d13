// Owns the Square attack: random search by squares of changing size, on logits alone.
// Source: Andriushchenko, Croce, Flammarion and Hein, ECCV 2020, "Square Attack",
// Algorithms 1 to 3; the L1 form as in AutoAttack.
//
// As in the reference all images share the window and, under Linf, the colours of an
// iteration, which are keyed by the iteration; the rest is keyed by the image.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attack/attack_impl.h"
#include "attack/ball.h"
#include "attack/loss.h"
#include "core/error.h"
#include "core/pixels.h"

enum { QUERIES, RESTARTS, P_INIT, RESCALE, CE, EOT, COMPAT }; // places of parameters
enum { PATTERN }; // array of a run under L2 and L1: the template [side, side]

typedef struct window {
    int64_t row, col, side;
} window;

typedef struct square {
    bool started; // whether the first point was judged
    int64_t iteration, num_queries;
    bool compat, rescale;
    double p_init;
    igd_loss loss_name;
    double best;      // loss of x_adv, which holds the best point
    double margin;    // of x_adv: positive where it is misclassified
    window at;        // what the proposal changes under Linf
    int pattern_side; // of the template; 0 before there is one
} square;

static int64_t least_side(const igd_attack_job *job)
{
    return job->shape[1] < job->shape[2] ? job->shape[1] : job->shape[2];
}

static int square_num_arrays(const igd_attack_job *job)
{
    return job->threat.norm == IGD_NORM_LINF ? 0 : PATTERN + 1;
}

static int square_num_runs(const igd_attack_job *job)
{
    return (int)job->value[RESTARTS];
}

static int square_num_samples(const igd_attack_job *job)
{
    return (int)job->value[EOT];
}

static igd_passes square_most_passes(const igd_attack_job *job)
{
    return (igd_passes){.forwards = job->value[QUERIES] + 1.0};
}

// The stream of an iteration that all images share.
static igd_stream shared_stream(const igd_run *r, const char *purpose, int64_t iteration)
{
    return igd_stream_make(r->job->seed, purpose, 0,
                           (uint64_t)r->index << 32 | (uint64_t)iteration);
}

// Number `number` of a stream of signs.
static float random_sign(const igd_stream *stream, int64_t number)
{
    uint32_t word[4];
    igd_random_words(word, 4, stream, (uint32_t)(number / 128 * 4));
    return word[number / 32 % 4] >> (number % 32) & 1 ? 1.0f : -1.0f;
}

// Side of the window: the square's share of the image falls from p_init by halves.
static int64_t window_side(const igd_run *r, int64_t iteration)
{
    static const int64_t last[] = {10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000};
    const square *s = r->state;
    const int64_t least = least_side(r->job);
    double p = s->p_init;

    if (s->rescale)
        iteration = (int64_t)((double)iteration / (double)s->num_queries * 10000);
    for (size_t i = 0; i < sizeof(last) / sizeof(last[0]) && iteration > last[i]; i++)
        p /= 2;
    // nearbyint() rounds half to even, as the reference does.
    int64_t side =
        (int64_t)nearbyint(sqrt(p * (double)(r->job->shape[1] * r->job->shape[2])));
    if (r->job->threat.norm == IGD_NORM_LINF)
        side = side < 1 ? 1 : side;
    else
        side = side < 3 ? 3 : side + (side % 2 == 0);
    return side < least ? side : least;
}

// A place from 0 to room. The reference never draws the last one, so that the last row
// and column of an image lie in no window but the largest; `compat` does the same.
static int64_t place(const square *s, uint32_t word, int64_t room)
{
    const uint64_t choices = (uint64_t)(s->compat && room > 0 ? room : room + 1);
    return (int64_t)(word * choices >> 32);
}

static void draw_windows(const igd_run *r, window *first, window *second)
{
    const square *s = r->state;
    const igd_stream stream = shared_stream(r, "square window", s->iteration);
    const int64_t side = window_side(r, s->iteration);
    const int64_t rows = r->job->shape[1] - side, cols = r->job->shape[2] - side;
    uint32_t word[4];

    igd_random_words(word, 4, &stream, 0);
    *first = (window){place(s, word[0], rows), place(s, word[1], cols), side};
    *second = (window){place(s, word[2], rows), place(s, word[3], cols), side};
}

// Linf: stripes, one sign for each column and channel.
static void start_stripes(igd_run *r)
{
    const int64_t C = r->job->shape[0], H = r->job->shape[1], W = r->job->shape[2];
    const igd_stream stream = igd_run_stream(r, 0);

    for (int64_t c = 0; c < C; c++)
        for (int64_t col = 0; col < W; col++) {
            const float sign = random_sign(&stream, c * W + col);
            const float *bound = sign > 0 ? r->upper : r->lower;
            for (int64_t row = 0; row < H; row++)
                r->point[(c * H + row) * W + col] = bound[(c * H + row) * W + col];
        }
}

// Copies a window of all channels.
static void copy_window(const igd_attack_job *job, float *to, const float *from,
                        const window *at)
{
    const int64_t H = job->shape[1], W = job->shape[2];
    for (int64_t c = 0; c < job->shape[0]; c++)
        for (int64_t row = at->row; row < at->row + at->side; row++) {
            const int64_t i = (c * H + row) * W + at->col;
            memcpy(to + i, from + i, (size_t)at->side * sizeof(float));
        }
}

// Linf: point is x_adv but for a window, where each channel is moved by 2 eps up or down
// and clamped. Up is the upper bound, whatever x_adv holds, so that no rounding of
// x + eps - 2 eps + 2 eps makes a proposal differ. True if the proposal differs.
static bool propose_square(igd_run *r)
{
    square *s = r->state;
    const int64_t H = r->job->shape[1], W = r->job->shape[2];
    const igd_stream stream = shared_stream(r, "square colour", s->iteration);
    bool differs = false;
    window unused;

    draw_windows(r, &s->at, &unused);
    const size_t bytes = (size_t)s->at.side * sizeof(float);
    for (int64_t c = 0; c < r->job->shape[0]; c++) {
        const float *bound = random_sign(&stream, c) > 0 ? r->upper : r->lower;
        for (int64_t row = s->at.row; row < s->at.row + s->at.side; row++) {
            const int64_t i = (c * H + row) * W + s->at.col;
            differs = differs || memcmp(r->point + i, bound + i, bytes) != 0;
            memcpy(r->point + i, bound + i, bytes);
        }
    }
    return differs;
}

// One half of the template, rows [first, first + height): rectangles that grow around the
// centre, the j-th of weight 1 / (j + 1)^2, or ^4 under L1; length 1 in all.
static void fill_half(float *pattern, int side, int first, int height, float sign,
                      igd_norm norm)
{
    const int count = (height > side ? height : side) / 2 + 1; // of rectangles
    double length = 0;

    for (int pass = 0; pass < 2; pass++)
        for (int row = 0; row < height; row++)
            for (int col = 0; col < side; col++) {
                const int up = abs(row - height / 2), across = abs(col - side / 2);
                double sum = 0;
                for (int j = count - 1; j >= (up > across ? up : across); j--) {
                    const double k = (j + 1.0) * (j + 1.0);
                    sum += norm == IGD_NORM_L1 ? 1 / (k * k) : 1 / k;
                }
                if (pass == 0)
                    length += norm == IGD_NORM_L1 ? sum : sum * sum;
                else
                    pattern[(first + row) * side + col] =
                        sign *
                        (float)(sum / (norm == IGD_NORM_L1 ? length : sqrt(length)));
            }
}

// Two halves of opposite sign, length 1 in all.
static void fill_pattern(igd_run *r, int side)
{
    const igd_norm norm = r->job->threat.norm;
    float *pattern = r->array[PATTERN];
    square *s = r->state;
    double length = 0;

    if (s->pattern_side == side)
        return;
    s->pattern_side = side;
    fill_half(pattern, side, 0, side / 2, 1, norm);
    fill_half(pattern, side, side / 2, side - side / 2, -1, norm);
    for (int i = 0; i < side * side; i++) {
        const double u = fabs((double)pattern[i]);
        length += norm == IGD_NORM_L1 ? u : u * u;
    }
    if (norm == IGD_NORM_L2)
        length = sqrt(length);
    for (int i = 0; i < side * side; i++)
        pattern[i] /= (float)length;
}

static float pattern_at(const igd_run *r, int64_t row, int64_t col, bool turned)
{
    const int side = ((const square *)r->state)->pattern_side;
    return r->array[PATTERN][turned ? col * side + row : row * side + col];
}

// Whether the template of a step, or of a tile of the start, is transposed.
static bool draw_turn(const igd_run *r, int64_t iteration, int64_t tile)
{
    const igd_stream stream = shared_stream(r, "square turn", iteration);
    return random_sign(&stream, tile) > 0;
}

// What a value adds to the length of a perturbation: its square, or its size under L1.
static double share(float v, igd_norm norm)
{
    const double u = (double)v;
    return norm == IGD_NORM_L1 ? fabs(u) : u * u;
}

// The length of perturbations whose shares add up to sum.
static double length_of(double sum, igd_norm norm)
{
    return norm == IGD_NORM_L1 ? sum : sqrt(sum);
}

// L2 and L1: point holds a perturbation; makes it an image of the ball.
static void put_in_ball(igd_run *r)
{
    const int64_t d = r->job->num_pixels;
    const double eps = r->job->threat.eps;

    if (r->job->threat.norm == IGD_NORM_L2) {
        double sum = 0;
        for (int64_t i = 0; i < d; i++)
            sum += share(r->point[i], IGD_NORM_L2);
        const float scale = (float)(eps / (sqrt(sum) + 1e-12));
        for (int64_t i = 0; i < d; i++) {
            const float v = r->x[i] + scale * r->point[i];
            r->point[i] = igd_clamp(v, 0, 1);
        }
        return;
    }
    const igd_ball ball = igd_run_ball_of(r, eps * (1 - 1e-6)); // room for rounding
    for (int64_t i = 0; i < d; i++)
        r->point[i] += r->x[i];
    igd_ball_project(r->point, &ball);
}

// L2 and L1: tiles of templates, five in each direction where the size allows it.
static void start_tiles(igd_run *r)
{
    const int64_t C = r->job->shape[0], H = r->job->shape[1], W = r->job->shape[2];
    const int64_t least = least_side(r->job);
    const int64_t side = least < 5 ? 1 : least / 5;
    const igd_stream stream = igd_run_stream(r, 0);
    int64_t tile = 0;

    fill_pattern(r, (int)side);
    memset(r->point, 0, (size_t)r->job->num_pixels * sizeof(float));
    for (int64_t top = H % side / 2; top + side <= H; top += side)
        for (int64_t left = W % side / 2; left + side <= W; left += side, tile++) {
            const bool turned = draw_turn(r, 0, tile);
            for (int64_t c = 0; c < C; c++) {
                const float sign = random_sign(&stream, tile * C + c);
                for (int64_t row = 0; row < side; row++)
                    for (int64_t col = 0; col < side; col++)
                        r->point[(c * H + top + row) * W + left + col] =
                            sign * pattern_at(r, row, col, turned);
            }
        }
    put_in_ball(r);
}

static bool inside(const window *at, int64_t row, int64_t col)
{
    return row >= at->row && row < at->row + at->side && col >= at->col &&
           col < at->col + at->side;
}

// The length of a channel of a perturbation within the first window, or within either.
static double window_length(const float *channel, int64_t width, const window *first,
                            const window *second, igd_norm norm)
{
    double sum = 0;
    for (int64_t row = first->row; row < first->row + first->side; row++)
        for (int64_t col = first->col; col < first->col + first->side; col++)
            sum += share(channel[row * width + col], norm);
    if (second != NULL)
        for (int64_t row = second->row; row < second->row + second->side; row++)
            for (int64_t col = second->col; col < second->col + second->side; col++)
                if (!inside(first, row, col))
                    sum += share(channel[row * width + col], norm);
    return length_of(sum, norm);
}

// L2 and L1: moves the perturbation of a second window, and what the ball has left, into
// a first one, in the form of the template. True if the proposal differs from x_adv.
static bool propose_template(igd_run *r)
{
    square *s = r->state;
    const igd_norm norm = r->job->threat.norm;
    const int64_t C = r->job->shape[0], H = r->job->shape[1], W = r->job->shape[2];
    const int64_t d = r->job->num_pixels;
    const double eps = r->job->threat.eps;
    const igd_stream stream = igd_run_stream(r, (uint32_t)(s->iteration + 1));
    const bool turned = draw_turn(r, s->iteration + 1, 0);
    window to, from;
    double total = 0;

    draw_windows(r, &to, &from);
    fill_pattern(r, (int)to.side);
    for (int64_t i = 0; i < d; i++) {
        r->point[i] = r->x_adv[i] - r->x[i];
        total += share(r->point[i], norm);
    }
    const double left =
        norm == IGD_NORM_L1 ? fmax(eps - total, 0) : fmax(eps * eps - total, 0);
    for (int64_t c = 0; c < C; c++) {
        float *channel = r->point + c * H * W;
        const double n1 = window_length(channel, W, &to, NULL, norm);
        const double n12 = window_length(channel, W, &to, &from, norm);
        const float sign = random_sign(&stream, c);

        for (int64_t row = from.row; row < from.row + from.side; row++)
            for (int64_t col = from.col; col < from.col + from.side; col++)
                if (!inside(&to, row, col))
                    channel[row * W + col] = 0;
        for (int64_t row = 0; row < to.side; row++)
            for (int64_t col = 0; col < to.side; col++) {
                float *v = &channel[(to.row + row) * W + to.col + col];
                *v = sign * pattern_at(r, row, col, turned) + *v / (float)(1e-12 + n1);
            }
        const double length = 1e-12 + window_length(channel, W, &to, NULL, norm);
        const double wanted = norm == IGD_NORM_L1 ? (left / (double)C + n12) * (double)C
                                                  : sqrt(left / (double)C + n12 * n12);
        for (int64_t row = to.row; row < to.row + to.side; row++)
            for (int64_t col = to.col; col < to.col + to.side; col++)
                channel[row * W + col] *= (float)(wanted / length);
    }
    put_in_ball(r);
    return memcmp(r->point, r->x_adv, (size_t)d * sizeof(float)) != 0;
}

static igd_want square_start(igd_run *r)
{
    const igd_attack_job *job = r->job;
    square *s = r->state;

    s->num_queries = (int64_t)job->value[QUERIES];
    s->compat = job->value[COMPAT] != 0;
    s->rescale = job->value[RESCALE] != 0;
    s->p_init = job->value[P_INIT];
    s->loss_name = job->value[CE] != 0 ? IGD_LOSS_CE : IGD_LOSS_CW;
    if (job->threat.norm == IGD_NORM_LINF)
        start_stripes(r);
    else
        start_tiles(r);
    r->queries = 1;
    return IGD_WANT_LOGITS;
}

// A proposal that changes nothing cannot be better: it uses up its query unasked. This
// is not so on a randomised classifier, where a second look may differ.
static igd_want propose(igd_run *r)
{
    square *s = r->state;
    const bool skip = r->job->shortcuts && r->job->deterministic;

    while (s->iteration < s->num_queries) {
        const bool differs = r->job->threat.norm == IGD_NORM_LINF ? propose_square(r)
                                                                  : propose_template(r);
        s->iteration++;
        r->queries++;
        if (differs || !skip)
            return IGD_WANT_LOGITS;
    }
    return IGD_WANT_END;
}

static igd_want square_logits(igd_run *r, const float *z)
{
    const igd_attack_job *job = r->job;
    square *s = r->state;
    const double margin = igd_loss_eval_samples(NULL, IGD_LOSS_CW, z, r->samples,
                                                job->num_classes, r->label, 0, false)
                              .value;
    const double loss = s->loss_name == IGD_LOSS_CW
                            ? margin
                            : igd_loss_eval_samples(NULL, s->loss_name, z, r->samples,
                                                    job->num_classes, r->label, 0, false)
                                  .value;
    // A tie of the label with another class, margin 0, is progress but no success.
    const bool accept = !s->started || loss > s->best || (margin >= 0 && s->margin < 0);

    if (accept) {
        s->best = r->loss = loss;
        s->margin = margin;
        if (s->started && job->threat.norm == IGD_NORM_LINF)
            copy_window(job, r->x_adv, r->point, &s->at);
        else
            memcpy(r->x_adv, r->point, (size_t)job->num_pixels * sizeof(float));
        // Where a vote decides about it, the search goes on until one confirms it; but
        // when any point of a high loss will do.
        if (igd_run_prediction(r, z) != r->label &&
            (igd_run_found(r, loss) || !igd_job_votes(job) ||
             (job->deterministic && job->mode == IGD_RETURN_HIGH_LOSS)))
            return IGD_WANT_END;
    } else if (job->threat.norm == IGD_NORM_LINF) {
        copy_window(job, r->point, r->x_adv, &s->at);
    }
    s->started = true;
    return propose(r);
}

// clang-format off
static const igd_parameter square_parameters[] = {
    [QUERIES]  = {"queries",  5000, 1, 1e9, true,  "proposals of a run", NULL},
    [RESTARTS] = {"restarts", 1,    1, 1e4, true,  "runs", NULL},
    [P_INIT]   = {"p_init",   0.8,  0, 1,   false, "share of the image that the first squares cover", NULL},
    [RESCALE]  = {"rescale",  0,    0, 1,   true,  "1: fit the schedule of sizes, made for 10000, to queries", NULL},
    [CE]       = {"ce",       0,    0, 1,   true,  "1: cross-entropy in place of the margin", NULL},
    [EOT]      = {"eot",      1,    1, 1e4, true,  "draws of a randomised classifier, averaged", NULL},
    [COMPAT]   = {"compat",   0,    0, 1,   true,  "1: no window at the last row and column, as the reference", NULL},
};
// clang-format on

const igd_attack igd_attack_square = {
    .name = "square",
    .help = "random search by squares, without gradients",
    .norms = 1u << IGD_NORM_LINF | 1u << IGD_NORM_L2 | 1u << IGD_NORM_L1,
    .only_finds = true,
    .num_parameters = sizeof(square_parameters) / sizeof(square_parameters[0]),
    .parameters = square_parameters,
    .num_runs = square_num_runs,
    .num_samples = square_num_samples,
    .most_passes = square_most_passes,
    .state_size = sizeof(square),
    .num_arrays = square_num_arrays,
    .start = square_start,
    .logits = square_logits,
};
