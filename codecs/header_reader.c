/* The one decoder of all messages: walks the descriptors of message_table.c over the msgpack of a header frame. */
#include "codecs/field_reader.h"

#include <inttypes.h>
#include <string.h>

enum { HEADER_START = 4, ITEM_PARTS = 3, KEY_CALL = 1, KEYS = 128 };

/* The field with this key, looking first where the last one ended: senders write fields in the table's order. */
static const field_desc_t *
find_field(const msg_desc_t *desc, uint64_t key, uint32_t *next)
{
    for (uint32_t n = 0; n < desc->nfields; n++) {
        uint32_t i = *next + n < desc->nfields ? *next + n : *next + n - desc->nfields;
        if (desc->fields[i].key == key) {
            *next = i + 1;
            return &desc->fields[i];
        }
    }
    return NULL;
}

static int
check_required(const field_reader_t *self, const uint64_t seen[KEYS / 64])
{
    const msg_desc_t *desc = self->field.message;
    for (uint32_t i = 0; i < desc->nfields; i++) {
        const field_desc_t *field = &desc->fields[i];
        if (field->required && !(seen[field->key / 64] >> field->key % 64 & 1))
            return err_set(self->field.err, FH_PROTOCOL_ERROR, "%s.%s (key %d) is missing", desc->name, field->name,
                           field->key);
    }
    return FH_OK;
}

/* pairs keys and values into the fields of message->as. */
static int
read_fields(field_reader_t *self, uint32_t pairs, message_t *message)
{
    const msg_desc_t *desc = self->field.message;
    err_t *err = self->field.err;
    uint64_t seen[KEYS / 64] = {0};
    uint32_t next = 0;
    for (uint32_t i = 0; i < pairs; i++) {
        token_t key;
        int status = reader_next(&self->reader, &key, err);
        if (status)
            return status;
        if (key.kind != TOKEN_UINT || key.as.u >= KEYS)
            return err_set(err, FH_PROTOCOL_ERROR, "%s: a key that is no number below %d", desc->name, KEYS);
        if (seen[key.as.u / 64] >> key.as.u % 64 & 1)
            return err_set(err, FH_PROTOCOL_ERROR, "%s: key %" PRIu64 " comes twice", desc->name, key.as.u);
        seen[key.as.u / 64] |= (uint64_t)1 << key.as.u % 64;
        self->field.field = find_field(desc, key.as.u, &next);
        if (self->field.field)
            status = field_read(self, (char *)&message->as + self->field.field->offset);
        else
            status = reader_skip(&self->reader, err);
        if (status)
            return status;
    }
    return check_required(self, seen);
}

static bool
is_one_of(const char *roles, char role)
{
    while (*roles && *roles != role)
        roles++;
    return *roles;
}

static int
check_roles(const msg_desc_t *desc, char sender, char receiver, err_t *err)
{
    if (!is_one_of(desc->senders, sender) || !is_one_of(desc->receivers, receiver))
        return err_set(err, FH_PROTOCOL_ERROR, "%s does not go from '%c' to '%c' (C client, B broker, E engine)",
                       desc->name, sender ? sender : '?', receiver ? receiver : '?');
    return FH_OK;
}

/* The count of raw frames that ends a message. */
static int
read_raw(field_reader_t *self, uint32_t available, message_t *message)
{
    token_t token;
    const msg_desc_t *desc = self->field.message;
    int status = reader_next(&self->reader, &token, self->field.err);
    if (status)
        return status;
    if (token.kind != TOKEN_UINT || token.as.u > desc->raw_max)
        return err_set(self->field.err, FH_PROTOCOL_ERROR,
                       "%s: its count of raw frames is not a number in [0, %" PRIu32 "]", desc->name, desc->raw_max);
    if (token.as.u > available)
        return err_set(self->field.err, FH_PROTOCOL_ERROR, "%s: %" PRIu64 " raw frames, but only %" PRIu32 " have come",
                       desc->name, token.as.u, available);
    message->raw = (uint32_t)token.as.u;
    return FH_OK;
}

/* [code, {...}, raw] */
static int
read_message(field_reader_t *self, char sender, char receiver, uint32_t available, message_t *message)
{
    token_t token;
    err_t *err = self->field.err;
    int status = reader_next(&self->reader, &token, err);
    if (status)
        return status;
    status = reader_next(&self->reader, &token, err); /* header_open has seen that it is an array of three */
    if (status)
        return status;
    if (token.kind != TOKEN_UINT)
        return err_set(err, FH_PROTOCOL_ERROR, "%s where the code of a message belongs", token_kind_name(token.kind));
    self->field.message = message_desc(token.as.u);
    if (!self->field.message)
        return err_set(err, FH_PROTOCOL_ERROR, "there is no message with code %" PRIu64, token.as.u);
    message->code = self->field.message->code;
    status = check_roles(self->field.message, sender, receiver, err);
    if (!status)
        status = reader_next(&self->reader, &token, err);
    if (status)
        return status;
    if (token.kind != TOKEN_MAP)
        return err_set(err, FH_PROTOCOL_ERROR, "%s: %s where the map of fields belongs", self->field.message->name,
                       token_kind_name(token.kind));
    status = read_fields(self, token.size, message);
    return status ? status : read_raw(self, available, message);
}

