/* proxy/python/native/array.c - the type Array: an fh_array, where it came from and how it goes back. */
#include "proxy/python/native/native.h"

fh_array *
pyarray_get(pysession_t *session, PyObject *object)
{
    if (Py_TYPE(object) != native_state(session->module)->array_type) {
        PyErr_SetString(PyExc_TypeError, "expected an Array");
        return NULL;
    }
    pyhandle_t *self = (pyhandle_t *)object;
    if (self->session != session) {
        native_raise_named(session->module, "INVALID_ARGUMENT", "the arrays belong to different sessions");
        return NULL;
    }
    if (!self->handle->array)
        native_raise_named(session->module, "STALE_HANDLE", "the session of this array is closed");
    return self->handle->array;
}

fh_array *
pyarray_get_target(pysession_t *session, PyObject *object)
{
    fh_array *array = pyarray_get(session, object);
    if (!array || ((pyhandle_t *)object)->access == PYACCESS_ALL)
        return array;
    PyErr_SetString(PyExc_ValueError, "assignment destination is read-only");
    return NULL;
}

PyObject *
pyarray_view_of(PyObject *object, PyObject *made)
{
    if (made && ((pyhandle_t *)object)->access != PYACCESS_ALL)
        ((pyhandle_t *)made)->access = PYACCESS_READ_FOR_GOOD;
    return made;
}

static PyObject *
array_get_writeable(PyObject *object, void *none)
{
    (void)none;
    return PyBool_FromLong(((pyhandle_t *)object)->access == PYACCESS_ALL);
}

static int
array_set_writeable(PyObject *object, PyObject *value, void *none)
{
    pyhandle_t *self = (pyhandle_t *)object;
    int writeable = value ? PyObject_IsTrue(value) : -1;
    (void)none;
    if (!value)
        PyErr_SetString(PyExc_AttributeError, "writeable cannot be deleted");
    if (writeable < 0)
        return -1;
    if (self->access == PYACCESS_READ_FOR_GOOD && writeable) {
        PyErr_SetString(PyExc_ValueError, "cannot set WRITEABLE flag to True of this array");
        return -1;
    }
    if (self->access != PYACCESS_READ_FOR_GOOD)
        self->access = writeable ? PYACCESS_ALL : PYACCESS_READ;
    return 0;
}

/* axis: an int, or None for one piece; engines: a tuple of ids, or None for all. */
bool
pylayout_init(pylayout_t *self, PyObject *axis, long long blocksize, PyObject *engines)
{
    self->engines = NULL;
    self->options = (fh_scatter_options){.axis = FH_WHOLE, .blocksize = blocksize};
    if (axis != Py_None) {
        long value = PyLong_AsLong(axis);
        if (value == -1 && PyErr_Occurred())
            return false;
        if (value < -FH_MAX_DIMS || value > FH_MAX_DIMS) {
            PyErr_Format(PyExc_ValueError, "axis %ld is out of bounds", value);
            return false;
        }
        self->options.axis = (int)value;
    }
    if (engines == Py_None)
        return true;
    if (!PyTuple_Check(engines) || PyTuple_Size(engines) < 1 || PyTuple_Size(engines) > 65536) {
        PyErr_SetString(PyExc_ValueError, "engines must be a tuple of at least one engine id");
        return false;
    }
    Py_ssize_t count = PyTuple_Size(engines);
    self->engines = PyMem_Calloc((size_t)count, sizeof *self->engines);
    if (!self->engines) {
        PyErr_NoMemory();
        return false;
    }
    self->options.engines = self->engines;
    self->options.nengines = (int)count;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!convert_to_id(PyTuple_GetItem(engines, i), &self->engines[i])) {
            PyMem_Free(self->engines);
            return false;
        }
    }
    return true;
}

void
pylayout_release(pylayout_t *self)
{
    PyMem_Free(self->engines);
}

