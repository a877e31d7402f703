#include "proxy/handle.h"

#include "proxy/placing.h"

#include <stdlib.h>

static int
make(handle_t **ret, engine_link_t *engine, oid_t id, oid_t root, int64_t bytes, err_t *err)
{
    handle_t *self = malloc(sizeof *self);
    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for a handle");
    *self =
        (handle_t){.engine = engine, .id = id, .root = oid_is_none(root) ? id : root, .bytes = bytes, .references = 1};
    engine->live_bytes += bytes;
    engine->session->handles++;
    *ret = self;
    return FH_OK;
}

int
handle_new(handle_t **ret, engine_link_t *engine, oid_t root, int64_t bytes, err_t *err)
{
    return make(ret, engine, oid_new(), root, bytes, err);
}

int
handle_adopt(handle_t **ret, engine_link_t *engine, oid_t id, int64_t bytes, err_t *err)
{
    return make(ret, engine, id, OID_NONE, bytes, err);
}

handle_t *
handle_ref(handle_t *self)
{
    self->references++;
    return self;
}

static void
destroy(handle_t *self)
{
    fh_session *session = self->engine->session;
    placing_free(&self->placing);
    self->engine->live_bytes -= self->bytes;
    free(self);
    session_drop_handle(session);
}

void
handle_unref(handle_t **self)
{
    handle_t *handle = *self;
    *self = NULL;
    if (!handle || --handle->references > 0)
        return;
    engine_link_drop(handle->engine, handle->id, handle->bytes);
    destroy(handle);
}

void
handle_discard(handle_t **self)
{
    handle_t *handle = *self;
    *self = NULL;
    if (handle)
        destroy(handle);
}
