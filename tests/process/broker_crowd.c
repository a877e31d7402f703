/* tests/process/broker_crowd.c - simulated engines and clients, by the thousand. */
#include "tests/process/broker_crowd.h"

#include "base/clock.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

enum { FRAME_BYTES = 32 * 1024, GONE_A_MESSAGE = 4096, SOCKETS = 16384, SLICE_MS = 20, GROUP = 50, WATCHED = 8 };

static const int64_t BEAT_NS = 250000000;
static const double PATIENCE_S = 60;

/* ---- hearing -------------------------------------------------------------------------------------------------------
 */

static void
count_row(member_t *self, const message_t *message)
{
    const values_t *values = &message->as.ROW.values;

    self->rows++;
    if (message->code == MSG_ROW && values->count &&
        (values->items[0].kind == VALUE_INT || values->items[0].kind == VALUE_UINT))
        self->number = values->items[0].as.i;
}

/* With a writer of its own: that of the peer may hold what is being sent. */
static void
confirm(member_t *self, uint64_t call)
{
    header_writer_t *writer;
    err_t err;

    check_ok(header_writer_new(&writer, &err), err);
    check_ok(header_writer_add(writer, &(message_t){.code = MSG_OK, .as.OK.call = call}, &err), err);
    rig_send_bytes(&self->peer, header_writer_data(writer), header_writer_size(writer));
    header_writer_destroy(&writer);
}

static void
hear(member_t *self, const message_t *message)
{
    uint64_t call = message_call(message);

    if (message->code == MSG_OBJECT || message->code == MSG_NAMED || message->code == MSG_ROW)
        count_row(self, message);
    self->engines += message->code == MSG_ENGINE;
    self->engines_lost += message->code == MSG_ENGINE_LOST;
    self->sessions_gone += message->code == MSG_SESSION_GONE;
    if (message->code == MSG_KEEP && message->as.KEEP.keep)
        self->kept += message->as.KEEP.objects.count;
    else if (message->code == MSG_KEEP)
        self->released += message->as.KEEP.objects.count;
    if (message->code == MSG_KEEP && message->as.KEEP.call)
        confirm(self, message->as.KEEP.call);
    if (message->code == MSG_ERROR)
        self->status = (int)message->as.ERROR.status;
    if (message->code != MSG_KEEP && message->code != MSG_OBJECT && message->code != MSG_ROW &&
        message->code != MSG_ENGINE && message->code != MSG_NAMED &&
        call > self->answered) /* answers come in any order */
        self->answered = call;
}

static void
read_all(member_t *self)
{
    message_t message;

    while (rig_receive(&self->peer, &message, 0))
        hear(self, &message);
}

/* Now or not at all, as engines do. */
static void
send_beat(const crowd_t *self, member_t *member)
{
    link_frame_t frame = {.data = header_writer_data(self->beat), .size = header_writer_size(self->beat)};

    (void)link_send(member->peer.link, NULL, &frame, 1, NULL);
}

void
crowd_live(crowd_t *self)
{
    int64_t now_ns = clock_now_ns();
    bool beat = now_ns >= self->beat_ns;

    if (beat)
        self->beat_ns = now_ns + BEAT_NS;
    for (int i = 0; beat && i < self->present && i < self->nengines; i++)
        if (self->members[i].greeted)
            send_beat(self, &self->members[i]);
    for (int i = 0; i < self->present; i++)
        read_all(&self->members[i]);
}

/* Wait for the member, while engines confirm what they are to keep: the first at once, the others in a while. */
static void
rest(crowd_t *self, member_t *member)
{
    struct pollfd waits[1 + WATCHED] = {{.fd = link_fd(member->peer.link), .events = POLLIN}};
    int count = 1;

    if (clock_now_ns() >= self->beat_ns)
        crowd_live(self);
    for (int i = 0; i < self->present && i < self->nengines && i < WATCHED; i++) {
        read_all(&self->members[i]); /* makes the descriptor tell of what comes from now on */
        waits[count++] = (struct pollfd){.fd = link_fd(self->members[i].peer.link), .events = POLLIN};
    }
    if (!link_ready(member->peer.link, NULL) && poll(waits, (nfds_t)count, SLICE_MS) == 0)
        crowd_live(self);
}

