#include "proxy/flags.h"

#include "proxy/error.h"

#include <stdlib.h>
#include <string.h>

enum { NUMBER_SHIFT = 4 };

void
flags_hear(fh_session *session, const msg_FLAGS_t *message)
{
    if (!session->flags)
        session->flags = calloc(FLAGS_KEPT, sizeof *session->flags);
    if (!session->flags || session->nflags == FLAGS_KEPT)
        return;
    fh_flags *flags = &session->flags[session->nflags++];
    *flags = (fh_flags){.number = message->watch >> NUMBER_SHIFT, .flags = (unsigned)message->flags};
    str_copy(message->op, flags->op, sizeof flags->op);
}

void
flags_release(fh_session *session)
{
    free(session->flags);
    session->flags = NULL;
    session->nflags = 0;
}

int
fh_session_watch(fh_session *session, unsigned flags, uint64_t number, fh_error *error)
{
    err_t *err = error_start(error);
    int status = session_enter(session, err);
    if (!status && (flags > FH_FLAGS_ALL || number >> (64 - NUMBER_SHIFT)))
        status = err_set(err, FH_INVALID_ARGUMENT, "flags %u, number %llu: flags are 0 to 15, numbers below 2^60",
                         flags, (unsigned long long)number);
    if (!status)
        session->watch = flags ? number << NUMBER_SHIFT | flags : 0;
    return status;
}

int
fh_session_flags(fh_session *session, fh_flags *ret, int room)
{
    if (!session || session->closed)
        return 0;
    int n = session->nflags < room ? session->nflags : room;
    if (n <= 0)
        return session->nflags;
    memcpy(ret, session->flags, (size_t)n * sizeof *ret);
    session->nflags -= n;
    memmove(session->flags, session->flags + n, (size_t)session->nflags * sizeof *ret);
    return n;
}
