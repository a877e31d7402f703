#include "base/options.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    bool quiet;
    int64_t threads, memory;
    double patience;
    char name[OPTION_TEXT_MAX];
} settings_t;

static const option_t rows[] = {
    {"quiet", 'q', OPTION_BOOL, "no", 0, 0, offsetof(settings_t, quiet), NULL, "Say less."},
    {"threads", 't', OPTION_INT, "2", 1, 64, offsetof(settings_t, threads), "N", "Threads."},
    {"memory-limit", 0, OPTION_BYTES, "1G", 0, 1e15, offsetof(settings_t, memory), "BYTES", "Memory."},
    {"patience", 0, OPTION_SECONDS, "1.5", 0, 60, offsetof(settings_t, patience), "S", "Seconds to wait."},
    {"name", 'n', OPTION_TEXT, "default", 0, 0, offsetof(settings_t, name), "NAME", "A name."},
};
static const option_table_t table = {"farhand-demo", "[OPTIONS]", "Shows options.", rows, 5, NULL};

static char folder[PATH_MAX];
static settings_t settings;
static option_origin_t origins[5];
static char printed[8192];
static int first;
static bool leave;
static err_t err;

static int
setup(void **state)
{
    (void)state;
    check_folder_make(folder);
    static const char *const variables[] = {"QUIET", "THREADS", "MEMORY_LIMIT", "PATIENCE", "NAME", "CONFIG"};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "FARHAND_%s", variables[i]);
        assert_int_equal(unsetenv(name), 0);
    }
    assert_int_equal(setenv("XDG_CONFIG_HOME", folder, 1), 0);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    check_folder_remove(folder);
    return 0;
}

/* Read with these arguments (NULL ends them); what it shows goes to printed. */
static int
read_with(const char *argument, ...)
{
    char *argv[16] = {(char[]){"farhand-demo"}};
    int argc = 1;
    va_list more;
    va_start(more, argument);
    for (const char *next = argument; next; next = va_arg(more, const char *))
        argv[argc++] = strdup(next);
    va_end(more);
    memset(&settings, 0, sizeof settings);
    FILE *out = fmemopen(printed, sizeof printed, "w");
    assert_non_null(out);
    int status = options_read(&table, argc, argv, &settings, origins, &first, &leave, out, &err);
    assert_int_equal(fclose(out), 0);
    for (int i = 1; i < argc; i++)
        free(argv[i]);
    return status;
}

static void
write_config(const char *text)
{
    check_file_make(check_path(folder, "own.ini"), text, 0644);
    assert_int_equal(setenv("FARHAND_CONFIG", check_path(folder, "own.ini"), 1), 0);
}

static void
defaults_hold_when_nothing_is_said(void **state)
{
    (void)state;
    check_ok(read_with(NULL), err);
    assert_false(settings.quiet);
    assert_int_equal(settings.threads, 2);
    assert_int_equal(settings.memory, 1 << 30);
    assert_true(settings.patience == 1.5);
    assert_string_equal(settings.name, "default");
    assert_int_equal(first, 1);
    assert_false(leave);
    for (int i = 0; i < 5; i++)
        assert_int_equal(origins[i], OPTION_FROM_DEFAULT);
}

static void
flag_beats_environment_beats_file_beats_default(void **state)
{
    (void)state;
    write_config(
        "[broker]\nthreads = nonsense of another program\n[demo]\nthreads = 3\nname = from file\npatience = 3\n");
    assert_int_equal(setenv("FARHAND_THREADS", "4", 1), 0);
    assert_int_equal(setenv("FARHAND_NAME", "from environment", 1), 0);
    check_ok(read_with("--threads", "5", NULL), err);
    assert_int_equal(settings.threads, 5);
    assert_int_equal(origins[1], OPTION_FROM_FLAG);
    assert_string_equal(settings.name, "from environment");
    assert_int_equal(origins[4], OPTION_FROM_ENVIRONMENT);
    assert_true(settings.patience == 3);
    assert_int_equal(origins[3], OPTION_FROM_FILE);
    assert_int_equal(origins[2], OPTION_FROM_DEFAULT);
}

static void
flags_are_taken_in_every_spelling(void **state)
{
    (void)state;
    check_ok(read_with("--threads=7", "-q", "-nshort", "--memory-limit", "3M", "rest", "--threads", "9", NULL), err);
    assert_int_equal(settings.threads, 7);
    assert_true(settings.quiet);
    assert_string_equal(settings.name, "short");
    assert_int_equal(settings.memory, 3 << 20);
    assert_int_equal(first, 6); /* after the first argument that is no flag, flags belong to somebody else */
    check_ok(read_with("-q", "--no-quiet", "--", "-t", NULL), err);
    assert_false(settings.quiet);
    assert_int_equal(first, 4);
    check_ok(read_with("--quiet=off", "-", NULL), err);
    assert_false(settings.quiet);
    assert_int_equal(first, 2);
}

