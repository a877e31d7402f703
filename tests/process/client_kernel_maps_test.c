/* Array kernels, stencils and gufuncs through libfarhand, against plain loops: any pieces, widths, engines. */
#include "tests/process/kernel_rig.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 4096, TURNS = 60 };

static double in[MOST], beside[MOST], got[MOST], wanted[MOST];
static int64_t where[MOST];

static fh_operand
remote(fh_array *array)
{
    return (fh_operand){.kind = FH_ARRAY, .array = array};
}

/* What kernel `window` gives. */
static void
window(const int64_t shape[2], int64_t width, int axis)
{
    for (int64_t i = 0; i < shape[0]; i++)
        for (int64_t k = 0; k < shape[1]; k++) {
            double sum = beside[i * shape[1] + k];
            for (int64_t d = -width; d <= width; d++) {
                int64_t row = axis ? i : i + d, column = axis ? k + d : k;
                if (row >= 0 && row < shape[0] && column >= 0 && column < shape[1])
                    sum += (double)(d + width + 1) * in[row * shape[1] + column];
            }
            wanted[i * shape[1] + k] = sum;
        }
}

static void
check_window(fh_array *sums, fh_array *indices, const int64_t shape[2], int axis)
{
    rig_gather(sums, got);
    rig_gather(indices, where);
    for (int64_t i = 0; i < shape[0] * shape[1]; i++) {
        assert_true(got[i] == wanted[i]);
        assert_int_equal(where[i], axis ? i % shape[1] : i / shape[1]);
    }
}

static void
stencils_see_their_neighbours(void **state)
{
    fh_kernel *kernel = rig_load("window", NULL);
    fh_error error;
    (void)state;
    for (int turn = 0; turn < TURNS; turn++) {
        int axis = (int)rig_random(2);
        int64_t width = rig_random(5);
        int64_t shape[2] = {1 + rig_random(60), 1 + rig_random(60)}, halo[2] = {0, 0};
        halo[axis] = width;
        rig_fill(in, shape[0] * shape[1], true);
        rig_fill(beside, shape[0] * shape[1], true);
        fh_array *x = rig_scatter(in, FH_FLOAT64, 2, shape, rig_random(6) ? axis : (int)FH_WHOLE);
        fh_array *y = rig_scatter_somehow(beside, 2, shape), *made[2] = {NULL, NULL};
        fh_operand operands[] = {
            remote(x), remote(y), {.kind = FH_WEAK_INT, .i = width}, {.kind = FH_WEAK_INT, .i = axis}};
        fh_kernel_out out[] = {{.dtype = FH_FLOAT64, .ndim = -1}, {.dtype = FH_INT64, .ndim = -1}};
        fh_ok(fh_kernel_map(kernel, operands, 4,
                            &(fh_kernel_map_options){.out = out, .nout = 2, .halo = halo, .nhalo = 2}, made, 2, &error),
              error);
        window(shape, width, axis);
        check_window(made[0], made[1], shape, axis);
        fh_array_free(&x);
        fh_array_free(&y);
        fh_array_free(&made[0]);
        fh_array_free(&made[1]);
    }
    fh_kernel_free(&kernel);
}

static void
outputs_that_exist_may_be_inputs(void **state)
{
    fh_kernel *kernel = rig_load("window", NULL);
    fh_error error;
    (void)state;
    for (int turn = 0; turn < TURNS / 2; turn++) {
        int64_t width = 1 + rig_random(3), shape[2] = {2 + rig_random(60), 1 + rig_random(9)}, halo[2] = {width, 0};
        rig_fill(in, shape[0] * shape[1], true);
        rig_fill(beside, shape[0] * shape[1], true);
        fh_array *x = rig_scatter(in, FH_FLOAT64, 2, shape, 0), *y = rig_scatter(beside, FH_FLOAT64, 2, shape, 0);
        fh_array *indices = NULL, *made[2] = {NULL, NULL};
        bool elsewhere = rig_random(2); /* in the layout of the input, or in another */
        fh_ok(fh_empty(rig_session, FH_INT64, 2, shape, &(fh_scatter_options){.axis = elsewhere}, &indices, &error),
              error);
        fh_operand operands[] = {
            remote(x), remote(y), {.kind = FH_WEAK_INT, .i = width}, {.kind = FH_WEAK_INT, .i = 0}};
        fh_kernel_out out[] = {{.array = rig_random(2) ? x : y}, {.array = indices}};
        fh_ok(fh_kernel_map(kernel, operands, 4,
                            &(fh_kernel_map_options){.out = out, .nout = 2, .halo = halo, .nhalo = 2}, made, 2, &error),
              error);
        assert_null(made[0]);
        assert_null(made[1]);
        window(shape, width, 0);
        check_window(out[0].array, indices, shape, 0);
        fh_array_free(&x);
        fh_array_free(&y);
        fh_array_free(&indices);
    }
    fh_kernel_free(&kernel);
}

