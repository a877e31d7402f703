/* engine/core_spill: what may go to disk, in which order, and how it comes back. */
#include "engine/core_spill.h"
#include "engine/spill.h"
#include "tests/support/check.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { BYTES = 1 << 20, ROOM = 8 /* arrays that fit */ };

typedef struct {
    core_t core;
    lane_t *lane;
    char folder[PATH_MAX];
} bench_t;

static int
start(void **state)
{
    static bench_t bench;
    err_t err;

    memset(&bench, 0, sizeof bench);
    check_folder_make(bench.folder);
    check_ok(core_init(&bench.core, ROOM * BYTES, "here/1", &err), err);
    check_ok(spill_new(&bench.core.spill, bench.folder, 4 * ROOM * BYTES, &err), err);
    pool_use_spill(bench.core.pool, bench.core.spill);
    check_ok(lanes_open(&bench.core.lanes, oid_new(), &bench.lane, &err), err);
    *state = &bench;
    return 0;
}

static int
stop(void **state)
{
    bench_t *bench = *state;

    core_release(&bench->core);
    check_folder_remove(bench->folder);
    return 0;
}

static pool_stats_t
stats(bench_t *bench)
{
    pool_stats_t ret;

    pool_stats(bench->core.pool, &ret);
    return ret;
}

static int
try_make(bench_t *bench, int value, oid_t *ret, err_t *err)
{
    shape_t shape = {1, {BYTES}};
    pin_t pin = {0};
    int status = core_make(&bench->core, bench->lane, DTYPE_UINT8, &shape, false, 0, &pin, err);

    *ret = oid_new();
    if (status)
        return status;
    memset(pin.nd.data, value, BYTES);
    segment_touch(pin.segment);
    return core_publish(&bench->core, bench->lane, *ret, &pin, false, err);
}

static oid_t
make(bench_t *bench, int value)
{
    oid_t id;
    err_t err;

    check_ok(try_make(bench, value, &id, &err), err);
    return id;
}

static void
make_many(bench_t *bench, int count, oid_t *ret)
{
    for (int i = 0; i < count; i++)
        ret[i] = make(bench, i);
}

static segment_where_t
where(bench_t *bench, oid_t id)
{
    return object_table_find(&bench->core.objects, id)->segment->where;
}

static pin_t
pin(bench_t *bench, oid_t id)
{
    pin_t ret = {0};
    err_t err;

    check_ok(core_pin(&bench->core, id, &ret, &err), err);
    return ret;
}

static void
check_value(bench_t *bench, oid_t id, int value)
{
    pin_t it = pin(bench, id);

    for (int i = 0; i < BYTES; i++)
        assert_int_equal((unsigned char)it.nd.data[i], value);
    pin_release(&it);
}

static void
coldest_goes_first(void **state)
{
    bench_t *bench = *state;
    oid_t ids[ROOM];

    make_many(bench, ROOM, ids);
    pin_t used = pin(bench, ids[0]);

    pin_release(&used); /* now 1 is the coldest */
    oid_t one_more = make(bench, 99);

    assert_int_equal(where(bench, ids[0]), SEGMENT_HERE);
    assert_int_equal(where(bench, ids[1]), SEGMENT_AWAY);
    assert_int_equal(where(bench, ids[2]), SEGMENT_HERE);
    assert_int_equal(stats(bench).used, ROOM * BYTES);
    assert_int_equal(stats(bench).spilled, BYTES);
    check_value(bench, one_more, 99);
}

static void
contents_come_back_where_they_were(void **state)
{
    bench_t *bench = *state;
    oid_t ids[3 * ROOM];

    make_many(bench, 3 * ROOM, ids);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 3 * ROOM; i++)
            check_value(bench, ids[i], i);
    assert_true(stats(bench).used <= ROOM * BYTES);
    assert_int_equal(stats(bench).used + stats(bench).spilled, 3 * ROOM * BYTES);
    assert_true(stats(bench).returned >= 2 * ROOM);
}

/* Loops write into segments without telling how far. */
static void
what_was_written_without_a_word_is_kept(void **state)
{
    bench_t *bench = *state;
    shape_t shape = {1, {BYTES}};
    oid_t ids[ROOM], last = oid_new(), none = oid_new();
    pin_t it = {0};
    err_t err;

    check_ok(core_make(&bench->core, bench->lane, DTYPE_UINT8, &shape, false, 0, &it, &err), err);
    memset(it.nd.data, 5, BYTES);
    check_ok(core_publish(&bench->core, bench->lane, last, &it, false, &err), err);
    check_ok(core_make(&bench->core, bench->lane, DTYPE_UINT8, &shape, false, 0, &it, &err), err);
    check_ok(core_publish(&bench->core, bench->lane, none, &it, false, &err), err);
    make_many(bench, ROOM, ids);
    assert_int_equal(where(bench, last), SEGMENT_AWAY);
    assert_int_equal(where(bench, none), SEGMENT_AWAY);
    assert_int_equal(spill_bytes(bench->core.spill), BYTES); /* what was never written takes no room */
    check_value(bench, last, 5);
    check_value(bench, none, 0);
}

