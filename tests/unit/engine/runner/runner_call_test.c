/* Calls of every kind against what their kernels are: what is refused, what the runner is told. */
#include "engine/runner_call.h"
#include "tests/support/check.h"

#include <stdlib.h>
#include <string.h>

enum { STATE = 32 };

static const kernel_info_t UFUNC = {.entry = "u",
                                    .kind = KERNEL_UFUNC,
                                    .nin = 2,
                                    .nout = 1,
                                    .in = {DTYPE_FLOAT64, DTYPE_INT32},
                                    .out = {DTYPE_FLOAT32}};
static const kernel_info_t PIECE = {
    .entry = "p", .kind = KERNEL_PIECE, .nin = 1, .nout = 1, .in = {DTYPE_FLOAT64}, .out = {DTYPE_FLOAT64}};
static const kernel_info_t ARRAY = {
    .entry = "a", .kind = KERNEL_ARRAY, .nin = 3, .in = {DTYPE_FLOAT64, DTYPE_NONE, DTYPE_INT8}};
static const kernel_info_t ANY = {.entry = "any", .kind = KERNEL_ARRAY, .nin = -1};
static const kernel_info_t REDUCTION = {.entry = "r",
                                        .kind = KERNEL_REDUCTION,
                                        .nin = 1,
                                        .nout = 1,
                                        .state_bytes = STATE,
                                        .in = {DTYPE_FLOAT64},
                                        .out = {DTYPE_FLOAT32}};

static char memory[1 << 20];

static runner_array_t
array(dtype_t dtype, int64_t n)
{
    runner_array_t self = {.fd = 7, .fd_size = sizeof memory};
    nd_init(&self.nd, memory, dtype, &(shape_t){.ndim = 1, .extent = {n}});
    return self;
}

/* n states, each in a row of its own. */
static runner_array_t
states(int64_t n, int64_t bytes)
{
    runner_array_t self = {.fd = 7, .fd_size = sizeof memory};
    nd_init(&self.nd, memory, DTYPE_UINT8, &(shape_t){.ndim = 2, .extent = {n, bytes}});
    return self;
}

static int
fill(const kernel_info_t *info, const runner_call_t *call, runner_job_t *job)
{
    err_t err = {0};
    *job = (runner_job_t){.object = -1};
    int status = runner_call_fill(job, info, call, &err);
    assert_int_equal(err.status, status);
    assert_true(!status || strlen(err.text) > 10);
    return status;
}

static int
verdict(const kernel_info_t *info, const runner_call_t *call)
{
    runner_job_t job;
    int status = fill(info, call, &job);
    free(job.request);
    return status;
}

static void
ufuncs_take_their_inputs_and_a_mask(void **state)
{
    (void)state;
    runner_array_t operands[] = {array(DTYPE_FLOAT64, 4), array(DTYPE_INT32, 4), array(DTYPE_BOOL, 4),
                                 array(DTYPE_FLOAT32, 4)};
    runner_call_t call = {.operands = operands, .nin = 2, .nout = 1, .masked = true, .axis = -1};
    runner_job_t job;
    assert_int_equal(fill(&UFUNC, &call, &job), FH_OK);
    assert_int_equal(job.request->count, 4);
    assert_int_equal(job.request->masked, 1);
    assert_int_equal(job.nfds, 4);
    free(job.request);
    operands[2].nd.dtype = DTYPE_UINT8;
    assert_int_equal(verdict(&UFUNC, &call), FH_KERNEL_ERROR);
    operands[2] = operands[3];
    call.masked = false;
    assert_int_equal(verdict(&UFUNC, &call), FH_OK);
    operands[0].nd.dtype = DTYPE_FLOAT32;
    assert_int_equal(verdict(&UFUNC, &call), FH_KERNEL_ERROR);
    operands[0].nd.dtype = DTYPE_FLOAT64;
    call.nin = 1;
    assert_int_equal(verdict(&UFUNC, &call), FH_KERNEL_ERROR);
    call.nin = 2;
    call.nout = 2;
    assert_int_equal(verdict(&UFUNC, &call), FH_KERNEL_ERROR);
}

