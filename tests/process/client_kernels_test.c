/* Kernels through libfarhand: loading, broadcasting, casting, mapping, inspecting, and how they fail. */
#include "tests/process/cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENGINES = 2, ROWS = 6, COLUMNS = 5, COUNT = ROWS * COLUMNS };

static const char AXPY[] = "define double @axpy(double %x, double %y) {\n"
                           "  %twice = fmul double %x, 2.0\n"
                           "  %sum = fadd double %twice, %y\n"
                           "  ret double %sum\n"
                           "}\n";
static const char TRIPLE[] = "define void @triple(ptr %in, ptr %out, i64 %n) {\n"
                             "entry:\n"
                             "  br label %head\n"
                             "head:\n"
                             "  %i = phi i64 [ 0, %entry ], [ %next, %body ]\n"
                             "  %more = icmp slt i64 %i, %n\n"
                             "  br i1 %more, label %body, label %done\n"
                             "body:\n"
                             "  %from = getelementptr double, ptr %in, i64 %i\n"
                             "  %to = getelementptr double, ptr %out, i64 %i\n"
                             "  %x = load double, ptr %from\n"
                             "  %y = fmul double %x, 3.0\n"
                             "  store double %y, ptr %to\n"
                             "  %next = add i64 %i, 1\n"
                             "  br label %head\n"
                             "done:\n"
                             "  ret void\n"
                             "}\n";
/* Reads address 16 for positive inputs. */
static const char CRASH[] = "define double @crash(double %x) {\n"
                            "  %bad = fcmp ogt double %x, 0.0\n"
                            "  br i1 %bad, label %fault, label %fine\n"
                            "fault:\n"
                            "  %p = inttoptr i64 16 to ptr\n"
                            "  %y = load volatile double, ptr %p\n"
                            "  ret double %y\n"
                            "fine:\n"
                            "  ret double %x\n"
                            "}\n";

static cluster_t cluster;
static fh_session *session;
static double values[COUNT];
static const int64_t shape[] = {ROWS, COLUMNS};

static int
start(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT; i++)
        values[i] = i - 7.5;
    cluster_start(&cluster, ENGINES);
    session = cluster_connect(&cluster, 60);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    fh_close(&session);
    cluster_stop(&cluster);
    return 0;
}

static fh_array *
scatter(int axis)
{
    fh_local local = {.data = values, .dtype = FH_FLOAT64, .ndim = 2, .shape = shape};
    fh_array *array = NULL;
    fh_error error;
    fh_ok(fh_scatter(session, &local, &(fh_scatter_options){.axis = axis}, &array, &error), error);
    return array;
}

static fh_kernel *
load(const char *code, const char *signature)
{
    fh_kernel *kernel = NULL;
    fh_error error;
    fh_ok(fh_kernel_load(session, code, strlen(code), &(fh_kernel_options){.signature = signature}, &kernel, &error),
          error);
    return kernel;
}

static void
ufunc_kernels_broadcast_over_all_layouts(void **state)
{
    static const int axes[] = {0, 1, FH_WHOLE};
    int32_t row[COLUMNS] = {1, 2, 3, 4, 5};
    const int64_t row_shape[] = {COLUMNS};
    fh_local local = {.data = row, .dtype = FH_INT32, .ndim = 1, .shape = row_shape};
    fh_kernel *kernel = load(AXPY, NULL);
    fh_kernel_info info;
    double got[COUNT];
    fh_error error;
    (void)state;
    fh_kernel_describe(kernel, &info);
    assert_string_equal(info.entry, "axpy");
    assert_string_equal(info.kind, "ufunc");
    assert_int_equal(info.nin, 2);
    assert_int_equal(info.out[0], FH_FLOAT64);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++) {
            fh_array *x = scatter(axes[i]), *y = scatter(axes[k]), *first = NULL, *second = NULL;
            fh_operand in[] = {{.kind = FH_ARRAY, .array = x}, {.kind = FH_ARRAY, .array = y}};
            fh_ok(fh_kernel_call(kernel, in, 2, NULL, &first, &error), error);
            fh_operand next[] = {{.kind = FH_ARRAY, .array = first}, {.kind = FH_LOCAL, .local = &local}};
            fh_ok(fh_kernel_call(kernel, next, 2, NULL, &second, &error), error);
            fh_ok(fh_gather(second, got, NULL, &error), error);
            for (int e = 0; e < COUNT; e++)
                assert_true(got[e] == 2 * (3 * values[e]) + row[e % COLUMNS]);
            fh_array_free(&x);
            fh_array_free(&y);
            fh_array_free(&first);
            fh_array_free(&second);
        }
    fh_kernel_free(&kernel);
}

