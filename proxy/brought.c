#include "proxy/brought.h"

#include <stdlib.h>

int
brought_get(brought_t *self, engine_link_t *to, handle_t **ret, err_t *err)
{
    part_t part = {0};
    for (int i = 0; i < self->n; i++) {
        if (self->handles[i]->engine == to) {
            *ret = self->handles[i];
            return FH_OK;
        }
    }
    if (self->n == self->room) {
        int room = self->room ? 2 * self->room : 8;
        handle_t **handles = realloc(self->handles, (size_t)room * sizeof(handle_t *));
        if (!handles)
            return err_set(err, FH_NO_MEMORY, "no memory to bring an array to %d engines", room);
        self->handles = handles;
        self->room = room;
    }
    int status = align_region(self->array, -1, (piece_t){0}, to, &part, err);
    if (!status)
        *ret = self->handles[self->n++] = part.handle;
    return status;
}

void
brought_release(brought_t *self)
{
    for (int i = 0; i < self->n; i++)
        handle_unref(&self->handles[i]);
    free(self->handles);
    *self = (brought_t){0};
}
