#include "base/log.h"
#include "tests/support/check.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[PATH_MAX];
static char logged[1 << 20];
static int saved_stderr;

static void
begin(const char *level)
{
    check_folder_make(folder);
    int fd = open(check_path(folder, "log"), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    saved_stderr = dup(STDERR_FILENO);
    assert_true(dup2(fd, STDERR_FILENO) >= 0);
    close(fd);
    assert_int_equal(setenv("FARHAND_LOG", level, 1), 0);
    log_start("log-test");
}

/* What was logged since begin, in logged. */
static void
end(void)
{
    FILE *file = fopen(check_path(folder, "log"), "re");
    assert_true(dup2(saved_stderr, STDERR_FILENO) >= 0);
    close(saved_stderr);
    assert_non_null(file);
    size_t length = fread(logged, 1, sizeof logged - 1, file);
    logged[length] = '\0';
    assert_int_equal(fclose(file), 0);
    check_folder_remove(folder);
}

static int
count_lines(const char *part)
{
    int lines = 0;
    for (const char *at = logged; (at = strstr(at, part)) != NULL; at += strlen(part))
        lines++;
    return lines;
}

static void
line_has_time_level_program_id_and_text(void **state)
{
    (void)state;
    int year, month, day, hour, minute, second, pid, taken = 0;
    begin("info");
    log_line(LOG_WARNING, "TST-ONE", "engine=%d text", 5);
    end();
    assert_int_equal(sscanf(logged, "%4d-%2d-%2dT%2d:%2d:%2d.%*3dZ warning log-test[%d] TST-ONE engine=5 text\n%n",
                            &year, &month, &day, &hour, &minute, &second, &pid, &taken),
                     7);
    assert_int_equal(taken, strlen(logged));
    assert_int_equal(pid, getpid());
}

static void
level_says_what_is_written(void **state)
{
    (void)state;
    begin("error");
    log_line(LOG_ERROR, "TST", "one");
    log_line(LOG_WARNING, "TST", "two");
    log_limited(LOG_INFO, "TST", "three");
    end();
    assert_int_equal(count_lines("\n"), 1);
    begin("debug");
    log_line(LOG_DEBUG, "TST", "four");
    end();
    check_contains(logged, "four");
}

static void
control_characters_of_peers_stay_on_the_line(void **state)
{
    (void)state;
    begin("info");
    log_line(LOG_INFO, "TST", "name=%s", "a\nb\033[2Jc");
    end();
    check_contains(logged, "name=a?b?[2Jc\n");
    assert_int_equal(count_lines("\n"), 1);
}

static void
long_line_is_cut_and_ends(void **state)
{
    (void)state;
    static char text[5000];
    memset(text, 'x', sizeof text - 1);
    begin("info");
    log_line(LOG_INFO, "TST", "%s", text);
    end();
    size_t length = strlen(logged);
    assert_in_range(length, 2000, 2048);
    assert_int_equal(logged[length - 1], '\n');
}

static void
flood_of_one_id_is_held_back_and_others_are_not(void **state)
{
    (void)state;
    begin("info");
    for (int i = 0; i < 1000; i++)
        log_limited(LOG_INFO, "TST-FLOOD", "i=%d", i);
    log_limited(LOG_INFO, "TST-OTHER", "calm");
    end();
    assert_in_range(count_lines("TST-FLOOD"), 10, 30); /* 30: the loop may see a new second begin */
    assert_int_equal(count_lines("TST-OTHER"), 1);
}

enum { THREADS = 4, LINES = 300 };

static void *
write_lines(void *context)
{
    for (int i = 0; i < LINES; i++)
        log_line(LOG_INFO, "TST", "thread=%s", (const char *)context);
    return NULL;
}

static void
lines_of_many_threads_do_not_mix(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    static char names[THREADS][2] = {"a", "b", "c", "d"};
    begin("info");
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, names[i]), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    end();
    assert_int_equal(count_lines("\n"), THREADS * LINES);
    assert_int_equal(count_lines("thread=a\n") + count_lines("thread=b\n") + count_lines("thread=c\n") +
                         count_lines("thread=d\n"),
                     THREADS * LINES);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_has_time_level_program_id_and_text),
        cmocka_unit_test(level_says_what_is_written),
        cmocka_unit_test(control_characters_of_peers_stay_on_the_line),
        cmocka_unit_test(long_line_is_cut_and_ends),
        cmocka_unit_test(flood_of_one_id_is_held_back_and_others_are_not),
        cmocka_unit_test(lines_of_many_threads_do_not_mix),
    };
    return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
