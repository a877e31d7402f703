/* Groups against a server of the test's that holds one array, and breaks its streams as it likes. */
#include "base/clock.h"
#include "base/stream_group.h"
#include "tests/support/check.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BYTES = 23 * STREAM_CHUNK + 4567, MAX_SERVED = 4096, PATIENCE_MS = 300, WAIT_S = 60 };

typedef struct server server_t;

typedef struct {
    server_t *server;
    stream_t *stream;
    int fd;
    pthread_t thread;
} served_t;

struct server {
    int listener, port;
    pthread_t thread;
    pthread_mutex_t lock;
    bool stop;
    unsigned seed;
    int breaks; /* one record in so many ends its stream, or (0) none */
    int fails;  /* the number of the record that is answered by FAILED; 0: none */
    int records;
    int ntickets;
    stream_ticket_t tickets[MAX_SERVED];
    served_t served[MAX_SERVED];
    int nserved;
    char *array;
    int puts[BYTES / STREAM_CHUNK + 1];
};

static unsigned
chance(server_t *self, unsigned below)
{
    pthread_mutex_lock(&self->lock);
    unsigned value = (unsigned)rand_r(&self->seed) % below;
    pthread_mutex_unlock(&self->lock);
    return value;
}

static int
answer(served_t *self, const stream_record_t *record, err_t *err)
{
    server_t *server = self->server;
    stream_record_t reply = *record;
    char *place = server->array + record->offset;
    int status = FH_OK;
    if (record->offset + record->size > BYTES)
        return FH_BAD_INDEX;
    if (record->op == STREAM_PUT) {
        status = stream_take(self->stream, record, place, err);
        reply.op = STREAM_TAKEN;
    } else {
        reply.op = STREAM_DATA;
    }
    pthread_mutex_lock(&server->lock);
    bool fails = ++server->records == server->fails;
    server->puts[record->offset / STREAM_CHUNK] += !status && record->op == STREAM_PUT;
    pthread_mutex_unlock(&server->lock);
    if (status)
        return status;
    if (fails) {
        reply =
            (stream_record_t){.op = STREAM_FAILED, .status = FH_NO_SUCH_OBJECT, .size = 7, .offset = record->offset};
        memcpy(reply.id, record->id, sizeof reply.id);
        return stream_send(self->stream, &reply, "it\x01went", err);
    }
    return stream_send(self->stream, &reply, place, err);
}

static void *
serve(void *context)
{
    served_t *self = context;
    server_t *server = self->server;
    uint8_t token[STREAM_TOKEN];
    const stream_options_t options = {.patience_ms = 5000, .sealed = true};
    const stream_ticket_t *ticket = NULL;
    err_t err;
    if (stream_accept(&self->stream, self->fd, 5000, token, &err))
        return NULL;
    pthread_mutex_lock(&server->lock);
    for (int i = 0; i < server->ntickets; i++)
        if (memcmp(server->tickets[i].token, token, sizeof token) == 0)
            ticket = &server->tickets[i];
    pthread_mutex_unlock(&server->lock);
    int status = ticket ? stream_admit(self->stream, ticket, &options, &err) : FH_PERMISSION;
    while (!status) {
        stream_record_t record;
        status = stream_receive(self->stream, &record, -1, &err);
        if (!status && server->breaks && chance(server, (unsigned)server->breaks) == 0)
            break; /* before or after its bytes are there, as it happens */
        if (!status)
            status = answer(self, &record, &err);
        if (!status && server->breaks && chance(server, (unsigned)server->breaks) == 0)
            break;
    }
    stream_shut(self->stream);
    return NULL;
}

static void *
listen_on(void *context)
{
    server_t *self = context;
    for (;;) {
        struct pollfd item = {.fd = self->listener, .events = POLLIN};
        if (poll(&item, 1, 20) == 1 && self->nserved < MAX_SERVED) {
            served_t *served = &self->served[self->nserved];
            *served = (served_t){.server = self, .fd = accept(self->listener, NULL, NULL)};
            if (served->fd >= 0 && pthread_create(&served->thread, NULL, serve, served) == 0)
                self->nserved++;
        }
        pthread_mutex_lock(&self->lock);
        bool stop = self->stop;
        pthread_mutex_unlock(&self->lock);
        if (stop)
            return NULL;
    }
}

static server_t *
server_start(unsigned seed, int breaks)
{
    err_t err;
    server_t *self = calloc(1, sizeof *self);
    assert_non_null(self);
    self->array = malloc(BYTES);
    assert_non_null(self->array);
    self->seed = seed;
    self->breaks = breaks;
    pthread_mutex_init(&self->lock, NULL);
    check_ok(stream_listen("127.0.0.1", &self->listener, &self->port, &err), err);
    assert_int_equal(pthread_create(&self->thread, NULL, listen_on, self), 0);
    return self;
}

