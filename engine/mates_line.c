/* engine/mates_line.c - lines to other engines: each message comes once and in its order, whatever happens to links.
 *
 * Frames are numbered and kept until the other engine has said that they came (codecs/line.h).  A line that broke goes
 * on over another link, with HELLO that says what has come here.  If that does not succeed in time, or the other engine
 * has forgotten the line, what was under way is lost (mate_begin_again), and a new line begins. */
#include "base/clock.h"
#include "base/log.h"
#include "engine/mates_private.h"
#include "engine/peers.h"
#include "engine/transfer.h"

enum {
    SEND_LIMIT = 16,
    LINGER_MS = 200,
    MESSAGES_A_TURN = 64,
    KEPT_BYTES = 32 * 1024 * 1024, /* of frames that the other engine has not confirmed */
    MAX_IN_VAIN = 16,
};

static const int64_t HELLO_AGAIN_NS = 1000000000; /* so long HELLO waits at first, then twice as long, up to */
static const int64_t HELLO_MOST_NS = 8000000000;
static const int64_t BROKEN_NS = 15000000000; /* so long a line may be broken: as long as a session's lease */
static const int64_t PING_NS = 250000000;     /* between questions whether the line stands */
static const int64_t ANSWER_NS = 6000000000;  /* so long answers may be awaited that nothing tells of */

/* ---- links ---------------------------------------------------------------------------------------------------------
 */

void
mate_close(mates_t *self, mate_t *mate)
{
    mate->welcomed = mate->resuming = mate->broke = false;
    mate->hello_ns = 0;
    mate->in_vain = 0;
    mate->got_to = 0;
    line_release(&mate->line);
    if (mate->link)
        self->changes++;
    link_destroy(&mate->link);
}

static int
connect_link(mates_t *self, mate_t *mate, err_t *err)
{
    link_zmq_options_t options = {.send_limit_messages = SEND_LIMIT, .linger_ms = LINGER_MS};

    self->changes++;
    link_destroy(&mate->link);
    if (mates_is_near(self, mate->engine))
        return link_zmq_connect(&mate->link, self->context, mate->local, &options, err);
    options.keys = self->keys;
    options.server_key = self->keys->public_key;
    return link_zmq_connect(&mate->link, self->context, mate->endpoint, &options, err);
}

/* A message without a number, alone. */
static int
send_beside(mates_t *self, mate_t *mate, const message_t *message, err_t *err)
{
    header_writer_reset(self->writer);
    int status = header_writer_add(self->writer, message, err);

    if (status)
        return status;
    return link_send(
        mate->link, NULL,
        &(link_frame_t){.data = header_writer_data(self->writer), .size = header_writer_size(self->writer)}, 1, err);
}

/* Over a link of its own: nothing else goes over it before WELCOME, so nothing is repeated but what the line repeats.
 */
static int
begin_greeting(mates_t *self, mate_t *mate, int64_t now, err_t *err)
{
    mate->hello_wait = !mate->hello_ns                        ? HELLO_AGAIN_NS
                       : mate->hello_wait < HELLO_MOST_NS / 2 ? 2 * mate->hello_wait
                                                              : HELLO_MOST_NS;
    mate->hello_ns = now;
    mate->hello_sent = false;
    return connect_link(self, mate, err);
}

/* Go on with HELLO: it goes out when the link stands, and again over another one if it has no answer. */
static void
greet(mates_t *self, mate_t *mate)
{
    int64_t now = clock_now_ns();
    int status = FH_OK;
    err_t err = {0};
    message_t hello = {.code = MSG_HELLO,
                       .as.HELLO = {.call = 1,
                                    .session = self->core->id,
                                    .major = PROTOCOL_MAJOR,
                                    .minor = PROTOCOL_MINOR,
                                    .features = PEERS_ENGINE | FEATURE_LINE,
                                    .software = str_of("farhand-engine " FARHAND_VERSION),
                                    .host = str_of(self->core->host),
                                    .resume = mate->resuming,
                                    .heard = mate->line.heard}};

    if (!mate->hello_ns || now - mate->hello_ns > mate->hello_wait)
        status = begin_greeting(self, mate, now, &err);
    if (!status && mate->link && !mate->hello_sent) {
        status = send_beside(self, mate, &hello, &err);
        mate->hello_sent = status == FH_OK;
    }
    if (status && status != FH_BUSY)
        log_limited(LOG_WARNING, "ENG-MATE", "engine=%d %s", mate->number, err.text);
}

static void
give_up(mates_t *self, mate_t *mate, const char *why)
{
    mate_close(self, mate);
    mate_begin_again(self, mate, why);
}

/* The line is to go on over another link. */
static void
resume(mates_t *self, mate_t *mate)
{
    if (mate->in_vain >= MAX_IN_VAIN) {
        give_up(self, mate, "the connection between two engines breaks whenever it goes on");
        return;
    }
    mate->broke = false;
    mate->welcomed = false;
    mate->hello_ns = 0;
    mate->broken_ns = clock_now_ns();
    if (mate->line.numbered)
        mate->resuming = true;
    else
        mate_begin_again(self, mate, "the connection between two engines broke while an array was under way");
    greet(self, mate);
}

/* How often has it gone on since more came through? */
static void
count_in_vain(mate_t *mate, uint64_t heard)
{
    uint64_t through = heard + mate->line.heard;

    mate->in_vain = through == mate->got_to ? mate->in_vain + 1 : 0;
    mate->got_to = through;
}

