/* Pieces of an array give the bits that the whole gives, whatever their cuts and strides. */
#include "engine/compute/reduce.h"
#include "tests/support/check.h"
#include "tests/unit/engine/compute/views.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 400, MAX_PIECES = 6 };

typedef struct {
    crew_t *crew;
    uint64_t random;
} bench_t;

static int
make_bench(void **state)
{
    static bench_t bench;
    bench.random = check_seed();
    *state = &bench;
    return crew_new(&bench.crew, 3, NULL);
}

static int
drop_bench(void **state)
{
    bench_t *bench = *state;
    crew_destroy(&bench->crew);
    return 0;
}

static nd_t
make_room(dtype_t dtype, const shape_t *shape)
{
    nd_t nd;
    nd_init(&nd, calloc((size_t)shape_bytes(shape, dtype) + 1, 1), dtype, shape);
    return nd;
}

static shape_t
without(const shape_t *shape, uint32_t axes)
{
    shape_t left = {.ndim = 0};
    for (int i = 0; i < shape->ndim; i++)
        if (!(axes >> i & 1))
            left.extent[left.ndim++] = shape->extent[i];
    return left;
}

/* Cuts of extent into pieces, none empty. */
static int
cut(uint64_t *random, int64_t extent, int64_t *ret)
{
    int n = 1;
    ret[0] = 0;
    while (n < MAX_PIECES && ret[n - 1] < extent - 1 && views_below(random, 4) != 0) {
        ret[n] = ret[n - 1] + 1 + views_below(random, extent - 1 - ret[n - 1]);
        n++;
    }
    ret[n] = extent;
    return n;
}

/* The axes of groups up to the one that axis is the outermost of; 0: it is not. */
static uint32_t
axes_up_to(const shape_t *shape, uint32_t axes, int axis)
{
    uint32_t groups[SHAPE_MAX_DIMS], up_to = 0;
    for (int i = 0, n = reduction_groups(shape, axes, groups); i < n; i++) {
        up_to |= groups[i];
        if (groups[i] >> axis & 1)
            return reduction_outermost(shape, groups[i]) == axis ? up_to : 0;
    }
    return 0;
}

static void
check_pieces(bench_t *bench, reduce_t reduce, const nd_t *in, uint32_t axes, int axis, const nd_t *wanted)
{
    uint64_t *random = &bench->random;
    uint32_t part = axes_up_to(&in->shape, axes, axis);
    int64_t cuts[MAX_PIECES + 1], positions[MAX_PIECES + 1], inner = 1;
    nd_t states[MAX_PIECES];
    err_t err;
    int n = cut(random, in->shape.extent[axis], cuts);
    uint32_t groups[SHAPE_MAX_DIMS];
    int count = reduction_groups(&in->shape, part, groups);
    for (int i = axis + 1; i < in->shape.ndim; i++)
        inner *= groups[count - 1] >> i & 1 ? in->shape.extent[i] : 1;
    for (int i = 0; i <= n; i++)
        positions[i] = cuts[i] * inner;
    for (int i = 0; i < n; i++) {
        reduce_piece_t piece = {axis, cuts[i], in->shape.extent[axis]};
        reduce_source_t source = {.operands = 1, .dtype = in->dtype};
        shape_t shape;
        source.in[0] = *in;
        source.in[0].data += cuts[i] * in->stride[axis];
        source.in[0].shape.extent[axis] = cuts[i + 1] - cuts[i];
        check_ok(reduce_state_shape(&source.in[0].shape, part, &piece, &shape, &err), err);
        states[i] = make_room(reduction_state_dtype(wanted->dtype), &shape);
        check_ok(reduce_run(bench->crew, reduce, &source, part, &piece, &states[i], &err), err);
    }
    shape_t left = without(&in->shape, part);
    uint32_t rest = 0;
    for (int i = 0, own = 0; i < in->shape.ndim; i++)
        if (!(part >> i & 1))
            rest |= (axes >> i & 1) << own++;
    nd_t joined = make_room(rest ? reduction_state_dtype(wanted->dtype) : wanted->dtype, &left);
    nd_t out = make_room(wanted->dtype, &wanted->shape);
    check_ok(reduce_join(bench->crew, reduce, wanted->dtype, states, n, positions, &joined, &err), err);
    check_ok(rest ? compute_reduce(bench->crew, reduce, &joined, rest, &out, 0, &err)
                  : compute_assign(bench->crew, &out, &joined, &err),
             err);
    assert_memory_equal(out.data, wanted->data, (size_t)shape_bytes(&wanted->shape, wanted->dtype));
    for (int i = 0; i < n; i++)
        free(states[i].data);
    free(joined.data);
    free(out.data);
}

