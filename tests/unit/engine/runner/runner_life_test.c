/* What a runner host promises over time: calls that are stopped, code that is kept, runners that are replaced. */
#include "suite.h"
#include "tests/support/check.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char ADD[] = "define double @add(double %a, double %b) {\n  %c = fadd double %a, %b\n  ret double %c\n}\n";
/* Some ten nanoseconds an element. */
static const char SLOW[] =
    "define double @slow(double %a) {\nentry:\n  br label %loop\nloop:\n  %i = phi i64 [0, %entry], [%next, %loop]\n"
    "  %x = phi double [%a, %entry], [%y, %loop]\n  %y = call double @llvm.sqrt.f64(double %x)\n"
    "  %next = add i64 %i, 1\n  %more = icmp ult i64 %next, 100\n  br i1 %more, label %loop, label %end\n"
    "end:\n  ret double %y\n}\ndeclare double @llvm.sqrt.f64(double)\n";
static const char ENDLESS[] = "@flag = internal global i64 0\ndefine i64 @endless(i64 %x) {\n  br label %loop\nloop:\n"
                              "  %v = load volatile i64, ptr @flag\n  br label %loop\n}\n";
static const char NULL_READ[] =
    "define i64 @reader(i64 %x) {\n  %p = inttoptr i64 8 to ptr\n  %v = load volatile i64, ptr %p\n"
    "  ret i64 %v\n}\n";

static char folder[PATH_MAX];

static int
set_up(void **state)
{
    check_folder_make(folder);
    suite_start(state);
    return 0;
}

static int
tear_down(void **state)
{
    suite_stop(state);
    check_folder_remove(folder);
    return 0;
}

/* ---- small arrays ---------------------------------------------------------------------------------------------------
 */

static runner_array_t
on_heap(void *data, dtype_t dtype, int64_t n)
{
    runner_array_t array = {.fd = -1};
    nd_init(&array.nd, data, dtype, &(shape_t){.ndim = 1, .extent = {n}});
    return array;
}

static int
run(oid_t session, uint32_t kernel, const runner_array_t *operands, int nin, driver_done_t *done)
{
    runner_call_t call = {
        .operands = operands, .nin = nin, .nout = 1, .axis = -1, .piece = -1, .deadline_ns = clock_deadline(20)};
    int status = driver_start_with(suite_host, session, kernel, &call, done);
    if (status)
        return done->status = status;
    driver_wait(suite_host, &done->finished);
    return done->status;
}

static void
small_arrays_need_no_descriptor(void **state)
{
    (void)state;
    enum { N = 8192 }; /* 64 KiB */
    oid_t session = oid_new();
    uint32_t add = suite_compiled(session, ADD, "");
    double *a = calloc(N, sizeof *a), *b = calloc(N, sizeof *b), *c = calloc(N + 2, sizeof *c);
    assert_true(a && b && c);
    for (int i = 0; i < N; i++) {
        a[i] = i;
        b[i] = 2 * i;
    }
    c[0] = c[N + 1] = -1;
    runner_array_t operands[3] = {on_heap(a, DTYPE_FLOAT64, N), on_heap(b, DTYPE_FLOAT64, N),
                                  on_heap(c + 1, DTYPE_FLOAT64, N)};
    driver_done_t done;
    assert_int_equal(run(session, add, operands, 2, &done), FH_OK);
    for (int i = 0; i < N; i++)
        assert_true(c[i + 1] == 3.0 * i && a[i] == i);
    assert_true(c[0] == -1 && c[N + 1] == -1);
    /* Backwards, one of three, and nothing at all. */
    operands[0].nd.data = (char *)(a + N - 1);
    operands[0].nd.stride[0] = -(int64_t)sizeof *a;
    operands[1].nd.stride[0] = 3 * (int64_t)sizeof *b;
    for (int k = 0; k < 3; k++)
        operands[k].nd.shape.extent[0] = 100;
    assert_int_equal(run(session, add, operands, 2, &done), FH_OK);
    for (int i = 0; i < 100; i++)
        assert_true(c[i + 1] == N - 1 - i + 6.0 * i);
    for (int k = 0; k < 3; k++)
        operands[k] = on_heap(NULL, DTYPE_FLOAT64, 0);
    assert_int_equal(run(session, add, operands, 2, &done), FH_OK);
    free(a);
    free(b);
    free(c);
}

