/* Ufunc kernels over arrays of any layout, by functions of this program. */
#include "here.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static atomic_long computed, ragged;
static runner_page_t page;

static uint32_t
read32(const char *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* out = a * b + c, and elements counted; a call that is not of whole vectors, or not contiguous, is ragged. */
static int32_t
mul_add(char *const *data, const int64_t *strides, int64_t n)
{
    atomic_fetch_add(&computed, n);
    bool even = n % KERNEL_VECTOR == 0;
    for (int k = 0; k < 4; k++)
        even = even && strides[k] == 4;
    if (!even)
        atomic_fetch_add(&ragged, 1);
    for (int64_t i = 0; i < n; i++) {
        uint32_t value =
            read32(data[0] + i * strides[0]) * read32(data[1] + i * strides[1]) + read32(data[2] + i * strides[2]);
        memcpy(data[3] + i * strides[3], &value, sizeof value);
    }
    return 0;
}

static const kernel_code_t MUL_ADD = {
    .about = {.entry = "mul_add",
              .kind = KERNEL_UFUNC,
              .nin = 3,
              .nout = 1,
              .in = {DTYPE_INT32, DTYPE_INT32, DTYPE_INT32},
              .out = {DTYPE_INT32}},
    .loop = mul_add,
};

/* An input that is broadcast along some axes. */
static void
flatten(here_array_t *array, unsigned *seed)
{
    for (int axis = 0; axis < 3; axis++)
        if (rand_r(seed) % 4 == 0) {
            if (array->nd.stride[axis] < 0)
                array->nd.data += array->nd.stride[axis] * (array->nd.shape.extent[axis] - 1);
            array->nd.stride[axis] = 0;
        }
}

static void
compare(const here_array_t *arrays, bool masked, const char *before)
{
    const here_array_t *out = &arrays[3 + masked];
    const int64_t *extent = out->nd.shape.extent;
    for (int64_t i = 0; i < extent[0]; i++)
        for (int64_t j = 0; j < extent[1]; j++)
            for (int64_t k = 0; k < extent[2]; k++) {
                const char *at = here_at(out, i, j, k);
                uint32_t wanted = read32(here_at(&arrays[0], i, j, k)) * read32(here_at(&arrays[1], i, j, k)) +
                                  read32(here_at(&arrays[2], i, j, k));
                if (masked && !*here_at(&arrays[3], i, j, k))
                    wanted = read32(before + (at - out->data));
                if (read32(at) != wanted)
                    fail_msg("element %d, %d, %d", (int)i, (int)j, (int)k);
            }
}

static void
one_round(unsigned *seed, crew_t *crew, bool whole)
{
    int64_t room[4] = {0, 0, 0, 2};
    for (int i = 0; i < 3; i++)
        room[i] = rand_r(seed) % 5 ? 1 + rand_r(seed) % 20 : 1;
    if (rand_r(seed) % 4 == 0)
        room[rand_r(seed) % 3] = 700 + rand_r(seed) % 200;
    bool masked = rand_r(seed) % 3 == 0;
    here_array_t arrays[5];
    for (int k = 0; k < 4 + masked; k++) {
        bool mask = masked && k == 3;
        arrays[k] = here_array(mask ? DTYPE_BOOL : DTYPE_INT32, 4, room);
        arrays[k].nd.shape.ndim = 3;
        for (size_t i = 0; i < arrays[k].size; i++)
            arrays[k].data[i] = (char)(mask ? rand_r(seed) % 3 > 0 : rand_r(seed));
        here_shuffle(&arrays[k], seed);
        if (k < 3 + masked)
            flatten(&arrays[k], seed);
    }
    char *before = malloc(arrays[3 + masked].size);
    assert_non_null(before);
    memcpy(before, arrays[3 + masked].data, arrays[3 + masked].size);
    kernel_code_t kernel = MUL_ADD;
    kernel.about.whole_vectors = whole;
    runner_run_t request = {.nin = 3, .nout = 1, .masked = masked, .axis = -1};
    err_t err = {0};
    atomic_store(&ragged, 0);
    if (here_run(&kernel, &request, arrays, crew, NULL, &err))
        fail_msg("%s", err.text);
    if (whole && ragged)
        fail_msg("%d calls of no whole vectors", (int)ragged);
    compare(arrays, masked, before);
    free(before);
    here_free(arrays, 4 + masked);
}

static void
all_layouts_masks_and_broadcasts_agree_with_plain_loops(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    crew_t *crews[4] = {NULL};
    for (int i = 1; i < 4; i++)
        assert_int_equal(crew_new(&crews[i], i, NULL), 0);
    for (int round = 0; round < 200; round++)
        one_round(&seed, crews[round % 4], round % 2);
    for (int i = 1; i < 4; i++)
        crew_destroy(&crews[i]);
}

/* What the mask leaves out costs nothing. */
static void
masked_elements_are_not_computed(void **state)
{
    (void)state;
    enum { N = 10000 };
    here_array_t arrays[5];
    for (int k = 0; k < 5; k++)
        arrays[k] = here_array(k == 3 ? DTYPE_BOOL : DTYPE_INT32, 1, (int64_t[]){N});
    for (int i = 0; i < N; i += 100)
        arrays[3].data[i] = 1;
    runner_run_t request = {.nin = 3, .nout = 1, .masked = 1};
    atomic_store(&computed, 0);
    assert_int_equal(here_run(&MUL_ADD, &request, arrays, NULL, NULL, NULL), FH_OK);
    assert_int_equal(computed, N / 100);
    here_free(arrays, 5);
}

/* Results that are written past the cache, with odd beginnings and ends. */
static void
large_results_are_complete(void **state)
{
    (void)state;
    enum { N = 3000003 };
    crew_t *crew;
    assert_int_equal(crew_new(&crew, 2, NULL), 0);
    for (int off = 0; off < 3; off++) {
        here_array_t arrays[4];
        for (int k = 0; k < 4; k++) {
            arrays[k] = here_array(DTYPE_INT32, 1, (int64_t[]){N});
            for (uint32_t i = 0; k < 3 && i < N; i++)
                ((uint32_t *)(void *)arrays[k].data)[i] = i * (uint32_t)(k + 7);
            arrays[k].nd.data += 4 * off;
            arrays[k].nd.shape.extent[0] -= 2 * off;
        }
        runner_run_t request = {.nin = 3, .nout = 1};
        assert_int_equal(here_run(&MUL_ADD, &request, arrays, crew, NULL, NULL), FH_OK);
        for (uint32_t i = 0; i < N; i++) {
            bool inside = i >= (uint32_t)off && i < N - (uint32_t)off;
            uint32_t wanted = i * 7 * (i * 8) + i * 9;
            if (((uint32_t *)(void *)arrays[3].data)[i] != (inside ? wanted : 0))
                fail_msg("element %d, offset %d", (int)i, off);
        }
        here_free(arrays, 4);
    }
    crew_destroy(&crew);
}

/* Rows of 3000 lie 3016 apart, so that most begin within a line; the second input is one number, the third a column. */
static atomic_long streamed;

static int32_t
mul_add_past_the_cache(char *const *data, const int64_t *strides, int64_t n)
{
    assert_true(n > 0 && n % KERNEL_VECTOR == 0);
    assert_int_equal((uintptr_t)data[3] % 64, 0);
    atomic_fetch_add(&streamed, n);
    return mul_add(data, strides, n);
}

/* Wherever results begin; what lies before and behind them stays. */
static void
loop_past_the_cache_gets_whole_lines(void **state)
{
    enum { N = 5 << 20 };
    kernel_code_t kernel = MUL_ADD;
    runner_run_t request = {.nin = 3, .nout = 1};
    crew_t *crew;
    (void)state;
    kernel.about.streams = 1;
    kernel.stream = mul_add_past_the_cache;
    assert_int_equal(crew_new(&crew, 2, NULL), FH_OK);
    for (int first = 0; first < 40; first += 13) {
        here_array_t arrays[4];
        int64_t extent = N + 40;
        for (int k = 0; k < 4; k++) {
            arrays[k] = here_array(DTYPE_INT32, 1, &extent);
            arrays[k].nd.shape.extent[0] = N - first / 2;
            arrays[k].nd.data += (first + (k == 1)) * 4;
            memset(arrays[k].data, k + 1, arrays[k].size);
        }
        atomic_store(&streamed, 0);
        assert_int_equal(here_run(&kernel, &request, arrays, crew, NULL, NULL), FH_OK);
        assert_true(atomic_load(&streamed) > N - N / 100);
        const uint32_t wanted = 0x01010101u * 0x02020202u + 0x03030303u, untouched = 0x04040404;
        for (int64_t i = 0; i < extent; i++) {
            uint32_t value = read32(arrays[3].data + i * 4);
            if (value != (i >= first && i < first + N - first / 2 ? wanted : untouched))
                fail_msg("first %d, element %lld: %x", first, (long long)i, value);
        }
        here_free(arrays, 4);
    }
    crew_destroy(&crew);
}

static void
large_results_in_rows_are_complete(void **state)
{
    (void)state;
    enum { ROWS = 5000, COLUMNS = 3000, STEP = 3016 };
    crew_t *crew;
    assert_int_equal(crew_new(&crew, 2, NULL), 0);
    for (int off = 0; off < 2; off++) {
        here_array_t arrays[4];
        for (int k = 0; k < 4; k++) {
            arrays[k] = here_array(DTYPE_INT32, 2, (int64_t[]){ROWS, STEP});
            for (uint32_t i = 0; k < 3 && i < ROWS * STEP; i++)
                ((uint32_t *)(void *)arrays[k].data)[i] = i * (uint32_t)(k + 7);
            arrays[k].nd.data += k == 3 ? 4 * off : 0;
            arrays[k].nd.shape.extent[1] = COLUMNS;
        }
        arrays[1].nd.stride[0] = arrays[1].nd.stride[1] = arrays[2].nd.stride[1] = 0;
        runner_run_t request = {.nin = 3, .nout = 1};
        assert_int_equal(here_run(&MUL_ADD, &request, arrays, crew, NULL, NULL), FH_OK);
        for (uint32_t i = 0; i < ROWS; i++)
            for (uint32_t j = 0; j < STEP; j++) {
                bool inside = j >= (uint32_t)off && j < COLUMNS + (uint32_t)off;
                uint32_t wanted = (i * STEP + j - (uint32_t)off) * 7 * read32(arrays[1].data) + i * STEP * 9;
                if (((uint32_t *)(void *)arrays[3].data)[i * STEP + j] != (inside ? wanted : 0))
                    fail_msg("element %d, %d, offset %d", (int)i, (int)j, off);
            }
        here_free(arrays, 4);
    }
    crew_destroy(&crew);
}

/* 7 raises. */
static int32_t
picky(char *const *data, const int64_t *strides, int64_t n)
{
    int32_t raised = 0;
    for (int64_t i = 0; i < n; i++) {
        uint32_t value = read32(data[0] + i * strides[0]);
        raised |= value == 7;
        memcpy(data[1] + i * strides[1], &value, sizeof value);
    }
    return raised;
}

static const kernel_code_t PICKY = {
    .about = {.entry = "picky",
              .kind = KERNEL_UFUNC,
              .nin = 1,
              .nout = 1,
              .in = {DTYPE_INT32},
              .out = {DTYPE_INT32},
              .status_call = 1},
    .loop = picky,
};

static void
first_element_that_raises_is_named(void **state)
{
    (void)state;
    enum { ROWS = 300, COLUMNS = 1000 };
    crew_t *crew;
    assert_int_equal(crew_new(&crew, 3, NULL), 0);
    here_array_t arrays[2];
    for (int k = 0; k < 2; k++)
        arrays[k] = here_array(DTYPE_INT32, 2, (int64_t[]){ROWS, COLUMNS});
    const int64_t bad[] = {123456, 123457, 250000, 299999};
    for (int i = 0; i < 4; i++)
        ((int32_t *)(void *)arrays[0].data)[bad[i]] = 7;
    runner_run_t request = {.nin = 1, .nout = 1};
    for (int round = 0; round < 20; round++) {
        err_t err = {0};
        assert_int_equal(here_run(&PICKY, &request, arrays, crew, NULL, &err), FH_KERNEL_ERROR);
        if (!strstr(err.text, "element (123, 456) of an array of shape (300, 1000)"))
            fail_msg("%s", err.text);
    }
    here_free(arrays, 2);
    crew_destroy(&crew);
}

/* Cancels its own call on its way. */
static int32_t
quitter(char *const *data, const int64_t *strides, int64_t n)
{
    (void)data, (void)strides;
    if (atomic_fetch_add(&computed, n) + n >= 300000)
        atomic_store(&page.cancel, 99);
    return 0;
}

static void
cancelled_calls_end_themselves(void **state)
{
    (void)state;
    enum { N = 20000000 };
    kernel_code_t kernel = PICKY;
    kernel.loop = quitter;
    here_array_t arrays[2];
    for (int k = 0; k < 2; k++)
        arrays[k] = here_array(DTYPE_INT32, 1, (int64_t[]){N});
    runner_run_t request = {.nin = 1, .nout = 1, .serial = 99};
    err_t err = {0};
    atomic_store(&computed, 0);
    assert_int_equal(here_run(&kernel, &request, arrays, NULL, &page, &err), FH_CANCELLED);
    assert_in_range(computed, 300000, 400000);
    request.serial = 98; /* somebody else's cancel */
    assert_int_equal(here_run(&kernel, &request, arrays, NULL, &page, &err), FH_OK);
    assert_int_equal(page.total, 0); /* nothing runs */
    here_free(arrays, 2);
}

/* Two results of one input. */
static int32_t
divide_by_ten(char *const *data, const int64_t *strides, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        int32_t value = (int32_t)read32(data[0] + i * strides[0]), quotient = value / 10;
        int16_t rest = (int16_t)(value % 10);
        memcpy(data[1] + i * strides[1], &quotient, sizeof quotient);
        memcpy(data[2] + i * strides[2], &rest, sizeof rest);
    }
    return 0;
}

