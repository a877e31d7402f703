#include "engine/runner/code/signature.h"

#include <ctype.h>
#include <string.h>

enum { WORD_MAX = 40 };

/* Spellings that codecs/dtype.h does not know: C's and Numba's. */
static const struct {
    const char *name;
    dtype_t dtype;
} ALIASES[] = {
    {"double", DTYPE_FLOAT64},
    {"float", DTYPE_FLOAT32},
    {"half", DTYPE_FLOAT16},
    {"_Float16", DTYPE_FLOAT16},
    {"char", DTYPE_INT8},
    {"signed char", DTYPE_INT8},
    {"unsigned char", DTYPE_UINT8},
    {"short", DTYPE_INT16},
    {"unsigned short", DTYPE_UINT16},
    {"int", DTYPE_INT32},
    {"signed", DTYPE_INT32},
    {"unsigned", DTYPE_UINT32},
    {"unsigned int", DTYPE_UINT32},
    {"long", DTYPE_INT64},
    {"unsigned long", DTYPE_UINT64},
    {"long long", DTYPE_INT64},
    {"unsigned long long", DTYPE_UINT64},
    {"int8_t", DTYPE_INT8},
    {"int16_t", DTYPE_INT16},
    {"int32_t", DTYPE_INT32},
    {"int64_t", DTYPE_INT64},
    {"uint8_t", DTYPE_UINT8},
    {"uint16_t", DTYPE_UINT16},
    {"uint32_t", DTYPE_UINT32},
    {"uint64_t", DTYPE_UINT64},
    {"size_t", DTYPE_UINT64},
    {"ssize_t", DTYPE_INT64},
    {"ptrdiff_t", DTYPE_INT64},
    {"intp", DTYPE_INT64},
    {"uintp", DTYPE_UINT64},
    {"intc", DTYPE_INT32},
    {"uintc", DTYPE_UINT32},
    {"_Bool", DTYPE_BOOL},
    {"boolean", DTYPE_BOOL},
    {"bool_", DTYPE_BOOL},
    {"b1", DTYPE_BOOL},
};

typedef struct {
    const char *text, *at;
    err_t *err;
} reader_t;

static int
complain(const reader_t *reader, const char *what)
{
    return err_set(reader->err, FH_KERNEL_ERROR, "signature \"%.120s\", character %d: %s", reader->text,
                   (int)(reader->at - reader->text) + 1, what);
}

static void
skip_space(reader_t *reader)
{
    while (*reader->at == ' ' || *reader->at == '\t')
        reader->at++;
}

static bool
take(reader_t *reader, char c)
{
    skip_space(reader);
    if (*reader->at != c)
        return false;
    reader->at++;
    return true;
}

static bool
is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '<' || c == '=' || c == '|';
}

/* The words of one type with single spaces between ("unsigned long"), without qualifiers; "" if there is none. */
static int
take_words(reader_t *reader, char ret[WORD_MAX], bool *ret_constant)
{
    size_t used = 0;
    ret[0] = '\0';
    *ret_constant = false;
    for (;;) {
        skip_space(reader);
        const char *start = reader->at;
        const char *end = start;
        while (is_word(*end))
            end++;
        size_t length = (size_t)(end - start);
        if (!length)
            return FH_OK;
        bool constant = length == 5 && !memcmp(start, "const", 5);
        if (constant)
            *ret_constant = true;
        if (!constant && (length != 8 || memcmp(start, "restrict", 8))) {
            if (used + length + 2 > WORD_MAX)
                return complain(reader, "no dtype has so long a name");
            if (used)
                ret[used++] = ' ';
            memcpy(ret + used, start, length);
            used += length;
            ret[used] = '\0';
        }
        reader->at = end;
    }
}

static dtype_t
dtype_of(const char *name)
{
    for (size_t i = 0; i < sizeof ALIASES / sizeof *ALIASES; i++)
        if (!strcmp(name, ALIASES[i].name))
            return ALIASES[i].dtype;
    return dtype_from_name(name);
}

/* "[:, ::1]", the bracket being taken already: the colons that are axes. */
static int
take_axes(reader_t *reader, signature_type_t *ret)
{
    do {
        if (!take(reader, ':'))
            break; /* "[]" */
        if (take(reader, ':'))
            take(reader, '1');
        ret->ndim++;
    } while (take(reader, ','));
    ret->pointer = true;
    return take(reader, ']') ? FH_OK : complain(reader, "the bracket is not closed");
}

