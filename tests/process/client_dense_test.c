/* Products of matrices, random numbers and numbers at equal distances over engines, through farhand/dense.h. */
#include "tests/process/cluster.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ENGINES = 3, N = 70, K = 50, M = 40, COUNT = 300001, LAYOUTS = 4 };

static cluster_t cluster;
static fh_session *session;
static double a[N * K], b[K * M], wanted[N * M], got[N * M];
static const int64_t shape_a[] = {N, K}, shape_b[] = {K, M};
static const fh_scatter_options layouts[LAYOUTS] = {
    {.axis = 0}, {.axis = 1}, {.axis = FH_WHOLE}, {.axis = 0, .blocksize = 7}};

static int
start(void **state)
{
    uint64_t seed = check_seed();

    (void)state;
    for (int i = 0; i < N * K; i++)
        a[i] = (double)(int64_t)(check_random(&seed) % 21) - 10;
    for (int i = 0; i < K * M; i++)
        b[i] = (double)(int64_t)(check_random(&seed) % 21) - 10;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < M; j++)
            for (int k = 0; k < K; k++)
                wanted[i * M + j] += a[i * K + k] * b[k * M + j];
    cluster_start(&cluster, ENGINES);
    session = cluster_connect(&cluster, 30);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    fh_close(&session);
    cluster_stop(&cluster);
    return 0;
}

/* Whole numbers: products are exact whatever the order of the sums. */
static void
products_however_they_are_cut(void **state)
{
    fh_local local_a = {.data = a, .dtype = FH_FLOAT64, .ndim = 2, .shape = shape_a};
    fh_local local_b = {.data = b, .dtype = FH_FLOAT64, .ndim = 2, .shape = shape_b};
    fh_error error;

    (void)state;
    for (int i = 0; i < LAYOUTS; i++)
        for (int j = 0; j <= LAYOUTS; j++) {
            fh_array *x = NULL, *y = NULL, *product = NULL;
            fh_operand in[2] = {{.kind = FH_ARRAY}, {.kind = FH_LOCAL, .local = &local_b}};

            fh_ok(fh_scatter(session, &local_a, &layouts[i], &x, &error), error);
            in[0].array = x;
            if (j < LAYOUTS) {
                fh_ok(fh_scatter(session, &local_b, &layouts[j], &y, &error), error);
                in[1] = (fh_operand){.kind = FH_ARRAY, .array = y};
            }
            fh_ok(fh_matmul(session, &in[0], &in[1], &product, &error), error);
            fh_ok(fh_gather(product, got, NULL, &error), error);
            assert_memory_equal(got, wanted, sizeof wanted);
            fh_array_free(&product);
            fh_array_free(&y);
            fh_array_free(&x);
        }
}

/* Every dtype adds up panels: of 5 MiB, so that it travels in pieces, whichever operand it is. */
static void
panels_add_up(void **state)
{
    enum { WIDE = 1300, LONG = 1024 };
    const int64_t shapes[2][2] = {{3, WIDE}, {WIDE, LONG}};
    int32_t *one = malloc(3 * WIDE * sizeof *one), *other = malloc((size_t)WIDE * LONG * sizeof *other);
    int32_t *product = malloc(3 * LONG * sizeof *product);
    uint64_t seed = check_seed();
    fh_error error;

    (void)state;
    assert_true(one && other && product);
    for (int i = 0; i < 3 * WIDE; i++)
        one[i] = (int32_t)check_random(&seed);
    for (int i = 0; i < WIDE * LONG; i++)
        other[i] = (int32_t)check_random(&seed);
    fh_local locals[2] = {{.data = one, .dtype = FH_INT32, .ndim = 2, .shape = shapes[0]},
                          {.data = other, .dtype = FH_INT32, .ndim = 2, .shape = shapes[1]}};
    for (int layout = 0; layout < LAYOUTS; layout++) {
        fh_operand in[2] = {{.kind = FH_ARRAY}, {.kind = FH_ARRAY}};
        fh_array *made = NULL;

        fh_ok(fh_scatter(session, &locals[0], &layouts[0], &in[0].array, &error), error);
        fh_ok(fh_scatter(session, &locals[1], &layouts[layout], &in[1].array, &error), error);
        fh_ok(fh_matmul(session, &in[0], &in[1], &made, &error), error);
        fh_ok(fh_gather(made, product, NULL, &error), error);
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < LONG; j += 37) {
                uint32_t sum = 0; /* integers wrap */
                for (int k = 0; k < WIDE; k++)
                    sum += (uint32_t)one[i * WIDE + k] * (uint32_t)other[k * LONG + j];
                assert_int_equal((uint32_t)product[i * LONG + j], sum);
            }
        fh_array_free(&made);
        fh_array_free(&in[0].array);
        fh_array_free(&in[1].array);
    }
    free(one);
    free(other);
    free(product);
}

