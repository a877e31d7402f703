/* proxy/python/native/python_object.c - Python objects on engines: the type Object, and calls in their hosts. */
#include "proxy/python/native/native.h"

#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

enum { MAX_OBJECTS = 1024, MAX_ARRAYS = 48, MAX_FDS = 256, MAX_TOKENS = 512, PAUSE_NS = 200000, WORKER_SHIFT = 20 };

#define SLICE_S 0.01

/* ---- Object --------------------------------------------------------------------------------------------------------
 */

typedef struct {
    fh_id id;
    int engine, shared;
} place_t;

static place_t
place_of(PyObject *object)
{
    const handle_t *handle = ((pyhandle_t *)object)->handle;
    place_t place = {.engine = -1};
    if (handle->object)
        fh_object_describe(handle->object, &place.id, &place.engine, &place.shared);
    return place;
}

static PyObject *
object_get_id(PyObject *object, void *closure)
{
    place_t place = place_of(object);
    (void)closure;
    return convert_id(&place.id);
}

static PyObject *
object_get_engine(PyObject *object, void *closure)
{
    (void)closure;
    return PyLong_FromLong(place_of(object).engine);
}

/* What remote_calls.py calls a host: the engine's number, or for the shared one its complement. */
static PyObject *
object_get_host(PyObject *object, void *closure)
{
    place_t place = place_of(object);
    (void)closure;
    return PyLong_FromLong(place.shared ? ~(long)place.engine : place.engine);
}

static PyObject *
object_get_session(PyObject *object, void *closure)
{
    (void)closure;
    return Py_NewRef((PyObject *)((pyhandle_t *)object)->session);
}

