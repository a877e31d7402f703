/* Array kernels and stencils by functions of this program. */
#include "engine/runner/farhand_kernel.h"
#include "here.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WIDTH = 2 };

static atomic_int calls;
static int cut_axis; /* of the stencil under test */

static double
get(const char *at)
{
    double value;
    memcpy(&value, at, sizeof value);
    return value;
}

static void
put(char *at, double value)
{
    memcpy(at, &value, sizeof value);
}

/* What is in the whole input at an index along the axis and one across it. */
static double
source(int64_t along, int64_t across)
{
    return (double)(along * along % 97) + (double)across * 0.25;
}

/* Weights for the WIDTH elements on either side; beyond the edges of the whole there is nothing. */
static double
wanted(int64_t along, int64_t across, int64_t whole)
{
    double sum = 0;
    for (int64_t i = along - WIDTH; i <= along + WIDTH; i++)
        if (i >= 0 && i < whole)
            sum += source(i, across) * (double)(10 + i - along);
    return sum;
}

/* The same from what the kernel sees; not 0 if the halo is not what it must be. */
static int32_t
stencil(char *const *data, const int64_t *strides, int64_t n)
{
    (void)strides;
    const fh_array *in = (const fh_array *)(const void *)data, *out = in + (n - 1);
    int axis = cut_axis, other = 1 - cut_axis;
    int64_t before = in->offset[axis], after = in->whole[axis] - before - in->shape[axis];
    atomic_fetch_add(&calls, 1);
    if (in->halo[axis][0] != (before < WIDTH ? before : WIDTH) ||
        in->halo[axis][1] != (after < WIDTH ? after : WIDTH) || in->halo[other][0] || out->halo[axis][0] ||
        out->offset[axis] != in->offset[axis] || out->shape[axis] != in->shape[axis] || out->offset[other])
        return 5;
    for (int64_t i = 0; i < in->shape[axis]; i++)
        for (int64_t j = 0; j < in->shape[other]; j++) {
            double sum = 0;
            for (int64_t k = i - WIDTH; k <= i + WIDTH; k++)
                if (k >= -in->halo[axis][0] && k < in->shape[axis] + in->halo[axis][1])
                    sum +=
                        get((char *)in->data + k * in->strides[axis] + j * in->strides[other]) * (double)(10 + k - i);
            put((char *)out->data + i * out->strides[axis] + j * out->strides[other], sum);
        }
    return 0;
}

static const kernel_code_t STENCIL = {.about = {.entry = "stencil", .kind = KERNEL_ARRAY, .nin = -1}, .loop = stencil};

/* A cut array of [low, high) along the axis of a whole. */
static here_array_t
cut_array(int64_t low, int64_t high, int64_t across, int64_t whole)
{
    int64_t extent[2];
    extent[cut_axis] = high - low;
    extent[1 - cut_axis] = across;
    here_array_t self = here_array(DTYPE_FLOAT64, 2, extent);
    self.cut = true;
    self.base = low;
    self.whole = whole;
    for (int64_t i = low; i < high; i++)
        for (int64_t j = 0; j < across; j++)
            put(self.data + (i - low) * self.nd.stride[cut_axis] + j * self.nd.stride[1 - cut_axis], source(i, j));
    return self;
}

/* The piece [low, high) of the whole, with strips, or with pads. */
static void
check_piece(int64_t low, int64_t high, int64_t across, int64_t whole, bool pads, crew_t *crew)
{
    here_array_t arrays[4];
    runner_run_t request = {.nin = 1, .nout = 1, .axis = cut_axis, .width = WIDTH};
    int count = 2;
    if (pads) {
        request.pad_low = low < WIDTH ? low : WIDTH;
        request.pad_high = whole - high < WIDTH ? whole - high : WIDTH;
    }
    arrays[0] = cut_array(low - request.pad_low, high + request.pad_high, across, whole);
    arrays[1] = cut_array(low, high, across, whole);
    memset(arrays[1].data, 0, arrays[1].size);
    if (!pads && low > 0) {
        request.low = 1;
        arrays[count++] = cut_array(low - WIDTH, low + 2 * WIDTH, across, whole);
    }
    if (!pads && high < whole) {
        request.high = 1;
        arrays[count++] = cut_array(high - 2 * WIDTH, high + WIDTH, across, whole);
    }
    err_t err = {0};
    if (here_run(&STENCIL, &request, arrays, crew, NULL, &err))
        fail_msg("[%d, %d) of %d, axis %d: %s", (int)low, (int)high, (int)whole, cut_axis, err.text);
    for (int64_t i = low; i < high; i++)
        for (int64_t j = 0; j < across; j++) {
            const char *at =
                arrays[1].data + (i - low) * arrays[1].nd.stride[cut_axis] + j * arrays[1].nd.stride[1 - cut_axis];
            if (get(at) != wanted(i, j, whole))
                fail_msg("element %d, %d of [%d, %d) of %d", (int)i, (int)j, (int)low, (int)high, (int)whole);
        }
    here_free(arrays, count);
}

