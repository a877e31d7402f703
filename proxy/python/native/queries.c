/* proxy/python/native/queries.c - what a session can be asked: engines, objects, SQL, names, counters, methods.
 *
 * The visits of farhand.h run between pysession_enter and pysession_leave: each takes the GIL to build its Python
 * objects. One that fails leaves its exception set, and pysession_leave raises it. */
#include "proxy/python/native/native.h"

#include <string.h>

typedef struct {
    pysession_t *session;
    PyObject *list;
} visit_t;

/* Append and forget item; non-zero with an exception set if that failed. */
static int
visit_append(visit_t *self, PyObject *item)
{
    int failed = !item || PyList_Append(self->list, item);
    Py_XDECREF(item);
    return failed;
}

/* An empty list, and the session entered; false with an exception set. */
static bool
visit_begin(visit_t *self)
{
    self->list = PyList_New(0);
    if (self->list && !pysession_enter(self->session))
        Py_CLEAR(self->list);
    return self->list;
}

/* After visit_begin: the list, or NULL with an exception set. */
static PyObject *
visit_result(visit_t *self, int status, const fh_error *error)
{
    if (pysession_leave(self->session, status, error))
        return self->list;
    Py_DECREF(self->list);
    return NULL;
}

static PyObject *
engine_dict(const fh_engine_info *engine)
{
    return Py_BuildValue(
        "{s:N,s:i,s:N,s:L,s:i,s:L,s:L,s:L,s:N,s:N,s:N,s:N,s:N}", "id", convert_id(&engine->id), "number",
        engine->number, "host", native_text(engine->host), "pid", (long long)engine->pid, "cores", engine->cores,
        "memory", (long long)engine->memory_bytes, "used", (long long)engine->used_bytes, "objects",
        (long long)engine->objects, "llvm", native_text(engine->llvm), "cpu", native_text(engine->cpu), "sandbox",
        native_text(engine->sandbox), "state", native_text(engine->state), "offers", native_text(engine->offers));
}

PyObject *
pyqueries_engines(PyObject *object, PyObject *args)
{
    pysession_t *self = (pysession_t *)object;
    fh_error error = {0};
    fh_engine_info *engines = NULL;
    PyObject *list = NULL;
    int room = 16, count = 0;
    double timeout = -1;
    if (!PyArg_ParseTuple(args, "|d", &timeout))
        return NULL;
    for (;;) { /* again with more room if there are more */
        engines = PyMem_Calloc((size_t)room, sizeof *engines);
        if (!engines)
            return PyErr_NoMemory();
        if (!pysession_enter(self))
            goto done;
        int status = timeout < 0 ? fh_engines(self->session, engines, room, &count, &error)
                                 : fh_engines_within(self->session, timeout, engines, room, &count, &error);
        if (!pysession_leave(self, status, &error))
            goto done;
        if (count <= room)
            break;
        room = count;
        PyMem_Free(engines);
    }
    list = PyList_New(0);
    for (int i = 0; list && i < count; i++) {
        visit_t visit = {self, list};
        if (visit_append(&visit, engine_dict(&engines[i])))
            Py_CLEAR(list);
    }
done:
    PyMem_Free(engines);
    return list;
}

PyObject *
pyqueries_engine_id(PyObject *object, PyObject *args)
{
    pysession_t *self = (pysession_t *)object;
    fh_error error = {0};
    fh_id id;
    int number;
    if (!PyArg_ParseTuple(args, "i", &number) || !pysession_enter(self))
        return NULL;
    int status = fh_engine_of_number(self->session, number, &id, &error);
    return pysession_leave(self, status, &error) ? convert_id(&id) : NULL;
}

static int
visit_object(void *context, const fh_object_info *info)
{
    visit_t *visit = context;
    pysession_gil_take(visit->session);
    PyObject *item = Py_BuildValue("{s:N,s:N,s:N,s:N,s:N,s:i,s:N,s:L,s:L}", "id", convert_id(&info->id), "session",
                                   convert_id(&info->session), "engine", convert_id(&info->engine), "type",
                                   native_text(info->type), "name", native_text(info->name), "dtype", (int)info->dtype,
                                   "shape", convert_shape(info->shape, info->ndim), "bytes", (long long)info->bytes,
                                   "age_ms", (long long)info->age_ms);
    int stop = visit_append(visit, item);
    pysession_gil_give(visit->session);
    return stop;
}

