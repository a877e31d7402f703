/* KERNEL_MAP through an engine: array kernels, gufuncs, halos, several results, lists that do not fit. */
#include "tests/process/kernel_caller.h"
#include "tests/support/check.h"

#include <stdlib.h>
#include <string.h>

static int
start(void **state)
{
    static engine_rig_t rig;

    engine_rig_start(&rig, 1, NULL);
    *state = &rig;
    return 0;
}

static int
stop(void **state)
{
    engine_rig_stop(*state);
    return 0;
}

/* One input and one result of float64 and one dimension, not cut. */
typedef struct {
    operand_t inputs[2];
    oid_t result;
    int64_t dtype, ndim, extent;
    message_t message;
} simple_t;

static void
simple_init(simple_t *self, oid_t kernel, oid_t input, int64_t n)
{
    *self =
        (simple_t){.inputs = {{.object = input}}, .result = oid_new(), .dtype = DTYPE_FLOAT64, .ndim = 1, .extent = n};
    self->message = (message_t){.code = MSG_KERNEL_MAP,
                                .as.KERNEL_MAP = {.kernel = kernel,
                                                  .inputs = {self->inputs, 1},
                                                  .results = {&self->result, 1},
                                                  .dtypes = {&self->dtype, 1},
                                                  .ndims = {&self->ndim, 1},
                                                  .shapes = {&self->extent, 1},
                                                  .axis = -1}};
}

static void
array_kernel_runs_over_small_large_and_strided(void **state)
{
    static const int64_t SIZES[] = {0, 1, 100, 20000};
    caller_t caller;
    message_t info;
    simple_t map;
    double got[100];

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t kernel = kernel_load(&caller, (kernel_wish_t){.file = "good/arrays", .entry = "twice"}, &info);

    assert_true(str_is(info.as.KERNEL_INFO.kind, "array"));
    assert_true(str_is(info.as.KERNEL_INFO.signature, ""));
    assert_int_equal(info.as.KERNEL_INFO.in.count, 0);
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        int64_t n = SIZES[i], some = n < 100 ? n : 100;

        simple_init(&map, kernel, caller_doubles(&caller, n, 3, 1), n);
        kernel_run(&caller, &map.message, map.result, got, (size_t)some * sizeof *got);
        for (int64_t k = 0; k < some; k++)
            assert_true(got[k] == 2.0 * (3.0 + (double)k));
    }
    simple_init(&map, kernel, caller_view(&caller, caller_doubles(&caller, 10, 0, 1), 72, 5, -16), 5);
    kernel_run(&caller, &map.message, map.result, got, 5 * sizeof *got);
    for (int k = 0; k < 5; k++)
        assert_true(got[k] == 2.0 * (9 - 2 * k));
    caller_leave(&caller);
}

static void
array_kernel_has_several_results_and_constants(void **state)
{
    static const int64_t DTYPES[] = {DTYPE_FLOAT64, DTYPE_INT64}, NDIMS[] = {1, 1}, SHAPES[] = {4, 3};
    static const int64_t BASES[] = {10, 0, 10, 0}, WHOLES[] = {100, -1, 100, -1};
    caller_t caller;
    message_t info;
    double got[4], number = 0.5;
    int64_t about[3];

    caller_open(&caller, *state, 0, OID_NONE, false);
    const kernel_wish_t wish = {
        .file = "good/arrays", .entry = "both", .signature = "void(float64[:], float64, float64[:], int64[:])"};
    oid_t kernel = kernel_load(&caller, wish, &info), results[2] = {oid_new(), oid_new()};
    operand_t inputs[2] = {{.object = caller_doubles(&caller, 4, 1, 1)}, {.dtype = DTYPE_FLOAT64}};

    assert_int_equal(info.as.KERNEL_INFO.in.count, 4);
    assert_int_equal(info.as.KERNEL_INFO.in.items[3], DTYPE_INT64);
    memcpy(inputs[1].scalar, &number, sizeof number);
    const message_t message = {.code = MSG_KERNEL_MAP,
                               .as.KERNEL_MAP = {.kernel = kernel,
                                                 .inputs = {inputs, 2},
                                                 .results = {results, 2},
                                                 .dtypes = {DTYPES, 2},
                                                 .ndims = {NDIMS, 2},
                                                 .shapes = {SHAPES, 2},
                                                 .axis = 0,
                                                 .bases = {BASES, 4},
                                                 .wholes = {WHOLES, 4}}};

    kernel_run(&caller, &message, results[0], got, sizeof got);
    caller_fetch(&caller, results[1], about, sizeof about);
    for (int i = 0; i < 4; i++)
        assert_true(got[i] == 1.5 + i);
    assert_int_equal(about[0], 10);
    assert_int_equal(about[1], 100);
    assert_int_equal(about[2], 4);
    caller_leave(&caller);
}

