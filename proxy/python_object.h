/* proxy/python_object.h - Python objects on engines, and calls that have been asked.
 * A call counts as a handle of its session, whose memory lives as long as it.  Thread rule: that of the session. */
#ifndef FH_PROXY_PYTHON_OBJECT_H
#define FH_PROXY_PYTHON_OBJECT_H

#include "proxy/array.h"

struct fh_object {
    handle_t *handle; /* a reference is held */
    bool shared;      /* it lives in the Python host that all sessions share */
};

struct fh_python_call {
    fh_python_call *next; /* of the session's calls that are to be collected, in the order in which they were asked */
    fh_session *session;
    engine_link_t *engine;
    bool shared;
    void *collected;
    uint64_t number; /* of the call on the engine's link */
    bool taken_back; /* the engine will not begin it; its answer, which says so, comes in its turn */
    request_t request;
    fh_python_answer answer; /* once it is answered; body points to: */
    void *body;
    fh_object **objects; /* NULL where they have been taken */
    fh_array **arrays;
};

/* Takes the handle's reference, not on failure. */
int python_object_new(fh_object **ret, handle_t *handle, bool shared, err_t *err);
/* Free calls that nobody waits for and that have been answered meanwhile. */
void python_object_reap(fh_session *session);
/* The engine will not begin these calls. */
void python_object_taken_back(const engine_link_t *engine, const ints_t *calls);
/* The session ends; its engines' links have failed. */
void python_object_stop(fh_session *session);

#endif