/* Numbers over the engines, made there, and a copy here. */
static fh_array *
make_random(fh_session *on, const int64_t *shape, double *copy)
{
    const fh_random_draw draw = {.distribution = "random", .dtype = FH_FLOAT64};
    fh_philox state = {.key = {(uint64_t)shape[0], 1}, .position = 4};
    fh_array *array = NULL;
    fh_error error;

    fh_ok(fh_random(on, &draw, 2, shape, &layouts[0], &state, &array, &error), error);
    fh_ok(fh_gather(array, copy, NULL, &error), error);
    return array;
}

/* An engine has a n-th part of both operands and of the product, and not much more. */
static void
check_product_within(int engines, const char *memory, const int64_t *shape_x, const int64_t *shape_y)
{
    int64_t n = shape_x[0], summed = shape_y[0], m = shape_y[1];
    double *x = malloc(sizeof *x * (size_t)(n * summed)), *y = malloc(sizeof *y * (size_t)(summed * m));
    double *z = malloc(sizeof *z * (size_t)(n * m));
    fh_operand in[2] = {{.kind = FH_ARRAY}, {.kind = FH_ARRAY}};
    fh_array *product = NULL;
    cluster_t small;
    fh_error error;

    assert_true(x && y && z);
    cluster_start_with(&small, engines, memory);
    fh_session *here = cluster_connect(&small, 60);
    in[0].array = make_random(here, shape_x, x);
    in[1].array = make_random(here, shape_y, y);
    fh_ok(fh_matmul(here, &in[0], &in[1], &product, &error), error);
    fh_ok(fh_gather(product, z, NULL, &error), error);
    for (int64_t i = 0; i < n; i += 101)
        for (int64_t j = 0; j < m; j += 31) {
            double sum = 0;
            for (int64_t k = 0; k < summed; k++)
                sum += x[i * summed + k] * y[k * m + j];
            assert_true(fabs(z[i * m + j] - sum) < 1e-9 * sum);
        }
    fh_array_free(&product);
    fh_array_free(&in[0].array);
    fh_array_free(&in[1].array);
    fh_close(&here);
    cluster_stop(&small);
    free(x);
    free(y);
    free(z);
}

/* 4 MiB of each array: room for some panels of the second operand, but not for all its 32. */
static void
no_engine_has_room_for_a_whole_operand(void **state)
{
    const int64_t side[] = {2048, 2048};

    (void)state;
    check_product_within(8, "--memory=24M", side, side);
}

/* The second operand stays, 1.5 MiB on each engine; a product of 12 MiB is made by its rows, of which several parts may
 * be on their way to an engine that others make wait. */
static void
no_engine_has_room_for_all_of_the_product(void **state)
{
    const int64_t rows[] = {768, 1536}, side[] = {1536, 2048};

    (void)state;
    check_product_within(16, "--memory=12M", rows, side);
}

