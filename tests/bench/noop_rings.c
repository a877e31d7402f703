#include "tests/bench/noop_rings.h"

#include "base/clock.h"
#include "base/ring.h"
#include "tests/bench/measure.h"

#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    BLOCKS = 15,
    TRIPS = 4000,
    WARM = 500,
    IDLE_TRIPS = 300,
    IDLE_TURN = 30,
    FLOOD = 20000,
    FLOODS = 15,
    BODY = 64,
    MAX_HOGS = 64
};

static void
give_up(const char *what)
{
    fprintf(stderr, "noop: %s\n", what);
    exit(1);
}

static double
percentile(double *sorted, int count, int percent)
{
    return sorted[(int64_t)count * percent / 100];
}

/* ---- the bare pair -------------------------------------------------------------------------------------------------
 */

/* Two words that count the trips, each on a line of its own, with the bytes behind them; and pipes for who waits. */
typedef struct {
    _Alignas(64) uint64_t there;
    uint8_t bytes_there[BODY];
    _Alignas(64) uint64_t back;
    uint8_t bytes_back[BODY];
    _Alignas(64) uint32_t asked; /* trips by futex */
    _Alignas(64) uint32_t answered;
} bounce_t;

typedef struct {
    bounce_t *memory;
    int to[2], from[2];
    pid_t child, sleeper; /* the second one answers by futex */
} bare_t;

/* The child: through memory while the word counts, through the pipe when a byte comes. */
static void
bounce(const bare_t *self)
{
    uint64_t seen = 0;
    char byte;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        if (read(self->to[0], &byte, 1) != 1)
            _exit(0);
        if (byte == 'p' && write(self->from[1], &byte, 1) != 1)
            _exit(0);
        /* 'm': a block of trips through memory. */
        for (int left = byte == 'm' ? TRIPS + WARM : 0; left > 0; left--) {
            while (__atomic_load_n(&self->memory->there, __ATOMIC_ACQUIRE) == seen)
                ring_pause();
            seen++;
            memcpy(self->memory->bytes_back, self->memory->bytes_there, BODY);
            __atomic_store_n(&self->memory->back, seen, __ATOMIC_RELEASE);
        }
    }
}

/* Sleep until the word is another. */
static void
futex_wait(uint32_t *word, uint32_t value)
{
    while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == value)
        (void)syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

static void
futex_step(uint32_t *word)
{
    __atomic_add_fetch(word, 1, __ATOMIC_SEQ_CST);
    (void)syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* The other child: the least that the kernel does to wake a process and be woken by it. */
static void
answer_by_futex(const bare_t *self)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (uint32_t trips = 0;; trips++) {
        futex_wait(&self->memory->asked, trips);
        futex_step(&self->memory->answered);
    }
}

