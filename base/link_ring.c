/* Messages through two byte rings.  In the ring a message is its number of frames and their sizes, 4 bytes each, padded
 * to 8, and then each frame, padded to 8. */
#include "base/link_ring.h"

#include "base/link_ring_private.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LARGE = 32 * 1024, /* bytes; larger frames get memory of their own, when they come */
    SPARE = 1024,      /* bytes that the message must fit for its memory to be used again */
    PREAMBLE_WORDS = 1 + LINK_MAX_FRAMES
};

/* The memory of a received message's smaller frames. */
typedef struct {
    ring_link_t *link;
    size_t room; /* in bytes */
    _Alignas(16) uint8_t bytes[];
} block_t;

static size_t
preamble_size(int count)
{
    return ring_padded(sizeof(uint32_t) * (size_t)(1 + count));
}

static void
ring_other(ring_link_t *self)
{
    self->rung++;
    /* It can only fail when the pipe is full: then the other side will wake anyway. */
    if (write(self->other_bell, "", 1) < 0)
        return;
}

static int
fail(ring_link_t *self, const char *what)
{
    if (!self->failure)
        self->failure = what;
    return FH_CANNOT_CONNECT;
}

/* Nothing can be sent or received any more. */
static int
is_over(ring_link_t *self, err_t *err)
{
    if (self->in.broken || self->out.broken)
        (void)fail(self, "a position in the ring that cannot be");
    if (self->failure)
        return err_set(err, FH_CANNOT_CONNECT, "the rings in shared memory are given up: %s", self->failure);
    if (self->hung_up || __atomic_load_n(&self->memory->closed[self->server], __ATOMIC_ACQUIRE))
        return err_set(err, FH_CANNOT_CONNECT, "the other side of the rings has closed them");
    return FH_OK;
}

/* ---- sending -------------------------------------------------------------------------------------------------------
 */

static void
rest_free(link_ring_rest_t **self)
{
    for (int i = 0; *self && i < (*self)->count; i++)
        buf_unref(&(*self)->frames[i].buf);
    free(*self);
    *self = NULL;
}

/* Put what has room of the message that did not fit. */
static void
put_rest(ring_link_t *self)
{
    link_ring_rest_t *rest = self->rest;

    while (rest->frame < rest->count) {
        const link_frame_t *frame = &rest->frames[rest->frame];
        size_t left = frame->size - rest->offset, room = ring_room(&self->out);
        size_t part = left < room ? left : room;

        if (part < left && !ring_room_or_sleep(&self->out, RING_ALIGN))
            return;
        ring_put(&self->out, (const uint8_t *)frame->data + rest->offset, part);
        if (ring_publish(&self->out))
            ring_other(self);
        rest->offset += part;
        if (rest->offset == frame->size) {
            rest->frame++;
            rest->offset = 0;
        }
    }
    rest_free(&self->rest);
}

static void
put_preamble(ring_link_t *self, const link_frame_t *frames, int count)
{
    uint32_t words[PREAMBLE_WORDS + 1];

    words[0] = (uint32_t)count;
    for (int i = 0; i < count; i++)
        words[1 + i] = (uint32_t)frames[i].size;
    words[1 + count] = 0; /* what pads */
    ring_put(&self->out, words, preamble_size(count));
}

/* Take over a message that is too large for the ring: what it needs stays here until all is put. */
static int
begin_rest(ring_link_t *self, const link_frame_t *frames, int count, err_t *err)
{
    size_t copied = 0;

    for (int i = 0; i < count; i++)
        copied += frames[i].buf ? 0 : frames[i].size;
    link_ring_rest_t *rest = malloc(sizeof *rest + copied);

    if (!rest)
        return err_set(err, FH_NO_MEMORY, "no memory to send %d frames in parts", count);
    rest->count = count;
    rest->frame = 0;
    rest->offset = copied = 0;
    for (int i = 0; i < count; i++) {
        rest->frames[i] = frames[i];
        if (frames[i].buf) {
            (void)buf_ref(frames[i].buf);
            continue;
        }
        if (frames[i].size)
            memcpy(rest->copies + copied, frames[i].data, frames[i].size);
        rest->frames[i].data = rest->copies + copied;
        copied += frames[i].size;
    }
    put_preamble(self, frames, count);
    self->rest = rest;
    put_rest(self);
    return FH_OK;
}

