#include "engine/compute/flags.h"

#include <fenv.h>

enum { EXCEPTIONS = FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW | FE_INVALID };

static const struct {
    unsigned flag;
    int exception;
} pairs[] = {
    {FLAG_DIVIDE, FE_DIVBYZERO},
    {FLAG_OVERFLOW, FE_OVERFLOW},
    {FLAG_UNDERFLOW, FE_UNDERFLOW},
    {FLAG_INVALID, FE_INVALID},
};

void
flags_clear(void)
{
    if (fetestexcept(EXCEPTIONS)) /* clearing takes ten times as long as looking */
        feclearexcept(EXCEPTIONS);
}

unsigned
flags_raised(void)
{
    int exceptions = fetestexcept(EXCEPTIONS);
    unsigned flags = 0;
    for (size_t i = 0; exceptions && i < sizeof pairs / sizeof pairs[0]; i++)
        flags |= exceptions & pairs[i].exception ? pairs[i].flag : 0;
    return flags;
}

void
flags_raise(unsigned flags)
{
    for (size_t i = 0; flags && i < sizeof pairs / sizeof pairs[0]; i++)
        if (flags & pairs[i].flag) {
            feraiseexcept(pairs[i].exception);
            flags &= ~pairs[i].flag;
        }
}

void
flags_restore(unsigned before, unsigned flags)
{
    flags_clear();
    flags_raise(before | flags);
}

/* What compares or picks says nothing of NaN, and rounding nothing of what it leaves. */
static const uint8_t silent[] = {
    OP_EQUAL,       OP_NOT_EQUAL,   OP_LESS,        OP_LESS_EQUAL, OP_GREATER,    OP_GREATER_EQUAL, OP_MAXIMUM,
    OP_MINIMUM,     OP_FMAX,        OP_FMIN,        OP_CLIP,       OP_WHERE,      OP_LOGICAL_AND,   OP_LOGICAL_OR,
    OP_LOGICAL_XOR, OP_LOGICAL_NOT, OP_SIGN,        OP_COPYSIGN,   OP_HEAVISIDE,  OP_NEGATIVE,      OP_POSITIVE,
    OP_CONJUGATE,   OP_REAL,        OP_IMAG,        OP_RINT,       OP_FLOOR,      OP_CEIL,          OP_TRUNC,
    OP_SIGNBIT,     OP_ISFINITE,    OP_ISINF,       OP_ISNAN,      OP_FABS,       OP_MODF,          OP_FREXP,
    OP_BITWISE_AND, OP_BITWISE_OR,  OP_BITWISE_XOR, OP_INVERT,     OP_LEFT_SHIFT, OP_RIGHT_SHIFT,
};

unsigned
flags_of_op(const op_t *op, unsigned flags)
{
    for (size_t i = 0; flags && i < sizeof silent; i++)
        if (op->code == silent[i])
            return 0;
    return flags;
}
