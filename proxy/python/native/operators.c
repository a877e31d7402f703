/* proxy/python/native/operators.c - Python's operators between remote arrays and numbers, the short way.
 *
 * They stand in the place of the methods of farhand/operators.py, which they call for everything but exact
 * RemoteArrays, DistArrays and Python's own int, float and complex: foreign classes, subclasses and local arrays have
 * their rules there. */
#include "proxy/python/native/native.h"

#include <string.h>

/* Method without its underscores, operation. */
#define FORWARD(X)                                                                                                     \
    X(add, "add")                                                                                                      \
    X(sub, "subtract")                                                                                                 \
    X(mul, "multiply")                                                                                                 \
    X(truediv, "true_divide")                                                                                          \
    X(floordiv, "floor_divide")                                                                                        \
    X(mod, "remainder")                                                                                                \
    X(lshift, "left_shift")                                                                                            \
    X(rshift, "right_shift")                                                                                           \
    X(and, "bitwise_and")                                                                                              \
    X(or, "bitwise_or")                                                                                                \
    X(xor, "bitwise_xor")                                                                                              \
    X(eq, "equal")                                                                                                     \
    X(ne, "not_equal")                                                                                                 \
    X(lt, "less")                                                                                                      \
    X(le, "less_equal")                                                                                                \
    X(gt, "greater")                                                                                                   \
    X(ge, "greater_equal")
#define REFLECTED(X)                                                                                                   \
    X(radd, "add")                                                                                                     \
    X(rsub, "subtract")                                                                                                \
    X(rmul, "multiply")                                                                                                \
    X(rtruediv, "true_divide")                                                                                         \
    X(rfloordiv, "floor_divide")                                                                                       \
    X(rmod, "remainder")                                                                                               \
    X(rlshift, "left_shift")                                                                                           \
    X(rrshift, "right_shift")                                                                                          \
    X(rand, "bitwise_and")                                                                                             \
    X(ror, "bitwise_or")                                                                                               \
    X(rxor, "bitwise_xor")
#define IN_PLACE(X)                                                                                                    \
    X(iadd, "add")                                                                                                     \
    X(isub, "subtract")                                                                                                \
    X(imul, "multiply")                                                                                                \
    X(itruediv, "true_divide")                                                                                         \
    X(ifloordiv, "floor_divide")                                                                                       \
    X(imod, "remainder")                                                                                               \
    X(ilshift, "left_shift")                                                                                           \
    X(irshift, "right_shift")                                                                                          \
    X(iand, "bitwise_and")                                                                                             \
    X(ior, "bitwise_or")                                                                                               \
    X(ixor, "bitwise_xor")
#define UNARY(X)                                                                                                       \
    X(neg, "negative")                                                                                                 \
    X(pos, "positive")                                                                                                 \
    X(abs, "absolute")                                                                                                 \
    X(invert, "invert")

#define NUMBER_OF(NAME, op) NUMBER_##NAME,
enum { FORWARD(NUMBER_OF) REFLECTED(NUMBER_OF) IN_PLACE(NUMBER_OF) UNARY(NUMBER_OF) COUNT };
#undef NUMBER_OF
_Static_assert((int)COUNT <= (int)NATIVE_OPERATORS, "no room for the methods that are called instead");

/* What becomes of self and other: self OP other, other OP self, or the former written into self. */
typedef enum { PLAIN, SWAPPED, WRITTEN } manner_t;

static PyObject *
long_way(const native_t *state, PyObject *self, PyObject *other, int number)
{
    if (!state->operators[number]) {
        PyErr_SetString(PyExc_RuntimeError, "use_operators has not been called");
        return NULL;
    }
    return PyObject_CallFunctionObjArgs(state->operators[number], self, other, NULL);
}

/* An operand: 1 if it is one of the simple kinds, whose handle (a reference, or NULL) is in *ret_handle. */
static int
take(native_t *state, pysession_t *session, PyObject *object, fh_operand *ret, PyObject **ret_handle)
{
    int number = convert_number(ret, object);
    if (number)
        return number;
    *ret_handle = pyproxies_handle(state, object);
    if (!*ret_handle || ((pyhandle_t *)*ret_handle)->session != session)
        return 0;
    ret->kind = FH_ARRAY;
    ret->array = pyarray_get(session, *ret_handle);
    return ret->array ? 1 : -1;
}

