/* engine/transfer without sockets: two cores, and a wire between them that the test can hold up. */
#include "engine/transfer.h"
#include "tests/support/check.h"

#include <stdlib.h>
#include <string.h>

enum { MIB = 1024 * 1024 };

/* An engine without threads and sockets. */
typedef struct {
    core_t core;
    lane_t *lane;
} site_t;

typedef struct {
    site_t from, to;
    oid_t session;
    bool near;         /* the receiver is on the sender's host */
    bool hidden;       /* and cannot open what is offered */
    int room;          /* messages that the wire takes; then BUSY */
    outbox_t *credits; /* what the receiver sends back */
    int parts, offers; /* that have been sent */
    uint8_t *kept[64]; /* bytes that parts point to */
    int nkept;
} bench_t;

static void
site_start(site_t *site, oid_t session)
{
    err_t err;

    check_ok(core_init(&site->core, 128 * MIB, "here/boot", &err), err);
    check_ok(transfers_new(&site->core.transfers, &site->core, &err), err);
    check_ok(lanes_open(&site->core.lanes, session, &site->lane, &err), err);
}

static void
site_stop(site_t *site)
{
    transfers_destroy(&site->core.transfers);
    core_release(&site->core);
}

static int
start(void **state)
{
    static bench_t bench;
    err_t err;

    memset(&bench, 0, sizeof bench);
    bench.session = oid_new();
    bench.room = 1000;
    site_start(&bench.from, bench.session);
    site_start(&bench.to, bench.session);
    check_ok(outbox_new(&bench.credits, &err), err);
    check_ok(oid_map_add(&bench.to.core.engine_outboxes, bench.from.core.id, bench.credits, &err), err);
    *state = &bench;
    return 0;
}

static int
stop(void **state)
{
    bench_t *bench = *state;

    site_stop(&bench->from);
    site_stop(&bench->to);
    outbox_destroy(&bench->credits);
    for (int i = 0; i < bench->nkept; i++)
        free(bench->kept[i]);
    return 0;
}

/* The wire: hands a PUSH straight to the receiver. */
static int
deliver(void *context, oid_t engine, const message_t *message, buf_t *raw, err_t *err)
{
    bench_t *bench = context;
    core_t *to = &bench->to.core;
    batch_t *batch;

    assert_true(oid_equal(engine, to->id));
    if (bench->room-- <= 0) {
        bench->room = 0;
        return err_set(err, FH_BUSY, "the wire is full");
    }
    if (message->code == MSG_PUSH_FAILED) {
        transfers_push_failed(to->transfers, bench->from.core.id, &message->as.PUSH_FAILED);
        return FH_OK;
    }
    if (message->code == MSG_OFFER) {
        msg_OFFER_t offer = message->as.OFFER;

        offer.inode += bench->hidden;
        transfers_offered(to->transfers, bench->from.core.id, &offer);
        bench->offers++;
        return FH_OK;
    }
    check_ok(batch_new(&to->lanes.batches, &batch, err), *err);
    uint8_t *bytes = malloc(raw ? buf_size(raw) : 1);

    assert_non_null(bytes);
    if (raw)
        memcpy(bytes, buf_data(raw), buf_size(raw));
    transfers_pushed(to, bench->from.core.id, &message->as.PUSH, batch, bytes, raw ? buf_size(raw) : 0);
    batch_unref(&to->lanes.batches, &batch);
    bench->parts++;
    assert_true(bench->nkept < 64);
    bench->kept[bench->nkept++] = bytes;
    return FH_OK;
}

static bool
is_near(void *context, oid_t engine)
{
    const bench_t *bench = context;

    return bench->near && oid_equal(engine, bench->to.core.id);
}

static void
pump(bench_t *bench)
{
    const transfer_way_t way = {deliver, is_near, bench};

    while (transfers_pump(bench->from.core.transfers, &way)) {
    }
}

/* Hand back the credit that the receiver gave. */
static void
credit(bench_t *bench, oid_t transfer, uint64_t bytes)
{
    transfers_credited(bench->from.core.transfers, &(msg_PUSH_CREDIT_t){transfer, bytes});
}

static pin_t
make(site_t *site, int64_t n, uint8_t first)
{
    shape_t shape = {1, {n}};
    pin_t pin;
    err_t err;

    check_ok(core_make(&site->core, site->lane, DTYPE_UINT8, &shape, false, 0, &pin, &err), err);
    for (int64_t i = 0; i < n; i++)
        pin.nd.data[i] = (char)(first + i % 251);
    return pin;
}

