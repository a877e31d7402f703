/* Reductions by functions of this program: the same bits whatever the strides, threads and cuts. */
#include "here.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { STATE = 16 };

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

/* --- the kernel: a sum of products of two inputs, as compiled code does it ------------------------------------------
 */

static double
product(char *const *data, const int64_t *strides, int64_t i)
{
    return get(data[0] + i * strides[0]) * get(data[1] + i * strides[1]);
}

/* The sum of [0, n) by the fixed tree. */
static double
tree_sum(const double *items, int64_t n)
{
    if (n == 1)
        return items[0];
    int64_t left = 1;
    while (left * 2 < n)
        left *= 2;
    return tree_sum(items, left) + tree_sum(items + left, n - left);
}

static void
sum_block(char *state, char *const *data, const int64_t *strides, int64_t n)
{
    double lane[KERNEL_LANES] = {0};
    for (int64_t i = 0; i < n; i++)
        lane[i % KERNEL_LANES] += product(data, strides, i);
    put(state, tree_sum(lane, n < KERNEL_LANES ? n : KERNEL_LANES));
}

static void
sum_rows(char *states, char *const *data, const int64_t *strides, int64_t n, int64_t row)
{
    char *lane = states + row % KERNEL_LANES * n * STATE;
    for (int64_t i = 0; i < n; i++)
        put(lane + i * STATE, (row < KERNEL_LANES ? 0 : get(lane + i * STATE)) + product(data, strides, i));
}

static void
sum_lanes(char *states, int64_t n, int64_t rows)
{
    int64_t lanes = rows < KERNEL_LANES ? rows : KERNEL_LANES;
    for (int64_t i = 0; i < n; i++) {
        double lane[KERNEL_LANES];
        for (int64_t k = 0; k < lanes; k++)
            lane[k] = get(states + (k * n + i) * STATE);
        put(states + i * STATE, tree_sum(lane, lanes));
    }
}

static void
sum_combine(char *into, const char *from, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        put(into + i * STATE, get(into + i * STATE) + get(from + i * STATE));
}

static void
sum_finish(char *result, int64_t stride, const char *state, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        put(result + i * stride, -get(state + i * STATE));
}

static void
sum_start(char *state)
{
    put(state, 0);
}

static void
sum_scan(char *state, int64_t has_state, char *const *data, const int64_t *strides, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        put(state, (has_state ? get(state) : 0) + product(data, strides, i));
        has_state = true;
        put(data[2] + i * strides[2], -get(state));
    }
}

static const kernel_code_t SUM = {
    .about = {.entry = "sum",
              .kind = KERNEL_REDUCTION,
              .nin = 2,
              .nout = 1,
              .in = {DTYPE_FLOAT64, DTYPE_FLOAT64},
              .out = {DTYPE_FLOAT64},
              .state_bytes = STATE,
              .has_start = 1},
    .fold = {sum_start, sum_block, sum_rows, sum_lanes, sum_combine, sum_finish, sum_scan},
};

/* --- what must come of it -------------------------------------------------------------------------------------------
 */

static double
wanted_sum(const double *a, const double *b, int64_t n)
{
    int64_t blocks = (n + KERNEL_BLOCK - 1) / KERNEL_BLOCK;
    double *items = calloc((size_t)blocks + 1, sizeof *items);
    assert_non_null(items);
    for (int64_t block = 0; block < blocks; block++) {
        int64_t first = block * KERNEL_BLOCK, rows = n - first < KERNEL_BLOCK ? n - first : KERNEL_BLOCK;
        double lane[KERNEL_LANES] = {0};
        for (int64_t i = 0; i < rows; i++)
            lane[i % KERNEL_LANES] += a[first + i] * b[first + i];
        items[block] = tree_sum(lane, rows < KERNEL_LANES ? rows : KERNEL_LANES);
    }
    double result = blocks ? -tree_sum(items, blocks) : -0.0;
    free(items);
    return result;
}

/* From 1e-20 to 1e20, either sign: any other order of summing shows. */
static double
wild(unsigned *seed)
{
    return (rand_r(seed) % 2 ? 1 : -1) * pow(10, rand_r(seed) % 40 - 20) * (1 + rand_r(seed) / (double)RAND_MAX);
}

static void
must_equal(double got, double wanted, const char *what, int64_t i)
{
    if (memcmp(&got, &wanted, sizeof got))
        fail_msg("%s, result %d: %.17g, not %.17g", what, (int)i, got, wanted);
}

static void
must_run(const kernel_code_t *kernel, runner_run_t *request, const here_array_t *arrays, crew_t *crew)
{
    err_t err = {0};
    if (here_run(kernel, request, arrays, crew, NULL, &err))
        fail_msg("%s", err.text);
}

