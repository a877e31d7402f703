/* What clients see of kernels that fault on real engines: the error with its signal, no half-written array, and
 * everything else as it was. */
#include "base/clock.h"
#include "tests/fault/campaign.h"
#include "tests/process/cluster.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENGINES = 2, N = 30000, SMALL = 600, FAULTY = 399 };
static const double PATIENCE_S = 30;

/* They do it at numbers that every piece has some of; what went before has been written by then. */
static const struct {
    const char *name, *wrong;
    int signal;
} FAULTS[] = {
    {"memory", "  %p = inttoptr i64 64 to ptr\n  store volatile i64 1, ptr %p\n  br label %fine\n", SIGSEGV},
    {"division",
     "  %z = load volatile i64, ptr @zero\n  %q = sdiv i64 %x, %z\n  store volatile i64 %q, ptr @zero\n"
     "  br label %fine\n",
     SIGFPE},
    {"trap", "  call void @llvm.trap()\n  unreachable\n", SIGILL},
    {"stack", "  %d = call i64 @down(i64 %x)\n  store volatile i64 %d, ptr @zero\n  br label %fine\n", SIGSEGV},
};
enum { FAULT_COUNT = sizeof FAULTS / sizeof *FAULTS };

static const char COMMON[] =
    "@zero = internal global i64 0\ndeclare void @llvm.trap()\n"
    "define internal i64 @down(i64 %x) {\n  %room = alloca [4096 x i8]\n  store volatile i8 1, ptr %room\n"
    "  %v = call i64 @deeper(i64 %x)\n  %b = load volatile i8, ptr %room\n  %w = sext i8 %b to i64\n"
    "  %s = add i64 %v, %w\n  ret i64 %s\n}\n"
    "define internal i64 @deeper(i64 %x) {\n  %v = call i64 @down(i64 %x)\n  %s = mul i64 %v, 3\n  ret i64 %s\n}\n";

static cluster_t cluster;
static fh_session *session;
static int64_t numbers[N], pattern[N], got[N];

static int
set_up(void **state)
{
    (void)state;
    cluster_start(&cluster, ENGINES);
    session = cluster_connect(&cluster, 60);
    for (int64_t i = 0; i < N; i++) {
        numbers[i] = i % (FAULTY + 1);
        pattern[i] = 0x5a5a5a5a + i;
    }
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    fh_close(&session);
    cluster_stop(&cluster);
    return 0;
}

static fh_array *
scatter(int64_t *data, int64_t n, int axis)
{
    fh_array *array = NULL;
    fh_error error;
    fh_local local = {.data = data, .dtype = FH_INT64, .ndim = 1, .shape = &n};
    fh_ok(fh_scatter(session, &local, &(fh_scatter_options){.axis = axis}, &array, &error), error);
    return array;
}

static void
check_equal(fh_array *array, const int64_t *wanted, int64_t n)
{
    fh_error error;
    fh_ok(fh_gather(array, got, NULL, &error), error);
    assert_memory_equal(got, wanted, (size_t)n * sizeof *got);
}

static fh_kernel *
load(const char *wrong)
{
    static int serial; /* each is another module, so that none is refused for what others did */
    char text[2000];
    fh_kernel *kernel = NULL;
    fh_error error;
    snprintf(text, sizeof text,
             "%sdefine i64 @fault%d(i64 %%x) {\n  %%c = icmp eq i64 %%x, %d\n"
             "  br i1 %%c, label %%wrong, label %%fine\nwrong:\n%sfine:\n  ret i64 %%x\n}\n",
             COMMON, serial++, (int)FAULTY, wrong);
    fh_ok(fh_kernel_load(session, text, strlen(text), NULL, &kernel, &error), error);
    return kernel;
}

/* A call that makes an array, then one that is to write into one that exists. */
static void
fault_once(int kind, fh_array *x, fh_array *out, int64_t n, campaign_times_t *times)
{
    fh_kernel *kernel = load(FAULTS[kind].wrong);
    fh_operand operand = {.kind = FH_ARRAY, .array = x};
    fh_array *made = NULL, *none = NULL;
    fh_error error;
    int64_t began = clock_now_ns();
    fh_ok(fh_kernel_call(kernel, &operand, 1, NULL, &made, &error), error);
    fh_fails(fh_wait(made, PATIENCE_S, &error), FH_STATUS_KERNEL_FAULT, error);
    campaign_ended(times, began);
    assert_int_equal(error.signal, FAULTS[kind].signal);
    fh_fails(fh_gather(made, got, NULL, &error), FH_STATUS_KERNEL_FAULT, error);
    fh_array_free(&made);
    fh_kernel_call_options into = {.out = out};
    if (!fh_kernel_call(kernel, &operand, 1, &into, &none, &error))
        (void)fh_wait(out, PATIENCE_S, &error);
    assert_int_equal(error.status, FH_STATUS_KERNEL_FAULT);
    fh_kernel_free(&kernel);
    check_equal(x, numbers, n);
}

static void
must_work(fh_array *x, int64_t n)
{
    fh_kernel *kernel = load("  br label %fine\n");
    fh_operand operand = {.kind = FH_ARRAY, .array = x};
    fh_array *made = NULL;
    fh_error error;
    fh_ok(fh_kernel_call(kernel, &operand, 1, NULL, &made, &error), error);
    check_equal(made, numbers, n);
    fh_array_free(&made);
    fh_kernel_free(&kernel);
}

static void
fault_many(int64_t n, int axis, int count)
{
    fh_array *x = scatter(numbers, n, axis), *beside = scatter(pattern, n, axis), *out = scatter(pattern, n, axis);
    for (int kind = 0; kind < FAULT_COUNT; kind++) {
        campaign_times_t times = {0};
        for (int i = 0; i < count; i++)
            fault_once(kind, x, out, n, &times);
        campaign_print(&times, FAULTS[kind].name);
        campaign_release(&times);
        must_work(x, n);
        check_equal(beside, pattern, n);
        check_equal(out, pattern, n);
    }
    fh_array_free(&x);
    fh_array_free(&beside);
    fh_array_free(&out);
}

/* Those travel in the mailbox. */
static void
faults_over_small_arrays_leave_nothing_half_written(void **state)
{
    (void)state;
    fault_many(SMALL, FH_WHOLE, campaign_count(3, 20));
}

/* Those are mapped. */
static void
faults_over_distributed_arrays_leave_nothing_half_written(void **state)
{
    (void)state;
    fault_many(N, 0, campaign_count(3, 20));
}

static void
engines_are_the_ones_that_were_started(void **state)
{
    (void)state;
    for (int i = 0; i < ENGINES; i++) {
        int status;
        assert_false(proc_wait(&cluster.engines[i], &status, 0));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_over_small_arrays_leave_nothing_half_written),
        cmocka_unit_test(faults_over_distributed_arrays_leave_nothing_half_written),
        cmocka_unit_test(engines_are_the_ones_that_were_started),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
