// Text from outside: UTF-8, and what a terminal must not obey.
#include "fixture.h"

#include "core/error.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text__control_characters_are_written_out),
        cmocka_unit_test(test_text__nothing_is_cut_in_two),
        cmocka_unit_test(test_text__a_message_is_one_line_and_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
