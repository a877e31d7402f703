/* proxy/python/native/shortcuts.c - methods of remote arrays whose arguments are simple, the short way: elements and
 * slices, reductions, reshape, values as Python's numbers.
 *
 * They stand in the place of the methods of farhand/long_ways.py, which they call for everything but exact RemoteArrays
 * and DistArrays of numbers with the arguments that are named here. */
#include "proxy/python/native/native.h"

/* Method, which is the reduction's name; does it need elements?  What else its other form takes. */
#define REDUCTIONS(X)                                                                                                  \
    X(sum, false, "dtype=None, out=None, keepdims=False, initial=None, where=True")                                    \
    X(prod, false, "dtype=None, out=None, keepdims=False, initial=None, where=True")                                   \
    X(min, true, "out=None, keepdims=False, initial=None, where=True")                                                 \
    X(max, true, "out=None, keepdims=False, initial=None, where=True")                                                 \
    X(any, false, "out=None, keepdims=False, *, where=True")                                                           \
    X(all, false, "out=None, keepdims=False, *, where=True")                                                           \
    X(mean, true, "dtype=None, out=None, keepdims=False, *, where=True")
/* Method, what makes its result of the element, arguments. */
#define NUMBERS(X)                                                                                                     \
    X(__float__, PyNumber_Float, "/")                                                                                  \
    X(__int__, PyNumber_Long, "/")                                                                                     \
    X(__bool__, truth_of, "/")                                                                                         \
    X(item, Py_NewRef, "*index")
/* Method, function, arguments. */
#define VIEWS(X)                                                                                                       \
    X(__getitem__, get_item, "key, /")                                                                                 \
    X(reshape, reshape, "*shape, order='C'")

#define NUMBER_OF(NAME, way, arguments) NUMBER_##NAME,
enum { REDUCTIONS(NUMBER_OF) NUMBERS(NUMBER_OF) VIEWS(NUMBER_OF) COUNT };
#undef NUMBER_OF
_Static_assert((int)COUNT <= (int)NATIVE_SHORTCUTS, "no room for the methods that are called instead");

/* A call of a method: its array, if that is simple, and its arguments. */
typedef struct {
    native_t *state;
    pysession_t *session;
    PyObject *self, *handle, *const *args, *names; /* handle: owned, or NULL; the others are borrowed */
    Py_ssize_t nargs;
    fh_array *array;
    fh_array_info info;
} call_t;

static bool
begin(call_t *call)
{
    call->handle = pyproxies_handle(call->state, call->self);
    if (!call->handle)
        return true;
    call->session = ((pyhandle_t *)call->handle)->session;
    call->array = pyarray_get(call->session, call->handle);
    if (!call->array) {
        Py_CLEAR(call->handle);
        return false;
    }
    fh_array_describe(call->array, &call->info);
    if (call->info.dtype > FH_COMPLEX128)
        Py_CLEAR(call->handle);
    return true;
}

static int64_t
elements_of(const fh_array_info *info)
{
    int64_t n = 1;
    for (int i = 0; i < info->ndim; i++)
        n *= info->shape[i];
    return n;
}

static PyObject *
long_way(const call_t *call, int number)
{
    PyObject *method = call->state->shortcuts[number];
    Py_ssize_t named = call->names ? PyTuple_Size(call->names) : 0;
    if (!method)
        return PyErr_Format(PyExc_RuntimeError, "use_shortcuts has not been called");
    PyObject *tuple = PyTuple_New(1 + call->nargs), *words = named ? PyDict_New() : NULL, *result = NULL;
    for (Py_ssize_t i = 0; tuple && i <= call->nargs; i++)
        if (PyTuple_SetItem(tuple, i, Py_NewRef(i ? call->args[i - 1] : call->self)))
            Py_CLEAR(tuple);
    for (Py_ssize_t i = 0; words && i < named; i++)
        if (PyDict_SetItem(words, PyTuple_GetItem(call->names, i), call->args[call->nargs + i]))
            Py_CLEAR(words);
    if (tuple && (words || !named))
        result = PyObject_Call(method, tuple, words);
    Py_XDECREF(tuple);
    Py_XDECREF(words);
    return result;
}

