/* Reductions, running results, pairs and masks by kernels, against plain loops; the same bits in any layout. */
#include "tests/process/kernel_rig.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 20000, TURNS = 40 };

static double in[MOST], weights[MOST], got[MOST], first[MOST], wanted[MOST];
static const char ADDING[] = "adding";

/* A random shape of 1 to 3 dimensions; one of them may be longer than a block. */
static int
make_shape(int64_t ret[3])
{
    int ndim = 1 + (int)rig_random(3), large = (int)rig_random(ndim);
    for (int i = 0; i < ndim; i++)
        ret[i] = 1 + rig_random(i == large ? (ndim == 3 ? 400 : 4000) : 5);
    return ndim;
}

static int64_t
product(const int64_t *shape, int from, int to)
{
    int64_t n = 1;
    for (int i = from; i < to; i++)
        n *= shape[i];
    return n;
}

/* Where element i of the array goes in a result without the axes in mask. */
static int64_t
target_of(int64_t i, int ndim, const int64_t *shape, unsigned mask)
{
    int64_t target = 0, step = 1;
    for (int axis = ndim - 1; axis >= 0; axis--) {
        int64_t at = i % shape[axis];
        i /= shape[axis];
        if (mask >> axis & 1)
            continue;
        target += at * step;
        step *= shape[axis];
    }
    return target;
}

/* Some of the axes. */
static int
choose_axes(int ndim, int ret[3], unsigned *ret_mask)
{
    int n = 0;
    *ret_mask = 1 + (unsigned)rig_random((1 << ndim) - 1);
    for (int axis = 0; axis < ndim; axis++)
        if (*ret_mask >> axis & 1)
            ret[n++] = rig_random(2) ? axis : axis - ndim;
    return n;
}

static void
sums_over_any_axes_and_layouts(void **state)
{
    fh_kernel *kernels[] = {rig_load(ADDING, &(fh_kernel_options){.kind = "reduction"}), rig_load("plus", NULL)};
    fh_error error;
    (void)state;
    for (int turn = 0; turn < TURNS; turn++) {
        int64_t shape[3], results = 1;
        int axes[3], ndim = make_shape(shape);
        unsigned mask;
        int naxes = choose_axes(ndim, axes, &mask);
        int64_t count = product(shape, 0, ndim);
        rig_fill(in, count, true);
        for (int axis = 0; axis < ndim; axis++)
            results *= mask >> axis & 1 ? 1 : shape[axis];
        memset(wanted, 0, (size_t)results * sizeof *wanted);
        for (int64_t i = 0; i < count; i++)
            wanted[target_of(i, ndim, shape, mask)] += in[i];
        fh_array *x = rig_scatter_somehow(in, ndim, shape), *sum = NULL;
        bool keepdims = rig_random(2);
        fh_ok(fh_kernel_reduce(kernels[turn % 2], &x, 1, axes, naxes, keepdims, 0, &sum, &error), error);
        fh_array_info info;
        fh_array_describe(sum, &info);
        assert_int_equal(info.ndim, keepdims ? ndim : ndim - naxes);
        rig_gather(sum, got);
        for (int64_t i = 0; i < results; i++)
            assert_true(got[i] == wanted[i]);
        fh_array_free(&sum);
        fh_array_free(&x);
    }
    fh_kernel_free(&kernels[0]);
    fh_kernel_free(&kernels[1]);
}

static void
bits_do_not_depend_on_the_layout(void **state)
{
    fh_kernel *kernel = rig_load("plus", NULL), *mean = rig_load("mean", NULL);
    fh_error error;
    (void)state;
    for (int turn = 0; turn < TURNS / 4; turn++) {
        int64_t shape[3], count;
        int axes[3], ndim = make_shape(shape);
        unsigned mask;
        int naxes = choose_axes(ndim, axes, &mask);
        count = product(shape, 0, ndim);
        rig_fill(in, count, false);
        rig_fill(weights, count, false);
        for (int again = 0; again < 8; again++) {
            fh_array *x[] = {rig_scatter_somehow(in, ndim, shape), rig_scatter_somehow(weights, ndim, shape)};
            fh_array *result = NULL;
            fh_array_info info;
            fh_ok(fh_kernel_reduce(again < 4 ? kernel : mean, x, again < 4 ? 1 : 2, axes, naxes, 0, 0, &result, &error),
                  error);
            fh_array_describe(result, &info);
            size_t bytes = (size_t)product(info.shape, 0, info.ndim) * sizeof *got;
            rig_gather(result, again % 4 ? got : first);
            if (again % 4)
                assert_memory_equal(got, first, bytes);
            fh_array_free(&result);
            fh_array_free(&x[0]);
            fh_array_free(&x[1]);
        }
    }
    fh_kernel_free(&kernel);
    fh_kernel_free(&mean);
}

