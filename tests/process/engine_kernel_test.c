/* Kernels through an engine: results, faults that leave arrays alone, deadlines, cancelling. */
#include "tests/process/engine_rig.h"

#include <stdlib.h>
#include <string.h>

static const char ADD[] =
    "define double @add2(double %a, double %b) {\n  %c = fadd double %a, %b\n  ret double %c\n}\n";
static const char PIECE[] =
    "define void @scale(ptr %in, ptr %out, i64 %n) {\nentry:\n  %any = icmp sgt i64 %n, 0\n  br i1 %any, label %loop, "
    "label %end\n"
    "loop:\n  %i = phi i64 [ 0, %entry ], [ %next, %loop ]\n  %p = getelementptr double, ptr %in, i64 %i\n"
    "  %v = load double, ptr %p\n  %w = fmul double %v, 3.0\n  %q = getelementptr double, ptr %out, i64 %i\n"
    "  store double %w, ptr %q\n  %next = add i64 %i, 1\n  %more = icmp slt i64 %next, %n\n"
    "  br i1 %more, label %loop, label %end\nend:\n  ret void\n}\n";
static const char CRASH[] = "define double @crash(double %x) {\n  %p = inttoptr i64 8 to ptr\n"
                            "  %v = load volatile double, ptr %p\n  ret double %v\n}\n";
static const char ENDLESS[] =
    "@flag = internal global i64 0\ndefine double @endless(double %x) {\n  br label %loop\nloop:\n"
    "  %v = load volatile i64, ptr @flag\n  br label %loop\n}\n";

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

static void
send_kernel(caller_t *caller, oid_t id, const char *text, const char *signature, const char *options)
{
    /* Any hash that is different for different texts. */
    uint8_t hash[32] = {(uint8_t)strlen(text), (uint8_t)text[20], (uint8_t)text[16], (uint8_t)text[17]};

    (void)caller_send(caller,
                      &(message_t){.code = MSG_KERNEL,
                                   .as.KERNEL = {.result = id,
                                                 .hash = {hash, sizeof hash},
                                                 .signature = str_of(signature),
                                                 .options = str_of(options)}},
                      text, strlen(text));
}

static oid_t
load(caller_t *caller, const char *text, const char *signature)
{
    oid_t id = oid_new();
    message_t message;

    send_kernel(caller, id, text, signature, "");
    caller_expect(caller, MSG_KERNEL_INFO, &message);
    return id;
}

static oid_t
run(caller_t *caller, oid_t kernel, oid_t a, oid_t b, oid_t in_place, uint64_t timeout_ms)
{
    operand_t inputs[2] = {{.object = a}, {.object = b}};
    oid_t result = oid_is_none(in_place) ? oid_new() : in_place;

    (void)caller_send(caller,
                      &(message_t){.code = MSG_KERNEL_CALL,
                                   .as.KERNEL_CALL = {.kernel = kernel,
                                                      .inputs = {inputs, oid_is_none(b) ? 1 : 2},
                                                      .result = result,
                                                      .in_place = !oid_is_none(in_place),
                                                      .timeout_ms = timeout_ms}},
                      NULL, 0);
    return result;
}

static void
ufunc_kernel_computes_small_and_large(void **state)
{
    static const int64_t SIZES[] = {1, 100, 20000};
    caller_t caller;
    message_t message;
    double got;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t kernel = load(&caller, ADD, "");

    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        int64_t n = SIZES[i];
        oid_t sum =
            run(&caller, kernel, caller_doubles(&caller, n, 0, 1), caller_doubles(&caller, n, 5, 1), OID_NONE, 0);

        (void)caller_send(
            &caller,
            &(message_t){.code = MSG_FETCH, .as.FETCH = {.object = sum, .offset = (uint64_t)(n - 1) * 8, .size = 8}},
            NULL, 0);
        caller_expect(&caller, MSG_DATA, &message);
        memcpy(&got, caller.raw[0], sizeof got);
        assert_true(got == 5.0 + 2.0 * (double)(n - 1));
    }
    caller_leave(&caller);
}