static void
each_piece_may_give_a_slice(void **state)
{
    fh_kernel *kernel = rig_load("piece_total", NULL);
    fh_error error;
    (void)state;
    for (int turn = 0; turn < TURNS / 2; turn++) {
        int64_t n = 2 + rig_random(300), pieces;
        fh_array_info info;
        fh_array *made = NULL;
        rig_fill(in, n, true);
        fh_array *x = rig_scatter(in, FH_FLOAT64, 1, &n, 0);
        fh_array_describe(x, &info);
        pieces = info.npieces;
        fh_kernel_out out = {.dtype = FH_FLOAT64, .ndim = 1, .shape = &pieces};
        fh_operand operand = remote(x);
        fh_ok(fh_kernel_map(kernel, &operand, 1, &(fh_kernel_map_options){.out = &out, .nout = 1}, &made, 1, &error),
              error);
        rig_gather(made, got);
        for (int i = 0; i < info.npieces; i++) {
            fh_piece_info piece;
            double sum = 0;
            assert_int_equal(fh_array_piece(x, i, &piece), 0);
            for (int64_t k = 0; k < piece.length; k++)
                sum += in[piece.start + k];
            assert_true(got[i] == sum);
        }
        fh_array_free(&made);
        fh_array_free(&x);
    }
    fh_kernel_free(&kernel);
}

static void
kernels_without_inputs_fill_what_exists(void **state)
{
    fh_kernel *kernel = rig_load("number", NULL);
    const int64_t n = 100;
    fh_array *array = NULL, *none = NULL;
    fh_error error;
    (void)state;
    fh_ok(fh_empty(rig_session, FH_INT64, 1, &n, &(fh_scatter_options){.axis = 0, .blocksize = 7}, &array, &error),
          error);
    fh_kernel_out out = {.array = array};
    fh_ok(fh_kernel_map(kernel, NULL, 0, &(fh_kernel_map_options){.out = &out, .nout = 1}, &none, 1, &error), error);
    assert_null(none);
    rig_gather(array, where);
    for (int i = 0; i < n; i++)
        assert_int_equal(where[i], i);
    fh_array_free(&array);
    fh_kernel_free(&kernel);
}

static void
gufuncs_broadcast_over_loop_dimensions(void **state)
{
    fh_kernel *kernel = rig_load("matmul", &(fh_kernel_options){.layout = "(m,k),(k,n)->(m,n)",
                                                                .signature = "void(float64[:,:], float64[:,:], "
                                                                             "float64[:,:])"});
    fh_error error;
    (void)state;
    for (int turn = 0; turn < TURNS; turn++) {
        int64_t loops = 1 + rig_random(9), m = 1 + rig_random(5), k = 1 + rig_random(5), n = 1 + rig_random(5);
        bool broadcast = rig_random(2);
        int64_t a_shape[] = {loops, m, k}, b_shape[] = {loops, k, n};
        rig_fill(in, loops * m * k, true);
        rig_fill(beside, loops * k * n, true);
        fh_array *a = rig_scatter_somehow(in, 3, a_shape), *made = NULL;
        fh_array *b = rig_scatter_somehow(beside, broadcast ? 2 : 3, b_shape + broadcast);
        fh_operand operands[] = {remote(a), remote(b)};
        fh_ok(fh_kernel_map(kernel, operands, 2, NULL, &made, 1, &error), error);
        rig_gather(made, got);
        for (int64_t l = 0; l < loops; l++)
            for (int64_t i = 0; i < m; i++)
                for (int64_t j = 0; j < n; j++) {
                    double sum = 0;
                    for (int64_t e = 0; e < k; e++)
                        sum += in[(l * m + i) * k + e] * beside[(broadcast ? 0 : l * k * n) + e * n + j];
                    assert_true(got[(l * m + i) * n + j] == sum);
                }
        fh_array_free(&a);
        fh_array_free(&b);
        fh_array_free(&made);
    }
    fh_kernel_free(&kernel);
}

static void
gufuncs_have_several_outputs_and_cast(void **state)
{
    fh_kernel *kernel = rig_load(
        "range", &(fh_kernel_options){.layout = "(n)->(),()", .signature = "void(float64[:], float64, float64)"});
    int32_t numbers[] = {3, -1, 4, 1, -5, 9, 2, 6, 5, 3, 5, 8};
    const int64_t shape[] = {4, 3}, half[] = {4};
    static const double low[] = {-1, -5, 2, 3}, high[] = {4, 9, 6, 8};
    fh_array *x = rig_scatter(numbers, FH_INT32, 2, shape, 0), *narrow = NULL, *made[2] = {NULL, NULL};
    fh_local local = {.data = numbers, .dtype = FH_INT32, .ndim = 2, .shape = shape};
    fh_operand operands[] = {remote(x), {.kind = FH_LOCAL, .local = &local}};
    float single[4];
    fh_error error;
    (void)state;
    for (int i = 0; i < 2; i++) {
        fh_ok(fh_kernel_map(kernel, &operands[i], 1, NULL, made, 2, &error), error);
        rig_gather(made[0], got);
        assert_memory_equal(got, low, sizeof low);
        rig_gather(made[1], got);
        assert_memory_equal(got, high, sizeof high);
        fh_array_free(&made[0]);
        fh_array_free(&made[1]);
    }
    fh_ok(fh_empty(rig_session, FH_FLOAT32, 1, half, NULL, &narrow, &error), error);
    fh_kernel_out out[] = {{.array = narrow}, {.ndim = -1}};
    fh_ok(fh_kernel_map(kernel, operands, 1, &(fh_kernel_map_options){.out = out, .nout = 2}, made, 2, &error), error);
    assert_null(made[0]);
    rig_gather(narrow, single);
    for (int i = 0; i < 4; i++)
        assert_true(single[i] == (float)low[i]);
    fh_array_free(&made[1]);
    fh_array_free(&narrow);
    fh_array_free(&x);
    fh_kernel_free(&kernel);
}

