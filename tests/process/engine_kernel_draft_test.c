/* KERNEL_MAP in two calls: a draft without its ends, then the ends. */
#include "tests/process/kernel_caller.h"

enum { WHOLE = 30, FROM = 10, COUNT = 10, LARGE = 20000 };

static int
start(void **state)
{
    static engine_rig_t rig;

    engine_rig_start(&rig, 1, NULL);
    *state = &rig;
    return 0;
}

static int
stop(void **state)
{
    engine_rig_stop(*state);
    return 0;
}

/* Elements [FROM, FROM + COUNT) of numbers that rise from 5 on, their strips, and a call of `three`, which adds each
 * element's neighbours to it. */
typedef struct {
    caller_t caller;
    oid_t whole, own, low, high, result;
    operand_t input;
    int64_t dtype, ndim, extent, bases[2], wholes[2];
    message_t message;
} piece_t;

static void
piece_init(piece_t *self, engine_rig_t *rig)
{
    *self =
        (piece_t){.dtype = DTYPE_FLOAT64, .ndim = 1, .extent = COUNT, .bases = {FROM, FROM}, .wholes = {WHOLE, WHOLE}};
    caller_open(&self->caller, rig, 0, OID_NONE, false);
    oid_t kernel = kernel_load(&self->caller, (kernel_wish_t){.file = "good/arrays", .entry = "three"}, NULL);

    self->whole = caller_doubles(&self->caller, WHOLE, 5, 1);
    self->own = caller_view(&self->caller, self->whole, 8 * FROM, COUNT, 8);
    self->low = caller_view(&self->caller, self->whole, 8 * (FROM - 1), 3, 8);
    self->high = caller_view(&self->caller, self->whole, 8 * (FROM + COUNT - 2), 3, 8);
    self->input.object = self->own;
    self->message = (message_t){.code = MSG_KERNEL_MAP,
                                .as.KERNEL_MAP = {.kernel = kernel,
                                                  .inputs = {&self->input, 1},
                                                  .results = {&self->result, 1},
                                                  .dtypes = {&self->dtype, 1},
                                                  .ndims = {&self->ndim, 1},
                                                  .shapes = {&self->extent, 1},
                                                  .bases = {self->bases, 2},
                                                  .wholes = {self->wholes, 2},
                                                  .width = 1}};
}

/* The first call; the id of the draft. */
static oid_t
make_draft(piece_t *self)
{
    msg_KERNEL_MAP_t *message = &self->message.as.KERNEL_MAP;

    self->result = oid_new();
    message->leave = 3;
    message->low = message->high = message->drafts = (oids_t){0};
    (void)caller_send(&self->caller, &self->message, NULL, 0);
    return self->result;
}

/* Let the message be the second call. */
static void
aim_at_ends(piece_t *self, const oid_t *draft)
{
    msg_KERNEL_MAP_t *message = &self->message.as.KERNEL_MAP;

    self->result = oid_new();
    message->leave = 0;
    message->low = (oids_t){&self->low, 1};
    message->high = (oids_t){&self->high, 1};
    message->drafts = (oids_t){draft, 1};
}

static void
expect_result(piece_t *self)
{
    double got[COUNT];

    kernel_run(&self->caller, &self->message, self->result, got, sizeof got);
    for (int i = 0; i < COUNT; i++)
        assert_true(got[i] == 3 * (5 + FROM + i));
}

static void
ends_complete_a_draft(void **state)
{
    piece_t piece;

    piece_init(&piece, *state);
    oid_t draft = make_draft(&piece);

    aim_at_ends(&piece, &draft);
    expect_result(&piece);
    caller_leave(&piece.caller);
}

/* A client that has mapped a draft makes the call begin anew on the thread that has time for a copy; what the first
 * attempt had pinned is let go. */
static void
mapped_draft_is_completed_elsewhere_and_nothing_stays(void **state)
{
    piece_t piece;
    caller_t *caller = &piece.caller;
    message_t message;

    piece_init(&piece, *state);
    int64_t before = caller_stat(caller, "segments");
    oid_t draft = make_draft(&piece), large = caller_array(caller, DTYPE_FLOAT64, LARGE, NULL), mapping = oid_new();
    oid_t view = caller_view(caller, large, 0, COUNT, 8);
    operand_t source = {.object = draft};

    (void)caller_send(caller, &(message_t){.code = MSG_ASSIGN, .as.ASSIGN = {.target = view, .source = {&source, 1}}},
                      NULL, 0);
    (void)caller_send(caller, &(message_t){.code = MSG_MAP, .as.MAP = {.object = large, .result = mapping}}, NULL, 0);
    caller_expect(caller, MSG_LOCATED, &message);
    aim_at_ends(&piece, &view);
    expect_result(&piece);
    const oid_t made[] = {piece.result, draft, view, large, mapping};

    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        caller_release(caller, made[i]);
    caller_wait_stat(caller, "segments", before);
    caller_leave(caller);
}

static void
refuse(piece_t *self, int status)
{
    (void)caller_send(&self->caller, &self->message, NULL, 0);
    kernel_expect_poison(&self->caller, self->result, status, NULL);
}

static void
drafts_that_do_not_fit_are_refused(void **state)
{
    piece_t piece;
    caller_t other;
    msg_KERNEL_MAP_t *message = &piece.message.as.KERNEL_MAP;

    piece_init(&piece, *state);
    caller_open(&other, *state, 0, OID_NONE, false);
    oid_t draft = make_draft(&piece), theirs = caller_doubles(&other, COUNT, 0, 0), nobody = oid_new();

    caller_sync(&other);
    aim_at_ends(&piece, &piece.whole);
    refuse(&piece, FH_INVALID_ARGUMENT); /* another shape */
    aim_at_ends(&piece, &theirs);
    refuse(&piece, FH_PERMISSION);
    aim_at_ends(&piece, &nobody);
    refuse(&piece, FH_NO_SUCH_OBJECT);
    aim_at_ends(&piece, &draft);
    message->leave = 1;
    refuse(&piece, FH_INVALID_ARGUMENT);
    aim_at_ends(&piece, &draft);
    message->low = message->high = (oids_t){0};
    refuse(&piece, FH_INVALID_ARGUMENT); /* nothing to complete it from */
    aim_at_ends(&piece, &draft);
    expect_result(&piece);
    caller_leave(&piece.caller);
    caller_close(&other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_complete_a_draft),
        cmocka_unit_test(mapped_draft_is_completed_elsewhere_and_nothing_stays),
        cmocka_unit_test(drafts_that_do_not_fit_are_refused),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
