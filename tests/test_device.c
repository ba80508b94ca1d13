// What a device of its own may do to an evaluation: little memory, few sizes of batches,
// and an end in the middle. The device is a classifier of this process.
#include "evaluate_fixture.h"

#include <unistd.h>

#include "host.h"
#include "igdef/model.h"
#include "model/model_parts.h"

#define MOST_SIZES 256

static igd_classifier device, host;
static igd_views on_device, on_host;

// What the device can do, and what it was asked.
static struct {
    int64_t fits;  // rows that its memory takes; 0 for any
    int64_t calls; // that it answers before it is gone; 0 for ever
    int64_t asked;
    int64_t sizes[MOST_SIZES]; // numbers of rows, each once
    int num_sizes;
} card;

static igd_tensor *card_logits(igd_scope *s, const void *self, const igd_tensor *x,
                               const igd_draw *draws)
{
    const int64_t rows = igd_scope_ok(s) ? igd_tensor_length(x, 0) : 0;
    int k = 0;
    card.asked++;
    while (k < card.num_sizes && card.sizes[k] != rows)
        k++;
    if (k == card.num_sizes && k < MOST_SIZES)
        card.sizes[card.num_sizes++] = rows;
    if (card.calls > 0 && card.asked > card.calls)
        return fixture_device_fails(
            s, "CUDA error: the launch timed out and was terminated", false);
    if (card.fits > 0 && rows > card.fits)
        return fixture_device_fails(
            s,
            "CUDA out of memory. Tried to allocate 98.00 MiB. GPU 0 has a total capacity "
            "of 79.18 GiB of which 90.62 MiB is free. Process 5571 has 76.75 GiB memory "
            "in use. If reserved but unallocated memory is large try setting "
            "PYTORCH_ALLOC_CONF=expandable_segments:True to avoid fragmentation.",
            true);
    return toy_logits(s, self, x, draws);
}

static char told[2048];

static void tell(const char *line, void *payload)
{
    (void)payload;
    strncat(told, line, sizeof(told) - strlen(told) - 1);
    strncat(told, "\n", sizeof(told) - strlen(told) - 1);
}

static igd_evaluate_options watched(void)
{
    igd_evaluate_options o = options("apgd-ce,apgd-t,square");
    memset(&card, 0, sizeof(card));
    told[0] = '\0';
    o.set = "apgd-ce.steps=10,apgd-t.steps=5,apgd-t.targets=2,square.queries=60";
    o.batch_size = 32;
    o.message = tell;
    return o;
}

static igd_result *undisturbed(void)
{
    const igd_evaluate_options o = watched();
    igd_result *r = evaluate(&on_device, &o);
    assert_true(igd_result_worst_acc(r) > 0.0 && igd_result_worst_acc(r) < 1.0);
    return r;
}

static double stated_batch_size(const igd_result *r)
{
    return cJSON_GetNumberValue(
        cJSON_GetObjectItemCaseSensitive(r->provenance, "batch_size"));
}

static void test_device__batches_have_few_sizes(void **state)
{
    int seen = 0, last = 0;
    (void)state;
    for (int n = 1; n <= 4096; n++) {
        const int64_t rows = igd_classifier_rows(&device, n);
        assert_true(rows >= n && 4 * rows <= 5 * (int64_t)n + 32);
        assert_int_equal(rows % IGD_BATCH_ROWS, 0);
        assert_int_equal(igd_classifier_rows(&device, rows), rows);
        seen += rows != last;
        last = (int)rows;
        assert_int_equal(igd_classifier_rows(&host, n), (n + 7) / 8 * 8);
    }
    assert_int_equal(seen, 8 + 4 * 6); // up to 64 blocks of eight, then four an octave

    igd_attack_job job = job_make("apgd-ce", &device, IGD_NORM_LINF, 0.06);
    trial t;
    int labels[N];
    for (int i = 0; i < N; i++)
        labels[i] = world.label[i];
    memset(&card, 0, sizeof(card));
    assert_ok(igd_attack_job_set(&job, "steps", 30));
    trial_make(&t, &device, N, world.x, labels);
    trial_run(&t, &job, &device, N);
    for (int k = 0; k < card.num_sizes; k++)
        assert_int_equal(igd_classifier_rows(&device, card.sizes[k]), card.sizes[k]);
    assert_true(card.num_sizes > 1);
    trial_free(&t);
}

static void test_device__small_images_are_given_more_at_a_time(void **state)
{
    igd_model m = {.classifier = {.shape = {3, 64, 64}}};
    (void)state;
    assert_int_equal(igd_model_batch_size(&m), 128);
    m.classifier.off_host = true;
    assert_int_equal(igd_model_batch_size(&m), 512);
    m.classifier.shape[1] = 65;
    assert_int_equal(igd_model_batch_size(&m), 128);
}