/* After a message that could not be read: pass over it, and find what an answer needs (code and call) and how many raw
 * frames it claims, so that the messages behind it get theirs. */
static void
recover(header_reader_t *self, uint32_t available, message_t *message)
{
    reader_t reader = {self->data, self->size, self->position};
    token_t token, key;
    uint64_t code = 0, call = 0, raw = 0;
    if (reader_next(&reader, &token, NULL) == FH_OK && reader_next(&reader, &token, NULL) == FH_OK &&
        token.kind == TOKEN_UINT) {
        code = token.as.u;
        size_t map = reader.position;
        if (reader_next(&reader, &token, NULL) == FH_OK && token.kind == TOKEN_MAP) {
            uint32_t pairs = token.size;
            for (uint32_t i = 0; i < pairs && reader_next(&reader, &key, NULL) == FH_OK; i++) {
                reader_t value = reader;
                if (key.kind == TOKEN_UINT && key.as.u == KEY_CALL && reader_next(&value, &token, NULL) == FH_OK)
                    call = token.kind == TOKEN_UINT ? token.as.u : 0;
                if (reader_skip(&reader, NULL))
                    break;
            }
        }
        reader.position = map;
        if (reader_skip(&reader, NULL) == FH_OK && reader_next(&reader, &token, NULL) == FH_OK &&
            token.kind == TOKEN_UINT)
            raw = token.as.u;
    }
    reader.position = self->position;
    self->position = reader_skip(&reader, NULL) == FH_OK ? reader.position : self->size;
    *message = (message_t){.code = code <= UINT32_MAX ? (msg_code_t)code : (msg_code_t)0};
    message->raw = raw > available ? available : (uint32_t)raw;
    const msg_desc_t *desc = message_desc(code);
    if (!desc || desc->fields[0].key == KEY_CALL)
        memcpy(&message->as, &call, sizeof call);
}

/* One well-formed array of three; the reader moves behind it. */
static int
check_item(reader_t *reader, err_t *err)
{
    reader_t head = *reader;
    token_t token;
    int status = reader_next(&head, &token, err);
    if (status)
        return status;
    if (token.kind != TOKEN_ARRAY || token.size != ITEM_PARTS)
        return err_set(err, FH_PROTOCOL_ERROR, "at byte %zu %s where a message, an array of %d, belongs",
                       reader->position, token_kind_name(token.kind), ITEM_PARTS);
    return reader_skip(reader, err);
}

int
header_open(header_reader_t *self, const void *frame, size_t size, err_t *err)
{
    const uint8_t *bytes = frame;
    *self = (header_reader_t){.data = bytes, .size = size, .position = HEADER_START};
    if (size > HEADER_MAX_BYTES)
        return err_set(err, FH_PROTOCOL_ERROR, "header frame of %zu bytes, at most %d", size, HEADER_MAX_BYTES);
    if (size < HEADER_START || bytes[0] != 'F' || bytes[1] != 'H')
        return err_set(err, FH_PROTOCOL_ERROR, "frame of %zu bytes that does not begin with 'FH' and a version", size);
    if (bytes[2] != PROTOCOL_MAJOR)
        return err_set(err, FH_VERSION_MISMATCH, "the peer speaks farhand protocol %d.%d, this is %d.%d", bytes[2],
                       bytes[3], PROTOCOL_MAJOR, PROTOCOL_MINOR);
    reader_t reader = {bytes, size, HEADER_START};
    if (reader_at_end(&reader))
        return err_set(err, FH_PROTOCOL_ERROR, "header frame without a message");
    int status = FH_OK;
    for (int count = 0; !status && !reader_at_end(&reader); count++) {
        if (count == HEADER_MAX_MESSAGES)
            return err_set(err, FH_PROTOCOL_ERROR, "header frame of more than %d messages", HEADER_MAX_MESSAGES);
        status = check_item(&reader, err);
    }
    return status;
}

int
header_next(header_reader_t *self, arena_t *arena, char sender, char receiver, uint32_t available_raw, message_t *ret,
            err_t *err)
{
    memset(ret, 0, sizeof *ret);
    uint32_t available = available_raw > self->raw_seen ? available_raw - self->raw_seen : 0;
    if (self->position >= self->size) {
        self->raw_seen += available;
        if (available)
            return err_set(err, FH_PROTOCOL_ERROR, "%" PRIu32 " raw frames that belong to no message", available);
        /* No words: every frame ends like this, and nobody reads them. */
        if (err) {
            err_clear(err);
            err->status = FH_NO_SUCH_OBJECT;
        }
        return FH_NO_SUCH_OBJECT;
    }
    field_reader_t decoder = {.reader = {self->data, self->size, self->position},
                              .arena = arena,
                              .field = {.status = FH_PROTOCOL_ERROR, .err = err}};
    int status = read_message(&decoder, sender, receiver, available, ret);
    if (status == FH_OK)
        self->position = decoder.reader.position;
    else
        recover(self, available, ret);
    self->raw_seen += ret->raw;
    if (status && ++self->refused == HEADER_MAX_REFUSED) {
        self->position = self->size;
        self->raw_seen = available_raw;
    }
    return status;
}
