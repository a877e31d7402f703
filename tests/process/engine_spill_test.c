/* Arrays that have no room in memory lie on disk, and come back with every bit; a full disk loses nothing. */
#include "base/process_memory.h"
#include "tests/process/engine_rig.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

enum { MIB = 1024 * 1024, LIMIT_MIB = 64, EACH_MIB = 4, ARRAYS = 3 * LIMIT_MIB / EACH_MIB, SLACK_MIB = 24 + CHECK_QUARANTINE_MIB };
enum { ELEMENTS = EACH_MIB * MIB / 8 };

static char folder[PATH_MAX];
static uint64_t *image; /* of one array */

static void
start(engine_rig_t *rig, const char *limit)
{
    const char *const options[] = {"--memory", "64M", "--spill", folder, "--spill-limit", limit, NULL};

    check_folder_make(folder);
    image = malloc(EACH_MIB * MIB);
    assert_non_null(image);
    engine_rig_start(rig, 1, options);
}

static void
stop(engine_rig_t *rig)
{
    engine_rig_stop(rig);
    free(image);
    check_folder_remove(folder);
}

/* What the array with this number holds. */
static void
draw(int number)
{
    uint64_t random = (uint64_t)number + 1;

    for (size_t i = 0; i < ELEMENTS; i++)
        image[i] = check_random(&random) >> 12;
}

static oid_t
send_array(caller_t *caller, int number)
{
    oid_t id = caller_array(caller, DTYPE_UINT64, ELEMENTS, NULL);

    draw(number);
    for (uint64_t part = 0; part < EACH_MIB; part++)
        (void)caller_send(caller, &(message_t){.code = MSG_WRITE, .as.WRITE = {.object = id, .offset = part * MIB}},
                          (const char *)image + part * MIB, MIB);
    return id;
}

static void
check_array(caller_t *caller, oid_t id, int number)
{
    draw(number);
    for (uint64_t part = 0; part < EACH_MIB; part++) {
        message_t answer;

        (void)caller_send(
            caller, &(message_t){.code = MSG_FETCH, .as.FETCH = {.object = id, .offset = part * MIB, .size = MIB}},
            NULL, 0);
        caller_expect(caller, MSG_DATA, &answer);
        assert_int_equal(caller->raw_size[0], MIB);
        assert_memory_equal(caller->raw[0], (const char *)image + part * MIB, MIB);
    }
}

/* Is the array there, or poisoned since there was no room? */
static bool
came(caller_t *caller, oid_t id)
{
    message_t answer;

    (void)caller_ask(caller, id, 0);
    assert_true(caller_receive(caller, &answer, 60));
    if (answer.code == MSG_DATA)
        return true;
    assert_int_equal(answer.code, MSG_ERROR);
    assert_int_equal(answer.as.ERROR.status, FH_LIMIT_EXCEEDED);
    return false;
}

static void
check_resident(const engine_rig_t *rig)
{
    process_memory_t memory;

    assert_true(process_memory(rig->engines[0].process.pid, &memory));
    assert_in_range((memory.shared + memory.anonymous) / MIB, 0, LIMIT_MIB + SLACK_MIB);
}

static void
check_no_names(void)
{
    DIR *list = opendir(folder);

    assert_non_null(list);
    for (const struct dirent *entry; (entry = readdir(list));)
        assert_int_equal(entry->d_name[0], '.');
    closedir(list);
}

static void
three_times_the_limit_comes_back(void **state)
{
    engine_rig_t rig;
    caller_t caller;
    oid_t ids[ARRAYS];
    uint64_t seed = check_seed();

    (void)state;
    start(&rig, "0");
    caller_open(&caller, &rig, 0, OID_NONE, false);
    for (int i = 0; i < ARRAYS; i++) {
        ids[i] = send_array(&caller, i);
        caller_sync(&caller);
    }
    check_resident(&rig);
    check_no_names();
    assert_in_range(caller_stat(&caller, "used"), 1, LIMIT_MIB * MIB);
    assert_true(caller_stat(&caller, "spilled") >= (int64_t)(2 * LIMIT_MIB) * MIB);
    for (int i = 0; i < 2 * ARRAYS; i++) {
        int number = (int)(check_random(&seed) % ARRAYS);

        check_array(&caller, ids[number], number);
    }
    check_resident(&rig);
    assert_true(caller_stat(&caller, "returned") > 0);
    for (int i = 0; i < ARRAYS; i++)
        check_array(&caller, ids[i], i);
    for (int i = 0; i < ARRAYS; i++)
        caller_release(&caller, ids[i]);
    caller_wait_stat(&caller, "used", 0);
    caller_wait_stat(&caller, "spilled", 0);
    caller_leave(&caller);
    stop(&rig);
}