static void
hear_welcome(mates_t *self, mate_t *mate, const msg_WELCOME_t *welcome)
{
    if (mate->welcomed)
        return;
    if (mate->resuming && !welcome->resumed)
        mate_begin_again(self, mate,
                         "the connection between two engines broke while an array was under way, and the other one has "
                         "forgotten what it had sent");
    if (mate->resuming && welcome->resumed) {
        count_in_vain(mate, welcome->heard);
        line_confirm(&mate->line, welcome->heard);
        line_again(&mate->line);
    } else {
        line_release(&mate->line);
        mate->line.numbered = welcome->features & FEATURE_LINE;
    }
    mate->welcomed = true;
    mate->resuming = false;
    mate->hello_ns = 0;
    mate->ping_ns = clock_now_ns();
    (void)line_send(&mate->line, mate->link, NULL, NULL); /* what the link does not take now waits */
}

/* ---- sending -------------------------------------------------------------------------------------------------------
 */

static int
add_frame(mates_t *self, mate_t *mate, const message_t *message, buf_t *raw, err_t *err)
{
    header_writer_reset(self->writer);
    int status = line_open(&mate->line, self->writer, err);

    if (!status && message)
        status = header_writer_add(self->writer, message, err);
    if (status)
        return status;
    if (raw)
        (void)buf_ref(raw);
    status = line_add(&mate->line, self->writer, &raw, raw ? 1 : 0, err);
    if (status)
        buf_unref(&raw);
    return status;
}

int
mate_send(mates_t *self, mate_t *mate, const message_t *message, buf_t *raw, err_t *err)
{
    if (!mate->welcomed) {
        greet(self, mate);
        return FH_BUSY;
    }
    if (line_bytes(&mate->line) > KEPT_BYTES || line_send(&mate->line, mate->link, NULL, NULL))
        return FH_BUSY;
    int status = add_frame(self, mate, message, raw, err);

    if (status)
        return status;
    mate->used_ns = clock_now_ns();
    (void)line_send(&mate->line, mate->link, NULL, NULL);
    return FH_OK;
}

/* ---- receiving -----------------------------------------------------------------------------------------------------
 */

/* False: the rest of the frame came before, or is not to be taken now. */
static bool
hear_line(mate_t *mate, const msg_LINE_t *message, const link_message_t *frame)
{
    size_t bytes = 0;

    for (int i = 0; i < frame->count; i++)
        bytes += frame->frames[i].size;
    int status = mate->line.numbered ? line_hear(&mate->line, message, bytes) : FH_OK;

    mate->broke |= status == FH_PROTOCOL_ERROR;
    return status == FH_OK;
}

static bool
says_stale(const mate_t *mate, const message_t *message)
{
    return mate->welcomed && message->code == MSG_ERROR && message->as.ERROR.call == 0 &&
           message->as.ERROR.status == FH_STALE_HANDLE;
}

static void
handle_frame(mates_t *self, mate_t *mate, const link_message_t *frame)
{
    header_reader_t reader;
    message_t message;

    arena_reset(self->arena);
    int status = header_open(&reader, frame->frames[0].data, frame->frames[0].size, NULL);

    while (!status) {
        status = header_next(&reader, self->arena, 'E', 'E', (uint32_t)(frame->count - 1), &message, NULL);
        if (status)
            continue;
        if (message.code == MSG_LINE && !hear_line(mate, &message.as.LINE, frame))
            return;
        if (message.code == MSG_WELCOME)
            hear_welcome(self, mate, &message.as.WELCOME);
        else if (says_stale(mate, &message))
            mate->broke = true;
        else if (message.code != MSG_LINE)
            mate_handle(self, mate, &message);
    }
}

bool
mate_receive(mates_t *self, mate_t *mate)
{
    int n = 0;

    for (link_message_t frame; mate->link && !mate->broke && n < MESSAGES_A_TURN; n++) {
        int status = link_receive(mate->link, &frame, NULL);

        if (status == FH_BUSY)
            break;
        if (status)
            continue;
        handle_frame(self, mate, &frame);
        link_message_release(mate->link, &frame);
    }
    if (mate->broke)
        resume(self, mate);
    else if (mate->resuming)
        greet(self, mate); /* the link stands, perhaps */
    if (!mate->welcomed)
        return n == MESSAGES_A_TURN;
    if (line_owes(&mate->line))
        (void)add_frame(self, mate, NULL, NULL, NULL); /* what cannot be told now is told later */
    (void)line_send(&mate->line, mate->link, NULL, NULL);
    return n == MESSAGES_A_TURN;
}

/* ---- from time to time ---------------------------------------------------------------------------------------------
 */

static bool
awaits_credit(mates_t *self, const mate_t *mate)
{
    pthread_mutex_lock(&self->core->lock);
    bool waits = transfers_uncredited(self->core->transfers, mate->engine);

    pthread_mutex_unlock(&self->core->lock);
    return waits;
}

/* What a broken connection took with it would be missed only when something else is sent.  So ask while something is on
 * its way: to a PING an engine that does not know the connection answers STALE_HANDLE. */
static void
ask_whether_it_stands(mates_t *self, mate_t *mate, int64_t now)
{
    if (now - mate->ping_ns < PING_NS)
        return;
    mate->ping_ns = now;
    if (line_bytes(&mate->line) > 0 || now - mate->used_ns < ANSWER_NS || awaits_credit(self, mate))
        (void)send_beside(self, mate, &(message_t){.code = MSG_PING}, NULL); /* if not now, then the next time */
}

void
mate_see_to_line(mates_t *self, mate_t *mate)
{
    int64_t now = clock_now_ns();

    if (mate->lost || !mate->link)
        return;
    if (mate->welcomed)
        ask_whether_it_stands(self, mate, now);
    else if (mate->resuming && now - mate->broken_ns > BROKEN_NS)
        give_up(self, mate,
                "the connection between two engines broke while an array was under way, and could not be made again "
                "for 15 s");
    else if (mate->resuming)
        greet(self, mate);
}
