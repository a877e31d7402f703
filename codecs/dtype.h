/* codecs/dtype.h - element types and NumPy's rules between them.
 * Pure functions over codecs/dtypes.def; usable on any thread. */
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

bool dtype_valid(uint64_t code);
size_t dtype_size(dtype_t dtype);          /* bytes of one element; 0 for DTYPE_NONE */
const char *dtype_name(dtype_t dtype);     /* "float64" */
char dtype_char(dtype_t dtype);            /* 'd' */
char dtype_kind(dtype_t dtype);            /* 'f' */
const char *dtype_format(dtype_t dtype);   /* buffer-protocol format, "d" */
dtype_t dtype_from_char(char chr);         /* DTYPE_NONE if unknown; 'q'/'Q' mean 'l'/'L' */
dtype_t dtype_from_name(const char *name); /* "float64", "f8", "<f8"; DTYPE_NONE if unknown */

/* numpy.promote_types; total over valid dtypes. */
dtype_t dtype_promote(dtype_t a, dtype_t b);

typedef enum { CASTING_NO, CASTING_SAFE, CASTING_SAME_KIND, CASTING_UNSAFE } casting_t;
/* numpy.can_cast between dtypes. */
bool dtype_can_cast(dtype_t from, dtype_t to, casting_t casting);

/* Python scalars are weak (NEP 50): they take the dtype of the arrays beside them as far as their kind allows. */
typedef enum { WEAK_NO, WEAK_INT, WEAK_FLOAT, WEAK_COMPLEX } weak_t;
/* What a weak scalar becomes beside an array dtype (NEP 50); with DTYPE_NONE: the default dtype of its kind. */
dtype_t dtype_promote_weak(dtype_t dtype, weak_t weak);

/* One element converted with C's rules (NumPy's unsafe cast).  to and from must not overlap; any alignment. */
void dtype_convert(dtype_t to_dtype, void *to, dtype_t from_dtype, const void *from);

#endif
