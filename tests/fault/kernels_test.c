/* What runner_host promises when kernels are wrong, hostile or endless: one typed error, and everybody else goes on. */
#include "suite.h"
#include "tests/fault/campaign.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char ADD_ONE[] = "define i64 @one(i64 %x) {\n  %y = add i64 %x, 1\n  ret i64 %y\n}\n";
static const char NULL_READ[] =
    "define i64 @reader(i64 %x) {\n  %p = inttoptr i64 8 to ptr\n  %v = load volatile i64, ptr %p\n"
    "  ret i64 %v\n}\n";
static const char ENDLESS[] = "@flag = internal global i64 0\ndefine i64 @endless(i64 %x) {\n  br label %loop\nloop:\n"
                              "  %v = load volatile i64, ptr @flag\n  br label %loop\n}\n";

/* One int64 in, one out. */
static int
call(oid_t session, uint32_t kernel, double timeout_s, driver_done_t *done)
{
    driver_array_t in = driver_array(DTYPE_INT64, 1, (int64_t[]){3}),
                   out = driver_array(DTYPE_INT64, 1, (int64_t[]){3});
    int status = driver_run(suite_host, session, kernel, &in, 1, &out, timeout_s, done);
    if (!status)
        assert_int_equal(((int64_t *)(void *)out.data)[2], 1);
    driver_array_free(&in);
    driver_array_free(&out);
    return status;
}

static void
must_work(oid_t session)
{
    driver_done_t done;
    if (call(session, suite_compiled(session, ADD_ONE, ""), 5, &done))
        fail_msg("a healthy kernel failed: %s", done.err.text);
}

/* ---- faults -------------------------------------------------------------------------------------------------------
 */

static void
null_read_reports_signal_and_address(void **state)
{
    (void)state;
    oid_t session = oid_new();
    driver_done_t done;
    assert_int_equal(call(session, suite_compiled(session, NULL_READ, ""), 5, &done), FH_KERNEL_FAULT);
    assert_int_equal(done.err.signal, SIGSEGV);
    assert_int_equal(done.err.address, 8);
    assert_string_equal(done.err.text, "SIGSEGV at address 0x8 in kernel reader, elements 0 to 2");
    must_work(session);
}

static void
fault_leaves_other_sessions_alone(void **state)
{
    (void)state;
    oid_t good = oid_new(), bad = oid_new();
    driver_done_t done;
    uint32_t healthy = suite_compiled(good, ADD_ONE, "");
    uint32_t faulty = suite_compiled(bad, NULL_READ, "");
    assert_int_equal(call(bad, faulty, 5, &done), FH_KERNEL_FAULT);
    assert_int_equal(call(good, healthy, 5, &done), FH_OK);
}

static void
endless_loop_ends_at_its_deadline(void **state)
{
    (void)state;
    oid_t session = oid_new();
    uint32_t endless = suite_compiled(session, ENDLESS, "");
    driver_done_t done;
    int64_t began = clock_now_ns();
    assert_int_equal(call(session, endless, 0.3, &done), FH_KERNEL_TIMEOUT);
    double took = (double)(clock_now_ns() - began) / 1e9;
    assert_true(took >= 0.3);
    assert_true(took < 1); /* endless_test.c looks more closely */
    must_work(session);
}

static void
waiting_call_times_out_in_its_place(void **state)
{
    (void)state;
    oid_t session = oid_new();
    uint32_t endless = suite_compiled(session, ENDLESS, ""), one = suite_compiled(session, ADD_ONE, "");
    driver_array_t in = driver_array(DTYPE_INT64, 1, (int64_t[]){3}),
                   out = driver_array(DTYPE_INT64, 1, (int64_t[]){3});
    driver_done_t first, second, third;
    assert_int_equal(driver_start(suite_host, session, endless, &in, 1, &out, 0.4, &first), FH_OK);
    assert_int_equal(driver_start(suite_host, session, one, &in, 1, &out, 0.1, &second), FH_OK);
    assert_int_equal(driver_start(suite_host, session, one, &in, 1, &out, 10, &third), FH_OK);
    driver_wait(suite_host, &second.finished);
    assert_false(first.finished);
    assert_int_equal(second.status, FH_KERNEL_TIMEOUT);
    driver_wait(suite_host, &third.finished);
    assert_int_equal(first.status, FH_KERNEL_TIMEOUT);
    assert_int_equal(third.status, FH_OK);
    driver_array_free(&in);
    driver_array_free(&out);
}

static void
hundred_faults_in_a_row_are_hundred_errors(void **state)
{
    (void)state;
    char text[400];
    for (int i = 0; i < 100; i++) {
        oid_t session = oid_new();
        snprintf(text, sizeof text,
                 "define i64 @f%d(i64 %%x) {\n  %%p = inttoptr i64 %d to ptr\n  store volatile i64 1, ptr %%p\n"
                 "  ret i64 %%x\n}\n",
                 i, 16 * (i + 1));
        driver_done_t done;
        assert_int_equal(call(session, suite_compiled(session, text, ""), 5, &done), FH_KERNEL_FAULT);
        assert_int_equal(done.err.address, 16 * (i + 1));
        runner_host_forget(suite_host, session);
    }
    must_work(oid_new());
}

