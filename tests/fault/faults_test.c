/* Kernels that fault, many in a row: each gives its own error in time, nothing but its output is touched, and the host
 * goes on. */
#include "suite.h"
#include "tests/fault/campaign.h"
#include "tests/support/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 1000, FAULTY = 700, PER_SESSION = 50 };

/* Kernels that do it at element 700: what went before has been written by then.  %d makes each another module. */
static const struct {
    const char *name, *wrong;
    int signal;
    const char *words;
} FAULTS[] = {
    {"memory", "  %p = inttoptr i64 4096 to ptr\n  store volatile i64 1, ptr %p\n  br label %fine\n", SIGSEGV,
     "SIGSEGV at address 0x1000"},
    {"division",
     "  %z = load volatile i64, ptr @zero\n  %q = sdiv i64 %x, %z\n  store volatile i64 %q, ptr @zero\n"
     "  br label %fine\n",
     SIGFPE, "SIGFPE"},
    {"trap", "  call void @llvm.trap()\n  unreachable\n", SIGILL, "SIGILL"},
    {"stack", "  %d = call i64 @down(i64 %x)\n  store volatile i64 %d, ptr @zero\n  br label %fine\n", SIGSEGV,
     "stack overflow"},
};
enum { FAULT_COUNT = sizeof FAULTS / sizeof *FAULTS };

static const char COMMON[] =
    "@zero = internal global i64 0\n"
    "declare void @llvm.trap()\n"
    "define internal i64 @down(i64 %x) {\n  %room = alloca [4096 x i8]\n  store volatile i8 1, ptr %room\n"
    "  %v = call i64 @deeper(i64 %x)\n  %b = load volatile i8, ptr %room\n  %w = sext i8 %b to i64\n"
    "  %s = add i64 %v, %w\n  ret i64 %s\n}\n"
    "define internal i64 @deeper(i64 %x) {\n  %room = alloca [4096 x i8]\n  store volatile i8 1, ptr %room\n"
    "  %v = call i64 @down(i64 %x)\n  %b = load volatile i8, ptr %room\n  %w = sext i8 %b to i64\n"
    "  %s = add i64 %v, %w\n  ret i64 %s\n}\n";

static const char ADD_ONE[] = "define i64 @one(i64 %x) {\n  %y = add i64 %x, 1\n  ret i64 %y\n}\n";
static driver_array_t in, out, beside;

static int
set_up(void **state)
{
    suite_start(state);
    in = driver_array(DTYPE_INT64, 1, (int64_t[]){N});
    out = driver_array(DTYPE_INT64, 1, (int64_t[]){N});
    beside = driver_array(DTYPE_INT64, 1, (int64_t[]){N});
    return 0;
}

static int
tear_down(void **state)
{
    suite_stop(state);
    driver_array_free(&in);
    driver_array_free(&out);
    driver_array_free(&beside);
    return 0;
}

static void
fill(void)
{
    for (int64_t i = 0; i < N; i++)
        ((int64_t *)(void *)in.data)[i] = i;
    memset(beside.data, 0x5a, beside.size);
}

static void
check_untouched(void)
{
    for (int64_t i = 0; i < N; i++)
        assert_int_equal(((int64_t *)(void *)in.data)[i], i);
    for (size_t i = 0; i < beside.size; i++)
        assert_int_equal(beside.data[i], 0x5a);
}

static void
must_work(oid_t session)
{
    driver_done_t done;
    assert_int_equal(driver_run(suite_host, session, suite_compiled(session, ADD_ONE, ""), &in, 1, &out, 5, &done),
                     FH_OK);
    assert_int_equal(((int64_t *)(void *)out.data)[N - 1], N);
}

/* ---- faults -------------------------------------------------------------------------------------------------------
 */

static void
fault_once(oid_t session, int kind, int serial, campaign_times_t *times, campaign_times_t *together)
{
    char text[2000];
    snprintf(text, sizeof text,
             "%sdefine i64 @fault%d(i64 %%x) {\n  %%c = icmp eq i64 %%x, %d\n  br i1 %%c, label %%wrong, label %%fine\n"
             "wrong:\n%sfine:\n  ret i64 %%x\n}\n",
             COMMON, serial, (int)FAULTY, FAULTS[kind].wrong);
    uint32_t kernel = suite_compiled(session, text, "");
    driver_done_t done;
    int64_t began = clock_now_ns();
    driver_run(suite_host, session, kernel, &in, 1, &out, 5, &done);
    campaign_ended(times, began);
    campaign_ended(together, began);
    if (done.status != FH_KERNEL_FAULT || done.err.signal != FAULTS[kind].signal ||
        !strstr(done.err.text, FAULTS[kind].words))
        fail_msg("fault %d of %s: %s, signal %d: %s", serial, FAULTS[kind].name, status_name(done.status),
                 done.err.signal, done.err.text);
    check_untouched();
}

static void
faults_have_their_signals(void **state)
{
    (void)state;
    int count = campaign_count(20, 1000);
    campaign_times_t together = {0};
    oid_t healthy = oid_new();
    fill();
    for (int kind = 0; kind < FAULT_COUNT; kind++) {
        campaign_times_t times = {0};
        oid_t session = oid_new();
        for (int i = 0; i < count; i++) {
            fault_once(session, kind, i, &times, &together);
            if (i % PER_SESSION)
                continue;
            runner_host_forget(suite_host, session);
            session = oid_new();
            must_work(healthy);
        }
        runner_host_forget(suite_host, session);
        campaign_print(&times, FAULTS[kind].name);
        campaign_release(&times);
    }
    campaign_print(&together, "all faults");
    assert_true(campaign_kept(&together, 50));
    campaign_release(&together);
    must_work(healthy);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_have_their_signals),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