static void
what_somebody_holds_stays(void **state)
{
    bench_t *bench = *state;
    oid_t ids[ROOM], mapping = oid_new(), another;
    pin_t call, map = {0};
    err_t err;

    make_many(bench, ROOM, ids);
    call = pin(bench, ids[0]);
    check_ok(core_freeze(&bench->core, bench->lane, ids[1], mapping, &map, &err), err);
    pin_release(&map);
    object_table_find(&bench->core.objects, ids[2])->segment->outsiders = 1;
    for (int i = 3; i < ROOM; i++) /* all others can go */
        (void)make(bench, 100 + i);
    for (int i = 0; i < 3; i++)
        assert_int_equal(where(bench, ids[i]), SEGMENT_HERE);
    for (int i = 3; i < ROOM; i++)
        assert_int_equal(where(bench, ids[i]), SEGMENT_AWAY);
    pin_t large[ROOM - 3];

    for (int i = 3; i < ROOM; i++) /* and now none can */
        large[i - 3] = pin(bench, ids[i]);
    check_fails(try_make(bench, 7, &another, &err), FH_LIMIT_EXCEEDED, err);
    check_contains(err.text, "could be spilled");
    for (int i = 3; i < ROOM; i++)
        pin_release(&large[i - 3]);
    pin_release(&call);
    object_table_find(&bench->core.objects, ids[2])->segment->outsiders = 0;
    (void)make(bench, 7);
}

static void
reactor_does_not_wait_for_the_disk(void **state)
{
    bench_t *bench = *state;
    oid_t ids[ROOM + 1], another;
    pin_t it = {0};
    err_t err;

    make_many(bench, ROOM + 1, ids);
    bench->core.reactor = pthread_self();
    bench->core.has_reactor = true;
    assert_int_equal(where(bench, ids[0]), SEGMENT_AWAY);
    check_fails(core_pin(&bench->core, ids[0], &it, &err), FH_BUSY, err);
    assert_null(it.segment);
    check_fails(core_freeze(&bench->core, bench->lane, ids[0], oid_new(), &it, &err), FH_BUSY, err);
    check_fails(try_make(bench, 1, &another, &err), FH_BUSY, err);
    bench->core.has_reactor = false;
    check_value(bench, ids[0], 0);
}

static void
spilled_array_that_is_dropped_leaves_nothing(void **state)
{
    bench_t *bench = *state;
    oid_t ids[2 * ROOM];

    make_many(bench, 2 * ROOM, ids);
    pthread_mutex_lock(&bench->core.lock);
    for (int i = 0; i < 2 * ROOM; i++)
        object_table_drop(&bench->core.objects, &bench->lane->owner, ids[i]);
    pthread_mutex_unlock(&bench->core.lock);
    pool_reap(bench->core.pool);
    assert_int_equal(stats(bench).used, 0);
    assert_int_equal(stats(bench).spilled, 0);
    assert_int_equal(spill_bytes(bench->core.spill), 0);
}

static void
what_cannot_be_read_is_an_error_each_time(void **state)
{
    bench_t *bench = *state;
    oid_t ids[ROOM + 1];
    pin_t it = {0};
    err_t err;

    make_many(bench, ROOM + 1, ids);
    const segment_t *segment = object_table_find(&bench->core.objects, ids[0])->segment;

    assert_int_equal(ftruncate(segment->away_fd, BYTES / 2), 0);
    for (int i = 0; i < 2; i++) {
        check_fails(core_pin(&bench->core, ids[0], &it, &err), FH_IO_ERROR, err);
        assert_null(it.segment);
        assert_int_equal(where(bench, ids[0]), SEGMENT_AWAY);
        assert_int_equal(stats(bench).used + stats(bench).spilled, (ROOM + 1) * BYTES);
    }
    for (int i = 1; i < ROOM + 1; i++)
        check_value(bench, ids[i], i);
}

/* Several threads use arrays, as streams do beside the compute thread. */
enum { THREADS = 4, ROUNDS = 60 };

typedef struct {
    bench_t *bench;
    const oid_t *ids;
    uint64_t random;
    int wrong;
} user_t;

static void *
use_arrays(void *context)
{
    user_t *self = context;

    for (int i = 0; i < ROUNDS; i++) {
        int number = (int)(check_random(&self->random) % (2 * ROOM));
        pin_t it = {0};
        err_t err;

        if (core_pin(&self->bench->core, self->ids[number], &it, &err)) {
            self->wrong++;
            continue;
        }
        for (int k = 0; k < BYTES; k += 509)
            self->wrong += (unsigned char)it.nd.data[k] != number;
        pin_release(&it);
    }
    return NULL;
}

static void
threads_find_their_arrays(void **state)
{
    bench_t *bench = *state;
    oid_t ids[2 * ROOM];
    user_t users[THREADS];
    pthread_t threads[THREADS];
    uint64_t seed = check_seed();

    make_many(bench, 2 * ROOM, ids);
    for (int i = 0; i < THREADS; i++) {
        users[i] = (user_t){bench, ids, seed + (uint64_t)i, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, use_arrays, &users[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(users[i].wrong, 0);
    }
    assert_true(stats(bench).used <= (ROOM + 1) * BYTES);
    assert_int_equal(stats(bench).used + stats(bench).spilled, 2 * ROOM * BYTES);
}

/* With memory and disk full, arrays still change places. */
static void
full_disk_loses_nothing(void **state)
{
    bench_t *bench = *state;
    oid_t ids[6 * ROOM];
    int n = 0, status;
    err_t err;

    do
        status = try_make(bench, n, &ids[n], &err);
    while (!status && ++n < 6 * ROOM);
    assert_int_equal(status, FH_LIMIT_EXCEEDED);
    check_contains(err.text, "--spill-limit");
    assert_int_equal(n, 5 * ROOM);
    for (int i = 0; i < n; i++)
        check_value(bench, ids[i], i);
    assert_true(stats(bench).used <= (ROOM + 1) * BYTES);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(coldest_goes_first),
        TEST(contents_come_back_where_they_were),
        TEST(what_was_written_without_a_word_is_kept),
        TEST(what_somebody_holds_stays),
        TEST(reactor_does_not_wait_for_the_disk),
        TEST(spilled_array_that_is_dropped_leaves_nothing),
        TEST(what_cannot_be_read_is_an_error_each_time),
        TEST(threads_find_their_arrays),
        TEST(full_disk_loses_nothing),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
