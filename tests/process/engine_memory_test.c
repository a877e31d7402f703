/* An engine that is asked for more memory than it may have: those who ask get errors, and it goes on. */
#include "base/process_memory.h"
#include "tests/process/engine_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIB = 1024 * 1024, LIMIT_MIB = 64, QUEUE_MIB = 64, SLACK_MIB = 48 + CHECK_QUARANTINE_MIB, SESSIONS = 24, EACH = 14 };

static int
start(void **state)
{
    static engine_rig_t rig;
    static const char *const OPTIONS[] = {"--memory", "64M", NULL};

    engine_rig_start(&rig, 2, OPTIONS);
    *state = &rig;
    return 0;
}

static int
stop(void **state)
{
    engine_rig_stop(*state);
    return 0;
}

static int64_t
anonymous_mib(const engine_rig_t *rig)
{
    process_memory_t memory;

    assert_true(process_memory(rig->engines[0].process.pid, &memory));
    return memory.anonymous / MIB;
}

/* The array can be read, or is poisoned with LIMIT_EXCEEDED.  Returns which. */
static bool
came(caller_t *caller, oid_t object)
{
    message_t answer;

    (void)caller_ask(caller, object, 0);
    while (caller_receive(caller, &answer, 20) && answer.code != MSG_DATA && answer.code != MSG_ERROR) {
    }
    if (answer.code == MSG_DATA)
        return true;
    assert_int_equal(answer.code, MSG_ERROR);
    assert_int_equal(answer.as.ERROR.status, FH_LIMIT_EXCEEDED);
    return false;
}

static oid_t
send_array(caller_t *caller, const char *bytes)
{
    oid_t id = oid_new();
    const int64_t extent = MIB;

    (void)caller_send(
        caller, &(message_t){.code = MSG_EMPTY, .as.EMPTY = {.result = id, .dtype = DTYPE_INT8, .shape = {&extent, 1}}},
        bytes, MIB);
    return id;
}

/* A call that waits until it is cancelled: what comes behind it must be kept.  Returns what it makes. */
static oid_t
block_lane(caller_t *caller)
{
    const int64_t extent = 4;
    oid_t transfer = oid_new();

    (void)caller_send(caller,
                      &(message_t){.code = MSG_EXPECT,
                                   .as.EXPECT = {.transfer = transfer,
                                                 .engine = caller->rig->engines[1].id,
                                                 .dtype = DTYPE_INT8,
                                                 .shape = {&extent, 1}}},
                      NULL, 0);
    return transfer;
}

static void
flood_by_many_sessions_is_refused_and_survived(void **state)
{
    engine_rig_t *rig = *state;
    static caller_t callers[SESSIONS];
    static oid_t objects[SESSIONS][EACH];
    oid_t blocks[SESSIONS];
    char *bytes = calloc(1, MIB);
    int64_t before = anonymous_mib(rig);
    int there = 0;

    assert_non_null(bytes);
    for (int i = 0; i < SESSIONS; i++) {
        caller_open(&callers[i], rig, 0, OID_NONE, false);
        blocks[i] = block_lane(&callers[i]);
        for (int k = 0; k < EACH; k++)
            objects[i][k] = send_array(&callers[i], bytes);
    }
    for (int i = 0; i < SESSIONS; i++) { /* all has been read once a PING behind it is answered */
        message_t answer;

        (void)caller_send(&callers[i], &(message_t){.code = MSG_PING}, NULL, 0);
        caller_expect(&callers[i], MSG_PONG, &answer);
    }
    int64_t grown = anonymous_mib(rig) - before;

    print_message("%d MiB were sent, the engine has grown by %lld MiB\n", SESSIONS * EACH, (long long)grown);
    assert_in_range(grown, 0, LIMIT_MIB + QUEUE_MIB + SLACK_MIB);
    for (int i = 0; i < SESSIONS; i++) {
        message_t answer;

        (void)caller_send(&callers[i], &(message_t){.code = MSG_CANCEL, .as.CANCEL.objects = {&blocks[i], 1}}, NULL, 0);
        (void)caller_send(&callers[i], &(message_t){.code = MSG_SYNC}, NULL, 0);
        assert_true(caller_receive(&callers[i], &answer, 20)); /* the cancelled call's error, or OK */
    }
    for (int i = 0; i < SESSIONS; i++)
        for (int k = 0; k < EACH; k++)
            there += came(&callers[i], objects[i][k]);
    print_message("%d of %d arrays came\n", there, SESSIONS * EACH);
    assert_in_range(there, 1, LIMIT_MIB);
    for (int i = 0; i < SESSIONS - 1; i++)
        caller_leave(&callers[i]);
    for (int k = 0; k < EACH; k++)
        caller_release(&callers[SESSIONS - 1], objects[SESSIONS - 1][k]);
    caller_t *last = &callers[SESSIONS - 1];

    caller_wait_stat(last, "used", 0);
    caller_wait_stat(last, "queued", 0);
    assert_true(came(last, send_array(last, bytes)));
    caller_leave(last);
    free(bytes);
}

/* Errors of a full engine say how full, and a release makes room again. */
static void
full_engine_says_so_and_recovers(void **state)
{
    caller_t caller;
    oid_t objects[LIMIT_MIB];
    char *bytes = calloc(1, MIB);
    message_t answer;
    int n = 0;

    assert_non_null(bytes);
    caller_open(&caller, *state, 0, OID_NONE, false);
    do
        objects[n] = send_array(&caller, bytes);
    while (came(&caller, objects[n]) && ++n < LIMIT_MIB);
    assert_in_range(n, LIMIT_MIB / 2, LIMIT_MIB);
    oid_t beyond = send_array(&caller, bytes);

    if (n == LIMIT_MIB) {
        (void)caller_ask(&caller, beyond, 0);
        caller_expect_error(&caller, FH_LIMIT_EXCEEDED, &answer);
        check_contains(answer.as.ERROR.text.data, "67108864");
        check_contains(answer.as.ERROR.text.data, "--memory");
    }
    caller_release(&caller, objects[0]);
    assert_true(came(&caller, send_array(&caller, bytes)));
    caller_leave(&caller);
    free(bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flood_by_many_sessions_is_refused_and_survived),
        cmocka_unit_test(full_engine_says_so_and_recovers),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
