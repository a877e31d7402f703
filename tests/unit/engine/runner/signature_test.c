#include "engine/runner/code/signature.h"

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
    static const char *const WRONG[] = {
        "float64",
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

static void
brackets_have_axes_and_pointers_have_none(void **state)
{
    (void)state;
    signature_t signature;
    assert_int_equal(
        signature_parse("void(float64[:, ::1], const int8[:], uint16*, bool, f4[::1, :, :], i4[])", &signature, NULL),
        FH_OK);
    static const struct {
        int ndim;
        bool pointer, constant;
        dtype_t dtype;
    } WANTED[] = {{2, true, false, DTYPE_FLOAT64}, {1, true, true, DTYPE_INT8},     {0, true, false, DTYPE_UINT16},
                  {0, false, false, DTYPE_BOOL},   {3, true, false, DTYPE_FLOAT32}, {0, true, false, DTYPE_INT32}};
    assert_int_equal(signature.count, sizeof WANTED / sizeof *WANTED);
    for (int i = 0; i < signature.count; i++) {
        assert_int_equal(signature.args[i].ndim, WANTED[i].ndim);
        assert_int_equal(signature.args[i].pointer, WANTED[i].pointer);
        assert_int_equal(signature.args[i].constant, WANTED[i].constant);
        assert_int_equal(signature.args[i].dtype, WANTED[i].dtype);
    }
}

static void
operands_are_inputs_and_then_outputs(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int asked, nin, nout; /* nin 0: refused */
    } CASES[] = {
        {"float64(float32, int8)", 0, 2, 1},
        {"float64(float32, int8)", 1, 2, 1},
        {"float64(float32, int8)", 2, 0, 0},
        {"void(float64[:], float64[:], float64[:])", 0, 2, 1},
        {"void(float64[:], float64[:], float64[:])", 2, 1, 2},
        {"void(float64[:], float64[:], float64[:])", 3, 0, 0},
        {"void(const f8[:], f8[:], f8[:])", 0, 1, 2},
        {"void(const f8[:], const f8[:])", 0, 1, 1},
        {"void(f8[:])", 0, 0, 0},
        {"", 1, 0, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        signature_t signature;
        dtype_t in[KERNEL_MAX_ARGS], out[KERNEL_MAX_OUT];
        int nin, nout;
        err_t err = {0};
        assert_int_equal(signature_parse(CASES[i].text, &signature, NULL), FH_OK);
        int status = signature_operands(&signature, CASES[i].asked, in, &nin, out, &nout, &err);
        assert_int_equal(status, CASES[i].nin ? FH_OK : FH_KERNEL_ERROR);
        if (status)
            continue;
        assert_int_equal(nin, CASES[i].nin);
        assert_int_equal(nout, CASES[i].nout);
        assert_int_equal(out[0], DTYPE_FLOAT64);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spellings_of_one_signature_agree),
        cmocka_unit_test(every_dtype_name_is_a_spelling),
        cmocka_unit_test(longest_names_of_c_are_known),
        cmocka_unit_test(empty_text_is_no_signature),
        cmocka_unit_test(nonsense_is_kernel_error_with_a_place),
        cmocka_unit_test(piece_of_both_spellings_has_elements),
        cmocka_unit_test(piece_that_cannot_be_is_kernel_error),
        cmocka_unit_test(brackets_have_axes_and_pointers_have_none),
        cmocka_unit_test(operands_are_inputs_and_then_outputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
