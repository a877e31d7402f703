/* Results in memory that several engines share: LAY, whoever comes first, and what a hostile client can ask for. */
#include "tests/process/engine_rig.h"

#include <signal.h>
#include <string.h>

enum { N = 1 << 18, BYTES = N * 8, HALF = N / 2 };

static int
start(void **state)
{
    static engine_rig_t rig;
    static const char *const OPTIONS[] = {"--memory", "64M", NULL};

    engine_rig_start(&rig, 2, OPTIONS);
    *state = &rig;
    return 0;
}

static int
stop(void **state)
{
    engine_rig_stop(*state);
    return 0;
}

/* A session whose engines each have a source of HALF numbers, 0, 1, 2, ... */
typedef struct {
    caller_t at[2]; /* the home, the guest */
    oid_t home, source[2];
} pair_t;

static void
open_pair(pair_t *self, engine_rig_t *rig)
{
    oid_t session = oid_new();

    self->home = rig->engines[0].id;
    for (int i = 0; i < 2; i++) {
        caller_open(&self->at[i], rig, i, session, false);
        self->source[i] = caller_doubles(&self->at[i], HALF, 0, 1);
    }
}

static void
leave_pair(pair_t *self)
{
    caller_leave(&self->at[1]);
    caller_leave(&self->at[0]);
}

/* Where result of HALF numbers lies: from number `first` of the memory on. */
static void
lay(pair_t *self, int i, oid_t memory, oid_t result, int64_t first, int64_t stride)
{
    int64_t count = HALF;

    stride *= 8;
    (void)caller_send(&self->at[i],
                      &(message_t){.code = MSG_LAY,
                                   .as.LAY = {.result = result,
                                              .engine = self->home,
                                              .memory = memory,
                                              .size = BYTES,
                                              .dtype = DTYPE_FLOAT64,
                                              .offset = first * 8,
                                              .shape = {&count, 1},
                                              .strides = {&stride, 1}}},
                      NULL, 0);
}

/* result = source + number */
static void
add(pair_t *self, int i, oid_t result, double number)
{
    operand_t inputs[2] = {{.object = self->source[i]}, {.dtype = DTYPE_FLOAT64}};

    memcpy(inputs[1].scalar, &number, sizeof number);
    (void)caller_send(&self->at[i],
                      &(message_t){.code = MSG_UFUNC,
                                   .as.UFUNC = {.op = str_of("add"),
                                                .inputs = {inputs, 2},
                                                .results = {&result, 1},
                                                .loop_in = DTYPE_FLOAT64 | DTYPE_FLOAT64 << 8,
                                                .loop_out = DTYPE_FLOAT64}},
                      NULL, 0);
}

/* Lay and add; LAY is answered. */
static oid_t
make(pair_t *self, int i, oid_t memory, int64_t first, int64_t stride, double number)
{
    oid_t result = oid_new();
    message_t ok;

    lay(self, i, memory, result, first, stride);
    caller_expect(&self->at[i], MSG_OK, &ok);
    add(self, i, result, number);
    return result;
}

static double
number_at(pair_t *self, int i, oid_t array, uint64_t index)
{
    double got = 0;
    oid_t view = caller_view(&self->at[i], array, (int64_t)index * 8, 1, 8);

    caller_fetch(&self->at[i], view, &got, sizeof got);
    caller_release(&self->at[i], view);
    return got;
}

static void
results_lie_side_by_side(void **state)
{
    for (int first = 0; first < 2; first++) { /* the home comes first, the guest does */
        pair_t pair;
        oid_t memory = oid_new(), result[2];

        open_pair(&pair, *state);
        for (int k = 0; k < 2; k++) {
            int i = k ^ first;

            result[i] = make(&pair, i, memory, i, 2, 100 * i); /* every second number */
        }
        for (int i = 0; i < 2; i++)
            caller_sync(&pair.at[i]);
        /* From each other's place one sees the other's numbers. */
        assert_true(number_at(&pair, 0, result[0], 0) == 0 && number_at(&pair, 0, result[0], 1) == 100);
        assert_true(number_at(&pair, 1, result[1], 0) == 100 && number_at(&pair, 1, result[1], 1) == 1);
        int64_t sources = (int64_t)HALF * 8;

        assert_int_equal(caller_stat(&pair.at[1], "used"), sources);
        assert_int_equal(caller_stat(&pair.at[0], "used"), sources + BYTES);
        caller_release(&pair.at[0], result[0]);
        assert_true(number_at(&pair, 1, result[1], 0) == 100);
        caller_release(&pair.at[1], result[1]);
        caller_sync(&pair.at[1]);
        caller_wait_stat(&pair.at[0], "used", sources);
        leave_pair(&pair);
    }
}

