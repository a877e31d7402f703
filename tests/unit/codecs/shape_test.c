#include "codecs/shape.h"
#include "tests/support/check.h"

#include <string.h>

enum { ROUNDS = 3000 };

static shape_t
shape_of(int ndim, const int64_t *extent)
{
    shape_t shape = {.ndim = ndim};
    for (int i = 0; i < ndim; i++)
        shape.extent[i] = extent[i];
    return shape;
}

#define SHAPE(...) shape_of((int)(sizeof(int64_t[]){__VA_ARGS__} / sizeof(int64_t)), (int64_t[]){__VA_ARGS__})

static int64_t
below(uint64_t *random, int64_t limit)
{
    return (int64_t)(check_random(random) % (uint64_t)limit);
}

static shape_t
random_shape(uint64_t *random, int max_dims, int64_t max_extent)
{
    shape_t shape = {.ndim = (int)below(random, max_dims + 1)};
    for (int i = 0; i < shape.ndim; i++)
        shape.extent[i] = below(random, max_extent + 1);
    return shape;
}

/* Where the element at these coordinates lies, in bytes from base. */
static int64_t
place(const nd_t *nd, const int64_t *at, const char *base)
{
    int64_t offset = nd->data - base;
    for (int i = 0; i < nd->shape.ndim; i++)
        offset += at[i] * nd->stride[i];
    return offset;
}

/* The next coordinates in C order; false after the last. */
static bool
advance(const shape_t *shape, int64_t *at)
{
    for (int i = shape->ndim - 1; i >= 0; i--) {
        if (++at[i] < shape->extent[i])
            return true;
        at[i] = 0;
    }
    return false;
}

static void
shape_count_of_overflow_and_negative_is_minus_one(void **state)
{
    (void)state;
    shape_t huge = SHAPE(INT64_C(1) << 32, INT64_C(1) << 32), negative = SHAPE(3, -1),
            none = SHAPE(INT64_C(1) << 62, 4, 0);
    shape_t large = SHAPE(INT64_C(1) << 61), scalar = {.ndim = 0};
    assert_int_equal(shape_count(&huge), -1);
    assert_int_equal(shape_count(&negative), -1);
    assert_int_equal(shape_count(&none), 0);
    assert_int_equal(shape_count(&scalar), 1);
    assert_true(shape_count(&large) == INT64_C(1) << 61);
    assert_int_equal(shape_bytes(&large, DTYPE_FLOAT64), -1);
    assert_int_equal(shape_bytes(&scalar, DTYPE_COMPLEX128), 16);
}

static void
shape_format_is_a_tuple_and_never_too_long(void **state)
{
    (void)state;
    char text[64];
    shape_t scalar = {.ndim = 0}, one = SHAPE(3), two = SHAPE(3, 4), many = {.ndim = SHAPE_MAX_DIMS};
    assert_string_equal(shape_format(&scalar, text, sizeof text), "()");
    assert_string_equal(shape_format(&one, text, sizeof text), "(3,)");
    assert_string_equal(shape_format(&two, text, sizeof text), "(3, 4)");
    for (int size = 1; size < 64; size++) {
        memset(text, '#', sizeof text);
        shape_format(&many, text, size);
        assert_int_equal(strlen(text), size - 1 < 3 * SHAPE_MAX_DIMS ? size - 1 : 3 * SHAPE_MAX_DIMS);
    }
}

static void
shape_broadcast_fits_or_names_the_shapes(void **state)
{
    (void)state;
    err_t err;
    shape_t a = SHAPE(3, 1), b = SHAPE(4), c = SHAPE(5, 1, 1), bad = SHAPE(2), none = SHAPE(0), ret;
    shape_t wanted = SHAPE(5, 3, 4), empty = SHAPE(3, 0);
    check_ok(shape_broadcast((const shape_t *[]){&a, &b, &c}, 3, &ret, &err), err);
    assert_true(shape_equal(&ret, &wanted));
    check_ok(shape_broadcast((const shape_t *[]){&a, &none}, 2, &ret, &err), err);
    assert_true(shape_equal(&ret, &empty));
    check_fails(shape_broadcast((const shape_t *[]){&a, &b, &bad}, 3, &ret, &err), FH_INVALID_ARGUMENT, err);
    check_contains(err.text, "(4,)");
    check_contains(err.text, "(2,)");
    check_ok(shape_broadcast(NULL, 0, &ret, &err), err);
    assert_int_equal(ret.ndim, 0);
}

