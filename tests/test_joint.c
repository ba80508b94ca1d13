// Two layers ranked and masked at once, against their definition written out: a model of
// two branches whose logits are the sum of two products.
#include "fixture.h"

#include <math.h>

#include "core/random.h"
#include "igdef.h"
#include "model/model_impl.h"

#define N 12
#define C 3
#define D 12
#define KA 6
#define KB 4
#define K (KA + KB)
#define KEEP 2
#define TEMPERATURE 0.5
#define LAYERS "product#1,product#2"

static const int64_t shape[3] = {3, 2, 2};

static struct {
    float wa[D * KA], wb[D * KB], va[KA * C], vb[KB * C];
    float images[N * D];
    int32_t labels[N];
    double act[N][K]; // of both layers, side by side
    double v[K][C];   // what each neuron gives the logits
    double z[N][C];
    igd_model *model;
    igd_dataset *data;
} w;

static int setup(void **state)
{
    (void)state;
    static const char *const names[] = {"wa", "wb", "va", "vb"};
    static const int64_t shapes[][6] = {{D, KA}, {D, KB}, {KA, C}, {KB, C}};
    float *const values[] = {w.wa, w.wb, w.va, w.vb};
    const size_t sizes[] = {D * KA, D * KB, KA * C, KB * C};
    for (uint64_t i = 0; i < 4; i++) {
        const igd_stream stream = igd_stream_make(i, "joint", 0, 0);
        igd_random_normal(values[i], sizes[i], &stream);
    }
    const igd_stream stream = igd_stream_make(9, "joint", 0, 0);
    igd_random_uniform(w.images, (size_t)N * D, &stream);
    for (int i = 0; i < N; i++)
        w.labels[i] = i % 5 < 3 ? i % 5 : 0; // not as many of each class

    assert_ok(igd_model_load(
        &w.model,
        fixture_values("joint.pt",
                       "def forward(self, x):\n"
                       "    f = torch.flatten(x, 1)\n"
                       "    a = torch.relu(torch.matmul(f, self.wa))\n"
                       "    b = torch.relu(torch.matmul(f, self.wb))\n"
                       "    return torch.matmul(a, self.va) + torch.matmul(b, self.vb)\n",
                       names, shapes, (const float *const *)values, 4),
        shape, NULL));
    assert_ok(igd_dataset_from_floats(&w.data, w.images, w.labels, N, shape, C));
    for (int k = 0; k < K; k++)
        for (int c = 0; c < C; c++)
            w.v[k][c] = (double)(k < KA ? w.va[k * C + c] : w.vb[(k - KA) * C + c]);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < K; k++) {
            double sum = 0.0;
            for (int d = 0; d < D; d++)
                sum += (double)w.images[i * D + d] *
                       (double)(k < KA ? w.wa[d * KA + k] : w.wb[d * KB + k - KA]);
            w.act[i][k] = fmax(sum, 0.0);
            for (int c = 0; c < C; c++)
                w.z[i][c] += w.act[i][k] * w.v[k][c];
        }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    igd_dataset_free(w.data);
    igd_model_free(w.model);
    return 0;
}

// LO-IR of every neuron of both layers.
static void score_by_definition(double score[C][K])
{
    int count[C] = {0};
    memset(score, 0, sizeof(double) * C * K);
    for (int i = 0; i < N; i++) {
        const int c = w.labels[i];
        count[c]++;
        for (int k = 0; k < K; k++)
            score[c][k] += fabs(w.act[i][k] * w.v[k][c]);
    }
    for (int c = 0; c < C; c++)
        for (int k = 0; k < K; k++)
            score[c][k] /= count[c];
}

