/* proxy/python/native/compute.c - ufuncs, reductions, casts, assignment. */
#include "proxy/python/native/native.h"

enum { MAX_OUT = 4, CASTING_DEFAULT = -1 };

/* outs: None, or a tuple of Arrays and Nones. */
static bool
outs_from(pysession_t *self, PyObject *outs, int nout, fh_array **ret)
{
    if (outs == Py_None)
        return true;
    if (!PyTuple_Check(outs) || PyTuple_Size(outs) != nout) {
        PyErr_Format(PyExc_ValueError, "out must be a tuple of %d", nout);
        return false;
    }
    for (int i = 0; i < nout; i++) {
        PyObject *item = PyTuple_GetItem(outs, i);
        if (item != Py_None && !(ret[i] = pyarray_get_target(self, item)))
            return false;
    }
    return true;
}

static int
nout_of(const char *op)
{
    const char *name = NULL;
    int nin = 0, nout = 0;
    for (int i = 0; !fh_op_at(i, &name, &nin, &nout); i++) {
        const char *a = op, *b = name;
        while (*a && *a == *b)
            a++, b++;
        if (*a == *b)
            return nout;
    }
    return 0;
}

PyObject *
pycompute_ufunc(PyObject *object, PyObject *args)
{
    pysession_t *self = (pysession_t *)object;
    fh_error error = {0};
    const char *op = NULL;
    PyObject *inputs = NULL, *outs = NULL, *where = NULL, *result = NULL;
    int dtype = 0, casting = CASTING_DEFAULT;
    fh_array *out[MAX_OUT] = {NULL}, *ret[MAX_OUT] = {NULL};
    pyoperands_t in;
    if (!PyArg_ParseTuple(args, "sOOOii", &op, &inputs, &outs, &where, &dtype, &casting))
        return NULL;
    int nout = nout_of(op);
    if (nout < 1 || nout > MAX_OUT)
        return native_raise_named(self->module, "NOT_SUPPORTED", "the engines have no such operation");
    fh_ufunc_options options = {.out = out, .dtype = (fh_dtype)dtype, .casting_given = casting != CASTING_DEFAULT};
    if (options.casting_given)
        options.casting = (fh_casting)casting;
    if (!outs_from(self, outs, nout, out))
        return NULL;
    if (where != Py_None && !(options.where = pyarray_get(self, where)))
        return NULL;
    if (!pyoperands_init(&in, self, inputs))
        return NULL;
    if (pysession_enter(self)) {
        int status = fh_ufunc(self->session, op, in.items, in.count, &options, ret, &error);
        if (pysession_leave(self, status, &error) || !status)
            result = handles_tuple(self, ret, nout);
        if (PyErr_Occurred())
            Py_CLEAR(result);
    }
    pyoperands_release(&in);
    return result;
}

PyObject *
pycompute_reduce(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object), *ret = NULL;
    fh_error error = {0};
    const char *op = NULL;
    PyObject *axes_object = NULL;
    int axes[FH_MAX_DIMS], naxes = 0, keepdims = 0, dtype = 0;
    if (!array || !PyArg_ParseTuple(args, "sOpi", &op, &axes_object, &keepdims, &dtype) ||
        !convert_axes(axes_object, axes, &naxes) || !pysession_enter(session))
        return NULL;
    int status = fh_reduce(array, op, axes, naxes, keepdims, (fh_dtype)dtype, &ret, &error);
    return pysession_leave_array(session, status, &error, ret);
}

PyObject *
pycompute_variance(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object), *ret = NULL;
    fh_error error = {0};
    PyObject *axes_object = NULL;
    double ddof = 0;
    int axes[FH_MAX_DIMS], naxes = 0, take_root = 0, keepdims = 0, dtype = 0;
    if (!array || !PyArg_ParseTuple(args, "pdOpi", &take_root, &ddof, &axes_object, &keepdims, &dtype) ||
        !convert_axes(axes_object, axes, &naxes) || !pysession_enter(session))
        return NULL;
    int status = fh_variance(array, take_root, ddof, axes, naxes, keepdims, (fh_dtype)dtype, &ret, &error);
    return pysession_leave_array(session, status, &error, ret);
}

PyObject *
pycompute_astype(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object), *ret = NULL;
    fh_error error = {0};
    int dtype = 0, casting = 0;
    if (!array || !PyArg_ParseTuple(args, "ii", &dtype, &casting) || !pysession_enter(session))
        return NULL;
    int status = fh_astype(array, (fh_dtype)dtype, (fh_casting)casting, &ret, &error);
    return pysession_leave_array(session, status, &error, ret);
}

PyObject *
pycompute_assign(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get_target(session, object);
    fh_error error = {0};
    PyObject *value = NULL;
    int casting = 0;
    bool done = false;
    pyoperands_t in;
    if (!array || !PyArg_ParseTuple(args, "O!i", &PyTuple_Type, &value, &casting))
        return NULL;
    if (PyTuple_Size(value) != 1) {
        PyErr_SetString(PyExc_TypeError, "assign takes a tuple of one value");
        return NULL;
    }
    if (!pyoperands_init(&in, session, value))
        return NULL;
    if (pysession_enter(session))
        done = pysession_leave(session, fh_assign(array, in.items, (fh_casting)casting, &error), &error);
    pyoperands_release(&in);
    return done ? Py_NewRef(Py_None) : NULL;
}
