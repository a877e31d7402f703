/* codecs/dtype_other.h - what codecs/dtype.c asks of elements that are not numbers.  The rest of it is in
 * codecs/dtype.h. */
#ifndef FH_CODECS_DTYPE_OTHER_H
#define FH_CODECS_DTYPE_OTHER_H

#include "codecs/dtype.h"

/* As dtype_kind, dtype_size, dtype_name, dtype_from_name, dtype_promote and dtype_can_cast; dtypes that are none of
 * these: '\0', 0, "none", DTYPE_NONE, DTYPE_NONE, false. */
char dtype_other_kind(int code);
size_t dtype_other_size(dtype_t dtype);
const char *dtype_other_name(dtype_t dtype);
dtype_t dtype_other_from_name(const char *name);
dtype_t dtype_other_promote(dtype_t a, dtype_t b);
bool dtype_other_can_cast(dtype_t from, dtype_t to, casting_t casting);

#endif
