/* KERNEL_FOLD through an engine: all stages, the shapes that they give, what is refused. */
#include "engine/kernel.h"
#include "tests/process/kernel_caller.h"
#include "tests/support/check.h"

#include <string.h>

enum { STATE = 16 };

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

static oid_t
load(caller_t *caller, const char *entry)
{
    message_t info;
    oid_t id = kernel_load(caller, (kernel_wish_t){.file = "good/sums", .entry = entry, .kind = "reduction"}, &info);

    assert_true(str_is(info.as.KERNEL_INFO.kind, "reduction"));
    assert_int_equal(info.as.KERNEL_INFO.state, STATE);
    return id;
}

typedef struct {
    oid_t inputs[3], results[2];
    message_t message;
} fold_t;

static msg_KERNEL_FOLD_t *
fold_init(fold_t *self, oid_t kernel, fold_stage_t stage, oid_t input, int64_t axis)
{
    *self = (fold_t){.inputs = {input}, .results = {oid_new(), oid_new()}};
    self->message = (message_t){.code = MSG_KERNEL_FOLD,
                                .as.KERNEL_FOLD = {.kernel = kernel,
                                                   .stage = (uint64_t)stage,
                                                   .inputs = {self->inputs, 1},
                                                   .results = {self->results, 1},
                                                   .axis = axis}};
    return &self->message.as.KERNEL_FOLD;
}

/* One stage over one array; its result. */
static oid_t
fold(caller_t *caller, oid_t kernel, fold_stage_t stage, oid_t input, int64_t axis)
{
    fold_t call;

    (void)fold_init(&call, kernel, stage, input, axis);
    (void)caller_send(caller, &call.message, NULL, 0);
    return call.results[0];
}

static double
number(caller_t *caller, oid_t id)
{
    double got;

    caller_fetch(caller, id, &got, sizeof got);
    return got;
}

/* "shape" of the array's "describe". */
static void
check_shape(caller_t *caller, oid_t id, const char *shape)
{
    message_t message;

    (void)caller_send(caller, &(message_t){.code = MSG_CALL, .as.CALL = {.object = id, .method = str_of("describe")}},
                      NULL, 0);
    caller_expect(caller, MSG_RESULT, &message);
    assert_true(str_is(message.as.RESULT.values.items[4].as.str, "shape"));
    assert_true(str_is(message.as.RESULT.values.items[5].as.str, shape));
}

static void
stages_one_after_the_other_are_the_same_as_all_at_once(void **state)
{
    caller_t caller;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t kernel = load(&caller, "total"), in = caller_doubles(&caller, 2500, 0.1, 0.3);
    oid_t steps = fold(&caller, kernel, FOLD_STEPS, in, 0), one = fold(&caller, kernel, FOLD_COMBINE, steps, 0);
    double by_stages = number(&caller, fold(&caller, kernel, FOLD_FINISH, one, 0));

    check_shape(&caller, steps, "(3, 16)");
    check_shape(&caller, one, "(16,)");
    assert_true(by_stages == number(&caller, fold(&caller, kernel, FOLD_ALL, in, 0)));
    assert_true(by_stages > 2500 * 0.1 + 0.3 * 2499 * 1250 - 1 && by_stages < 2500 * 0.1 + 0.3 * 2499 * 1250 + 1);
    caller_leave(&caller);
}

static void
axis_of_many_dimensions_goes(void **state)
{
    static const int64_t SHAPE[] = {2, 1500, 3};
    static double values[2 * 1500 * 3];
    caller_t caller;
    double got[6];

    for (int i = 0; i < 2 * 1500 * 3; i++)
        values[i] = i % 7;
    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t kernel = load(&caller, "total"), in = kernel_array(&caller, DTYPE_FLOAT64, SHAPE, 3, values, sizeof values);
    oid_t steps = fold(&caller, kernel, FOLD_STEPS, in, 1), all = fold(&caller, kernel, FOLD_ALL, in, 1);

    check_shape(&caller, steps, "(2, 2, 3, 16)");
    check_shape(&caller, fold(&caller, kernel, FOLD_COMBINE, steps, 2), "(2, 2, 16)");
    check_shape(&caller, all, "(2, 3)");
    caller_fetch(&caller, all, got, sizeof got);
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 3; k++) {
            double sum = 0;

            for (int j = 0; j < 1500; j++)
                sum += values[(i * 1500 + j) * 3 + k];
            assert_true(got[i * 3 + k] == sum);
        }
    caller_leave(&caller);
}

