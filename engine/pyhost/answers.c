/* engine/pyhost/answers.c - what calls gave, as records for the engine. */
#include "codecs/dtype.h"
#include "engine/pyhost/pyhost.h"

/* ---- memory for large results --------------------------------------------------------------------------------------
 */

static bool
send_want(channel_t *channel, const int64_t *sizes, size_t n)
{
    err_t err = {0};
    void *record;
    int status = channel_reserve(channel, PYHOST_WANT, sizeof(pyhost_memory_t) + n * sizeof *sizes, &record, &err);
    if (!status) {
        pyhost_memory_t *want = record;
        want->count = (uint32_t)n;
        memcpy(want + 1, sizes, n * sizeof *sizes);
        status = channel_flush(channel, &err);
    }
    if (status)
        pyhost_raise(&err);
    return !status;
}

static PyObject *
take_grant(datagram_t *datagram, const int64_t *sizes, size_t n)
{
    pyhost_memory_t grant;
    uint32_t pins[PYHOST_ARRAYS];
    if (datagram->size < sizeof grant)
        return PyErr_Format(PyExc_ValueError, "the engine sent a grant of %zu bytes", datagram->size);
    memcpy(&grant, datagram->bytes, sizeof grant);
    grant.text[sizeof grant.text - 1] = '\0';
    if (grant.status || grant.count != n || (size_t)datagram->nfds != n)
        return PyErr_Format(PyExc_MemoryError, "the engine has no memory for the result: %s", grant.text);
    if (datagram->size < sizeof grant + n * sizeof *pins)
        return PyErr_Format(PyExc_ValueError, "the engine sent a grant of %zu bytes", datagram->size);
    memcpy(pins, (const char *)datagram->bytes + sizeof grant, n * sizeof *pins);
    PyObject *list = PyList_New((Py_ssize_t)n);
    for (size_t i = 0; list && i < n; i++) {
        int fd = datagram->fds[i];
        datagram->fds[i] = -1;
        PyObject *mapping = pyhost_mapping_new(fd, sizes[i], pins[i], MAPPING_SHARED);
        if (mapping)
            PyList_SET_ITEM(list, (Py_ssize_t)i, mapping);
        else
            Py_CLEAR(list);
    }
    return list;
}

/* want(sizes) -> list of writable Mappings */
PyObject *
pyhost_want(PyObject *module, PyObject *args)
{
    channel_t *channel = pyhost_channel();
    PyObject *wanted = NULL;
    int64_t sizes[PYHOST_ARRAYS];
    err_t err = {0};
    datagram_t *datagram = NULL;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!", &PyList_Type, &wanted))
        return NULL;
    Py_ssize_t n = PyList_GET_SIZE(wanted);
    if (n > PYHOST_ARRAYS)
        return PyErr_Format(PyExc_ValueError, "%zd large arrays in a result: at most %d", n, (int)PYHOST_ARRAYS);
    for (Py_ssize_t i = 0; i < n; i++) {
        sizes[i] = PyLong_AsLongLong(PyList_GET_ITEM(wanted, i));
        if (sizes[i] <= 0)
            return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_ValueError, "a size is not positive");
    }
    if (!send_want(channel, sizes, (size_t)n))
        return NULL;
    int status;
    Py_BEGIN_ALLOW_THREADS status = channel_receive_code(channel, PYHOST_GRANT, &datagram, &err);
    Py_END_ALLOW_THREADS if (status) return pyhost_raise(&err);
    PyObject *list = take_grant(datagram, sizes, (size_t)n);
    datagram_destroy(&datagram);
    return list;
}

/* ---- answers -------------------------------------------------------------------------------------------------------
 */

/* An array as answer.py describes it: (id, pin of its memory, dtype, shape, bytes, contents or None). */
typedef struct {
    const char *id, *dtype, *data;
    Py_ssize_t id_size, data_size;
    unsigned number;
    PyObject *shape;
    long long bytes;
} made_t;

static bool
read_made(PyObject *tuple, made_t *ret)
{
    *ret = (made_t){.id = NULL};
    if (!PyArg_ParseTuple(tuple, "y#IsO!Lz#", &ret->id, &ret->id_size, &ret->number, &ret->dtype, &PyTuple_Type,
                          &ret->shape, &ret->bytes, &ret->data, &ret->data_size))
        return false;
    if (ret->id_size == PYHOST_ID && PyTuple_GET_SIZE(ret->shape) <= SHAPE_MAX_DIMS &&
        (!ret->data || ret->data_size == ret->bytes))
        return true;
    PyErr_SetString(PyExc_ValueError, "an array of a result is badly described");
    return false;
}

