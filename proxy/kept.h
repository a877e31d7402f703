/* proxy/kept.h - small values that the client has completed itself from what pieces gave, and that no engine has yet.
 *
 * An engine gets one (EMPTY with data) before the next call that goes to it, and with fh_flush and fh_tick; one whose
 * handle is dropped before never goes there.  Thread rule: that of the session. */
#ifndef FH_PROXY_KEPT_H
#define FH_PROXY_KEPT_H

#include "codecs/strided.h"
#include "proxy/session.h"

enum { KEPT_BYTES = 4096 /* of one */ };

typedef struct kept {
    engine_link_t *engine; /* that is to have it */
    oid_t id;
    nd_t nd; /* in C order */
    buf_t *bytes;
} kept_t;

/* A value without contents, or with those (a reference is taken); nobody knows it yet.  NO_MEMORY. */
int kept_init(kept_t *self, engine_link_t *engine, oid_t id, dtype_t dtype, const shape_t *shape, buf_t *bytes,
              err_t *err);
void kept_release(kept_t *self);
/* Takes it, in place of an earlier one of that id; false: there are too many, or it is too large, and it is released.
 */
bool kept_put(kept_t *self);
/* NULL: it is not here. */
const kept_t *kept_find(const engine_link_t *engine, oid_t id);
/* Nobody wants it any more.  False: it is not here. */
bool kept_drop(engine_link_t *engine, oid_t id);
/* Those whose handles are gone. */
void kept_drop_unwanted(fh_session *session);
/* Part of engine_link_call: what the engine is to have. */
int kept_send(engine_link_t *engine, err_t *err);
/* The connection is gone. */
void kept_forget(const engine_link_t *engine);
void kept_destroy(fh_session *session);

#endif