static void
kernel_info_names_entry_and_types(void **state)
{
    caller_t caller;
    message_t message;

    caller_open(&caller, *state, 0, OID_NONE, false);
    send_kernel(&caller, oid_new(), ADD, "", "inspect");
    caller_expect(&caller, MSG_KERNEL_INFO, &message);
    assert_true(str_is(message.as.KERNEL_INFO.entry, "add2"));
    assert_true(str_is(message.as.KERNEL_INFO.signature, "float64(float64, float64)"));
    assert_true(str_is(message.as.KERNEL_INFO.kind, "ufunc"));
    assert_int_equal(message.raw, 2);
    assert_true(caller.raw_size[0] > 0 && caller.raw_size[1] > 0);
    caller_leave(&caller);
}

static void
options_are_words_with_commas(void **state)
{
    static const char *const GOOD[] = {"exact", "force", "debug,exact", "fastmath,force,inspect", "exact,"};
    static const char *const BAD[] = {"hurry", ",", "exact,,debug", "exactly", "exac", " exact", "debug exact"};
    caller_t caller;
    message_t message;

    caller_open(&caller, *state, 0, OID_NONE, false);
    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
        send_kernel(&caller, oid_new(), ADD, "", GOOD[i]);
        caller_expect(&caller, MSG_KERNEL_INFO, &message);
    }
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        send_kernel(&caller, oid_new(), ADD, "", BAD[i]);
        caller_expect_error(&caller, FH_INVALID_ARGUMENT, NULL);
    }
    caller_leave(&caller);
}

static void
piece_kernel_runs_over_the_whole_of_a_strided_view(void **state)
{
    caller_t caller;
    int64_t four = 4;
    double got[4];
    oid_t result = oid_new();

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t kernel = load(&caller, PIECE, "float64(float64)");
    operand_t input = {.object = caller_view(&caller, caller_doubles(&caller, 10, 0, 1), 0, 4, 24)};

    (void)caller_send(
        &caller,
        &(message_t){
            .code = MSG_KERNEL_CALL,
            .as.KERNEL_CALL = {.kernel = kernel, .inputs = {&input, 1}, .result = result, .shape = {&four, 1}}},
        NULL, 0);
    caller_fetch(&caller, result, got, sizeof got);
    for (int i = 0; i < 4; i++)
        assert_true(got[i] == 9.0 * i);
    caller_leave(&caller);
}

static void
kernel_fault_leaves_arrays_untouched(void **state)
{
    caller_t caller;
    message_t message;
    double got[3];

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t a = caller_doubles(&caller, 3, 1, 1), kernel = load(&caller, CRASH, "");

    (void)caller_ask(&caller, run(&caller, kernel, a, OID_NONE, OID_NONE, 0), 24);
    caller_expect_error(&caller, FH_KERNEL_FAULT, &message);
    assert_int_equal(message.as.ERROR.signal, 11);
    assert_int_equal(message.as.ERROR.address, 8);
    (void)run(&caller, kernel, a, OID_NONE, a, 0);
    (void)caller_send(&caller, &(message_t){.code = MSG_SYNC}, NULL, 0);
    caller_expect_error(&caller, FH_KERNEL_FAULT, NULL);
    caller_fetch(&caller, a, got, sizeof got);
    for (int i = 0; i < 3; i++)
        assert_true(got[i] == 1.0 + i);
    caller_leave(&caller);
}

static void
kernel_in_place_writes_its_output_array(void **state)
{
    caller_t caller;
    double got[3];

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t a = caller_doubles(&caller, 3, 1, 1);

    (void)run(&caller, load(&caller, ADD, ""), a, a, a, 0);
    caller_fetch(&caller, a, got, sizeof got);
    for (int i = 0; i < 3; i++)
        assert_true(got[i] == 2.0 + 2 * i);
    caller_leave(&caller);
}

