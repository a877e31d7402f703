/* engine/borrow, engine/lend: two engines in one process, whose messages go straight from one to the other. */
#include "engine/borrow.h"
#include "engine/compute/compute.h"
#include "engine/lend.h"
#include "tests/support/check.h"

#include <string.h>

enum { BYTES = 1 << 20, HALF = BYTES / 2 };

typedef struct {
    core_t home, guest;
    crew_t *crew;
    lane_t *lane, *guest_lane; /* of one session */
    int borrows, returns;      /* that were sent */
    bool deaf;                 /* the home does not take messages now */
    bool mute;                 /* its answers are lost */
    message_t lie;             /* what the home answers instead; code 0: the truth */
} bench_t;

static int
start(void **state)
{
    static bench_t bench;
    oid_t session = oid_new();
    err_t err;

    memset(&bench, 0, sizeof bench);
    check_ok(core_init(&bench.home, 16 * BYTES, "here/1", &err), err);
    check_ok(core_init(&bench.guest, 16 * BYTES, "here/1", &err), err);
    check_ok(crew_new(&bench.crew, 1, &err), err);
    check_ok(lanes_open(&bench.home.lanes, session, &bench.lane, &err), err);
    check_ok(lanes_open(&bench.guest.lanes, session, &bench.guest_lane, &err), err);
    *state = &bench;
    return 0;
}

static int
stop(void **state)
{
    bench_t *bench = *state;

    crew_destroy(&bench->crew);
    core_release(&bench->guest);
    core_release(&bench->home);
    return 0;
}

static void
answer_borrow(bench_t *bench, const msg_BORROW_t *borrow)
{
    message_t lent;
    err_t err = {0};

    if (lend_begin(&bench->home, bench->guest.id, borrow, &lent, &err)) {
        borrows_refused(bench->guest.borrows, bench->home.id, borrow->call, &err);
        return;
    }
    if (bench->mute)
        return;
    if (bench->lie.code) {
        bench->lie.as.LENT.call = borrow->call;
        lent = bench->lie;
    }
    borrows_lent(bench->guest.borrows, bench->home.id, &lent.as.LENT);
}

static int
send(void *context, oid_t engine, const message_t *message, buf_t *raw, err_t *err)
{
    bench_t *bench = context;

    (void)raw;
    assert_true(oid_equal(engine, bench->home.id));
    if (bench->deaf)
        return err_set(err, FH_BUSY, "not now");
    if (message->code == MSG_BORROW) {
        bench->borrows++;
        answer_borrow(bench, &message->as.BORROW);
        return FH_OK;
    }
    assert_int_equal(message->code, MSG_RETURN);
    bench->returns++;
    lend_end(&bench->home, bench->guest.id, &message->as.RETURN);
    return FH_OK;
}

static void
pump(bench_t *bench)
{
    (void)borrows_pump(bench->guest.borrows, send, bench);
}

static oid_t
make(bench_t *bench)
{
    shape_t shape = {1, {BYTES}};
    oid_t id = oid_new();
    pin_t pin = {0};
    err_t err;

    check_ok(core_make(&bench->home, bench->lane, DTYPE_UINT8, &shape, false, 0, &pin, &err), err);
    memset(pin.nd.data, 7, BYTES);
    segment_touch(pin.segment);
    check_ok(core_publish(&bench->home, bench->lane, id, &pin, false, &err), err);
    return id;
}

/* Ask, and take what has come. */
static int
borrow(bench_t *bench, oid_t array, borrowed_t *ret, err_t *err)
{
    question_t *question = NULL;
    bool came = false;

    check_ok(borrows_ask(bench->guest.borrows, bench->guest_lane, bench->home.id, array, 0, &question, err), *err);
    pump(bench);
    int status = borrows_collect(bench->guest.borrows, &question, &came, ret, err);

    assert_true(came);
    assert_null(question);
    return status;
}