static void
stencils_see_their_neighbours(void **state)
{
    (void)state;
    crew_t *crew;
    assert_int_equal(crew_new(&crew, 3, NULL), 0);
    for (cut_axis = 0; cut_axis < 2; cut_axis++)
        for (int threads = 0; threads < 2; threads++) {
            crew_t *its = threads ? crew : NULL;
            check_piece(0, 3000, 50, 3000, false, its);
            check_piece(0, 1000, 50, 3000, false, its);
            check_piece(1000, 2000, 50, 3000, false, its);
            check_piece(2000, 3000, 50, 3000, false, its);
            check_piece(10, 14, 3, 100, false, its); /* nothing between the ends */
            check_piece(10, 15, 3, 100, false, its);
            for (int64_t low = 0; low < 5; low++)
                for (int64_t high = low + 1; high < 8; high++)
                    check_piece(low, high, 3, 7, true, its);
        }
    crew_destroy(&crew);
}

static void
a_long_stencil_is_shared_out(void **state)
{
    (void)state;
    crew_t *crew;
    assert_int_equal(crew_new(&crew, 2, NULL), 0);
    cut_axis = 0;
    atomic_store(&calls, 0);
    check_piece(1000, 21000, 10, 30000, false, crew);
    assert_in_range(calls, 4 + 2, 2 * 4 + 2);
    crew_destroy(&crew);
}

/* Says how it was called, by its result. */
static int32_t
teller(char *const *data, const int64_t *strides, int64_t n)
{
    (void)strides;
    const fh_array *in = (const fh_array *)(const void *)data;
    atomic_fetch_add(&calls, 1);
    bool right = n == 3 && in[0].dtype == FH_FLOAT64 && in[0].ndim == 2 && in[0].offset[0] == 40 &&
                 in[0].whole[0] == 100 && in[0].shape[0] == 20 && in[0].strides[0] == 24 && in[0].halo[0][0] == 0 &&
                 in[1].dtype == FH_INT32 && in[1].ndim == 1 && in[1].offset[0] == 0 && in[1].whole[0] == 7 &&
                 in[2].ndim == 0;
    return right ? 0 : -3;
}

static void
without_a_halo_a_piece_is_seen_once_and_as_it_lies(void **state)
{
    (void)state;
    crew_t *crew;
    assert_int_equal(crew_new(&crew, 2, NULL), 0);
    kernel_code_t kernel = STENCIL;
    kernel.loop = teller;
    cut_axis = 0;
    here_array_t arrays[3] = {cut_array(40, 60, 3, 100), here_array(DTYPE_INT32, 1, (int64_t[]){7}),
                              here_array(DTYPE_FLOAT64, 0, NULL)};
    runner_run_t request = {.nin = 2, .nout = 1, .axis = 0};
    err_t err = {0};
    atomic_store(&calls, 0);
    assert_int_equal(here_run(&kernel, &request, arrays, crew, NULL, &err), FH_OK);
    assert_int_equal(calls, 1);
    arrays[0].base = 41;
    assert_int_equal(here_run(&kernel, &request, arrays, crew, NULL, &err), FH_KERNEL_ERROR);
    assert_non_null(strstr(err.text, "returned -3"));
    kernel.about.nin = 3; /* a signature */
    kernel.about.in[0] = DTYPE_FLOAT64;
    kernel.about.in[1] = DTYPE_INT64;
    assert_int_equal(here_run(&kernel, &request, arrays, crew, NULL, &err), FH_KERNEL_ERROR);
    assert_non_null(strstr(err.text, "array 1 is int32, not int64"));
    here_free(arrays, 3);
    crew_destroy(&crew);
}

static void
cuts_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    cut_axis = 0;
    here_array_t arrays[3] = {cut_array(10, 40, 3, 100), cut_array(10, 40, 3, 100), cut_array(8, 14, 3, 100)};
    runner_run_t good = {.nin = 1, .nout = 1, .axis = 0, .width = WIDTH, .low = 1};
    assert_int_equal(here_run(&STENCIL, &good, arrays, NULL, NULL, NULL),
                     FH_KERNEL_ERROR); /* returns 5: no halo above */
    runner_run_t bad[] = {
        {.nin = 1, .nout = 1, .axis = 5, .width = WIDTH},
        {.nin = 1, .nout = 1, .axis = -7, .width = WIDTH},
        {.nin = 1, .nout = 1, .axis = 0, .width = 3, .low = 1},
        {.nin = 1, .nout = 1, .axis = 0, .width = -1},
        {.nin = 1, .nout = 1, .axis = 0, .width = WIDTH, .pad_low = 31},
        {.nin = 1, .nout = 1, .axis = 0, .width = WIDTH, .pad_low = INT64_MAX, .pad_high = INT64_MAX},
        {.nin = 1, .nout = 1, .axis = 0, .width = WIDTH, .low = 1, .pad_low = 3},
        {.nin = 1, .nout = 1, .axis = 0, .width = INT64_MAX, .low = 1},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err_t err = {0};
        assert_int_equal(here_run(&STENCIL, &bad[i], arrays, NULL, NULL, &err), FH_KERNEL_ERROR);
        assert_null(strstr(err.text, "returned"));
    }
    arrays[0].base = 90; /* ends beyond the whole */
    runner_run_t plain = {.nin = 1, .nout = 1, .axis = 0};
    assert_int_equal(here_run(&STENCIL, &plain, arrays, NULL, NULL, NULL), FH_KERNEL_ERROR);
    here_free(arrays, 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stencils_see_their_neighbours),
        cmocka_unit_test(a_long_stencil_is_shared_out),
        cmocka_unit_test(without_a_halo_a_piece_is_seen_once_and_as_it_lies),
        cmocka_unit_test(cuts_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
