/* codecs/field_reader.h - one field of a message, read from msgpack.  Private to codecs.  Pure. */
#ifndef FH_CODECS_FIELD_READER_H
#define FH_CODECS_FIELD_READER_H

#include "codecs/arena.h"
#include "codecs/field.h"
#include "codecs/reader.h"

/* field.field says what is to be read next; views point into the reader's bytes, lists into the arena. */
typedef struct {
    reader_t reader;
    arena_t *arena;
    field_t field;
} field_reader_t;

/* The next item of the reader into the field at ret.  PROTOCOL_ERROR (kind, bounds), LIMIT_EXCEEDED or NO_MEMORY
 * (arena). */
int field_read(field_reader_t *self, void *ret);

#endif
