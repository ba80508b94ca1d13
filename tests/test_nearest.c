// The known name nearest to a mistyped one.
#include "fixture.h"

#include "core/nearest.h"

static const char *const names[] = {"fgsm",   "pgd",    "apgd-ce", "apgd-t",
                                    "square", "layer4", "layer3"};

static const char *near(const char *name)
{
    return igd_nearest(name, names, (int)(sizeof(names) / sizeof(names[0])));
}

static void test_nearest__finds_each_kind_of_slip(void **state)
{
    (void)state;
    assert_string_equal(near("squar"), "square");   // a letter missing
    assert_string_equal(near("sqquare"), "square"); // one too many
    assert_string_equal(near("squire"), "square");  // a wrong one
    assert_string_equal(near("pdg"), "pgd");        // two swapped, which counts as one
    assert_string_equal(near("APGD-CE"), "apgd-ce");
    assert_string_equal(near("layer5"), "layer4"); // the first of equals
}

static void test_nearest__does_not_guess_wildly(void **state)
{
    (void)state;
    assert_null(near("autoattack"));
    assert_null(near(""));
    assert_null(near("pxx"));
    assert_null(igd_nearest("pgd", NULL, 0));
    char longer[200];
    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_null(near(longer));
    const char *const same[] = {longer};
    assert_null(igd_nearest("a", same, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nearest__finds_each_kind_of_slip),
        cmocka_unit_test(test_nearest__does_not_guess_wildly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
