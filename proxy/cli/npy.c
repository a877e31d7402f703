#include "proxy/cli/npy.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Type strings behind the byte-order character. */
static const struct {
    const char *code;
    fh_dtype dtype;
} codes[] = {
    {"b1", FH_BOOL},    {"i1", FH_INT8},    {"u1", FH_UINT8},     {"i2", FH_INT16},       {"u2", FH_UINT16},
    {"i4", FH_INT32},   {"u4", FH_UINT32},  {"i8", FH_INT64},     {"u8", FH_UINT64},      {"f2", FH_FLOAT16},
    {"f4", FH_FLOAT32}, {"f8", FH_FLOAT64}, {"c8", FH_COMPLEX64}, {"c16", FH_COMPLEX128},
};

enum { CODE_COUNT = (int)(sizeof codes / sizeof codes[0]), TEXT_MAX = 32, ALIGNMENT = 64 };

static const char magic[] = "\x93NUMPY";

/* ---- parsing -------------------------------------------------------------------------------------------------------
 */

/* A cursor over the header's text: {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), } */
typedef struct {
    const char *at, *end;
} cursor_t;

static void
skip_blanks(cursor_t *self)
{
    while (self->at < self->end && (*self->at == ' ' || *self->at == '\n' || *self->at == '\t'))
        self->at++;
}

static bool
take(cursor_t *self, char wanted)
{
    skip_blanks(self);
    if (self->at == self->end || *self->at != wanted)
        return false;
    self->at++;
    return true;
}

static bool
take_text(cursor_t *self, char ret[TEXT_MAX])
{
    char quote = take(self, '\'') ? '\'' : '"';
    if (quote == '"' && !take(self, '"'))
        return false;
    size_t length = 0;
    while (self->at < self->end && *self->at != quote && length < TEXT_MAX - 1)
        ret[length++] = *self->at++;
    ret[length] = '\0';
    return take(self, quote);
}

static bool
take_word(cursor_t *self, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(self->end - self->at) < length || memcmp(self->at, word, length) != 0)
        return false;
    self->at += length;
    return true;
}

static bool
take_number(cursor_t *self, int64_t *ret)
{
    int64_t number = 0;
    skip_blanks(self);
    const char *first = self->at;
    for (; self->at < self->end && isdigit((unsigned char)*self->at); self->at++)
        if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, *self->at - '0', &number))
            return false;
    *ret = number;
    (void)take_word(self, "L"); /* Python 2 wrote 3L */
    return self->at > first && isdigit((unsigned char)*first);
}

static int
take_descr(cursor_t *cursor, npy_header_t *ret, err_t *err)
{
    char text[TEXT_MAX];
    if (!take_text(cursor, text))
        return err_set(err, FH_NOT_SUPPORTED, "structured dtypes in .npy files are not built yet");
    for (int i = 0; i < CODE_COUNT; i++) {
        if (strcmp(text + (text[0] != '\0'), codes[i].code) != 0)
            continue;
        bool big = text[0] == '>';
        if (!big && text[0] != '<' && text[0] != '|' && text[0] != '=')
            break;
        ret->dtype = codes[i].dtype;
        ret->swapped = big != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) && text[0] != '|' && text[0] != '=';
        return FH_OK;
    }
    return err_set(err, FH_NOT_SUPPORTED, "dtype '%s' is not built yet", text);
}

static bool
take_truth(cursor_t *cursor, bool *ret)
{
    skip_blanks(cursor);
    *ret = take_word(cursor, "True");
    return *ret || take_word(cursor, "False");
}

static int
take_shape(cursor_t *cursor, npy_header_t *ret, err_t *err)
{
    bool good = take(cursor, '(');
    ret->ndim = 0;
    while (good && !take(cursor, ')')) {
        if (ret->ndim == FH_MAX_DIMS)
            return err_set(err, FH_LIMIT_EXCEEDED, "the array has more than %d dimensions", FH_MAX_DIMS);
        good = take_number(cursor, &ret->shape[ret->ndim]);
        ret->ndim++;
        if (good && !take(cursor, ',')) {
            good = take(cursor, ')');
            break;
        }
    }
    return good ? FH_OK
                : err_set(err, FH_INVALID_ARGUMENT, "the header of the .npy file has a shape that cannot be read");
}

