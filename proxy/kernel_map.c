/* KERNEL_MAP: operands, outputs, messages; and which kind of kernel is mapped how. */
#include "proxy/kernel_map.h"

#include "proxy/error.h"
#include "proxy/kernel_call.h"
#include "proxy/placing.h"

#include <stdlib.h>
#include <string.h>

/* ---- inputs --------------------------------------------------------------------------------------------------------
 */

/* Constants become what the kernel takes; remote arrays are cast where they lie, local ones once they are there. */
static int
settle(mapping_t *self, int i, err_t *err)
{
    input_t *input = &self->in[i];
    dtype_t want = (dtype_t)self->info->in[i];
    if (input->weak && !want)
        return input_settle(input, dtype_promote_weak(DTYPE_NONE, input->weak), err);
    if (input->weak) {
        int status = input_check_weak(input, want, i, self->info->entry, err);
        return status ? status : input_settle(input, want, err);
    }
    if (want == DTYPE_NONE || want == input->dtype)
        return FH_OK;
    if (!dtype_can_cast(input->dtype, want, CASTING_SAME_KIND))
        return err_set(err, FH_WRONG_TYPE, "input %d of kernel %s is %s, which cannot be cast to %s", i,
                       self->info->entry, dtype_name(input->dtype), dtype_name(want));
    if (input->constant)
        input_cast(input, want);
    if (!input->array)
        return FH_OK;
    fh_array *cast = NULL;
    int status = fh_astype(input->array, (fh_dtype)want, FH_CASTING_SAME_KIND, &cast, (fh_error *)err);
    if (status)
        return status;
    *input = (input_t){.dtype = want, .shape = input->shape, .array = cast, .owned = true};
    return FH_OK;
}

int
mapping_init(mapping_t *self, fh_kernel *kernel, const fh_operand *in, int nin, const fh_kernel_map_options *options,
             err_t *err)
{
    *self = (mapping_t){.kernel = kernel, .info = &kernel->code->info, .nin = nin, .axis = -1, .layout.axis = -1};
    int status = kernel_timeout(options->timeout_s, &self->timeout_ms, err);
    for (int i = 0; i < nin && !status; i++) {
        status = input_init(&self->in[i], &in[i], err);
        if (!status)
            status = settle(self, i, err);
    }
    return status;
}

static void
strips_release(map_strips_t *self, int n)
{
    for (int i = 0; self->parts && i < n; i++)
        handle_unref(&self->parts[i].handle);
    for (int i = 0; self->regions && i < n; i++)
        region_release(&self->regions[i]);
    free(self->parts);
    free(self->regions);
}

void
mapping_release(mapping_t *self)
{
    for (int i = 0; i < KERNEL_MAX_IN; i++) {
        input_release(&self->in[i]);
        strips_release(&self->low[i], self->layout.n);
        strips_release(&self->high[i], self->layout.n);
    }
    for (int k = 0; k < KERNEL_MAX_OUT; k++) {
        for (int i = 0; self->out[k].drafts && i < self->layout.n; i++)
            handle_unref(&self->out[k].drafts[i]);
        free(self->out[k].drafts);
        fh_array_free(&self->out[k].made);
    }
    free(self->edges);
    layout_release(&self->layout);
}

int
mapping_align(mapping_t *self, int i, const shape_t *shape, err_t *err)
{
    input_t *input = &self->in[i];
    dtype_t want = (dtype_t)self->info->in[i];
    fh_array *cast = NULL;
    int status = input_align(input, self->kernel->session, shape, &self->layout, err);
    if (status || input->constant || want == DTYPE_NONE || input->dtype == want)
        return status;
    status = fh_astype(input->array, (fh_dtype)want, FH_CASTING_SAME_KIND, &cast, (fh_error *)err);
    if (status)
        return status;
    shape_t own = input->shape;
    input_release(input);
    *input = (input_t){.dtype = want, .shape = own, .array = cast, .owned = true};
    return input_align(input, self->kernel->session, shape, &self->layout, err);
}

/* ---- outputs -------------------------------------------------------------------------------------------------------
 */

