/* Machine code on disk: found again, thrown away when it is not what it should be, never more than allowed. */
#include "engine/kernel_cache.h"
#include "tests/support/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OBJECT = 5000, LIMIT = 1 << 20 };

static char folder[PATH_MAX];
static kernel_cache_t *cache;

static int
set_up(void **state)
{
    err_t err = {0};
    (void)state;
    check_folder_make(folder);
    check_ok(kernel_cache_new(&cache, check_path(folder, "a/kernels"), LIMIT, &err), err);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    kernel_cache_destroy(&cache);
    check_folder_remove(folder);
    return 0;
}

/* Bytes that depend on the number. */
static cached_code_t
code_of(int number, size_t size)
{
    cached_code_t code = {.fd = memfd_create("code", MFD_CLOEXEC),
                          .size = (uint32_t)size,
                          .about = {.entry = "f", .kind = KERNEL_UFUNC, .nin = number, .nout = 1}};
    snprintf(code.symbol, sizeof code.symbol, "farhand.%d", number);
    for (size_t at = 0; at < size; at += sizeof number)
        assert_true(write(code.fd, &number, size - at < sizeof number ? size - at : sizeof number) > 0);
    return code;
}

static void
keep(int number, const uint8_t key[KERNEL_KEY_SIZE], size_t size)
{
    err_t err = {0};
    cached_code_t code = code_of(number, size);
    check_ok(kernel_cache_keep(cache, key, &code, &err), err);
    close(code.fd);
}

/* It is there and is what keep wrote. */
static bool
holds(int number, const uint8_t key[KERNEL_KEY_SIZE], size_t size)
{
    cached_code_t code;
    if (!kernel_cache_find(cache, key, &code))
        return false;
    int *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, code.fd, 0);
    assert_true(bytes != MAP_FAILED);
    assert_int_equal(code.size, size);
    for (size_t i = 0; i < size / sizeof *bytes; i++)
        assert_int_equal(bytes[i], number);
    assert_int_equal(code.about.nin, number);
    assert_int_equal(strncmp(code.symbol, "farhand.", 8), 0);
    assert_int_equal(write(code.fd, "x", 1), -1); /* sealed */
    munmap(bytes, size);
    close(code.fd);
    return true;
}

static const char *
file_of(const uint8_t key[KERNEL_KEY_SIZE])
{
    char name[2 * KERNEL_KEY_SIZE + 16] = "a/kernels/";
    for (int i = 0; i < KERNEL_KEY_SIZE; i++)
        snprintf(name + strlen(name), 3, "%02x", key[i]);
    return check_path(folder, name);
}

static int
files(void)
{
    DIR *open = opendir(check_path(folder, "a/kernels"));
    int count = 0;
    assert_non_null(open);
    for (const struct dirent *each; (each = readdir(open));)
        count += each->d_name[0] != '.';
    closedir(open);
    return count;
}

static void
code_is_found_again_by_its_key_alone(void **state)
{
    (void)state;
    uint8_t one[KERNEL_KEY_SIZE] = {1}, two[KERNEL_KEY_SIZE] = {2};
    assert_false(holds(7, one, OBJECT));
    keep(7, one, OBJECT);
    keep(8, two, OBJECT - 4);
    assert_true(holds(7, one, OBJECT));
    assert_true(holds(8, two, OBJECT - 4));
    kernel_cache_destroy(&cache);
    err_t err = {0};
    check_ok(kernel_cache_new(&cache, check_path(folder, "a/kernels"), LIMIT, &err), err);
    assert_true(holds(7, one, OBJECT));
    keep(9, one, OBJECT); /* the last one counts */
    assert_true(holds(9, one, OBJECT));
    kernel_cache_drop(cache, one);
    assert_false(holds(9, one, OBJECT));
    assert_int_equal(files(), 1);
}