static void
what_cannot_be_multiplied_is_refused(void **state)
{
    fh_local local = {.data = a, .dtype = FH_FLOAT64, .ndim = 2, .shape = shape_a};
    fh_array *x = NULL, *product = NULL;
    fh_error error;

    (void)state;
    fh_ok(fh_scatter(session, &local, &layouts[0], &x, &error), error);
    fh_operand same = {.kind = FH_ARRAY, .array = x}, number = {.kind = FH_WEAK_FLOAT, .f = 2};
    fh_fails(fh_matmul(session, &same, &same, &product, &error), FH_INVALID_ARGUMENT, error);
    fh_fails(fh_matmul(session, &same, &number, &product, &error), FH_INVALID_ARGUMENT, error);
    assert_null(product);
    fh_array_free(&x);
}

/* Large enough for all engines, and not: a lower factor times its transpose, and what that does to ones. */
static void
equations_and_factors(void **state)
{
    enum { LARGE = 530 };
    static double lower[LARGE * LARGE], matrix[LARGE * LARGE], right[LARGE], found[LARGE * LARGE];
    fh_error error;

    (void)state;
    for (int64_t n = 30; n <= LARGE; n += LARGE - 30) {
        const int64_t shape[] = {n, n}, column[] = {n, 1};
        fh_local local = {.data = matrix, .dtype = FH_FLOAT64, .ndim = 2, .shape = shape};
        fh_local local_right = {.data = right, .dtype = FH_FLOAT64, .ndim = 2, .shape = column};
        fh_array *in[2] = {NULL, NULL}, *out[FH_LINALG_MAX_OUT] = {NULL};
        int count = 0;

        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++)
                lower[i * n + j] = j > i || i - j > 1 ? 0 : i == j ? 2 : 1;
        for (int64_t i = 0; i < n; i++) {
            right[i] = 0;
            for (int64_t j = 0; j < n; j++) {
                matrix[i * n + j] = i == j ? (i ? 5 : 4) : i - j == 1 || j - i == 1 ? 2 : 0;
                right[i] += matrix[i * n + j];
            }
        }
        fh_ok(fh_scatter(session, &local, &layouts[0], &in[0], &error), error);
        fh_ok(fh_scatter(session, &local_right, &layouts[0], &in[1], &error), error);
        fh_ok(fh_linalg(session, "cholesky", in, 1, NULL, out, &count, &error), error);
        assert_int_equal(count, 1);
        fh_ok(fh_gather(out[0], found, NULL, &error), error);
        for (int64_t i = 0; i < n * n; i++)
            assert_true(found[i] > lower[i] - 1e-9 && found[i] < lower[i] + 1e-9);
        fh_array_free(&out[0]);
        fh_ok(fh_linalg(session, "solve", in, 2, NULL, out, &count, &error), error);
        fh_ok(fh_gather(out[0], found, NULL, &error), error);
        for (int64_t i = 0; i < n; i++)
            assert_true(found[i] > 1 - 1e-9 && found[i] < 1 + 1e-9);
        fh_array_free(&out[0]);
        fh_fails(fh_linalg(session, "inv", &in[1], 1, NULL, out, &count, &error), FH_LINALG_ERROR, error);
        fh_fails(fh_linalg(session, "inv", in, 2, NULL, out, &count, &error), FH_INVALID_ARGUMENT, error);
        fh_fails(fh_linalg(session, "nothing", in, 1, NULL, out, &count, &error), FH_NO_SUCH_METHOD, error);
        assert_int_equal(count, 0);
        fh_array_free(&in[0]);
        fh_array_free(&in[1]);
    }
}

static void
draw(const fh_random_draw *what, const fh_scatter_options *layout, fh_philox *state, void *ret)
{
    int64_t count = COUNT;
    fh_array *array = NULL;
    fh_error error;

    fh_ok(fh_random(session, what, 1, &count, layout, state, &array, &error), error);
    fh_ok(fh_gather(array, ret, NULL, &error), error);
    fh_array_free(&array);
}

