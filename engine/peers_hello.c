/* engine/peers_hello.c - who a connection speaks for, and whether its frames are numbered. */
#include "engine/peers_private.h"

#include <string.h>

/* ---- HELLO ---------------------------------------------------------------------------------------------------------
 */

static char
role_of(const peers_t *self, const char *user, const msg_HELLO_t *hello)
{
    if (!user[0])
        return hello->features & PEERS_ENGINE ? 'E' : 'C';
    if (strcmp(user, self->engine_key) == 0)
        return 'E';
    return strcmp(user, self->client_key) == 0 ? 'C' : 0;
}

static int
check_hello(char role, const msg_HELLO_t *hello, err_t *err)
{
    if (!role)
        return err_set(err, FH_PERMISSION, "that key is neither a client's nor an engine's");
    if (hello->major != PROTOCOL_MAJOR)
        return err_set(err, FH_VERSION_MISMATCH, "this engine speaks protocol %d, not %llu", PROTOCOL_MAJOR,
                       (unsigned long long)hello->major);
    if (oid_is_none(hello->session))
        return err_set(err, FH_INVALID_ARGUMENT, "a HELLO without an id");
    return FH_OK;
}

static uint64_t
own_features(const peers_t *self)
{
    return self->core->streams ? FEATURE_STREAMS | FEATURE_LZ4 : 0;
}

void
arrival_hello(arrival_t *at)
{
    peers_t *self = at->peers;
    const msg_HELLO_t *hello = &at->message.as.HELLO;
    const link_message_t *frame = &at->batch->message;
    const uint64_t minor = PROTOCOL_MINOR;
    char role = role_of(self, frame->user, hello);
    bool numbered = hello->features & FEATURE_LINE, resumed = false;
    uint64_t heard = 0;
    err_t err = {0};
    int status = check_hello(role, hello, &err);

    if (!status && at->caller && (at->caller->ring || outbox_is_numbered(at->caller->outbox)))
        status = err_set(&err, FH_INVALID_ARGUMENT, "a HELLO on a connection that has rings or is numbered");
    if (!status && !at->caller)
        status = caller_new(self, at->endpoint, &frame->peer, &at->caller, &err);
    if (!status && numbered && hello->resume)
        resumed = caller_resume(self, at->caller, role, hello, &heard);
    if (!status && !resumed)
        status = caller_attach(self, at->caller, role, hello->session, numbered, &err);
    if (status) {
        arrival_error(at, hello->call, &err);
        return;
    }
    message_t welcome = {
        .code = MSG_WELCOME,
        .as.WELCOME = {.call = hello->call,
                       .minor = hello->minor < minor ? hello->minor : minor,
                       .features = hello->features & (own_features(self) | (numbered ? FEATURE_LINE : PEERS_RINGS)),
                       .incarnation = self->core->id,
                       .software = str_of("farhand-engine " FARHAND_VERSION),
                       .cluster = str_of(self->cluster),
                       .resumed = resumed,
                       .heard = heard}};

    /* Before the first numbered frame, so not by way of the caller's queue. */
    if (numbered)
        caller_answer_stranger(self, at->endpoint, &frame->peer, &welcome);
    else
        caller_answer(self, at->caller, &welcome);
}

/* ---- numbered lines ------------------------------------------------------------------------------------------------
 */

bool
arrival_line(arrival_t *at)
{
    const link_message_t *frame = &at->batch->message;
    core_t *core = at->peers->core;
    size_t bytes = 0;

    if (!outbox_is_numbered(at->caller->outbox))
        return true;
    for (int i = 0; i < frame->count; i++)
        bytes += frame->frames[i].size;
    pthread_mutex_lock(&core->lock);
    int status = outbox_hear(at->caller->outbox, &at->message.as.LINE, bytes);

    pthread_mutex_unlock(&core->lock);
    if (status == FH_PROTOCOL_ERROR) {
        err_t err = {0};

        (void)err_set(&err, FH_STALE_HANDLE, "frames before number %llu are missing: say HELLO again",
                      (unsigned long long)at->message.as.LINE.number);
        arrival_error(at, 0, &err);
    }
    return status == FH_OK;
}
