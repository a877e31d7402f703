/* What the broker and the engines use memory for. */
#include "codecs/memory.h"

#include "proxy/error.h"
#include "proxy/session.h"

#include <string.h>

enum { COLUMNS = 4 };

typedef struct {
    int engine; /* -1: the broker */
    int (*visit)(void *context, const fh_memory_info *info);
    void *context;
    bool stopped, bad;
} memory_visit_t;

/* One row; what a peer of a later version adds behind is passed over. */
static void
tell(memory_visit_t *self, str_t kind, oid_t owner, int64_t bytes, int64_t count)
{
    fh_memory_info info = {.engine = self->engine, .bytes = bytes, .count = count};
    str_copy(kind, info.kind, sizeof info.kind);
    info.on_disk = strcmp(info.kind, memory_kind_text(MEMORY_SPILLED)) == 0;
    memcpy(info.owner.bytes, owner.bytes, sizeof info.owner.bytes);
    self->stopped = self->visit(self->context, &info) != 0;
}

static void
visit_values(void *context, const fh_value *values, int count)
{
    memory_visit_t *self = context;
    for (int i = 0; i + COLUMNS <= count && !self->stopped && !self->bad; i += COLUMNS) {
        const fh_value *row = &values[i];
        oid_t owner;
        self->bad = row[0].kind != FH_VALUE_TEXT || row[1].kind != FH_VALUE_ID || row[2].kind != FH_VALUE_INT ||
                    row[3].kind != FH_VALUE_INT;
        if (self->bad)
            return;
        memcpy(owner.bytes, row[1].id.bytes, sizeof owner.bytes);
        tell(self, (str_t){row[0].data, (uint32_t)row[0].size}, owner, row[2].i, row[3].i);
    }
}

static int
visit_row(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err)
{
    memory_visit_t *self = context;
    (void)raw;
    (void)nraw;
    if (reply->code != MSG_ROW || self->stopped)
        return FH_OK;
    const values_t values = reply->as.ROW.values;
    if (values.count < COLUMNS || values.items[0].kind != VALUE_STR || values.items[1].kind != VALUE_OID ||
        values.items[2].kind != VALUE_INT || values.items[3].kind != VALUE_INT)
        return err_set(err, FH_PROTOCOL_ERROR, "the broker's answer to MEMORY has another form");
    tell(self, values.items[0].as.str, values.items[1].as.oid, values.items[2].as.i, values.items[3].as.i);
    return FH_OK;
}

int
fh_memory(fh_session *session, int (*visit)(void *context, const fh_memory_info *info), void *context, fh_error *error)
{
    err_t *err = error_start(error);
    memory_visit_t visiting = {.engine = -1, .visit = visit, .context = context};
    int status = session_enter(session, err);
    if (!status)
        status = broker_link_ask(session, &(message_t){.code = MSG_MEMORY}, true, visit_row, &visiting, err);
    if (!status)
        status = broker_link_list_engines(session, err);
    for (int i = 0; i < session->nengines && !status && !visiting.stopped; i++) {
        if (session->engines[i]->lost)
            continue;
        visiting.engine = session->engines[i]->number;
        status = fh_call(session, NULL, visiting.engine, "memory", NULL, 0, visit_values, &visiting, error);
        if (status == FH_STATUS_ENGINE_LOST)
            status = FH_OK; /* meanwhile: its memory is gone */
        else if (!status && visiting.bad)
            status = err_set(err, FH_PROTOCOL_ERROR, "engine %d answers \"memory\" in another form", visiting.engine);
    }
    return status;
}
