/* engine/pyhost/requests.c - records of the engine as tuples. */
#include "codecs/dtype.h"
#include "engine/pyhost/pyhost.h"

/* Where reading is.  The engine is trusted, but a datagram that is cut short must not lead anywhere else. */
typedef struct {
    datagram_t *datagram;
    const char *at, *end;
} reader_t;

static const void *
take(reader_t *self, size_t bytes)
{
    const char *at = self->at;
    size_t padded = (bytes + 7) & ~(size_t)7;
    if ((size_t)(self->end - at) < padded) {
        PyErr_SetString(PyExc_ValueError, "the engine sent a record that is too short");
        return NULL;
    }
    self->at += padded;
    return at;
}

/* A list of n items, each made by make. */
static PyObject *
take_list(reader_t *self, uint32_t n, PyObject *(*make)(reader_t *self))
{
    PyObject *list = PyList_New((Py_ssize_t)n);
    for (uint32_t i = 0; list && i < n; i++) {
        PyObject *item = make(self);
        if (item)
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
        else
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *
take_id(reader_t *self)
{
    const char *id = take(self, PYHOST_ID);
    return id ? PyBytes_FromStringAndSize(id, PYHOST_ID) : NULL;
}

static PyObject *
ints(const int64_t *items, int n)
{
    PyObject *tuple = PyTuple_New(n);
    for (int i = 0; tuple && i < n; i++) {
        PyObject *item = PyLong_FromLongLong(items[i]);
        if (item)
            PyTuple_SET_ITEM(tuple, i, item);
        else
            Py_CLEAR(tuple);
    }
    return tuple;
}

static PyObject *
take_memory(reader_t *self, const pyhost_array_t *array, mapping_kind_t kind)
{
    datagram_t *datagram = self->datagram;
    if (datagram->next_fd >= datagram->nfds)
        return PyErr_Format(PyExc_ValueError, "the engine sent %d descriptors, which are too few", datagram->nfds);
    int fd = datagram->fds[datagram->next_fd];
    datagram->fds[datagram->next_fd++] = -1;
    return pyhost_mapping_new(fd, array->fd_size, array->pin, kind);
}

/* (memory or its number of bytes, dtype, shape, offset, strides): bytes of inline arrays come after the pickle. */
static PyObject *
take_array(reader_t *self, mapping_kind_t kind)
{
    const pyhost_array_t *array = take(self, sizeof *array);
    if (!array)
        return NULL;
    if (array->ndim < 0 || array->ndim > SHAPE_MAX_DIMS || !dtype_known((uint64_t)(uint32_t)array->dtype))
        return PyErr_Format(PyExc_ValueError, "the engine sent an array of %d dimensions", array->ndim);
    const int64_t *dims = take(self, 2 * (size_t)array->ndim * sizeof *dims);
    if (!dims)
        return NULL;
    PyObject *shape = ints(dims, array->ndim);
    PyObject *strides = array->inlined ? Py_NewRef(Py_None) : ints(dims + array->ndim, array->ndim);
    PyObject *memory = array->inlined ? PyLong_FromLongLong(array->bytes) : take_memory(self, array, kind);
    return Py_BuildValue("(NsNLN)", memory, dtype_name((dtype_t)array->dtype), shape, (long long)array->offset,
                         strides);
}

static PyObject *
take_seen(reader_t *self)
{
    return take_array(self, MAPPING_SEEN);
}

static PyObject *
take_private(reader_t *self)
{
    return take_array(self, MAPPING_PRIVATE);
}

/* Put the bytes of inline arrays in place of their sizes: arrays are read-only, buffers are not. */
static bool
fill_inline(reader_t *self, PyObject *list, bool writable)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        PyObject *array = PyList_GET_ITEM(list, i), *size = PyTuple_GET_ITEM(array, 0);
        if (!PyLong_Check(size))
            continue;
        Py_ssize_t bytes = PyLong_AsSsize_t(size);
        const char *at = bytes < 0 ? NULL : take(self, (size_t)bytes);
        PyObject *memory = !at        ? NULL
                           : writable ? PyByteArray_FromStringAndSize(at, bytes)
                                      : PyBytes_FromStringAndSize(at, bytes);
        if (!memory)
            return false;
        Py_DECREF(size);
        PyTuple_SET_ITEM(array, 0, memory);
    }
    return true;
}

/* (serial, what, result id or None, object ids, arrays, buffers, pickle or None: it is the last buffer) */
static PyObject *
make_call(reader_t *self)
{
    static const char NONE[PYHOST_ID];
    const pyhost_call_t *call = take(self, sizeof *call);
    const char *what = call ? take(self, call->what_bytes) : NULL;
    if (!what)
        return NULL;
    PyObject *objects = take_list(self, call->objects, take_id);
    PyObject *arrays = objects ? take_list(self, call->arrays, take_seen) : NULL;
    PyObject *buffers = arrays ? take_list(self, call->buffers, take_private) : NULL;
    const char *body = buffers ? take(self, call->body_bytes) : NULL;
    PyObject *result = NULL;
    if (body && fill_inline(self, arrays, false) && fill_inline(self, buffers, true))
        result = Py_BuildValue("(Ks#y#OOOy#)", (unsigned long long)call->record.serial, what,
                               (Py_ssize_t)call->what_bytes, call->result, (Py_ssize_t)PYHOST_ID, objects, arrays,
                               buffers, call->body_in_buffer ? NULL : body, (Py_ssize_t)call->body_bytes);
    if (result && !memcmp(call->result, NONE, PYHOST_ID)) {
        Py_DECREF(PyTuple_GET_ITEM(result, 2));
        PyTuple_SET_ITEM(result, 2, Py_NewRef(Py_None));
    }
    Py_XDECREF(objects);
    Py_XDECREF(arrays);
    Py_XDECREF(buffers);
    return result;
}

/* (0, ids) */
static PyObject *
make_drop(reader_t *self)
{
    const pyhost_list_t *drop = take(self, sizeof *drop);
    PyObject *ids = drop ? take_list(self, drop->count, take_id) : NULL;
    return ids ? Py_BuildValue("(iN)", 0, ids) : NULL;
}

/* (-1, serial): rings are wanted */
static PyObject *
make_ring(reader_t *self)
{
    const pyhost_record_t *ring = take(self, sizeof *ring);
    return ring ? Py_BuildValue("(iK)", -1, (unsigned long long)ring->serial) : NULL;
}

PyObject *
pyhost_requests(datagram_t *datagram)
{
    reader_t all = {datagram, datagram->bytes, datagram->bytes + datagram->size};
    PyObject *list = PyList_New(0);
    while (list && all.at < all.end) {
        const pyhost_record_t *head = (const pyhost_record_t *)(const void *)all.at;
        size_t left = (size_t)(all.end - all.at);
        if (left < sizeof *head || head->size < sizeof *head || head->size > left || head->size % 8) {
            PyErr_SetString(PyExc_ValueError, "the engine sent a datagram that is no list of records");
            Py_CLEAR(list);
            break;
        }
        reader_t one = {datagram, all.at, all.at + head->size};
        PyObject *item = head->code == PYHOST_CALL   ? make_call(&one)
                         : head->code == PYHOST_DROP ? make_drop(&one)
                         : head->code == PYHOST_RING ? make_ring(&one)
                                                     : NULL;
        if (!item && !PyErr_Occurred())
            PyErr_Format(PyExc_ValueError, "the engine sent a record of code %u", head->code);
        if (!item || PyList_Append(list, item))
            Py_CLEAR(list);
        Py_XDECREF(item);
        all.at += head->size;
    }
    datagram_destroy(&datagram);
    return list;
}
