/* engine/pyhost/rings.c - calls through the client's rings, for host.py. */
#include "base/status.h"
#include "engine/pyhost/pyhost.h"

#include <stdatomic.h>
#include <unistd.h>

/* ring(serial) */
PyObject *
pyhost_ring(PyObject *module, PyObject *number)
{
    channel_t *channel = pyhost_channel();
    unsigned long long serial = PyLong_AsUnsignedLongLong(number);
    link_ring_place_t place = {0};
    err_t err = {0};
    void *record;
    (void)module;
    if (PyErr_Occurred())
        return NULL;
    int refused = direct_open(&channel->direct, &place, &err);
    if (channel_reserve(channel, PYHOST_PLACE, sizeof(pyhost_place_t), &record, &err))
        return pyhost_raise(&err);
    pyhost_place_t *answer = record;
    answer->record.serial = serial;
    answer->status = refused;
    answer->memory_fd = place.memory_fd;
    answer->memory_inode = place.memory_inode;
    answer->host_bell_fd = place.server_bell_fd;
    answer->host_bell_inode = place.server_bell_inode;
    answer->client_bell_fd = place.client_bell_fd;
    answer->client_bell_inode = place.client_bell_inode;
    Py_RETURN_NONE;
}

static PyObject *
make_ids(const oids_t *ids)
{
    PyObject *list = PyList_New((Py_ssize_t)ids->count);
    for (uint32_t i = 0; list && i < ids->count; i++) {
        PyObject *id = PyBytes_FromStringAndSize((const char *)ids->items[i].bytes, PYHOST_ID);
        if (id)
            PyList_SET_ITEM(list, (Py_ssize_t)i, id);
        else
            Py_CLEAR(list);
    }
    return list;
}

PyObject *
pyhost_direct_requests(channel_t *channel)
{
    direct_call_t call;
    if (!direct_take(&channel->direct, &call))
        return PyList_New(0);
    (void)str_copy(call.what, channel->page->what, sizeof channel->page->what);
    PyObject *ids = make_ids(&call.objects);
    return ids ? Py_BuildValue("[(Ks#ON()()y#)]", (unsigned long long)(call.call | PYHOST_DIRECT), call.what.data,
                               (Py_ssize_t)call.what.size, Py_None, ids, call.body.data, (Py_ssize_t)call.body.size)
               : NULL;
}

/* What the engine has done to the call. */
static void
describe_interruption(const pyhost_page_t *page, err_t *ret)
{
    bool timeout = atomic_load(&page->verdict) == FH_TIMEOUT;
    (void)err_set(ret, timeout ? FH_TIMEOUT : FH_CANCELLED,
                  timeout ? "the call ran past the time limit of its engine (--python-timeout) and was interrupted"
                          : "the call was cancelled");
}

/* reply(outcome, claim, pickle or None) */
PyObject *
pyhost_reply(PyObject *module, PyObject *args)
{
    channel_t *channel = pyhost_channel();
    unsigned outcome = 0, claim = 0;
    const char *body = NULL;
    Py_ssize_t size = 0;
    err_t err = {0}, why = {0};
    (void)module;
    if (!PyArg_ParseTuple(args, "IIz#", &outcome, &claim, &body, &size))
        return NULL;
    if (channel->pid != getpid())
        Py_RETURN_NONE; /* of a forked child nobody hears */
    if (outcome == PYHOST_INTERRUPTED)
        describe_interruption(channel->page, &why);
    int status = outcome == PYHOST_INTERRUPTED
                     ? direct_refuse(&channel->direct, &why, &err)
                     : direct_answer(&channel->direct, outcome == PYHOST_RAISED, claim, body, (size_t)size, &err);
    return status ? pyhost_raise(&err) : Py_NewRef(Py_None);
}

PyObject *
pyhost_forked(PyObject *module, PyObject *none)
{
    channel_t *channel = pyhost_channel();
    (void)module, (void)none;
    close(channel->socket);
    direct_forget(&channel->direct);
    Py_RETURN_NONE;
}