/* The proxy of what a call of farhand.h has made; is it a view of the call's array? */
static PyObject *
leave(const call_t *call, bool view, int status, const fh_error *error, fh_array *made)
{
    fh_array_info info = {0};
    if (!status)
        fh_array_describe(made, &info);
    PyObject *handle = pysession_leave_array(call->session, status, error, made);
    if (view)
        handle = pyarray_view_of(call->handle, handle);
    return handle ? pyproxies_new(call->state, handle, &info) : NULL;
}

/* ---- reductions ----------------------------------------------------------------------------------------------------
 */

/* The axis that is asked for: 1 (in *ret), or 0, all of them; -1: not simple. */
static int
named_axis(const call_t *call, int *ret)
{
    Py_ssize_t named = call->names ? PyTuple_Size(call->names) : 0;
    if (call->nargs + named == 0)
        return 0;
    if (call->nargs + named > 1 ||
        (named && PyUnicode_CompareWithASCIIString(PyTuple_GetItem(call->names, 0), "axis") != 0))
        return -1;
    if (call->args[0] == Py_None)
        return 0;
    if (!PyLong_CheckExact(call->args[0]))
        return -1;
    int overflow;
    long axis = PyLong_AsLongAndOverflow(call->args[0], &overflow);
    if (overflow || axis < -call->info.ndim || axis >= call->info.ndim)
        return -1;
    *ret = (int)axis;
    return 1;
}

static PyObject *
reduce(const call_t *call, const char *name, bool needs_elements, int number)
{
    int axis = 0, naxes = named_axis(call, &axis);
    if (naxes < 0 || (needs_elements && elements_of(&call->info) == 0))
        return long_way(call, number);
    fh_error error = {0};
    fh_array *made = NULL;
    if (!pysession_enter(call->session))
        return NULL;
    int status = fh_reduce(call->array, name, &axis, naxes ? naxes : -1, 0, FH_DTYPE_NONE, &made, &error);
    return leave(call, false, status, &error, made);
}

/* ---- values --------------------------------------------------------------------------------------------------------
 */

typedef union {
    uint8_t of_bool;
    int8_t of_int8;
    int16_t of_int16;
    int32_t of_int32;
    int64_t of_int64;
    uint8_t of_uint8;
    uint16_t of_uint16;
    uint32_t of_uint32;
    uint64_t of_uint64;
    float of_float32, of_complex64[2];
    double of_float64, of_complex128[2];
} element_t;

static PyObject *
python_number(const element_t *value, fh_dtype dtype)
{
    switch (dtype) {
    case FH_BOOL:
        return PyBool_FromLong(value->of_bool);
    case FH_INT8:
        return PyLong_FromLong(value->of_int8);
    case FH_INT16:
        return PyLong_FromLong(value->of_int16);
    case FH_INT32:
        return PyLong_FromLong(value->of_int32);
    case FH_INT64:
        return PyLong_FromLongLong(value->of_int64);
    case FH_UINT8:
        return PyLong_FromLong(value->of_uint8);
    case FH_UINT16:
        return PyLong_FromLong(value->of_uint16);
    case FH_UINT32:
        return PyLong_FromUnsignedLong(value->of_uint32);
    case FH_UINT64:
        return PyLong_FromUnsignedLongLong(value->of_uint64);
    case FH_FLOAT32:
        return PyFloat_FromDouble((double)value->of_float32);
    case FH_FLOAT64:
        return PyFloat_FromDouble(value->of_float64);
    case FH_COMPLEX64:
        return PyComplex_FromDoubles((double)value->of_complex64[0], (double)value->of_complex64[1]);
    case FH_COMPLEX128:
        return PyComplex_FromDoubles(value->of_complex128[0], value->of_complex128[1]);
    case FH_DTYPE_NONE:
    case FH_FLOAT16:
    default:
        return PyErr_Format(PyExc_TypeError, "%d is no dtype of numbers that Python has", (int)dtype);
    }
}