static void
check_shape(bench_t *bench, const shape_t *shape)
{
    static const dtype_t DTYPES[] = {DTYPE_FLOAT16, DTYPE_FLOAT32, DTYPE_FLOAT64, DTYPE_COMPLEX64};
    static const reduce_t REDUCES[] = {REDUCE_SUM, REDUCE_SUM, REDUCE_SUM, REDUCE_PROD};
    uint64_t *random = &bench->random;
    dtype_t dtype = DTYPES[views_below(random, 4)];
    reduce_t reduce = REDUCES[views_below(random, 4)];
    uint32_t axes = 1 + (uint32_t)views_below(random, (INT64_C(1) << shape->ndim) - 1);
    shape_t left = without(shape, axes);
    err_t err;
    if (shape_count(shape) == 0)
        return;
    view_t view = views_make(random, dtype, shape, views_below(random, 10) == 0);
    nd_t plain = make_room(dtype, shape), out = make_room(dtype, &left), again = make_room(dtype, &left);
    size_t bytes = (size_t)shape_bytes(&left, dtype);
    /* numbers whose sums are rounded */
    for (int64_t i = 0, n = shape_count(shape); i < n; i++) {
        double part[2] = {(double)views_below(random, 1 << 20) / 3e5 + 1e-3, 0.5};
        dtype_convert(dtype, views_at(&view.nd, i), dtype == DTYPE_COMPLEX64 ? DTYPE_COMPLEX128 : DTYPE_FLOAT64, part);
    }
    check_ok(compute_assign(bench->crew, &plain, &view.nd, &err), err);
    check_ok(compute_reduce(bench->crew, reduce, &plain, axes, &out, 0, &err), err);
    check_ok(compute_reduce(bench->crew, reduce, &view.nd, axes, &again, 0, &err), err);
    assert_memory_equal(out.data, again.data, bytes);
    for (int axis = 0; axis < shape->ndim; axis++)
        if (axes >> axis & 1 && shape->extent[axis] > 1 && axes_up_to(shape, axes, axis) != 0)
            check_pieces(bench, reduce, views_below(random, 2) ? &plain : &view.nd, axes, axis, &out);
    free(plain.data);
    free(out.data);
    free(again.data);
    views_free(&view);
}

static void
pieces_of_small_arrays_give_the_bits_of_the_whole(void **state)
{
    bench_t *bench = *state;
    for (int round = 0; round < ROUNDS; round++) {
        shape_t shape = views_shape(&bench->random, 4, 40);
        if (shape.ndim > 0)
            check_shape(bench, &shape);
    }
}

static void
pieces_of_large_arrays_give_the_bits_of_the_whole(void **state)
{
    bench_t *bench = *state;
    static const shape_t SHAPES[] = {{1, {150001}},     {2, {70001, 2}}, {2, {3, 66000}},
                                     {3, {30, 7, 300}}, {2, {600, 401}}, {2, {1027, 300}}};
    for (int round = 0; round < 120; round++)
        check_shape(bench, &SHAPES[round % 6]);
}

static void
states_that_do_not_fit_are_refused(void **state)
{
    bench_t *bench = *state;
    double data[64] = {0};
    nd_t in, out;
    err_t err;
    nd_init(&in, data, DTYPE_FLOAT64, &(shape_t){1, {64}});
    nd_init(&out, data, DTYPE_FLOAT64, &(shape_t){.ndim = 0});
    int64_t short_cuts[] = {0, 63}, back[] = {0, -4};
    check_fails(reduce_join(bench->crew, REDUCE_SUM, DTYPE_FLOAT64, &in, 1, short_cuts, &out, &err),
                FH_INVALID_ARGUMENT, err);
    check_fails(reduce_join(bench->crew, REDUCE_SUM, DTYPE_FLOAT64, &in, 1, back, &out, &err), FH_INVALID_ARGUMENT,
                err);
    check_fails(reduce_join(bench->crew, REDUCE_SUM, DTYPE_INT64, &in, 1, short_cuts, &out, &err), FH_INVALID_ARGUMENT,
                err);
    reduce_source_t source = {.operands = 1, .dtype = DTYPE_FLOAT64};
    source.in[0] = in;
    static const reduce_piece_t WRONG[] = {{0, 5, 68}, {1, 0, 64}, {-1, 0, 64}, {0, -1, 100}};
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++)
        check_fails(reduce_run(bench->crew, REDUCE_SUM, &source, 1, &WRONG[i], &in, &err), FH_INVALID_ARGUMENT, err);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_of_small_arrays_give_the_bits_of_the_whole),
        cmocka_unit_test(pieces_of_large_arrays_give_the_bits_of_the_whole),
        cmocka_unit_test(states_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, make_bench, drop_bench);
}
