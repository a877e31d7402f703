/* farhand.h - remote arrays and kernels from C: the one public header of libfarhand, and its manual.
 *
 *     fh_session *session;  fh_array *d, *s;  fh_error error;
 *     if (fh_connect(&session, NULL, &error)) { fprintf(stderr, "%s\n", error.text); return 1; }
 *     fh_scatter(session, &local, &(fh_scatter_options){.axis = 0}, &d, &error);     // pieces over all engines
 *     fh_reduce(d, "sum", NULL, -1, 0, FH_DTYPE_NONE, &s, &error);                   // no bytes come back
 *     fh_gather(s, &value, NULL, &error);                                            // now they do
 *
 * Words.  An array lives on engines; an fh_array is a handle: one piece on one engine (axis -1), or an ordered list of
 * pieces along an axis.  Handles are cheap, views share memory as in NumPy. Calls return at once with a handle whose
 * shape and dtype are known; engines compute behind it.  What fails there comes out where a value is asked for
 * (fh_gather, fh_wait), and names where it began.  Functions that return a value wait, at most the session's timeout.
 * Errors.  Functions return an fh_status (0 is done) and fill error, which may be NULL.  On failure outputs are
 * untouched and nothing has changed.  The library installs no signal handler, starts no thread of its own beside
 * ZeroMQ's I/O thread (but copy_threads), prints nothing, never aborts or exits. Threads.  A session and everything
 * made from it belong to one thread at a time: the caller locks.  Different sessions are independent.  After fork() the
 * child must not use a session of its parent (calls fail with FH_INVALID_ARGUMENT). Ownership.  ret_ outputs are owned
 * by the caller and freed with the function named there.  Inputs are borrowed for the call. */
#ifndef FARHAND_H
#define FARHAND_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FH_EXPORT __attribute__((visibility("default")))

enum { FH_MAX_DIMS = 32 };

/* Element types; numbers as on the wire. */
typedef enum {
    FH_DTYPE_NONE = 0,
    FH_BOOL = 1,
    FH_INT8,
    FH_UINT8,
    FH_INT16,
    FH_UINT16,
    FH_INT32,
    FH_UINT32,
    FH_INT64,
    FH_UINT64,
    FH_FLOAT16,
    FH_FLOAT32,
    FH_FLOAT64,
    FH_COMPLEX64,
    FH_COMPLEX128
    /* Others are made by fh_dtype_from_name and fh_dtype_fields: see farhand/dtypes.h. */
} fh_dtype;

/* What happened; numbers as on the wire, texts by fh_status_text. */
typedef enum {
    FH_STATUS_OK = 0,
    FH_STATUS_INTERNAL = 1,
    FH_STATUS_NO_MEMORY = 2,
    FH_STATUS_INVALID_ARGUMENT = 3,
    FH_STATUS_WRONG_TYPE = 4,
    FH_STATUS_BAD_INDEX = 5,
    FH_STATUS_NO_SUCH_OBJECT = 6,
    FH_STATUS_NO_SUCH_NAME = 7,
    FH_STATUS_NAME_TAKEN = 8,
    FH_STATUS_NO_SUCH_METHOD = 9,
    FH_STATUS_OVERFLOW = 10,
    FH_STATUS_NOT_SUPPORTED = 11,
    FH_STATUS_TIMEOUT = 12,
    FH_STATUS_CANCELLED = 13,
    FH_STATUS_INTERRUPTED = 14,
    FH_STATUS_CANNOT_CONNECT = 15,
    FH_STATUS_BROKER_LOST = 16,
    FH_STATUS_ENGINE_LOST = 17,
    FH_STATUS_STALE_HANDLE = 18,
    FH_STATUS_LIMIT_EXCEEDED = 19,
    FH_STATUS_PROTOCOL_ERROR = 20,
    FH_STATUS_VERSION_MISMATCH = 21,
    FH_STATUS_PERMISSION = 22,
    FH_STATUS_IO_ERROR = 23,
    FH_STATUS_REGISTRY_FULL = 24,
    FH_STATUS_BAD_BITCODE = 25,
    FH_STATUS_BITCODE_TOO_NEW = 26,
    FH_STATUS_KERNEL_ERROR = 27,
    FH_STATUS_KERNEL_FAULT = 28,
    FH_STATUS_KERNEL_TIMEOUT = 29,
    FH_STATUS_KERNEL_POISONED = 30,
    FH_STATUS_REMOTE_ERROR = 31,
    FH_STATUS_BUSY = 32,
    FH_STATUS_ALREADY_RUNNING = 33,
    FH_STATUS_LINALG_ERROR = 34
} fh_status;

typedef struct {
    int status; /* fh_status */
    int os_errno;
    int signal; /* kernel faults: the signal and address */
    uint64_t address;
    char text[512];  /* what, how big, what to do */
    char origin[96]; /* where it began; "" here */
} fh_error;

