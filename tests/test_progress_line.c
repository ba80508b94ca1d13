// What of the progress is said in how many columns.
#include <math.h>
#include <string.h>

#include "../tools/progress_line.h"
#include "fixture.h"

static const char attack[] = "2/5 square, 12/500 images, still robust 71.67 %";

static progress_line halfway(const char *stage)
{
    return (progress_line){.stage = stage, .share = 0.5, .rate = 12.34, .left = 3725.0};
}

static bool has(const char *stage, int columns, const char *part)
{
    char text[PROGRESS_LINE_MAX];
    const progress_line p = halfway(stage);
    progress_line_text(text, &p, columns);
    return strstr(text, part) != NULL;
}

// Columns of a text whose characters outside ASCII take two, without its colours.
static int columns_of(const char *text)
{
    int num = 0;
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (*c == '\033')
            c += strcspn((const char *)c, "m");
        else
            num += *c < 0x80 ? 1 : *c >= 0xc0 ? 2 : 0;
    }
    return num;
}

static void test_progress_line__fits_any_width(void **unused)
{
    static const char *const stages[] = {
        attack,
        "clean",
        "",
        "[12/30] keep 50: check 3/9 transfer:apgd-ce, 1/10000 images",
        "\xe5\xb1\x82\xe5\xb1\x82\xe5\xb1\x82\xe5\xb1\x82, more",
        "a\nb\tc\033[2Jd"};
    char text[PROGRESS_LINE_MAX];
    (void)unused;
    for (size_t k = 0; k < sizeof(stages) / sizeof(stages[0]); k++)
        for (int columns = 0; columns < 300; columns++)
            for (int known = 0; known < 2; known++) {
                progress_line p = halfway(stages[k]);
                p.rate = known ? p.rate : 0.0;
                p.colour = columns % 2 == 0;
                progress_line_text(text, &p, columns);
                const int used = columns_of(text);
                assert_true(used < columns || (columns < 2 && used < 2));
                assert_null(strchr(text, '\n'));
            }
}

// Of two parts, the one that is named first goes first.
static void test_progress_line__leaves_the_bar_out_first(void **unused)
{
    static const char *const parts[] = {"[##",  "/s",    "still robust",
                                        "ends", " left", "50%"};
    (void)unused;
    for (int columns = 200; columns > 16; columns--)
        for (size_t k = 1; k < sizeof(parts) / sizeof(parts[0]); k++)
            if (has(attack, columns, parts[k - 1]))
                assert_true(has(attack, columns, parts[k]));
    for (size_t k = 0; k < sizeof(parts) / sizeof(parts[0]); k++)
        assert_true(has(attack, 120, parts[k]));
    assert_false(has(attack, 80, "[##"));
    assert_true(has(attack, 80, "1:02:05 left"));
    assert_false(has(attack, 16, " left"));
    assert_true(has(attack, 16, "50%"));
    assert_true(has(attack, 8, "2/  50%"));
}

static void test_progress_line__says_no_time_that_is_not_known(void **unused)
{
    char text[PROGRESS_LINE_MAX];
    progress_line p = {.stage = "rank", .share = 0.25, .left = NAN};
    (void)unused;
    progress_line_text(text, &p, 40);
    assert_string_equal(text, "rank [######------------------]  25%");
    p.rate = 1e-6;
    p.left = 1e12; // longer than calendars go
    progress_line_text(text, &p, 40);
    assert_string_equal(text, "rank [####--------------]  25%, 1e-06/s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_progress_line__fits_any_width),
        cmocka_unit_test(test_progress_line__leaves_the_bar_out_first),
        cmocka_unit_test(test_progress_line__says_no_time_that_is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
