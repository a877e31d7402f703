#include "engine/runner/patience.h"

#include "base/clock.h"

#include <sched.h>
#include <stdatomic.h>

enum { LOOKS = 32 /* between two looks at the clock */, MAX_VAIN = 10, SHORT_NS = 60000 };

static void
relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
}

bool
patience_look(patience_t *self, const _Atomic uint32_t *word, uint32_t old, int other_cpu, int64_t limit_ns)
{
    if (atomic_load_explicit(word, memory_order_acquire) != old)
        return true;
    if (!self->quick || self->pauses || (other_cpu >= 0 && other_cpu == sched_getcpu()))
        return false;
    int64_t until = clock_now_ns() + limit_ns;
    do {
        for (int i = 0; i < LOOKS; i++) {
            if (atomic_load_explicit(word, memory_order_acquire) != old) {
                self->vain = 0;
                return true;
            }
            relax();
        }
    } while (clock_now_ns() < until);
    self->vain += self->vain < MAX_VAIN;
    self->pauses = (1u << self->vain) - 1;
    return false;
}

void
patience_slept(patience_t *self, int64_t ns)
{
    self->quick = ns < SHORT_NS;
    if (self->pauses && self->quick)
        self->pauses--;
}