/* ---- saying --------------------------------------------------------------------------------------------------------
 */

/* Send what stands in the member's writer. */
static void
flush(crowd_t *self, member_t *member)
{
    header_writer_t *writer = member->peer.writer;
    link_frame_t frame = {.data = header_writer_data(writer), .size = header_writer_size(writer)};
    int64_t deadline = clock_deadline(PATIENCE_S);
    int status = FH_OK;
    err_t err = {0};

    while (header_writer_count(writer) && (status = link_send(member->peer.link, NULL, &frame, 1, &err)) == FH_BUSY &&
           clock_remaining_ms(deadline, 1) > 0) {
        read_all(member);
        rest(self, member);
    }
    check_ok(status, err);
    header_writer_reset(writer);
}

static void
add(crowd_t *self, member_t *member, const message_t *message)
{
    err_t err;

    check_ok(header_writer_add(member->peer.writer, message, &err), err);
    if (header_writer_size(member->peer.writer) >= FRAME_BYTES)
        flush(self, member);
}

void
crowd_send(crowd_t *self, member_t *member, const message_t *message)
{
    header_writer_reset(member->peer.writer);
    add(self, member, message);
    flush(self, member);
}

void
crowd_await(crowd_t *self, member_t *member, uint64_t call)
{
    int64_t deadline = clock_deadline(PATIENCE_S);

    for (;;) {
        read_all(member);
        if (member->answered >= call)
            return;
        assert_true(clock_remaining_ms(deadline, 1) > 0);
        rest(self, member);
    }
}

void
crowd_settle(crowd_t *self, member_t *member)
{
    crowd_send(self, member, &(message_t){.code = MSG_PING, .as.PING.call = ++member->peer.call});
    crowd_await(self, member, member->peer.call);
}

bool
crowd_until(crowd_t *self, bool (*condition)(void *context), void *context, double timeout_s)
{
    int64_t deadline = clock_deadline(timeout_s);

    while (!condition(context)) {
        if (clock_remaining_ms(deadline, 1) == 0)
            return false;
        crowd_live(self);
        rest(self, &self->members[0]);
    }
    return true;
}

/* ---- lives ---------------------------------------------------------------------------------------------------------
 */

static void
say_hello(crowd_t *self, member_t *member)
{
    if (oid_is_none(member->peer.id))
        member->peer.id = oid_new();
    crowd_send(self, member,
               &(message_t){.code = MSG_HELLO,
                            .as.HELLO = {.call = ++member->peer.call,
                                         .session = member->peer.id,
                                         .major = PROTOCOL_MAJOR,
                                         .minor = PROTOCOL_MINOR,
                                         .software = str_of("crowd"),
                                         .host = str_of("here/boot"),
                                         .pid = 4711}});
    member->greeted = true;
}

static void
announce(crowd_t *self, member_t *member)
{
    crowd_send(self, member,
               &(message_t){.code = MSG_ANNOUNCE,
                            .as.ANNOUNCE = {.call = ++member->peer.call,
                                            .endpoint = str_of("tcp://127.0.0.1:1"),
                                            .cores = 2,
                                            .memory = 1 << 30}});
}

/* Members from first on, at once. */
static void
join(crowd_t *self, int first, int count)
{
    for (int i = first; i < first + count; i++) {
        member_t *member = &self->members[i];
        oid_t id = member->peer.id;

        memset(member, 0, sizeof *member);
        rig_connect(&self->rig, &member->peer, i < self->nengines ? 'E' : 'C');
        member->peer.id = id;
        self->present = i + 1;
        say_hello(self, member);
    }
    for (int i = first; i < first + count; i++)
        crowd_await(self, &self->members[i], self->members[i].peer.call);
    for (int i = first; i < first + count && i < self->nengines; i++)
        announce(self, &self->members[i]);
    for (int i = first > self->nengines ? first : self->nengines; i < first + count;
         i++) /* as clients do: who is there? */
        crowd_send(self, &self->members[i],
                   &(message_t){.code = MSG_ENGINES, .as.ENGINES.call = ++self->members[i].peer.call});
    for (int i = first; i < first + count; i++)
        crowd_await(self, &self->members[i], self->members[i].peer.call);
}