static void
results_that_exist_are_written_only_after_success(void **state)
{
    caller_t caller;
    simple_t map;
    double got[4];

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t in = caller_doubles(&caller, 4, 1, 1), out = caller_doubles(&caller, 4, 7, 0);

    simple_init(&map, kernel_load(&caller, (kernel_wish_t){.file = "good/arrays", .entry = "refuse"}, NULL), in, 4);
    map.result = out;
    map.message.as.KERNEL_MAP.outs = 1;
    (void)caller_send(&caller, &map.message, NULL, 0);
    (void)caller_send(&caller, &(message_t){.code = MSG_SYNC}, NULL, 0);
    caller_expect_error(&caller, FH_KERNEL_ERROR, NULL);
    caller_fetch(&caller, out, got, sizeof got);
    assert_true(got[0] == 7 && got[3] == 7);
    /* What a kernel leaves out stays as it was. */
    simple_init(&map, kernel_load(&caller, (kernel_wish_t){.file = "good/arrays", .entry = "first_only"}, NULL), in, 4);
    map.result = out;
    map.message.as.KERNEL_MAP.outs = 1;
    kernel_run(&caller, &map.message, out, got, sizeof got);
    assert_true(got[0] == -1 && got[1] == 7 && got[3] == 7);
    /* The input itself as output. */
    simple_init(&map, kernel_load(&caller, (kernel_wish_t){.file = "good/arrays", .entry = "twice"}, NULL), in, 4);
    map.result = in;
    map.message.as.KERNEL_MAP.outs = 1;
    kernel_run(&caller, &map.message, in, got, sizeof got);
    assert_true(got[0] == 2 && got[3] == 8);
    caller_leave(&caller);
}

static void
all_results_appear_or_none(void **state)
{
    static const int64_t DTYPES[] = {DTYPE_FLOAT64, DTYPE_FLOAT64}, NDIMS[] = {1, 1}, SHAPES[] = {4, 4};
    caller_t caller;
    message_t message;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t kernel = kernel_load(&caller, (kernel_wish_t){.file = "good/arrays", .entry = "twice"}, NULL);
    oid_t taken = caller_doubles(&caller, 4, 0, 0), results[2] = {oid_new(), taken};
    operand_t input = {.object = caller_doubles(&caller, 4, 1, 1)};
    message_t map = {.code = MSG_KERNEL_MAP,
                     .as.KERNEL_MAP = {.kernel = kernel,
                                       .inputs = {&input, 1},
                                       .results = {results, 2},
                                       .dtypes = {DTYPES, 2},
                                       .ndims = {NDIMS, 2},
                                       .shapes = {SHAPES, 2},
                                       .axis = -1}};

    (void)caller_send(&caller, &map, NULL, 0);
    kernel_expect_poison(&caller, results[0], FH_INVALID_ARGUMENT, NULL);
    results[0] = results[1] = oid_new();
    (void)caller_send(&caller, &map, NULL, 0);
    kernel_expect_poison(&caller, results[0], FH_INVALID_ARGUMENT, NULL);
    /* A failure poisons all. */
    results[0] = oid_new();
    results[1] = oid_new();
    input.object = oid_new();
    (void)caller_send(&caller, &map, NULL, 0);
    kernel_expect_poison(&caller, results[0], FH_NO_SUCH_OBJECT, &message);
    kernel_expect_poison(&caller, results[1], FH_NO_SUCH_OBJECT, NULL);
    /* And what is poisoned poisons on. */
    input.object = results[1];
    results[0] = oid_new();
    results[1] = oid_new();
    (void)caller_send(&caller, &map, NULL, 0);
    kernel_expect_poison(&caller, results[1], FH_NO_SUCH_OBJECT, NULL);
    caller_leave(&caller);
}

