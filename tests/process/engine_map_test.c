/* Arrays that clients map: where they lie, that they stay as they were, and what a hostile client can ask for. */
#include "tests/process/engine_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { N = 1 << 18, BYTES = N * 8 };

static int
start(void **state)
{
    static engine_rig_t rig;
    static const char *const OPTIONS[] = {"--memory", "64M", NULL};

    engine_rig_start(&rig, 1, OPTIONS);
    *state = &rig;
    return 0;
}

static int
stop(void **state)
{
    engine_rig_stop(*state);
    return 0;
}

static oid_t
ask(caller_t *caller, oid_t object, oid_t mapping)
{
    (void)caller_send(caller, &(message_t){.code = MSG_MAP, .as.MAP = {.object = object, .result = mapping}}, NULL, 0);
    return mapping;
}

/* 2 MiB in two parts: element i is start + i. */
static oid_t
make(caller_t *caller, double begin)
{
    static double values[N / 2];
    oid_t id = caller_array(caller, DTYPE_FLOAT64, N, NULL);

    for (int part = 0; part < 2; part++) {
        for (int i = 0; i < N / 2; i++)
            values[i] = begin + part * (N / 2) + i;
        (void)caller_send(
            caller,
            &(message_t){.code = MSG_WRITE, .as.WRITE = {.object = id, .offset = (uint64_t)part * sizeof values}},
            values, sizeof values);
    }
    return id;
}

/* Map it as a client would. */
static double *
map(caller_t *caller, oid_t object, oid_t *ret_mapping)
{
    message_t located;
    char path[64];

    *ret_mapping = ask(caller, object, oid_new());
    caller_expect(caller, MSG_LOCATED, &located);
    (void)snprintf(path, sizeof path, "/proc/%llu/fd/%llu", (unsigned long long)located.as.LOCATED.pid,
                   (unsigned long long)located.as.LOCATED.fd);
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(located.as.LOCATED.offset, 0);
    double *data = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

    assert_true(data != MAP_FAILED);
    close(fd);
    return data;
}

static void
expect_values(const double *data, double begin)
{
    for (int i = 0; i < N; i++)
        if (data[i] != begin + i)
            fail_msg("element %d is %g", i, data[i]);
}

static void
write_element(caller_t *caller, oid_t object, uint64_t offset, double value)
{
    (void)caller_send(caller, &(message_t){.code = MSG_WRITE, .as.WRITE = {.object = object, .offset = offset}}, &value,
                      sizeof value);
}

static void
mapped_memory_is_left_alone_by_writes(void **state)
{
    caller_t caller;
    oid_t mapping;
    double got[4];

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t array = make(&caller, 5), view = caller_view(&caller, array, 16, 100, 16);
    double *data = map(&caller, array, &mapping);

    write_element(&caller, array, 0, -1);
    write_element(&caller, view, 0, -2); /* not contiguous: another way through the engine */
    write_element(&caller, array, 8, -3);
    caller_fetch(&caller, array, got, sizeof got);
    assert_true(got[0] == -1 && got[1] == -3 && got[2] == -2 && got[3] == 8);
    caller_fetch(&caller, view, got, 2 * sizeof *got);
    assert_true(got[0] == -2 && got[1] == 9);
    expect_values(data, 5);
    munmap(data, BYTES);
    caller_release(&caller, mapping);
    caller_leave(&caller);
}

static void
memory_is_counted_and_used_again_after_the_release_only(void **state)
{
    caller_t caller;
    oid_t mapping;

    caller_open(&caller, *state, 0, OID_NONE, false);
    int64_t before = caller_stat(&caller, "used"), recycled;
    oid_t array = make(&caller, 0);
    double *data = map(&caller, array, &mapping);

    caller_release(&caller, array);
    assert_int_equal(caller_stat(&caller, "used"), before + BYTES);
    for (int i = 1; i < 5; i++) {
        oid_t other = make(&caller, i);

        expect_values(data, 0);
        caller_release(&caller, other);
    }
    munmap(data, BYTES);
    caller_release(&caller, mapping);
    assert_int_equal(caller_stat(&caller, "used"), before);
    assert_int_equal(caller_stat(&caller, "objects"), 0);
    recycled = caller_stat(&caller, "recycled");
    array = make(&caller, 0);
    assert_int_equal(caller_stat(&caller, "recycled"), recycled + 1);
    caller_leave(&caller);
}