static void
fill(here_array_t *array, unsigned *seed)
{
    for (size_t i = 0; i + 8 <= array->size; i += 8)
        put(array->data + i, wild(seed));
}

static void
check_sums(const here_array_t *in, const here_array_t *out, int axis)
{
    int64_t index[3], n = in[0].nd.shape.extent[axis];
    int p = axis == 0, q = axis == 2 ? 1 : 2;
    double *a = calloc((size_t)n, sizeof *a), *b = calloc((size_t)n, sizeof *b);
    assert_true(a && b);
    for (int64_t i = 0; i < in[0].nd.shape.extent[p]; i++)
        for (int64_t j = 0; j < in[0].nd.shape.extent[q]; j++) {
            index[p] = i;
            index[q] = j;
            for (index[axis] = 0; index[axis] < n; index[axis]++) {
                a[index[axis]] = get(here_at(&in[0], index[0], index[1], index[2]));
                b[index[axis]] = get(here_at(&in[1], index[0], index[1], index[2]));
            }
            must_equal(get(here_at(out, i, j, 0)), wanted_sum(a, b, n), "sum", i);
        }
    free(a);
    free(b);
}

static void
sums_have_the_same_bits_for_all_strides_and_threads(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    crew_t *crews[5] = {NULL};
    for (int i = 1; i < 5; i++)
        assert_int_equal(crew_new(&crews[i], i, NULL), 0);
    for (int round = 0; round < 120; round++) {
        int64_t room[4] = {1 + rand_r(&seed) % 12, 1 + rand_r(&seed) % 12, 1 + rand_r(&seed) % 12, 2}, kept[2];
        int axis = rand_r(&seed) % 3;
        room[axis] = rand_r(&seed) % 2 ? 1 + rand_r(&seed) % 40 : 1 + rand_r(&seed) % 5000;
        if (rand_r(&seed) % 4 == 0)
            room[(axis + 1) % 3] = 300; /* more neighbours than are stepped together */
        here_array_t arrays[3];
        for (int k = 0; k < 2; k++) {
            arrays[k] = here_array(DTYPE_FLOAT64, 4, room);
            arrays[k].nd.shape.ndim = 3;
            fill(&arrays[k], &seed);
            here_shuffle(&arrays[k], &seed);
        }
        for (int i = 0, at = 0; i < 3; i++)
            if (i != axis)
                kept[at++] = room[i];
        arrays[2] = here_array(DTYPE_FLOAT64, 2, kept);
        runner_run_t request = {.nin = 2, .nout = 1, .stage = FOLD_ALL, .axis = axis};
        must_run(&SUM, &request, arrays, crews[round % 5]);
        check_sums(arrays, &arrays[2], axis);
        here_free(arrays, 3);
    }
    for (int i = 1; i < 5; i++)
        crew_destroy(&crews[i]);
}

/* One long axis is shared out, too; and cut into pieces, it gives the same. */
static void
a_long_axis_may_be_cut_anywhere_between_blocks(void **state)
{
    (void)state;
    enum { N = 3000 * KERNEL_BLOCK + 77, BLOCKS = 3001 };
    unsigned seed = 11;
    crew_t *crew;
    assert_int_equal(crew_new(&crew, 4, NULL), 0);
    here_array_t whole[3] = {here_array(DTYPE_FLOAT64, 1, (int64_t[]){N}), here_array(DTYPE_FLOAT64, 1, (int64_t[]){N}),
                             here_array(DTYPE_FLOAT64, 0, NULL)};
    fill(&whole[0], &seed);
    fill(&whole[1], &seed);
    runner_run_t request = {.nin = 2, .nout = 1, .stage = FOLD_ALL};
    double wanted = wanted_sum((double *)(void *)whole[0].data, (double *)(void *)whole[1].data, N);
    for (int threads = 0; threads < 2; threads++) {
        must_run(&SUM, &request, whole, threads ? crew : NULL);
        must_equal(get(whole[2].data), wanted, "whole", threads);
    }
    here_array_t states[2] = {here_array(DTYPE_UINT8, 2, (int64_t[]){BLOCKS, STATE}),
                              here_array(DTYPE_UINT8, 1, (int64_t[]){STATE})};
    for (int64_t first = 0, blocks; first < BLOCKS; first += blocks) {
        blocks = 1 + rand_r(&seed) % 700;
        blocks = first + blocks > BLOCKS ? BLOCKS - first : blocks;
        here_array_t piece[3] = {whole[0], whole[1], states[0]};
        for (int k = 0; k < 2; k++) {
            piece[k].nd.data += first * KERNEL_BLOCK * 8;
            piece[k].nd.shape.extent[0] = first + blocks == BLOCKS ? N - first * KERNEL_BLOCK : blocks * KERNEL_BLOCK;
            piece[k].base = first * KERNEL_BLOCK;
        }
        piece[2].nd.data += first * STATE;
        piece[2].nd.shape.extent[0] = blocks;
        runner_run_t steps = {.nin = 2, .nout = 1, .stage = FOLD_STEPS};
        must_run(&SUM, &steps, piece, rand_r(&seed) % 2 ? crew : NULL);
    }
    runner_run_t combine = {.nin = 1, .nout = 1, .stage = FOLD_COMBINE};
    must_run(&SUM, &combine, states, crew);
    here_array_t last[2] = {states[1], whole[2]};
    put(whole[2].data, 0);
    runner_run_t finish = {.nin = 1, .nout = 1, .stage = FOLD_FINISH};
    must_run(&SUM, &finish, last, crew);
    must_equal(get(whole[2].data), wanted, "pieces", 0);
    here_free(states, 2);
    here_free(whole, 3);
    crew_destroy(&crew);
}

