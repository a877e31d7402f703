/* Layouts: every element of a wanted region comes from exactly one block, at its place. */
#include "proxy/layout.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Engines are only compared here, never looked into. */
static struct engine_link *
engine(int i)
{
    return (struct engine_link *)(uintptr_t)(4096 + 64 * i);
}

static void
make_engines(struct engine_link **ret, int n)
{
    for (int i = 0; i < n; i++)
        ret[i] = engine(i);
}

static void
split_of_extent_over_engines_is_array_split(void **state)
{
    struct engine_link *engines[8];
    (void)state;
    make_engines(engines, 8);
    for (int64_t extent = 0; extent < 40; extent++)
        for (int n = 1; n <= 8; n++) {
            layout_t layout;
            err_t err;
            int64_t next = 0;
            check_ok(layout_split(&layout, 1, extent, 0, engines, n, &err), err);
            int want = extent < n ? (extent < 1 ? 1 : (int)extent) : n;
            assert_int_equal(layout.n, want);
            assert_int_equal(layout.axis, want == 1 ? -1 : 1);
            for (int i = 0; i < layout.n && layout.axis >= 0; i++) {
                assert_int_equal(layout.cuts[i].start, next);
                assert_int_equal(layout.cuts[i].length, extent / want + (i < extent % want));
                assert_ptr_equal(layout.engines[i], engine(i));
                next += layout.cuts[i].length;
            }
            assert_int_equal(next, layout.axis >= 0 ? extent : 0);
            layout_release(&layout);
        }
}

static void
split_into_blocks_goes_round_robin(void **state)
{
    struct engine_link *engines[3];
    layout_t layout;
    err_t err;
    (void)state;
    make_engines(engines, 3);
    check_ok(layout_split(&layout, 0, 10, 3, engines, 3, &err), err);
    assert_int_equal(layout.n, 4);
    const int64_t lengths[] = {3, 3, 3, 1};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(layout.cuts[i].start, 3 * i);
        assert_int_equal(layout.cuts[i].length, lengths[i]);
        assert_ptr_equal(layout.engines[i], engine(i % 3));
    }
    layout_release(&layout);
    check_fails(layout_split(&layout, 0, 10, -1, engines, 3, &err), FH_INVALID_ARGUMENT, err);
    check_fails(layout_split(&layout, 0, (int64_t)LAYOUT_MAX_PARTS + 1, 1, engines, 3, &err), FH_INVALID_ARGUMENT, err);
}

static int
random_below(uint64_t *seed, int n)
{
    return (int)(check_random(seed) % (uint64_t)n);
}

/* Cut extent into n parts, none empty. */
static void
random_cuts(uint64_t *seed, int64_t extent, int n, piece_t *ret)
{
    int64_t start = 0;
    for (int i = 0; i < n; i++) {
        int64_t left = extent - start - (n - 1 - i);
        ret[i] = (piece_t){start, i == n - 1 ? left : 1 + random_below(seed, (int)left)};
        start += ret[i].length;
    }
}

/* Mark what each block brings to the region; all must be marked once, with the right element. */
static void
check_region(const piece_t *cuts, int n, int axis, int want_axis, piece_t want, const int64_t extent[2])
{
    int64_t shape[2] = {extent[0], extent[1]};
    int first, count;
    int marks[16][16] = {{0}};
    if (want_axis >= 0)
        shape[want_axis] = want.length;
    layout_blocks(cuts, n, axis, want_axis, want, &first, &count);
    for (int part = first; part < first + count; part++) {
        block_t block = layout_block(cuts, axis, want_axis, want, part);
        int64_t from[2] = {0, 0}, size[2] = {extent[0], extent[1]}, to[2] = {0, 0};
        if (want_axis >= 0) {
            from[want_axis] = want.start;
            size[want_axis] = want.length;
        }
        if (axis >= 0) {
            from[axis] = cuts[part].start + block.range.start;
            size[axis] = block.range.length;
            to[axis] = block.target;
        }
        assert_int_equal(block.part, part);
        for (int64_t i = 0; i < size[0]; i++)
            for (int64_t k = 0; k < size[1]; k++) {
                assert_true(to[0] + i < shape[0] && to[1] + k < shape[1]);
                /* The element that belongs here, by its place in the whole array. */
                assert_int_equal(from[0] + i, to[0] + i + (want_axis == 0 ? want.start : 0));
                assert_int_equal(from[1] + k, to[1] + k + (want_axis == 1 ? want.start : 0));
                marks[to[0] + i][to[1] + k]++;
            }
    }
    for (int64_t i = 0; i < shape[0]; i++)
        for (int64_t k = 0; k < shape[1]; k++)
            assert_int_equal(marks[i][k], 1);
}

static void
blocks_of_random_regions_cover_them_once(void **state)
{
    uint64_t seed = check_seed();
    (void)state;
    for (int round = 0; round < 20000; round++) {
        int64_t extent[2] = {1 + random_below(&seed, 15), 1 + random_below(&seed, 15)};
        int axis = random_below(&seed, 3) - 1, want_axis = random_below(&seed, 3) - 1, n = 1;
        piece_t cuts[16] = {{0, 0}}, want = {0, 0};
        if (axis >= 0) {
            n = 1 + random_below(&seed, (int)extent[axis]);
            random_cuts(&seed, extent[axis], n, cuts);
        }
        if (want_axis >= 0) {
            want.start = random_below(&seed, (int)extent[want_axis]);
            want.length = random_below(&seed, (int)(extent[want_axis] - want.start) + 1);
        }
        check_region(cuts, n, axis, want_axis, want, extent);
    }
}

static void
layouts_that_differ_in_engine_or_cut_are_not_equal(void **state)
{
    struct engine_link *engines[4];
    layout_t a, b;
    err_t err;
    (void)state;
    make_engines(engines, 4);
    check_ok(layout_split(&a, 0, 12, 0, engines, 3, &err), err);
    check_ok(layout_split(&b, 0, 12, 0, engines, 3, &err), err);
    assert_true(layout_equal(&a, &b));
    b.engines[1] = engine(3);
    assert_false(layout_equal(&a, &b));
    b.engines[1] = a.engines[1];
    b.cuts[0].length--;
    assert_false(layout_equal(&a, &b));
    layout_release(&b);
    check_ok(layout_split(&b, 1, 12, 0, engines, 3, &err), err);
    assert_false(layout_equal(&a, &b));
    layout_release(&a);
    layout_release(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(split_of_extent_over_engines_is_array_split),
        cmocka_unit_test(split_into_blocks_goes_round_robin),
        cmocka_unit_test(blocks_of_random_regions_cover_them_once),
        cmocka_unit_test(layouts_that_differ_in_engine_or_cut_are_not_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
