#include "engine/compute/compute.h"
#include "tests/support/check.h"
#include "tests/unit/engine/compute/views.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 4000 };

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
    crew_destroy(&((bench_t *)*state)->crew);
    return 0;
}

static dtype_t
any_dtype(uint64_t *random)
{
    return (dtype_t)(views_below(random, DTYPE_COUNT - 1) + 1);
}

/* Every element equals what dtype_convert makes of its source. */
static void
check_assigned(const nd_t *out, const nd_t *source)
{
    for (int64_t i = 0, count = shape_count(&out->shape); i < count; i++) {
        char wanted[16];
        dtype_convert(out->dtype, wanted, source->dtype, views_at(source, i));
        assert_memory_equal(views_at(out, i), wanted, dtype_size(out->dtype));
    }
}

static void
assign_casts_and_broadcasts_any_views(void **state)
{
    bench_t *bench = *state;
    err_t err;
    for (int round = 0; round < ROUNDS; round++) {
        shape_t shape = views_shape(&bench->random, 4, 9), narrow = views_narrow(&bench->random, &shape);
        view_t out = views_make(&bench->random, any_dtype(&bench->random), &shape, round % 7 == 0);
        view_t source = views_make(&bench->random, any_dtype(&bench->random), &narrow, round % 5 == 0);
        nd_t wide;
        check_ok(compute_assign(bench->crew, &out.nd, &source.nd, &err), err);
        check_ok(nd_broadcast(&source.nd, &shape, &wide, &err), err);
        check_assigned(&out.nd, &wide);
        views_free(&out);
        views_free(&source);
    }
}

static void
assign_of_large_arrays_shares_the_work(void **state)
{
    bench_t *bench = *state;
    err_t err;
    static const shape_t SHAPES[] = {{1, {1300003}}, {2, {1201, 803}}, {3, {7, 300, 401}}};
    for (int i = 0; i < 12; i++) {
        const shape_t *shape = &SHAPES[i % 3];
        view_t out = views_make(&bench->random, i < 6 ? DTYPE_FLOAT64 : any_dtype(&bench->random), shape, false);
        view_t source = views_make(&bench->random, i < 6 ? DTYPE_FLOAT64 : any_dtype(&bench->random), shape, false);
        check_ok(compute_assign(bench->crew, &out.nd, &source.nd, &err), err);
        check_assigned(&out.nd, &source.nd);
        views_free(&out);
        views_free(&source);
    }
}

static void
assign_to_itself_shifted_or_turned_reads_first(void **state)
{
    bench_t *bench = *state;
    err_t err;
    enum { N = 300 };
    int32_t data[N], before[N];
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < N; i++)
            data[i] = (int32_t)check_random(&bench->random);
        memcpy(before, data, sizeof data);
        int64_t n = views_below(&bench->random, N / 2) + 1, from = views_below(&bench->random, N - n + 1);
        int64_t to = views_below(&bench->random, N - n + 1);
        shape_t shape = {1, {n}};
        nd_t source, out;
        nd_init(&source, data + from, DTYPE_INT32, &shape);
        nd_init(&out, data + to, DTYPE_INT32, &shape);
        bool turned = views_below(&bench->random, 2);
        if (turned) {
            source.data += (n - 1) * 4;
            source.stride[0] = -4;
        }
        check_ok(compute_assign(bench->crew, &out, &source, &err), err);
        for (int64_t i = 0; i < N; i++)
            assert_int_equal(data[i], i < to || i >= to + n ? before[i]
                                                            : before[turned ? from + n - 1 - (i - to) : from + i - to]);
    }
}

static void
assign_of_shapes_that_do_not_fit_writes_nothing(void **state)
{
    bench_t *bench = *state;
    err_t err;
    int64_t data[3] = {1, 2, 3}, other[2] = {7, 8};
    nd_t out, source;
    nd_init(&out, data, DTYPE_INT64, &(shape_t){1, {3}});
    nd_init(&source, other, DTYPE_INT64, &(shape_t){1, {2}});
    check_fails(compute_assign(bench->crew, &out, &source, &err), FH_INVALID_ARGUMENT, err);
    source.dtype = DTYPE_NONE;
    check_fails(compute_assign(bench->crew, &out, &source, &err), FH_WRONG_TYPE, err);
    assert_true(data[0] == 1 && data[1] == 2 && data[2] == 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(assign_casts_and_broadcasts_any_views),
        cmocka_unit_test(assign_of_large_arrays_shares_the_work),
        cmocka_unit_test(assign_to_itself_shifted_or_turned_reads_first),
        cmocka_unit_test(assign_of_shapes_that_do_not_fit_writes_nothing),
    };
    return cmocka_run_group_tests(tests, make_bench, drop_bench);
}