PyObject *
pyarray_scatter(PyObject *object, PyObject *args)
{
    pysession_t *self = (pysession_t *)object;
    fh_error error = {0};
    PyObject *source = NULL, *axis = NULL, *engines = NULL, *result = NULL;
    long long blocksize = 0;
    fh_array *ret = NULL;
    pylayout_t layout;
    pylocal_t local;
    if (!PyArg_ParseTuple(args, "OOLO", &source, &axis, &blocksize, &engines))
        return NULL;
    if (!pylayout_init(&layout, axis, blocksize, engines))
        return NULL;
    if (pylocal_init(&local, native_state(self->module), source, false)) {
        if (pysession_enter(self)) {
            int status = fh_scatter(self->session, &local.local, &layout.options, &ret, &error);
            result = pysession_leave_array(self, status, &error, ret);
        }
        pylocal_release(&local);
    }
    pylayout_release(&layout);
    return result;
}

PyObject *
pyarray_empty(PyObject *object, PyObject *args)
{
    pysession_t *self = (pysession_t *)object;
    fh_error error = {0};
    PyObject *extents = NULL, *axis = NULL, *engines = NULL, *result = NULL;
    int dtype = 0, ndim = 0;
    long long blocksize = 0;
    int64_t shape[FH_MAX_DIMS];
    fh_array *ret = NULL;
    pylayout_t layout;
    if (!PyArg_ParseTuple(args, "iOOLO", &dtype, &extents, &axis, &blocksize, &engines))
        return NULL;
    if (!convert_ints(extents, shape, FH_MAX_DIMS, &ndim, "shape"))
        return NULL;
    if (!pylayout_init(&layout, axis, blocksize, engines))
        return NULL;
    if (pysession_enter(self)) {
        int status = fh_empty(self->session, (fh_dtype)dtype, ndim, shape, &layout.options, &ret, &error);
        result = pysession_leave_array(self, status, &error, ret);
    }
    pylayout_release(&layout);
    return result;
}

PyObject *
pyarray_import(PyObject *object, PyObject *args)
{
    pysession_t *self = (pysession_t *)object;
    fh_error error = {0};
    const char *bytes = NULL;
    Py_ssize_t size = 0;
    fh_array *ret = NULL;
    if (!PyArg_ParseTuple(args, "y#", &bytes, &size) || !pysession_enter(self))
        return NULL;
    int status = fh_array_import(self->session, bytes, (size_t)size, &ret, &error);
    return pysession_leave_array(self, status, &error, ret);
}

PyObject *
pyarray_get_named(PyObject *object, PyObject *args)
{
    pysession_t *self = (pysession_t *)object;
    fh_error error = {0};
    const char *name = NULL;
    fh_array *ret = NULL;
    if (!PyArg_ParseTuple(args, "s", &name) || !pysession_enter(self))
        return NULL;
    int status = fh_get(self->session, name, &ret, &error);
    return pysession_leave_array(self, status, &error, ret);
}

static PyObject *
array_describe(PyObject *object, PyObject *none)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object);
    fh_array_info info = {0};
    (void)none;
    if (!array || !pysession_enter(session))
        return NULL;
    fh_array_describe(array, &info);
    if (!pysession_leave(session, 0, NULL))
        return NULL;
    return Py_BuildValue("(iNii)", (int)info.dtype, convert_shape(info.shape, info.ndim), info.axis, info.npieces);
}

static PyObject *
array_piece(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object);
    fh_piece_info info = {0};
    int i = 0;
    if (!array || !PyArg_ParseTuple(args, "i", &i) || !pysession_enter(session))
        return NULL;
    int status = fh_array_piece(array, i, &info);
    if (!pysession_leave(session, 0, NULL))
        return NULL;
    if (status) {
        PyErr_Format(PyExc_IndexError, "the array has no piece %d", i);
        return NULL;
    }
    return Py_BuildValue("(NNiLL)", convert_id(&info.id), convert_id(&info.engine), info.engine_number,
                         (long long)info.start, (long long)info.length);
}

/* The buffer must have the array's shape and dtype; the package makes it so, and this looks again. */
static bool
is_fitting(fh_array *array, const pylocal_t *local)
{
    fh_array_info info = {0};
    fh_array_describe(array, &info);
    bool fits = info.dtype == local->local.dtype && info.ndim == local->local.ndim && !local->local.swapped;
    for (int i = 0; fits && i < info.ndim; i++)
        fits = info.shape[i] == local->local.shape[i];
    return fits;
}

