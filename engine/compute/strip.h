/* engine/compute/strip.h - expressions of plain operations, STRIP elements at a time, in vector registers.
 *
 * A program is a list of steps.  Each does its part for one strip and jumps to the next; the value that the next one
 * works on stays in registers, so that memory is read in even streams, as by one compiled loop.  Other values lie in
 * slots of a strip's length.  Each step computes what the loop of its operation computes: the bits are the same.
 * Operations that have no step call their loop for one strip, from slots to slots.  Programs of steps alone that come
 * again become machine code (strip_code.h).
 *
 * The strip_*.c files with steps are compiled once for each variant of processors that have wide vectors (see loops.h);
 * others have no steps, and their expressions go other ways.  What a loop and its step share stands in elementary.h. */
#ifndef FH_ENGINE_COMPUTE_STRIP_H
#define FH_ENGINE_COMPUTE_STRIP_H

#include "codecs/reduction.h"
#include "engine/compute/loops.h"

enum {
    STRIP = REDUCTION_LEAF, /* elements: one leaf of a sum's tree */
    STRIP_PLACES = 96,
    STRIP_ELEMENT = 16, /* the largest element; those of more than 8 bytes are never in registers */
    STRIP_BYTES = STRIP * STRIP_ELEMENT,
    STRIP_OPERANDS = OP_MAX_IN + OP_MAX_OUT,
};

/* A loop that works on places. */
typedef struct {
    loop_fn loop;
    int64_t item[STRIP_OPERANDS];  /* bytes from an element to the next */
    int32_t place[STRIP_OPERANDS]; /* of operands, inputs first; those that it does not have: any */
} strip_call_t;

/* What a program runs over. */
typedef struct {
    char *place[STRIP_PLACES];  /* where the first strip's elements lie; any alignment */
    int64_t step[STRIP_PLACES]; /* bytes to the next strip's; 0: they are the same ones */
    const strip_call_t *calls;
} strip_run_t;

/* One step: what it does, the place that it reads or writes, and what its kind says.  The function is called by others
 * of its kind only. */
typedef struct {
    void (*fn)(void);
    int32_t place, other;
} strip_step_t;

typedef enum {
    STRIP_LOAD,   /* the value becomes the place's elements */
    STRIP_STORE,  /* the place's elements become the value */
    STRIP_STREAM, /* likewise, past the cache where the place begins on a line of it */
    STRIP_CAST,   /* the value from dtype to other */
    STRIP_APPLY, /* the value becomes op(value, place), or op(value); a choice: value where other is true, else place */
    STRIP_TURNED,   /* op(place, value); a choice: place where other is true, else value */
    STRIP_FUNCTION, /* the value becomes op(value); call number other computes strips that are not ordinary */
    STRIP_FOLD,     /* the place's element becomes the value's leaf, folded by a reduction */
    STRIP_CALL,     /* call number other; the value is lost */
    STRIP_FETCH,    /* other bytes ahead of the place's are brought near */
    STRIP_MOVE, /* the place's elements go to other past the cache, where that begins on half a line; the value is lost
                 */
    STRIP_END,
    STRIP_KINDS,
} strip_kind_t;

/* Steps that read have two functions: far fetches ahead of an array, near is for slots.  The others have near only. */
typedef struct {
    uint8_t kind, dtype, other; /* of the value; what it is cast to */
    int op;                     /* op_code_t, or reduce_t */
    void (*near)(void), (*far)(void);
} strip_row_t;

/* A variant's steps; rows end with STRIP_END. */
typedef const strip_row_t *(*strip_rows_fn)(void);
enum { STRIP_TABLES = 4 };
typedef struct {
    strip_rows_fn rows[STRIP_TABLES];
    /* The first n strips, by steps that end with STRIP_END. */
    void (*run)(const strip_step_t *steps, const strip_run_t *run, int64_t n);
} strip_table_t;

/* Steps that belong together; plain memory. */
enum { STRIP_STEPS = 192, STRIP_CALLS = 64 };
typedef struct {
    int n; /* 0: there are none */
    strip_step_t steps[STRIP_STEPS];
    const strip_row_t *rows[STRIP_STEPS]; /* what they are */
    int ncalls;
    strip_call_t calls[STRIP_CALLS];
} strip_program_t;

#define STRIP_TABLES_OF(variant)                                                                                       \
    const strip_table_t *LOOPS_NAME(variant, strips)(void);                                                            \
    const strip_row_t *LOOPS_NAME(variant, strip_steps)(void);                                                         \
    const strip_row_t *LOOPS_NAME(variant, strip_integers)(void);                                                      \
    const strip_row_t *LOOPS_NAME(variant, strip_choices)(void);                                                       \
    const strip_row_t *LOOPS_NAME(variant, strip_functions)(void);
STRIP_TABLES_OF(wide)
STRIP_TABLES_OF(widest)
#undef STRIP_TABLES_OF
/* This processor's; NULL: it has none. */
const strip_table_t *strip_table(void);
/* NULL: there is no such step.  op and other count where the kind says so. */
const strip_row_t *strip_find(strip_kind_t kind, int op, dtype_t dtype, dtype_t other);

#endif