int
mapping_take_out(mapping_t *self, int k, const fh_kernel_out *asked, dtype_t dtype, const shape_t *shape, err_t *err)
{
    map_out_t *out = &self->out[k];
    *out = (map_out_t){.dtype = dtype, .shape = *shape};
    if (!asked)
        return FH_OK;
    if (asked->array) {
        int status = array_enter(asked->array, err);
        if (!status && !dtype_can_cast(dtype, asked->array->dtype, CASTING_SAME_KIND))
            status = err_set(err, FH_WRONG_TYPE, "output %d of kernel %s is %s, which cannot be cast to %s of out", k,
                             self->info->entry, dtype_name(dtype), dtype_name(asked->array->dtype));
        out->given = asked->array;
        if (!status)
            out->shape = asked->array->shape;
        return status;
    }
    if (asked->dtype != FH_DTYPE_NONE && (dtype_t)asked->dtype != dtype)
        return err_set(err, FH_WRONG_TYPE, "kernel %s writes %s as output %d, not %s", self->info->entry,
                       dtype_name(dtype), k, dtype_name((dtype_t)asked->dtype));
    if (asked->ndim < 0)
        return FH_OK;
    if (asked->ndim > SHAPE_MAX_DIMS || (asked->ndim > 0 && !asked->shape))
        return err_set(err, FH_INVALID_ARGUMENT, "output %d has %d dimensions: at most %d are possible, with a shape",
                       k, asked->ndim, (int)SHAPE_MAX_DIMS);
    out->shape.ndim = asked->ndim;
    for (int i = 0; i < asked->ndim; i++)
        out->shape.extent[i] = asked->shape[i];
    if (shape_bytes(&out->shape, dtype) < 0)
        return err_set(err, FH_INVALID_ARGUMENT, "output %d has an impossible shape", k);
    return FH_OK;
}

static piece_t
out_cut(const mapping_t *self, const map_out_t *out, int i)
{
    return out->slices ? (piece_t){i, 1} : self->layout.cuts[i];
}

static bool
lies_alike(const mapping_t *self, const map_out_t *out)
{
    const fh_array *array = out->given;
    if (array->dtype != out->dtype || array->axis != self->layout.axis || array->n != self->layout.n)
        return false;
    for (int i = 0; i < array->n; i++) {
        piece_t cut = out_cut(self, out, i);
        if (array->parts[i].handle->engine != self->layout.engines[i] ||
            (array->axis >= 0 && (array->cuts[i].start != cut.start || array->cuts[i].length != cut.length)))
            return false;
    }
    return true;
}

static int
make_out(mapping_t *self, map_out_t *out, err_t *err)
{
    int status = array_new_as(&out->made, self->kernel->session, out->dtype, &out->shape, &self->layout, err);
    for (int i = 0; i < self->layout.n && !status; i++)
        out->made->cuts[i] = out_cut(self, out, i);
    return status;
}

int
mapping_place_outs(mapping_t *self, err_t *err)
{
    int status = FH_OK;
    for (int k = 0; k < self->nout && !status; k++) {
        map_out_t *out = &self->out[k];
        out->in_place = out->given && lies_alike(self, out);
        if (!out->in_place)
            status = make_out(self, out, err);
    }
    return status;
}

/* What a message computes of its part. */
typedef enum { STAGE_WHOLE, STAGE_DRAFT, STAGE_ENDS } stage_t;

/* ---- messages ------------------------------------------------------------------------------------------------------
 */

/* The lists of one message. */
typedef struct {
    operand_t inputs[KERNEL_MAX_IN];
    oid_t results[KERNEL_MAX_OUT], drafts[KERNEL_MAX_OUT], low[KERNEL_MAX_IN], high[KERNEL_MAX_IN];
    handle_t *made[KERNEL_MAX_OUT];
    int64_t dtypes[KERNEL_MAX_OUT], ndims[KERNEL_MAX_OUT], firsts[KERNEL_MAX_OUT],
        extents[KERNEL_MAX_OUT * SHAPE_MAX_DIMS];
    int64_t bases[KERNEL_MAX_IN + KERNEL_MAX_OUT], wholes[KERNEL_MAX_IN + KERNEL_MAX_OUT];
    uint32_t nextents;
} lists_t;

/* Of part i, its first element along the axis; wholes without one are not cut. */
static void
fill_input(const mapping_t *self, int i, int k, stage_t stage, lists_t *ret)
{
    const map_edge_t *edge = self->edges ? &self->edges[i] : NULL;
    bool strips = edge && self->cut[k] && stage != STAGE_DRAFT;
    ret->inputs[k] = input_operand(&self->in[k], i);
    ret->wholes[k] = self->cut[k] ? self->extent : -1;
    ret->bases[k] = self->cut[k] ? self->layout.cuts[i].start - (edge ? edge->pad_low : 0) : 0;
    ret->low[k] = strips && edge->low ? self->low[k].parts[i].handle->id : OID_NONE;
    ret->high[k] = strips && edge->high ? self->high[k].parts[i].handle->id : OID_NONE;
}

