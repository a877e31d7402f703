/* engine/huge_pages: files whose memory really lies on huge pages, in this process and in others; skipped where the
 * host refuses, with its reason. */
#include "engine/huge_pages.h"
#include "tests/support/check.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIB = 1024 * 1024, LIMIT = 256 * MIB, NOBODY = 65534, CHILD_MS = 20000 };

static huge_pages_t *
have_pages(void)
{
    huge_pages_t *pages = NULL;
    err_t err;

    if (huge_pages_new(&pages, LIMIT, &err)) {
        assert_int_equal(err.status, FH_NOT_SUPPORTED);
        assert_null(pages);
        print_message("skipped, no huge pages: %s\n", err.text);
        skip();
    }
    return pages;
}

static int
make_file(const huge_pages_t *pages, size_t size)
{
    int fd = -1;
    err_t err;

    check_ok(huge_pages_file(pages, size, &fd, &err), err);
    return fd;
}

static char *
map(int fd, size_t offset, size_t size, int protection)
{
    char *data = mmap(NULL, size, protection, MAP_SHARED, fd, (off_t)offset);

    assert_ptr_not_equal(data, MAP_FAILED);
    return data;
}

/* Bytes of the mapping that begins at data which this process reaches by entries of huge pages. */
static size_t
by_huge_entries(const char *data)
{
    char line[512];
    size_t bytes = 0, kib;
    bool here = false;
    unsigned long start, end;
    FILE *file = fopen("/proc/self/smaps", "re");

    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
            here = start == (uintptr_t)data;
        else if (here && sscanf(line, "ShmemPmdMapped: %zu kB", &kib) == 1)
            bytes = kib * 1024;
    }
    (void)fclose(file);
    return bytes;
}

static void
written_memory_has_huge_entries_at_every_offset(void **state)
{
    /* Of a file of 16 MiB: where a map begins and ends, and what of it can have huge entries. */
    static const struct {
        size_t from, to, huge;
    } CASES[] = {{0, 16 * MIB, 16 * MIB},
                 {2 * MIB, 6 * MIB, 4 * MIB},
                 {4096, 16 * MIB, 14 * MIB},
                 {3 * MIB, 13 * MIB, 8 * MIB},
                 {3 * MIB - 4096, 16 * MIB - 4096, 10 * MIB}};
    huge_pages_t *pages = have_pages();
    int fd = make_file(pages, 16 * MIB);
    char *whole = map(fd, 0, 16 * MIB, PROT_READ | PROT_WRITE);

    (void)state;
    assert_int_equal((uintptr_t)whole % HUGE_PAGE, 0);
    memset(whole, 7, 16 * MIB);
    assert_int_equal(by_huge_entries(whole), 16 * MIB);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        for (int writable = 0; writable < 2; writable++) {
            size_t size = CASES[i].to - CASES[i].from;
            char *part = map(fd, CASES[i].from, size, writable ? PROT_READ | PROT_WRITE : PROT_READ);
            long sum = 0;

            assert_int_equal(((uintptr_t)part - CASES[i].from) % HUGE_PAGE, 0);
            for (size_t at = 0; at < size; at += 4096)
                sum += *(volatile char *)(part + at);
            assert_int_equal(sum, 7 * (long)(size / 4096));
            assert_int_equal(by_huge_entries(part), CASES[i].huge);
            munmap(part, size);
        }
    munmap(whole, 16 * MIB);
    close(fd);
    huge_pages_destroy(&pages);
}

static void
file_takes_no_more_than_its_size(void **state)
{
    enum { SIZE = 5 * MIB + 8192 };
    huge_pages_t *pages = have_pages();
    int fd = make_file(pages, SIZE);
    struct stat file;

    (void)state;
    assert_int_equal(fstat(fd, &file), 0);
    assert_int_equal(file.st_blocks, 0);
    char *data = map(fd, 0, SIZE, PROT_READ | PROT_WRITE);
    for (size_t i = 0; i < SIZE; i++)
        assert_int_equal(data[i], 0);
    memset(data, 1, SIZE);
    assert_int_equal(fstat(fd, &file), 0);
    assert_int_equal(file.st_blocks * 512, SIZE);
    assert_int_equal(by_huge_entries(data), 4 * MIB);
    munmap(data, SIZE);
    close(fd);
    huge_pages_destroy(&pages);
}

