/* tests/process/engine_rig.c - engines under test and their clients. */
#include "tests/process/engine_rig.h"

#include "base/clock.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static const double PATIENCE_S = 20;

/* ---- processes -----------------------------------------------------------------------------------------------------
 */

static void
start_engine(engine_rig_t *self, rig_engine_t *engine, const char *const *options)
{
    char file[PATH_MAX], line[512];
    const char *argv[16] = {FH_BIN_DIR "/farhand-engine", "--connection", file, "--threads", "2"};
    int count = 5;

    (void)snprintf(file, sizeof file, "%s", check_path(self->broker.folder, "engine.ini"));
    for (int i = 0; options && options[i]; i++)
        argv[count++] = options[i];
    proc_start(&engine->process, argv);
    assert_true(proc_line(&engine->process, line, sizeof line, PATIENCE_S));
    assert_int_equal(strncmp(line, "READY tcp://", 12), 0);
    (void)snprintf(engine->endpoint, sizeof engine->endpoint, "%.255s", line + 6);
}

/* Ask the broker for ids and local endpoints. */
static void
find_engines(engine_rig_t *self)
{
    message_t message;

    rig_send(&self->watcher, &(message_t){.code = MSG_ENGINES, .as.ENGINES.call = ++self->watcher.call});
    for (;;) {
        char endpoint[256];

        assert_true(rig_receive(&self->watcher, &message, PATIENCE_S));
        if (message.code == MSG_END)
            break;
        if (message.code != MSG_ENGINE)
            continue;
        (void)str_copy(message.as.ENGINE.endpoint, endpoint, sizeof endpoint);
        for (int i = 0; i < self->count; i++)
            if (strcmp(self->engines[i].endpoint, endpoint) == 0) {
                self->engines[i].id = message.as.ENGINE.engine;
                (void)str_copy(message.as.ENGINE.local, self->engines[i].local, sizeof self->engines[i].local);
            }
    }
    for (int i = 0; i < self->count; i++)
        assert_false(oid_is_none(self->engines[i].id));
}

void
engine_rig_add(engine_rig_t *self, int count, const char *const *options)
{
    assert_true(self->count + count <= ENGINES_MAX);
    for (int i = 0; i < count; i++)
        start_engine(self, &self->engines[self->count++], options);
    find_engines(self);
}

void
engine_rig_start(engine_rig_t *self, int count, const char *const *options)
{
    memset(self, 0, sizeof *self);
    rig_start(&self->broker, NULL);
    rig_client(&self->broker, &self->watcher);
    engine_rig_add(self, count, options);
}

void
engine_rig_stop(engine_rig_t *self)
{
    int status = -1;

    for (int i = 0; i < self->count; i++) {
        if (self->engines[i].process.pid == 0)
            continue;
        proc_signal(&self->engines[i].process, SIGCONT);
        proc_signal(&self->engines[i].process, SIGTERM);
        assert_true(proc_wait(&self->engines[i].process, &status, PATIENCE_S));
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        proc_end(&self->engines[i].process);
    }
    rig_disconnect(&self->watcher);
    rig_stop(&self->broker);
}

/* ---- connections ---------------------------------------------------------------------------------------------------
 */

static void
connect_caller(caller_t *self, engine_rig_t *rig, int engine, oid_t session, bool tcp)
{
    link_zmq_options_t options = {.linger_ms = 0};
    err_t err;

    memset(self, 0, sizeof *self);
    self->rig = rig;
    self->session = oid_is_none(session) ? oid_new() : session;
    rig->broker.peers++;
    if (tcp) {
        options.keys = &rig->broker.client_keys;
        options.server_key = rig->broker.engine_keys.public_key;
    }
    check_ok(link_zmq_connect(&self->link, rig->broker.context,
                              tcp ? rig->engines[engine].endpoint : rig->engines[engine].local, &options, &err),
             err);
    check_ok(header_writer_new(&self->writer, &err), err);
    check_ok(arena_new(&self->arena, 16 << 20, &err), err);
}

static message_t
hello_of(const caller_t *self)
{
    return (message_t){.code = MSG_HELLO,
                       .as.HELLO = {.session = self->session,
                                    .major = PROTOCOL_MAJOR,
                                    .minor = PROTOCOL_MINOR,
                                    .software = str_of("test"),
                                    .host = str_of("here/boot")}};
}

void
caller_open(caller_t *self, engine_rig_t *rig, int engine, oid_t session, bool tcp)
{
    message_t message;

    connect_caller(self, rig, engine, session, tcp);
    message = hello_of(self);
    (void)caller_send(self, &message, NULL, 0);
    caller_expect(self, MSG_WELCOME, &message);
}