static int
fill_output(mapping_t *self, int i, int k, stage_t stage, lists_t *ret, err_t *err)
{
    map_out_t *out = &self->out[k];
    shape_t part = out->shape;
    piece_t cut = out_cut(self, out, i);
    int status = FH_OK;
    if (self->layout.axis >= 0)
        part.extent[self->layout.axis] = cut.length;
    if (out->in_place)
        ret->results[k] = out->given->parts[i].handle->id;
    else
        status = handle_new(&ret->made[k], self->layout.engines[i], OID_NONE, shape_bytes(&part, out->dtype), err);
    if (ret->made[k])
        ret->results[k] = ret->made[k]->id;
    if (!status && ret->made[k] && stage != STAGE_DRAFT)
        status = placing_add(out->made, i, ret->made[k], err);
    ret->firsts[k] = out->made ? (int64_t)array_first(out->made, i) : 0;
    ret->dtypes[k] = out->dtype;
    ret->ndims[k] = part.ndim;
    memcpy(ret->extents + ret->nextents, part.extent, (size_t)part.ndim * sizeof part.extent[0]);
    ret->nextents += (uint32_t)part.ndim;
    ret->bases[self->nin + k] = self->axis < 0 ? 0 : cut.start;
    ret->wholes[self->nin + k] = self->axis < 0 ? -1 : out->shape.extent[self->axis];
    return status;
}

static void
fill_message(const mapping_t *self, int i, stage_t stage, const handle_t *kernel, lists_t *lists, msg_KERNEL_MAP_t *ret)
{
    const map_edge_t *edge = self->edges ? &self->edges[i] : NULL;
    uint32_t nin = (uint32_t)self->nin, nout = (uint32_t)self->nout;
    ret->kernel = kernel->id;
    ret->inputs = (operands_t){lists->inputs, nin};
    ret->results = (oids_t){lists->results, nout};
    ret->dtypes = (ints_t){lists->dtypes, nout};
    ret->ndims = (ints_t){lists->ndims, nout};
    ret->shapes = (ints_t){lists->extents, lists->nextents};
    ret->firsts = (ints_t){lists->firsts, nout};
    ret->axis = self->axis;
    ret->piece = kernel_piece(i, self->layout.n);
    ret->timeout_ms = self->timeout_ms;
    ret->watch = self->layout.engines[i]->session->watch;
    for (int k = 0; k < self->nout; k++)
        if (self->out[k].in_place)
            ret->outs |= UINT64_C(1) << k;
    if (self->axis < 0)
        return;
    ret->bases = (ints_t){lists->bases, nin + nout};
    ret->wholes = (ints_t){lists->wholes, nin + nout};
    ret->width = (uint64_t)self->width;
    if (!edge)
        return;
    ret->pad_low = (uint64_t)edge->pad_low;
    ret->pad_high = (uint64_t)edge->pad_high;
    if (stage == STAGE_DRAFT) {
        ret->leave = (uint64_t)edge->low | (uint64_t)edge->high << 1;
        return;
    }
    if (stage == STAGE_ENDS)
        ret->drafts = (oids_t){lists->drafts, nout};
    if (edge->low)
        ret->low = (oids_t){lists->low, nin};
    if (edge->high)
        ret->high = (oids_t){lists->high, nin};
}

/* What a message has made. */
static void
keep(mapping_t *self, int i, stage_t stage, lists_t *lists)
{
    for (int k = 0; k < self->nout; k++) {
        if (stage == STAGE_ENDS)
            handle_unref(&self->out[k].drafts[i]);
        if (stage == STAGE_DRAFT)
            self->out[k].drafts[i] = lists->made[k];
        else if (lists->made[k])
            array_put(self->out[k].made, i, lists->made[k], NULL);
    }
}

static int
emit_part(mapping_t *self, int i, stage_t stage, err_t *err)
{
    engine_link_t *engine = self->layout.engines[i];
    message_t message = {.code = MSG_KERNEL_MAP};
    handle_t *kernel = NULL;
    lists_t lists;
    memset(&lists, 0, sizeof lists);
    int status = kernel_code_on(self->kernel->code, engine, &kernel, err);
    for (int k = 0; k < self->nin && !status; k++)
        fill_input(self, i, k, stage, &lists);
    for (int k = 0; k < self->nout && !status; k++) {
        status = fill_output(self, i, k, stage, &lists, err);
        if (stage == STAGE_ENDS)
            lists.drafts[k] = self->out[k].drafts[i]->id;
    }
    if (!status) {
        fill_message(self, i, stage, kernel, &lists, &message.as.KERNEL_MAP);
        status = engine_link_call(engine, &message, NULL, NULL, err);
    }
    if (!status)
        keep(self, i, stage, &lists);
    for (int k = 0; k < self->nout && status; k++)
        handle_discard(&lists.made[k]);
    return status;
}

