/* engine/methods.h - what the engine does for each message of a lane: the dispatch contract.
 *
 * Each file in methods/ exports one constant table; methods.c finds the row of a message.  A method is run without the
 * core's lock, on the compute thread or, for what is small, on the reactor. A failed method has changed nothing: what
 * it returns becomes an ERROR reply (METHOD_ANSWERS), or poisons its results, or waits for the session's next SYNC. */
#ifndef FH_ENGINE_METHODS_H
#define FH_ENGINE_METHODS_H

#include "engine/compute/compute.h"
#include "engine/core.h"

/* What the reactor computes by itself at most; more goes to the compute thread. */
enum { METHOD_INLINE_BYTES = 32 * 1024 };

/* One run of the first call of a lane. */
typedef struct {
    core_t *core;
    lane_t *lane;
    call_t *call;
    crew_t *crew;
    bool on_reactor;
    next_t next;  /* NEXT_DONE unless the method says otherwise */
    bool put_off; /* run_thaw: run it again as next says, although it has failed */
} run_t;

enum {
    METHOD_ANSWERS = 1, /* an error is a reply */
    METHOD_ALWAYS = 2,  /* is run even when it has been cancelled: it gives back, or looks by itself */
    METHOD_MAX_RESULTS = 8,
};

typedef struct {
    msg_code_t code;
    unsigned flags;
    size_t detail; /* offset of a str_t in message_t that names what was done, for errors; 0: none */
    size_t target; /* offset of the oid_t in message_t of the array that is written into; 0: none */
    size_t outs;   /* offset of the uint64_t in message_t that says which results exist already: that they were not
                      written is told, though others are poisoned; 0: none */
    size_t watch;  /* offset of the uint64_t in message_t that says which floating-point flags to report; 0: none */
    const char *raises; /* what they are said to come from; NULL: what raised_by or detail names */
    const char *(*raised_by)(
        const message_t *message); /* the same where it depends on the message; NULL: it does not */
    size_t whole; /* offset of the oid_t in message_t of an array that is good for nothing if the call fails; 0: none */
    /* Returns FH_OK, or why it failed (run->next is then not looked at, unless run->put_off). */
    int (*run)(run_t *run, err_t *err);
    /* The ids of objects that the call makes; NULL: none.  Returns how many. */
    int (*results)(const message_t *message, oid_t ret[METHOD_MAX_RESULTS]);
    /* Under the lock: the ticket of the runner that the call waits for, or 0.  NULL: it never waits for one. */
    uint64_t (*ticket)(const call_t *call);
} method_t;

typedef struct {
    const method_t *rows;
    int count;
} method_table_t;

extern const method_table_t METHODS_ARRAY, METHODS_ADOPT, METHODS_MOVE, METHODS_ELEMENTWISE, METHODS_REDUCE,
    METHODS_FUSED, METHODS_CALL, METHODS_KERNEL, METHODS_KERNEL_CALL, METHODS_KERNEL_MAP, METHODS_KERNEL_FOLD,
    METHODS_PYTHON, METHODS_APPLY, METHODS_CARVE, METHODS_FETCH_LIST;

/* NULL: the message is none for a lane. */
const method_t *methods_find(msg_code_t code);

/* True if the reactor should not do this: run->next says so then, and the method returns FH_OK without having done
 * anything. */
bool run_defer(run_t *run, int64_t bytes);
/* The failure that waits to be told to the session, if there is one; it is told once. */
int run_take_error(run_t *run, err_t *err);
/* A dtype code and a shape from a message.  INVALID_ARGUMENT, OVERFLOW. */
int run_shape(uint64_t dtype, ints_t extents, dtype_t *ret_dtype, shape_t *ret_shape, err_t *err);
/* The same with strides; data is not set. */
int run_strided(uint64_t dtype, ints_t extents, ints_t strides, nd_t *ret, err_t *err);
/* Place a view in a segment, its first element `offset` bytes behind that of an array at `start`.  BAD_INDEX: some of
 * it would lie outside.  Elements may lie anywhere: see run_align. */
int run_place(const segment_t *segment, int64_t start, int64_t offset, nd_t *view, err_t *err);
/* The same for arrays that are new: INVALID_ARGUMENT if elements do not lie on multiples of their size. */
int run_place_aligned(const segment_t *segment, int64_t start, int64_t offset, nd_t *view, err_t *err);
/* Pin an array whose elements loops touch as they lie.  NOT_SUPPORTED: they do not lie on multiples of their size, as
 * those of a field of records may. */
int run_pin_aligned(run_t *run, oid_t id, pin_t *ret, err_t *err);
/* The same array, or an aligned copy of it.  On the compute thread, or once run_defer has said that it is small. */
int run_align(run_t *run, pin_t *pin, err_t *err);
/* Pin an operand; constants lie in *scalar (a copy of the operand's bytes). */
int run_operand(run_t *run, const operand_t *operand, uint8_t scalar[16], pin_t *ret, err_t *err);
/* The array is about to be written: if clients have mapped its memory it moves to other memory first.  On the reactor
 * there is no time for that: then the call is put off to the compute thread, and the method returns what this has
 * returned, with all undone.  Part of run_writes. */
int run_thaw(run_t *run, pin_t *pin, err_t *err);
/* Transfers that still read the array, which is about to be written, keep what it was.  May put the call off, too.
 * Part of run_writes. */
int run_detach(run_t *run, pin_t *pin, err_t *err);
/* The array is about to be written in place: clients that have mapped it, and transfers that still read it, keep what
 * it was.  May put the call off, as run_thaw. */
int run_writes(run_t *run, pin_t *pin, err_t *err);

#endif