static void
several_results(void **state)
{
    (void)state;
    enum { N = 2000 };
    const kernel_code_t kernel = {
        .about = {.entry = "divide",
                  .kind = KERNEL_UFUNC,
                  .nin = 1,
                  .nout = 2,
                  .in = {DTYPE_INT32},
                  .out = {DTYPE_INT32, DTYPE_INT16}},
        .loop = divide_by_ten,
    };
    here_array_t arrays[3] = {here_array(DTYPE_INT32, 1, (int64_t[]){N}), here_array(DTYPE_INT32, 1, (int64_t[]){N}),
                              here_array(DTYPE_INT16, 1, (int64_t[]){N})};
    for (int i = 0; i < N; i++)
        ((int32_t *)(void *)arrays[0].data)[i] = i;
    runner_run_t request = {.nin = 1, .nout = 2};
    assert_int_equal(here_run(&kernel, &request, arrays, NULL, NULL, NULL), FH_OK);
    for (int i = 0; i < N; i++) {
        assert_int_equal(((int32_t *)(void *)arrays[1].data)[i], i / 10);
        assert_int_equal(((int16_t *)(void *)arrays[2].data)[i], i % 10);
    }
    here_free(arrays, 3);
}

static void
arrays_in_the_mailbox_are_checked(void **state)
{
    (void)state;
    static char mailbox[RUNNER_MAILBOX_BYTES];
    runner_run_t request = {.nin = 1, .nout = 1, .count = 2};
    for (int k = 0; k < 2; k++)
        request.operands[k] = (runner_operand_t){.fd_size = RUNNER_MAILBOX_BYTES,
                                                 .offset = RUNNER_MAILBOX_BYTES - 80 + 40 * k,
                                                 .dtype = DTYPE_INT32,
                                                 .ndim = 1,
                                                 .mailbox = 1,
                                                 .extent = {10},
                                                 .stride = {4}};
    for (int i = 0; i < 40; i++)
        mailbox[RUNNER_MAILBOX_BYTES - 80 + i] = (char)(i + 1);
    execute_done_t done;
    err_t err = {0};
    assert_int_equal(execute_run(&PICKY, &request, &(execute_memory_t){.mailbox = mailbox}, NULL, NULL, &done, &err),
                     FH_OK);
    assert_int_equal(done.elements, 10);
    assert_memory_equal(mailbox + RUNNER_MAILBOX_BYTES - 80, mailbox + RUNNER_MAILBOX_BYTES - 40, 40);
    assert_int_equal(execute_run(&PICKY, &request, &(execute_memory_t){0}, NULL, NULL, &done, &err), FH_KERNEL_ERROR);
    request.operands[1].fd_size = INT64_MAX;
    request.operands[1].offset++;
    assert_int_equal(execute_run(&PICKY, &request, &(execute_memory_t){.mailbox = mailbox}, NULL, NULL, &done, &err),
                     FH_KERNEL_ERROR);
    request.operands[1].mailbox = 0; /* and no descriptor */
    assert_int_equal(execute_run(&PICKY, &request, &(execute_memory_t){.mailbox = mailbox}, NULL, NULL, &done, &err),
                     FH_KERNEL_ERROR);
}

