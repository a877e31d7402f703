/* Kernels by name.  What is published is an array of bytes on one engine, of type kernel: the size of a header frame (4
 * bytes, little-endian), that frame with the KERNEL message that would load it, and the code. */
#include "codecs/message.h"
#include "codecs/sha256.h"
#include "proxy/error.h"
#include "proxy/kernel.h"
#include "proxy/names.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE_BYTES = 4, MAX_FRAME_BYTES = 16384, MAX_PARCEL_BYTES = 8 * 1024 * 1024, ARENA_BYTES = 64 * 1024 };

static const char TYPE[] = "kernel";

typedef struct {
    uint8_t *bytes;
    int64_t size;
} parcel_t;

/* ---- to bytes ------------------------------------------------------------------------------------------------------
 */

static int
write_frame(header_writer_t *writer, const kernel_code_t *code, err_t *err)
{
    char options[KERNEL_OPTIONS_TEXT];
    message_t message;

    kernel_code_message(code, false, options, &message);
    message.as.KERNEL.call = 1;
    message.as.KERNEL.result = oid_new();
    return header_writer_add(writer, &message, err);
}

static int
pack(const kernel_code_t *code, parcel_t *ret, err_t *err)
{
    header_writer_t *writer = NULL;
    int status = header_writer_new(&writer, err);

    if (!status)
        status = write_frame(writer, code, err);
    size_t frame = status ? 0 : header_writer_size(writer), size = buf_size(code->code);

    ret->size = (int64_t)(SIZE_BYTES + frame + size);
    ret->bytes = status ? NULL : malloc((size_t)ret->size);
    if (!status && !ret->bytes)
        status = err_set(err, FH_NO_MEMORY, "no memory to publish a kernel of %zu bytes", size);
    if (!status) {
        for (int i = 0; i < SIZE_BYTES; i++)
            ret->bytes[i] = (uint8_t)(frame >> 8 * i);
        memcpy(ret->bytes + SIZE_BYTES, header_writer_data(writer), frame);
        memcpy(ret->bytes + SIZE_BYTES + frame, buf_data(code->code), size);
    }
    header_writer_destroy(&writer);
    return status;
}

int
fh_kernel_publish(fh_kernel *kernel, const char *name, fh_error *error)
{
    err_t *err = error_start(error);
    parcel_t parcel = {0};
    fh_array *array = NULL;
    int status = kernel_enter(kernel, err);

    if (!status)
        status = pack(kernel->code, &parcel, err);
    if (!status)
        status = fh_scatter(
            kernel->session,
            &(fh_local){.data = parcel.bytes, .dtype = fh_dtype_from_name("uint8"), .ndim = 1, .shape = &parcel.size},
            &(fh_scatter_options){.axis = FH_WHOLE}, &array, error);
    if (!status)
        status = names_publish(array, name, TYPE, err);
    fh_array_free(&array);
    free(parcel.bytes);
    return status;
}

/* ---- from bytes, which came from outside ---------------------------------------------------------------------------
 */

static int
bad(err_t *err, const char *what)
{
    return err_set(err, FH_PROTOCOL_ERROR, "the published kernel is damaged: %s", what);
}

static int
fetch(fh_array *array, parcel_t *ret, err_t *err, fh_error *error)
{
    if (array->shape.ndim != 1 || array->dtype != DTYPE_UINT8 || array->shape.extent[0] < SIZE_BYTES ||
        array->shape.extent[0] > MAX_PARCEL_BYTES)
        return bad(err, "it is no row of bytes of a possible size");
    ret->size = array->shape.extent[0];
    ret->bytes = malloc((size_t)ret->size);
    if (!ret->bytes)
        return err_set(err, FH_NO_MEMORY, "no memory for a kernel of %lld bytes", (long long)ret->size);
    return fh_gather(array, ret->bytes, NULL, error);
}

/* Does an option stand in the comma-separated list? */
static bool
has_word(str_t list, const char *word)
{
    size_t length = strlen(word);

    for (uint32_t i = 0; i < list.size;) {
        uint32_t end = i;

        while (end < list.size && list.data[end] != ',')
            end++;
        if (end - i == length && memcmp(list.data + i, word, length) == 0)
            return true;
        i = end + 1;
    }
    return false;
}

static int
load(fh_session *session, const msg_KERNEL_t *message, const uint8_t *code, size_t size, fh_kernel **ret, err_t *err,
     fh_error *error)
{
    char entry[256], signature[256], kind[17], layout[128];
    uint8_t hash[32];
    const fh_kernel_options options = {.entry = str_copy(message->entry, entry, sizeof entry),
                                       .signature = str_copy(message->signature, signature, sizeof signature),
                                       .kind = str_copy(message->kind, kind, sizeof kind),
                                       .layout = str_copy(message->layout, layout, sizeof layout),
                                       .state_bytes = (int64_t)message->state,
                                       .fastmath = has_word(message->options, "fastmath"),
                                       .exact = has_word(message->options, "exact"),
                                       .debug = has_word(message->options, "debug")};

    sha256(code, size, hash);
    if (memcmp(hash, message->hash.data, sizeof hash) != 0)
        return bad(err, "its code has another hash");
    return fh_kernel_load(session, code, size, &options, ret, error);
}

static int
unpack(fh_session *session, const parcel_t *parcel, fh_kernel **ret, err_t *err, fh_error *error)
{
    size_t frame = 0, rest = (size_t)parcel->size - SIZE_BYTES;
    const uint8_t *bytes = parcel->bytes + SIZE_BYTES;
    header_reader_t reader;
    message_t message;
    arena_t *arena = NULL;

    for (int i = 0; i < SIZE_BYTES; i++)
        frame |= (size_t)parcel->bytes[i] << 8 * i;
    if (frame > rest || frame > MAX_FRAME_BYTES)
        return bad(err, "its description is longer than it may be");
    int status = arena_new(&arena, ARENA_BYTES, err);

    if (!status && (header_open(&reader, bytes, frame, err) ||
                    header_next(&reader, arena, 'C', 'E', 1, &message, err) || message.code != MSG_KERNEL))
        status = bad(err, "its description cannot be read");
    if (!status)
        status = load(session, &message.as.KERNEL, bytes + frame, rest - frame, ret, err, error);
    arena_destroy(&arena);
    return status;
}

int
fh_kernel_get(fh_session *session, const char *name, fh_kernel **ret, fh_error *error)
{
    err_t *err = error_start(error);
    parcel_t parcel = {0};
    fh_array *array = NULL;
    int status = session_enter(session, err);

    if (!status)
        status = names_get(session, name, TYPE, &array, err);
    if (!status)
        status = fetch(array, &parcel, err, error);
    if (!status)
        status = unpack(session, &parcel, ret, err, error);
    fh_array_free(&array);
    free(parcel.bytes);
    return status;
}

void
fh_kernel_source(const fh_kernel *kernel, const void **ret_code, size_t *ret_size, fh_kernel_options *ret)
{
    *ret_code = buf_data(kernel->code->code);
    *ret_size = buf_size(kernel->code->code);
    *ret = kernel->code->asked;
}