typedef struct {
    uint8_t bytes[16];
} fh_id;

typedef struct fh_session fh_session;
typedef struct fh_array fh_array;
typedef struct fh_kernel fh_kernel;

FH_EXPORT const char *fh_version(void);           /* "0.1.0" */
FH_EXPORT const char *fh_status_name(int status); /* "ENGINE_LOST" */
FH_EXPORT const char *fh_status_text(int status);
FH_EXPORT const char *fh_status_python_class(int status);   /* "EngineLost" */
FH_EXPORT const char *fh_status_python_builtin(int status); /* "ConnectionError" */
FH_EXPORT int fh_status_at(int i);                          /* table order; -1 past the end */
FH_EXPORT size_t fh_dtype_size(fh_dtype dtype);
FH_EXPORT const char *fh_dtype_name(fh_dtype dtype);
FH_EXPORT fh_dtype fh_dtype_from_name(const char *name);

/* ---- sessions ------------------------------------------------------------------------------------------------------
 */

typedef struct {
    const char *target;    /* connection file or cluster name; NULL: $FARHAND_CONNECTION, else the cluster "default" */
    double timeout_s;      /* for connecting; 0: 10 */
    double call_timeout_s; /* for each answer that a call waits for (gather: each part); 0: 60, negative: no limit */
    int wire_only;         /* non-zero: never touch the memory of engines on this host, send all bytes as messages */
    int (*interrupted)(
        void *context); /* called every 50 ms or so while waiting; non-zero ends the wait with FH_INTERRUPTED */
    void *context;
    int no_rings; /* non-zero: small messages to engines on this host go over ZeroMQ, too, not through shared memory */
    int copy_threads; /* how many threads may copy a large array to and from engines on this host, the caller's among
                         them; 0: that one alone.  They end with the copy. */
    /* Large pieces go to and from engines on other hosts over connections of their own (streams), sealed with keys of
     * each. */
    int streams;             /* to each engine; 0: by the number of cores; negative: none, all bytes go in messages */
    int trust_network;       /* non-zero: without encryption; PERMISSION from engines without --trust-network */
    const char *compression; /* of what goes over streams: NULL or "lz4" */
    const char *host;        /* what this host is called; NULL: host name and boot id.  An engine whose host is called
                                otherwise is taken to be on another */
    /* How far a scatter or gather is that takes more than a second; called every tenth of a second, with context.  The
     * last call of each has moved equal to bytes, or -1 if it has failed. */
    void (*progress)(void *context, int64_t moved, int64_t bytes);
    /* Non-zero: each elementwise operation is sent at once.  Else a short tail of them waits for the next call of
     * another kind, and goes as one expression; FARHAND_FUSION=off in the environment says the same.  Results are the
     * same. */
    int no_fusion;
    /* Matrices in pieces with so many rows are factorised by all their engines together, smaller ones by one of them,
     * to which they are brought; 0: as pays for each function. */
    int64_t linalg_rows;
} fh_connect_options;

/* CANNOT_CONNECT says what to do (run `farhand up`). */
FH_EXPORT int fh_connect(fh_session **ret, const fh_connect_options *options, fh_error *error);
/* Ends the session: its unpublished objects are freed.  Handles made from it must be freed before.  NULL-safe,
 * idempotent. */
FH_EXPORT void fh_close(fh_session **session);
/* Do what is due without waiting: read news, answer probes, send operations that wait, flush releases.  Call it now and
 * then (every few seconds) in a program that is long idle, so that a restarted broker learns of the session. */
FH_EXPORT int fh_tick(fh_session *session, fh_error *error);
/* Send the operations that wait, if none was added for so many seconds.  Does not wait for them. */
FH_EXPORT int fh_flush(fh_session *session, double quiet_s, fh_error *error);
/* Are there any? */
FH_EXPORT int fh_unsent(const fh_session *session);
FH_EXPORT const char *fh_cluster_name(const fh_session *session);

typedef struct {
    fh_id id;
    int number; /* 0, 1, ... in order of arrival */
    char host[256];
    int64_t pid;
    int cores;
    int64_t memory_bytes, used_bytes, objects;
    char llvm[32], cpu[64], sandbox[64], state[16];
    char offers[256]; /* its tags and resources: "big,gpu=2" */
} fh_engine_info;

/* At most room engines into ret; *ret_count is how many there are. */
FH_EXPORT int fh_engines(fh_session *session, fh_engine_info *ret, int room, int *ret_count, fh_error *error);
/* The same, to be shown: as they were known last if the broker has not answered by then. */
FH_EXPORT int fh_engines_within(fh_session *session, double timeout_s, fh_engine_info *ret, int room, int *ret_count,
                                fh_error *error);
