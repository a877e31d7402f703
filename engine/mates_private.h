/* engine/mates_private.h - the engines that are known and the lines to them, for mates*.c; nobody else includes it. */
#ifndef FH_ENGINE_MATES_PRIVATE_H
#define FH_ENGINE_MATES_PRIVATE_H

#include "codecs/line.h"
#include "engine/mates.h"
#include "engine/pulls.h"

typedef struct {
    oid_t engine;
    bool known;  /* the broker has told of it */
    bool wanted; /* the broker is to be asked */
    bool lost;
    int number;
    char endpoint[256], local[256], host[256], reason[256];
    int64_t since_ns;
    int64_t asked_ns; /* when the broker was to be asked last; 0: never */

    /* The line to it; see mates_line.c. */
    link_t *link; /* NULL: nothing has been sent there */
    line_t line;
    bool welcomed;      /* messages can be sent */
    bool resuming;      /* the line broke: it is to go on over another link */
    bool broke;         /* what has just come says so */
    int64_t broken_ns;  /* when it was found broken */
    bool hello_sent;    /* over this link */
    int64_t hello_ns;   /* when that was made; 0: it has been welcomed */
    int64_t hello_wait; /* so long its answer may take */
    int64_t used_ns;    /* when something was sent last */
    int64_t ping_ns;    /* when PING went out */
    uint64_t got_to;    /* frames that had come through, both ways, when the line went on last */
    int in_vain;        /* so often in a row it has gone on without any more */
} mate_t;

struct mates {
    core_t *core;
    void *context;
    const link_keys_t *keys;
    oid_map_t by_engine;
    pulls_t *pulls;
    header_writer_t *writer;
    arena_t *arena;
    size_t nwanted;
    uint64_t changes; /* of the links that there are */
};

/* Of mates.c: what was under way to that engine is lost; it goes on with a new line.  Takes the core's lock. */
void mate_begin_again(mates_t *self, mate_t *mate, const char *why);
/* A message from that engine, but LINE and WELCOME. */
void mate_handle(mates_t *self, mate_t *mate, const message_t *message);

/* Of mates_line.c.  Send a message, which then waits in the line until the other engine has it.  BUSY: not now. */
int mate_send(mates_t *self, mate_t *mate, const message_t *message, buf_t *raw, err_t *err);
/* Handle what has come.  True: there may be more. */
bool mate_receive(mates_t *self, mate_t *mate);
/* Connect again where the line broke, and ask whether it stands while something is on its way.  Call it a few times a
 * second. */
void mate_see_to_line(mates_t *self, mate_t *mate);
/* Close the link and forget what was sent. */
void mate_close(mates_t *self, mate_t *mate);

#endif