static void
send_array(bench_t *bench, oid_t transfer, int64_t n, uint8_t first)
{
    pin_t pin = make(&bench->from, n, first);
    err_t err;

    check_ok(transfers_send(bench->from.core.transfers, bench->session, transfer, bench->to.core.id, &pin, &err), err);
}

static int
expect_array(bench_t *bench, oid_t transfer, int64_t n, err_t *err)
{
    pin_t pin = make(&bench->to, n, 0);
    bool parts = false;
    int status =
        transfers_expect(bench->to.core.transfers, bench->to.lane, transfer, bench->from.core.id, &pin, &parts, err);

    if (!status && parts)
        transfers_take_parts(&bench->to.core, transfer);
    return status;
}

static int
collect(bench_t *bench, oid_t transfer, int64_t n, uint8_t first, err_t *err)
{
    bool complete;
    pin_t pin = {0};
    int status = transfers_collect(bench->to.core.transfers, transfer, &complete, &pin, err);

    if (status)
        return status;
    assert_true(complete);
    for (int64_t i = 0; i < n; i++)
        assert_int_equal((uint8_t)pin.nd.data[i], (uint8_t)(first + i % 251));
    pin_release(&pin);
    return FH_OK;
}

static int64_t
used(site_t *site)
{
    pool_stats_t stats;

    pool_stats(site->core.pool, &stats);
    return stats.used + stats.queued;
}

static void
array_that_is_expected_comes_whole(void **state)
{
    bench_t *bench = *state;
    oid_t transfer = oid_new();
    err_t err;

    check_ok(expect_array(bench, transfer, 3 * MIB + 5, &err), err);
    send_array(bench, transfer, 3 * MIB + 5, 9);
    pump(bench);
    assert_int_equal(bench->parts, 4);
    check_ok(collect(bench, transfer, 3 * MIB + 5, 9, &err), err);
    assert_int_equal(used(&bench->from), 0);
    assert_int_equal(used(&bench->to), 0);
}

static void
parts_that_come_early_are_kept_and_counted(void **state)
{
    bench_t *bench = *state;
    oid_t transfer = oid_new();
    err_t err;

    send_array(bench, transfer, 2 * MIB, 1);
    pump(bench);
    assert_int_equal(used(&bench->to), 2 * MIB);
    assert_int_equal(outbox_bytes(bench->credits), 0);
    check_ok(expect_array(bench, transfer, 2 * MIB, &err), err);
    assert_true(outbox_bytes(bench->credits) > 0);
    check_ok(collect(bench, transfer, 2 * MIB, 1, &err), err);
    assert_int_equal(used(&bench->to), 0);
}

static void
sender_stops_at_its_credit(void **state)
{
    bench_t *bench = *state;
    oid_t transfer = oid_new();

    send_array(bench, transfer, 20 * MIB, 1);
    pump(bench);
    assert_int_equal(bench->parts, 8);
    credit(bench, transfer, 3 * MIB);
    pump(bench);
    assert_int_equal(bench->parts, 11);
    credit(bench, transfer, 100 * MIB); /* more than is out: passed over */
    pump(bench);
    assert_int_equal(bench->parts, 11);
}

static void
session_stops_at_its_credit_too(void **state)
{
    bench_t *bench = *state;

    for (int i = 0; i < 10; i++)
        send_array(bench, oid_new(), 7 * MIB, 1);
    pump(bench);
    assert_int_equal(bench->parts, 64); /* of 70 */
}

static void
busy_wire_loses_nothing(void **state)
{
    bench_t *bench = *state;
    oid_t transfer = oid_new();
    err_t err;

    check_ok(expect_array(bench, transfer, 4 * MIB, &err), err);
    send_array(bench, transfer, 4 * MIB, 3);
    for (int i = 0; i < 20; i++) {
        bench->room = i % 2;
        pump(bench);
    }
    assert_int_equal(bench->parts, 4);
    check_ok(collect(bench, transfer, 4 * MIB, 3, &err), err);
}

static void
write_meanwhile_does_not_change_what_is_sent(void **state)
{
    bench_t *bench = *state;
    oid_t transfer = oid_new();
    pin_t pin = make(&bench->from, MIB, 7), writer = {.segment = segment_ref(pin.segment), .nd = pin.nd};
    err_t err;

    check_ok(expect_array(bench, transfer, MIB, &err), err);
    check_ok(transfers_send(bench->from.core.transfers, bench->session, transfer, bench->to.core.id, &pin, &err), err);
    check_ok(transfers_detach(&bench->from.core, writer.segment, bench->from.lane, &err), err);
    memset(writer.nd.data, 0, MIB);
    pump(bench);
    check_ok(collect(bench, transfer, MIB, 7, &err), err);
    pin_release(&writer);
    assert_int_equal(used(&bench->from), 0);
}

