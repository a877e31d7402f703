/* proxy/emit.h - the calls of the lane as functions: each adds one message and gives the handle of what it makes.
 * Nothing waits but for credit; failures of the call itself come out later, where a value is asked for.
 * On failure no handle was made. */
#ifndef FH_PROXY_EMIT_H
#define FH_PROXY_EMIT_H

#include "codecs/reduction.h"
#include "proxy/array.h"

/* raw (may be NULL): the contents in C order. */
int emit_empty(engine_link_t *engine, dtype_t dtype, const shape_t *shape, buf_t *raw, handle_t **ret, err_t *err);
/* The same as an object whose id is there. */
int emit_empty_as(engine_link_t *engine, oid_t result, dtype_t dtype, const shape_t *shape, buf_t *raw, err_t *err);
/* The same for part i of an array that is made now. */
int emit_empty_part(const fh_array *made, int i, engine_link_t *engine, buf_t *raw, handle_t **ret, err_t *err);
int emit_write(handle_t *target, int64_t offset, buf_t *raw, err_t *err);
/* nd must have been made by view arithmetic from memory at ARRAY_BASE. */
int emit_view(handle_t *source, const nd_t *nd, handle_t **ret, err_t *err);
/* The same as nd's dtype, whatever the source's is. */
int emit_view_as(handle_t *source, const nd_t *nd, handle_t **ret, err_t *err);
int emit_copy(handle_t *source, dtype_t dtype, const shape_t *shape, handle_t **ret, err_t *err);
/* The same for a piece, whose handle is there and is given up on failure. */
int emit_copy_piece(handle_t *source, dtype_t dtype, uint64_t first, handle_t **made, err_t *err);
/* *part, which was made by itself, is to be part i of an array that is made now: if the parts of that lie together, it
 * becomes a copy there.  On failure it is what it was. */
int emit_lay_part(const fh_array *made, int i, handle_t **part, err_t *err);
/* whole (may be NULL): what the target is a part of, if it has just been made: a failure then comes up where its value
 * is asked for. */
int emit_assign(handle_t *target, const operand_t *source, const handle_t *whole, err_t *err);
/* shape: of the result. */
int emit_reduce(handle_t *source, reduce_t reduce, uint32_t axes, bool keepdims, dtype_t dtype, int64_t base,
                const shape_t *shape, handle_t **ret, err_t *err);
/* The same for part i of an array that is made now, from a whole part. */
int emit_reduce_part(handle_t *source, reduce_t reduce, uint32_t axes, bool keepdims, const fh_array *made, int i,
                     handle_t **ret, err_t *err);
/* The state (of that shape, see codecs/reduction.h) of a piece that begins at start of whole along axis. */
int emit_reduce_piece(handle_t *source, reduce_t reduce, uint32_t axes, dtype_t dtype, int axis, int64_t start,
                      int64_t whole, const shape_t *shape, handle_t **ret, err_t *err);
/* One result from n states, which are all on `to`.  middle: it will be reduced further. */
int emit_reduce_join(engine_link_t *to, reduce_t reduce, handle_t *const *states, int n, const int64_t *cuts,
                     dtype_t dtype, bool middle, uint64_t watch, oid_t result, err_t *err);
/* One array from n of one shape, which are all on `to`. */
int emit_stack(engine_link_t *to, handle_t *const *parts, int n, oid_t result, err_t *err);
int emit_arg_combine(reduce_t reduce, handle_t *values, handle_t *indices, const shape_t *shape, handle_t **ret,
                     err_t *err);
/* A contiguous copy on another engine, in two steps: SEND here, then EXPECT there.  Between them its lane goes on; but
 * the second must follow, also where the copy is not wanted any more.  emit_expect drops *transfer where it fails. */
int emit_send(handle_t *source, engine_link_t *to, dtype_t dtype, const shape_t *shape, handle_t **ret_transfer,
              err_t *err);
int emit_expect(handle_t **transfer, const engine_link_t *from, dtype_t dtype, const shape_t *shape, err_t *err);
/* Both at once. */
int emit_transfer(handle_t *source, engine_link_t *to, dtype_t dtype, const shape_t *shape, handle_t **ret, err_t *err);

#endif
