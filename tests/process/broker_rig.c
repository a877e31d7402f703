/* tests/process/broker_rig.c - a broker under test and its peers. */
#include "tests/process/broker_rig.h"

#include "base/clock.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static const double PATIENCE_S = 10;

/* ---- the broker ----------------------------------------------------------------------------------------------------
 */

static void
write_file(rig_t *self, const char *name, const char *section, const link_keys_t *keys)
{
    connection_t connection = {.cluster = "test"};
    err_t err;

    snprintf(connection.broker_public_key, sizeof connection.broker_public_key, "%s", self->broker_keys.public_key);
    snprintf(connection.engine_public_key, sizeof connection.engine_public_key, "%s", self->engine_keys.public_key);
    snprintf(connection.client_public_key, sizeof connection.client_public_key, "%s", self->client_keys.public_key);
    snprintf(connection.secret_key, sizeof connection.secret_key, "%s", keys->secret_key);
    snprintf(connection.run_folder, sizeof connection.run_folder, "%.255s", self->folder);
    check_ok(connection_write(check_path(self->folder, name), section, &connection, &err), err);
}

void
rig_start_again(rig_t *self)
{
    const char *argv[16] = {
        FH_BIN_DIR "/farhand-broker", "--folder", self->folder, "--cluster", "test", "--listen", "127.0.0.1"};
    char line[512];
    int count = 7;

    for (int i = 0; self->options[i]; i++)
        argv[count++] = self->options[i];
    proc_start(&self->broker, argv);
    assert_true(proc_line(&self->broker, line, sizeof line, PATIENCE_S));
    assert_int_equal(strncmp(line, "READY tcp://", 12), 0);
    snprintf(self->endpoint, sizeof self->endpoint, "%.255s", line + 6);
}

void
rig_start(rig_t *self, const char *const *options)
{
    err_t err;

    memset(self, 0, sizeof *self);
    for (int i = 0; options && options[i]; i++)
        self->options[i] = options[i];
    check_folder_make(self->folder);
    check_ok(link_zmq_context_new(&self->context, &err), err);
    check_ok(link_zmq_keys_new(&self->broker_keys, &err), err);
    check_ok(link_zmq_keys_new(&self->client_keys, &err), err);
    check_ok(link_zmq_keys_new(&self->engine_keys, &err), err);
    write_file(self, "broker.ini", "farhand-broker", &self->broker_keys);
    write_file(self, "client.ini", "farhand-client", &self->client_keys);
    write_file(self, "engine.ini", "farhand-engine", &self->engine_keys);
    rig_start_again(self);
}

void
rig_restart(rig_t *self)
{
    proc_signal(&self->broker, SIGKILL);
    proc_end(&self->broker);
    rig_start_again(self);
}

void
rig_stop(rig_t *self)
{
    int status = -1;

    proc_signal(&self->broker, SIGCONT); /* a failed test may have left it stopped */
    proc_signal(&self->broker, SIGTERM);
    assert_true(proc_wait(&self->broker, &status, PATIENCE_S));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    proc_end(&self->broker);
    if (self->peers == 0)
        link_zmq_context_destroy(&self->context);
    check_folder_remove(self->folder);
}

/* ---- peers ---------------------------------------------------------------------------------------------------------
 */

void
rig_connect_keys(rig_t *self, rig_peer_t *peer, char role, const link_keys_t *keys)
{
    link_zmq_options_t options = {.keys = keys, .server_key = self->broker_keys.public_key, .linger_ms = 0};
    err_t err;

    memset(peer, 0, sizeof *peer);
    peer->rig = self;
    peer->role = role;
    self->peers++;
    check_ok(link_zmq_connect(&peer->link, self->context, self->endpoint, &options, &err), err);
    check_ok(header_writer_new(&peer->writer, &err), err);
    check_ok(arena_new(&peer->arena, 16 << 20, &err), err);
}

void
rig_connect(rig_t *self, rig_peer_t *peer, char role)
{
    rig_connect_keys(self, peer, role, role == 'E' ? &self->engine_keys : &self->client_keys);
}

static void
release_frame(rig_peer_t *peer)
{
    if (peer->held)
        link_message_release(peer->link, &peer->frame);
    peer->held = false;
}

void
rig_disconnect(rig_peer_t *peer)
{
    release_frame(peer);
    link_destroy(&peer->link);
    header_writer_destroy(&peer->writer);
    arena_destroy(&peer->arena);
    peer->rig->peers--;
}

static bool
wait_readable(rig_peer_t *peer, int64_t deadline)
{
    struct pollfd waits = {.fd = link_fd(peer->link), .events = POLLIN};
    int wait_ms = clock_remaining_ms(deadline, 100);

    if (wait_ms > 0)
        poll(&waits, 1, wait_ms);
    return wait_ms > 0;
}

void
rig_send_bytes(rig_peer_t *peer, const void *bytes, size_t size)
{
    link_frame_t frame = {.data = bytes, .size = size};
    int64_t deadline = clock_deadline(PATIENCE_S);
    int status;
    err_t err = {0};

    while ((status = link_send(peer->link, NULL, &frame, 1, &err)) == FH_BUSY && wait_readable(peer, deadline)) {
    }
    check_ok(status, err);
}

void
rig_send(rig_peer_t *peer, const message_t *message)
{
    err_t err;

    header_writer_reset(peer->writer);
    check_ok(header_writer_add(peer->writer, message, &err), err);
    rig_send_bytes(peer, header_writer_data(peer->writer), header_writer_size(peer->writer));
}

