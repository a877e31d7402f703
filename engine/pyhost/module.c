/* engine/pyhost/module.c - the module _pyhost: its table, and what is about the whole process. */
#include "engine/pyhost/pyhost.h"

#include <stdatomic.h>

static channel_t *the_channel;

void
pyhost_use(channel_t *channel)
{
    the_channel = channel;
}

channel_t *
pyhost_channel(void)
{
    return the_channel;
}

PyObject *
pyhost_raise(const err_t *err)
{
    PyObject *type = err->status == FH_NO_MEMORY        ? PyExc_MemoryError
                     : err->status == FH_CANNOT_CONNECT ? PyExc_EOFError
                                                        : PyExc_ValueError;
    PyErr_SetString(type, err->text);
    return NULL;
}

static PyObject *
pyhost_flush(PyObject *module, PyObject *none)
{
    err_t err = {0};
    int status;
    (void)module, (void)none;
    if (!pyhost_mapping_tell(the_channel))
        return NULL;
    Py_BEGIN_ALLOW_THREADS status = channel_flush(the_channel, &err);
    Py_END_ALLOW_THREADS if (status) return pyhost_raise(&err);
    Py_RETURN_NONE;
}

static PyObject *
pyhost_receive(PyObject *module, PyObject *none)
{
    datagram_t *datagram = NULL;
    err_t err = {0};
    int status;
    (void)module, (void)none;
    Py_BEGIN_ALLOW_THREADS status = channel_receive(the_channel, &datagram, &err);
    Py_END_ALLOW_THREADS if (status) return pyhost_raise(&err);
    return datagram ? pyhost_requests(datagram) : pyhost_direct_requests(the_channel);
}

static PyObject *
pyhost_ready(PyObject *module, PyObject *none)
{
    err_t err = {0};
    void *record;
    (void)module;
    if (channel_reserve(the_channel, PYHOST_READY, sizeof(pyhost_ready_t), &record, &err))
        return pyhost_raise(&err);
    pyhost_ready_t *ready = record;
    ready->major = PY_MAJOR_VERSION;
    ready->minor = PY_MINOR_VERSION;
    ready->micro = PY_MICRO_VERSION;
    return pyhost_flush(module, none);
}

static bool
engine_is_there(void)
{
    if (channel_is_open(the_channel))
        return true;
    PyErr_SetString(PyExc_EOFError, "the engine is gone");
    return false;
}

static PyObject *
pyhost_look(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    if (!engine_is_there())
        return NULL;
    Py_RETURN_NONE;
}

/* begin(serial) -> False if the call has been cancelled; serial 0: nothing runs.  A call of an engine that is gone is
 * not begun: it may run elsewhere by now, and the signal that ends this process may come late. */
static PyObject *
pyhost_begin(PyObject *module, PyObject *number)
{
    unsigned long long serial = PyLong_AsUnsignedLongLong(number);
    (void)module;
    if (PyErr_Occurred())
        return NULL;
    pyhost_page_t *page = the_channel->page;
    if (serial && !(serial & PYHOST_DIRECT) && !engine_is_there())
        return NULL;
    atomic_store(&page->running, serial);
    if (serial & PYHOST_DIRECT) /* the client writes its CANCEL before it tells the engine, which looks at `running` */
        return PyBool_FromLong(!direct_is_cancelled(&the_channel->direct));
    if (serial)
        atomic_store(&page->begun, serial);
    return PyBool_FromLong(!serial ||
                           (serial > atomic_load(&page->cancelled) &&
                            (serial > atomic_load(&page->back_last) || serial < atomic_load(&page->back_first))));
}

/* Is SIGINT meant for what runs? */
static PyObject *
pyhost_interrupted(PyObject *module, PyObject *none)
{
    uint64_t running = atomic_load(&the_channel->page->running);
    (void)module, (void)none;
    return PyBool_FromLong(running && atomic_load(&the_channel->page->interrupt) == running);
}

static PyObject *
pyhost_workers(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    return PyLong_FromUnsignedLong(atomic_load(&the_channel->page->workers));
}

static PyMethodDef methods[] = {
    {"ready", pyhost_ready, METH_NOARGS, "ready(): tell the engine"},
    {"receive", pyhost_receive, METH_NOARGS, "receive() -> list of requests; waits"},
    {"begin", pyhost_begin, METH_O, "begin(serial) -> whether to run it; EOFError: the engine is gone"},
    {"look", pyhost_look, METH_NOARGS, "look(): EOFError if the engine is gone"},
    {"interrupted", pyhost_interrupted, METH_NOARGS, "interrupted() -> whether SIGINT is for what runs"},
    {"want", pyhost_want, METH_VARARGS, "want(sizes) -> list of Mapping; waits"},
    {"answer", pyhost_answer, METH_VARARGS, "answer(serial, outcome, text, objects, arrays, pickle)"},
    {"ring", pyhost_ring, METH_O, "ring(serial): make rings for the client, and tell the engine where they are"},
    {"reply", pyhost_reply, METH_VARARGS, "reply(outcome, claim, pickle): the answer to a call through the rings"},
    {"forked", pyhost_forked, METH_NOARGS, "forked(): this is a child"},
    {"workers", pyhost_workers, METH_NOARGS, "workers() -> how many hosts a session may have here"},
    {"flush", pyhost_flush, METH_NOARGS, "flush(): send the answers"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_pyhost",  .m_doc = "The channel to the engine.",
    .m_size = -1,          .m_methods = methods,
};

PyMODINIT_FUNC
PyInit__pyhost(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (!module)
        return NULL;
    if (PyModule_AddType(module, &pyhost_mapping_type) || PyModule_AddIntConstant(module, "BODY", PYHOST_BODY) ||
        PyModule_AddIntConstant(module, "INLINE", PYHOST_INLINE) ||
        PyModule_AddIntConstant(module, "ARRAYS", PYHOST_ARRAYS) ||
        PyModule_AddIntConstant(module, "OBJECTS", PYHOST_OBJECTS) ||
        PyModule_AddIntConstant(module, "DIRECT_BODY", DIRECT_BODY)) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
