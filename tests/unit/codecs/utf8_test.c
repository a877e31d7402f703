#include "codecs/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
utf8_prefix_of_text_is_all_of_it(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {"",
                                        "a",
                                        "twelve ascii",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf",
                                        "1234567\xe2\x82\xac\x39\x7f\x01"};
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++)
        assert_int_equal(utf8_prefix(TEXTS[i], strlen(TEXTS[i])), strlen(TEXTS[i]));
}

static void
utf8_prefix_of_bad_bytes_ends_before_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size, good;
    } CASES[] = {
        {"ab\0cd", 5, 2},
        {"12345678\0", 9, 8},
        {"1234567\0x12345678", 17, 7},
        {"\x80", 1, 0},
        {"\xc0\x80", 2, 0},
        {"\xc1\xbf", 2, 0},
        {"a\xc3", 2, 1},
        {"a\xe2\x82", 3, 1},
        {"\xe0\x9f\xbf", 3, 0},
        {"\xed\xa0\x80", 3, 0},
        {"\xf0\x8f\xbf\xbf", 4, 0},
        {"\xf4\x90\x80\x80", 4, 0},
        {"\xf5\x80\x80\x80", 4, 0},
        {"\xe2\x28\xa1", 3, 0},
        {"\xf0\x9f\x98\x28", 4, 0},
        {"x\xff", 2, 1},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        assert_int_equal(utf8_prefix(CASES[i].text, CASES[i].size), CASES[i].good);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_prefix_of_text_is_all_of_it),
        cmocka_unit_test(utf8_prefix_of_bad_bytes_ends_before_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