/* STEPS and COMBINE of arrays with other axes, whose states lie in any order. */
static void
states_of_several_results_keep_their_places(void **state)
{
    (void)state;
    enum { P = 5, N = 2 * KERNEL_BLOCK + 9, Q = 37, BLOCKS = 3 };
    unsigned seed = 5;
    here_array_t in[3] = {here_array(DTYPE_FLOAT64, 3, (int64_t[]){P, N, Q}),
                          here_array(DTYPE_FLOAT64, 3, (int64_t[]){P, N, Q}),
                          here_array(DTYPE_UINT8, 4, (int64_t[]){BLOCKS, P, Q, STATE})};
    fill(&in[0], &seed);
    fill(&in[1], &seed);
    runner_run_t steps = {.nin = 2, .nout = 1, .stage = FOLD_STEPS, .axis = 1};
    must_run(&SUM, &steps, in, NULL);
    here_array_t states[2] = {in[2], here_array(DTYPE_UINT8, 3, (int64_t[]){P, Q, STATE})};
    runner_run_t combine = {.nin = 1, .nout = 1, .stage = FOLD_COMBINE, .axis = 0};
    must_run(&SUM, &combine, states, NULL);
    here_array_t last[2] = {states[1], here_array(DTYPE_FLOAT64, 2, (int64_t[]){P, Q})};
    kernel_code_t kernel = SUM;
    for (int whole = 0; whole < 2; whole++) {
        kernel.about.whole_vectors = (uint8_t)whole;
        memset(last[1].data, 0, last[1].size);
        runner_run_t finish = {.nin = 1, .nout = 1, .stage = FOLD_FINISH};
        must_run(&kernel, &finish, last, NULL);
        check_sums(in, &last[1], 1);
    }
    here_free(in, 3);
    here_free(last, 2);
}

/* Running results of two pieces, one after the other. */
static void
running_sums_go_on_in_the_next_piece(void **state)
{
    (void)state;
    enum { N = 1000, M = 300, CUT = 377 };
    unsigned seed = 9;
    crew_t *crew;
    assert_int_equal(crew_new(&crew, 2, NULL), 0);
    here_array_t a = here_array(DTYPE_FLOAT64, 2, (int64_t[]){N, M}),
                 b = here_array(DTYPE_FLOAT64, 2, (int64_t[]){N, M});
    here_array_t out = here_array(DTYPE_FLOAT64, 2, (int64_t[]){N, M});
    here_array_t states[2] = {here_array(DTYPE_UINT8, 2, (int64_t[]){M, STATE}),
                              here_array(DTYPE_UINT8, 2, (int64_t[]){M, STATE})};
    fill(&a, &seed);
    fill(&b, &seed);
    here_array_t top[4] = {a, b, out, states[0]}, bottom[5] = {a, b, states[0], out, states[1]};
    for (int k = 0; k < 3; k++)
        top[k].nd.shape.extent[0] = CUT;
    for (int k = 0; k < 5; k++)
        if (k != 2 && k != 4) {
            bottom[k].nd.shape.extent[0] = N - CUT;
            bottom[k].nd.data += (int64_t)CUT * M * 8;
        }
    runner_run_t first = {.nin = 2, .nout = 2, .stage = FOLD_SCAN}, then = {.nin = 3, .nout = 2, .stage = FOLD_SCAN};
    must_run(&SUM, &first, top, crew);
    must_run(&SUM, &then, bottom, crew);
    for (int64_t j = 0; j < M; j++) {
        double sum = 0;
        for (int64_t i = 0; i < N; i++) {
            sum += get(here_at(&a, i, j, 0)) * get(here_at(&b, i, j, 0));
            must_equal(get(here_at(&out, i, j, 0)), -sum, "running sum", i);
        }
        must_equal(get(states[1].data + j * STATE), sum, "last state", j);
    }
    here_array_t arrays[] = {a, b, out, states[0], states[1]};
    here_free(arrays, 5);
    crew_destroy(&crew);
}

