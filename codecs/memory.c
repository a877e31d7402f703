#include "codecs/memory.h"

static const struct {
    const char *text;
    bool per_session;
} ROWS[] = {
#define KIND(NAME, text, per_session, doc) [MEMORY_##NAME] = {text, per_session},
#include "codecs/memory.def"
#undef KIND
};

const char *
memory_kind_text(memory_kind_t kind)
{
    return (unsigned)kind < MEMORY_KINDS ? ROWS[kind].text : "";
}

bool
memory_kind_per_session(memory_kind_t kind)
{
    return (unsigned)kind < MEMORY_KINDS && ROWS[kind].per_session;
}
