/* engine/core.h - what the engine's two threads share, behind one lock: lanes, objects, transfers, counters.
 *
 * The lock is held for moments only: to look up operands, to publish results, to queue replies.  Loops, copies and
 * system calls happen without it, on segments that are held by references. Lock order: moving, the core's, the pool's.
 */
#ifndef FH_ENGINE_CORE_H
#define FH_ENGINE_CORE_H

#include "engine/lane.h"
#include "engine/runner_host.h"
#include "engine/wholes.h"

#include <pthread.h>

struct crew;

typedef struct transfers transfers_t;
typedef struct deposits deposits_t;
typedef struct streams streams_t;

typedef struct {
    uint64_t calls;
    uint64_t bytes_in, bytes_out; /* payload from and to clients */
    uint64_t pushed;              /* payload to other engines */
    uint64_t kernels, kernel_calls, kernel_faults;
} counters_t;

/* Objects of a session that has said GOODBYE.  What it has just published the broker may be telling us at this moment:
 * they are freed when the broker has answered a PING that was sent after the GOODBYE, or has not for a second. */
typedef struct heirs {
    struct heirs *next;
    owner_t owner;
    uint64_t ping; /* its call; 0: to be sent */
    int64_t deadline_ns;
} heirs_t;

typedef struct core {
    pthread_mutex_t lock;
    pthread_cond_t work; /* the compute thread waits here for a runnable lane */
    bool stopping;

    /* under the lock */
    lanes_t lanes;
    object_table_t objects;
    struct heirs *heirs;       /* objects whose session has said GOODBYE */
    oid_map_t engine_outboxes; /* outbox_t of each connected engine */
    oid_map_t borrowers;       /* owner_t of each engine that has borrowed segments (engine/lend.h) */
    struct borrows *borrows;   /* segments that were borrowed (engine/borrow.h) */
    wholes_t wholes;           /* segments for the pieces of several engines */
    counters_t counters;
    uint64_t uses;      /* counts pins */
    bool computing;     /* the compute thread has a lane; read without the lock, too */
    bool for_reactor;   /* something has come up since the reactor last looked; read without the lock, too */
    bool reactor_waits; /* in poll, or about to be */
    bool news_now; /* somebody has synchronised: the broker should know of all objects; read without the lock, too */
    uint64_t news_ping;    /* the PING behind the last news, 0: it has been answered, or not in time */
    int64_t news_until_ns; /* until then its PONG is waited for */
    int number;            /* the broker's small number for this engine; -1: not told yet */

    transfers_t *transfers; /* under the lock, too */
    deposits_t *deposits;   /* under the lock, too */
    streams_t *streams;     /* locks itself; NULL: there are none */
    pool_t *pool;           /* locks itself */
    struct spill *spill;    /* where arrays go that have no room; NULL: nowhere. */
    pthread_mutex_t moving; /* held while contents go to disk or come back; before the core's lock */
    bool trim_heap;         /* atomic: the compute thread should give heap back when it has nothing else to do */
    bool has_reactor;       /* then there is one: it has no time for disks */
    pthread_t reactor;      /* set before the other thread starts to reply */
    int wake_fd;            /* eventfd that ends the reactor's poll */
    buf_t *no_memory;       /* the poison that is used when there is no memory for another */
    oid_t id;
    char host[256]; /* host name and boot id */
    char host_name[64];
    runner_host_t *runners;       /* the reactor's alone; NULL: there are none */
    struct python_hosts *pythons; /* likewise; NULL: no Python is run */
    char no_python[200];          /* then: why, if it was asked for */
} core_t;

/* An array that stays while it is worked on. */
typedef struct {
    segment_t *segment;
    bool writes;  /* core_begin_write: the segment is not frozen meanwhile */
    oid_t object; /* under whose id it was found */
    nd_t nd;
} pin_t;

/* memory_bytes: limit for arrays.  host: as in HELLO. */
int core_init(core_t *self, int64_t memory_bytes, const char *host, err_t *err);
/* No thread may use it any more. */
void core_release(core_t *self);

/* ---- under the lock
 * -------------------------------------------------------------------------------------------------- */

