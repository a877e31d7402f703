/* proxy/python/native/views.c - views and joints: indices, axes, shapes. */
#include "proxy/python/native/native.h"

enum { MAX_INDEX = 2 * FH_MAX_DIMS + 1, MAX_ARRAYS = 1 << 20 };

/* One part of a slice: None leaves it out. */
static bool
slice_part(PyObject *tuple, int i, int64_t *ret, int *ret_has)
{
    PyObject *part = PyTuple_GetItem(tuple, i);
    if (part == Py_None)
        return true;
    long long value = PyLong_AsLongLong(part);
    if (value == -1 && PyErr_Occurred())
        return false;
    *ret = value;
    *ret_has = 1;
    return true;
}

static bool
index_item(PyObject *source, fh_index_item *ret)
{
    if (source == Py_None) {
        ret->kind = FH_INDEX_NEWAXIS;
    } else if (source == Py_Ellipsis) {
        ret->kind = FH_INDEX_ELLIPSIS;
    } else if (PyTuple_Check(source) && PyTuple_Size(source) == 3) {
        ret->kind = FH_INDEX_SLICE;
        return slice_part(source, 0, &ret->start, &ret->has_start) &&
               slice_part(source, 1, &ret->stop, &ret->has_stop) && slice_part(source, 2, &ret->step, &ret->has_step);
    } else {
        ret->kind = FH_INDEX_INT;
        ret->start = PyLong_AsLongLong(source);
        ret->has_start = 1;
        return !PyErr_Occurred();
    }
    return true;
}

/* How many there are, at most MAX_INDEX; -1 with an exception set. */
static int
index_items(pysession_t *session, PyObject *tuple, fh_index_item *ret)
{
    Py_ssize_t count = PyTuple_Size(tuple);
    if (count > MAX_INDEX) {
        native_raise_named(session->module, "BAD_INDEX", "too many indices");
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        if (!index_item(PyTuple_GetItem(tuple, i), &ret[i]))
            return -1;
    return (int)count;
}

PyObject *
pyviews_index(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object), *ret = NULL;
    fh_error error = {0};
    PyObject *tuple = NULL;
    fh_index_item items[MAX_INDEX] = {{0}};
    int count = 0;
    if (!array || !PyArg_ParseTuple(args, "O!", &PyTuple_Type, &tuple) ||
        (count = index_items(session, tuple, items)) < 0 || !pysession_enter(session))
        return NULL;
    int status = fh_index(array, items, count, &ret, &error);
    return pyarray_view_of(object, pysession_leave_array(session, status, &error, ret));
}

/* As index, of one element: its value now, in memory of its own. */
PyObject *
pyviews_element(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object), *view = NULL, *ret = NULL;
    fh_error error = {0};
    fh_index_item items[MAX_INDEX] = {{0}};
    int count = array ? index_items(session, args, items) : -1;
    if (count < 0 || !pysession_enter(session))
        return NULL;
    int status = fh_index(array, items, count, &view, &error);
    if (!status)
        status = fh_copy(view, &ret, &error);
    fh_array_free(&view);
    return pysession_leave_array(session, status, &error, ret);
}

/* view_as(dtype) */
PyObject *
pyviews_view_as(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object), *ret = NULL;
    fh_error error = {0};
    int dtype = 0;
    if (!array || !PyArg_ParseTuple(args, "i", &dtype) || !pysession_enter(session))
        return NULL;
    int status = fh_view_as(array, (fh_dtype)dtype, &ret, &error);
    return pyarray_view_of(object, pysession_leave_array(session, status, &error, ret));
}

/* field(offset, dtype, shape) */
PyObject *
pyviews_field(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object), *ret = NULL;
    fh_error error = {0};
    PyObject *extents = NULL;
    int64_t shape[FH_MAX_DIMS];
    long long offset = 0;
    int dtype = 0, ndim = 0;
    if (!array || !PyArg_ParseTuple(args, "LiO", &offset, &dtype, &extents) ||
        !convert_ints(extents, shape, FH_MAX_DIMS, &ndim, "shape") || !pysession_enter(session))
        return NULL;
    int status = fh_field(array, offset, (fh_dtype)dtype, ndim, shape, &ret, &error);
    return pyarray_view_of(object, pysession_leave_array(session, status, &error, ret));
}

