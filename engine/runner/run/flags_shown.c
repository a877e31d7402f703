#include "engine/runner/run/flags_shown.h"

#include "codecs/strided.h"
#include "engine/compute/flags.h"

#include <stdbool.h>

enum { CHUNK = 4096 };

typedef struct {
    bool infinity, nan;
} odd_t;

/* Numbers, or parts of such, as unsigned integers; endless: the bits of infinity without the sign. */
#define LOOK(name, type, endless)                                                                                      \
    static odd_t name(const void *chunk, int64_t bytes)                                                                \
    {                                                                                                                  \
        const type *at = chunk, sign = (type)1 << (8 * sizeof(type) - 1);                                              \
        odd_t found = {0};                                                                                             \
        for (int64_t i = 0; i < bytes / (int64_t)sizeof(type); i++) {                                                  \
            type bits = at[i] & (type)~sign;                                                                           \
            found.infinity |= bits == (endless);                                                                       \
            found.nan |= bits > (endless);                                                                             \
        }                                                                                                              \
        return found;                                                                                                  \
    }

LOOK(look16, uint16_t, 0x7c00)
LOOK(look32, uint32_t, 0x7f800000)
LOOK(look64, uint64_t, UINT64_C(0x7ff0000000000000))

static const struct {
    dtype_t dtype;
    odd_t (*look)(const void *chunk, int64_t bytes);
} FORMS[] = {
    {DTYPE_FLOAT16, look16},   {DTYPE_FLOAT32, look32},    {DTYPE_FLOAT64, look64},
    {DTYPE_COMPLEX64, look32}, {DTYPE_COMPLEX128, look64},
};

static int
form_of(dtype_t dtype)
{
    for (int i = 0; i < (int)(sizeof FORMS / sizeof *FORMS); i++)
        if (FORMS[i].dtype == dtype)
            return i;
    return -1;
}

unsigned
flags_shown(unsigned flags, const nd_t *results, int n, bool states)
{
    unsigned shown = flags & FLAG_UNDERFLOW;
    for (int k = 0; k < n && shown != flags; k++) {
        int form = form_of(states && results[k].dtype == DTYPE_UINT8 ? DTYPE_FLOAT64 : results[k].dtype);
        int64_t bytes = shape_bytes(&results[k].shape, results[k].dtype);
        bool infinity = false, nan = false;
        if (form < 0)
            return flags;
        for (int64_t at = 0; at < bytes && !nan; at += CHUNK) {
            _Alignas(64) char chunk[CHUNK];
            int64_t size = bytes - at < CHUNK ? bytes - at : CHUNK;
            strided_pack(&results[k], at, size, chunk);
            odd_t odd = FORMS[form].look(chunk, size);
            infinity |= odd.infinity;
            nan |= odd.nan;
        }
        shown |= nan ? flags : infinity ? flags & ~(unsigned)FLAG_INVALID : 0;
    }
    return shown;
}
