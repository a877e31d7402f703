#include "codecs/connection_file.h"
#include "tests/support/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define KEY_A "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
#define KEY_B "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"

static char folder[PATH_MAX];
static err_t err;
static connection_t back;

static int
setup(void **state)
{
    (void)state;
    memset(&back, 0, sizeof back);
    check_folder_make(folder);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    check_folder_remove(folder);
    return 0;
}

static const connection_t sample = {
    .cluster = "lab-1",
    .broker = "tcp://127.0.0.1:4711",
    .broker_public_key = KEY_A,
    .engine_public_key = KEY_B,
    .client_public_key = KEY_A,
    .secret_key = KEY_B,
    .run_folder = "/run/user/1000/farhand/lab 1",
    .broker_pid = 4321,
};

static const char *
file(void)
{
    return check_path(folder, "client.ini");
}

static void
written_connection_is_read_back(void **state)
{
    (void)state;
    struct stat info;
    static const char *const sections[] = {"farhand-client", "farhand-engine", "farhand-broker"};
    for (int i = 0; i < 3; i++) {
        check_ok(connection_write(file(), sections[i], &sample, &err), err);
        check_ok(connection_read(file(), sections[i], &back, &err), err);
        assert_string_equal(back.cluster, sample.cluster);
        assert_string_equal(back.broker, sample.broker);
        assert_string_equal(back.broker_public_key, sample.broker_public_key);
        assert_string_equal(back.engine_public_key, sample.engine_public_key);
        assert_string_equal(back.client_public_key, sample.client_public_key);
        assert_string_equal(back.secret_key, sample.secret_key);
        assert_string_equal(back.run_folder, sample.run_folder);
        assert_int_equal(back.broker_pid, 4321);
    }
    assert_int_equal(stat(file(), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
}

static void
broker_endpoint_may_be_empty_before_it_has_bound(void **state)
{
    (void)state;
    connection_t connection = sample;
    connection.broker[0] = '\0';
    connection.broker_pid = 0;
    check_ok(connection_write(file(), "farhand-broker", &connection, &err), err);
    check_ok(connection_read(file(), "farhand-broker", &back, &err), err);
    assert_string_equal(back.broker, "");
}

static void
wrong_section_is_refused(void **state)
{
    (void)state;
    check_ok(connection_write(file(), "farhand-client", &sample, &err), err);
    check_fails(connection_read(file(), "farhand-engine", &back, &err), FH_INVALID_ARGUMENT, err);
    check_contains(err.text, "farhand-client");
    check_fails(connection_read(file(), "farhand", &back, &err), FH_INVALID_ARGUMENT, err);
    check_fails(connection_write(file(), "other", &sample, &err), FH_INVALID_ARGUMENT, err);
}

static void
missing_and_public_files_are_refused(void **state)
{
    (void)state;
    check_fails(connection_read(file(), "farhand-client", &back, &err), FH_IO_ERROR, err);
    assert_int_equal(err.os_errno, ENOENT);
    check_ok(connection_write(file(), "farhand-client", &sample, &err), err);
    assert_int_equal(chmod(file(), 0640), 0);
    check_fails(connection_read(file(), "farhand-client", &back, &err), FH_PERMISSION, err);
}

/* The sample as text, with one part replaced. */
static void
write_changed(const char *from, const char *to)
{
    char text[4096], changed[8192];
    check_ok(connection_write(file(), "farhand-client", &sample, &err), err);
    FILE *in = fopen(file(), "re");
    assert_non_null(in);
    size_t size = fread(text, 1, sizeof text - 1, in);
    assert_int_equal(fclose(in), 0);
    text[size] = '\0';
    char *at = strstr(text, from);
    assert_non_null(at);
    (void)snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    check_file_make(file(), changed, 0600);
}

static void
errors_name_file_line_and_key(void **state)
{
    (void)state;
    char long_line[600] = "run_folder = /";
    memset(long_line + strlen(long_line), 'x', 300);
    const struct {
        const char *from, *to, *wanted;
    } wrong[] = {
        {"cluster = lab-1", "clustre = lab-1", "line 2: unknown key 'clustre'"},
        {"cluster = lab-1\n", "", "'cluster' is missing"},
        {"cluster = lab-1", "cluster =", "line 2: cluster"},
        {"cluster = lab-1", "cluster = lab-1\ncluster = lab-2", "line 3: key 'cluster' a second time"},
        {"cluster = lab-1", "cluster", "line 2"},
        {"broker_pid = 4321", "broker_pid = 4321x", "broker_pid"},
        {"broker_pid = 4321", "broker_pid = -1", "broker_pid"},
        {"secret_key = " KEY_B, "secret_key = short", "secret_key"},
        {"secret_key = " KEY_B, "secret_key = " KEY_B "x", "secret_key"},
        {"run_folder = /run/user/1000/farhand/lab 1", long_line, "longer than"},
        {"[farhand-client]", "[farhand-client]\nx = 1\n[other]", "unknown key 'x'"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        write_changed(wrong[i].from, wrong[i].to);
        back.broker_pid = 77;
        check_fails(connection_read(file(), "farhand-client", &back, &err), FH_INVALID_ARGUMENT, err);
        check_contains(err.text, wrong[i].wanted);
        check_contains(err.text, file());
        assert_null(strstr(err.text, KEY_B)); /* errors travel and are logged */
        assert_int_equal(back.broker_pid, 77);
    }
}

static void
values_that_would_be_read_otherwise_are_not_written(void **state)
{
    (void)state;
    static const char *const folders[] = {"/a ;b", " /a", "/a ", "/a\nsecret_key = x", ";a", ""};
    connection_t connection = sample;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        (void)snprintf(connection.run_folder, sizeof connection.run_folder, "%s", folders[i]);
        check_fails(connection_write(file(), "farhand-client", &connection, &err), FH_INVALID_ARGUMENT, err);
    }
    memset(connection.run_folder, 'x', sizeof connection.run_folder);
    check_fails(connection_write(file(), "farhand-client", &connection, &err), FH_INVALID_ARGUMENT, err);
    connection = sample;
    connection.engine_public_key[5] = ' ';
    check_fails(connection_write(file(), "farhand-client", &connection, &err), FH_INVALID_ARGUMENT, err);
}

static void
damaged_files_are_errors_and_nothing_worse(void **state)
{
    (void)state;
    uint64_t seed = check_seed();
    char text[4096];
    check_ok(connection_write(file(), "farhand-client", &sample, &err), err);
    FILE *in = fopen(file(), "re");
    assert_non_null(in);
    size_t size = fread(text, 1, sizeof text, in);
    assert_int_equal(fclose(in), 0);
    for (int i = 0; i < 2000; i++) {
        char damaged[4096];
        memcpy(damaged, text, size);
        for (int k = 0; k < 3; k++)
            damaged[check_random(&seed) % size] = (char)check_random(&seed);
        FILE *out = fopen(file(), "we");
        assert_non_null(out);
        assert_int_equal(fwrite(damaged, 1, size, out), size);
        assert_int_equal(fclose(out), 0);
        int status = connection_read(file(), "farhand-client", &back, &err);
        assert_true(status == FH_OK || status == FH_INVALID_ARGUMENT);
    }
}

static void
folder_of_a_cluster_follows_the_environment(void **state)
{
    (void)state;
    char path[256];
    assert_int_equal(setenv("XDG_RUNTIME_DIR", "/run/user/7", 1), 0);
    assert_int_equal(setenv("XDG_STATE_HOME", "/state", 1), 0);
    assert_int_equal(setenv("HOME", "/somewhere", 1), 0);
    check_ok(connection_folder("a.b-c_1", path, sizeof path, &err), err);
    assert_string_equal(path, "/run/user/7/farhand/a.b-c_1");
    assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
    check_ok(connection_folder("default", path, sizeof path, &err), err);
    assert_string_equal(path, "/state/farhand/default");
    assert_int_equal(setenv("XDG_STATE_HOME", "relative", 1), 0);
    check_ok(connection_folder("default", path, sizeof path, &err), err);
    assert_string_equal(path, "/somewhere/.local/state/farhand/default");
    assert_int_equal(unsetenv("HOME"), 0);
    check_fails(connection_folder("default", path, sizeof path, &err), FH_INVALID_ARGUMENT, err);
    assert_int_equal(setenv("HOME", "/somewhere", 1), 0);
    check_fails(connection_folder("default", path, 20, &err), FH_INVALID_ARGUMENT, err);
}

static void
names_that_would_leave_the_folder_are_refused(void **state)
{
    (void)state;
    char path[256], name[66];
    static const char *const wrong[] = {"", "..", ".", "a/b", "../x", "-n", "a b", "a\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        check_fails(connection_folder(wrong[i], path, sizeof path, &err), FH_INVALID_ARGUMENT, err);
    memset(name, 'x', 65);
    name[65] = '\0';
    check_fails(connection_folder(name, path, sizeof path, &err), FH_INVALID_ARGUMENT, err);
}

static void
target_is_a_path_a_name_the_environment_or_default(void **state)
{
    (void)state;
    char path[256];
    assert_int_equal(setenv("XDG_RUNTIME_DIR", "/r", 1), 0);
    assert_int_equal(unsetenv("FARHAND_CONNECTION"), 0);
    check_ok(connection_find(NULL, path, sizeof path, &err), err);
    assert_string_equal(path, "/r/farhand/default/client.ini");
    assert_int_equal(setenv("FARHAND_CONNECTION", "/x/own", 1), 0);
    check_ok(connection_find(NULL, path, sizeof path, &err), err);
    assert_string_equal(path, "/x/own");
    check_ok(connection_find("lab", path, sizeof path, &err), err);
    assert_string_equal(path, "/r/farhand/lab/client.ini");
    check_ok(connection_find("here.ini", path, sizeof path, &err), err);
    assert_string_equal(path, "here.ini");
    check_ok(connection_find("./lab", path, sizeof path, &err), err);
    assert_string_equal(path, "./lab");
    check_fails(connection_find("lab", path, 12, &err), FH_INVALID_ARGUMENT, err);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(written_connection_is_read_back),
        TEST(broker_endpoint_may_be_empty_before_it_has_bound),
        TEST(wrong_section_is_refused),
        TEST(missing_and_public_files_are_refused),
        TEST(errors_name_file_line_and_key),
        TEST(values_that_would_be_read_otherwise_are_not_written),
        TEST(damaged_files_are_errors_and_nothing_worse),
        TEST(folder_of_a_cluster_follows_the_environment),
        TEST(names_that_would_leave_the_folder_are_refused),
        TEST(target_is_a_path_a_name_the_environment_or_default),
    };
    return cmocka_run_group_tests_name("codecs/connection_file", tests, NULL, NULL);
}