static void
states_behind_pointers_take_several_inputs(void **state)
{
    fh_kernel *kernel = rig_load("mean", NULL);
    const int64_t n = 5000;
    double sum = 0, weight = 0;
    fh_error error;
    (void)state;
    rig_fill(in, n, true);
    for (int64_t i = 0; i < n; i++) {
        weights[i] = (double)(1 + rig_random(9));
        sum += in[i] * weights[i];
        weight += weights[i];
    }
    fh_array *x[] = {rig_scatter(in, FH_FLOAT64, 1, &n, 0), rig_scatter(weights, FH_FLOAT64, 1, &n, 0)}, *mean = NULL;
    fh_ok(fh_kernel_reduce(kernel, x, 2, NULL, -1, 0, 0, &mean, &error), error);
    rig_gather(mean, got);
    assert_true(got[0] == sum / weight + (double)n);
    fh_array_free(&mean);
    fh_fails(fh_kernel_reduce(kernel, x, 1, NULL, -1, 0, 0, &mean, &error), FH_STATUS_INVALID_ARGUMENT, error);
    fh_array_free(&x[0]);
    fh_array_free(&x[1]);
    fh_kernel_free(&kernel);
}

static void
running_sums_along_any_axis(void **state)
{
    fh_kernel *kernels[] = {rig_load(ADDING, &(fh_kernel_options){.kind = "reduction"}), rig_load("plus", NULL)};
    fh_error error;
    (void)state;
    for (int turn = 0; turn < TURNS; turn++) {
        int64_t shape[3];
        int ndim = make_shape(shape), axis = (int)rig_random(ndim);
        int64_t count = product(shape, 0, ndim), inner = product(shape, axis + 1, ndim);
        rig_fill(in, count, false);
        for (int64_t i = 0; i < count; i++)
            wanted[i] = i / inner % shape[axis] ? wanted[i - inner] + in[i] : in[i];
        fh_array *x = rig_scatter_somehow(in, ndim, shape), *running = NULL;
        fh_ok(fh_kernel_accumulate(kernels[turn % 2], &x, 1, turn % 3 ? axis : axis - ndim, 0, &running, &error),
              error);
        rig_gather(running, got);
        for (int64_t i = 0; i < count; i++)
            assert_true(got[i] == wanted[i]);
        fh_array_free(&running);
        fh_array_free(&x);
    }
    fh_kernel_free(&kernels[0]);
    fh_kernel_free(&kernels[1]);
}

