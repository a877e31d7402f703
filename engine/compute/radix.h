/* engine/compute/radix.h - sorting unsigned keys by their digits, the most significant first, stably.
 *
 * MSD radix sort (McIlroy, Bostic, McIlroy: Engineering Radix Sort, 1993), out of place, ended by insertion sort.  With
 * a crew the large ranges are counted and scattered by all threads, and what comes out is shared out. The result does
 * not depend on the number of threads. */
#ifndef FH_ENGINE_COMPUTE_RADIX_H
#define FH_ENGINE_COMPUTE_RADIX_H

#include "engine/compute/compute.h"

/* A key and what goes with it. */
typedef struct {
    uint64_t key;
    int64_t index;
} radix_pair_t;

/* Sort a[0..n) in place, by its key; b has room for as many elements, its contents are lost. */
void radix_u8_sort_alone(uint8_t *a, uint8_t *b, int64_t n);
void radix_u16_sort_alone(uint16_t *a, uint16_t *b, int64_t n);
void radix_u32_sort_alone(uint32_t *a, uint32_t *b, int64_t n);
void radix_u64_sort_alone(uint64_t *a, uint64_t *b, int64_t n);
void radix_pair_sort_alone(radix_pair_t *a, radix_pair_t *b, int64_t n);
/* The same by all threads of the crew.  NO_MEMORY, with a as it was. */
int radix_u8_sort(crew_t *crew, uint8_t *a, uint8_t *b, int64_t n, err_t *err);
int radix_u16_sort(crew_t *crew, uint16_t *a, uint16_t *b, int64_t n, err_t *err);
int radix_u32_sort(crew_t *crew, uint32_t *a, uint32_t *b, int64_t n, err_t *err);
int radix_u64_sort(crew_t *crew, uint64_t *a, uint64_t *b, int64_t n, err_t *err);
int radix_pair_sort(crew_t *crew, radix_pair_t *a, radix_pair_t *b, int64_t n, err_t *err);

#endif
