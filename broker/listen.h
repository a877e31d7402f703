/* broker/listen.h - the broker's door: its server link, and who may come in.
 * Thread rule: one thread. */
#ifndef FH_BROKER_LISTEN_H
#define FH_BROKER_LISTEN_H

#include "base/err.h"
#include "base/link.h"
#include "base/link_zap.h"
#include "codecs/connection_file.h"

enum { LISTEN_ENDPOINT = 256 };

typedef struct {
    void *context; /* borrowed */
    link_zap_t *zap;
    link_t *link;
    char endpoint[LISTEN_ENDPOINT]; /* that peers connect to */
} listen_t;

/* Bind to host with the keys of the connection file, which must be there, and admit its clients and engines.  port 0:
 * that of the file's endpoint, for which up to 5 s are waited if somebody holds it yet; else a free one.  Tests then
 * that a stranger is refused. stop_fd ends the waiting when it turns readable (INTERRUPTED).  context: the process's
 * one of ZeroMQ, which outlives this. self: all-zero; on failure listen_close it all the same. IO_ERROR, PERMISSION (a
 * stranger was admitted), NO_MEMORY, INVALID_ARGUMENT. */
int listen_open(listen_t *self, void *context, const connection_t *connection, const char *host, int port, int stop_fd,
                err_t *err);
void listen_close(listen_t *self);

#endif
