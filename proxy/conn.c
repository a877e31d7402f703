#include "proxy/conn.h"

#include "base/clock.h"
#include "base/link_ring.h"

#include <string.h>

enum { CONN_ARENA_BYTES = 64 * 1024 * 1024 };

int
conn_init(conn_t *self, link_t *link, char peer, conn_stats_t *stats, err_t *err)
{
    memset(self, 0, sizeof *self);
    self->link = link;
    self->touched = true;
    self->peer = peer;
    self->stats = stats;
    int status = header_writer_new(&self->writer, err);
    if (!status)
        status = arena_new(&self->arena, CONN_ARENA_BYTES, err);
    if (status)
        conn_release(self, NULL);
    return status;
}

static void
drop_batch(conn_t *self)
{
    for (int i = 0; i < self->nraw; i++)
        buf_unref(&self->raw[i]);
    self->nraw = 0;
    if (self->writer)
        header_writer_reset(self->writer);
}

void
conn_release(conn_t *self, const err_t *why)
{
    if (why)
        conn_fail(self, why);
    self->requests = NULL;
    drop_batch(self);
    line_release(&self->line);
    header_writer_destroy(&self->greeting);
    header_writer_destroy(&self->writer);
    arena_destroy(&self->arena);
    if (self->ring)
        link_destroy(&self->ring);
    if (self->link)
        link_destroy(&self->link);
}

static void
set_call(message_t *message, uint64_t call)
{
    const msg_desc_t *desc = message_desc(message->code);
    if (desc->nfields && desc->fields[0].key == 1)
        memcpy((char *)&message->as + desc->fields[0].offset, &call, sizeof call);
}

int
conn_add_as_is(conn_t *self, const message_t *message, err_t *err)
{
    int status = header_writer_count(self->writer) ? FH_OK : line_open(&self->line, self->writer, err);
    if (!status)
        status = header_writer_add(self->writer, message, err);
    return status == FH_LIMIT_EXCEEDED && header_writer_count(self->writer)
               ? err_set(err, FH_BUSY, "the batch of messages is full")
               : status;
}

int
conn_add(conn_t *self, message_t *message, buf_t *raw, uint64_t *ret_call, err_t *err)
{
    if (raw && self->nraw == CONN_MAX_RAW)
        return err_set(err, FH_BUSY, "the batch holds %d raw frames already", self->nraw);
    message->raw = raw ? 1 : 0;
    set_call(message, self->last_call + 1);
    int status = conn_add_as_is(self, message, err);
    if (status)
        return status;
    if (raw)
        self->raw[self->nraw++] = buf_ref(raw);
    self->last_call++;
    if (ret_call)
        *ret_call = self->last_call;
    return FH_OK;
}

bool
conn_has_batch(const conn_t *self)
{
    return self->writer && (header_writer_count(self->writer) > 0 || line_waits(&self->line));
}

static void
count_sent(conn_t *self, uint64_t raw_bytes)
{
    self->stats->messages_sent += header_writer_count(self->writer) - self->line.numbered; /* without LINE */
    self->stats->ring_messages += self->ring ? header_writer_count(self->writer) : 0;
    self->stats->bytes_sent += raw_bytes;
}

/* HELLO over a new link, as soon as that stands. */
static void
greet(conn_t *self)
{
    if (!self->greeting)
        return;
    link_frame_t frame = {.data = header_writer_data(self->greeting), .size = header_writer_size(self->greeting)};
    if (link_send(self->link, NULL, &frame, 1, NULL))
        return;
    header_writer_destroy(&self->greeting);
    self->touched = true;
}

/* What the line has not sent.  A link that takes nothing was not touched: who waits may sleep. */
static int
send_line(conn_t *self, err_t *err)
{
    const struct line_frame *unsent = self->line.unsent;
    int status = line_send(&self->line, self->link, NULL, err);
    self->touched |= self->line.unsent != unsent;
    return status;
}

/* The batch becomes a frame of the line. */
static int
keep_batch(conn_t *self, err_t *err)
{
    if (line_bytes(&self->line) > CONN_KEPT_BYTES)
        return err_set(err, FH_BUSY, "the engine has not confirmed %zu bytes", line_bytes(&self->line));
    uint64_t bytes = 0;
    for (int i = 0; i < self->nraw; i++)
        bytes += buf_size(self->raw[i]);
    if (line_add(&self->line, self->writer, self->raw, self->nraw, err))
        return FH_BUSY;
    count_sent(self, bytes);
    self->nraw = 0; /* the line has them now */
    header_writer_reset(self->writer);
    return FH_OK;
}

