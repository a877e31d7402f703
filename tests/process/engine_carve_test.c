/* CARVE: arrays cut out of the memory of one. */
#include "tests/process/engine_rig.h"

static int
start(void **state)
{
    static engine_rig_t rig;
    static const char *const OPTIONS[] = {"--memory", "64M", NULL};

    engine_rig_start(&rig, 1, OPTIONS);
    *state = &rig;
    return 0;
}

static int
stop(void **state)
{
    engine_rig_stop(*state);
    return 0;
}

/* Two arrays: 2 by 2 doubles from the beginning, and one int32 at `offset`. */
typedef struct {
    oid_t ids[2];
    int64_t dtypes[2], dims[2], extents[2], offsets[2];
} two_t;

static two_t
two(int64_t offset)
{
    return (two_t){{oid_new(), oid_new()}, {DTYPE_FLOAT64, DTYPE_INT32}, {2, 0}, {2, 2}, {0, offset}};
}

static msg_CARVE_t
carve_of(const two_t *self, oid_t object)
{
    return (msg_CARVE_t){.object = object,
                         .results = {self->ids, 2},
                         .dtypes = {self->dtypes, 2},
                         .dims = {self->dims, 2},
                         .extents = {self->extents, 2},
                         .offsets = {self->offsets, 2}};
}

static void
send(caller_t *caller, const msg_CARVE_t *carve)
{
    (void)caller_send(caller, &(message_t){.code = MSG_CARVE, .as.CARVE = *carve}, NULL, 0);
}

static void
parts_outlive_what_they_were_cut_from(void **state)
{
    caller_t caller;
    double got[4], eight = 8;
    int32_t low;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t a = caller_doubles(&caller, 10, 1, 1);
    two_t parts = two(32);
    msg_CARVE_t carve = carve_of(&parts, a);

    send(&caller, &carve);
    (void)caller_send(&caller, &(message_t){.code = MSG_RELEASE, .as.RELEASE.objects = {&a, 1}}, NULL, 0);
    caller_fetch(&caller, parts.ids[0], got, sizeof got);
    for (int i = 0; i < 4; i++)
        assert_true(got[i] == 1 + i);
    caller_fetch(&caller, parts.ids[1], &low, sizeof low);
    assert_int_equal(low, 0); /* of 5.0 */
    (void)caller_send(&caller, &(message_t){.code = MSG_WRITE, .as.WRITE = {.object = parts.ids[0]}}, &eight,
                      sizeof eight);
    caller_fetch(&caller, parts.ids[0], got, sizeof got);
    assert_true(got[0] == 8 && got[1] == 2);
    caller_close(&caller);
}

static void
poison_goes_on(void **state)
{
    caller_t caller;

    caller_open(&caller, *state, 0, OID_NONE, false);
    two_t parts = two(0);
    msg_CARVE_t carve = carve_of(&parts, oid_new());

    send(&caller, &carve);
    for (int i = 0; i < 2; i++) {
        (void)caller_ask(&caller, parts.ids[i], 4);
        caller_expect_error(&caller, FH_NO_SUCH_OBJECT, NULL);
    }
    caller_close(&caller);
}

/* The lane tells the failure, and nothing was made. */
static void
expect_refused(caller_t *caller, const msg_CARVE_t *carve, int status)
{
    send(caller, carve);
    (void)caller_send(caller, &(message_t){.code = MSG_SYNC}, NULL, 0);
    caller_expect_error(caller, status, NULL);
    (void)caller_ask(caller, carve->results.items[0], 4);
    caller_expect_error(caller, FH_NO_SUCH_OBJECT, NULL);
}

static void
all_or_none(void **state)
{
    static const struct {
        int64_t offset;
        int status;
    } CASES[] = {{80, FH_BAD_INDEX},
                 {-4, FH_BAD_INDEX},
                 {2, FH_INVALID_ARGUMENT},
                 {INT64_MAX, FH_OVERFLOW},
                 {INT64_MIN, FH_BAD_INDEX}};
    caller_t caller;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t a = caller_doubles(&caller, 10, 1, 1);

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        two_t parts = two(CASES[i].offset);
        msg_CARVE_t carve = carve_of(&parts, a);

        expect_refused(&caller, &carve, CASES[i].status);
    }
    caller_close(&caller);
}

static void
lists_that_contradict_each_other_are_refused(void **state)
{
    caller_t caller;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t a = caller_doubles(&caller, 10, 1, 1);
    two_t parts = two(0);
    msg_CARVE_t carve = carve_of(&parts, a);

    carve.dtypes.count = 1;
    expect_refused(&caller, &carve, FH_INVALID_ARGUMENT);
    carve = carve_of(&parts, a);
    carve.extents.count = 1;
    expect_refused(&caller, &carve, FH_INVALID_ARGUMENT);
    carve = carve_of(&parts, a);
    parts.dims[1] = -1;
    expect_refused(&caller, &carve, FH_INVALID_ARGUMENT);
    parts.dims[1] = 33;
    expect_refused(&caller, &carve, FH_INVALID_ARGUMENT);
    parts.dims[1] = 0;
    parts.dtypes[1] = -3;
    expect_refused(&caller, &carve, FH_INVALID_ARGUMENT);
    parts.dtypes[1] = DTYPE_INT32;
    parts.ids[1] = parts.ids[0];
    expect_refused(&caller, &carve, FH_INVALID_ARGUMENT);
    parts.ids[1] = a;
    expect_refused(&caller, &carve, FH_INVALID_ARGUMENT);
    caller_close(&caller);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_outlive_what_they_were_cut_from),
        cmocka_unit_test(poison_goes_on),
        cmocka_unit_test(all_or_none),
        cmocka_unit_test(lists_that_contradict_each_other_are_refused),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
