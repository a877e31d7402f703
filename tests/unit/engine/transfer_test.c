/* engine/transfer.h: what is pushed. */
#include "tests/unit/engine/transfer_bench.h"

#include <string.h>

static void
array_that_is_expected_comes_whole(void **state)
{
    bench_t *bench = *state;
    oid_t transfer = oid_new();
    err_t err;

    check_ok(bench_expect_array(bench, transfer, 3 * MIB + 5, &err), err);
    bench_send_array(bench, transfer, 3 * MIB + 5, 9);
    bench_pump(bench);
    assert_int_equal(bench->parts, 4);
    check_ok(bench_collect(bench, transfer, 3 * MIB + 5, 9, &err), err);
    assert_int_equal(bench_used(&bench->from), 0);
    assert_int_equal(bench_used(&bench->to), 0);
}

static void
parts_that_come_early_are_kept_and_counted(void **state)
{
    bench_t *bench = *state;
    oid_t transfer = oid_new();
    err_t err;

    bench_send_array(bench, transfer, 2 * MIB, 1);
    bench_pump(bench);
    assert_int_equal(bench_used(&bench->to), 2 * MIB);
    assert_int_equal(outbox_bytes(bench->credits), 0);
    check_ok(bench_expect_array(bench, transfer, 2 * MIB, &err), err);
    assert_true(outbox_bytes(bench->credits) > 0);
    check_ok(bench_collect(bench, transfer, 2 * MIB, 1, &err), err);
    assert_int_equal(bench_used(&bench->to), 0);
}

static void
sender_stops_at_its_credit(void **state)
{
    bench_t *bench = *state;
    oid_t transfer = oid_new();

    bench_send_array(bench, transfer, 20 * MIB, 1);
    bench_pump(bench);
    assert_int_equal(bench->parts, 8);
    bench_credit(bench, transfer, 3 * MIB);
    bench_pump(bench);
    assert_int_equal(bench->parts, 11);
    bench_credit(bench, transfer, 100 * MIB); /* more than is out: passed over */
    bench_pump(bench);
    assert_int_equal(bench->parts, 11);
}

static void
session_stops_at_its_credit_too(void **state)
{
    bench_t *bench = *state;

    for (int i = 0; i < 10; i++)
        bench_send_array(bench, oid_new(), 7 * MIB, 1);
    bench_pump(bench);
    assert_int_equal(bench->parts, 64); /* of 70 */
}

static void
busy_wire_loses_nothing(void **state)
{
    bench_t *bench = *state;
    oid_t transfer = oid_new();
    err_t err;

    check_ok(bench_expect_array(bench, transfer, 4 * MIB, &err), err);
    bench_send_array(bench, transfer, 4 * MIB, 3);
    for (int i = 0; i < 20; i++) {
        bench->room = i % 2;
        bench_pump(bench);
    }
    assert_int_equal(bench->parts, 4);
    check_ok(bench_collect(bench, transfer, 4 * MIB, 3, &err), err);
}

static void
write_meanwhile_does_not_change_what_is_sent(void **state)
{
    bench_t *bench = *state;
    oid_t transfer = oid_new();
    pin_t pin = bench_make(&bench->from, MIB, 7), writer = {.segment = segment_ref(pin.segment), .nd = pin.nd};
    err_t err;

    check_ok(bench_expect_array(bench, transfer, MIB, &err), err);
    check_ok(transfers_send(bench->from.core.transfers, bench->session, transfer, bench->to.core.id, &pin, &err), err);
    check_ok(transfers_detach(&bench->from.core, writer.segment, bench->from.lane, &err), err);
    memset(writer.nd.data, 0, MIB);
    bench_pump(bench);
    check_ok(bench_collect(bench, transfer, MIB, 7, &err), err);
    pin_release(&writer);
    assert_int_equal(bench_used(&bench->from), 0);
}

static void
failure_of_the_sender_comes_through(void **state)
{
    bench_t *bench = *state;
    oid_t early = oid_new(), late = oid_new();
    err_t failure = {0}, err;

    (void)err_set(&failure, FH_KERNEL_FAULT, "boom");
    check_ok(bench_expect_array(bench, late, 10, &err), err);
    transfers_send_failure(bench->from.core.transfers, bench->session, early, bench->to.core.id, &failure);
    transfers_send_failure(bench->from.core.transfers, bench->session, late, bench->to.core.id, &failure);
    bench_pump(bench);
    check_fails(bench_collect(bench, late, 10, 0, &err), FH_KERNEL_FAULT, err);
    check_contains(err.text, "boom");
    check_ok(bench_expect_array(bench, early, 10, &err), err);
    check_fails(bench_collect(bench, early, 10, 0, &err), FH_KERNEL_FAULT, err);
    assert_int_equal(bench_used(&bench->to), 0);
}

