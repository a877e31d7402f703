/* engine/methods/kernel_signature: what kernels of every kind are said to take. */
#include "engine/methods/kernel_signature.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <string.h>

static void
check(const kernel_info_t *info, const char *wanted)
{
    char text[KERNEL_NAME_MAX];

    kernel_signature(info, text, sizeof text);
    assert_string_equal(text, wanted);
}

static void
numbers_have_a_result(void **state)
{
    kernel_info_t info = {
        .kind = KERNEL_UFUNC, .nin = 2, .nout = 1, .in = {DTYPE_FLOAT64, DTYPE_INT32}, .out = {DTYPE_COMPLEX128}};

    (void)state;
    check(&info, "complex128(float64, int32)");
    info.kind = KERNEL_PIECE;
    check(&info, "complex128(float64, int32)");
    info.kind = KERNEL_REDUCTION;
    info.nin = 1;
    check(&info, "complex128(float64)");
    info.kind = KERNEL_UFUNC;
    info.nout = 2;
    info.out[1] = DTYPE_BOOL;
    check(&info, "void(float64[:], complex128[:], bool[:])");
}

static void
arrays_have_dimensions_where_these_are_known(void **state)
{
    kernel_info_t info = {.kind = KERNEL_ARRAY, .nin = 2, .in = {DTYPE_FLOAT64, DTYPE_NONE}};

    (void)state;
    check(&info, "void(float64[...], any[...])");
    info.in[0] = DTYPE_NONE;
    check(&info, "");
    info.nin = -1;
    check(&info, "");
    info = (kernel_info_t){.kind = KERNEL_GUFUNC,
                           .nin = 2,
                           .nout = 1,
                           .in = {DTYPE_FLOAT64, DTYPE_INT8},
                           .out = {DTYPE_FLOAT64},
                           .layout = "(m,k),()->(m)"};
    check(&info, "void(float64[:,:], int8, float64[:])");
}

static void
what_does_not_fit_is_cut_off(void **state)
{
    kernel_info_t info = {.kind = KERNEL_ARRAY, .nin = KERNEL_MAX_ARGS};
    char text[KERNEL_NAME_MAX], small[16];

    (void)state;
    for (int i = 0; i < info.nin; i++)
        info.in[i] = DTYPE_COMPLEX128;
    kernel_signature(&info, text, sizeof text);
    assert_int_equal(strlen(text), sizeof text - 1);
    assert_string_equal(text + sizeof text - 4, "...");
    kernel_signature(&info, small, sizeof small);
    assert_string_equal(small, "void(complex...");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_a_result),
        cmocka_unit_test(arrays_have_dimensions_where_these_are_known),
        cmocka_unit_test(what_does_not_fit_is_cut_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
