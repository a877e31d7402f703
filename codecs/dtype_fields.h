/* codecs/dtype_fields.h - descriptions of structured elements, as the client knows them.
 *
 * A description is a text: NumPy's own of the dtype (numpy.lib.format.dtype_to_descr), or what else its maker can read
 * again. Engines move such elements as void and know no fields; the broker keeps the text beside a name.  A process
 * keeps each description once, for good; there are at most FIELDS_MAX of them.  Usable on any thread. */
#ifndef FH_CODECS_DTYPE_FIELDS_H
#define FH_CODECS_DTYPE_FIELDS_H

#include "base/err.h"
#include "codecs/dtype.h"

enum { FIELDS_MAX = 4096, FIELDS_TEXT_MAX = 16 * 1024 };

/* The dtype of elements of so many bytes that text describes: the same one for the same text and size. INVALID_ARGUMENT
 * for text that is empty, too long or not printable, or a size that cannot be; OUT_OF_RANGE if there are too many. */
int dtype_fields_find(const char *text, size_t length, uint64_t bytes, dtype_t *ret, err_t *err);
/* Bytes of an element; 0 if there is no such description. */
size_t dtype_fields_size(dtype_t dtype);
/* The text; "" if the dtype has none. */
const char *dtype_fields_text(dtype_t dtype);
/* What travels: void of that size for structured elements, else the dtype itself. */
dtype_t dtype_wire(dtype_t dtype);

#endif
