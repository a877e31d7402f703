/* Arrays of one engine in the memory of another: ADOPT, and what a hostile client can ask for. */
#include "tests/process/engine_rig.h"

#include <signal.h>

enum { N = 1 << 18, BYTES = N * 8 };

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

typedef struct {
    caller_t home, guest; /* of one session */
    oid_t lender;
    oid_t array; /* N numbers on the home */
} pair_t;

static void
open_pair(pair_t *self, engine_rig_t *rig)
{
    oid_t session = oid_new();

    caller_open(&self->home, rig, 0, session, false);
    caller_open(&self->guest, rig, 1, session, false);
    self->lender = rig->engines[0].id;
    self->array = caller_array(&self->home, DTYPE_FLOAT64, N, NULL);
    caller_sync(&self->home);
}

static void
leave_pair(pair_t *self)
{
    caller_leave(&self->guest);
    caller_leave(&self->home);
}

/* count numbers from the offset on; returns the id that the array has if that succeeds. */
static oid_t
ask(pair_t *self, oid_t lender, oid_t object, int64_t offset, int64_t count, int64_t stride)
{
    oid_t result = oid_new();

    (void)caller_send(&self->guest,
                      &(message_t){.code = MSG_ADOPT,
                                   .as.ADOPT = {.result = result,
                                                .engine = lender,
                                                .object = object,
                                                .dtype = DTYPE_FLOAT64,
                                                .offset = offset,
                                                .shape = {&count, 1},
                                                .strides = {&stride, 1}}},
                      NULL, 0);
    return result;
}

static oid_t
adopt(pair_t *self, int64_t first, int64_t count, int64_t step)
{
    message_t ok;
    oid_t result = ask(self, self->lender, self->array, first * 8, count, step * 8);

    caller_expect(&self->guest, MSG_OK, &ok);
    return result;
}

static void
put(caller_t *caller, oid_t array, uint64_t index, double value)
{
    (void)caller_send(caller, &(message_t){.code = MSG_WRITE, .as.WRITE = {.object = array, .offset = 8 * index}},
                      &value, sizeof value);
}

static void
engines_see_the_same_memory(void **state)
{
    pair_t pair;
    double got[3];

    open_pair(&pair, *state);
    for (int i = 0; i < 8; i++)
        put(&pair.home, pair.array, (uint64_t)i, i);
    caller_sync(&pair.home);
    oid_t odd = adopt(&pair, 1, N / 2, 2), back = adopt(&pair, 7, 8, -1);

    caller_fetch(&pair.guest, odd, got, sizeof got);
    assert_true(got[0] == 1 && got[1] == 3 && got[2] == 5);
    caller_fetch(&pair.guest, back, got, sizeof got);
    assert_true(got[0] == 7 && got[2] == 5);
    put(&pair.guest, odd, 1, -3);
    caller_sync(&pair.guest);
    oid_t view = caller_view(&pair.home, pair.array, 24, 1, 8);

    caller_fetch(&pair.home, view, got, sizeof *got);
    assert_true(got[0] == -3);
    caller_release(&pair.home, view);
    assert_int_equal(caller_stat(&pair.guest, "used"), 0);
    /* Without the session's arrays on the home the memory is still there. */
    caller_release(&pair.home, pair.array);
    caller_fetch(&pair.guest, odd, got, sizeof got);
    assert_true(got[0] == 1 && got[1] == -3);
    assert_true(caller_stat(&pair.home, "used") >= BYTES);
    caller_release(&pair.guest, odd);
    caller_release(&pair.guest, back);
    caller_sync(&pair.guest);
    caller_wait_stat(&pair.home, "used", 0);
    leave_pair(&pair);
}

