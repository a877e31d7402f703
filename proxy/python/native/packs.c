/* proxy/python/native/packs.c - values of many small arrays, in memory that engines of this host have packed and that
 * is mapped. */
#include "proxy/python/native/native.h"

#include <limits.h>
#include <string.h>

enum { ALIGN = 16 /* where arrays of a pack begin: farhand/lists.h */ };

/* Arrays of one engine that are alike. */
typedef struct {
    fh_array_info info;
    int engine;
    int64_t bytes; /* of each */
    int count, next;
    PyObject *shape, *dtype;
} kind_t;

/* Arrays of the list, then in order of their kinds. */
typedef struct {
    PyObject *list;
    int n, nkinds, nslots;
    PyObject **handles; /* references */
    int *kinds, *places, *order;
    kind_t *all;
    int *slots; /* numbers of kinds plus one, by hash */
    fh_array **arrays;
    fh_list_place *lie;
    fh_list_memory *memory;
    PyObject **wrapped; /* Mappings */
    int count;
} packs_t;

/* ---- what is alike -------------------------------------------------------------------------------------------------
 */

static bool
is_alike(const kind_t *kind, const fh_array_info *info, int engine)
{
    return kind->engine == engine && kind->info.dtype == info->dtype && kind->info.ndim == info->ndim &&
           memcmp(kind->info.shape, info->shape, (size_t)info->ndim * sizeof *info->shape) == 0;
}

