/* proxy/python_object.h - Python objects on engines, and calls that have been asked.
 * A call counts as a handle of its session, whose memory lives as long as it.  Thread rule: that of the session. */
#ifndef FH_PROXY_PYTHON_OBJECT_H
#define FH_PROXY_PYTHON_OBJECT_H

#include "proxy/array.h"

enum {
    PYTHON_BODY_INLINE = 8192,   /* bytes of pickles that go in the message; larger ones beside it, */
    PYTHON_BODY_RAW = 64 * 1024, /* even larger ones as arrays */
    PYTHON_RING_OBJECTS = 16,    /* that a call through rings names at most */
    PYTHON_CLAIM_VALUE = 1,      /* PY_RESULT.claim */
    PYTHON_CLAIM_CALL = 2
};

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
    enum { PYTHON_BY_LANE, PYTHON_BY_RING, PYTHON_ASKED_WHY } way;
    /* Of calls that went through the host's own rings: */
    unsigned claim; /* as PY_RESULT had it */
    buf_t *pickle;
    char what[256];
    oid_t objects_of[PYTHON_RING_OBJECTS];
    uint32_t nobjects;
    uint64_t host;           /* its process number */
    fh_python_answer answer; /* once it is answered; body points to: */
    void *body;
    fh_object **objects; /* NULL where they have been taken */
    fh_array **arrays;
};

/* The reply to a call (a request_reply_fn), and what it has brought that nobody has taken. */
int python_answer_take(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err);
void python_answer_release(fh_python_call *self);
/* Send a call through its host's own rings, if it needs nothing of the engine.  False: it has to go through the lane.
 */
bool python_direct_send(fh_python_call *call, const fh_python_request *request);
/* Has something come (for wait_until), and is it not an answer yet?  Then python_direct_follow goes on through the
 * lane: what needs the engine is asked for in its way, and who has lost its host asks why. */
bool python_call_has_news(const void *call);
bool python_direct_must_follow(const fh_python_call *call);
int python_direct_follow(fh_python_call *call, err_t *err);

/* Takes the handle's reference, not on failure. */
int python_object_new(fh_object **ret, handle_t *handle, bool shared, err_t *err);
/* Free calls that nobody waits for and that have been answered meanwhile. */
void python_object_reap(fh_session *session);
/* The engine will not begin these calls. */
void python_object_taken_back(const engine_link_t *engine, const ints_t *calls);
/* The session ends; its engines' links have failed. */
void python_object_stop(fh_session *session);

#endif