static int
flush_line(conn_t *self, err_t *err)
{
    int status = FH_OK;
    if (self->holding)
        greet(self);
    else
        status = send_line(self, err);
    if (status || !header_writer_count(self->writer))
        return status;
    status = keep_batch(self, err);
    return status || self->holding ? status : send_line(self, err);
}

int
conn_flush(conn_t *self, err_t *err)
{
    if (self->line.numbered)
        return self->writer ? flush_line(self, err) : FH_OK;
    if (!conn_has_batch(self))
        return FH_OK;
    link_frame_t frames[1 + CONN_MAX_RAW];
    frames[0] = (link_frame_t){.data = header_writer_data(self->writer), .size = header_writer_size(self->writer)};
    uint64_t bytes = 0;
    for (int i = 0; i < self->nraw; i++) {
        frames[1 + i] =
            (link_frame_t){.data = buf_data(self->raw[i]), .size = buf_size(self->raw[i]), .buf = self->raw[i]};
        bytes += buf_size(self->raw[i]);
    }
    self->touched |= !self->ring;
    int status = link_send(self->ring ? self->ring : self->link, NULL, frames, 1 + self->nraw, err);
    if (status)
        return status;
    count_sent(self, bytes);
    drop_batch(self);
    return FH_OK;
}

/* ---- another link --------------------------------------------------------------------------------------------------
 */

void
conn_number(conn_t *self)
{
    (void)conn_flush(self, NULL);
    drop_batch(self);
    self->line.numbered = true;
}

void
conn_say(conn_t *self, const message_t *message)
{
    header_writer_t *writer = NULL;
    if (header_writer_new(&writer, NULL))
        return;
    if (!header_writer_add(writer, message, NULL)) {
        link_frame_t frame = {.data = header_writer_data(writer), .size = header_writer_size(writer)};
        self->touched = true;
        (void)link_send(self->link, NULL, &frame, 1, NULL);
    }
    header_writer_destroy(&writer);
}

int
conn_relink(conn_t *self, link_t *link, const message_t *hello, err_t *err)
{
    header_writer_t *greeting = NULL;
    int status = header_writer_new(&greeting, err);
    if (!status)
        status = header_writer_add(greeting, hello, err);
    if (status) {
        header_writer_destroy(&greeting);
        return status;
    }
    header_writer_destroy(&self->greeting);
    self->greeting = greeting;
    link_destroy(&self->link);
    self->link = link;
    self->stale = false;
    self->holding = true;
    (void)flush_line(self, NULL);
    return FH_OK;
}

void
conn_resume(conn_t *self, uint64_t heard)
{
    self->holding = false;
    line_confirm(&self->line, heard);
    line_again(&self->line);
    (void)flush_line(self, NULL); /* or with the next flush */
}

/* ---- requests ------------------------------------------------------------------------------------------------------
 */

void
conn_expect(conn_t *self, request_t *request, uint64_t first, uint64_t count)
{
    request->first = first;
    request->count = count;
    request->due = count;
    request->status = FH_OK;
    request->next = self->requests;
    if (!self->requests)
        self->last_request = request;
    self->requests = request;
}

void
conn_expect_in_order(conn_t *self, request_t *request, uint64_t first, uint64_t count)
{
    if (!self->requests) {
        conn_expect(self, request, first, count);
        return;
    }
    request_t *before = self->last_request;
    request_t *rest = self->requests;
    self->requests = NULL;
    conn_expect(self, request, first, count);
    before->next = request;
    self->requests = rest;
}

void
conn_forget(conn_t *self, request_t *request)
{
    request_t *previous = NULL;
    for (request_t **at = &self->requests; *at; previous = *at, at = &previous->next)
        if (*at == request) {
            *at = request->next;
            if (self->last_request == request)
                self->last_request = previous;
            return;
        }
}

static void
request_fail(request_t *request, int status, const err_t *why)
{
    if (request->status)
        return;
    request->status = status;
    if (why)
        request->err = *why;
    else
        err_set(&request->err, status, "%s", status_text(status));
}

void
conn_fail(conn_t *self, const err_t *why)
{
    while (self->requests) {
        request_t *request = self->requests;
        self->requests = request->next;
        request_fail(request, why->status, why);
        request->due = 0;
    }
}

static request_t *
find_request(const conn_t *self, uint64_t call)
{
    for (request_t *request = self->requests; request; request = request->next)
        if (call - request->first < request->count)
            return request;
    return NULL;
}

static void
count_reply(conn_t *self, request_t *request)
{
    if (request->due > 0 && --request->due == 0)
        conn_forget(self, request);
}

