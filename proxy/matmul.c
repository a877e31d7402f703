/* Products of matrices over engines: one operand stays where it is, the other comes to it.
 *
 * The operand that stays is cut along its rows (a), its columns (b), the stack, or along the summed axis; in the last
 * case each engine makes a partial product of the whole result, and these are added.  The one that travels comes in the
 * blocks in which it lies, so that an engine multiplies its own block while it fetches the others. */
#include "proxy/align.h"
#include "proxy/apply.h"
#include "proxy/error.h"
#include "proxy/scatter.h"

#include <stdlib.h>
#include <string.h>

enum {
    WHOLE_BYTES = 4 << 20, /* an operand of less travels in one piece */
    BLOCKS_MAX = 64,
    PIECES_MAX = 256,       /* of the operand that stays, for the other to travel in blocks */
    SPREAD_BYTES = 1 << 20, /* a sum of partial products of more is cut along its rows */
};

/* Where an operand is cut. */
typedef enum { CUT_NOT, CUT_STACK, CUT_OUTER, CUT_SUMMED } cut_t;

typedef struct {
    fh_session *session;
    fh_array *in[2]; /* a and b, of two dimensions or more and one dtype */
    dtype_t dtype;   /* that is computed in */
    shape_t shape;   /* of the result, with the axes that vectors were given */
    int stays;       /* which operand */
    cut_t cut;       /* how it is cut */
    layout_t layout; /* of the result; of partial products: their engines */
} product_t;

/* A block of the operand that travels, on one engine. */
typedef struct {
    region_t region;
    part_t part;
    bool arrived;
} guest_t;

/* ---- which operand stays --------------------------------------------------------------------------------------------
 */

static cut_t
cut_of(const fh_array *array, int which)
{
    int from_end = array->shape.ndim - array->axis; /* 2: rows, 1: columns */
    if (array->axis < 0)
        return CUT_NOT;
    if (from_end > 2)
        return CUT_STACK;
    return (from_end == 2) == (which == 0) ? CUT_OUTER : CUT_SUMMED;
}

static bool
cut_alike(const fh_array *a, const fh_array *b)
{
    bool alike = a->n == b->n;
    for (int i = 0; i < a->n && alike; i++)
        alike = a->cuts[i].start == b->cuts[i].start && a->parts[i].handle->engine == b->parts[i].handle->engine;
    return alike;
}

/* Bytes that move if that operand stays. */
static double
cost_of(const product_t *self, int stays)
{
    const fh_array *array = self->in[stays], *other = self->in[!stays];
    double more = array->n - 1, whole = (double)array_bytes(other);
    double result = (double)shape_bytes(&self->shape, self->dtype);
    if (cut_of(array, stays) != CUT_SUMMED)
        return whole * more;
    return (cut_of(other, !stays) == CUT_SUMMED && cut_alike(array, other) ? 0 : whole) + result * more;
}

static void
choose(product_t *self)
{
    cut_t cuts[2] = {cut_of(self->in[0], 0), cut_of(self->in[1], 1)};
    if (cuts[0] == CUT_NOT && cuts[1] == CUT_NOT)
        self->stays = array_bytes(self->in[1]) > array_bytes(self->in[0]);
    else if (cuts[0] == CUT_NOT || cuts[1] == CUT_NOT)
        self->stays = cuts[0] == CUT_NOT;
    else
        self->stays = cost_of(self, 1) < cost_of(self, 0);
    self->cut = cuts[self->stays];
}

/* The axis of operand `which` that is summed over. */
static int
summed_axis(const product_t *self, int which)
{
    return self->in[which]->shape.ndim - (which == 0 ? 1 : 2);
}

/* ---- the blocks that travel -----------------------------------------------------------------------------------------
 */

