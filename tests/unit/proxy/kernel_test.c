/* Kernels against an engine that says what the test wants: answers that make no sense, silence, and the messages of
 * halos. */
#include "base/clock.h"
#include "proxy/array.h"
#include "proxy/kernel.h"
#include "tests/unit/proxy/fake_peer.h"

#include <stdio.h>
#include <string.h>

static const char CODE[] = "not looked at by anybody here";

typedef struct {
    fake_peer_t broker, engine;
    fh_session *session;
    const msg_KERNEL_INFO_t *answer; /* to KERNEL */
    int loads;                       /* KERNEL messages so far */
    msg_code_t code;                 /* of the message that answers it */
} rig_t;

/* Runs every 50 ms or so while the session waits. */
static int
answer(void *context)
{
    rig_t *self = context;
    message_t message;
    while (fake_peer_take(&self->engine, &message)) {
        if (message.code != MSG_KERNEL || !self->answer)
            continue;
        self->loads++;
        message_t reply = {.code = self->code};
        if (self->code == MSG_KERNEL_INFO)
            reply.as.KERNEL_INFO = *self->answer;
        uint64_t call = message_call(&message);
        memcpy(&reply.as, &call, sizeof call); /* the first field of every message */
        fake_peer_send(&self->engine, &reply);
    }
    return 0;
}

static void
rig_start(rig_t *self, double timeout_s)
{
    *self = (rig_t){.code = MSG_KERNEL_INFO};
    fake_peer_init(&self->broker, 'B');
    fake_peer_init(&self->engine, 'E');
    self->session = fake_session(&self->broker, &self->engine, 1, timeout_s, answer, self);
}

static void
rig_stop(rig_t *self)
{
    fake_session_close(self->session);
    fake_peer_release(&self->broker);
    fake_peer_release(&self->engine);
}

static int
load(rig_t *self, const msg_KERNEL_INFO_t *info, fh_kernel **ret, err_t *err)
{
    self->answer = info;
    return fh_kernel_load(self->session, CODE, sizeof CODE, &(fh_kernel_options){.force = 1}, ret, (fh_error *)err);
}

#define INTS(...) {(const int64_t[]){__VA_ARGS__}, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)}
#define TEXT(text) {text, sizeof text - 1}

static void
answers_that_make_no_sense_are_refused(void **state)
{
    const msg_KERNEL_INFO_t wrong[] = {
        {.entry = TEXT("f"), .kind = TEXT("ufunc"), .in = INTS(12, 99), .out = INTS(12)},
        {.entry = TEXT("f"), .kind = TEXT("ufunc"), .in = INTS(12, -1), .out = INTS(12)},
        {.entry = TEXT("f"), .kind = TEXT("ufunc"), .in = INTS(0), .out = INTS(12)},
        {.entry = TEXT("f"), .kind = TEXT("ufunc"), .in = INTS(12), .out = INTS(12, 12)},
        {.entry = TEXT("f"), .kind = TEXT("piece"), .in = INTS(12)},
        {.entry = TEXT("f"), .kind = TEXT("gufunc"), .in = INTS(12), .out = INTS(12)},
        {.entry = TEXT("f"), .kind = TEXT("gufunc"), .layout = TEXT("(n),(n)->()"), .in = INTS(12), .out = INTS(12)},
        {.entry = TEXT("f"), .kind = TEXT("gufunc"), .layout = TEXT("(((("), .in = INTS(12), .out = INTS(12)},
        {.entry = TEXT("f"), .kind = TEXT("reduction"), .in = INTS(12), .out = INTS(12)},
        {.entry = TEXT("f"), .kind = TEXT("reduction"), .state = 16, .out = INTS(12)},
        {.entry = TEXT("f"), .kind = TEXT("reduction"), .state = 16, .in = INTS(12), .out = INTS(12, 12)},
    };
    const msg_KERNEL_INFO_t good = {.entry = TEXT("f"), .kind = TEXT("ufunc"), .in = INTS(12, 12), .out = INTS(12)};
    rig_t rig;
    err_t err;
    fh_kernel *kernel = NULL;
    (void)state;
    rig_start(&rig, 5);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_not_equal(load(&rig, &wrong[i], &kernel, &err), FH_OK);
        assert_true(err.status == FH_PROTOCOL_ERROR || err.status == FH_INVALID_ARGUMENT);
        assert_null(kernel);
    }
    rig.code = MSG_END;
    check_fails(load(&rig, &good, &kernel, &err), FH_PROTOCOL_ERROR, err);
    rig.code = MSG_KERNEL_INFO;
    check_ok(load(&rig, &good, &kernel, &err), err);
    assert_int_equal(kernel->code->info.nin, 2);
    fh_kernel_free(&kernel);
    rig_stop(&rig);
}

