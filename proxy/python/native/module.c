/* proxy/python/native/module.c - the module farhand._native: its state, its tables, connect. */
#include "proxy/python/native/native.h"

native_t *
native_state(PyObject *module)
{
    return PyModule_GetState(module);
}

static PyObject *
module_version(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    return native_text(fh_version());
}

/* statuses() -> list of (number, name, text, class, built-in class) */
static PyObject *
module_statuses(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    PyObject *list = PyList_New(0);
    int status = 0;
    for (int i = 0; list && (status = fh_status_at(i)) >= 0; i++) {
        PyObject *row = Py_BuildValue("(issss)", status, fh_status_name(status), fh_status_text(status),
                                      fh_status_python_class(status), fh_status_python_builtin(status));
        if (!row || PyList_Append(list, row))
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    return list;
}

/* dtypes() -> list of (number, name) */
static PyObject *
module_dtypes(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    PyObject *list = PyList_New(0);
    for (int dtype = FH_BOOL; list && dtype <= FH_COMPLEX128; dtype++) {
        PyObject *row = Py_BuildValue("(is)", dtype, fh_dtype_name((fh_dtype)dtype));
        if (!row || PyList_Append(list, row))
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    return list;
}

/* dtype_number(name) -> number, 0 if there is no such dtype */
static PyObject *
module_dtype_number(PyObject *module, PyObject *name)
{
    (void)module;
    const char *text = PyUnicode_AsUTF8AndSize(name, NULL);
    return text ? PyLong_FromUnsignedLong((unsigned long)fh_dtype_from_name(text)) : NULL;
}

/* dtype_structured(description, bytes of an element) -> number */
static PyObject *
module_dtype_structured(PyObject *module, PyObject *args)
{
    const char *text = NULL;
    Py_ssize_t bytes = 0;
    fh_dtype dtype = FH_DTYPE_NONE;
    fh_error error = {0};
    if (!PyArg_ParseTuple(args, "sn", &text, &bytes))
        return NULL;
    int status = fh_dtype_structured(text, bytes < 0 ? 0 : (size_t)bytes, &dtype, &error);
    if (status)
        return native_raise(module, status, &error);
    return PyLong_FromUnsignedLong((unsigned long)dtype);
}

/* dtype_text(number) -> (name, description of its fields or "") */
static PyObject *
module_dtype_text(PyObject *module, PyObject *number)
{
    (void)module;
    long dtype = PyLong_AsLong(number);
    if (dtype == -1 && PyErr_Occurred())
        return NULL;
    return Py_BuildValue("(ss)", fh_dtype_name((fh_dtype)dtype), fh_dtype_fields((fh_dtype)dtype));
}

/* dtype_size(number) -> bytes of an element */
static PyObject *
module_dtype_size(PyObject *module, PyObject *number)
{
    (void)module;
    long dtype = PyLong_AsLong(number);
    if (dtype == -1 && PyErr_Occurred())
        return NULL;
    return PyLong_FromSize_t(fh_dtype_size((fh_dtype)dtype));
}

/* ops() -> list of (name, inputs, outputs) */
static PyObject *
module_ops(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    PyObject *list = PyList_New(0);
    const char *name = NULL;
    int nin = 0, nout = 0;
    for (int i = 0; list && !fh_op_at(i, &name, &nin, &nout); i++) {
        PyObject *row = Py_BuildValue("(sii)", name, nin, nout);
        if (!row || PyList_Append(list, row))
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    return list;
}

static PyObject *
module_set_make_error(PyObject *module, PyObject *callable)
{
    native_t *state = native_state(module);
    PyObject *old = state->make_error;
    state->make_error = Py_NewRef(callable);
    Py_XDECREF(old);
    Py_RETURN_NONE;
}

static PyMethodDef module_methods[] = {
    {"version", module_version, METH_NOARGS, "version() -> str"},
    {"statuses", module_statuses, METH_NOARGS, "statuses() -> list of (number, name, text, class, built-in class)"},
    {"dtypes", module_dtypes, METH_NOARGS, "dtypes() -> list of (number, name)"},
    {"dtype_number", module_dtype_number, METH_O, "dtype_number(name) -> number, 0 if there is no such dtype"},
    {"dtype_structured", module_dtype_structured, METH_VARARGS, "dtype_structured(description, bytes) -> number"},
    {"dtype_size", module_dtype_size, METH_O, "dtype_size(number) -> bytes of an element"},
    {"dtype_text", module_dtype_text, METH_O, "dtype_text(number) -> (name, description of its fields)"},
    {"ops", module_ops, METH_NOARGS, "ops() -> list of (name, inputs, outputs)"},
    {"set_make_error", module_set_make_error, METH_O, "set_make_error(callable): how exceptions are made"},
    {"await_unsent", pysession_await_unsent, METH_VARARGS, "await_unsent(seconds) -> bool"},
    {"use_proxies", pyproxies_use, METH_VARARGS,
     "use_proxies(RemoteArray, DistArray, dtypes by code, dtype_of, local_of)"},
    {"wrap", pyproxies_wrap, METH_O, "wrap(Array) -> RemoteArray or DistArray"},
    {"gather_mapped", pypacks_gather, METH_VARARGS,
     "gather_mapped(list, ndarray) -> int: small arrays in the list become values in mapped memory"},
    {"simple_ufunc", (PyCFunction)(void (*)(void))pyoperators_simple, METH_FASTCALL,
     "simple_ufunc(name, a[, b[, c]]) -> array, or NotImplemented"},
    {"are_simple", pyoperators_are_simple, METH_O, "are_simple(tuple) -> bool"},
    {"use_operators", pyoperators_use, METH_O, "use_operators(class): for what is not simple"},
    {"use_shortcuts", pyshortcuts_use, METH_O, "use_shortcuts(class): for what is not simple"},
    {"use_errstate", pyflags_use, METH_VARARGS, "use_errstate(token, decode, report, (folder, ...))"},
    {"connect", pysession_connect, METH_VARARGS, "connect(target or None, timeout, call_timeout) -> Session"},
    {NULL, NULL, 0, NULL},
};

static int
module_traverse(PyObject *module, visitproc visit, void *arg)
{
    native_t *state = native_state(module);
    Py_VISIT(state->make_error);
    Py_VISIT((PyObject *)state->session_type);
    Py_VISIT((PyObject *)state->array_type);
    Py_VISIT((PyObject *)state->kernel_type);
    Py_VISIT((PyObject *)state->mapping_type);
    Py_VISIT((PyObject *)state->object_type);
    Py_VISIT((PyObject *)state->operators_type);
    Py_VISIT((PyObject *)state->shortcuts_type);
    Py_VISIT((PyObject *)state->remote_class);
    Py_VISIT((PyObject *)state->dist_class);
    Py_VISIT(state->dtypes);
    Py_VISIT(state->dtype_of);
    Py_VISIT(state->local_of);
    for (int i = 0; i < NATIVE_OPERATORS; i++)
        Py_VISIT(state->operators[i]);
    for (int i = 0; i < NATIVE_SHORTCUTS; i++)
        Py_VISIT(state->shortcuts[i]);
    return pyflags_traverse(state->sites, visit, arg);
}

static int
module_clear(PyObject *module)
{
    native_t *state = native_state(module);
    Py_CLEAR(state->make_error);
    Py_CLEAR(state->session_type);
    Py_CLEAR(state->array_type);
    Py_CLEAR(state->kernel_type);
    Py_CLEAR(state->mapping_type);
    Py_CLEAR(state->object_type);
    Py_CLEAR(state->operators_type);
    Py_CLEAR(state->shortcuts_type);
    Py_CLEAR(state->remote_class);
    Py_CLEAR(state->dist_class);
    Py_CLEAR(state->dtypes);
    Py_CLEAR(state->dtype_of);
    Py_CLEAR(state->local_of);
    for (int i = 0; i < PROXY_NAMES; i++)
        Py_CLEAR(state->names[i]);
    for (int i = 0; i < NATIVE_OPERATORS; i++)
        Py_CLEAR(state->operators[i]);
    for (int i = 0; i < NATIVE_SHORTCUTS; i++)
        Py_CLEAR(state->shortcuts[i]);
    pyflags_destroy(&state->sites);
    return 0;
}

static void
module_free(void *module)
{
    module_clear(module);
}

static PyTypeObject *
add_type(PyObject *module, PyType_Spec *spec)
{
    PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    if (type && PyModule_AddType(module, type))
        Py_CLEAR(type);
    return type;
}

static int
module_exec(PyObject *module)
{
    native_t *state = native_state(module);
    state->make_error = Py_NewRef(Py_None);
    state->session_type = add_type(module, &pysession_spec);
    state->array_type = state->session_type ? add_type(module, &pyarray_spec) : NULL;
    state->kernel_type = state->array_type ? add_type(module, &pykernel_spec) : NULL;
    state->mapping_type = state->kernel_type ? add_type(module, &pymapping_spec) : NULL;
    state->object_type = state->mapping_type ? add_type(module, &pyobject_spec) : NULL;
    state->operators_type = state->object_type ? add_type(module, &pyoperators_spec) : NULL;
    state->shortcuts_type = state->operators_type ? add_type(module, &pyshortcuts_spec) : NULL;
    return state->shortcuts_type ? 0 : -1;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, NATIVE_SLOT(module_exec)},
    {0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "farhand._native",
    .m_doc = "farhand.h as Python objects.  Use the package farhand.",
    .m_size = sizeof(native_t),
    .m_methods = module_methods,
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__native(void);

PyMODINIT_FUNC
PyInit__native(void)
{
    return PyModuleDef_Init(&definition);
}
