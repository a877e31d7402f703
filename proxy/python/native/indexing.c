/* proxy/python/native/indexing.c - masks and integer arrays as indices: methods of Array. */
#include "proxy/python/native/native.h"

/* What an Array is indexed with: (inputs...), and perhaps a value as a tuple of one. */
typedef struct {
    pysession_t *session;
    fh_array *array;
    pyoperands_t indices, value;
} indexed_t;

static bool
begin(indexed_t *self, PyObject *object, PyObject *indices, PyObject *value)
{
    self->session = ((pyhandle_t *)object)->session;
    self->array = value ? pyarray_get_target(self->session, object) : pyarray_get(self->session, object);
    self->value.count = 0;
    if (!self->array || !pyoperands_init(&self->indices, self->session, indices))
        return false;
    if (value && !pyoperands_init(&self->value, self->session, value)) {
        pyoperands_release(&self->indices);
        return false;
    }
    if (self->indices.count > 0 && (!value || self->value.count == 1) && pysession_enter(self->session))
        return true;
    if (!PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "indices are a tuple, and values a tuple of one");
    pyoperands_release(&self->indices);
    pyoperands_release(&self->value);
    return false;
}

static void
end(indexed_t *self)
{
    pyoperands_release(&self->indices);
    pyoperands_release(&self->value);
}

PyObject *
pyindexing_arrays(PyObject *object, PyObject *args)
{
    PyObject *indices = NULL;
    indexed_t self;
    fh_error error = {0};
    fh_array *ret = NULL;
    int mode = 0;
    if (!PyArg_ParseTuple(args, "O!i", &PyTuple_Type, &indices, &mode) || !begin(&self, object, indices, NULL))
        return NULL;
    int status = fh_index_arrays(self.array, self.indices.items, self.indices.count, (fh_index_mode)mode, &ret, &error);
    PyObject *result = pysession_leave_array(self.session, status, &error, ret);
    end(&self);
    return result;
}

PyObject *
pyindexing_assign_arrays(PyObject *object, PyObject *args)
{
    PyObject *indices = NULL, *value = NULL;
    indexed_t self;
    fh_error error = {0};
    int mode = 0, casting = 0;
    if (!PyArg_ParseTuple(args, "O!iO!i", &PyTuple_Type, &indices, &mode, &PyTuple_Type, &value, &casting) ||
        !begin(&self, object, indices, value))
        return NULL;
    int status = fh_assign_arrays(self.array, self.indices.items, self.indices.count, (fh_index_mode)mode,
                                  self.value.items, (fh_casting)casting, &error);
    bool done = pysession_leave(self.session, status, &error);
    end(&self);
    return done ? Py_NewRef(Py_None) : NULL;
}

PyObject *
pyindexing_mask(PyObject *object, PyObject *args)
{
    indexed_t self;
    fh_error error = {0};
    fh_array *ret = NULL;
    if (!begin(&self, object, args, NULL))
        return NULL;
    int status = fh_index_mask(self.array, self.indices.items, &ret, &error);
    PyObject *result = pysession_leave_array(self.session, status, &error, ret);
    end(&self);
    return result;
}

PyObject *
pyindexing_assign_mask(PyObject *object, PyObject *args)
{
    PyObject *mask = NULL, *value = NULL;
    indexed_t self;
    fh_error error = {0};
    int casting = 0;
    if (!PyArg_ParseTuple(args, "O!O!i", &PyTuple_Type, &mask, &PyTuple_Type, &value, &casting) ||
        !begin(&self, object, mask, value))
        return NULL;
    int status = fh_assign_mask(self.array, self.indices.items, self.value.items, (fh_casting)casting, &error);
    bool done = pysession_leave(self.session, status, &error);
    end(&self);
    return done ? Py_NewRef(Py_None) : NULL;
}

PyObject *
pyindexing_nonzero(PyObject *object, PyObject *none)
{
    pysession_t *session = ((pyhandle_t *)object)->session;
    fh_array *array = pyarray_get(session, object), *ret = NULL;
    fh_error error = {0};
    (void)none;
    if (!array || !pysession_enter(session))
        return NULL;
    int status = fh_nonzero(array, &ret, &error);
    return pysession_leave_array(session, status, &error, ret);
}
