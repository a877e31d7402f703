/* engine/apply/fft: transforms of every length and kind, beside sums in long double. */
#include "engine/apply/fft_line.h"
#include "tests/support/check.h"
#include "tests/unit/engine/apply/harness.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FORWARD, BACKWARD, REAL, REAL_AGAIN };

static double
random_number(uint64_t *random)
{
    return (double)(check_random(random) % 2001) / 1000 - 1;
}

/* Sum k of a line of n numbers. */
static long double _Complex sum_of(const double _Complex *line, int64_t n, int64_t k, int sign)
{
    long double _Complex sum = 0;
    for (int64_t j = 0; j < n; j++)
        sum += line[j] *
               cexpl(sign * 2 * 3.14159265358979323846264338328L * I * (long double)(j * k % n) / (long double)n);
    return sum;
}

/* One line, `given` of whose elements are there; every 7th result of long ones is looked at. */
static void
check_line(int64_t n, int64_t given, int kind)
{
    uint64_t random = (uint64_t)n * 8 + (uint64_t)kind + 1;
    harness_t harness;
    bool halves = kind == REAL_AGAIN, is_complex = kind != REAL;
    int64_t in_shape[] = {1, given}, out_shape[] = {1, kind == REAL ? n / 2 + 1 : n};
    double _Complex *line = calloc((size_t)(n + given), sizeof *line), *out = calloc((size_t)n + 1, sizeof *out);
    double *in = calloc((size_t)given + 1, 2 * sizeof *in);
    assert_non_null(line);
    assert_non_null(in);
    assert_non_null(out);
    for (int64_t i = 0; i < given; i++) {
        in[is_complex ? 2 * i : i] = random_number(&random);
        if (is_complex)
            in[2 * i + 1] = random_number(&random);
        if (!halves && i < n)
            line[i] = is_complex ? CMPLX(in[2 * i], in[2 * i + 1]) : in[i];
    }
    for (int64_t k = 0; halves && k <= n / 2 && k < given; k++) {
        double _Complex number = CMPLX(in[2 * k], k == 0 || 2 * k == n ? 0 : in[2 * k + 1]);
        line[(n - k) % n] = conj(number);
        line[k] = number;
    }
    harness_init(&harness);
    harness_input(&harness, in, is_complex ? DTYPE_COMPLEX128 : DTYPE_FLOAT64, 2, in_shape);
    harness_in_place(&harness, out, halves ? DTYPE_FLOAT64 : DTYPE_COMPLEX128, 2, out_shape);
    const int64_t integers[] = {1, n, kind};
    const double factor = 0.5;
    harness.call.integers = integers;
    harness.call.nintegers = 3;
    harness.call.reals = &factor;
    harness.call.nreals = 1;
    harness_run(&harness, APPLY_FFT, FH_OK);
    for (int64_t k = 0; k < out_shape[1]; k += n > 200 ? 7 : 1) {
        long double _Complex want = sum_of(line, n, k, kind == FORWARD || kind == REAL ? -1 : 1) / 2;
        double _Complex found = halves ? ((double *)out)[k] : out[k];
        assert_true(cabsl(want - found) < 1e-15L * (5 + n));
    }
    harness_release(&harness);
    free(line);
    free(in);
    free(out);
}

static void
test_every_length(void **state)
{
    (void)state;
    for (int64_t n = 1; n <= 130; n++)
        for (int kind = FORWARD; kind <= REAL_AGAIN; kind++)
            check_line(n, kind == REAL_AGAIN ? n / 2 + 1 : n, kind);
    const int64_t longer[] = {256, 499, 1000, 1024, 1331, 2 * 31 * 31, 2003, 2 * 1009};
    for (size_t i = 0; i < sizeof longer / sizeof *longer; i++)
        for (int kind = FORWARD; kind <= REAL_AGAIN; kind++)
            check_line(longer[i], kind == REAL_AGAIN ? longer[i] / 2 + 1 : longer[i], kind);
}

static void
test_lines_that_are_cut_or_filled_up(void **state)
{
    (void)state;
    const int64_t lengths[] = {1, 2, 7, 16, 37, 60, 64};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (int kind = FORWARD; kind <= REAL_AGAIN; kind++)
            for (int64_t given = 1; given < 70; given += 5)
                check_line(lengths[i], given, kind);
}

/* The same lines along any axis of a stack, and one line shared by the threads, give what a line alone gives. */
static void
test_axes(void **state)
{
    (void)state;
    enum { N = 24, OTHERS = 21 };
    static double _Complex in[N * OTHERS], out[N * OTHERS];
    uint64_t random = 3;
    for (int i = 0; i < N * OTHERS; i++)
        in[i] = CMPLX(random_number(&random), random_number(&random));
    const int64_t shapes[][3] = {{N, 3, 7}, {3, N, 7}, {3, 7, N}};
    for (int axis = 0; axis < 3; axis++) {
        harness_t harness;
        int64_t inner = axis == 0 ? 21 : axis == 1 ? 7 : 1;
        const int64_t integers[] = {axis, N, FORWARD};
        const double factor = 1;
        harness_init(&harness);
        harness_input(&harness, in, DTYPE_COMPLEX128, 3, shapes[axis]);
        harness_in_place(&harness, out, DTYPE_COMPLEX128, 3, shapes[axis]);
        harness.call.integers = integers;
        harness.call.nintegers = 3;
        harness.call.reals = &factor;
        harness.call.nreals = 1;
        harness_run(&harness, APPLY_FFT, FH_OK);
        for (int64_t l = 0; l < OTHERS; l++) {
            double _Complex line[N];
            const double _Complex *from = in + l / inner * inner * N + l % inner;
            for (int64_t j = 0; j < N; j++)
                line[j] = from[j * inner];
            for (int64_t k = 0; k < N; k++)
                assert_true(cabsl(sum_of(line, N, k, -1) - out[l / inner * inner * N + l % inner + k * inner]) <
                            1e-13L);
        }
        harness_release(&harness);
    }
}

