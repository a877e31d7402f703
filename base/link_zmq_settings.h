/* base/link_zmq_settings.h - what every ZeroMQ socket of ours is told before it binds or connects.  For
 * base/link_zmq*.c only. */
#ifndef FH_BASE_LINK_ZMQ_SETTINGS_H
#define FH_BASE_LINK_ZMQ_SETTINGS_H

#include "base/link.h"

/* Limits, heartbeats, keys and admission of a ROUTER (server) or DEALER.  INVALID_ARGUMENT: keys or domain are wrong.
 */
int link_zmq_configure(void *socket, bool server, const char *endpoint, const link_zmq_options_t *options, err_t *err);

#endif
