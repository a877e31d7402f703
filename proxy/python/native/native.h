/* proxy/python/native/native.h - the extension farhand._native: farhand.h, call by call, as Python objects.
 *
 * Everything friendly (operators, NumPy's protocols, printing) is in the Python package; nothing here knows NumPy.  The
 * extension uses Python's limited API only and no NumPy header: arrays come and go through the buffer protocol.
 *
 * Thread rule.  A C session belongs to one thread at a time.  pysession_enter takes the session's lock and lets go of
 * the GIL; pysession_leave does the opposite.  Every call into farhand.h that takes a session, an array or a kernel
 * stands between the two.  Python state (the lists of handles) is guarded by the GIL. Dropped objects.  A deallocator
 * cannot wait for the lock: when another thread is inside, it puts its handle on the session's list of dropped handles,
 * which the next thread that leaves empties. Errors.  false or NULL mean that a Python exception is set. */
#ifndef FH_PROXY_PYTHON_NATIVE_NATIVE_H
#define FH_PROXY_PYTHON_NATIVE_NATIVE_H

#define PY_SSIZE_T_CLEAN /* sizes beside "#" in formats are Py_ssize_t */
#include "proxy/farhand.h"

#include <stdbool.h>
#include <stdint.h>

#include <Python.h>

enum { PROXY_NAMES = 5, NATIVE_OPERATORS = 48, NATIVE_SHORTCUTS = 16 };

/* Per-module state. */
typedef struct {
    PyObject
        *make_error; /* callable(status, text, origin, signal, address, os_errno) -> exception; None until it is set */
    PyTypeObject *session_type, *array_type, *kernel_type, *mapping_type, *object_type;
    PyTypeObject *operators_type, *shortcuts_type;
    PyTypeObject *remote_class, *dist_class; /* proxies.c; NULL until they are told */
    PyObject *dtypes;                        /* a tuple: NumPy's of numbers by our codes */
    PyObject *dtype_of, *local_of;           /* functions for elements that are not numbers: see proxies.c */
    PyObject *names[PROXY_NAMES];            /* of the proxies' attributes */
    PyObject *operators[NATIVE_OPERATORS];   /* operators.c: the methods for what is not simple */
    PyObject *shortcuts[NATIVE_SHORTCUTS];   /* shortcuts.c: likewise */
    struct sites *sites;                     /* flags.c; NULL until it is told of NumPy's errstate */
} native_t;

native_t *native_state(PyObject *module);

/* Python's slots hold functions as void *, which ISO C does not convert. */
#define NATIVE_SLOT(function) (__extension__(void *)(function))

/* A C handle and its place in one of its session's two lists. */
typedef struct handle {
    struct handle *previous, *next;
    fh_array *array; /* at most one of the four is not NULL */
    fh_kernel *kernel;
    fh_mapping *mapping;
    fh_object *object;
    void *data; /* mappings: the array's bytes */
    Py_ssize_t size;
} handle_t;

typedef struct {
    PyObject_HEAD fh_session *session; /* NULL: not connected, or closed */
    PyObject *module;                  /* owned */
    PyThread_type_lock lock;
    unsigned long owner;    /* thread that is inside; 0: none */
    PyThreadState *inside;  /* its state while the GIL is released */
    PyObject *progress;     /* called while much is moved; NULL: nothing */
    handle_t live, dropped; /* heads of rings */
    long pid;               /* of the process that connected */
    double call_timeout;    /* seconds; negative: none */
    PyObject *raised;       /* flags.c: a list of what is to be reported; NULL: nothing */
} pysession_t;

/* May an array be written by a handle?  Views of one that may not are of the third kind, for good. */
typedef enum { PYACCESS_ALL, PYACCESS_READ, PYACCESS_READ_FOR_GOOD } pyaccess_t;

typedef struct {
    PyObject_HEAD pysession_t *session; /* owned */
    handle_t *handle;  /* owned; its array or kernel is NULL once the session is closed, mappings stay */
    pyaccess_t access; /* arrays: of this handle, not of the memory */
} pyhandle_t;

