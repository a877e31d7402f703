/* tests/process/broker_crowd.h - many engines and clients of one broker, all simulated in one thread of this process.
 * They speak the real protocol over real connections, engines' news in frames as engines send them.  What a member
 * hears is read whenever anything is waited for, and counted.  Functions fail the running test when they cannot do
 * their work.
 */
#ifndef FH_TESTS_PROCESS_BROKER_CROWD_H
#define FH_TESTS_PROCESS_BROKER_CROWD_H

#include "tests/process/broker_rig.h"

typedef struct {
    rig_peer_t peer;
    bool greeted;                                       /* it has said HELLO: from now on an engine has to beat */
    uint64_t answered;                                  /* the last call that was answered, rows aside */
    int status;                                         /* of the last ERROR */
    size_t rows;                                        /* OBJECT, NAMED and ROW messages since it was last set to 0 */
    size_t engines;                                     /* ENGINE messages, asked for or news */
    size_t engines_lost, sessions_gone, kept, released; /* news, and ids in KEEP messages */
    int64_t number;                                     /* the first integer of the last ROW */
} member_t;

typedef struct {
    rig_t rig;
    member_t *members; /* engines first */
    int nengines, nclients;
    int present;           /* the first members, which have a connection */
    header_writer_t *beat; /* the frame of a heartbeat */
    int64_t beat_ns;       /* when heartbeats are due */
} crowd_t;

/* A broker, and so many peers connected to it, welcomed and announced. */
void crowd_start(crowd_t *self, const char *const *options, int nengines, int nclients);
/* kill -9; the broker is there again, the members have said HELLO and ANNOUNCE again. */
void crowd_restart(crowd_t *self);
void crowd_stop(crowd_t *self);
member_t *crowd_engine(crowd_t *self, int i);
member_t *crowd_client(crowd_t *self, int i);

/* Read what has come for all; send heartbeats if they are due. */
void crowd_live(crowd_t *self);
/* Send a message that is already numbered (call) or needs no answer. */
void crowd_send(crowd_t *self, member_t *member, const message_t *message);
/* Wait until this call, or a later one, has been answered; LOOKUP's answers do not count. */
void crowd_await(crowd_t *self, member_t *member, uint64_t call);
/* Wait until the broker has taken all that the member sent: PING, PONG. */
void crowd_settle(crowd_t *self, member_t *member);
/* Wait until condition(context), at most timeout_s. */
bool crowd_until(crowd_t *self, bool (*condition)(void *context), void *context, double timeout_s);

/* News of objects with these ids: made, and gone. */
void crowd_tell(crowd_t *self, member_t *engine, oid_t session, const oid_t *ids, size_t count);
void crowd_tell_gone(crowd_t *self, member_t *engine, const oid_t *ids, size_t count);
/* PUBLISH one object of an engine; returns the call. */
uint64_t crowd_publish(crowd_t *self, member_t *client, const char *name, oid_t object, const member_t *engine);
/* A query of one number. */
int64_t crowd_number(crowd_t *self, member_t *client, const char *sql);

#endif
