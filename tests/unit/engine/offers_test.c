/* engine/offers: what a user may write as tags and resources. */
#include "engine/offers.h"
#include "tests/support/check.h"

#include <string.h>

static void
test_both_lists_are_joined(void **state)
{
    static const struct {
        const char *tags, *resources, *joined;
    } ROWS[] = {{"", "", ""},
                {"big", "", "big"},
                {"", "gpu=2", "gpu=2"},
                {"big,fast", "gpu=2,disk=0.5", "big,fast,gpu=2,disk=0.5"},
                {"a.b_c-d:e", "x=1e3", "a.b_c-d:e,x=1e3"}};
    char joined[OFFERS_MAX + 1];
    err_t err;

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        assert_int_equal(offers_join(ROWS[i].tags, ROWS[i].resources, joined, &err), FH_OK);
        assert_string_equal(joined, ROWS[i].joined);
    }
}

static void
test_nonsense_is_refused(void **state)
{
    static const char *const TAGS[] = {"a b", "a=1", ",", "a,,b", "\xc3\xa9", "a;b"};
    static const char *const RESOURCES[] = {"gpu",     "gpu=", "gpu=0",  "gpu=-1", "gpu=inf",
                                            "gpu=nan", "=1",   "gpu=1x", "gpu=1,,"};
    char joined[OFFERS_MAX + 1];
    err_t err;

    (void)state;
    for (size_t i = 0; i < sizeof TAGS / sizeof *TAGS; i++)
        assert_int_equal(offers_join(TAGS[i], "", joined, &err), FH_INVALID_ARGUMENT);
    for (size_t i = 0; i < sizeof RESOURCES / sizeof *RESOURCES; i++)
        assert_int_equal(offers_join("", RESOURCES[i], joined, &err), FH_INVALID_ARGUMENT);
}

static void
test_there_is_a_limit(void **state)
{
    char tags[OFFERS_MAX + 2], joined[OFFERS_MAX + 1];
    err_t err;

    (void)state;
    memset(tags, 'a', sizeof tags);
    tags[OFFERS_MAX] = '\0';
    assert_int_equal(offers_join(tags, "", joined, &err), FH_OK);
    assert_int_equal(offers_join(tags, "b=1", joined, &err), FH_INVALID_ARGUMENT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_lists_are_joined),
        cmocka_unit_test(test_nonsense_is_refused),
        cmocka_unit_test(test_there_is_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
