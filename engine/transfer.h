/* engine/transfer.h - arrays on their way between engines.
 *
 * Out: SEND pins an array as it is.  An engine on the same host is offered larger ones: it reads them where they lie,
 * while the segment is frozen; one on another host likewise, over streams (decision 0019, engine/pulls.h), perhaps
 * before its lane expects it (engine/transfer_ahead.c).  Else the
 * parts (at most 1 MiB) go out as credit allows: 8 MiB for each transfer, 64 MiB for each session and engine, in the
 * order of the SENDs.  A write in place meanwhile gives the transfer a copy first.
 * In: parts that come before their EXPECT wait, at most 1 GiB for each session, counted with the
 * calls that wait (pool_queue); no credit is given for them.  Once the lane expects the transfer they are copied into
 * place, and every part that is taken gives its credit back. A transfer that nobody wants any more (its EXPECT failed
 * or was cancelled) is taken and thrown away, so that its sender goes on. Thread rule: under the core's lock unless a
 * function says otherwise. */
#ifndef FH_ENGINE_TRANSFER_H
#define FH_ENGINE_TRANSFER_H

#include "engine/core.h"

enum {
    TRANSFER_PART_BYTES = 1024 * 1024,
    TRANSFER_CREDIT_BYTES = 8 * 1024 * 1024,   /* in flight for each transfer */
    TRANSFER_SESSION_BYTES = 64 * 1024 * 1024, /* in flight for each session and engine */
    TRANSFER_MAX_OUT = 65536,                  /* under way for each session */
    TRANSFER_OFFER_BYTES = 256 * 1024,         /* from here on an engine on this host reads our memory, if it can */
    TRANSFER_STREAM_BYTES = 1024 * 1024,       /* from here on an engine of another host gets it over streams */
};

int transfers_new(transfers_t **ret, core_t *core, err_t *err);
void transfers_destroy(transfers_t **self);

/* ---- the lanes' side
 * ------------------------------------------------------------------------------------------------- */

/* Send what is pinned to an engine; *pin is taken, on failure too.  INVALID_ARGUMENT: a transfer of that id is under
 * way. LIMIT_EXCEEDED: the session has too many. */
int transfers_send(transfers_t *self, oid_t session, oid_t transfer, oid_t engine, pin_t *pin, err_t *err);
/* For a stream's thread, without the lock: pin what was offered to that engine under that id.  False: nothing was. */
bool transfers_pin_offered(core_t *core, oid_t engine, oid_t transfer, pin_t *ret);
/* Tell the other engine that nothing will come. */
void transfers_send_failure(transfers_t *self, oid_t session, oid_t transfer, oid_t engine, const err_t *failure);

/* The lane's first call expects a transfer; *pin (where it goes, C order) is taken, on failure too.  *ret_parts:
 * whether transfers_take_parts has something to do.  INVALID_ARGUMENT if what has come is something else. */
int transfers_expect(transfers_t *self, lane_t *lane, oid_t transfer, oid_t engine, pin_t *pin, bool *ret_parts,
                     err_t *err);
/* The same if it was read before it was expected, or is being read (*ret_ahead); there is a place for it then. */
int transfers_expect_ahead(transfers_t *self, lane_t *lane, oid_t transfer, oid_t engine, dtype_t dtype,
                           const shape_t *shape, bool *ret_ahead, err_t *err);
/* Without the lock: copy into place what came early. */
void transfers_take_parts(core_t *core, oid_t transfer);
/* Under the lock: is there an array to be read at its sender's? */
bool transfers_has_offer(transfers_t *self, oid_t transfer);
/* Without the lock: read it, with all threads, or have it pulled. */
void transfers_take_offer(core_t *core, struct crew *crew, oid_t transfer);
/* Has all come?  OK: *ret_complete; then *ret owns the pin and the transfer is over.  Else why it failed; it is over,
 * too. */
int transfers_collect(transfers_t *self, oid_t transfer, bool *ret_complete, pin_t *ret, err_t *err);
/* The lane does not want it any more. */
void transfers_discard(transfers_t *self, oid_t session, oid_t transfer);

/* Without the lock: something is about to write to this segment. */
int transfers_detach(core_t *core, segment_t *segment, const lane_t *lane, err_t *err);

/* ---- the reactor's side
 * ---------------------------------------------------------------------------------------------- */

/* A PUSH from an engine, with its raw frame; without the lock.  The batch is kept if the part must wait. */
void transfers_pushed(core_t *core, oid_t engine, const msg_PUSH_t *push, batch_t *batch, const uint8_t *raw,
                      size_t size);
/* The same with what can be read at the sender's. */
void transfers_offered(transfers_t *self, oid_t engine, const msg_OFFER_t *offer);
/* It cannot be read there: it is pushed. */
void transfers_offer_refused(transfers_t *self, oid_t engine, const msg_OFFER_REFUSED_t *refused);
void transfers_push_failed(transfers_t *self, oid_t engine, const msg_PUSH_FAILED_t *failure);
void transfers_credited(transfers_t *self, const msg_PUSH_CREDIT_t *credit);

/* An array that is to be got over streams. */
typedef struct transfer_pull {
    oid_t transfer, engine;
    pin_t pin; /* where it goes, C order */
    struct transfer_pull *next;
} transfer_pull_t;
/* Without the lock: begin with what was offered and nobody expects yet, some MiB at most. */
void transfers_read_ahead(core_t *core);
/* The next one, or NULL. */
transfer_pull_t *transfers_next_pull(transfers_t *self);
/* It is in its place, or it cannot be had that way; takes the pull. */
void transfers_pulled(transfers_t *self, transfer_pull_t *pull, bool taken);

/* How transfers reach other engines; called on the reactor, under the lock. */
typedef struct {
    /* OK; BUSY: not now; else the engine cannot be reached. */
    int (*send)(void *context, oid_t engine, const message_t *message, buf_t *raw, err_t *err);
    /* Is it known to be on this host? */
    bool (*is_near)(void *context, oid_t engine);
    void *context;
} transfer_way_t;
/* Send what credit allows, some MiB at most.  True: there is more to send at once. */
bool transfers_pump(transfers_t *self, const transfer_way_t *way);
/* Did some engine take nothing at the last pump?  It should be tried again soon. */
bool transfers_waiting(const transfers_t *self);

/* Has something been sent to that engine for which no credit has come? */
bool transfers_uncredited(const transfers_t *self, oid_t engine);

/* An engine is gone: what it should send has failed with err, what it should get is dropped. */
void transfers_engine_lost(transfers_t *self, oid_t engine, const err_t *err);
/* The connection to an engine was broken: transfers to it that had begun cannot be completed. */
void transfers_broken(transfers_t *self, oid_t engine, const err_t *err);
/* Visit the engines that some lane waits for: fails the transfers of those for which lost says so, filling err.
 * Arrivals of sessions that have not shown themselves for 30 s are dropped. */
void transfers_check(transfers_t *self, bool (*lost)(void *context, oid_t engine, int64_t since_ns, err_t *err),
                     void *context);
void transfers_session_gone(transfers_t *self, oid_t session);

#endif
