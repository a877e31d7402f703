/* A runner that has been taken over may say anything: each lie ends in an error and a new runner, none hurts the host.
 */
#include "driver.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char ADD_ONE[] = "define i64 @one(i64 %x) {\n  %y = add i64 %x, 1\n  ret i64 %y\n}\n";
static const char *const LIES[] = {"garbage", "short",  "early", "names",  "twice", "refuses", "inputs",  "dtypes",
                                   "kind",    "kernel", "done",  "status", "flood", "closes",  "babbles", "code"};

static void
lies_are_errors_and_the_host_goes_on(void **state)
{
    (void)state;
    char folder[] = "/tmp/farhand-liar-XXXXXX", path[128];
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < sizeof LIES / sizeof *LIES; i++) {
        snprintf(path, sizeof path, "%s/liar-%s", folder, LIES[i]);
        assert_int_equal(symlink(FH_LIAR_PROGRAM, path), 0);
        runner_host_options_t options = {.program = path};
        runner_host_t *host = NULL;
        assert_int_equal(runner_host_new(&host, &options, NULL), FH_OK);
        for (int turn = 0; turn < 2; turn++) {
            driver_compiled_t kernel;
            int64_t began = clock_now_ns();
            int status = driver_compile_text(host, oid_new(), ADD_ONE, "", &kernel);
            if (status == FH_OK || status == FH_CANCELLED || clock_now_ns() - began > 5000000000)
                fail_msg("%s: %s after %.1f s", LIES[i], status_name(status), (double)(clock_now_ns() - began) / 1e9);
            assert_true(memchr(kernel.err.text, '\0', sizeof kernel.err.text) && strlen(kernel.err.text) > 10);
            assert_null(strstr(kernel.err.text, "exit status 9")); /* it did not know its lie */
            assert_true(memchr(runner_host_llvm(host), '\0', 32) != NULL);
        }
        runner_host_destroy(&host);
        unlink(path);
    }
    rmdir(folder);
}

static runner_host_t *
host_of(const char *folder, const char *lie, const char *kernels)
{
    char path[128];
    snprintf(path, sizeof path, "%s/liar-%s", folder, lie);
    assert_int_equal(symlink(FH_LIAR_PROGRAM, path), 0);
    runner_host_options_t options = {.program = path, .cache_folder = kernels, .start_spare = true};
    runner_host_t *host = NULL;
    assert_int_equal(runner_host_new(&host, &options, NULL), FH_OK);
    driver_wait_spare(host);
    return host;
}

static double
processor_seconds(void)
{
    struct timespec used;
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used), 0);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static void
shared_page_that_lies_keeps_nobody_awake(void **state)
{
    (void)state;
    char folder[PATH_MAX];
    check_folder_make(folder);
    runner_host_t *host = host_of(folder, "restless", NULL);
    oid_t session = oid_new();
    driver_compiled_t kernel;
    driver_done_t done;
    assert_int_equal(driver_compile_text(host, session, ADD_ONE, "", &kernel), FH_OK);
    int64_t in = 1, out = 2;
    runner_array_t operands[2] = {{.fd = -1}, {.fd = -1}};
    nd_init(&operands[0].nd, (char *)&in, DTYPE_INT64, &(shape_t){.ndim = 0});
    nd_init(&operands[1].nd, (char *)&out, DTYPE_INT64, &(shape_t){.ndim = 0});
    runner_call_t call = {
        .operands = operands, .nin = 1, .nout = 1, .axis = -1, .piece = -1, .deadline_ns = clock_deadline(0.5)};
    double began = processor_seconds();
    assert_int_equal(driver_start_with(host, session, kernel.kernel, &call, &done), FH_OK);
    driver_wait(host, &done.finished);
    assert_int_equal(done.status, FH_KERNEL_TIMEOUT);
    assert_int_equal(out, 2);
    assert_true(processor_seconds() - began < 0.25);
    runner_host_destroy(&host);
    check_folder_remove(folder);
}

static void
code_that_kills_while_it_is_linked_is_compiled_anew(void **state)
{
    (void)state;
    char folder[PATH_MAX];
    check_folder_make(folder);
    runner_host_t *host = host_of(folder, "loads", check_path(folder, "kernels"));
    for (int turn = 0; turn < 5; turn++) { /* the first compiles; others find what it left, and die of it */
        driver_compiled_t kernel;
        if (driver_compile_text(host, oid_new(), ADD_ONE, "", &kernel))
            fail_msg("turn %d: %s", turn, kernel.err.text);
        assert_false(kernel.info.cached);
    }
    runner_host_destroy(&host);
    check_folder_remove(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lies_are_errors_and_the_host_goes_on),
        cmocka_unit_test(shared_page_that_lies_keeps_nobody_awake),
        cmocka_unit_test(code_that_kills_while_it_is_linked_is_compiled_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
