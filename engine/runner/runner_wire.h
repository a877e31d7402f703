/* engine/runner/runner_wire.h - what an engine and its runner say to each other.
 *
 * Both are built together, so messages are plain structs, one a datagram of a SOCK_SEQPACKET pair; descriptors ride
 * along by SCM_RIGHTS.  The engine trusts nothing in a reply or in the page: sizes, ranges and terminators are checked,
 * and everything is copied once before it is looked at.  One request is in flight at a time, each gets exactly one
 * reply. */
#ifndef FH_ENGINE_RUNNER_RUNNER_WIRE_H
#define FH_ENGINE_RUNNER_RUNNER_WIRE_H

#include "codecs/shape.h"
#include "engine/runner_host.h"

#include <stdint.h>

enum {
    RUNNER_SOCKET_FD = 3, /* where the runner finds its socket */
    RUNNER_PAGE_FD = 4,   /* and the memfd of its status page */
    RUNNER_PAGE_BYTES = 4096,
    RUNNER_MAX_BITCODE = 1 << 20,   /* bytes of a module */
    RUNNER_INSPECT_BYTES = 8 << 20, /* room for IR and assembly; what does not fit is cut off */
    RUNNER_MAX_OPERANDS = KERNEL_MAX_ARGS + 1,
    RUNNER_NAME_MAX = 256,
};

typedef enum { RUNNER_COMPILE = 1, RUNNER_RUN = 2 } runner_request_t;
typedef enum { RUNNER_READY = 17, RUNNER_COMPILED = 18, RUNNER_DONE = 19 } runner_answer_t;

/* Descriptors: the bitcode (sealed memfd); with inspect also a memfd of RUNNER_INSPECT_BYTES for the texts. */
typedef struct {
    uint32_t code, kernel;
    uint32_t size; /* bytes of bitcode */
    uint8_t inspect, fastmath;
    char entry[RUNNER_NAME_MAX], signature[RUNNER_NAME_MAX], kind[16];
} runner_compile_t;

/* One array: its descriptor is the one at the same place in the datagram. */
typedef struct {
    int64_t fd_size, offset; /* as in runner_array_t */
    int32_t dtype, ndim;
    int64_t extent[SHAPE_MAX_DIMS], stride[SHAPE_MAX_DIMS];
} runner_operand_t;

/* Inputs in order, then the output; only count of the operands are sent. */
typedef struct {
    uint32_t code, kernel;
    uint32_t count, reserved;
    runner_operand_t operands[RUNNER_MAX_OPERANDS];
} runner_run_t;

typedef struct {
    uint32_t code, kernel;
    int32_t status, os_errno;
    char text[ERR_TEXT_MAX];
    union {
        struct {
            uint32_t llvm_major, reserved;
            char llvm[32], cpu[64], sandbox[64];
        } ready;
        struct {
            char entry[RUNNER_NAME_MAX];
            int32_t kind, nin, out, in[KERNEL_MAX_ARGS];
            uint32_t ir_bytes, assembly_bytes; /* with inspect: texts in the memfd, one after the other */
            uint64_t compile_ns;
        } compiled;
    } as;
} runner_reply_t;

/* Shared memory where a dying runner leaves its last words. */
typedef struct {
    int32_t signal, code;
    uint64_t address;
    int32_t stack_overflow;
    int32_t system_call; /* for SIGSYS: its number */
    char system_call_name[32];
    char text[ERR_TEXT_MAX]; /* LLVM's fatal error, or why the start failed */
} runner_page_t;
_Static_assert(sizeof(runner_page_t) <= RUNNER_PAGE_BYTES, "the status page is one page");

#endif