PyObject *
pyqueries_objects(PyObject *object, PyObject *args)
{
    visit_t visit = {.session = (pysession_t *)object};
    fh_error error = {0};
    long long limit = 0;
    if (!PyArg_ParseTuple(args, "L", &limit) || !visit_begin(&visit))
        return NULL;
    int status = fh_objects(visit.session->session, limit, visit_object, &visit, &error);
    return visit_result(&visit, status, &error);
}

static int
visit_memory(void *context, const fh_memory_info *info)
{
    visit_t *visit = context;
    pysession_gil_take(visit->session);
    int stop = visit_append(visit, Py_BuildValue("(i,N,N,N,L,L)", info->engine, native_text(info->kind),
                                                 convert_id(&info->owner), PyBool_FromLong(info->on_disk),
                                                 (long long)info->bytes, (long long)info->count));
    pysession_gil_give(visit->session);
    return stop;
}

PyObject *
pyqueries_memory(PyObject *object, PyObject *none)
{
    visit_t visit = {.session = (pysession_t *)object};
    fh_error error = {0};
    (void)none;
    if (!visit_begin(&visit))
        return NULL;
    int status = fh_memory(visit.session->session, visit_memory, &visit, &error);
    return visit_result(&visit, status, &error);
}

static PyObject *
value_nil(const fh_value *value)
{
    (void)value;
    return Py_NewRef(Py_None);
}

static PyObject *
value_bool(const fh_value *value)
{
    return PyBool_FromLong(value->i != 0);
}

static PyObject *
value_int(const fh_value *value)
{
    return PyLong_FromLongLong(value->i);
}

static PyObject *
value_uint(const fh_value *value)
{
    return PyLong_FromUnsignedLongLong(value->u);
}

static PyObject *
value_float(const fh_value *value)
{
    return PyFloat_FromDouble(value->f);
}

static PyObject *
value_text(const fh_value *value)
{
    return PyUnicode_DecodeUTF8(value->data, (Py_ssize_t)value->size, "replace");
}

static PyObject *
value_bytes(const fh_value *value)
{
    return PyBytes_FromStringAndSize(value->data, (Py_ssize_t)value->size);
}

static PyObject *
value_id(const fh_value *value)
{
    return convert_id(&value->id);
}

static PyObject *(*const FROM_VALUE[])(const fh_value *) = {
    [FH_NIL] = value_nil,           [FH_VALUE_BOOL] = value_bool,   [FH_VALUE_INT] = value_int,
    [FH_VALUE_UINT] = value_uint,   [FH_VALUE_FLOAT] = value_float, [FH_VALUE_TEXT] = value_text,
    [FH_VALUE_BYTES] = value_bytes, [FH_VALUE_ID] = value_id,
};

static PyObject *
values_tuple(const fh_value *values, int count)
{
    PyObject *tuple = PyTuple_New(count);
    for (int i = 0; tuple && i < count; i++) {
        PyObject *item = FROM_VALUE[values[i].kind](&values[i]);
        if (!item || PyTuple_SetItem(tuple, i, item)) {
            Py_DECREF(tuple);
            return NULL;
        }
    }
    return tuple;
}

static int
visit_row(void *context, const fh_value *cells, int count)
{
    visit_t *visit = context;
    pysession_gil_take(visit->session);
    int stop = visit_append(visit, values_tuple(cells, count));
    pysession_gil_give(visit->session);
    return stop;
}

PyObject *
pyqueries_sql(PyObject *object, PyObject *args)
{
    visit_t visit = {.session = (pysession_t *)object};
    fh_error error = {0};
    const char *query = NULL;
    long long limit = 0;
    if (!PyArg_ParseTuple(args, "sL", &query, &limit) || !visit_begin(&visit))
        return NULL;
    int status = fh_sql(visit.session->session, query, limit, visit_row, &visit, &error);
    return visit_result(&visit, status, &error);
}

static int
visit_name(void *context, const char *name)
{
    visit_t *visit = context;
    pysession_gil_take(visit->session);
    int stop = visit_append(visit, native_text(name));
    pysession_gil_give(visit->session);
    return stop;
}

PyObject *
pyqueries_names(PyObject *object, PyObject *none)
{
    visit_t visit = {.session = (pysession_t *)object};
    fh_error error = {0};
    (void)none;
    if (!visit_begin(&visit))
        return NULL;
    int status = fh_names(visit.session->session, visit_name, &visit, &error);
    return visit_result(&visit, status, &error);
}

static void
visit_progress(void *context, const fh_progress *progress)
{
    visit_t *visit = context;
    pysession_gil_take(visit->session);
    if (!PyErr_Occurred())
        visit_append(visit, Py_BuildValue("(i,N,K,K,d,K)", progress->engine, native_text(progress->entry),
                                          (unsigned long long)progress->done, (unsigned long long)progress->total,
                                          progress->seconds, (unsigned long long)progress->queued));
    pysession_gil_give(visit->session);
}

