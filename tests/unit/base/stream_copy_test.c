/* base/stream_copy: the same bytes as memcpy, and not one more. */
#include "base/stream_copy.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENTS = 64, SMALL = 300, GUARD = 64, MIB = 1024 * 1024 };

static void
fill(unsigned char *bytes, size_t size, uint64_t *state)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)check_random(state);
}

/* Copy into a wanted image with memcpy and into a real one, guards on both sides, and compare them whole. */
static void
compare(unsigned char *wanted, unsigned char *got, size_t room, size_t offset, const unsigned char *from, size_t size)
{
    memset(wanted, 0xa5, room);
    memset(got, 0xa5, room);
    if (size > 0)
        memcpy(wanted + offset, from, size);
    if (offset % 2) {
        stream_copy(got + offset, from, size);
    } else {
        stream_copy_part(got + offset, from, size / 3);
        stream_copy_part(got + offset + size / 3, from + size / 3, size - size / 3);
        stream_copy_settle();
    }
    if (memcmp(wanted, got, room))
        fail_msg("%zu bytes to offset %zu from %p differ", size, offset, (const void *)from);
}

static void
every_small_size_and_alignment_is_as_memcpy(void **state)
{
    enum { ROOM = GUARD + ALIGNMENTS + SMALL + GUARD };
    static _Alignas(64) unsigned char from[ALIGNMENTS + SMALL], wanted[ROOM], got[ROOM];
    uint64_t seed = check_seed();

    (void)state;
    fill(from, sizeof from, &seed);
    for (size_t to_shift = 0; to_shift < ALIGNMENTS; to_shift++)
        for (size_t size = 0; size <= SMALL; size++)
            compare(wanted, got, sizeof got, GUARD + to_shift, from + (to_shift * 7 + size) % ALIGNMENTS, size);
    for (size_t from_shift = 0; from_shift < ALIGNMENTS; from_shift++)
        for (size_t size = 0; size <= SMALL; size++)
            compare(wanted, got, sizeof got, GUARD + 3, from + from_shift, size);
}

static void
large_pieces_are_as_memcpy(void **state)
{
    static const struct {
        size_t size, to, from;
    } CASES[] = {{MIB, 0, 0}, {MIB - 1, 1, 0}, {2 * MIB + 63, 63, 17}, {3 * MIB + 129, 32, 1}};
    enum { ROOM = 4 * MIB };
    unsigned char *from = malloc(ROOM), *wanted = malloc(ROOM), *got = malloc(ROOM);
    uint64_t seed = check_seed();

    (void)state;
    assert_non_null(from);
    assert_non_null(wanted);
    assert_non_null(got);
    fill(from, ROOM, &seed);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        compare(wanted, got, ROOM, GUARD + CASES[i].to, from + CASES[i].from, CASES[i].size);
    free(from);
    free(wanted);
    free(got);
}

static void
rows_are_as_so_many_copies(void **state)
{
    enum { ROWS = 9, STEP = 1500, ROOM = 2 * ROWS * STEP };
    static const struct {
        int64_t to_step, from_step;
        size_t row;
    } CASES[] = {{STEP, STEP, STEP}, {1100, STEP, 1024}, {-STEP, 1101, 1101}, {STEP, 0, 777}, {64, -64, 64}};
    static unsigned char from[ROOM], wanted[ROOM], got[ROOM];
    uint64_t seed = check_seed();

    (void)state;
    fill(from, ROOM, &seed);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        memset(wanted, 0x5a, ROOM);
        memset(got, 0x5a, ROOM);
        for (int64_t row = 0; row < ROWS; row++)
            memcpy(wanted + ROOM / 2 + row * CASES[i].to_step, from + ROOM / 2 + row * CASES[i].from_step,
                   CASES[i].row);
        stream_copy_rows(got + ROOM / 2, CASES[i].to_step, from + ROOM / 2, CASES[i].from_step, CASES[i].row, ROWS);
        assert_memory_equal(got, wanted, ROOM);
        stream_copy_rows(got, CASES[i].to_step, from, CASES[i].from_step, CASES[i].row, 0);
        stream_copy_rows(got, CASES[i].to_step, from, CASES[i].from_step, 0, ROWS);
        assert_memory_equal(got, wanted, ROOM);
    }
}

static void
nothing_may_come_from_nowhere(void **state)
{
    (void)state;
    stream_copy(NULL, NULL, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_small_size_and_alignment_is_as_memcpy),
        cmocka_unit_test(large_pieces_are_as_memcpy),
        cmocka_unit_test(rows_are_as_so_many_copies),
        cmocka_unit_test(nothing_may_come_from_nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
