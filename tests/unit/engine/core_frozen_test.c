/* engine/object_table, engine/core_frozen: mappings freeze, account for, and outlive what they show. */
#include "engine/compute/compute.h"
#include "engine/core.h"
#include "tests/support/check.h"

#include <string.h>

enum { BYTES = 1 << 20 };

typedef struct {
    core_t core;
    crew_t *crew;
    lane_t *lane, *other;
} bench_t;

static int
start(void **state)
{
    static bench_t bench;
    err_t err;

    memset(&bench, 0, sizeof bench);
    check_ok(core_init(&bench.core, 16 * BYTES, "here/1", &err), err);
    check_ok(crew_new(&bench.crew, 1, &err), err);
    check_ok(lanes_open(&bench.core.lanes, oid_new(), &bench.lane, &err), err);
    check_ok(lanes_open(&bench.core.lanes, oid_new(), &bench.other, &err), err);
    *state = &bench;
    return 0;
}

static int
stop(void **state)
{
    bench_t *bench = *state;

    crew_destroy(&bench->crew);
    core_release(&bench->core);
    return 0;
}

static pool_stats_t
stats(bench_t *bench)
{
    pool_stats_t ret;

    pool_stats(bench->core.pool, &ret);
    return ret;
}

/* Bytes, all of this value. */
static oid_t
make(bench_t *bench, int value)
{
    shape_t shape = {1, {BYTES}};
    oid_t id = oid_new();
    pin_t pin = {0};
    err_t err;

    check_ok(core_make(&bench->core, bench->lane, DTYPE_UINT8, &shape, false, 0, &pin, &err), err);
    memset(pin.nd.data, value, BYTES);
    segment_touch(pin.segment);
    check_ok(core_publish(&bench->core, bench->lane, id, &pin, false, &err), err);
    return id;
}

static oid_t
freeze(bench_t *bench, lane_t *lane, oid_t array)
{
    oid_t id = oid_new();
    pin_t pin = {0};
    err_t err;

    check_ok(core_freeze(&bench->core, lane, array, id, &pin, &err), err);
    pin_release(&pin);
    return id;
}

static void
drop(bench_t *bench, const lane_t *lane, oid_t id)
{
    object_table_drop(&bench->core.objects, &lane->owner, id);
}

static object_t *
find(bench_t *bench, oid_t id)
{
    return object_table_find(&bench->core.objects, id);
}

/* Write its first byte as a call does.  Returns the status. */
static int
write_first(bench_t *bench, oid_t array, int value, crew_t *crew)
{
    pin_t pin = {0};
    err_t err;

    check_ok(core_pin(&bench->core, array, &pin, &err), err);
    int status = core_begin_write(&bench->core, crew, &pin, &err);

    if (!status)
        pin.nd.data[0] = (char)value;
    pin_release(&pin);
    return status;
}

static void
write_goes_to_a_copy_that_all_views_see(void **state)
{
    bench_t *bench = *state;
    oid_t array = make(bench, 7), view = oid_new(), other = make(bench, 9);
    pin_t pin = {0};
    err_t err;

    check_ok(core_pin(&bench->core, array, &pin, &err), err);
    segment_t *before = pin.segment, *elsewhere = find(bench, other)->segment;

    check_ok(core_publish(&bench->core, bench->lane, view, &pin, true, &err), err);
    oid_t mapping = freeze(bench, bench->lane, array);

    /* Where there is no time for a copy nothing happens. */
    assert_int_equal(write_first(bench, array, 1, NULL), FH_BUSY);
    assert_ptr_equal(find(bench, array)->segment, before);
    assert_int_equal(write_first(bench, view, 1, bench->crew), FH_OK);
    assert_ptr_equal(find(bench, mapping)->segment, before);
    assert_true(before->data[0] == 7 && before->data[BYTES - 1] == 7);
    segment_t *after = find(bench, array)->segment;

    assert_ptr_not_equal(after, before);
    assert_ptr_equal(find(bench, view)->segment, after);
    assert_ptr_equal(find(bench, other)->segment, elsewhere);
    assert_true(after->data[0] == 1 && after->data[BYTES - 1] == 7);
    /* The copy is not frozen. */
    assert_int_equal(write_first(bench, array, 2, NULL), FH_OK);
    assert_int_equal(stats(bench).used, 3 * BYTES);
}

static void
what_a_client_writes_itself_cannot_be_frozen(void **state)
{
    bench_t *bench = *state;
    oid_t array = make(bench, 7), writer = oid_new(), frozen = make(bench, 8);
    pin_t pin = {0};
    err_t err;

    check_ok(core_open_to_writer(&bench->core, bench->lane, array, writer, &pin, &err), err);
    const segment_t *before = pin.segment;

    pin_release(&pin);
    check_fails(core_freeze(&bench->core, bench->lane, array, oid_new(), &pin, &err), FH_NOT_SUPPORTED, err);
    pin_release(&pin);
    assert_int_equal(write_first(bench, array, 1, bench->crew), FH_OK);
    assert_ptr_equal(find(bench, array)->segment, before);
    drop(bench, bench->lane, writer);
    (void)freeze(bench, bench->lane, array);
    /* And what is frozen is not opened. */
    (void)freeze(bench, bench->lane, frozen);
    check_fails(core_open_to_writer(&bench->core, bench->lane, frozen, oid_new(), &pin, &err), FH_NOT_SUPPORTED, err);
    pin_release(&pin);
}

static void
memory_whose_writer_has_vanished_is_not_used_again(void **state)
{
    bench_t *bench = *state;
    oid_t array = make(bench, 7);
    pin_t pin = {0};
    err_t err;

    check_ok(core_open_to_writer(&bench->core, bench->lane, array, oid_new(), &pin, &err), err);
    pin_release(&pin);
    object_table_disown(&bench->core.objects, &bench->lane->owner);
    assert_int_equal(stats(bench).used, 0);
    assert_int_equal(stats(bench).cached, 0);
}

