/* proxy/handle.h - a counted reference to one object on one engine.
 * When the last reference goes, the id is added to the engine's list of dropped ids: no message, no wait.
 * Thread rule: that of the session. */
#ifndef FH_PROXY_HANDLE_H
#define FH_PROXY_HANDLE_H

#include "proxy/session.h"

typedef struct {
    engine_link_t *engine;
    oid_t id;
    oid_t root;    /* id of the array whose memory it sees: equal roots may overlap */
    int64_t bytes; /* memory that it accounts for; 0 for views */
    int64_t references;
    struct placing *placing; /* of a result along an inner axis, see placing.h; NULL: it lies as was said */
} handle_t;

/* A handle with a fresh id and one reference; nothing is sent.  root OID_NONE: its own id. */
int handle_new(handle_t **ret, engine_link_t *engine, oid_t root, int64_t bytes, err_t *err);
/* A handle of an object that the engine has made for this session, with the id that it gave it. */
int handle_adopt(handle_t **ret, engine_link_t *engine, oid_t id, int64_t bytes, err_t *err);
handle_t *handle_ref(handle_t *self);
/* Drop one reference, set *self to NULL.  NULL-safe. */
void handle_unref(handle_t **self);
/* Give up a handle whose object was never made: nothing is released. */
void handle_discard(handle_t **self);

#endif
