/* engine/pyhost/mapping.c - the type Mapping: a file of memory in this process's address space. */
#include "engine/pyhost/pyhost.h"

#include <sys/mman.h>
#include <unistd.h>

typedef struct {
    PyObject_HEAD void *data;
    Py_ssize_t size;
    uint32_t pin;
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
    close(fd);
    if (data == MAP_FAILED)
        return PyErr_Format(PyExc_MemoryError, "%lld bytes of an array cannot be mapped", (long long)size);
    mapping_t *self = PyObject_New(mapping_t, &pyhost_mapping_type);
    if (!self) {
        munmap(data, (size_t)size);
        return NULL;
    }
    self->data = data;
    self->size = (Py_ssize_t)size;
    self->pin = pin;
    self->writable = kind != MAPPING_SEEN;
    return (PyObject *)self;
}

static void
mapping_dealloc(PyObject *object)
{
    mapping_t *self = (mapping_t *)object;
    munmap(self->data, (size_t)self->size);
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

static PyBufferProcs mapping_buffer = {.bf_getbuffer = mapping_getbuffer};

PyTypeObject pyhost_mapping_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "_pyhost.Mapping",
    .tp_doc = "Memory that the engine has lent.",
    .tp_basicsize = sizeof(mapping_t),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = mapping_dealloc,
    .tp_as_buffer = &mapping_buffer,
};
