/* Elements of a size of their own: comparing, choosing, sorting, changing their length. */
#include "codecs/order.h"
#include "engine/compute/items.h"
#include "engine/compute/sort_items.h"
#include "tests/support/check.h"

#include <stdlib.h>
#include <string.h>

enum { MANY = 40000 };

static crew_t *crew;
static uint64_t numbers;

static int
start(void **state)
{
    (void)state;
    numbers = check_seed();
    return crew_new(&crew, 3, NULL);
}

static int
stop(void **state)
{
    (void)state;
    crew_destroy(&crew);
    return 0;
}

static uint32_t
next_number(uint32_t below)
{
    numbers = numbers * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(numbers >> 33) % below;
}

/* Few different bytes, so that many elements begin alike and are equal. */
static char *
make(dtype_t dtype, int64_t n)
{
    size_t size = dtype_size(dtype);
    char *data = calloc((size_t)n, size);
    assert_non_null(data);
    for (size_t i = 0; i < (size_t)n * size; i++) {
        bool counts = dtype_code(dtype) != CODE_STR || i % 4 == 0;
        data[i] = counts ? (char)(next_number(3) == 0 ? 200 : 'a' + next_number(2)) : 0;
    }
    return data;
}

static void
check_sorted(const char *name, int64_t rows, int64_t n)
{
    dtype_t dtype = dtype_from_name(name);
    size_t size = dtype_size(dtype);
    shape_t shape = {.ndim = 2, .extent = {rows, n}};
    char *data = make(dtype, rows * n), *out = calloc((size_t)(rows * n), size);
    int64_t *order = calloc((size_t)(rows * n), sizeof *order);
    nd_t in, sorted, places;
    nd_init(&in, data, dtype, &shape);
    nd_init(&sorted, out, dtype, &shape);
    nd_init(&places, order, DTYPE_INT64, &shape);
    char *scratch = malloc((size_t)compute_sort_scratch(crew, SORT_VALUES, &in, 1) + 1);
    assert_true(out && order && scratch);
    assert_int_equal(compute_sort(crew, &in, 1, &sorted, scratch, NULL), FH_OK);
    assert_int_equal(compute_argsort(crew, &in, 1, 5, &places, scratch, NULL), FH_OK);
    for (int64_t i = 0; i < rows * n; i++) {
        const char *row = data + i / n * n * (int64_t)size;
        assert_memory_equal(out + i * (int64_t)size, row + (order[i] - 5) * (int64_t)size, size);
        if (i % n == 0)
            continue;
        int compare = order_compare(dtype, false, out + (i - 1) * (int64_t)size, out + i * (int64_t)size);
        assert_true(compare < 0 || (compare == 0 && order[i - 1] < order[i]));
    }
    free(data);
    free(out);
    free(order);
    free(scratch);
}

static void
items_are_sorted_stably(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"S1", "S3", "S8", "S9", "S20", "U1", "U2", "U5", "V7", "V16"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        check_sorted(NAMES[i], 1, 1);
        check_sorted(NAMES[i], 3, 17);
        check_sorted(NAMES[i], 2, 1000 + next_number(100));
        check_sorted(NAMES[i], 1, MANY + next_number(1000));
    }
}

static void
str_is_in_the_order_of_code_points(void **state)
{
    (void)state;
    const uint32_t a[] = {'a', 0}, euro[] = {0x20ac, 0}, high[] = {0x1f600, 0}, longer[] = {'a', 1};
    const uint32_t *const rising[] = {a, longer, euro, high};
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 4; k++) {
            int compare = order_compare(dtype_from_name("U2"), false, rising[i], rising[k]);
            assert_int_equal((compare > 0) - (compare < 0), (i > k) - (i < k));
        }
    const int64_t nat = INT64_MIN, low = INT64_MIN + 1, high_date = INT64_MAX;
    assert_true(order_compare(dtype_from_name("M8[s]"), false, &low, &high_date) < 0);
    assert_true(order_compare(dtype_from_name("M8[s]"), false, &high_date, &nat) < 0);
    assert_int_equal(order_compare(dtype_from_name("M8[s]"), false, &nat, &nat), 0);
}

static void
comparisons_and_choices(void **state)
{
    (void)state;
    static const struct {
        const char *op;
        bool less, equal, greater;
    } OPS[] = {{"equal", false, true, false},   {"not_equal", true, false, true},
               {"less", true, false, false},    {"less_equal", true, true, false},
               {"greater", false, false, true}, {"greater_equal", false, true, true}};
    dtype_t dtype = dtype_from_name("S3");
    char left[] = "abaabbabc", right[] = "abbabbab\0", chosen[9];
    uint8_t truth[3];
    shape_t shape = {.ndim = 1, .extent = {3}};
    nd_t in[3], out;
    nd_init(&in[0], left, dtype, &shape);
    nd_init(&in[1], right, dtype, &shape);
    nd_init(&out, truth, DTYPE_BOOL, &shape);
    for (size_t i = 0; i < sizeof OPS / sizeof *OPS; i++) {
        const op_t *op = op_find(OPS[i].op, strlen(OPS[i].op));
        assert_int_equal(items_ufunc(crew, op, in, 2, &out, NULL), FH_OK);
        assert_true(truth[0] == OPS[i].less && truth[1] == OPS[i].equal && truth[2] == OPS[i].greater);
    }
    in[2] = in[1];
    in[1] = in[0];
    truth[0] = truth[2] = 1;
    truth[1] = 0;
    nd_init(&in[0], truth, DTYPE_BOOL, &shape);
    nd_init(&out, chosen, dtype, &shape);
    assert_int_equal(items_ufunc(crew, op_find("where", 5), in, 3, &out, NULL), FH_OK);
    assert_memory_equal(chosen, "abaabbabc", 9);
    assert_int_equal(items_ufunc(crew, op_find("add", 3), in + 1, 2, &out, NULL), FH_WRONG_TYPE);
    in[2].dtype = dtype_from_name("S4");
    assert_int_equal(items_ufunc(crew, op_find("where", 5), in, 3, &out, NULL), FH_WRONG_TYPE);
}

static void
lengths_change_by_assignment(void **state)
{
    (void)state;
    char three[] = "abcxy\0", five[10], two[4];
    shape_t shape = {.ndim = 1, .extent = {2}};
    nd_t from, to;
    nd_init(&from, three, dtype_from_name("S3"), &shape);
    nd_init(&to, five, dtype_from_name("S5"), &shape);
    assert_int_equal(compute_assign(crew, &to, &from, NULL), FH_OK);
    assert_memory_equal(five, "abc\0\0xy\0\0\0", 10);
    nd_init(&to, two, dtype_from_name("S2"), &shape);
    assert_int_equal(compute_assign(crew, &to, &from, NULL), FH_OK);
    assert_memory_equal(two, "abxy", 4);
    nd_init(&to, five, dtype_from_name("V5"), &shape);
    assert_int_equal(compute_assign(crew, &to, &from, NULL), FH_WRONG_TYPE);
    nd_init(&to, five, DTYPE_INT32, &shape);
    assert_int_equal(compute_assign(crew, &to, &from, NULL), FH_WRONG_TYPE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_sorted_stably),
        cmocka_unit_test(str_is_in_the_order_of_code_points),
        cmocka_unit_test(comparisons_and_choices),
        cmocka_unit_test(lengths_change_by_assignment),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