PyObject *
pyviews_transpose(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object), *ret = NULL;
    fh_error error = {0};
    PyObject *axes_object = NULL;
    fh_array_info info = {0};
    int axes[FH_MAX_DIMS], naxes = 0;
    if (!array || !PyArg_ParseTuple(args, "O", &axes_object) || !convert_axes(axes_object, axes, &naxes) ||
        !pysession_enter(session))
        return NULL;
    fh_array_describe(array, &info);
    bool fits = naxes < 0 || naxes == info.ndim;
    int status = fits ? fh_transpose(array, naxes < 0 ? NULL : axes, &ret, &error) : 0;
    PyObject *result = pysession_leave_array(session, status, &error, ret);
    if (fits)
        return pyarray_view_of(object, result);
    Py_XDECREF(result);
    return native_raise_named(session->module, "INVALID_ARGUMENT", "axes don't match the array's dimensions");
}

/* What takes an array and a shape, and gives a new handle. */
static PyObject *
with_shape(PyObject *object, PyObject *args, int (*make)(fh_array *, int, const int64_t *, fh_array **, fh_error *))
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object), *ret = NULL;
    fh_error error = {0};
    PyObject *extents = NULL;
    int64_t shape[FH_MAX_DIMS];
    int ndim = 0;
    if (!array || !PyArg_ParseTuple(args, "O", &extents) ||
        !convert_ints(extents, shape, FH_MAX_DIMS, &ndim, "shape") || !pysession_enter(session))
        return NULL;
    int status = make(array, ndim, shape, &ret, &error);
    return pyarray_view_of(object, pysession_leave_array(session, status, &error, ret));
}

PyObject *
pyviews_broadcast_to(PyObject *object, PyObject *args)
{
    return with_shape(object, args, fh_broadcast_to);
}

PyObject *
pyviews_reshape(PyObject *object, PyObject *args)
{
    return with_shape(object, args, fh_reshape);
}

PyObject *
pyviews_copy(PyObject *object, PyObject *none)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object), *ret = NULL;
    fh_error error = {0};
    (void)none;
    if (!array || !pysession_enter(session))
        return NULL;
    int status = fh_copy(array, &ret, &error);
    return pysession_leave_array(session, status, &error, ret);
}

PyObject *
pyviews_alias(PyObject *object, PyObject *none)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object), *ret = NULL;
    fh_error error = {0};
    (void)none;
    if (!array || !pysession_enter(session))
        return NULL;
    int status = fh_alias(array, &ret, &error);
    return pyarray_view_of(object, pysession_leave_array(session, status, &error, ret));
}

PyObject *
pyviews_piece_handle(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object), *ret = NULL;
    fh_error error = {0};
    int i = 0;
    if (!array || !PyArg_ParseTuple(args, "i", &i) || !pysession_enter(session))
        return NULL;
    int status = fh_array_piece_handle(array, i, &ret, &error);
    return pyarray_view_of(object, pysession_leave_array(session, status, &error, ret));
}

typedef int join_fn(fh_array *const *arrays, int n, int axis, fh_array **ret, fh_error *error);

static PyObject *
join(pysession_t *self, PyObject *args, join_fn *function)
{
    fh_error error = {0};
    PyObject *tuple = NULL, *result = NULL;
    fh_array *ret = NULL;
    int axis = 0;
    if (!PyArg_ParseTuple(args, "O!i", &PyTuple_Type, &tuple, &axis))
        return NULL;
    Py_ssize_t count = PyTuple_Size(tuple);
    if (count < 1 || count > MAX_ARRAYS)
        return PyErr_Format(PyExc_ValueError, "need at least one array to join, at most %d", (int)MAX_ARRAYS);
    fh_array **arrays = PyMem_Calloc((size_t)count, sizeof *arrays);
    if (!arrays)
        return PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < count; i++)
        if (!(arrays[i] = pyarray_get(self, PyTuple_GetItem(tuple, i))))
            goto done;
    if (pysession_enter(self)) {
        int status = function(arrays, (int)count, axis, &ret, &error);
        result = pysession_leave_array(self, status, &error, ret);
    }
done:
    PyMem_Free(arrays);
    return result;
}

PyObject *
pyviews_concatenate(PyObject *object, PyObject *args)
{
    return join((pysession_t *)object, args, fh_concatenate);
}

PyObject *
pyviews_from_pieces(PyObject *object, PyObject *args)
{
    return join((pysession_t *)object, args, fh_array_from_pieces);
}
