#include "codecs/piece.h"
#include "tests/support/check.h"

static int64_t
below(uint64_t *random, int64_t limit)
{
    return (int64_t)(check_random(random) % (uint64_t)limit);
}

static void
piece_split_is_even_and_complete(void **state)
{
    (void)state;
    piece_t pieces[40];
    for (int64_t extent = 0; extent < 100; extent++)
        for (int n = 1; n <= 40; n++) {
            int64_t at = 0;
            piece_split(extent, n, pieces);
            for (int i = 0; i < n; i++) {
                assert_int_equal(pieces[i].start, at);
                assert_int_equal(pieces[i].length, extent / n + (i < extent % n));
                at += pieces[i].length;
            }
            assert_int_equal(at, extent);
        }
}

static void
piece_block_covers_the_extent(void **state)
{
    (void)state;
    err_t err;
    int64_t count;
    for (int64_t extent = 0; extent < 50; extent++)
        for (int64_t size = 1; size < 60; size++) {
            int64_t at = 0;
            check_ok(piece_count(extent, size, &count, &err), err);
            assert_true(count >= 1);
            for (int64_t i = 0; i < count; i++) {
                piece_t piece = piece_block(extent, size, i);
                assert_int_equal(piece.start, at);
                assert_true(i + 1 == count ? piece.length <= size : piece.length == size);
                at += piece.length;
            }
            assert_int_equal(at, extent);
        }
    check_ok(piece_count(INT64_MAX, 1, &count, &err), err);
    assert_true(count == INT64_MAX);
    check_fails(piece_count(5, 0, &count, &err), FH_INVALID_ARGUMENT, err);
    check_fails(piece_count(5, -3, &count, &err), FH_INVALID_ARGUMENT, err);
}

static void
piece_overlap_is_what_both_hold(void **state)
{
    (void)state;
    for (int64_t a = 0; a < 6; a++)
        for (int64_t m = 0; m < 5; m++)
            for (int64_t b = 0; b < 6; b++)
                for (int64_t n = 0; n < 5; n++) {
                    piece_t both = piece_overlap((piece_t){a, m}, (piece_t){b, n});
                    int64_t count = 0;
                    for (int64_t i = 0; i < 12; i++) {
                        bool in = i >= a && i < a + m && i >= b && i < b + n;
                        count += in;
                        if (in)
                            assert_true(i >= both.start && i < both.start + both.length);
                    }
                    assert_int_equal(both.length, count);
                }
}

static void
piece_slice_of_every_range_gives_its_elements(void **state)
{
    (void)state;
    uint64_t random = check_seed();
    for (int round = 0; round < 20000; round++) {
        int64_t extent = below(&random, 30) + 1, step = below(&random, 5) + 1, start = below(&random, extent);
        step = below(&random, 2) ? -step : step;
        int64_t most = step > 0 ? (extent - 1 - start) / step + 1 : start / -step + 1, count = below(&random, most + 1);
        int n = (int)below(&random, 6) + 1;
        piece_t pieces[6];
        piece_split(extent, n, pieces);
        int64_t total = 0;
        for (int i = 0; i < n; i++) {
            int64_t first, here, offset;
            piece_slice(pieces[i], start, step, count, &first, &here, &offset);
            total += here;
            for (int64_t k = 0; k < here; k++) {
                int64_t local = first + k * step;
                assert_true(local >= 0 && local < pieces[i].length);
                assert_int_equal(pieces[i].start + local, start + (offset + k) * step);
            }
        }
        assert_int_equal(total, count);
    }
}

static void
piece_slice_of_extremes_does_not_overflow(void **state)
{
    (void)state;
    int64_t first, count, offset;
    piece_slice((piece_t){0, INT64_MAX}, 5, INT64_MIN, 1, &first, &count, &offset);
    assert_true(first == 5 && count == 1 && offset == 0);
    piece_slice((piece_t){10, 5}, 0, INT64_MAX, 1, &first, &count, &offset);
    assert_int_equal(count, 0);
}

static void
piece_find_finds_the_piece_that_holds_it(void **state)
{
    (void)state;
    uint64_t random = check_seed();
    for (int round = 0; round < 500; round++) {
        piece_t pieces[20];
        int n = (int)below(&random, 20) + 1;
        int64_t at = 0;
        for (int i = 0; i < n; i++) {
            pieces[i] = (piece_t){at, below(&random, 4)};
            at += pieces[i].length;
        }
        for (int64_t position = 0; position < at; position++) {
            piece_t found = pieces[piece_find(pieces, n, position)];
            assert_true(position >= found.start && position < found.start + found.length);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(piece_split_is_even_and_complete),
        cmocka_unit_test(piece_block_covers_the_extent),
        cmocka_unit_test(piece_overlap_is_what_both_hold),
        cmocka_unit_test(piece_slice_of_every_range_gives_its_elements),
        cmocka_unit_test(piece_slice_of_extremes_does_not_overflow),
        cmocka_unit_test(piece_find_finds_the_piece_that_holds_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
