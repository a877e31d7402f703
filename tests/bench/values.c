/* Small values that two engines hold together: how long until the client has them, beside a client that asks two bare
 * processes for a word each, both before it waits for one.  In turns, since what is quick is quick only among its own
 * kind: the scheduler puts three processes on two CPUs in several ways.  All calls of all turns count; quartiles tell
 * how often which way was met. */
#include "base/clock.h"
#include "base/ring.h"
#include "tests/bench/bench_cluster.h"
#include "tests/bench/measure.h"

#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TURNS = 12, CALLS = 400, WARM = 40, ELEMENTS = 100, SERVANTS = 2, RESTED_CALLS = 40 };

static void
give_up(const char *what)
{
    fprintf(stderr, "values: %s\n", what);
    exit(1);
}

/* ---- bare processes ------------------------------------------------------------------------------------------------
 */

/* Words that count the questions and answers of one servant, each on a line of its own. */
typedef struct {
    _Alignas(64) uint32_t asked;
    _Alignas(64) uint32_t answered;
} words_t;

typedef enum { PIPES, FUTEXES, AWAKE /* the last one */, KINDS } kind_t;

static const char *const KIND_NAMES[] = {"bare pipes", "bare futexes", "bare processes that stay awake and yield"};

typedef struct {
    kind_t kind;
    words_t *words; /* of each servant */
    uint32_t trips;
    int to[SERVANTS][2], from[SERVANTS][2];
    pid_t pids[SERVANTS];
} bare_t;

static void
wait_for_word(uint32_t *word, uint32_t old)
{
    while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == old)
        (void)syscall(SYS_futex, word, FUTEX_WAIT, old, NULL, NULL, 0);
}