static void
key_depends_on_everything(void **state)
{
    (void)state;
    kernel_maker_t maker = {.llvm = "22.1.8", .cpu = "znver4"}, other;
    kernel_options_t plain = {.entry = "f", .signature = "s", .kind = "", .layout = ""}, options;
    uint8_t hash[32] = {1}, keys[16][KERNEL_KEY_SIZE];
    int count = 0;
    kernel_cache_key(&maker, hash, &plain, keys[count++]);
#define WITH_OPTION(change)                                                                                            \
    options = plain;                                                                                                   \
    options.change;                                                                                                    \
    kernel_cache_key(&maker, hash, &options, keys[count++])
    WITH_OPTION(entry = "g");
    WITH_OPTION(signature = "");
    WITH_OPTION(kind = "piece");
    WITH_OPTION(layout = "(n)->()");
    WITH_OPTION(state_bytes = 16);
    WITH_OPTION(fastmath = true);
    WITH_OPTION(exact = true);
    WITH_OPTION(debug = true);
#define WITH_MAKER(change)                                                                                             \
    other = maker;                                                                                                     \
    other.change;                                                                                                      \
    kernel_cache_key(&other, hash, &plain, keys[count++])
    WITH_MAKER(llvm[0] = '1');
    WITH_MAKER(cpu[0] = 'a');
    WITH_MAKER(features[31] = 1);
    WITH_MAKER(program[3] = 1);
    kernel_cache_key(&maker, (uint8_t[32]){2}, &plain, keys[count++]);
    for (int i = 0; i < count; i++)
        for (int k = 0; k < i; k++)
            assert_memory_not_equal(keys[i], keys[k], KERNEL_KEY_SIZE);
    kernel_cache_key(&maker, hash, &plain, keys[count]);
    assert_memory_equal(keys[count], keys[0], KERNEL_KEY_SIZE);
}

/* ---- hostile folders
 * -------------------------------------------------------------------------------------------------
 */