static void
endless_kernel_ends_at_its_deadline(void **state)
{
    caller_t caller;

    caller_open(&caller, *state, 0, OID_NONE, false);
    (void)caller_ask(
        &caller, run(&caller, load(&caller, ENDLESS, ""), caller_doubles(&caller, 3, 1, 1), OID_NONE, OID_NONE, 200),
        8);
    caller_expect_error(&caller, FH_KERNEL_TIMEOUT, NULL);
    caller_leave(&caller);
}

static void
endless_kernel_can_be_cancelled_while_others_work(void **state)
{
    caller_t caller, other;
    double got;

    caller_open(&caller, *state, 0, OID_NONE, false);
    caller_open(&other, *state, 0, OID_NONE, false);
    int64_t before = caller_stat(&other, "kernel_calls");
    oid_t endless = run(&caller, load(&caller, ENDLESS, ""), caller_doubles(&caller, 3, 1, 1), OID_NONE, OID_NONE, 0);

    caller_wait_stat(&other, "kernel_calls", before + 1);
    caller_fetch(&other, caller_doubles(&other, 1, 4, 0), &got, sizeof got);
    (void)caller_send(&caller, &(message_t){.code = MSG_CANCEL}, NULL, 0);
    (void)caller_ask(&caller, endless, 8);
    caller_expect_error(&caller, FH_CANCELLED, NULL);
    caller_leave(&other);
    caller_leave(&caller);
}

static void
session_that_ends_in_a_kernel_leaves_nothing(void **state)
{
    caller_t caller, other;

    caller_open(&other, *state, 0, OID_NONE, false);
    int64_t before = caller_stat(&other, "used"), calls = caller_stat(&other, "kernel_calls");

    caller_open(&caller, *state, 0, OID_NONE, false);
    (void)run(&caller, load(&caller, ENDLESS, ""), caller_doubles(&caller, 3, 1, 1), OID_NONE, OID_NONE, 0);
    caller_wait_stat(&other, "kernel_calls", calls + 1);
    caller_leave(&caller);
    caller_wait_stat(&other, "used", before);
    caller_wait_stat(&other, "sessions", 1);
    caller_leave(&other);
}

static void
wrong_use_of_a_kernel_is_an_error(void **state)
{
    caller_t caller;
    int32_t ints[2] = {1, 2};

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t a = caller_doubles(&caller, 2, 1, 1), i = caller_array(&caller, DTYPE_INT32, 2, ints),
          kernel = load(&caller, ADD, "");

    (void)caller_ask(&caller, run(&caller, kernel, a, OID_NONE, OID_NONE, 0), 8);
    caller_expect_error(&caller, FH_INVALID_ARGUMENT, NULL);
    (void)caller_ask(&caller, run(&caller, kernel, a, i, OID_NONE, 0), 8);
    caller_expect_error(&caller, FH_WRONG_TYPE, NULL);
    (void)caller_ask(&caller, run(&caller, a, a, a, OID_NONE, 0), 8);
    caller_expect_error(&caller, FH_WRONG_TYPE, NULL);
    (void)caller_ask(&caller, run(&caller, oid_new(), a, a, OID_NONE, 0), 8);
    caller_expect_error(&caller, FH_NO_SUCH_OBJECT, NULL);
    (void)caller_ask(&caller, kernel, 8);
    caller_expect_error(&caller, FH_WRONG_TYPE, NULL);
    caller_leave(&caller);
}

/* ADD over a and b where mask is true. */
static oid_t
run_where(caller_t *caller, oid_t kernel, oid_t a, oid_t b, oid_t mask, oid_t in_place)
{
    operand_t inputs[2] = {{.object = a}, {.object = b}};
    oid_t result = oid_is_none(in_place) ? oid_new() : in_place;

    (void)caller_send(caller,
                      &(message_t){.code = MSG_KERNEL_CALL,
                                   .as.KERNEL_CALL = {.kernel = kernel,
                                                      .inputs = {inputs, 2},
                                                      .result = result,
                                                      .in_place = !oid_is_none(in_place),
                                                      .where = mask}},
                      NULL, 0);
    return result;
}

