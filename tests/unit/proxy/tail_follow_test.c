/* Calls that wait for what reductions give: which do, in what order all is sent, and what is sent then. */
#include "proxy/align.h"
#include "proxy/tail_parts.h"
#include "tests/unit/proxy/fake_peer.h"

#include <string.h>

enum { ENGINES = 2, COUNT = 100, HANDLES = TAIL_FOLLOWERS + 16 };

static const shape_t VECTOR = {.ndim = 1, .extent = {COUNT}}, NUMBER = {.ndim = 0};

typedef struct {
    fake_peer_t broker, engines[ENGINES];
    fh_session *session;
    handle_t *x[ENGINES]; /* an array that exists */
    handle_t *handles[HANDLES];
    int nhandles;
} rig_t;

static handle_t *
keep(rig_t *self, handle_t *handle)
{
    assert_true(self->nhandles < HANDLES);
    return self->handles[self->nhandles++] = handle;
}

/* The next message that an engine gets, which must be of that kind. */
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

static void
send_all(rig_t *self)
{
    err_t err;
    check_ok(tail_send(self->session, &err), err);
    assert_false(tail_waits(self->session));
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
        keep(&rig, rig.x[i]);
        expect(&rig, i, MSG_EMPTY);
    }
    *state = &rig;
    return 0;
}

static int
stop(void **state)
{
    rig_t *self = *state;
    for (int i = 0; i < self->nhandles; i++)
        handle_unref(&self->handles[i]);
    fake_session_close(self->session);
    fake_peer_release(&self->broker);
    for (int i = 0; i < ENGINES; i++)
        fake_peer_release(&self->engines[i]);
    return 0;
}

/* a + number, of that shape; what the message points to is used for something else afterwards. */
static handle_t *
add(rig_t *self, handle_t *a, double number, const shape_t *shape)
{
    handle_t *made;
    err_t err;
    operand_t in[2] = {{.object = a->id}, {.dtype = DTYPE_FLOAT64}};
    message_t message = {.code = MSG_UFUNC};
    char name[] = "add";
    check_ok(handle_new(&made, a->engine, OID_NONE, shape_bytes(shape, DTYPE_FLOAT64), &err), err);
    oid_t result = made->id;
    tail_memory_t memory = {.in = {a->root}};
    memcpy(in[1].scalar, &number, sizeof number);
    message.as.UFUNC.op = str_of(name);
    message.as.UFUNC.inputs = (operands_t){in, 2};
    message.as.UFUNC.results = (oids_t){&result, 1};
    message.as.UFUNC.loop_in = (uint64_t)DTYPE_FLOAT64 | (uint64_t)DTYPE_FLOAT64 << 8;
    message.as.UFUNC.loop_out = (uint64_t)DTYPE_FLOAT64;
    self->session->tails_ns = INT64_MAX; /* what waits waits, however slow this machine is */
    check_ok(tail_ufunc(a->engine, op_find("add", 3), &message, &memory, shape, &err), err);
    memset(in, 0xff, sizeof in);
    memset(name, '?', sizeof name - 1);
    result = OID_NONE;
    return keep(self, made);
}

static handle_t *
reduce(rig_t *self, handle_t *a, reduce_t reduction)
{
    handle_t *made;
    err_t err;
    check_ok(emit_reduce(a, reduction, 1, false, DTYPE_FLOAT64, 0, &NUMBER, &made, &err), err);
    return keep(self, made);
}

/* The sum of x + 1 on an engine, which waits; x + 1 itself nobody wants. */
static handle_t *
waiting_sum(rig_t *self, int engine)
{
    handle_t *raised = add(self, self->x[engine], 1, &VECTOR), *sum = reduce(self, raised, REDUCE_SUM);
    assert_ptr_equal(self->handles[self->nhandles - 2], raised);
    self->handles[self->nhandles - 2] = sum;
    self->nhandles--;
    handle_unref(&raised);
    return sum;
}

/* A number seen as a vector of one. */
static handle_t *
see(rig_t *self, handle_t *number)
{
    handle_t *made;
    nd_t nd;
    err_t err;
    nd_init(&nd, ARRAY_BASE, DTYPE_FLOAT64, &(shape_t){.ndim = 1, .extent = {1}});
    check_ok(emit_view(number, &nd, &made, &err), err);
    return keep(self, made);
}

