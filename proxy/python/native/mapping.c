/* proxy/python/native/mapping.c - arrays gathered without a copy, as objects with a buffer. */
#include "proxy/python/native/native.h"

PyObject *
pymapping_gather(PyObject *object, PyObject *none)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    native_t *state = native_state(session->module);
    fh_array *array = pyarray_get(session, object);
    fh_mapping *mapping = NULL;
    fh_error error = {0};
    fh_array_info info = {0};
    void *data = NULL;
    (void)none;
    if (!array)
        return NULL;
    /* First, so that there is no mapping without an object that frees it. */
    PyObject *wrapped = handles_wrap(session, state->mapping_type, NULL, NULL);
    if (!wrapped || !pysession_enter(session)) {
        Py_XDECREF(wrapped);
        return NULL;
    }
    int status = fh_gather_map(array, &data, &mapping, &error);
    fh_array_describe(array, &info);
    handle_t *handle = ((pyhandle_t *)wrapped)->handle;
    handle->mapping = mapping;
    handle->data = data;
    handle->size = (Py_ssize_t)fh_dtype_size(info.dtype);
    for (int i = 0; i < info.ndim; i++)
        handle->size *= (Py_ssize_t)info.shape[i];
    /* Not supported: the caller copies. */
    if (pysession_leave(session, status == FH_STATUS_NOT_SUPPORTED ? 0 : status, &error) && mapping &&
        pyflags_report(session))
        return wrapped;
    Py_DECREF(wrapped);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

PyObject *
pymapping_shared(PyObject *object, PyObject *args)
{
    pysession_t *session = (pysession_t *)object;
    native_t *state = native_state(session->module);
    fh_mapping *mapping = NULL;
    fh_error error = {0};
    PyObject *extents = NULL;
    int64_t shape[FH_MAX_DIMS];
    int dtype = 0, ndim = 0;
    void *data = NULL;
    if (!PyArg_ParseTuple(args, "iO", &dtype, &extents) || !convert_ints(extents, shape, FH_MAX_DIMS, &ndim, "shape"))
        return NULL;
    PyObject *wrapped = handles_wrap(session, state->mapping_type, NULL, NULL);
    if (!wrapped || !pysession_enter(session)) {
        Py_XDECREF(wrapped);
        return NULL;
    }
    int status = fh_shared(session->session, (fh_dtype)dtype, ndim, shape, &data, &mapping, &error);
    handle_t *handle = ((pyhandle_t *)wrapped)->handle;
    handle->mapping = mapping;
    handle->data = data;
    handle->size = status ? 0 : (Py_ssize_t)fh_dtype_size((fh_dtype)dtype);
    for (int i = 0; i < ndim; i++)
        handle->size *= (Py_ssize_t)shape[i];
    if (pysession_leave(session, status, &error))
        return wrapped;
    Py_DECREF(wrapped);
    return NULL;
}

static int
mapping_getbuffer(PyObject *object, Py_buffer *view, int flags)
{
    const handle_t *handle = ((pyhandle_t *)object)->handle;
    return PyBuffer_FillInfo(view, object, handle->data, handle->size, 0, flags);
}

static PyType_Slot mapping_slots[] = {
    {Py_tp_dealloc, NATIVE_SLOT(handles_dealloc)},
    {Py_bf_getbuffer, NATIVE_SLOT(mapping_getbuffer)},
    {0, NULL},
};

PyType_Spec pymapping_spec = {
    .name = "farhand._native.Mapping",
    .basicsize = sizeof(pyhandle_t),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = mapping_slots,
};
