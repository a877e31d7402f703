/* proxy/python/native/dense.c - products of matrices, Fourier transforms, random numbers, numbers at equal distances.
 */
#include "proxy/python/native/native.h"

enum { MATRICES = 2, STATE = 9, REALS = 4, INTEGERS = 3 };

PyObject *
pydense_matmul(PyObject *object, PyObject *args)
{
    pysession_t *self = (pysession_t *)object;
    fh_error error = {0};
    PyObject *inputs = NULL, *result = NULL;
    fh_array *ret = NULL;
    pyoperands_t in;
    if (!PyArg_ParseTuple(args, "O!", &PyTuple_Type, &inputs) || !pyoperands_init(&in, self, inputs))
        return NULL;
    if (in.count != 2) {
        PyErr_SetString(PyExc_TypeError, "matmul takes two operands");
    } else if (pysession_enter(self)) {
        int status = fh_matmul(self->session, &in.items[0], &in.items[1], &ret, &error);
        result = pysession_leave_array(self, status, &error, ret);
    }
    pyoperands_release(&in);
    return result;
}

PyObject *
pydense_linalg(PyObject *object, PyObject *args)
{
    pysession_t *self = (pysession_t *)object;
    fh_error error = {0};
    const char *name = NULL;
    PyObject *inputs = NULL, *result = NULL;
    fh_array *in[MATRICES] = {NULL}, *ret[FH_LINALG_MAX_OUT] = {NULL};
    fh_linalg_options options = {0};
    int count = 0;
    if (!PyArg_ParseTuple(args, "sO!id", &name, &PyTuple_Type, &inputs, &options.upper, &options.rcond))
        return NULL;
    Py_ssize_t nin = PyTuple_Size(inputs);
    if (nin > MATRICES)
        return PyErr_Format(PyExc_TypeError, "%s takes at most %d arrays", name, (int)MATRICES);
    for (Py_ssize_t i = 0; i < nin; i++)
        if (!(in[i] = pyarray_get(self, PyTuple_GetItem(inputs, i))))
            return NULL;
    if (!pysession_enter(self))
        return NULL;
    int status = fh_linalg(self->session, name, in, (int)nin, &options, ret, &count, &error);
    if (pysession_leave(self, status, &error) || !status)
        result = handles_tuple(self, ret, count);
    if (PyErr_Occurred())
        Py_CLEAR(result);
    return result;
}

PyObject *
pydense_fft(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object), *ret = NULL;
    fh_error error = {0};
    int axis = 0, kind = 0;
    long long n = 0;
    double factor = 1;
    if (!array || !PyArg_ParseTuple(args, "iLid", &axis, &n, &kind, &factor) || !pysession_enter(session))
        return NULL;
    int status = fh_fft(array, axis, n, (fh_fft_kind)kind, factor, &ret, &error);
    return pysession_leave_array(session, status, &error, ret);
}

/* Floats of a tuple. */
static bool
reals_from(PyObject *tuple, double *ret, int *ret_count)
{
    Py_ssize_t count = PyTuple_Size(tuple);
    if (count < 0 || count > REALS) {
        PyErr_SetString(PyExc_ValueError, "too many parameters");
        return false;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        ret[i] = PyFloat_AsDouble(PyTuple_GetItem(tuple, i));
        if (PyErr_Occurred())
            return false;
    }
    *ret_count = (int)count;
    return true;
}

/* The state as nine integers: counter, key, position, has_half, half; words of 64 bits as signed ones. */
static bool
state_from(PyObject *tuple, fh_philox *ret)
{
    int64_t words[STATE];
    int count = 0;
    if (!convert_ints(tuple, words, STATE, &count, "state"))
        return false;
    if (count != STATE) {
        PyErr_Format(PyExc_ValueError, "a state of %d integers, not %d", STATE, count);
        return false;
    }
    *ret = (fh_philox){.position = words[6] < 0 || words[6] > 4 ? -1 : (int)words[6],
                       .has_half = words[7] != 0,
                       .half = (uint32_t)words[8]};
    for (int i = 0; i < 4; i++)
        ret->counter[i] = (uint64_t)words[i];
    for (int i = 0; i < 2; i++)
        ret->key[i] = (uint64_t)words[4 + i];
    return true;
}