static void
unwanted_array_is_taken_and_credited(void **state)
{
    bench_t *bench = *state;
    oid_t transfer = oid_new();

    bench_send_array(bench, transfer, 12 * MIB, 1);
    bench_pump(bench);
    transfers_discard(bench->to.core.transfers, bench->session, transfer);
    assert_int_equal(bench_used(&bench->to), 0);
    assert_true(outbox_bytes(bench->credits) > 0);
    bench_credit(bench, transfer, 8 * MIB);
    bench_pump(bench);
    assert_int_equal(bench->parts, 12);
    assert_int_equal(bench_used(&bench->from), 0);
    assert_int_equal(bench_used(&bench->to), 0);
}

static void
lost_engine_fails_what_it_should_send(void **state)
{
    bench_t *bench = *state;
    oid_t transfer = oid_new();
    err_t lost = {0}, err;

    (void)err_set(&lost, FH_ENGINE_LOST, "gone");
    check_ok(bench_expect_array(bench, transfer, 10, &err), err);
    transfers_engine_lost(bench->to.core.transfers, bench->from.core.id, &lost);
    check_fails(bench_collect(bench, transfer, 10, 0, &err), FH_ENGINE_LOST, err);
    assert_int_equal(bench_used(&bench->to), 0);
}

static void
end_of_the_session_frees_both_sides(void **state)
{
    bench_t *bench = *state;
    oid_t expected = oid_new();
    err_t err;

    bench_send_array(bench, oid_new(), 10 * MIB, 1);
    bench_pump(bench);
    check_ok(bench_expect_array(bench, expected, MIB, &err), err);
    transfers_session_gone(bench->from.core.transfers, bench->session);
    transfers_session_gone(bench->to.core.transfers, bench->session);
    assert_int_equal(bench_used(&bench->from), 0);
    assert_int_equal(bench_used(&bench->to), 0);
    check_fails(bench_collect(bench, expected, MIB, 0, &err), FH_CANCELLED, err);
}

/* The sender hears of the end a moment later than the receiver. */
static void
what_comes_after_the_end_of_the_session_is_thrown_away(void **state)
{
    bench_t *bench = *state;

    lane_end(&bench->to.core.lanes, bench->to.lane);
    transfers_session_gone(bench->to.core.transfers, bench->session);
    bench_send_array(bench, oid_new(), 3 * MIB, 1);
    bench_pump(bench);
    assert_int_equal(bench_used(&bench->to), 0);
    assert_true(outbox_bytes(bench->credits) > 0);
}

static void
transfer_id_is_used_once(void **state)
{
    bench_t *bench = *state;
    oid_t transfer = oid_new();
    pin_t pin = bench_make(&bench->from, 10, 0);
    err_t err;

    bench_send_array(bench, transfer, 10, 0);
    check_fails(transfers_send(bench->from.core.transfers, bench->session, transfer, bench->to.core.id, &pin, &err),
                FH_INVALID_ARGUMENT, err);
    assert_null(pin.segment);
    check_ok(bench_expect_array(bench, transfer, 10, &err), err);
    check_fails(bench_expect_array(bench, transfer, 10, &err), FH_INVALID_ARGUMENT, err);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(array_that_is_expected_comes_whole, bench_start, bench_stop),
        cmocka_unit_test_setup_teardown(parts_that_come_early_are_kept_and_counted, bench_start, bench_stop),
        cmocka_unit_test_setup_teardown(sender_stops_at_its_credit, bench_start, bench_stop),
        cmocka_unit_test_setup_teardown(session_stops_at_its_credit_too, bench_start, bench_stop),
        cmocka_unit_test_setup_teardown(busy_wire_loses_nothing, bench_start, bench_stop),
        cmocka_unit_test_setup_teardown(write_meanwhile_does_not_change_what_is_sent, bench_start, bench_stop),
        cmocka_unit_test_setup_teardown(failure_of_the_sender_comes_through, bench_start, bench_stop),
        cmocka_unit_test_setup_teardown(unwanted_array_is_taken_and_credited, bench_start, bench_stop),
        cmocka_unit_test_setup_teardown(lost_engine_fails_what_it_should_send, bench_start, bench_stop),
        cmocka_unit_test_setup_teardown(end_of_the_session_frees_both_sides, bench_start, bench_stop),
        cmocka_unit_test_setup_teardown(what_comes_after_the_end_of_the_session_is_thrown_away, bench_start,
                                        bench_stop),
        cmocka_unit_test_setup_teardown(transfer_id_is_used_once, bench_start, bench_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