static PyObject *
truth_of(PyObject *number)
{
    int truth = PyObject_IsTrue(number);
    return truth < 0 ? NULL : PyBool_FromLong(truth);
}

/* The only element as make gives it. */
static PyObject *
value(const call_t *call, PyObject *(*make)(PyObject *), int number)
{
    element_t element;
    fh_error error = {0};
    if (call->nargs > 0 || call->names || call->info.dtype == FH_FLOAT16 || elements_of(&call->info) != 1)
        return long_way(call, number);
    if (!pysession_enter(call->session))
        return NULL;
    int status = fh_gather(call->array, &element, NULL, &error);
    if (!pysession_leave(call->session, status, &error) || !pyflags_report(call->session))
        return NULL;
    PyObject *plain = python_number(&element, call->info.dtype), *result = plain ? make(plain) : NULL;
    Py_XDECREF(plain);
    return result;
}

/* ---- views ---------------------------------------------------------------------------------------------------------
 */

/* None: left out.  false, without an exception: not simple. */
static bool
slice_part(PyObject *slice, const char *name, int64_t *ret, int *ret_has)
{
    PyObject *part = PyObject_GetAttrString(slice, name);
    int overflow = 0;
    *ret_has = part && part != Py_None;
    bool simple = part && (!*ret_has || PyLong_CheckExact(part));
    if (simple && *ret_has)
        *ret = PyLong_AsLongLongAndOverflow(part, &overflow);
    Py_XDECREF(part);
    PyErr_Clear();
    return simple && !overflow;
}

static bool
index_item(PyObject *key, fh_index_item *ret)
{
    int overflow = 0;
    *ret = (fh_index_item){.kind = FH_INDEX_INT};
    if (PyLong_CheckExact(key)) {
        ret->start = PyLong_AsLongLongAndOverflow(key, &overflow);
        ret->has_start = 1;
        return !overflow;
    }
    if (key == Py_None || key == Py_Ellipsis) {
        ret->kind = key == Py_None ? FH_INDEX_NEWAXIS : FH_INDEX_ELLIPSIS;
        return true;
    }
    ret->kind = FH_INDEX_SLICE;
    return Py_TYPE(key) == &PySlice_Type && slice_part(key, "start", &ret->start, &ret->has_start) &&
           slice_part(key, "stop", &ret->stop, &ret->has_stop) && slice_part(key, "step", &ret->step, &ret->has_step);
}

/* A view; of an integer for each axis, a copy. */
static int
index_of(const call_t *call, const fh_index_item *items, int n, bool element, fh_array **ret, fh_error *error)
{
    fh_array *view = NULL;
    int status = fh_index(call->array, items, n, element ? &view : ret, error);
    if (!status && element)
        status = fh_copy(view, ret, error);
    fh_array_free(&view);
    return status;
}

static PyObject *
get_item(const call_t *call, int number)
{
    enum { MOST = 8 };
    fh_index_item items[MOST];
    fh_error error = {0};
    fh_array *made = NULL;
    if (call->nargs != 1 || call->names)
        return long_way(call, number);
    PyObject *key = call->args[0];
    bool several = PyTuple_CheckExact(key);
    Py_ssize_t n = several ? PyTuple_Size(key) : 1;
    bool element = n == call->info.ndim, simple = n <= MOST;
    for (Py_ssize_t i = 0; i < n && simple; i++) {
        simple = index_item(several ? PyTuple_GetItem(key, i) : key, &items[i]);
        element = element && simple && items[i].kind == FH_INDEX_INT;
    }
    if (!simple)
        return long_way(call, number);
    if (!pysession_enter(call->session))
        return NULL;
    int status = index_of(call, items, (int)n, element, &made, &error);
    return leave(call, !element, status, &error, made);
}