static void
requests_that_do_not_add_up_are_refused(void **state)
{
    (void)state;
    here_array_t arrays[4];
    for (int k = 0; k < 4; k++)
        arrays[k] = here_array(k == 3 ? DTYPE_INT64 : DTYPE_INT32, 1, (int64_t[]){10});
    runner_run_t good = {.nin = 3, .nout = 1};
    assert_int_equal(here_run(&MUL_ADD, &good, arrays, NULL, NULL, NULL), FH_KERNEL_ERROR); /* int64 result */
    runner_run_t bad[] = {{.nin = 2, .nout = 1},           {.nin = 3},
                          {.nin = 3, .nout = 1, .low = 1}, {.nout = 1},
                          {.nin = 4000000000, .nout = 1},  {.nin = 3, .nout = 1, .masked = 9}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bad[i].count = 4;
        execute_done_t done;
        assert_int_equal(execute_run(&MUL_ADD, &bad[i], &(execute_memory_t){0}, NULL, NULL, &done, NULL),
                         FH_KERNEL_ERROR);
    }
    here_free(arrays, 4);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_layouts_masks_and_broadcasts_agree_with_plain_loops),
        cmocka_unit_test(masked_elements_are_not_computed),
        cmocka_unit_test(large_results_are_complete),
        cmocka_unit_test(loop_past_the_cache_gets_whole_lines),
        cmocka_unit_test(large_results_in_rows_are_complete),
        cmocka_unit_test(first_element_that_raises_is_named),
        cmocka_unit_test(cancelled_calls_end_themselves),
        cmocka_unit_test(several_results),
        cmocka_unit_test(arrays_in_the_mailbox_are_checked),
        cmocka_unit_test(requests_that_do_not_add_up_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