static void
where_chooses_what_is_computed(void **state)
{
    static const int64_t SIZES[] = {8, 20000};
    static uint8_t mask[20000];
    static double got[20000];
    caller_t caller;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t kernel = load(&caller, ADD, "");

    for (size_t k = 0; k < sizeof SIZES / sizeof *SIZES; k++) {
        int64_t n = SIZES[k];

        for (int64_t i = 0; i < n; i++)
            mask[i] = i % 3 == 1;
        oid_t where = caller_array(&caller, DTYPE_BOOL, n, mask), a = caller_doubles(&caller, n, 0, 1),
              b = caller_doubles(&caller, 1, 100, 0), out = caller_doubles(&caller, n, -1, 0);

        caller_fetch(&caller, run_where(&caller, kernel, a, b, where, OID_NONE), got, (size_t)n * 8);
        for (int64_t i = 0; i < n; i++)
            assert_true(got[i] == (mask[i] ? 100 + (double)i : 0));
        caller_fetch(&caller, run_where(&caller, kernel, a, b, where, out), got, (size_t)n * 8);
        for (int64_t i = 0; i < n; i++)
            assert_true(got[i] == (mask[i] ? 100 + (double)i : -1));
        /* Masks broadcast like inputs. */
        caller_fetch(&caller, run_where(&caller, kernel, b, b, where, OID_NONE), got, (size_t)n * 8);
        assert_true(got[0] == 0 && got[1] == 200 && got[n - 1] == (mask[n - 1] ? 200 : 0));
    }
    caller_leave(&caller);
}

static void
where_that_does_not_fit_is_an_error(void **state)
{
    caller_t caller;
    uint8_t mask[3] = {1, 1, 1};

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t a = caller_doubles(&caller, 2, 1, 1), kernel = load(&caller, ADD, ""),
          three = caller_array(&caller, DTYPE_BOOL, 3, mask), two = caller_array(&caller, DTYPE_BOOL, 2, mask);

    (void)caller_ask(&caller, run_where(&caller, kernel, a, a, a, OID_NONE), 8);
    caller_expect_error(&caller, FH_WRONG_TYPE, NULL);
    (void)caller_ask(&caller, run_where(&caller, kernel, a, a, three, OID_NONE), 8);
    caller_expect_error(&caller, FH_INVALID_ARGUMENT, NULL);
    (void)caller_ask(&caller, run_where(&caller, kernel, a, a, kernel, OID_NONE), 8);
    caller_expect_error(&caller, FH_WRONG_TYPE, NULL);
    (void)run_where(&caller, kernel, a, a, two, caller_doubles(&caller, 1, 1, 1));
    (void)caller_send(&caller, &(message_t){.code = MSG_SYNC}, NULL, 0);
    caller_expect_error(&caller, FH_INVALID_ARGUMENT, NULL);
    (void)run_where(&caller, kernel, a, a, two, caller_array(&caller, DTYPE_BOOL, 2, mask));
    (void)caller_send(&caller, &(message_t){.code = MSG_SYNC}, NULL, 0);
    caller_expect_error(&caller, FH_WRONG_TYPE, NULL);
    caller_leave(&caller);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ufunc_kernel_computes_small_and_large),
        cmocka_unit_test(kernel_info_names_entry_and_types),
        cmocka_unit_test(options_are_words_with_commas),
        cmocka_unit_test(piece_kernel_runs_over_the_whole_of_a_strided_view),
        cmocka_unit_test(kernel_fault_leaves_arrays_untouched),
        cmocka_unit_test(kernel_in_place_writes_its_output_array),
        cmocka_unit_test(endless_kernel_ends_at_its_deadline),
        cmocka_unit_test(endless_kernel_can_be_cancelled_while_others_work),
        cmocka_unit_test(session_that_ends_in_a_kernel_leaves_nothing),
        cmocka_unit_test(wrong_use_of_a_kernel_is_an_error),
        cmocka_unit_test(where_chooses_what_is_computed),
        cmocka_unit_test(where_that_does_not_fit_is_an_error),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