static void
failure_of_the_sender_comes_through(void **state)
{
    bench_t *bench = *state;
    oid_t early = oid_new(), late = oid_new();
    err_t failure = {0}, err;

    (void)err_set(&failure, FH_KERNEL_FAULT, "boom");
    check_ok(expect_array(bench, late, 10, &err), err);
    transfers_send_failure(bench->from.core.transfers, bench->session, early, bench->to.core.id, &failure);
    transfers_send_failure(bench->from.core.transfers, bench->session, late, bench->to.core.id, &failure);
    pump(bench);
    check_fails(collect(bench, late, 10, 0, &err), FH_KERNEL_FAULT, err);
    check_contains(err.text, "boom");
    check_ok(expect_array(bench, early, 10, &err), err);
    check_fails(collect(bench, early, 10, 0, &err), FH_KERNEL_FAULT, err);
    assert_int_equal(used(&bench->to), 0);
}

static void
unwanted_array_is_taken_and_credited(void **state)
{
    bench_t *bench = *state;
    oid_t transfer = oid_new();

    send_array(bench, transfer, 12 * MIB, 1);
    pump(bench);
    transfers_discard(bench->to.core.transfers, bench->session, transfer);
    assert_int_equal(used(&bench->to), 0);
    assert_true(outbox_bytes(bench->credits) > 0);
    credit(bench, transfer, 8 * MIB);
    pump(bench);
    assert_int_equal(bench->parts, 12);
    assert_int_equal(used(&bench->from), 0);
    assert_int_equal(used(&bench->to), 0);
}

static void
lost_engine_fails_what_it_should_send(void **state)
{
    bench_t *bench = *state;
    oid_t transfer = oid_new();
    err_t lost = {0}, err;

    (void)err_set(&lost, FH_ENGINE_LOST, "gone");
    check_ok(expect_array(bench, transfer, 10, &err), err);
    transfers_engine_lost(bench->to.core.transfers, bench->from.core.id, &lost);
    check_fails(collect(bench, transfer, 10, 0, &err), FH_ENGINE_LOST, err);
    assert_int_equal(used(&bench->to), 0);
}

static void
end_of_the_session_frees_both_sides(void **state)
{
    bench_t *bench = *state;
    oid_t expected = oid_new();
    err_t err;

    send_array(bench, oid_new(), 10 * MIB, 1);
    pump(bench);
    check_ok(expect_array(bench, expected, MIB, &err), err);
    transfers_session_gone(bench->from.core.transfers, bench->session);
    transfers_session_gone(bench->to.core.transfers, bench->session);
    assert_int_equal(used(&bench->from), 0);
    assert_int_equal(used(&bench->to), 0);
    check_fails(collect(bench, expected, MIB, 0, &err), FH_CANCELLED, err);
}

/* The sender hears of the end a moment later than the receiver. */
static void
what_comes_after_the_end_of_the_session_is_thrown_away(void **state)
{
    bench_t *bench = *state;

    lane_end(&bench->to.core.lanes, bench->to.lane);
    transfers_session_gone(bench->to.core.transfers, bench->session);
    send_array(bench, oid_new(), 3 * MIB, 1);
    pump(bench);
    assert_int_equal(used(&bench->to), 0);
    assert_true(outbox_bytes(bench->credits) > 0);
}

static void
transfer_id_is_used_once(void **state)
{
    bench_t *bench = *state;
    oid_t transfer = oid_new();
    pin_t pin = make(&bench->from, 10, 0);
    err_t err;

    send_array(bench, transfer, 10, 0);
    check_fails(transfers_send(bench->from.core.transfers, bench->session, transfer, bench->to.core.id, &pin, &err),
                FH_INVALID_ARGUMENT, err);
    assert_null(pin.segment);
    check_ok(expect_array(bench, transfer, 10, &err), err);
    check_fails(expect_array(bench, transfer, 10, &err), FH_INVALID_ARGUMENT, err);
}

/* ---- on one host ---------------------------------------------------------------------------------------------------
 */

static void
near_array_is_read_where_it_lies_and_frozen_meanwhile(void **state)
{
    bench_t *bench = *state;
    oid_t transfer = oid_new();
    pin_t pin = make(&bench->from, 3 * MIB, 9), reader = {.segment = segment_ref(pin.segment)};
    err_t err;

    bench->near = true;
    check_ok(expect_array(bench, transfer, 3 * MIB, &err), err);
    check_ok(transfers_send(bench->from.core.transfers, bench->session, transfer, bench->to.core.id, &pin, &err), err);
    assert_false(segment_is_frozen(reader.segment));
    pump(bench);
    assert_true(bench->offers == 1 && segment_is_frozen(reader.segment));
    assert_true(transfers_has_offer(bench->to.core.transfers, transfer));
    transfers_take_offer(&bench->to.core, NULL, transfer);
    check_ok(collect(bench, transfer, 3 * MIB, 9, &err), err);
    credit(bench, transfer, 3 * MIB);
    assert_false(segment_is_frozen(reader.segment));
    pin_release(&reader);
    assert_int_equal(used(&bench->from), 0);
}

