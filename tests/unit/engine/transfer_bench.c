#include "tests/unit/engine/transfer_bench.h"

#include <stdlib.h>
#include <string.h>

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

int
bench_start(void **state)
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

int
bench_stop(void **state)
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

void
bench_pump(bench_t *bench)
{
    const transfer_way_t way = {deliver, is_near, bench};

    while (transfers_pump(bench->from.core.transfers, &way)) {
    }
}

void
bench_credit(bench_t *bench, oid_t transfer, uint64_t bytes)
{
    transfers_credited(bench->from.core.transfers, &(msg_PUSH_CREDIT_t){transfer, bytes});
}

pin_t
bench_make(site_t *site, int64_t n, uint8_t first)
{
    shape_t shape = {1, {n}};
    pin_t pin;
    err_t err;

    check_ok(core_make(&site->core, site->lane, DTYPE_UINT8, &shape, false, 0, &pin, &err), err);
    for (int64_t i = 0; i < n; i++)
        pin.nd.data[i] = (char)(first + i % 251);
    return pin;
}

void
bench_send_array(bench_t *bench, oid_t transfer, int64_t n, uint8_t first)
{
    pin_t pin = bench_make(&bench->from, n, first);
    err_t err;

    check_ok(transfers_send(bench->from.core.transfers, bench->session, transfer, bench->to.core.id, &pin, &err), err);
}

int
bench_expect_array(bench_t *bench, oid_t transfer, int64_t n, err_t *err)
{
    pin_t pin = bench_make(&bench->to, n, 0);
    bool parts = false;
    int status =
        transfers_expect(bench->to.core.transfers, bench->to.lane, transfer, bench->from.core.id, &pin, &parts, err);

    if (!status && parts)
        transfers_take_parts(&bench->to.core, transfer);
    return status;
}

int
bench_collect(bench_t *bench, oid_t transfer, int64_t n, uint8_t first, err_t *err)
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

int64_t
bench_used(site_t *site)
{
    pool_stats_t stats;

    pool_stats(site->core.pool, &stats);
    return stats.used + stats.queued;
}
