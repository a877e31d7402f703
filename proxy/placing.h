/* proxy/placing.h - where a result lies that is being made: in one segment with the other pieces of its array, or
 * apart.
 *
 * Results of operations on pieces along an inner axis are laid in memory of one engine of this host, the home, as the
 * whole has them, so that they can be mapped as they lie (decision 0038).  LAY says so to each engine just before the
 * message that makes the result, and is answered while the client goes on.  Until the answer the strides of a part are
 * those that were asked for; who needs them (views, maps, copies) waits in array_part_nd.  An engine that refused has
 * made its part apart, in C order.
 * Thread rule: that of the session. */
#ifndef FH_PROXY_PLACING_H
#define FH_PROXY_PLACING_H

#include "proxy/array.h"

enum {
    PLACING_BYTES = 64 * 1024 * 1024,       /* smaller results would pay a message between engines with some of ... */
    PLACING_BYTES_MAPPED = 2 * 1024 * 1024, /* ... their time: only where the program has tried to map such ones */
    PLACING_RUN = 1024,                     /* bytes of a piece that lie together at least */
};

typedef struct placing placing_t;

/* Memory for one result; home NULL: its parts are made apart. */
typedef struct {
    engine_link_t *home;
    oid_t memory;
    nd_t whole;
} placing_plan_t;

/* Shall the parts of a result lie together?  Sends nothing. */
placing_plan_t placing_plan(fh_session *session, const layout_t *layout, dtype_t dtype, const shape_t *shape);
/* Part i, which nobody has been told to make yet; does nothing if all lie apart.  *ret_strides (part_t.stride of the
 * part) are those of the whole, or NULL.  NO_MEMORY. */
int placing_add(const placing_plan_t *plan, const layout_t *layout, int i, handle_t *handle,
                const int64_t **ret_strides, err_t *err);
/* The message is about to be sent: first say where what it makes is to lie.  Part of engine_link_call. */
int placing_send(engine_link_t *engine, const message_t *message, err_t *err);
/* The strides of a part, which shows all of the handle's object, are needed: wait for the answer, and set them if they
 * are others than asked for.  Where the waiting fails emit_view does, too (placing_check). */
void placing_know(handle_t *handle, const shape_t *shape, int64_t *stride);
/* Why it is not known where the object lies.  OK; INTERRUPTED, TIMEOUT. */
int placing_check(const handle_t *handle, err_t *err);
void placing_free(placing_t **self);

#endif