static void
near_array_that_cannot_be_read_is_pushed(void **state)
{
    bench_t *bench = *state;
    err_t err;

    bench->near = bench->hidden = true;
    for (int i = 0; i < 2; i++) {
        oid_t transfer = oid_new();

        check_ok(expect_array(bench, transfer, 2 * MIB, &err), err);
        send_array(bench, transfer, 2 * MIB, 4);
        pump(bench);
        if (i == 0) {
            transfers_take_offer(&bench->to.core, NULL, transfer);
            transfers_offer_refused(bench->from.core.transfers, bench->to.core.id, &(msg_OFFER_REFUSED_t){transfer});
            pump(bench);
        }
        check_ok(collect(bench, transfer, 2 * MIB, 4, &err), err);
        credit(bench, transfer, 2 * MIB);
    }
    assert_int_equal(bench->offers, 1); /* it is not tried again */
    assert_int_equal(used(&bench->from), 0);
}

static void
memory_that_may_still_be_read_is_not_used_again(void **state)
{
    bench_t *bench = *state;
    pin_t pin = make(&bench->from, MIB, 1), reader = {.segment = segment_ref(pin.segment)};
    err_t err;

    bench->near = true;
    check_ok(transfers_send(bench->from.core.transfers, bench->session, oid_new(), bench->to.core.id, &pin, &err), err);
    pump(bench);
    transfers_session_gone(bench->from.core.transfers, bench->session);
    assert_true(segment_is_frozen(reader.segment));
    assert_true(reader.segment->abandoned);
    pin_release(&reader);
    transfers_session_gone(bench->to.core.transfers, bench->session);
    assert_true(outbox_bytes(bench->credits) > 0);
}

static void
offer_beyond_its_file_is_refused(void **state)
{
    bench_t *bench = *state;
    int64_t extent = MIB, stride = 2;
    msg_OFFER_t offer = {.transfer = oid_new(), .session = bench->session, .dtype = DTYPE_UINT8, .pid = 1, .size = MIB};
    err_t err;

    offer.shape = (ints_t){&extent, 1};
    offer.strides = (ints_t){&stride, 1};
    check_ok(expect_array(bench, offer.transfer, MIB, &err), err);
    transfers_offered(bench->to.core.transfers, bench->from.core.id, &offer);
    assert_true(outbox_bytes(bench->credits) > 0);
    check_fails(collect(bench, offer.transfer, MIB, 0, &err), FH_PROTOCOL_ERROR, err);
    assert_int_equal(used(&bench->to), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(array_that_is_expected_comes_whole, start, stop),
        cmocka_unit_test_setup_teardown(parts_that_come_early_are_kept_and_counted, start, stop),
        cmocka_unit_test_setup_teardown(sender_stops_at_its_credit, start, stop),
        cmocka_unit_test_setup_teardown(session_stops_at_its_credit_too, start, stop),
        cmocka_unit_test_setup_teardown(busy_wire_loses_nothing, start, stop),
        cmocka_unit_test_setup_teardown(write_meanwhile_does_not_change_what_is_sent, start, stop),
        cmocka_unit_test_setup_teardown(failure_of_the_sender_comes_through, start, stop),
        cmocka_unit_test_setup_teardown(unwanted_array_is_taken_and_credited, start, stop),
        cmocka_unit_test_setup_teardown(lost_engine_fails_what_it_should_send, start, stop),
        cmocka_unit_test_setup_teardown(end_of_the_session_frees_both_sides, start, stop),
        cmocka_unit_test_setup_teardown(what_comes_after_the_end_of_the_session_is_thrown_away, start, stop),
        cmocka_unit_test_setup_teardown(transfer_id_is_used_once, start, stop),
        cmocka_unit_test_setup_teardown(near_array_is_read_where_it_lies_and_frozen_meanwhile, start, stop),
        cmocka_unit_test_setup_teardown(near_array_that_cannot_be_read_is_pushed, start, stop),
        cmocka_unit_test_setup_teardown(memory_that_may_still_be_read_is_not_used_again, start, stop),
        cmocka_unit_test_setup_teardown(offer_beyond_its_file_is_refused, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
