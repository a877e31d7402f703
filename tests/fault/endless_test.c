/* Kernels that never end, or not when they are wanted to: each ends at its limit or when it is cancelled. */
#include "suite.h"
#include "tests/fault/campaign.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <string.h>

enum { SMALL = 256 << 10, LARGE = 4 << 20, PATIENCE_S = 20, CHILDREN = 32 };

/* It never ends for a number that is not 0. */
static const char ENDLESS[] = "@flag = internal global i64 0\ndefine i64 @endlessSERIAL(i64 %x) {\n"
                              "  %c = icmp eq i64 %x, 0\n  br i1 %c, label %done, label %loop\nloop:\n"
                              "  %v = load volatile i64, ptr @flag\n  br label %loop\ndone:\n  ret i64 %x\n}\n";
/* It calls itself by way of another, and asks for all the stack that there is. */
static const char GREEDY[] = "define internal i64 @a(i64 %x) {\n  %room = alloca [65536 x i8]\n"
                             "  store volatile i8 1, ptr %room\n  %v = call i64 @b(i64 %x)\n"
                             "  %b = load volatile i8, ptr %room\n  %w = zext i8 %b to i64\n"
                             "  %s = add i64 %v, %w\n  ret i64 %s\n}\n"
                             "define internal i64 @b(i64 %x) {\n  %v = call i64 @a(i64 %x)\n"
                             "  %s = mul i64 %v, 3\n  ret i64 %s\n}\n"
                             "define i64 @greedySERIAL(i64 %x) {\n  %v = call i64 @a(i64 %x)\n  ret i64 %v\n}\n";
/* Some milliseconds for each part of a call: between them it looks whether it is to stop. */
static const char SLOW[] = "define i64 @slowSERIAL(i64 %x) {\n  br label %loop\nloop:\n"
                           "  %i = phi i64 [ 0, %0 ], [ %n, %loop ]\n"
                           "  %v = phi i64 [ %x, %0 ], [ %w, %loop ]\n  %m = mul i64 %v, 3\n"
                           "  %w = xor i64 %m, %i\n  %n = add i64 %i, 1\n  %c = icmp ult i64 %n, 60\n"
                           "  br i1 %c, label %loop, label %done\ndone:\n  ret i64 %w\n}\n";

typedef struct {
    oid_t session;
    uint32_t kernel;
    driver_array_t in, out;
    driver_done_t done;
} call_t;

/* serial goes where the text says SERIAL and makes each another module, so that none is refused for what others did. */
static void
call_prepare(call_t *self, const char *format, int serial, int64_t n)
{
    char text[1200];
    const char *mark = strstr(format, "SERIAL");
    driver_compiled_t kernel;
    snprintf(text, sizeof text, "%.*s%d%s", (int)(mark - format), format, serial, mark + strlen("SERIAL"));
    self->session = oid_new();
    if (driver_compile_text(suite_host, self->session, text, "", &kernel))
        fail_msg("%s", kernel.err.text);
    self->kernel = kernel.kernel;
    self->in = driver_array(DTYPE_INT64, 1, (int64_t[]){n});
    self->out = driver_array(DTYPE_INT64, 1, (int64_t[]){n});
    memset(self->in.data, 0, self->in.size); /* fresh pages would take their time */
    memset(self->out.data, 0, self->out.size);
    ((int64_t *)(void *)self->in.data)[n / 2] = 1;
}

static void
call_start(call_t *self, double timeout_s)
{
    assert_int_equal(
        driver_start(suite_host, self->session, self->kernel, &self->in, 1, &self->out, timeout_s, &self->done), FH_OK);
}

static void
call_end(call_t *self)
{
    runner_host_forget(suite_host, self->session);
    driver_array_free(&self->in);
    driver_array_free(&self->out);
}

static void
endless_kernels_end_at_their_limit(void **state)
{
    (void)state;
    campaign_times_t times = {0};
    for (int i = campaign_count(8, 100); i > 0; i--) {
        call_t call;
        call_prepare(&call, ENDLESS, i, SMALL);
        int64_t began = clock_now_ns();
        call_start(&call, 0.3);
        driver_wait(suite_host, &call.done.finished);
        campaign_ended(&times, began);
        assert_int_equal(call.done.status, FH_KERNEL_TIMEOUT);
        call_end(&call);
    }
    campaign_print(&times, "endless kernels with a limit of 300 ms");
    assert_true(campaign_quantile(&times, 0) >= 300);
    assert_true(campaign_kept(&times, 400));
    campaign_release(&times);
}

static void
greedy_kernels_end_at_their_limit(void **state)
{
    (void)state;
    campaign_times_t times = {0};
    for (int i = campaign_count(8, 100); i > 0; i--) {
        call_t call;
        call_prepare(&call, GREEDY, i, SMALL);
        int64_t began = clock_now_ns();
        call_start(&call, 0.3);
        driver_wait(suite_host, &call.done.finished);
        campaign_ended(&times, began);
        assert_int_equal(call.done.status, FH_KERNEL_FAULT);
        check_contains(call.done.err.text, "stack overflow");
        call_end(&call);
    }
    campaign_print(&times, "kernels that want all memory they can get, which is stack");
    assert_true(campaign_kept(&times, 400));
    campaign_release(&times);
}

/* It has come through some elements. */
static void
wait_running(const call_t *call)
{
    runner_progress_t progress;
    int64_t deadline = clock_deadline(PATIENCE_S);
    while (!runner_host_progress(suite_host, call->session, &progress) || !progress.done)
        assert_true(clock_now_ns() < deadline);
}

static bool
all_live(const pid_t *before, int count)
{
    pid_t now[CHILDREN];
    int n = campaign_children(now, CHILDREN), found = 0;
    for (int i = 0; i < count; i++)
        for (int k = 0; k < n; k++)
            found += before[i] == now[k];
    return found == count;
}

/* Cancel calls of a kernel; returns how many of their runners lived on. */
static int
cancel_many(const char *format, int64_t n, int count, const char *what)
{
    campaign_times_t times = {0};
    int kept = 0;
    for (int i = 0; i < count; i++) {
        call_t call;
        pid_t before[CHILDREN];
        call_prepare(&call, format, i, n);
        int children = campaign_children(before, CHILDREN);
        call_start(&call, 30);
        wait_running(&call);
        int64_t began = clock_now_ns();
        runner_host_cancel(suite_host, call.done.ticket);
        driver_wait(suite_host, &call.done.finished);
        campaign_ended(&times, began);
        assert_int_equal(call.done.status, FH_CANCELLED);
        kept += all_live(before, children);
        call_end(&call);
    }
    campaign_print(&times, what);
    assert_true(campaign_kept(&times, 100));
    campaign_release(&times);
    return kept;
}

static void
cancelled_kernels_end_soon(void **state)
{
    (void)state;
    int count = campaign_count(10, 100);
    int kept = cancel_many(ENDLESS, SMALL, count, "cancelling kernels that do not listen");
    assert_true(kept < count); /* some are asked before they come to the number that does not end */
    kept = cancel_many(SLOW, LARGE, count, "cancelling kernels that listen");
    printf("%d of %d runners lived on\n", kept, count);
    assert_true(kept > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endless_kernels_end_at_their_limit),
        cmocka_unit_test(greedy_kernels_end_at_their_limit),
        cmocka_unit_test(cancelled_kernels_end_soon),
    };
    return cmocka_run_group_tests(tests, suite_start, suite_stop);
}