static void
only_their_kind_takes_masks_stages_and_strips(void **state)
{
    (void)state;
    runner_array_t operands[] = {array(DTYPE_FLOAT64, 4), array(DTYPE_FLOAT64, 4), array(DTYPE_FLOAT64, 4)};
    runner_call_t call = {.operands = operands, .nin = 1, .nout = 1, .axis = -1};
    assert_int_equal(verdict(&PIECE, &call), FH_OK);
    runner_call_t masked = call, staged = call, stripped = call, padded = call;
    masked.masked = true;
    staged.stage = FOLD_ALL;
    staged.axis = 0;
    stripped.low = 1;
    stripped.width = 1;
    stripped.axis = 0;
    padded.pad_high = 1;
    assert_int_equal(verdict(&PIECE, &masked), FH_KERNEL_ERROR);
    assert_int_equal(verdict(&PIECE, &staged), FH_KERNEL_ERROR);
    assert_int_equal(verdict(&PIECE, &stripped), FH_KERNEL_ERROR);
    assert_int_equal(verdict(&PIECE, &padded), FH_KERNEL_ERROR);
    assert_int_equal(verdict(&REDUCTION, &call), FH_KERNEL_ERROR); /* it needs a stage */
}

static void
array_kernels_take_as_many_as_they_say(void **state)
{
    (void)state;
    runner_array_t operands[KERNEL_MAX_ARGS + 1];
    for (int i = 0; i <= KERNEL_MAX_ARGS; i++)
        operands[i] = array(DTYPE_FLOAT64, 4);
    operands[2] = array(DTYPE_INT8, 4);
    runner_call_t call = {.operands = operands, .nin = 2, .nout = 1, .axis = -1};
    assert_int_equal(verdict(&ARRAY, &call), FH_OK);
    call.nin = 1;
    call.nout = 2;
    assert_int_equal(verdict(&ARRAY, &call), FH_OK); /* which are outputs is for the caller to say */
    operands[1].nd.dtype = DTYPE_COMPLEX128;
    assert_int_equal(verdict(&ARRAY, &call), FH_OK);
    operands[2].nd.dtype = DTYPE_UINT8;
    assert_int_equal(verdict(&ARRAY, &call), FH_KERNEL_ERROR);
    assert_int_equal(verdict(&ANY, &call), FH_OK);
    call.nin = KERNEL_MAX_ARGS - 1;
    assert_int_equal(verdict(&ANY, &call), FH_KERNEL_ERROR); /* one too many */
    call.nout = 1;
    assert_int_equal(verdict(&ANY, &call), FH_OK);
    call.nin = call.nout = 0;
    assert_int_equal(verdict(&ANY, &call), FH_KERNEL_ERROR);
}

static void
strips_are_counted_and_of_their_inputs_dtype(void **state)
{
    (void)state;
    runner_array_t operands[] = {array(DTYPE_FLOAT64, 100), array(DTYPE_INT16, 100), array(DTYPE_FLOAT64, 100),
                                 array(DTYPE_INT16, 6),     array(DTYPE_FLOAT64, 6), array(DTYPE_INT16, 6)};
    runner_call_t call = {.operands = operands,
                          .nin = 2,
                          .nout = 1,
                          .axis = 0,
                          .width = 2,
                          .low = 2,
                          .high = 3,
                          .deadline_ns = INT64_MAX};
    runner_job_t job;
    assert_int_equal(fill(&ANY, &call, &job), FH_OK);
    assert_int_equal(job.request->count, 6);
    assert_int_equal(job.request->operands[3].dtype, DTYPE_INT16);
    assert_int_equal(job.request->low, 2);
    free(job.request);
    operands[3].nd.dtype = DTYPE_FLOAT64;
    assert_int_equal(verdict(&ANY, &call), FH_KERNEL_ERROR);
    operands[3].nd.dtype = DTYPE_INT16;
    call.low = 4; /* there is no third input */
    assert_int_equal(verdict(&ANY, &call), FH_KERNEL_ERROR);
    call.low = 1u << 31;
    assert_int_equal(verdict(&ANY, &call), FH_KERNEL_ERROR);
    call.low = 2;
    call.width = 0;
    assert_int_equal(verdict(&ANY, &call), FH_KERNEL_ERROR);
    call.width = -1;
    assert_int_equal(verdict(&ANY, &call), FH_KERNEL_ERROR);
    call.width = 2;
    call.axis = -1;
    assert_int_equal(verdict(&ANY, &call), FH_KERNEL_ERROR);
    call.axis = SHAPE_MAX_DIMS;
    assert_int_equal(verdict(&ANY, &call), FH_KERNEL_ERROR);
}