/* How many blocks the operand that travels has for each piece: those in which it lies, if products of them add up. */
static int
count_blocks(const product_t *self)
{
    const fh_array *guest = self->in[!self->stays];
    char kind = dtype_kind(self->dtype);
    bool adds = kind == 'f' || kind == 'c';
    bool blocks = adds && (self->cut == CUT_OUTER || self->cut == CUT_NOT) &&
                  cut_of(guest, !self->stays) == CUT_SUMMED && guest->n <= BLOCKS_MAX &&
                  self->in[self->stays]->n <= PIECES_MAX && array_bytes(guest) >= WHOLE_BYTES;
    return blocks ? guest->n : 1;
}

/* Along which axis of the guest, and where, is block j that goes with piece i? */
static int
block_axis(const product_t *self, int i, int j, int blocks, piece_t *ret)
{
    const fh_array *host = self->in[self->stays], *guest = self->in[!self->stays];
    *ret = (piece_t){0};
    if (blocks > 1) {
        *ret = guest->cuts[j];
        return summed_axis(self, !self->stays);
    }
    if (self->cut == CUT_SUMMED) {
        *ret = host->cuts[i];
        return summed_axis(self, !self->stays);
    }
    int axis = self->cut == CUT_STACK ? host->axis + guest->shape.ndim - host->shape.ndim : -1;
    if (axis < 0 || guest->shape.extent[axis] == 1)
        return -1;
    *ret = host->cuts[i];
    return axis;
}

/* Do all pieces of an engine meet the same blocks? */
static bool
shares_guests(const product_t *self)
{
    piece_t piece;
    return self->cut == CUT_OUTER || self->cut == CUT_NOT ||
           (self->cut == CUT_STACK && block_axis(self, 0, 0, 1, &piece) < 0);
}

/* Let what piece i needs be sent.  guests: blocks of them. */
static int
invite(const product_t *self, int i, int blocks, guest_t *guests, err_t *err)
{
    engine_link_t *engine = self->in[self->stays]->parts[i].handle->engine;
    int status = FH_OK;
    for (int j = 0; j < blocks && !status; j++) {
        piece_t want;
        int axis = block_axis(self, i, j, blocks, &want);
        status = region_init(&guests[j].region, self->in[!self->stays], axis, want, engine, err);
    }
    return status;
}

static int
receive(guest_t *guest, err_t *err)
{
    int status = guest->arrived ? FH_OK : region_receive(&guest->region, &guest->part, err);
    guest->arrived = guest->arrived || !status;
    return status;
}

static void
drop_guests(guest_t **guests, int n)
{
    for (int i = 0; *guests && i < n; i++) {
        region_release(&(*guests)[i].region);
        handle_unref(&(*guests)[i].part.handle);
    }
    free(*guests);
    *guests = NULL;
}

/* ---- one piece ------------------------------------------------------------------------------------------------------
 */

/* The part of piece i of the operand that stays that meets block j: a reference. */
static int
meet(const product_t *self, int i, int j, int blocks, handle_t **ret, err_t *err)
{
    const fh_array *host = self->in[self->stays];
    nd_t nd = array_part_nd(host, i);
    piece_t want;
    if (blocks == 1) {
        *ret = handle_ref(host->parts[i].handle);
        return FH_OK;
    }
    block_axis(self, i, j, blocks, &want);
    int axis = summed_axis(self, self->stays);
    nd.data += want.start * nd.stride[axis];
    nd.shape.extent[axis] = want.length;
    return emit_view(host->parts[i].handle, &nd, ret, err);
}

static int
multiply(const product_t *self, handle_t *mine, handle_t *guest, const shape_t *shape, uint64_t first, handle_t **sum,
         err_t *err)
{
    operand_t in[2] = {apply_object(self->stays ? guest : mine), apply_object(self->stays ? mine : guest)};
    apply_output_t out = {.exists = *sum, .dtype = self->dtype, .shape = shape};
    handle_t *made = NULL;
    apply_emit_t emit = {.method = APPLY_MATMUL,
                         .engine = mine->engine,
                         .in = in,
                         .nin = 2,
                         .out = &out,
                         .nout = 1,
                         .integers = (int64_t[]){*sum != NULL},
                         .nintegers = 1,
                         .first = first,
                         .whole = *sum};
    int status = apply_emit(&emit, &made, err);
    if (!status && !*sum)
        *sum = made;
    return status;
}

