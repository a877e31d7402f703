#include "engine/runner/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void
spellings_of_one_signature_agree(void **state)
{
    (void)state;
    static const char *const SAME[] = {"float64(float64, int32)", "f8(f8,i4)",
                                       "double(double, int)",     "float64 ( const double , int32_t )",
                                       "<f8(<f8, <i4)",           "double(double,signed)"};
    for (size_t i = 0; i < sizeof SAME / sizeof *SAME; i++) {
        signature_t signature;
        err_t err = {0};
        if (signature_parse(SAME[i], &signature, &err))
            fail_msg("%s: %s", SAME[i], err.text);
        assert_true(signature.given);
        assert_false(signature.result_void);
        assert_int_equal(signature.result.dtype, DTYPE_FLOAT64);
        assert_int_equal(signature.count, 2);
        assert_int_equal(signature.args[0].dtype, DTYPE_FLOAT64);
        assert_int_equal(signature.args[1].dtype, DTYPE_INT32);
        assert_false(signature.args[0].pointer);
    }
}

static void
every_dtype_name_is_a_spelling(void **state)
{
    (void)state;
    for (int code = 1; code < DTYPE_COUNT; code++) {
        char text[64];
        snprintf(text, sizeof text, "%s(%s)", dtype_name((dtype_t)code), dtype_name((dtype_t)code));
        signature_t signature;
        assert_int_equal(signature_parse(text, &signature, NULL), FH_OK);
        assert_int_equal(signature.result.dtype, code);
    }
}

static void
longest_names_of_c_are_known(void **state)
{
    (void)state;
    signature_t signature;
    assert_int_equal(signature_parse("unsigned long long(unsigned char, signed char, long long)", &signature, NULL),
                     FH_OK);
    assert_int_equal(signature.result.dtype, DTYPE_UINT64);
    assert_int_equal(signature.args[0].dtype, DTYPE_UINT8);
    assert_int_equal(signature.args[1].dtype, DTYPE_INT8);
    assert_int_equal(signature.args[2].dtype, DTYPE_INT64);
}

static void
empty_text_is_no_signature(void **state)
{
    (void)state;
    signature_t signature;
    assert_int_equal(signature_parse("", &signature, NULL), FH_OK);
    assert_false(signature.given);
    assert_int_equal(signature_parse("  ", &signature, NULL), FH_OK);
    assert_false(signature.given);
}

static void
nonsense_is_kernel_error_with_a_place(void **state)
{
    (void)state;
    static const char *const WRONG[] = {"float64",
                                        "float64(",
                                        "float64(float64",
                                        "float64(float64,)",
                                        "float64(float64))",
                                        "(float64)",
                                        "void",
                                        "float64(void)",
                                        "float65(float64)",
                                        "float64(float64) x",
                                        "float64(float64 float64)",
                                        "float64(CPointer float64)",
                                        "float64(CPointer(float64)",
                                        "void*(float64)",
                                        "float64[(float64)",
                                        "f8(f8,f8,f8,f8,f8,f8,f8,f8,f8,f8,f8,f8,f8,f8,f8,f8,f8,f8,f8,f8,f8,f8,f8,f8,f8)",
                                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa(f8)",
                                        "f8(\x80\xff)"};
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        signature_t signature;
        err_t err = {0};
        assert_int_equal(signature_parse(WRONG[i], &signature, &err), FH_KERNEL_ERROR);
        assert_non_null(strstr(err.text, "character"));
    }
}

static void
piece_of_both_spellings_has_elements(void **state)
{
    (void)state;
    static const char *const SAME[] = {"float32(float64, int32)", "void(float64*, int32*, float32*, int64)",
                                       "void(const double *restrict, const int *, float *, int64_t)",
                                       "void(CPointer(float64), CPointer(int32), CPointer(float32), intp)",
                                       "void(float64[:], int32[::1], float32[], uint64)"};
    for (size_t i = 0; i < sizeof SAME / sizeof *SAME; i++) {
        signature_t signature;
        dtype_t in[KERNEL_MAX_ARGS], out = DTYPE_NONE;
        int nin = 0;
        err_t err = {0};
        if (signature_parse(SAME[i], &signature, &err) || signature_piece(&signature, in, &nin, &out, &err))
            fail_msg("%s: %s", SAME[i], err.text);
        assert_int_equal(nin, 2);
        assert_int_equal(in[0], DTYPE_FLOAT64);
        assert_int_equal(in[1], DTYPE_INT32);
        assert_int_equal(out, DTYPE_FLOAT32);
    }
}

static void
piece_that_cannot_be_is_kernel_error(void **state)
{
    (void)state;
    static const char *const WRONG[] = {"",
                                        "void(float64*, int64)",
                                        "void(float64*, float64, int64)",
                                        "void(float64*, float64*, int32)",
                                        "void(float64*, float64*, int64*)",
                                        "float64()"};
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        signature_t signature;
        dtype_t in[KERNEL_MAX_ARGS], out;
        int nin;
        assert_int_equal(signature_parse(WRONG[i], &signature, NULL), FH_OK);
        assert_int_equal(signature_piece(&signature, in, &nin, &out, NULL), FH_KERNEL_ERROR);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spellings_of_one_signature_agree),      cmocka_unit_test(every_dtype_name_is_a_spelling),
        cmocka_unit_test(longest_names_of_c_are_known),          cmocka_unit_test(empty_text_is_no_signature),
        cmocka_unit_test(nonsense_is_kernel_error_with_a_place), cmocka_unit_test(piece_of_both_spellings_has_elements),
        cmocka_unit_test(piece_that_cannot_be_is_kernel_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