static void
stages_take_and_give_values_or_states(void **state)
{
    (void)state;
    runner_array_t values = array(DTYPE_FLOAT64, 5), result = array(DTYPE_FLOAT32, 5), block = states(5, STATE);
    runner_array_t wrong = states(5, STATE - 16), last = states(1, STATE);
    const struct {
        fold_stage_t stage;
        runner_array_t operands[4];
        int nin, nout, status;
    } CASES[] = {
        {FOLD_STEPS, {values, block}, 1, 1, FH_OK},
        {FOLD_STEPS, {values, result}, 1, 1, FH_KERNEL_ERROR},
        {FOLD_STEPS, {values, wrong}, 1, 1, FH_KERNEL_ERROR},
        {FOLD_STEPS, {block, block}, 1, 1, FH_KERNEL_ERROR},
        {FOLD_STEPS, {values, values, block}, 2, 1, FH_KERNEL_ERROR},
        {FOLD_COMBINE, {block, last}, 1, 1, FH_OK},
        {FOLD_COMBINE, {values, last}, 1, 1, FH_KERNEL_ERROR},
        {FOLD_FINISH, {block, result}, 1, 1, FH_OK},
        {FOLD_FINISH, {block, block}, 1, 1, FH_KERNEL_ERROR},
        {FOLD_ALL, {values, result}, 1, 1, FH_OK},
        {FOLD_ALL, {values, result, last}, 1, 2, FH_KERNEL_ERROR},
        {FOLD_SCAN, {values, result}, 1, 1, FH_OK},
        {FOLD_SCAN, {values, result, last}, 1, 2, FH_OK},
        {FOLD_SCAN, {values, last, result, last}, 2, 2, FH_OK},
        {FOLD_SCAN, {values, values, result, last}, 2, 2, FH_KERNEL_ERROR},
        {FOLD_SCAN, {values, result, result}, 1, 2, FH_KERNEL_ERROR},
        {(fold_stage_t)6, {values, result}, 1, 1, FH_KERNEL_ERROR},
        {(fold_stage_t)-1, {values, result}, 1, 1, FH_KERNEL_ERROR},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        runner_call_t call = {.operands = CASES[i].operands,
                              .nin = CASES[i].nin,
                              .nout = CASES[i].nout,
                              .stage = CASES[i].stage,
                              .axis = 0};
        if (verdict(&REDUCTION, &call) != CASES[i].status)
            fail_msg("case %zu", i);
    }
    runner_array_t operands[] = {values, result};
    runner_call_t call = {.operands = operands, .nin = 1, .nout = 1, .stage = FOLD_ALL, .axis = 1};
    assert_int_equal(verdict(&REDUCTION, &call), FH_KERNEL_ERROR); /* of one dimension */
}

static void
numbers_that_cannot_be_are_refused(void **state)
{
    (void)state;
    runner_array_t good[] = {array(DTYPE_FLOAT64, 4), array(DTYPE_FLOAT64, 4)}, bad[2];
    runner_call_t call = {.operands = bad, .nin = 1, .nout = 1, .axis = -1};
#define MUST_FAIL(change)                                                                                              \
    memcpy(bad, good, sizeof bad);                                                                                     \
    bad[0].change;                                                                                                     \
    assert_int_not_equal(verdict(&PIECE, &call), FH_OK)
    MUST_FAIL(nd.shape.ndim = SHAPE_MAX_DIMS + 1);
    MUST_FAIL(nd.shape.ndim = -1);
    MUST_FAIL(nd.shape.extent[0] = -1);
    MUST_FAIL(nd.shape.extent[0] = INT64_MAX);
    MUST_FAIL(nd.stride[0] = INT64_MAX);
    MUST_FAIL(offset = -1);
    MUST_FAIL(offset = (int64_t)sizeof memory);
    MUST_FAIL(offset = INT64_MAX);
    MUST_FAIL(base = -1);
    MUST_FAIL(whole = -1);
    memcpy(bad, good, sizeof bad);
    assert_int_equal(verdict(&PIECE, &call), FH_OK);
    call.nin = -1;
    assert_int_equal(verdict(&PIECE, &call), FH_KERNEL_ERROR);
    call.nin = INT32_MAX;
    assert_int_equal(verdict(&PIECE, &call), FH_KERNEL_ERROR);
}