static int
ring_link_send(link_t *link, const peer_t *peer, const link_frame_t *frames, int count, err_t *err)
{
    ring_link_t *self = (ring_link_t *)link;
    size_t need = preamble_size(count);

    (void)peer;
    for (int i = 0; i < count; i++) {
        if (frames[i].size > LINK_RING_MAX_FRAME)
            return err_set(err, FH_LIMIT_EXCEEDED, "a frame has %zu bytes; it can have %d", frames[i].size,
                           LINK_RING_MAX_FRAME);
        need += ring_padded(frames[i].size);
    }
    if (self->rest)
        put_rest(self);
    bool whole = need <= LINK_RING_BYTES / 2;
    int status = is_over(self, err);

    if (status)
        return status;
    if (self->rest || !ring_room_or_sleep(&self->out, whole ? need : preamble_size(count)))
        return err_set(err, FH_BUSY, "the ring takes no more messages now");
    if (!whole)
        return begin_rest(self, frames, count, err);
    put_preamble(self, frames, count);
    for (int i = 0; i < count; i++)
        ring_put(&self->out, frames[i].data, frames[i].size);
    if (ring_publish(&self->out))
        ring_other(self);
    return FH_OK;
}

/* ---- memory of messages --------------------------------------------------------------------------------------------
 */

static block_t *
block_new(ring_link_t *self, size_t size)
{
    block_t *block = self->spare;

    if (size <= SPARE && block) {
        self->spare = NULL;
        return block;
    }
    size_t room = size < SPARE ? SPARE : size;

    block = malloc(sizeof *block + room);
    if (!block)
        return NULL;
    block->link = self;
    block->room = room;
    return block;
}

static void
block_free(block_t *block)
{
    ring_link_t *self = block->link;

    if (!self->spare && block->room == SPARE && !self->destroyed)
        self->spare = block;
    else
        free(block);
}

/* ---- receiving -----------------------------------------------------------------------------------------------------
 */

static void
free_large(const link_message_t *message, int count)
{
    for (int i = 0; i < count; i++)
        if (message->frames[i].size >= LARGE)
            free((void *)(uintptr_t)message->frames[i].data);
}

static void
ring_link_message_release(link_message_t *message)
{
    if (!message->count)
        return;
    block_t *block = message->owner[0];
    ring_link_t *self = block->link;

    free_large(message, message->count);
    block_free(block);
    message->count = 0;
    if (--self->unreleased == 0 && self->destroyed)
        free(self);
}

/* Copy out how many frames come, and their sizes.  A producer publishes them at once. */
static int
take_preamble(ring_link_t *self, uint32_t words[PREAMBLE_WORDS + 1])
{
    ring_take(&self->in, words, RING_ALIGN);
    if (words[0] < 1 || words[0] > LINK_MAX_FRAMES)
        return fail(self, "a number of frames that cannot be");
    size_t rest = preamble_size((int)words[0]) - RING_ALIGN;

    if (ring_filled(&self->in) < rest)
        return fail(self, "the beginning of a message, but not all of it");
    ring_take(&self->in, words + RING_ALIGN / sizeof *words, rest);
    for (uint32_t i = 1; i <= words[0]; i++)
        if (words[i] > LINK_RING_MAX_FRAME)
            return fail(self, "a frame larger than any may be");
    return FH_OK;
}

/* A new message: places for its smaller frames. */
static int
begin_message(ring_link_t *self, link_message_t *ret)
{
    uint32_t words[PREAMBLE_WORDS + 1];
    size_t small = 0;
    int status = take_preamble(self, words);

    if (status)
        return status;
    for (uint32_t i = 1; i <= words[0]; i++)
        small += words[i] < LARGE ? ring_padded(words[i]) : 0;
    block_t *block = block_new(self, small);

    if (!block)
        return fail(self, "no memory for a message");
    ret->count = (int)words[0];
    ret->user[0] = '\0';
    ret->peer.size = 0;
    ret->owner[0] = block;
    small = 0;
    for (int i = 0; i < ret->count; i++) {
        ret->frames[i].size = words[1 + i];
        ret->frames[i].data = block->bytes + small;
        small += words[1 + i] < LARGE ? ring_padded(words[1 + i]) : 0;
    }
    self->frame = 0;
    self->offset = 0;
    return FH_OK;
}

/* Copy what is there of a message.  BUSY: there must come more. */
static int
take_frames(ring_link_t *self, link_message_t *message)
{
    while (self->frame < message->count) {
        size_t size = message->frames[self->frame].size, left = size - self->offset, there = ring_filled(&self->in);
        size_t part = left < there ? left : there;

        if (left && !part)
            return self->in.broken ? FH_CANNOT_CONNECT : FH_BUSY;
        if (self->offset == 0 && size >= LARGE) {
            message->frames[self->frame].data = malloc(size);
            if (!message->frames[self->frame].data) {
                message->frames[self->frame].size = 0;
                return fail(self, "no memory for a large frame");
            }
        }
        ring_take(&self->in, (uint8_t *)(uintptr_t)message->frames[self->frame].data + self->offset, part);
        if (ring_release(&self->in))
            ring_other(self);
        self->offset += part;
        if (self->offset < size)
            continue;
        self->frame++;
        self->offset = 0;
    }
    return FH_OK;
}