/* The id of the engine with that number.  From what the session has heard: the broker is only asked about one that is
 * unknown or lost.  BAD_INDEX: there is none. */
FH_EXPORT int fh_engine_of_number(fh_session *session, int number, fh_id *ret, fh_error *error);

typedef struct {
    fh_id id, session, engine;
    char type[32], name[256];
    fh_dtype dtype;
    int ndim;
    int64_t shape[FH_MAX_DIMS];
    int64_t bytes, age_ms;
} fh_object_info;

/* visit returns non-zero to stop.  Borrowed info is valid during the visit. */
FH_EXPORT int fh_objects(fh_session *session, int64_t limit, int (*visit)(void *context, const fh_object_info *info),
                         void *context, fh_error *error);

/* What memory is used for, in the broker and in each engine.  kind: arrays, mapped, in flight, cache, code, runners,
 * python, registry, free, process, or spilled.  But for those on disk, the bytes of an engine add up to what its array
 * files take, each counted once whoever has mapped it, and the resident memory of its process and of those that run its
 * kernels without array files. */
typedef struct {
    int engine; /* its number; -1: the broker */
    char kind[24];
    fh_id owner; /* kinds arrays and code: the session; else, and where there are too many, all zero */
    int on_disk; /* it is no memory */
    int64_t bytes, count;
} fh_memory_info;

/* visit returns non-zero to stop.  Engines answer after what the session has asked of them before. */
FH_EXPORT int fh_memory(fh_session *session, int (*visit)(void *context, const fh_memory_info *info), void *context,
                        fh_error *error);

/* A small value: cells of a query, arguments and results of methods. */
typedef struct {
    enum {
        FH_NIL,
        FH_VALUE_BOOL,
        FH_VALUE_INT,
        FH_VALUE_UINT,
        FH_VALUE_FLOAT,
        FH_VALUE_TEXT,
        FH_VALUE_BYTES,
        FH_VALUE_ID
    } kind;
    int64_t i;        /* BOOL, INT */
    uint64_t u;       /* UINT */
    double f;         /* FLOAT */
    const char *data; /* TEXT, BYTES: not terminated */
    size_t size;
    fh_id id;
} fh_value;

/* Read-only SQL over the registry (tables objects, names, engines, sessions).  The first visit gets the column names.
 */
FH_EXPORT int fh_sql(fh_session *session, const char *query, int64_t limit,
                     int (*visit)(void *context, const fh_value *cells, int count), void *context, fh_error *error);

/* Counters since the session began. */
typedef struct {
    uint64_t messages_sent, messages_received;       /* engines and broker */
    uint64_t array_bytes_sent, array_bytes_received; /* payload between this client and engines */
    uint64_t shared_bytes;      /* payload copied from and to engines' memory on this host, without messages */
    uint64_t mapped_bytes;      /* payload gathered as maps of engines' memory on this host, without a copy */
    uint64_t engine_bytes;      /* payload asked to move engine to engine */
    uint64_t waits;             /* calls that waited for an answer */
    uint64_t rings;             /* engines that are reached through rings in shared memory now */
    uint64_t ring_messages;     /* sent through them, of messages_sent */
    uint64_t rings_failed;      /* times that rings could not be opened or were given up: ZeroMQ carries on */
    uint64_t python_ring_calls; /* calls of Python objects that went past their engine, to its Python host */
} fh_stats;
FH_EXPORT void fh_session_stats(const fh_session *session, fh_stats *ret);

/* Floating-point exceptions.  From fh_session_watch on, engines report the given flags (0: none, as at first) of
 * ufuncs, casts, sums and products, running results and matrix products under a number of the caller's, below 2^60.
 * What they have raised is known, of everything that a value depends on, when that value has been gathered or waited
 * for.  An operation is reported once or more for each number, whether or not anything is done with its result; 64 for
 * each engine and 256 here are kept until they are taken. */
enum { FH_FLAG_DIVIDE = 1, FH_FLAG_OVERFLOW = 2, FH_FLAG_UNDERFLOW = 4, FH_FLAG_INVALID = 8, FH_FLAGS_ALL = 15 };
typedef struct {
    uint64_t number;
    unsigned flags;
    char op[33]; /* the ufunc's name, "cast", "reduce", "accumulate" or "matmul" */
} fh_flags;
FH_EXPORT int fh_session_watch(fh_session *session, unsigned flags, uint64_t number, fh_error *error);
/* Take the oldest, at most room.  Returns how many were taken; with room 0 how many there are. */
FH_EXPORT int fh_session_flags(fh_session *session, fh_flags *ret, int room);

/* ---- moving arrays -------------------------------------------------------------------------------------------------
 */