static void
what_cannot_be_adopted_is_refused(void **state)
{
    engine_rig_t *rig = *state;
    pair_t pair, other;

    open_pair(&pair, rig);
    open_pair(&other, rig);
    static const struct {
        int64_t offset, count, stride;
        int status;
    } CASES[] = {
        {8, N, 8, FH_BAD_INDEX},
        {-8, 2, 8, FH_BAD_INDEX},
        {0, 2, -8, FH_BAD_INDEX},
        {0, 2, INT64_MAX - 7, FH_OVERFLOW},
        {INT64_MAX - 7, 2, 8, FH_OVERFLOW},
        {4, 2, 8, FH_INVALID_ARGUMENT},
        {0, 2, 4, FH_INVALID_ARGUMENT},
        {0, -1, 8, FH_INVALID_ARGUMENT},
        {0, INT64_MAX, 8, FH_OVERFLOW},
    };

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        (void)ask(&pair, pair.lender, pair.array, CASES[i].offset, CASES[i].count, CASES[i].stride);
        caller_expect_error(&pair.guest, CASES[i].status, NULL);
    }
    (void)ask(&pair, rig->engines[1].id, pair.array, 0, 2, 8);
    caller_expect_error(&pair.guest, FH_INVALID_ARGUMENT, NULL);
    (void)ask(&pair, pair.lender, oid_new(), 0, 2, 8);
    caller_expect_error(&pair.guest, FH_NO_SUCH_OBJECT, NULL);
    (void)ask(&pair, pair.lender, other.array, 0, 2, 8);
    caller_expect_error(&pair.guest, FH_PERMISSION, NULL);
    oid_t small = caller_doubles(&pair.home, 10, 0, 1);

    caller_sync(&pair.home); /* it is there before it is asked for */
    (void)ask(&pair, pair.lender, small, 0, 2, 8);
    caller_expect_error(&pair.guest, FH_NOT_SUPPORTED, NULL);
    /* Nothing of all that is left. */
    assert_int_equal(caller_stat(&pair.guest, "objects"), 0);
    leave_pair(&pair);
    leave_pair(&other);
    caller_open(&pair.home, rig, 0, OID_NONE, false);
    caller_wait_stat(&pair.home, "used", 0);
    caller_wait_stat(&pair.home, "objects", 0);
    caller_leave(&pair.home);
}

/* A client cannot speak for an engine. */
static void
clients_cannot_borrow(void **state)
{
    pair_t pair;

    open_pair(&pair, *state);
    (void)caller_send(&pair.home,
                      &(message_t){.code = MSG_BORROW,
                                   .as.BORROW = {.share = oid_new(),
                                                 .object = pair.array,
                                                 .session = pair.home.session,
                                                 .host = str_of("here")}},
                      NULL, 0);
    caller_expect_error(&pair.home, FH_PROTOCOL_ERROR, NULL);
    (void)caller_send(&pair.home, &(message_t){.code = MSG_RETURN, .as.RETURN.share = pair.array}, NULL, 0);
    caller_expect_error(&pair.home, FH_PROTOCOL_ERROR, NULL);
    leave_pair(&pair);
}

static void
waiting_ends_when_it_is_cancelled_or_the_session_ends(void **state)
{
    engine_rig_t *rig = *state;
    pair_t pair;

    open_pair(&pair, rig);
    (void)adopt(&pair, 0, 2, 1); /* so the engines know each other */
    oid_t second = caller_array(&pair.home, DTYPE_FLOAT64, N, NULL);

    caller_sync(&pair.home);
    proc_signal(&rig->engines[0].process, SIGSTOP);
    (void)ask(&pair, pair.lender, second, 0, 2, 8);
    (void)caller_send(&pair.guest, &(message_t){.code = MSG_CANCEL}, NULL, 0);
    caller_expect_error(&pair.guest, FH_CANCELLED, NULL);
    caller_sync(&pair.guest);
    (void)ask(&pair, pair.lender, second, 0, 2, 8);
    caller_leave(&pair.guest);
    proc_signal(&rig->engines[0].process, SIGCONT);
    caller_leave(&pair.home);
    caller_open(&pair.home, rig, 0, OID_NONE, false);
    caller_wait_stat(&pair.home, "used", 0);
    caller_wait_stat(&pair.home, "objects", 0);
    caller_leave(&pair.home);
}

static void
engine_that_dies_is_not_waited_for(void **state)
{
    engine_rig_t *rig = *state;
    pair_t pair;
    double got;

    open_pair(&pair, rig);
    put(&pair.home, pair.array, 0, 5);
    caller_sync(&pair.home);
    oid_t piece = adopt(&pair, 0, 2, 1);

    proc_signal(&rig->engines[0].process, SIGSTOP);
    (void)ask(&pair, pair.lender, oid_new(), 0, 2, 8);
    proc_signal(&rig->engines[0].process, SIGKILL);
    caller_expect_error(&pair.guest, FH_ENGINE_LOST, NULL);
    caller_fetch(&pair.guest, piece, &got, sizeof got);
    assert_true(got == 5);
    put(&pair.guest, piece, 0, 6);
    caller_fetch(&pair.guest, piece, &got, sizeof got);
    assert_true(got == 6);
    proc_end(&rig->engines[0].process);
    caller_leave(&pair.guest);
    caller_close(&pair.home);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(engines_see_the_same_memory),
        cmocka_unit_test(what_cannot_be_adopted_is_refused),
        cmocka_unit_test(clients_cannot_borrow),
        cmocka_unit_test(waiting_ends_when_it_is_cancelled_or_the_session_ends),
        cmocka_unit_test(engine_that_dies_is_not_waited_for),
    };
    return cmocka_run_group_tests_name("engine adopt", tests, start, stop);
}