static void
files_outlive_the_record_and_have_no_name(void **state)
{
    huge_pages_t *pages = have_pages();
    int fd = make_file(pages, 2 * MIB);
    struct stat file;

    (void)state;
    huge_pages_destroy(&pages);
    assert_null(pages);
    huge_pages_destroy(&pages);
    assert_int_equal(pwrite(fd, "abc", 3, 100), 3);
    assert_int_equal(fstat(fd, &file), 0);
    assert_int_equal(file.st_nlink, 0);
    assert_int_equal(file.st_mode & 07777, 0600);
    assert_int_equal(file.st_uid, geteuid());
    close(fd);
}

/* ---- in a child, with less rights ----------------------------------------------------------------------------------
 */

/* Run check in a child; its text, if it has one, is printed; returns its exit code. */
static int
in_child(int (*check)(void))
{
    pid_t pid = fork();
    int state = 0, waited = 0;

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(check());
    for (; waited < CHILD_MS && waitpid(pid, &state, WNOHANG) == 0; waited += 5)
        (void)poll(NULL, 0, 5);
    if (waited >= CHILD_MS) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        fail_msg("the child does not end");
    }
    assert_true(WIFEXITED(state));
    return WEXITSTATUS(state);
}

enum { GOOD, BAD, REFUSED };

/* Files are made, filled, mapped and opened again by the user that asked for them. */
static int
use_pages(void)
{
    huge_pages_t *pages;
    int fd, again, code = BAD;
    char path[64], byte = 0;
    err_t err;

    if (huge_pages_new(&pages, LIMIT, &err)) {
        printf("refused: %s\n", err.text);
        (void)fflush(stdout);
        return REFUSED;
    }
    if (huge_pages_file(pages, 2 * MIB, &fd, &err)) {
        printf("no file: %s\n", err.text);
        (void)fflush(stdout);
        return BAD;
    }
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    again = open(path, O_RDONLY | O_CLOEXEC);
    if (pwrite(fd, "x", 1, MIB) == 1 && again >= 0 && pread(again, &byte, 1, MIB) == 1 && byte == 'x' &&
        pwrite(again, "y", 1, 0) < 0)
        code = GOOD;
    close(again);
    close(fd);
    huge_pages_destroy(&pages);
    return code;
}

static int
as_another_user(void)
{
    if (setgid(NOBODY) || setuid(NOBODY))
        return BAD;
    /* As a program that was started by that user has it. */
    char *const arguments[] = {(char *)"huge_pages_test", (char *)"as-this-user", NULL};
    execv("/proc/self/exe", arguments);
    return BAD;
}

static void
ordinary_user_has_them_through_a_user_namespace(void **state)
{
    (void)state;
    huge_pages_t *pages = have_pages();
    huge_pages_destroy(&pages);
    int code = in_child(geteuid() == 0 ? as_another_user : use_pages);

    if (code == REFUSED)
        skip();
    assert_int_equal(code, GOOD);
}

static int
without_namespaces(void)
{
    FILE *limit;
    huge_pages_t *pages = NULL;
    err_t err;

    /* Inside a user namespace none of ours may be made, and nothing mounted: as in a careful container. */
    if (unshare(CLONE_NEWUSER))
        return REFUSED;
    limit = fopen("/proc/sys/user/max_user_namespaces", "we");
    if (!limit || fputs("0", limit) < 0 || fclose(limit))
        return REFUSED;
    if (unshare(CLONE_NEWUSER) == 0)
        return REFUSED;
    if (huge_pages_new(&pages, LIMIT, &err) != FH_NOT_SUPPORTED || pages || !strstr(err.text, "mounted"))
        return BAD;
    printf("as it should be: %s\n", err.text);
    (void)fflush(stdout);
    return GOOD;
}

static void
where_it_is_refused_the_text_says_what(void **state)
{
    int code = in_child(without_namespaces);

    (void)state;
    if (code == REFUSED) {
        print_message("skipped, user namespaces cannot be made or not be forbidden\n");
        skip();
    }
    assert_int_equal(code, GOOD);
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_memory_has_huge_entries_at_every_offset),
        cmocka_unit_test(file_takes_no_more_than_its_size),
        cmocka_unit_test(files_outlive_the_record_and_have_no_name),
        cmocka_unit_test(ordinary_user_has_them_through_a_user_namespace),
        cmocka_unit_test(where_it_is_refused_the_text_says_what),
    };

    if (argc > 1 && strcmp(argv[1], "as-this-user") == 0)
        return use_pages();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
