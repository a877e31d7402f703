#include "base/oid.h"

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>

enum { BATCH = 32 };

const oid_t OID_NONE = {{0}};

static atomic_uint fork_generation = 1;
static pthread_once_t fork_watch = PTHREAD_ONCE_INIT;

static _Thread_local struct {
    unsigned generation; /* of the process that drew the batch; 0: none drawn */
    int left;
    oid_t ids[BATCH];
} batch;

static void
forked(void)
{
    atomic_fetch_add_explicit(&fork_generation, 1, memory_order_relaxed);
}

static void
watch_forks(void)
{
    (void)pthread_atfork(NULL, NULL, forked);
}

static uint64_t
mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* Where getrandom is forbidden (a sandbox): unlike every other id, but guessable by someone who sees this process. */
static void
fill_without_kernel(void)
{
    static atomic_ullong counter;
    uint64_t seed[2] = {0, 0};
    const unsigned char *boot = (const unsigned char *)getauxval(AT_RANDOM);
    if (boot)
        memcpy(seed, boot, sizeof seed);
    for (int i = 0; i < BATCH; i++) {
        uint64_t turn = atomic_fetch_add(&counter, 1) * 0x9e3779b97f4a7c15u;
        uint64_t words[2] = {mix(seed[0] + turn + (uint64_t)clock_now_ns()), mix(seed[1] ^ (turn + 1))};
        memcpy(batch.ids[i].bytes, words, sizeof words);
    }
}

static void
refill(void)
{
    (void)pthread_once(&fork_watch, watch_forks);
    size_t have = 0;
    for (int tries = 0; have < sizeof batch.ids && tries < 1000; tries++) {
        ssize_t got = getrandom((unsigned char *)batch.ids + have, sizeof batch.ids - have, 0);
        if (got > 0)
            have += (size_t)got;
        else if (errno != EINTR)
            break;
    }
    if (have < sizeof batch.ids)
        fill_without_kernel();
    batch.left = BATCH;
    batch.generation = atomic_load_explicit(&fork_generation, memory_order_relaxed);
}

oid_t
oid_new(void)
{
    oid_t id;
    do {
        if (batch.left == 0 || batch.generation != atomic_load_explicit(&fork_generation, memory_order_relaxed))
            refill();
        id = batch.ids[--batch.left];
        memset(&batch.ids[batch.left], 0, sizeof id); /* no id stays behind where a later bug could find it */
    } while (oid_is_none(id));
    return id;
}

bool
oid_equal(oid_t a, oid_t b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

bool
oid_is_none(oid_t id)
{
    return oid_equal(id, OID_NONE);
}

uint64_t
oid_hash(oid_t id)
{
    uint64_t words[2];
    memcpy(words, id.bytes, sizeof words);
    return mix(words[0] ^ mix(words[1])); /* ids of hostile peers need not be random */
}

char *
oid_format(oid_t id, char text[OID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof id.bytes; i++) {
        text[2 * i] = digits[id.bytes[i] >> 4];
        text[2 * i + 1] = digits[id.bytes[i] & 15];
    }
    text[OID_TEXT_SIZE - 1] = '\0';
    return text;
}

/* Of a hexadecimal digit, plus one; 0: it is none.  A table, since the digits of ids cannot be guessed by a CPU. */
static const uint8_t DIGITS[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

bool
oid_parse(const char *text, size_t length, oid_t *ret)
{
    if (!text || length != OID_TEXT_SIZE - 1)
        return false;
    oid_t id;
    for (size_t i = 0; i < sizeof id.bytes; i++) {
        uint8_t high = DIGITS[(uint8_t)text[2 * i]], low = DIGITS[(uint8_t)text[2 * i + 1]];

        if (!high || !low)
            return false;
        id.bytes[i] = (uint8_t)((high - 1) << 4 | (low - 1));
    }
    *ret = id;
    return true;
}