/* Give up a message of which not all has come. */
static void
drop_message(ring_link_t *self, link_message_t *message)
{
    bool begun = self->frame < message->count && self->offset > 0;

    free_large(message, self->frame + begun);
    block_free(message->owner[0]);
    message->count = 0;
    self->arriving = false;
}

static int
receive_whole(ring_link_t *self, link_message_t *ret)
{
    int status = begin_message(self, ret);

    if (status)
        return status;
    status = take_frames(self, ret);
    if (status == FH_BUSY) {
        self->message = *ret;
        self->arriving = true;
    } else if (status) {
        drop_message(self, ret);
    }
    return status;
}

static int
receive_more(ring_link_t *self, link_message_t *ret)
{
    int status = take_frames(self, &self->message);

    if (status == FH_OK) {
        *ret = self->message;
        self->arriving = false;
    } else if (status != FH_BUSY) {
        drop_message(self, &self->message);
    }
    return status;
}

static int
ring_link_receive(link_t *link, link_message_t *ret, err_t *err)
{
    ring_link_t *self = (ring_link_t *)link;
    int status = FH_BUSY, over = FH_OK;

    if (self->rest)
        put_rest(self);
    if (!ring_has_any(&self->in))
        over = is_over(self, err); /* first: what was published before it closed is to be taken */
    if (!self->failure && ring_filled(&self->in))
        status = self->arriving ? receive_more(self, ret) : receive_whole(self, ret);
    if (status == FH_OK) {
        self->unreleased++;
        return FH_OK;
    }
    ret->count = 0;
    if (status != FH_BUSY || self->in.broken)
        over = is_over(self, err);
    return over || !err ? over ? over : FH_BUSY : err_set(err, FH_BUSY, "no message is there");
}

/* ---- state ---------------------------------------------------------------------------------------------------------
 */

static int
ring_link_fd(link_t *link)
{
    return ((ring_link_t *)link)->bell;
}

static bool
ring_link_ready(link_t *link, bool *ret_can_send)
{
    ring_link_t *self = (ring_link_t *)link;

    if (self->rest)
        put_rest(self);
    bool over = is_over(self, NULL) != FH_OK;

    if (ret_can_send)
        *ret_can_send = !over && !self->rest;
    return over || ring_has_any(&self->in);
}

static void
ring_link_destroy(link_t *link)
{
    ring_link_t *self = (ring_link_t *)link;

    __atomic_store_n(&self->memory->closed[!self->server], 1, __ATOMIC_RELEASE);
    ring_other(self);
    rest_free(&self->rest);
    if (self->arriving)
        drop_message(self, &self->message);
    link_ring_unmap(self);
    free(self->spare);
    self->spare = NULL;
    self->destroyed = true;
    if (!self->unreleased)
        free(self);
}

void
link_ring_abandon(link_t **link)
{
    ring_link_t *self = (ring_link_t *)*link;

    *link = NULL;
    if (self)
        link_ring_unmap(self); /* its memory stays: messages may still point there */
}

const link_ops_t LINK_RING_OPS = {
    .send = ring_link_send,
    .receive = ring_link_receive,
    .message_release = ring_link_message_release,
    .fd = ring_link_fd,
    .ready = ring_link_ready,
    .destroy = ring_link_destroy,
};

bool
link_ring_glance(const link_t *link)
{
    return ring_has_any(&((const ring_link_t *)link)->in);
}

bool
link_ring_sleep(link_t *link)
{
    ring_link_t *self = (ring_link_t *)link;

    if (self->rest)
        put_rest(self);
    return ring_sleep(&self->in) && is_over(self, NULL) == FH_OK;
}

void
link_ring_wake(link_t *link, short revents)
{
    ring_link_t *self = (ring_link_t *)link;
    char bytes[64];

    ring_wake(&self->in);
    if (revents & POLLIN)
        while (read(self->bell, bytes, sizeof bytes) == (ssize_t)sizeof bytes)
            continue;
    if (revents & (POLLHUP | POLLERR | POLLNVAL))
        self->hung_up = true;
}

bool
link_ring_hung_up(const link_t *link)
{
    const ring_link_t *self = (const ring_link_t *)link;

    return self->hung_up && !__atomic_load_n(&self->memory->closed[self->server], __ATOMIC_ACQUIRE);
}

const char *
link_ring_failure(const link_t *link)
{
    return ((const ring_link_t *)link)->failure;
}

uint64_t
link_ring_rings(const link_t *link)
{
    return ((const ring_link_t *)link)->rung;
}
