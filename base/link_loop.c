/* The in-memory twin of ZeroMQ links, for tests.  A hub joins one server link and its clients; every link holds a
 * reference to it and takes its lock.  Queues are bounded for each client and direction, as a high-water mark is. */
#include "base/link.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct packet {
    struct packet *next;
    uint32_t client; /* number of the client that it comes from or goes to */
    int count;
    struct {
        buf_t *buf;
        const uint8_t *data;
        size_t size;
    } frames[];
} packet_t;

typedef struct {
    packet_t *first, *last;
    int count;
} queue_t;

typedef struct hub hub_t;

typedef struct loop_link {
    link_t link;
    hub_t *hub;
    struct loop_link *next; /* clients of a hub */
    uint32_t number;        /* of a client, from 1; 0: the server */
    int event;              /* eventfd */
    int on_the_way;         /* clients: packets of theirs in the server's queue */
    queue_t inbox;
} loop_link_t;

struct hub {
    pthread_mutex_t lock;
    int references; /* links that stand */
    int limit;
    uint32_t last_number;
    loop_link_t *server; /* NULL once destroyed */
    loop_link_t *clients;
};

static void
wake(const loop_link_t *link)
{
    uint64_t one = 1;
    if (write(link->event, &one, sizeof one) < 0)
        return; /* the counter is at its top: the reader will wake all the same */
}

static void
packet_free(packet_t *packet)
{
    for (int i = 0; packet && i < packet->count; i++)
        buf_unref(&packet->frames[i].buf);
    free(packet);
}

static int
packet_new(packet_t **ret, uint32_t client, const link_frame_t *frames, int count, err_t *err)
{
    packet_t *packet = calloc(1, sizeof *packet + (size_t)count * sizeof packet->frames[0]);
    if (!packet)
        return err_set(err, FH_NO_MEMORY, "no memory for a message of %d frames", count);
    packet->client = client;
    for (int i = 0; i < count; i++) {
        if (frames[i].buf) {
            packet->frames[i].buf = buf_ref(frames[i].buf);
            packet->frames[i].data = frames[i].data;
        } else {
            int status = buf_new_copy(&packet->frames[i].buf, frames[i].data, frames[i].size, err);
            if (status) {
                packet_free(packet);
                return status;
            }
            packet->frames[i].data = buf_data(packet->frames[i].buf);
        }
        packet->frames[i].size = frames[i].size;
        packet->count = i + 1;
    }
    *ret = packet;
    return FH_OK;
}

static void
queue_put(queue_t *queue, packet_t *packet)
{
    if (queue->last)
        queue->last->next = packet;
    else
        queue->first = packet;
    queue->last = packet;
    queue->count++;
}

static packet_t *
queue_take(queue_t *queue)
{
    packet_t *packet = queue->first;
    if (packet) {
        queue->first = packet->next;
        if (!queue->first)
            queue->last = NULL;
        queue->count--;
    }
    return packet;
}

static loop_link_t *
find_client(hub_t *hub, uint32_t number)
{
    loop_link_t *client = hub->clients;
    while (client && client->number != number)
        client = client->next;
    return client;
}

static uint32_t
peer_number(const peer_t *peer)
{
    uint32_t number = 0;
    if (peer && peer->size == sizeof number)
        memcpy(&number, peer->bytes, sizeof number);
    return number;
}

static int
loop_send(link_t *link, const peer_t *peer, const link_frame_t *frames, int count, err_t *err)
{
    loop_link_t *self = (loop_link_t *)link;
    hub_t *hub = self->hub;
    uint32_t number = self->number ? self->number : peer_number(peer);
    packet_t *packet = NULL;
    int status = packet_new(&packet, number, frames, count, err);
    if (status)
        return status;
    pthread_mutex_lock(&hub->lock);
    loop_link_t *client = self->number ? self : find_client(hub, number);
    loop_link_t *target = self->number ? hub->server : client;
    if (!target) {
        status = err_set(err, FH_CANNOT_CONNECT, "the other end of the loop link is gone");
    } else if ((self->number ? self->on_the_way : target->inbox.count) >= hub->limit) {
        status = err_set(err, FH_BUSY, "%d messages wait on the loop link", hub->limit);
    } else {
        if (self->number)
            self->on_the_way++;
        queue_put(&target->inbox, packet);
        wake(target);
    }
    pthread_mutex_unlock(&hub->lock);
    if (status)
        packet_free(packet);
    return status;
}