static void
third_crash_poisons_the_hash(void **state)
{
    (void)state;
    oid_t session = oid_new();
    uint32_t faulty = suite_compiled(session, NULL_READ, "");
    driver_done_t done;
    for (int i = 0; i < 3; i++)
        assert_int_equal(call(session, faulty, 5, &done), FH_KERNEL_FAULT);
    campaign_times_t times = {0};
    for (int i = campaign_count(10, 1000); i > 0; i--) {
        int64_t began = clock_now_ns();
        assert_int_equal(call(session, faulty, 5, &done), FH_KERNEL_POISONED);
        campaign_ended(&times, began);
    }
    campaign_print(&times, "refusals of a poisoned kernel");
    assert_true(campaign_kept(&times, 5));
    campaign_release(&times);
    driver_compiled_t again;
    assert_int_equal(driver_compile_text(suite_host, session, NULL_READ, "", &again), FH_KERNEL_POISONED);
    must_work(session);
    oid_t other = oid_new();
    assert_int_equal(call(other, suite_compiled(other, NULL_READ, ""), 5, &done),
                     FH_KERNEL_FAULT); /* for this session it is new */
}

static void
reloading_a_kernel_keeps_to_the_deadline_of_the_call(void **state)
{
    (void)state;
    oid_t session = oid_new();
    uint32_t one = suite_compiled(session, ADD_ONE, ""), faulty = suite_compiled(session, NULL_READ, "");
    driver_done_t done;
    assert_int_equal(call(session, faulty, 5, &done), FH_KERNEL_FAULT);
    assert_int_equal(call(session, one, 0.0005, &done), FH_KERNEL_TIMEOUT);
    assert_int_equal(call(session, one, 10, &done), FH_OK);
}

/* ---- cancelling and ending ----------------------------------------------------------------------------------------
 */

static void
cancel_ends_the_call_and_only_it(void **state)
{
    (void)state;
    oid_t session = oid_new();
    uint32_t endless = suite_compiled(session, ENDLESS, ""), one = suite_compiled(session, ADD_ONE, "");
    driver_array_t in = driver_array(DTYPE_INT64, 1, (int64_t[]){3}),
                   out = driver_array(DTYPE_INT64, 1, (int64_t[]){3});
    driver_done_t first, second, third;
    assert_int_equal(driver_start(suite_host, session, endless, &in, 1, &out, 30, &first), FH_OK);
    assert_int_equal(driver_start(suite_host, session, one, &in, 1, &out, 30, &second), FH_OK);
    assert_int_equal(driver_start(suite_host, session, one, &in, 1, &out, 30, &third), FH_OK);
    runner_host_cancel(suite_host, second.ticket);
    runner_host_cancel(suite_host, 987654321);
    runner_host_cancel(suite_host, first.ticket);
    driver_wait(suite_host, &third.finished);
    assert_int_equal(first.status, FH_CANCELLED);
    assert_int_equal(second.status, FH_CANCELLED);
    assert_int_equal(third.status, FH_OK);
    driver_array_free(&in);
    driver_array_free(&out);
}

static void
forget_cancels_what_the_session_has(void **state)
{
    (void)state;
    oid_t session = oid_new();
    uint32_t endless = suite_compiled(session, ENDLESS, "");
    driver_array_t in = driver_array(DTYPE_INT64, 1, (int64_t[]){3}),
                   out = driver_array(DTYPE_INT64, 1, (int64_t[]){3});
    driver_done_t first, second;
    assert_int_equal(driver_start(suite_host, session, endless, &in, 1, &out, 30, &first), FH_OK);
    assert_int_equal(driver_start(suite_host, session, endless, &in, 1, &out, 30, &second), FH_OK);
    runner_host_forget(suite_host, session);
    assert_int_equal(driver_run(suite_host, session, endless, &in, 1, &out, 30, &(driver_done_t){0}),
                     FH_NO_SUCH_OBJECT);
    driver_wait(suite_host, &second.finished);
    assert_int_equal(first.status, FH_CANCELLED);
    assert_int_equal(second.status, FH_CANCELLED);
    must_work(session); /* the same id may come again */
    driver_array_free(&in);
    driver_array_free(&out);
}

static void
destroy_cancels_everything(void **state)
{
    (void)state;
    runner_host_t *kept = suite_host;
    suite_host = driver_host();
    oid_t session = oid_new();
    uint32_t endless = suite_compiled(session, ENDLESS, "");
    driver_array_t in = driver_array(DTYPE_INT64, 1, (int64_t[]){3}),
                   out = driver_array(DTYPE_INT64, 1, (int64_t[]){3});
    driver_done_t first, second;
    assert_int_equal(driver_start(suite_host, session, endless, &in, 1, &out, 30, &first), FH_OK);
    assert_int_equal(driver_start(suite_host, session, endless, &in, 1, &out, 30, &second), FH_OK);
    runner_host_destroy(&suite_host);
    suite_host = kept;
    assert_int_equal(first.status, FH_CANCELLED);
    assert_int_equal(second.status, FH_CANCELLED);
    driver_array_free(&in);
    driver_array_free(&out);
}

