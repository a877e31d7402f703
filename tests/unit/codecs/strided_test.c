#include "codecs/strided.h"
#include "tests/support/check.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 2000, ROOM = 1 << 16 };

static int64_t
below(uint64_t *random, int64_t limit)
{
    return (int64_t)(check_random(random) % (uint64_t)limit);
}

static const dtype_t dtypes[] = {DTYPE_INT8,  DTYPE_FLOAT16,   DTYPE_FLOAT32,
                                 DTYPE_INT64, DTYPE_COMPLEX64, DTYPE_COMPLEX128};

/* A random view into the middle of room: axes permuted, turned around, with gaps.  Only its shape may be given. */
static nd_t
random_view(uint64_t *random, char *room, dtype_t dtype, const shape_t *shape)
{
    nd_t nd = {.data = room + ROOM / 2, .dtype = dtype, .shape = *shape};
    int64_t step = (int64_t)dtype_size(dtype);
    int order[SHAPE_MAX_DIMS];
    for (int i = 0; i < shape->ndim; i++)
        order[i] = i;
    for (int i = shape->ndim - 1; i > 0 && below(random, 2); i--) {
        int j = (int)below(random, i + 1), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
    for (int i = shape->ndim - 1; i >= 0; i--) {
        nd.stride[order[i]] = below(random, 3) == 0 ? -step : step;
        step *= shape->extent[order[i]] + (below(random, 3) == 0 ? below(random, 3) : 0);
    }
    return nd;
}

static shape_t
random_shape(uint64_t *random)
{
    shape_t shape = {.ndim = (int)below(random, 4)};
    for (int i = 0; i < shape.ndim; i++)
        shape.extent[i] = below(random, 7) + (below(random, 12) != 0);
    return shape;
}

/* Element number i in C order. */
static char *
element(const nd_t *nd, int64_t i)
{
    char *data = nd->data;
    for (int axis = nd->shape.ndim - 1; axis >= 0; axis--) {
        data += i % nd->shape.extent[axis] * nd->stride[axis];
        i /= nd->shape.extent[axis];
    }
    return data;
}

typedef struct {
    char *room, *other;
    uint64_t random;
} rooms_t;

static int
make_rooms(void **state)
{
    rooms_t *rooms = calloc(1, sizeof *rooms);
    rooms->room = malloc(ROOM);
    rooms->other = malloc(ROOM);
    rooms->random = check_seed();
    for (int i = 0; i < ROOM; i++)
        rooms->room[i] = (char)check_random(&rooms->random);
    *state = rooms;
    return 0;
}

static int
drop_rooms(void **state)
{
    rooms_t *rooms = *state;
    free(rooms->room);
    free(rooms->other);
    free(rooms);
    return 0;
}

static void
strided_pack_gives_any_part_of_the_image(void **state)
{
    rooms_t *rooms = *state;
    for (int round = 0; round < ROUNDS; round++) {
        shape_t shape = random_shape(&rooms->random);
        dtype_t dtype = dtypes[below(&rooms->random, 6)];
        int64_t size = (int64_t)dtype_size(dtype), count = shape_count(&shape);
        nd_t nd = random_view(&rooms->random, rooms->room, dtype, &shape);
        int64_t first = below(&rooms->random, count + 1), n = below(&rooms->random, count - first + 1);
        memset(rooms->other, 0x5a, ROOM);
        strided_pack(&nd, first * size, n * size, rooms->other);
        for (int64_t i = 0; i < n; i++)
            assert_memory_equal(rooms->other + i * size, element(&nd, first + i), (size_t)size);
        assert_int_equal(rooms->other[n * size], 0x5a);
    }
}

static void
strided_unpack_writes_that_part_only(void **state)
{
    rooms_t *rooms = *state;
    char *image = malloc(ROOM), *before = malloc(ROOM);
    for (int round = 0; round < ROUNDS / 4; round++) {
        shape_t shape = random_shape(&rooms->random);
        dtype_t dtype = dtypes[below(&rooms->random, 6)];
        int64_t size = (int64_t)dtype_size(dtype), count = shape_count(&shape);
        nd_t nd = random_view(&rooms->random, rooms->other, dtype, &shape), old = nd;
        int64_t first = below(&rooms->random, count + 1), n = below(&rooms->random, count - first + 1);
        memcpy(rooms->other, rooms->room, ROOM);
        memcpy(before, rooms->room, ROOM);
        for (int64_t i = 0; i < n * size; i++)
            image[i] = (char)check_random(&rooms->random);
        strided_unpack(&nd, first * size, n * size, image);
        old.data = before + (nd.data - rooms->other);
        for (int64_t i = 0; i < n; i++) {
            assert_memory_equal(image + i * size, element(&nd, first + i), (size_t)size);
            memcpy(element(&old, first + i), image + i * size, (size_t)size);
        }
        assert_memory_equal(before, rooms->other, ROOM); /* and nothing beside it */
    }
    free(image);
    free(before);
}

static void
check_copy(rooms_t *rooms, void (*copy)(const nd_t *dst, const nd_t *src), int64_t (*half)(dtype_t))
{
    for (int round = 0; round < ROUNDS; round++) {
        shape_t shape = random_shape(&rooms->random);
        dtype_t dtype = dtypes[below(&rooms->random, 6)];
        int64_t size = (int64_t)dtype_size(dtype), part = half(dtype);
        nd_t src = random_view(&rooms->random, rooms->room, dtype, &shape);
        nd_t dst = random_view(&rooms->random, rooms->other, dtype, &shape);
        copy(&dst, &src);
        for (int64_t i = 0, count = shape_count(&shape); i < count; i++) {
            const char *from = element(&src, i), *to = element(&dst, i);
            for (int64_t k = 0; k < size; k++)
                assert_int_equal(to[k], part == 0 ? from[k] : from[k / part * part + part - 1 - k % part]);
        }
    }
}

static int64_t
no_half(dtype_t dtype)
{
    (void)dtype;
    return 0;
}

static int64_t
swapped_half(dtype_t dtype)
{
    int64_t size = (int64_t)dtype_size(dtype);
    return dtype_kind(dtype) == 'c' ? size / 2 : size;
}

static void
strided_copy_between_random_views(void **state)
{
    check_copy(*state, strided_copy, no_half);
}

static void
strided_copy_swapped_turns_each_half(void **state)
{
    check_copy(*state, strided_copy_swapped, swapped_half);
}

static void
strided_copy_transposes_across_tiles(void **state)
{
    (void)state;
    enum { ROWS = 70, COLUMNS = 131 };
    static int32_t from[ROWS][COLUMNS], to[COLUMNS][ROWS];
    shape_t shape = {2, {COLUMNS, ROWS}};
    nd_t dst, src = {.data = (char *)from, .dtype = DTYPE_INT32, .shape = shape, .stride = {4, COLUMNS * 4}};
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLUMNS; j++)
            from[i][j] = i * 1000 + j;
    nd_init(&dst, to, DTYPE_INT32, &shape);
    strided_copy(&dst, &src);
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLUMNS; j++)
            assert_int_equal(to[j][i], i * 1000 + j);
}

