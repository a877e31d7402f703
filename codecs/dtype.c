#include "codecs/dtype.h"

#include "codecs/convert.h"
#include "codecs/dtype_other.h"

#include <string.h>

typedef struct {
    const char *name, *format;
    char chr, kind;
    uint8_t size;
} row_t;

static const row_t rows[DTYPE_COUNT] = {
#define DTYPE(NAME, code, ctype, name, chr, kind, size, format) [code] = {name, format, chr, kind, size},
#include "codecs/dtypes.def"
#undef DTYPE
};

#define DTYPE(NAME, code, ctype, name, chr, kind, size, format)                                                        \
    _Static_assert(sizeof(ctype) == (size), "size of " name);
#include "codecs/dtypes.def"
#undef DTYPE

static const row_t *
row_of(dtype_t dtype)
{
    static const row_t none = {"none", "", '\0', '\0', 0};
    return dtype_valid((uint64_t)dtype) ? &rows[dtype] : &none;
}

bool
dtype_valid(uint64_t code)
{
    return code > DTYPE_NONE && code < DTYPE_COUNT;
}

size_t
dtype_size(dtype_t dtype)
{
    return dtype < DTYPE_COUNT ? row_of(dtype)->size : dtype_other_size(dtype);
}

const char *
dtype_name(dtype_t dtype)
{
    return dtype < DTYPE_COUNT ? row_of(dtype)->name : dtype_other_name(dtype);
}

char
dtype_char(dtype_t dtype)
{
    return dtype < DTYPE_COUNT ? row_of(dtype)->chr : dtype_kind(dtype);
}

char
dtype_kind(dtype_t dtype)
{
    return dtype < DTYPE_COUNT ? row_of(dtype)->kind : dtype_other_kind(dtype_code(dtype));
}

const char *
dtype_format(dtype_t dtype)
{
    return row_of(dtype)->format;
}

static dtype_t
from_kind_size(char kind, size_t size)
{
    for (int i = 1; i < DTYPE_COUNT; i++)
        if (rows[i].kind == kind && rows[i].size == size)
            return (dtype_t)i;
    return DTYPE_NONE;
}

dtype_t
dtype_from_char(char chr)
{
    if (chr == 'q' || chr == 'Q') /* long long: the same 64 bits as long */
        chr = chr == 'q' ? 'l' : 'L';
    for (int i = 1; i < DTYPE_COUNT && chr != '\0'; i++)
        if (rows[i].chr == chr)
            return (dtype_t)i;
    return DTYPE_NONE;
}

dtype_t
dtype_from_name(const char *name)
{
    for (int i = 1; i < DTYPE_COUNT; i++)
        if (strcmp(rows[i].name, name) == 0)
            return (dtype_t)i;
    if (*name == '<' || *name == '=' || *name == '|')
        name++;
    dtype_t other = dtype_other_from_name(name);
    if (other != DTYPE_NONE)
        return other;
    size_t length = strlen(name);
    if (length == 1)
        return dtype_from_char(name[0]);
    if (length < 2 || length > 3)
        return DTYPE_NONE;
    size_t size = 0;
    for (const char *p = name + 1; *p != '\0'; p++) {
        if (*p < '0' || *p > '9' || (size == 0 && *p == '0'))
            return DTYPE_NONE;
        size = size * 10 + (size_t)(*p - '0');
    }
    return from_kind_size(name[0], size);
}

/* The smallest real floating dtype that holds every value of an integer dtype as far as NumPy cares. */
static dtype_t
float_for(dtype_t dtype)
{
    static const dtype_t by_size[] = {
        [1] = DTYPE_FLOAT16, [2] = DTYPE_FLOAT32, [4] = DTYPE_FLOAT64, [8] = DTYPE_FLOAT64};
    return dtype_kind(dtype) == 'f' ? dtype : by_size[dtype_size(dtype)];
}

static dtype_t
larger(dtype_t a, dtype_t b)
{
    return dtype_size(a) >= dtype_size(b) ? a : b;
}

static dtype_t
promote_complex(dtype_t a, dtype_t b)
{
    static const dtype_t parts[] = {[8] = DTYPE_FLOAT32, [16] = DTYPE_FLOAT64};
    dtype_t real_a = dtype_kind(a) == 'c' ? parts[dtype_size(a)] : a;
    dtype_t real_b = dtype_kind(b) == 'c' ? parts[dtype_size(b)] : b;
    return dtype_promote(real_a, real_b) == DTYPE_FLOAT64 ? DTYPE_COMPLEX128 : DTYPE_COMPLEX64;
}

