/* proxy/python/native/convert.c - Python objects to what farhand.h takes, and back. */
#include "proxy/python/native/native.h"

#include <string.h>

/* Letters of the struct module's formats, by kind; the size comes from the itemsize. */
static const struct {
    const char *letters;
    fh_dtype by_size[5]; /* of 1, 2, 4, 8, 16 bytes */
} FORMATS[] = {
    {"?", {FH_BOOL, 0, 0, 0, 0}},
    {"bhilqn", {FH_INT8, FH_INT16, FH_INT32, FH_INT64, 0}},
    {"BHILQN", {FH_UINT8, FH_UINT16, FH_UINT32, FH_UINT64, 0}},
    {"efd", {0, FH_FLOAT16, FH_FLOAT32, FH_FLOAT64, 0}},
    {"Z", {0, 0, 0, FH_COMPLEX64, FH_COMPLEX128}},
};

static int
size_index(Py_ssize_t itemsize)
{
    for (int i = 0; i < 5; i++)
        if (itemsize == (Py_ssize_t)1 << i)
            return i;
    return -1;
}

/* "<d" on a little-endian machine, "Zf", ...; FH_DTYPE_NONE if it is none of ours. */
static fh_dtype
dtype_of_format(const char *format, Py_ssize_t itemsize, int *ret_swapped)
{
    const uint16_t probe = 1;
    bool little = *(const uint8_t *)&probe == 1;
    *ret_swapped = 0;
    if (*format == '<' || *format == '>' || *format == '!' || *format == '=' || *format == '@') {
        bool is_little = *format == '<' || (*format != '>' && *format != '!' && little);
        *ret_swapped = is_little != little && itemsize > 1;
        format++;
    }
    size_t expected = *format == 'Z' ? 2 : 1;
    int index = size_index(itemsize);
    if (strlen(format) != expected || index < 0)
        return FH_DTYPE_NONE;
    for (size_t i = 0; i < sizeof FORMATS / sizeof *FORMATS; i++)
        if (strchr(FORMATS[i].letters, *format))
            return FORMATS[i].by_size[index];
    return FH_DTYPE_NONE;
}

_Static_assert(sizeof(Py_ssize_t) == sizeof(int64_t), "shapes of buffers are read as they lie");

static bool
take_buffer(pybuffer_t *self, PyObject *source, bool writable, fh_local *ret)
{
    self->held = !PyObject_GetBuffer(source, &self->view, writable ? PyBUF_RECORDS : PyBUF_RECORDS_RO);
    ret->dtype = FH_DTYPE_NONE;
    if (self->held)
        ret->dtype = dtype_of_format(self->view.format ? self->view.format : "B", self->view.itemsize, &ret->swapped);
    return self->held;
}

/* Elements that are not numbers, some of which know no buffers: the package gives one of bytes, and says what they are.
 */
static bool
take_other(pybuffer_t *self, const native_t *state, PyObject *source, bool writable, fh_local *ret)
{
    PyObject *pair = NULL, *buffer = NULL;
    int dtype = 0;
    pybuffer_release(self);
    if (state->local_of)
        pair = PyObject_CallFunctionObjArgs(state->local_of, source, writable ? Py_True : Py_False, NULL);
    bool good = pair && PyArg_ParseTuple(pair, "Oi", &buffer, &dtype) && take_buffer(self, buffer, writable, ret);
    Py_XDECREF(pair);
    if (good) {
        ret->dtype = (fh_dtype)dtype;
        ret->swapped = 0;
    }
    if (!good || fh_dtype_size(ret->dtype) == (size_t)self->view.itemsize)
        return good;
    PyErr_SetString(PyExc_TypeError, "a buffer and its dtype have different sizes of elements");
    return false;
}

bool
pybuffer_init(pybuffer_t *self, const native_t *state, PyObject *source, bool writable, fh_local *ret)
{
    self->held = false;
    bool taken = take_buffer(self, source, writable, ret);
    if (!ret->dtype) {
        PyErr_Clear();
        taken = take_other(self, state, source, writable, ret);
    }
    if (!taken) {
        pybuffer_release(self);
        return false;
    }
    const Py_buffer *view = &self->view;
    if (!ret->dtype || view->ndim > FH_MAX_DIMS) {
        PyErr_Format(PyExc_TypeError, "cannot take a buffer of format '%s', item size %zd and %d dimensions",
                     view->format ? view->format : "B", view->itemsize, view->ndim);
        pybuffer_release(self);
        return false;
    }
    ret->data = view->buf;
    ret->ndim = view->ndim;
    ret->shape = (const int64_t *)(const void *)view->shape;
    ret->strides = (const int64_t *)(const void *)view->strides;
    return true;
}

void
pybuffer_release(pybuffer_t *self)
{
    if (self->held)
        PyBuffer_Release(&self->view);
    self->held = false;
}

bool
pylocal_init(pylocal_t *self, const native_t *state, PyObject *source, bool writable)
{
    return pybuffer_init(&self->buffer, state, source, writable, &self->local);
}

void
pylocal_release(pylocal_t *self)
{
    pybuffer_release(&self->buffer);
}