static void
gufunc_broadcasts_its_loop_dimensions(void **state)
{
    static const int64_t A[] = {3, 1, 2, 2}, B[] = {2, 2, 1}, DTYPE = DTYPE_FLOAT64, NDIM = 4;
    int64_t shape[] = {3, 2, 2, 1};
    double a[12], b[4], got[12];
    caller_t caller;
    message_t info;

    for (int i = 0; i < 12; i++)
        a[i] = i + 1;
    for (int i = 0; i < 4; i++)
        b[i] = 10 + i;
    caller_open(&caller, *state, 0, OID_NONE, false);
    const kernel_wish_t wish = {.file = "good/arrays",
                                .entry = "product",
                                .kind = "gufunc",
                                .layout = "(m,k),(k,n)->(m,n)",
                                .signature = "void(float64[:,:], float64[:,:], float64[:,:])"};
    oid_t kernel = kernel_load(&caller, wish, &info), result = oid_new();

    assert_true(str_is(info.as.KERNEL_INFO.kind, "gufunc"));
    assert_true(str_is(info.as.KERNEL_INFO.layout, wish.layout));
    assert_true(str_is(info.as.KERNEL_INFO.signature, wish.signature));
    operand_t inputs[2] = {{.object = kernel_array(&caller, DTYPE_FLOAT64, A, 4, a, sizeof a)},
                           {.object = kernel_array(&caller, DTYPE_FLOAT64, B, 3, b, sizeof b)}};
    message_t map = {.code = MSG_KERNEL_MAP,
                     .as.KERNEL_MAP = {.kernel = kernel,
                                       .inputs = {inputs, 2},
                                       .results = {&result, 1},
                                       .dtypes = {&DTYPE, 1},
                                       .ndims = {&NDIM, 1},
                                       .shapes = {shape, 4},
                                       .axis = -1}};

    kernel_run(&caller, &map, result, got, sizeof got);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 2; j++)
            for (int m = 0; m < 2; m++)
                assert_true(got[(i * 2 + j) * 2 + m] ==
                            a[i * 4 + m * 2] * b[j * 2] + a[i * 4 + m * 2 + 1] * b[j * 2 + 1]);
    shape[3] = 2;
    result = oid_new();
    (void)caller_send(&caller, &map, NULL, 0);
    kernel_expect_poison(&caller, result, FH_INVALID_ARGUMENT, NULL);
    caller_leave(&caller);
}

/* The result of `three` over all n numbers start, start + 1, ... at index i. */
static double
three_at(double start, int64_t n, int64_t i)
{
    double sum = start + (double)i;

    if (i > 0)
        sum += start + (double)(i - 1);
    if (i + 1 < n)
        sum += start + (double)(i + 1);
    return sum;
}