/* The groups must be gone. */
static void
server_stop(server_t *self)
{
    pthread_mutex_lock(&self->lock);
    self->stop = true;
    pthread_mutex_unlock(&self->lock);
    pthread_join(self->thread, NULL);
    for (int i = 0; i < self->nserved; i++) {
        pthread_join(self->served[i].thread, NULL);
        stream_destroy(&self->served[i].stream);
    }
    close(self->listener);
    free(self->array);
    free(self);
}

static void
give_tickets(server_t *server, stream_group_t *group)
{
    err_t err;
    for (int wanted = stream_group_wants(group); wanted > 0; wanted--) {
        pthread_mutex_lock(&server->lock);
        assert_true(server->ntickets < MAX_SERVED);
        stream_ticket_t *ticket = &server->tickets[server->ntickets++];
        check_ok(stream_ticket_new(ticket, &err), err);
        pthread_mutex_unlock(&server->lock);
        stream_group_give(group, server->port, ticket, 1);
    }
}

/* Wait for a move's end; returns how it ended. */
static int
end_move(server_t *server, stream_group_t *group, int wake_fd, err_t *err)
{
    int status = FH_OK;
    int64_t deadline = clock_deadline(WAIT_S);
    while (!stream_group_ended(group, &status, err)) {
        struct pollfd item = {.fd = wake_fd, .events = POLLIN};
        uint64_t count;
        give_tickets(server, group);
        if (poll(&item, 1, 10) == 1 && read(wake_fd, &count, sizeof count) < 0)
            fail();
        assert_true(clock_now_ns() < deadline);
    }
    return status;
}

static int
run_move(server_t *server, stream_group_t *group, int wake_fd, stream_item_t *items, int n, bool to_server, err_t *err)
{
    check_ok(stream_group_begin(group, items, n, to_server, err), *err);
    int status = end_move(server, group, wake_fd, err);
    stream_group_end(group);
    return status;
}

typedef struct {
    char *bytes;
} strided_t;

static void
copy_out(void *context, int64_t offset, int64_t size, char *bytes)
{
    memcpy(bytes, ((strided_t *)context)->bytes + offset, (size_t)size);
}

static void
copy_in(void *context, int64_t offset, int64_t size, char *bytes)
{
    memcpy(((strided_t *)context)->bytes + offset, bytes, (size_t)size);
}

static void
fill(char *bytes, size_t size, unsigned seed)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(i * 31 + (i >> 12) + seed);
}

/* Out and back, over `streams` streams that break now and then; what arrives is exact and counted once. */
static void
there_and_back(unsigned seed, int streams, int breaks, bool direct)
{
    const stream_options_t options = {.patience_ms = PATIENCE_MS * 10, .sealed = true};
    server_t *server = server_start(seed, breaks);
    char *from = malloc(BYTES), *to = calloc(1, BYTES);
    int wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    stream_group_t *group = NULL;
    stream_progress_t progress;
    err_t err;
    assert_non_null(from);
    assert_non_null(to);
    fill(from, BYTES, seed);
    check_ok(stream_group_new(&group, "127.0.0.1", streams, &options, wake_fd, &err), err);
    stream_item_t item = {
        .bytes = BYTES, .data = direct ? from : NULL, .convert = copy_out, .context = &(strided_t){from}};
    check_ok(run_move(server, group, wake_fd, &item, 1, true, &err), err);
    stream_group_progress(group, &progress);
    assert_true(progress.moved == BYTES && progress.bytes == BYTES);
    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < sizeof server->puts / sizeof *server->puts; i++)
        assert_true(server->puts[i] >= 1 && (breaks || server->puts[i] == 1));
    pthread_mutex_unlock(&server->lock);
    assert_memory_equal(server->array, from, BYTES);
    item = (stream_item_t){.bytes = BYTES, .data = direct ? to : NULL, .convert = copy_in, .context = &(strided_t){to}};
    check_ok(run_move(server, group, wake_fd, &item, 1, false, &err), err);
    assert_memory_equal(to, from, BYTES);
    stream_group_progress(group, &progress);
    assert_true(progress.moved == BYTES);
    if (!breaks)
        assert_int_equal(progress.broken, 0);
    stream_group_destroy(&group);
    server_stop(server);
    close(wake_fd);
    free(from);
    free(to);
}

static void
arrays_go_there_and_back(void **state)
{
    (void)state;
    there_and_back(1, 1, 0, true);
    there_and_back(2, 3, 0, true);
    there_and_back(3, 2, 0, false);
}