static void
what_cannot_be_mapped_is_refused(void **state)
{
    fh_kernel *total = rig_load("piece_total", NULL), *number = rig_load("number", NULL),
              *refuse = rig_load("refuse", NULL);
    fh_kernel *matmul = rig_load("matmul", &(fh_kernel_options){.layout = "(m,k),(k,n)->(m,n)"});
    const int64_t n = 64, three = 3, shape[] = {8, 8}, minus = -1;
    fh_array *x, *y, *made[2] = {NULL, NULL};
    fh_error error;
    (void)state;
    rig_fill(in, n, true);
    x = rig_scatter(in, FH_FLOAT64, 1, &n, FH_WHOLE);
    y = rig_scatter(in, FH_FLOAT64, 2, shape, FH_WHOLE);
    fh_array *pieces = NULL;
    fh_local local = {.data = in, .dtype = FH_FLOAT64, .ndim = 1, .shape = &n};
    fh_ok(fh_scatter(rig_session, &local, &(fh_scatter_options){.axis = 0, .blocksize = 16}, &pieces, &error), error);
    fh_operand many[17], operand = remote(pieces), pair[] = {remote(y), remote(x)};
    for (int i = 0; i < 17; i++)
        many[i] = operand;
    fh_fails(fh_kernel_map(total, many, 17, NULL, made, 1, &error), FH_STATUS_INVALID_ARGUMENT, error);
    fh_fails(fh_kernel_map(total, many, -1, NULL, made, 1, &error), FH_STATUS_INVALID_ARGUMENT, error);
    fh_fails(fh_kernel_map(number, NULL, 0, NULL, made, 1, &error), FH_STATUS_INVALID_ARGUMENT, error);
    fh_kernel_out out = {.dtype = FH_FLOAT64, .ndim = 1, .shape = &three};
    fh_kernel_map_options options = {.out = &out, .nout = 1};
    fh_fails(fh_kernel_map(total, &operand, 1, &options, made, 1, &error), FH_STATUS_INVALID_ARGUMENT, error);
    check_contains(error.text, "each of its 4 pieces");
    fh_fails(fh_kernel_map(total, &operand, 1, &options, made, 0, &error), FH_STATUS_INVALID_ARGUMENT, error);
    out.shape = &minus;
    fh_fails(fh_kernel_map(total, &operand, 1, &options, made, 1, &error), FH_STATUS_INVALID_ARGUMENT, error);
    fh_fails(fh_kernel_map(total, &operand, 1, &(fh_kernel_map_options){.halo = &minus, .nhalo = 1}, made, 1, &error),
             FH_STATUS_INVALID_ARGUMENT, error);
    fh_fails(fh_kernel_map(total, &operand, 1, &(fh_kernel_map_options){.timeout_s = -1}, made, 1, &error),
             FH_STATUS_INVALID_ARGUMENT, error);
    fh_fails(fh_kernel_map(matmul, pair, 2, NULL, made, 1, &error), FH_STATUS_INVALID_ARGUMENT, error);
    fh_fails(fh_kernel_map(matmul, pair, 1, NULL, made, 1, &error), FH_STATUS_INVALID_ARGUMENT, error);
    assert_null(made[0]);
    fh_ok(fh_kernel_map(refuse, &operand, 1, NULL, made, 1, &error), error);
    fh_fails(fh_gather(made[0], got, NULL, &error), FH_STATUS_KERNEL_ERROR, error);
    check_contains(error.text, "3");
    rig_gather(pieces, got);
    assert_memory_equal(got, in, (size_t)n * sizeof *in);
    fh_array_free(&made[0]);
    fh_array_free(&pieces);
    fh_array_free(&x);
    fh_array_free(&y);
    fh_kernel *all[] = {total, number, refuse, matmul};
    for (int i = 0; i < 4; i++)
        fh_kernel_free(&all[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stencils_see_their_neighbours),
        cmocka_unit_test(outputs_that_exist_may_be_inputs),
        cmocka_unit_test(each_piece_may_give_a_slice),
        cmocka_unit_test(kernels_without_inputs_fill_what_exists),
        cmocka_unit_test(gufuncs_broadcast_over_loop_dimensions),
        cmocka_unit_test(gufuncs_have_several_outputs_and_cast),
        cmocka_unit_test(what_cannot_be_mapped_is_refused),
    };
    return cmocka_run_group_tests(tests, rig_start, rig_stop);
}
