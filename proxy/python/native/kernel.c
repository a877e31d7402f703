/* proxy/python/native/kernel.c - the type Kernel: bitcode that the engines know. */
#include "proxy/python/native/native.h"

#include <stdlib.h>

static fh_kernel *
kernel_get(PyObject *object)
{
    pyhandle_t *self = (pyhandle_t *)object;
    if (!self->handle->kernel)
        native_raise_named(self->session->module, "STALE_HANDLE", "the session of this kernel is closed");
    return self->handle->kernel;
}

/* kernel_load(code, entry, signature, kind, layout, state bytes, fastmath, exact, debug, force) -> Kernel */
PyObject *
pykernel_load(PyObject *object, PyObject *args)
{
    pysession_t *self = (pysession_t *)object;
    fh_error error = {0};
    fh_kernel_options options = {0};
    Py_buffer code;
    fh_kernel *kernel = NULL;
    PyObject *result = NULL;
    long long state_bytes = 0;
    if (!PyArg_ParseTuple(args, "y*zzzzLpppp", &code, &options.entry, &options.signature, &options.kind,
                          &options.layout, &state_bytes, &options.fastmath, &options.exact, &options.debug,
                          &options.force))
        return NULL;
    options.state_bytes = state_bytes;
    if (pysession_enter(self)) {
        int status = fh_kernel_load(self->session, code.buf, (size_t)code.len, &options, &kernel, &error);
        bool left = pysession_leave(self, status, &error);
        if (kernel)
            result = handles_wrap(self, native_state(self->module)->kernel_type, NULL, kernel);
        if (!left)
            Py_CLEAR(result);
    }
    PyBuffer_Release(&code);
    return result;
}

/* kernel_get(name) -> Kernel */
PyObject *
pykernel_get_named(PyObject *object, PyObject *args)
{
    pysession_t *self = (pysession_t *)object;
    fh_error error = {0};
    fh_kernel *kernel = NULL;
    const char *name = NULL;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "s", &name) || !pysession_enter(self))
        return NULL;
    int status = fh_kernel_get(self->session, name, &kernel, &error);
    bool left = pysession_leave(self, status, &error);
    if (kernel)
        result = handles_wrap(self, native_state(self->module)->kernel_type, NULL, kernel);
    if (!left)
        Py_CLEAR(result);
    return result;
}

/* publish(name) */
static PyObject *
kernel_publish(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_kernel *kernel = kernel_get(object);
    fh_error error = {0};
    const char *name = NULL;
    if (!kernel || !PyArg_ParseTuple(args, "s", &name) || !pysession_enter(session))
        return NULL;
    if (!pysession_leave(session, fh_kernel_publish(kernel, name, &error), &error))
        return NULL;
    Py_RETURN_NONE;
}

/* source() -> (code, entry, signature, kind, layout, state bytes, (fastmath, exact, debug)) */
static PyObject *
kernel_source(PyObject *object, PyObject *none)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_kernel *kernel = kernel_get(object);
    fh_kernel_options options = {0};
    const void *code = NULL;
    size_t size = 0;
    (void)none;
    if (!kernel || !pysession_enter(session))
        return NULL;
    fh_kernel_source(kernel, &code, &size, &options);
    if (!pysession_leave(session, 0, NULL))
        return NULL;
    return Py_BuildValue("(y#NNNNL(NNN))", (const char *)code, (Py_ssize_t)size, native_text(options.entry),
                         native_text(options.signature), native_text(options.kind), native_text(options.layout),
                         (long long)options.state_bytes, PyBool_FromLong(options.fastmath),
                         PyBool_FromLong(options.exact), PyBool_FromLong(options.debug));
}

/* Numbers of dtypes as a tuple; count is -1 for "any number". */
static PyObject *
dtypes_tuple(const fh_dtype *dtypes, int count, int room)
{
    int64_t numbers[16];
    int known = count < 0 ? 0 : count < room ? count : room;
    for (int i = 0; i < known; i++)
        numbers[i] = dtypes[i];
    return convert_shape(numbers, known);
}