static bool
operand_from_int(fh_operand *self, PyObject *number)
{
    int overflow = 0;
    self->kind = FH_WEAK_INT;
    long long value = PyLong_AsLongLongAndOverflow(number, &overflow);
    if (value == -1 && PyErr_Occurred())
        return false;
    if (overflow > 0) {
        unsigned long long large = PyLong_AsUnsignedLongLong(number);
        if (large == (unsigned long long)-1 && PyErr_Occurred())
            return false;
        memcpy(&self->i, &large, sizeof self->i);
        self->is_unsigned = 1;
        return true;
    }
    if (overflow < 0) {
        PyErr_SetString(PyExc_OverflowError, "Python integer too small for int64");
        return false;
    }
    self->i = value;
    return true;
}

int
convert_number(fh_operand *self, PyObject *source)
{
    PyTypeObject *type = Py_TYPE(source);
    if (type == &PyLong_Type)
        return operand_from_int(self, source) ? 1 : -1;
    if (type == &PyFloat_Type) {
        self->kind = FH_WEAK_FLOAT;
        self->f = PyFloat_AsDouble(source);
        return 1;
    }
    if (type != &PyComplex_Type)
        return 0;
    self->kind = FH_WEAK_COMPLEX;
    self->f = PyComplex_RealAsDouble(source);
    self->imag = PyComplex_ImagAsDouble(source);
    return 1;
}

static bool
operand_from(pyoperands_t *self, int i, pysession_t *session, PyObject *source)
{
    fh_operand *item = &self->items[i];
    if (Py_TYPE(source) == native_state(session->module)->array_type) {
        item->kind = FH_ARRAY;
        item->array = pyarray_get(session, source);
        return item->array != NULL;
    }
    int number = convert_number(item, source);
    if (number)
        return number > 0;
    if (!pylocal_init(&self->locals[i], native_state(session->module), source, false))
        return false;
    item->kind = FH_LOCAL;
    item->local = &self->locals[i].local;
    return true;
}

bool
pyoperands_init(pyoperands_t *self, pysession_t *session, PyObject *tuple)
{
    self->count = 0;
    if (!PyTuple_Check(tuple) || PyTuple_Size(tuple) > PYOPERANDS_MAX) {
        PyErr_Format(PyExc_TypeError, "inputs must be a tuple of at most %d", (int)PYOPERANDS_MAX);
        return false;
    }
    Py_ssize_t count = PyTuple_Size(tuple);
    memset(self->items, 0, sizeof self->items);
    for (Py_ssize_t i = 0; i < count; i++) {
        self->locals[i].buffer.held = false;
        self->count = (int)i + 1;
        if (!operand_from(self, (int)i, session, PyTuple_GetItem(tuple, i))) {
            pyoperands_release(self);
            return false;
        }
    }
    return true;
}

void
pyoperands_release(pyoperands_t *self)
{
    for (int i = 0; i < self->count; i++)
        pylocal_release(&self->locals[i]);
    self->count = 0;
}

bool
convert_ints(PyObject *tuple, int64_t *ret, int room, int *ret_count, const char *what)
{
    if (!PyTuple_Check(tuple) || PyTuple_Size(tuple) > room) {
        PyErr_Format(PyExc_ValueError, "%s must be a tuple of at most %d integers", what, room);
        return false;
    }
    *ret_count = (int)PyTuple_Size(tuple);
    for (int i = 0; i < *ret_count; i++) {
        long long value = PyLong_AsLongLong(PyTuple_GetItem(tuple, i));
        if (value == -1 && PyErr_Occurred())
            return false;
        ret[i] = value;
    }
    return true;
}

bool
convert_axes(PyObject *tuple_or_none, int *ret, int *ret_count)
{
    int64_t axes[FH_MAX_DIMS];
    if (tuple_or_none == Py_None) {
        *ret_count = -1;
        return true;
    }
    if (!convert_ints(tuple_or_none, axes, FH_MAX_DIMS, ret_count, "axes"))
        return false;
    for (int i = 0; i < *ret_count; i++) {
        if (axes[i] > FH_MAX_DIMS || axes[i] < -FH_MAX_DIMS) {
            PyErr_Format(PyExc_ValueError, "axis %lld is out of bounds", (long long)axes[i]);
            return false;
        }
        ret[i] = (int)axes[i];
    }
    return true;
}

PyObject *
convert_shape(const int64_t *shape, int ndim)
{
    PyObject *tuple = PyTuple_New(ndim);
    for (int i = 0; tuple && i < ndim; i++) {
        PyObject *extent = PyLong_FromLongLong(shape[i]);
        if (!extent || PyTuple_SetItem(tuple, i, extent)) {
            Py_DECREF(tuple);
            return NULL;
        }
    }
    return tuple;
}

PyObject *
convert_id(const fh_id *id)
{
    return PyBytes_FromStringAndSize((const char *)id->bytes, sizeof id->bytes);
}

bool
convert_to_id(PyObject *bytes, fh_id *ret)
{
    if (!PyBytes_Check(bytes) || PyBytes_Size(bytes) != (Py_ssize_t)sizeof ret->bytes) {
        PyErr_SetString(PyExc_TypeError, "an id is a bytes object of 16 bytes");
        return false;
    }
    memcpy(ret->bytes, PyBytes_AsString(bytes), sizeof ret->bytes);
    return true;
}
