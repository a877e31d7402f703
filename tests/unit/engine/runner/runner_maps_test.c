/* engine/runner_maps and what a runner does with it: which maps are kept, for how long, and who reaches them. */
#include "engine/runner_maps.h"
#include "suite.h"
#include "tests/support/check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { N = 1 << 16, BYTES = N * 8, LIMIT = 1 << 30 };

static const int64_t SECOND = 1000000000;

/* ---- the book -------------------------------------------------------------------------------------------------------
 */

/* n bytes of a file from an offset on. */
static runner_operand_t
part(uint64_t segment, int64_t offset, int64_t n)
{
    return (runner_operand_t){.segment = segment,
                              .dtype = DTYPE_UINT8,
                              .ndim = 1,
                              .extent = {n},
                              .stride = {1},
                              .offset = offset,
                              .fd_size = (int64_t)1 << 40};
}

/* Place it; true if no descriptor is needed. */
static bool
held(runner_maps_t *maps, uint64_t segment, int64_t offset, int64_t n, bool writable)
{
    runner_operand_t wire = part(segment, offset, n);
    runner_maps_place(maps, &wire, writable, LIMIT);
    assert_true(wire.keep || !wire.held);
    return wire.held;
}

static void
same_file_is_mapped_once_for_each_right(void **state)
{
    runner_maps_t maps = {.bytes = 0};
    (void)state;
    runner_maps_begin(&maps, 1, 1);
    assert_false(held(&maps, 7, 100, 1000, false));
    assert_true(held(&maps, 7, 100, 1000, false));
    assert_true(held(&maps, 7, 200, 900, false));
    assert_false(held(&maps, 7, 200, 901, false)); /* beyond its end */
    assert_false(held(&maps, 7, 99, 10, false));
    assert_false(held(&maps, 7, 100, 1000, true));
    assert_false(held(&maps, 8, 100, 1000, false));
    assert_false(held(&maps, 0, 100, 1000, false)); /* it may not be kept */
    assert_false(held(&maps, 0, 100, 1000, false));
    assert_false(held(&maps, 9, 100, 0, false)); /* there is nothing to map */
    assert_false(held(&maps, 9, 100, 0, false));
    assert_int_equal(maps.bytes, 1000 + 901 + 10 + 1000 + 1000);
}

static void
map_that_is_not_used_is_given_up(void **state)
{
    runner_maps_t maps = {.bytes = 0};
    (void)state;
    runner_maps_begin(&maps, 1, SECOND);
    held(&maps, 1, 0, 10, false);
    held(&maps, 2, 0, 10, false);
    assert_int_equal(runner_maps_gone(&maps), 0);
    runner_maps_there(&maps, 3, 3 * SECOND); /* the call took so long */
    runner_maps_begin(&maps, 2, 3 * SECOND + 1);
    assert_true(held(&maps, 1, 0, 10, false));
    runner_maps_begin(&maps, 3, 4 * SECOND + 1);
    assert_int_equal(runner_maps_gone(&maps), 2);
    assert_int_equal(runner_maps_gone(&maps), 0);
    assert_true(held(&maps, 1, 0, 10, false));
    assert_false(held(&maps, 2, 0, 10, false));
    assert_int_equal(runner_maps_gone(&maps), 0);
    runner_maps_give_up(&maps);
    assert_int_equal(runner_maps_gone(&maps), 3);
    assert_int_equal(maps.bytes, 0);
}

static void
oldest_map_makes_room_but_none_of_the_same_call(void **state)
{
    runner_maps_t maps = {.bytes = 0};
    runner_operand_t wire = part(1000, 0, 10);
    (void)state;
    runner_maps_begin(&maps, 1, 1);
    for (uint64_t i = 1; i <= RUNNER_MAPS; i++)
        assert_false(held(&maps, i, 0, 10, false));
    runner_maps_place(&maps, &wire, false, LIMIT);
    assert_int_equal(wire.keep, 0);
    runner_maps_begin(&maps, 2, 2);
    assert_true(held(&maps, 1, 0, 10, false));
    runner_maps_begin(&maps, 3, 3);
    runner_maps_place(&maps, &wire, false, LIMIT);
    assert_int_equal(wire.keep, 2);
    assert_true(held(&maps, 1, 0, 10, false));
    assert_true(held(&maps, 3, 0, 10, false));
    assert_false(held(&maps, 2, 0, 10, false));
}

static void
bytes_of_all_maps_have_a_limit(void **state)
{
    runner_maps_t maps = {.bytes = 0};
    runner_operand_t large = part(9, 0, LIMIT + 1), half = part(10, 0, LIMIT / 2 + 1), other = part(11, 0, LIMIT / 2);
    (void)state;
    runner_maps_begin(&maps, 1, 1);
    runner_maps_place(&maps, &large, false, LIMIT);
    assert_int_equal(large.keep, 0);
    runner_maps_place(&maps, &half, false, LIMIT);
    assert_int_equal(half.keep, 1);
    runner_maps_place(&maps, &other, false, LIMIT);
    assert_int_equal(other.keep, 0);
    runner_maps_begin(&maps, 2, 2);
    runner_maps_place(&maps, &other, false, LIMIT);
    assert_int_equal(other.keep, 1);
    assert_int_equal(maps.bytes, LIMIT / 2);
}

static void
what_the_runner_does_not_have_is_sent_again(void **state)
{
    runner_maps_t maps = {.bytes = 0};
    (void)state;
    runner_maps_begin(&maps, 1, 1);
    held(&maps, 1, 0, 10, false);
    held(&maps, 2, 0, 10, false);
    runner_maps_there(&maps, ~(uint64_t)1, 2); /* what it has besides does not matter */
    runner_maps_begin(&maps, 2, 3);
    assert_false(held(&maps, 1, 0, 10, false));
    assert_true(held(&maps, 2, 0, 10, false));
}

