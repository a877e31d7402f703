/* proxy/python/native/session.c - the type Session: connection, lock, life. */
#include "proxy/python/native/native.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_WAIT_US = 50000 }; /* how often a thread that waits for the lock looks for signals */

static long process; /* its number, so that not every call asks the kernel */

static void
note_process(void)
{
    __atomic_store_n(&process, (long)getpid(), __ATOMIC_RELAXED);
}

static void
watch_forks(void)
{
    if (!pthread_atfork(NULL, NULL, note_process))
        note_process();
}

/* The number of this process; once it watches forks, without a system call. */
static long
process_number(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    long number = __atomic_load_n(&process, __ATOMIC_RELAXED);
    if (number)
        return number;
    pthread_once(&once, watch_forks);
    return (long)getpid();
}

bool
pysession_is_forked(const pysession_t *self)
{
    return self->pid != process_number();
}

/* Waits for the lock without the GIL; wakes up for signals. */
static bool
lock_take(pysession_t *self)
{
    while (!PyThread_acquire_lock(self->lock, NOWAIT_LOCK)) {
        PyLockStatus got;
        Py_BEGIN_ALLOW_THREADS got = PyThread_acquire_lock_timed(self->lock, LOCK_WAIT_US, 1);
        Py_END_ALLOW_THREADS if (got == PY_LOCK_ACQUIRED) break;
        if (PyErr_CheckSignals())
            return false;
    }
    self->owner = PyThread_get_thread_ident();
    return true;
}

static void
lock_give(pysession_t *self)
{
    self->owner = 0;
    PyThread_release_lock(self->lock);
}

static bool
is_usable(pysession_t *self)
{
    if (pysession_is_forked(self)) {
        native_raise_named(self->module, "INVALID_ARGUMENT",
                           "this session belongs to the parent process; connect again after a fork");
        return false;
    }
    if (self->owner && self->owner == PyThread_get_thread_ident()) {
        native_raise_named(self->module, "INVALID_ARGUMENT",
                           "this thread is inside a call of the session already (a signal handler cannot use it)");
        return false;
    }
    return true;
}

bool
pysession_enter(pysession_t *self)
{
    if (!is_usable(self) || !lock_take(self))
        return false;
    if (!self->session) {
        lock_give(self);
        native_raise_named(self->module, "STALE_HANDLE", "the session is closed");
        return false;
    }
    pyflags_watch(self);
    self->inside = PyEval_SaveThread();
    return true;
}

/* Set while operations wait that somebody should send when it is quiet. */
static atomic_bool unsent;
static sem_t unsent_news;
static pthread_once_t unsent_once = PTHREAD_ONCE_INIT;

static void
unsent_init(void)
{
    (void)sem_init(&unsent_news, 0, 0);
}

/* Before the GIL is taken back. */
static void
note_unsent(const pysession_t *self)
{
    if (!self->session || !fh_unsent(self->session) || atomic_exchange(&unsent, true))
        return;
    (void)pthread_once(&unsent_once, unsent_init);
    (void)sem_post(&unsent_news);
}

/* await_unsent(seconds) -> bool: wait until operations of any session wait to be sent. */
PyObject *
pysession_await_unsent(PyObject *module, PyObject *args)
{
    double seconds = 0;
    struct timespec until;
    (void)module;
    if (!PyArg_ParseTuple(args, "d", &seconds))
        return NULL;
    (void)pthread_once(&unsent_once, unsent_init);
    (void)clock_gettime(CLOCK_REALTIME, &until);
    double end = (double)until.tv_sec + (double)until.tv_nsec * 1e-9 + seconds;
    until.tv_sec = (time_t)end;
    until.tv_nsec = (long)((end - (double)until.tv_sec) * 1e9);
    PyThreadState *state = PyEval_SaveThread();
    bool any = sem_timedwait(&unsent_news, &until) == 0;
    PyEval_RestoreThread(state);
    if (any)
        atomic_store(&unsent, false);
    return PyBool_FromLong(any);
}

/* flush(quiet seconds) -> bool: is there still something? */
static PyObject *
session_flush(PyObject *object, PyObject *args)
{
    pysession_t *self = (pysession_t *)object;
    fh_error error = {0};
    double quiet = 0;
    if (!PyArg_ParseTuple(args, "d", &quiet) || !pysession_enter(self))
        return NULL;
    int status = fh_flush(self->session, quiet, &error), more = fh_unsent(self->session);
    return pysession_leave(self, status, &error) ? PyBool_FromLong(more) : NULL;
}

