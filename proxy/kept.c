#include "proxy/kept.h"

#include "base/clock.h"
#include "proxy/emit.h"

#include <stdlib.h>

enum { MOST = 8 };

int
kept_init(kept_t *self, engine_link_t *engine, oid_t id, dtype_t dtype, const shape_t *shape, buf_t *bytes, err_t *err)
{
    int status = FH_OK;
    *self = (kept_t){.engine = engine, .id = id};
    if (bytes)
        self->bytes = buf_ref(bytes);
    else
        status = buf_new(&self->bytes, (size_t)shape_bytes(shape, dtype), 0, err);
    if (!status)
        nd_init(&self->nd, buf_data(self->bytes), dtype, shape);
    return status;
}

void
kept_release(kept_t *self)
{
    buf_unref(&self->bytes);
}

static int
place_of(const engine_link_t *engine, oid_t id)
{
    const fh_session *session = engine->session;
    for (int i = 0; i < session->nkept; i++)
        if (session->kept[i].engine == engine && oid_equal(session->kept[i].id, id))
            return i;
    return -1;
}

/* The value is the caller's then. */
static kept_t
take_out(fh_session *session, int i)
{
    kept_t taken = session->kept[i];
    session->kept[i] = session->kept[--session->nkept];
    return taken;
}

bool
kept_put(kept_t *self)
{
    fh_session *session = self->engine->session;
    if (!session->kept)
        session->kept = calloc(MOST, sizeof *session->kept);
    int i = place_of(self->engine, self->id);
    if (!session->kept || buf_size(self->bytes) > KEPT_BYTES || (i < 0 && session->nkept == MOST)) {
        kept_release(self);
        return false;
    }
    if (i >= 0)
        kept_release(&session->kept[i]);
    session->kept[i >= 0 ? i : session->nkept++] = *self;
    session->tails_ns = clock_now_ns();
    return true;
}

const kept_t *
kept_find(const engine_link_t *engine, oid_t id)
{
    int i = place_of(engine, id);
    return i < 0 ? NULL : &engine->session->kept[i];
}

bool
kept_drop(engine_link_t *engine, oid_t id)
{
    int i = place_of(engine, id);
    if (i < 0)
        return false;
    kept_t taken = take_out(engine->session, i);
    kept_release(&taken);
    return true;
}

void
kept_drop_unwanted(fh_session *session)
{
    for (int i = session->nkept - 1; i >= 0; i--)
        if (engine_link_take_back(session->kept[i].engine, session->kept[i].id)) {
            kept_t taken = take_out(session, i);
            kept_release(&taken);
        }
}

int
kept_send(engine_link_t *engine, err_t *err)
{
    fh_session *session = engine->session;
    int status = FH_OK;
    for (int i = session->nkept - 1; i >= 0 && !status; i--) {
        if (i >= session->nkept || session->kept[i].engine != engine)
            continue; /* sending one sends the others first */
        kept_t taken = take_out(session, i);
        status = emit_empty_as(engine, taken.id, taken.nd.dtype, &taken.nd.shape, taken.bytes, err);
        if (status)
            (void)kept_put(&taken);
        else
            kept_release(&taken);
    }
    return status;
}

void
kept_forget(const engine_link_t *engine)
{
    fh_session *session = engine->session;
    for (int i = session->nkept - 1; i >= 0; i--)
        if (session->kept[i].engine == engine) {
            kept_t taken = take_out(session, i);
            kept_release(&taken);
        }
}

void
kept_destroy(fh_session *session)
{
    while (session->nkept) {
        kept_t taken = take_out(session, session->nkept - 1);
        kept_release(&taken);
    }
    free(session->kept);
    session->kept = NULL;
}