static void
nd_broadcast_repeats_elements(void **state)
{
    (void)state;
    err_t err;
    shape_t own = SHAPE(3, 1), wide = SHAPE(2, 3, 4), bad = SHAPE(3, 2, 4), fewer = SHAPE(3);
    double data[3];
    nd_t nd, ret;
    nd_init(&nd, data, DTYPE_FLOAT64, &own);
    check_ok(nd_broadcast(&nd, &wide, &ret, &err), err);
    int64_t at[3] = {0};
    do
        assert_int_equal(place(&ret, at, (char *)data), at[1] * 8);
    while (advance(&wide, at));
    check_fails(nd_broadcast(&nd, &bad, &ret, &err), FH_INVALID_ARGUMENT, err);
    check_fails(nd_broadcast(&nd, &fewer, &ret, &err), FH_INVALID_ARGUMENT, err);
}

static void
nd_contiguity_looks_past_single_extents(void **state)
{
    (void)state;
    shape_t shape = SHAPE(3, 1, 4), none = SHAPE(0, 5);
    nd_t nd, turned;
    err_t err;
    nd_init(&nd, NULL, DTYPE_INT16, &shape);
    nd.stride[1] = 12345;
    assert_true(nd_is_c_contiguous(&nd));
    assert_false(nd_is_f_contiguous(&nd));
    check_ok(nd_transpose(&nd, NULL, &turned, &err), err);
    assert_true(nd_is_f_contiguous(&turned));
    assert_false(nd_is_c_contiguous(&turned));
    nd_init(&nd, NULL, DTYPE_INT16, &none);
    nd.stride[1] = 7;
    assert_true(nd_is_c_contiguous(&nd) && nd_is_f_contiguous(&nd));
}

static void
nd_extent_covers_every_element(void **state)
{
    (void)state;
    uint64_t random = check_seed();
    for (int round = 0; round < ROUNDS; round++) {
        shape_t shape = random_shape(&random, 4, 4);
        nd_t nd;
        nd_init(&nd, NULL, DTYPE_INT32, &shape);
        int64_t low = 0, high = 0, got_low, got_high, at[SHAPE_MAX_DIMS] = {0};
        for (int i = 0; i < shape.ndim; i++)
            nd.stride[i] = below(&random, 41) - 20;
        bool begun = false;
        if (shape_count(&shape) > 0)
            do {
                int64_t here = place(&nd, at, NULL);
                low = !begun || here < low ? here : low;
                high = !begun || here + 4 > high ? here + 4 : high;
                begun = true;
            } while (advance(&shape, at));
        assert_int_equal(nd_extent(&nd, &got_low, &got_high), FH_OK);
        assert_int_equal(got_low, low);
        assert_int_equal(got_high, high);
    }
}

static void
nd_extent_of_absurd_strides_overflows(void **state)
{
    (void)state;
    shape_t shape = SHAPE(3, 3), far = SHAPE(INT64_MAX);
    nd_t nd;
    int64_t low, high;
    nd_init(&nd, NULL, DTYPE_INT8, &shape);
    nd.stride[0] = INT64_MAX;
    assert_int_equal(nd_extent(&nd, &low, &high), FH_OVERFLOW);
    nd_init(&nd, NULL, DTYPE_INT8, &far);
    nd.stride[0] = INT64_MIN;
    assert_int_equal(nd_extent(&nd, &low, &high), FH_OVERFLOW);
    shape.extent[0] = -1;
    nd_init(&nd, NULL, DTYPE_INT8, &shape);
    assert_int_equal(nd_extent(&nd, &low, &high), FH_INVALID_ARGUMENT);
}

static void
nd_overlap_sees_shared_bytes(void **state)
{
    (void)state;
    char data[64];
    shape_t four = SHAPE(4), none = SHAPE(0);
    nd_t a, b;
    nd_init(&a, data, DTYPE_INT32, &four);
    nd_init(&b, data + 16, DTYPE_INT32, &four);
    assert_false(nd_overlap(&a, &b));
    b.data = data + 15;
    assert_true(nd_overlap(&a, &b));
    b.data = data + 28;
    b.stride[0] = -4;
    assert_false(nd_overlap(&a, &b));
    b.data = data + 24;
    assert_true(nd_overlap(&a, &b));
    nd_init(&b, data, DTYPE_INT32, &none);
    assert_false(nd_overlap(&a, &b));
}