/* All processors' loops, and any number of threads, give the same bits. */
static void
test_same_bits(void **state)
{
    (void)state;
    enum { N = 1 << 14 };
    static fft_row_t rows[2][2 * 360];
    const fft_loops_t *const loops[] = {&FFT_NAME(baseline), fft_loops()};
    harness_t harness;
    fft_plan_t plan;
    fft_line_t line;
    err_t err;
    harness_init(&harness);
    assert_int_equal(fft_plan_make(&harness.call, 360, &plan, &err), FH_OK);
    const fft_row_t *found[2];
    for (int i = 0; i < 2; i++) {
        uint64_t random = 5;
        for (int k = 0; k < 360; k++)
            for (int l = 0; l < FFT_LANES; l++) {
                rows[i][k].re[l] = random_number(&random);
                rows[i][k].im[l] = random_number(&random);
            }
        found[i] = loops[i]->lines(&plan, rows[i], rows[i] + 360);
    }
    assert_memory_equal(found[0], found[1], 360 * sizeof **found);

    fft_number_t *in = calloc(3 * N, sizeof *in);
    assert_non_null(in);
    uint64_t random = 7;
    for (int k = 0; k < N; k++)
        in[k] = (fft_number_t){random_number(&random), random_number(&random)};
    assert_int_equal(fft_line_make(&harness.call, N, &line, &err), FH_OK);
    void *desk;
    assert_int_equal(apply_scratch(&harness.call, fft_line_desk(&line, 2), &desk, &err), FH_OK);
    fft_line_run(&line, NULL, in, in + N, false, 1, desk);
    line.loops = &FFT_NAME(baseline);
    fft_line_run(&line, harness.call.crew, in, in + 2 * N, false, 1, desk);
    assert_memory_equal(in + N, in + 2 * N, N * sizeof *in);
    free(in);
    harness_release(&harness);
}

static void
test_what_is_refused(void **state)
{
    (void)state;
    static double _Complex in[12], out[12];
    static const struct {
        int64_t integers[3];
        int nintegers, nreals, status;
        dtype_t in, out;
        int64_t extent;
    } calls[] = {
        {{1, 4, 0}, 2, 1, FH_INVALID_ARGUMENT, DTYPE_COMPLEX128, DTYPE_COMPLEX128, 4},
        {{1, 4, 0}, 3, 0, FH_INVALID_ARGUMENT, DTYPE_COMPLEX128, DTYPE_COMPLEX128, 4},
        {{2, 4, 0}, 3, 1, FH_INVALID_ARGUMENT, DTYPE_COMPLEX128, DTYPE_COMPLEX128, 4},
        {{-1, 4, 0}, 3, 1, FH_INVALID_ARGUMENT, DTYPE_COMPLEX128, DTYPE_COMPLEX128, 4},
        {{1, 0, 0}, 3, 1, FH_INVALID_ARGUMENT, DTYPE_COMPLEX128, DTYPE_COMPLEX128, 4},
        {{1, 4, 4}, 3, 1, FH_INVALID_ARGUMENT, DTYPE_COMPLEX128, DTYPE_COMPLEX128, 4},
        {{1, 5, 0}, 3, 1, FH_INVALID_ARGUMENT, DTYPE_COMPLEX128, DTYPE_COMPLEX128, 4},
        {{1, 4, 2}, 3, 1, FH_INVALID_ARGUMENT, DTYPE_FLOAT64, DTYPE_COMPLEX128, 4},
        {{1, 4, 0}, 3, 1, FH_WRONG_TYPE, DTYPE_COMPLEX128, DTYPE_FLOAT64, 4},
        {{1, 4, 2}, 3, 1, FH_WRONG_TYPE, DTYPE_COMPLEX128, DTYPE_COMPLEX128, 3},
        {{1, 4, 3}, 3, 1, FH_WRONG_TYPE, DTYPE_COMPLEX128, DTYPE_COMPLEX128, 4},
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        harness_t harness;
        const double factor = 1;
        const int64_t in_shape[] = {3, 4}, out_shape[] = {3, calls[i].extent};
        harness_init(&harness);
        harness_input(&harness, in, calls[i].in, 2, in_shape);
        harness_in_place(&harness, out, calls[i].out, 2, out_shape);
        harness.call.integers = calls[i].integers;
        harness.call.nintegers = calls[i].nintegers;
        harness.call.reals = &factor;
        harness.call.nreals = calls[i].nreals;
        harness_run(&harness, APPLY_FFT, calls[i].status);
        harness_release(&harness);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_lines_that_are_cut_or_filled_up),
        cmocka_unit_test(test_axes),
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
