/* engine/peers_streams.c - STREAMS: who is connected gets tickets. */
#include "engine/peers_private.h"
#include "engine/streams.h"

#include <string.h>

void
arrival_streams(arrival_t *at)
{
    const msg_STREAMS_t *streams = &at->message.as.STREAMS;
    core_t *core = at->peers->core;
    const stream_options_t wanted = {.sealed = !streams->plain, .compress = streams->compress};
    message_t answer = {.code = MSG_TICKETS, .as.TICKETS.call = streams->call};
    uint8_t tickets[STREAMS_EACH_SESSION * STREAM_TICKET];
    err_t err = {0};
    int status = core->streams ? FH_OK : err_set(&err, FH_NOT_SUPPORTED, "this engine has no streams");
    uint32_t made = 0;

    if (!status && at->caller->role == 'C' && !at->caller->lane)
        status = err_set(&err, FH_STALE_HANDLE, "the session has ended");
    while (!status && made < streams->count && made < STREAMS_EACH_SESSION) {
        stream_ticket_t ticket;

        status = streams_issue(core->streams, at->caller->id, &wanted, &ticket, &err);
        if (!status)
            stream_ticket_write(&ticket, tickets + made++ * STREAM_TICKET);
    }
    if (made == 0) {
        message_from_err(&answer, streams->call, &err);
        caller_answer(at->peers, at->caller, &answer);
        return;
    }
    answer.as.TICKETS.port = (uint64_t)streams_port(core->streams);
    answer.as.TICKETS.tickets = (bin_t){tickets, made * STREAM_TICKET};
    caller_answer(at->peers, at->caller, &answer);
    explicit_bzero(tickets, sizeof tickets);
}
