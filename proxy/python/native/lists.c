/* proxy/python/native/lists.c - many small arrays at a time. */
#include "proxy/python/native/native.h"

#include <limits.h>
#include <string.h>

enum { GROUP = 16384 /* arrays whose buffers are held at a time */ };

/* Buffers of local arrays, and what becomes of them. */
typedef struct {
    pybuffer_t buffers[GROUP];
    fh_local sources[GROUP];
    fh_array *arrays[GROUP];
} group_t;

static bool
is_alike(const fh_local *a, const fh_local *b)
{
    return a->ndim == b->ndim && memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof *a->shape) == 0;
}

/* Proxies of what was made, in a list; takes all handles, also on failure. */
static bool
append_all(pysession_t *session, PyObject *list, const group_t *group, int n)
{
    native_t *state = native_state(session->module);
    PyObject *shape = NULL; /* those that are alike share it */
    bool good = true;
    for (int i = 0; i < n; i++) {
        const fh_local *source = &group->sources[i];
        if (!shape || !is_alike(source, source - 1)) {
            Py_XDECREF(shape);
            shape = convert_shape(source->shape, source->ndim);
        }
        PyObject *handle = handles_wrap(session, state->array_type, group->arrays[i], NULL);
        PyObject *proxy = handle && shape ? pyproxies_new_whole(state, handle, source->dtype, shape) : NULL;
        if (handle && !shape)
            Py_DECREF(handle);
        good = proxy && good && !PyList_Append(list, proxy);
        Py_XDECREF(proxy);
    }
    Py_XDECREF(shape);
    return good;
}

/* Array i of a group goes to engine (first + i) of the layout's, in turn. */
static bool
scatter_group(pysession_t *self, group_t *group, int n, const pylayout_t *layout, fh_id *engines, int first,
              PyObject *list)
{
    const fh_scatter_options *options = &layout->options;
    fh_error error = {0};
    for (int k = 0; k < options->nengines; k++)
        engines[k] = options->engines[(first + k) % options->nengines];
    if (!pysession_enter(self))
        return false;
    int status = fh_scatter_list(self->session, group->sources, n, engines, options->nengines, group->arrays, &error);
    bool done = pysession_leave(self, status, &error);
    if (status)
        return false;
    return append_all(self, list, group, n) && done;
}

/* scatter_list(list of buffers, engines, number of the first one's engine) -> list of RemoteArray */
PyObject *
pylists_scatter(PyObject *object, PyObject *args)
{
    pysession_t *self = (pysession_t *)object;
    PyObject *sources = NULL, *engines = NULL;
    int first = 0;
    pylayout_t layout;
    if (!PyArg_ParseTuple(args, "O!Oi", &PyList_Type, &sources, &engines, &first) ||
        !pylayout_init(&layout, Py_None, 0, engines))
        return NULL;
    group_t *group = NULL;
    PyObject *list = NULL;
    Py_ssize_t count = PyList_Size(sources);
    fh_id *turned = PyMem_Calloc((size_t)layout.options.nengines + 1, sizeof *turned);
    if (layout.options.nengines < 1 || first < 0)
        PyErr_SetString(PyExc_ValueError, "lists go to engines that are named");
    else if (!(group = PyMem_Malloc(sizeof *group)) || !turned)
        PyErr_NoMemory();
    else
        list = PyList_New(0);
    bool good = list != NULL;
    /* Thousands of objects that all live on: collections would only look at them again and again. */
    bool collects = PyGC_Disable();
    for (Py_ssize_t at = 0; at < count && good;) {
        int n = 0, held = 0;
        /* Conversions can run Python code, which can change the list. */
        for (; n < GROUP && at + n < PyList_Size(sources) && good; n++) {
            good = pybuffer_init(&group->buffers[n], native_state(self->module), PyList_GetItem(sources, at + n), false,
                                 &group->sources[n]);
            held += good;
        }
        good = good && n &&
               scatter_group(self, group, n, &layout, turned, (int)((first + at) % layout.options.nengines), list);
        for (int i = 0; i < held; i++)
            pybuffer_release(&group->buffers[i]);
        at += n;
    }
    if (collects)
        (void)PyGC_Enable();
    if (!good)
        Py_CLEAR(list);
    PyMem_Free(turned);
    PyMem_Free(group);
    pylayout_release(&layout);
    return list;
}

/* ---- back ---------------------------------------------------------------------------------------------------------
 */

typedef struct {
    fh_array **arrays;
    void **targets;
    int n;
} gathering_t;

/* The next arrays of the list go to the elements of a block, along its first axis. */
static bool
take_block(pysession_t *session, PyObject *handles, const pylocal_t *block, gathering_t *ret)
{
    Py_ssize_t count = block->local.ndim ? (Py_ssize_t)block->local.shape[0] : 0,
               step = block->local.ndim ? block->local.strides[0] : 0;
    if (count > PyList_Size(handles) - ret->n) {
        PyErr_SetString(PyExc_ValueError, "there are fewer arrays than places");
        return false;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        fh_array *array = pyarray_get(session, PyList_GetItem(handles, ret->n));
        fh_array_info info;
        if (!array)
            return false;
        fh_array_describe(array, &info);
        bool fits = info.dtype == block->local.dtype && info.ndim == block->local.ndim - 1 && !block->local.swapped;
        for (int k = 0; fits && k < info.ndim; k++)
            fits = info.shape[k] == block->local.shape[k + 1];
        if (!fits || !PyBuffer_IsContiguous(&block->buffer.view, 'C')) {
            PyErr_SetString(PyExc_ValueError, "a block has another shape or dtype than the arrays that it is for");
            return false;
        }
        ret->arrays[ret->n] = array;
        ret->targets[ret->n++] = (char *)block->local.data + i * step;
    }
    return true;
}

/* gather_list(list of Arrays, list of writable C-contiguous buffers): each buffer takes as many of the arrays, one
 * after the other, as its first axis is long. */
PyObject *
pylists_gather(PyObject *object, PyObject *args)
{
    pysession_t *self = (pysession_t *)object;
    PyObject *handles = NULL, *blocks = NULL;
    fh_error error = {0};
    if (!PyArg_ParseTuple(args, "O!O!", &PyList_Type, &handles, &PyList_Type, &blocks))
        return NULL;
    Py_ssize_t count = PyList_Size(handles), nblocks = PyList_Size(blocks), held = 0;
    gathering_t list = {PyMem_Calloc((size_t)count + 1, sizeof(fh_array *)),
                        PyMem_Calloc((size_t)count + 1, sizeof(void *)), 0};
    pylocal_t *locals = PyMem_Calloc((size_t)nblocks + 1, sizeof *locals);
    bool good = list.arrays && list.targets && locals && count < INT_MAX;
    if (!good)
        PyErr_NoMemory();
    while (held < nblocks && good) {
        good = pylocal_init(&locals[held], native_state(self->module), PyList_GetItem(blocks, held), true);
        held += good;
    }
    /* No Python code runs from here on that could free an array. */
    for (Py_ssize_t i = 0; i < held && good; i++)
        good = take_block(self, handles, &locals[i], &list);
    good = good && pysession_enter(self);
    if (good)
        good = pysession_leave(self, fh_gather_list(list.arrays, list.n, list.targets, &error), &error);
    for (Py_ssize_t i = 0; i < held; i++)
        pylocal_release(&locals[i]);
    PyMem_Free(locals);
    PyMem_Free(list.arrays);
    PyMem_Free(list.targets);
    return good && pyflags_report(self) ? Py_NewRef(Py_None) : NULL;
}
