/* Differences of neighbours within a piece; bool: has it changed? */
#include "kernels.h"

#define PIECE(name, type)                                                                                              \
    void piece_##name(const type *in, type *out, int64_t n)                                                            \
    {                                                                                                                  \
        for (int64_t i = 0; i < n; i++)                                                                                \
            out[i] = (type)(i ? in[i] - in[i - 1] : in[i]);                                                            \
    }
EACH(PIECE)

void
piece_bool(const bool *in, bool *out, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = i ? in[i] != in[i - 1] : in[i];
}