/* The second half of the array, as an object of the guest. */
static oid_t
adopt(bench_t *bench, borrowed_t borrowed)
{
    pin_t pin = {.segment = borrowed.segment};
    shape_t shape = {1, {HALF}};
    oid_t id = oid_new();
    err_t err;

    nd_init(&pin.nd, borrowed.segment->data + borrowed.offset + HALF, DTYPE_UINT8, &shape);
    check_ok(core_publish(&bench->guest, bench->guest_lane, id, &pin, true, &err), err);
    return id;
}

static pool_stats_t
stats(const core_t *core)
{
    pool_stats_t ret;

    pool_stats(core->pool, &ret);
    return ret;
}

static object_t *
find(const core_t *core, oid_t id)
{
    return object_table_find(&core->objects, id);
}

static void
drop(core_t *core, const lane_t *lane, oid_t id)
{
    object_table_drop(&core->objects, &lane->owner, id);
}

static void
both_see_the_same_memory_and_one_counts_it(void **state)
{
    bench_t *bench = *state;
    oid_t array = make(bench);
    borrowed_t borrowed;
    err_t err;

    check_ok(borrow(bench, array, &borrowed, &err), err);
    oid_t piece = adopt(bench, borrowed);
    segment_t *home = find(&bench->home, array)->segment, *guest = find(&bench->guest, piece)->segment;

    assert_ptr_not_equal(home->data, guest->data);
    assert_memory_equal(home->data, guest->data, BYTES);
    guest->data[HALF] = 1;
    assert_int_equal(home->data[HALF], 1);
    assert_int_equal(stats(&bench->guest).used, 0);
    assert_int_equal(stats(&bench->home).used, BYTES);
    assert_int_equal(object_bytes(find(&bench->guest, piece)), 0);
    assert_int_equal(object_bytes(find(&bench->home, array)), BYTES);
    /* The home has no array there any more, but the memory is not free. */
    drop(&bench->home, bench->lane, array);
    assert_int_equal(bench->home.objects.map.count, 1);
    assert_int_equal(stats(&bench->home).used, BYTES);
    drop(&bench->guest, bench->guest_lane, piece);
    assert_int_equal(stats(&bench->home).used, BYTES);
    pump(bench);
    assert_int_equal(bench->returns, 1);
    assert_int_equal(stats(&bench->home).used, 0);
    assert_int_equal(stats(&bench->home).cached, BYTES);
    assert_int_equal(bench->home.objects.map.count, 0);
}

static void
one_loan_serves_all_arrays_in_a_segment(void **state)
{
    bench_t *bench = *state;
    oid_t array = make(bench), other = make(bench);
    borrowed_t first, second;
    err_t err;

    assert_false(borrows_find(bench->guest.borrows, bench->home.id, array, &second));
    check_ok(borrow(bench, array, &first, &err), err);
    assert_true(borrows_find(bench->guest.borrows, bench->home.id, array, &second));
    assert_false(borrows_find(bench->guest.borrows, bench->home.id, other, &second));
    assert_false(borrows_find(bench->guest.borrows, other, array, &second));
    assert_ptr_equal(first.segment, second.segment);
    segment_unref(&first.segment);
    pump(bench);
    assert_int_equal(bench->returns, 0);
    segment_unref(&second.segment);
    pump(bench);
    assert_int_equal(bench->returns, 1);
    assert_false(borrows_find(bench->guest.borrows, bench->home.id, array, &second));
}

