/* proxy/python/native/errors.c - fh_error to Python exceptions. */
#include "proxy/python/native/native.h"

#include <stdio.h>
#include <string.h>

PyObject *
native_text(const char *text)
{
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}

PyObject *
native_raise(PyObject *module, int status, const fh_error *error)
{
    PyObject *exception = NULL, *text = NULL, *origin = NULL;
    native_t *state = native_state(module);
    if (!state->make_error || state->make_error == Py_None) {
        PyErr_Format(PyExc_RuntimeError, "%s: %s", fh_status_name(status), error->text);
        return NULL;
    }
    text = native_text(error->text);
    origin = native_text(error->origin);
    if (!text || !origin)
        goto done;
    exception = PyObject_CallFunction(state->make_error, "iOOiKi", status, text, origin, error->signal,
                                      (unsigned long long)error->address, error->os_errno);
    if (exception)
        PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
done:
    Py_XDECREF(text);
    Py_XDECREF(origin);
    Py_XDECREF(exception);
    return NULL;
}

PyObject *
native_raise_named(PyObject *module, const char *status_name, const char *text)
{
    fh_error error = {0};
    int status = 0;
    for (int i = 0; (status = fh_status_at(i)) >= 0; i++)
        if (!strcmp(fh_status_name(status), status_name))
            break;
    error.status = status;
    snprintf(error.text, sizeof error.text, "%s", text);
    return native_raise(module, status, &error);
}