/* Local strided memory, not owned.  strides in bytes; NULL strides: C-contiguous. */
typedef struct {
    void *data;
    fh_dtype dtype;
    int ndim;
    const int64_t *shape;
    const int64_t *strides;
    int swapped; /* non-zero: the bytes of each element are in the other order (scatter only) */
} fh_local;

enum { FH_WHOLE = -1000 }; /* axis: not cut, one piece on one engine */

typedef struct {
    int axis;          /* negative counts from the end; FH_WHOLE */
    int64_t blocksize; /* extent of a piece; 0: one piece an engine, sizes as numpy.array_split */
    const fh_id
        *engines; /* which, in order; NULL: in order of their numbers; one piece: where this session keeps least */
    int nengines;
} fh_scatter_options;

/* Copy a local array to engines.  0-d arrays and FH_WHOLE give one piece.  Free with fh_array_free.
 * Fewer items than engines: as many pieces as items (at least one). */
FH_EXPORT int fh_scatter(fh_session *session, const fh_local *source, const fh_scatter_options *options, fh_array **ret,
                         fh_error *error);
/* An array with undefined contents, laid out as scatter would. */
FH_EXPORT int fh_empty(fh_session *session, fh_dtype dtype, int ndim, const int64_t *shape,
                       const fh_scatter_options *options, fh_array **ret, fh_error *error);
/* Copy the whole array into local memory: strides in bytes for each axis, NULL: C order.  Waits. */
FH_EXPORT int fh_gather(fh_array *array, void *ret, const int64_t *strides, fh_error *error);
/* The whole array without a copy: its C-order bytes in memory of this process that may be written, *ret_data.  It is a
 * private map of the engines' memory, made in the time of a message whatever the size.  What the caller writes stays
 * his; what is done to the array later is not seen.  Pages cost a little when they are first read, and a copy when they
 * are first written.  The engines keep the memory, and count it, until fh_mapping_free or the session's end; an array
 * that is written in place meanwhile is copied there first.
 * NOT_SUPPORTED: use fh_gather.  So for arrays below 1 MiB and on other hosts.  Arrays that fh_scatter and fh_empty
 * have made lie in one piece of memory and are mapped however they were cut.  So do results of fh_ufunc, fh_astype and
 * fh_copy along inner axes, from 64 MiB on, and of 2 MiB once the session has asked for the map of one that did not.
 * Others (results of other calls, and what was written in place while it was mapped) must be cut along the first axis
 * into C-contiguous pieces, of which more than half lie in their pages as they would in the whole: those of fh_ufunc,
 * fh_astype and fh_kernel_call do.  Waits.  *ret_data stays valid until fh_mapping_free, also when the session is
 * closed or engines end. */
typedef struct fh_mapping fh_mapping;
FH_EXPORT int fh_gather_map(fh_array *array, void **ret_data, fh_mapping **ret, fh_error *error);
/* An array in memory of this process that engines on this host work on, too: fh_scatter of it, or of a view of it in
 * which each element has a place of its own, copies nothing, whatever the layout.  Both sides see each other's writes
 * at once; a call's are there when a value that depends on it has come.  fh_gather of such an array is a copy
 * (fh_gather_map: NOT_SUPPORTED).  Contents are undefined.  *ret_data has all elements in C order and stays valid until
 * fh_mapping_free, also when the session is closed or engines end; then the engines never use the memory for anything
 * else.  It counts as the session's, and all of it is taken at once.  fh_scatter to engines on other hosts is
 * NOT_SUPPORTED: scatter a copy.  NOT_SUPPORTED: there is no engine on this host whose memory can be reached. */
FH_EXPORT int fh_shared(fh_session *session, fh_dtype dtype, int ndim, const int64_t *shape, void **ret_data,
                        fh_mapping **ret, fh_error *error);
/* Unmap it; no message is sent for that alone.  NULL-safe.  Thread rule: that of the session, unless the process is a
 * forked child of the one that made it. */
FH_EXPORT void fh_mapping_free(fh_mapping **mapping);
/* Another layout, engine to engine. */
FH_EXPORT int fh_reshard(fh_array *array, const fh_scatter_options *options, fh_array **ret, fh_error *error);
/* Wait until everything that the array depends on is done; its error if that failed.  timeout_s < 0: the session's. */
FH_EXPORT int fh_wait(fh_array *array, double timeout_s, fh_error *error);
/* Wait for all engines to have done all that was sent, and for the broker to have heard of what they made. */
FH_EXPORT int fh_sync(fh_session *session, double timeout_s, fh_error *error);
/* Cancel all calls of the session that are not done: kernels are ended, what has not begun never does, the results hold
 * CANCELLED. An interrupted wait does the same.  Does not wait. */
FH_EXPORT int fh_cancel(fh_session *session, fh_error *error);
/* Cancel the calls that make this array, if they are not done; it, and what is computed from it, holds CANCELLED then.
 * Does not wait. */