static void
what_is_frozen_here_is_copied_here(void **state)
{
    bench_t *bench = *state;
    oid_t array = make(bench), mapping = oid_new();
    borrowed_t borrowed;
    pin_t pin = {0};
    err_t err;

    check_ok(borrow(bench, array, &borrowed, &err), err);
    oid_t piece = adopt(bench, borrowed);
    segment_t *home = find(&bench->home, array)->segment;

    check_ok(core_freeze(&bench->guest, bench->guest_lane, piece, mapping, &pin, &err), err);
    pin_release(&pin);
    assert_false(segment_is_frozen(home));
    check_ok(core_pin(&bench->guest, piece, &pin, &err), err);
    check_ok(core_begin_write(&bench->guest, bench->crew, &pin, &err), err);
    pin.nd.data[0] = 3;
    pin_release(&pin);
    assert_int_equal(home->data[HALF], 7);
    assert_int_equal(stats(&bench->guest).used, HALF);
    const object_t *moved = find(&bench->guest, piece);

    assert_null(moved->segment->loan);
    assert_int_equal(object_bytes(moved), HALF);
    assert_true(moved->segment->data[moved->offset] == 3 && moved->segment->data[moved->offset + 1] == 7);
    /* The mapping is what still holds the home's memory. */
    drop(&bench->home, bench->lane, array);
    pump(bench);
    assert_int_equal(bench->returns, 0);
    drop(&bench->guest, bench->guest_lane, mapping);
    pump(bench);
    assert_int_equal(stats(&bench->home).used, 0);
}

static void
what_a_vanished_client_may_see_is_not_used_again(void **state)
{
    bench_t *bench = *state;
    oid_t array = make(bench);
    borrowed_t borrowed;
    pin_t pin = {0};
    err_t err;

    check_ok(borrow(bench, array, &borrowed, &err), err);
    oid_t piece = adopt(bench, borrowed);

    check_ok(core_freeze(&bench->guest, bench->guest_lane, piece, oid_new(), &pin, &err), err);
    pin_release(&pin);
    object_table_disown(&bench->guest.objects, &bench->guest_lane->owner);
    pump(bench);
    assert_int_equal(bench->returns, 1);
    /* The home's own array goes on in place. */
    assert_false(segment_is_frozen(find(&bench->home, array)->segment));
    drop(&bench->home, bench->lane, array);
    assert_int_equal(stats(&bench->home).used, 0);
    assert_int_equal(stats(&bench->home).cached, 0);
}

static void
memory_that_was_lent_to_a_lost_engine_is_not_used_again(void **state)
{
    bench_t *bench = *state;
    oid_t array = make(bench);
    borrowed_t borrowed;
    err_t err;

    check_ok(borrow(bench, array, &borrowed, &err), err);
    lend_engine_lost(&bench->home, bench->guest.id);
    lend_engine_lost(&bench->home, bench->guest.id);
    assert_int_equal(bench->home.objects.map.count, 1);
    drop(&bench->home, bench->lane, array);
    assert_int_equal(stats(&bench->home).used, 0);
    assert_int_equal(stats(&bench->home).cached, 0);
    pool_reap(bench->home.pool);
    /* It was only silent: what it has stays, and what it gives back is passed over. */
    assert_int_equal(borrowed.segment->data[BYTES - 1], 7);
    segment_unref(&borrowed.segment);
    pump(bench);
    assert_int_equal(bench->returns, 1);
}

static void
memory_of_a_lost_engine_stays(void **state)
{
    bench_t *bench = *state;
    oid_t array = make(bench);
    borrowed_t borrowed;
    question_t *question = NULL;
    bool came = false;
    err_t err, lost = {0};

    check_ok(borrow(bench, array, &borrowed, &err), err);
    bench->deaf = true;
    check_ok(borrows_ask(bench->guest.borrows, bench->guest_lane, bench->home.id, oid_new(), 0, &question, &err), err);
    assert_true(borrows_pump(bench->guest.borrows, send, bench));
    check_ok(borrows_collect(bench->guest.borrows, &question, &came, &borrowed, &err), err);
    assert_false(came);
    (void)err_set(&lost, FH_ENGINE_LOST, "gone");
    borrows_engine_lost(bench->guest.borrows, bench->home.id, &lost);
    check_fails(borrows_collect(bench->guest.borrows, &question, &came, &borrowed, &err), FH_ENGINE_LOST, err);
    assert_true(came);
    lend_engine_lost(&bench->home, bench->guest.id);
    drop(&bench->home, bench->lane, array);
    pool_reap(bench->home.pool);
    assert_int_equal(borrowed.segment->data[0], 7);
    segment_unref(&borrowed.segment);
    borrows_engine_lost(bench->guest.borrows, bench->home.id, &lost);
    assert_false(borrows_pump(bench->guest.borrows, send, bench));
    assert_int_equal(bench->returns, 0);
}