static PyGetSetDef object_getset[] = {
    {"id", object_get_id, NULL, "its id", NULL},
    {"engine", object_get_engine, NULL, "number of its engine; -1: its session is closed", NULL},
    {"host", object_get_host, NULL, "its Python host: the engine's number, ~number where all sessions share it", NULL},
    {"session", object_get_session, NULL, "the session", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyObject *
object_publish(PyObject *object, PyObject *name)
{
    pyhandle_t *self = (pyhandle_t *)object;
    fh_error error = {0};
    const char *text = PyUnicode_AsUTF8AndSize(name, NULL);
    if (!text || !pysession_enter(self->session))
        return NULL;
    int status = fh_object_publish(self->handle->object, text, &error);
    if (!pysession_leave(self->session, status, &error))
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef object_methods[] = {
    {"publish", object_publish, METH_O, "publish(name)"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot object_slots[] = {
    {Py_tp_dealloc, NATIVE_SLOT(handles_dealloc)},
    {Py_tp_methods, object_methods},
    {Py_tp_getset, object_getset},
    {0, NULL},
};

PyType_Spec pyobject_spec = {
    .name = "farhand._native.Object",
    .basicsize = sizeof(pyhandle_t),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = object_slots,
};

/* Takes the handle, also on failure. */
static PyObject *
wrap_object(pysession_t *session, fh_object *object)
{
    PyObject *wrapped = handles_wrap(session, native_state(session->module)->object_type, NULL, NULL);
    if (wrapped)
        ((pyhandle_t *)wrapped)->handle->object = object;
    else
        fh_object_free(&object); /* the caller has the session's lock */
    return wrapped;
}

/* ---- answers -------------------------------------------------------------------------------------------------------
 */

/* (raised, pickle or None: it is the last array, objects, arrays); with the GIL and the session's lock. */
static PyObject *
make_answer(pysession_t *session, fh_python_call *call, const fh_python_answer *answer)
{
    PyObject *objects = PyList_New(0), *arrays = PyList_New(0), *body = NULL, *result = NULL;
    for (int i = 0; objects && i < answer->nobjects; i++) {
        PyObject *wrapped = wrap_object(session, fh_python_take_object(call, i));
        if (!wrapped || PyList_Append(objects, wrapped))
            Py_CLEAR(objects);
        Py_XDECREF(wrapped);
    }
    for (int i = 0; arrays && i < answer->narrays; i++) {
        PyObject *wrapped =
            handles_wrap(session, native_state(session->module)->array_type, fh_python_take_array(call, i), NULL);
        if (!wrapped || PyList_Append(arrays, wrapped))
            Py_CLEAR(arrays);
        Py_XDECREF(wrapped);
    }
    body =
        answer->body_in_array ? Py_NewRef(Py_None) : PyBytes_FromStringAndSize(answer->body, (Py_ssize_t)answer->size);
    if (objects && arrays && body)
        result = Py_BuildValue("(iOOO)", answer->raised, body, objects, arrays);
    Py_XDECREF(objects);
    Py_XDECREF(arrays);
    Py_XDECREF(body);
    return result;
}

/* python_get(name): the published object */
PyObject *
pyobject_get(PyObject *object, PyObject *name)
{
    pysession_t *self = (pysession_t *)object;
    fh_error error = {0};
    fh_object *found = NULL;
    const char *text = PyUnicode_AsUTF8AndSize(name, NULL);
    if (!text || !pysession_enter(self))
        return NULL;
    int status = fh_object_get(self->session, text, &found, &error);
    pysession_gil_take(self);
    PyObject *wrapped = status ? NULL : wrap_object(self, found);
    pysession_gil_give(self);
    if (!pysession_leave(self, status, &error))
        Py_CLEAR(wrapped);
    return wrapped;
}

/* ---- asking --------------------------------------------------------------------------------------------------------
 */

/* What a request points to. */
typedef struct {
    fh_object *objects[MAX_OBJECTS];
    fh_array *arrays[MAX_ARRAYS], *buffers[MAX_ARRAYS];
} operands_t;

static bool
read_objects(pysession_t *session, PyObject *tuple, fh_object **ret, int *ret_count)
{
    Py_ssize_t count = PyTuple_Size(tuple);
    if (count > MAX_OBJECTS) {
        native_raise_named(session->module, "LIMIT_EXCEEDED", "more than 1024 remote objects in one call");
        return false;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PyTuple_GetItem(tuple, i);
        const pyhandle_t *handle = (const pyhandle_t *)item;
        if (Py_TYPE(item) != native_state(session->module)->object_type) {
            PyErr_SetString(PyExc_TypeError, "expected an Object");
            return false;
        }
        if (handle->session != session || !handle->handle->object) {
            native_raise_named(session->module, handle->session != session ? "INVALID_ARGUMENT" : "STALE_HANDLE",
                               handle->session != session ? "the remote objects belong to different sessions"
                                                          : "the session of this remote object is closed");
            return false;
        }
        ret[i] = handle->handle->object;
    }
    *ret_count = (int)count;
    return true;
}

static bool
read_arrays(pysession_t *session, PyObject *tuple, fh_array **ret, int *ret_count)
{
    Py_ssize_t count = PyTuple_Size(tuple);
    if (count > MAX_ARRAYS) {
        native_raise_named(session->module, "LIMIT_EXCEEDED",
                           "more than 48 arrays in one call: stack or concatenate them, or put them into an object");
        return false;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        if (!(ret[i] = pyarray_get(session, PyTuple_GetItem(tuple, i))))
            return false;
    *ret_count = (int)count;
    return true;
}

static double
seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Inside once more, whatever signals come; an exception that is set stays.  False: the session was closed meanwhile. */
static bool
enter_again(pysession_t *session)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    bool inside = pysession_enter(session);
    while (!inside && session->session) {
        if (!type)
            PyErr_Fetch(&type, &value, &traceback);
        PyErr_Clear();
        inside = pysession_enter(session);
    }
    if (inside)
        pysession_gil_take(session);
    if (type)
        PyErr_Restore(type, value, traceback);
    if (inside)
        pysession_gil_give(session);
    return inside;
}

/* Wait in slices, between which other threads use the session.  False: it was closed meanwhile, with an exception, and
 * we are not inside any more. */
static bool
wait_in_slices(pysession_t *session, fh_python_call *call, double timeout, int *ret_status, fh_error *error)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    fh_python_answer answer;
    double end = timeout < 0 ? HUGE_VAL : seconds_now() + timeout;
    for (;;) {
        double left = end - seconds_now();
        *ret_status = fh_python_wait(call, left > SLICE_S ? SLICE_S : left > 0 ? left : 0, error);
        if (*ret_status != FH_STATUS_TIMEOUT || left <= SLICE_S ||
            fh_python_answer_get(call, &answer, NULL) != FH_STATUS_BUSY)
            return true;
        (void)pysession_leave(session, 0, NULL);
        PyThreadState *state = PyEval_SaveThread();
        (void)nanosleep(&pause, NULL);
        PyEval_RestoreThread(state);
        bool signalled = PyErr_Occurred() || PyErr_CheckSignals();
        if (!enter_again(session))
            return false;
        if (!signalled)
            continue;
        (void)fh_cancel(session->session, NULL);
        return true; /* the exception is raised when we leave */
    }
}

/* Wait, and leave the session with the answer. */
static PyObject *
await_answer(pysession_t *session, fh_python_call *call, double timeout, fh_object *kept)
{
    fh_error error = {0};
    fh_python_answer answer = {0};
    int status = 0;
    if (!wait_in_slices(session, call, timeout, &status, &error)) {
        fh_object_free(&kept); /* nobody is inside a closed session */
        fh_python_call_free(&call);
        return NULL;
    }
    if (!status || status == FH_STATUS_REMOTE_ERROR)
        (void)fh_python_answer_get(call, &answer, NULL);
    if (answer.raised)
        status = 0; /* the answer says what */
    pysession_gil_take(session);
    PyObject *made = status || PyErr_Occurred() ? NULL : make_answer(session, call, &answer);
    PyObject *object = kept && made ? wrap_object(session, kept) : NULL;
    if (kept && !made)
        fh_object_free(&kept);
    PyObject *result = !made || (kept && !object) ? NULL : Py_BuildValue("(OO)", object ? object : Py_None, made);
    Py_XDECREF(made);
    Py_XDECREF(object);
    pysession_gil_give(session);
    fh_python_call_free(&call);
    if (!pysession_leave(session, status, &error))
        Py_CLEAR(result);
    return result;
}

/* python_call(host, what, pickle, objects, arrays, buffers, keep, timeout, token)
 * token 0: waits; (Object or None, answer).  Else Object or None at once; python_collect gives the answer. */
PyObject *
pyobject_call(PyObject *object, PyObject *args)
{
    pysession_t *self = (pysession_t *)object;
    fh_python_request request = {0};
    fh_error error = {0};
    operands_t operands;
    PyObject *objects = NULL, *arrays = NULL, *buffers = NULL;
    Py_buffer body = {0};
    unsigned long long token = 0;
    fh_object *kept = NULL;
    fh_python_call *call = NULL;
    if (!PyArg_ParseTuple(args, "isy*O!O!O!pdK", &request.engine, &request.what, &body, &PyTuple_Type, &objects,
                          &PyTuple_Type, &arrays, &PyTuple_Type, &buffers, &request.keep, &request.timeout_s, &token))
        return NULL;
    request.shared = request.engine < 0;
    request.worker = request.shared ? 0 : request.engine >> WORKER_SHIFT;
    request.engine = request.shared ? ~request.engine : request.engine % (1 << WORKER_SHIFT);
    request.body = body.buf;
    request.size = (size_t)body.len;
    request.objects = operands.objects;
    request.arrays = operands.arrays;
    request.buffers = operands.buffers;
    request.collected = (void *)(uintptr_t)token;
    if (!read_objects(self, objects, operands.objects, &request.nobjects) ||
        !read_arrays(self, arrays, operands.arrays, &request.narrays) ||
        !read_arrays(self, buffers, operands.buffers, &request.nbuffers) || !pysession_enter(self)) {
        PyBuffer_Release(&body);
        return NULL;
    }
    double timeout = request.timeout_s > 0 ? request.timeout_s + 5 : self->call_timeout;
    int status = fh_python_ask(self->session, &request, &kept, &call, &error);
    if (!status && !token) {
        PyObject *result = await_answer(self, call, timeout, kept);
        PyBuffer_Release(&body);
        return result;
    }
    PyObject *result = NULL;
    pysession_gil_take(self);
    if (!status)
        result = kept ? wrap_object(self, kept) : Py_NewRef(Py_None);
    pysession_gil_give(self);
    if (!pysession_leave(self, status, &error))
        Py_CLEAR(result);
    PyBuffer_Release(&body);
    return result;
}

/* ---- collecting ----------------------------------------------------------------------------------------------------
 */

/* Calls that have been answered: first all are taken, then Python objects are made,
 * so that the GIL changes hands once and not for every answer. */
typedef struct {
    struct {
        void *token;
        fh_python_call *call;
    } *items;
    size_t count, room;
} collect_t;

/* An answer, or the exception that says why there is none. */
static PyObject *
answer_or_exception(pysession_t *session, fh_python_call *call)
{
    fh_python_answer answer = {0};
    fh_error error = {0};
    PyObject *type, *value, *traceback;
    int status = fh_python_answer_get(call, &answer, &error);
    if (!status || answer.raised)
        return make_answer(session, call, &answer);
    native_raise(session->module, status, &error);
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
}

static void
visit_answered(void *context, void *collected, fh_python_call *call)
{
    collect_t *self = context;
    if (self->count == self->room) {
        size_t room = self->room ? 2 * self->room : 256;
        void *grown = realloc(self->items, room * sizeof *self->items);
        if (!grown) {
            fh_python_call_free(&call); /* its Future ends with the session */
            return;
        }
        self->items = grown;
        self->room = room;
    }
    self->items[self->count].token = collected;
    self->items[self->count++].call = call;
}

/* With the GIL and the session's lock: a list of (token, answer). */
static PyObject *
list_answers(pysession_t *session, collect_t *collect)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; i < collect->count; i++) {
        PyObject *answer = list ? answer_or_exception(session, collect->items[i].call) : NULL;
        PyObject *item =
            answer ? Py_BuildValue("(KN)", (unsigned long long)(uintptr_t)collect->items[i].token, answer) : NULL;
        if (!item || PyList_Append(list, item))
            Py_CLEAR(list);
        Py_XDECREF(item);
        fh_python_call_free(&collect->items[i].call);
    }
    free(collect->items);
    return list;
}

PyObject *
pyobject_collect(PyObject *object, PyObject *none)
{
    pysession_t *self = (pysession_t *)object;
    collect_t collect = {0};
    fh_error error = {0};
    int waiting = 0;
    (void)none;
    if (!pysession_enter(self))
        return NULL;
    int status = fh_python_collect(self->session, visit_answered, &collect, &waiting, &error);
    pysession_gil_take(self);
    PyObject *list = list_answers(self, &collect);
    pysession_gil_give(self);
    if (!pysession_leave(self, status, &error)) {
        Py_XDECREF(list);
        return NULL;
    }
    return list ? Py_BuildValue("(Ni)", list, waiting) : NULL;
}

static void
poll_without_gil(struct pollfd *fds, int n, int milliseconds)
{
    PyThreadState *state = PyEval_SaveThread();
    if (n > 0)
        (void)poll(fds, (nfds_t)n, milliseconds);
    PyEval_RestoreThread(state);
}

/* Without the session's lock: others can use it meanwhile. */
PyObject *
pyobject_await(PyObject *object, PyObject *args)
{
    pysession_t *self = (pysession_t *)object;
    struct pollfd fds[MAX_FDS];
    short revents[MAX_FDS] = {0};
    int numbers[MAX_FDS], milliseconds = 0;
    if (!PyArg_ParseTuple(args, "i", &milliseconds) || !pysession_enter(self))
        return NULL;
    int n = fh_session_sleep(self->session, numbers, MAX_FDS);
    if (!pysession_leave(self, 0, NULL))
        return NULL;
    for (int i = 0; i < n; i++)
        fds[i] = (struct pollfd){.fd = numbers[i], .events = POLLIN};
    poll_without_gil(fds, n, milliseconds);
    for (int i = 0; i < n; i++)
        revents[i] = fds[i].revents;
    if (!pysession_enter(self))
        return NULL;
    fh_session_wake(self->session, numbers, revents, n);
    if (!pysession_leave(self, 0, NULL))
        return NULL;
    Py_RETURN_NONE;
}

/* Of the tokens the first MAX_TOKENS. */
PyObject *
pyobject_cancel(PyObject *object, PyObject *args)
{
    pysession_t *self = (pysession_t *)object;
    void *tokens[MAX_TOKENS];
    fh_error error = {0};
    PyObject *list = NULL;
    int unbegun = 0, n = 0;
    if (!PyArg_ParseTuple(args, "O!p", &PyList_Type, &list, &unbegun))
        return NULL;
    for (; n < PyList_Size(list) && n < MAX_TOKENS; n++) {
        tokens[n] = (void *)(uintptr_t)PyLong_AsUnsignedLongLong(PyList_GetItem(list, n));
        if (PyErr_Occurred())
            return NULL;
    }
    if (!pysession_enter(self))
        return NULL;
    if (!pysession_leave(self, fh_python_cancel(self->session, tokens, n, unbegun, &error), &error))
        return NULL;
    Py_RETURN_NONE;
}