/* Piece i of the result (or partial product i): blocks one after the other, that which is there already first. */
static int
multiply_piece(const product_t *self, int i, int blocks, guest_t *guests, handle_t **ret, err_t *err)
{
    const engine_link_t *engine = self->in[self->stays]->parts[i].handle->engine;
    bool partial = self->cut == CUT_SUMMED;
    shape_t shape = partial ? self->shape : layout_part_shape(&self->layout, &self->shape, i);
    uint64_t first = partial ? 0 : layout_first(&self->layout, &self->shape, i);
    int start = 0, status = FH_OK;
    for (int j = 0; j < blocks && blocks > 1; j++)
        if (self->in[!self->stays]->parts[j].handle->engine == engine)
            start = j;
    for (int step = 0; step < blocks && !status; step++) {
        int j = (start + step) % blocks;
        handle_t *mine = NULL;
        status = receive(&guests[j], err);
        if (!status)
            status = meet(self, i, j, blocks, &mine, err);
        if (!status)
            status = multiply(self, mine, guests[j].part.handle, &shape, first, ret, err);
        handle_unref(&mine);
    }
    return status;
}

/* ---- all pieces -----------------------------------------------------------------------------------------------------
 */

/* first[i]: the piece whose guests piece i uses. */
static void
share_guests(const product_t *self, int *first)
{
    const fh_array *host = self->in[self->stays];
    bool shares = shares_guests(self);
    for (int i = 0; i < host->n; i++) {
        int k = shares ? 0 : i;
        while (k < i && !(first[k] == k && host->parts[k].handle->engine == host->parts[i].handle->engine))
            k++;
        first[i] = k;
    }
}

static int
multiply_pieces(const product_t *self, handle_t **made, err_t *err)
{
    int n = self->in[self->stays]->n, blocks = count_blocks(self), status = FH_OK;
    guest_t *guests = calloc((size_t)n * (size_t)blocks, sizeof *guests);
    int *first = calloc((size_t)n, sizeof *first);
    if (!guests || !first)
        status = err_set(err, FH_NO_MEMORY, "no memory to multiply %d pieces", n);
    else
        share_guests(self, first);
    for (int i = 0; i < n && !status; i++)
        if (first[i] == i)
            status = invite(self, i, blocks, guests + (size_t)i * (size_t)blocks, err);
    for (int i = 0; i < n && !status; i++)
        status = multiply_piece(self, i, blocks, guests + (size_t)first[i] * (size_t)blocks, &made[i], err);
    drop_guests(&guests, n * blocks);
    free(first);
    return status;
}

/* The sum of whole arrays on several engines: on one, or, where it is large, cut along its rows. */
static int
add_partial(const product_t *self, handle_t **made, int n, fh_array **ret, err_t *err)
{
    fh_array *sum = NULL;
    layout_t layout = {0};
    int rows = self->shape.ndim - 2, status;
    if (shape_bytes(&self->shape, self->dtype) >= SPREAD_BYTES && self->shape.extent[rows] >= n)
        status = layout_split(&layout, rows, self->shape.extent[rows], 0, self->layout.engines, n, err);
    else
        status = layout_single(&layout, self->layout.engines[0], err);
    for (int i = 0; i < n && !status; i++) {
        fh_array *partial = NULL, *here = NULL, *added = NULL;
        status = array_new(&partial, self->session, self->dtype, &self->shape, -1, 1, err);
        if (!status) {
            array_put(partial, 0, handle_ref(made[i]), NULL);
            status = align_array(partial, &layout, &here, err);
        }
        if (!status && sum) {
            fh_operand in[] = {{.kind = FH_ARRAY, .array = sum}, {.kind = FH_ARRAY, .array = here}};
            status = fh_ufunc(self->session, "add", in, 2, NULL, &added, (fh_error *)err);
            fh_array_free(&sum);
            fh_array_free(&here);
        } else {
            added = here;
        }
        sum = added;
        fh_array_free(&partial);
    }
    layout_release(&layout);
    if (status)
        fh_array_free(&sum);
    *ret = sum;
    return status;
}

