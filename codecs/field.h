/* codecs/field.h - the bounds of a field of messages.def, as the reader and the writer of headers check them.
 * Private to codecs.  Pure. */
#ifndef FH_CODECS_FIELD_H
#define FH_CODECS_FIELD_H

#include "codecs/message.h"

/* msgpack extension types. */
enum { EXT_OID = 1, EXT_CONSTANT = 2 };

/* A field in its message, and what a broken bound is called: PROTOCOL_ERROR when reading, INVALID_ARGUMENT when
 * writing. */
typedef struct {
    const msg_desc_t *message;
    const field_desc_t *field;
    int status;
    err_t *err;
} field_t;

/* status and "MESSAGE.field: text". */
int field_bad(const field_t *self, const char *format, ...) __attribute__((cold, format(printf, 2, 3)));
int field_check_unsigned(const field_t *self, uint64_t value);
int field_check_signed(const field_t *self, int64_t value);
int field_check_float(const field_t *self, double value);
/* Bytes of a text or items of a list. */
int field_check_count(const field_t *self, uint64_t count);
/* UTF-8 without NUL. */
int field_check_text(const field_t *self, str_t text);

#endif
