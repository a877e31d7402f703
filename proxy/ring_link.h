/* proxy/ring_link.h - the rings of a session and an engine on one host: asked for after WELCOME, and given up when
 * something is wrong with them.  Where they cannot be had, the connection stays as it is.
 * Thread rule: that of the session. */
#ifndef FH_PROXY_RING_LINK_H
#define FH_PROXY_RING_LINK_H

#include "base/link_ring.h"
#include "proxy/engine_link.h"

/* Ask an engine that has just been greeted for rings and move the connection to them.  OK also if that does not work
 * and the connection stays as it is; else the connection is of no use: TIMEOUT, INTERRUPTED, ENGINE_LOST. */
int ring_link_open(engine_link_t *engine, err_t *err);
/* Where rings are, as a reply says.  PROTOCOL_ERROR: it is another one. */
int ring_link_place(const message_t *reply, link_ring_place_t *ret, err_t *err);
/* The rings have ended: why, for those who wait.  True: because the engine's process has. */
bool ring_link_over(engine_link_t *engine, err_t *ret_why);

#endif
