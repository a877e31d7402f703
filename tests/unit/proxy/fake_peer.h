/* tests/unit/proxy/fake_peer.h - the other side of a session's connection, in memory, driven message by message by the
 * test. */
#ifndef FH_TESTS_UNIT_PROXY_FAKE_PEER_H
#define FH_TESTS_UNIT_PROXY_FAKE_PEER_H

#include "proxy/session.h"
#include "tests/support/check.h"

typedef struct {
    link_t *server, *client; /* client: to be taken over by the session */
    char role;               /* 'B' or 'E' */
    header_writer_t *writer;
    arena_t *arena;
    link_message_t frame;
    bool held, has_peer;
    header_reader_t reader;
    peer_t peer;
} fake_peer_t;

void fake_peer_init(fake_peer_t *self, char role);
void fake_peer_release(fake_peer_t *self);
/* The next message that the session sent; false if none is there.  Valid until the next call. */
bool fake_peer_take(fake_peer_t *self, message_t *ret);
void fake_peer_send(fake_peer_t *self, const message_t *message);
void fake_peer_send_error(fake_peer_t *self, uint64_t call, int status);

/* A session without a cluster: its broker is `broker`, and it has `nengines` engines, whose links are those of
 * `engines`. Waits run `turn` (with context) every 50 ms or so. */
fh_session *fake_session(fake_peer_t *broker, fake_peer_t *engines, int nengines, double call_timeout_s,
                         int (*turn)(void *context), void *context);
void fake_session_close(fh_session *session);
/* What the session has waiting goes out; the peer must get a message of that kind next, the `n` peers nothing. */
message_t fake_session_expect(fh_session *session, fake_peer_t *peer, msg_code_t code);
void fake_session_expect_nothing(fh_session *session, fake_peer_t *peers, int n);

#endif
