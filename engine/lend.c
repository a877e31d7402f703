#include "engine/lend.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- under the lock ------------------------------------------------------------------------------------------------
 */

static int
borrower_of(core_t *core, oid_t engine, owner_t **ret, err_t *err)
{
    owner_t *owner = oid_map_find(&core->borrowers, engine);

    if (!owner) {
        owner = calloc(1, sizeof *owner);
        if (!owner)
            return err_set(err, FH_NO_MEMORY, "no memory to lend to another engine");
        int status = oid_map_add(&core->borrowers, engine, owner, err);

        if (status) {
            free(owner);
            return status;
        }
        owner->session = engine;
    }
    *ret = owner;
    return FH_OK;
}

static int
check(const core_t *core, const object_t *object, const msg_BORROW_t *borrow, err_t *err)
{
    char text[OID_TEXT_SIZE];

    if (!object)
        return err_set(err, FH_NO_SUCH_OBJECT, "this engine has no object with the id %s",
                       oid_format(borrow->object, text));
    if (object->poison) {
        *err = *(const err_t *)buf_data(object->poison);
        return err->status;
    }
    if (object->type != OBJECT_ARRAY)
        return err_set(err, FH_WRONG_TYPE, "only the memory of arrays is lent");
    if (!oid_equal(object->session, borrow->session))
        return err_set(err, FH_PERMISSION, "the array is another session's");
    if (!str_is(borrow->host, core->host))
        return err_set(err, FH_NOT_SUPPORTED, "memory is lent on one host only");
    if (core->spill)
        return err_set(err, FH_NOT_SUPPORTED, "an engine that may send arrays to disk does not lend their memory");
    if (object->segment->fd < 0 || object->segment->loan)
        return err_set(err, FH_NOT_SUPPORTED, "the array has no memory that can be lent");
    return FH_OK;
}

/* Asked again there is a share already. */
static int
share(core_t *core, oid_t engine, const msg_BORROW_t *borrow, const object_t *object, err_t *err)
{
    const object_t *before = object_table_find(&core->objects, borrow->share);
    owner_t *owner = NULL;
    int status = borrower_of(core, engine, &owner, err);

    if (status)
        return status;
    if (before && before->owner == owner && before->segment == object->segment)
        return FH_OK;
    return object_table_add_share(&core->objects, owner, borrow->share, object, err);
}

/* object: the array, or what stands for memory that is no object. */
static int
lend(core_t *core, oid_t engine, const msg_BORROW_t *borrow, const object_t *object, msg_LENT_t *ret, err_t *err)
{
    struct stat file;
    int status = check(core, object, borrow, err);

    if (!status && fstat(object->segment->fd, &file))
        status = err_set_errno(err, FH_IO_ERROR, errno, "cannot look at a segment");
    if (!status)
        status = share(core, engine, borrow, object, err);
    if (status)
        return status;
    segment_lend(object->segment);
    *ret = (msg_LENT_t){.call = borrow->call,
                        .pid = (uint64_t)getpid(),
                        .fd = (uint64_t)object->segment->fd,
                        .inode = file.st_ino,
                        .device = file.st_dev,
                        .size = object->segment->size,
                        .offset = (uint64_t)object->offset,
                        .written = object->segment->outside_writers > 0};
    return FH_OK;
}

/* ---- without it ----------------------------------------------------------------------------------------------------
 */

/* Memory for pieces: made if the other engine is the first that comes. */
static int
lend_whole(core_t *core, oid_t engine, const msg_BORROW_t *borrow, msg_LENT_t *ret, err_t *err)
{
    object_t whole = {.type = OBJECT_ARRAY, .session = borrow->session, .dtype = DTYPE_UINT8};

    pthread_mutex_lock(&core->lock);
    const lane_t *lane = lanes_find(&core->lanes, borrow->session);
    bool known = lane && !lane->gone;

    pthread_mutex_unlock(&core->lock);
    if (!known)
        return err_set(err, FH_NOT_SUPPORTED, "the session for which memory is wanted is not connected here");
    int status = wholes_take(core, borrow->object, borrow->session, borrow->size, POOL_QUICK, &whole.segment, err);

    if (status)
        return status;
    pthread_mutex_lock(&core->lock);
    status = lend(core, engine, borrow, &whole, ret, err);
    whole_release(&whole.segment);
    pthread_mutex_unlock(&core->lock);
    return status;
}

int
lend_begin(core_t *core, oid_t engine, const msg_BORROW_t *borrow, message_t *ret, err_t *err)
{
    int status;

    *ret = (message_t){.code = MSG_LENT};
    if (borrow->size)
        return lend_whole(core, engine, borrow, &ret->as.LENT, err);
    pthread_mutex_lock(&core->lock);
    status = lend(core, engine, borrow, object_table_find(&core->objects, borrow->object), &ret->as.LENT, err);
    pthread_mutex_unlock(&core->lock);
    return status;
}

void
lend_end(core_t *core, oid_t engine, const msg_RETURN_t *returned)
{
    oid_t session = OID_NONE;

    pthread_mutex_lock(&core->lock);
    const owner_t *owner = oid_map_find(&core->borrowers, engine);
    const object_t *object = object_table_find(&core->objects, returned->share);

    if (object && object->owner == owner && object->type == OBJECT_SHARE) {
        const lane_t *lane = lanes_find(&core->lanes, object->session);

        if (!lane || lane->gone)
            session = object->session;
        if (returned->abandoned)
            object_table_abandon(&core->objects, owner, returned->share);
        object_table_drop(&core->objects, owner, returned->share);
    }
    pthread_mutex_unlock(&core->lock);
    /* Its end was before this: what comes back only now can serve nobody. */
    if (!oid_is_none(session))
        pool_forget(core->pool, session);
}

void
lend_engine_lost(core_t *core, oid_t engine)
{
    pthread_mutex_lock(&core->lock);
    owner_t *owner = oid_map_remove(&core->borrowers, engine);

    if (owner)
        object_table_disown(&core->objects, owner);
    pthread_mutex_unlock(&core->lock);
    free(owner);
}

void
lend_release(core_t *core)
{
    size_t cursor = 0;

    for (owner_t *owner; (owner = oid_map_next(&core->borrowers, &cursor));)
        free(owner);
    oid_map_release(&core->borrowers);
}
