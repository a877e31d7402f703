/* codecs/reader.h - a bounded msgpack cursor over bytes that came from a peer.
 * Allocates nothing, reads no byte twice to decide a size, follows no count that the bytes left cannot hold.  Borrows
 * its bytes; tokens are views into them.  Pure; a reader is used by one thread at a time. */
#ifndef FH_CODECS_READER_H
#define FH_CODECS_READER_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { READER_MAX_DEPTH = 8 }; /* arrays and maps within each other */

typedef struct {
    const uint8_t *data;
    size_t size, position;
} reader_t;

typedef enum {
    TOKEN_NIL,
    TOKEN_BOOL,
    TOKEN_UINT,
    TOKEN_INT,
    TOKEN_FLOAT,
    TOKEN_STR,
    TOKEN_BIN,
    TOKEN_EXT,
    TOKEN_ARRAY,
    TOKEN_MAP
} token_kind_t;

/* One msgpack item; the items inside an array or map follow it as tokens of their own. */
typedef struct {
    token_kind_t kind;
    int8_t ext_type; /* EXT */
    uint32_t size;   /* STR, BIN, EXT: bytes; ARRAY: items; MAP: pairs */
    union {
        bool boolean;
        uint64_t u; /* UINT: any number >= 0, however it was written */
        int64_t i;  /* INT: a number < 0 */
        double f;
        const uint8_t *bytes; /* STR (not checked to be UTF-8), BIN, EXT */
    } as;
} token_t;

/* "an array" and so on, for error texts. */
const char *token_kind_name(token_kind_t kind);

bool reader_at_end(const reader_t *self);
/* The next token.  PROTOCOL_ERROR for a truncated or impossible one, or a count above the bytes left; the position is
 * then unchanged. */
static inline int reader_next(reader_t *self, token_t *ret, err_t *err);
/* Pass over one whole item with all that is inside it.  PROTOCOL_ERROR as above, or for nesting deeper than
 * READER_MAX_DEPTH. */
int reader_skip(reader_t *self, err_t *err);

/* reader_next, for all that is no small number. */
int reader_next_other(reader_t *self, token_t *ret, err_t *err);

static inline int
reader_next(reader_t *self, token_t *ret, err_t *err)
{
    /* Codes, keys and counts: half of what messages consist of. */
    if (self->position < self->size && self->data[self->position] < 0x80) {
        ret->kind = TOKEN_UINT;
        ret->as.u = self->data[self->position++];
        return FH_OK;
    }
    return reader_next_other(self, ret, err);
}

#endif