static void
scan_goes_on_where_another_has_ended(void **state)
{
    caller_t caller;
    fold_t call;
    double got[4];

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t kernel = load(&caller, "total");
    msg_KERNEL_FOLD_t *message = fold_init(&call, kernel, FOLD_SCAN, caller_doubles(&caller, 3, 1, 1), 0);

    message->results.count = 2;
    kernel_run(&caller, &call.message, call.results[0], got, 3 * sizeof *got);
    assert_true(got[0] == 1 && got[1] == 3 && got[2] == 6);
    oid_t states = call.results[1];

    check_shape(&caller, states, "(16,)");
    message = fold_init(&call, kernel, FOLD_SCAN, caller_doubles(&caller, 4, 1, 0), 0);
    call.inputs[1] = states;
    message->inputs.count = 2;
    kernel_run(&caller, &call.message, call.results[0], got, sizeof got);
    assert_true(got[0] == 7 && got[3] == 10);
    caller_leave(&caller);
}

static void
several_inputs_and_a_state_behind_a_pointer(void **state)
{
    caller_t caller;
    fold_t call;
    double got;

    caller_open(&caller, *state, 0, OID_NONE, false);
    msg_KERNEL_FOLD_t *message =
        fold_init(&call, load(&caller, "mean"), FOLD_ALL, caller_doubles(&caller, 3000, 4, 0), 0);

    call.inputs[1] = caller_doubles(&caller, 3000, 1, 1);
    message->inputs.count = 2;
    kernel_run(&caller, &call.message, call.results[0], &got, sizeof got);
    assert_true(got == 4);
    call.results[0] = oid_new();
    call.inputs[1] = caller_doubles(&caller, 2999, 1, 1);
    (void)caller_send(&caller, &call.message, NULL, 0);
    kernel_expect_poison(&caller, call.results[0], FH_INVALID_ARGUMENT, NULL);
    caller_leave(&caller);
}

/* States at an odd address are read from a copy. */
static void
states_need_not_be_aligned(void **state)
{
    static const int64_t SHAPE[] = {2, STATE}, STRIDES[] = {STATE + 1, 1};
    uint8_t bytes[64] = {0};
    double values[2] = {2.5, 4};
    caller_t caller;
    oid_t view = oid_new();

    memcpy(bytes + 3, &values[0], sizeof values[0]);
    memcpy(bytes + 3 + STATE + 1, &values[1], sizeof values[1]);
    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t kernel = load(&caller, "total"), memory = caller_array(&caller, DTYPE_UINT8, sizeof bytes, bytes);

    (void)caller_send(
        &caller,
        &(message_t){
            .code = MSG_VIEW,
            .as.VIEW = {.object = memory, .result = view, .offset = 3, .shape = {SHAPE, 2}, .strides = {STRIDES, 2}}},
        NULL, 0);
    oid_t one = fold(&caller, kernel, FOLD_COMBINE, view, 0);

    assert_true(number(&caller, fold(&caller, kernel, FOLD_FINISH, one, 0)) == 6.5);
    caller_leave(&caller);
}

static void
nothing_has_a_value_only_with_a_start(void **state)
{
    static const int64_t SHAPE[] = {0, 2};
    caller_t caller;
    double got[2] = {1, 1};

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t total = load(&caller, "total"), largest = load(&caller, "largest");
    oid_t nothing = kernel_array(&caller, DTYPE_FLOAT64, SHAPE, 2, NULL, 0);

    caller_fetch(&caller, fold(&caller, total, FOLD_ALL, nothing, 0), got, sizeof got);
    assert_true(got[0] == 0 && got[1] == 0);
    kernel_expect_poison(&caller, fold(&caller, largest, FOLD_ALL, nothing, 0), FH_INVALID_ARGUMENT, NULL);
    check_shape(&caller, fold(&caller, largest, FOLD_ALL, nothing, 1), "(0,)");
    check_shape(&caller, fold(&caller, largest, FOLD_STEPS, nothing, 0), "(0, 2, 16)");
    caller_leave(&caller);
}

/* What is changed in a message that would succeed, and what comes of it. */
typedef struct {
    fold_stage_t stage;
    void (*change)(fold_t *call, oid_t in, oid_t states);
    int status;
} wrong_t;

#define CHANGE(name, ...)                                                                                              \
    static void name(fold_t *call, oid_t in, oid_t states)                                                             \
    {                                                                                                                  \
        msg_KERNEL_FOLD_t *fold = &call->message.as.KERNEL_FOLD;                                                       \
        (void)in, (void)states, (void)fold;                                                                            \
        __VA_ARGS__                                                                                                    \
    }
