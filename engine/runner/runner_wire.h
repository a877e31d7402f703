/* engine/runner/runner_wire.h - what an engine and its runner say to each other.
 *
 * Both are built together, so messages are plain structs, one a datagram of a SOCK_SEQPACKET pair; descriptors ride
 * along by SCM_RIGHTS.  The engine trusts nothing in a reply or in the page: sizes, ranges and terminators are checked,
 * and everything is copied once before it is looked at.  One request is in flight at a time, each gets exactly one
 * reply. */
#ifndef FH_ENGINE_RUNNER_RUNNER_WIRE_H
#define FH_ENGINE_RUNNER_RUNNER_WIRE_H

#include "base/err.h"
#include "codecs/shape.h"
#include "engine/kernel.h"

#include <stdint.h>

enum {
    RUNNER_SOCKET_FD = 3, /* where the runner finds its socket */
    RUNNER_PAGE_FD = 4,   /* and the memfd of its status page, which the mailbox follows */
    RUNNER_PAGE_BYTES = 4096,
    RUNNER_MAILBOX_BYTES = 4 << 20, /* small arrays lie here instead of in memfds of their own */
    RUNNER_MAX_BITCODE = 1 << 20,   /* bytes of a module */
    RUNNER_MAX_OBJECT = 4 << 20,    /* bytes of machine code; larger ones are not cached on disk */
    RUNNER_INSPECT_BYTES = 8 << 20, /* room for IR and assembly; what does not fit is cut off */
    /* Inputs, mask, outputs, and for stencils two strips an input. */
    RUNNER_MAX_OPERANDS = 3 * KERNEL_MAX_ARGS + KERNEL_MAX_OUT + 1,
    RUNNER_NAME_MAX = KERNEL_NAME_MAX,
    RUNNER_SYMBOL_MAX = 48,
    RUNNER_MAPS = 64, /* of arrays that a runner keeps from call to call; their numbers are bits of a word */
};

typedef enum { RUNNER_COMPILE = 1, RUNNER_RUN = 2, RUNNER_LOAD = 3, RUNNER_DROP = 4 } runner_request_t;
typedef enum { RUNNER_READY = 17, RUNNER_COMPILED = 18, RUNNER_DONE = 19 } runner_answer_t;

/* Descriptors: the bitcode (sealed memfd); a memfd of RUNNER_MAX_OBJECT bytes for the machine code; with inspect also
 * one of RUNNER_INSPECT_BYTES for the texts.  symbol: what the generated functions are called; unique in this runner.
 */
typedef struct {
    uint32_t code, kernel;
    uint32_t size; /* bytes of bitcode */
    uint8_t inspect, fastmath, exact, debug;
    int64_t state_bytes;
    char entry[RUNNER_NAME_MAX], signature[RUNNER_NAME_MAX], kind[16], layout[KERNEL_LAYOUT_MAX];
    char symbol[RUNNER_SYMBOL_MAX];
} runner_compile_t;

/* What the runner found out about a kernel; it goes with the machine code. */
typedef struct {
    char entry[RUNNER_NAME_MAX], layout[KERNEL_LAYOUT_MAX];
    int32_t kind, nin, nout;
    int32_t in[KERNEL_MAX_ARGS], out[KERNEL_MAX_OUT];
    int64_t state_bytes;
    uint8_t has_start, whole_vectors, pointer_state, status_call;
    uint8_t loop_abi; /* of a gufunc: it is NumPy's loop, not a function of fh_arrays */
    uint8_t debug;
    uint8_t streams; /* of a ufunc: it has a loop whose results go past the cache */
    uint8_t reserved;
} runner_description_t;

/* Machine code that an earlier runner has made: one descriptor, a sealed memfd. */
typedef struct {
    uint32_t code, kernel;
    uint32_t size;
    uint32_t reserved;
    char symbol[RUNNER_SYMBOL_MAX]; /* as it was compiled */
    runner_description_t description;
} runner_load_t;

/* Maps that are not to be kept any longer, as bits.  This is the one message without a reply. */
typedef struct {
    uint32_t code, reserved;
    uint64_t maps;
} runner_drop_t;

/* One array.  Its descriptor is the next in the datagram; or a map that the runner has kept holds it; or it lies in the
 * mailbox (fd_size is RUNNER_MAILBOX_BYTES then, and offset counts from the mailbox's start). */
typedef struct {
    int64_t fd_size, offset; /* as in runner_array_t */
    uint64_t segment;        /* as in runner_array_t: for the engine's own use */
    int64_t base, whole;     /* pieces: index of the first element along the call's axis, extent of the whole there */
    int32_t dtype, ndim;
    uint8_t mailbox, cut;      /* cut: it is a piece of an array that is cut along the call's axis */
    uint8_t keep;              /* map number keep - 1 holds it, or is to hold it after the call; 0: none */
    uint8_t held, reserved[4]; /* held: the map is there; no descriptor comes */
    int64_t extent[SHAPE_MAX_DIMS], stride[SHAPE_MAX_DIMS];
} runner_operand_t;

/* Operands: nin inputs; the mask if there is one; nout outputs; strips: for each bit of low, then of high, the strip
 * of that input.  Only count of them are sent.  What axis, stage, halo mean is said at runner_call_t. */
typedef struct {
    uint32_t code, kernel;
    uint32_t serial; /* of the call: what runner_page_t.cancel names */
    uint32_t count, nin, nout;
    uint8_t masked, stage, leave, ends_only;
    int32_t axis;
    uint32_t low, high;
    int64_t width, pad_low, pad_high;
    uint32_t watch, reserved; /* floating-point flags that are to be told */
    uint64_t drop;            /* maps that are not to be kept any longer, before the operands are looked at */
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
            uint8_t features[32]; /* SHA-256 of what else the compiler goes by */
        } ready;
        struct {
            runner_description_t description;
            uint32_t ir_bytes, assembly_bytes; /* with inspect: texts in the memfd, one after the other */
            uint32_t object_bytes;             /* of machine code in its memfd; 0: it does not fit */
            uint32_t reserved;
            uint64_t compile_ns;
        } compiled;
        struct {
            uint64_t run_ns, elements;
            uint64_t kept;             /* maps that are there now, as bits */
            uint32_t raised, reserved; /* floating-point flags, as on the wire */
        } done;
    } as;
} runner_reply_t;

/* Shared memory where a dying runner leaves its last words, a running call says how far it is, and the engine says that
 * it is to stop. */
typedef struct {
    int32_t signal, code;
    uint64_t address;
    int32_t stack_overflow;
    int32_t system_call; /* for SIGSYS: its number */
    char system_call_name[32];
    char text[ERR_TEXT_MAX]; /* LLVM's fatal error, or why the start failed, or what debug=True has found */
    int32_t checked;         /* debug=True found something: no crash, no step towards the poison list */
    int32_t line;            /* of the source; 0: unknown */
    char file[128];
    int64_t first, last;          /* elements that the thread worked on, in C order of the piece; equal: unknown */
    _Atomic uint64_t done, total; /* of the running call: elements, or millionths if the kernel says how far it is */
    _Atomic uint32_t cancel;      /* the engine's: serial of the call that is to stop */
    /* Requests that the engine has sent, and that the runner has answered: for a look without a system call. */
    _Alignas(64) _Atomic uint32_t asked;
    _Atomic int32_t engine_cpu; /* on which each side ran last: a hint */
    _Alignas(64) _Atomic uint32_t answered;
    _Atomic int32_t runner_cpu;
} runner_page_t;
_Static_assert(sizeof(runner_page_t) <= RUNNER_PAGE_BYTES, "the status page is one page");

#endif
