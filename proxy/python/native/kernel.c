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

/* kernel_load(code, entry, signature, kind, fastmath) -> Kernel */
PyObject *
pykernel_load(PyObject *object, PyObject *args)
{
    pysession_t *self = (pysession_t *)object;
    fh_error error = {0};
    fh_kernel_options options = {0};
    Py_buffer code;
    fh_kernel *kernel = NULL;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*zzzp", &code, &options.entry, &options.signature, &options.kind, &options.fastmath))
        return NULL;
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
    int64_t in[16];
    int nin = info.nin < 16 ? info.nin : 16;
    for (int i = 0; i < nin; i++)
        in[i] = info.in[i];
    return Py_BuildValue("{s:N,s:N,s:N,s:N,s:N,s:i,s:N,s:K}", "entry", native_text(info.entry), "signature",
                         native_text(info.signature), "kind", native_text(info.kind), "producer",
                         native_text(info.producer), "in", convert_shape(in, nin), "out", (int)info.out[0], "hash",
                         PyBytes_FromStringAndSize((const char *)info.hash, sizeof info.hash), "compile_ns",
                         (unsigned long long)info.compile_ns);
}

/* call(inputs, out or None, timeout) -> Array or None */
static PyObject *
kernel_call(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_kernel *kernel = kernel_get(object);
    fh_error error = {0};
    PyObject *inputs = NULL, *out_object = NULL, *result = NULL;
    fh_array *out = NULL, *ret = NULL;
    double timeout = 0;
    pyoperands_t in;
    if (!kernel || !PyArg_ParseTuple(args, "OOd", &inputs, &out_object, &timeout))
        return NULL;
    if (out_object != Py_None && !(out = pyarray_get(session, out_object)))
        return NULL;
    if (!pyoperands_init(&in, session, inputs))
        return NULL;
    if (pysession_enter(session)) {
        fh_kernel_call_options options = {.out = out, .timeout_s = timeout};
        int status = fh_kernel_call(kernel, in.items, in.count, &options, &ret, &error);
        result = pysession_leave_array(session, status, &error, ret);
    }
    pyoperands_release(&in);
    return result;
}

/* map(arrays, out dtype, timeout) -> Array */
static PyObject *
kernel_map(PyObject *object, PyObject *args)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_kernel *kernel = kernel_get(object);
    fh_error error = {0};
    PyObject *inputs = NULL;
    fh_operand arrays[PYOPERANDS_MAX] = {{.kind = FH_ARRAY}};
    fh_array *ret = NULL;
    int dtype = 0;
    double timeout = 0;
    if (!kernel || !PyArg_ParseTuple(args, "O!id", &PyTuple_Type, &inputs, &dtype, &timeout))
        return NULL;
    Py_ssize_t count = PyTuple_Size(inputs);
    if (count < 1 || count > PYOPERANDS_MAX)
        return PyErr_Format(PyExc_ValueError, "a kernel maps 1 to %d arrays", (int)PYOPERANDS_MAX);
    for (Py_ssize_t i = 0; i < count; i++) {
        arrays[i].kind = FH_ARRAY;
        if (!(arrays[i].array = pyarray_get(session, PyTuple_GetItem(inputs, i))))
            return NULL;
    }
    if (!pysession_enter(session))
        return NULL;
    fh_kernel_out out = {.dtype = (fh_dtype)dtype, .ndim = -1};
    fh_kernel_map_options options = {.out = &out, .nout = 1, .timeout_s = timeout};
    int status = fh_kernel_map(kernel, arrays, (int)count, &options, &ret, 1, &error);
    return pysession_leave_array(session, status, &error, ret);
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
    {"call", kernel_call, METH_VARARGS, "call(inputs, out or None, timeout) -> Array or None"},
    {"map", kernel_map, METH_VARARGS, "map(arrays, out dtype, timeout) -> Array"},
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