static void
small_and_large_arrays_mix(void **state)
{
    (void)state;
    oid_t session = oid_new();
    uint32_t add = suite_compiled(session, ADD, "");
    double one = 1, result[3];
    driver_array_t large = driver_array(DTYPE_FLOAT64, 1, (int64_t[]){3});
    for (int i = 0; i < 3; i++)
        ((double *)(void *)large.data)[i] = i;
    runner_array_t operands[3] = {on_heap(&one, DTYPE_FLOAT64, 1), large.array, on_heap(result, DTYPE_FLOAT64, 3)};
    driver_done_t done;
    assert_int_equal(run(session, add, operands, 2, &done), FH_OK);
    assert_true(result[0] == 1 && result[1] == 2 && result[2] == 3);
    driver_array_free(&large);
}

static void
large_array_without_descriptor_is_refused(void **state)
{
    (void)state;
    oid_t session = oid_new();
    uint32_t add = suite_compiled(session, ADD, "");
    double one = 1;
    runner_array_t operands[3] = {on_heap(&one, DTYPE_FLOAT64, 8193), on_heap(&one, DTYPE_FLOAT64, 1),
                                  on_heap(&one, DTYPE_FLOAT64, 1)};
    driver_done_t done;
    assert_int_equal(run(session, add, operands, 2, &done), FH_LIMIT_EXCEEDED);
}

/* ---- stopping -------------------------------------------------------------------------------------------------------
 */

enum { SLOW_COUNT = 2 << 20 }; /* a tenth of a second or more, in parts of some milliseconds */

typedef struct {
    oid_t session;
    driver_array_t in, out;
    driver_done_t done;
} slow_call_t;

/* A long call. */
static void
start_slow(slow_call_t *self, double timeout_s)
{
    self->session = oid_new();
    self->in = driver_array(DTYPE_FLOAT64, 1, (int64_t[]){SLOW_COUNT});
    self->out = driver_array(DTYPE_FLOAT64, 1, (int64_t[]){SLOW_COUNT});
    memset(self->in.data, 0, self->in.size); /* fresh pages would take their time */
    memset(self->out.data, 0, self->out.size);
    uint32_t slow = suite_compiled(self->session, SLOW, "");
    assert_int_equal(driver_start(suite_host, self->session, slow, &self->in, 1, &self->out, timeout_s, &self->done),
                     FH_OK);
}

/* It is under way. */
static void
see_progress(const slow_call_t *self)
{
    runner_progress_t progress;
    int64_t deadline = clock_deadline(20);
    do {
        assert_true(clock_now_ns() < deadline);
        assert_true(runner_host_progress(suite_host, self->session, &progress));
    } while (!progress.done);
    assert_int_equal(progress.ticket, self->done.ticket);
    assert_string_equal(progress.entry, "slow");
    assert_int_equal(progress.total, SLOW_COUNT);
    assert_true(progress.done < progress.total && progress.started_ns > 0);
}

static int
children(pid_t *ret, int room)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "r");
    int count = 0;
    for (int pid; file && count < room && fscanf(file, "%d", &pid) == 1;)
        ret[count++] = pid;
    if (file)
        fclose(file);
    return count;
}

/* The same children, in any order, as there were. */
static bool
nobody_died(const pid_t *before, int count)
{
    pid_t now[64];
    int n = children(now, 64), found = 0;
    for (int i = 0; i < count; i++)
        for (int k = 0; k < n; k++)
            found += before[i] == now[k];
    return found == count;
}

/* A call that takes long is ended; it ends itself, and its runner lives on, unless the host is so busy that it comes
 * too late: so there are several tries. */
static void
must_end_itself(double timeout_s, bool cancel, int status, const char *text)
{
    enum { TRIES = 20 };
    bool kept = false;
    for (int i = 0; i < TRIES && !kept; i++) {
        slow_call_t slow;
        start_slow(&slow, timeout_s);
        pid_t before[64];
        int count = children(before, 64);
        if (cancel) {
            see_progress(&slow);
            runner_host_cancel(suite_host, slow.done.ticket);
        }
        driver_wait(suite_host, &slow.done.finished);
        assert_int_equal(slow.done.status, status);
        check_contains(slow.done.err.text, text);
        kept = nobody_died(before, count);
        driver_array_free(&slow.in);
        driver_array_free(&slow.out);
        runner_host_forget(suite_host, slow.session);
    }
    assert_true(kept);
}

static void
cancelled_call_ends_itself_and_keeps_its_runner(void **state)
{
    (void)state;
    must_end_itself(60, true, FH_CANCELLED, "kernel slow: cancelled");
}

static void
late_call_ends_itself_and_keeps_its_runner(void **state)
{
    (void)state;
    must_end_itself(0.03, false, FH_KERNEL_TIMEOUT, "kernel slow: it ran past its time limit of 0.03 s and was ended");
}