/* The next message of the frame at hand, or of the next frame. */
static bool
next_message(rig_peer_t *peer, message_t *ret, int64_t deadline)
{
    err_t err;

    for (;;) {
        if (peer->held) {
            arena_reset(peer->arena);
            int status =
                header_next(&peer->reader, peer->arena, 'B', peer->role, (uint32_t)peer->frame.count - 1, ret, &err);

            if (status == FH_OK)
                return true;
            if (status != FH_NO_SUCH_OBJECT)
                check_ok(status, err);
            release_frame(peer);
        }
        if (link_receive(peer->link, &peer->frame, &err) == FH_OK) {
            peer->held = true;
            check_ok(header_open(&peer->reader, peer->frame.frames[0].data, peer->frame.frames[0].size, &err), err);
        } else if (!wait_readable(peer, deadline))
            return false;
    }
}

bool
rig_receive(rig_peer_t *peer, message_t *ret, double timeout_s)
{
    int64_t deadline = clock_deadline(timeout_s);

    while (next_message(peer, ret, deadline)) {
        if (ret->code != MSG_PING)
            return true;
        peer->pings++;
    }
    return false;
}

void
rig_expect(rig_peer_t *peer, msg_code_t code, message_t *ret)
{
    char text[512];

    do {
        if (!rig_receive(peer, ret, PATIENCE_S))
            fail_msg("no %s came", message_desc(code)->name);
    } while (ret->code != code &&
             (ret->code == MSG_ENGINE || ret->code == MSG_ENGINE_LOST || ret->code == MSG_SESSION_GONE) &&
             message_call(ret) == 0);
    if (ret->code != code)
        fail_msg("%s came, not %s", message_print(ret, text, sizeof text), message_desc(code)->name);
}

void
rig_expect_error(rig_peer_t *peer, int status, message_t *ret)
{
    char text[512];

    rig_expect(peer, MSG_ERROR, ret);
    if (ret->as.ERROR.status != (uint64_t)status)
        fail_msg("%s, not %s", message_print(ret, text, sizeof text), status_name(status));
}

void
rig_hello(rig_peer_t *peer, message_t *ret_welcome)
{
    if (oid_is_none(peer->id))
        peer->id = oid_new();
    rig_send(peer, &(message_t){.code = MSG_HELLO,
                                .as.HELLO = {.call = ++peer->call,
                                             .session = peer->id,
                                             .major = PROTOCOL_MAJOR,
                                             .minor = PROTOCOL_MINOR,
                                             .software = str_of("test"),
                                             .host = str_of("here/boot"),
                                             .pid = 4711}});
    rig_expect(peer, MSG_WELCOME, ret_welcome);
    assert_int_equal(ret_welcome->as.WELCOME.call, peer->call);
}

void
rig_client(rig_t *self, rig_peer_t *peer)
{
    message_t welcome;

    rig_connect(self, peer, 'C');
    rig_hello(peer, &welcome);
}

void
rig_engine(rig_t *self, rig_peer_t *peer)
{
    message_t message;

    rig_connect(self, peer, 'E');
    rig_hello(peer, &message);
    rig_send(peer, &(message_t){.code = MSG_ANNOUNCE,
                                .as.ANNOUNCE = {.call = ++peer->call,
                                                .endpoint = str_of("tcp://127.0.0.1:1"),
                                                .cores = 2,
                                                .memory = 1 << 30}});
    rig_expect(peer, MSG_OK, &message);
}

void
rig_beat(rig_peer_t *engine)
{
    rig_send(engine, &(message_t){.code = MSG_HEARTBEAT, .as.HEARTBEAT = {.used = 96, .objects = 1}});
}

void
rig_tell_object(rig_peer_t *engine, oid_t object, oid_t session)
{
    static const int64_t SHAPE[] = {3, 4};

    rig_send(engine, &(message_t){.code = MSG_OBJECT,
                                  .as.OBJECT = {.object = object,
                                                .session = session,
                                                .type = str_of("array"),
                                                .dtype = 12,
                                                .shape = {SHAPE, 2},
                                                .bytes = 96}});
}

void
rig_ask_publish(rig_peer_t *client, const char *name, oid_t object, const rig_peer_t *engine)
{
    static const int64_t SHAPE[] = {3, 4};

    rig_send(client, &(message_t){.code = MSG_PUBLISH,
                                  .as.PUBLISH = {.call = ++client->call,
                                                 .name = str_of(name),
                                                 .type = str_of("array"),
                                                 .dtype = 12,
                                                 .shape = {SHAPE, 2},
                                                 .axis = -1,
                                                 .pieces = {&object, 1},
                                                 .engines = {&engine->id, 1}}});
}

uint64_t
rig_expect_keep(rig_peer_t *engine, oid_t object)
{
    message_t message;

    rig_expect(engine, MSG_KEEP, &message);
    assert_true(message.as.KEEP.keep);
    assert_int_equal(message.as.KEEP.objects.count, 1);
    assert_true(oid_equal(message.as.KEEP.objects.items[0], object));
    return message.as.KEEP.call;
}

void
rig_publish(rig_peer_t *client, const char *name, oid_t object, rig_peer_t *engine)
{
    message_t message;

    rig_ask_publish(client, name, object, engine);
    rig_send(engine, &(message_t){.code = MSG_OK, .as.OK.call = rig_expect_keep(engine, object)});
    rig_expect(client, MSG_OK, &message);
    assert_int_equal(message.as.OK.call, client->call);
}