/* Where the pieces of the result are. */
static int
lay_out(product_t *self, err_t *err)
{
    const fh_array *host = self->in[self->stays];
    int status = layout_init(&self->layout, -1, host->n, err);
    if (status)
        return status;
    for (int i = 0; i < host->n; i++) {
        self->layout.engines[i] = host->parts[i].handle->engine;
        self->layout.cuts[i] = host->cuts[i];
    }
    if (self->cut != CUT_NOT && self->cut != CUT_SUMMED)
        self->layout.axis = host->axis + self->shape.ndim - host->shape.ndim;
    return FH_OK;
}

static int
compute(product_t *self, fh_array **ret, err_t *err)
{
    choose(self);
    int n = self->in[self->stays]->n;
    handle_t **made = calloc((size_t)n, sizeof(handle_t *));
    int status = made ? lay_out(self, err) : err_set(err, FH_NO_MEMORY, "no memory to multiply %d pieces", n);
    if (!status)
        status = multiply_pieces(self, made, err);
    if (!status && self->cut == CUT_SUMMED) {
        status = add_partial(self, made, n, ret, err);
    } else if (!status) {
        status = array_new_as(ret, self->session, self->dtype, &self->shape, &self->layout, err);
        for (int i = 0; i < n && !status; i++)
            array_put(*ret, i, handle_ref(made[i]), NULL);
        if (!status)
            array_settle(*ret);
    }
    for (int i = 0; made && i < n; i++)
        handle_unref(&made[i]);
    free(made);
    return status;
}

/* ---- operands -------------------------------------------------------------------------------------------------------
 */

static int
take_operand(fh_session *session, const fh_operand *operand, const fh_operand *other, fh_array **ret, err_t *err)
{
    if (operand->kind == FH_ARRAY) {
        int status = array_enter(operand->array, err);
        return status ? status : fh_alias(operand->array, ret, (fh_error *)err);
    }
    if (operand->kind != FH_LOCAL || other->kind != FH_ARRAY)
        return err_set(err, FH_INVALID_ARGUMENT, "matmul: numbers cannot be multiplied as matrices; use *");
    nd_t nd;
    bool swapped;
    layout_t layout = {0};
    int status = scatter_local(operand->local, &nd, &swapped, err);
    if (!status)
        status = layout_single(&layout, other->array->parts[0].handle->engine, err);
    if (!status)
        status = scatter_to(session, &nd, swapped, &layout, ret, err);
    layout_release(&layout);
    return status;
}

/* As a matrix (a vector gets an axis) of the dtype. */
static int
make_matrix(fh_array **array, int which, dtype_t dtype, err_t *err)
{
    static const fh_index_item ITEMS[2][2] = {{{.kind = FH_INDEX_NEWAXIS}, {.kind = FH_INDEX_ELLIPSIS}},
                                              {{.kind = FH_INDEX_ELLIPSIS}, {.kind = FH_INDEX_NEWAXIS}}};
    fh_array *made = NULL;
    int status = FH_OK;
    if ((*array)->shape.ndim == 0)
        return err_set(err, FH_INVALID_ARGUMENT, "matmul: Input operand %d does not have enough dimensions (has 0)",
                       which);
    if ((*array)->dtype != dtype) {
        status = fh_astype(*array, (fh_dtype)dtype, FH_CASTING_UNSAFE, &made, (fh_error *)err);
        if (!status) {
            fh_array_free(array);
            *array = made;
        }
    }
    if (!status && (*array)->shape.ndim == 1) {
        status = fh_index(*array, ITEMS[which], 2, &made, (fh_error *)err);
        if (!status) {
            fh_array_free(array);
            *array = made;
        }
    }
    return status;
}

