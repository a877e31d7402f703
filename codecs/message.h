/* codecs/message.h - messages as C structs, made from codecs/messages.def, with one generic decoder, encoder, printer
 * and comparer that walk the same table.  Pure; usable on any thread. */
#ifndef FH_CODECS_MESSAGE_H
#define FH_CODECS_MESSAGE_H

#include "base/err.h"
#include "codecs/arena.h"
#include "codecs/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
#define MSG(NAME, code, senders, receivers, raw, doc) MSG_##NAME = (code),
#define F(MSG, name, key, KIND, min, max, presence, doc)
#define END(NAME)
#include "codecs/messages.def"
#undef MSG
#undef F
#undef END
} msg_code_t;

typedef enum {
    FIELD_U64,
    FIELD_I64,
    FIELD_F64,
    FIELD_BOOL,
    FIELD_STR,
    FIELD_BIN,
    FIELD_OID,
    FIELD_OIDS,
    FIELD_I64S,
    FIELD_VALUES,
    FIELD_OPERANDS
} field_kind_t;

typedef uint64_t field_U64_t;
typedef int64_t field_I64_t;
typedef double field_F64_t;
typedef bool field_BOOL_t;
typedef str_t field_STR_t;
typedef bin_t field_BIN_t;
typedef oid_t field_OID_t;
typedef oids_t field_OIDS_t;
typedef ints_t field_I64S_t;
typedef values_t field_VALUES_t;
typedef operands_t field_OPERANDS_t;

#define MSG(NAME, code, senders, receivers, raw, doc) typedef struct {
#define F(MSG, name, key, KIND, min, max, presence, doc) field_##KIND##_t name;
#define END(NAME)                                                                                                      \
    }                                                                                                                  \
    msg_##NAME##_t;
#include "codecs/messages.def"
#undef MSG
#undef F
#undef END

/* A decoded (or to be encoded) message.  Views point into the frame, lists into the arena it was decoded with. */
typedef struct {
    msg_code_t code;
    uint32_t raw; /* raw frames that belong to it */
    union {
#define MSG(NAME, code, senders, receivers, raw, doc) msg_##NAME##_t NAME;
#define F(MSG, name, key, KIND, min, max, presence, doc)
#define END(NAME)
#include "codecs/messages.def"
#undef MSG
#undef F
#undef END
    } as;
} message_t;

typedef struct {
    const char *name;
    uint8_t key;
    field_kind_t kind;
    bool required;
    uint32_t offset; /* of the field in the msg_..._t struct */
    int64_t min;
    uint64_t max;
    const char *doc;
} field_desc_t;

typedef struct {
    const char *name;
    msg_code_t code;
    const char *senders, *receivers; /* roles: C client, B broker, E engine */
    uint32_t raw_max;
    const field_desc_t *fields;
    uint32_t nfields;
    const char *doc;
} msg_desc_t;

const msg_desc_t *message_desc(uint64_t code); /* NULL if unknown */
const msg_desc_t *message_desc_at(int i);      /* table order; NULL past the end */

/* Header frame: 4 bytes 'F' 'H' major minor, then one or more messages, each a msgpack array [code, {key: value}, raw].
 * The raw frames of all messages follow the header frame in order. */
enum {
    PROTOCOL_MAJOR = 1,
    PROTOCOL_MINOR = 0,
    HEADER_MAX_BYTES = 65536 * 64,
    HEADER_MAX_MESSAGES = 16384,
    HEADER_MAX_REFUSED = 16
};

/* Bits of HELLO.features and WELCOME.features. */
enum {
    FEATURE_STREAMS = 256, /* STREAMS, TICKETS, DEPOSIT and COMPLETE */
    FEATURE_LZ4 = 512,     /* chunks on streams may be compressed */
    FEATURE_LINE = 1024,   /* numbered lines: see codecs/line.h */
};

/* Reads a header frame message by message.  Borrows frame. */
typedef struct {
    const uint8_t *data;
    size_t size, position;
    uint32_t raw_seen; /* raw frames that the messages so far claim; those of the last one: its raw before that */
    uint32_t refused;  /* messages that could not be read */
} header_reader_t;

/* Checks signature, version and that the whole frame is arrays of three, well-formed msgpack within bounds (depth <= 8,
 * counts <= bytes left), at most HEADER_MAX_MESSAGES, before anything is built.  PROTOCOL_ERROR, VERSION_MISMATCH. */
int header_open(header_reader_t *self, const void *frame, size_t size, err_t *err);
/* The next message.  OK; NO_SUCH_OBJECT at the end (without a text); PROTOCOL_ERROR for a bad, unknown or forbidden message: *ret then
 * still holds code and `call` if they could be read (else 0), so that an ERROR can be sent back, and reading may go on.
 * The same holds for LIMIT_EXCEEDED (its lists do not fit the arena) and NO_MEMORY.  Raw frames that no message claims
 * are one PROTOCOL_ERROR (code 0) before the end.  After HEADER_MAX_REFUSED refused messages the rest of the frame is
 * passed over, so that one frame cannot ask for a million answers. sender: role of the peer ('C', 'B', 'E'); receiver:
 * our own.  available_raw: raw frames that came with the header. */
int header_next(header_reader_t *self, arena_t *arena, char sender, char receiver, uint32_t available_raw,
                message_t *ret, err_t *err);

/* Builds a header frame.  Grows as needed up to HEADER_MAX_BYTES. */
typedef struct header_writer header_writer_t;
int header_writer_new(header_writer_t **ret, err_t *err);
void header_writer_destroy(header_writer_t **self);
/* Append one message (code, raw and the fields of as).  INVALID_ARGUMENT if a field breaks its bounds, LIMIT_EXCEEDED
 * if the frame is full; nothing was appended then. */
int header_writer_add(header_writer_t *self, const message_t *message, err_t *err);
size_t header_writer_size(const header_writer_t *self);    /* bytes so far; 4 when empty */
uint32_t header_writer_count(const header_writer_t *self); /* messages so far */
const void *header_writer_data(const header_writer_t *self);
void header_writer_reset(header_writer_t *self);

/* The value of field `call` (key 1), or 0; also of a message that header_next has refused. */
uint64_t message_call(const message_t *message);
/* Same code and equal fields? */
bool message_equal(const message_t *a, const message_t *b);
/* One line for logs and tests: "UFUNC call=7 op=add ..."; truncated to size; returns text. */
char *message_print(const message_t *message, char *text, size_t size);

/* str_t and bin_t from C memory. */
str_t str_of(const char *text);
bool str_is(str_t a, const char *text);
/* Copy to a terminated buffer, truncated to size; returns buffer. */
char *str_copy(str_t a, char *buffer, size_t size);

/* Fill an ERROR from err, and err from an ERROR.  The message borrows err's text. */
void message_from_err(message_t *ret, uint64_t call, const err_t *err);
void message_to_err(const msg_ERROR_t *error, err_t *ret);

#endif