static void
changed_file_is_deleted_and_not_used(void **state)
{
    (void)state;
    uint8_t key[KERNEL_KEY_SIZE] = {3};
    keep(7, key, OBJECT);
    struct stat info;
    assert_int_equal(stat(file_of(key), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    for (off_t at = 0; at < info.st_size; at += at < 1000 ? 1 : 97) {
        keep(7, key, OBJECT);
        int fd = open(file_of(key), O_RDWR | O_CLOEXEC);
        char byte = 0;
        assert_true(fd >= 0 && pread(fd, &byte, 1, at) == 1);
        byte = (char)(byte ^ 1);
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        close(fd);
        if (holds(7, key, OBJECT))
            fail_msg("a changed byte at %lld was not seen", (long long)at);
        assert_int_equal(access(file_of(key), F_OK), -1);
    }
}

static void
cut_and_stretched_files_are_deleted(void **state)
{
    (void)state;
    uint8_t key[KERNEL_KEY_SIZE] = {4};
    static const off_t SIZES[] = {0, 1, 100, 700, 5000, 6000, RUNNER_MAX_OBJECT, (off_t)1 << 40};
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        keep(7, key, OBJECT);
        assert_int_equal(truncate(file_of(key), SIZES[i]), 0);
        assert_false(holds(7, key, OBJECT));
        assert_int_equal(access(file_of(key), F_OK), -1);
    }
}

static void
file_under_another_key_is_not_used(void **state)
{
    (void)state;
    uint8_t key[KERNEL_KEY_SIZE] = {5}, other[KERNEL_KEY_SIZE] = {6};
    keep(7, key, OBJECT);
    char from[PATH_MAX];
    snprintf(from, sizeof from, "%s", file_of(key));
    assert_int_equal(rename(from, file_of(other)), 0);
    assert_false(holds(7, other, OBJECT));
    assert_int_equal(files(), 0);
}

static void
links_pipes_and_open_files_are_not_used(void **state)
{
    (void)state;
    uint8_t key[KERNEL_KEY_SIZE] = {7}, other[KERNEL_KEY_SIZE] = {8};
    keep(7, key, OBJECT);
    char from[PATH_MAX];
    snprintf(from, sizeof from, "%s", file_of(key));
    assert_int_equal(symlink(from, file_of(other)), 0);
    assert_false(holds(7, other, OBJECT));
    assert_true(holds(7, key, OBJECT)); /* the link went, not what it named */
    assert_int_equal(mkfifo(file_of(other), 0600), 0);
    assert_false(holds(7, other, OBJECT)); /* and nobody waited */
    assert_int_equal(mkdir(file_of(other), 0700), 0);
    assert_false(holds(7, other, OBJECT));
    assert_int_equal(rmdir(file_of(other)), 0);
    assert_int_equal(chmod(file_of(key), 0622), 0);
    assert_false(holds(7, key, OBJECT));
}

static void
folder_that_others_can_enter_is_refused(void **state)
{
    (void)state;
    err_t err = {0};
    kernel_cache_t *none = NULL;
    assert_int_equal(mkdir(check_path(folder, "open"), 0700), 0);
    assert_int_equal(chmod(check_path(folder, "open"), 0770), 0);
    check_fails(kernel_cache_new(&none, check_path(folder, "open"), LIMIT, &err), FH_PERMISSION, err);
    assert_int_equal(symlink("a/kernels", check_path(folder, "link")), 0);
    check_fails(kernel_cache_new(&none, check_path(folder, "link"), LIMIT, &err), FH_PERMISSION, err);
    assert_null(none);
}

/* ---- limits
 * ----------------------------------------------------------------------------------------------------------
 */

static void
oldest_use_goes_first(void **state)
{
    (void)state;
    enum { SIZE = 100000, COUNT = 30, OFTEN = 3 };
    uint8_t key[KERNEL_KEY_SIZE] = {0};
    for (int i = 0; i < COUNT; i++) {
        key[0] = (uint8_t)i;
        keep(i, key, SIZE);
        /* Times of files are coarse: say when this one was last used. */
        struct timespec used[2] = {{.tv_sec = 1000000 + i}, {.tv_sec = 1000000 + i}};
        assert_int_equal(utimensat(AT_FDCWD, file_of(key), used, 0), 0);
        key[0] = OFTEN;
        if (i >= OFTEN)
            assert_true(holds(OFTEN, key, SIZE));
    }
    int left = files();
    assert_true(left <= LIMIT / SIZE && left >= LIMIT / SIZE / 2);
    key[0] = COUNT - 1;
    assert_true(holds(COUNT - 1, key, SIZE));
    key[0] = 0;
    assert_false(holds(0, key, SIZE));
}

static void
unfinished_files_of_the_dead_are_cleared(void **state)
{
    (void)state;
    check_file_make(check_path(folder, "a/kernels/unfinished-1"), "x", 0600);
    check_file_make(check_path(folder, "a/kernels/unfinished-2"), "x", 0600);
    check_file_make(check_path(folder, "a/kernels/notes"), "x", 0600);
    struct timespec old[2] = {{.tv_sec = 1000000}, {.tv_sec = 1000000}};
    assert_int_equal(utimensat(AT_FDCWD, check_path(folder, "a/kernels/unfinished-1"), old, 0), 0);
    assert_int_equal(utimensat(AT_FDCWD, check_path(folder, "a/kernels/notes"), old, 0), 0);
    keep(1, (uint8_t[KERNEL_KEY_SIZE]){1}, OBJECT); /* the first one looks around */
    assert_int_equal(access(check_path(folder, "a/kernels/unfinished-1"), F_OK), -1);
    assert_int_equal(access(check_path(folder, "a/kernels/unfinished-2"), F_OK), 0);
    assert_int_equal(access(check_path(folder, "a/kernels/notes"), F_OK), 0); /* not ours to delete */
}

static void
too_large_and_missing_code_is_not_kept(void **state)
{
    (void)state;
    err_t err = {0};
    uint8_t key[KERNEL_KEY_SIZE] = {9};
    cached_code_t code = code_of(1, 16);
    code.size = RUNNER_MAX_OBJECT + 1;
    check_fails(kernel_cache_keep(cache, key, &code, &err), FH_LIMIT_EXCEEDED, err);
    code.size = 0;
    check_fails(kernel_cache_keep(cache, key, &code, &err), FH_LIMIT_EXCEEDED, err);
    code.size = 17; /* the runner said more than it wrote */
    check_fails(kernel_cache_keep(cache, key, &code, &err), FH_IO_ERROR, err);
    close(code.fd);
    assert_int_equal(files(), 0);
}

/* Processes that keep, find and drop the same keys: each find gives whole code or none. */
static void
engines_share_a_folder(void **state)
{
    (void)state;
    enum { ENGINES = 4, TURNS = 200, KEYS = 3 };
    pid_t pids[ENGINES];
    for (int i = 0; i < ENGINES; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i])
            continue;
        kernel_cache_t *mine;
        if (kernel_cache_new(&mine, check_path(folder, "a/kernels"), 60000, NULL))
            _exit(2);
        cache = mine;
        for (int turn = 0; turn < TURNS; turn++) {
            uint8_t key[KERNEL_KEY_SIZE] = {(uint8_t)(turn % KEYS)};
            if ((turn + i) % 2)
                keep(turn % KEYS, key, 20000);
            else
                holds(turn % KEYS, key, 20000); /* a wrong byte fails the assertion and the exit status */
        }
        _exit(0);
    }
    for (int i = 0; i < ENGINES; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(code_is_found_again_by_its_key_alone),
        TEST(key_depends_on_everything),
        TEST(changed_file_is_deleted_and_not_used),
        TEST(cut_and_stretched_files_are_deleted),
        TEST(file_under_another_key_is_not_used),
        TEST(links_pipes_and_open_files_are_not_used),
        TEST(folder_that_others_can_enter_is_refused),
        TEST(oldest_use_goes_first),
        TEST(unfinished_files_of_the_dead_are_cleared),
        TEST(too_large_and_missing_code_is_not_kept),
        TEST(engines_share_a_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
