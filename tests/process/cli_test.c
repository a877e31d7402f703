/* The command `farhand` as its users run it: a cluster comes up, is looked at, loses its broker, goes down. */
#include "proxy/cli/run_folder.h"
#include "tests/support/check.h"
#include "tests/support/proc.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_S 60.0

static char folder[PATH_MAX];  /* of the test; $XDG_RUNTIME_DIR */
static char cluster[PATH_MAX]; /* the run folder of the cluster "default" */
static char output[65536];     /* of the last command, both streams */

/* Run `farhand ARGUMENTS` in a shell; returns its exit code. */
static int
farhand(const char *arguments)
{
    char command[1024], line[8192];
    size_t size = 0;
    int status;
    proc_t proc;
    (void)snprintf(command, sizeof command, "exec 2>&1; %s/farhand %s", FH_BIN_DIR, arguments);
    proc_start(&proc, (const char *const[]){"sh", "-c", command, NULL});
    output[0] = '\0';
    while (proc_line(&proc, line, sizeof line, PATIENCE_S) && size < sizeof output)
        size += (size_t)snprintf(output + size, sizeof output - size, "%s\n", line);
    assert_true(proc_wait(&proc, &status, PATIENCE_S));
    proc_end(&proc);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#define expect(arguments, code)                                                                                        \
    do {                                                                                                               \
        if (farhand(arguments) != (code)) {                                                                            \
            print_error("farhand %s said: %s", arguments, output);                                                     \
            fail();                                                                                                    \
        }                                                                                                              \
    } while (0)

static int
setup(void **state)
{
    (void)state;
    check_folder_make(folder);
    assert_int_equal(setenv("XDG_RUNTIME_DIR", folder, 1), 0);
    assert_int_equal(setenv("XDG_CONFIG_HOME", folder, 1), 0);
    assert_int_equal(unsetenv("FARHAND_CONNECTION"), 0);
    assert_int_equal(unsetenv("FARHAND_CONFIG"), 0);
    (void)snprintf(cluster, sizeof cluster, "%.200s/farhand/default", folder);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    (void)farhand("down");
    check_folder_remove(folder);
    return 0;
}

static void
kill_process(const char *name)
{
    process_t process;
    assert_true(process_find(cluster, name, &process));
    assert_int_equal(kill(process.pid, SIGKILL), 0);
    (void)process_stop(&process, 1, PATIENCE_S);
    process_close(&process);
}

static int
count_in_output(const char *part)
{
    int count = 0;
    for (const char *at = output; (at = strstr(at, part)) != NULL; at += strlen(part))
        count++;
    return count;
}

static void
cluster_comes_up_and_goes_down_leaving_nothing(void **state)
{
    (void)state;
    struct stat info;
    process_t process;
    expect("up -n 2 --threads 1", 0);
    check_contains(output, "cluster default is up: 2 engines");
    assert_int_equal(stat(cluster, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    assert_int_equal(stat(check_path(cluster, "client.ini"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    expect("status", 0);
    check_contains(output, "2 engines");
    expect("engines --json", 0);
    assert_int_equal(count_in_output("\"number\":"), 2);
    expect("logs", 0);
    expect("logs 1 -n 5", 0);
    assert_true(process_find(cluster, "engine-1", &process));
    expect("down", 0);
    assert_int_equal(process_stop(&process, 1, 0), 0); /* it had ended already */
    process_close(&process);
    assert_int_equal(lstat(cluster, &info), -1);
    expect("down", 0);
    expect("status", 1);
    check_contains(output, "farhand up");
}

static void
second_up_is_told_that_the_cluster_runs(void **state)
{
    (void)state;
    expect("up -n 1", 0);
    expect("up -n 1", 1);
    check_contains(output, "ALREADY_RUNNING");
    expect("up -n 1 --name other", 0);
    expect("status --name other --json", 0);
    check_contains(output, "\"cluster\": \"other\"");
    expect("down --name other", 0);
    expect("status", 0);
}

static void
broker_that_died_is_started_again_with_the_same_keys_and_port(void **state)
{
    (void)state;
    char before[4096], after[4096];
    size_t size;
    expect("up -n 2", 0);
    FILE *file = fopen(check_path(cluster, "client.ini"), "re");
    assert_non_null(file);
    size = fread(before, 1, sizeof before - 1, file);
    before[size] = '\0';
    assert_int_equal(fclose(file), 0);
    *strstr(before, "broker_pid") = '\0';
    kill_process("broker");
    kill_process("engine-1");
    expect("status", 1);
    expect("up -n 2", 0);
    file = fopen(check_path(cluster, "client.ini"), "re");
    assert_non_null(file);
    size = fread(after, 1, sizeof after - 1, file);
    after[size] = '\0';
    assert_int_equal(fclose(file), 0);
    *strstr(after, "broker_pid") = '\0';
    assert_string_equal(after, before);
    expect("engines --json", 0);
    assert_true(count_in_output("\"number\":") >= 2);
}

static void
write_npy(const char *path, const char *dict, const void *data, size_t size)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    unsigned char head[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)strlen(dict), 0};
    assert_int_equal(fwrite(head, 1, sizeof head, file), sizeof head);
    assert_int_equal(fwrite(dict, 1, strlen(dict), file), strlen(dict));
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static bool
one_engine_is_lost(void *context)
{
    (void)context;
    return farhand("status") == 0 && strstr(output, "1 engine is lost");
}

static void
arrays_of_a_lost_engine_are_said_to_be_lost(void **state)
{
    (void)state;
    const unsigned char bytes[4] = {1, 2, 3, 4};
    char command[3 * PATH_MAX];
    expect("up -n 2", 0);
    write_npy(check_path(folder, "in.npy"), "{'descr': '|u1', 'fortran_order': False, 'shape': (4,), }\n", bytes,
              sizeof bytes);
    (void)snprintf(command, sizeof command, "put gone %s", check_path(folder, "in.npy"));
    expect(command, 0);
    kill_process("engine-1");
    assert_true(check_until(one_engine_is_lost, NULL, PATIENCE_S));
    check_contains(output, "is up: 1 engine, ");
    (void)snprintf(command, sizeof command, "get gone %s", check_path(folder, "out.npy"));
    expect(command, 1);
    check_contains(output, "ENGINE_LOST");
}

static void
query_may_come_from_standard_input(void **state)
{
    (void)state;
    char command[PATH_MAX + 64];
    expect("up -n 1", 0);
    check_file_make(check_path(folder, "query"), "SELECT 1 AS one,\n 'x' AS two\n", 0600);
    (void)snprintf(command, sizeof command, "objects --json --sql - < %s", check_path(folder, "query"));
    expect(command, 0);
    assert_string_equal(output, "[[\"one\", \"two\"],\n [1, \"x\"]]\n");
    expect("objects --sql 'DELETE FROM objects'", 1);
}

static void
arrays_go_in_and_come_out_unchanged(void **state)
{
    (void)state;
    double numbers[12], back[12];
    char command[3 * PATH_MAX];
    for (int i = 0; i < 12; i++)
        numbers[i] = i * 1.25;
    expect("up -n 2", 0);
    write_npy(check_path(folder, "in.npy"), "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }\n", numbers,
              sizeof numbers);
    (void)snprintf(command, sizeof command, "put field %s --axis 1", check_path(folder, "in.npy"));
    expect(command, 0);
    check_contains(output, "field: float64 array of shape (3, 4)");
    expect("names", 0);
    assert_string_equal(output, "field\n");
    expect("objects --json", 0);
    assert_int_equal(count_in_output("\"dtype\": \"float64\""), 2);
    expect("objects --sql 'SELECT count(*) AS n FROM objects'", 0);
    assert_string_equal(output, "n\n2\n");
    expect("call field describe", 0);
    expect("call engine:0 methods", 0);
    (void)snprintf(command, sizeof command, "get field %s", check_path(folder, "out.npy"));
    expect(command, 0);
    FILE *file = fopen(check_path(folder, "out.npy"), "re");
    assert_non_null(file);
    assert_int_equal(fseek(file, -(long)sizeof back, SEEK_END), 0);
    assert_int_equal(fread(back, 1, sizeof back, file), sizeof back);
    assert_int_equal(fclose(file), 0);
    assert_memory_equal(back, numbers, sizeof back);
    (void)snprintf(command, sizeof command, "get nothing %s", check_path(folder, "none.npy"));
    expect(command, 1);
    check_contains(output, "NO_SUCH_NAME");
    assert_int_equal(access(check_path(folder, "none.npy"), F_OK), -1);
}

static void
fortran_order_and_swapped_bytes_go_in(void **state)
{
    (void)state;
    /* [[1, 2, 3], [4, 5, 6]], big-endian, columns first */
    const unsigned char bytes[] = {0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6};
    const int16_t wanted[] = {1, 2, 3, 4, 5, 6};
    int16_t back[6];
    char command[3 * PATH_MAX];
    expect("up -n 2", 0);
    write_npy(check_path(folder, "in.npy"), "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }\n", bytes,
              sizeof bytes);
    (void)snprintf(command, sizeof command, "put odd %s", check_path(folder, "in.npy"));
    expect(command, 0);
    (void)snprintf(command, sizeof command, "get odd %s", check_path(folder, "out.npy"));
    expect(command, 0);
    FILE *file = fopen(check_path(folder, "out.npy"), "re");
    assert_non_null(file);
    assert_int_equal(fseek(file, -(long)sizeof back, SEEK_END), 0);
    assert_int_equal(fread(back, 1, sizeof back, file), sizeof back);
    assert_int_equal(fclose(file), 0);
    assert_memory_equal(back, wanted, sizeof back);
}

static void
kernel_in_textual_ir_is_checked_and_run(void **state)
{
    (void)state;
    double numbers[4] = {1, 2, 3, 4};
    char command[4 * PATH_MAX];
    expect("up -n 2", 0);
    check_file_make(
        check_path(folder, "axpy.ll"),
        "define double @axpy(double %a, double %x) {\n  %m = fmul double %a, %x\n  %s = fadd double %m, 1.0\n"
        "  ret double %s\n}\n",
        0600);
    (void)snprintf(command, sizeof command, "kernel check %s", check_path(folder, "axpy.ll"));
    expect(command, 0);
    check_contains(output, "axpy");
    check_contains(output, "ufunc");
    write_npy(check_path(folder, "in.npy"), "{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }\n", numbers,
              sizeof numbers);
    (void)snprintf(command, sizeof command, "put x %s", check_path(folder, "in.npy"));
    expect(command, 0);
    (void)snprintf(command, sizeof command, "kernel run %s -2.0 x --out y", check_path(folder, "axpy.ll"));
    expect(command, 0);
    (void)snprintf(command, sizeof command, "get y %s", check_path(folder, "out.npy"));
    expect(command, 0);
    FILE *file = fopen(check_path(folder, "out.npy"), "re");
    assert_non_null(file);
    assert_int_equal(fseek(file, -(long)sizeof numbers, SEEK_END), 0);
    assert_int_equal(fread(numbers, 1, sizeof numbers, file), sizeof numbers);
    assert_int_equal(fclose(file), 0);
    for (int i = 0; i < 4; i++)
        assert_true(numbers[i] == -2.0 * (i + 1) + 1);
    (void)snprintf(command, sizeof command, "kernel run %s 0.5 %s", check_path(folder, "axpy.ll"),
                   check_path(folder, "in.npy"));
    expect(command, 0);
    check_contains(output, "float64 array of shape (4,)");
    check_contains(output, "1.5 2 2.5 3");
    (void)snprintf(command, sizeof command, "kernel run %s 2 x -o %s", check_path(folder, "axpy.ll"),
                   check_path(folder, "out.npy"));
    expect(command, 0);
    check_contains(output, "out.npy: float64 array of shape (4,)");
    (void)snprintf(command, sizeof command, "kernel run %s x --halo some", check_path(folder, "axpy.ll"));
    expect(command, 2);
    (void)snprintf(command, sizeof command, "kernel run %s 2 nobody", check_path(folder, "axpy.ll"));
    expect(command, 1);
    expect("kernel ls", 0);
    check_contains(output, "signature");
    expect("kernel ls --json", 0);
    check_contains(output, "[");
}

static void
wrong_usage_is_exit_code_two(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "nonsense",
        "put",
        "put a",
        "put a b c",
        "up -n 0",
        "up -n 1000",
        "up --threads x",
        "up extra",
        "status --colour",
        "logs nobody",
        "kernel",
        "kernel burn f.bc",
        "kernel check",
        "kernel run f.bc",
        "kernel ls f.bc",
        "objects --limit 0",
        "--generate tea",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        expect(wrong[i], 2);
    expect("up --name ../x", 1);
    expect("put a /nowhere.npy", 1);
}

static void
every_command_has_help(void **state)
{
    (void)state;
    static const char *const names[] = {
#define COMMAND(name) #name,
#include "proxy/cli/commands.def"
#undef COMMAND
    };
    expect("--help", 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char command[64], usage[64];
        check_contains(output, names[i]);
        (void)snprintf(command, sizeof command, "%s --help", names[i]);
        (void)snprintf(usage, sizeof usage, "usage: farhand %s", names[i]);
        expect(command, 0);
        check_contains(output, usage);
        expect("--help", 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(wrong_usage_is_exit_code_two),
        TEST(every_command_has_help),
        TEST(cluster_comes_up_and_goes_down_leaving_nothing),
        TEST(second_up_is_told_that_the_cluster_runs),
        TEST(broker_that_died_is_started_again_with_the_same_keys_and_port),
        TEST(arrays_of_a_lost_engine_are_said_to_be_lost),
        TEST(query_may_come_from_standard_input),
        TEST(arrays_go_in_and_come_out_unchanged),
        TEST(fortran_order_and_swapped_bytes_go_in),
        TEST(kernel_in_textual_ir_is_checked_and_run),
    };
    return cmocka_run_group_tests_name("process/cli", tests, NULL, NULL);
}
