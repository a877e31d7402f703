/* tests/unit/engine/transfer_bench.h - engine/transfer without sockets: two cores, and a wire between them that the
 * test can hold up. */
#ifndef FH_TESTS_UNIT_ENGINE_TRANSFER_BENCH_H
#define FH_TESTS_UNIT_ENGINE_TRANSFER_BENCH_H

#include "engine/transfer.h"
#include "tests/support/check.h"

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

/* cmocka's fixtures. */
int bench_start(void **state);
int bench_stop(void **state);
/* Send what can be sent. */
void bench_pump(bench_t *bench);
/* Hand back the credit that the receiver gave. */
void bench_credit(bench_t *bench, oid_t transfer, uint64_t bytes);
/* n bytes: first, first + 1, ... */
pin_t bench_make(site_t *site, int64_t n, uint8_t first);
void bench_send_array(bench_t *bench, oid_t transfer, int64_t n, uint8_t first);
int bench_expect_array(bench_t *bench, oid_t transfer, int64_t n, err_t *err);
/* What came must be these bytes. */
int bench_collect(bench_t *bench, oid_t transfer, int64_t n, uint8_t first, err_t *err);
/* Bytes of the pool. */
int64_t bench_used(site_t *site);

#endif