static void
bare_start(bare_t *self)
{
    self->memory = mmap(NULL, sizeof *self->memory, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (self->memory == MAP_FAILED || pipe(self->to) || pipe(self->from))
        give_up("no shared memory or pipes");
    self->child = fork();
    if (self->child == 0)
        bounce(self);
    self->sleeper = fork();
    if (self->sleeper == 0)
        answer_by_futex(self);
}

static void
bare_stop(bare_t *self)
{
    kill(self->child, SIGKILL);
    kill(self->sleeper, SIGKILL);
    waitpid(self->child, NULL, 0);
    waitpid(self->sleeper, NULL, 0);
    munmap(self->memory, sizeof *self->memory);
}

static void
memory_trip(const bare_t *self)
{
    static uint64_t trips;
    uint8_t body[BODY] = {0};

    memcpy(self->memory->bytes_there, body, BODY);
    __atomic_store_n(&self->memory->there, ++trips, __ATOMIC_RELEASE);
    while (__atomic_load_n(&self->memory->back, __ATOMIC_ACQUIRE) != trips)
        ring_pause();
    memcpy(body, self->memory->bytes_back, BODY);
}

static void
pipe_trip(const bare_t *self)
{
    struct pollfd item = {.fd = self->from[0], .events = POLLIN};
    char byte = 'p';

    if (write(self->to[1], &byte, 1) != 1 || poll(&item, 1, -1) != 1 || read(self->from[0], &byte, 1) != 1)
        give_up("a pipe does not work");
}

static void
futex_trip(const bare_t *self)
{
    static uint32_t trips;

    futex_step(&self->memory->asked);
    futex_wait(&self->memory->answered, trips++);
}

/* ---- measuring -----------------------------------------------------------------------------------------------------
 */

static void
our_trip(fh_session *session)
{
    fh_error error;

    if (fh_call(session, NULL, 0, "nop", NULL, 0, NULL, NULL, &error))
        give_up(error.text);
}

static void
report(const char *name, double value, const char *unit, double limit, const char *limit_name)
{
    printf("%-44s %9.3f %s   %s %9.3f   ratio %.2f\n", name, value, unit, limit_name, limit, value / limit);
    measure_print("noop", name, value, unit, limit, limit_name);
}

static double
since_us(int64_t began)
{
    return (double)(clock_now_ns() - began) / 1e3;
}

/* Blocks of trips of one kind and the other in turns, since trips of one kind are quick only among themselves. */
static void
measure_back_to_back(fh_session *session, bare_t *bare, const char *name)
{
    static double ours[BLOCKS * TRIPS], theirs[BLOCKS * TRIPS];

    for (int block = 0; block < BLOCKS; block++) {
        for (int trip = -WARM; trip < TRIPS; trip++) {
            int64_t began = clock_now_ns();
            our_trip(session);
            if (trip >= 0)
                ours[block * TRIPS + trip] = since_us(began);
        }
        if (write(bare->to[1], "m", 1) != 1)
            give_up("a pipe does not work");
        for (int trip = -WARM; trip < TRIPS; trip++) {
            int64_t began = clock_now_ns();
            memory_trip(bare);
            if (trip >= 0)
                theirs[block * TRIPS + trip] = since_us(began);
        }
    }
    double value = measure_median(ours, BLOCKS * TRIPS), limit = measure_median(theirs, BLOCKS * TRIPS);
    char text[128];
    (void)snprintf(text, sizeof text, "%s, p50", name);
    report(text, value, "us", limit, "bare shared memory, p50");
    (void)snprintf(text, sizeof text, "%s, p99", name);
    report(text, percentile(ours, BLOCKS * TRIPS, 99), "us", percentile(theirs, BLOCKS * TRIPS, 99),
           "bare shared memory, p99");
}

/* Trips after rests of `ms` milliseconds, IDLE_TURN of a kind one after the other: what else runs in between would be
 * measured with it. */
static void
measure_after_idleness(fh_session *session, bare_t *bare, int ms)
{
    static double ours[IDLE_TRIPS], pipes[IDLE_TRIPS], futexes[IDLE_TRIPS];
    double *const times[] = {ours, pipes, futexes};
    char name[80];

    for (int trip = 0; trip < 3 * IDLE_TRIPS; trip++) {
        int turn = trip / IDLE_TURN, kind = turn % 3;
        (void)poll(NULL, 0, ms); /* what is measured is the call after it */
        int64_t began = clock_now_ns();
        if (kind == 0)
            our_trip(session);
        else if (kind == 1)
            pipe_trip(bare);
        else
            futex_trip(bare);
        times[kind][turn / 3 * IDLE_TURN + trip % IDLE_TURN] = since_us(began);
    }
    double value = measure_median(ours, IDLE_TRIPS);
    (void)snprintf(name, sizeof name, "C client, after %d ms of idleness, p50", ms);
    report(name, value, "us", measure_median(pipes, IDLE_TRIPS), "bare pipes, p50");
    (void)snprintf(name, sizeof name, "the same beside futexes, %d ms, p50", ms);
    report(name, value, "us", measure_median(futexes, IDLE_TRIPS), "bare futexes, p50");
}

static void
measure_pipelined(fh_session *session, bare_t *bare)
{
    double ours[FLOODS], theirs[FLOODS];
    fh_error error;

    for (int turn = 0; turn < FLOODS; turn++) {
        int64_t began = clock_now_ns();
        if (fh_call_many(session, NULL, 0, "nop", FLOOD, &error))
            give_up(error.text);
        ours[turn] = since_us(began) / (double)FLOOD;
        began = clock_now_ns();
        if (write(bare->to[1], "m", 1) != 1)
            give_up("a pipe does not work");
        for (int trip = 0; trip < TRIPS + WARM; trip++)
            memory_trip(bare);
        theirs[turn] = since_us(began) / (double)(TRIPS + WARM);
    }
    report("C client, pipelined, a call", measure_median(ours, FLOODS), "us", measure_median(theirs, FLOODS),
           "bare shared memory, a round trip");
}

/* A process on each CPU that never rests. */
static void
measure_busy(fh_session *session, bare_t *bare)
{
    pid_t hogs[MAX_HOGS];
    int count = (int)sysconf(_SC_NPROCESSORS_ONLN);

    count = count > MAX_HOGS ? MAX_HOGS : count;
    for (int i = 0; i < count; i++) {
        hogs[i] = fork();
        if (hogs[i] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (volatile uint64_t n = 0;; n++)
                continue;
        }
    }
    measure_back_to_back(session, bare, "C client, all CPUs busy");
    for (int i = 0; i < count; i++) {
        kill(hogs[i], SIGKILL);
        waitpid(hogs[i], NULL, 0);
    }
}

void
noop_rings(fh_session *session)
{
    bare_t bare;
    fh_stats stats;

    bare_start(&bare);
    our_trip(session);
    fh_session_stats(session, &stats);
    if (stats.rings != 1)
        fprintf(stderr, "noop: there are no rings here: what follows goes over ZeroMQ\n");
    measure_back_to_back(session, &bare, "C client, back to back");
    measure_after_idleness(session, &bare, 1);
    measure_after_idleness(session, &bare, 2);
    measure_pipelined(session, &bare);
    measure_busy(session, &bare);
    bare_stop(&bare);
}