static void
small_calls_follow_what_they_take(void **state)
{
    rig_t *rig = *state;
    handle_t *sum = waiting_sum(rig, 0), *seen = see(rig, sum), *more = add(rig, seen, 0.5, &(shape_t){1, {1}});
    double number;
    expect_nothing(rig);
    send_all(rig);
    message_t message = expect(rig, 0, MSG_FUSED);
    assert_true(oid_equal(message.as.FUSED.results.items[0], sum->id));
    message = expect(rig, 0, MSG_VIEW);
    assert_true(oid_equal(message.as.VIEW.object, sum->id) && oid_equal(message.as.VIEW.result, seen->id));
    assert_int_equal(message.as.VIEW.shape.count, 1);
    assert_int_equal(message.as.VIEW.shape.items[0], 1);
    message = expect(rig, 0, MSG_UFUNC); /* as it was when it was asked for */
    assert_true(str_is(message.as.UFUNC.op, "add"));
    assert_true(oid_equal(message.as.UFUNC.inputs.items[0].object, seen->id));
    memcpy(&number, message.as.UFUNC.inputs.items[1].scalar, sizeof number);
    assert_true(number == 0.5);
    assert_true(oid_equal(message.as.UFUNC.results.items[0], more->id));
    expect_nothing(rig);
}

static void
calls_that_need_nothing_of_it_send_the_tail_first(void **state)
{
    rig_t *rig = *state;
    handle_t *sum = waiting_sum(rig, 0);
    see(rig, sum);
    see(rig, rig->x[0]);
    assert_false(tail_waits(rig->session));
    expect(rig, 0, MSG_FUSED);
    message_t message = expect(rig, 0, MSG_VIEW);
    assert_true(oid_equal(message.as.VIEW.object, sum->id));
    message = expect(rig, 0, MSG_VIEW);
    assert_true(oid_equal(message.as.VIEW.object, rig->x[0]->id));
    expect_nothing(rig);
}

static void
both_ends_of_a_transfer_follow(void **state)
{
    rig_t *rig = *state;
    handle_t *sum = waiting_sum(rig, 0), *there;
    err_t err;
    check_ok(emit_transfer(sum, rig->session->engines[1], DTYPE_FLOAT64, &NUMBER, &there, &err), err);
    keep(rig, there);
    handle_t *seen = see(rig, there);
    expect_nothing(rig);
    send_all(rig);
    expect(rig, 0, MSG_FUSED);
    message_t message = expect(rig, 0, MSG_SEND);
    assert_true(oid_equal(message.as.SEND.object, sum->id) && oid_equal(message.as.SEND.transfer, there->id));
    message = expect(rig, 1, MSG_EXPECT);
    assert_true(oid_equal(message.as.EXPECT.transfer, there->id));
    message = expect(rig, 1, MSG_VIEW);
    assert_true(oid_equal(message.as.VIEW.result, seen->id));
    expect_nothing(rig);
}

static void
one_more_than_there_is_room_for_sends_all_in_order(void **state)
{
    rig_t *rig = *state;
    handle_t *sum = waiting_sum(rig, 0), *seen[TAIL_FOLLOWERS + 1];
    for (int i = 0; i < TAIL_FOLLOWERS; i++)
        seen[i] = see(rig, sum);
    expect_nothing(rig);
    seen[TAIL_FOLLOWERS] = see(rig, sum);
    expect(rig, 0, MSG_FUSED);
    for (int i = 0; i <= TAIL_FOLLOWERS; i++)
        assert_true(oid_equal(expect(rig, 0, MSG_VIEW).as.VIEW.result, seen[i]->id));
    expect_nothing(rig);
}

static void
what_is_written_from_it_waits_with_it(void **state)
{
    rig_t *rig = *state;
    handle_t *sum = waiting_sum(rig, 0), *target;
    operand_t source = {.object = sum->id};
    err_t err;
    check_ok(emit_empty(rig->session->engines[0], DTYPE_FLOAT64, &VECTOR, NULL, &target, &err), err);
    keep(rig, target);
    check_ok(emit_assign(target, &source, NULL, &err), err);
    memset(&source, 0xff, sizeof source);
    handle_t *least = reduce(rig, target, REDUCE_MIN);
    expect_nothing(rig);
    /* An array that exists is not among what waits: to write it, all must have been sent. */
    source = (operand_t){.object = sum->id};
    check_ok(emit_assign(rig->x[0], &source, NULL, &err), err);
    assert_false(tail_waits(rig->session));
    expect(rig, 0, MSG_FUSED);
    assert_true(oid_equal(expect(rig, 0, MSG_EMPTY).as.EMPTY.result, target->id));
    message_t message = expect(rig, 0, MSG_ASSIGN);
    assert_true(oid_equal(message.as.ASSIGN.source.items[0].object, sum->id));
    message = expect(rig, 0, MSG_REDUCE);
    assert_true(str_is(message.as.REDUCE.op, "min") && oid_equal(message.as.REDUCE.result, least->id));
    assert_int_equal(message.as.REDUCE.axes.count, 1);
    assert_int_equal(message.as.REDUCE.axes.items[0], 0);
    assert_true(oid_equal(expect(rig, 0, MSG_ASSIGN).as.ASSIGN.target, rig->x[0]->id));
    expect_nothing(rig);
}