static int
find_shape(product_t *self, err_t *err)
{
    shape_t stacks[2];
    const shape_t *both[2] = {&stacks[0], &stacks[1]};
    const int64_t *last[2];
    for (int i = 0; i < 2; i++) {
        stacks[i] = self->in[i]->shape;
        stacks[i].ndim -= 2;
        last[i] = self->in[i]->shape.extent + stacks[i].ndim;
    }
    if (last[0][1] != last[1][0])
        return err_set(err, FH_INVALID_ARGUMENT,
                       "matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature "
                       "(n?,k),(k,m?)->(n?,m?) (size %lld is different from %lld)",
                       (long long)last[1][0], (long long)last[0][1]);
    int status = shape_broadcast(both, 2, &self->shape, err);
    if (status)
        return status;
    if (self->shape.ndim + 2 > SHAPE_MAX_DIMS)
        return err_set(err, FH_INVALID_ARGUMENT, "matmul: more than %d dimensions", SHAPE_MAX_DIMS);
    self->shape.extent[self->shape.ndim++] = last[0][0];
    self->shape.extent[self->shape.ndim++] = last[1][1];
    return FH_OK;
}

/* Take the axes away that vectors were given, and give the result its dtype. */
static int
finish(fh_array **made, const bool vector[2], dtype_t dtype, err_t *err)
{
    fh_index_item items[3] = {{.kind = FH_INDEX_ELLIPSIS}, {.kind = FH_INDEX_INT}, {.kind = FH_INDEX_INT}};
    fh_array *seen = NULL;
    int status = FH_OK;
    if (vector[0] && !vector[1])
        items[2].kind = FH_INDEX_SLICE;
    if (vector[0] || vector[1])
        status = fh_index(*made, items, vector[0] ? 3 : 2, &seen, (fh_error *)err);
    if (!status && seen) {
        fh_array_free(made);
        *made = seen;
        seen = NULL;
    }
    if (!status && (*made)->dtype != dtype) {
        status = fh_astype(*made, (fh_dtype)dtype, FH_CASTING_UNSAFE, &seen, (fh_error *)err);
        if (!status) {
            fh_array_free(made);
            *made = seen;
        }
    }
    return status;
}

int
fh_matmul(fh_session *session, const fh_operand *a, const fh_operand *b, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    product_t self = {.session = session};
    fh_array *made = NULL;
    dtype_t dtype = DTYPE_NONE;
    int status = session_enter(session, err);
    if (!status)
        status = take_operand(session, a, b, &self.in[0], err);
    if (!status)
        status = take_operand(session, b, a, &self.in[1], err);
    if (status)
        goto done;
    dtype = dtype_promote(self.in[0]->dtype, self.in[1]->dtype);
    self.dtype = dtype == DTYPE_FLOAT16 ? DTYPE_FLOAT32 : dtype;
    bool vector[2] = {self.in[0]->shape.ndim == 1, self.in[1]->shape.ndim == 1};
    for (int i = 0; i < 2 && !status; i++)
        status = make_matrix(&self.in[i], i, self.dtype, err);
    if (!status)
        status = find_shape(&self, err);
    if (!status)
        status = compute(&self, &made, err);
    if (!status)
        status = finish(&made, vector, dtype, err);
    if (!status)
        status = session_flush(session, err);
done:
    layout_release(&self.layout);
    for (int i = 0; i < 2; i++)
        fh_array_free(&self.in[i]);
    if (status)
        fh_array_free(&made);
    else
        *ret = made;
    return status;
}