/* With the buffer behind it, as words without sign. */
static PyObject *
state_to(const fh_philox *state)
{
    return Py_BuildValue("((KKKK)(KK)(KKKK)iiI)", (unsigned long long)state->counter[0],
                         (unsigned long long)state->counter[1], (unsigned long long)state->counter[2],
                         (unsigned long long)state->counter[3], (unsigned long long)state->key[0],
                         (unsigned long long)state->key[1], (unsigned long long)state->buffer[0],
                         (unsigned long long)state->buffer[1], (unsigned long long)state->buffer[2],
                         (unsigned long long)state->buffer[3], state->position, state->has_half, state->half);
}

PyObject *
pydense_random(PyObject *object, PyObject *args)
{
    pysession_t *self = (pysession_t *)object;
    fh_error error = {0};
    PyObject *reals = NULL, *integers = NULL, *words = NULL, *extents = NULL, *axis = NULL, *engines = NULL;
    double real[REALS];
    int64_t integer[INTEGERS], shape[FH_MAX_DIMS];
    fh_random_draw draw = {.reals = real, .integers = integer};
    fh_philox state;
    int dtype = 0, ndim = 0;
    long long blocksize = 0;
    fh_array *ret = NULL;
    pylayout_t layout;
    if (!PyArg_ParseTuple(args, "siO!OOOOLO", &draw.distribution, &dtype, &PyTuple_Type, &reals, &integers, &words,
                          &extents, &axis, &blocksize, &engines))
        return NULL;
    if (!reals_from(reals, real, &draw.nreals) ||
        !convert_ints(integers, integer, INTEGERS, &draw.nintegers, "integers") || !state_from(words, &state) ||
        !convert_ints(extents, shape, FH_MAX_DIMS, &ndim, "shape") || !pylayout_init(&layout, axis, blocksize, engines))
        return NULL;
    draw.dtype = (fh_dtype)dtype;
    PyObject *array = NULL, *result = NULL;
    if (pysession_enter(self)) {
        int status = fh_random(self->session, &draw, ndim, shape, &layout.options, &state, &ret, &error);
        array = pysession_leave_array(self, status, &error, ret);
    }
    pylayout_release(&layout);
    PyObject *after = array ? state_to(&state) : NULL;
    if (after)
        result = PyTuple_Pack(2, array, after);
    Py_XDECREF(after);
    Py_XDECREF(array);
    return result;
}

PyObject *
pydense_arange(PyObject *object, PyObject *args)
{
    pysession_t *self = (pysession_t *)object;
    fh_error error = {0};
    PyObject *integers = NULL, *reals = NULL, *axis = NULL, *engines = NULL, *result = NULL;
    double real[REALS] = {0};
    int64_t integer[INTEGERS] = {0};
    int dtype = 0, nreals = 0, nintegers = 0;
    long long count = 0, blocksize = 0;
    fh_array *ret = NULL;
    pylayout_t layout;
    if (!PyArg_ParseTuple(args, "iOO!LOLO", &dtype, &integers, &PyTuple_Type, &reals, &count, &axis, &blocksize,
                          &engines))
        return NULL;
    if (!convert_ints(integers, integer, INTEGERS, &nintegers, "integers") || !reals_from(reals, real, &nreals) ||
        !pylayout_init(&layout, axis, blocksize, engines))
        return NULL;
    fh_ramp ramp = {integer[0], integer[1], {real[0], real[1]}, {real[2], real[3]}};
    if (pysession_enter(self)) {
        int status = fh_arange(self->session, (fh_dtype)dtype, &ramp, count, &layout.options, &ret, &error);
        result = pysession_leave_array(self, status, &error, ret);
    }
    pylayout_release(&layout);
    return result;
}