static void
value_out_of_bounds_or_of_the_wrong_kind_names_its_flag(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"--threads", "0"},
        {"--threads", "65"},
        {"--threads", "3x"},
        {"--threads", ""},
        {"--threads", " 3"},
        {"--threads", "3K"},
        {"--threads", "99999999999999999999"},
        {"--memory-limit", "-1"},
        {"--memory-limit", "8Q"},
        {"--memory-limit", "9999999T"},
        {"--memory-limit", "3MB"},
        {"--patience", "nan"},
        {"--patience", "inf"},
        {"--patience", "61"},
        {"--patience", "1s"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        check_fails(read_with(wrong[i][0], wrong[i][1], NULL), FH_INVALID_ARGUMENT, err);
        check_contains(err.text, wrong[i][0]);
    }
    check_fails(read_with("--quiet=perhaps", NULL), FH_INVALID_ARGUMENT, err);
    char text[OPTION_TEXT_MAX + 1];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    check_fails(read_with("--name", text, NULL), FH_INVALID_ARGUMENT, err);
    text[sizeof text - 2] = '\0';
    check_ok(read_with("--name", text, NULL), err);
    assert_string_equal(settings.name, text);
}

static void
bounds_themselves_are_allowed(void **state)
{
    (void)state;
    check_ok(read_with("--threads", "1", "--patience", "0", NULL), err);
    check_ok(read_with("--threads", "64", "--patience", "60", NULL), err);
    check_ok(read_with("--memory-limit", "2t", NULL), err);
    assert_true(settings.memory == INT64_C(2) << 40);
}

static void
unknown_flag_and_missing_value_are_named(void **state)
{
    (void)state;
    check_fails(read_with("--thread", "3", NULL), FH_INVALID_ARGUMENT, err);
    check_contains(err.text, "--thread");
    check_fails(read_with("-x", NULL), FH_INVALID_ARGUMENT, err);
    check_fails(read_with("--no-threads", NULL), FH_INVALID_ARGUMENT, err);
    check_fails(read_with("--threads", NULL), FH_INVALID_ARGUMENT, err);
    check_contains(err.text, "needs a value");
}

static void
error_of_the_environment_names_the_variable(void **state)
{
    (void)state;
    assert_int_equal(setenv("FARHAND_MEMORY_LIMIT", "much", 1), 0);
    check_fails(read_with(NULL), FH_INVALID_ARGUMENT, err);
    check_contains(err.text, "FARHAND_MEMORY_LIMIT");
    check_contains(err.text, "much");
    check_fails(read_with("--memory-limit", "1K", NULL), FH_INVALID_ARGUMENT,
                err); /* overruled, but wrong all the same */
}

static void
error_of_the_file_names_file_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *where;
    } wrong[] = {
        {"[demo]\n\nthreads = 99\n", "own.ini:3"},
        {"[demo]\nquiet = no\nthread = 3\nthreads = 99\n", "own.ini:3"},
        {"[demo\nthreads = 3\n", "own.ini:1"},
        {"[demo]\nthreads\n", "own.ini:2"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        write_config(wrong[i].text);
        check_fails(read_with(NULL), FH_INVALID_ARGUMENT, err);
        check_contains(err.text, wrong[i].where);
    }
    char text[400] = "[demo]\nname = ";
    memset(text + strlen(text), 'x', 300);
    write_config(text);
    check_fails(read_with(NULL), FH_INVALID_ARGUMENT, err);
    check_contains(err.text, "own.ini:2");
}

static void
named_file_must_be_there_and_others_need_not(void **state)
{
    (void)state;
    check_ok(read_with(NULL), err);
    assert_int_equal(setenv("FARHAND_CONFIG", check_path(folder, "none.ini"), 1), 0);
    check_fails(read_with(NULL), FH_INVALID_ARGUMENT, err);
    check_contains(err.text, "none.ini");
    assert_int_equal(unsetenv("FARHAND_CONFIG"), 0);
    assert_int_equal(setenv("HOME", folder, 1), 0);
    assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
    assert_int_equal(
        system("mkdir -p $HOME/.config/farhand && printf '[demo]\\nthreads = 6\\n' > $HOME/.config/farhand/config.ini"),
        0);
    check_ok(read_with(NULL), err);
    assert_int_equal(settings.threads, 6);
}