PyObject *
pyqueries_progress(PyObject *object, PyObject *none)
{
    visit_t visit = {.session = (pysession_t *)object};
    fh_error error = {0};
    (void)none;
    if (!visit_begin(&visit))
        return NULL;
    int status = fh_session_progress(visit.session->session, visit_progress, &visit, &error);
    return visit_result(&visit, status, &error);
}

PyObject *
pyqueries_stats(PyObject *object, PyObject *none)
{
    pysession_t *self = (pysession_t *)object;
    fh_stats stats = {0};
    (void)none;
    if (!pysession_enter(self))
        return NULL;
    fh_session_stats(self->session, &stats);
    if (!pysession_leave(self, 0, NULL))
        return NULL;
    return Py_BuildValue(
        "{s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K}", "messages_sent", (unsigned long long)stats.messages_sent,
        "messages_received", (unsigned long long)stats.messages_received, "array_bytes_sent",
        (unsigned long long)stats.array_bytes_sent, "array_bytes_received",
        (unsigned long long)stats.array_bytes_received, "shared_bytes", (unsigned long long)stats.shared_bytes,
        "mapped_bytes", (unsigned long long)stats.mapped_bytes, "engine_bytes", (unsigned long long)stats.engine_bytes,
        "waits", (unsigned long long)stats.waits, "rings", (unsigned long long)stats.rings, "ring_messages",
        (unsigned long long)stats.ring_messages, "rings_failed", (unsigned long long)stats.rings_failed,
        "python_ring_calls", (unsigned long long)stats.python_ring_calls);
}

/* None, bool, int, float, str and bytes travel; text and bytes are borrowed from source. */
static bool
value_from(PyObject *source, fh_value *ret)
{
    int overflow = 0;
    Py_ssize_t size = 0;
    if (source == Py_None) {
        ret->kind = FH_NIL;
    } else if (PyBool_Check(source)) {
        ret->kind = FH_VALUE_BOOL;
        ret->i = source == Py_True;
    } else if (PyLong_Check(source)) {
        ret->kind = FH_VALUE_INT;
        ret->i = PyLong_AsLongLongAndOverflow(source, &overflow);
        if (overflow) {
            ret->kind = FH_VALUE_UINT;
            ret->u = PyLong_AsUnsignedLongLong(source);
        }
    } else if (PyFloat_Check(source)) {
        ret->kind = FH_VALUE_FLOAT;
        ret->f = PyFloat_AsDouble(source);
    } else if (PyUnicode_Check(source)) {
        ret->kind = FH_VALUE_TEXT;
        ret->data = PyUnicode_AsUTF8AndSize(source, &size);
    } else if (PyBytes_Check(source)) {
        ret->kind = FH_VALUE_BYTES;
        ret->data = PyBytes_AsString(source);
        size = PyBytes_Size(source);
    } else {
        PyErr_SetString(PyExc_TypeError, "arguments of remote methods are None, bool, int, float, str or bytes");
    }
    ret->size = (size_t)size;
    return !PyErr_Occurred();
}

static void
visit_values(void *context, const fh_value *values, int count)
{
    visit_t *visit = context;
    pysession_gil_take(visit->session);
    visit_append(visit, values_tuple(values, count));
    pysession_gil_give(visit->session);
}

PyObject *
pyqueries_call(PyObject *object, PyObject *args)
{
    enum { ROOM = 64 };
    visit_t visit = {.session = (pysession_t *)object};
    fh_error error = {0};
    PyObject *receiver = NULL, *arguments = NULL;
    const char *method = NULL;
    int engine = 0;
    fh_array *array = NULL;
    fh_value values[ROOM] = {{0}};
    if (!PyArg_ParseTuple(args, "OisO!", &receiver, &engine, &method, &PyTuple_Type, &arguments))
        return NULL;
    if (receiver != Py_None && !(array = pyarray_get(visit.session, receiver)))
        return NULL;
    Py_ssize_t count = PyTuple_Size(arguments);
    if (count > ROOM)
        return PyErr_Format(PyExc_ValueError, "a remote method takes at most %d arguments", (int)ROOM);
    for (Py_ssize_t i = 0; i < count; i++)
        if (!value_from(PyTuple_GetItem(arguments, i), &values[i]))
            return NULL;
    if (!visit_begin(&visit))
        return NULL;
    int status =
        fh_call(visit.session->session, array, engine, method, values, (int)count, visit_values, &visit, &error);
    return visit_result(&visit, status, &error);
}
