/* engine/object_table_python.c - Python objects that are gone, for their hosts; hosts that are gone, for their objects.
 */
#include "engine/object_table.h"

#include <stdlib.h>

void
object_table_note_python(object_table_t *self, uint64_t host, oid_t id)
{
    if (self->python_count == self->python_room) {
        size_t room = self->python_room ? self->python_room * 2 : 64;
        python_gone_t *gone = realloc(self->python_gone, room * sizeof *gone);

        if (!gone)
            return;
        self->python_gone = gone;
        self->python_room = room;
    }
    self->python_gone[self->python_count++] = (python_gone_t){host, id};
}

int
object_table_poison_python(object_table_t *self, uint64_t host, buf_t *poison)
{
    size_t cursor = 0;
    int count = 0;

    for (object_t *object; (object = oid_map_next(&self->map, &cursor));) {
        if (object->type != OBJECT_PYTHON || object->host != host || object->poison)
            continue;
        object->poison = buf_ref(poison);
        count++;
    }
    return count;
}