/* A place has become free in a full queue: whoever was told BUSY may try again. */
static void
make_room(loop_link_t *self, const packet_t *packet)
{
    hub_t *hub = self->hub;
    if (self->number) {
        if (self->inbox.count == hub->limit - 1 && hub->server)
            wake(hub->server);
        return;
    }
    loop_link_t *client = find_client(hub, packet->client);
    if (client && client->on_the_way-- == hub->limit)
        wake(client);
}

static int
loop_receive(link_t *link, link_message_t *ret, err_t *err)
{
    loop_link_t *self = (loop_link_t *)link;
    pthread_mutex_lock(&self->hub->lock);
    packet_t *packet = queue_take(&self->inbox);
    if (packet) {
        make_room(self, packet);
    } else {
        uint64_t count;
        if (read(self->event, &count, sizeof count) < 0)
            count = 0; /* it was not readable before */
    }
    pthread_mutex_unlock(&self->hub->lock);
    if (!packet)
        return err_set(err, FH_BUSY, "no message is there");
    ret->peer = (peer_t){.size = 0};
    if (!self->number) {
        ret->peer.size = sizeof packet->client;
        memcpy(ret->peer.bytes, &packet->client, sizeof packet->client);
    }
    ret->user[0] = '\0';
    ret->count = packet->count;
    for (int i = 0; i < packet->count; i++) {
        ret->frames[i].data = packet->frames[i].data;
        ret->frames[i].size = packet->frames[i].size;
    }
    ret->owner[0] = packet;
    return FH_OK;
}

static void
loop_message_release(link_message_t *message)
{
    if (message->count)
        packet_free(message->owner[0]);
    message->count = 0;
}

static int
loop_fd(link_t *link)
{
    return ((loop_link_t *)link)->event;
}

static bool
loop_ready(link_t *link, bool *ret_can_send)
{
    loop_link_t *self = (loop_link_t *)link;
    pthread_mutex_lock(&self->hub->lock);
    bool ready = self->inbox.first != NULL;
    if (ret_can_send)
        *ret_can_send = !self->number || (self->hub->server && self->on_the_way < self->hub->limit);
    pthread_mutex_unlock(&self->hub->lock);
    return ready;
}

static void
loop_destroy(link_t *link)
{
    loop_link_t *self = (loop_link_t *)link;
    hub_t *hub = self->hub;
    pthread_mutex_lock(&hub->lock);
    if (self == hub->server) {
        hub->server = NULL;
        for (loop_link_t *client = hub->clients; client; client = client->next)
            wake(client);
    } else {
        loop_link_t **place = &hub->clients;
        while (*place != self)
            place = &(*place)->next;
        *place = self->next;
    }
    bool last = --hub->references == 0;
    pthread_mutex_unlock(&hub->lock);
    for (packet_t *packet; (packet = queue_take(&self->inbox)) != NULL;)
        packet_free(packet);
    close(self->event);
    free(self);
    if (last) {
        pthread_mutex_destroy(&hub->lock);
        free(hub);
    }
}

static const link_ops_t loop_ops = {
    .send = loop_send,
    .receive = loop_receive,
    .message_release = loop_message_release,
    .fd = loop_fd,
    .ready = loop_ready,
    .destroy = loop_destroy,
};

static int
loop_link_new(loop_link_t **ret, hub_t *hub, err_t *err)
{
    loop_link_t *self = calloc(1, sizeof *self);
    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for a loop link");
    self->link.ops = &loop_ops;
    self->hub = hub;
    self->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self->event < 0) {
        int status = err_set_errno(err, FH_IO_ERROR, errno, "cannot make the eventfd of a loop link");
        free(self);
        return status;
    }
    *ret = self;
    return FH_OK;
}

int
link_loop_server(link_t **ret, int limit, err_t *err)
{
    hub_t *hub = calloc(1, sizeof *hub);
    if (!hub)
        return err_set(err, FH_NO_MEMORY, "no memory for a loop link");
    int status = loop_link_new(&hub->server, hub, err);
    if (status) {
        free(hub);
        return status;
    }
    pthread_mutex_init(&hub->lock, NULL);
    hub->references = 1;
    hub->limit = limit > 0 ? limit : 1;
    *ret = &hub->server->link;
    return FH_OK;
}

int
link_loop_client(link_t **ret, link_t *server, err_t *err)
{
    hub_t *hub = ((loop_link_t *)server)->hub;
    loop_link_t *self;
    int status = loop_link_new(&self, hub, err);
    if (status)
        return status;
    pthread_mutex_lock(&hub->lock);
    self->number = ++hub->last_number;
    self->next = hub->clients;
    hub->clients = self;
    hub->references++;
    pthread_mutex_unlock(&hub->lock);
    *ret = &self->link;
    return FH_OK;
}
