/* Scatter, gather, resharding, joining, indexing: exact, for every dtype, axis, number of engines and odd layouts. */
#include "tests/process/cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ENGINES = 4, ROOM = 1 << 16 };

static cluster_t cluster;
static fh_session *session;
static fh_id engine_ids[MAX_ENGINES];

static int
start(void **state)
{
    fh_engine_info engines[MAX_ENGINES];
    fh_error error;
    int n;
    (void)state;
    cluster_start(&cluster, MAX_ENGINES);
    session = cluster_connect(&cluster, 30);
    fh_ok(fh_engines(session, engines, MAX_ENGINES, &n, &error), error);
    assert_int_equal(n, MAX_ENGINES);
    for (int i = 0; i < MAX_ENGINES; i++)
        engine_ids[i] = engines[i].id;
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

/* ---- local arrays --------------------------------------------------------------------------------------------------
 */

/* Local strided memory with room around it, filled with random bytes that are values of any dtype. */
typedef struct {
    fh_dtype dtype;
    int ndim;
    int64_t shape[4], strides[4], size, count;
    unsigned char memory[ROOM];
    unsigned char *first;
} sample_t;

typedef enum { ORDER_C, ORDER_F, ORDER_GAPS, ORDER_BACKWARDS, ORDER_COUNT } order_t;

static void
sample_make(sample_t *self, fh_dtype dtype, int ndim, const int64_t *shape, order_t order, uint64_t *seed)
{
    int64_t step = (int64_t)fh_dtype_size(dtype) * (order == ORDER_GAPS ? 2 : 1);
    *self = (sample_t){.dtype = dtype, .ndim = ndim, .size = (int64_t)fh_dtype_size(dtype), .count = 1};
    self->first = self->memory;
    for (int i = 0; i < ndim; i++) {
        int axis = order == ORDER_F ? i : ndim - 1 - i;
        self->shape[axis] = shape[axis];
        self->strides[axis] = step;
        step *= shape[axis] ? shape[axis] : 1;
        self->count *= shape[axis];
        if (order == ORDER_BACKWARDS && shape[axis] > 0) {
            self->first += (shape[axis] - 1) * self->strides[axis];
            self->strides[axis] = -self->strides[axis];
        }
    }
    assert_true(step <= ROOM);
    for (int64_t i = 0; i < step; i++)
        self->memory[i] = (unsigned char)(check_random(seed) & (dtype == FH_BOOL ? 1 : 255));
}

/* Element number i in C order. */
static unsigned char *
element(const sample_t *self, int64_t i)
{
    unsigned char *at = self->first;
    for (int axis = self->ndim - 1; axis >= 0; axis--) {
        at += i % self->shape[axis] * self->strides[axis];
        i /= self->shape[axis];
    }
    return at;
}

static fh_local
local_of(const sample_t *self)
{
    return (fh_local){
        .data = self->first, .dtype = self->dtype, .ndim = self->ndim, .shape = self->shape, .strides = self->strides};
}

/* Gather in C order and compare byte by byte. */
static void
check_equal(fh_array *array, const sample_t *sample)
{
    static unsigned char got[ROOM];
    fh_array_info info;
    fh_error error;
    fh_array_describe(array, &info);
    assert_int_equal(info.dtype, sample->dtype);
    assert_int_equal(info.ndim, sample->ndim);
    for (int i = 0; i < info.ndim; i++)
        assert_int_equal(info.shape[i], sample->shape[i]);
    assert_true(info.axis == -1 ? info.npieces == 1 : info.npieces > 1);
    fh_ok(fh_gather(array, got, NULL, &error), error);
    for (int64_t i = 0; i < sample->count; i++)
        assert_memory_equal(got + i * sample->size, element(sample, i), (size_t)sample->size);
}

static const struct {
    int ndim;
    int64_t shape[4];
} shapes[] = {{0, {0}},    {1, {1}},    {1, {0}},       {1, {17}},      {2, {3, 5}},
              {2, {0, 4}}, {2, {4, 0}}, {3, {2, 7, 3}}, {3, {1, 1, 5}}, {4, {3, 2, 4, 5}}};

enum { NSHAPES = sizeof shapes / sizeof shapes[0] };

/* ---- tests ---------------------------------------------------------------------------------------------------------
 */

static void
scatter_and_gather_of_every_dtype_axis_and_layout_is_exact(void **state)
{
    uint64_t seed = check_seed();
    static sample_t sample;
    fh_error error;
    (void)state;
    for (int dtype = FH_BOOL; dtype <= FH_COMPLEX128; dtype++)
        for (int s = 0; s < NSHAPES; s++)
            for (int axis = shapes[s].ndim ? -shapes[s].ndim : FH_WHOLE; axis < shapes[s].ndim || axis == FH_WHOLE;
                 axis = axis == FH_WHOLE ? 100 : axis + 1) {
                order_t order = (order_t)(check_random(&seed) % ORDER_COUNT);
                int nengines = 1 + (int)(check_random(&seed) % MAX_ENGINES);
                fh_scatter_options options = {.axis = axis,
                                              .blocksize = (int64_t)(check_random(&seed) % 4),
                                              .engines = engine_ids,
                                              .nengines = nengines};
                sample_make(&sample, (fh_dtype)dtype, shapes[s].ndim, shapes[s].shape, order, &seed);
                fh_local local = local_of(&sample);
                fh_array *array = NULL;
                fh_ok(fh_scatter(session, &local, &options, &array, &error), error);
                check_equal(array, &sample);
                fh_array_free(&array);
            }
}

static void
scatter_of_fewer_items_than_engines_makes_one_piece_each(void **state)
{
    const int32_t values[] = {7, 8, 9};
    const int64_t shape[] = {3};
    fh_local local = {.data = (void *)(uintptr_t)values, .dtype = FH_INT32, .ndim = 1, .shape = shape};
    fh_array *array = NULL;
    fh_array_info info;
    fh_error error;
    (void)state;
    fh_ok(fh_scatter(session, &local, NULL, &array, &error), error);
    fh_array_describe(array, &info);
    assert_int_equal(info.npieces, 3);
    for (int i = 0; i < 3; i++) {
        fh_piece_info piece;
        assert_int_equal(fh_array_piece(array, i, &piece), 0);
        assert_int_equal(piece.start, i);
        assert_int_equal(piece.length, 1);
        assert_int_equal(piece.engine_number, i);
    }
    fh_array_free(&array);
}

static void
gather_into_strides_writes_only_the_elements(void **state)
{
    uint64_t seed = check_seed();
    static sample_t from, to;
    const int64_t shape[] = {6, 5};
    fh_error error;
    (void)state;
    for (int order = 0; order < ORDER_COUNT; order++) {
        fh_array *array = NULL;
        sample_make(&from, FH_INT32, 2, shape, ORDER_C, &seed);
        sample_make(&to, FH_INT32, 2, shape, (order_t)order, &seed);
        fh_local local = local_of(&from);
        fh_ok(fh_scatter(session, &local, &(fh_scatter_options){.axis = 1}, &array, &error), error);
        memset(to.memory, 0xa5, sizeof to.memory);
        fh_ok(fh_gather(array, to.first, to.strides, &error), error);
        for (int64_t i = 0; i < from.count; i++)
            assert_memory_equal(element(&to, i), element(&from, i), 4);
        int64_t written = 0;
        for (size_t i = 0; i < sizeof to.memory; i++)
            written += to.memory[i] != 0xa5;
        assert_true(written <= from.count * 4);
        fh_array_free(&array);
    }
}

static void
scatter_of_swapped_bytes_gives_native_values(void **state)
{
    double values[50], got[50];
    unsigned char swapped[sizeof values];
    const int64_t shape[] = {50};
    fh_local local = {.data = swapped, .dtype = FH_FLOAT64, .ndim = 1, .shape = shape, .swapped = 1};
    fh_array *array = NULL;
    fh_error error;
    (void)state;
    for (int i = 0; i < 50; i++)
        values[i] = 1.5 * i - 3;
    for (size_t i = 0; i < sizeof values; i++)
        swapped[i] = ((const unsigned char *)values)[i / 8 * 8 + 7 - i % 8];
    fh_ok(fh_scatter(session, &local, NULL, &array, &error), error);
    fh_ok(fh_gather(array, got, NULL, &error), error);
    assert_memory_equal(got, values, sizeof values);
    fh_array_free(&array);
}

static void
arrays_of_many_chunks_come_back_whole(void **state)
{
    const int64_t shape[] = {3, 1000003};
    int64_t n = shape[0] * shape[1];
    int32_t *values = malloc((size_t)n * 4), *got = calloc((size_t)n, 4);
    fh_local local = {.data = values, .dtype = FH_INT32, .ndim = 2, .shape = shape};
    fh_error error;
    (void)state;
    for (int64_t i = 0; i < n; i++)
        values[i] = (int32_t)(i * 2654435761u);
    for (int axis = 0; axis < 2; axis++) {
        fh_array *array = NULL;
        fh_ok(fh_scatter(session, &local, &(fh_scatter_options){.axis = axis}, &array, &error), error);
        fh_ok(fh_gather(array, got, NULL, &error), error);
        assert_memory_equal(got, values, (size_t)n * 4);
        memset(got, 0, (size_t)n * 4);
        fh_array_free(&array);
    }
    free(values);
    free(got);
}

static void
reshard_to_every_layout_keeps_every_element(void **state)
{
    uint64_t seed = check_seed();
    static sample_t sample;
    const int64_t shape[] = {5, 4, 7};
    fh_error error;
    (void)state;
    sample_make(&sample, FH_FLOAT32, 3, shape, ORDER_C, &seed);
    fh_local local = local_of(&sample);
    for (int from = 0; from < 3; from++)
        for (int to = -1; to < 3; to++)
            for (int64_t blocksize = 0; blocksize < 3; blocksize++) {
                fh_array *array = NULL, *moved = NULL;
                fh_scatter_options options = {.axis = to < 0 ? FH_WHOLE : to, .blocksize = blocksize};
                fh_ok(fh_scatter(session, &local, &(fh_scatter_options){.axis = from}, &array, &error), error);
                fh_ok(fh_reshard(array, &options, &moved, &error), error);
                check_equal(moved, &sample);
                fh_array_free(&array);
                fh_array_free(&moved);
            }
}

static void
concatenate_along_and_across_the_cut_joins_in_order(void **state)
{
    int32_t parts[3][12], got[36];
    const int64_t shape[] = {3, 4};
    fh_array *arrays[3] = {NULL}, *joined = NULL;
    fh_error error;
    (void)state;
    for (int joint = 0; joint < 2; joint++)
        for (int cut = 0; cut < 2; cut++) {
            for (int i = 0; i < 3; i++) {
                for (int k = 0; k < 12; k++)
                    parts[i][k] = 100 * i + k;
                fh_local local = {.data = parts[i], .dtype = FH_INT32, .ndim = 2, .shape = shape};
                fh_ok(fh_scatter(session, &local, &(fh_scatter_options){.axis = cut}, &arrays[i], &error), error);
            }
            fh_ok(fh_concatenate(arrays, 3, joint, &joined, &error), error);
            fh_ok(fh_gather(joined, got, NULL, &error), error);
            for (int k = 0; k < 36; k++) {
                int row = joint == 0 ? k / 4 % 3 : k / 12, column = k % 4;
                int which = joint == 0 ? k / 12 : k % 12 / 4;
                assert_int_equal(got[k], 100 * which + 4 * row + column);
            }
            fh_array_free(&joined);
            for (int i = 0; i < 3; i++)
                fh_array_free(&arrays[i]);
        }
}

static void
slices_with_every_step_of_the_cut_axis_match(void **state)
{
    int64_t values[23], got[23];
    const int64_t shape[] = {23};
    fh_local local = {.data = values, .dtype = FH_INT64, .ndim = 1, .shape = shape};
    fh_array *array = NULL, *view = NULL;
    fh_array_info info;
    fh_error error;
    (void)state;
    for (int i = 0; i < 23; i++)
        values[i] = i;
    fh_ok(fh_scatter(session, &local, &(fh_scatter_options){.axis = 0, .blocksize = 4}, &array, &error), error);
    for (int64_t step = -7; step <= 7; step++)
        for (int64_t start = 0; step && start < 23; start += 3) {
            fh_index_item item = {.kind = FH_INDEX_SLICE, .start = start, .step = step, .has_start = 1, .has_step = 1};
            fh_ok(fh_index(array, &item, 1, &view, &error), error);
            fh_array_describe(view, &info);
            assert_int_equal(info.shape[0], step > 0 ? (22 - start) / step + 1 : start / -step + 1);
            fh_ok(fh_gather(view, got, NULL, &error), error);
            for (int64_t i = 0; i < info.shape[0]; i++)
                assert_int_equal(got[i], start + i * step);
            fh_array_free(&view);
        }
    fh_fails(fh_index(array, &(fh_index_item){.kind = FH_INDEX_INT, .start = 23}, 1, &view, &error), FH_BAD_INDEX,
             error);
    fh_array_free(&array);
}

static void
reshape_over_piece_boundaries_keeps_c_order(void **state)
{
    const struct {
        int ndim;
        int64_t shape[4];
    } targets[] = {{1, {120}},        {2, {8, 15}}, {2, {15, 8}}, {3, {5, 4, 6}},
                   {4, {2, 3, 4, 5}}, {2, {-1, 7}}, {2, {40, -1}}};
    int32_t values[120], got[120];
    const int64_t shape[] = {4, 5, 6};
    fh_local local = {.data = values, .dtype = FH_INT32, .ndim = 3, .shape = shape};
    fh_error error;
    (void)state;
    for (int i = 0; i < 120; i++)
        values[i] = i;
    for (int cut = 0; cut < 3; cut++)
        for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
            fh_array *array = NULL, *reshaped = NULL;
            fh_ok(fh_scatter(session, &local, &(fh_scatter_options){.axis = cut}, &array, &error), error);
            int status = fh_reshape(array, targets[i].ndim, targets[i].shape, &reshaped, &error);
            if (targets[i].shape[1] == 7) {
                fh_fails(status, FH_INVALID_ARGUMENT, error);
            } else {
                fh_ok(status, error);
                fh_ok(fh_gather(reshaped, got, NULL, &error), error);
                assert_memory_equal(got, values, sizeof values);
            }
            fh_array_free(&reshaped);
            fh_array_free(&array);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scatter_and_gather_of_every_dtype_axis_and_layout_is_exact),
        cmocka_unit_test(scatter_of_fewer_items_than_engines_makes_one_piece_each),
        cmocka_unit_test(gather_into_strides_writes_only_the_elements),
        cmocka_unit_test(scatter_of_swapped_bytes_gives_native_values),
        cmocka_unit_test(arrays_of_many_chunks_come_back_whole),
        cmocka_unit_test(reshard_to_every_layout_keeps_every_element),
        cmocka_unit_test(concatenate_along_and_across_the_cut_joins_in_order),
        cmocka_unit_test(slices_with_every_step_of_the_cut_axis_match),
        cmocka_unit_test(reshape_over_piece_boundaries_keeps_c_order),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