static dtype_t
promote_signs(dtype_t with_sign, dtype_t without)
{
    if (dtype_size(with_sign) > dtype_size(without))
        return with_sign;
    dtype_t wider = from_kind_size('i', 2 * dtype_size(without));
    return wider == DTYPE_NONE ? DTYPE_FLOAT64 : wider;
}

dtype_t
dtype_promote(dtype_t a, dtype_t b)
{
    char kind_a = dtype_kind(a), kind_b = dtype_kind(b);
    if (!dtype_valid((uint64_t)a) || !dtype_valid((uint64_t)b))
        return dtype_other_promote(a, b);
    if (a == b || kind_b == 'b')
        return a;
    if (kind_a == 'b')
        return b;
    if (kind_a == 'c' || kind_b == 'c')
        return promote_complex(a, b);
    if (kind_a == 'f' || kind_b == 'f')
        return larger(float_for(a), float_for(b));
    if (kind_a == kind_b)
        return larger(a, b);
    return kind_a == 'i' ? promote_signs(a, b) : promote_signs(b, a);
}

bool
dtype_can_cast(dtype_t from, dtype_t to, casting_t casting)
{
    static const char order[] = "buifc";
    if (from == to)
        return true;
    if (!dtype_valid((uint64_t)from) || !dtype_valid((uint64_t)to))
        return dtype_other_can_cast(from, to, casting);
    if (casting == CASTING_UNSAFE)
        return true;
    if (casting == CASTING_NO)
        return false;
    if (dtype_promote(from, to) == to)
        return true;
    return casting == CASTING_SAME_KIND && strchr(order, dtype_kind(from)) <= strchr(order, dtype_kind(to));
}

dtype_t
dtype_promote_weak(dtype_t dtype, weak_t weak)
{
    static const dtype_t defaults[] = {DTYPE_NONE, DTYPE_INT64, DTYPE_FLOAT64, DTYPE_COMPLEX128};
    static const char kinds[] = {'b', 'i', 'f', 'c'};
    static const char order[] = "buifc";
    if (weak == WEAK_NO)
        return dtype;
    if (dtype == DTYPE_NONE || !dtype_valid((uint64_t)dtype))
        return defaults[weak];
    if (weak == WEAK_INT)
        return dtype == DTYPE_BOOL ? DTYPE_INT64 : dtype;
    if (strchr(order, dtype_kind(dtype)) >= strchr(order, kinds[weak]))
        return dtype;
    if (dtype_kind(dtype) == 'f') /* a weak complex beside a real floating dtype */
        return dtype_promote(dtype, DTYPE_COMPLEX64);
    return defaults[weak];
}

/* One number on its way between dtypes: an integer with its sign rule, or a floating pair. */
typedef struct {
    enum { NUMBER_SIGNED, NUMBER_UNSIGNED, NUMBER_REAL, NUMBER_COMPLEX } kind;
    int64_t i;
    uint64_t u;
    double re, im;
} number_t;

#define READ(ctype, member, number_kind, converted)                                                                    \
    {                                                                                                                  \
        ctype x;                                                                                                       \
        memcpy(&x, from, sizeof x);                                                                                    \
        n.kind = number_kind;                                                                                          \
        n.member = converted;                                                                                          \
    }                                                                                                                  \
    break

