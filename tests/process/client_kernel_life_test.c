/* The life of kernels: loaded once, counted, watched, cancelled, poisoned, and what is left when an engine goes. */
#include "tests/process/kernel_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 300, LARGE = 100 * 1024, PATIENCE_S = 20 };

static const char HALF[] = "define double @half(double %x) {\n  %y = fmul double %x, 0.5\n  ret double %y\n}\n";
/* Two thousand million divisions an element. */
static const char SLOW[] = "define double @slow(double %x) {\n"
                           "entry:\n"
                           "  br label %loop\n"
                           "loop:\n"
                           "  %i = phi i64 [ 0, %entry ], [ %next, %loop ]\n"
                           "  %y = phi double [ %x, %entry ], [ %z, %loop ]\n"
                           "  %w = fdiv double %y, 3.0\n"
                           "  %z = fadd double %w, 1.0\n"
                           "  %next = add i64 %i, 1\n"
                           "  %more = icmp slt i64 %next, 2000000000\n"
                           "  br i1 %more, label %loop, label %done\n"
                           "done:\n"
                           "  ret double %z\n"
                           "}\n";
static const char CRASH[] = "define double @crash(double %x) {\n"
                            "  %p = inttoptr i64 16 to ptr\n"
                            "  %y = load volatile double, ptr %p\n"
                            "  ret double %y\n"
                            "}\n";

static double in[COUNT], got[COUNT];
static const int64_t shape[] = {COUNT};

static uint64_t
messages(void)
{
    fh_stats stats;
    fh_session_stats(rig_session, &stats);
    return stats.messages_sent;
}

static fh_array *
scatter(int axis)
{
    fh_local local = {.data = in, .dtype = FH_FLOAT64, .ndim = 1, .shape = shape};
    fh_array *array = NULL;
    fh_error error;
    rig_fill(in, COUNT, true);
    fh_ok(fh_scatter(rig_session, &local, &(fh_scatter_options){.axis = axis}, &array, &error), error);
    return array;
}

static fh_array *
call(fh_kernel *kernel, fh_array *x)
{
    fh_operand operand = {.kind = FH_ARRAY, .array = x};
    fh_array *made = NULL;
    fh_error error;
    fh_ok(fh_kernel_call(kernel, &operand, 1, NULL, &made, &error), error);
    return made;
}

static void
check_half(fh_kernel *kernel)
{
    fh_array *x = scatter(0), *made = call(kernel, x);
    rig_gather(made, got);
    for (int i = 0; i < COUNT; i++)
        assert_true(got[i] == in[i] / 2);
    fh_array_free(&x);
    fh_array_free(&made);
}

static void
what_is_loaded_is_not_sent_again(void **state)
{
    fh_kernel *first = rig_load_text(HALF, NULL), *other;
    fh_kernel_info a, b;
    (void)state;
    uint64_t before = messages();
    fh_kernel *second = rig_load_text(HALF, NULL);
    assert_true(messages() == before);
    fh_kernel_describe(first, &a);
    fh_kernel_describe(second, &b);
    assert_memory_equal(&a, &b, sizeof a);
    fh_kernel_free(&first);
    check_half(second);
    fh_kernel_free(&second);
    before = messages();
    second = rig_load_text(HALF, NULL);
    assert_true(messages() == before);
    other = rig_load_text(HALF, &(fh_kernel_options){.fastmath = 1});
    assert_true(messages() > before);
    check_half(other);
    check_half(second);
    fh_kernel_free(&second);
    fh_kernel_free(&other);
}

static void
large_code_is_sent_where_it_is_not_known(void **state)
{
    char *text = malloc(LARGE + sizeof HALF);
    (void)state;
    assert_non_null(text);
    memset(text, ';', LARGE);
    text[LARGE - 1] = '\n';
    memcpy(text + LARGE, HALF, sizeof HALF);
    fh_kernel *kernel = rig_load_text(text, NULL);
    check_half(kernel);
    fh_kernel_free(&kernel);
    free(text);
}

static void
many_kernels_are_remembered_and_forgotten(void **state)
{
    char text[256];
    fh_kernel *oldest = rig_load_text(HALF, NULL);
    (void)state;
    for (int i = 0; i < 80; i++) {
        snprintf(text, sizeof text, "define double @k%d(double %%x) {\n  ret double %%x\n}\n", i);
        fh_kernel *kernel = rig_load_text(text, NULL);
        fh_kernel_free(&kernel);
    }
    uint64_t before = messages();
    fh_kernel *again = rig_load_text(HALF, NULL), *last = rig_load_text(text, NULL);
    assert_true(messages() == before);
    check_half(again);
    fh_kernel_free(&again);
    fh_kernel_free(&last);
    fh_kernel_free(&oldest);
}

