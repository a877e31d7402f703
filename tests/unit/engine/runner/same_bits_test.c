/* Compiled kernels give the same bits however their arrays lie, however many threads there are. */
#include "driver.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const char EXP_SIN[] =
    "declare double @sin(double)\ndeclare double @exp(double)\n"
    "define double @f(double %x, double %y) {\n  %e = call double @exp(double %x)\n  %s = call double @sin(double %y)\n"
    "  %r = fmul double %e, %s\n  ret double %r\n}\n";

/* A sum of %s, which is an expression of %x. */
static const char SUM[] =
    "declare double @exp(double)\n"
    "define double @s_init() {\n  ret double 0.0\n}\n"
    "define double @s_step(double %%state, double %%x) {\n  %%v = %s\n  %%r = fadd double %%state, %%v\n"
    "  ret double %%r\n}\n"
    "define double @s_combine(double %%a, double %%b) {\n  %%r = fadd double %%a, %%b\n  ret double %%r\n}\n"
    "define double @s_finish(double %%a) {\n  %%v = call double @exp(double 0.5)\n  %%r = fmul double %%a, %%v\n"
    "  ret double %%r\n}\n";

static runner_host_t *hosts[2]; /* of one thread and of two */

static int
set_up(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        hosts[i] = driver_host_threads(i + 1);
        driver_wait_spare(hosts[i]);
    }
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        runner_host_destroy(&hosts[i]);
    return 0;
}

static uint32_t
compiled(int host, oid_t session, const char *text, const kernel_options_t *options)
{
    driver_compiled_t kernel;
    if (driver_compile_with(hosts[host], session, text, strlen(text), options, &kernel))
        fail_msg("%s: %s", status_name(kernel.status), kernel.err.text);
    return kernel.kernel;
}

static void
must_call(int host, oid_t session, uint32_t kernel, const runner_call_t *call)
{
    driver_done_t done;
    int status = driver_start_with(hosts[host], session, kernel, call, &done);
    if (!status)
        driver_wait(hosts[host], &done.finished);
    if (status || done.status)
        fail_msg("%s: %s", status_name(status ? status : done.status), done.err.text);
}

static double *
values(const driver_array_t *array)
{
    return (double *)(void *)array->data;
}

/* --- ufuncs ---------------------------------------------------------------------------------------------------------
 */

enum { N = 5003, ROOM = 3 * N };

/* A view of n elements of in[0], with in[1] beside it, against the bits in wanted. */
static void
check_view(int host, oid_t session, uint32_t kernel, driver_array_t *in, driver_array_t *out, int64_t first, int64_t n,
           int64_t step, const double *wanted)
{
    runner_array_t operands[3] = {in[0].array, in[1].array, out->array};
    operands[2].fd = out->writable;
    for (int k = 0; k < 3; k++) {
        operands[k].nd.shape.extent[0] = n;
        operands[k].nd.stride[0] = 8 * step;
        operands[k].offset = 8 * (k == 2 ? 0 : first);
    }
    runner_call_t call = {
        .operands = operands, .nin = 2, .nout = 1, .axis = -1, .piece = -1, .deadline_ns = clock_deadline(20)};
    must_call(host, session, kernel, &call);
    for (int64_t i = 0; i < n; i++)
        if (memcmp(&values(out)[i * step], &wanted[first + i * step], sizeof(double)))
            fail_msg("element %d of the view from %d by %d: %.17g, not %.17g", (int)i, (int)first, (int)step,
                     values(out)[i * step], wanted[first + i * step]);
}