static PyObject *
kernel_describe(PyObject *object, PyObject *none)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_kernel *kernel = kernel_get(object);
    fh_kernel_info info = {0};
    (void)none;
    if (!kernel || !pysession_enter(session))
        return NULL;
    fh_kernel_describe(kernel, &info);
    if (!pysession_leave(session, 0, NULL))
        return NULL;
    return Py_BuildValue(
        "{s:N,s:N,s:N,s:N,s:N,s:i,s:i,s:N,s:N,s:N,s:N,s:N,s:K}", "entry", native_text(info.entry), "signature",
        native_text(info.signature), "kind", native_text(info.kind), "producer", native_text(info.producer), "layout",
        native_text(info.layout), "nin", info.nin, "nout", info.nout, "in", dtypes_tuple(info.in, info.nin, 16), "out",
        dtypes_tuple(info.out, info.nout, 8), "has_start", PyBool_FromLong(info.has_start), "cached",
        PyBool_FromLong(info.cached), "hash", PyBytes_FromStringAndSize((const char *)info.hash, sizeof info.hash),
        "compile_ns", (unsigned long long)info.compile_ns);
}

/* An Array or None; true if *ret is set or there is none to set. */
static bool
array_or_none(pysession_t *session, PyObject *object, fh_array **ret)
{
    return object == Py_None || (*ret = pyarray_get(session, object)) != NULL;
}

/* call(inputs, out or None, where or None, timeout) -> Array or None */
static PyObject *
kernel_call(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_kernel *kernel = kernel_get(object);
    fh_error error = {0};
    PyObject *inputs = NULL, *out = NULL, *where = NULL, *result = NULL;
    fh_kernel_call_options options = {0};
    fh_array *ret = NULL;
    pyoperands_t in;
    if (!kernel || !PyArg_ParseTuple(args, "OOOd", &inputs, &out, &where, &options.timeout_s) ||
        (out != Py_None && !(options.out = pyarray_get_target(session, out))) ||
        !array_or_none(session, where, &options.where) || !pyoperands_init(&in, session, inputs))
        return NULL;
    if (pysession_enter(session)) {
        int status = fh_kernel_call(kernel, in.items, in.count, &options, &ret, &error);
        result = pysession_leave_array(session, status, &error, ret);
    }
    pyoperands_release(&in);
    return result;
}

/* outer(inputs, timeout) -> Array */
static PyObject *
kernel_outer(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_kernel *kernel = kernel_get(object);
    fh_error error = {0};
    PyObject *inputs = NULL, *result = NULL;
    fh_array *ret = NULL;
    double timeout = 0;
    pyoperands_t in;
    if (!kernel || !PyArg_ParseTuple(args, "Od", &inputs, &timeout) || !pyoperands_init(&in, session, inputs))
        return NULL;
    if (in.count != 2) {
        PyErr_SetString(PyExc_ValueError, "outer takes two inputs");
    } else if (pysession_enter(session)) {
        int status = fh_kernel_outer(kernel, &in.items[0], &in.items[1], timeout, &ret, &error);
        result = pysession_leave_array(session, status, &error, ret);
    }
    pyoperands_release(&in);
    return result;
}

/* The arrays of a tuple; false with an exception. */
static bool
arrays_from(pysession_t *session, PyObject *tuple, fh_array **ret, int *ret_count)
{
    if (!PyTuple_Check(tuple) || PyTuple_Size(tuple) < 1 || PyTuple_Size(tuple) > PYOPERANDS_MAX) {
        PyErr_Format(PyExc_ValueError, "a kernel takes 1 to %d arrays", (int)PYOPERANDS_MAX);
        return false;
    }
    *ret_count = (int)PyTuple_Size(tuple);
    for (int i = 0; i < *ret_count; i++)
        if (!(ret[i] = pyarray_get(session, PyTuple_GetItem(tuple, i))))
            return false;
    return true;
}

