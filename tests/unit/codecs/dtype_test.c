#include "codecs/dtype_fields.h"
#include "tests/support/check.h"

#include <complex.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void
dtype_names_and_chars_find_their_row(void **state)
{
    (void)state;
    for (int i = 1; i < DTYPE_COUNT; i++) {
        dtype_t dtype = (dtype_t)i;
        char form[8];
        snprintf(form, sizeof form, "<%c%zu", dtype_kind(dtype), dtype_size(dtype));
        assert_int_equal(dtype_from_name(dtype_name(dtype)), dtype);
        assert_int_equal(dtype_from_char(dtype_char(dtype)), dtype);
        assert_int_equal(dtype_from_name(form), dtype);
        assert_int_equal(dtype_from_name(form + 1), dtype);
        assert_true(dtype_valid((uint64_t)i));
    }
    assert_int_equal(dtype_from_char('q'), DTYPE_INT64);
    assert_int_equal(dtype_from_char('Q'), DTYPE_UINT64);
}

static void
dtype_unknown_names_give_none(void **state)
{
    (void)state;
    static const char *const BAD[] = {"", "float", "float65", "<", "i3", "i08", "f16 ", ">f8", "c", "x8", "i-1"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        assert_int_equal(dtype_from_name(BAD[i]), DTYPE_NONE);
    assert_int_equal(dtype_from_name("f"), DTYPE_FLOAT32);
    assert_int_equal(dtype_from_char('\0'), DTYPE_NONE);
    assert_int_equal(dtype_from_char('x'), DTYPE_NONE);
    assert_false(dtype_valid(0));
    assert_false(dtype_valid(DTYPE_COUNT));
    assert_false(dtype_valid(UINT64_MAX));
    assert_int_equal(dtype_size(DTYPE_NONE), 0);
    assert_int_equal(dtype_size((dtype_t)99), 0);
    assert_string_equal(dtype_name((dtype_t)99), "none");
}

static void
dtype_promote_is_commutative_and_holds_both(void **state)
{
    (void)state;
    for (int a = 1; a < DTYPE_COUNT; a++)
        for (int b = 1; b < DTYPE_COUNT; b++) {
            dtype_t both = dtype_promote((dtype_t)a, (dtype_t)b);
            assert_int_equal(both, dtype_promote((dtype_t)b, (dtype_t)a));
            assert_true(dtype_can_cast((dtype_t)a, both, CASTING_SAFE));
            assert_true(dtype_can_cast((dtype_t)b, both, CASTING_SAFE));
            assert_int_equal(dtype_promote(both, (dtype_t)a), both);
        }
}

static void
dtype_promote_of_known_pairs(void **state)
{
    (void)state;
    static const char CASES[][4] = {"bBh", "hHi", "iIl", "lLd", "ebe", "ehf", "eid",
                                    "fhf", "fid", "dFD", "FeF", "FiD", "?bb"};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const char *c = CASES[i];
        assert_int_equal(dtype_promote(dtype_from_char(c[0]), dtype_from_char(c[1])), dtype_from_char(c[2]));
    }
}

static void
dtype_casting_limits_grow(void **state)
{
    (void)state;
    for (int a = 1; a < DTYPE_COUNT; a++)
        for (int b = 1; b < DTYPE_COUNT; b++)
            for (int casting = CASTING_NO; casting < CASTING_UNSAFE; casting++)
                if (dtype_can_cast((dtype_t)a, (dtype_t)b, (casting_t)casting))
                    assert_true(dtype_can_cast((dtype_t)a, (dtype_t)b, (casting_t)(casting + 1)));
    assert_true(dtype_can_cast(DTYPE_FLOAT64, DTYPE_FLOAT32, CASTING_SAME_KIND));
    assert_false(dtype_can_cast(DTYPE_FLOAT64, DTYPE_FLOAT32, CASTING_SAFE));
    assert_false(dtype_can_cast(DTYPE_FLOAT64, DTYPE_INT64, CASTING_SAME_KIND));
    assert_false(dtype_can_cast(DTYPE_INT64, DTYPE_UINT64, CASTING_SAME_KIND));
    assert_true(dtype_can_cast(DTYPE_COMPLEX64, DTYPE_BOOL, CASTING_UNSAFE));
}

