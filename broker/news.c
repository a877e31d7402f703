/* broker/news.c - what all are told: gathered in a turn, encoded once, sent to everybody as one frame.  When a thousand
 * engines come in one moment, a thousand peers get a few frames each. */
#include "base/log.h"
#include "broker/state.h"

enum { FRAME_BYTES = 1 << 20 };

/* To whom a bundle goes. */
static const char ROLES[NEWS_BUNDLES] = {'C', 'E'};

int
news_init(broker_t *self, err_t *err)
{
    int status = FH_OK;

    for (int i = 0; !status && i < NEWS_BUNDLES; i++)
        status = header_writer_new(&self->news[i].writer, err);
    return status;
}

void
news_release(broker_t *self)
{
    for (int i = 0; i < NEWS_BUNDLES; i++)
        header_writer_destroy(&self->news[i].writer);
}

static void
send_bundle(broker_t *self, int i)
{
    news_t *news = &self->news[i];
    bool alone = header_writer_count(news->writer) == 1;
    buf_t *frame = NULL;
    err_t err;

    if (header_writer_count(news->writer) == 0)
        return;
    if (buf_new_copy(&frame, header_writer_data(news->writer), header_writer_size(news->writer), &err))
        log_limited(LOG_ERROR, "BRK-NEWS-LOST", "%s", err.text);
    for (session_t *session = self->sessions.first; frame && session; session = session->next)
        if (session->role == ROLES[i] && session->state == STATE_READY &&
            !(alone && oid_equal(session->id, news->about)))
            post_frame(self, session, frame);
    buf_unref(&frame);
    header_writer_reset(news->writer);
}

static void
add(broker_t *self, int i, oid_t about, const message_t *message)
{
    news_t *news = &self->news[i];
    err_t err;

    if (header_writer_size(news->writer) >= FRAME_BYTES)
        send_bundle(self, i);
    news->about = about;
    if (header_writer_add(news->writer, message, &err))
        log_limited(LOG_ERROR, "BRK-NEWS-LOST", "%s", err.text);
}

void
news_add(broker_t *self, const char *roles, oid_t about, const message_t *message)
{
    for (; *roles; roles++)
        for (int i = 0; i < NEWS_BUNDLES; i++)
            if (ROLES[i] == *roles)
                add(self, i, about, message);
}

void
news_send(broker_t *self)
{
    for (int i = 0; i < NEWS_BUNDLES; i++)
        send_bundle(self, i);
}