static void test_device__too_large_batches_are_halved(void **state)
{
    igd_result *plain = undisturbed(), *r = NULL;
    igd_evaluate_options o = watched();

    (void)state;
    card.fits = 10; // as halves of a batch of 16 are
    assert_ok(igd_evaluate_views(&r, &on_device, world.data, &o));
    assert_same_flags(plain, r);
    assert_non_null(strstr(told, "CUDA out of memory"));
    assert_non_null(strstr(told, "going on with a --batch-size of 16 in place of 32"));
    assert_true(stated_batch_size(plain) == 32 && stated_batch_size(r) < 32);
    igd_result_free(r);
    igd_result_free(plain);
}

// Where the user has said how many, a smaller batch might round otherwise on a device; on
// the host it does not.
static void test_device__a_batch_size_that_was_asked_for_is_kept(void **state)
{
    igd_result *plain = undisturbed(), *r = NULL;
    igd_evaluate_options o = watched();

    (void)state;
    card.fits = 10;
    o.keep_batch_size = true;
    o.state = fixture_path("kept.state");
    assert_fails(
        igd_evaluate_views(&r, &on_device, world.data, &o), IGD_ENOMEM,
        "CUDA out of memory. Tried to allocate 98.00 MiB. GPU 0 has a total "
        "capacity of 79.18 GiB of which 90.62 MiB is free: --batch-size 16 needs "
        "less than 32");
    assert_null(strchr(igd_error_message(), '\n'));
    o.batch_size = 8; // the same run goes on
    assert_ok(igd_evaluate_views(&r, &on_device, world.data, &o));
    assert_same_flags(plain, r);
    igd_result_free(r);

    o = watched();
    card.fits = 16;
    o.keep_batch_size = true;
    assert_ok(igd_evaluate_views(&r, &on_host, world.data, &o));
    assert_same_flags(plain, r);
    igd_result_free(r);
    igd_result_free(plain);
}

static void test_device__without_any_memory_the_run_ends(void **state)
{
    igd_evaluate_options o = watched();
    igd_result *r = NULL;
    (void)state;
    card.fits = 1;
    assert_fails(igd_evaluate_views(&r, &on_device, world.data, &o), IGD_ENOMEM,
                 "CUDA out of memory");
    assert_null(r);
}

static void test_device__a_run_goes_on_after_a_device_is_gone(void **state)
{
    igd_result *plain = undisturbed(), *r = NULL;
    const int64_t calls = card.asked / 3; // too few for what does not go on
    igd_evaluate_options o = watched();
    int sittings = 0;

    (void)state;
    o.state = fixture_path("gone.state");
    o.save_seconds = 0.0;
    for (; r == NULL; sittings++) {
        assert_true(sittings < 100);
        memset(&card, 0, sizeof(card));
        card.calls = calls;
        const igd_status st = igd_evaluate_views(&r, &on_device, world.data, &o);
        if (st == IGD_OK)
            break;
        assert_fails(st, IGD_ETORCH, "CUDA error: the launch timed out");
        assert_null(strchr(igd_error_message(), '\n'));
        assert_int_equal(access(o.state, F_OK), 0);
    }
    assert_true(sittings > 1);
    assert_same_flags(plain, r);
    igd_result_free(r);
    igd_result_free(plain);
}

static void test_device__memory_for_copies_is_there_without_a_card(void **state)
{
    static const char *const devices[] = {"cpu", "cuda", "cuda:3"};
    (void)state;
    for (int k = 0; k < 3; k++) {
        igd_host h;
        assert_ok(igd_host_make(&h, 1000, devices[k]));
        for (int i = 0; i < 1000; i++) {
            assert_true(h.data[i] == 0.0f);
            h.data[i] = 1.0f;
        }
        igd_host_free(&h);
        assert_null(h.data);
        igd_host_free(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_device__batches_have_few_sizes),
        TENSOR_TEST(test_device__small_images_are_given_more_at_a_time),
        TENSOR_TEST(test_device__too_large_batches_are_halved),
        TENSOR_TEST(test_device__a_batch_size_that_was_asked_for_is_kept),
        TENSOR_TEST(test_device__without_any_memory_the_run_ends),
        TENSOR_TEST(test_device__a_run_goes_on_after_a_device_is_gone),
        TENSOR_TEST(test_device__memory_for_copies_is_there_without_a_card),
    };
    world_make();
    host = world.base.f;
    host.logits = card_logits;
    device = host;
    device.off_host = true;
    on_device = on_host = world.undefended;
    on_device.base = on_device.judged = &device;
    on_host.base = on_host.judged = &host;
    const int rc = cmocka_run_group_tests(tests, NULL, NULL);
    igd_dataset_free(world.data);
    return rc;
}