static void
what_nobody_waits_for_any_more_is_returned(void **state)
{
    bench_t *bench = *state;
    oid_t array = make(bench);
    question_t *question = NULL;
    err_t err;

    check_ok(borrows_ask(bench->guest.borrows, bench->guest_lane, bench->home.id, array, 0, &question, &err), err);
    borrows_forget(bench->guest.borrows, &question); /* before it was sent */
    assert_null(question);
    pump(bench);
    assert_int_equal(bench->borrows + bench->returns, 0);
    check_ok(borrows_ask(bench->guest.borrows, bench->guest_lane, bench->home.id, array, 0, &question, &err), err);
    pump(bench);
    assert_int_equal(bench->home.objects.map.count, 2);
    borrows_forget(bench->guest.borrows, &question);
    pump(bench);
    assert_int_equal(bench->home.objects.map.count, 1);
}

static void
questions_are_asked_again_after_a_break_and_answered_the_same(void **state)
{
    bench_t *bench = *state;
    oid_t array = make(bench);
    question_t *question = NULL;
    bool came = false;
    borrowed_t borrowed;
    err_t err;

    check_ok(borrows_ask(bench->guest.borrows, bench->guest_lane, bench->home.id, array, 0, &question, &err), err);
    bench->mute = true; /* the answer is lost */
    pump(bench);
    bench->mute = false;
    borrows_broken(bench->guest.borrows, bench->home.id);
    pump(bench);
    assert_int_equal(bench->borrows, 2);
    check_ok(borrows_collect(bench->guest.borrows, &question, &came, &borrowed, &err), err);
    assert_true(came);
    assert_int_equal(bench->home.objects.map.count, 2);
    segment_unref(&borrowed.segment);
    /* A RETURN without OK is said again after a break, and harms nobody. */
    pump(bench);
    borrows_broken(bench->guest.borrows, bench->home.id);
    pump(bench);
    assert_int_equal(bench->returns, 2);
    assert_int_equal(bench->home.objects.map.count, 1);
}

static void
acknowledged_returns_are_not_said_again(void **state)
{
    bench_t *bench = *state;
    borrowed_t borrowed;
    err_t err;

    check_ok(borrow(bench, make(bench), &borrowed, &err), err);
    segment_unref(&borrowed.segment);
    pump(bench);
    for (uint64_t call = 0; call < 64; call++)
        borrows_acknowledged(bench->guest.borrows, bench->home.id, call);
    borrows_broken(bench->guest.borrows, bench->home.id);
    pump(bench);
    assert_int_equal(bench->returns, 1);
}

