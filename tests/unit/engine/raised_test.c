/* engine/raised: what is kept of flags, who is told, and what goes to other engines. */
#include "engine/raised.h"
#include "tests/support/check.h"

#include <string.h>

enum { DIVIDE = 1, OVERFLOW = 2, INVALID = 8 };

static core_t core;

static int
start(void **state)
{
    (void)state;
    memset(&core, 0, sizeof core);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    lanes_release(&core.lanes);
    return 0;
}

static lane_t *
make(void)
{
    lane_t *lane;
    err_t err;

    check_ok(lanes_open(&core.lanes, oid_new(), &lane, &err), err);
    return lane;
}

static uint64_t
watch(uint64_t number, unsigned flags)
{
    return number << 4 | flags;
}

typedef struct {
    msg_FLAGS_t sent[RAISED_MAX];
    char op[RAISED_MAX][33];
    int count, room;
} sent_t;

static int
send(void *context, oid_t engine, const message_t *message, buf_t *raw, err_t *err)
{
    sent_t *self = context;

    (void)engine, (void)err;
    assert_null(raw);
    assert_int_equal(message->code, MSG_FLAGS);
    if (self->count == self->room)
        return FH_BUSY;
    self->sent[self->count] = message->as.FLAGS;
    str_copy(message->as.FLAGS.op, self->op[self->count], sizeof self->op[0]);
    self->count++;
    return FH_OK;
}

static sent_t
forward(const lane_t *lane, int room, int status)
{
    sent_t sent = {.room = room};
    transfer_way_t way = {.send = send, .context = &sent};

    assert_int_equal(raised_forward(&core, lane->owner.session, oid_new(), &way), status);
    return sent;
}

static void
only_what_is_asked_for_is_kept(void **state)
{
    lane_t *lane = make();

    (void)state;
    raised_note(lane, watch(5, DIVIDE), INVALID, str_of("divide"));
    assert_int_equal(forward(lane, RAISED_MAX, FH_OK).count, 0);
    raised_note(lane, watch(5, DIVIDE | INVALID), INVALID | OVERFLOW, str_of("divide"));
    raised_note(lane, watch(5, DIVIDE | INVALID), DIVIDE, str_of("divide"));
    raised_note(lane, watch(5, DIVIDE | INVALID), DIVIDE, str_of("log"));
    sent_t sent = forward(lane, RAISED_MAX, FH_OK);

    assert_int_equal(sent.count, 2);
    assert_string_equal(sent.op[1], "divide");
    assert_int_equal(sent.sent[1].flags, DIVIDE | INVALID);
    assert_int_equal(sent.sent[1].watch, watch(5, DIVIDE | INVALID));
    assert_string_equal(sent.op[0], "log");
    assert_int_equal(sent.sent[0].flags, DIVIDE);
    assert_true(oid_equal(sent.sent[0].session, lane->owner.session));
    assert_int_equal(forward(lane, RAISED_MAX, FH_OK).count, 0);
}

static void
what_is_kept_is_bounded(void **state)
{
    lane_t *lane = make();

    (void)state;
    for (uint64_t i = 0; i < 10 * RAISED_MAX; i++)
        raised_note(lane, watch(i, DIVIDE), DIVIDE, str_of("divide"));
    assert_int_equal(forward(lane, 3, FH_BUSY).count, 3);
    assert_int_equal(forward(lane, RAISED_MAX, FH_OK).count, RAISED_MAX - 3);
}

static void
what_other_engines_send_is_checked(void **state)
{
    lane_t *lane = make();
    char longer[64];

    (void)state;
    memset(longer, 'x', sizeof longer);
    msg_FLAGS_t message = {.session = oid_new(), .watch = watch(1, DIVIDE), .flags = DIVIDE, .op = str_of("divide")};

    raised_take(&core, &message); /* nobody's */
    message.session = lane->owner.session;
    message.op = (str_t){longer, sizeof longer};
    raised_take(&core, &message);
    message.op = str_of("divide");
    message.flags = OVERFLOW;
    raised_take(&core, &message);
    assert_int_equal(forward(lane, RAISED_MAX, FH_OK).count, 0);
    message.flags = DIVIDE;
    raised_take(&core, &message);
    assert_int_equal(forward(lane, RAISED_MAX, FH_OK).count, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_what_is_asked_for_is_kept, start, stop),
        cmocka_unit_test_setup_teardown(what_is_kept_is_bounded, start, stop),
        cmocka_unit_test_setup_teardown(what_other_engines_send_is_checked, start, stop),
    };

    return cmocka_run_group_tests_name("engine.raised", tests, NULL, NULL);
}