/* What a slice takes, by counting as the language defines it. */
static int64_t
count_slice(const index_item_t *item, int64_t extent, int64_t *positions)
{
    int64_t step = item->has_step ? item->step : 1, count = 0;
    int64_t start = item->start < 0 ? item->start + extent : item->start,
            stop = item->stop < 0 ? item->stop + extent : item->stop;
    if (!item->has_start)
        start = step > 0 ? 0 : extent - 1;
    if (!item->has_stop)
        stop = step > 0 ? extent : -1;
    else if (item->stop < -extent)
        stop = -1;
    if (step > 0 && start < 0)
        start = 0;
    if (step < 0 && start >= extent)
        start = extent - 1;
    for (int64_t i = start; step > 0 ? i < stop : i > stop; i += step)
        if (i >= 0 && i < extent)
            positions[count++] = i;
    return count;
}

static void
index_normalise_takes_what_python_takes(void **state)
{
    (void)state;
    err_t err;
    int64_t positions[16], start, step, count;
    for (int64_t extent = 0; extent <= 5; extent++)
        for (int flags = 0; flags < 8; flags++)
            for (int64_t a = -7; a <= 7; a++)
                for (int64_t b = -7; b <= 7; b++)
                    for (int64_t c = -3; c <= 3; c++) {
                        if (c == 0)
                            continue;
                        index_item_t item = {INDEX_SLICE, a, b, c, flags & 1, flags & 2, flags & 4};
                        int64_t wanted = count_slice(&item, extent, positions);
                        check_ok(index_normalise(&item, extent, &start, &step, &count, &err), err);
                        assert_int_equal(count, wanted);
                        for (int64_t i = 0; i < count; i++)
                            assert_int_equal(start + i * step, positions[i]);
                    }
}

static void
index_normalise_of_extremes_does_not_overflow(void **state)
{
    (void)state;
    err_t err;
    int64_t start, step, count;
    index_item_t back = {INDEX_SLICE, INT64_MAX, INT64_MIN, INT64_MIN, true, true, true};
    check_ok(index_normalise(&back, INT64_MAX, &start, &step, &count, &err), err);
    assert_int_equal(count, 1);
    index_item_t all = {INDEX_SLICE, INT64_MIN, INT64_MAX, 1, true, true, true};
    check_ok(index_normalise(&all, INT64_MAX, &start, &step, &count, &err), err);
    assert_true(count == INT64_MAX && start == 0);
    index_item_t none = {INDEX_SLICE, 0, 0, 0, false, false, true};
    check_fails(index_normalise(&none, 5, &start, &step, &count, &err), FH_INVALID_ARGUMENT, err);
}

static index_item_t
random_item(uint64_t *random, int64_t extent)
{
    index_item_t item = {.kind = INDEX_SLICE};
    if (extent > 0 && below(random, 3) == 0) {
        item.kind = INDEX_INT;
        item.start = below(random, 2 * extent) - extent;
        return item;
    }
    item.has_start = below(random, 2);
    item.has_stop = below(random, 2);
    item.has_step = below(random, 2);
    item.start = below(random, 15) - 7;
    item.stop = below(random, 15) - 7;
    item.step = below(random, 3) + 1;
    if (below(random, 2))
        item.step = -item.step;
    return item;
}

