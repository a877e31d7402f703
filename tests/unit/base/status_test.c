#include "base/status.h"
#include "tests/support/check.h"

#include <string.h>

static void
every_row_has_its_own_number_name_and_text(void **state)
{
    (void)state;
    int rows = 0;
    for (; status_at(rows) >= 0; rows++) {
        int status = status_at(rows);
        assert_true(status_name(status)[0] && status_text(status)[0]);
        for (int k = 0; k < rows; k++) {
            assert_int_not_equal(status_at(k), status);
            assert_string_not_equal(status_name(status_at(k)), status_name(status));
        }
        if (status != FH_OK) {
            assert_true(status_python_class(status)[0]);
            assert_true(status_python_builtin(status)[0]);
        }
    }
    assert_true(rows > 30);
    assert_int_equal(status_at(-1), -1);
    assert_int_equal(status_at(rows + 1), -1);
}

static void
known_numbers_keep_their_names(void **state)
{
    (void)state;
    assert_int_equal(FH_OK, 0);
    assert_int_equal(FH_ENGINE_LOST, 17); /* on the wire: never renumbered */
    assert_string_equal(status_name(17), "ENGINE_LOST");
    assert_string_equal(status_python_class(17), "EngineLost");
    assert_string_equal(status_python_builtin(17), "ConnectionError");
    assert_string_equal(status_name(33), "ALREADY_RUNNING");
}

static void
unknown_number_is_unknown(void **state)
{
    (void)state;
    assert_string_equal(status_name(-5), "UNKNOWN");
    assert_string_equal(status_name(65535), "UNKNOWN");
    assert_non_null(strstr(status_text(65535), "does not know"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_has_its_own_number_name_and_text),
        cmocka_unit_test(known_numbers_keep_their_names),
        cmocka_unit_test(unknown_number_is_unknown),
    };
    return cmocka_run_group_tests_name("base/status", tests, NULL, NULL);
}
