#include "tests/process/kernel_caller.h"

#include "codecs/sha256.h"
#include "tests/support/check.h"

#include <stdio.h>

enum { MAX_TEXT = 256 * 1024 };

static size_t
read_kernel(const char *name, char text[MAX_TEXT])
{
    char path[512];

    (void)snprintf(path, sizeof path, "%s/%s.ll", FH_KERNELS_DIR, name);
    FILE *file = fopen(path, "rbe");

    assert_non_null(file);
    size_t size = fread(text, 1, MAX_TEXT, file);

    assert_int_equal(ferror(file), 0);
    (void)fclose(file);
    assert_in_range(size, 1, MAX_TEXT - 1);
    return size;
}

static str_t
text_of(const char *text)
{
    return str_of(text ? text : "");
}

oid_t
kernel_ask(caller_t *caller, kernel_wish_t wish)
{
    static char text[MAX_TEXT];
    size_t size = read_kernel(wish.file, text);
    uint8_t hash[32];
    oid_t id = oid_new();

    sha256(text, size, hash);
    (void)caller_send(caller,
                      &(message_t){.code = MSG_KERNEL,
                                   .as.KERNEL = {.result = id,
                                                 .hash = {hash, sizeof hash},
                                                 .entry = text_of(wish.entry),
                                                 .signature = text_of(wish.signature),
                                                 .kind = text_of(wish.kind),
                                                 .layout = text_of(wish.layout),
                                                 .options = text_of(wish.options)}},
                      text, size);
    return id;
}

oid_t
kernel_load(caller_t *caller, kernel_wish_t wish, message_t *ret_info)
{
    oid_t id = kernel_ask(caller, wish);
    message_t info;

    caller_expect(caller, MSG_KERNEL_INFO, ret_info ? ret_info : &info);
    return id;
}

oid_t
kernel_array(caller_t *caller, dtype_t dtype, const int64_t *shape, uint32_t ndim, const void *bytes, size_t size)
{
    oid_t id = oid_new();

    (void)caller_send(
        caller,
        &(message_t){.code = MSG_EMPTY, .as.EMPTY = {.result = id, .dtype = (uint64_t)dtype, .shape = {shape, ndim}}},
        bytes, size);
    return id;
}

void
kernel_run(caller_t *caller, const message_t *message, oid_t result, void *ret, size_t size)
{
    (void)caller_send(caller, message, NULL, 0);
    caller_fetch(caller, result, ret, size);
}

void
kernel_expect_poison(caller_t *caller, oid_t result, int status, message_t *ret)
{
    (void)caller_ask(caller, result, 0);
    caller_expect_error(caller, status, ret);
}
