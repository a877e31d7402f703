/* engine/pyhost/pyhost_wire.h - what an engine and a Python host say to each other.
 *
 * Datagrams of a SOCK_SEQPACKET pair.  Each holds one or more records, one after the other, each padded to 8 bytes; the
 * descriptors that come by SCM_RIGHTS belong to its arrays (or grants) in their order.  Both programs are built
 * together, so records are plain structs.  The engine trusts nothing that it hears: every size, count and range is
 * checked, and all is copied once before it is looked at.
 *
 * Calls are numbered by the engine and answered in their order.  The host may answer several calls in one datagram, and
 * the engine may send several calls at once; the host runs them one after the other.
 *
 * A client on this host may get rings to its host (decision 0029), through which calls come that need nothing of the
 * engine.  The engine sees them in the page: `running` says which one runs. */
#ifndef FH_ENGINE_PYHOST_PYHOST_WIRE_H
#define FH_ENGINE_PYHOST_PYHOST_WIRE_H

#include "codecs/shape.h"

#include <stdint.h>

enum {
    PYHOST_SOCKET_FD = 3, /* where the host finds its socket */
    PYHOST_PAGE_FD = 4,   /* and the memfd of its page */
    PYHOST_PAGE_BYTES = 4096,
    PYHOST_DATAGRAM = 160 * 1024, /* below what an unprivileged socket buffer takes */
    PYHOST_BODY = 64 * 1024,      /* largest pickle inside a datagram; a larger one is an array of bytes */
    PYHOST_INLINE = 32 * 1024,    /* bytes of small arrays inside a record, together */
    PYHOST_ARRAYS = 49,           /* arrays or buffers of a call, the pickle among them */
    PYHOST_FDS = 2 * PYHOST_ARRAYS,
    PYHOST_OBJECTS = 1024,
    PYHOST_ID = 16,
    PYHOST_WHAT = 256,
    PYHOST_TEXT = 400,
};

typedef enum { PYHOST_CALL = 1, PYHOST_DROP = 2, PYHOST_GRANT = 3, PYHOST_RING = 4 } pyhost_request_t;
typedef enum {
    PYHOST_READY = 17,
    PYHOST_DONE = 18,
    PYHOST_WANT = 19,
    PYHOST_FREE = 20,
    PYHOST_PLACE = 21
} pyhost_answer_t;

/* The head of every record.  size: of the whole record, its padding included. */
typedef struct {
    uint32_t code, size;
    uint64_t serial; /* of the call; 0 where there is none */
} pyhost_record_t;

/* A call.  Behind it: what (padded), ids of the objects, arrays and buffers (pyhost_array_t each with its dims), the
 * pickle (padded), the bytes of inline arrays (each padded). */
typedef struct {
    pyhost_record_t record;
    uint8_t result[PYHOST_ID]; /* zero: the value is sent back */
    uint32_t objects, arrays, buffers;
    uint32_t what_bytes, body_bytes;
    uint32_t body_in_buffer; /* the pickle is the last buffer */
} pyhost_call_t;

/* An array that the host is to see: mapped from the next descriptor, or inline.  Behind it: ndim extents, ndim byte
 * strides, as int64_t. */
typedef struct {
    uint32_t pin;                   /* the host names it in PYHOST_FREE when it does not see it any more */
    int32_t dtype, ndim;            /* codes of codecs/dtypes.def */
    uint32_t inlined;               /* no descriptor: its bytes follow, C-contiguous */
    int64_t fd_size, offset, bytes; /* of the file; of the first element in it; of the C-contiguous array */
} pyhost_array_t;

/* These objects are gone.  Behind it: their ids.  Also PYHOST_FREE: behind it, pins as uint32_t. */
typedef struct {
    pyhost_record_t record;
    uint32_t count, reserved;
} pyhost_list_t;

/* Memory for large results, one descriptor each, or why there is none (status not 0, no descriptors).  Behind it: the
 * number of each as uint32_t, a pin, which the host names in PYHOST_FREE when it does not see the memory any more.
 * Also PYHOST_WANT: behind that, count sizes in bytes as int64_t.  Its serial is 0: a result that is made in granted
 * memory may be that of a later call. */
typedef struct {
    pyhost_record_t record;
    uint32_t count;
    int32_t status;
    char text[PYHOST_TEXT];
} pyhost_memory_t;

typedef struct {
    pyhost_record_t record;
    uint32_t major, minor, micro, reserved; /* of the Python that it has */
} pyhost_ready_t;

typedef enum { PYHOST_RETURNED = 0, PYHOST_RAISED = 1, PYHOST_INTERRUPTED = 2 } pyhost_outcome_t;

/* What became of a call.  Behind it: text (padded; for people), ids of further objects, arrays (pyhost_made_t each with
 * its extents), the pickle (padded), the bytes of inline arrays (each padded). */
typedef struct {
    pyhost_record_t record;
    uint32_t outcome;
    uint32_t objects, arrays;
    uint32_t text_bytes, body_bytes;
    uint32_t body_in_array; /* the pickle is the last array */
} pyhost_done_t;

/* A C-contiguous array that the call has made.  Behind it: ndim extents as int64_t. */
typedef struct {
    uint8_t id[PYHOST_ID];
    uint32_t granted; /* it lies in granted memory, else its bytes follow */
    uint32_t number;  /* then: its pin; each can be one array only */
    int32_t dtype, ndim;
    int64_t bytes;
} pyhost_made_t;

/* Rings for the client (PYHOST_RING is a bare record): descriptors of the host's and their inodes. */
typedef struct {
    pyhost_record_t record;
    int32_t status, reserved; /* not OK: there are none */
    uint64_t memory_fd, memory_inode;
    uint64_t host_bell_fd, host_bell_inode;
    uint64_t client_bell_fd, client_bell_inode;
} pyhost_place_t;

/* Calls that come through the client's rings have numbers of their own, with this bit. */
#define PYHOST_DIRECT (UINT64_C(1) << 63)

/* Shared memory. */
typedef struct {
    _Atomic uint64_t running;   /* the host's: the call that it runs; 0: none */
    _Atomic uint64_t interrupt; /* the engine's: the call that SIGINT is meant for */
    _Atomic uint32_t verdict;   /* the engine's: why, for calls through rings: FH_CANCELLED or FH_TIMEOUT */
    _Atomic uint64_t cancelled; /* the engine's: calls up to this one need not be begun */
    _Atomic uint64_t begun; /* the host's: the last call of the engine's that it has begun; stored before it looks at */
    /* the engine's: calls from the first to the last of these are not to be begun, they were taken back */
    _Atomic uint64_t back_first, back_last;
    /* Datagrams that the host has sent: for a look without a system call. */
    _Alignas(64) _Atomic uint32_t answered;
    _Alignas(64) _Atomic uint32_t asked; /* datagrams that the engine has sent, likewise */
    _Atomic uint32_t workers;            /* the engine's: how many hosts a session may have, this one included */
    char what[PYHOST_WHAT];              /* the host's: what the call through its rings is called, for its last words */
} pyhost_page_t;
_Static_assert(sizeof(pyhost_page_t) <= PYHOST_PAGE_BYTES, "the page is one page");

static inline uint32_t
pyhost_padded(uint32_t bytes)
{
    return (bytes + 7) & ~7u;
}

#endif