/* Bytes that the list of arrays takes, with what is inline. */
static bool
count_arrays(PyObject *arrays, size_t *ret)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(arrays); i++) {
        made_t made;
        if (!read_made(PyList_GET_ITEM(arrays, i), &made))
            return false;
        *ret += sizeof(pyhost_made_t) + (size_t)PyTuple_GET_SIZE(made.shape) * sizeof(int64_t) +
                pyhost_padded((uint32_t)made.data_size);
    }
    return true;
}

static char *
put(char *at, const void *bytes, size_t size)
{
    memcpy(at, bytes, size);
    return at + ((size + 7) & ~(size_t)7);
}

static char *
put_array(char *at, const made_t *made)
{
    pyhost_made_t record = {.granted = made->data == NULL,
                            .number = made->number,
                            .dtype = (int32_t)dtype_from_name(made->dtype),
                            .ndim = (int32_t)PyTuple_GET_SIZE(made->shape),
                            .bytes = made->bytes};
    memcpy(record.id, made->id, PYHOST_ID);
    at = put(at, &record, sizeof record);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(made->shape); i++) {
        int64_t extent = PyLong_AsLongLong(PyTuple_GET_ITEM(made->shape, i));
        at = put(at, &extent, sizeof extent);
    }
    return at;
}

static bool
put_lists(char **at, PyObject *objects, PyObject *arrays)
{
    made_t made;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(objects); i++) {
        PyObject *id = PyList_GET_ITEM(objects, i);
        if (!PyBytes_Check(id) || PyBytes_GET_SIZE(id) != PYHOST_ID) {
            PyErr_SetString(PyExc_ValueError, "an object's id is no id");
            return false;
        }
        *at = put(*at, PyBytes_AS_STRING(id), PYHOST_ID);
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(arrays); i++) {
        if (!read_made(PyList_GET_ITEM(arrays, i), &made))
            return false;
        *at = put_array(*at, &made);
    }
    return !PyErr_Occurred();
}

static bool
put_inline(char *at, PyObject *arrays)
{
    made_t made;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(arrays); i++) {
        if (!read_made(PyList_GET_ITEM(arrays, i), &made))
            return false;
        if (made.data)
            at = put(at, made.data, (size_t)made.data_size);
    }
    return true;
}

/* answer(serial, outcome, text, objects, arrays, pickle or None: it is the last array) */
PyObject *
pyhost_answer(PyObject *module, PyObject *args)
{
    channel_t *channel = pyhost_channel();
    unsigned long long serial = 0;
    unsigned outcome = 0;
    const char *text = NULL, *body = NULL;
    Py_ssize_t text_size = 0, body_size = 0;
    PyObject *objects = NULL, *arrays = NULL;
    err_t err = {0};
    void *record;
    (void)module;
    if (!PyArg_ParseTuple(args, "KIs#O!O!z#", &serial, &outcome, &text, &text_size, &PyList_Type, &objects,
                          &PyList_Type, &arrays, &body, &body_size))
        return NULL;
    size_t size = sizeof(pyhost_done_t) + pyhost_padded((uint32_t)text_size) + pyhost_padded((uint32_t)body_size) +
                  (size_t)PyList_GET_SIZE(objects) * PYHOST_ID;
    if (!count_arrays(arrays, &size))
        return NULL;
    if (channel_reserve(channel, PYHOST_DONE, size, &record, &err))
        return pyhost_raise(&err);
    size_t before = channel->used - ((pyhost_record_t *)record)->size;
    pyhost_done_t *done = record;
    done->record.serial = serial;
    done->outcome = outcome;
    done->objects = (uint32_t)PyList_GET_SIZE(objects);
    done->arrays = (uint32_t)PyList_GET_SIZE(arrays);
    done->text_bytes = (uint32_t)text_size;
    done->body_bytes = (uint32_t)body_size;
    done->body_in_array = body == NULL;
    char *at = put((char *)(done + 1), text, (size_t)text_size);
    bool good = put_lists(&at, objects, arrays);
    if (good && body)
        at = put(at, body, (size_t)body_size);
    if (good && put_inline(at, arrays))
        Py_RETURN_NONE;
    channel->used = before; /* nothing of it is sent */
    return NULL;
}