static PyObject *
run(native_t *state, pysession_t *session, const char *op, const fh_operand *in, int nin)
{
    fh_error error = {0};
    fh_array *ret = NULL;
    fh_array_info info = {0};
    if (!pysession_enter(session))
        return NULL;
    int status = fh_ufunc(session->session, op, in, nin, NULL, &ret, &error);
    if (!status)
        fh_array_describe(ret, &info);
    PyObject *handle = pysession_leave_array(session, status, &error, ret);
    return handle ? pyproxies_new(state, handle, &info) : NULL;
}

static PyObject *
write_over(pysession_t *session, const char *op, const fh_operand in[2], PyObject *self)
{
    fh_error error = {0};
    fh_array *const out[] = {in[0].array};
    fh_array *none = NULL;
    if (!pysession_enter(session))
        return NULL;
    int status = fh_ufunc(session->session, op, in, 2, &(fh_ufunc_options){.out = out}, &none, &error);
    return pysession_leave(session, status, &error) ? Py_NewRef(self) : NULL;
}

static bool
is_of_numbers(const fh_operand *operand)
{
    fh_array_info info = {0};
    if (operand->kind == FH_ARRAY)
        fh_array_describe(operand->array, &info);
    return info.dtype <= FH_COMPLEX128;
}

/* args: what the operator stands before, if it is binary. */
static PyObject *
operate(native_t *state, PyObject *self, PyObject *const *args, Py_ssize_t nargs, const char *op, int number,
        manner_t manner)
{
    bool swap = manner == SWAPPED;
    PyObject *other = nargs == 1 ? args[0] : NULL;
    if (nargs != (number < NUMBER_neg)) {
        PyErr_Format(PyExc_TypeError, "this operator takes %d operands", 1 + (number < NUMBER_neg));
        return NULL;
    }
    PyObject *handles[2] = {pyproxies_handle(state, self), NULL}, *result = NULL;
    if (!handles[0])
        return long_way(state, self, other, number);
    pysession_t *session = ((pyhandle_t *)handles[0])->session;
    fh_operand in[2];
    memset(in, 0, sizeof in);
    in[swap].kind = FH_ARRAY;
    in[swap].array = manner == WRITTEN ? pyarray_get_target(session, handles[0]) : pyarray_get(session, handles[0]);
    int simple = !in[swap].array ? -1 : other ? take(state, session, other, &in[!swap], &handles[1]) : 1;
    if (simple > 0 && (!is_of_numbers(&in[0]) || (other && !is_of_numbers(&in[1]))))
        simple = 0;
    if (simple > 0)
        result = manner == WRITTEN ? write_over(session, op, in, self) : run(state, session, op, in, other ? 2 : 1);
    else if (simple == 0)
        result = long_way(state, self, other, number);
    Py_XDECREF(handles[0]);
    Py_XDECREF(handles[1]);
    return result;
}

/* The session of the first operand that is a remote array; NULL: there is none. */
static pysession_t *
session_of(native_t *state, PyObject *const *operands, Py_ssize_t n)
{
    pysession_t *session = NULL;
    for (Py_ssize_t i = 0; i < n && !session; i++) {
        PyObject *handle = pyproxies_handle(state, operands[i]);
        session = handle ? ((pyhandle_t *)handle)->session : NULL;
        Py_XDECREF(handle); /* the operand holds it */
    }
    return session;
}

