/* Products by value, and the span from the smallest to the largest behind a pointer; bool: parity. */
#include "kernels.h"

#include <farhand_kernel.h>

#define PRODUCT(name, type)                                                                                            \
    type product_##name##_init(void)                                                                                   \
    {                                                                                                                  \
        return (type)1;                                                                                                \
    }                                                                                                                  \
    type product_##name##_step(type state, type x)                                                                     \
    {                                                                                                                  \
        return (type)(state * x);                                                                                      \
    }
EACH(PRODUCT)

bool
product_bool_init(void)
{
    return false;
}

bool
product_bool_step(bool state, bool x)
{
    return state != x;
}

#define SPAN(name, type)                                                                                               \
    typedef struct {                                                                                                   \
        type low, high;                                                                                                \
        bool any;                                                                                                      \
    } span_##name##_t;                                                                                                 \
    FH_STATE(span_##name, span_##name##_t);                                                                            \
    void span_##name##_init(span_##name##_t *self)                                                                     \
    {                                                                                                                  \
        self->any = false;                                                                                             \
        self->low = self->high = 0;                                                                                    \
    }                                                                                                                  \
    void span_##name##_step(span_##name##_t *self, type x)                                                             \
    {                                                                                                                  \
        if (!self->any || x < self->low)                                                                               \
            self->low = x;                                                                                             \
        if (!self->any || x > self->high)                                                                              \
            self->high = x;                                                                                            \
        self->any = true;                                                                                              \
    }                                                                                                                  \
    void span_##name##_combine(span_##name##_t *into, const span_##name##_t *from)                                     \
    {                                                                                                                  \
        if (!from->any)                                                                                                \
            return;                                                                                                    \
        span_##name##_step(into, from->low);                                                                           \
        span_##name##_step(into, from->high);                                                                          \
    }                                                                                                                  \
    type span_##name##_finish(const span_##name##_t *self)                                                             \
    {                                                                                                                  \
        return (type)(self->high - self->low);                                                                         \
    }
EACH_REAL(SPAN)