/* The sums of both engines, one behind the other. */
static handle_t *
stack(rig_t *self)
{
    handle_t *sums[ENGINES], *made;
    err_t err;
    for (int i = 0; i < ENGINES; i++)
        sums[i] = waiting_sum(self, i);
    check_ok(align_stack(self->session->engines[0], DTYPE_FLOAT64, sums, &NUMBER, ENGINES, &made, &err), err);
    return keep(self, made);
}

static void
joins_are_found_from_what_is_made_of_them(void **state)
{
    rig_t *rig = *state;
    handle_t *values = stack(rig), *indices = stack(rig), *where;
    tail_join_t *joins[4];
    err_t err;
    check_ok(emit_arg_combine(REDUCE_ARGMAX, values, indices, &NUMBER, &where, &err), err);
    keep(rig, where);
    handle_t *largest = reduce(rig, values, REDUCE_MAX), *seen = see(rig, where);
    expect_nothing(rig);
    assert_int_equal(tail_origins(rig->session, rig->x[0]->id, joins, 4), 0);
    assert_int_equal(tail_origins(rig->session, largest->id, joins, 4), 1);
    assert_true(oid_equal(joins[0]->result, values->id));
    assert_int_equal(tail_origins(rig->session, seen->id, joins, 4), 2);
    assert_true(oid_equal(joins[0]->result, indices->id) && oid_equal(joins[1]->result, values->id));
    assert_int_equal(tail_origins(rig->session, seen->id, joins, 1), 1);
    send_all(rig);
    for (int i = 0; i < 2; i++) { /* the states on their engine, and the way of one to the other */
        expect(rig, 0, MSG_FUSED);
        expect(rig, 1, MSG_FUSED);
    }
    for (int i = 0; i < 2; i++) {
        expect(rig, 1, MSG_SEND);
        expect(rig, 0, MSG_EXPECT);
        message_t message = expect(rig, 0, MSG_STACK);
        assert_int_equal(message.as.STACK.parts.count, ENGINES);
        assert_true(oid_equal(message.as.STACK.result, i == 0 ? values->id : indices->id));
    }
    message_t message = expect(rig, 0, MSG_ARG_COMBINE);
    assert_true(str_is(message.as.ARG_COMBINE.op, "argmax"));
    assert_true(oid_equal(message.as.ARG_COMBINE.values, values->id) &&
                oid_equal(message.as.ARG_COMBINE.indices, indices->id));
    expect(rig, 0, MSG_REDUCE);
    expect(rig, 0, MSG_VIEW);
}

static void
without_a_tail_nothing_waits(void **state)
{
    rig_t *rig = *state;
    handle_t *sum = reduce(rig, rig->x[0], REDUCE_SUM);
    see(rig, sum);
    assert_false(tail_waits(rig->session));
    expect(rig, 0, MSG_REDUCE);
    expect(rig, 0, MSG_VIEW);
    expect_nothing(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(small_calls_follow_what_they_take, start, stop),
        cmocka_unit_test_setup_teardown(calls_that_need_nothing_of_it_send_the_tail_first, start, stop),
        cmocka_unit_test_setup_teardown(both_ends_of_a_transfer_follow, start, stop),
        cmocka_unit_test_setup_teardown(one_more_than_there_is_room_for_sends_all_in_order, start, stop),
        cmocka_unit_test_setup_teardown(what_is_written_from_it_waits_with_it, start, stop),
        cmocka_unit_test_setup_teardown(joins_are_found_from_what_is_made_of_them, start, stop),
        cmocka_unit_test_setup_teardown(without_a_tail_nothing_waits, start, stop),
    };
    return cmocka_run_group_tests_name("proxy/tail_follow", tests, NULL, NULL);
}
