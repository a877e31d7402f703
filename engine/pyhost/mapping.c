/* engine/pyhost/mapping.c - the type Mapping: a file of memory in this process's address space. */
#include "engine/pyhost/pyhost.h"

#include <sys/mman.h>
#include <unistd.h>

typedef struct {
    PyObject_HEAD void *data;
    Py_ssize_t size;
    uint32_t pin;
    int fd; /* of memory for a result, which it is not yet; else -1 */
    bool writable;
} mapping_t;

enum { FREED_A_RECORD = 4096 };

/* Pins of mappings that are gone, for the next datagram.  Dying objects cannot wait, nor fail. */
static uint32_t *freed;
static size_t freed_count, freed_room;

static void
note_freed(uint32_t pin)
{
    if (freed_count == freed_room) {
        size_t room = freed_room ? 2 * freed_room : 64;
        uint32_t *grown = PyMem_RawRealloc(freed, room * sizeof *grown);
        if (!grown)
            return; /* the engine keeps the memory until this process ends */
        freed = grown;
        freed_room = room;
    }
    freed[freed_count++] = pin;
}

bool
pyhost_mapping_tell(channel_t *channel)
{
    while (freed_count) {
        size_t n = freed_count < FREED_A_RECORD ? freed_count : FREED_A_RECORD;
        void *record;
        err_t err = {0};
        if (channel_reserve(channel, PYHOST_FREE, sizeof(pyhost_list_t) + n * sizeof *freed, &record, &err)) {
            pyhost_raise(&err);
            return false;
        }
        ((pyhost_list_t *)record)->count = (uint32_t)n;
        memcpy((pyhost_list_t *)record + 1, freed + freed_count - n, n * sizeof *freed);
        freed_count -= n;
    }
    return true;
}

PyObject *
pyhost_mapping_new(int fd, int64_t size, uint32_t pin, mapping_kind_t kind)
{
    int protection = kind == MAPPING_SEEN ? PROT_READ : PROT_READ | PROT_WRITE;
    void *data = mmap(NULL, (size_t)size, protection, kind == MAPPING_PRIVATE ? MAP_PRIVATE : MAP_SHARED, fd, 0);
    if (data == MAP_FAILED || kind != MAPPING_SHARED) {
        close(fd);
        fd = -1;
    }
    if (data == MAP_FAILED)
        return PyErr_Format(PyExc_MemoryError, "%lld bytes of an array cannot be mapped", (long long)size);
    mapping_t *self = PyObject_New(mapping_t, &pyhost_mapping_type);
    if (!self) {
        munmap(data, (size_t)size);
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    self->data = data;
    self->size = (Py_ssize_t)size;
    self->pin = pin;
    self->fd = fd;
    self->writable = kind != MAPPING_SEEN;
    return (PyObject *)self;
}

static void
mapping_dealloc(PyObject *object)
{
    mapping_t *self = (mapping_t *)object;
    munmap(self->data, (size_t)self->size);
    if (self->fd >= 0)
        close(self->fd);
    if (self->pin)
        note_freed(self->pin);
    PyObject_Free(self);
}

static int
mapping_getbuffer(PyObject *object, Py_buffer *view, int flags)
{
    mapping_t *self = (mapping_t *)object;
    return PyBuffer_FillInfo(view, object, self->data, self->size, !self->writable, flags);
}

/* hand_over([address, bytes]) -> its pin, if it is no result yet, and an array of so many bytes at this address fills
 * it from its beginning; else 0.  What is written here from then on stays here. */
static PyObject *
mapping_hand_over(PyObject *object, PyObject *args)
{
    mapping_t *self = (mapping_t *)object;
    unsigned long long address = 0;
    long long bytes = 0;
    if (!PyArg_ParseTuple(args, "|KL", &address, &bytes))
        return NULL;
    if (self->fd < 0 || (address && address != (uintptr_t)self->data) || bytes < 0 || bytes > self->size)
        return PyLong_FromLong(0);
    int protection = PROT_READ | PROT_WRITE, fd = self->fd;
    void *data = mmap(self->data, (size_t)self->size, protection, MAP_PRIVATE | MAP_FIXED, fd, 0);
    self->fd = -1;
    close(fd);
    if (data == MAP_FAILED)
        return PyErr_Format(PyExc_MemoryError, "%zd bytes of a result cannot be mapped again", self->size);
    return PyLong_FromUnsignedLong(self->pin);
}

static PyMethodDef mapping_methods[] = {
    {"hand_over", mapping_hand_over, METH_VARARGS,
     "hand_over([address, bytes]) -> number, or 0: it cannot be a result"},
    {NULL, NULL, 0, NULL},
};

static PyBufferProcs mapping_buffer = {.bf_getbuffer = mapping_getbuffer};

PyTypeObject pyhost_mapping_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "_pyhost.Mapping",
    .tp_doc = "Memory that the engine has lent.",
    .tp_basicsize = sizeof(mapping_t),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = mapping_dealloc,
    .tp_methods = mapping_methods,
    .tp_as_buffer = &mapping_buffer,
};
