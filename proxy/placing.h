/* proxy/placing.h - where a result lies that is being made: in one segment with the other pieces of its array, or
 * apart.
 *
 * Results on pieces along an inner axis are laid in memory of one engine of this host, the home, as the
 * whole has them, so that they can be mapped as they lie (decision 0038).  LAY says so to each engine just before the
 * message that makes the result (whatever it is, see MAKERS), and is answered while the client goes on.  Until the
 * answer the strides of a part are those that were asked for; who needs them (views, maps, copies) waits in
 * array_part_nd.  An engine that refused has made its part apart, in C order. Thread rule: that of the session. */
#ifndef FH_PROXY_PLACING_H
#define FH_PROXY_PLACING_H

#include "proxy/array.h"

enum {
    PLACING_BYTES = 64 * 1024 * 1024,       /* smaller results would pay a message between engines with some of ... */
    PLACING_BYTES_MAPPED = 2 * 1024 * 1024, /* ... their time: only where the program has tried to map such ones */
    PLACING_RUN = 1024,                     /* bytes of a piece that lie together at least */
};

typedef struct placing placing_t;

/* Shall the parts of an array that is about to be made, on these engines, lie together?  Sets array->lay; sends
 * nothing.  Part of array_new_as. */
void placing_plan(fh_array *array, engine_link_t *const *engines);
/* The handle will be part i of the array; nobody has been told to make it yet.  Does nothing if all lie apart.
 * NO_MEMORY. */
int placing_add(const fh_array *array, int i, handle_t *handle, err_t *err);
/* The strides that were asked for; NULL: none were. */
const int64_t *placing_strides(const handle_t *handle);
/* The message is about to be sent: first say where what it makes is to lie.  Part of engine_link_call. */
int placing_send(engine_link_t *engine, const message_t *message, err_t *err);
/* The strides of a part, which shows all of the handle's object, are needed: wait for the answer, and set them if they
 * are others than asked for.  Where the waiting fails emit_view does, too (placing_check). */
void placing_know(handle_t *handle, const shape_t *shape, int64_t *stride);
/* Why it is not known where the object lies.  OK; INTERRUPTED, TIMEOUT. */
int placing_check(const handle_t *handle, err_t *err);
void placing_free(placing_t **self);

#endif