static int
parse_dict(cursor_t cursor, npy_header_t *ret, bool *ret_fortran, err_t *err)
{
    unsigned seen = 0;
    bool good = take(&cursor, '{');
    while (good && !take(&cursor, '}')) {
        char key[TEXT_MAX];
        good = take_text(&cursor, key) && take(&cursor, ':');
        unsigned bit = strcmp(key, "descr") == 0           ? 1
                       : strcmp(key, "fortran_order") == 0 ? 2
                       : strcmp(key, "shape") == 0         ? 4
                                                           : 0;
        if (!good || !bit || (seen & bit))
            return err_set(err, FH_INVALID_ARGUMENT, "the header of the .npy file has a wrong or repeated key");
        seen |= bit;
        int status = bit == 1 ? take_descr(&cursor, ret, err) : bit == 4 ? take_shape(&cursor, ret, err) : FH_OK;
        if (status)
            return status;
        if (bit == 2)
            good = take_truth(&cursor, ret_fortran);
        if (good && !take(&cursor, ',')) {
            good = take(&cursor, '}');
            break;
        }
    }
    return good && seen == 7 ? FH_OK : err_set(err, FH_INVALID_ARGUMENT, "the header of the .npy file cannot be read");
}

/* Fills strides and data_size; false if the sizes overflow. */
static bool
lay_out(npy_header_t *header, bool fortran)
{
    int64_t stride = (int64_t)fh_dtype_size(header->dtype), items = 1;
    for (int i = 0; i < header->ndim; i++)
        if (__builtin_mul_overflow(items, header->shape[i] ? header->shape[i] : 1, &items))
            return false;
    if (__builtin_mul_overflow(items, stride, &items))
        return false;
    bool empty = false;
    for (int k = 0; k < header->ndim; k++) {
        int i = fortran ? k : header->ndim - 1 - k;
        header->strides[i] = stride;
        stride *= header->shape[i] ? header->shape[i] : 1;
        empty |= header->shape[i] == 0;
    }
    header->data_size = empty ? 0 : (size_t)items;
    return true;
}

int
npy_parse(const void *bytes, size_t size, uint64_t file_size, npy_header_t *ret, err_t *err)
{
    const unsigned char *head = bytes;
    npy_header_t header = {.ndim = 0};
    bool fortran = false;
    if (size < 12 || memcmp(head, magic, 6) != 0)
        return err_set(err, FH_INVALID_ARGUMENT, "it is no .npy file");
    if (head[6] < 1 || head[6] > 3)
        return err_set(err, FH_NOT_SUPPORTED, "version %d of the .npy format is not built", head[6]);
    size_t begin = head[6] == 1 ? 10 : 12;
    size_t length = head[6] == 1
                        ? (size_t)head[8] | (size_t)head[9] << 8
                        : (size_t)head[8] | (size_t)head[9] << 8 | (size_t)head[10] << 16 | (size_t)head[11] << 24;
    if (length > NPY_HEADER_MAX - 12 || begin + length > size)
        return err_set(err, FH_INVALID_ARGUMENT, "the header of the .npy file has %zu bytes: too many", length);
    const char *text = (const char *)head + begin;
    int status = parse_dict((cursor_t){text, text + length}, &header, &fortran, err);
    if (status)
        return status;
    header.header_size = begin + length;
    if (!lay_out(&header, fortran))
        return err_set(err, FH_LIMIT_EXCEEDED, "the array of the .npy file is larger than any memory");
    if (header.data_size > file_size - header.header_size)
        return err_set(err, FH_LIMIT_EXCEEDED, "the .npy file is cut off: %zu bytes of data wanted, %" PRIu64 " there",
                       header.data_size, file_size - header.header_size);
    *ret = header;
    return FH_OK;
}

/* ---- files ---------------------------------------------------------------------------------------------------------
 */