PyObject *
pyoperators_simple(PyObject *module, PyObject *const *args, Py_ssize_t nargs)
{
    enum { MOST = 3 };
    native_t *state = native_state(module);
    const char *op = nargs >= 2 && nargs <= 1 + MOST ? PyUnicode_AsUTF8AndSize(args[0], NULL) : NULL;
    if (!op)
        return PyErr_Occurred() ? NULL
                                : PyErr_Format(PyExc_TypeError, "simple_ufunc takes a name and 1 to %d operands", MOST);
    pysession_t *session = session_of(state, args + 1, nargs - 1);
    PyObject *handles[MOST] = {NULL}, *result = NULL;
    fh_operand in[MOST];
    int simple = session ? 1 : 0;
    memset(in, 0, sizeof in);
    for (int i = 0; i < nargs - 1 && simple > 0; i++) {
        simple = take(state, session, args[1 + i], &in[i], &handles[i]);
        if (simple > 0 && !is_of_numbers(&in[i]))
            simple = 0;
    }
    if (simple > 0)
        result = run(state, session, op, in, (int)nargs - 1);
    else if (simple == 0)
        result = Py_NewRef(Py_NotImplemented);
    for (int i = 0; i < MOST; i++)
        Py_XDECREF(handles[i]);
    return result;
}

PyObject *
pyoperators_are_simple(PyObject *module, PyObject *tuple)
{
    native_t *state = native_state(module);
    pysession_t *session = NULL;
    int simple = PyTuple_Check(tuple);
    for (Py_ssize_t i = 0; simple > 0 && i < PyTuple_Size(tuple); i++) {
        PyObject *item = PyTuple_GetItem(tuple, i), *handle = NULL;
        fh_operand operand;
        if (!session)
            session = session_of(state, &item, 1);
        simple = item == Py_None ? 1 : take(state, session, item, &operand, &handle);
        simple = simple > 0 && handle && !is_of_numbers(&operand) ? 0 : simple;
        Py_XDECREF(handle);
    }
    if (simple < 0 && PyErr_ExceptionMatches(PyExc_OverflowError)) { /* an integer that is no element */
        PyErr_Clear();
        simple = 0;
    }
    return simple < 0 ? NULL : PyBool_FromLong(simple && session);
}

#define METHOD(NAME, op, manner)                                                                                       \
    static PyObject *NAME##_of(PyObject *self, PyTypeObject *defining, PyObject *const *args, Py_ssize_t nargs,        \
                               PyObject *names)                                                                        \
    {                                                                                                                  \
        (void)names;                                                                                                   \
        return operate(PyType_GetModuleState(defining), self, args, nargs, op, NUMBER_##NAME, manner);                 \
    }
#define FORWARD_METHOD(NAME, op) METHOD(NAME, op, PLAIN)
#define REFLECTED_METHOD(NAME, op) METHOD(NAME, op, SWAPPED)
#define IN_PLACE_METHOD(NAME, op) METHOD(NAME, op, WRITTEN)
FORWARD(FORWARD_METHOD)
REFLECTED(REFLECTED_METHOD)
IN_PLACE(IN_PLACE_METHOD)
UNARY(FORWARD_METHOD)

#define ROW(NAME, op)                                                                                                  \
    {"__" #NAME "__", (PyCFunction)(void (*)(void))NAME##_of, METH_METHOD | METH_FASTCALL | METH_KEYWORDS,             \
     "As NumPy's " op "."},
static PyMethodDef METHODS[] = {FORWARD(ROW) REFLECTED(ROW) IN_PLACE(ROW) UNARY(ROW){NULL, NULL, 0, NULL}};

PyObject *
pyoperators_use(PyObject *module, PyObject *class)
{
    native_t *state = native_state(module);
    for (int i = 0; i < COUNT; i++) {
        PyObject *method = PyObject_GetAttrString(class, METHODS[i].ml_name), *former = state->operators[i];
        if (!method)
            return NULL;
        state->operators[i] = method;
        Py_XDECREF(former);
    }
    Py_RETURN_NONE;
}

static PyType_Slot SLOTS[] = {
    {Py_tp_methods, METHODS},
    {Py_tp_doc, (void *)(uintptr_t)"Operators of remote arrays, for what is simple; a base of Array."},
    {0, NULL},
};

PyType_Spec pyoperators_spec = {
    .name = "farhand._native.Operators",
    .basicsize = sizeof(PyObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = SLOTS,
};