bool
pysession_leave(pysession_t *self, int status, const fh_error *error)
{
    note_unsent(self);
    PyEval_RestoreThread(self->inside);
    self->inside = NULL;
    handles_free_dropped(self);
    (void)pyflags_collect(self);
    lock_give(self);
    if (PyErr_Occurred())
        return false;
    if (!status)
        return true;
    native_raise(self->module, status, error);
    return false;
}

PyObject *
pysession_leave_array(pysession_t *self, int status, const fh_error *error, fh_array *ret)
{
    native_t *state = native_state(self->module);
    PyObject *wrapped = NULL;
    bool made = !status && ret;
    note_unsent(self);
    PyEval_RestoreThread(self->inside);
    self->inside = NULL;
    handles_free_dropped(self);
    (void)pyflags_collect(self);
    if (PyErr_Occurred()) {
        if (made)
            fh_array_free(&ret);
    } else if (status) {
        native_raise(self->module, status, error);
    } else if (made) {
        wrapped = handles_wrap(self, state->array_type, ret, NULL);
    } else {
        wrapped = Py_NewRef(Py_None);
    }
    lock_give(self);
    return wrapped;
}

void
pysession_gil_take(pysession_t *self)
{
    PyEval_RestoreThread(self->inside);
    self->inside = NULL;
}

void
pysession_gil_give(pysession_t *self)
{
    self->inside = PyEval_SaveThread();
}

/* farhand.h calls this while it waits.  An exception from a signal handler stays set until pysession_leave. */
static int
interrupted(void *context)
{
    pysession_t *self = context;
    pysession_gil_take(self);
    int stop = PyErr_CheckSignals();
    pysession_gil_give(self);
    return stop;
}

static pysession_t *
session_new(PyObject *module)
{
    pysession_t *self = PyObject_New(pysession_t, native_state(module)->session_type);
    if (!self)
        return NULL;
    self->session = NULL;
    self->module = Py_NewRef(module);
    self->owner = 0;
    self->inside = NULL;
    self->progress = NULL;
    self->pid = (long)getpid();
    self->call_timeout = -1;
    handles_init(&self->live);
    handles_init(&self->dropped);
    self->lock = PyThread_allocate_lock();
    if (!self->lock) {
        Py_DECREF((PyObject *)self);
        PyErr_NoMemory();
        return NULL;
    }
    return self;
}

/* farhand.h calls this while much is moved.  What the function raises stays set until pysession_leave. */
static void
progress(void *context, int64_t moved, int64_t bytes)
{
    pysession_t *self = context;
    pysession_gil_take(self);
    if (!PyErr_Occurred()) {
        PyObject *result = PyObject_CallFunction(self->progress, "LL", (long long)moved, (long long)bytes);
        Py_XDECREF(result);
    }
    pysession_gil_give(self);
}

/* connect(target or None, timeout, call_timeout, wire_only, no_rings, streams, trust_network, compression or None, host
 * or None, progress or None, copy_threads, no_fusion, linalg_rows) -> Session */
PyObject *
pysession_connect(PyObject *module, PyObject *args)
{
    fh_connect_options options = {0};
    fh_error error = {0};
    PyObject *report = Py_None;
    long long linalg_rows;
    if (!PyArg_ParseTuple(args, "zddppipzzOipL", &options.target, &options.timeout_s, &options.call_timeout_s,
                          &options.wire_only, &options.no_rings, &options.streams, &options.trust_network,
                          &options.compression, &options.host, &report, &options.copy_threads, &options.no_fusion,
                          &linalg_rows))
        return NULL;
    options.linalg_rows = linalg_rows;
    pysession_t *self = session_new(module);
    if (!self)
        return NULL;
    self->call_timeout = options.call_timeout_s;
    options.interrupted = interrupted;
    if (report != Py_None) {
        self->progress = Py_NewRef(report);
        options.progress = progress;
    }
    options.context = self;
    if (!lock_take(self)) {
        Py_DECREF((PyObject *)self);
        return NULL;
    }
    self->inside = PyEval_SaveThread();
    int status = fh_connect(&self->session, &options, &error);
    if (!pysession_leave(self, status, &error)) {
        Py_DECREF((PyObject *)self);
        return NULL;
    }
    return (PyObject *)self;
}

