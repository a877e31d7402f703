/* engine/transfer_offer.c: what is read at the sender's. */
#include "engine/compute/compute.h"
#include "tests/unit/engine/transfer_bench.h"

static void
near_array_is_read_where_it_lies_and_frozen_meanwhile(void **state)
{
    bench_t *bench = *state;
    oid_t transfer = oid_new();
    crew_t *crew;
    pin_t pin = bench_make(&bench->from, 3 * MIB, 9), reader = {.segment = segment_ref(pin.segment)};
    err_t err;

    bench->near = true;
    check_ok(crew_new(&crew, 2, &err), err);
    check_ok(bench_expect_array(bench, transfer, 3 * MIB, &err), err);
    check_ok(transfers_send(bench->from.core.transfers, bench->session, transfer, bench->to.core.id, &pin, &err), err);
    assert_false(segment_is_frozen(reader.segment));
    bench->room = 0;
    bench_pump(bench);
    assert_false(segment_is_frozen(reader.segment)); /* the wire was full: nobody has heard of it */
    bench->room = 1;
    bench_pump(bench);
    assert_true(bench->offers == 1 && segment_is_frozen(reader.segment));
    assert_true(transfers_has_offer(bench->to.core.transfers, transfer));
    transfers_take_offer(&bench->to.core, crew, transfer);
    check_ok(bench_collect(bench, transfer, 3 * MIB, 9, &err), err);
    bench_credit(bench, transfer, 3 * MIB);
    assert_false(segment_is_frozen(reader.segment));
    pin_release(&reader);
    assert_int_equal(bench_used(&bench->from), 0);
    crew_destroy(&crew);
}

static void
near_array_that_cannot_be_read_is_pushed(void **state)
{
    bench_t *bench = *state;
    err_t err;

    bench->near = bench->hidden = true;
    for (int i = 0; i < 2; i++) {
        oid_t transfer = oid_new();

        check_ok(bench_expect_array(bench, transfer, 2 * MIB, &err), err);
        bench_send_array(bench, transfer, 2 * MIB, 4);
        bench_pump(bench);
        if (i == 0) {
            transfers_take_offer(&bench->to.core, NULL, transfer);
            transfers_offer_refused(bench->from.core.transfers, bench->to.core.id, &(msg_OFFER_REFUSED_t){transfer});
            bench_pump(bench);
        }
        check_ok(bench_collect(bench, transfer, 2 * MIB, 4, &err), err);
        bench_credit(bench, transfer, 2 * MIB);
    }
    assert_int_equal(bench->offers, 1); /* it is not tried again */
    assert_int_equal(bench_used(&bench->from), 0);
}

static void
memory_that_may_still_be_read_is_not_used_again(void **state)
{
    bench_t *bench = *state;
    pin_t pin = bench_make(&bench->from, MIB, 1), reader = {.segment = segment_ref(pin.segment)};
    err_t err;

    bench->near = true;
    check_ok(transfers_send(bench->from.core.transfers, bench->session, oid_new(), bench->to.core.id, &pin, &err), err);
    bench_pump(bench);
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
    check_ok(bench_expect_array(bench, offer.transfer, MIB, &err), err);
    transfers_offered(bench->to.core.transfers, bench->from.core.id, &offer);
    assert_true(outbox_bytes(bench->credits) > 0);
    check_fails(bench_collect(bench, offer.transfer, MIB, 0, &err), FH_PROTOCOL_ERROR, err);
    assert_int_equal(bench_used(&bench->to), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(near_array_is_read_where_it_lies_and_frozen_meanwhile, bench_start, bench_stop),
        cmocka_unit_test_setup_teardown(near_array_that_cannot_be_read_is_pushed, bench_start, bench_stop),
        cmocka_unit_test_setup_teardown(memory_that_may_still_be_read_is_not_used_again, bench_start, bench_stop),
        cmocka_unit_test_setup_teardown(offer_beyond_its_file_is_refused, bench_start, bench_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