/* A box of float64 inside a larger one, its axes in the given order of memory. */
static nd_t
box(char *room, const int64_t extent[3], const int64_t room_extent[3], const int order[3])
{
    nd_t nd = {.data = room, .dtype = DTYPE_FLOAT64, .shape = {.ndim = 3}};
    int64_t step = 8;
    for (int i = 2; i >= 0; i--) {
        nd.shape.extent[order[i]] = extent[order[i]];
        nd.stride[order[i]] = step;
        step *= room_extent[order[i]];
    }
    return nd;
}

static void
strided_copy_past_cache_is_strided_copy(void **state)
{
    static const int C_ORDER[] = {0, 1, 2}, SWAPPED[] = {1, 0, 2}, F_ORDER[] = {2, 1, 0};
    static const struct {
        int64_t extent[3], to_room[3], from_room[3];
        const int *to, *from;
    } CASES[] = {{{1, 1, 100000}, {1, 1, 100000}, {1, 1, 100000}, C_ORDER, C_ORDER},
                 {{3, 70, 128}, {3, 70, 128}, {3, 70, 200}, C_ORDER, C_ORDER}, /* rows of 1 KiB */
                 {{3, 70, 129}, {3, 70, 131}, {3, 80, 129}, C_ORDER, C_ORDER},
                 {{5, 7, 1300}, {5, 7, 1300}, {5, 7, 1301}, SWAPPED, C_ORDER},
                 {{5, 7, 300}, {5, 7, 300}, {5, 7, 301}, C_ORDER, C_ORDER}, /* not worth it */
                 {{20, 30, 40}, {20, 30, 40}, {20, 30, 40}, F_ORDER, C_ORDER},
                 {{3, 0, 128}, {3, 70, 128}, {3, 70, 200}, C_ORDER, C_ORDER}};
    enum { BYTES = 1 << 20, OFFSET = 24 };
    char *from = malloc(BYTES), *wanted = calloc(1, BYTES), *got = calloc(1, BYTES);
    uint64_t seed = check_seed();
    (void)state;
    assert_true(from && wanted && got);
    for (size_t i = 0; i < BYTES; i++)
        from[i] = (char)check_random(&seed);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        nd_t src = box(from + OFFSET, CASES[i].extent, CASES[i].from_room, CASES[i].from);
        nd_t dst = box(wanted + OFFSET, CASES[i].extent, CASES[i].to_room, CASES[i].to);
        strided_copy(&dst, &src);
        dst.data = got + OFFSET;
        strided_copy_past_cache(&dst, &src);
        assert_int_equal(memcmp(wanted, got, BYTES), 0);
    }
    free(from);
    free(wanted);
    free(got);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strided_pack_gives_any_part_of_the_image),
        cmocka_unit_test(strided_unpack_writes_that_part_only),
        cmocka_unit_test(strided_copy_between_random_views),
        cmocka_unit_test(strided_copy_swapped_turns_each_half),
        cmocka_unit_test(strided_copy_past_cache_is_strided_copy),
        cmocka_unit_test(strided_copy_transposes_across_tiles),
    };
    return cmocka_run_group_tests(tests, make_rooms, drop_rooms);
}