static PyObject *
array_gather(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object);
    fh_error error = {0};
    PyObject *target = NULL;
    pylocal_t local;
    if (!array || !PyArg_ParseTuple(args, "O", &target) ||
        !pylocal_init(&local, native_state(session->module), target, true))
        return NULL;
    bool done = false, fits = false;
    if (pysession_enter(session)) {
        fits = is_fitting(array, &local);
        int status = fits ? fh_gather(array, local.local.data, local.local.strides, &error) : 0;
        done = pysession_leave(session, status, &error);
    }
    pylocal_release(&local);
    if (done && !fits) {
        PyErr_SetString(PyExc_ValueError, "the buffer has another shape or dtype than the array");
        return NULL;
    }
    return done && pyflags_report(session) ? Py_NewRef(Py_None) : NULL;
}

static PyObject *
array_wait(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object);
    fh_error error = {0};
    double timeout = 0;
    if (!array || !PyArg_ParseTuple(args, "d", &timeout) || !pysession_enter(session))
        return NULL;
    if (!pysession_leave(session, fh_wait(array, timeout, &error), &error) || !pyflags_report(session))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *
array_reshard(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object), *ret = NULL;
    fh_error error = {0};
    PyObject *axis = NULL, *engines = NULL, *result = NULL;
    long long blocksize = 0;
    pylayout_t layout;
    if (!array || !PyArg_ParseTuple(args, "OLO", &axis, &blocksize, &engines) ||
        !pylayout_init(&layout, axis, blocksize, engines))
        return NULL;
    if (pysession_enter(session)) {
        int status = fh_reshard(array, &layout.options, &ret, &error);
        result = pysession_leave_array(session, status, &error, ret);
    }
    pylayout_release(&layout);
    return result;
}

static PyObject *
array_publish(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object);
    fh_error error = {0};
    const char *name = NULL;
    if (!array || !PyArg_ParseTuple(args, "s", &name) || !pysession_enter(session))
        return NULL;
    if (!pysession_leave(session, fh_publish(array, name, &error), &error))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *
array_export(PyObject *object, PyObject *none)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object);
    fh_error error = {0};
    fh_array_info info = {0};
    PyObject *bytes = NULL;
    size_t size = 0;
    (void)none;
    if (!array || !pysession_enter(session))
        return NULL;
    fh_array_describe(array, &info);
    if (!pysession_leave(session, 0, NULL))
        return NULL;
    size_t room = 4096 + (size_t)info.npieces * 1024; /* an upper bound of ids, extents and strides of each piece */
    char *buffer = PyMem_Malloc(room);
    if (!buffer)
        return PyErr_NoMemory();
    if (pysession_enter(session) &&
        pysession_leave(session, fh_array_export(array, buffer, room, &size, &error), &error))
        bytes = PyBytes_FromStringAndSize(buffer, (Py_ssize_t)size);
    PyMem_Free(buffer);
    return bytes;
}

static PyObject *
array_get_session(PyObject *object, void *closure)
{
    (void)closure;
    return Py_NewRef((PyObject *)((pyhandle_t *)object)->session);
}