/* Calls that write in C order only: their results lie where LAY has said all the same, and nothing else stays. */
static void
other_calls_lay_their_results_too(void **state)
{
    static double numbers[HALF];
    pair_t pair;
    oid_t memory = oid_new(), sorted = oid_new(), written = oid_new();
    message_t ok;
    int64_t count = HALF, zero = 0, dtype = DTYPE_FLOAT64, shape[] = {1, HALF};

    open_pair(&pair, *state);
    operand_t input = {.object = pair.source[0]};

    for (int i = 0; i < HALF; i++)
        numbers[i] = 1000 + i;
    lay(&pair, 0, memory, sorted, 0, 2);
    caller_expect(&pair.at[0], MSG_OK, &ok);
    (void)caller_send(&pair.at[0],
                      &(message_t){.code = MSG_APPLY,
                                   .as.APPLY = {.method = str_of("sort"),
                                                .inputs = {&input, 1},
                                                .outputs = {&sorted, 1},
                                                .dtypes = {&dtype, 1},
                                                .shapes = {shape, 2},
                                                .integers = {&zero, 1}}},
                      NULL, 0);
    lay(&pair, 1, memory, written, 1, 2);
    caller_expect(&pair.at[1], MSG_OK, &ok);
    (void)caller_send(
        &pair.at[1],
        &(message_t){.code = MSG_EMPTY, .as.EMPTY = {.result = written, .dtype = DTYPE_FLOAT64, .shape = {&count, 1}}},
        numbers, sizeof numbers);
    for (int i = 0; i < 2; i++)
        caller_sync(&pair.at[i]);
    assert_true(number_at(&pair, 0, sorted, 0) == 0 && number_at(&pair, 0, sorted, 1) == 1000);
    assert_true(number_at(&pair, 1, written, 0) == 1000 && number_at(&pair, 1, written, 1) == 1);
    assert_true(number_at(&pair, 0, sorted, BYTES / 8 - 2) == HALF - 1);
    assert_int_equal(caller_stat(&pair.at[0], "used"), (int64_t)HALF * 8 + BYTES);
    assert_int_equal(caller_stat(&pair.at[1], "used"), (int64_t)HALF * 8);
    leave_pair(&pair);
}

/* Who comes when all others have gone makes its piece apart. */
static void
memory_that_has_gone_is_not_made_again(void **state)
{
    pair_t pair;
    oid_t memory = oid_new(), late = oid_new();

    open_pair(&pair, *state);
    oid_t result = make(&pair, 0, memory, 0, 1, 1);

    caller_release(&pair.at[0], result);
    caller_sync(&pair.at[0]);
    for (int i = 0; i < 2; i++) {
        lay(&pair, i, memory, late, HALF, 1);
        caller_expect_error(&pair.at[i], FH_NO_SUCH_OBJECT, NULL);
    }
    add(&pair, 1, late, 7);
    assert_true(number_at(&pair, 1, late, 3) == 10);
    leave_pair(&pair);
}