/* There is something for the reactor. */
void core_wake_reactor(core_t *self);
/* Queue a message for a session's client, with its raw frames; dropped if nobody is connected. */
void core_reply(core_t *self, lane_t *lane, const message_t *message, buf_t *const raws[]);
void core_reply_ok(core_t *self, lane_t *lane, uint64_t call);
void core_reply_error(core_t *self, lane_t *lane, uint64_t call, const err_t *err);
/* Tell the client how far its lane is, if it has not been told. */
void core_tell_done(core_t *self, lane_t *lane);
/* Free the objects of sessions that have said GOODBYE, as far as the PONG of this call or this time allow it. */
void core_free_heirs(core_t *self, uint64_t pong, int64_t now_ns);
/* core_pin for who has the lock.  BUSY: it lies on disk. */
int core_pin_locked(core_t *self, oid_t id, pin_t *ret, err_t *err);
/* Note a failure for the session's next SYNC or FETCH, unless there is one already. */
void core_note_error(core_t *self, lane_t *lane, const err_t *err);

/* ---- without it
 * ------------------------------------------------------------------------------------------------------ */

/* Pin the array with this id; what lies on disk is brought back first.  NO_SUCH_OBJECT, WRONG_TYPE (a kernel), or the
 * error it is poisoned with; LIMIT_EXCEEDED or IO_ERROR if it cannot come back; BUSY on the reactor, which has no time
 * for that. */
int core_pin(core_t *self, oid_t id, pin_t *ret, err_t *err);
/* Pin a new array of C (or Fortran) order, which is nobody's yet.  OVERFLOW, LIMIT_EXCEEDED, NO_MEMORY,
 * and of the disk: IO_ERROR; BUSY on the reactor. */
int core_make(core_t *self, const lane_t *lane, dtype_t dtype, const shape_t *shape, bool fortran, unsigned pool_flags,
              pin_t *ret, err_t *err);
/* The same for what is to become the object with that id, a piece of a larger array with so many elements of that
 * before it: where LAY has said (engine/places.h), with the strides that it has there; else in C order, laid at the
 * place in a page (from 64 MiB on: in a huge page) that it has in the whole, if it gets a file. */
int core_make_piece(core_t *self, lane_t *lane, oid_t id, dtype_t dtype, const shape_t *shape, uint64_t first,
                    unsigned pool_flags, pin_t *ret, err_t *err);
/* The same in the memory of a pinned array of that shape, which its client needs no more.  False, and nothing done: it
 * is not the session's own, others see the memory too, or the new array would not lie there as core_make_piece lays it.
 */
bool core_take_over(core_t *self, const lane_t *lane, const pin_t *dying, dtype_t dtype, uint64_t first, pin_t *ret);
/* What is pinned becomes an object of the lane's session; *pin is released, on failure too. */
int core_publish(core_t *self, lane_t *lane, oid_t id, pin_t *pin, bool view, err_t *err);
/* The same with several new arrays: all become objects or, where one cannot, none. */
int core_publish_all(core_t *self, lane_t *lane, const oid_t *ids, pin_t *pins, int n, err_t *err);
void pin_release(pin_t *self);
/* The pinned array is about to be written: until the pin is released nobody can freeze its segment.  If it is frozen
 * the array, with all that shares its memory, moves to a copy first, which the pin sees then.  crew NULL: there is no
 * time for a copy, BUSY.  Safe to repeat.  BUSY, LIMIT_EXCEEDED, NO_MEMORY, IO_ERROR. */
int core_begin_write(core_t *self, struct crew *crew, pin_t *pin, err_t *err);
/* Freeze an array's segment for a client that maps it: a mapping with that id is made, and the array is pinned.
 * Pieces of one array do not overlap, so each engine freezes its own arrays in a segment that it shares with others.
 * NOT_SUPPORTED: the memory has no file, or is being written. */
int core_freeze(core_t *self, lane_t *lane, oid_t array, oid_t mapping, pin_t *ret, err_t *err);
/* The same for a client that writes the memory itself: until the mapping goes it cannot be frozen.  NOT_SUPPORTED: it
 * has no file, or another client has mapped it privately. */
int core_open_to_writer(core_t *self, lane_t *lane, oid_t array, oid_t mapping, pin_t *ret, err_t *err);
/* Under the lock: freeze what is pinned for another engine of this host that reads it.  NOT_SUPPORTED as core_freeze.
 */
int core_offer(const pin_t *pin, err_t *err);
/* Under the lock: the other engine has read it; taken false: perhaps it has not, so the memory is never used again. */
void core_offer_end(const pin_t *pin, bool taken);
/* INVALID_ARGUMENT if a result cannot get this id; saves the work. */
int core_check_new(core_t *self, oid_t id, err_t *err);

#endif