/* Piece [from, to) of 30 numbers, with strips or pads as its neighbours. */
static void
check_stencil(caller_t *caller, oid_t kernel, oid_t whole, int64_t from, int64_t to, bool strips)
{
    int64_t pad_low = !strips && from > 0, pad_high = !strips && to < 30;
    int64_t bases[] = {from - pad_low, from}, wholes[] = {30, 30};
    oid_t own = caller_view(caller, whole, 8 * bases[0], to + pad_high - bases[0], 8), low = OID_NONE, high = OID_NONE;
    simple_t map;
    double got[30];

    simple_init(&map, kernel, own, to - from);
    msg_KERNEL_MAP_t *message = &map.message.as.KERNEL_MAP;

    message->axis = 0;
    message->bases = (ints_t){bases, 2};
    message->wholes = (ints_t){wholes, 2};
    message->width = 1;
    message->pad_low = (uint64_t)pad_low;
    message->pad_high = (uint64_t)pad_high;
    if (strips && from > 0) {
        low = caller_view(caller, whole, 8 * (from - 1), 3, 8);
        message->low = (oids_t){&low, 1};
    }
    if (strips && to < 30) {
        high = caller_view(caller, whole, 8 * (to - 2), 3, 8);
        message->high = (oids_t){&high, 1};
    }
    kernel_run(caller, &map.message, map.result, got, (size_t)(to - from) * sizeof *got);
    for (int64_t i = from; i < to; i++)
        assert_true(got[i - from] == three_at(5, 30, i));
}

static void
halo_comes_from_strips_or_pads(void **state)
{
    caller_t caller;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t kernel = kernel_load(&caller, (kernel_wish_t){.file = "good/arrays", .entry = "three"}, NULL);
    oid_t whole = caller_doubles(&caller, 30, 5, 1);

    for (int strips = 0; strips < 2; strips++) {
        check_stencil(&caller, kernel, whole, 0, 30, strips);
        check_stencil(&caller, kernel, whole, 0, 11, strips);
        check_stencil(&caller, kernel, whole, 11, 20, strips);
        check_stencil(&caller, kernel, whole, 20, 30, strips);
    }
    check_stencil(&caller, kernel, whole, 7, 8, false);
    caller_leave(&caller);
}

/* What is changed in a message that would succeed, and what comes of it. */
typedef struct {
    void (*change)(msg_KERNEL_MAP_t *map);
    int status;
    const char *says;
} wrong_t;

static const int64_t NUMBERS[] = {4, 4, 4, 4, 4, 4, 4, 4}, NEGATIVE[] = {-1, -1, -1}, LARGE[] = {INT64_MAX, INT64_MAX},
                     ZEROS[2];
static const oid_t NOBODY[2];

#define CHANGE(name, ...)                                                                                              \
    static void name(msg_KERNEL_MAP_t *map)                                                                            \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }
CHANGE(many_dtypes, map->dtypes = (ints_t){NUMBERS, 2};)
CHANGE(many_ndims, map->ndims = (ints_t){NUMBERS, 3};)
CHANGE(bad_dtype, map->dtypes = (ints_t){LARGE, 1};)
CHANGE(negative_dtype, map->dtypes = (ints_t){NEGATIVE, 1};)
CHANGE(large_ndim, map->ndims = (ints_t){LARGE, 1};)
CHANGE(negative_ndim, map->ndims = (ints_t){NEGATIVE, 1};)
CHANGE(no_shapes, map->shapes.count = 0;)
CHANGE(many_shapes, map->shapes = (ints_t){NUMBERS, 2};)
CHANGE(negative_shape, map->shapes = (ints_t){NEGATIVE, 1};)
CHANGE(large_shape, map->shapes = (ints_t){LARGE, 1};)
CHANGE(many_outs, map->outs = 128;)
CHANGE(axis_alone, map->axis = 0;)
CHANGE(few_bases, map->axis = 0; map->bases = (ints_t){NUMBERS, 1}; map->wholes = (ints_t){NUMBERS, 2};)
CHANGE(axis_too_high, map->axis = 3; map->bases = (ints_t){NUMBERS, 2}; map->wholes = (ints_t){NUMBERS, 2};)
CHANGE(past_the_whole, map->axis = 0; map->bases = (ints_t){NUMBERS, 2}; map->wholes = (ints_t){NUMBERS, 2};)
CHANGE(large_base, map->axis = 0; map->bases = (ints_t){LARGE, 2}; map->wholes = (ints_t){LARGE, 2};)
CHANGE(negative_base, map->axis = 0; map->bases = (ints_t){NEGATIVE, 2}; map->wholes = (ints_t){NUMBERS, 2};)
CHANGE(cut_without_axis, map->bases = (ints_t){NUMBERS, 2}; map->wholes = (ints_t){NUMBERS, 2};)
CHANGE(wholes_without_bases, map->wholes = (ints_t){NUMBERS, 2};)
CHANGE(width_without_axis, map->width = 1;)
CHANGE(huge_width, map->width = INT64_MAX; map->pad_low = INT64_MAX; map->pad_high = INT64_MAX; map->axis = 0;
       map->bases = (ints_t){ZEROS, 2}; map->wholes = (ints_t){NUMBERS, 2};)
