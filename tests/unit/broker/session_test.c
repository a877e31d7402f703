/* The table of peers and every pair of state and event. */
#include "broker/session.h"
#include "tests/support/check.h"

#include <string.h>

static const char ROLES[] = "CE";

/* What broker/session.def says, written out once more in another order: a change there must be a change here. */
static const struct {
    char role;
    session_state_t state;
    session_event_t event;
    session_action_t action;
    session_state_t next;
} EXPECTED[] = {
    {'C', STATE_AWAY, EVENT_HELLO, ACTION_WELCOME, STATE_READY},
    {'C', STATE_READY, EVENT_HELLO, ACTION_WELCOME, STATE_READY},
    {'E', STATE_AWAY, EVENT_HELLO, ACTION_WELCOME, STATE_GREETED},
    {'E', STATE_GREETED, EVENT_HELLO, ACTION_WELCOME, STATE_GREETED},
    {'E', STATE_READY, EVENT_HELLO, ACTION_WELCOME, STATE_GREETED},
    {'E', STATE_GREETED, EVENT_ANNOUNCE, ACTION_ADMIT, STATE_READY},
    {'E', STATE_READY, EVENT_ANNOUNCE, ACTION_ADMIT, STATE_READY},
    {'C', STATE_READY, EVENT_MESSAGE, ACTION_RENEW, STATE_READY},
    {'E', STATE_GREETED, EVENT_MESSAGE, ACTION_RENEW, STATE_GREETED},
    {'E', STATE_READY, EVENT_MESSAGE, ACTION_RENEW, STATE_READY},
    {'C', STATE_READY, EVENT_GOODBYE, ACTION_LEAVE, STATE_ENDED},
    {'E', STATE_GREETED, EVENT_GOODBYE, ACTION_LEAVE, STATE_ENDED},
    {'E', STATE_READY, EVENT_GOODBYE, ACTION_LEAVE, STATE_ENDED},
    {'C', STATE_AWAY, EVENT_OVERDUE, ACTION_EXPIRE, STATE_ENDED},
    {'C', STATE_READY, EVENT_OVERDUE, ACTION_PROBE, STATE_READY},
    {'E', STATE_AWAY, EVENT_OVERDUE, ACTION_EXPIRE, STATE_ENDED},
    {'E', STATE_GREETED, EVENT_OVERDUE, ACTION_EXPIRE, STATE_ENDED},
    {'E', STATE_READY, EVENT_OVERDUE, ACTION_EXPIRE, STATE_ENDED},
    {'C', STATE_READY, EVENT_UNREACHABLE, ACTION_DETACH, STATE_AWAY},
    {'E', STATE_GREETED, EVENT_UNREACHABLE, ACTION_EXPIRE, STATE_ENDED},
    {'E', STATE_READY, EVENT_UNREACHABLE, ACTION_EXPIRE, STATE_ENDED},
};

static void
test_step_every_pair_as_written_down(void **state)
{
    (void)state;
    for (const char *role = ROLES; *role; role++)
        for (int from = 0; from < STATE_COUNT; from++)
            for (int event = 0; event < EVENT_COUNT; event++) {
                session_t session = {.role = *role, .state = (session_state_t)from};
                session_action_t action = ACTION_NOTHING;
                session_state_t next = (session_state_t)from;

                for (size_t i = 0; i < sizeof EXPECTED / sizeof *EXPECTED; i++)
                    if (EXPECTED[i].role == *role && EXPECTED[i].state == (session_state_t)from &&
                        EXPECTED[i].event == (session_event_t)event) {
                        action = EXPECTED[i].action;
                        next = EXPECTED[i].next;
                    }
                assert_int_equal(session_step(&session, (session_event_t)event), action);
                assert_int_equal(session.state, next);
            }
}

static peer_t
peer_of(uint8_t number)
{
    return (peer_t){.size = 5, .bytes = {0, 1, 2, 3, number}};
}

static void
test_session_attached_found_by_its_newest_connection(void **state)
{
    rows_t changes = {0};
    sessions_t sessions;
    session_t *session, *other;
    peer_t first = peer_of(1), second = peer_of(2);
    err_t err;

    (void)state;
    sessions_init(&sessions, &changes);
    check_ok(session_add(&sessions, oid_new(), 'C', lease_begin(0, 10), &session, &err), err);
    check_ok(session_add(&sessions, oid_new(), 'E', lease_begin(0, 10), &other, &err), err);
    assert_int_equal(sessions.engines, 1);
    assert_int_equal(changes.count, 1); /* only clients are kept in the file */
    check_ok(session_attach(&sessions, session, &first, &err), err);
    assert_ptr_equal(session_of_peer(&sessions, &first), session);
    check_ok(outbox_put(&session->outbox, "x", 1, &err), err);
    check_ok(session_attach(&sessions, session, &first, &err), err);
    assert_int_equal(session->outbox.bytes, 1);
    check_ok(session_attach(&sessions, session, &second, &err), err);
    assert_null(session_of_peer(&sessions, &first));
    assert_ptr_equal(session_of_peer(&sessions, &second), session);
    assert_int_equal(session->outbox.bytes, 0);
    assert_int_equal(sessions.connected, 1);
    session_detach(&sessions, session);
    assert_null(session_of_peer(&sessions, &second));
    assert_ptr_equal(session_find(&sessions, session->id), session);
    sessions_release(&sessions);
}

static void
test_session_removed_remembered_and_deleted_from_the_file(void **state)
{
    rows_t changes = {0};
    sessions_t sessions;
    session_t *session;
    oid_t id = oid_new();
    err_t err;

    (void)state;
    sessions_init(&sessions, &changes);
    check_ok(session_add(&sessions, id, 'C', lease_begin(0, 10), &session, &err), err);
    session_saved(&sessions, changes.first);
    assert_int_equal(changes.count, 0);
    assert_false(session_has_ended(&sessions, id));
    session_remove(&sessions, session);
    assert_true(session_has_ended(&sessions, id));
    assert_null(session_find(&sessions, id));
    assert_int_equal(changes.count, 1);
    assert_true(changes.first->gone);
    session_saved(&sessions, changes.first);
    assert_int_equal(changes.count, 0);
    check_ok(session_add(&sessions, id, 'C', lease_begin(0, 10), &session, &err), err);
    session_remove(&sessions, session); /* was never written: nothing to delete */
    assert_int_equal(changes.count, 0);
    sessions_release(&sessions);
}

static void
test_sessions_bounded(void **state)
{
    rows_t changes = {0};
    sessions_t sessions;
    session_t *session;
    err_t err;

    (void)state;
    sessions_init(&sessions, &changes);
    for (int i = 0; i < SESSIONS_MAX; i++)
        check_ok(session_add(&sessions, oid_new(), 'C', lease_begin(0, 10), &session, &err), err);
    check_fails(session_add(&sessions, oid_new(), 'C', lease_begin(0, 10), &session, &err), FH_LIMIT_EXCEEDED, err);
    sessions_release(&sessions);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step_every_pair_as_written_down),
        cmocka_unit_test(test_session_attached_found_by_its_newest_connection),
        cmocka_unit_test(test_session_removed_remembered_and_deleted_from_the_file),
        cmocka_unit_test(test_sessions_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
