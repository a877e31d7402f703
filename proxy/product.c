#include "proxy/product.h"

#include "proxy/align.h"

#include <stdlib.h>

enum {
    WHOLE_BYTES = 4 << 20,  /* an operand of less travels in one piece */
    PANEL_BYTES = 64 << 20, /* of a larger one that travels at a time */
    MESSAGES_MAX = 1 << 14, /* panels of all pieces together */
    SPREAD_BYTES = 1 << 20, /* a result of more is added up by its rows (product_sums.c) */
};

/* What travels to one piece, or to all of an engine: a panel that is multiplied, and the next one. */
typedef struct {
    region_t region;
    part_t part;
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

/* ---- the panels that travel -----------------------------------------------------------------------------------------
 */

/* Along which axis of the guest, and where, is what meets piece i?  -1: all of it does. */
static int
met_axis(const product_t *self, int i, piece_t *ret)
{
    const fh_array *host = self->in[self->stays], *guest = self->in[!self->stays];
    *ret = (piece_t){0};
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

/* Do all pieces meet all of the guest? */
static bool
meets_all(const product_t *self)
{
    piece_t piece;
    return self->cut != CUT_SUMMED && met_axis(self, 0, &piece) < 0;
}

/* Into how many panels `length` of the summed axis is cut. */
static int64_t
panels_of(const product_t *self, int64_t length)
{
    const fh_array *guest = self->in[!self->stays];
    int64_t each = array_bytes(guest) / guest->shape.extent[summed_axis(self, !self->stays)];
    int64_t panels = (each * length - 1) / PANEL_BYTES + 1;
    return panels < length ? panels : length;
}

static void
add_panels(product_t *self, piece_t piece, int64_t count)
{
    for (int64_t k = 0; k < count; k++) {
        int64_t first = k * piece.length / count, end = (k + 1) * piece.length / count;
        self->panels[self->npanels++] = (piece_t){piece.start + first, end - first};
    }
}

/* Panels end where the guest's pieces do, unless that were too many. */
static int
find_panels(product_t *self, err_t *err)
{
    const fh_array *guest = self->in[!self->stays];
    piece_t all = {0, guest->shape.extent[summed_axis(self, !self->stays)]};
    bool pieces = cut_of(guest, !self->stays) == CUT_SUMMED;
    int64_t most = MESSAGES_MAX / self->in[self->stays]->n + 1, count = 0;
    if (!meets_all(self) || array_bytes(guest) < WHOLE_BYTES)
        return FH_OK;
    for (int i = 0; i < guest->n && pieces; i++)
        count += panels_of(self, guest->cuts[i].length);
    pieces = pieces && count <= most;
    if (!pieces)
        count = panels_of(self, all.length) < most ? panels_of(self, all.length) : most;
    if (count < 2)
        return FH_OK;
    self->panels = malloc((size_t)count * sizeof *self->panels);
    if (!self->panels)
        return err_set(err, FH_NO_MEMORY, "no memory for the %lld panels of a product", (long long)count);
    for (int i = 0; i < guest->n && pieces; i++)
        add_panels(self, guest->cuts[i], panels_of(self, guest->cuts[i].length));
    if (!pieces)
        add_panels(self, all, count);
    return FH_OK;
}

/* The panel that an engine begins with: one that it has. */
static int
first_panel(const product_t *self, const engine_link_t *engine)
{
    const fh_array *guest = self->in[!self->stays];
    for (int j = 0; j < self->npanels && cut_of(guest, !self->stays) == CUT_SUMMED; j++)
        for (int i = 0; i < guest->n; i++)
            if (guest->parts[i].handle->engine == engine && guest->cuts[i].start == self->panels[j].start)
                return j;
    return 0;
}

/* Let what piece i meets in that step be sent. */
static int
invite(const product_t *self, int i, int panel, guest_t *guest, err_t *err)
{
    piece_t want;
    int axis = met_axis(self, i, &want);
    if (self->panels) {
        want = self->panels[panel];
        axis = summed_axis(self, !self->stays);
    }
    return region_init(&guest->region, self->in[!self->stays], axis, want,
                       self->in[self->stays]->parts[i].handle->engine, err);
}

/* Its memory is free for what comes next. */
static void
let_go(guest_t *guest)
{
    engine_link_t *engine = guest->part.handle ? guest->part.handle->engine : NULL;
    region_release(&guest->region);
    handle_unref(&guest->part.handle);
    if (engine)
        engine_link_add_releases(engine);
}

/* ---- one piece ------------------------------------------------------------------------------------------------------
 */

/* The part of piece i of the operand that stays that meets a panel: a reference. */
static int
meet(const product_t *self, int i, int panel, handle_t **ret, err_t *err)
{
    const fh_array *host = self->in[self->stays];
    nd_t nd = array_part_nd(host, i);
    if (!self->panels) {
        *ret = handle_ref(host->parts[i].handle);
        return FH_OK;
    }
    int axis = summed_axis(self, self->stays);
    nd.data += self->panels[panel].start * nd.stride[axis];
    nd.shape.extent[axis] = self->panels[panel].length;
    return emit_view(host->parts[i].handle, &nd, ret, err);
}

/* Added to *sum, piece i of the result (or partial product i), if there is one already, else made. */
static int
multiply(const product_t *self, int i, int panel, handle_t *guest, handle_t **sum, err_t *err)
{
    bool partial = self->cut == CUT_SUMMED;
    shape_t shape = partial ? self->shape : layout_part_shape(&self->layout, &self->shape, i);
    handle_t *made = NULL, *mine = NULL;
    int status = meet(self, i, panel, &mine, err);
    if (status)
        return status;
    operand_t in[2] = {apply_object(self->stays ? guest : mine), apply_object(self->stays ? mine : guest)};
    apply_output_t out = {.exists = *sum, .dtype = self->dtype, .shape = &shape};
    apply_emit_t emit = {.method = APPLY_MATMUL,
                         .engine = mine->engine,
                         .in = in,
                         .nin = 2,
                         .out = &out,
                         .nout = 1,
                         .integers = (int64_t[]){*sum != NULL},
                         .nintegers = 1,
                         .first = partial ? 0 : layout_first(&self->layout, &self->shape, i),
                         .whole = *sum};
    status = apply_emit(&emit, &made, err);
    if (!status && !*sum)
        *sum = made;
    handle_unref(&mine);
    return status;
}

/* ---- all pieces -----------------------------------------------------------------------------------------------------
 */

/* first[i]: the piece whose guests piece i uses, the first one of its engine. */
static void
share_guests(const product_t *self, int *first)
{
    const fh_array *host = self->in[self->stays];
    bool shares = meets_all(self);
    for (int i = 0; i < host->n; i++) {
        int k = shares ? 0 : i;
        while (k < i && !(first[k] == k && host->parts[k].handle->engine == host->parts[i].handle->engine))
            k++;
        first[i] = k;
    }
}

/* The pieces that share guests with piece i, by the panel of that step. */
static int
multiply_step(const product_t *self, int i, const int *first, int panel, guest_t *guest, handle_t **made, err_t *err)
{
    int status = region_receive(&guest->region, &guest->part, err);
    for (int k = i; k < self->in[self->stays]->n && !status; k++)
        if (first[k] == i)
            status = multiply(self, k, panel, guest->part.handle, &made[k], err);
    return status;
}

/* Each engine takes another panel in each step.  What it needs next is sent while it multiplies. */
static int
multiply_steps(const product_t *self, const int *first, int *panel, guest_t *guests, handle_t **made, err_t *err)
{
    const fh_array *host = self->in[self->stays];
    int n = host->n, steps = self->panels ? self->npanels : 1, status = FH_OK;
    for (int i = 0; i < n; i++)
        panel[i] = first_panel(self, host->parts[i].handle->engine);
    for (int step = 0; step <= steps && !status; step++) {
        for (int i = 0; i < n && step < steps && !status; i++)
            if (first[i] == i)
                status = invite(self, i, (panel[i] + step) % steps, &guests[2 * i + step % 2], err);
        for (int i = 0; i < n && step > 0 && !status; i++) {
            guest_t *guest = &guests[2 * i + (step - 1) % 2];
            if (first[i] == i)
                status = multiply_step(self, i, first, (panel[i] + step - 1) % steps, guest, made, err);
            let_go(guest);
        }
    }
    return status;
}

static int
multiply_pieces(product_t *self, handle_t **made, err_t *err)
{
    int n = self->in[self->stays]->n, status = find_panels(self, err);
    guest_t *guests = calloc((size_t)n, 2 * sizeof *guests);
    int *first = calloc((size_t)n, 2 * sizeof *first);
    if (!status && (!guests || !first))
        status = err_set(err, FH_NO_MEMORY, "no memory to multiply %d pieces", n);
    if (!status) {
        share_guests(self, first);
        status = multiply_steps(self, first, first + n, guests, made, err);
    }
    for (int i = 0; guests && i < 2 * n; i++)
        let_go(&guests[i]);
    free(guests);
    free(first);
    return status;
}

/* The sum of whole arrays on several engines, on the first of them. */
static int
add_partial(const product_t *self, handle_t **made, int n, fh_array **ret, err_t *err)
{
    fh_array *sum = NULL;
    layout_t layout = {0};
    int status = layout_single(&layout, self->layout.engines[0], err);
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

/* Products write in C order and are added to: they are laid where the whole has them when they are ready. */
static int
put_piece(fh_array *made, int i, handle_t **piece, err_t *err)
{
    int status = emit_lay_part(made, i, piece, err);
    if (!status)
        array_put(made, i, handle_ref(*piece), NULL);
    return status;
}

/* Pieces of the result, or, of a small one, partial products that are added. */
static int
compute_pieces(product_t *self, fh_array **ret, err_t *err)
{
    int n = self->in[self->stays]->n;
    handle_t **made = calloc((size_t)n, sizeof(handle_t *));
    int status = made ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory to multiply %d pieces", n);
    if (!status)
        status = multiply_pieces(self, made, err);
    if (!status && self->cut == CUT_SUMMED) {
        status = add_partial(self, made, n, ret, err);
    } else if (!status) {
        status = array_new_as(ret, self->session, self->dtype, &self->shape, &self->layout, err);
        for (int i = 0; i < n && !status; i++)
            status = put_piece(*ret, i, &made[i], err);
        if (!status)
            array_settle(*ret);
    }
    for (int i = 0; made && i < n; i++)
        handle_unref(&made[i]);
    free(made);
    return status;
}

int
product_compute(product_t *self, fh_array **ret, err_t *err)
{
    choose(self);
    int status = lay_out(self, err);
    if (status)
        return status;
    bool spread = self->cut == CUT_SUMMED && shape_bytes(&self->shape, self->dtype) >= SPREAD_BYTES &&
                  self->shape.extent[self->shape.ndim - 2] >= self->layout.n;
    return spread ? product_sums(self, ret, err) : compute_pieces(self, ret, err);
}

void
product_release(product_t *self)
{
    layout_release(&self->layout);
    free(self->panels);
    for (int i = 0; i < 2; i++)
        fh_array_free(&self->in[i]);
}