/* reduce(arrays, axes or None, keepdims, timeout) -> Array */
static PyObject *
kernel_reduce(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_kernel *kernel = kernel_get(object);
    fh_error error = {0};
    PyObject *inputs = NULL, *axes_object = NULL;
    fh_array *in[PYOPERANDS_MAX], *ret = NULL;
    int axes[FH_MAX_DIMS], naxes = 0, nin = 0, keepdims = 0;
    double timeout = 0;
    if (!kernel || !PyArg_ParseTuple(args, "OOpd", &inputs, &axes_object, &keepdims, &timeout) ||
        !convert_axes(axes_object, axes, &naxes) || !arrays_from(session, inputs, in, &nin) ||
        !pysession_enter(session))
        return NULL;
    int status = fh_kernel_reduce(kernel, in, nin, naxes < 0 ? NULL : axes, naxes, keepdims, timeout, &ret, &error);
    return pysession_leave_array(session, status, &error, ret);
}

/* accumulate(arrays, axis, timeout) -> Array */
static PyObject *
kernel_accumulate(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_kernel *kernel = kernel_get(object);
    fh_error error = {0};
    PyObject *inputs = NULL;
    fh_array *in[PYOPERANDS_MAX], *ret = NULL;
    int axis = 0, nin = 0;
    double timeout = 0;
    if (!kernel || !PyArg_ParseTuple(args, "Oid", &inputs, &axis, &timeout) ||
        !arrays_from(session, inputs, in, &nin) || !pysession_enter(session))
        return NULL;
    int status = fh_kernel_accumulate(kernel, in, nin, axis, timeout, &ret, &error);
    return pysession_leave_array(session, status, &error, ret);
}

enum { MAX_OUT = 8 };

/* What a call of map is to give: an entry for each output, and the memory that the entries borrow. */
typedef struct {
    fh_kernel_out items[MAX_OUT];
    int64_t shapes[MAX_OUT][FH_MAX_DIMS];
    int count;
} outs_t;

/* One of (Array, 0, None), (None, dtype, shape) and (None, dtype, None). */
static bool
out_from(outs_t *self, pysession_t *session, PyObject *item)
{
    fh_kernel_out *out = &self->items[self->count];
    PyObject *array = NULL, *shape = NULL;
    int dtype = 0;
    if (!PyArg_ParseTuple(item, "OiO", &array, &dtype, &shape) ||
        (array != Py_None && !(out->array = pyarray_get_target(session, array))))
        return false;
    out->dtype = (fh_dtype)dtype;
    out->ndim = -1;
    if (shape != Py_None) {
        out->shape = self->shapes[self->count];
        if (!convert_ints(shape, self->shapes[self->count], FH_MAX_DIMS, &out->ndim, "the shape of an output"))
            return false;
    }
    self->count++;
    return true;
}

static bool
outs_from(outs_t *self, pysession_t *session, PyObject *outs)
{
    *self = (outs_t){0};
    if (outs == Py_None)
        return true;
    if (!PyTuple_Check(outs) || PyTuple_Size(outs) < 1 || PyTuple_Size(outs) > MAX_OUT) {
        PyErr_Format(PyExc_ValueError, "a kernel has 1 to %d outputs", (int)MAX_OUT);
        return false;
    }
    for (Py_ssize_t i = 0; i < PyTuple_Size(outs); i++) {
        PyObject *item = PyTuple_GetItem(outs, i);
        if (!PyTuple_Check(item)) {
            PyErr_SetString(PyExc_TypeError, "an output is a tuple of array, dtype, shape");
            return false;
        }
        if (!out_from(self, session, item))
            return false;
    }
    return true;
}