static void
dtype_weak_scalars_keep_the_array(void **state)
{
    (void)state;
    assert_int_equal(dtype_promote_weak(DTYPE_INT8, WEAK_INT), DTYPE_INT8);
    assert_int_equal(dtype_promote_weak(DTYPE_BOOL, WEAK_INT), DTYPE_INT64);
    assert_int_equal(dtype_promote_weak(DTYPE_UINT8, WEAK_FLOAT), DTYPE_FLOAT64);
    assert_int_equal(dtype_promote_weak(DTYPE_FLOAT16, WEAK_FLOAT), DTYPE_FLOAT16);
    assert_int_equal(dtype_promote_weak(DTYPE_FLOAT32, WEAK_COMPLEX), DTYPE_COMPLEX64);
    assert_int_equal(dtype_promote_weak(DTYPE_FLOAT64, WEAK_COMPLEX), DTYPE_COMPLEX128);
    assert_int_equal(dtype_promote_weak(DTYPE_COMPLEX64, WEAK_FLOAT), DTYPE_COMPLEX64);
    assert_int_equal(dtype_promote_weak(DTYPE_INT32, WEAK_NO), DTYPE_INT32);
    assert_int_equal(dtype_promote_weak(DTYPE_NONE, WEAK_INT), DTYPE_INT64);
    assert_int_equal(dtype_promote_weak(DTYPE_NONE, WEAK_FLOAT), DTYPE_FLOAT64);
    assert_int_equal(dtype_promote_weak(DTYPE_NONE, WEAK_COMPLEX), DTYPE_COMPLEX128);
}

static void
dtype_convert_exact_values_come_back(void **state)
{
    (void)state;
    for (int a = 1; a < DTYPE_COUNT; a++)
        for (int b = 1; b < DTYPE_COUNT; b++)
            for (int8_t value = 0; value < 2; value++) {
                _Alignas(16) char first[17] = {0}, second[17] = {0};
                int8_t back = -1;
                dtype_convert((dtype_t)a, first + 1, DTYPE_INT8, &value); /* unaligned on purpose */
                dtype_convert((dtype_t)b, second + 1, (dtype_t)a, first + 1);
                dtype_convert(DTYPE_INT8, &back, (dtype_t)b, second + 1);
                assert_int_equal(back, value);
            }
}

static void
dtype_convert_wraps_rounds_and_cuts(void **state)
{
    (void)state;
    int64_t big = (INT64_C(1) << 53) + 1;
    double rounded, number = -3.99;
    float single;
    int8_t byte;
    uint16_t wrapped;
    uint8_t truth, raw = 7;
    dtype_convert(DTYPE_FLOAT64, &rounded, DTYPE_INT64, &big);
    assert_true(rounded == 9007199254740992.0);
    dtype_convert(DTYPE_INT8, &byte, DTYPE_FLOAT64, &number);
    assert_int_equal(byte, -3);
    int32_t negative = -1;
    dtype_convert(DTYPE_UINT16, &wrapped, DTYPE_INT32, &negative);
    assert_int_equal(wrapped, 65535);
    dtype_convert(DTYPE_BOOL, &truth, DTYPE_BOOL, &raw);
    assert_int_equal(truth, 1);
    int64_t odd = 16777217; /* halfway between two floats: rounded to even, once */
    dtype_convert(DTYPE_FLOAT32, &single, DTYPE_INT64, &odd);
    assert_true(single == 16777216.0f);
    double _Complex z = 2.5 - 4.0 * I;
    float _Complex narrow;
    dtype_convert(DTYPE_COMPLEX64, &narrow, DTYPE_COMPLEX128, &z);
    assert_true(crealf(narrow) == 2.5f && cimagf(narrow) == -4.0f);
    dtype_convert(DTYPE_FLOAT64, &rounded, DTYPE_COMPLEX64, &narrow);
    assert_true(rounded == 2.5);
    double _Complex imaginary = 0.0 + 1.0 * I;
    dtype_convert(DTYPE_BOOL, &truth, DTYPE_COMPLEX128, &imaginary);
    assert_int_equal(truth, 1);
}

