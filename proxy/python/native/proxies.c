/* proxy/python/native/proxies.c - RemoteArray and DistArray objects around native Arrays: their classes are Python's,
 * but there are so many of them that they are filled here. */
#include "proxy/python/native/native.h"

static const char *const NAMES[PROXY_NAMES] = {"_handle", "_shape", "_dtype", "_axis", "_npieces"};

/* use_proxies(RemoteArray, DistArray, dtypes of numbers by their codes, function that gives a dtype for any code,
 * function that gives (buffer, code) for an ndarray whose elements are not numbers) */
PyObject *
pyproxies_use(PyObject *module, PyObject *args)
{
    native_t *state = native_state(module);
    PyObject *remote = NULL, *dist = NULL, *dtypes = NULL, *dtype_of = NULL, *local_of = NULL;
    if (!PyArg_ParseTuple(args, "O!O!O!OO", &PyType_Type, &remote, &PyType_Type, &dist, &PyTuple_Type, &dtypes,
                          &dtype_of, &local_of))
        return NULL;
    if (PyTuple_Size(dtypes) != FH_COMPLEX128 + 1) {
        PyErr_Format(PyExc_ValueError, "there must be %d dtypes", FH_COMPLEX128 + 1);
        return NULL;
    }
    for (int i = 0; i < PROXY_NAMES; i++)
        if (!state->names[i] && !(state->names[i] = PyUnicode_InternFromString(NAMES[i])))
            return NULL;
    PyTypeObject *former[] = {state->remote_class, state->dist_class}; /* of a package that was imported anew */
    PyObject *former_dtypes[] = {state->dtypes, state->dtype_of, state->local_of};
    state->remote_class = (PyTypeObject *)Py_NewRef(remote);
    state->dist_class = (PyTypeObject *)Py_NewRef(dist);
    state->dtypes = Py_NewRef(dtypes);
    state->dtype_of = Py_NewRef(dtype_of);
    state->local_of = Py_NewRef(local_of);
    Py_XDECREF((PyObject *)former[0]);
    Py_XDECREF((PyObject *)former[1]);
    for (size_t i = 0; i < sizeof former_dtypes / sizeof *former_dtypes; i++)
        Py_XDECREF(former_dtypes[i]);
    Py_RETURN_NONE;
}

/* Takes the values, also on failure; NULL among them is a failure with an exception. */
static PyObject *
fill(native_t *state, PyTypeObject *class, PyObject *values[PROXY_NAMES])
{
    PyObject *proxy = NULL;
    bool complete = true;
    for (int i = 0; i < PROXY_NAMES; i++)
        complete = complete && values[i];
    if (complete)
        proxy = PyType_GenericAlloc(class, 0);
    for (int i = 0; i < PROXY_NAMES; i++) {
        if (proxy && PyObject_SetAttr(proxy, state->names[i], values[i]))
            Py_CLEAR(proxy);
        Py_XDECREF(values[i]);
    }
    return proxy;
}

/* Numbers are at hand. */
static PyObject *
dtype_of(const native_t *state, fh_dtype dtype)
{
    if (dtype <= FH_COMPLEX128)
        return Py_NewRef(PyTuple_GetItem(state->dtypes, (Py_ssize_t)dtype));
    return PyObject_CallFunction(state->dtype_of, "i", (int)dtype);
}

/* Takes handle and shape. */
static PyObject *
new_proxy(native_t *state, PyObject *handle, const fh_array_info *info, PyObject *shape)
{
    if (!state->remote_class) {
        Py_XDECREF(handle);
        Py_XDECREF(shape);
        PyErr_SetString(PyExc_RuntimeError, "use_proxies has not been called");
        return NULL;
    }
    PyObject *values[PROXY_NAMES] = {handle, shape, dtype_of(state, info->dtype),
                                     info->axis < 0 ? Py_NewRef(Py_None) : PyLong_FromLong(info->axis),
                                     PyLong_FromLong(info->npieces)};
    return fill(state, info->axis < 0 ? state->remote_class : state->dist_class, values);
}

PyObject *
pyproxies_new(native_t *state, PyObject *handle, const fh_array_info *info)
{
    return new_proxy(state, handle, info, handle ? convert_shape(info->shape, info->ndim) : NULL);
}

PyObject *
pyproxies_new_whole(native_t *state, PyObject *handle, fh_dtype dtype, PyObject *shape)
{
    return new_proxy(state, handle, &(fh_array_info){.dtype = dtype, .axis = -1, .npieces = 1}, Py_NewRef(shape));
}

/* wrap(Array) -> RemoteArray or DistArray */
PyObject *
pyproxies_wrap(PyObject *module, PyObject *handle)
{
    native_t *state = native_state(module);
    fh_array_info info = {0};
    if (Py_TYPE(handle) != state->array_type) {
        PyErr_SetString(PyExc_TypeError, "expected an Array");
        return NULL;
    }
    pysession_t *session = ((pyhandle_t *)handle)->session;
    fh_array *array = pyarray_get(session, handle);
    if (!array || !pysession_enter(session))
        return NULL;
    fh_array_describe(array, &info);
    if (!pysession_leave(session, 0, NULL))
        return NULL;
    return pyproxies_new(state, Py_NewRef(handle), &info);
}

PyObject *
pyproxies_handle(native_t *state, PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    if (!state->remote_class || (type != state->remote_class && type != state->dist_class))
        return NULL;
    PyObject *handle = PyObject_GetAttr(object, state->names[0]);
    if (handle && Py_TYPE(handle) != state->array_type)
        Py_CLEAR(handle);
    PyErr_Clear(); /* half-made ones are for the Python code */
    return handle;
}