static uint64_t
hash_of(const fh_array_info *info, int engine)
{
    uint64_t hash = (uint64_t)engine * 64 + (uint64_t)info->dtype;
    for (int i = 0; i < info->ndim; i++)
        hash = (hash ^ (uint64_t)info->shape[i]) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

/* -1: an exception. */
static int
kind_of(packs_t *self, const native_t *state, PyObject *proxy, const fh_array_info *info, int engine)
{
    int at = (int)(hash_of(info, engine) % (uint64_t)self->nslots);
    for (; self->slots[at]; at = (at + 1) % self->nslots)
        if (is_alike(&self->all[self->slots[at] - 1], info, engine))
            return self->slots[at] - 1;
    kind_t *kind = &self->all[self->nkinds++];
    *kind = (kind_t){.info = *info, .engine = engine, .bytes = (int64_t)fh_dtype_size(info->dtype)};
    for (int i = 0; i < info->ndim; i++)
        kind->bytes *= info->shape[i];
    kind->shape = PyObject_GetAttr(proxy, state->names[1]);
    kind->dtype = PyObject_GetAttr(proxy, state->names[2]);
    self->slots[at] = self->nkinds;
    return kind->shape && kind->dtype ? self->nkinds - 1 : -1;
}

/* Note an array, if it is one of the session's whose elements are numbers.  false: an exception. */
static bool
take_item(packs_t *self, const native_t *state, pysession_t **session, int place)
{
    fh_array_info info;
    fh_piece_info piece;
    PyObject *proxy = PyList_GetItem(self->list, place);
    if (Py_TYPE(proxy) != state->remote_class)
        return true;
    PyObject *handle = PyObject_GetAttr(proxy, state->names[0]);
    if (!handle)
        return false;
    if (Py_TYPE(handle) == state->array_type && !*session)
        *session = ((pyhandle_t *)handle)->session;
    if (Py_TYPE(handle) != state->array_type || ((pyhandle_t *)handle)->session != *session) {
        Py_DECREF(handle);
        return true;
    }
    fh_array *array = pyarray_get(*session, handle);
    int kind = -1;
    if (array) {
        fh_array_describe(array, &info);
        if (info.dtype > FH_COMPLEX128 || fh_array_piece(array, 0, &piece)) {
            Py_DECREF(handle);
            return true;
        }
        kind = kind_of(self, state, proxy, &info, piece.engine_number);
    }
    if (kind < 0) {
        Py_DECREF(handle);
        return false;
    }
    self->all[kind].count++;
    self->kinds[self->n] = kind;
    self->places[self->n] = place;
    self->handles[self->n++] = handle;
    return true;
}

static void
sort_by_kinds(packs_t *self)
{
    int next = 0;
    for (int i = 0; i < self->nkinds; i++) {
        self->all[i].next = next;
        next += self->all[i].count;
    }
    for (int i = 0; i < self->n; i++)
        self->order[self->all[self->kinds[i]].next++] = i;
}

/* ---- values --------------------------------------------------------------------------------------------------------
 */

/* n arrays of a kind as one, each stride bytes behind the one before it; n 0: one array. */
static PyObject *
new_block(const kind_t *kind, PyObject *ndarray, PyObject *mapping, int64_t offset, int n, int64_t stride)
{
    int64_t shape[FH_MAX_DIMS + 1] = {n}, strides[FH_MAX_DIMS + 1] = {stride};
    int64_t step = (int64_t)fh_dtype_size(kind->info.dtype);
    if (!n)
        return PyObject_CallFunction(ndarray, "OOOL", kind->shape, kind->dtype, mapping, (long long)offset);
    for (int i = kind->info.ndim; i-- > 0; step *= kind->info.shape[i]) {
        shape[i + 1] = kind->info.shape[i];
        strides[i + 1] = step;
    }
    PyObject *extents = convert_shape(shape, kind->info.ndim + 1), *steps = convert_shape(strides, kind->info.ndim + 1);
    PyObject *block = extents && steps ? PyObject_CallFunction(ndarray, "OOOLO", extents, kind->dtype, mapping,
                                                               (long long)offset, steps)
                                       : NULL;
    Py_XDECREF(extents);
    Py_XDECREF(steps);
    return block;
}

/* How many arrays from the i-th of the order on lie one behind the other, and are of one kind. */
static int
run_length(const packs_t *self, int i, int64_t stride)
{
    const fh_list_place *first = &self->lie[i];
    int n = 1;
    while (i + n < self->n && self->kinds[self->order[i + n]] == self->kinds[self->order[i]] &&
           self->lie[i + n].mapping == first->mapping && self->lie[i + n].offset == first->offset + n * stride)
        n++;
    return n;
}

/* The values from the i-th of the order on, as many as lie together, are put into the list.  *ret_n: how many. */
static bool
put_run(packs_t *self, PyObject *ndarray, int i, int *ret_n)
{
    const kind_t *kind = &self->all[self->kinds[self->order[i]]];
    PyObject *mapping = self->wrapped[self->lie[i].mapping];
    int64_t stride = (kind->bytes + ALIGN - 1) / ALIGN * ALIGN;
    bool together = kind->bytes > 0 && kind->info.ndim > 0;
    int n = together ? run_length(self, i, stride) : 1;
    *ret_n = n;
    PyObject *block = new_block(kind, ndarray, mapping, self->lie[i].offset, n > 1 ? n : 0, stride);
    if (!block)
        return false;
    if (n == 1)
        return !PyList_SetItem(self->list, self->places[self->order[i]], block);
    PyObject *values = PySequence_List(block);
    bool good = values && PyList_Size(values) == n;
    for (int k = 0; k < n && good; k++)
        good = !PyList_SetItem(self->list, self->places[self->order[i + k]], Py_NewRef(PyList_GetItem(values, k)));
    Py_XDECREF(values);
    Py_DECREF(block);
    return good;
}

/* Python objects for all mappings, which they free. */
static bool
wrap_all(packs_t *self, pysession_t *session)
{
    bool good = true;
    for (int i = 0; i < self->count && good; i++) {
        self->wrapped[i] = handles_wrap(session, native_state(session->module)->mapping_type, NULL, NULL);
        good = self->wrapped[i] != NULL;
        if (!good)
            break;
        handle_t *handle = ((pyhandle_t *)self->wrapped[i])->handle;
        handle->mapping = self->memory[i].mapping;
        handle->data = self->memory[i].data;
        handle->size = (Py_ssize_t)self->memory[i].size;
        self->memory[i].mapping = NULL;
    }
    if (!good && pysession_enter(session)) {
        for (int i = 0; i < self->count; i++)
            fh_mapping_free(&self->memory[i].mapping);
        (void)pysession_leave(session, 0, NULL);
    }
    return good;
}

/* ---- the list ------------------------------------------------------------------------------------------------------
 */

static bool
packs_init(packs_t *self, PyObject *list)
{
    size_t n = (size_t)PyList_Size(list);
    *self = (packs_t){.list = list, .nslots = (int)(2 * n + 1)};
    self->handles = PyMem_Calloc(n + 1, sizeof *self->handles);
    self->kinds = PyMem_Calloc(3 * n + 1, sizeof *self->kinds);
    self->all = PyMem_Calloc(n + 1, sizeof *self->all);
    self->slots = PyMem_Calloc((size_t)self->nslots, sizeof *self->slots);
    self->arrays = PyMem_Calloc(n + 1, sizeof *self->arrays);
    self->lie = PyMem_Calloc(n + 1, sizeof *self->lie);
    self->memory = PyMem_Calloc(n + 1, sizeof *self->memory);
    self->wrapped = PyMem_Calloc(n + 1, sizeof *self->wrapped);
    if (!self->handles || !self->kinds || !self->all || !self->slots || !self->arrays || !self->lie || !self->memory ||
        !self->wrapped) {
        PyErr_NoMemory();
        return false;
    }
    self->places = self->kinds + n;
    self->order = self->places + n;
    return true;
}

static void
packs_release(packs_t *self)
{
    for (int i = 0; i < self->n; i++)
        Py_DECREF(self->handles[i]);
    for (int i = 0; i < self->nkinds; i++) {
        Py_XDECREF(self->all[i].shape);
        Py_XDECREF(self->all[i].dtype);
    }
    for (int i = 0; i < self->count; i++)
        Py_XDECREF(self->wrapped[i]);
    PyMem_Free(self->handles);
    PyMem_Free(self->kinds);
    PyMem_Free(self->all);
    PyMem_Free(self->slots);
    PyMem_Free(self->arrays);
    PyMem_Free(self->lie);
    PyMem_Free(self->memory);
    PyMem_Free(self->wrapped);
}

static bool
map_all(packs_t *self, pysession_t *session)
{
    fh_error error = {0};
    sort_by_kinds(self);
    for (int i = 0; i < self->n; i++)
        if (!(self->arrays[i] = pyarray_get(session, self->handles[self->order[i]])))
            return false;
    if (!pysession_enter(session))
        return false;
    int status = fh_gather_list_map(self->arrays, self->n, self->lie, self->memory, &self->count, &error);
    bool good = pysession_leave(session, status, &error);
    return wrap_all(self, session) && good;
}

/* gather_mapped(list, ndarray): RemoteArrays in the list that engines of this host have small values of become those
 * values, as far as they are of one session.  How many there were. */
PyObject *
pypacks_gather(PyObject *module, PyObject *args)
{
    native_t *state = native_state(module);
    pysession_t *session = NULL;
    PyObject *list = NULL, *ndarray = NULL;
    packs_t packs;
    long done = 0;
    if (!PyArg_ParseTuple(args, "O!O", &PyList_Type, &list, &ndarray))
        return NULL;
    if (PyList_Size(list) > INT_MAX / 4 || !state->remote_class)
        return PyLong_FromLong(0);
    bool good = packs_init(&packs, list);
    for (int i = 0; good && i < (int)PyList_Size(list) && packs.nslots > 2 * i; i++)
        good = take_item(&packs, state, &session, i);
    Py_XINCREF((PyObject *)session);
    good = good && (!session || map_all(&packs, session));
    for (int i = 0, n = 1; i < packs.n && good; i += n) {
        n = 1;
        if (!session || packs.lie[i].mapping < 0)
            continue;
        good = put_run(&packs, ndarray, i, &n);
        done += n;
    }
    packs_release(&packs);
    good = good && (!session || pyflags_report(session));
    Py_XDECREF((PyObject *)session);
    return good ? PyLong_FromLong(done) : NULL;
}
