#include "base/link.h"

int
link_send(link_t *self, const peer_t *peer, const link_frame_t *frames, int count, err_t *err)
{
    if (count < 1 || count > LINK_MAX_FRAMES)
        return err_set(err, FH_LIMIT_EXCEEDED, "a message has %d frames; it can have 1 to %d", count, LINK_MAX_FRAMES);
    return self->ops->send(self, peer, frames, count, err);
}

int
link_receive(link_t *self, link_message_t *ret, err_t *err)
{
    return self->ops->receive(self, ret, err);
}

void
link_message_release(link_t *self, link_message_t *message)
{
    self->ops->message_release(message);
}

void
link_message_drop(link_t *self, link_message_t *message, int from)
{
    if (self->ops->message_drop)
        self->ops->message_drop(message, from);
}

int
link_fd(link_t *self)
{
    return self->ops->fd(self);
}

bool
link_ready(link_t *self, bool *ret_can_send)
{
    return self->ops->ready(self, ret_can_send);
}

void
link_destroy(link_t **self)
{
    if (*self)
        (*self)->ops->destroy(*self);
    *self = NULL;
}
