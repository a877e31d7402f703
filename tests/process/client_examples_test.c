/* The examples in C run and print what they should. */
#include "tests/process/cluster.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static cluster_t cluster;

static int
start(void **state)
{
    (void)state;
    cluster_start(&cluster, 2);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    cluster_stop(&cluster);
    return 0;
}

/* Run an example until it ends; ret_last is its last line. */
static void
run(const char *program, char *ret_last, size_t size)
{
    const char *argv[] = {program, cluster.client_file, NULL};
    char line[512];
    proc_t process;
    int status = -1;
    ret_last[0] = 0;
    proc_start(&process, argv);
    while (proc_line(&process, line, sizeof line, 30))
        snprintf(ret_last, size, "%s", line);
    assert_true(proc_wait(&process, &status, 30));
    proc_end(&process);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
hello_prints_the_sum(void **state)
{
    char last[512];
    (void)state;
    run(FH_EXAMPLES_DIR "/hello", last, sizeof last);
    assert_string_equal(last, "0 + 1 + ... + 999 = 499500");
}

static void
scatter_gather_moves_rows_between_engines_only(void **state)
{
    char last[512];
    (void)state;
    run(FH_EXAMPLES_DIR "/scatter_gather", last, sizeof last);
    check_contains(last, "200 steps; ");
    check_contains(last, "32768 came back here"); /* the plate, once */
}

static void
a_kernel_finds_pi(void **state)
{
    char last[512];
    (void)state;
    run(FH_EXAMPLES_DIR "/circle", last, sizeof last);
    assert_string_equal(last, "pi is about 3.1416");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_prints_the_sum),
        cmocka_unit_test(scatter_gather_moves_rows_between_engines_only),
        cmocka_unit_test(a_kernel_finds_pi),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
