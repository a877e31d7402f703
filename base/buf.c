#include "base/buf.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct buf {
    atomic_size_t references;
    size_t size;
    unsigned char *data;
    void (*release)(void *data, void *context); /* NULL: data lies behind this struct */
    void *context;
};

/* Bytes begin at a cache line, so that loops over received arrays are aligned. */
enum { ALIGNMENT = 64, HEADER = 64 };
_Static_assert(sizeof(struct buf) <= HEADER, "the header fits in one line");

int
buf_new(buf_t **ret, size_t size, size_t max_bytes, err_t *err)
{
    if (max_bytes && size > max_bytes)
        return err_set(err, FH_LIMIT_EXCEEDED, "a buffer of %zu bytes is above the limit of %zu", size, max_bytes);
    void *memory = NULL;
    if (size > (size_t)PTRDIFF_MAX - HEADER || posix_memalign(&memory, ALIGNMENT, HEADER + size))
        return err_set(err, FH_NO_MEMORY, "no memory for a buffer of %zu bytes", size);
    buf_t *self = memory;
    atomic_init(&self->references, 1);
    self->size = size;
    self->data = (unsigned char *)memory + HEADER;
    self->release = NULL;
    self->context = NULL;
    *ret = self;
    return FH_OK;
}

int
buf_new_copy(buf_t **ret, const void *bytes, size_t size, err_t *err)
{
    int status = buf_new(ret, size, 0, err);
    if (!status && size)
        memcpy((*ret)->data, bytes, size);
    return status;
}

int
buf_new_foreign(buf_t **ret, void *data, size_t size, void (*release)(void *data, void *context), void *context,
                err_t *err)
{
    buf_t *self = malloc(sizeof *self);
    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for the description of a buffer");
    atomic_init(&self->references, 1);
    self->size = size;
    self->data = data;
    self->release = release;
    self->context = context;
    *ret = self;
    return FH_OK;
}

buf_t *
buf_ref(buf_t *self)
{
    if (self)
        atomic_fetch_add_explicit(&self->references, 1, memory_order_relaxed);
    return self;
}

void
buf_unref(buf_t **self)
{
    buf_t *dropped = *self;
    *self = NULL;
    /* acq_rel: whoever drops the last reference must see all that the other holders did with the bytes. */
    if (!dropped || atomic_fetch_sub_explicit(&dropped->references, 1, memory_order_acq_rel) != 1)
        return;
    if (dropped->release)
        dropped->release(dropped->data, dropped->context);
    free(dropped);
}

void *
buf_data(buf_t *self)
{
    return self->data;
}

size_t
buf_size(const buf_t *self)
{
    return self->size;
}
