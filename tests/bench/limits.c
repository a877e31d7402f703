/* What this machine can do, for Python to measure: copies, sums and calls with nothing around them.  A library that
 * tests/bench/peers/limit.py loads.  Loops run with two threads, as two engines of one thread do. */
#include "tests/bench/limits.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef __SSE2__
#include <immintrin.h>
#endif

enum { SLOTS = 1024, SLOT_BYTES = 64, ONE_THREAD_BYTES = 1024 * 1024, SPINS = 300, DEADLINE_S = 10 };

typedef struct job {
    void *to;
    const void *from;
    const double *a, *b, *c;
    int64_t n;
    double sum;
} job_t;

static void
copy_past_cache(char *to, const char *from, size_t bytes)
{
    size_t done = 0;
#ifdef __AVX512F__
    for (size_t head = -(uintptr_t)to & 63; done < head && done < bytes; done++)
        to[done] = from[done];
    for (; done + 64 <= bytes; done += 64)
        _mm512_stream_si512((void *)(to + done), _mm512_loadu_si512(from + done));
    _mm_sfence();
#elif defined __SSE2__
    for (size_t head = -(uintptr_t)to & 15; done < head && done < bytes; done++)
        to[done] = from[done];
    for (; done + 16 <= bytes; done += 16)
        _mm_stream_si128((__m128i *)(void *)(to + done), _mm_loadu_si128((const __m128i *)(const void *)(from + done)));
    _mm_sfence();
#endif
    memcpy(to + done, from + done, bytes - done);
}

static void *
copy_job(void *work)
{
    job_t *job = work;

    copy_past_cache(job->to, job->from, (size_t)job->n);
    return NULL;
}

static void *
sum_job(void *work)
{
    job_t *job = work;
    double sum = 0;

    for (int64_t i = 0; i < job->n; i++)
        sum += job->a[i];
    job->sum = sum;
    return NULL;
}

static void *
fused_job(void *work)
{
    job_t *job = work;
    double sum = 0;

    for (int64_t i = 0; i < job->n; i++)
        sum += job->a[i] * job->b[i] + job->c[i];
    job->sum = sum;
    return NULL;
}

static void *
count_job(void *work)
{
    job_t *job = work;
    const unsigned char *flags = job->from;
    int64_t count = 0;

    for (int64_t i = 0; i < job->n; i++)
        count += flags[i];
    job->sum = (double)count;
    return NULL;
}

/* sum: how many are chosen. */
static void *
choose_job(void *work)
{
    job_t *job = work;
    const unsigned char *flags = job->from;
    double *to = job->to;
    int64_t at = 0, end = (int64_t)job->sum;

    for (int64_t i = 0; i < job->n && at < end; i++) {
        to[at] = job->a[i];
        at += flags[i];
    }
    return NULL;
}

static void *
take_job(void *work)
{
    job_t *job = work;
    const int64_t *indices = job->from;
    double *to = job->to;

    for (int64_t i = 0; i < job->n; i++)
        to[i] = job->a[indices[i]];
    return NULL;
}

/* One half here, the other on a thread of its own. */
static void
both(void *(*run)(void *), job_t *here, job_t *there)
{
    pthread_t thread;
    int began = !pthread_create(&thread, NULL, run, there);

    run(here);
    if (began)
        pthread_join(thread, NULL);
    else
        run(there);
}

void
limits_copy(void *to, const void *from, int64_t bytes)
{
    if (bytes < ONE_THREAD_BYTES) {
        memcpy(to, from, (size_t)bytes);
        return;
    }
    int64_t half = bytes / 2;
    job_t here = {.to = to, .from = from, .n = half};
    job_t there = {.to = (char *)to + half, .from = (const char *)from + half, .n = bytes - half};

    both(copy_job, &here, &there);
}

double
limits_sum(const double *a, int64_t n)
{
    job_t here = {.a = a, .n = n / 2}, there = {.a = a + n / 2, .n = n - n / 2};

    both(sum_job, &here, &there);
    return here.sum + there.sum;
}