static PyObject *
session_close(PyObject *object, PyObject *none)
{
    pysession_t *self = (pysession_t *)object;
    (void)none;
    if (pysession_is_forked(self) || !self->session)
        Py_RETURN_NONE;
    if (!is_usable(self) || !lock_take(self))
        return NULL;
    handles_close(self);
    self->inside = PyEval_SaveThread();
    fh_close(&self->session);
    if (!pysession_leave(self, 0, NULL))
        return NULL;
    Py_RETURN_NONE;
}

static void
session_dealloc(PyObject *object)
{
    pysession_t *self = (pysession_t *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject *error_type, *error_value, *error_traceback;
    PyErr_Fetch(&error_type, &error_value, &error_traceback);
    if (!pysession_is_forked(self)) {
        handles_free_dropped(self);
        pysession_gil_give(self);
        fh_close(&self->session);
        pysession_gil_take(self);
    }
    PyErr_Restore(error_type, error_value, error_traceback);
    if (self->lock)
        PyThread_free_lock(self->lock);
    Py_DECREF(self->module);
    Py_XDECREF(self->raised);
    Py_XDECREF(self->progress);
    PyObject_Free(self);
    Py_DECREF((PyObject *)type);
}

/* tick() -> False if another thread is inside: then the session is not idle, and nothing need be done. */
static PyObject *
session_tick(PyObject *object, PyObject *none)
{
    pysession_t *self = (pysession_t *)object;
    fh_error error = {0};
    (void)none;
    if (!is_usable(self))
        return NULL;
    if (!PyThread_acquire_lock(self->lock, NOWAIT_LOCK))
        Py_RETURN_FALSE;
    self->owner = PyThread_get_thread_ident();
    int status = 0;
    self->inside = PyEval_SaveThread();
    if (self->session)
        status = fh_tick(self->session, &error);
    if (!pysession_leave(self, status, &error))
        return NULL;
    Py_RETURN_TRUE;
}

static PyObject *
session_sync(PyObject *object, PyObject *args)
{
    pysession_t *self = (pysession_t *)object;
    fh_error error = {0};
    double timeout = 0;
    if (!PyArg_ParseTuple(args, "d", &timeout) || !pysession_enter(self))
        return NULL;
    if (!pysession_leave(self, fh_sync(self->session, timeout, &error), &error) || !pyflags_report(self))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *
session_cancel(PyObject *object, PyObject *nothing)
{
    (void)nothing;
    pysession_t *self = (pysession_t *)object;
    fh_error error = {0};
    if (!pysession_enter(self))
        return NULL;
    if (!pysession_leave(self, fh_cancel(self->session, &error), &error))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *
session_unpublish(PyObject *object, PyObject *args)
{
    pysession_t *self = (pysession_t *)object;
    fh_error error = {0};
    const char *name = NULL;
    if (!PyArg_ParseTuple(args, "s", &name) || !pysession_enter(self))
        return NULL;
    if (!pysession_leave(self, fh_unpublish(self->session, name, &error), &error))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *
session_call_many(PyObject *object, PyObject *args)
{
    pysession_t *self = (pysession_t *)object;
    fh_error error = {0};
    PyObject *receiver = NULL;
    const char *method = NULL;
    int engine = 0;
    long long count = 0;
    fh_array *array = NULL;
    if (!PyArg_ParseTuple(args, "OisL", &receiver, &engine, &method, &count))
        return NULL;
    if (receiver != Py_None && !(array = pyarray_get(self, receiver)))
        return NULL;
    if (!pysession_enter(self))
        return NULL;
    if (!pysession_leave(self, fh_call_many(self->session, array, engine, method, count, &error), &error))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *
session_get_cluster(PyObject *object, void *closure)
{
    pysession_t *self = (pysession_t *)object;
    (void)closure;
    return native_text(self->session ? fh_cluster_name(self->session) : "");
}

static PyObject *
session_get_closed(PyObject *object, void *closure)
{
    pysession_t *self = (pysession_t *)object;
    (void)closure;
    return PyBool_FromLong(!self->session || pysession_is_forked(self));
}

static PyMethodDef session_methods[] = {
    {"close", session_close, METH_NOARGS, "close()"},
    {"flush", session_flush, METH_VARARGS, "flush(quiet) -> bool"},
    {"tick", session_tick, METH_NOARGS, "tick() -> bool"},
    {"sync", session_sync, METH_VARARGS, "sync(timeout)"},
    {"cancel", session_cancel, METH_NOARGS, "cancel()"},
    {"engines", pyqueries_engines, METH_VARARGS, "engines([timeout]) -> list of dict"},
    {"engine_id", pyqueries_engine_id, METH_VARARGS, "engine_id(number) -> bytes"},
    {"objects", pyqueries_objects, METH_VARARGS, "objects(limit) -> list of dict"},
    {"sql", pyqueries_sql, METH_VARARGS, "sql(query, limit) -> list of tuple, column names first"},
    {"progress", pyqueries_progress, METH_NOARGS,
     "progress() -> list of (engine, entry, done, total, seconds, queued)"},
    {"memory", pyqueries_memory, METH_NOARGS, "memory() -> list of (engine, kind, owner, on disk, bytes, count)"},
    {"names", pyqueries_names, METH_NOARGS, "names() -> list of str"},
    {"stats", pyqueries_stats, METH_NOARGS, "stats() -> dict"},
    {"call", pyqueries_call, METH_VARARGS, "call(array or None, engine, method, args) -> list"},
    {"python_call", pyobject_call, METH_VARARGS,
     "python_call(engine, what, pickle, objects, arrays, buffers, keep, timeout, token)"},
    {"python_get", pyobject_get, METH_O, "python_get(name) -> Object"},
    {"python_collect", pyobject_collect, METH_NOARGS, "python_collect() -> (list of (token, answer), calls under way)"},
    {"python_cancel", pyobject_cancel, METH_VARARGS,
     "python_cancel(tokens, unbegun): of calls that python_collect has not given"},
    {"python_await", pyobject_await, METH_VARARGS, "python_await(milliseconds): until something may have come"},
    {"call_many", session_call_many, METH_VARARGS, "call_many(array or None, engine, method, count)"},
    {"unpublish", session_unpublish, METH_VARARGS, "unpublish(name)"},
    {"get", pyarray_get_named, METH_VARARGS, "get(name) -> Array"},
    {"import_array", pyarray_import, METH_VARARGS, "import_array(bytes) -> Array"},
    {"scatter", pyarray_scatter, METH_VARARGS, "scatter(buffer, axis or None, blocksize, engines or None) -> Array"},
    {"gather_list", pylists_gather, METH_VARARGS,
     "gather_list(list of Arrays, list of buffers for them, one behind the other)"},
    {"scatter_list", pylists_scatter, METH_VARARGS,
     "scatter_list(list of buffers, engines, which of them is first) -> list of RemoteArray"},
    {"shared", pymapping_shared, METH_VARARGS, "shared(dtype, shape) -> Mapping"},
    {"empty", pyarray_empty, METH_VARARGS, "empty(dtype, shape, axis or None, blocksize, engines or None) -> Array"},
    {"ufunc", pycompute_ufunc, METH_VARARGS,
     "ufunc(op, inputs, outs, where, dtype, casting) -> tuple of Array or None"},
    {"matmul", pydense_matmul, METH_VARARGS, "matmul((a, b)) -> Array"},
    {"linalg", pydense_linalg, METH_VARARGS, "linalg(name, inputs, upper, rcond) -> tuple of Arrays"},
    {"random", pydense_random, METH_VARARGS,
     "random(distribution, dtype, reals, integers, state, shape, axis or None, blocksize, engines or None) -> (Array, "
     "state)"},
    {"arange", pydense_arange, METH_VARARGS,
     "arange(dtype, integers, reals, count, axis or None, blocksize, engines or None) -> Array"},
    {"concatenate", pyviews_concatenate, METH_VARARGS, "concatenate(arrays, axis) -> Array"},
    {"from_pieces", pyviews_from_pieces, METH_VARARGS, "from_pieces(arrays, axis) -> Array"},
    {"kernel_get", pykernel_get_named, METH_VARARGS, "kernel_get(name) -> Kernel"},
    {"kernel_load", pykernel_load, METH_VARARGS, "kernel_load(code, entry, signature, kind, fastmath) -> Kernel"},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef session_getset[] = {
    {"cluster", session_get_cluster, NULL, "name of the cluster", NULL},
    {"closed", session_get_closed, NULL, "True once it cannot be used", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot session_slots[] = {
    {Py_tp_dealloc, NATIVE_SLOT(session_dealloc)},
    {Py_tp_methods, session_methods},
    {Py_tp_getset, session_getset},
    {0, NULL},
};

PyType_Spec pysession_spec = {
    .name = "farhand._native.Session",
    .basicsize = sizeof(pysession_t),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = session_slots,
};