/* cancel() */
static PyObject *
array_cancel(PyObject *object, PyObject *none)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object);
    fh_error error = {0};
    (void)none;
    if (!array || !pysession_enter(session))
        return NULL;
    if (!pysession_leave(session, fh_array_cancel(array, &error), &error))
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef array_methods[] = {
    {"describe", array_describe, METH_NOARGS, "describe() -> (dtype, shape, axis, pieces)"},
    {"piece", array_piece, METH_VARARGS, "piece(i) -> (id, engine id, engine number, start, length)"},
    {"gather", array_gather, METH_VARARGS, "gather(writable buffer)"},
    {"gather_map", pymapping_gather, METH_NOARGS, "gather_map() -> Mapping or None"},
    {"wait", array_wait, METH_VARARGS, "wait(timeout)"},
    {"cancel", array_cancel, METH_NOARGS, "cancel()"},
    {"reshard", array_reshard, METH_VARARGS, "reshard(axis or None, blocksize, engines or None) -> Array"},
    {"publish", array_publish, METH_VARARGS, "publish(name)"},
    {"export", array_export, METH_NOARGS, "export() -> bytes"},
    {"reduce", pycompute_reduce, METH_VARARGS, "reduce(op, axes or None, keepdims, dtype) -> Array"},
    {"variance", pycompute_variance, METH_VARARGS, "variance(root, ddof, axes or None, keepdims, dtype) -> Array"},
    {"astype", pycompute_astype, METH_VARARGS, "astype(dtype, casting) -> Array"},
    {"assign", pycompute_assign, METH_VARARGS, "assign((value,), casting)"},
    {"index_arrays", pyindexing_arrays, METH_VARARGS, "index_arrays((index, ...), mode) -> Array"},
    {"assign_arrays", pyindexing_assign_arrays, METH_VARARGS, "assign_arrays((index, ...), mode, (value,), casting)"},
    {"index_mask", pyindexing_mask, METH_VARARGS, "index_mask(mask) -> Array"},
    {"assign_mask", pyindexing_assign_mask, METH_VARARGS, "assign_mask((mask,), (value,), casting)"},
    {"nonzero", pyindexing_nonzero, METH_NOARGS, "nonzero() -> Array of (dimensions, count)"},
    {"sort", pysorting_sort, METH_VARARGS, "sort(axis) -> Array"},
    {"argsort", pysorting_argsort, METH_VARARGS, "argsort(axis) -> Array"},
    {"accumulate", pysorting_accumulate, METH_VARARGS, "accumulate(op, axis, dtype) -> Array"},
    {"searchsorted", pysorting_searchsorted, METH_VARARGS, "searchsorted(values, right, sorter or None) -> Array"},
    {"isin", pysorting_isin, METH_VARARGS, "isin(sorted, invert) -> Array"},
    {"bincount", pysorting_bincount, METH_VARARGS, "bincount(weights or None, bins) -> Array"},
    {"histogram", pysorting_histogram, METH_VARARGS, "histogram(edges, even, weights or None) -> Array"},
    {"interp", pysorting_interp, METH_VARARGS, "interp(xp, fp, left, right) -> Array"},
    {"correlate", pysorting_correlate, METH_VARARGS, "correlate(v, offset, count) -> Array"},
    {"fft", pydense_fft, METH_VARARGS, "fft(axis, n, kind, factor) -> Array"},
    {"index", pyviews_index, METH_VARARGS, "index(tuple of int, (start, stop, step), None, Ellipsis) -> Array"},
    {"element", pyviews_element, METH_VARARGS, "element(int, ...) -> Array that is a copy"},
    {"transpose", pyviews_transpose, METH_VARARGS, "transpose(axes or None) -> Array"},
    {"view_as", pyviews_view_as, METH_VARARGS, "view_as(dtype) -> Array of the same memory"},
    {"field", pyviews_field, METH_VARARGS, "field(offset, dtype, shape) -> Array of a part of each element"},
    {"broadcast_to", pyviews_broadcast_to, METH_VARARGS, "broadcast_to(shape) -> Array"},
    {"reshape", pyviews_reshape, METH_VARARGS, "reshape(shape) -> Array"},
    {"copy", pyviews_copy, METH_NOARGS, "copy() -> Array"},
    {"alias", pyviews_alias, METH_NOARGS, "alias() -> Array"},
    {"piece_handle", pyviews_piece_handle, METH_VARARGS, "piece_handle(i) -> Array"},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef array_getset[] = {
    {"session", array_get_session, NULL, "the Session that it was made from", NULL},
    {"writeable", array_get_writeable, array_set_writeable, "may it be written by this handle?", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot array_slots[] = {
    {Py_tp_dealloc, NATIVE_SLOT(handles_dealloc)},
    {Py_tp_methods, array_methods},
    {Py_tp_getset, array_getset},
    {0, NULL},
};

PyType_Spec pyarray_spec = {
    .name = "farhand._native.Array",
    .basicsize = sizeof(pyhandle_t),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = array_slots,
};
