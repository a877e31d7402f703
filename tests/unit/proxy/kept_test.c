/* Values that the client has completed: when an engine gets them, and when it does not. */
#include "proxy/align.h"
#include "proxy/kept.h"
#include "proxy/tail_parts.h"
#include "tests/unit/proxy/fake_peer.h"

#include <stdlib.h>
#include <string.h>

enum { ENGINES = 2, COUNT = 100 };

static const shape_t VECTOR = {.ndim = 1, .extent = {COUNT}}, NUMBER = {.ndim = 0};

typedef struct {
    fake_peer_t broker, engines[ENGINES];
    fh_session *session;
    handle_t *x[ENGINES];
    handle_t *made;
} rig_t;

static message_t
expect(rig_t *self, int engine, msg_code_t code)
{
    return fake_session_expect(self->session, &self->engines[engine], code);
}

static void
expect_nothing(rig_t *self)
{
    fake_session_expect_nothing(self->session, self->engines, ENGINES);
}

static int
start(void **state)
{
    static rig_t rig;
    err_t err;
    rig = (rig_t){0};
    fake_peer_init(&rig.broker, 'B');
    for (int i = 0; i < ENGINES; i++)
        fake_peer_init(&rig.engines[i], 'E');
    rig.session = fake_session(&rig.broker, rig.engines, ENGINES, 1, NULL, NULL);
    rig.session->fusion = true;
    for (int i = 0; i < ENGINES; i++) {
        check_ok(emit_empty(rig.session->engines[i], DTYPE_FLOAT64, &VECTOR, NULL, &rig.x[i], &err), err);
        expect(&rig, i, MSG_EMPTY);
    }
    *state = &rig;
    return 0;
}

static int
stop(void **state)
{
    rig_t *self = *state;
    handle_unref(&self->made);
    for (int i = 0; i < ENGINES; i++)
        handle_unref(&self->x[i]);
    fake_session_close(self->session);
    fake_peer_release(&self->broker);
    for (int i = 0; i < ENGINES; i++)
        fake_peer_release(&self->engines[i]);
    return 0;
}

/* A number that is kept for an engine. */
static handle_t *
keep(rig_t *self, int engine, double number)
{
    handle_t *handle;
    kept_t kept;
    err_t err;
    check_ok(handle_new(&handle, self->session->engines[engine], OID_NONE, sizeof number, &err), err);
    check_ok(kept_init(&kept, handle->engine, handle->id, DTYPE_FLOAT64, &NUMBER, NULL, &err), err);
    memcpy(kept.nd.data, &number, sizeof number);
    assert_true(kept_put(&kept));
    return handle;
}

static void
touch(rig_t *self, int engine)
{
    handle_t *former = self->made;
    err_t err;
    check_ok(emit_reduce(self->x[engine], REDUCE_SUM, 1, false, DTYPE_FLOAT64, 0, &NUMBER, &self->made, &err), err);
    handle_unref(&former);
}

static void
the_next_call_to_its_engine_brings_it_there(void **state)
{
    rig_t *rig = *state;
    handle_t *value = keep(rig, 0, 7);
    expect_nothing(rig);
    touch(rig, 1);
    expect(rig, 1, MSG_REDUCE);
    expect_nothing(rig);
    assert_non_null(kept_find(value->engine, value->id));
    touch(rig, 0);
    message_t message = expect(rig, 0, MSG_EMPTY);
    assert_true(oid_equal(message.as.EMPTY.result, value->id));
    expect(rig, 0, MSG_REDUCE);
    expect_nothing(rig);
    assert_null(kept_find(value->engine, value->id));
    handle_unref(&value);
}

static void
a_flush_brings_it_there(void **state)
{
    rig_t *rig = *state;
    handle_t *value = keep(rig, 1, 7);
    fh_error error;
    assert_true(fh_unsent(rig->session));
    assert_int_equal(fh_flush(rig->session, 0, &error), FH_OK);
    expect(rig, 1, MSG_EMPTY);
    assert_false(fh_unsent(rig->session));
    handle_unref(&value);
}

static void
nobody_gets_what_is_dropped(void **state)
{
    rig_t *rig = *state;
    handle_t *value = keep(rig, 0, 7);
    handle_unref(&value);
    assert_false(fh_unsent(rig->session));
    touch(rig, 0);
    expect(rig, 0, MSG_REDUCE);
    expect_nothing(rig);
    assert_int_equal(rig->session->engines[0]->ndropped, 0);
}

static void
there_are_few_and_small_ones(void **state)
{
    rig_t *rig = *state;
    handle_t *values[64];
    kept_t more;
    err_t err;
    int n = 0;
    do
        values[n] = keep(rig, 0, n);
    while (++n < 8);
    handle_t *last;
    check_ok(handle_new(&last, rig->session->engines[0], OID_NONE, 8, &err), err);
    check_ok(kept_init(&more, last->engine, last->id, DTYPE_FLOAT64, &NUMBER, NULL, &err), err);
    assert_false(kept_put(&more));
    handle_unref(&values[--n]);
    check_ok(kept_init(&more, last->engine, last->id, DTYPE_FLOAT64, &(shape_t){1, {KEPT_BYTES / 8 + 1}}, NULL, &err),
             err);
    assert_false(kept_put(&more));
    while (n > 0)
        handle_unref(&values[--n]);
    handle_unref(&last);
    assert_false(fh_unsent(rig->session));
}

/* ---- joins that nobody wants ---------------------------------------------------------------------------------------
 */