static number_t
number_read(dtype_t dtype, const void *from)
{
    number_t n = {0};
    float pair32[2];
    double pair64[2];
    switch (dtype) {
    case DTYPE_BOOL:
        READ(uint8_t, u, NUMBER_UNSIGNED, x != 0);
    case DTYPE_INT8:
        READ(int8_t, i, NUMBER_SIGNED, x);
    case DTYPE_UINT8:
        READ(uint8_t, u, NUMBER_UNSIGNED, x);
    case DTYPE_INT16:
        READ(int16_t, i, NUMBER_SIGNED, x);
    case DTYPE_UINT16:
        READ(uint16_t, u, NUMBER_UNSIGNED, x);
    case DTYPE_INT32:
        READ(int32_t, i, NUMBER_SIGNED, x);
    case DTYPE_UINT32:
        READ(uint32_t, u, NUMBER_UNSIGNED, x);
    case DTYPE_INT64:
        READ(int64_t, i, NUMBER_SIGNED, x);
    case DTYPE_UINT64:
        READ(uint64_t, u, NUMBER_UNSIGNED, x);
    case DTYPE_FLOAT16:
        READ(half_t, re, NUMBER_REAL, (double)x);
    case DTYPE_FLOAT32:
        READ(float, re, NUMBER_REAL, (double)x);
    case DTYPE_FLOAT64:
        READ(double, re, NUMBER_REAL, x);
    case DTYPE_COMPLEX64:
        memcpy(pair32, from, sizeof pair32);
        n = (number_t){.kind = NUMBER_COMPLEX, .re = (double)pair32[0], .im = (double)pair32[1]};
        break;
    case DTYPE_COMPLEX128:
        memcpy(pair64, from, sizeof pair64);
        n = (number_t){.kind = NUMBER_COMPLEX, .re = pair64[0], .im = pair64[1]};
        break;
    case DTYPE_NONE:
    case DTYPE_COUNT:
        break;
    }
    return n;
}

/* The low 64 bits of the number as an integer of the given width in bytes and sign. */
static uint64_t
number_integer(const number_t *n, size_t size, char kind)
{
    if (n->kind == NUMBER_SIGNED)
        return (uint64_t)n->i;
    if (n->kind == NUMBER_UNSIGNED)
        return n->u;
    if (size == 8)
        return kind == 'i' ? (uint64_t)convert_f64_i64(n->re) : convert_f64_u64(n->re);
    if (size == 4 && kind == 'u')
        return (uint64_t)convert_f64_i64(n->re);
    return (uint64_t)convert_f64_i32(n->re);
}

static double
number_real(const number_t *n)
{
    return n->kind == NUMBER_SIGNED ? (double)n->i : n->kind == NUMBER_UNSIGNED ? (double)n->u : n->re;
}

/* Rounded once: an integer goes to float directly, not by way of double. */
static float
number_float(const number_t *n)
{
    return n->kind == NUMBER_SIGNED ? (float)n->i : n->kind == NUMBER_UNSIGNED ? (float)n->u : (float)n->re;
}

static half_t
number_half(const number_t *n)
{
    return n->kind == NUMBER_REAL || n->kind == NUMBER_COMPLEX ? (half_t)n->re : (half_t)number_float(n);
}

static uint8_t
number_truth(const number_t *n)
{
    return n->i != 0 || n->u != 0 || n->re != 0 || n->im != 0;
}

#define WRITE(ctype, converted)                                                                                        \
    {                                                                                                                  \
        ctype x = converted;                                                                                           \
        memcpy(to, &x, sizeof x);                                                                                      \
    }                                                                                                                  \
    return

void
dtype_convert(dtype_t to_dtype, void *to, dtype_t from_dtype, const void *from)
{
    number_t n = number_read(from_dtype, from);
    switch (to_dtype) {
    case DTYPE_BOOL:
        WRITE(uint8_t, number_truth(&n));
    case DTYPE_INT8:
    case DTYPE_UINT8:
        WRITE(uint8_t, (uint8_t)number_integer(&n, 1, 'i'));
    case DTYPE_INT16:
    case DTYPE_UINT16:
        WRITE(uint16_t, (uint16_t)number_integer(&n, 2, 'i'));
    case DTYPE_INT32:
        WRITE(uint32_t, (uint32_t)number_integer(&n, 4, 'i'));
    case DTYPE_UINT32:
        WRITE(uint32_t, (uint32_t)number_integer(&n, 4, 'u'));
    case DTYPE_INT64:
        WRITE(uint64_t, number_integer(&n, 8, 'i'));
    case DTYPE_UINT64:
        WRITE(uint64_t, number_integer(&n, 8, 'u'));
    case DTYPE_FLOAT16:
        WRITE(half_t, number_half(&n));
    case DTYPE_FLOAT32:
        WRITE(float, number_float(&n));
    case DTYPE_FLOAT64:
        WRITE(double, number_real(&n));
    case DTYPE_COMPLEX64: {
        float pair[2] = {number_float(&n), (float)n.im};
        memcpy(to, pair, sizeof pair);
        return;
    }
    case DTYPE_COMPLEX128: {
        double pair[2] = {number_real(&n), n.im};
        memcpy(to, pair, sizeof pair);
        return;
    }
    case DTYPE_NONE:
    case DTYPE_COUNT:
        return;
    }
}
