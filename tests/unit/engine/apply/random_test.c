/* engine/apply/random: the numbers of NumPy's Generator(Philox(key=[1, 2], counter=[5, 0, 0, 0])), any stretch of them.
 */
#include "engine/apply/random.h"
#include "tests/support/check.h"
#include "tests/unit/engine/apply/harness.h"

#include <stdlib.h>
#include <string.h>

enum { REPORT = 64 };

typedef struct {
    harness_t harness;
    int64_t integers[RANDOM_AT_REST + 3];
    double reals[3];
    int64_t report[REPORT];
} draw_t;

static void
prepare(draw_t *self, random_code_t code, void *out, dtype_t dtype, int64_t count)
{
    memset(self, 0, sizeof *self);
    harness_init(&self->harness);
    self->integers[RANDOM_AT_CODE] = code;
    self->integers[RANDOM_AT_KEY] = 1;
    self->integers[RANDOM_AT_KEY + 1] = 2;
    self->integers[RANDOM_AT_COUNTER] = 5;
    self->integers[RANDOM_AT_POSITION] = 4;
    self->harness.call.integers = self->integers;
    self->harness.call.nintegers = RANDOM_AT_REST;
    self->harness.call.reals = self->reals;
    harness_in_place(&self->harness, out, dtype, 1, &count);
}

static void
report(draw_t *self, int64_t heads, int64_t tails)
{
    int64_t count = RANDOM_REPORT_REST + heads + tails;
    self->integers[RANDOM_AT_HEADS] = heads;
    self->integers[RANDOM_AT_TAILS] = tails;
    harness_in_place(&self->harness, self->report, DTYPE_INT64, 1, &count);
}

static void
run(draw_t *self)
{
    harness_run(&self->harness, APPLY_RANDOM, FH_OK);
    harness_release(&self->harness);
}

static void
numbers_are_those_of_numpy(void **state)
{
    double uniform[9], normal[1000];
    float single[7];
    int64_t whole[1001], order[10], wanted[] = {9, 0, 8, 4, 7, 1, 5, 3, 2, 6};
    uint8_t bytes[10], small[] = {96, 114, 141, 131, 180, 52, 185, 140, 29, 135};
    draw_t draw;
    (void)state;
    prepare(&draw, RANDOM_RANDOM, uniform, DTYPE_FLOAT64, 9);
    run(&draw);
    assert_true(uniform[0] == 0x1.cec150a56b26fp-1 && uniform[3] == 0x1.ced9269cc0af2p-2 &&
                uniform[4] == 0x1.f772feb705333p-1 && uniform[8] == 0x1.b1402d215fce8p-1);
    prepare(&draw, RANDOM_RANDOM_F, single, DTYPE_FLOAT32, 7);
    run(&draw);
    assert_true(single[0] == 0x1.6b26f8p-1F && single[1] == 0x1.cec150p-1F && single[6] == 0x1.815e4p-3F);
    prepare(&draw, RANDOM_STANDARD_NORMAL, normal, DTYPE_FLOAT64, 1000);
    report(&draw, 0, 0);
    run(&draw);
    assert_true(normal[0] == 0x1.e142ed72dc7afp-3 && normal[500] == -0x1.e4b279ae5b81bp+0 &&
                normal[999] == -0x1.e3ce21f3640f8p-2);
    assert_int_equal(draw.report[RANDOM_REPORT_TAKEN], (261 - 5 - 1) * 4 + 2);
    prepare(&draw, RANDOM_INTEGERS, whole, DTYPE_INT64, 1001);
    draw.integers[RANDOM_AT_REST + 1] = 1000002;
    draw.harness.call.nintegers += 2;
    report(&draw, 0, 0);
    run(&draw);
    assert_true(whole[0] == 709283 && whole[1] == 903821 && whole[1000] == 462639);
    assert_int_equal(draw.report[RANDOM_REPORT_HAS_HALF], 1);
    assert_int_equal(draw.report[RANDOM_REPORT_HALF], 1133093319);
    prepare(&draw, RANDOM_INTEGERS, bytes, DTYPE_UINT8, 10);
    draw.integers[RANDOM_AT_REST + 1] = 199;
    draw.harness.call.nintegers += 2;
    run(&draw);
    assert_memory_equal(bytes, small, sizeof small);
    prepare(&draw, RANDOM_PERMUTATION, order, DTYPE_INT64, 10);
    run(&draw);
    assert_memory_equal(order, wanted, sizeof wanted);
}