/* Every element of a random view is checked against the positions that its items name. */
static void
nd_index_of_random_items_finds_the_elements(void **state)
{
    (void)state;
    uint64_t random = check_seed();
    err_t err;
    for (int round = 0; round < ROUNDS; round++) {
        shape_t shape = random_shape(&random, 4, 5);
        nd_t nd, ret;
        char *base = NULL;
        nd_init(&nd, base, DTYPE_INT64, &shape);
        index_item_t items[12];
        int nitems = 0, used = (int)below(&random, shape.ndim + 1), axis = 0, source[SHAPE_MAX_DIMS];
        int ellipsis = below(&random, 2) ? (int)below(&random, used + 1) : -1;
        int from[SHAPE_MAX_DIMS]; /* item of each axis, or -1 */
        for (int i = 0; i < shape.ndim; i++)
            from[i] = -1;
        for (int i = 0; i <= used; i++) {
            if (i == ellipsis) {
                items[nitems++] = (index_item_t){.kind = INDEX_ELLIPSIS};
                axis += shape.ndim - used;
            }
            if (below(&random, 4) == 0)
                items[nitems++] = (index_item_t){.kind = INDEX_NEWAXIS};
            if (i < used) {
                from[axis] = nitems;
                items[nitems++] = random_item(&random, shape.extent[axis++]);
            }
        }
        check_ok(nd_index(&nd, items, nitems, &ret, source, &err), err);
        int64_t at[SHAPE_MAX_DIMS] = {0};
        if (shape_count(&ret.shape) == 0)
            continue;
        do {
            int64_t position[SHAPE_MAX_DIMS] = {0}, list[16];
            for (int i = 0; i < ret.shape.ndim; i++)
                if (source[i] >= 0)
                    position[source[i]] = at[i];
            for (int i = 0; i < shape.ndim; i++) {
                const index_item_t *item = from[i] >= 0 ? &items[from[i]] : NULL;
                if (item != NULL && item->kind == INDEX_INT)
                    position[i] = item->start < 0 ? item->start + shape.extent[i] : item->start;
                else if (item != NULL && count_slice(item, shape.extent[i], list) > position[i])
                    position[i] = list[position[i]];
            }
            assert_int_equal(place(&ret, at, base), place(&nd, position, base));
        } while (advance(&ret.shape, at));
    }
}

static void
nd_index_refuses_what_is_out_of_bounds(void **state)
{
    (void)state;
    err_t err;
    shape_t shape = SHAPE(3, 4), full = {.ndim = SHAPE_MAX_DIMS};
    nd_t nd, ret;
    nd_init(&nd, NULL, DTYPE_INT8, &shape);
    index_item_t past = {.kind = INDEX_INT, .start = 3}, before = {.kind = INDEX_INT, .start = -4},
                 whole = {.kind = INDEX_SLICE};
    index_item_t ellipsis = {.kind = INDEX_ELLIPSIS}, newaxis = {.kind = INDEX_NEWAXIS};
    check_fails(nd_index(&nd, &past, 1, &ret, NULL, &err), FH_BAD_INDEX, err);
    check_contains(err.text, "size 3");
    check_fails(nd_index(&nd, &before, 1, &ret, NULL, &err), FH_BAD_INDEX, err);
    check_fails(nd_index(&nd, (index_item_t[]){whole, whole, whole}, 3, &ret, NULL, &err), FH_BAD_INDEX, err);
    check_fails(nd_index(&nd, (index_item_t[]){ellipsis, ellipsis}, 2, &ret, NULL, &err), FH_INVALID_ARGUMENT, err);
    whole.has_step = true;
    check_fails(nd_index(&nd, &whole, 1, &ret, NULL, &err), FH_INVALID_ARGUMENT, err);
    nd_init(&nd, NULL, DTYPE_INT8, &full);
    check_fails(nd_index(&nd, &newaxis, 1, &ret, NULL, &err), FH_BAD_INDEX, err);
}

static void
nd_transpose_moves_axes_or_refuses(void **state)
{
    (void)state;
    err_t err;
    shape_t shape = SHAPE(2, 3, 4), wanted = SHAPE(4, 2, 3);
    nd_t nd, ret;
    nd_init(&nd, NULL, DTYPE_INT8, &shape);
    check_ok(nd_transpose(&nd, (int[]){-1, 0, 1}, &ret, &err), err);
    assert_true(shape_equal(&ret.shape, &wanted));
    assert_int_equal(ret.stride[0], 1);
    assert_int_equal(ret.stride[1], 12);
    check_fails(nd_transpose(&nd, (int[]){0, 1, 1}, &ret, &err), FH_INVALID_ARGUMENT, err);
    check_fails(nd_transpose(&nd, (int[]){0, 1, 3}, &ret, &err), FH_INVALID_ARGUMENT, err);
}

/* A reshape that is possible keeps the order of elements; one that is not must really be impossible for a contiguous
 * source. */