static void
call_that_does_not_listen_is_ended_with_its_runner(void **state)
{
    (void)state;
    oid_t session = oid_new();
    uint32_t endless = suite_compiled(session, ENDLESS, "");
    int64_t in = 0, out = 0;
    runner_array_t operands[2] = {on_heap(&in, DTYPE_INT64, 1), on_heap(&out, DTYPE_INT64, 1)};
    runner_call_t call = {
        .operands = operands, .nin = 1, .nout = 1, .axis = -1, .piece = 5, .deadline_ns = clock_deadline(0.2)};
    driver_done_t done;
    int64_t began = clock_now_ns();
    assert_int_equal(driver_start_with(suite_host, session, endless, &call, &done), FH_OK);
    driver_wait(suite_host, &done.finished);
    assert_int_equal(done.status, FH_KERNEL_TIMEOUT);
    check_contains(done.err.text, "kernel endless, piece 5: it ran past its time limit of 0.2 s and was ended");
    assert_true(clock_now_ns() - began >= 200000000);
    call.deadline_ns = clock_deadline(60);
    assert_int_equal(driver_start_with(suite_host, session, endless, &call, &done), FH_OK);
    runner_host_cancel(suite_host, done.ticket);
    runner_host_cancel(suite_host, done.ticket);
    driver_wait(suite_host, &done.finished);
    assert_int_equal(done.status, FH_CANCELLED);
    kernel_stats_t stats;
    assert_true(runner_host_stats(suite_host, session, endless, &stats));
    assert_int_equal(stats.faults, 0);
}

/* ---- counting
 * --------------------------------------------------------------------------------------------------------
 */

static void
stats_count_calls_elements_and_faults(void **state)
{
    (void)state;
    oid_t session = oid_new();
    uint32_t add = suite_compiled(session, ADD, ""), reader = suite_compiled(session, NULL_READ, "");
    double a[50] = {0}, c[50];
    int64_t word = 0;
    runner_array_t operands[3] = {on_heap(a, DTYPE_FLOAT64, 50), on_heap(a, DTYPE_FLOAT64, 50),
                                  on_heap(c, DTYPE_FLOAT64, 50)},
                   words[2] = {on_heap(&word, DTYPE_INT64, 1), on_heap(&word, DTYPE_INT64, 1)};
    driver_done_t done;
    for (int i = 0; i < 3; i++)
        assert_int_equal(run(session, add, operands, 2, &done), FH_OK);
    assert_int_equal(run(session, reader, words, 1, &done), FH_KERNEL_FAULT);
    kernel_stats_t stats;
    assert_true(runner_host_stats(suite_host, session, add, &stats));
    assert_int_equal(stats.calls, 3);
    assert_int_equal(stats.elements, 150);
    assert_true(stats.run_ns > 0 && stats.compile_ns > 0);
    assert_false(stats.cached);
    assert_int_equal(stats.faults, 0);
    assert_true(runner_host_stats(suite_host, session, reader, &stats));
    assert_int_equal(stats.faults, 1);
    assert_false(runner_host_stats(suite_host, session, reader + 1000, &stats));
    assert_false(runner_host_stats(suite_host, oid_new(), add, &stats));
    runner_progress_t progress;
    assert_true(runner_host_progress(suite_host, session, &progress));
    assert_int_equal(progress.ticket, 0);
    assert_false(runner_host_progress(suite_host, oid_new(), &progress));
}

static void
poisoned_kernel_can_be_forced(void **state)
{
    (void)state;
    oid_t session = oid_new();
    uint32_t reader = suite_compiled(session, NULL_READ, "");
    int64_t word = 0;
    runner_array_t words[2] = {on_heap(&word, DTYPE_INT64, 1), on_heap(&word, DTYPE_INT64, 1)};
    driver_done_t done;
    driver_compiled_t again;
    for (int i = 0; i < 3; i++)
        assert_int_equal(run(session, reader, words, 1, &done), FH_KERNEL_FAULT);
    assert_int_equal(run(session, reader, words, 1, &done), FH_KERNEL_POISONED);
    assert_int_equal(driver_compile_text(suite_host, session, NULL_READ, "", &again), FH_KERNEL_POISONED);
    kernel_options_t force = {.entry = "", .signature = "", .kind = "", .layout = "", .force = true};
    assert_int_equal(driver_compile_with(suite_host, session, NULL_READ, sizeof NULL_READ - 1, &force, &again), FH_OK);
    assert_int_equal(again.kernel, reader);
    assert_int_equal(run(session, reader, words, 1, &done), FH_KERNEL_FAULT);
}

/* ---- code on the disk
 * ------------------------------------------------------------------------------------------------
 */