FH_EXPORT int fh_array_cancel(fh_array *array, fh_error *error);

/* Drop a handle; *array becomes NULL.  Sends nothing: releases ride on later messages. */
FH_EXPORT void fh_array_free(fh_array **array);

typedef struct {
    fh_dtype dtype;
    int ndim;
    int64_t shape[FH_MAX_DIMS];
    int axis; /* -1: one piece, not distributed */
    int npieces;
} fh_array_info;

typedef struct {
    fh_id id, engine;
    int engine_number;
    int64_t start, length; /* along axis */
} fh_piece_info;

FH_EXPORT void fh_array_describe(const fh_array *array, fh_array_info *ret);
FH_EXPORT int fh_array_piece(const fh_array *array, int i, fh_piece_info *ret);
FH_EXPORT fh_session *fh_array_session(const fh_array *array);

/* ---- computing -----------------------------------------------------------------------------------------------------
 */

/* An input: a remote array, a local one (moved to the engines), or a Python-like weak scalar (NEP 50). */
typedef struct {
    enum { FH_ARRAY, FH_LOCAL, FH_WEAK_INT, FH_WEAK_FLOAT, FH_WEAK_COMPLEX } kind;
    fh_array *array;
    const fh_local *local;
    int64_t i; /* WEAK_INT; is_unsigned: the bits of a uint64 */
    int is_unsigned;
    double f, imag; /* WEAK_FLOAT, WEAK_COMPLEX */
} fh_operand;

typedef enum { FH_CASTING_NO, FH_CASTING_SAFE, FH_CASTING_SAME_KIND, FH_CASTING_UNSAFE } fh_casting;

typedef struct {
    fh_array *const *out; /* write into these (NULL entries: new); NULL: all new */
    fh_array *where;      /* bool; NULL: everywhere */
    fh_dtype dtype;       /* of the computation; FH_DTYPE_NONE: by promotion */
    fh_casting casting;   /* used if casting_given */
    int casting_given;    /* else same_kind */
} fh_ufunc_options;

/* NumPy's ufunc of that name.  ret holds the op's nout handles (for given outs: NULL).  Operands on other engines or
 * layouts are moved engine to engine, the smaller to the larger.  At least one operand or out must be a remote array.
 */
FH_EXPORT int fh_ufunc(fh_session *session, const char *op, const fh_operand *in, int nin,
                       const fh_ufunc_options *options, fh_array **ret, fh_error *error);
FH_EXPORT int fh_op_at(int i, const char **ret_name, int *ret_nin, int *ret_nout); /* non-zero past the end */

/* sum prod min max any all argmin argmax mean std var (and and/or/xor of bits) over axes; naxes -1: all.
 * dtype FH_DTYPE_NONE: NumPy's.  The result is a new array. */
FH_EXPORT int fh_reduce(fh_array *array, const char *op, const int *axes, int naxes, int keepdims, fh_dtype dtype,
                        fh_array **ret, fh_error *error);
/* var and std with NumPy's ddof. */
FH_EXPORT int fh_variance(fh_array *array, int take_root, double ddof, const int *axes, int naxes, int keepdims,
                          fh_dtype dtype, fh_array **ret, fh_error *error);

/* Sorting, searching, running results, counting. */
#include "farhand/sorting.h"

/* Dates, bytes, str, structured elements. */
#include "farhand/dtypes.h"

FH_EXPORT int fh_astype(fh_array *array, fh_dtype dtype, fh_casting casting, fh_array **ret, fh_error *error);
FH_EXPORT int fh_copy(fh_array *array, fh_array **ret, fh_error *error);
/* array[...] = value, broadcast; cast at most same_kind unless casting says otherwise. */
FH_EXPORT int fh_assign(fh_array *array, const fh_operand *value, fh_casting casting, fh_error *error);

/* ---- views and joints: no data moves where layouts allow
 * ------------------------------------------------------------- */

typedef struct {
    enum { FH_INDEX_INT, FH_INDEX_SLICE, FH_INDEX_NEWAXIS, FH_INDEX_ELLIPSIS } kind;
    int64_t start, stop, step;
    int has_start, has_stop, has_step;
} fh_index_item;