static int
take_type(reader_t *reader, signature_type_t *ret, bool *ret_void)
{
    char words[WORD_MAX];
    bool ignored;
    *ret = (signature_type_t){0};
    int status = take_words(reader, words, &ret->constant);
    if (status)
        return status;
    if (!strcmp(words, "CPointer")) {
        if (!take(reader, '('))
            return complain(reader, "CPointer needs a dtype in parentheses");
        status = take_type(reader, ret, NULL);
        if (status)
            return status;
        ret->pointer = true;
        return take(reader, ')') ? FH_OK : complain(reader, "CPointer is not closed");
    }
    bool is_void = !strcmp(words, "void");
    if (is_void && !ret_void)
        return complain(reader, "void can only be a result");
    ret->dtype = is_void ? DTYPE_NONE : dtype_of(words);
    if (!is_void && ret->dtype == DTYPE_NONE)
        return complain(reader, *words ? "that is no dtype" : "a dtype is missing");
    if (take(reader, '*')) {
        ret->pointer = true;
        if (take_words(reader, words, &ignored) || *words)
            return complain(reader, "only restrict may follow the star");
    } else if (take(reader, '[')) {
        status = take_axes(reader, ret);
        if (status)
            return status;
    }
    if (is_void && ret->pointer)
        return complain(reader, "a pointer needs an element dtype");
    if (ret_void)
        *ret_void = is_void;
    return FH_OK;
}

int
signature_parse(const char *text, signature_t *ret, err_t *err)
{
    reader_t reader = {text, text, err};
    *ret = (signature_t){0};
    skip_space(&reader);
    if (!*reader.at)
        return FH_OK;
    int status = take_type(&reader, &ret->result, &ret->result_void);
    if (status)
        return status;
    if (!take(&reader, '('))
        return complain(&reader, "the parameters in parentheses are missing");
    if (!take(&reader, ')')) {
        do {
            if (ret->count == SIGNATURE_MAX_ARGS)
                return complain(&reader, "too many parameters");
            status = take_type(&reader, &ret->args[ret->count++], NULL);
            if (status)
                return status;
        } while (take(&reader, ','));
        if (!take(&reader, ')'))
            return complain(&reader, "a comma or the closing parenthesis is missing");
    }
    skip_space(&reader);
    if (*reader.at)
        return complain(&reader, "something follows the closing parenthesis");
    ret->given = true;
    return FH_OK;
}

int
signature_piece(const signature_t *self, dtype_t *ret_in, int *ret_nin, dtype_t *ret_out, err_t *err)
{
    if (!self->given)
        return err_set(err, FH_KERNEL_ERROR,
                       "a piece kernel needs a signature, since LLVM's pointers do not say what they point to: "
                       "for example \"float64(float64)\" or \"void(float64*, float64*, int64)\"");
    int nin = self->result_void ? self->count - 2 : self->count;
    if (nin < 1 || nin >= KERNEL_MAX_ARGS)
        return err_set(err, FH_KERNEL_ERROR,
                       "a piece kernel has 1 to %d input arrays, one output and a count, not %d parameters",
                       KERNEL_MAX_ARGS - 1, self->count);
    for (int i = 0; i < nin + (self->result_void ? 1 : 0); i++)
        if (self->result_void && !self->args[i].pointer)
            return err_set(err, FH_KERNEL_ERROR, "parameter %d of a piece kernel must be a pointer in its signature",
                           i + 1);
    if (self->result_void && (self->args[nin + 1].pointer || dtype_size(self->args[nin + 1].dtype) != 8))
        return err_set(err, FH_KERNEL_ERROR, "the last parameter of a piece kernel is its count, an int64");
    for (int i = 0; i < nin; i++)
        ret_in[i] = self->args[i].dtype;
    *ret_nin = nin;
    *ret_out = self->result_void ? self->args[nin].dtype : self->result.dtype;
    return FH_OK;
}

static int
count_outputs(const signature_t *self)
{
    int constant = 0;
    while (constant < self->count && self->args[constant].constant)
        constant++;
    return constant && constant < self->count ? self->count - constant : 1;
}

int
signature_operands(const signature_t *self, int nout, dtype_t *ret_in, int *ret_nin, dtype_t *ret_out, int *ret_nout,
                   err_t *err)
{
    if (!self->given)
        return err_set(
            err, FH_KERNEL_ERROR,
            "the dtypes of this kernel cannot be seen in its type: give a signature, for example "
            "\"float64(float64, float64)\" or, with several outputs, \"void(float64[:], float64[:], float64[:])\"");
    *ret_nout = !self->result_void ? 1 : nout ? nout : count_outputs(self);
    *ret_nin = self->result_void ? self->count - *ret_nout : self->count;
    if (*ret_nin < 1 || *ret_nin > KERNEL_MAX_ARGS || *ret_nout > KERNEL_MAX_OUT || (nout && nout != *ret_nout))
        return err_set(err, FH_KERNEL_ERROR,
                       "the signature has %d parameters%s; this kernel needs 1 to %d inputs and %d output(s)",
                       self->count, self->result_void ? "" : " and a result", KERNEL_MAX_ARGS, nout ? nout : 1);
    for (int i = 0; i < *ret_nin; i++)
        ret_in[i] = self->args[i].dtype;
    for (int i = 0; i < *ret_nout; i++)
        ret_out[i] = self->result_void ? self->args[*ret_nin + i].dtype : self->result.dtype;
    return FH_OK;
}