static void
help_and_version_print_and_ask_to_leave_whatever_the_file_says(void **state)
{
    (void)state;
    write_config("[demo]\nrubbish = 1\n");
    check_ok(read_with("--help", NULL), err);
    assert_true(leave);
    check_contains(printed, "usage: farhand-demo [OPTIONS]");
    check_contains(printed, "--memory-limit BYTES");
    check_contains(printed, "-t, --threads N");
    check_contains(printed, "(default: 1G)");
    check_ok(read_with("-h", NULL), err);
    assert_true(leave);
    check_ok(read_with("--version", NULL), err);
    assert_true(leave);
    assert_string_equal(printed, "farhand-demo " FARHAND_VERSION "\n");
}

static void
man_page_has_every_row_with_its_marks_escaped(void **state)
{
    (void)state;
    check_ok(read_with("--print-man", NULL), err);
    assert_true(leave);
    check_contains(printed, ".TH FARHAND-DEMO 1");
    for (int i = 0; i < 5; i++)
        check_contains(printed, rows[i].doc);
    check_contains(printed, ".B \\-\\-memory\\-limit \\fIBYTES\\fR\n");
}

static void
print_config_shows_each_value_and_its_origin(void **state)
{
    (void)state;
    write_config("[demo]\nname = from file\n");
    assert_int_equal(setenv("FARHAND_MEMORY_LIMIT", "2K", 1), 0);
    check_ok(read_with("--print-config", "--threads", "3", NULL), err);
    assert_true(leave);
    check_contains(printed, "[demo]\n");
    check_contains(printed, "quiet = no ; default\n");
    check_contains(printed, "threads = 3 ; flag --threads\n");
    check_contains(printed, "memory-limit = 2048 ; environment FARHAND_MEMORY_LIMIT\n");
    check_contains(printed, "name = from file ; ");
    check_contains(printed, "own.ini\n");
    write_config(printed); /* it is itself a configuration file */
    check_ok(read_with(NULL), err);
    assert_int_equal(settings.threads, 3);
    assert_string_equal(settings.name, "from file");
}

static void
flags_come_first_wherever_they_stood(void **state)
{
    (void)state;
    char *argv[] = {(char[]){"demo"},
                    (char[]){"put"},
                    (char[]){"-n"},
                    (char[]){"x"},
                    (char[]){"file"},
                    (char[]){"--threads=3"},
                    (char[]){"-q"},
                    (char[]){"-3.5"},
                    (char[]){"--"},
                    (char[]){"-q"},
                    NULL};
    static const char *const wanted[] = {"demo", "-n", "x", "--threads=3", "-q", "put", "file", "-3.5", "--", "-q"};
    options_flags_first(&table, 10, argv);
    for (int i = 0; i < 10; i++)
        assert_string_equal(argv[i], wanted[i]);
    assert_null(argv[10]);
}

static void
programs_start_only_with_what_they_need(void **state)
{
    static const struct {
        const char *arguments[4];
        bool goes_on;
        int status;
    } CASES[] = {
        {{"farhand-demo", "--name", "x"}, true, 0}, {{"farhand-demo", "--name", ""}, false, 2},
        {{"farhand-demo", "x"}, false, 2},          {{"farhand-demo", "--threads", "0"}, false, 2},
        {{"farhand-demo", "--version"}, false, 0},
    };
    option_table_t demanding = table;

    (void)state;
    demanding.required = "name";
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char *argv[5] = {0};
        int argc = 0, status = -1;

        for (; argc < 4 && CASES[i].arguments[argc]; argc++)
            argv[argc] = (char *)(uintptr_t)CASES[i].arguments[argc];
        assert_int_equal(options_start(&demanding, argc, argv, &settings, &status), CASES[i].goes_on);
        assert_int_equal(status, CASES[i].status);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(defaults_hold_when_nothing_is_said),
        TEST(flag_beats_environment_beats_file_beats_default),
        TEST(flags_are_taken_in_every_spelling),
        TEST(flags_come_first_wherever_they_stood),
        TEST(value_out_of_bounds_or_of_the_wrong_kind_names_its_flag),
        TEST(bounds_themselves_are_allowed),
        TEST(unknown_flag_and_missing_value_are_named),
        TEST(error_of_the_environment_names_the_variable),
        TEST(error_of_the_file_names_file_and_line),
        TEST(named_file_must_be_there_and_others_need_not),
        TEST(help_and_version_print_and_ask_to_leave_whatever_the_file_says),
        TEST(man_page_has_every_row_with_its_marks_escaped),
        TEST(print_config_shows_each_value_and_its_origin),
        TEST(programs_start_only_with_what_they_need),
    };
    return cmocka_run_group_tests_name("base/options", tests, NULL, NULL);
}