static void
broken_streams_cost_nothing_but_time(void **state)
{
    uint64_t seed = check_seed();
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        there_and_back((unsigned)seed + i, 1 + (int)i, 12, i % 2 == 0);
}

static void
what_the_server_refuses_ends_the_move(void **state)
{
    const stream_options_t options = {.patience_ms = PATIENCE_MS * 10, .sealed = true};
    server_t *server = server_start(1, 0);
    char *bytes = calloc(1, BYTES);
    int wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    stream_group_t *group = NULL;
    err_t err = {0};
    (void)state;
    assert_non_null(bytes);
    server->fails = 5;
    check_ok(stream_group_new(&group, "127.0.0.1", 2, &options, wake_fd, &err), err);
    stream_item_t item = {.bytes = BYTES, .data = bytes};
    assert_int_equal(run_move(server, group, wake_fd, &item, 1, true, &err), FH_NO_SUCH_OBJECT);
    assert_string_equal(err.text, "it went");
    /* The next move is not the worse for it. */
    check_ok(run_move(server, group, wake_fd, &item, 1, false, &err), err);
    stream_group_destroy(&group);
    server_stop(server);
    close(wake_fd);
    free(bytes);
}

/* A server that takes connections and says nothing. */
static void
a_move_can_be_given_up_at_any_time(void **state)
{
    const stream_options_t options = {.patience_ms = PATIENCE_MS, .sealed = false};
    int wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), listener, port;
    char *bytes = calloc(1, BYTES);
    stream_group_t *group = NULL;
    stream_ticket_t ticket;
    stream_progress_t progress;
    err_t err;
    (void)state;
    assert_non_null(bytes);
    check_ok(stream_listen("127.0.0.1", &listener, &port, &err), err);
    check_ok(stream_group_new(&group, "127.0.0.1", 3, &options, wake_fd, &err), err);
    check_ok(stream_ticket_new(&ticket, &err), err);
    stream_item_t item = {.bytes = BYTES, .data = bytes};
    check_ok(stream_group_begin(group, &item, 1, true, &err), err);
    stream_group_end(group); /* before there is any stream */
    check_ok(stream_group_begin(group, &item, 1, true, &err), err);
    stream_group_give(group, port, &ticket, 1);
    int64_t deadline = clock_deadline(WAIT_S);
    while (!stream_group_trouble(group, &err)) /* nobody admits it */
        assert_true(clock_now_ns() < deadline);
    assert_int_equal(err.status, FH_TIMEOUT);
    stream_group_progress(group, &progress);
    assert_true(progress.moved == 0);
    stream_group_end(group);
    stream_group_destroy(&group);
    close(listener);
    close(wake_fd);
    free(bytes);
}

/* Behind an item that is being moved, and behind one that has just been. */
static void
a_move_goes_on_with_more_items(void **state)
{
    enum { ITEMS = 3 };
    const stream_options_t options = {.patience_ms = PATIENCE_MS * 10, .sealed = true};
    unsigned seed = (unsigned)check_seed();
    server_t *server = server_start(seed, 0);
    int wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    stream_group_t *group = NULL;
    stream_item_t items[ITEMS];
    err_t err;
    (void)state;
    fill(server->array, BYTES, seed);
    for (int i = 0; i < ITEMS; i++) {
        items[i] = (stream_item_t){.bytes = BYTES, .data = calloc(1, BYTES)};
        assert_non_null(items[i].data);
    }
    check_ok(stream_group_new(&group, "127.0.0.1", 2, &options, wake_fd, &err), err);
    check_ok(stream_group_begin(group, items, 1, false, &err), err);
    stream_group_go_on(group, 2);
    assert_false(stream_group_moved(group, 1));
    check_ok(end_move(server, group, wake_fd, &err), err);
    assert_true(stream_group_moved(group, 0) && stream_group_moved(group, 1));
    stream_group_go_on(group, ITEMS);
    assert_false(stream_group_moved(group, 2));
    check_ok(end_move(server, group, wake_fd, &err), err);
    assert_true(stream_group_moved(group, 2));
    stream_group_end(group);
    stream_group_destroy(&group);
    for (int i = 0; i < ITEMS; i++) {
        assert_memory_equal(items[i].data, server->array, BYTES);
        free(items[i].data);
    }
    server_stop(server);
    close(wake_fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_go_there_and_back),
        cmocka_unit_test(broken_streams_cost_nothing_but_time),
        cmocka_unit_test(what_the_server_refuses_ends_the_move),
        cmocka_unit_test(a_move_can_be_given_up_at_any_time),
        cmocka_unit_test(a_move_goes_on_with_more_items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