void
caller_open_numbered(caller_t *self, engine_rig_t *rig, oid_t session, bool resume, uint64_t heard,
                     message_t *ret_welcome)
{
    message_t message;

    connect_caller(self, rig, 0, session, false);
    message = hello_of(self);
    message.as.HELLO.features = FEATURE_LINE;
    message.as.HELLO.resume = resume;
    message.as.HELLO.heard = heard;
    (void)caller_send(self, &message, NULL, 0);
    caller_expect(self, MSG_WELCOME, ret_welcome);
    self->numbered = true;
}

static void
release_frame(caller_t *self)
{
    if (self->held)
        link_message_release(self->link, &self->frame);
    self->held = false;
}

void
caller_close(caller_t *self)
{
    release_frame(self);
    link_destroy(&self->link);
    header_writer_destroy(&self->writer);
    arena_destroy(&self->arena);
    self->rig->broker.peers--;
}

void
caller_leave(caller_t *self)
{
    message_t message;

    (void)caller_send(self, &(message_t){.code = MSG_GOODBYE}, NULL, 0);
    caller_expect(self, MSG_OK, &message);
    caller_close(self);
}

static bool
wait_readable(caller_t *self, int64_t deadline)
{
    struct pollfd waits = {.fd = link_fd(self->link), .events = POLLIN};
    int wait_ms = clock_remaining_ms(deadline, 20);

    if (wait_ms > 0 && !link_ready(self->link, NULL))
        poll(&waits, 1, wait_ms);
    return wait_ms > 0;
}

static void
send_frames(caller_t *self, const link_frame_t *frames, int count)
{
    int64_t deadline = clock_deadline(PATIENCE_S);
    int status;
    err_t err = {0};

    while ((status = link_send(self->link, NULL, frames, count, &err)) == FH_BUSY && wait_readable(self, deadline)) {
    }
    check_ok(status, err);
}

uint64_t
caller_send(caller_t *self, const message_t *message, const void *raw, size_t size)
{
    message_t numbered = *message;
    uint64_t call = ++self->call;
    err_t err;

    memcpy(&numbered.as, &call, sizeof call);
    numbered.raw = raw != NULL;
    header_writer_reset(self->writer);
    if (self->numbered) {
        message_t line = {.code = MSG_LINE, .as.LINE.number = ++self->line};

        check_ok(header_writer_add(self->writer, &line, &err), err);
    }
    check_ok(header_writer_add(self->writer, &numbered, &err), err);
    link_frame_t frames[2] = {{.data = header_writer_data(self->writer), .size = header_writer_size(self->writer)},
                              {.data = raw, .size = size}};

    send_frames(self, frames, raw ? 2 : 1);
    return call;
}

void
caller_send_bytes(caller_t *self, const void *bytes, size_t size)
{
    send_frames(self, &(link_frame_t){.data = bytes, .size = size}, 1);
}

static void
find_raws(caller_t *self, const message_t *message, uint32_t before)
{
    for (uint32_t i = 0; i < message->raw && i < 2; i++) {
        self->raw[i] = self->frame.frames[1 + before + i].data;
        self->raw_size[i] = self->frame.frames[1 + before + i].size;
    }
}

static bool
next_message(caller_t *self, message_t *ret, int64_t deadline)
{
    err_t err;

    for (;;) {
        if (self->held) {
            uint32_t before = self->reader.raw_seen;

            arena_reset(self->arena);
            int status = header_next(&self->reader, self->arena, 'E', 'C', (uint32_t)self->frame.count - 1, ret, &err);

            if (status == FH_OK) {
                find_raws(self, ret, before);
                return true;
            }
            if (status != FH_NO_SUCH_OBJECT)
                check_ok(status, err);
            release_frame(self);
        }
        if (link_receive(self->link, &self->frame, &err) == FH_OK) {
            self->held = true;
            check_ok(header_open(&self->reader, self->frame.frames[0].data, self->frame.frames[0].size, &err), err);
        } else if (!wait_readable(self, deadline)) {
            return false;
        }
    }
}

bool
caller_receive(caller_t *self, message_t *ret, double timeout_s)
{
    int64_t deadline = clock_deadline(timeout_s);

    while (next_message(self, ret, deadline)) {
        if (ret->code == MSG_LINE) {
            self->heard = ret->as.LINE.number;
            continue;
        }
        if (ret->code != MSG_DONE)
            return true;
        assert_true(ret->as.DONE.call > self->done);
        self->done = ret->as.DONE.call;
    }
    return false;
}

