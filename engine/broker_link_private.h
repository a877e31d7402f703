/* engine/broker_link_private.h - what the files of the link to the broker share.  Only engine/broker_link*.c include
 * it. */
#ifndef FH_ENGINE_BROKER_LINK_PRIVATE_H
#define FH_ENGINE_BROKER_LINK_PRIVATE_H

#include "engine/broker_link.h"

typedef enum { STRANGER, GREETED, WELCOME, READY } broker_link_state_t;

struct broker_link {
    broker_link_options_t options;
    core_t *core;
    link_t *link;
    broker_link_state_t state;
    bool ever_ready;
    char cpu[64];     /* as announced; the runner tells it some time after the start */
    err_t refused;    /* status != 0: the broker does not want us */
    outbox_t *outbox; /* under the core's lock, as every outbox */
    arena_t *arena;
    uint64_t call, hello_call, announce_call;
    int64_t said_ns;          /* when the HELLO or ANNOUNCE went out that has no answer yet */
    int64_t beat_ns, ping_ns; /* when the next ones are due */
    int64_t news_ns;          /* when the news that wait now are to be told; 0: there are none */
    int64_t heard_ns;         /* the broker's last sign of life */
};

/* Send one message now or not at all: true if it went out. */
bool broker_link_say_now(broker_link_t *self, const message_t *message);
/* ANNOUNCE, in answer to a WELCOME or because there is more to say. */
void broker_link_announce(broker_link_t *self, int64_t now_ns);

#endif