static void
pin_from_before_follows_the_array(void **state)
{
    bench_t *bench = *state;
    oid_t array = make(bench, 7);
    pin_t pin = {0};
    err_t err;

    check_ok(core_pin(&bench->core, array, &pin, &err), err);
    (void)freeze(bench, bench->lane, array);
    assert_int_equal(write_first(bench, array, 1, bench->crew), FH_OK);
    check_ok(core_begin_write(&bench->core, NULL, &pin, &err), err);
    assert_ptr_equal(pin.segment, find(bench, array)->segment);
    assert_int_equal(pin.nd.data[0], 1);
    pin_release(&pin);
}

static void
what_is_being_written_cannot_be_frozen(void **state)
{
    bench_t *bench = *state;
    oid_t array = make(bench, 7);
    pin_t pin = {0}, other = {0};
    err_t err;

    check_ok(core_pin(&bench->core, array, &pin, &err), err);
    check_ok(core_begin_write(&bench->core, NULL, &pin, &err), err);
    check_ok(core_begin_write(&bench->core, NULL, &pin, &err), err); /* counts once */
    check_fails(core_freeze(&bench->core, bench->other, array, oid_new(), &other, &err), FH_NOT_SUPPORTED, err);
    pin_release(&other);
    pin_release(&pin);
    (void)freeze(bench, bench->other, array);
}

static void
mapping_accounts_for_memory_that_no_array_has(void **state)
{
    bench_t *bench = *state;
    oid_t array = make(bench, 7), first = freeze(bench, bench->lane, array), second = freeze(bench, bench->lane, array);

    assert_int_equal(object_bytes(find(bench, first)) + object_bytes(find(bench, second)), 0);
    while (object_table_next_new(&bench->core.objects))
        continue;
    drop(bench, bench->lane, array);
    assert_int_equal(object_bytes(find(bench, first)) + object_bytes(find(bench, second)), BYTES);
    /* The broker hears of that. */
    const object_t *news = object_table_next_new(&bench->core.objects);

    assert_non_null(news);
    assert_int_equal(object_bytes(news), BYTES);
    assert_null(object_table_next_new(&bench->core.objects));
    drop(bench, bench->lane, news->id);
    assert_int_equal(object_bytes(object_table_next_new(&bench->core.objects)), BYTES);
    drop(bench, bench->lane, first);
    drop(bench, bench->lane, second);
    assert_int_equal(bench->core.objects.gone_count, 3);
    assert_int_equal(stats(bench).used, 0);
    assert_int_equal(stats(bench).cached, BYTES);
}

static void
changed_mapping_that_goes_before_it_is_news_is_told_to_be_gone(void **state)
{
    bench_t *bench = *state;
    oid_t array = make(bench, 7), mapping = freeze(bench, bench->lane, array);

    while (object_table_next_new(&bench->core.objects))
        continue;
    drop(bench, bench->lane, array);
    drop(bench, bench->lane, mapping);
    assert_null(object_table_next_new(&bench->core.objects));
    assert_int_equal(bench->core.objects.gone_count, 2);
}

static void
memory_that_a_vanished_session_has_mapped_is_not_kept(void **state)
{
    bench_t *bench = *state;
    oid_t array = make(bench, 7);
    segment_t *before = find(bench, array)->segment;

    (void)freeze(bench, bench->other, array);
    object_table_disown(&bench->core.objects, &bench->other->owner);
    assert_true(segment_is_frozen(before));
    assert_int_equal(write_first(bench, array, 1, bench->crew), FH_OK);
    assert_ptr_not_equal(find(bench, array)->segment, before);
    assert_int_equal(stats(bench).used, BYTES);
    assert_int_equal(stats(bench).cached, 0);
}

static void
mapping_that_was_released_sets_its_memory_free(void **state)
{
    bench_t *bench = *state;
    oid_t array = make(bench, 7), mapping = freeze(bench, bench->other, array);

    drop(bench, bench->other, mapping);
    assert_int_equal(write_first(bench, array, 1, NULL), FH_OK);
    mapping = freeze(bench, bench->other, array);
    object_table_abandon(&bench->core.objects, &bench->lane->owner, mapping); /* not its owner */
    drop(bench, bench->other, mapping);
    assert_int_equal(write_first(bench, array, 1, NULL), FH_OK);
    mapping = freeze(bench, bench->other, array);
    object_table_abandon(&bench->core.objects, &bench->other->owner, mapping);
    drop(bench, bench->other, mapping);
    assert_int_equal(write_first(bench, array, 1, NULL), FH_BUSY);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(write_goes_to_a_copy_that_all_views_see, start, stop),
        cmocka_unit_test_setup_teardown(what_a_client_writes_itself_cannot_be_frozen, start, stop),
        cmocka_unit_test_setup_teardown(memory_whose_writer_has_vanished_is_not_used_again, start, stop),
        cmocka_unit_test_setup_teardown(pin_from_before_follows_the_array, start, stop),
        cmocka_unit_test_setup_teardown(what_is_being_written_cannot_be_frozen, start, stop),
        cmocka_unit_test_setup_teardown(mapping_accounts_for_memory_that_no_array_has, start, stop),
        cmocka_unit_test_setup_teardown(changed_mapping_that_goes_before_it_is_news_is_told_to_be_gone, start, stop),
        cmocka_unit_test_setup_teardown(memory_that_a_vanished_session_has_mapped_is_not_kept, start, stop),
        cmocka_unit_test_setup_teardown(mapping_that_was_released_sets_its_memory_free, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
