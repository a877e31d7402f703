#include "base/err.h"
#include "tests/support/check.h"

#include <errno.h>
#include <string.h>

static void
set_fills_everything_and_returns_the_status(void **state)
{
    (void)state;
    err_t err;
    memset(&err, 0x55, sizeof err);
    assert_int_equal(err_set(&err, FH_BAD_INDEX, "index %d of %s", 7, "x"), FH_BAD_INDEX);
    assert_int_equal(err.status, FH_BAD_INDEX);
    assert_string_equal(err.text, "index 7 of x");
    assert_string_equal(err.origin, "");
    assert_int_equal(err.os_errno, 0);
    assert_int_equal(err.signal, 0);
    assert_int_equal(err.address, 0);
}

static void
null_err_is_allowed_everywhere(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, FH_BUSY, "x"), FH_BUSY);
    assert_int_equal(err_set_errno(NULL, FH_IO_ERROR, EIO, "x"), FH_IO_ERROR);
    err_set_origin(NULL, "x");
    err_prefix(NULL, "x");
    err_clear(NULL);
}

static void
errno_is_kept_and_named(void **state)
{
    (void)state;
    err_t err;
    assert_int_equal(err_set_errno(&err, FH_IO_ERROR, ENOSPC, "cannot write"), FH_IO_ERROR);
    assert_int_equal(err.os_errno, ENOSPC);
    assert_string_equal(err.text, "cannot write: No space left on device (errno 28)");
}

static void
origin_is_set_only_once(void **state)
{
    (void)state;
    err_t err;
    err_set(&err, FH_BUSY, "x");
    err_set_origin(&err, "engine %d", 2);
    err_set_origin(&err, "engine %d", 3);
    assert_string_equal(err.origin, "engine 2");
}

static void
prefix_keeps_status_and_origin(void **state)
{
    (void)state;
    err_t err;
    err_set(&err, FH_BUSY, "no room");
    err_set_origin(&err, "engine 2");
    err_prefix(&err, "while sending %d bytes", 5);
    assert_string_equal(err.text, "while sending 5 bytes: no room");
    assert_string_equal(err.origin, "engine 2");
    assert_int_equal(err.status, FH_BUSY);
}

static void
text_may_be_made_from_itself(void **state)
{
    (void)state;
    err_t err;
    err_set(&err, FH_BUSY, "inner");
    err_set(&err, FH_TIMEOUT, "outer (%s)", err.text);
    assert_string_equal(err.text, "outer (inner)");
}

static void
long_text_is_cut_at_a_whole_character(void **state)
{
    (void)state;
    err_t err;
    char text[ERR_TEXT_MAX + 50];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'a', sizeof text);
        for (size_t i = shift; i + 3 < sizeof text - 1; i += 3)
            memcpy(text + i, "\xe2\x82\xac", 3); /* the euro sign */
        text[sizeof text - 3] = '\0';
        err_set(&err, FH_BUSY, "%s", text);
        size_t length = strlen(err.text);
        assert_in_range(length, ERR_TEXT_MAX - 4, ERR_TEXT_MAX - 1);
        assert_int_equal((length - shift) % 3, 0);
        err_prefix(&err, "p");
        length = strlen(err.text);
        assert_in_range(length, ERR_TEXT_MAX - 4, ERR_TEXT_MAX - 1);
        assert_int_equal((length - shift - 3) % 3, 0);
    }
    memset(text, 'b', sizeof text);
    text[sizeof text - 1] = '\0';
    err_set(&err, FH_BUSY, "%s", text);
    assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
    err_set_origin(&err, "%s", text);
    assert_int_equal(strlen(err.origin), ERR_ORIGIN_MAX - 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_fills_everything_and_returns_the_status),
        cmocka_unit_test(null_err_is_allowed_everywhere),
        cmocka_unit_test(errno_is_kept_and_named),
        cmocka_unit_test(origin_is_set_only_once),
        cmocka_unit_test(prefix_keeps_status_and_origin),
        cmocka_unit_test(text_may_be_made_from_itself),
        cmocka_unit_test(long_text_is_cut_at_a_whole_character),
    };
    return cmocka_run_group_tests_name("base/err", tests, NULL, NULL);
}