static void
vector_math_does_not_depend_on_an_elements_place(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    driver_array_t in[2], out = driver_array(DTYPE_FLOAT64, 1, (int64_t[]){ROOM});
    double *wanted = calloc(ROOM, sizeof *wanted);
    assert_non_null(wanted);
    for (int k = 0; k < 2; k++) {
        in[k] = driver_array(DTYPE_FLOAT64, 1, (int64_t[]){ROOM});
        for (int i = 0; i < ROOM; i++)
            values(&in[k])[i] = rand_r(&seed) / (double)RAND_MAX * 40 - 20;
    }
    for (int host = 0; host < 2; host++) {
        oid_t session = oid_new();
        uint32_t kernel = compiled(host, session, EXP_SIN, &(kernel_options_t){0});
        driver_done_t done;
        assert_int_equal(driver_run(hosts[host], session, kernel, in, 2, &out, 20, &done), FH_OK);
        memcpy(wanted, out.data, out.size);
        for (int i = 0; i < ROOM; i++) {
            double right = exp(values(&in[0])[i]) * sin(values(&in[1])[i]);
            if (fabs(wanted[i] - right) > 1e-14 * fabs(right))
                fail_msg("element %d: %.17g, not %.17g", i, wanted[i], right);
        }
        for (int round = 0; round < 40; round++) {
            int64_t first = rand_r(&seed) % 200, n = 1 + rand_r(&seed) % (round % 2 ? 100 : N - 200);
            check_view(host, session, kernel, in, &out, first, n, 1 + rand_r(&seed) % 3, wanted);
        }
    }
    free(wanted);
    driver_array_free(&in[0]);
    driver_array_free(&in[1]);
    driver_array_free(&out);
}

/* --- reductions -----------------------------------------------------------------------------------------------------
 */

enum { LONG = 4 * KERNEL_BLOCK + 333, WIDE = 301 };

/* Sums along the axis of LONG of what lies [LONG][WIDE] or [WIDE][LONG] in memory. */
static void
sum(int host, const char *text, bool by_rows, const double *source, double *ret)
{
    oid_t session = oid_new();
    kernel_options_t options = {.entry = "s", .kind = "reduction"};
    uint32_t kernel = compiled(host, session, text, &options);
    driver_array_t in = driver_array(DTYPE_FLOAT64, 2, by_rows ? (int64_t[]){LONG, WIDE} : (int64_t[]){WIDE, LONG});
    driver_array_t out = driver_array(DTYPE_FLOAT64, 1, (int64_t[]){WIDE});
    for (int64_t i = 0; i < LONG; i++)
        for (int64_t j = 0; j < WIDE; j++)
            values(&in)[by_rows ? i * WIDE + j : j * LONG + i] = source[i * WIDE + j];
    runner_array_t operands[2] = {in.array, out.array};
    operands[1].fd = out.writable;
    runner_call_t call = {.operands = operands,
                          .nin = 1,
                          .nout = 1,
                          .stage = FOLD_ALL,
                          .axis = by_rows ? 0 : 1,
                          .piece = -1,
                          .deadline_ns = clock_deadline(30)};
    must_call(host, session, kernel, &call);
    memcpy(ret, out.data, WIDE * sizeof *ret);
    driver_array_free(&in);
    driver_array_free(&out);
}

static void
check_sums(const char *expression, bool wild)
{
    char text[1000];
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    snprintf(text, sizeof text, SUM, expression);
    double *source = calloc((size_t)LONG * WIDE, sizeof *source), first[WIDE], next[WIDE];
    assert_non_null(source);
    for (int64_t i = 0; i < (int64_t)LONG * WIDE; i++)
        source[i] = (rand_r(&seed) / (double)RAND_MAX - 0.5) * (wild ? pow(10, rand_r(&seed) % 30) : 30);
    sum(0, text, false, source, first);
    for (int way = 1; way < 4; way++) {
        sum(way / 2, text, way % 2, source, next);
        for (int j = 0; j < WIDE; j++)
            if (memcmp(&first[j], &next[j], sizeof *first))
                fail_msg("result %d, %s, %d threads: %.17g, not %.17g", j, way % 2 ? "by rows" : "one by one",
                         way / 2 + 1, next[j], first[j]);
    }
    free(source);
}

static void
sums_do_not_depend_on_strides_and_threads(void **state)
{
    (void)state;
    check_sums("fadd double %x, 0.0", true);
}

static void
sums_of_vector_math_do_not_either(void **state)
{
    (void)state;
    check_sums("call double @exp(double %x)", false);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vector_math_does_not_depend_on_an_elements_place),
        cmocka_unit_test(sums_do_not_depend_on_strides_and_threads),
        cmocka_unit_test(sums_of_vector_math_do_not_either),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