/* ---- errors.c */
/* Set the exception for a status; always returns NULL. */
PyObject *native_raise(PyObject *module, int status, const fh_error *error);
/* The same with the row of that name and a text of our own. */
PyObject *native_raise_named(PyObject *module, const char *status_name, const char *text);
/* Text from C, whatever its bytes are. */
PyObject *native_text(const char *text);

/* ---- session.c */
extern PyType_Spec pysession_spec;
PyObject *pysession_connect(PyObject *module, PyObject *args);
PyObject *pysession_await_unsent(PyObject *module, PyObject *args);
bool pysession_enter(pysession_t *self);
bool pysession_leave(pysession_t *self, int status, const fh_error *error);
/* Leave, and wrap what was made: an Array, or None if ret is NULL. */
PyObject *pysession_leave_array(pysession_t *self, int status, const fh_error *error, fh_array *ret);
/* In another process than the one that connected? */
bool pysession_is_forked(const pysession_t *self);
/* Take and give the GIL back in a call-back that runs between enter and leave. */
void pysession_gil_take(pysession_t *self);
void pysession_gil_give(pysession_t *self);

/* ---- handles.c */
void handles_init(handle_t *head);
/* Both with the lock and the GIL.  Close: free all but mappings; their wrappers live on, empty. */
void handles_free_dropped(pysession_t *self);
void handles_close(pysession_t *self);
/* A wrapper of the given type around a handle; takes it, also on failure. */
PyObject *handles_wrap(pysession_t *self, PyTypeObject *type, fh_array *array, fh_kernel *kernel);
/* A tuple of Arrays, None where there is no handle; takes them all, also on failure. */
PyObject *handles_tuple(pysession_t *self, fh_array **arrays, int count);
void handles_dealloc(PyObject *object);

/* ---- proxies.c: RemoteArray and DistArray */
PyObject *pyproxies_use(PyObject *module, PyObject *args);
PyObject *pyproxies_wrap(PyObject *module, PyObject *handle);
/* A proxy of a native Array that info describes; takes handle, also on failure (NULL: a failure). */
PyObject *pyproxies_new(native_t *state, PyObject *handle, const fh_array_info *info);
/* The same for an array of one piece, with the shape as a tuple that is there already, which is borrowed. */
PyObject *pyproxies_new_whole(native_t *state, PyObject *handle, fh_dtype dtype, PyObject *shape);
/* The native Array in an object that is exactly a RemoteArray or DistArray, as a reference; NULL (no exception) for all
 * else. */
PyObject *pyproxies_handle(native_t *state, PyObject *object);

/* ---- operators.c */
extern PyType_Spec pyoperators_spec;
/* use_operators(class): its methods are called for what is not simple. */
PyObject *pyoperators_use(PyObject *module, PyObject *class);
/* simple_ufunc(name, a[, b[, c]]): an operation with one result; NotImplemented if one of these is neither a remote
 * array of numbers nor a Python number. */
PyObject *pyoperators_simple(PyObject *module, PyObject *const *args, Py_ssize_t nargs);

/* are_simple(tuple): remote arrays of numbers, of one session, one at least, Python numbers and None only? */
PyObject *pyoperators_are_simple(PyObject *module, PyObject *tuple);

/* ---- shortcuts.c */
extern PyType_Spec pyshortcuts_spec;
/* use_shortcuts(class): its methods are called for what is not simple. */
PyObject *pyshortcuts_use(PyObject *module, PyObject *class);

/* ---- flags.c: floating-point exceptions */
/* use_errstate(token, decode, report, (folder, ...)) */
PyObject *pyflags_use(PyObject *module, PyObject *args);
/* With the lock and the GIL: calls from now on report what the errstate in force wants to know. */
void pyflags_watch(pysession_t *session);
/* With both: keep what has been reported.  false: an exception. */
bool pyflags_collect(pysession_t *session);
/* Where a value is read, without the lock: warn, raise or call as the errstate wanted.  false: an exception. */
bool pyflags_report(pysession_t *session);
int pyflags_traverse(const struct sites *self, visitproc visit, void *arg);
void pyflags_destroy(struct sites **self);

