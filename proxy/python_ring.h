/* proxy/python_ring.h - rings between this client and its Python host on an engine of this host: the short way for
 * calls that need nothing of the engine (decision 0029).
 *
 * Such a call waits for its answer, names objects but no arrays, keeps no result and has the default time limit.  It
 * goes this way when the lane is empty, so that calls run in the order in which they are made, and when no other is
 * under way.  The rings are asked for behind the third call that could have used them; whatever goes wrong leaves the
 * lane. Thread rule: that of the session. */
#ifndef FH_PROXY_PYTHON_RING_H
#define FH_PROXY_PYTHON_RING_H

#include "proxy/engine_link.h"

struct fh_python_call;

/* Could a call of this name go this way now?  Asks for rings if it is time. */
bool python_ring_ready(engine_link_t *engine, str_t what);
/* Send it; request gets the answer.  Whatever fails: nothing was sent. */
int python_ring_send(engine_link_t *engine, const message_t *message, buf_t *raw, request_t *request, err_t *err);
/* The process number of the host that has the rings. */
uint64_t python_ring_pid(const engine_link_t *engine);
/* A call of this name gave what needs the engine: the next ones go there at once. */
void python_ring_avoid(engine_link_t *engine, str_t what);
/* End the call under way, if there is one; the engine must be told afterwards. */
void python_ring_cancel(engine_link_t *engine);
/* Take what has arrived; with all also look whether the host is there. */
bool python_ring_receive(engine_link_t *engine, bool all);
/* The rings of a call under way; NULL: there is none. */
link_t *python_ring_link(const engine_link_t *engine);
/* Is the host awake, and on another CPU than this? */
bool python_ring_is_awake(const engine_link_t *engine, int cpu);
/* The connection has ended: so does what is under way, because of why. */
void python_ring_forget(engine_link_t *engine, const err_t *why);

#endif
