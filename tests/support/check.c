#include "tests/support/check.h"

#include "base/clock.h"
#include "base/status.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void
check_status_at(int got, int wanted, const err_t *err, const char *call, const char *file, int line)
{
    if (got == wanted && (wanted == FH_OK || err->status == wanted))
        return;
    print_error("%s gave %s, not %s (%s)\n", call, status_name(got), status_name(wanted), got ? err->text : "");
    _fail(file, line);
}

void
check_contains_at(const char *text, const char *part, const char *file, int line)
{
    if (strstr(text, part))
        return;
    print_error("\"%s\" is not in \"%s\"\n", part, text);
    _fail(file, line);
}

void
check_folder_make(char ret[PATH_MAX])
{
    const char *base = getenv("TMPDIR");
    int length = snprintf(ret, PATH_MAX, "%s/farhand-test-XXXXXX", base && base[0] ? base : "/tmp");
    assert_in_range(length, 1, PATH_MAX - 1);
    assert_non_null(mkdtemp(ret));
}

static int
remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info, (void)kind, (void)where;
    return remove(path);
}

void
check_folder_remove(const char *path)
{
    assert_int_equal(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

const char *
check_path(const char *folder, const char *name)
{
    static _Thread_local char paths[4][PATH_MAX];
    static _Thread_local unsigned turn;
    char *path = paths[turn++ % 4];
    assert_in_range(snprintf(path, PATH_MAX, "%s/%s", folder, name), 1, PATH_MAX - 1);
    return path;
}

void
check_file_make(const char *path, const char *content, unsigned mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

bool
check_until(bool (*condition)(void *context), void *context, double timeout_s)
{
    int64_t deadline = clock_deadline(timeout_s);
    while (!condition(context)) {
        if (clock_remaining_ms(deadline, 1) == 0)
            return false;
        (void)poll(NULL, 0, 2);
    }
    return true;
}

uint64_t
check_seed(void)
{
    const char *given = getenv("FARHAND_TEST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : 20260101;
    print_message("FARHAND_TEST_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

uint64_t
check_random(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}
