/* proxy/python/native/sorting.c - methods of Array: sorting, searching, running results, counting. */
#include "proxy/python/native/native.h"

/* An array that may be None; false with an exception if it is something else. */
static bool
optional(pysession_t *session, PyObject *object, fh_array **ret)
{
    *ret = object == Py_None ? NULL : pyarray_get(session, object);
    return object == Py_None || *ret;
}

static PyObject *
sorted(PyObject *object, PyObject *args, int (*sort)(fh_array *array, int axis, fh_array **ret, fh_error *error))
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object), *ret = NULL;
    fh_error error = {0};
    int axis = 0;
    if (!array || !PyArg_ParseTuple(args, "i", &axis) || !pysession_enter(session))
        return NULL;
    int status = sort(array, axis, &ret, &error);
    return pysession_leave_array(session, status, &error, ret);
}

PyObject *
pysorting_sort(PyObject *object, PyObject *args)
{
    return sorted(object, args, fh_sort);
}

PyObject *
pysorting_argsort(PyObject *object, PyObject *args)
{
    return sorted(object, args, fh_argsort);
}

PyObject *
pysorting_accumulate(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object), *ret = NULL;
    fh_error error = {0};
    const char *op = NULL;
    int axis = 0, dtype = 0;
    if (!array || !PyArg_ParseTuple(args, "sii", &op, &axis, &dtype) || !pysession_enter(session))
        return NULL;
    int status = fh_accumulate(array, op, axis, (fh_dtype)dtype, &ret, &error);
    return pysession_leave_array(session, status, &error, ret);
}

PyObject *
pysorting_searchsorted(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object), *values = NULL, *sorter = NULL, *ret = NULL;
    fh_error error = {0};
    PyObject *values_object = NULL, *sorter_object = NULL;
    int right = 0;
    if (!array || !PyArg_ParseTuple(args, "OpO", &values_object, &right, &sorter_object))
        return NULL;
    values = pyarray_get(session, values_object);
    if (!values || !optional(session, sorter_object, &sorter) || !pysession_enter(session))
        return NULL;
    int status = fh_searchsorted(array, values, right, sorter, &ret, &error);
    return pysession_leave_array(session, status, &error, ret);
}

PyObject *
pysorting_isin(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object), *vector = NULL, *ret = NULL;
    fh_error error = {0};
    PyObject *vector_object = NULL;
    int invert = 0;
    if (!array || !PyArg_ParseTuple(args, "Op", &vector_object, &invert))
        return NULL;
    vector = pyarray_get(session, vector_object);
    if (!vector || !pysession_enter(session))
        return NULL;
    int status = fh_isin(array, vector, invert, &ret, &error);
    return pysession_leave_array(session, status, &error, ret);
}

PyObject *
pysorting_bincount(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object), *weights = NULL, *ret = NULL;
    fh_error error = {0};
    PyObject *weights_object = NULL;
    long long bins = 0;
    if (!array || !PyArg_ParseTuple(args, "OL", &weights_object, &bins) ||
        !optional(session, weights_object, &weights) || !pysession_enter(session))
        return NULL;
    int status = fh_bincount(array, weights, bins, &ret, &error);
    return pysession_leave_array(session, status, &error, ret);
}

PyObject *
pysorting_histogram(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object), *edges = NULL, *weights = NULL, *ret = NULL;
    fh_error error = {0};
    PyObject *edges_object = NULL, *weights_object = NULL;
    int even = 0;
    if (!array || !PyArg_ParseTuple(args, "OpO", &edges_object, &even, &weights_object))
        return NULL;
    edges = pyarray_get(session, edges_object);
    if (!edges || !optional(session, weights_object, &weights) || !pysession_enter(session))
        return NULL;
    int status = fh_histogram(array, edges, even, weights, &ret, &error);
    return pysession_leave_array(session, status, &error, ret);
}

PyObject *
pysorting_interp(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object), *xp = NULL, *fp = NULL, *ret = NULL;
    fh_error error = {0};
    PyObject *xp_object = NULL, *fp_object = NULL;
    double left = 0, right = 0;
    if (!array || !PyArg_ParseTuple(args, "OOdd", &xp_object, &fp_object, &left, &right))
        return NULL;
    xp = pyarray_get(session, xp_object);
    fp = xp ? pyarray_get(session, fp_object) : NULL;
    if (!fp || !pysession_enter(session))
        return NULL;
    int status = fh_interp(array, xp, fp, left, right, &ret, &error);
    return pysession_leave_array(session, status, &error, ret);
}

PyObject *
pysorting_correlate(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object), *v = NULL, *ret = NULL;
    fh_error error = {0};
    PyObject *v_object = NULL;
    long long offset = 0, count = 0;
    if (!array || !PyArg_ParseTuple(args, "OLL", &v_object, &offset, &count))
        return NULL;
    v = pyarray_get(session, v_object);
    if (!v || !pysession_enter(session))
        return NULL;
    int status = fh_correlate(array, v, offset, count, &ret, &error);
    return pysession_leave_array(session, status, &error, ret);
}