/* The sum of x + 1 over both engines, which waits. */
static handle_t *
waiting_sum(rig_t *self)
{
    tail_join_t join = {.to = self->session->engines[0], .reduce = REDUCE_SUM, .dtype = DTYPE_FLOAT64, .n = ENGINES};
    handle_t *made;
    err_t err;
    join.states = calloc(ENGINES, sizeof(handle_t *));
    join.shapes = calloc(ENGINES, sizeof *join.shapes);
    join.cuts = calloc(ENGINES + 1, sizeof *join.cuts);
    self->session->tails_ns = INT64_MAX; /* what waits waits, however slow this machine is */
    for (int i = 0; i < ENGINES; i++) {
        operand_t in[2] = {{.object = self->x[i]->id}, {.dtype = DTYPE_FLOAT64}};
        message_t message = {.code = MSG_UFUNC};
        handle_t *raised;
        check_ok(handle_new(&raised, self->session->engines[i], OID_NONE, 8 * COUNT, &err), err);
        tail_memory_t memory = {.in = {self->x[i]->root}};
        message.as.UFUNC.op = str_of("add");
        message.as.UFUNC.inputs = (operands_t){in, 2};
        message.as.UFUNC.results = (oids_t){&raised->id, 1};
        message.as.UFUNC.loop_in = (uint64_t)DTYPE_FLOAT64 | (uint64_t)DTYPE_FLOAT64 << 8;
        message.as.UFUNC.loop_out = (uint64_t)DTYPE_FLOAT64;
        check_ok(tail_ufunc(raised->engine, op_find("add", 3), &message, &memory, &VECTOR, &err), err);
        join.shapes[i] = (shape_t){.ndim = 1, .extent = {reduction_slots(i * COUNT, (i + 1) * COUNT, 2 * COUNT)}};
        join.cuts[i + 1] = (i + 1) * COUNT;
        check_ok(emit_reduce_piece(raised, REDUCE_SUM, 1, DTYPE_FLOAT64, 0, i * COUNT, 2 * COUNT, &join.shapes[i],
                                   &join.states[i], &err),
                 err);
        handle_unref(&raised);
    }
    check_ok(tail_join(&join, &made, &err), err);
    return made;
}

static handle_t *
reduce(handle_t *a)
{
    handle_t *made;
    err_t err;
    check_ok(emit_reduce(a, REDUCE_MAX, 0, false, DTYPE_FLOAT64, 0, &NUMBER, &made, &err), err);
    return made;
}

static void
send_all(rig_t *self)
{
    err_t err;
    check_ok(tail_send(self->session, &err), err);
}

static void
joins_that_nobody_wants_are_not_made(void **state)
{
    rig_t *rig = *state;
    handle_t *sum = waiting_sum(rig);
    handle_unref(&sum);
    assert_int_equal(rig->session->njoins, 0);
    send_all(rig);
    expect_nothing(rig);
}

static void
nor_what_follows_them(void **state)
{
    rig_t *rig = *state;
    handle_t *sum = waiting_sum(rig), *after = reduce(sum);
    handle_unref(&sum);
    assert_int_equal(rig->session->njoins, 1); /* what follows takes it */
    handle_unref(&after);
    assert_int_equal(rig->session->njoins + rig->session->nfollowers, 0);
    send_all(rig);
    expect_nothing(rig);
}

static void
views_keep_what_is_written_through_them(void **state)
{
    rig_t *rig = *state;
    handle_t *sum = waiting_sum(rig), *seen;
    shape_t one = {.ndim = 1, .extent = {1}};
    nd_t nd;
    err_t err;
    nd_init(&nd, ARRAY_BASE, DTYPE_FLOAT64, &one);
    check_ok(emit_view(sum, &nd, &seen, &err), err);
    operand_t in[2] = {{.object = seen->id}, {.dtype = DTYPE_FLOAT64}};
    message_t message = {.code = MSG_UFUNC};
    tail_memory_t memory = {.in = {sum->root}, .out = {sum->root}};
    message.as.UFUNC.op = str_of("add");
    message.as.UFUNC.inputs = (operands_t){in, 2};
    message.as.UFUNC.results = (oids_t){&seen->id, 1};
    message.as.UFUNC.outs = 1;
    message.as.UFUNC.loop_in = (uint64_t)DTYPE_FLOAT64 | (uint64_t)DTYPE_FLOAT64 << 8;
    message.as.UFUNC.loop_out = (uint64_t)DTYPE_FLOAT64;
    check_ok(tail_ufunc(seen->engine, op_find("add", 3), &message, &memory, &one, &err), err);
    handle_unref(&seen);
    assert_int_equal(rig->session->nfollowers, 2);
    send_all(rig);
    for (int found = 0; !found;) {
        message_t sent;
        session_push(rig->session);
        assert_true(fake_peer_take(&rig->engines[0], &sent));
        found = sent.code == MSG_UFUNC && sent.as.UFUNC.outs;
    }
    handle_unref(&sum);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_next_call_to_its_engine_brings_it_there, start, stop),
        cmocka_unit_test_setup_teardown(a_flush_brings_it_there, start, stop),
        cmocka_unit_test_setup_teardown(nobody_gets_what_is_dropped, start, stop),
        cmocka_unit_test_setup_teardown(there_are_few_and_small_ones, start, stop),
        cmocka_unit_test_setup_teardown(joins_that_nobody_wants_are_not_made, start, stop),
        cmocka_unit_test_setup_teardown(nor_what_follows_them, start, stop),
        cmocka_unit_test_setup_teardown(views_keep_what_is_written_through_them, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