// The masks keep KEEP neurons of each layer; no smoothing.
static void defend_by_definition(double z[N][C])
{
    double score[C][K];
    bool kept[C][K];
    score_by_definition(score);
    for (int c = 0; c < C; c++)
        for (int k = 0; k < K; k++) {
            const int first = k < KA ? 0 : KA, end = k < KA ? KA : K;
            int better = 0;
            for (int j = first; j < end; j++)
                better +=
                    score[c][j] > score[c][k] || (score[c][j] == score[c][k] && j < k);
            kept[c][k] = better < KEEP;
        }
    for (int i = 0; i < N; i++) {
        double pseudo[C], sum = 0.0, top = fmax(w.z[i][0], fmax(w.z[i][1], w.z[i][2]));
        for (int c = 0; c < C; c++)
            sum += pseudo[c] = exp((w.z[i][c] - top) / TEMPERATURE);
        for (int c = 0; c < C; c++)
            z[i][c] = 0.0;
        for (int k = 0; k < K; k++) {
            double row = 0.0;
            for (int c = 0; c < C; c++)
                row += kept[c][k] ? pseudo[c] / sum : 0.0;
            for (int c = 0; c < C; c++)
                z[i][c] += row * w.act[i][k] * w.v[k][c];
        }
    }
}

static void test_joint__scores_are_those_of_the_definition(void **state)
{
    (void)state;
    double wanted[C][K];
    score_by_definition(wanted);
    for (int plain = 0; plain < 2; plain++) {
        igd_ranking *r = NULL;
        igd_loir_options o = igd_loir_options_default();
        o.plain = plain;
        o.batch_size = 5;
        assert_ok(igd_ranking_loir(&r, w.model, LAYERS, w.data, &o));
        assert_int_equal(igd_ranking_num_neurons(r), K);
        assert_int_equal(igd_ranking_num_layers(r), 2);
        assert_int_equal(igd_ranking_layer_neurons(r)[1], KB);
        for (int c = 0; c < C; c++)
            for (int k = 0; k < K; k++)
                assert_true(fabs((double)igd_ranking_score(r, c)[k] - wanted[c][k]) <
                            1e-4);
        igd_ranking_free(r);
    }
}

static void test_joint__defense_and_its_export_are_the_definition(void **state)
{
    (void)state;
    igd_ranking *r = NULL;
    igd_defense *d = NULL;
    igd_model *exported = NULL;
    double wanted[N][C];
    float here[N * C], there[N * C], base[N * C];
    const char *path = fixture_path("joint_defended.pt");
    igd_defense_options o = igd_defense_options_default();
    o.keep = KEEP;
    o.sigma = 0.0;
    o.temperature = TEMPERATURE;
    assert_ok(igd_ranking_loir(&r, w.model, LAYERS, w.data, NULL));
    assert_ok(igd_defense_new(&d, w.model, r, &o));
    assert_ok(igd_defense_predict(here, base, d, w.images, fixture_indices(), N));
    assert_ok(igd_defense_export(d, path));
    assert_ok(igd_model_load(&exported, path, shape, NULL));
    assert_ok(igd_model_predict(there, exported, w.images, N));

    defend_by_definition(wanted);
    double moved = 0.0;
    for (int i = 0; i < N * C; i++) {
        const double z = wanted[i / C][i % C];
        assert_true(fabs((double)base[i] - w.z[i / C][i % C]) < 1e-4);
        assert_true(fabs((double)here[i] - z) < 1e-3);
        assert_true(fabs((double)there[i] - z) < 1e-3);
        moved = fmax(moved, fabs(z - w.z[i / C][i % C]));
    }
    assert_true(moved > 0.1);

    o.keep = KB + 1; // of the smaller layer there are not as many
    igd_defense *none = NULL;
    assert_fails(igd_defense_new(&none, w.model, r, &o), IGD_EINVAL,
                 "cannot keep 5 of 4");
    igd_model_free(exported);
    igd_defense_free(d);
    igd_ranking_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_joint__scores_are_those_of_the_definition),
        cmocka_unit_test(test_joint__defense_and_its_export_are_the_definition),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