static int
map(npy_file_t *ret, int fd, int access, size_t size, const char *path, err_t *err)
{
    void *bytes = mmap(NULL, size, access, access & PROT_WRITE ? MAP_SHARED : MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return err_set_errno(err, errno == ENOMEM ? FH_NO_MEMORY : FH_IO_ERROR, errno, "cannot map %s", path);
    ret->map = bytes;
    ret->map_size = size;
    return FH_OK;
}

int
npy_open(npy_file_t *ret, const char *path, err_t *err)
{
    npy_file_t file = {.map = NULL};
    struct stat info;
    int status = FH_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_set_errno(err, FH_IO_ERROR, errno, "cannot open %s", path);
    if (fstat(fd, &info))
        status = err_set_errno(err, FH_IO_ERROR, errno, "cannot look at %s", path);
    else if (!S_ISREG(info.st_mode) || info.st_size == 0)
        status = err_set(err, FH_INVALID_ARGUMENT, "%s is no regular file, or empty", path);
    else
        status = map(&file, fd, PROT_READ, (size_t)info.st_size, path, err);
    close(fd);
    if (status)
        return status;
    size_t head = file.map_size < NPY_HEADER_MAX ? file.map_size : NPY_HEADER_MAX;
    status = npy_parse(file.map, head, file.map_size, &file.header, err);
    if (status) {
        err_prefix(err, "%s", path);
        npy_close(&file);
        return status;
    }
    file.data = (char *)file.map + file.header.header_size;
    *ret = file;
    return FH_OK;
}

static const char *
code_of(fh_dtype dtype)
{
    for (int i = 0; i < CODE_COUNT; i++)
        if (codes[i].dtype == dtype)
            return codes[i].code;
    return NULL;
}

/* Version 1 header, padded so that the data are aligned; returns its size. */
static size_t
write_header(char ret[4096], const npy_header_t *header)
{
    const char *code = code_of(header->dtype);
    int at = 10;
    at += snprintf(ret + at, 4096 - 10, "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
                   fh_dtype_size(header->dtype) == 1        ? '|'
                   : __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? '>'
                                                            : '<',
                   code);
    for (int i = 0; i < header->ndim; i++)
        at += snprintf(ret + at, (size_t)(4096 - at), "%" PRId64 "%s", header->shape[i],
                       i + 1 < header->ndim ? ", "
                       : header->ndim == 1  ? ","
                                            : "");
    at += snprintf(ret + at, (size_t)(4096 - at), "), }");
    while ((at + 1) % ALIGNMENT)
        ret[at++] = ' ';
    ret[at++] = '\n';
    memcpy(ret, magic, 6);
    ret[6] = 1;
    ret[7] = 0;
    ret[8] = (char)((at - 10) & 0xff);
    ret[9] = (char)((at - 10) >> 8);
    return (size_t)at;
}

int
npy_create(npy_file_t *ret, const char *path, fh_dtype dtype, int ndim, const int64_t *shape, char ret_temporary[4096],
           err_t *err)
{
    npy_file_t file = {.header = {.dtype = dtype, .ndim = ndim}};
    char header[4096];
    int status;
    if (ndim < 0 || ndim > FH_MAX_DIMS || !code_of(dtype))
        return err_set(err, FH_INVALID_ARGUMENT, "an array of %d dimensions and dtype %d cannot be a .npy file", ndim,
                       (int)dtype);
    memcpy(file.header.shape, shape, (size_t)ndim * sizeof shape[0]);
    if (!lay_out(&file.header, false))
        return err_set(err, FH_LIMIT_EXCEEDED, "the array is larger than any file");
    int length = snprintf(ret_temporary, 4096, "%s.XXXXXX", path);
    if (length < 0 || length >= 4096)
        return err_set(err, FH_INVALID_ARGUMENT, "the path of the file is too long");
    int fd = mkostemp(ret_temporary, O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, FH_IO_ERROR, errno, "cannot write beside %s", path);
    mode_t mask = umask(0);
    (void)umask(mask);
    file.header.header_size = write_header(header, &file.header);
    size_t size = file.header.header_size + file.header.data_size;
    /* Take the room now: a full disk is an error here, but a signal when a mapping is written. */
    int number = fchmod(fd, 0666 & ~mask) ? errno : posix_fallocate(fd, 0, (off_t)size);
    if (number)
        status = err_set_errno(err, FH_IO_ERROR, number, "cannot make a file of %zu bytes for %s", size, path);
    else
        status = map(&file, fd, PROT_READ | PROT_WRITE, size, path, err);
    close(fd);
    if (status) {
        (void)unlink(ret_temporary);
        return status;
    }
    memcpy(file.map, header, file.header.header_size);
    file.data = (char *)file.map + file.header.header_size;
    *ret = file;
    return FH_OK;
}

void
npy_close(npy_file_t *self)
{
    if (self->map)
        (void)munmap(self->map, self->map_size);
    *self = (npy_file_t){.map = NULL};
}
