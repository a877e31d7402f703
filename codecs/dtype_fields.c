#include "codecs/dtype_fields.h"

#include "codecs/utf8.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    size_t bytes;
    char *text;
} description_t;

/* Written under the lock, then counted; what is counted never changes. */
static description_t descriptions[FIELDS_MAX];
static unsigned count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const description_t *
find(dtype_t dtype)
{
    unsigned number = (unsigned)dtype >> 8;
    bool there = dtype_code(dtype) == CODE_FIELDS && number < __atomic_load_n(&count, __ATOMIC_ACQUIRE);
    return there ? &descriptions[number] : NULL;
}

static bool
same(const description_t *self, const char *text, size_t length, uint64_t bytes)
{
    return self->bytes == bytes && strlen(self->text) == length && memcmp(self->text, text, length) == 0;
}

/* Under the lock. */
static int
add(const char *text, size_t length, uint64_t bytes, err_t *err)
{
    if (count == FIELDS_MAX)
        return err_set(err, FH_NO_MEMORY, "this process has met %d structured dtypes; it keeps no more", FIELDS_MAX);
    char *copy = malloc(length + 1);
    if (copy == NULL)
        return err_set(err, FH_NO_MEMORY, "no memory for a description of %zu bytes", length);
    memcpy(copy, text, length);
    copy[length] = '\0';
    descriptions[count] = (description_t){bytes, copy};
    __atomic_store_n(&count, count + 1, __ATOMIC_RELEASE);
    return FH_OK;
}

int
dtype_fields_find(const char *text, size_t length, uint64_t bytes, dtype_t *ret, err_t *err)
{
    unsigned i = 0;
    int status = FH_OK;

    if (length == 0 || length > FIELDS_TEXT_MAX || utf8_prefix(text, length) != length || bytes == 0 ||
        bytes > DTYPE_ITEM_MAX)
        return err_set(
            err, FH_INVALID_ARGUMENT,
            "a description of %zu bytes for elements of %llu: 1 to %d bytes of text for 1 to %d are possible", length,
            (unsigned long long)bytes, FIELDS_TEXT_MAX, DTYPE_ITEM_MAX);
    pthread_mutex_lock(&lock);
    while (i < count && !same(&descriptions[i], text, length, bytes))
        i++;
    if (i == count)
        status = add(text, length, bytes, err);
    pthread_mutex_unlock(&lock);
    if (!status)
        *ret = (dtype_t)((unsigned)CODE_FIELDS | i << 8);
    return status;
}

size_t
dtype_fields_size(dtype_t dtype)
{
    const description_t *self = find(dtype);
    return self ? self->bytes : 0;
}

const char *
dtype_fields_text(dtype_t dtype)
{
    const description_t *self = find(dtype);
    return self ? self->text : "";
}

dtype_t
dtype_wire(dtype_t dtype)
{
    return dtype_code(dtype) == CODE_FIELDS ? dtype_items(CODE_VOID, dtype_fields_size(dtype)) : dtype;
}