static void
loans_are_refused(void **state)
{
    bench_t *bench = *state;
    shape_t small = {1, {100}};
    oid_t array = make(bench), heap = oid_new();
    borrowed_t borrowed;
    pin_t pin = {0};
    message_t lent;
    err_t err = {0};

    check_fails(borrow(bench, oid_new(), &borrowed, &err), FH_NO_SUCH_OBJECT, err);
    check_ok(core_make(&bench->home, bench->lane, DTYPE_UINT8, &small, false, 0, &pin, &err), err);
    check_ok(core_publish(&bench->home, bench->lane, heap, &pin, false, &err), err);
    check_fails(borrow(bench, heap, &borrowed, &err), FH_NOT_SUPPORTED, err);
    msg_BORROW_t borrow = {.call = 20,
                           .share = oid_new(),
                           .object = array,
                           .session = bench->lane->owner.session,
                           .host = str_of("there/1")};

    check_fails(lend_begin(&bench->home, bench->guest.id, &borrow, &lent, &err), FH_NOT_SUPPORTED, err);
    borrow.host = str_of("here/1");
    borrow.session = oid_new();
    check_fails(lend_begin(&bench->home, bench->guest.id, &borrow, &lent, &err), FH_PERMISSION, err);
    borrow.session = bench->lane->owner.session;
    borrow.share = array;
    check_fails(lend_begin(&bench->home, bench->guest.id, &borrow, &lent, &err), FH_INVALID_ARGUMENT, err);
    assert_int_equal(bench->home.objects.map.count, 2);
    /* Another engine cannot give back what this one has. */
    borrow.share = oid_new();
    check_ok(lend_begin(&bench->home, bench->guest.id, &borrow, &lent, &err), err);
    lend_end(&bench->home, oid_new(), &(msg_RETURN_t){.call = 1, .share = borrow.share});
    assert_int_equal(bench->home.objects.map.count, 3);
    lend_end(&bench->home, bench->guest.id, &(msg_RETURN_t){.call = 1, .share = array});
    lend_end(&bench->home, bench->guest.id, &(msg_RETURN_t){.call = 1, .share = borrow.share});
    assert_int_equal(bench->home.objects.map.count, 2);
}

static void
another_file_than_was_lent_is_not_taken(void **state)
{
    bench_t *bench = *state;
    oid_t array = make(bench);
    borrowed_t borrowed;
    message_t truth;
    err_t err;
    msg_BORROW_t ask = {.call = 20,
                        .share = oid_new(),
                        .object = array,
                        .session = bench->lane->owner.session,
                        .host = str_of("here/1")};

    check_ok(lend_begin(&bench->home, bench->guest.id, &ask, &truth, &err), err);
    lend_end(&bench->home, bench->guest.id, &(msg_RETURN_t){.call = 1, .share = ask.share});
    message_t lies[] = {truth, truth, truth, truth, truth};

    lies[0].as.LENT.inode++;
    lies[1].as.LENT.device++;
    lies[2].as.LENT.size += 1 << 20;
    lies[3].as.LENT.fd = 1 << 20;
    lies[4].as.LENT.offset = lies[4].as.LENT.size + 1;
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        bench->lie = lies[i];
        check_fails(borrow(bench, array, &borrowed, &err), FH_NOT_SUPPORTED, err);
        pump(bench);
        assert_int_equal(bench->returns, i + 1);
        assert_int_equal(bench->home.objects.map.count, 1);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_see_the_same_memory_and_one_counts_it, start, stop),
        cmocka_unit_test_setup_teardown(one_loan_serves_all_arrays_in_a_segment, start, stop),
        cmocka_unit_test_setup_teardown(what_is_frozen_here_is_copied_here, start, stop),
        cmocka_unit_test_setup_teardown(what_a_vanished_client_may_see_is_not_used_again, start, stop),
        cmocka_unit_test_setup_teardown(memory_that_was_lent_to_a_lost_engine_is_not_used_again, start, stop),
        cmocka_unit_test_setup_teardown(memory_of_a_lost_engine_stays, start, stop),
        cmocka_unit_test_setup_teardown(what_nobody_waits_for_any_more_is_returned, start, stop),
        cmocka_unit_test_setup_teardown(questions_are_asked_again_after_a_break_and_answered_the_same, start, stop),
        cmocka_unit_test_setup_teardown(acknowledged_returns_are_not_said_again, start, stop),
        cmocka_unit_test_setup_teardown(loans_are_refused, start, stop),
        cmocka_unit_test_setup_teardown(another_file_than_was_lent_is_not_taken, start, stop),
    };
    return cmocka_run_group_tests_name("engine borrow", tests, NULL, NULL);
}