/* ---- runners --------------------------------------------------------------------------------------------------------
 */

static const char DOUBLE[] = "define double @twice(double %a) {\n  %c = fadd double %a, %a\n  ret double %c\n}\n";
/* Where the first array lies. */
static const char WHERE[] = "define void @where(ptr %in, ptr %out, i64 %n) {\n  %p = ptrtoint ptr %in to i64\n"
                            "  store i64 %p, ptr %out\n  ret void\n}\n";
static const char PEEK[] = "define i64 @peek(i64 %x) {\n  %p = inttoptr i64 %x to ptr\n"
                           "  %v = load volatile i64, ptr %p\n  ret i64 %v\n}\n";

static driver_array_t
array(dtype_t dtype, uint64_t segment)
{
    int64_t n = N;
    driver_array_t self = driver_array(dtype, 1, &n);
    self.array.segment = segment;
    return self;
}

static void
run(oid_t session, uint32_t kernel, const driver_array_t *in, driver_array_t *out)
{
    driver_done_t done;
    check_ok(driver_run(suite_host, session, kernel, in, 1, out, 30, &done), done.err);
}

/* The map of a file that is gone, or of another one, would show. */
static void
kept_map_shows_what_the_array_holds_now(void **state)
{
    oid_t session = oid_new();
    uint32_t kernel = suite_compiled(session, DOUBLE, "");
    driver_array_t in[2] = {array(DTYPE_FLOAT64, 1), array(DTYPE_FLOAT64, 2)};
    driver_array_t out[2] = {array(DTYPE_FLOAT64, 3), array(DTYPE_FLOAT64, 4)};
    (void)state;
    for (int turn = 0; turn < 12; turn++) {
        driver_array_t *from = &in[turn % 2], *to = &out[turn / 2 % 2];
        if (turn == 8) {
            driver_array_free(from);
            *from = array(DTYPE_FLOAT64, 5);
        }
        double *x = (double *)(void *)from->data, *y = (double *)(void *)to->data;
        x[0] = turn;
        x[N - 1] = -turn;
        run(session, kernel, from, to);
        assert_true(y[0] == 2.0 * turn && y[N - 1] == -2.0 * turn);
    }
    double before = ((double *)(void *)out[0].data)[0];
    run(session, kernel, &out[0], &out[1]); /* what was written is read now, and the other way round */
    run(session, kernel, &out[1], &out[0]);
    assert_true(((double *)(void *)out[0].data)[0] == 4 * before);
    for (int i = 0; i < 2; i++) {
        driver_array_free(&in[i]);
        driver_array_free(&out[i]);
    }
}

static void
kernel_does_not_reach_arrays_of_earlier_calls(void **state)
{
    oid_t session = oid_new();
    uint32_t where = suite_compiled(session, WHERE, "void(const int64*, int64*, int64)");
    uint32_t peek = suite_compiled(session, PEEK, "int64(int64)");
    driver_array_t in = array(DTYPE_INT64, 1), other = array(DTYPE_INT64, 2), out = array(DTYPE_INT64, 3);
    driver_done_t done;
    (void)state;
    run(session, where, &in, &out);
    int64_t address = ((int64_t *)(void *)out.data)[0];
    for (int i = 0; i < N; i++)
        ((int64_t *)(void *)in.data)[i] = address;
    run(session, peek, &in, &out); /* an array of the call may be read so */
    assert_int_equal(((int64_t *)(void *)out.data)[1], address);
    for (int i = 0; i < N; i++)
        ((int64_t *)(void *)other.data)[i] = address;
    assert_int_equal(driver_run(suite_host, session, peek, &other, 1, &out, 30, &done), FH_KERNEL_FAULT);
    assert_int_equal(done.err.signal, SIGSEGV);
    assert_int_equal(done.err.address, address);
    driver_array_free(&in);
    driver_array_free(&other);
    driver_array_free(&out);
}

/* A file that is mapped for writing cannot be sealed against it. */
static bool
is_mapped(int fd)
{
    return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) != 0;
}

static void
maps_go_when_the_session_rests(void **state)
{
    oid_t session = oid_new();
    uint32_t kernel = suite_compiled(session, DOUBLE, "");
    driver_array_t in = array(DTYPE_FLOAT64, 1), out = array(DTYPE_FLOAT64, 2);
    int64_t deadline = clock_now_ns() + 20 * SECOND;
    (void)state;
    close(out.writable);
    munmap(out.data, out.size);
    out.writable = memfd_create("out", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(out.writable >= 0 && !ftruncate(out.writable, BYTES));
    run(session, kernel, &in, &out);
    assert_true(is_mapped(out.writable));
    while (is_mapped(out.writable))
        driver_turn(suite_host, deadline);
    out.data = mmap(NULL, out.size, PROT_READ, MAP_SHARED, out.writable, 0);
    driver_array_free(&in);
    driver_array_free(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_file_is_mapped_once_for_each_right),
        cmocka_unit_test(map_that_is_not_used_is_given_up),
        cmocka_unit_test(oldest_map_makes_room_but_none_of_the_same_call),
        cmocka_unit_test(bytes_of_all_maps_have_a_limit),
        cmocka_unit_test(what_the_runner_does_not_have_is_sent_again),
        cmocka_unit_test_setup_teardown(kept_map_shows_what_the_array_holds_now, suite_start, suite_stop),
        cmocka_unit_test_setup_teardown(kernel_does_not_reach_arrays_of_earlier_calls, suite_start, suite_stop),
        cmocka_unit_test_setup_teardown(maps_go_when_the_session_rests, suite_start, suite_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