static void
dtype_convert_out_of_range_is_defined(void **state)
{
    (void)state;
    const double values[] = {NAN, INFINITY, -INFINITY, 1e300, -1e300};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        int64_t wide;
        int32_t narrow;
        int8_t byte;
        dtype_convert(DTYPE_INT64, &wide, DTYPE_FLOAT64, &values[i]);
        dtype_convert(DTYPE_INT32, &narrow, DTYPE_FLOAT64, &values[i]);
        dtype_convert(DTYPE_INT8, &byte, DTYPE_FLOAT64, &values[i]);
        assert_true(wide == INT64_MIN);
        assert_int_equal(narrow, INT32_MIN);
        assert_int_equal(byte, 0);
    }
    double half = 9223372036854775808.0, minus = -1.0;
    uint64_t big;
    dtype_convert(DTYPE_UINT64, &big, DTYPE_FLOAT64, &half);
    assert_true(big == UINT64_C(1) << 63);
    dtype_convert(DTYPE_UINT64, &big, DTYPE_FLOAT64, &minus);
    assert_true(big == UINT64_MAX);
}

static void
dtype_others_find_their_names(void **state)
{
    (void)state;
    static const struct {
        const char *name, *form;
        size_t size;
    } GOOD[] = {{"datetime64[ns]", "M8[ns]", 8},
                {"datetime64", "<M8", 8},
                {"timedelta64[25s]", "m8[25s]", 8},
                {"S5", "|S5", 5},
                {"U3", "<U3", 12},
                {"V12", "|V12", 12},
                {"S8388607", "S8388607", 8388607},
                {"timedelta64[524287as]", "m8[524287as]", 8}};
    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
        dtype_t dtype = dtype_from_name(GOOD[i].form);
        assert_true(dtype_known(dtype));
        assert_false(dtype_valid(dtype));
        assert_true((int32_t)dtype > 0);
        assert_int_equal(dtype_size(dtype), GOOD[i].size);
        assert_string_equal(dtype_name(dtype), GOOD[i].name);
        assert_int_equal(dtype_from_name(dtype_name(dtype)), dtype);
        assert_int_equal(dtype_wire(dtype), dtype);
    }
    static const char *const BAD[] = {
        "M8[",  "M8[ns", "M8[0s]",    "M8[x]",          "M4[s]",    "M8[524288s]",           "S",
        "S0",   "S05",   "S-1",       "S8388608",       "U2097152", "V99999999999999999999", "M8[s]x",
        "m8[]", "U3x",   "datetime6", "datetime64[ns]]"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        assert_int_equal(dtype_from_name(BAD[i]), DTYPE_NONE);
}

/* Whatever comes from outside: known or not, nothing is read past a table, and what is known has a size and a name. */
static void
dtype_any_number_is_safe(void **state)
{
    (void)state;
    uint64_t number = 1;
    int known = 0;
    for (int i = 0; i < 200000; i++) {
        number = number * UINT64_C(6364136223846793005) + 1442695040888963407;
        uint64_t code = i % 2 ? number >> 32 : (number >> 40 & 0x7fffff00) | (32 + number % 7);
        if (!dtype_known(code))
            continue;
        known++;
        assert_in_range(dtype_size((dtype_t)code), 1, DTYPE_ITEM_MAX);
        assert_int_equal(dtype_from_name(dtype_name((dtype_t)code)), code);
        assert_int_equal(dtype_promote((dtype_t)code, (dtype_t)code), code);
        assert_true(dtype_can_cast((dtype_t)code, (dtype_t)code, CASTING_NO));
    }
    assert_true(known > 1000);
    assert_false(dtype_known(UINT64_MAX));
    assert_false(dtype_known(UINT64_C(1) << 31 | CODE_BYTES));
}

