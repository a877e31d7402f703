/* The descriptors of all messages and fields, made from codecs/messages.def. */
#include "codecs/message.h"

#define PRESENCE_REQ true
#define PRESENCE_OPT false

#define MSG(NAME, code, senders, receivers, raw, doc) static const field_desc_t FIELDS_##NAME[] = {
#define F(MSG, name, key, KIND, min, max, presence, doc)                                                               \
    {#name, (key), FIELD_##KIND, PRESENCE_##presence, offsetof(msg_##MSG##_t, name), (min), (max), (doc)},
#define END(NAME)                                                                                                      \
    }                                                                                                                  \
    ;
#include "codecs/messages.def"
#undef MSG
#undef F
#undef END

/* Keys of known fields must fit the reader's duplicate check, and codes the lookup table. */
#define MSG(NAME, code, senders, receivers, raw, doc) _Static_assert((code) > 0 && (code) < 256, #NAME);
#define F(MSG, name, key, KIND, min, max, presence, doc) _Static_assert((key) > 0 && (key) < 128, #MSG "." #name);
#define END(NAME)
#include "codecs/messages.def"
#undef MSG
#undef F
#undef END

enum {
#define MSG(NAME, code, senders, receivers, raw, doc) ROW_##NAME,
#define F(MSG, name, key, KIND, min, max, presence, doc)
#define END(NAME)
#include "codecs/messages.def"
#undef MSG
#undef F
#undef END
    ROWS
};

static const msg_desc_t MESSAGES[ROWS] = {
#define MSG(NAME, code, senders, receivers, raw, doc)                                                                  \
    {#NAME, MSG_##NAME, (senders), (receivers), (raw), FIELDS_##NAME, sizeof FIELDS_##NAME / sizeof *FIELDS_##NAME,    \
     (doc)},
#define F(MSG, name, key, KIND, min, max, presence, doc)
#define END(NAME)
#include "codecs/messages.def"
#undef MSG
#undef F
#undef END
};

/* Row + 1 of each code; 0: unknown. */
static const uint8_t ROW_OF[256] = {
#define MSG(NAME, code, senders, receivers, raw, doc) [(code)] = ROW_##NAME + 1,
#define F(MSG, name, key, KIND, min, max, presence, doc)
#define END(NAME)
#include "codecs/messages.def"
#undef MSG
#undef F
#undef END
};

const msg_desc_t *
message_desc(uint64_t code)
{
    return code < 256 && ROW_OF[code] ? &MESSAGES[ROW_OF[code] - 1] : NULL;
}

const msg_desc_t *
message_desc_at(int i)
{
    return i >= 0 && i < ROWS ? &MESSAGES[i] : NULL;
}