/* ---- processes ----------------------------------------------------------------------------------------------------
 */

static void
wait_children(int wanted)
{
    pid_t pids[64];
    int64_t deadline = clock_deadline(10);
    while (campaign_children(pids, 64) != wanted && clock_now_ns() < deadline) {
        struct pollfd fd;
        runner_host_pollfds(suite_host, &fd, 1);
        poll(&fd, 1, 10);
        runner_host_handle(suite_host);
    }
    assert_int_equal(campaign_children(pids, 64), wanted);
}

static void
sessions_have_runners_of_their_own(void **state)
{
    (void)state;
    runner_host_t *kept = suite_host;
    runner_host_destroy(&kept);
    suite_host = driver_host();
    oid_t a = oid_new(), b = oid_new();
    driver_done_t done;
    uint32_t in_a = suite_compiled(a, ADD_ONE, "");
    wait_children(2); /* one for the session, one spare */
    uint32_t in_b = suite_compiled(b, ADD_ONE, "");
    wait_children(3);
    assert_int_equal(call(a, in_a, 5, &done), FH_OK);
    runner_host_forget(suite_host, a);
    wait_children(2);
    assert_int_equal(call(b, in_b, 5, &done), FH_OK);
}

static void
killed_runner_is_replaced_with_its_kernels(void **state)
{
    (void)state;
    oid_t session = oid_new();
    uint32_t one = suite_compiled(session, ADD_ONE, "");
    pid_t pids[64];
    int count = campaign_children(pids, 64);
    assert_true(count >= 1);
    for (int i = 0; i < count; i++)
        kill(pids[i], SIGKILL);
    driver_done_t done;
    for (int i = 0; i < count && call(session, one, 10, &done) != FH_OK;
         i++) /* calls may be on their way into the dying */
        assert_int_equal(done.status, FH_KERNEL_FAULT);
    assert_int_equal(call(session, one, 10, &done), FH_OK);
}

static void
runner_killed_in_a_call_is_a_fault(void **state)
{
    (void)state;
    oid_t session = oid_new();
    uint32_t endless = suite_compiled(session, ENDLESS, "");
    driver_array_t in = driver_array(DTYPE_INT64, 1, (int64_t[]){3}),
                   out = driver_array(DTYPE_INT64, 1, (int64_t[]){3});
    driver_done_t done;
    assert_int_equal(driver_start(suite_host, session, endless, &in, 1, &out, 30, &done), FH_OK);
    pid_t pids[64];
    int count = campaign_children(pids, 64);
    for (int i = 0; i < count; i++)
        kill(pids[i], SIGKILL);
    driver_wait(suite_host, &done.finished);
    assert_int_equal(done.status, FH_KERNEL_FAULT);
    assert_int_equal(done.err.signal, SIGKILL);
    driver_array_free(&in);
    driver_array_free(&out);
    must_work(session);
}

static void
missing_program_is_an_error_not_a_wait(void **state)
{
    (void)state;
    runner_host_options_t options = {.program = "/nonexistent/farhand-runner"};
    runner_host_t *none = NULL;
    driver_compiled_t kernel;
    assert_int_equal(runner_host_new(&none, &options, NULL), FH_OK);
    assert_int_equal(driver_compile_text(none, oid_new(), ADD_ONE, "", &kernel), FH_IO_ERROR);
    assert_non_null(strstr(kernel.err.text, "/nonexistent/farhand-runner"));
    runner_host_destroy(&none);
    options.program = "/bin/true"; /* starts, but says nothing */
    assert_int_equal(runner_host_new(&none, &options, NULL), FH_OK);
    assert_int_equal(driver_compile_text(none, oid_new(), ADD_ONE, "", &kernel), FH_IO_ERROR);
    runner_host_destroy(&none);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_read_reports_signal_and_address),
        cmocka_unit_test(fault_leaves_other_sessions_alone),
        cmocka_unit_test(endless_loop_ends_at_its_deadline),
        cmocka_unit_test(waiting_call_times_out_in_its_place),
        cmocka_unit_test(hundred_faults_in_a_row_are_hundred_errors),
        cmocka_unit_test(third_crash_poisons_the_hash),
        cmocka_unit_test(reloading_a_kernel_keeps_to_the_deadline_of_the_call),
        cmocka_unit_test(cancel_ends_the_call_and_only_it),
        cmocka_unit_test(forget_cancels_what_the_session_has),
        cmocka_unit_test(destroy_cancels_everything),
        cmocka_unit_test(sessions_have_runners_of_their_own),
        cmocka_unit_test(killed_runner_is_replaced_with_its_kernels),
        cmocka_unit_test(runner_killed_in_a_call_is_a_fault),
        cmocka_unit_test(missing_program_is_an_error_not_a_wait),
    };
    return cmocka_run_group_tests(tests, suite_start, suite_stop);
}
