#include "codecs/writer.h"

#include <stdlib.h>
#include <string.h>

#include <msgpack.h>

enum { SMALL_NUMBER = 0x80, SMALL_COUNT = 16 }; /* below them one byte says it all */

void
writer_init(writer_t *self, size_t limit)
{
    *self = (writer_t){.limit = limit};
}

void
writer_release(writer_t *self)
{
    free(self->data);
    *self = (writer_t){.limit = self->limit};
}

void
writer_rewind(writer_t *self, size_t size)
{
    self->size = size;
    self->status = FH_OK;
}

int
writer_status(const writer_t *self, err_t *err)
{
    if (self->status == FH_LIMIT_EXCEEDED)
        return err_set(err, FH_LIMIT_EXCEEDED, "more than the %zu bytes that one header frame may have", self->limit);
    if (self->status)
        return err_set(err, self->status, "no memory for a header frame beyond %zu bytes", self->capacity);
    return FH_OK;
}

static int
grow(writer_t *self, size_t size)
{
    if (size > self->limit - self->size) {
        self->status = FH_LIMIT_EXCEEDED;
        return -1;
    }
    size_t capacity = self->capacity ? self->capacity : 512;
    while (capacity - self->size < size)
        capacity *= 2;
    uint8_t *data = realloc(self->data, capacity);
    if (!data) {
        self->status = FH_NO_MEMORY;
        return -1;
    }
    self->data = data;
    self->capacity = capacity;
    return 0;
}

/* What msgpack-c's packing functions call with each run of bytes. */
static int
append(void *context, const char *bytes, size_t size)
{
    writer_t *self = context;
    if (self->status)
        return -1;
    if (!size)
        return 0;
    if (size > self->capacity - self->size || size > self->limit - self->size)
        if (grow(self, size))
            return -1;
    memcpy(self->data + self->size, bytes, size);
    self->size += size;
    return 0;
}

static msgpack_packer
packer(writer_t *self)
{
    return (msgpack_packer){.data = self, .callback = append};
}

/* What msgpack writes as one byte. */
static void
put_byte(writer_t *self, unsigned byte)
{
    const char text = (char)byte;
    if (!self->status && self->size < self->capacity && self->size < self->limit)
        self->data[self->size++] = (uint8_t)byte;
    else
        append(self, &text, 1);
}

void
writer_raw(writer_t *self, const void *bytes, size_t size)
{
    append(self, bytes, size);
}

void
writer_nil(writer_t *self)
{
    msgpack_packer pk = packer(self);
    msgpack_pack_nil(&pk);
}

void
writer_bool(writer_t *self, bool value)
{
    msgpack_packer pk = packer(self);
    if (value)
        msgpack_pack_true(&pk);
    else
        msgpack_pack_false(&pk);
}

void
writer_uint(writer_t *self, uint64_t value)
{
    msgpack_packer pk = packer(self);
    if (value < SMALL_NUMBER)
        put_byte(self, (unsigned)value);
    else
        msgpack_pack_uint64(&pk, value);
}

void
writer_int(writer_t *self, int64_t value)
{
    msgpack_packer pk = packer(self);
    msgpack_pack_int64(&pk, value);
}

void
writer_float(writer_t *self, double value)
{
    msgpack_packer pk = packer(self);
    msgpack_pack_double(&pk, value);
}

void
writer_str(writer_t *self, const void *bytes, size_t size)
{
    msgpack_packer pk = packer(self);
    msgpack_pack_str(&pk, size);
    append(self, bytes, size);
}

void
writer_bin(writer_t *self, const void *bytes, size_t size)
{
    msgpack_packer pk = packer(self);
    msgpack_pack_bin(&pk, size);
    append(self, bytes, size);
}

void
writer_ext(writer_t *self, int8_t type, const void *bytes, size_t size)
{
    msgpack_packer pk = packer(self);
    msgpack_pack_ext(&pk, size, type);
    append(self, bytes, size);
}

void
writer_array(writer_t *self, uint32_t count)
{
    msgpack_packer pk = packer(self);
    if (count < SMALL_COUNT)
        put_byte(self, 0x90 | count);
    else
        msgpack_pack_array(&pk, count);
}

void
writer_map(writer_t *self, uint32_t count)
{
    msgpack_packer pk = packer(self);
    if (count < SMALL_COUNT)
        put_byte(self, 0x80 | count);
    else
        msgpack_pack_map(&pk, count);
}