static void
memory_of_a_vanished_session_is_never_written(void **state)
{
    caller_t caller, other;
    oid_t mapping;

    caller_open(&caller, *state, 0, OID_NONE, false);
    caller_open(&other, *state, 0, OID_NONE, false);
    int64_t cached = caller_stat(&other, "cached");
    oid_t array = make(&other, 3);

    caller_sync(&other);
    double *data = map(&caller, array, &mapping), got;

    caller_leave(&caller);
    write_element(&other, array, 0, -1);
    caller_fetch(&other, array, &got, sizeof got);
    assert_true(got == -1);
    expect_values(data, 3);
    caller_release(&other, array);
    assert_true(caller_stat(&other, "cached") <= cached + BYTES); /* the copy; the mapped one is not kept */
    for (int i = 0; i < 4; i++)
        (void)make(&other, 100 + i);
    caller_sync(&other);
    expect_values(data, 3);
    munmap(data, BYTES);
    caller_leave(&other);
}

static void
abandoned_mapping_is_not_used_again(void **state)
{
    caller_t caller;
    oid_t mapping;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t array = make(&caller, 1);
    double *data = map(&caller, array, &mapping);

    (void)caller_send(
        &caller, &(message_t){.code = MSG_RELEASE, .as.RELEASE = {.objects = {&mapping, 1}, .abandon = true}}, NULL, 0);
    write_element(&caller, array, 8, -1);
    caller_release(&caller, array);
    for (int i = 0; i < 4; i++)
        (void)make(&caller, 100 + i);
    caller_sync(&caller);
    expect_values(data, 1);
    munmap(data, BYTES);
    caller_leave(&caller);
    caller_open(&caller, *state, 0, OID_NONE, false);
    caller_wait_stat(&caller, "used", 0);
    caller_leave(&caller);
}

static void
what_cannot_be_mapped_is_refused(void **state)
{
    caller_t caller;
    oid_t taken;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t small = caller_doubles(&caller, 10, 0, 1), array = make(&caller, 0);
    oid_t poisoned = caller_binary(&caller, "add", small, oid_new());

    (void)ask(&caller, small, oid_new());
    caller_expect_error(&caller, FH_NOT_SUPPORTED, NULL);
    (void)ask(&caller, oid_new(), oid_new());
    caller_expect_error(&caller, FH_NO_SUCH_OBJECT, NULL);
    (void)ask(&caller, poisoned, oid_new());
    caller_expect_error(&caller, FH_NO_SUCH_OBJECT, NULL);
    (void)ask(&caller, array, array);
    caller_expect_error(&caller, FH_INVALID_ARGUMENT, NULL);
    (void)ask(&caller, array, OID_NONE);
    caller_expect_error(&caller, FH_INVALID_ARGUMENT, NULL);
    double *data = map(&caller, array, &taken);

    (void)ask(&caller, array, taken);
    caller_expect_error(&caller, FH_INVALID_ARGUMENT, NULL);
    /* A mapping is no array. */
    (void)ask(&caller, taken, oid_new());
    caller_expect_error(&caller, FH_WRONG_TYPE, NULL);
    (void)caller_ask(&caller, taken, 8);
    caller_expect_error(&caller, FH_WRONG_TYPE, NULL);
    expect_values(data, 0);
    munmap(data, BYTES);
    caller_leave(&caller);
    caller_open(&caller, *state, 0, OID_NONE, false);
    caller_wait_stat(&caller, "used", 0);
    caller_leave(&caller);
}

static void
stranger_cannot_release_a_mapping(void **state)
{
    caller_t caller, other;
    oid_t mapping;

    caller_open(&caller, *state, 0, OID_NONE, false);
    caller_open(&other, *state, 0, OID_NONE, false);
    oid_t array = make(&caller, 2);
    double *data = map(&caller, array, &mapping);

    caller_release(&other, mapping);
    caller_sync(&other);
    write_element(&caller, array, 0, -1);
    caller_sync(&caller);
    expect_values(data, 2);
    munmap(data, BYTES);
    caller_leave(&other);
    caller_leave(&caller);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mapped_memory_is_left_alone_by_writes),
        cmocka_unit_test(memory_is_counted_and_used_again_after_the_release_only),
        cmocka_unit_test(memory_of_a_vanished_session_is_never_written),
        cmocka_unit_test(abandoned_mapping_is_not_used_again),
        cmocka_unit_test(what_cannot_be_mapped_is_refused),
        cmocka_unit_test(stranger_cannot_release_a_mapping),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