/* Integers, or a tuple of them; one may be -1. */
static bool
new_shape(const call_t *call, int64_t ret[FH_MAX_DIMS], int *ret_ndim)
{
    bool tuple = call->nargs == 1 && PyTuple_CheckExact(call->args[0]);
    Py_ssize_t n = tuple ? PyTuple_Size(call->args[0]) : call->nargs;
    int64_t elements = elements_of(&call->info), known = 1;
    int unknown = -1, overflow = 0;
    if (call->names || n > FH_MAX_DIMS || elements == 0 || call->nargs == 0)
        return false;
    for (int i = 0; i < (int)n; i++) {
        PyObject *extent = tuple ? PyTuple_GetItem(call->args[0], i) : call->args[i];
        ret[i] = PyLong_CheckExact(extent) ? PyLong_AsLongLongAndOverflow(extent, &overflow) : 0;
        if (ret[i] == -1 && unknown < 0)
            unknown = i;
        else if (ret[i] < 1 || overflow || ret[i] > elements / known)
            return false;
        else
            known *= ret[i];
    }
    if (unknown >= 0)
        ret[unknown] = elements / known;
    *ret_ndim = (int)n;
    return unknown < 0 ? known == elements : elements % known == 0;
}

static PyObject *
reshape(const call_t *call, int number)
{
    int64_t shape[FH_MAX_DIMS];
    int ndim = 0;
    fh_error error = {0};
    fh_array *made = NULL;
    if (!new_shape(call, shape, &ndim))
        return long_way(call, number);
    if (!pysession_enter(call->session))
        return NULL;
    int status = fh_reshape(call->array, ndim, shape, &made, &error);
    return leave(call, true, status, &error, made);
}

/* ---- the type ------------------------------------------------------------------------------------------------------
 */

#define METHOD(NAME, short_way)                                                                                        \
    static PyObject *NAME##_of(PyObject *self, PyTypeObject *defining, PyObject *const *args, Py_ssize_t nargs,        \
                               PyObject *names)                                                                        \
    {                                                                                                                  \
        call_t call = {PyType_GetModuleState(defining), .self = self, .args = args, .names = names, .nargs = nargs};   \
        if (!begin(&call))                                                                                             \
            return NULL;                                                                                               \
        PyObject *result = call.handle ? short_way : long_way(&call, NUMBER_##NAME);                                   \
        Py_XDECREF(call.handle);                                                                                       \
        return result;                                                                                                 \
    }
#define REDUCTION_METHOD(NAME, needs_elements, arguments)                                                              \
    METHOD(NAME, reduce(&call, #NAME, needs_elements, NUMBER_##NAME))
#define NUMBER_METHOD(NAME, make, arguments) METHOD(NAME, value(&call, make, NUMBER_##NAME))
#define VIEW_METHOD(NAME, function, arguments) METHOD(NAME, function(&call, NUMBER_##NAME))
REDUCTIONS(REDUCTION_METHOD)
NUMBERS(NUMBER_METHOD)
VIEWS(VIEW_METHOD)

#define ROW(NAME, way, arguments)                                                                                      \
    {#NAME, (PyCFunction)(void (*)(void))NAME##_of, METH_METHOD | METH_FASTCALL | METH_KEYWORDS,                       \
     #NAME "($self, " arguments ")\n--\n\nAs ndarray's " #NAME "."},
#define REDUCTION_ROW(NAME, way, arguments) ROW(NAME, way, "axis=None, " arguments)
static PyMethodDef METHODS[] = {REDUCTIONS(REDUCTION_ROW) NUMBERS(ROW) VIEWS(ROW){NULL, NULL, 0, NULL}};

PyObject *
pyshortcuts_use(PyObject *module, PyObject *class)
{
    native_t *state = native_state(module);
    for (int i = 0; i < COUNT; i++) {
        PyObject *method = PyObject_GetAttrString(class, METHODS[i].ml_name), *former = state->shortcuts[i];
        if (!method)
            return NULL;
        state->shortcuts[i] = method;
        Py_XDECREF(former);
    }
    Py_RETURN_NONE;
}

static PyType_Slot SLOTS[] = {
    {Py_tp_methods, METHODS},
    {Py_tp_doc, (void *)(uintptr_t)"Methods of remote arrays, for simple arguments; a base of Array."},
    {0, NULL},
};

PyType_Spec pyshortcuts_spec = {
    .name = "farhand._native.Shortcuts",
    .basicsize = sizeof(PyObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = SLOTS,
};
