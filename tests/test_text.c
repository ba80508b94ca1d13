// Text from outside: UTF-8, and what a terminal must not obey.
#include "fixture.h"

#include "core/error.h"
#include "core/natural.h"
#include "core/text.h"

static void shows(const char *text, bool lines, const char *as)
{
    char out[64];
    assert_int_equal(igd_escape(out, sizeof(out), text, lines), strlen(as));
    assert_string_equal(out, as);
}

static void test_text__control_characters_are_written_out(void **state)
{
    (void)state;
    shows("plain \xc3\xa9 \xe2\x82\xac", false, "plain \xc3\xa9 \xe2\x82\xac");
    shows("a\033[2Jb", false, "a\\x1b[2Jb");
    shows("\a\x7f", true, "\\x07\\x7f");
    shows("a\nb\tc\rd", false, "a\\nb\\tc\\rd");
    shows("a\nb\tc\rd", true, "a\nb\tc\\rd");
    shows("\xc2\x9b"
          "1m",
          false, "\\xc2\\x9b1m");                             // the C1 form of ESC [
    shows("\x9b\xff\xe2\x82", false, "\\x9b\\xff\\xe2\\x82"); // no UTF-8
    shows("", false, "");
}

static void test_text__nothing_is_cut_in_two(void **state)
{
    (void)state;
    char out[6];
    assert_int_equal(igd_escape(out, sizeof(out), "abc\xe2\x82\xac", false), 3);
    assert_string_equal(out, "abc");
    assert_int_equal(igd_escape(out, sizeof(out), "ab\033", false), 2);
    assert_string_equal(out, "ab");
}

static void test_text__a_message_is_one_line_and_harmless(void **state)
{
    (void)state;
    char name[1500];
    (void)igd_error(IGD_EIO, "%s: %s", "a\n\033]0;x\ab.pt", "No such file");
    assert_string_equal(igd_error_message(), "a\\n\\x1b]0;x\\x07b.pt: No such file");
    memset(name, 'n', sizeof(name));
    memcpy(name + 1021, "\xe2\x82\xac", 3); // the last of 1023 bytes lies within
    name[1400] = '\0';
    (void)igd_error(IGD_EIO, "%s", name);
    assert_int_equal(strlen(igd_error_message()), 1021);
}

static void test_text__digits_count_as_numbers_in_natural_order(void **state)
{
    (void)state;
    static const char *const rising[] = {
        "",      "2",      "07",     "7",     "10",  "99999999999999999998",
        "a",     "a b",    "a1",     "a2b10", "a2c", "a10",
        "a10b2", "a10b09", "a10b10", "b",
    };
    const int num = (int)(sizeof(rising) / sizeof(rising[0]));
    for (int i = 0; i < num; i++)
        for (int j = 0; j < num; j++) {
            const int order = igd_natural_compare(rising[i], rising[j]);
            if ((order > 0) - (order < 0) != (i > j) - (i < j))
                fail_msg("'%s' and '%s': %d", rising[i], rising[j], order);
        }

    static const char *const bytes[] = {"x1", "x10", "x11", "x2"};
    const char *instead;
    assert_string_equal(igd_natural_first_moved(&instead, bytes, 4), "x10");
    assert_string_equal(instead, "x2");
    assert_null(igd_natural_first_moved(&instead, bytes, 3));
    assert_null(igd_natural_first_moved(&instead, bytes, 0));
    // Folder by folder, as torchvision: no number has moved.
    static const char *const folders[] = {"a/z.png", "a/b/2.png", "c/1.png"};
    assert_null(igd_natural_first_moved(&instead, folders, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text__control_characters_are_written_out),
        cmocka_unit_test(test_text__nothing_is_cut_in_two),
        cmocka_unit_test(test_text__a_message_is_one_line_and_harmless),
        cmocka_unit_test(test_text__digits_count_as_numbers_in_natural_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