/* ---- queries.c: methods of Session that read tables */
PyObject *pyqueries_engines(PyObject *object, PyObject *args);
PyObject *pyqueries_engine_id(PyObject *object, PyObject *args);
PyObject *pyqueries_objects(PyObject *object, PyObject *args);
PyObject *pyqueries_sql(PyObject *object, PyObject *args);
PyObject *pyqueries_memory(PyObject *object, PyObject *none);
PyObject *pyqueries_names(PyObject *object, PyObject *none);
PyObject *pyqueries_stats(PyObject *object, PyObject *none);
PyObject *pyqueries_call(PyObject *object, PyObject *args);
PyObject *pyqueries_progress(PyObject *object, PyObject *none);

/* ---- array.c */
extern PyType_Spec pyarray_spec;
/* The array behind a wrapper; NULL with an exception if the object is no Array or its session is closed. */
fh_array *pyarray_get(pysession_t *session, PyObject *object);
/* fh_scatter_options from Python's values; release it if init returned true. */
typedef struct {
    fh_scatter_options options;
    fh_id *engines;
} pylayout_t;
bool pylayout_init(pylayout_t *self, PyObject *axis, long long blocksize, PyObject *engines);
void pylayout_release(pylayout_t *self);
/* As pyarray_get, of what is to be written; ValueError if the handle is for reading. */
fh_array *pyarray_get_target(pysession_t *session, PyObject *object);
/* made (a reference, passed on, or NULL), a view of object: it may not be written where object may not. */
PyObject *pyarray_view_of(PyObject *object, PyObject *made);
PyObject *pyarray_scatter(PyObject *object, PyObject *args);
PyObject *pyarray_empty(PyObject *object, PyObject *args);
PyObject *pyarray_import(PyObject *object, PyObject *args);
PyObject *pyarray_get_named(PyObject *object, PyObject *args);

/* ---- lists.c */
PyObject *pylists_scatter(PyObject *object, PyObject *args);
PyObject *pylists_gather(PyObject *object, PyObject *args);

/* ---- packs.c */
PyObject *pypacks_gather(PyObject *module, PyObject *args);

/* ---- mapping.c */
extern PyType_Spec pymapping_spec;
/* Method of Array: a Mapping with the array's C-order bytes, or None where it has to be copied. */
PyObject *pymapping_gather(PyObject *object, PyObject *none);
PyObject *pymapping_shared(PyObject *object, PyObject *args);

/* ---- compute.c: methods of Session and Array that compute */
PyObject *pycompute_ufunc(PyObject *object, PyObject *args);
PyObject *pycompute_reduce(PyObject *object, PyObject *args);
PyObject *pycompute_variance(PyObject *object, PyObject *args);
PyObject *pycompute_astype(PyObject *object, PyObject *args);
PyObject *pycompute_assign(PyObject *object, PyObject *args);

/* ---- dense.c: methods of Session */
PyObject *pydense_matmul(PyObject *object, PyObject *args);
PyObject *pydense_linalg(PyObject *object, PyObject *args);
PyObject *pydense_fft(PyObject *object, PyObject *args); /* of Array */
PyObject *pydense_random(PyObject *object, PyObject *args);
PyObject *pydense_arange(PyObject *object, PyObject *args);
/* ---- sorting.c: methods of Array */
PyObject *pysorting_sort(PyObject *object, PyObject *args);
PyObject *pysorting_argsort(PyObject *object, PyObject *args);
PyObject *pysorting_accumulate(PyObject *object, PyObject *args);
PyObject *pysorting_searchsorted(PyObject *object, PyObject *args);
PyObject *pysorting_isin(PyObject *object, PyObject *args);
PyObject *pysorting_bincount(PyObject *object, PyObject *args);
PyObject *pysorting_histogram(PyObject *object, PyObject *args);
PyObject *pysorting_interp(PyObject *object, PyObject *args);
PyObject *pysorting_correlate(PyObject *object, PyObject *args);