static void
dtype_others_promote_and_cast(void **state)
{
    (void)state;
    dtype_t s3 = dtype_from_name("S3"), s5 = dtype_from_name("S5"), u2 = dtype_from_name("U2"),
            v3 = dtype_from_name("V3");
    dtype_t ns = dtype_from_name("M8[ns]"), day = dtype_from_name("M8[D]");
    assert_int_equal(dtype_promote(s3, s5), s5);
    assert_int_equal(dtype_promote(s3, u2), DTYPE_NONE);
    assert_int_equal(dtype_promote(ns, day), DTYPE_NONE);
    assert_int_equal(dtype_promote(ns, DTYPE_INT64), DTYPE_NONE);
    assert_true(dtype_can_cast(s3, s5, CASTING_SAFE));
    assert_false(dtype_can_cast(s5, s3, CASTING_SAFE));
    assert_true(dtype_can_cast(s5, s3, CASTING_UNSAFE));
    assert_false(dtype_can_cast(s5, v3, CASTING_UNSAFE));
    assert_false(dtype_can_cast(ns, DTYPE_INT64, CASTING_UNSAFE));
    assert_false(dtype_can_cast(DTYPE_INT64, s3, CASTING_UNSAFE));
}

static void
dtype_fields_are_kept_once(void **state)
{
    (void)state;
    dtype_t a, b, c;
    assert_int_equal(dtype_fields_find("[('x', 'i4')]", 13, 4, &a, NULL), FH_OK);
    assert_int_equal(dtype_fields_find("[('x', 'i4')]", 13, 4, &b, NULL), FH_OK);
    assert_int_equal(dtype_fields_find("[('x', 'i4')]", 13, 8, &c, NULL), FH_OK);
    assert_int_equal(a, b);
    assert_int_not_equal(a, c);
    assert_int_equal(dtype_size(a), 4);
    assert_string_equal(dtype_fields_text(a), "[('x', 'i4')]");
    assert_int_equal(dtype_wire(a), dtype_from_name("V4"));
    assert_int_equal(dtype_kind(a), 'V');
    assert_false(dtype_known((uint64_t)CODE_FIELDS | 4000u << 8));
    static const char LONG[FIELDS_TEXT_MAX + 1] = "";
    assert_int_equal(dtype_fields_find("", 0, 4, &a, NULL), FH_INVALID_ARGUMENT);
    assert_int_equal(dtype_fields_find("\xff", 1, 4, &a, NULL), FH_INVALID_ARGUMENT);
    assert_int_equal(dtype_fields_find("a\0b", 3, 4, &a, NULL), FH_INVALID_ARGUMENT);
    assert_int_equal(dtype_fields_find(LONG, sizeof LONG, 4, &a, NULL), FH_INVALID_ARGUMENT);
    assert_int_equal(dtype_fields_find("x", 1, 0, &a, NULL), FH_INVALID_ARGUMENT);
    assert_int_equal(dtype_fields_find("x", 1, DTYPE_ITEM_MAX + 1, &a, NULL), FH_INVALID_ARGUMENT);
    char text[16];
    int status = FH_OK, n = 0;
    for (; !status && n <= FIELDS_MAX; n++)
        status = dtype_fields_find(text, (size_t)snprintf(text, sizeof text, "%d", n), 4, &a, NULL);
    assert_int_equal(status, FH_NO_MEMORY);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dtype_names_and_chars_find_their_row),
        cmocka_unit_test(dtype_unknown_names_give_none),
        cmocka_unit_test(dtype_promote_is_commutative_and_holds_both),
        cmocka_unit_test(dtype_promote_of_known_pairs),
        cmocka_unit_test(dtype_casting_limits_grow),
        cmocka_unit_test(dtype_weak_scalars_keep_the_array),
        cmocka_unit_test(dtype_convert_exact_values_come_back),
        cmocka_unit_test(dtype_convert_wraps_rounds_and_cuts),
        cmocka_unit_test(dtype_convert_out_of_range_is_defined),
        cmocka_unit_test(dtype_others_find_their_names),
        cmocka_unit_test(dtype_any_number_is_safe),
        cmocka_unit_test(dtype_others_promote_and_cast),
        cmocka_unit_test(dtype_fields_are_kept_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
