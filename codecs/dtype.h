/* codecs/dtype.h - element types and NumPy's rules between them.
 * Functions over codecs/dtypes.def; usable on any thread.  A dtype_t is a number's code, or a code of other elements
 * with its parameter (codecs/dtypes.def).  Where a function is said to be of numbers, it takes nothing else. */
#ifndef FH_CODECS_DTYPE_H
#define FH_CODECS_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* IEEE 754 binary16.  Arithmetic on it is done in float and rounded. */
__extension__ typedef _Float16 half_t;

typedef enum {
    DTYPE_NONE = 0,
#define DTYPE(NAME, code, ctype, name, chr, kind, size, format) DTYPE_##NAME = (code),
#include "codecs/dtypes.def"
#undef DTYPE
    DTYPE_COUNT /* one past the last code */
} dtype_t;

/* The codes of elements that are not numbers: the low 8 bits of their dtypes. */
enum {
#define DTYPE(NAME, code, ctype, name, chr, kind, size, format)
#define DTYPE_OTHER(NAME, code, name, kind) CODE_##NAME = (code),
#include "codecs/dtypes.def"
#undef DTYPE
    CODE_FIELDS =
        63, /* in the client only: a void whose fields are known; the parameter is the number of its description */
    DTYPE_ITEM_MAX = (1 << 23) - 1, /* bytes of an element; so that all dtypes fit 31 bits */
    DTYPE_TICKS_MAX = (1 << 19) - 1
};

bool dtype_valid(uint64_t code);  /* of a number? */
bool dtype_known(uint64_t code);  /* of a number or of other elements that can be stored, with a sound parameter? */
size_t dtype_size(dtype_t dtype); /* bytes of one element; 0 for DTYPE_NONE */
const char *dtype_name(dtype_t dtype); /* "float64", "datetime64[ns]", "S5"; good for three more calls of the thread */
char dtype_char(dtype_t dtype);        /* 'd' */
char dtype_kind(dtype_t dtype);        /* 'f' */
const char *dtype_format(dtype_t dtype);   /* of a number: buffer-protocol format, "d" */
dtype_t dtype_from_char(char chr);         /* of numbers; DTYPE_NONE if unknown; 'q'/'Q' mean 'l'/'L' */
dtype_t dtype_from_name(const char *name); /* "float64", "f8", "<f8", "M8[ns]", "<U3", "|V8"; DTYPE_NONE if unknown */

/* The low 8 bits. */
int dtype_code(dtype_t dtype);
/* Bytes, str, void: whatever has a size of its own and is compared byte by byte or character by character. */
bool dtype_is_items(dtype_t dtype);
/* CODE_BYTES, CODE_STR or CODE_VOID of so many bytes; DTYPE_NONE if that cannot be (0, too many, not whole characters).
 */
dtype_t dtype_items(int code, uint64_t bytes);
/* CODE_DATETIME64 or CODE_TIMEDELTA64; unit: index into dtype_unit_name, 0 generic.  DTYPE_NONE if that cannot be. */
dtype_t dtype_time(int code, int unit, uint64_t ticks);
const char *dtype_unit_name(int unit); /* "ns"; "" of the generic unit; NULL past the end */
/* What offsets and strides of elements are multiples of for loops that touch them as they are; 1 for bytes, str, void.
 */
size_t dtype_alignment(dtype_t dtype);
/* What is cut on its way must be a multiple of: the size of numbers and dates, else 1. */
size_t dtype_grain(dtype_t dtype);

/* numpy.promote_types of numbers; of others the dtype that both are or, of bytes and of str, the longer one, else NONE.
 */
dtype_t dtype_promote(dtype_t a, dtype_t b);

typedef enum { CASTING_NO, CASTING_SAFE, CASTING_SAME_KIND, CASTING_UNSAFE } casting_t;
/* numpy.can_cast between numbers; others: whether engines can, which is to the same dtype, and between lengths of bytes
 * or of str. */
bool dtype_can_cast(dtype_t from, dtype_t to, casting_t casting);

/* Python scalars are weak (NEP 50): they take the dtype of the arrays beside them as far as their kind allows. */
typedef enum { WEAK_NO, WEAK_INT, WEAK_FLOAT, WEAK_COMPLEX } weak_t;
/* What a weak scalar becomes beside a number (NEP 50); with DTYPE_NONE: the default dtype of its kind. */
dtype_t dtype_promote_weak(dtype_t dtype, weak_t weak);

/* One number converted with C's rules (NumPy's unsafe cast).  to and from must not overlap; any alignment. */
void dtype_convert(dtype_t to_dtype, void *to, dtype_t from_dtype, const void *from);

#endif