CHANGE(pads_without_width, map->pad_low = 1;)
CHANGE(many_strips, map->low = (oids_t){NOBODY, 2};)

static void
lists_that_do_not_fit_are_refused(void **state)
{
    static const wrong_t CASES[] = {
        {many_dtypes, FH_INVALID_ARGUMENT, "2 numbers in dtypes instead of 1"},
        {many_ndims, FH_INVALID_ARGUMENT, "3 numbers in ndims instead of 1"},
        {bad_dtype, FH_INVALID_ARGUMENT, "is not the code of a dtype"},
        {negative_dtype, FH_INVALID_ARGUMENT, "is not the code of a dtype"},
        {large_ndim, FH_INVALID_ARGUMENT, "result 0 has 9223372036854775807 dimensions"},
        {negative_ndim, FH_INVALID_ARGUMENT, "result 0 has -1 dimensions"},
        {no_shapes, FH_INVALID_ARGUMENT, "shapes has 0 extents left"},
        {many_shapes, FH_INVALID_ARGUMENT, "but shapes has 2 extents"},
        {negative_shape, FH_INVALID_ARGUMENT, "the extent -1 of axis 0 is negative"},
        {large_shape, FH_OVERFLOW, "too large"},
        {many_outs, FH_INVALID_ARGUMENT, "outs is 0x80"},
        {axis_alone, FH_INVALID_ARGUMENT, "0 numbers in bases instead of 2"},
        {few_bases, FH_INVALID_ARGUMENT, "1 numbers in bases instead of 2"},
        {axis_too_high, FH_INVALID_ARGUMENT, "cannot be cut along axis 3"},
        {past_the_whole, FH_INVALID_ARGUMENT, "4 elements from 4 on along axis 0 of 4"},
        {large_base, FH_INVALID_ARGUMENT, "elements from 9223372036854775807 on"},
        {negative_base, FH_INVALID_ARGUMENT, "elements from -1 on"},
        {cut_without_axis, FH_INVALID_ARGUMENT, "cannot be cut along axis -1"},
        {wholes_without_bases, FH_INVALID_ARGUMENT, "0 numbers in bases, but 2 in wholes"},
        {width_without_axis, FH_INVALID_ARGUMENT, "no axis"},
        {huge_width, FH_INVALID_ARGUMENT, "fewer than its pads"},
        {pads_without_width, FH_INVALID_ARGUMENT, "no width"},
        {many_strips, FH_INVALID_ARGUMENT, "2 numbers in low instead of 1"},
    };
    caller_t caller;
    message_t error;
    simple_t map;
    double got[4];

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t kernel = kernel_load(&caller, (kernel_wish_t){.file = "good/arrays", .entry = "twice"}, NULL);
    oid_t in = caller_doubles(&caller, 4, 1, 1);

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char text[512];

        simple_init(&map, kernel, in, 4);
        CASES[i].change(&map.message.as.KERNEL_MAP);
        (void)caller_send(&caller, &map.message, NULL, 0);
        kernel_expect_poison(&caller, map.result, CASES[i].status, &error);
        check_contains(str_copy(error.as.ERROR.text, text, sizeof text), CASES[i].says);
    }
    simple_init(&map, kernel, in, 4);
    kernel_run(&caller, &map.message, map.result, got, sizeof got);
    assert_true(got[3] == 8);
    caller_leave(&caller);
}