/* NumPy basic indexing; the result is a view. */
FH_EXPORT int fh_index(fh_array *array, const fh_index_item *items, int nitems, fh_array **ret, fh_error *error);
FH_EXPORT int fh_transpose(fh_array *array, const int *axes, fh_array **ret, fh_error *error); /* axes NULL: reversed */
FH_EXPORT int fh_broadcast_to(fh_array *array, int ndim, const int64_t *shape, fh_array **ret, fh_error *error);
/* A view where strides allow and the distributed axis survives, else a copy (engine to engine). */
FH_EXPORT int fh_reshape(fh_array *array, int ndim, const int64_t *shape, fh_array **ret, fh_error *error);
/* Another handle to the same array. */
FH_EXPORT int fh_alias(fh_array *array, fh_array **ret, fh_error *error);
/* numpy.concatenate; along the distributed axis pieces are shared, not copied. */
FH_EXPORT int fh_concatenate(fh_array *const *arrays, int n, int axis, fh_array **ret, fh_error *error);
/* The pieces as arrays of their own (aliases, one piece each). */
FH_EXPORT int fh_array_from_pieces(fh_array *const *pieces, int n, int axis, fh_array **ret, fh_error *error);
FH_EXPORT int fh_array_piece_handle(fh_array *array, int i, fh_array **ret, fh_error *error);

/* Masks and integer arrays as indices. */
#include "farhand/indexing.h"

/* ---- methods and names
 * ------------------------------------------------------------------------------------------------ */

/* Invoke a method of the object behind a one-piece array (or, array NULL, of engine number engine) by name; waits.
 * Arrays: "describe", "methods", "nop".  Engines: "methods", "stats", "nop".  visit gets the result's values. */
FH_EXPORT int fh_call(fh_session *session, fh_array *array, int engine, const char *method, const fh_value *args,
                      int nargs, void (*visit)(void *context, const fh_value *values, int count), void *context,
                      fh_error *error);
/* The same without waiting for the answer, n times in one go; then waits for all (to measure pipelined calls). */
FH_EXPORT int fh_call_many(fh_session *session, fh_array *array, int engine, const char *method, int64_t n,
                           fh_error *error);

FH_EXPORT int fh_publish(fh_array *array, const char *name, fh_error *error);
FH_EXPORT int fh_unpublish(fh_session *session, const char *name, fh_error *error);
/* WRONG_TYPE: it is a kernel (fh_kernel_get). */
FH_EXPORT int fh_get(fh_session *session, const char *name, fh_array **ret, fh_error *error);
FH_EXPORT int fh_names(fh_session *session, int (*visit)(void *context, const char *name), void *context,
                       fh_error *error);

/* An array's handle as bytes, to be sent to another client of the same cluster (no data in it; the array must live). */
FH_EXPORT int fh_array_export(fh_array *array, void *ret, size_t room, size_t *ret_size, fh_error *error);
FH_EXPORT int fh_array_import(fh_session *session, const void *bytes, size_t size, fh_array **ret, fh_error *error);

/* ---- kernels --------------------------------------------------------------------------------------------------------
 */

typedef struct {
    const char *entry;     /* NULL: the function that fits; reductions: the common beginning of the functions' names */
    const char *signature; /* "float64(float64, float64)"; NULL: from the function type */
    const char *kind;      /* "ufunc", "piece", "array", "gufunc", "reduction"; NULL: from the function type */
    const char *layout;    /* gufuncs: core dimensions, "(m,k),(k,n)->(m,n)" */
    int64_t state_bytes;   /* reductions whose state lies behind a pointer: its bytes; 0: the module says so */
    int fastmath;          /* floating-point arithmetic may be reordered */
    int exact;             /* the C library's own functions, not its vector versions (which are within 4 ulp) */
    int debug;             /* bounds checks and NaN traps, element by element; slow */
    int force;             /* load it again although it has killed its runners (KERNEL_POISONED) */
} fh_kernel_options;

typedef struct {
    char entry[256], signature[256], kind[16], producer[64], layout[128];
    int nin, nout;           /* array kernels: nout 0, nin counts all operands; -1: any number */
    fh_dtype in[16], out[8]; /* array kernels: FH_DTYPE_NONE is any */
    int has_start;           /* reductions: a reduction of nothing has a value */
    int cached;              /* the engine that answered had the machine code on disk */
    uint8_t hash[32];
    uint64_t compile_ns;
} fh_kernel_info;

/* Send bitcode or textual IR (by content) to all engines; waits until one has compiled it, so that errors come up here.
 * What the session has loaded before with the same options is not sent again. */
FH_EXPORT int fh_kernel_load(fh_session *session, const void *code, size_t size, const fh_kernel_options *options,
                             fh_kernel **ret, fh_error *error);
FH_EXPORT int fh_kernel_load_file(fh_session *session, const char *path, const fh_kernel_options *options,
                                  fh_kernel **ret, fh_error *error);
/* Let other sessions get the kernel by name: its code and options, which an engine keeps, outlive this session.
 * NAME_TAKEN: another object has the name. */
FH_EXPORT int fh_kernel_publish(fh_kernel *kernel, const char *name, fh_error *error);
/* Load what was published under that name.  WRONG_TYPE: it is an array. */
FH_EXPORT int fh_kernel_get(fh_session *session, const char *name, fh_kernel **ret, fh_error *error);
/* What was loaded, with which options: borrowed until fh_kernel_free. */
FH_EXPORT void fh_kernel_source(const fh_kernel *kernel, const void **ret_code, size_t *ret_size,
                                fh_kernel_options *ret);
