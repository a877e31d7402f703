/* tests/unit/codecs/random_message.h - random valid messages of any kind, made from the same table as the decoder. */
#ifndef FH_TESTS_UNIT_CODECS_RANDOM_MESSAGE_H
#define FH_TESTS_UNIT_CODECS_RANDOM_MESSAGE_H

#include "codecs/message.h"

/* state begins as check_seed(). */
typedef struct {
    uint64_t state;
} random_t;

uint64_t random_next(random_t *self);
/* In [low, high]. */
uint64_t random_in(random_t *self, uint64_t low, uint64_t high);
/* Every field within its bounds, optional ones often left out; lists and texts live in the arena. */
void random_message(random_t *self, const msg_desc_t *desc, arena_t *arena, message_t *ret);

#endif
