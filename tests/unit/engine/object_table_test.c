/* engine/object_table: owners, publication, poison, pins, news. */
#include "engine/object_table.h"
#include "tests/support/check.h"

#include <string.h>

typedef struct {
    pool_t *pool;
    object_table_t table;
    owner_t owner, other;
} bench_t;

static int
start(void **state)
{
    static bench_t bench;
    err_t err;

    memset(&bench, 0, sizeof bench);
    check_ok(pool_new(&bench.pool, 1 << 20, &err), err);
    bench.owner.session = oid_new();
    bench.other.session = oid_new();
    *state = &bench;
    return 0;
}

static int
stop(void **state)
{
    bench_t *bench = *state;

    object_table_release(&bench->table);
    pool_destroy(&bench->pool);
    return 0;
}

static int
add(bench_t *bench, owner_t *owner, oid_t id, err_t *err)
{
    shape_t shape = {1, {4}};
    segment_t *segment;
    nd_t nd;

    check_ok(pool_take(bench->pool, 32, owner->session, 0, &segment, err), *err);
    nd_init(&nd, segment->data, DTYPE_FLOAT64, &shape);
    int status = object_table_add_array(&bench->table, owner, id, &segment, &nd, false, err);

    assert_null(segment);
    return status;
}

static oid_t
add_new(bench_t *bench, owner_t *owner)
{
    oid_t id = oid_new();
    err_t err;

    check_ok(add(bench, owner, id, &err), err);
    return id;
}

static int64_t
used(bench_t *bench)
{
    pool_stats_t stats;

    pool_stats(bench->pool, &stats);
    return stats.used;
}

static void
object_is_what_was_added(void **state)
{
    bench_t *bench = *state;
    const object_t *object = object_table_find(&bench->table, add_new(bench, &bench->owner));
    nd_t nd;

    assert_non_null(object);
    object_nd(object, &nd);
    assert_int_equal(nd.dtype, DTYPE_FLOAT64);
    assert_int_equal(nd.shape.ndim, 1);
    assert_int_equal(nd.shape.extent[0], 4);
    assert_int_equal(nd.stride[0], 8);
    assert_ptr_equal(nd.data, object->segment->data);
}

static void
id_is_given_once(void **state)
{
    bench_t *bench = *state;
    oid_t id = add_new(bench, &bench->owner);
    int64_t before = used(bench);
    err_t err;

    check_fails(add(bench, &bench->other, id, &err), FH_INVALID_ARGUMENT, err);
    check_fails(add(bench, &bench->other, OID_NONE, &err), FH_INVALID_ARGUMENT, err);
    assert_int_equal(used(bench), before);
}

static void
only_the_owner_drops_an_object(void **state)
{
    bench_t *bench = *state;
    oid_t id = add_new(bench, &bench->owner);

    object_table_drop(&bench->table, &bench->other, id);
    assert_non_null(object_table_find(&bench->table, id));
    object_table_drop(&bench->table, &bench->owner, id);
    assert_null(object_table_find(&bench->table, id));
    object_table_drop(&bench->table, &bench->owner, id);
    assert_int_equal(used(bench), 0);
}

static void
memory_of_a_pinned_object_outlives_it(void **state)
{
    bench_t *bench = *state;
    oid_t id = add_new(bench, &bench->owner);
    segment_t *pin = segment_ref(object_table_find(&bench->table, id)->segment);

    object_table_drop(&bench->table, &bench->owner, id);
    assert_true(used(bench) > 0);
    pin->data[0] = 1;
    segment_unref(&pin);
    assert_int_equal(used(bench), 0);
}

static void
published_object_stays_until_it_is_neither_owned_nor_kept(void **state)
{
    bench_t *bench = *state;
    oid_t a = add_new(bench, &bench->owner), b = add_new(bench, &bench->owner), c = add_new(bench, &bench->owner);

    object_table_keep(&bench->table, a, true);
    object_table_keep(&bench->table, b, true);
    object_table_keep(&bench->table, oid_new(), true);
    object_table_keep(&bench->table, b, false); /* still owned */
    object_table_drop(&bench->table, &bench->owner, a);
    assert_non_null(object_table_find(&bench->table, a));
    assert_non_null(object_table_find(&bench->table, b));
    object_table_disown(&bench->table, &bench->owner);
    assert_non_null(object_table_find(&bench->table, a));
    assert_null(object_table_find(&bench->table, b));
    assert_null(object_table_find(&bench->table, c));
    assert_int_equal(bench->owner.count, 0);
    object_table_keep(&bench->table, a, false);
    assert_null(object_table_find(&bench->table, a));
}

static void
poisoned_object_holds_the_error(void **state)
{
    bench_t *bench = *state;
    err_t poison = {0}, err;
    oid_t id = oid_new();
    buf_t *buf;

    (void)err_set(&poison, FH_OVERFLOW, "too much");
    check_ok(buf_new_copy(&buf, &poison, sizeof poison, &err), err);
    check_ok(object_table_add_poisoned(&bench->table, &bench->owner, id, buf, &err), err);
    buf_unref(&buf);
    const object_t *object = object_table_find(&bench->table, id);

    assert_int_equal(((const err_t *)buf_data(object->poison))->status, FH_OVERFLOW);
    assert_int_equal(object_bytes(object), 0);
}

static void
news_tell_of_what_stayed_only(void **state)
{
    bench_t *bench = *state;
    oid_t gone = add_new(bench, &bench->owner), stays = add_new(bench, &bench->owner);

    object_table_drop(&bench->table, &bench->owner, gone);
    assert_true(oid_equal(object_table_next_new(&bench->table)->id, stays));
    assert_null(object_table_next_new(&bench->table));
    assert_int_equal(bench->table.gone_count, 0);
    object_table_drop(&bench->table, &bench->owner, stays);
    assert_int_equal(bench->table.gone_count, 1);
    assert_true(oid_equal(bench->table.gone[0], stays));
}

static void
all_is_news_again_after_announcing_all(void **state)
{
    bench_t *bench = *state;
    oid_t gone = add_new(bench, &bench->owner);
    int met = 0;

    for (int i = 0; i < 10; i++)
        (void)add_new(bench, &bench->owner);
    while (object_table_next_new(&bench->table))
        met++;
    assert_int_equal(met, 11);
    object_table_drop(&bench->table, &bench->owner, gone);
    (void)add_new(bench, &bench->owner); /* not told yet */
    object_table_announce_all(&bench->table);
    assert_int_equal(bench->table.gone_count, 0);
    for (met = 0; object_table_next_new(&bench->table);)
        met++;
    assert_int_equal(met, 11);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(object_is_what_was_added, start, stop),
        cmocka_unit_test_setup_teardown(id_is_given_once, start, stop),
        cmocka_unit_test_setup_teardown(only_the_owner_drops_an_object, start, stop),
        cmocka_unit_test_setup_teardown(memory_of_a_pinned_object_outlives_it, start, stop),
        cmocka_unit_test_setup_teardown(published_object_stays_until_it_is_neither_owned_nor_kept, start, stop),
        cmocka_unit_test_setup_teardown(poisoned_object_holds_the_error, start, stop),
        cmocka_unit_test_setup_teardown(news_tell_of_what_stayed_only, start, stop),
        cmocka_unit_test_setup_teardown(all_is_news_again_after_announcing_all, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
