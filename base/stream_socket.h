/* base/stream_socket.h - bytes through a socket, with patience.  For base/stream*.c. */
#ifndef FH_BASE_STREAM_SOCKET_H
#define FH_BASE_STREAM_SOCKET_H

#include "base/err.h"

#include <stddef.h>
#include <sys/uio.h>

/* Connect to host and port within patience_ms for each of its addresses; *ret is blocking.  CANNOT_CONNECT. */
int stream_socket_connect(int *ret, const char *host, int port, int patience_ms, err_t *err);
/* Make a socket what a stream's should be: blocking, within its patience. */
void stream_socket_tune(int fd, int patience_ms);
/* All of the pieces, which are consumed; a TIMEOUT if none of their bytes leaves within the patience.  IO_ERROR. */
int stream_socket_send(int fd, struct iovec *pieces, int count, int patience_ms, err_t *err);
/* All size bytes; patience_ms < 0: no limit before the first.  CANCELLED: the other side closed before the first. */
int stream_socket_receive(int fd, void *bytes, size_t size, int patience_ms, err_t *err);

#endif