FH_EXPORT void fh_kernel_free(fh_kernel **kernel);
FH_EXPORT void fh_kernel_describe(const fh_kernel *kernel, fh_kernel_info *ret);

typedef struct {
    fh_array *out;    /* written once the kernel has succeeded; NULL: a new array is made */
    fh_array *where;  /* bool, broadcast: elsewhere nothing is computed; a new result is zero there */
    double timeout_s; /* of the run on each piece; 0: 30 */
} fh_kernel_call_options;

/* Ufunc kernels: broadcast over local, remote and distributed arrays and scalars; inputs are cast to the kernel's
 * dtypes, at most same_kind.  options NULL: none.  *ret is NULL if options->out was given. */
FH_EXPORT int fh_kernel_call(fh_kernel *kernel, const fh_operand *in, int nin, const fh_kernel_call_options *options,
                             fh_array **ret, fh_error *error);
/* Ufunc kernels of two inputs: for all pairs of elements; the result has a's axes, then b's. */
FH_EXPORT int fh_kernel_outer(fh_kernel *kernel, const fh_operand *a, const fh_operand *b, double timeout_s,
                              fh_array **ret, fh_error *error);
/* Reduction kernels, and ufunc kernels of two inputs with one dtype (taken to be associative): along the axes (axes
 * NULL: all), by a fixed tree over the whole array: the same bits whatever the engines, pieces and threads.  in: nin
 * arrays of one shape, as many as a step takes (ufunc kernels: 1).  Nothing to reduce: INVALID_ARGUMENT unless the
 * kernel has an init. */
FH_EXPORT int fh_kernel_reduce(fh_kernel *kernel, fh_array *const *in, int nin, const int *axes, int naxes,
                               int keepdims, double timeout_s, fh_array **ret, fh_error *error);
/* The same kernels: running results along axis, strictly from the first element to the last. */
FH_EXPORT int fh_kernel_accumulate(fh_kernel *kernel, fh_array *const *in, int nin, int axis, double timeout_s,
                                   fh_array **ret, fh_error *error);

/* What an output of fh_kernel_map shall be. */
typedef struct {
    fh_array *array;      /* an existing one, written once the kernel has succeeded; else NULL and: */
    fh_dtype dtype;       /* FH_DTYPE_NONE: what the signature says, else that of the first input */
    int ndim;             /* -1: the shape of the first input (gufuncs: what follows from the layout) */
    const int64_t *shape; /* of the whole result.  Along the first input's distributed axis its extent must be that of
                           * the input, or the number of the input's pieces: then each piece gives one slice */
} fh_kernel_out;

typedef struct {
    const fh_kernel_out *out; /* NULL: one, like the first input (gufuncs: as the layout says) */
    int nout;
    const int64_t *halo; /* array kernels: for each axis of the inputs how many elements of the neighbouring pieces the
                          * kernel may read on either side; NULL: none.  It may then be called for parts of a piece */
    int nhalo;
    double timeout_s;
} fh_kernel_map_options;

/* Piece kernels: once over each whole piece; the result has the input's layout and the kernel's output dtype.
 * Array kernels: once over each piece of the first distributed input; inputs with the same extent along its axis are
 * cut likewise, others go whole to every engine.
 * Gufuncs: over the loop dimensions, broadcast; distributed along a loop dimension, else computed on one engine.
 * ret gets as many arrays as there are outputs, NULL for those that existed; nret is the room. */
FH_EXPORT int fh_kernel_map(fh_kernel *kernel, const fh_operand *in, int nin, const fh_kernel_map_options *options,
                            fh_array **ret, int nret, fh_error *error);

typedef struct {
    uint64_t calls, elements, run_ns, compile_ns, faults; /* on all engines together */
    int engines, cached;                                  /* that have it; of these, from their disks */
} fh_kernel_stats;
FH_EXPORT int fh_kernel_stats_get(fh_kernel *kernel, fh_kernel_stats *ret, fh_error *error);

/* Optimised IR (what 0) or assembly (what 1) as an engine made it; *ret_text is malloc'ed, the caller frees it. */
FH_EXPORT int fh_kernel_inspect(fh_kernel *kernel, int what, char **ret_text, fh_error *error);

/* ---- Python objects
 * --------------------------------------------------------------------------------------------------
 *
 * An engine that runs Python has a process for each session, its Python host.  What a client and a host say to each
 * other is a pickle, of which this library knows nothing: it moves the bytes, and the handles of the objects and arrays
 * that the pickle refers to by their places.  farhand/remote_wire.py and engine/pyhost/host.py say what is in it. */