static void
give_reply(conn_t *self, request_t *request, const message_t *message, const bin_t *raw, int nraw)
{
    bool last = !request->rows || message->code == MSG_END || message->code == MSG_ERROR;
    err_t err;
    err_clear(&err);
    if (message->code == MSG_ERROR) {
        message_to_err(&message->as.ERROR, &err);
        request_fail(request, err.status, &err);
    } else if (request->reply && !request->status) {
        int status = request->reply(request->context, message, raw, nraw, &err);
        if (status)
            request_fail(request, status, &err);
    }
    if (last)
        count_reply(self, request);
}

/* The first message of a numbered frame.  False: the rest is not to be taken. */
static bool
take_line(conn_t *self, const msg_LINE_t *line, const link_message_t *received)
{
    size_t bytes = 0;
    for (int i = 0; i < received->count; i++)
        bytes += received->frames[i].size;
    int status = self->line.numbered ? line_hear(&self->line, line, bytes) : FH_OK;
    self->stale |= status == FH_PROTOCOL_ERROR;
    return status == FH_OK;
}

static void
take_messages(conn_t *self, const link_message_t *received, conn_news_fn news, void *context)
{
    header_reader_t reader;
    if (received->count < 1 || header_open(&reader, received->frames[0].data, received->frames[0].size, NULL))
        return;
    uint32_t available = (uint32_t)(received->count - 1), taken = 0;
    for (;;) {
        message_t message;
        err_t err;
        arena_reset(self->arena);
        int status = header_next(&reader, self->arena, self->peer, 'C', available, &message, &err);
        if (status == FH_NO_SUCH_OBJECT)
            return;
        uint64_t call = message_call(&message);
        request_t *request = call ? find_request(self, call) : NULL;
        if (status) {
            if (!request)
                return;
            request_fail(request, status, &err);
            count_reply(self, request);
            continue;
        }
        if (message.code == MSG_LINE) {
            if (!take_line(self, &message.as.LINE, received))
                return;
            continue;
        }
        self->stats->messages_received++;
        bin_t raw[LINK_MAX_FRAMES];
        int nraw = 0;
        for (; nraw < (int)message.raw && taken < available; taken++, nraw++) {
            raw[nraw] = (bin_t){received->frames[1 + taken].data, (uint32_t)received->frames[1 + taken].size};
            self->stats->bytes_received += raw[nraw].size;
        }
        if (self->peer == 'E' && message.code == MSG_ERROR && message.as.ERROR.status == FH_STALE_HANDLE) {
            self->stale = true;
            continue;
        }
        /* DONE carries the number of a call, but is not the reply to it. */
        if (request && message.code != MSG_DONE && message.code != MSG_PING)
            give_reply(self, request, &message, raw, nraw);
        else
            news(context, &message);
    }
}

/* Take all messages of one link.  The status that ended it: BUSY, or what is the matter with the link. */
static int
drain(conn_t *self, link_t *link, conn_news_fn news, void *context, bool *ret_any)
{
    for (;;) {
        link_message_t received;
        int status = link_receive(link, &received, NULL);
        if (status == FH_PROTOCOL_ERROR)
            continue;
        if (status)
            return status;
        if (ret_any)
            *ret_any = true;
        if (link == self->ring)
            self->rings_answered = link_ring_rings(link);
        take_messages(self, &received, news, context);
        link_message_release(link, &received);
    }
}

void
conn_receive_ring(conn_t *self, conn_news_fn news, void *context, bool *ret_any)
{
    if (self->ring && link_ring_glance(self->ring) &&
        drain(self, self->ring, news, context, ret_any) == FH_CANNOT_CONNECT)
        self->ring_over = true;
}

void
conn_receive(conn_t *self, conn_news_fn news, void *context, bool *ret_any)
{
    if (self->ring && drain(self, self->ring, news, context, ret_any) == FH_CANNOT_CONNECT)
        self->ring_over = true;
    bool any = false;
    if (self->link)
        (void)drain(self, self->link, news, context, &any);
    if (any)
        self->heard_ns = clock_coarse_ns();
    if (any && ret_any)
        *ret_any = true;
    /* The engine is told of what has come, at the latest, by a frame that says nothing else. */
    if (line_owes(&self->line) && !header_writer_count(self->writer))
        (void)line_open(&self->line, self->writer, NULL);
    self->touched = false;
}

bool
conn_is_sent(const conn_t *self)
{
    bool can_send = true;
    if (self->holding) /* the line has it */
        return !header_writer_count(self->writer);
    if (conn_has_batch(self))
        return false;
    if (self->ring)
        (void)link_ready(self->ring, &can_send);
    return can_send || self->ring_over;
}