static void
nothing_and_single_elements_reduce(void **state)
{
    fh_kernel *with_start = rig_load(ADDING, &(fh_kernel_options){.kind = "reduction"});
    fh_kernel *without = rig_load("plus", NULL);
    const int64_t empty[] = {0, 3}, one = 1;
    int axis = 1, zero = 0;
    fh_array_info info;
    fh_array *none = NULL, *scalar = NULL, *result = NULL;
    fh_error error;
    (void)state;
    fh_ok(fh_empty(rig_session, FH_FLOAT64, 2, empty, NULL, &none, &error), error);
    fh_fails(fh_kernel_reduce(without, &none, 1, &zero, 1, 0, 0, &result, &error), FH_STATUS_INVALID_ARGUMENT, error);
    check_contains(error.text, "plus");
    fh_ok(fh_kernel_reduce(without, &none, 1, &axis, 1, 0, 0, &result, &error), error);
    fh_array_describe(result, &info);
    assert_int_equal(info.ndim, 1);
    assert_int_equal(info.shape[0], 0);
    fh_array_free(&result);
    fh_ok(fh_kernel_reduce(with_start, &none, 1, &zero, 1, 0, 0, &result, &error), error);
    rig_gather(result, got);
    assert_true(got[0] == 0 && got[1] == 0 && got[2] == 0);
    fh_array_free(&result);
    fh_ok(fh_kernel_reduce(with_start, &none, 1, NULL, -1, 1, 0, &result, &error), error);
    fh_array_describe(result, &info);
    assert_int_equal(info.ndim, 2);
    rig_gather(result, got);
    assert_true(got[0] == 0);
    fh_array_free(&result);
    in[0] = 2.5;
    scalar = rig_scatter(in, FH_FLOAT64, 0, &one, FH_WHOLE);
    fh_ok(fh_kernel_reduce(without, &scalar, 1, NULL, -1, 0, 0, &result, &error), error);
    rig_gather(result, got);
    assert_true(got[0] == 2.5);
    fh_array_free(&result);
    fh_fails(fh_kernel_accumulate(without, &scalar, 1, 0, 0, &result, &error), FH_STATUS_INVALID_ARGUMENT, error);
    fh_array_free(&scalar);
    fh_array_free(&none);
    fh_kernel_free(&with_start);
    fh_kernel_free(&without);
}

static void
inputs_are_cast_and_wrong_ones_refused(void **state)
{
    static const char NEGATE[] = "define double @negate(double %x) {\n  %y = fneg double %x\n  ret double %y\n}\n";
    fh_kernel *kernel = rig_load("plus", NULL), *negate = rig_load_text(NEGATE, NULL);
    int32_t numbers[] = {1, 2, 3, 4, 5, 6};
    const int64_t n = 6, five = 5;
    int twice[] = {0, 0}, far = 1;
    fh_error error;
    (void)state;
    fh_array *x = rig_scatter(numbers, FH_INT32, 1, &n, 0), *shorter = rig_scatter(numbers, FH_INT32, 1, &five, 0);
    fh_array *result = NULL, *pair[] = {x, shorter};
    fh_ok(fh_kernel_reduce(kernel, &x, 1, NULL, -1, 0, 0, &result, &error), error);
    rig_gather(result, got);
    assert_true(got[0] == 21);
    fh_array_free(&result);
    fh_fails(fh_kernel_reduce(kernel, &x, 1, twice, 2, 0, 0, &result, &error), FH_STATUS_INVALID_ARGUMENT, error);
    fh_fails(fh_kernel_reduce(kernel, &x, 1, &far, 1, 0, 0, &result, &error), FH_STATUS_INVALID_ARGUMENT, error);
    fh_fails(fh_kernel_reduce(kernel, pair, 2, NULL, -1, 0, 0, &result, &error), FH_STATUS_INVALID_ARGUMENT, error);
    fh_fails(fh_kernel_reduce(kernel, &x, 1, NULL, -1, 0, -1, &result, &error), FH_STATUS_INVALID_ARGUMENT, error);
    fh_fails(fh_kernel_accumulate(kernel, &x, 1, 1, 0, &result, &error), FH_STATUS_INVALID_ARGUMENT, error);
    fh_fails(fh_kernel_reduce(negate, &x, 1, NULL, -1, 0, 0, &result, &error), FH_STATUS_KERNEL_ERROR, error);
    fh_fails(fh_kernel_reduce(NULL, &x, 1, NULL, -1, 0, 0, &result, &error), FH_STATUS_INVALID_ARGUMENT, error);
    assert_null(result);
    fh_array_free(&x);
    fh_array_free(&shorter);
    fh_kernel_free(&kernel);
    fh_kernel_free(&negate);
}