/* A Python object on an engine. */
typedef struct fh_object fh_object;
/* A call that has been asked. */
typedef struct fh_python_call fh_python_call;

typedef struct {
    int engine;       /* where, if there are no objects; arrays and buffers must be there already */
    const char *what; /* what people call it: 1 to 255 bytes */
    const void *body; /* the pickle */
    size_t size;
    fh_object *const *objects; /* at most 1024, all on one engine */
    int nobjects;
    fh_array *const *arrays; /* at most 48, of one piece each; seen read-only */
    int narrays;
    fh_array *const *buffers; /* at most 48 uint8 arrays of one dimension: the pickle's out-of-band buffers */
    int nbuffers;
    int keep;         /* the value becomes an object, *ret_object, which can be used at once */
    int shared;       /* where published objects live, in a process that all sessions share; objects must be there */
    double timeout_s; /* how long it may run; 0: as the engine has it */
    void *collected;  /* not NULL: fh_python_collect hands it out when the call is answered */
    int worker;       /* 1 and more: not in the order of other calls; for those without keep, objects and arrays.  1: in the
                         Python process where the session's objects are; above: in a further one, of as many as the
                         engine was started for (--python-workers) */
} fh_python_request;

/* Ask for a call; does not wait for it.  ret_object: fh_object_free; ret: fh_python_call_free. */
FH_EXPORT int fh_python_ask(fh_session *session, const fh_python_request *request, fh_object **ret_object,
                            fh_python_call **ret, fh_error *error);
/* Wait until it is answered.  FH_STATUS_REMOTE_ERROR: it raised, and the answer has the exception. */
FH_EXPORT int fh_python_wait(fh_python_call *call, double timeout_s, fh_error *error);

typedef struct {
    const void *body; /* the pickle; valid until the call is freed */
    size_t size;
    int raised, nobjects, narrays;
    int body_in_array; /* the pickle is the last array, as uint8 */
} fh_python_answer;

/* What an answered call gave.  FH_STATUS_BUSY: it is not answered yet; else as fh_python_wait. */
FH_EXPORT int fh_python_answer_get(fh_python_call *call, fh_python_answer *ret, fh_error *error);
/* Objects and arrays of the answer, each once; NULL if there is none. */
FH_EXPORT fh_object *fh_python_take_object(fh_python_call *call, int i);
FH_EXPORT fh_array *fh_python_take_array(fh_python_call *call, int i);
FH_EXPORT void fh_python_call_free(fh_python_call **call);
FH_EXPORT void fh_object_free(fh_object **object);
/* Its id and the number of its engine. */
FH_EXPORT void fh_object_describe(const fh_object *object, fh_id *ret_id, int *ret_engine, int *ret_shared);
/* A shared object outlives the session under a name. */
FH_EXPORT int fh_object_publish(fh_object *object, const char *name, fh_error *error);
/* The object with this name, as long as it is published.  WRONG_TYPE: it is none. */
FH_EXPORT int fh_object_get(fh_session *session, const char *name, fh_object **ret, fh_error *error);
/* Send what is due, take what has come, and visit the calls with `collected` that have been answered since; does not
 * wait.  visit frees the call.  Returns by *ret_waiting how many are still under way. */
FH_EXPORT int fh_python_collect(fh_session *session,
                                void (*visit)(void *context, void *collected, fh_python_call *call), void *context,
                                int *ret_waiting, fh_error *error);
/* Ask for the end of calls that fh_python_collect has not handed out, found by their `collected`: at most 512 an
 * engine. unbegun: those that have begun go on.  Does not wait: fh_python_collect tells which of them were CANCELLED.
 */
FH_EXPORT int fh_python_cancel(fh_session *session, void *const *collected, int n, int unbegun, fh_error *error);
/* For a thread that waits for answers while others use the session: descriptors to poll(2) for POLLIN without holding
 * the session, at most room; returns how many, 0 if something is there already.  Only a hint: look again after some
 * milliseconds all the same.  Then, with the session again, fh_session_wake with what poll said. */
FH_EXPORT int fh_session_sleep(fh_session *session, int *ret, int room);
FH_EXPORT void fh_session_wake(fh_session *session, const int *fds, const short *revents, int n);

/* What the session's kernels do now, one visit for each engine where one runs or calls wait.  Does not wait for them.
 */
typedef struct {
    int engine;
    char entry[256]; /* "" if none runs */
    uint64_t done, total;
    double seconds; /* since it began */
    uint64_t queued;
} fh_progress;
FH_EXPORT int fh_session_progress(fh_session *session, void (*visit)(void *context, const fh_progress *progress),
                                  void *context, fh_error *error);

#include "farhand/dense.h"
#include "farhand/lists.h"

#ifdef __cplusplus
}
#endif

#endif