static void
strips_that_do_not_fit_are_refused(void **state)
{
    static const int64_t BASES[] = {4, 4}, WHOLES[] = {12, 12};
    caller_t caller;
    simple_t map;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t kernel = kernel_load(&caller, (kernel_wish_t){.file = "good/arrays", .entry = "three"}, NULL);
    float floats[3] = {0};
    const oid_t STRIPS[] = {caller_doubles(&caller, 4, 0, 1), caller_array(&caller, DTYPE_FLOAT32, 3, floats), kernel,
                            oid_new(), OID_NONE};
    static const int STATUSES[] = {FH_INVALID_ARGUMENT, FH_INVALID_ARGUMENT, FH_WRONG_TYPE, FH_NO_SUCH_OBJECT,
                                   FH_INVALID_ARGUMENT};

    for (size_t i = 0; i < sizeof STRIPS / sizeof *STRIPS; i++) {
        simple_init(&map, kernel, caller_doubles(&caller, 4, 1, 1), 4);
        msg_KERNEL_MAP_t *message = &map.message.as.KERNEL_MAP;

        message->axis = 0;
        message->bases = (ints_t){BASES, 2};
        message->wholes = (ints_t){WHOLES, 2};
        message->width = 1;
        message->low = (oids_t){&STRIPS[i], 1};
        (void)caller_send(&caller, &map.message, NULL, 0);
        kernel_expect_poison(&caller, map.result, STATUSES[i], NULL);
    }
    caller_leave(&caller);
}

static void
kernels_of_another_kind_are_refused(void **state)
{
    caller_t caller, other;
    message_t error;
    simple_t map;
    char text[512];

    caller_open(&caller, *state, 0, OID_NONE, false);
    caller_open(&other, *state, 0, OID_NONE, false);
    oid_t in = caller_doubles(&caller, 4, 1, 1);

    simple_init(&map,
                kernel_load(&caller, (kernel_wish_t){.file = "good/sums", .entry = "total", .kind = "reduction"}, NULL),
                in, 4);
    (void)caller_send(&caller, &map.message, NULL, 0);
    kernel_expect_poison(&caller, map.result, FH_KERNEL_ERROR, &error);
    check_contains(str_copy(error.as.ERROR.text, text, sizeof text), "of kind reduction, which KERNEL_FOLD runs");
    simple_init(&map, in, in, 4);
    (void)caller_send(&caller, &map.message, NULL, 0);
    kernel_expect_poison(&caller, map.result, FH_WRONG_TYPE, NULL);
    oid_t theirs = kernel_load(&other, (kernel_wish_t){.file = "good/arrays", .entry = "twice"}, NULL);

    simple_init(&map, theirs, in, 4);
    (void)caller_send(&caller, &map.message, NULL, 0);
    kernel_expect_poison(&caller, map.result, FH_KERNEL_ERROR, NULL);
    simple_init(&map, kernel_load(&caller, (kernel_wish_t){.file = "good/arrays", .entry = "twice"}, NULL), in, 4);
    map.message.as.KERNEL_MAP.inputs.count = 0;
    map.message.as.KERNEL_MAP.width = 1;
    (void)caller_send(&caller, &map.message, NULL, 0);
    kernel_expect_poison(&caller, map.result, FH_INVALID_ARGUMENT, NULL);
    caller_leave(&other);
    caller_leave(&caller);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(array_kernel_runs_over_small_large_and_strided),
        cmocka_unit_test(array_kernel_has_several_results_and_constants),
        cmocka_unit_test(results_that_exist_are_written_only_after_success),
        cmocka_unit_test(all_results_appear_or_none),
        cmocka_unit_test(gufunc_broadcasts_its_loop_dimensions),
        cmocka_unit_test(halo_comes_from_strips_or_pads),
        cmocka_unit_test(lists_that_do_not_fit_are_refused),
        cmocka_unit_test(strips_that_do_not_fit_are_refused),
        cmocka_unit_test(kernels_of_another_kind_are_refused),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
