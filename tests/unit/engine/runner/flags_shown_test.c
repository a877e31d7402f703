/* Flags that kernels leave behind are told where somebody asks for them and results show them. */
#include "engine/compute/flags.h"
#include "engine/runner/run/flags_shown.h"
#include "here.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ALL = FLAGS_ALL, DIVIDE = FLAG_DIVIDE, UNDERFLOW = FLAG_UNDERFLOW };

/* 1 / x where it may, else 0: as compilers make it, who divide everything and pick. */
static int32_t
guarded(char *const *data, const int64_t *strides, int64_t n)
{
    (void)strides;
    for (int64_t i = 0; i < n; i++) {
        volatile double x = ((double *)(void *)data[0])[i], y = 1 / x;
        ((double *)(void *)data[1])[i] = x == 0 ? 0 : y;
    }
    return 0;
}

static int32_t
reciprocal(char *const *data, const int64_t *strides, int64_t n)
{
    (void)strides;
    for (int64_t i = 0; i < n; i++) {
        volatile double x = ((double *)(void *)data[0])[i];
        ((double *)(void *)data[1])[i] = 1 / x;
    }
    return 0;
}

static kernel_code_t
kernel_of(int32_t (*loop)(char *const *, const int64_t *, int64_t))
{
    return (kernel_code_t){
        .about =
            {.entry = "it", .kind = KERNEL_UFUNC, .nin = 1, .nout = 1, .in = {DTYPE_FLOAT64}, .out = {DTYPE_FLOAT64}},
        .loop = loop};
}

static unsigned
raised_by(int32_t (*loop)(char *const *, const int64_t *, int64_t), unsigned watch, double odd, crew_t *crew)
{
    enum { N = 100000 };
    here_array_t arrays[2] = {here_array(DTYPE_FLOAT64, 1, (int64_t[]){N}),
                              here_array(DTYPE_FLOAT64, 1, (int64_t[]){N})};
    kernel_code_t kernel = kernel_of(loop);
    runner_run_t request = {.nin = 1, .nout = 1, .watch = watch};
    err_t err = {0};
    for (int i = 0; i < N; i++)
        ((double *)(void *)arrays[0].data)[i] = 1 + i;
    ((double *)(void *)arrays[0].data)[N - 2] = odd;
    assert_int_equal(here_run(&kernel, &request, arrays, crew, NULL, &err), FH_OK);
    here_free(arrays, 2);
    return here_raised();
}

static void
flags_of_all_threads_are_told(void **state)
{
    (void)state;
    crew_t *crew = NULL;
    assert_int_equal(crew_new(&crew, 3, NULL), FH_OK);
    crew_t *crews[] = {NULL, crew};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(raised_by(reciprocal, ALL, 0, crews[i]), DIVIDE);
        assert_int_equal(raised_by(reciprocal, ALL, 2, crews[i]), 0); /* and are gone then */
        assert_int_equal(raised_by(reciprocal, ALL, INFINITY, crews[i]), 0);
        assert_int_equal(raised_by(reciprocal, ALL & ~DIVIDE, 0, crews[i]), 0);
        assert_int_equal(raised_by(guarded, ALL, 0, crews[i]), 0);
    }
    crew_destroy(&crew);
}

static void
results_show_flags(void **state)
{
    (void)state;
    double numbers[] = {1, 2, 3, 4, 5, 6};
    float infinite[] = {1, 2, -INFINITY, 4, 5, 6};
    uint16_t halves[] = {0x3c00, 0xfe00, 0, 0, 0x7bff, 0};
    int32_t integers[6] = {0};
    const struct {
        dtype_t dtype;
        void *data;
        int64_t stride;
        unsigned shown;
    } rows[] = {
        {DTYPE_FLOAT64, numbers, 8, UNDERFLOW},
        {DTYPE_COMPLEX128, numbers, 16, UNDERFLOW},
        {DTYPE_FLOAT32, infinite, 4, ALL & ~FLAG_INVALID},
        {DTYPE_COMPLEX64, infinite, 8, ALL & ~FLAG_INVALID},
        {DTYPE_FLOAT32, infinite, 12, UNDERFLOW}, /* it lies between the elements */
        {DTYPE_FLOAT16, halves, 2, ALL},
        {DTYPE_FLOAT16, halves, 4, UNDERFLOW},
        {DTYPE_INT32, integers, 4, ALL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t n = rows[i].stride == 12                                                 ? 2
                    : rows[i].stride == 16 || rows[i].stride == 8 || rows[i].stride == 4 ? 3
                                                                                         : 6;
        nd_t nd = {.data = rows[i].data,
                   .dtype = rows[i].dtype,
                   .shape = {.ndim = 1, .extent = {n}},
                   .stride = {rows[i].stride}};
        assert_int_equal(flags_shown(ALL, &nd, 1, false), rows[i].shown);
        assert_int_equal(flags_shown(UNDERFLOW, &nd, 1, false), UNDERFLOW);
        assert_int_equal(flags_shown(DIVIDE, &nd, 1, false), rows[i].shown & DIVIDE);
    }
    nd_t both[2] = {
        {.data = (char *)numbers, .dtype = DTYPE_FLOAT64, .shape = {.ndim = 1, .extent = {6}}, .stride = {8}},
        {.data = (char *)halves, .dtype = DTYPE_FLOAT16, .shape = {.ndim = 1, .extent = {6}}, .stride = {2}}};
    assert_int_equal(flags_shown(ALL, both, 2, false), ALL);
}

static void
states_are_looked_at_as_numbers(void **state)
{
    (void)state;
    double states[] = {3, 1.5, INFINITY, 0};
    nd_t nd = {
        .data = (char *)states, .dtype = DTYPE_UINT8, .shape = {.ndim = 2, .extent = {2, 16}}, .stride = {16, 1}};
    assert_int_equal(flags_shown(ALL, &nd, 1, true), ALL & ~FLAG_INVALID);
    nd.shape.extent[0] = 1;
    assert_int_equal(flags_shown(ALL, &nd, 1, true), UNDERFLOW);
    assert_int_equal(flags_shown(ALL, &nd, 1, false), ALL);
}

/* The odd one may be anywhere in an array of several chunks. */
static void
nothing_is_overlooked(void **state)
{
    (void)state;
    enum { N = 2500 };
    double *data = calloc(N, sizeof *data);
    nd_t nd = {.data = (char *)data, .dtype = DTYPE_FLOAT64, .shape = {.ndim = 1, .extent = {N}}, .stride = {8}};
    for (int i = 0; i < N; i += 7) {
        data[i] = NAN;
        assert_int_equal(flags_shown(ALL, &nd, 1, false), ALL);
        data[i] = 0;
    }
    free(data);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_of_all_threads_are_told),
        cmocka_unit_test(results_show_flags),
        cmocka_unit_test(states_are_looked_at_as_numbers),
        cmocka_unit_test(nothing_is_overlooked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