/* Writes, results and views find their arrays wherever they are. */
static void
work_goes_on_with_what_was_spilled(void **state)
{
    engine_rig_t rig;
    caller_t caller;
    oid_t ids[ARRAYS], sums[ARRAYS];

    (void)state;
    start(&rig, "0");
    caller_open(&caller, &rig, 0, OID_NONE, false);
    for (int i = 0; i < ARRAYS; i++) {
        ids[i] = caller_doubles(&caller, 1, i, 0);
        caller_release(&caller, ids[i]);
        ids[i] = caller_array(&caller, DTYPE_FLOAT64, ELEMENTS, NULL);
        for (uint64_t part = 0; part < EACH_MIB; part++) {
            for (size_t k = 0; k < MIB / 8; k++)
                ((double *)image)[k] = i + (double)k;
            (void)caller_send(&caller,
                              &(message_t){.code = MSG_WRITE, .as.WRITE = {.object = ids[i], .offset = part * MIB}},
                              image, MIB);
        }
        caller_sync(&caller);
    }
    for (int i = 0; i < ARRAYS; i++)
        sums[i] = caller_binary(&caller, "add", ids[i], ids[ARRAYS - 1 - i]);
    caller_sync(&caller);
    for (int i = 0; i < ARRAYS; i++) {
        int64_t last = (EACH_MIB - 1) * MIB;
        oid_t view = caller_view(&caller, sums[i], last, 4, 16); /* its end: the whole must have been kept */
        double got[4];

        caller_fetch(&caller, view, got, sizeof got);
        for (int k = 0; k < 4; k++)
            assert_true(got[k] == ARRAYS - 1 + 4.0 * k);
    }
    check_resident(&rig);
    caller_leave(&caller);
    stop(&rig);
}

static void
fill_until_refused(engine_rig_t *rig)
{
    caller_t caller;
    oid_t ids[ARRAYS];
    int n = 0;

    caller_open(&caller, rig, 0, OID_NONE, false);
    do
        ids[n] = send_array(&caller, n);
    while (came(&caller, ids[n]) && ++n < ARRAYS);
    assert_in_range(n, LIMIT_MIB / EACH_MIB - 1, ARRAYS - 1);
    for (int i = 0; i < n; i++)
        check_array(&caller, ids[i], i);
    caller_release(&caller, ids[0]);
    caller_release(&caller, ids[n]);
    caller_sync(&caller);
    ids[0] = send_array(&caller, 0); /* there is room again */
    caller_sync(&caller);
    for (int i = 0; i < n; i++)
        check_array(&caller, ids[i], i);
    caller_leave(&caller);
}

static void
limit_of_the_folder_is_an_error_that_loses_nothing(void **state)
{
    engine_rig_t rig;

    (void)state;
    start(&rig, "20M");
    fill_until_refused(&rig);
    stop(&rig);
}

static void
full_disk_is_an_error_that_loses_nothing(void **state)
{
    engine_rig_t rig;

    (void)state;
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
        print_message("no small disk can be made here: %s\n", strerror(errno));
        skip();
    }
    const char *const options[] = {"--memory", "64M", "--spill", folder, NULL};

    check_folder_make(folder);
    image = malloc(EACH_MIB * MIB);
    assert_non_null(image);
    assert_int_equal(mount("small", folder, "tmpfs", 0, "size=20m"), 0);
    engine_rig_start(&rig, 1, options);
    fill_until_refused(&rig);
    engine_rig_stop(&rig);
    free(image);
    assert_int_equal(umount(folder), 0);
    check_folder_remove(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_times_the_limit_comes_back),
        cmocka_unit_test(work_goes_on_with_what_was_spilled),
        cmocka_unit_test(limit_of_the_folder_is_an_error_that_loses_nothing),
        cmocka_unit_test(full_disk_is_an_error_that_loses_nothing), /* last: it leaves this process's mounts its own */
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