CHANGE(high_axis, fold->axis = 1;)
CHANGE(highest_axis, fold->axis = 31;)
CHANGE(values_for_states, call->inputs[0] = in;)
CHANGE(states_for_values, call->inputs[0] = states;)
CHANGE(no_such_array, call->inputs[0] = oid_new();)
CHANGE(the_kernel_itself, call->inputs[0] = fold->kernel;)
CHANGE(an_array_as_kernel, fold->kernel = in;)
CHANGE(two_inputs, call->inputs[1] = in; fold->inputs.count = 2;)
CHANGE(three_inputs, call->inputs[1] = call->inputs[2] = in; fold->inputs.count = 3;)
CHANGE(two_results, fold->results.count = 2;)
CHANGE(same_results, fold->results.count = 2; call->results[1] = call->results[0];)
CHANGE(base_within_a_block, fold->base = KERNEL_BLOCK / 2;)
CHANGE(huge_base, fold->base = INT64_MAX / KERNEL_BLOCK * KERNEL_BLOCK;)
CHANGE(values_that_went_before, call->inputs[1] = in; fold->inputs.count = 2;)
CHANGE(wrong_states_before, call->inputs[1] = states; fold->inputs.count = 2;)

static void
wrong_use_is_refused(void **state)
{
    static const wrong_t CASES[] = {
        {FOLD_STEPS, high_axis, FH_INVALID_ARGUMENT},
        {FOLD_STEPS, highest_axis, FH_INVALID_ARGUMENT},
        {FOLD_COMBINE, high_axis, FH_INVALID_ARGUMENT},
        {FOLD_ALL, high_axis, FH_INVALID_ARGUMENT},
        {FOLD_SCAN, high_axis, FH_INVALID_ARGUMENT},
        {FOLD_COMBINE, values_for_states, FH_INVALID_ARGUMENT},
        {FOLD_FINISH, values_for_states, FH_INVALID_ARGUMENT},
        {FOLD_STEPS, states_for_values, FH_WRONG_TYPE},
        {FOLD_STEPS, no_such_array, FH_NO_SUCH_OBJECT},
        {FOLD_ALL, the_kernel_itself, FH_WRONG_TYPE},
        {FOLD_ALL, an_array_as_kernel, FH_WRONG_TYPE},
        {FOLD_ALL, two_inputs, FH_INVALID_ARGUMENT},
        {FOLD_COMBINE, two_inputs, FH_INVALID_ARGUMENT},
        {FOLD_SCAN, three_inputs, FH_INVALID_ARGUMENT},
        {FOLD_ALL, two_results, FH_INVALID_ARGUMENT},
        {FOLD_SCAN, same_results, FH_INVALID_ARGUMENT},
        {FOLD_STEPS, base_within_a_block, FH_INVALID_ARGUMENT},
        {FOLD_STEPS, huge_base, FH_OVERFLOW},
        {FOLD_SCAN, values_that_went_before, FH_INVALID_ARGUMENT},
        {FOLD_SCAN, wrong_states_before, FH_INVALID_ARGUMENT},
    };
    caller_t caller;
    fold_t call;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t kernel = load(&caller, "total"), in = caller_doubles(&caller, 2000, 1, 1);
    oid_t states = fold(&caller, kernel, FOLD_STEPS, in, 0);

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        bool of_states = CASES[i].stage == FOLD_COMBINE || CASES[i].stage == FOLD_FINISH;

        (void)fold_init(&call, kernel, CASES[i].stage, of_states ? states : in, 0);
        CASES[i].change(&call, in, states);
        (void)caller_send(&caller, &call.message, NULL, 0);
        kernel_expect_poison(&caller, call.results[0], CASES[i].status, NULL);
        if (call.message.as.KERNEL_FOLD.results.count == 2)
            kernel_expect_poison(&caller, call.results[1], CASES[i].status, NULL);
    }
    assert_true(number(&caller, fold(&caller, kernel, FOLD_ALL, in, 0)) == 2000.0 * 2001 / 2);
    caller_leave(&caller);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_one_after_the_other_are_the_same_as_all_at_once),
        cmocka_unit_test(axis_of_many_dimensions_goes),
        cmocka_unit_test(scan_goes_on_where_another_has_ended),
        cmocka_unit_test(several_inputs_and_a_state_behind_a_pointer),
        cmocka_unit_test(states_need_not_be_aligned),
        cmocka_unit_test(nothing_has_a_value_only_with_a_start),
        cmocka_unit_test(wrong_use_is_refused),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
