/* engine/methods/kernel_job.h - what all kernel messages share: the phases of a call that needs a runner, its operands.
 *
 * Runners belong to the reactor; a call goes through phases:
 *     BEGIN   (anywhere)  check, pin, copy what the kernel cannot use as it lies, make room for results
 *     ASK     (reactor)   hand it to the runner host; then the lane waits for the answer
 *     FINISH  (anywhere)  all results appear, or none
 * A call of small arrays that finds its lane idle goes through all of them on the reactor. */
#ifndef FH_ENGINE_METHODS_KERNEL_JOB_H
#define FH_ENGINE_METHODS_KERNEL_JOB_H

#include "engine/methods.h"

enum { PHASE_BEGIN, PHASE_ASK, PHASE_FINISH };

/* What a kernel object holds. */
typedef struct {
    uint32_t number; /* the runner host's */
    oid_t session;
    kernel_info_t info; /* without ir and assembly */
} kernel_t;

/* A result: a new array, or an existing one that is written once the kernel has succeeded. */
typedef struct {
    oid_t id;
    bool exists;
    pin_t target; /* if it exists */
    pin_t place;  /* where a new one goes once the kernel has succeeded; without a segment: it is there */
} kernel_result_t;

/* What a call keeps between its phases. */
typedef struct {
    core_t *core;
    lane_t *lane;
    bool finished; /* under the core's lock */
    int status;
    err_t err;
    uint64_t ticket;
    kernel_t kernel;
    buf_t *texts[2]; /* KERNEL: optimised IR, assembly */
    runner_call_t call;
    uint64_t timeout_ms;      /* 0: the default */
    uint64_t watch;           /* as on the wire */
    unsigned raised;          /* floating-point flags of those */
    int room;                 /* operands of the call, in the order of runner_call_t */
    runner_array_t *operands; /* nd is set when the operand is there, the rest when the call is handed over */
    segment_t **segments;     /* of each operand; NULL: a constant, or not there yet */
    int nresults;
    kernel_result_t *results;
    _Alignas(16) uint8_t constants[KERNEL_MAX_ARGS][16];
} kernel_job_t;

/* ---- life and phases ---------------------------------------------------------------------------------------------
 */

/* The call's state from now on.  operands: how many there will be, results among them. */
int kernel_job_new(run_t *run, int operands, int results, kernel_job_t **ret, err_t *err);
/* The call has no state any more.  Safe on one that has none. */
void kernel_job_free(run_t *run);
bool kernel_job_finished(run_t *run, const kernel_job_t *job);
/* On the reactor: the runner host has answered; the lane goes on. */
void kernel_job_finish(kernel_job_t *job, int status, const err_t *err);

/* A method's run: carry the call through its phases.  begin makes the job, with all operands there and call filled but
 * for operands and deadline_ns; or defers the run (run_defer) and leaves no job. */
int kernel_job_run(run_t *run, int (*begin)(run_t *run, err_t *err), err_t *err);
/* The ticket for method_t. */
uint64_t kernel_job_ticket(const call_t *call);

/* Copy the record of a kernel object.  NO_SUCH_OBJECT, WRONG_TYPE, or the error it is poisoned with. */
int kernel_find(core_t *core, oid_t id, kernel_t *ret, err_t *err);
/* The kernel of the call.  KERNEL_ERROR if it is of another session, or of a kind that the message does not run; kinds:
 * set of 1 << kernel_kind_t. */
int kernel_job_find(run_t *run, kernel_job_t *job, oid_t id, unsigned kinds, err_t *err);

/* ---- operands ------------------------------------------------------------------------------------------------------
 */

/* Pin an array as an operand. */
int kernel_job_pin(run_t *run, kernel_job_t *job, int operand, oid_t id, err_t *err);
/* The same for inputs, which may be constants. */
int kernel_job_input(run_t *run, kernel_job_t *job, int input, const operand_t *from, err_t *err);
/* WRONG_TYPE unless the operand has this dtype (DTYPE_NONE: any). */
int kernel_job_check_dtype(const kernel_job_t *job, int operand, dtype_t dtype, err_t *err);
/* Use a contiguous copy of the operand. */
int kernel_job_copy(run_t *run, kernel_job_t *job, int operand, err_t *err);

/* Check the id of a result and pin it if it exists. */
int kernel_job_result(run_t *run, kernel_job_t *job, int result, oid_t id, bool exists, err_t *err);
/* A result that exists must have this dtype and shape. */
int kernel_job_check_target(const kernel_job_t *job, int result, dtype_t dtype, const shape_t *shape, err_t *err);
/* A result is to take over the memory of an array of this session that has been made for it, of this dtype and shape.
 */
int kernel_job_draft(run_t *run, kernel_job_t *job, int result, oid_t id, dtype_t dtype, const shape_t *shape,
                     err_t *err);
/* Do so.  May put the call off, as run_writes. */
int kernel_job_take_draft(run_t *run, kernel_job_t *job, int result, err_t *err);
/* A result's array: first as in EMPTY, strided if the kernel may write it where it is to lie. */
typedef struct {
    dtype_t dtype;
    const shape_t *shape;
    uint64_t first;
    unsigned pool_flags;
    bool strided;
} kernel_room_t;

/* Make room for a result; the kernel's output of the same number. */
int kernel_job_make(run_t *run, kernel_job_t *job, int result, const kernel_room_t *room, err_t *err);
/* Let the output of a result that exists begin as a copy of it. */
int kernel_job_start_from_target(run_t *run, kernel_job_t *job, int result, err_t *err);
/* Operand number of a result's output. */
int kernel_job_output(const kernel_job_t *job, int result);

/* Bytes of an array of this shape, added to *sum; what is too large counts as very many. */
void kernel_job_touch(int64_t *sum, const shape_t *shape, dtype_t dtype);

#endif