static runner_page_t page;

/* Cancels its own call. */
static void
quit_block(char *state, char *const *data, const int64_t *strides, int64_t n)
{
    sum_block(state, data, strides, n);
    if (atomic_load(&page.done) >= 20 * KERNEL_BLOCK)
        atomic_store(&page.cancel, 5);
}

static void
cancelled_reductions_end_early(void **state)
{
    (void)state;
    enum { N = 1000 * KERNEL_BLOCK };
    kernel_code_t kernel = SUM;
    kernel.fold.block = quit_block;
    here_array_t arrays[3] = {here_array(DTYPE_FLOAT64, 1, (int64_t[]){N}),
                              here_array(DTYPE_FLOAT64, 1, (int64_t[]){N}), here_array(DTYPE_FLOAT64, 0, NULL)};
    put(arrays[2].data, 7);
    runner_run_t request = {.nin = 2, .nout = 1, .stage = FOLD_ALL, .serial = 5};
    assert_int_equal(here_run(&kernel, &request, arrays, NULL, &page, NULL), FH_CANCELLED);
    must_equal(get(arrays[2].data), 7, "untouched", 0);
    here_free(arrays, 3);
}

static void
nothing_has_a_value_if_there_is_a_start(void **state)
{
    (void)state;
    kernel_code_t kernel = SUM;
    here_array_t arrays[3] = {here_array(DTYPE_FLOAT64, 2, (int64_t[]){0, 5}),
                              here_array(DTYPE_FLOAT64, 2, (int64_t[]){0, 5}),
                              here_array(DTYPE_FLOAT64, 1, (int64_t[]){5})};
    put(arrays[2].data + 32, 7);
    runner_run_t request = {.nin = 2, .nout = 1, .stage = FOLD_ALL};
    must_run(&kernel, &request, arrays, NULL);
    must_equal(get(arrays[2].data + 32), -0.0, "nothing", 4);
    kernel.fold.start = NULL;
    assert_int_equal(here_run(&kernel, &request, arrays, NULL, NULL, NULL), FH_KERNEL_ERROR);
    here_free(arrays, 3);
}

static void
arrays_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    here_array_t arrays[3] = {here_array(DTYPE_FLOAT64, 1, (int64_t[]){2000}),
                              here_array(DTYPE_FLOAT64, 1, (int64_t[]){2000}),
                              here_array(DTYPE_UINT8, 2, (int64_t[]){2, STATE})};
    runner_run_t request = {.nin = 2, .nout = 1, .stage = FOLD_STEPS};
    must_run(&SUM, &request, arrays, NULL);
    arrays[0].base = 1000; /* no block begins there */
    assert_int_equal(here_run(&SUM, &request, arrays, NULL, NULL, NULL), FH_KERNEL_ERROR);
    arrays[0].base = 0;
    arrays[2].nd.shape.extent[0] = 1; /* too few blocks */
    assert_int_equal(here_run(&SUM, &request, arrays, NULL, NULL, NULL), FH_KERNEL_ERROR);
    arrays[2].nd.shape.extent[0] = 2;
    arrays[2].nd.shape.extent[1] = 8; /* half a state */
    assert_int_equal(here_run(&SUM, &request, arrays, NULL, NULL, NULL), FH_KERNEL_ERROR);
    arrays[2].nd.shape.extent[1] = STATE;
    arrays[1].nd.shape.extent[0] = 1999;
    assert_int_equal(here_run(&SUM, &request, arrays, NULL, NULL, NULL), FH_KERNEL_ERROR);
    arrays[1].nd.shape.extent[0] = 2000;
    runner_run_t bad[] = {{.nin = 2, .nout = 1, .stage = 77},
                          {.nin = 2, .nout = 1},
                          {.nin = 2, .nout = 1, .stage = FOLD_STEPS, .axis = 1},
                          {.nin = 2, .nout = 1, .stage = FOLD_STEPS, .axis = -1},
                          {.nin = 1, .nout = 1, .stage = FOLD_STEPS},
                          {.nin = 2, .nout = 1, .stage = FOLD_ALL}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(here_run(&SUM, &bad[i], arrays, NULL, NULL, NULL), FH_KERNEL_ERROR);
    here_free(arrays, 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_have_the_same_bits_for_all_strides_and_threads),
        cmocka_unit_test(a_long_axis_may_be_cut_anywhere_between_blocks),
        cmocka_unit_test(states_of_several_results_keep_their_places),
        cmocka_unit_test(running_sums_go_on_in_the_next_piece),
        cmocka_unit_test(cancelled_reductions_end_early),
        cmocka_unit_test(nothing_has_a_value_if_there_is_a_start),
        cmocka_unit_test(arrays_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
