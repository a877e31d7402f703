/* engine/core: whose memory becomes a result's, when its client needs it no more (core_take_over). */
#include "engine/core.h"
#include "tests/support/check.h"

#include <string.h>

enum { COUNT = 1 << 17, BYTES = 8 * COUNT, ROOM = 16 * BYTES };

typedef struct {
    core_t core;
    lane_t *lane, *other;
} bench_t;

static int
start(void **state)
{
    static bench_t bench;
    err_t err;

    memset(&bench, 0, sizeof bench);
    check_ok(core_init(&bench.core, ROOM, "here/1", &err), err);
    check_ok(lanes_open(&bench.core.lanes, oid_new(), &bench.lane, &err), err);
    check_ok(lanes_open(&bench.core.lanes, oid_new(), &bench.other, &err), err);
    *state = &bench;
    return 0;
}

static int
stop(void **state)
{
    bench_t *bench = *state;

    core_release(&bench->core);
    return 0;
}

/* An array of doubles, all of this value, with `first` elements of its whole before it. */
static oid_t
make(bench_t *bench, double value, uint64_t first)
{
    shape_t shape = {1, {COUNT}};
    oid_t id = oid_new();
    pin_t pin = {0};
    err_t err;

    check_ok(core_make_piece(&bench->core, bench->lane, id, DTYPE_FLOAT64, &shape, first, 0, &pin, &err), err);
    for (int i = 0; i < COUNT; i++)
        ((double *)(void *)pin.nd.data)[i] = value;
    segment_touch(pin.segment);
    check_ok(core_publish(&bench->core, bench->lane, id, &pin, false, &err), err);
    return id;
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
drop(bench_t *bench, oid_t id)
{
    pthread_mutex_lock(&bench->core.lock);
    object_table_drop(&bench->core.objects, &bench->lane->owner, id);
    pthread_mutex_unlock(&bench->core.lock);
}

/* Is the memory given?  If so it is given back at once. */
static bool
takes(bench_t *bench, const lane_t *lane, const pin_t *dying, dtype_t dtype, uint64_t first)
{
    pin_t taken = {0};
    bool given = core_take_over(&bench->core, lane, dying, dtype, first, &taken);

    if (given) {
        assert_ptr_equal(taken.nd.data, dying->nd.data);
        assert_int_equal(taken.nd.dtype, dtype);
        assert_true(taken.writes);
    } else {
        assert_null(taken.segment);
    }
    pin_release(&taken);
    return given;
}

static void
a_result_has_the_memory_when_its_input_is_gone(void **state)
{
    bench_t *bench = *state;
    oid_t old = make(bench, 3, 0), new = oid_new();
    pin_t dying = pin(bench, old), taken = {0};
    err_t err;

    assert_true(core_take_over(&bench->core, bench->lane, &dying, DTYPE_INT64, 0, &taken));
    const char *memory = dying.nd.data;

    assert_ptr_equal(taken.nd.data, memory);
    assert_true(shape_equal(&taken.nd.shape, &dying.nd.shape));
    assert_true(nd_is_c_contiguous(&taken.nd));
    /* It is being written: nobody can freeze it, or take it once more. */
    pin_t mapped = {0};
    oid_t mapping = oid_new();

    assert_int_not_equal(core_freeze(&bench->core, bench->lane, old, mapping, &mapped, &err), FH_OK);
    pin_release(&mapped);
    assert_false(takes(bench, bench->lane, &dying, DTYPE_FLOAT64, 0));
    for (int i = 0; i < COUNT; i++)
        ((int64_t *)(void *)taken.nd.data)[i] = i;
    check_ok(core_publish(&bench->core, bench->lane, new, &taken, false, &err), err);
    pin_release(&dying);
    drop(bench, old);
    dying = pin(bench, new);
    assert_ptr_equal(dying.nd.data, memory);
    assert_int_equal(dying.nd.dtype, DTYPE_INT64);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(((int64_t *)(void *)dying.nd.data)[i], i);
    pin_release(&dying);
    /* And the new one can be taken in its turn. */
    dying = pin(bench, new);
    assert_true(takes(bench, bench->lane, &dying, DTYPE_FLOAT64, 0));
    pin_release(&dying);
}

static void
memory_that_was_given_back_is_the_inputs_again(void **state)
{
    bench_t *bench = *state;
    oid_t id = make(bench, 5, 0), mapping = oid_new();
    pin_t dying = pin(bench, id), mapped = {0};
    err_t err;

    assert_true(takes(bench, bench->lane, &dying, DTYPE_FLOAT64, 0));
    pin_release(&dying);
    check_ok(core_freeze(&bench->core, bench->lane, id, mapping, &mapped, &err), err);
    assert_true(*(double *)(void *)mapped.nd.data == 5);
    pin_release(&mapped);
}

static void
what_others_see_is_not_taken(void **state)
{
    bench_t *bench = *state;
    oid_t id = make(bench, 1, 0), view = oid_new(), mapping = oid_new();
    pin_t dying = pin(bench, id), other = pin(bench, id);
    err_t err;

    assert_false(takes(bench, bench->lane, &dying, DTYPE_FLOAT64, 0)); /* two pins */
    pin_release(&other);
    assert_true(takes(bench, bench->lane, &dying, DTYPE_FLOAT64, 0));
    assert_false(takes(bench, bench->other, &dying, DTYPE_FLOAT64, 0)); /* another session's */

    other = pin(bench, id);
    check_ok(core_publish(&bench->core, bench->lane, view, &other, true, &err), err);
    assert_false(takes(bench, bench->lane, &dying, DTYPE_FLOAT64, 0)); /* a view */
    pin_t of_view = pin(bench, view);

    assert_false(takes(bench, bench->lane, &of_view, DTYPE_FLOAT64, 0));
    pin_release(&of_view);
    drop(bench, view);
    assert_true(takes(bench, bench->lane, &dying, DTYPE_FLOAT64, 0));

    pthread_mutex_lock(&bench->core.lock);
    object_table_find(&bench->core.objects, id)->kept = true;
    pthread_mutex_unlock(&bench->core.lock);
    assert_false(takes(bench, bench->lane, &dying, DTYPE_FLOAT64, 0)); /* published */
    pthread_mutex_lock(&bench->core.lock);
    object_table_find(&bench->core.objects, id)->kept = false;
    pthread_mutex_unlock(&bench->core.lock);

    check_ok(core_freeze(&bench->core, bench->lane, id, mapping, &other, &err), err);
    pin_release(&other);
    assert_false(takes(bench, bench->lane, &dying, DTYPE_FLOAT64, 0)); /* a client's map */
    drop(bench, mapping);
    pin_release(&dying);
}

static void
what_is_gone_already_is_not_taken(void **state)
{
    bench_t *bench = *state;
    oid_t id = make(bench, 1, 0);
    pin_t dying = pin(bench, id);

    drop(bench, id);
    assert_false(takes(bench, bench->lane, &dying, DTYPE_FLOAT64, 0));
    pin_release(&dying);
}

static void
results_lie_where_new_ones_would(void **state)
{
    enum { FIRST = 100 };
    bench_t *bench = *state;
    oid_t whole = make(bench, 1, 0), piece = make(bench, 2, FIRST);
    pin_t dying = pin(bench, whole), placed = pin(bench, piece);

    assert_true(takes(bench, bench->lane, &dying, DTYPE_UINT64, 0));
    assert_false(takes(bench, bench->lane, &dying, DTYPE_FLOAT32, 0)); /* elements of another size */
    assert_false(takes(bench, bench->lane, &dying, DTYPE_COMPLEX128, 0));
    assert_false(takes(bench, bench->lane, &dying, DTYPE_FLOAT64, FIRST)); /* another place in a page */
    assert_true(takes(bench, bench->lane, &placed, DTYPE_FLOAT64, FIRST));
    assert_false(takes(bench, bench->lane, &placed, DTYPE_FLOAT64, 0));
    pin_t turned = dying;

    turned.nd.stride[0] = -turned.nd.stride[0];
    turned.nd.data += (COUNT - 1) * sizeof(double);
    assert_false(takes(bench, bench->lane, &turned, DTYPE_FLOAT64, 0));
    pin_release(&dying);
    pin_release(&placed);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_result_has_the_memory_when_its_input_is_gone, start, stop),
        cmocka_unit_test_setup_teardown(memory_that_was_given_back_is_the_inputs_again, start, stop),
        cmocka_unit_test_setup_teardown(what_others_see_is_not_taken, start, stop),
        cmocka_unit_test_setup_teardown(what_is_gone_already_is_not_taken, start, stop),
        cmocka_unit_test_setup_teardown(results_lie_where_new_ones_would, start, stop),
    };
    return cmocka_run_group_tests_name("engine/core", tests, NULL, NULL);
}
