#include "engine/wholes.h"

#include "engine/core_spill.h"

#include <stdlib.h>

struct whole {
    wholes_t *table;
    oid_t id;
    segment_t *segment; /* not a reference: a holder has one */
    uint64_t size;      /* as it was asked for */
    int holders;
};

void
whole_hold(const segment_t *segment)
{
    if (segment->whole)
        segment->whole->holders++;
}

void
whole_let(segment_t *segment)
{
    struct whole *whole = segment->whole;

    if (!whole || --whole->holders > 0)
        return;
    wholes_t *table = whole->table;

    (void)oid_map_remove(&table->map, whole->id);
    table->gone[table->next_gone++ % WHOLES_GONE] = whole->id;
    segment->whole = NULL;
    free(whole);
}

void
whole_release(segment_t **segment)
{
    if (*segment)
        whole_let(*segment);
    segment_unref(segment);
}

void
wholes_release(wholes_t *self)
{
    size_t cursor = 0;

    for (struct whole *whole; (whole = oid_map_next(&self->map, &cursor));)
        free(whole);
    oid_map_release(&self->map);
}

/* OK without *ret: nobody has made it. */
static int
find(const wholes_t *self, oid_t id, oid_t session, uint64_t size, segment_t **ret, err_t *err)
{
    const struct whole *whole = oid_map_find(&self->map, id);

    for (int i = 0; i < WHOLES_GONE && !whole; i++)
        if (oid_equal(self->gone[i], id))
            return err_set(err, FH_NO_SUCH_OBJECT, "the memory was there, and has gone again");
    if (!whole)
        return FH_OK;
    if (!oid_equal(whole->segment->session, session))
        return err_set(err, FH_PERMISSION, "the memory is another session's");
    if (whole->size != size)
        return err_set(err, FH_INVALID_ARGUMENT, "the memory has %llu bytes, not %llu", (unsigned long long)whole->size,
                       (unsigned long long)size);
    whole_hold(whole->segment);
    *ret = segment_ref(whole->segment);
    return FH_OK;
}

static int
add(wholes_t *self, oid_t id, uint64_t size, segment_t *segment, err_t *err)
{
    struct whole *whole = malloc(sizeof *whole);

    if (!whole)
        return err_set(err, FH_NO_MEMORY, "no memory to keep memory for pieces");
    *whole = (struct whole){self, id, segment, size, 1};
    int status = oid_map_add(&self->map, id, whole, err);

    if (status) {
        free(whole);
        return status;
    }
    segment->whole = whole;
    segment_lend(segment);
    return FH_OK;
}

int
wholes_take(core_t *core, oid_t id, oid_t session, uint64_t size, unsigned pool_flags, segment_t **ret, err_t *err)
{
    wholes_t *self = &core->wholes;
    segment_t *made = NULL;

    *ret = NULL;
    if (core->spill)
        return err_set(err, FH_NOT_SUPPORTED, "an engine that may send arrays to disk does not lend their memory");
    if (oid_is_none(id))
        return err_set(err, FH_INVALID_ARGUMENT, "memory for pieces needs an id");
    pthread_mutex_lock(&core->lock);
    int status = find(self, id, session, size, ret, err);

    pthread_mutex_unlock(&core->lock);
    if (status || *ret)
        return status;
    status = core_take(core, (size_t)size, session, pool_flags | POOL_MEMFD, &made, err);
    if (status)
        return status;
    pthread_mutex_lock(&core->lock);
    status = find(self, id, session, size, ret, err); /* meanwhile another thread may have made it */
    if (!status && !*ret) {
        status = add(self, id, size, made, err);
        if (!status) {
            *ret = made;
            made = NULL;
        }
    }
    pthread_mutex_unlock(&core->lock);
    segment_unref(&made);
    return status;
}
