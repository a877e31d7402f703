/* codecs/philox.h - the counter-based random numbers of Salmon, Moraes, Dror and Shaw (2011), Philox 4x64 with ten
 * rounds, and the state that NumPy's Philox has: numbers from the same state are NumPy's numbers.
 * Since a block of four numbers is a function of its counter, any place of a stream is reached at once.
 * Pure; one state belongs to one thread at a time. */
#ifndef FH_CODECS_PHILOX_H
#define FH_CODECS_PHILOX_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t key[2];
    uint64_t counter[4]; /* of the block that buffer holds, lowest word first */
    uint64_t buffer[4];
    int position;  /* the next number in buffer; 4: of the next block */
    bool has_half; /* the upper half of a number whose lower half was taken waits in half */
    uint32_t half;
} philox_t;

/* The block of a counter. */
static inline void
philox_block(const uint64_t key[2], const uint64_t counter[4], uint64_t ret[4])
{
    __extension__ typedef unsigned __int128 wide_t;
    uint64_t a = counter[0], b = counter[1], c = counter[2], d = counter[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        wide_t first = (wide_t)a * UINT64_C(0xD2E7470EE14C6C93), second = (wide_t)c * UINT64_C(0xCA5A826395121157);
        a = (uint64_t)(second >> 64) ^ b ^ k0;
        b = (uint64_t)second;
        c = (uint64_t)(first >> 64) ^ d ^ k1;
        d = (uint64_t)first;
        k0 += UINT64_C(0x9E3779B97F4A7C15);
        k1 += UINT64_C(0xBB67AE8584CAA73B);
    }
    ret[0] = a;
    ret[1] = b;
    ret[2] = c;
    ret[3] = d;
}

/* A state of that key and counter with nothing in its buffer. */
void philox_init(philox_t *self, const uint64_t key[2], const uint64_t counter[4]);
/* The same place as a state that NumPy has: position below 4: the buffer is that of the counter. */
void philox_restore(philox_t *self, const uint64_t key[2], const uint64_t counter[4], int position);
uint64_t philox_next(philox_t *self);
/* Half a number, the lower one first. */
uint32_t philox_next_half(philox_t *self);
/* As if so many numbers (halves) had been taken. */
void philox_skip(philox_t *self, uint64_t numbers);
void philox_skip_halves(philox_t *self, uint64_t halves);

#endif