static void
pairs_have_the_axes_of_both(void **state)
{
    fh_kernel *kernel = rig_load("plus", NULL);
    fh_error error;
    (void)state;
    for (int turn = 0; turn < TURNS / 2; turn++) {
        int64_t a_shape[] = {1 + rig_random(7), 1 + rig_random(7)}, b_shape[] = {1 + rig_random(9)};
        int64_t na = a_shape[0] * a_shape[1], nb = b_shape[0];
        rig_fill(in, na, true);
        rig_fill(weights, nb, true);
        fh_local local = {.data = weights, .dtype = FH_FLOAT64, .ndim = 1, .shape = b_shape};
        fh_array *a = rig_scatter_somehow(in, 2, a_shape), *b = rig_scatter_somehow(weights, 1, b_shape), *made = NULL;
        fh_operand left = {.kind = FH_ARRAY, .array = a};
        fh_operand right[] = {{.kind = FH_ARRAY, .array = b}, {.kind = FH_LOCAL, .local = &local}};
        fh_array_info info;
        bool turned = rig_random(2);
        fh_ok(fh_kernel_outer(kernel, turned ? &right[turn % 2] : &left, turned ? &left : &right[turn % 2], 0, &made,
                              &error),
              error);
        fh_array_describe(made, &info);
        assert_int_equal(info.ndim, 3);
        rig_gather(made, got);
        for (int64_t i = 0; i < na * nb; i++)
            assert_true(got[i] == (turned ? in[i % na] + weights[i / na] : in[i / nb] + weights[i % nb]));
        fh_array_free(&a);
        fh_array_free(&b);
        fh_array_free(&made);
    }
    fh_kernel_free(&kernel);
}

/* With a mask: into a new array, an array of the kernel's dtype, an array of another. */
static void
only_where_the_mask_is_true(void **state)
{
    fh_kernel *kernel = rig_load("plus", NULL);
    static uint8_t mask[MOST];
    static float singles[MOST], single_got[MOST];
    fh_error error;
    (void)state;
    for (int turn = 0; turn < TURNS; turn++) {
        int64_t shape[] = {1 + rig_random(40), 1 + rig_random(40)}, count = shape[0] * shape[1];
        bool row = rig_random(2);
        rig_fill(in, count, true);
        rig_fill(weights, count, true);
        for (int64_t i = 0; i < count; i++) {
            mask[i] = (uint8_t)rig_random(2);
            singles[i] = (float)i + 0.5F;
        }
        fh_array *x = rig_scatter_somehow(in, 2, shape), *y = rig_scatter_somehow(weights, 2, shape);
        fh_array *where = rig_scatter(mask, FH_BOOL, row ? 1 : 2, shape + row, 0), *made = NULL;
        fh_array *narrow = rig_scatter(singles, FH_FLOAT32, 2, shape, 0);
        fh_operand operands[] = {{.kind = FH_ARRAY, .array = x}, {.kind = FH_WEAK_INT, .i = 1}};
        fh_ok(fh_kernel_call(kernel, operands, 2, &(fh_kernel_call_options){.where = where}, &made, &error), error);
        rig_gather(made, got);
        fh_array_free(&made);
        fh_ok(fh_kernel_call(kernel, operands, 2, &(fh_kernel_call_options){.where = where, .out = y}, &made, &error),
              error);
        rig_gather(y, first);
        fh_ok(fh_kernel_call(kernel, operands, 2, &(fh_kernel_call_options){.where = where, .out = narrow}, &made,
                             &error),
              error);
        rig_gather(narrow, single_got);
        for (int64_t i = 0; i < count; i++) {
            bool on = mask[row ? i % shape[1] : i];
            assert_true(got[i] == (on ? in[i] + 1 : 0));
            assert_true(first[i] == (on ? in[i] + 1 : weights[i]));
            assert_true(single_got[i] == (on ? (float)(in[i] + 1) : singles[i]));
        }
        fh_array *all[] = {x, y, where, narrow};
        for (int i = 0; i < 4; i++)
            fh_array_free(&all[i]);
    }
    fh_kernel_free(&kernel);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_where_the_mask_is_true),
        cmocka_unit_test(pairs_have_the_axes_of_both),
        cmocka_unit_test(sums_over_any_axes_and_layouts),
        cmocka_unit_test(bits_do_not_depend_on_the_layout),
        cmocka_unit_test(states_behind_pointers_take_several_inputs),
        cmocka_unit_test(running_sums_along_any_axis),
        cmocka_unit_test(nothing_and_single_elements_reduce),
        cmocka_unit_test(inputs_are_cast_and_wrong_ones_refused),
    };
    return cmocka_run_group_tests(tests, rig_start, rig_stop);
}