static void
counters_add_up_over_engines(void **state)
{
    fh_kernel *kernel = rig_load_text(HALF, &(fh_kernel_options){.exact = 1});
    fh_kernel_stats before, after;
    fh_error error;
    (void)state;
    fh_ok(fh_kernel_stats_get(kernel, &before, &error), error);
    assert_int_equal(before.calls, 0);
    assert_int_equal(before.engines, RIG_ENGINES);
    check_half(kernel);
    check_half(kernel);
    fh_ok(fh_kernel_stats_get(kernel, &after, &error), error);
    assert_int_equal(after.calls, 2 * RIG_ENGINES);
    assert_int_equal(after.elements, 2 * COUNT);
    assert_int_equal(after.faults, 0);
    assert_true(after.run_ns > 0);
    fh_fails(fh_kernel_stats_get(NULL, &after, &error), FH_STATUS_INVALID_ARGUMENT, error);
    fh_kernel_free(&kernel);
}

typedef struct {
    int running, queued;
    char entry[256];
    double seconds;
} seen_t;

static void
look(void *context, const fh_progress *progress)
{
    seen_t *self = context;
    self->queued += progress->queued > 0;
    if (!progress->entry[0])
        return;
    self->running++;
    self->seconds = progress->seconds;
    (void)snprintf(self->entry, sizeof self->entry, "%s", progress->entry);
}

static bool
one_runs(void *context)
{
    seen_t *self = context;
    fh_error error;
    *self = (seen_t){0};
    fh_ok(fh_session_progress(rig_session, look, self, &error), error);
    return self->running > 0 && self->queued > 0;
}

static void
long_calls_are_watched_and_cancelled(void **state)
{
    fh_kernel *kernel = rig_load_text(SLOW, NULL), *half = rig_load_text(HALF, NULL);
    fh_array *x = scatter(FH_WHOLE), *first = call(kernel, x), *second = call(kernel, x);
    seen_t seen = {0};
    fh_error error;
    (void)state;
    assert_true(check_until(one_runs, &seen, PATIENCE_S));
    assert_string_equal(seen.entry, "slow");
    assert_int_equal(seen.running, 1);
    assert_true(seen.seconds >= 0);
    fh_ok(fh_cancel(rig_session, &error), error);
    fh_fails(fh_wait(first, PATIENCE_S, &error), FH_STATUS_CANCELLED, error);
    fh_fails(fh_wait(second, PATIENCE_S, &error), FH_STATUS_CANCELLED, error);
    check_half(half);
    seen = (seen_t){0};
    fh_ok(fh_session_progress(rig_session, look, &seen, &error), error);
    assert_int_equal(seen.running, 0);
    fh_fails(fh_session_progress(NULL, look, &seen, &error), FH_STATUS_INVALID_ARGUMENT, error);
    fh_fails(fh_session_progress(rig_session, NULL, NULL, &error), FH_STATUS_INVALID_ARGUMENT, error);
    fh_array_free(&x);
    fh_array_free(&first);
    fh_array_free(&second);
    fh_kernel_free(&kernel);
    fh_kernel_free(&half);
}

static void
a_kernel_that_kills_is_refused_until_forced(void **state)
{
    enum { TRIES = 8 };
    fh_kernel *kernel = rig_load_text(CRASH, NULL);
    fh_array *x = scatter(FH_WHOLE);
    fh_error error = {0};
    int status = FH_STATUS_KERNEL_FAULT, tries = 0;
    (void)state;
    for (; tries < TRIES && status == FH_STATUS_KERNEL_FAULT; tries++) {
        fh_array *made = call(kernel, x);
        status = fh_wait(made, PATIENCE_S, &error);
        fh_array_free(&made);
    }
    assert_int_equal(status, FH_STATUS_KERNEL_POISONED);
    fh_kernel *forced = rig_load_text(CRASH, &(fh_kernel_options){.force = 1});
    fh_array *made = call(forced, x);
    fh_fails(fh_wait(made, PATIENCE_S, &error), FH_STATUS_KERNEL_FAULT, error);
    fh_array_free(&made);
    fh_array_free(&x);
    fh_kernel_free(&kernel);
    fh_kernel_free(&forced);
}

static void
wrong_options_are_refused(void **state)
{
    fh_kernel *kernel = NULL;
    fh_error error;
    (void)state;
    const fh_kernel_options wrong[] = {{.state_bytes = -1},
                                       {.state_bytes = 4097},
                                       {.entry = "missing"},
                                       {.kind = "nonsense"},
                                       {.signature = "float128(float64)"},
                                       {.layout = "(n->("}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_not_equal(fh_kernel_load(rig_session, HALF, sizeof HALF - 1, &wrong[i], &kernel, &error),
                             FH_STATUS_OK);
        assert_true(error.text[0] != 0);
        assert_null(kernel);
    }
    fh_fails(fh_kernel_load(rig_session, NULL, 100, NULL, &kernel, &error), FH_STATUS_BAD_BITCODE, error);
    fh_fails(fh_kernel_load(NULL, HALF, sizeof HALF - 1, NULL, &kernel, &error), FH_STATUS_INVALID_ARGUMENT, error);
    fh_fails(fh_kernel_load_file(rig_session, NULL, NULL, &kernel, &error), FH_STATUS_INVALID_ARGUMENT, error);
}