static void
what_cannot_be_is_refused(void **state)
{
    engine_rig_t *rig = *state;
    pair_t pair, other;
    oid_t memory = oid_new();

    open_pair(&pair, rig);
    open_pair(&other, rig);
    oid_t result = make(&pair, 0, memory, 0, 1, 1);
    static const struct {
        int64_t first, stride;
        int status;
    } CASES[] = {{HALF + 1, 1, FH_BAD_INDEX}, {0, -1, FH_BAD_INDEX}, {0, INT64_MAX / 8, FH_OVERFLOW}};

    for (int i = 0; i < 2; i++) {
        for (size_t k = 0; k < sizeof CASES / sizeof *CASES; k++) {
            lay(&pair, i, memory, oid_new(), CASES[k].first, CASES[k].stride);
            caller_expect_error(&pair.at[i], CASES[k].status, NULL);
        }
        lay(&other, i, memory, oid_new(), 0, 1);
        caller_expect_error(&other.at[i], FH_PERMISSION, NULL);
        lay(&pair, i, OID_NONE, oid_new(), 0, 1);
        caller_expect_error(&pair.at[i], FH_INVALID_ARGUMENT, NULL);
    }
    lay(&pair, 0, memory, result, 0, 1);
    caller_expect_error(&pair.at[0], FH_INVALID_ARGUMENT, NULL);
    /* More places than are kept, for results that never come. */
    for (int i = 0; i < 64; i++) {
        message_t ok;

        lay(&pair, 1, memory, oid_new(), HALF, 1);
        caller_expect(&pair.at[1], MSG_OK, &ok);
    }
    lay(&pair, 1, memory, oid_new(), HALF, 1);
    caller_expect_error(&pair.at[1], FH_LIMIT_EXCEEDED, NULL);
    leave_pair(&other);
    leave_pair(&pair);
    caller_open(&pair.at[0], rig, 0, OID_NONE, false);
    caller_wait_stat(&pair.at[0], "used", 0);
    caller_wait_stat(&pair.at[0], "objects", 0);
    caller_leave(&pair.at[0]);
}

/* A result of another shape does not lie there; one that fails leaves nothing. */
static void
place_is_only_for_what_was_named(void **state)
{
    pair_t pair;
    message_t ok;
    oid_t memory = oid_new(), failed = oid_new(), missing = oid_new();

    open_pair(&pair, *state);
    int64_t used = caller_stat(&pair.at[0], "used");

    lay(&pair, 0, memory, failed, 0, 1);
    caller_expect(&pair.at[0], MSG_OK, &ok);
    operand_t inputs[2] = {{.object = missing}, {.object = pair.source[0]}};

    (void)caller_send(&pair.at[0],
                      &(message_t){.code = MSG_UFUNC,
                                   .as.UFUNC = {.op = str_of("add"),
                                                .inputs = {inputs, 2},
                                                .results = {&failed, 1},
                                                .loop_in = DTYPE_FLOAT64 | DTYPE_FLOAT64 << 8,
                                                .loop_out = DTYPE_FLOAT64}},
                      NULL, 0);
    caller_sync(&pair.at[0]);
    caller_wait_stat(&pair.at[0], "used", used);
    leave_pair(&pair);
}

static void
waiting_ends_when_it_is_cancelled_or_the_home_dies(void **state)
{
    engine_rig_t *rig = *state;
    pair_t pair;
    oid_t result = oid_new();

    open_pair(&pair, rig);
    oid_t piece = make(&pair, 1, oid_new(), 0, 1, 5);

    caller_sync(&pair.at[1]);
    proc_signal(&rig->engines[0].process, SIGSTOP);
    lay(&pair, 1, oid_new(), result, 0, 1);
    (void)caller_send(&pair.at[1], &(message_t){.code = MSG_CANCEL}, NULL, 0);
    caller_expect_error(&pair.at[1], FH_CANCELLED, NULL);
    lay(&pair, 1, oid_new(), result, 0, 1);
    add(&pair, 1, result, 6);
    proc_signal(&rig->engines[0].process, SIGKILL);
    caller_expect_error(&pair.at[1], FH_ENGINE_LOST, NULL);
    assert_true(number_at(&pair, 1, result, 2) == 8);
    assert_true(number_at(&pair, 1, piece, 2) == 7);
    proc_end(&rig->engines[0].process);
    caller_leave(&pair.at[1]);
    caller_close(&pair.at[0]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_lie_side_by_side),
        cmocka_unit_test(other_calls_lay_their_results_too),
        cmocka_unit_test(memory_that_has_gone_is_not_made_again),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(place_is_only_for_what_was_named),
        cmocka_unit_test(waiting_ends_when_it_is_cancelled_or_the_home_dies),
    };
    return cmocka_run_group_tests_name("engine lay", tests, start, stop);
}