static void
nd_reshape_keeps_the_order_of_elements(void **state)
{
    (void)state;
    uint64_t random = check_seed();
    err_t err;
    int possible = 0, impossible = 0;
    for (int round = 0; round < ROUNDS; round++) {
        static const int64_t factors[][6] = {{2, 3, 4},  {4, 3, 2}, {1, 24},      {24},         {6, 4},
                                             {2, 1, 12}, {3, 8},    {2, 2, 2, 3}, {1, 2, 12, 1}};
        static const int counts[] = {3, 3, 2, 1, 2, 3, 2, 4, 4};
        int64_t i = below(&random, 9), j = below(&random, 9);
        shape_t shape = shape_of(counts[i], factors[i]), other = shape_of(counts[j], factors[j]);
        nd_t nd, view, ret;
        bool done;
        nd_init(&nd, NULL, DTYPE_INT16, &shape);
        int axes[SHAPE_MAX_DIMS];
        for (int k = 0; k < shape.ndim; k++)
            axes[k] = k;
        bool plain = below(&random, 2);
        for (int k = shape.ndim - 1; k > 0 && !plain; k--) {
            int swap = (int)below(&random, k + 1), kept = axes[k];
            axes[k] = axes[swap];
            axes[swap] = kept;
        }
        check_ok(nd_transpose(&nd, axes, &view, &err), err);
        check_ok(nd_reshape(&view, &other, &ret, &done, &err), err);
        assert_true(done || !nd_is_c_contiguous(&view));
        possible += done;
        impossible += !done;
        int64_t at[SHAPE_MAX_DIMS] = {0}, new_at[SHAPE_MAX_DIMS] = {0};
        if (done)
            do {
                assert_int_equal(place(&ret, new_at, NULL), place(&view, at, NULL));
                advance(&other, new_at);
            } while (advance(&view.shape, at));
    }
    assert_true(possible > 100 && impossible > 100);
}

static void
nd_reshape_of_other_counts_is_refused(void **state)
{
    (void)state;
    err_t err;
    bool possible;
    shape_t shape = SHAPE(2, 3), five = SHAPE(5), none = SHAPE(0, 3), negative = SHAPE(-1), other = SHAPE(7, 0);
    nd_t nd, ret;
    nd_init(&nd, NULL, DTYPE_INT16, &shape);
    check_fails(nd_reshape(&nd, &five, &ret, &possible, &err), FH_INVALID_ARGUMENT, err);
    check_contains(err.text, "(2, 3)");
    check_fails(nd_reshape(&nd, &negative, &ret, &possible, &err), FH_INVALID_ARGUMENT, err);
    nd_init(&nd, NULL, DTYPE_INT16, &none);
    check_ok(nd_reshape(&nd, &other, &ret, &possible, &err), err);
    assert_true(possible && shape_equal(&ret.shape, &other));
}

static void
shape_axis_counts_from_both_ends(void **state)
{
    (void)state;
    err_t err;
    int axis;
    check_ok(shape_axis(-1, 3, &axis, &err), err);
    assert_int_equal(axis, 2);
    check_ok(shape_axis(0, 3, &axis, &err), err);
    assert_int_equal(axis, 0);
    check_fails(shape_axis(3, 3, &axis, &err), FH_INVALID_ARGUMENT, err);
    check_fails(shape_axis(-4, 3, &axis, &err), FH_INVALID_ARGUMENT, err);
    check_fails(shape_axis(0, 0, &axis, &err), FH_INVALID_ARGUMENT, err);
    check_fails(shape_axis(INT64_MIN, 3, &axis, &err), FH_INVALID_ARGUMENT, err);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shape_count_of_overflow_and_negative_is_minus_one),
        cmocka_unit_test(shape_format_is_a_tuple_and_never_too_long),
        cmocka_unit_test(shape_broadcast_fits_or_names_the_shapes),
        cmocka_unit_test(nd_broadcast_repeats_elements),
        cmocka_unit_test(nd_contiguity_looks_past_single_extents),
        cmocka_unit_test(nd_extent_covers_every_element),
        cmocka_unit_test(nd_extent_of_absurd_strides_overflows),
        cmocka_unit_test(nd_overlap_sees_shared_bytes),
        cmocka_unit_test(index_normalise_takes_what_python_takes),
        cmocka_unit_test(index_normalise_of_extremes_does_not_overflow),
        cmocka_unit_test(nd_index_of_random_items_finds_the_elements),
        cmocka_unit_test(nd_index_refuses_what_is_out_of_bounds),
        cmocka_unit_test(nd_transpose_moves_axes_or_refuses),
        cmocka_unit_test(nd_reshape_keeps_the_order_of_elements),
        cmocka_unit_test(nd_reshape_of_other_counts_is_refused),
        cmocka_unit_test(shape_axis_counts_from_both_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
