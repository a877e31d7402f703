/* proxy/python/native/handles.c - the C handles behind Arrays and Kernels: wrapped, listed by session, freed.
 *
 * A session has two rings: live handles, which are freed when it is closed, and dropped ones, whose wrappers have died
 * while another thread was inside. */
#include "proxy/python/native/native.h"

void
handles_init(handle_t *head)
{
    head->previous = head->next = head;
}

static void
ring_remove(handle_t *self)
{
    self->previous->next = self->next;
    self->next->previous = self->previous;
}

static void
ring_add(handle_t *head, handle_t *self)
{
    self->previous = head->previous;
    self->next = head;
    head->previous->next = self;
    head->previous = self;
}

static void
handle_free(handle_t *self)
{
    fh_array_free(&self->array);
    fh_kernel_free(&self->kernel);
    fh_mapping_free(&self->mapping);
    fh_object_free(&self->object);
}

void
handles_free_dropped(pysession_t *self)
{
    while (self->dropped.next != &self->dropped) {
        handle_t *handle = self->dropped.next;
        ring_remove(handle);
        handle_free(handle);
        PyMem_Free(handle);
    }
}

void
handles_close(pysession_t *self)
{
    for (handle_t *handle = self->live.next; handle != &self->live; handle = handle->next)
        if (!handle->mapping)
            handle_free(handle);
    handles_free_dropped(self);
}

PyObject *
handles_wrap(pysession_t *self, PyTypeObject *type, fh_array *array, fh_kernel *kernel)
{
    handle_t *handle = PyMem_Calloc(1, sizeof *handle);
    if (!handle) { /* freeing the array may need the lock, and noting it down the memory that is not there */
        PyErr_NoMemory();
        return NULL;
    }
    handle->array = array;
    handle->kernel = kernel;
    pyhandle_t *wrapped = PyObject_New(pyhandle_t, type);
    if (!wrapped) {
        ring_add(&self->dropped, handle);
        return NULL;
    }
    ring_add(&self->live, handle);
    Py_INCREF((PyObject *)self);
    wrapped->session = self;
    wrapped->handle = handle;
    wrapped->access = PYACCESS_ALL;
    return (PyObject *)wrapped;
}

void
handles_dealloc(PyObject *object)
{
    pyhandle_t *self = (pyhandle_t *)object;
    PyTypeObject *type = Py_TYPE(object);
    pysession_t *session = self->session;
    ring_remove(self->handle);
    if (pysession_is_forked(session)) {
        fh_mapping_free(&self->handle->mapping); /* our copy of the map; all else that it names is the parent's */
        PyMem_Free(self->handle);
    } else if (!self->handle->array && !self->handle->kernel && !self->handle->mapping && !self->handle->object) {
        PyMem_Free(self->handle);
    } else if (PyThread_acquire_lock(session->lock, NOWAIT_LOCK)) {
        handle_free(self->handle);
        PyMem_Free(self->handle);
        PyThread_release_lock(session->lock);
    } else {
        ring_add(&session->dropped, self->handle);
    }
    Py_DECREF((PyObject *)session);
    PyObject_Free(self);
    Py_DECREF((PyObject *)type);
}

PyObject *
handles_tuple(pysession_t *self, fh_array **arrays, int count)
{
    native_t *state = native_state(self->module);
    PyObject *tuple = PyTuple_New(count);
    for (int i = 0; i < count; i++) {
        PyObject *item = Py_None;
        if (arrays[i])
            item = handles_wrap(self, state->array_type, arrays[i], NULL); /* takes it, even if tuple is NULL */
        else
            Py_INCREF(item);
        if (!tuple)
            Py_XDECREF(item);
        else if (!item || PyTuple_SetItem(tuple, i, item))
            Py_CLEAR(tuple);
    }
    return tuple;
}