int
mapping_emit_early(mapping_t *self, int i, err_t *err)
{
    for (int k = 0; k < self->nout; k++) {
        map_out_t *out = &self->out[k];
        if (!out->drafts)
            out->drafts = calloc((size_t)self->layout.n, sizeof *out->drafts);
        if (!out->drafts)
            return err_set(err, FH_NO_MEMORY, "no memory for the results of %d pieces", self->layout.n);
    }
    return emit_part(self, i, STAGE_DRAFT, err);
}

int
mapping_emit(mapping_t *self, fh_array **ret, err_t *err)
{
    int status = FH_OK;
    for (int i = 0; i < self->layout.n && !status; i++)
        status = emit_part(self, i, self->edges && self->edges[i].early ? STAGE_ENDS : STAGE_WHOLE, err);
    for (int k = 0; k < self->nout && !status; k++) {
        map_out_t *out = &self->out[k];
        if (out->made)
            array_settle(out->made);
        if (!out->given || out->in_place)
            continue;
        fh_operand value = {.kind = FH_ARRAY, .array = out->made};
        status = fh_assign(out->given, &value, FH_CASTING_SAME_KIND, (fh_error *)err);
        fh_array_free(&out->made);
    }
    if (!status)
        status = session_flush(self->kernel->session, err);
    for (int k = 0; k < self->nout && !status; k++) {
        ret[k] = self->out[k].made;
        self->out[k].made = NULL;
    }
    return status;
}

/* ---- public --------------------------------------------------------------------------------------------------------
 */

/* Are there as many inputs and outputs as the kernel has?  *ret_nout: that many results. */
static int
check_counts(const fh_kernel *kernel, int nin, const fh_kernel_map_options *options, int nret, int *ret_nout,
             err_t *err)
{
    const fh_kernel_info *info = &kernel->code->info;
    bool array = strcmp(info->kind, "array") == 0;
    int nout = options->out ? options->nout : array ? 1 : info->nout;
    if (nout < 1 || nout > KERNEL_MAX_OUT || nret < nout)
        return err_set(err, FH_INVALID_ARGUMENT, "%d outputs in room for %d: 1 to %d are possible", nout, nret,
                       (int)KERNEL_MAX_OUT);
    *ret_nout = nout;
    bool fits = array ? nin + nout <= KERNEL_MAX_IN && (info->nin < 0 || nin + nout == info->nin)
                      : nin == info->nin && nout == info->nout;
    if (nin >= 0 && fits)
        return FH_OK;
    if (!array)
        return err_set(err, FH_INVALID_ARGUMENT, "kernel %s (%s) takes %d inputs and %d outputs, %d and %d were given",
                       info->entry, info->signature, info->nin, info->nout, nin, nout);
    return err_set(err, FH_INVALID_ARGUMENT, "kernel %s (%s) takes %s%d operands, %d inputs and %d outputs were given",
                   info->entry, info->signature, info->nin < 0 ? "at most " : "",
                   info->nin < 0 ? (int)KERNEL_MAX_IN : info->nin, nin, nout);
}

static const struct {
    const char *kind;
    int (*run)(fh_kernel *kernel, const fh_operand *in, int nin, const fh_kernel_map_options *options, fh_array **ret,
               err_t *err);
} MAPPED[] = {{"piece", kernel_call_pieces}, {"array", kernel_map_array}, {"gufunc", kernel_map_gufunc}};

int
fh_kernel_map(fh_kernel *kernel, const fh_operand *in, int nin, const fh_kernel_map_options *options, fh_array **ret,
              int nret, fh_error *error)
{
    static const fh_kernel_map_options NONE = {0};
    err_t *err = error_start(error);
    fh_array *made[KERNEL_MAX_OUT] = {0};
    int nout = 0, kind = 0, kinds = sizeof MAPPED / sizeof *MAPPED;
    options = options ? options : &NONE;
    int status = kernel_enter(kernel, err);
    if (status)
        return status;
    const fh_kernel_info *info = &kernel->code->info;
    while (kind < kinds && strcmp(info->kind, MAPPED[kind].kind) != 0)
        kind++;
    if (kind == kinds)
        return err_set(err, FH_KERNEL_ERROR, "%s is a kernel of kind %s: it is not mapped, but %s", info->entry,
                       info->kind, strcmp(info->kind, "ufunc") == 0 ? "called" : "reduces");
    status = check_counts(kernel, nin, options, nret, &nout, err);
    if (!status)
        status = MAPPED[kind].run(kernel, in, nin, options, made, err);
    for (int k = 0; k < nout && !status; k++)
        ret[k] = made[k];
    return status;
}
