#include "proxy/align.h"
#include "proxy/sort.h"

#include <stdlib.h>
#include <string.h>

/* What goes from one piece to one engine. */
typedef struct {
    handle_t *handle;
    const engine_link_t *from; /* it is expected from there; NULL: it is there */
} moving_t;

/* ---- pieces by themselves ------------------------------------------------------------------------------------------
 */

static int
sort_piece(sort_pieces_t *self, int i, err_t *err)
{
    const fh_array *array = self->array;
    handle_t *piece = array->parts[i].handle;
    shape_t shape = array_part_shape(array, i);
    operand_t in = apply_object(piece);
    const int64_t zero = 0;
    if (!self->order)
        return apply_emit_one(APPLY_SORT, &in, 1, piece->engine, array->dtype, &shape, &zero, 1, &self->sorted[i], err);
    const apply_output_t out[2] = {{.dtype = array->dtype, .shape = &shape}, {.dtype = DTYPE_INT64, .shape = &shape}};
    const apply_emit_t emit = {
        .method = APPLY_SORT_PLACES, .engine = piece->engine, .in = &in, .nin = 1, .out = out, .nout = 2};
    handle_t *made[2] = {NULL, NULL};
    int status = apply_emit(&emit, made, err);
    self->sorted[i] = made[0];
    self->places[i] = made[1];
    return status;
}

/* ---- exchange ------------------------------------------------------------------------------------------------------
 */

/* Elements [low, high) of a sorted piece, on their way to an engine. */
static int
send_range(handle_t *source, dtype_t dtype, int64_t n, int64_t low, int64_t high, engine_link_t *to, moving_t *ret,
           err_t *err)
{
    nd_t nd;
    handle_t *view = NULL;
    nd_init(&nd, ARRAY_BASE, dtype, &(shape_t){.ndim = 1, .extent = {n}});
    nd.data += low * nd.stride[0];
    nd.shape.extent[0] = high - low;
    int status = emit_view(source, &nd, &view, err);
    if (status || source->engine == to) {
        ret->handle = view;
        return status;
    }
    status = emit_send(view, to, dtype, &nd.shape, &ret->handle, err);
    handle_unref(&view);
    ret->from = status ? NULL : source->engine;
    return status;
}

/* All ranges of all pieces: moving[j * n + i] is piece i's share for engine j. */
static int
send_all(const sort_pieces_t *self, handle_t *const *sources, dtype_t dtype, moving_t *moving, err_t *err)
{
    int n = self->n, status = FH_OK;
    for (int j = 0; j < n && !status; j++) {
        engine_link_t *to = self->array->parts[j].handle->engine;
        for (int i = 0; i < n && !status; i++) {
            int64_t low = self->cuts[j * n + i], high = self->cuts[(j + 1) * n + i];
            if (high > low)
                status =
                    send_range(sources[i], dtype, self->array->cuts[i].length, low, high, to, &moving[j * n + i], err);
        }
    }
    return status;
}

/* What engine j gets, one range behind the other. */
static int
join_share(const sort_pieces_t *self, int j, dtype_t dtype, moving_t *moving, handle_t **ret, err_t *err)
{
    int n = self->n, m = 0, status = FH_OK;
    handle_t **handles = calloc((size_t)n, sizeof *handles);
    shape_t *shapes = calloc((size_t)n, sizeof *shapes);
    if (!handles || !shapes)
        status = err_set(err, FH_NO_MEMORY, "no memory to join %d sorted ranges", n);
    for (int i = 0; i < n && !status; i++) {
        moving_t *share = &moving[j * n + i];
        shape_t shape = {.ndim = 1, .extent = {self->cuts[(j + 1) * n + i] - self->cuts[j * n + i]}};
        if (share->from) {
            const engine_link_t *from = share->from;
            share->from = NULL;
            status = emit_expect(&share->handle, from, dtype, &shape, err);
        }
        if (!share->handle)
            continue;
        handles[m] = share->handle;
        shapes[m++] = shape;
    }
    if (!status)
        status = align_join(self->array->parts[j].handle->engine, dtype, handles, shapes, m, 0, ret, err);
    free(handles);
    free(shapes);
    return status;
}