static void
step_word(uint32_t *word)
{
    __atomic_add_fetch(word, 1, __ATOMIC_SEQ_CST);
    (void)syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void
serve(const bare_t *self, int i)
{
    words_t *words = &self->words[i];
    char byte;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (uint32_t trips = 0;; trips++) {
        if (self->kind == PIPES) {
            if (read(self->to[i][0], &byte, 1) != 1 || write(self->from[i][1], &byte, 1) != 1)
                _exit(0);
        } else if (self->kind == FUTEXES) {
            wait_for_word(&words->asked, trips);
            step_word(&words->answered);
        } else {
            /* Awake for a millisecond: as long as a turn of calls goes on. */
            for (int64_t began = clock_now_ns(); __atomic_load_n(&words->asked, __ATOMIC_SEQ_CST) == trips;)
                if (clock_now_ns() - began < 1000000)
                    (void)sched_yield();
                else
                    (void)syscall(SYS_futex, &words->asked, FUTEX_WAIT, trips, NULL, NULL, 0);
            __atomic_add_fetch(&words->answered, 1, __ATOMIC_SEQ_CST);
        }
    }
}

static void
bare_start(bare_t *self, kind_t kind)
{
    self->kind = kind;
    self->trips = 0;
    self->words = mmap(NULL, SERVANTS * sizeof(words_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (self->words == MAP_FAILED)
        give_up("no shared memory");
    for (int i = 0; i < SERVANTS; i++) {
        if (pipe(self->to[i]) || pipe(self->from[i]))
            give_up("no pipes");
        self->pids[i] = fork();
        if (self->pids[i] == 0)
            serve(self, i);
    }
}

static void
bare_stop(bare_t *self)
{
    for (int i = 0; i < SERVANTS; i++) {
        kill(self->pids[i], SIGKILL);
        waitpid(self->pids[i], NULL, 0);
    }
    munmap(self->words, SERVANTS * sizeof(words_t));
}

/* Ask all, then wait for one after the other. */
static void
bare_trip(bare_t *self)
{
    char byte = 'v';

    for (int i = 0; i < SERVANTS; i++)
        if (self->kind != PIPES)
            step_word(&self->words[i].asked);
        else if (write(self->to[i][1], &byte, 1) != 1)
            give_up("a pipe does not work");
    for (int i = 0; i < SERVANTS; i++) {
        uint32_t *answered = &self->words[i].answered;

        if (self->kind == PIPES) {
            struct pollfd item = {.fd = self->from[i][0], .events = POLLIN};
            if (poll(&item, 1, -1) != 1 || read(self->from[i][0], &byte, 1) != 1)
                give_up("a pipe does not work");
        } else if (self->kind == FUTEXES) {
            wait_for_word(answered, self->trips);
        } else {
            while (__atomic_load_n(answered, __ATOMIC_SEQ_CST) == self->trips)
                ring_pause();
        }
    }
    self->trips++;
}

/* ---- ours ----------------------------------------------------------------------------------------------------------
 */

typedef struct {
    fh_session *session;
    fh_array *x;
} ours_t;

static void
gather_trip(const ours_t *self)
{
    double values[ELEMENTS];
    fh_error error;

    bench_cluster_check(fh_gather(self->x, values, NULL, &error), &error);
}

static void
read_sum(fh_array *x)
{
    fh_array *total = NULL;
    double value;
    fh_error error;

    bench_cluster_check(fh_reduce(x, "sum", NULL, -1, 0, FH_DTYPE_NONE, &total, &error), &error);
    bench_cluster_check(fh_gather(total, &value, NULL, &error), &error);
    fh_array_free(&total);
}

static void
sum_trip(const ours_t *self)
{
    read_sum(self->x);
}

static void
plus_sum_trip(const ours_t *self)
{
    const fh_operand in[] = {{.kind = FH_ARRAY, .array = self->x}, {.kind = FH_ARRAY, .array = self->x}};
    fh_array *y = NULL;
    fh_error error;

    bench_cluster_check(fh_ufunc(self->session, "add", in, 2, NULL, &y, &error), &error);
    read_sum(y);
    fh_array_free(&y);
}

static void
max_trip(const ours_t *self)
{
    fh_array *most = NULL;
    double value;
    fh_error error;

    bench_cluster_check(fh_reduce(self->x, "max", NULL, -1, 0, FH_DTYPE_NONE, &most, &error), &error);
    bench_cluster_check(fh_gather(most, &value, NULL, &error), &error);
    fh_array_free(&most);
}

typedef struct {
    const char *name;
    void (*trip)(const ours_t *);
} work_t;

static const work_t WORKS[] = {
    {"a value in two pieces", gather_trip},
    {"sum of two pieces", sum_trip},
    {"sum of (x + x) in two pieces", plus_sum_trip},
    {"max of two pieces", max_trip},
};

enum { NWORKS = sizeof WORKS / sizeof *WORKS };

/* ---- measuring -----------------------------------------------------------------------------------------------------
 */

static double ours_us[NWORKS][TURNS * CALLS], bare_us[KINDS][TURNS * CALLS];

static void
report(const char *name, double *times, int n, double limit, const char *limit_name)
{
    static const struct {
        const char *name;
        int percent;
    } QUANTILES[] = {{"p25", 25}, {"p50", 50}, {"p75", 75}, {"p99", 99}};
    char text[128];

    (void)measure_median(times, n);
    for (size_t i = 0; i < sizeof QUANTILES / sizeof *QUANTILES; i++) {
        double value = times[(int64_t)n * QUANTILES[i].percent / 100];

        (void)snprintf(text, sizeof text, "%s, %s", name, QUANTILES[i].name);
        printf("%-56s %8.2f us\n", text, value);
        measure_print("values", text, value, "us", limit, limit_name);
    }
}

/* Turns of all works and all bare kinds; a rest of `ms` before each call, if any. */
static void
measure(const ours_t *ours, bare_t *bare, int calls, int ms)
{
    char name[96];

    /* After a rest nobody is awake. */
    int kinds = ms ? AWAKE : KINDS;

    for (int turn = 0; turn < TURNS; turn++)
        for (int what = 0; what < NWORKS + kinds; what++)
            for (int i = -(ms ? 2 : WARM); i < calls; i++) {
                if (ms)
                    (void)poll(NULL, 0, ms); /* what is measured is the call after it */
                int64_t began = clock_now_ns();
                if (what < NWORKS)
                    WORKS[what].trip(ours);
                else
                    bare_trip(&bare[what - NWORKS]);
                double us = measure_seconds(began) * 1e6;
                if (i >= 0)
                    (what < NWORKS ? ours_us[what] : bare_us[what - NWORKS])[turn * calls + i] = us;
            }
    int n = TURNS * calls;
    double limit = measure_median(bare_us[FUTEXES], n);

    for (int kind = 0; kind < kinds; kind++) {
        (void)snprintf(name, sizeof name, "%s%s", KIND_NAMES[kind], ms ? ", after a rest" : "");
        report(name, bare_us[kind], n, 0, NULL);
    }
    for (int work = 0; work < NWORKS; work++) {
        (void)snprintf(name, sizeof name, "%s%s", WORKS[work].name, ms ? ", after a rest" : "");
        report(name, ours_us[work], n, limit, "two bare futexes, p50");
    }
}

int
main(void)
{
    const int64_t shape[] = {ELEMENTS};
    bench_cluster_t cluster;
    bare_t bare[KINDS];
    ours_t ours = {0};
    fh_error error;

    bench_cluster_start(&cluster, "bench-values", 2);
    ours.session = cluster.session;
    bench_cluster_check(
        fh_empty(ours.session, fh_dtype_from_name("float64"), 1, shape, &(fh_scatter_options){0}, &ours.x, &error),
        &error);
    for (int kind = 0; kind < KINDS; kind++)
        bare_start(&bare[kind], (kind_t)kind);
    measure(&ours, bare, CALLS, 0);
    measure(&ours, bare, RESTED_CALLS, 1);
    for (int kind = 0; kind < KINDS; kind++)
        bare_stop(&bare[kind]);
    fh_array_free(&ours.x);
    bench_cluster_stop(&cluster);
    return 0;
}