/* map(inputs, outs or None, how many results, halo or None, timeout) -> tuple of Arrays, None where one was given */
static PyObject *
kernel_map(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_kernel *kernel = kernel_get(object);
    fh_error error = {0};
    PyObject *inputs = NULL, *outs_object = NULL, *halo_object = NULL, *result = NULL;
    fh_array *ret[MAX_OUT] = {NULL};
    int64_t halo[FH_MAX_DIMS];
    fh_kernel_map_options options = {0};
    int count = 0;
    outs_t outs;
    pyoperands_t in;
    if (!kernel || !PyArg_ParseTuple(args, "OOiOd", &inputs, &outs_object, &count, &halo_object, &options.timeout_s) ||
        !outs_from(&outs, session, outs_object))
        return NULL;
    if (halo_object != Py_None) {
        options.halo = halo;
        if (!convert_ints(halo_object, halo, FH_MAX_DIMS, &options.nhalo, "halo"))
            return NULL;
    }
    options.out = outs.count ? outs.items : NULL;
    options.nout = outs.count;
    if (count < 1 || count > MAX_OUT)
        return PyErr_Format(PyExc_ValueError, "a kernel has 1 to %d outputs", (int)MAX_OUT);
    if (!pyoperands_init(&in, session, inputs))
        return NULL;
    if (pysession_enter(session)) {
        int status = fh_kernel_map(kernel, in.items, in.count, &options, ret, count, &error);
        if (pysession_leave(session, status, &error) || !status)
            result = handles_tuple(session, ret, count);
        if (PyErr_Occurred())
            Py_CLEAR(result);
    }
    pyoperands_release(&in);
    return result;
}

/* stats() -> dict; seconds count on all engines together */
static PyObject *
kernel_stats(PyObject *object, PyObject *none)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_kernel *kernel = kernel_get(object);
    fh_error error = {0};
    fh_kernel_stats stats = {0};
    (void)none;
    if (!kernel || !pysession_enter(session))
        return NULL;
    int status = fh_kernel_stats_get(kernel, &stats, &error);
    if (!pysession_leave(session, status, &error))
        return NULL;
    return Py_BuildValue("{s:K,s:K,s:d,s:d,s:K,s:i,s:i}", "calls", (unsigned long long)stats.calls, "elements",
                         (unsigned long long)stats.elements, "seconds", (double)stats.run_ns / 1e9, "compile_seconds",
                         (double)stats.compile_ns / 1e9, "faults", (unsigned long long)stats.faults, "cached",
                         stats.cached, "engines", stats.engines);
}

/* inspect(what) -> str; what 0: IR, 1: assembly */
static PyObject *
kernel_inspect(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_kernel *kernel = kernel_get(object);
    fh_error error = {0};
    char *text = NULL;
    PyObject *result = NULL;
    int what = 0;
    if (!kernel || !PyArg_ParseTuple(args, "i", &what) || !pysession_enter(session))
        return NULL;
    if (pysession_leave(session, fh_kernel_inspect(kernel, what, &text, &error), &error))
        result = native_text(text);
    free(text);
    return result;
}

static PyMethodDef kernel_methods[] = {
    {"describe", kernel_describe, METH_NOARGS, "describe() -> dict"},
    {"call", kernel_call, METH_VARARGS, "call(inputs, out or None, where or None, timeout) -> Array or None"},
    {"outer", kernel_outer, METH_VARARGS, "outer(inputs, timeout) -> Array"},
    {"reduce", kernel_reduce, METH_VARARGS, "reduce(arrays, axes or None, keepdims, timeout) -> Array"},
    {"accumulate", kernel_accumulate, METH_VARARGS, "accumulate(arrays, axis, timeout) -> Array"},
    {"map", kernel_map, METH_VARARGS, "map(inputs, outs or None, results, halo or None, timeout) -> tuple"},
    {"stats", kernel_stats, METH_NOARGS, "stats() -> dict"},
    {"publish", kernel_publish, METH_VARARGS, "publish(name)"},
    {"source", kernel_source, METH_NOARGS, "source() -> (code, entry, signature, kind, layout, state bytes, flags)"},
    {"inspect", kernel_inspect, METH_VARARGS, "inspect(what) -> str"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot kernel_slots[] = {
    {Py_tp_dealloc, NATIVE_SLOT(handles_dealloc)},
    {Py_tp_methods, kernel_methods},
    {0, NULL},
};

PyType_Spec pykernel_spec = {
    .name = "farhand._native.Kernel",
    .basicsize = sizeof(pyhandle_t),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = kernel_slots,
};