/* ---- views.c: methods of Session and Array that rearrange */
PyObject *pyviews_index(PyObject *object, PyObject *args);
PyObject *pyviews_element(PyObject *object, PyObject *args);
PyObject *pyviews_transpose(PyObject *object, PyObject *args);
PyObject *pyviews_view_as(PyObject *object, PyObject *args);
PyObject *pyviews_field(PyObject *object, PyObject *args);
PyObject *pyviews_broadcast_to(PyObject *object, PyObject *args);
PyObject *pyviews_reshape(PyObject *object, PyObject *args);
PyObject *pyviews_copy(PyObject *object, PyObject *none);
PyObject *pyviews_alias(PyObject *object, PyObject *none);
PyObject *pyviews_piece_handle(PyObject *object, PyObject *args);
PyObject *pyviews_concatenate(PyObject *object, PyObject *args);
PyObject *pyviews_from_pieces(PyObject *object, PyObject *args);

/* ---- indexing.c: methods of Array */
PyObject *pyindexing_arrays(PyObject *object, PyObject *args);
PyObject *pyindexing_assign_arrays(PyObject *object, PyObject *args);
PyObject *pyindexing_mask(PyObject *object, PyObject *args);
PyObject *pyindexing_assign_mask(PyObject *object, PyObject *args);
PyObject *pyindexing_nonzero(PyObject *object, PyObject *none);

/* ---- kernel.c */
extern PyType_Spec pykernel_spec;
PyObject *pykernel_load(PyObject *object, PyObject *args);
PyObject *pykernel_get_named(PyObject *object, PyObject *args);

/* ---- python_object.c: methods of Session */
extern PyType_Spec pyobject_spec;
PyObject *pyobject_call(PyObject *object, PyObject *args);
PyObject *pyobject_get(PyObject *object, PyObject *name);
PyObject *pyobject_collect(PyObject *object, PyObject *none);
PyObject *pyobject_await(PyObject *object, PyObject *args);
PyObject *pyobject_cancel(PyObject *object, PyObject *args);

/* ---- convert.c */
/* Memory of a Python object, held through the buffer protocol. */
typedef struct {
    Py_buffer view;
    bool held;
} pybuffer_t;

/* *ret borrows from the buffer. */
bool pybuffer_init(pybuffer_t *self, const native_t *state, PyObject *source, bool writable, fh_local *ret);
void pybuffer_release(pybuffer_t *self);

/* The same with what it holds. */
typedef struct {
    pybuffer_t buffer;
    fh_local local;
} pylocal_t;

bool pylocal_init(pylocal_t *self, const native_t *state, PyObject *source, bool writable);
void pylocal_release(pylocal_t *self);

enum { PYOPERANDS_MAX = 32 };

/* Inputs of a computation: Arrays, Python numbers (weak), or anything with a buffer. */
typedef struct {
    int count;
    fh_operand items[PYOPERANDS_MAX];
    pylocal_t locals[PYOPERANDS_MAX];
} pyoperands_t;

/* A Python int, float or complex (and no subclass) as a weak operand: 1; 0: it is none of them; -1: an exception. */
int convert_number(fh_operand *self, PyObject *source);
/* sequence: a tuple; the objects in it must outlive the operands. */
bool pyoperands_init(pyoperands_t *self, pysession_t *session, PyObject *tuple);
void pyoperands_release(pyoperands_t *self);

/* Integers of a tuple; ret_count of at most room. */
bool convert_ints(PyObject *tuple, int64_t *ret, int room, int *ret_count, const char *what);
bool convert_axes(PyObject *tuple_or_none, int *ret, int *ret_count); /* None: -1 */
PyObject *convert_shape(const int64_t *shape, int ndim);
PyObject *convert_id(const fh_id *id);
bool convert_to_id(PyObject *bytes, fh_id *ret);

#endif