/* What an engine knew through a connection that is gone, it may have forgotten. */
static void
a_new_connection_is_told_again(void **state)
{
    const msg_KERNEL_INFO_t good = {.entry = TEXT("f"), .kind = TEXT("ufunc"), .in = INTS(12), .out = INTS(12)};
    rig_t rig;
    err_t err;
    (void)state;
    rig_start(&rig, 5);
    rig.answer = &good;
    for (int i = 0; i < 4; i++) {
        fh_kernel *kernel = NULL;
        if (i == 2)
            rig.session->engines[0]->opened++;
        check_ok(fh_kernel_load(rig.session, CODE, sizeof CODE, NULL, &kernel, (fh_error *)&err), err);
        assert_int_equal(rig.loads, i < 2 ? 1 : 2);
        fh_kernel_free(&kernel);
    }
    rig_stop(&rig);
}

static void
count_visits(void *context, const fh_progress *progress)
{
    (void)progress;
    ++*(int *)context;
}

static void
progress_does_not_wait_for_the_silent(void **state)
{
    rig_t rig;
    err_t err;
    int visits = 0;
    message_t message = {.code = MSG_SYNC};
    (void)state;
    rig_start(&rig, 60);
    engine_link_t *engine = rig.session->engines[0];
    check_ok(fh_session_progress(rig.session, count_visits, &visits, (fh_error *)&err), err);
    assert_int_equal(engine->questions, 0); /* it has nothing to do */
    check_ok(engine_link_call(engine, &message, NULL, NULL, &err), err);
    uint64_t last = engine->conn.last_call;
    int64_t began = clock_now_ns();
    check_ok(fh_session_progress(rig.session, count_visits, &visits, (fh_error *)&err), err);
    assert_true(clock_now_ns() - began < INT64_C(20000000000));
    assert_int_equal(visits, 0);
    assert_int_equal(engine->questions, 1);
    assert_true(engine->conn.last_call == last); /* no credit is used up */
    assert_null(engine->conn.requests);
    rig_stop(&rig);
}

/* An array of float64 in pieces of these lengths, all on the engine. */
static fh_array *
make_array(rig_t *self, const int64_t *lengths, int n)
{
    err_t err;
    fh_array *array = NULL;
    shape_t shape = {.ndim = 1};
    for (int i = 0; i < n; i++)
        shape.extent[0] += lengths[i];
    check_ok(array_new(&array, self->session, DTYPE_FLOAT64, &shape, 0, n, &err), err);
    for (int i = 0; i < n; i++) {
        handle_t *handle = NULL;
        array->cuts[i] = (piece_t){i ? array->cuts[i - 1].start + array->cuts[i - 1].length : 0, lengths[i]};
        check_ok(handle_new(&handle, self->session->engines[0], OID_NONE, 8 * lengths[i], &err), err);
        array_put(array, i, handle, NULL);
    }
    return array;
}

/* The messages for a halo of width 2: strips where there is room, else one array with pads. */
static void
halos_are_strips_or_pads(void **state)
{
    const msg_KERNEL_INFO_t info = {
        .entry = TEXT("f"), .kind = TEXT("array"), .in = INTS(12, 12), .signature = TEXT("")};
    static const int64_t lengths[] = {8, 8, 3, 1, 8}, halo[] = {2};
    static const struct {
        bool low, high;
        uint64_t pad_low, pad_high;
        int64_t base;
    } wanted[] = {{false, true, 0, 0, 0},
                  {true, true, 0, 0, 8},
                  {false, false, 2, 2, 14},
                  {false, false, 2, 2, 17},
                  {true, false, 0, 0, 20}};
    rig_t rig;
    err_t err;
    fh_kernel *kernel = NULL;
    fh_array *made = NULL;
    message_t message;
    int i = 0;
    (void)state;
    rig_start(&rig, 5);
    check_ok(load(&rig, &info, &kernel, &err), err);
    fh_array *x = make_array(&rig, lengths, 5);
    fh_operand in = {.kind = FH_ARRAY, .array = x};
    const fh_kernel_map_options options = {.halo = halo, .nhalo = 1};
    check_ok(fh_kernel_map(kernel, &in, 1, &options, &made, 1, (fh_error *)&err), err);
    while (fake_peer_take(&rig.engine, &message)) {
        const msg_KERNEL_MAP_t *map = &message.as.KERNEL_MAP;
        if (message.code != MSG_KERNEL_MAP)
            continue;
        assert_true(i < 5);
        assert_int_equal(map->axis, 0);
        assert_int_equal(map->piece, i + 1);
        assert_int_equal(map->width, 2);
        assert_int_equal(map->low.count, wanted[i].low);
        assert_int_equal(map->high.count, wanted[i].high);
        assert_int_equal(map->pad_low, wanted[i].pad_low);
        assert_int_equal(map->pad_high, wanted[i].pad_high);
        assert_int_equal(map->bases.items[0], wanted[i].base);
        assert_int_equal(map->wholes.items[0], 28);
        assert_int_equal(map->bases.items[1], x->cuts[i].start);
        assert_int_equal(map->shapes.items[0], lengths[i]);
        i++;
    }
    assert_int_equal(i, 5);
    fh_array_free(&made);
    fh_array_free(&x);
    fh_kernel_free(&kernel);
    rig_stop(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_that_make_no_sense_are_refused),
        cmocka_unit_test(a_new_connection_is_told_again),
        cmocka_unit_test(progress_does_not_wait_for_the_silent),
        cmocka_unit_test(halos_are_strips_or_pads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