/* One engine makes one element after the other; pieces of others begin at guesses. */
static void
random_numbers_do_not_depend_on_pieces(void **state)
{
    const int64_t thirds[] = {5, INT64_MAX / 3 * 2};
    const fh_random_draw DRAWS[] = {
        {.distribution = "random", .dtype = FH_FLOAT64},
        {.distribution = "standard_normal", .dtype = FH_FLOAT64},
        {.distribution = "exponential", .dtype = FH_FLOAT64, .reals = (double[]){2}, .nreals = 1},
        {.distribution = "integers", .dtype = FH_INT64, .integers = thirds, .nintegers = 2},
        {.distribution = "poisson", .dtype = FH_INT64, .reals = (double[]){3}, .nreals = 1},
    };
    double *one = malloc(COUNT * sizeof *one), *other = malloc(COUNT * sizeof *other);

    (void)state;
    assert_true(one && other);
    fh_philox whole = {.key = {1, 2}, .counter = {UINT64_MAX - 3}, .position = 3};
    for (size_t i = 0; i < sizeof DRAWS / sizeof *DRAWS; i++) {
        fh_philox before = whole;

        draw(&DRAWS[i], &layouts[2], &whole, one);
        assert_memory_not_equal(&whole, &before, sizeof whole);
        for (int layout = 0; layout < 2; layout++) {
            fh_philox cut = before;
            fh_scatter_options blocks = {.axis = 0, .blocksize = layout ? 40000 : 0};

            draw(&DRAWS[i], &blocks, &cut, other);
            assert_memory_equal(one, other, COUNT * sizeof *one);
            assert_memory_equal(&cut, &whole, sizeof whole);
        }
    }
    free(one);
    free(other);
}

static void
bad_draws_leave_the_state(void **state)
{
    fh_philox at = {.key = {1, 2}, .position = 4}, before = at;
    fh_random_draw bad = {.distribution = "gamma", .dtype = FH_FLOAT64, .reals = (double[]){-1, 1}, .nreals = 2};
    fh_random_draw none = {.distribution = "nothing", .dtype = FH_FLOAT64};
    int64_t count = 5;
    fh_array *array = NULL;
    fh_error error;

    (void)state;
    fh_fails(fh_random(session, &bad, 1, &count, NULL, &at, &array, &error), FH_INVALID_ARGUMENT, error);
    fh_fails(fh_random(session, &none, 1, &count, NULL, &at, &array, &error), FH_NOT_SUPPORTED, error);
    assert_null(array);
    assert_memory_equal(&at, &before, sizeof at);
}

static void
ramps_go_on_over_pieces(void **state)
{
    double *numbers = malloc(COUNT * sizeof *numbers);
    fh_ramp ramp = {.start = {0.1}, .next = {0.4}};
    fh_array *array = NULL;
    fh_error error;

    (void)state;
    assert_non_null(numbers);
    fh_ok(fh_arange(session, FH_FLOAT64, &ramp, COUNT, NULL, &array, &error), error);
    fh_ok(fh_gather(array, numbers, NULL, &error), error);
    double delta = 0.4 - 0.1;
    for (int64_t i = 2; i < COUNT; i++)
        assert_true(numbers[i] == 0.1 + (double)i * delta);
    assert_true(numbers[0] == 0.1 && numbers[1] == 0.4);
    fh_array_free(&array);
    fh_fails(fh_arange(session, FH_FLOAT64, &ramp, -1, NULL, &array, &error), FH_INVALID_ARGUMENT, error);
    free(numbers);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_however_they_are_cut),
        cmocka_unit_test(panels_add_up),
        cmocka_unit_test(no_engine_has_room_for_a_whole_operand),
        cmocka_unit_test(no_engine_has_room_for_all_of_the_product),
        cmocka_unit_test(what_cannot_be_multiplied_is_refused),
        cmocka_unit_test(equations_and_factors),
        cmocka_unit_test(random_numbers_do_not_depend_on_pieces),
        cmocka_unit_test(bad_draws_leave_the_state),
        cmocka_unit_test(ramps_go_on_over_pieces),
    };

    return cmocka_run_group_tests_name("process.client_dense", tests, start, stop);
}