static bool
two_are_left(void *context)
{
    fh_engine_info engines[RIG_ENGINES];
    int n = 0, ready = 0;
    (void)context;
    if (fh_engines(rig_session, engines, RIG_ENGINES, &n, NULL))
        return false;
    for (int i = 0; i < n && i < RIG_ENGINES; i++)
        ready += strcmp(engines[i].state, "ready") == 0;
    return ready == RIG_ENGINES - 1;
}

/* The last of the group. */
static void
kernels_go_on_without_a_lost_engine(void **state)
{
    fh_kernel *kernel = rig_load_text(HALF, NULL);
    fh_kernel_stats stats;
    fh_error error;
    (void)state;
    check_half(kernel);
    rig_kill_engine(0);
    assert_true(check_until(two_are_left, NULL, PATIENCE_S));
    check_half(kernel);
    fh_ok(fh_kernel_stats_get(kernel, &stats, &error), error);
    assert_int_equal(stats.engines, RIG_ENGINES - 1);
    fh_kernel *again = rig_load_text(HALF, NULL);
    check_half(again);
    fh_kernel_free(&kernel);
    fh_kernel_free(&again);
}

/* ---- by name -------------------------------------------------------------------------------------------------------
 */

static void
a_published_kernel_outlives_its_session(void **state)
{
    const fh_kernel_options options = {.entry = "half", .exact = 1};
    fh_session *first = rig_connect(), *second = rig_connect();
    fh_kernel *made = NULL, *got_back = NULL;
    fh_kernel_info before, after;
    fh_kernel_options kept;
    const void *code;
    size_t size;
    fh_array *array = NULL;
    fh_error error;

    (void)state;
    fh_ok(fh_kernel_load(first, HALF, sizeof HALF - 1, &options, &made, &error), error);
    fh_kernel_describe(made, &before);
    fh_ok(fh_kernel_publish(made, "half", &error), error);
    fh_kernel_free(&made);
    fh_close(&first);
    fh_ok(fh_kernel_get(second, "half", &got_back, &error), error);
    fh_kernel_describe(got_back, &after);
    assert_memory_equal(before.hash, after.hash, sizeof after.hash);
    assert_string_equal(after.signature, "float64(float64)");
    fh_kernel_source(got_back, &code, &size, &kept);
    assert_int_equal(size, sizeof HALF - 1);
    assert_memory_equal(code, HALF, size);
    assert_string_equal(kept.entry, "half");
    assert_true(kept.exact && !kept.fastmath);
    fh_fails(fh_get(second, "half", &array, &error), FH_WRONG_TYPE, error);
    fh_kernel_free(&got_back);
    fh_ok(fh_unpublish(second, "half", &error), error);
    fh_fails(fh_kernel_get(second, "half", &got_back, &error), FH_NO_SUCH_NAME, error);
    fh_close(&second);
}

static void
what_is_no_published_kernel_is_refused(void **state)
{
    fh_array *array = scatter(FH_WHOLE);
    fh_kernel *kernel = NULL;
    fh_error error;

    (void)state;
    fh_ok(fh_publish(array, "numbers", &error), error);
    fh_fails(fh_kernel_get(rig_session, "numbers", &kernel, &error), FH_WRONG_TYPE, error);
    fh_ok(fh_unpublish(rig_session, "numbers", &error), error);
    fh_fails(fh_kernel_get(rig_session, "", &kernel, &error), FH_INVALID_ARGUMENT, error);
    fh_fails(fh_kernel_publish(NULL, "x", &error), FH_INVALID_ARGUMENT, error);
    fh_array_free(&array);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_loaded_is_not_sent_again),
        cmocka_unit_test(large_code_is_sent_where_it_is_not_known),
        cmocka_unit_test(many_kernels_are_remembered_and_forgotten),
        cmocka_unit_test(counters_add_up_over_engines),
        cmocka_unit_test(long_calls_are_watched_and_cancelled),
        cmocka_unit_test(a_kernel_that_kills_is_refused_until_forced),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(a_published_kernel_outlives_its_session),
        cmocka_unit_test(what_is_no_published_kernel_is_refused),
        cmocka_unit_test(kernels_go_on_without_a_lost_engine),
    };
    return cmocka_run_group_tests(tests, rig_start, rig_stop);
}
