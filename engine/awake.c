/* Awake or asleep. */
#include "engine/awake.h"

#include "base/clock.h"

#include <sched.h>

static const int64_t AWAKE_NS = 20000, TRY_NS = 100000, QUICK_NS = 200000, FORGET_NS = 1000000000;
/* In company: how long to wait; how long others keep the CPU at most, unless they compute; rests after that. */
static const int64_t COMPANY_NS = 50000, LONG_NS = 300000, FIRST_REST_NS = 5000000, LAST_REST_NS = 640000000;

enum {
    MESSAGES_OF_A_TRY = 4,
    COST_IN_VAIN = 4,
    MAX_CREDIT = 64,
    FIRST_TRY = 2,
    LAST_TRY = 1 << 16,
    FIRST_JOIN = 2,
    LAST_JOIN = 1 << 10,
    COST_OF_LONG = 16 /* so many short turns make up for it */
};

void
awake_init(awake_t *self)
{
    *self = (awake_t){.try_after = FIRST_TRY, .join_after = FIRST_JOIN, .resting_ns = FIRST_REST_NS};
}

/* Leave this CPU to others, if we may run on another one. */
static bool
move_over(int cpu)
{
    cpu_set_t all, others;

    if (cpu < 0 || sched_getaffinity(0, sizeof all, &all))
        return false;
    others = all;
    CPU_CLR((size_t)cpu, &others);
    if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof others, &others))
        return false;
    (void)sched_setaffinity(0, sizeof all, &all); /* it fails only if they have been taken from us meanwhile */
    return true;
}

/* A call for which this side was woken: after a rest, or in company. */
static void
join_client(awake_t *self, int cpu, int client_cpu)
{
    cpu_set_t all, one;

    if (cpu == client_cpu) {
        self->apart = 0;
        self->join_after = FIRST_JOIN;
    }
    if (cpu == client_cpu || ++self->apart < self->join_after || client_cpu < 0 || client_cpu >= CPU_SETSIZE ||
        sched_getaffinity(0, sizeof all, &all) || !CPU_ISSET((size_t)client_cpu, &all))
        return;
    self->apart = 0;
    if (self->join_after < LAST_JOIN)
        self->join_after *= 2; /* unless it stays there */
    CPU_ZERO(&one);
    CPU_SET((size_t)client_cpu, &one);
    if (sched_setaffinity(0, sizeof one, &one) == 0)
        (void)sched_setaffinity(0, sizeof all, &all); /* it fails only if they have been taken from us meanwhile */
}

static void
begin_try(awake_t *self, int cpu, int client_cpu, int64_t now_ns)
{
    self->rung = 0;
    self->tried_ns = now_ns;
    if (self->try_after < LAST_TRY)
        self->try_after *= 2; /* unless it works */
    if (cpu == client_cpu && !move_over(cpu))
        return;
    self->trying = MESSAGES_OF_A_TRY;
    self->until_ns = now_ns + TRY_NS;
}

void
awake_note(awake_t *self, int client_cpu, bool rung, bool company, int64_t now_ns)
{
    bool quick = now_ns - self->heard_ns < QUICK_NS, resting = company && now_ns < self->rests_till_ns;
    int cpu = sched_getcpu();

    self->heard_ns = now_ns;
    self->until_ns = 0;
    self->company = company;
    if (!rung) {
        if (self->trying) {
            self->try_after = FIRST_TRY;
            self->credit = self->credit < COST_IN_VAIN ? COST_IN_VAIN : self->credit; /* it has shown itself worth it */
        }
        self->rung = self->trying = 0;
        self->credit += self->credit < MAX_CREDIT;
        if (cpu != client_cpu && self->credit > 0 && !resting)
            self->until_ns = now_ns + (company ? COMPANY_NS : AWAKE_NS);
        return;
    }
    if (self->trying && --self->trying > 0 && !resting) {
        self->until_ns = now_ns + TRY_NS;
        return;
    }
    self->rung = quick ? self->rung + 1 : 0;
    if (!quick || company)
        join_client(self, cpu, client_cpu);
    if (now_ns - self->tried_ns > FORGET_NS)
        self->try_after = FIRST_TRY; /* what was in vain then may work now */
    if (self->rung >= self->try_after && !resting)
        begin_try(self, cpu, client_cpu, now_ns);
}

void
awake_let_others_run(awake_t *self, int64_t now_ns)
{
    (void)sched_yield();
    int64_t back_ns = clock_now_ns();

    if (back_ns - now_ns < LONG_NS) {
        self->slow -= self->slow > 0;
        return;
    }
    self->slow += COST_OF_LONG;
    if (self->slow <= COST_OF_LONG)
        return;
    if (back_ns - self->rests_till_ns > FORGET_NS)
        self->resting_ns = FIRST_REST_NS;
    else if (self->resting_ns < LAST_REST_NS)
        self->resting_ns *= 2;
    self->rests_till_ns = back_ns + self->resting_ns;
    self->slow = 0;
    self->until_ns = 0;
}

void
awake_in_vain(awake_t *self)
{
    self->until_ns = 0;
    self->credit -= COST_IN_VAIN;
    self->trying = 0;
}