static const char *
kept_file(void)
{
    static char name[2 * PATH_MAX];
    DIR *open = opendir(check_path(folder, "kernels"));
    assert_non_null(open);
    name[0] = '\0';
    for (const struct dirent *each; (each = readdir(open));)
        if (each->d_name[0] != '.') {
            assert_true(name[0] == '\0'); /* one file only */
            snprintf(name, sizeof name, "%s/kernels/%s", folder, each->d_name);
        }
    closedir(open);
    return name;
}

/* A new host over the same folder compiles the kernel and runs it. */
static kernel_info_t
compile_and_run(const kernel_options_t *options)
{
    runner_host_destroy(&suite_host);
    suite_host = driver_host_keeping(check_path(folder, "kernels"));
    oid_t session = oid_new();
    driver_compiled_t kernel;
    if (driver_compile_with(suite_host, session, ADD, sizeof ADD - 1, options, &kernel))
        fail_msg("%s: %s", status_name(kernel.status), kernel.err.text);
    double a = 1, b = 2, c = 0;
    runner_array_t operands[3] = {on_heap(&a, DTYPE_FLOAT64, 1), on_heap(&b, DTYPE_FLOAT64, 1),
                                  on_heap(&c, DTYPE_FLOAT64, 1)};
    driver_done_t done;
    assert_int_equal(run(session, kernel.kernel, operands, 2, &done), FH_OK);
    assert_true(c == 3);
    kernel_stats_t stats;
    assert_true(runner_host_stats(suite_host, session, kernel.kernel, &stats));
    assert_int_equal(stats.cached, kernel.info.cached);
    return kernel.info;
}

static const kernel_options_t PLAIN = {.entry = "", .signature = "", .kind = "", .layout = ""};

static void
code_is_compiled_once_for_all_engines(void **state)
{
    (void)state;
    kernel_info_t first = compile_and_run(&PLAIN), second = compile_and_run(&PLAIN);
    assert_false(first.cached);
    assert_true(first.compile_ns > 0);
    assert_true(second.cached);
    assert_int_equal(second.compile_ns, 0);
    assert_string_equal(second.entry, "add");
    assert_int_equal(second.nin, 2);
    assert_int_equal(second.out[0], DTYPE_FLOAT64);
}

static void
code_with_checks_is_not_kept(void **state)
{
    (void)state;
    kernel_options_t debug = PLAIN;
    debug.debug = true;
    compile_and_run(&debug);
    assert_string_equal(kept_file(), "");
}

static void
spoilt_code_is_compiled_anew(void **state)
{
    (void)state;
    compile_and_run(&PLAIN);
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s", kept_file());
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "spoilt", 6, info.st_size / 2), 6);
    close(fd);
    assert_false(compile_and_run(&PLAIN).cached);
    assert_true(compile_and_run(&PLAIN).cached); /* it was written again */
}

/* ---- long lives
 * ------------------------------------------------------------------------------------------------------
 */

static void
runner_is_replaced_when_it_rests_after_many_calls(void **state)
{
    (void)state;
    oid_t session = oid_new();
    uint32_t add = suite_compiled(session, ADD, "");
    double a = 1, c = 0;
    runner_array_t operands[3] = {on_heap(&a, DTYPE_FLOAT64, 1), on_heap(&a, DTYPE_FLOAT64, 1),
                                  on_heap(&c, DTYPE_FLOAT64, 1)};
    driver_done_t done;
    pid_t before[64];
    int count = children(before, 64);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(run(session, add, operands, 2, &done), FH_OK);
    int64_t deadline = clock_deadline(20);
    while (nobody_died(before, count))
        driver_turn(suite_host, deadline);
    c = 0;
    assert_int_equal(run(session, add, operands, 2, &done), FH_OK); /* with all its kernels */
    assert_true(c == 2);
    kernel_stats_t stats;
    assert_true(runner_host_stats(suite_host, session, add, &stats));
    assert_int_equal(stats.calls, 10001);
    assert_int_equal(stats.faults, 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(small_arrays_need_no_descriptor),
        TEST(small_and_large_arrays_mix),
        TEST(large_array_without_descriptor_is_refused),
        TEST(cancelled_call_ends_itself_and_keeps_its_runner),
        TEST(late_call_ends_itself_and_keeps_its_runner),
        TEST(call_that_does_not_listen_is_ended_with_its_runner),
        TEST(stats_count_calls_elements_and_faults),
        TEST(poisoned_kernel_can_be_forced),
        TEST(code_is_compiled_once_for_all_engines),
        TEST(code_with_checks_is_not_kept),
        TEST(spoilt_code_is_compiled_anew),
        TEST(runner_is_replaced_when_it_rests_after_many_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