static void
out_is_written_in_place_and_cast(void **state)
{
    fh_kernel *kernel = load(AXPY, NULL);
    fh_array *x = scatter(0), *out = scatter(1), *narrow = NULL, *none = NULL;
    double got[COUNT];
    float single[COUNT];
    fh_error error;
    (void)state;
    fh_operand in[] = {{.kind = FH_ARRAY, .array = x}, {.kind = FH_WEAK_INT, .i = 1}};
    fh_ok(fh_kernel_call(kernel, in, 2, &(fh_kernel_call_options){.out = out}, &none, &error), error);
    assert_null(none);
    fh_ok(fh_gather(out, got, NULL, &error), error);
    fh_ok(fh_empty(session, FH_FLOAT32, 2, shape, NULL, &narrow, &error), error);
    fh_ok(fh_kernel_call(kernel, in, 2, &(fh_kernel_call_options){.out = narrow}, &none, &error), error);
    fh_ok(fh_gather(narrow, single, NULL, &error), error);
    for (int e = 0; e < COUNT; e++) {
        assert_true(got[e] == 2 * values[e] + 1);
        assert_true(single[e] == (float)got[e]);
    }
    fh_array_free(&x);
    fh_array_free(&out);
    fh_array_free(&narrow);
    fh_kernel_free(&kernel);
}

static void
piece_kernels_map_over_pieces_of_views(void **state)
{
    fh_kernel *kernel = load(TRIPLE, "float64(float64)");
    fh_array *x = scatter(0), *turned = NULL, *result = NULL;
    double got[COUNT];
    fh_error error;
    (void)state;
    fh_ok(fh_transpose(x, NULL, &turned, &error), error);
    fh_ok(fh_kernel_map(kernel, &(fh_operand){.kind = FH_ARRAY, .array = turned}, 1, NULL, &result, 1, &error), error);
    fh_ok(fh_gather(result, got, NULL, &error), error);
    for (int i = 0; i < COLUMNS; i++)
        for (int k = 0; k < ROWS; k++)
            assert_true(got[i * ROWS + k] == 3 * values[k * COLUMNS + i]);
    fh_array *none = NULL;
    fh_operand in[] = {{.kind = FH_ARRAY, .array = x}};
    fh_fails(fh_kernel_call(kernel, in, 1, NULL, &none, &error), FH_KERNEL_ERROR, error);
    fh_fails(fh_kernel_map(kernel, in, 1,
                           &(fh_kernel_map_options){.out = &(fh_kernel_out){.dtype = FH_INT8}, .nout = 1}, &none, 1,
                           &error),
             FH_WRONG_TYPE, error);
    fh_array_free(&x);
    fh_array_free(&turned);
    fh_array_free(&result);
    fh_kernel_free(&kernel);
}

static void
inspect_gives_ir_and_assembly(void **state)
{
    fh_kernel *kernel = load(AXPY, NULL);
    char *text = NULL;
    fh_error error;
    (void)state;
    fh_ok(fh_kernel_inspect(kernel, 0, &text, &error), error);
    check_contains(text, "fadd");
    free(text);
    fh_ok(fh_kernel_inspect(kernel, 1, &text, &error), error);
    check_contains(text, "ret");
    free(text);
    fh_fails(fh_kernel_inspect(kernel, 2, &text, &error), FH_INVALID_ARGUMENT, error);
    fh_kernel_free(&kernel);
}

static void
bad_code_and_wrong_inputs_are_refused(void **state)
{
    static const char nonsense[] = "this is no kernel at all";
    fh_kernel *kernel = NULL, *good = load(AXPY, NULL);
    fh_array *x = scatter(0), *none = NULL;
    fh_error error;
    (void)state;
    fh_fails(fh_kernel_load(session, nonsense, sizeof nonsense, NULL, &kernel, &error), FH_BAD_BITCODE, error);
    fh_fails(fh_kernel_load(session, nonsense, 2, NULL, &kernel, &error), FH_BAD_BITCODE, error);
    fh_fails(fh_kernel_load_file(session, "/nonexistent.bc", NULL, &kernel, &error), FH_IO_ERROR, error);
    assert_null(kernel);
    fh_operand in[] = {{.kind = FH_ARRAY, .array = x}, {.kind = FH_WEAK_COMPLEX, .f = 1, .imag = 1}};
    fh_fails(fh_kernel_call(good, in, 1, NULL, &none, &error), FH_INVALID_ARGUMENT, error);
    assert_null(none);
    fh_array_free(&x);
    fh_kernel_free(&good);
}

static void
a_crash_is_a_fault_and_leaves_the_arrays_alone(void **state)
{
    fh_kernel *kernel = load(CRASH, NULL);
    fh_array *x = scatter(FH_WHOLE), *result = NULL;
    double got[COUNT];
    fh_error error;
    (void)state;
    fh_operand in[] = {{.kind = FH_ARRAY, .array = x}};
    fh_ok(fh_kernel_call(kernel, in, 1, NULL, &result, &error), error);
    fh_fails(fh_gather(result, got, NULL, &error), FH_KERNEL_FAULT, error);
    assert_true(error.signal > 0);
    assert_true(error.address == 16);
    check_contains(error.origin, "KERNEL_CALL");
    fh_ok(fh_gather(x, got, NULL, &error), error);
    assert_memory_equal(got, values, sizeof values);
    fh_array_free(&x);
    fh_array_free(&result);
    fh_kernel_free(&kernel);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ufunc_kernels_broadcast_over_all_layouts),
        cmocka_unit_test(out_is_written_in_place_and_cast),
        cmocka_unit_test(piece_kernels_map_over_pieces_of_views),
        cmocka_unit_test(inspect_gives_ir_and_assembly),
        cmocka_unit_test(bad_code_and_wrong_inputs_are_refused),
        cmocka_unit_test(a_crash_is_a_fault_and_leaves_the_arrays_alone),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