static void
release_moving(const sort_pieces_t *self, dtype_t dtype, moving_t *moving)
{
    int n = self->n;
    for (int k = 0; moving && k < n * n; k++) {
        shape_t shape = {.ndim = 1, .extent = {self->cuts[k + n] - self->cuts[k]}};
        if (moving[k].from) /* what was sent must be taken */
            emit_expect(&moving[k].handle, moving[k].from, dtype, &shape, NULL);
        handle_unref(&moving[k].handle);
    }
    free(moving);
}

/* ---- merging -------------------------------------------------------------------------------------------------------
 */

/* Where engine j's ranges start and, for positions, where their pieces start. */
static int
run_starts(const sort_pieces_t *self, int j, int64_t *integers)
{
    int n = self->n, count = 0;
    int64_t at = 0;
    for (int i = 0; i < n; i++) {
        int64_t length = self->cuts[(j + 1) * n + i] - self->cuts[j * n + i];
        if (length <= 0)
            continue;
        integers[count++] = at;
        if (self->order)
            integers[count++] = self->array->cuts[i].start;
        at += length;
    }
    return count;
}

static int
merge_share(const sort_pieces_t *self, int j, moving_t *values, moving_t *places, fh_array *made, err_t *err)
{
    handle_t *joined[2] = {NULL, NULL}, *merged = NULL;
    engine_link_t *engine = self->array->parts[j].handle->engine;
    shape_t shape = array_part_shape(made, j);
    int64_t *integers = malloc((size_t)(2 * self->n) * sizeof *integers);
    int status = integers ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory to merge %d sorted ranges", self->n);
    if (!status)
        status = join_share(self, j, self->array->dtype, values, &joined[0], err);
    if (!status && self->order)
        status = join_share(self, j, DTYPE_INT64, places, &joined[1], err);
    if (!status) {
        operand_t in[2] = {apply_object(joined[0])};
        if (self->order)
            in[1] = apply_object(joined[1]);
        status = apply_emit_one(self->order ? APPLY_MERGE_ORDER : APPLY_MERGE, in, 1 + self->order, engine, made->dtype,
                                &shape, integers, run_starts(self, j, integers), &merged, err);
    }
    if (!status)
        array_put(made, j, merged, NULL);
    handle_unref(&joined[0]);
    handle_unref(&joined[1]);
    free(integers);
    return status;
}

static int
exchange(const sort_pieces_t *self, fh_array *made, err_t *err)
{
    int n = self->n;
    dtype_t dtype = self->array->dtype;
    moving_t *values = calloc((size_t)(n * n), sizeof *values), *places = calloc((size_t)(n * n), sizeof *places);
    int status = values && places ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory to exchange %d sorted pieces", n);
    if (!status)
        status = send_all(self, self->sorted, dtype, values, err);
    if (!status && self->order)
        status = send_all(self, self->places, DTYPE_INT64, places, err);
    for (int j = 0; j < n && !status; j++)
        status = merge_share(self, j, values, places, made, err);
    release_moving(self, dtype, values);
    release_moving(self, DTYPE_INT64, places);
    return status;
}

int
sort_across(const fh_array *array, bool order, fh_array **ret, err_t *err)
{
    int n = array->n;
    sort_pieces_t self = {.array = array, .n = n, .order = order};
    fh_array *made = NULL;
    self.sorted = calloc((size_t)n, sizeof *self.sorted);
    self.places = calloc((size_t)n, sizeof *self.places);
    self.cuts = calloc((size_t)((n + 1) * n), sizeof *self.cuts);
    int status =
        self.sorted && self.places && self.cuts ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory to sort %d pieces", n);
    for (int i = 0; i < n && !status; i++)
        status = sort_piece(&self, i, err);
    if (!status)
        status = sort_find_cuts(&self, err);
    if (!status)
        status = array_new(&made, array->session, order ? DTYPE_INT64 : array->dtype, &array->shape, 0, n, err);
    if (!status) {
        memcpy(made->cuts, array->cuts, (size_t)n * sizeof *made->cuts);
        status = exchange(&self, made, err);
    }
    for (int i = 0; i < n; i++) {
        handle_unref(self.sorted ? &self.sorted[i] : &(handle_t *){NULL});
        handle_unref(self.places ? &self.places[i] : &(handle_t *){NULL});
    }
    free(self.sorted);
    free(self.places);
    free(self.cuts);
    if (status)
        fh_array_free(&made);
    *ret = made;
    return status;
}
