#include "tests/process/engine_pair.h"

#include <stdlib.h>
#include <string.h>

void
pair_open(pair_t *self, engine_rig_t *rig)
{
    self->rig = rig;
    caller_open(&self->from, rig, 0, OID_NONE, false);
    caller_open(&self->to, rig, 1, self->from.session, false);
}

void
pair_close(pair_t *self)
{
    caller_leave(&self->from);
    caller_leave(&self->to);
}

void
pair_send(pair_t *self, oid_t object, oid_t transfer)
{
    message_t message = {.code = MSG_SEND,
                         .as.SEND = {.object = object, .transfer = transfer, .engine = self->rig->engines[1].id}};

    (void)caller_send(&self->from, &message, NULL, 0);
}

void
pair_expect(pair_t *self, oid_t transfer, int64_t n)
{
    message_t message = {
        .code = MSG_EXPECT,
        .as.EXPECT = {
            .transfer = transfer, .engine = self->rig->engines[0].id, .dtype = DTYPE_FLOAT64, .shape = {&n, 1}}};

    (void)caller_send(&self->to, &message, NULL, 0);
}

void
pair_check(caller_t *caller, oid_t object, int64_t n, double first)
{
    oid_t ends[2] = {caller_view(caller, object, 0, 1, 8), caller_view(caller, object, (n - 1) * 8, 1, 8)};
    int64_t axis = 0;
    oid_t sum = oid_new();
    double got;

    caller_fetch(caller, ends[0], &got, sizeof got);
    assert_true(got == first);
    caller_fetch(caller, ends[1], &got, sizeof got);
    assert_true(got == first + (double)(n - 1));
    (void)caller_send(caller,
                      &(message_t){.code = MSG_REDUCE,
                                   .as.REDUCE = {.op = str_of("sum"),
                                                 .object = object,
                                                 .result = sum,
                                                 .axes = {&axis, 1},
                                                 .dtype = DTYPE_FLOAT64}},
                      NULL, 0);
    caller_fetch(caller, sum, &got, sizeof got);
    double wanted = (double)n * first + (double)n * (double)(n - 1) / 2;

    assert_true(got > wanted * (1 - 1e-12) && got < wanted * (1 + 1e-12));
}

oid_t
pair_make(caller_t *caller, int64_t n, double first)
{
    enum { PART = 128 * 1024 };
    double *values = malloc(PART * sizeof *values);
    oid_t id = caller_array(caller, DTYPE_FLOAT64, n, NULL);

    assert_non_null(values);
    for (int64_t at = 0; at < n; at += PART) {
        int64_t count = n - at < PART ? n - at : PART;

        for (int64_t i = 0; i < count; i++)
            values[i] = first + (double)(at + i);
        (void)caller_send(caller,
                          &(message_t){.code = MSG_WRITE, .as.WRITE = {.object = id, .offset = (uint64_t)at * 8}},
                          values, (size_t)count * 8);
    }
    free(values);
    return id;
}

void
array_is_sent_as_it_was_at_its_send(void **state)
{
    pair_t pair;
    oid_t transfer = oid_new();
    double zero = 0;
    operand_t source = {.dtype = DTYPE_FLOAT64};

    pair_open(&pair, *state);
    oid_t a = pair_make(&pair.from, LARGE, 3);

    pair_send(&pair, a, transfer); /* stops at its credit */
    memcpy(source.scalar, &zero, sizeof zero);
    (void)caller_send(&pair.from, &(message_t){.code = MSG_ASSIGN, .as.ASSIGN = {.target = a, .source = {&source, 1}}},
                      NULL, 0);
    caller_sync(&pair.from);
    pair_expect(&pair, transfer, LARGE);
    pair_check(&pair.to, transfer, LARGE, 3);
    pair_close(&pair);
}

void
all_memory_comes_back_when_the_sessions_end(void **state)
{
    pair_t pair;
    caller_t watcher[2];

    for (int i = 0; i < 2; i++)
        caller_open(&watcher[i], *state, i, OID_NONE, false);
    pair_open(&pair, *state);
    pair_send(&pair, pair_make(&pair.from, LARGE, 0), oid_new()); /* never expected */
    caller_sync(&pair.from);
    pair_close(&pair);
    for (int i = 0; i < 2; i++) {
        caller_wait_stat(&watcher[i], "used", 0);
        caller_wait_stat(&watcher[i], "objects", 0);
        caller_close(&watcher[i]);
    }
}
