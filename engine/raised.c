#include "engine/raised.h"

#include "engine/compute/flags.h"

#include <stdlib.h>
#include <string.h>

enum { OP_ROOM = RAISED_NAME_MAX + 1 };

typedef struct {
    uint64_t watch;
    unsigned flags;
    char op[OP_ROOM];
} row_t;

struct raised {
    int count;
    row_t rows[RAISED_MAX];
};

void
raised_note(lane_t *lane, uint64_t watch, unsigned flags, str_t op)
{
    row_t *row = NULL;

    flags &= (unsigned)(watch & FLAGS_ALL);
    if (!flags || lane->gone || op.size >= OP_ROOM)
        return;
    if (!lane->raised)
        lane->raised = calloc(1, sizeof *lane->raised);
    if (!lane->raised)
        return;
    for (int i = 0; i < lane->raised->count && !row; i++)
        if (lane->raised->rows[i].watch == watch && str_is(op, lane->raised->rows[i].op))
            row = &lane->raised->rows[i];
    if (!row) {
        if (lane->raised->count == RAISED_MAX)
            return;
        row = &lane->raised->rows[lane->raised->count++];
        *row = (row_t){.watch = watch};
        memcpy(row->op, op.data, op.size);
    }
    row->flags |= flags;
}

static message_t
message_of(const lane_t *lane, const row_t *row, bool to_engine)
{
    return (message_t){.code = MSG_FLAGS,
                       .as.FLAGS = {.session = to_engine ? lane->owner.session : OID_NONE,
                                    .watch = row->watch,
                                    .flags = row->flags,
                                    .op = str_of(row->op)}};
}

void
raised_tell(lane_t *lane)
{
    if (!lane->raised || !lane->outbox)
        return;
    for (int i = 0; i < lane->raised->count; i++) {
        message_t message = message_of(lane, &lane->raised->rows[i], false);

        (void)outbox_add(lane->outbox, &message, NULL, NULL); /* without memory the answer itself matters more */
    }
    lane->raised->count = 0;
}

int
raised_forward(core_t *core, oid_t session, oid_t engine, const transfer_way_t *way)
{
    lane_t *lane = lanes_find(&core->lanes, session);
    int status = FH_OK;

    while (lane && lane->raised && lane->raised->count && !status) {
        message_t message = message_of(lane, &lane->raised->rows[lane->raised->count - 1], true);

        status = way->send(way->context, engine, &message, NULL, NULL);
        lane->raised->count -= status == FH_OK;
    }
    return status;
}

void
raised_take(core_t *core, const msg_FLAGS_t *message)
{
    lane_t *lane = lanes_find(&core->lanes, message->session);

    if (lane)
        raised_note(lane, message->watch, (unsigned)message->flags, message->op);
}