/* Many parts for the crew, and a stretch from the middle: the same numbers as one after the other. */
static void
any_stretch_is_part_of_the_stream(void **state)
{
    enum { COUNT = 200001, SKIP = 70003 };
    double *all = malloc(COUNT * sizeof *all), *some = malloc(COUNT * sizeof *some);
    float *halves = malloc(COUNT * sizeof *halves), *some_halves = malloc(COUNT * sizeof *some_halves);
    philox_t philox;
    draw_t draw;
    (void)state;
    assert_true(all && some && halves && some_halves);
    prepare(&draw, RANDOM_RANDOM, all, DTYPE_FLOAT64, COUNT);
    run(&draw);
    philox_init(&philox, (uint64_t[]){1, 2}, (uint64_t[]){5, 0, 0, 0});
    for (int i = 0; i < COUNT; i++)
        assert_true(all[i] == (double)(philox_next(&philox) >> 11) * 0x1p-53);
    prepare(&draw, RANDOM_RANDOM, some, DTYPE_FLOAT64, COUNT - SKIP);
    draw.integers[RANDOM_AT_SKIP] = SKIP;
    run(&draw);
    assert_memory_equal(some, all + SKIP, (COUNT - SKIP) * sizeof *all);
    prepare(&draw, RANDOM_RANDOM_F, halves, DTYPE_FLOAT32, COUNT);
    run(&draw);
    prepare(&draw, RANDOM_RANDOM_F, some_halves, DTYPE_FLOAT32, COUNT - SKIP);
    draw.integers[RANDOM_AT_SKIP] = SKIP;
    run(&draw);
    assert_memory_equal(some_halves, halves + SKIP, (COUNT - SKIP) * sizeof *halves);
    free(all);
    free(some);
    free(halves);
    free(some_halves);
}

/* Where elements begin: a stretch from such a place begins with that element. */
static void
reports_say_where_elements_begin(void **state)
{
    double normal[500], again[100];
    draw_t draw, other;
    (void)state;
    prepare(&draw, RANDOM_STANDARD_NORMAL, normal, DTYPE_FLOAT64, 500);
    report(&draw, 20, 30);
    run(&draw);
    const int64_t *heads = draw.report + RANDOM_REPORT_REST, *tails = heads + 20;
    assert_int_equal(heads[0], 0);
    assert_int_equal(tails[29], draw.report[RANDOM_REPORT_TAKEN]);
    for (int i = 0; i < 29; i++) {
        int element = 500 - 30 + 1 + i;
        prepare(&other, RANDOM_STANDARD_NORMAL, again, DTYPE_FLOAT64, 1);
        other.integers[RANDOM_AT_SKIP] = tails[i];
        run(&other);
        assert_true(again[0] == normal[element]);
    }
    prepare(&other, RANDOM_STANDARD_NORMAL, again, DTYPE_FLOAT64, 100);
    other.integers[RANDOM_AT_SKIP] = heads[19];
    run(&other);
    assert_memory_equal(again, normal + 19, sizeof again);
    prepare(&draw, RANDOM_STANDARD_NORMAL, normal, DTYPE_FLOAT64, 10); /* all are heads and tails */
    report(&draw, 10, 11);
    run(&draw);
    assert_memory_equal(draw.report + RANDOM_REPORT_REST, draw.report + RANDOM_REPORT_REST + 10, 10 * sizeof(int64_t));
}

/* What would run for ever, or beyond the report, is refused. */
static void
bad_parameters_are_refused(void **state)
{
    static const struct {
        random_code_t code;
        dtype_t dtype;
        int nreals;
        double real[3];
    } BAD[] = {
        {RANDOM_ZIPF, DTYPE_INT64, 1, {1}},
        {RANDOM_ZIPF, DTYPE_INT64, 1, {0.0 / 0.0}},
        {RANDOM_GAMMA, DTYPE_FLOAT64, 2, {1.0 / 0.0, 1}},
        {RANDOM_POISSON, DTYPE_INT64, 1, {-1}},
        {RANDOM_GEOMETRIC, DTYPE_INT64, 1, {0}},
        {RANDOM_NORMAL, DTYPE_FLOAT64, 1, {0}},
        {RANDOM_RANDOM, DTYPE_INT64, 0, {0}},
        {RANDOM_COUNT, DTYPE_INT64, 0, {0}},
    };
    char out[64];
    draw_t draw;
    (void)state;
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        prepare(&draw, BAD[i].code, out, BAD[i].dtype, 4);
        memcpy(draw.reals, BAD[i].real, sizeof draw.reals);
        draw.harness.call.nreals = BAD[i].nreals;
        err_t err;
        assert_int_not_equal(apply_function(APPLY_RANDOM)(&draw.harness.call, &err), FH_OK);
        harness_release(&draw.harness);
    }
    prepare(&draw, RANDOM_RANDOM, out, DTYPE_FLOAT64, 4);
    report(&draw, 5, 0);
    harness_run(&draw.harness, APPLY_RANDOM, FH_INVALID_ARGUMENT);
    harness_release(&draw.harness);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_of_numpy),
        cmocka_unit_test(any_stretch_is_part_of_the_stream),
        cmocka_unit_test(reports_say_where_elements_begin),
        cmocka_unit_test(bad_parameters_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
