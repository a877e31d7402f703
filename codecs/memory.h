/* codecs/memory.h - what memory is used for: the kinds of memory.def. */
#ifndef FH_CODECS_MEMORY_H
#define FH_CODECS_MEMORY_H

#include <stdbool.h>

typedef enum {
#define KIND(NAME, text, per_session, doc) MEMORY_##NAME,
#include "codecs/memory.def"
#undef KIND
    MEMORY_KINDS
} memory_kind_t;

/* As it travels; "" for what is no kind. */
const char *memory_kind_text(memory_kind_t kind);
/* Is it told for each session? */
bool memory_kind_per_session(memory_kind_t kind);

#endif