static void
small_arrays_travel_in_the_mailbox_and_back(void **state)
{
    (void)state;
    static char mailbox[RUNNER_MAILBOX_BYTES];
    double in[100], out[100];
    for (int i = 0; i < 100; i++) {
        in[i] = i;
        out[i] = -i;
    }
    runner_array_t operands[] = {array(DTYPE_FLOAT64, 50), array(DTYPE_FLOAT64, 50)};
    operands[0].fd = operands[1].fd = -1;
    operands[0].nd.data = (char *)&in[98]; /* every second one, backwards */
    operands[0].nd.stride[0] = -16;
    operands[1].nd.data = (char *)&out[20];
    runner_call_t call = {.operands = operands, .nin = 1, .nout = 1, .axis = -1};
    runner_job_t job;
    assert_int_equal(fill(&PIECE, &call, &job), FH_OK);
    assert_int_equal(job.nfds, 0);
    runner_call_put(&job, mailbox);
    const runner_operand_t *wire = job.request->operands;
    for (int i = 0; i < 50; i++) {
        double value;
        memcpy(&value, mailbox + wire[0].offset + i * wire[0].stride[0], sizeof value);
        assert_true(value == 98 - 2 * i);
        value = 1000 + i;
        memcpy(mailbox + wire[1].offset + i * wire[1].stride[0], &value, sizeof value);
    }
    assert_true(wire[0].mailbox && wire[1].mailbox && wire[1].offset % 64 == 0);
    runner_call_take(&job, mailbox);
    for (int i = 0; i < 100; i++) {
        assert_true(in[i] == i);
        assert_true(out[i] == (i >= 20 && i < 70 ? 980 + i : -i));
    }
    free(job.request);
}

static void
every_operand_may_be_small(void **state)
{
    (void)state;
    runner_array_t operands[RUNNER_MAX_OPERANDS];
    for (int i = 0; i < RUNNER_MAX_OPERANDS; i++) {
        operands[i] = array(DTYPE_UINT8, 64 << 10);
        operands[i].fd = -1;
    }
    runner_call_t call = {.operands = operands,
                          .nin = KERNEL_MAX_ARGS - 1,
                          .nout = 1,
                          .axis = 0,
                          .width = 1,
                          .low = (1u << (KERNEL_MAX_ARGS - 1)) - 1,
                          .high = (1u << (KERNEL_MAX_ARGS - 1)) - 1};
    runner_job_t job;
    assert_int_equal(fill(&ANY, &call, &job), FH_OK);
    assert_int_equal(job.nsmall, 3 * KERNEL_MAX_ARGS - 2);
    free(job.request);
    operands[3] = array(DTYPE_UINT8, (64 << 10) + 1);
    operands[3].fd = -1;
    assert_int_equal(verdict(&ANY, &call), FH_LIMIT_EXCEEDED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ufuncs_take_their_inputs_and_a_mask),
        cmocka_unit_test(only_their_kind_takes_masks_stages_and_strips),
        cmocka_unit_test(array_kernels_take_as_many_as_they_say),
        cmocka_unit_test(strips_are_counted_and_of_their_inputs_dtype),
        cmocka_unit_test(stages_take_and_give_values_or_states),
        cmocka_unit_test(numbers_that_cannot_be_are_refused),
        cmocka_unit_test(small_arrays_travel_in_the_mailbox_and_back),
        cmocka_unit_test(every_operand_may_be_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
