/* A runner that has been taken over may say anything: each lie ends in an error and a new runner, none hurts the host.
 */
#include "driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char ADD_ONE[] = "define i64 @one(i64 %x) {\n  %y = add i64 %x, 1\n  ret i64 %y\n}\n";
static const char *const LIES[] = {"garbage", "short",  "early", "names",  "twice", "refuses", "inputs", "dtypes",
                                   "kind",    "kernel", "done",  "status", "flood", "closes",  "babbles"};

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

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lies_are_errors_and_the_host_goes_on)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