double
limits_fused(const double *a, const double *b, const double *c, int64_t n)
{
    int64_t half = n / 2;
    job_t here = {.a = a, .b = b, .c = c, .n = half};
    job_t there = {.a = a + half, .b = b + half, .c = c + half, .n = n - half};

    both(fused_job, &here, &there);
    return here.sum + there.sum;
}

int64_t
limits_choose(double *to, const double *a, const unsigned char *flags, int64_t n)
{
    int64_t half = n / 2;
    job_t here = {.to = to, .a = a, .from = flags, .n = half};
    job_t there = {.a = a + half, .from = flags + half, .n = n - half};

    both(count_job, &here, &there);
    there.to = to + (int64_t)here.sum;
    both(choose_job, &here, &there);
    return (int64_t)(here.sum + there.sum);
}

void
limits_take(double *to, const double *a, const int64_t *indices, int64_t n)
{
    int64_t half = n / 2;
    job_t here = {.to = to, .a = a, .from = indices, .n = half};
    job_t there = {.to = to + half, .a = a, .from = indices + half, .n = n - half};

    both(take_job, &here, &there);
}

/* A ring of slots for one writer and one reader; counts never wrap within a run. */
typedef struct ring {
    _Alignas(64) atomic_ulong written;
    _Alignas(64) atomic_ulong read;
    _Alignas(64) char slots[SLOTS][SLOT_BYTES];
} ring_t;

typedef struct bounce {
    ring_t there, back;
} bounce_t;

static bounce_t *bounce;
static pid_t child;

static int
put(ring_t *ring, const char *message)
{
    unsigned long at = atomic_load_explicit(&ring->written, memory_order_relaxed);

    if (at - atomic_load_explicit(&ring->read, memory_order_acquire) == SLOTS)
        return 0;
    memcpy(ring->slots[at % SLOTS], message, SLOT_BYTES);
    atomic_store_explicit(&ring->written, at + 1, memory_order_release);
    return 1;
}

static int
take(ring_t *ring, char *message)
{
    unsigned long at = atomic_load_explicit(&ring->read, memory_order_relaxed);

    if (at == atomic_load_explicit(&ring->written, memory_order_acquire))
        return 0;
    memcpy(message, ring->slots[at % SLOTS], SLOT_BYTES);
    atomic_store_explicit(&ring->read, at + 1, memory_order_release);
    return 1;
}

/* Between two looks: at first only a breath, later the CPU is left to whoever needs it. */
static void
breathe(int *spins)
{
    if (++*spins > SPINS)
        sched_yield();
#ifdef __SSE2__
    else
        _mm_pause();
#endif
}

static void
send_all_back(void)
{
    char message[SLOT_BYTES];

    for (int spins = 0;;) {
        if (!take(&bounce->there, message)) {
            breathe(&spins);
            continue;
        }
        spins = 0;
        while (!put(&bounce->back, message))
            breathe(&spins);
    }
}

int
limits_calls_start(void)
{
    bounce = mmap(NULL, sizeof *bounce, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (bounce == MAP_FAILED)
        return -1;
    child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        send_all_back();
    }
    return child < 0 ? -1 : 0;
}

int
limits_calls(int64_t n)
{
    char message[SLOT_BYTES] = {0}, answer[SLOT_BYTES];
    time_t began = time(NULL);
    int64_t sent = 0, back = 0;

    for (int spins = 0; back < n;) {
        int moved = sent < n && put(&bounce->there, message);

        sent += moved;
        while (take(&bounce->back, answer)) {
            back++;
            moved = 1;
        }
        if (moved)
            spins = 0;
        else
            breathe(&spins);
        if (spins > SPINS && time(NULL) - began > DEADLINE_S)
            return -1;
    }
    return 0;
}

void
limits_calls_stop(void)
{
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    child = 0;
    if (bounce)
        munmap(bounce, sizeof *bounce);
    bounce = NULL;
}