void
caller_expect(caller_t *self, msg_code_t code, message_t *ret)
{
    char text[512];

    if (!caller_receive(self, ret, PATIENCE_S))
        fail_msg("no %s came", message_desc(code)->name);
    if (ret->code != code)
        fail_msg("%s came, not %s", message_print(ret, text, sizeof text), message_desc(code)->name);
}

void
caller_expect_error(caller_t *self, int status, message_t *ret)
{
    message_t message;
    char text[512];

    caller_expect(self, MSG_ERROR, &message);
    if (message.as.ERROR.status != (uint64_t)status)
        fail_msg("%s, not %s", message_print(&message, text, sizeof text), status_name(status));
    if (ret)
        *ret = message;
}

/* ---- calls ---------------------------------------------------------------------------------------------------------
 */

oid_t
caller_array(caller_t *self, dtype_t dtype, int64_t n, const void *data)
{
    oid_t id = oid_new();
    message_t message = {.code = MSG_EMPTY, .as.EMPTY = {.result = id, .dtype = dtype, .shape = {&n, 1}}};

    (void)caller_send(self, &message, data, (size_t)n * dtype_size(dtype));
    return id;
}

oid_t
caller_doubles(caller_t *self, int64_t n, double start, double step)
{
    double *values = malloc((size_t)n * sizeof *values + 1);

    assert_non_null(values);
    for (int64_t i = 0; i < n; i++)
        values[i] = start + step * (double)i;
    oid_t id = caller_array(self, DTYPE_FLOAT64, n, values);

    free(values);
    return id;
}

uint64_t
caller_ask(caller_t *self, oid_t object, size_t size)
{
    return caller_send(self, &(message_t){.code = MSG_FETCH, .as.FETCH = {.object = object, .size = size}}, NULL, 0);
}

void
caller_fetch(caller_t *self, oid_t object, void *ret, size_t size)
{
    message_t message;
    uint64_t call = caller_ask(self, object, size);

    caller_expect(self, MSG_DATA, &message);
    assert_int_equal(message.as.DATA.call, call);
    assert_int_equal(self->raw_size[0], size);
    memcpy(ret, self->raw[0], size);
}

oid_t
caller_binary(caller_t *self, const char *op, oid_t a, oid_t b)
{
    oid_t id = oid_new();
    operand_t inputs[2] = {{.object = a}, {.object = b}};
    message_t message = {.code = MSG_UFUNC,
                         .as.UFUNC = {.op = str_of(op),
                                      .inputs = {inputs, 2},
                                      .results = {&id, 1},
                                      .loop_in = DTYPE_FLOAT64 | DTYPE_FLOAT64 << 8,
                                      .loop_out = DTYPE_FLOAT64}};

    (void)caller_send(self, &message, NULL, 0);
    return id;
}

oid_t
caller_view(caller_t *self, oid_t object, int64_t offset, int64_t n, int64_t stride)
{
    oid_t id = oid_new();
    message_t message = {
        .code = MSG_VIEW,
        .as.VIEW = {.object = object, .result = id, .offset = offset, .shape = {&n, 1}, .strides = {&stride, 1}}};

    (void)caller_send(self, &message, NULL, 0);
    return id;
}

void
caller_release(caller_t *self, oid_t object)
{
    (void)caller_send(self, &(message_t){.code = MSG_RELEASE, .as.RELEASE.objects = {&object, 1}}, NULL, 0);
}

void
caller_sync(caller_t *self)
{
    message_t message;
    uint64_t call = caller_send(self, &(message_t){.code = MSG_SYNC}, NULL, 0);

    caller_expect(self, MSG_OK, &message);
    assert_int_equal(message.as.OK.call, call);
}

int64_t
caller_stat(caller_t *self, const char *name)
{
    message_t message;

    (void)caller_send(self, &(message_t){.code = MSG_CALL, .as.CALL.method = str_of("stats")}, NULL, 0);
    caller_expect(self, MSG_RESULT, &message);
    const values_t values = message.as.RESULT.values;

    for (uint32_t i = 0; i + 1 < values.count; i += 2)
        if (str_is(values.items[i].as.str, name))
            return values.items[i + 1].as.i;
    fail_msg("the stats have no %s", name);
    return -1;
}

typedef struct {
    caller_t *caller;
    const char *name;
    int64_t value;
} wanted_t;

static bool
has_value(void *context)
{
    const wanted_t *wanted = context;

    return caller_stat(wanted->caller, wanted->name) == wanted->value;
}

void
caller_wait_stat(caller_t *self, const char *name, int64_t value)
{
    wanted_t wanted = {self, name, value};

    if (!check_until(has_value, &wanted, PATIENCE_S))
        fail_msg("%s is %lld, not %lld", name, (long long)caller_stat(self, name), (long long)value);
}