/* In groups: both ends of all handshakes are on this machine, and an engine in a handshake cannot give signs of life.
 */
static void
connect_all(crowd_t *self)
{
    int count = self->nengines + self->nclients;

    self->beat_ns = 0;
    for (int i = 0; i < count; i += GROUP)
        join(self, i, count - i < GROUP ? count - i : GROUP);
}

void
crowd_start(crowd_t *self, const char *const *options, int nengines, int nclients)
{
    err_t err;

    memset(self, 0, sizeof *self);
    rig_start(&self->rig, options);
    zmq_ctx_set(self->rig.context, ZMQ_MAX_SOCKETS, SOCKETS);
    self->nengines = nengines;
    self->nclients = nclients;
    self->members = calloc((size_t)(nengines + nclients), sizeof *self->members);
    assert_non_null(self->members);
    check_ok(header_writer_new(&self->beat, &err), err);
    check_ok(header_writer_add(self->beat,
                               &(message_t){.code = MSG_HEARTBEAT, .as.HEARTBEAT = {.used = 96, .objects = 1}}, &err),
             err);
    connect_all(self);
}

static void
disconnect_all(crowd_t *self)
{
    for (int i = 0; i < self->nengines + self->nclients; i++)
        rig_disconnect(&self->members[i].peer);
}

void
crowd_restart(crowd_t *self)
{
    proc_signal(&self->rig.broker, SIGKILL);
    proc_end(&self->rig.broker);
    disconnect_all(self);
    self->present = 0;
    rig_start_again(&self->rig);
    connect_all(self);
}

void
crowd_stop(crowd_t *self)
{
    disconnect_all(self);
    free(self->members);
    header_writer_destroy(&self->beat);
    rig_stop(&self->rig);
}

member_t *
crowd_engine(crowd_t *self, int i)
{
    return &self->members[i];
}

member_t *
crowd_client(crowd_t *self, int i)
{
    return &self->members[self->nengines + i];
}

/* ---- objects and names ---------------------------------------------------------------------------------------------
 */

static const int64_t SHAPE[] = {3, 4};

void
crowd_tell(crowd_t *self, member_t *engine, oid_t session, const oid_t *ids, size_t count)
{
    message_t message = {
        .code = MSG_OBJECT,
        .as.OBJECT = {.session = session, .type = str_of("array"), .dtype = 12, .shape = {SHAPE, 2}, .bytes = 96}};

    header_writer_reset(engine->peer.writer);
    for (size_t i = 0; i < count; i++) {
        message.as.OBJECT.object = ids[i];
        add(self, engine, &message);
    }
    flush(self, engine);
}

void
crowd_tell_gone(crowd_t *self, member_t *engine, const oid_t *ids, size_t count)
{
    for (size_t done = 0; done < count;) {
        size_t part = count - done < GONE_A_MESSAGE ? count - done : GONE_A_MESSAGE;

        crowd_send(self, engine,
                   &(message_t){.code = MSG_OBJECTS_GONE, .as.OBJECTS_GONE.objects = {ids + done, (uint32_t)part}});
        done += part;
    }
}

uint64_t
crowd_publish(crowd_t *self, member_t *client, const char *name, oid_t object, const member_t *engine)
{
    crowd_send(self, client,
               &(message_t){.code = MSG_PUBLISH,
                            .as.PUBLISH = {.call = ++client->peer.call,
                                           .name = str_of(name),
                                           .type = str_of("array"),
                                           .dtype = 12,
                                           .shape = {SHAPE, 2},
                                           .axis = -1,
                                           .pieces = {&object, 1},
                                           .engines = {&engine->peer.id, 1}}});
    return client->peer.call;
}

int64_t
crowd_number(crowd_t *self, member_t *client, const char *sql)
{
    client->number = -1;
    crowd_send(self, client,
               &(message_t){.code = MSG_SQL, .as.SQL = {.call = ++client->peer.call, .query = str_of(sql)}});
    crowd_await(self, client, client->peer.call);
    return client->number;
}
