/* Correlations of a distributed vector with a short one: each engine gets the elements that its results need. */
#include "proxy/apply.h"
#include "proxy/brought.h"
#include "proxy/error.h"

#include <stdlib.h>

typedef struct {
    fh_array *a;
    brought_t v;
    int64_t na, nv, offset;
    fh_array *made;
} sliding_t;

static int
correlate_part(sliding_t *self, engine_link_t *engine, int i, err_t *err)
{
    piece_t cut = self->made->axis >= 0 ? self->made->cuts[i] : (piece_t){0, self->made->shape.extent[0]};
    int64_t first = self->offset + cut.start, end = first + cut.length + self->nv - 1;
    first = first < 0 ? 0 : first > self->na - 1 ? self->na - 1 : first;
    end = end > self->na ? self->na : end <= first ? first + 1 : end;
    part_t part = {0};
    handle_t *v = NULL;
    int status = align_region(self->a, 0, (piece_t){first, end - first}, engine, &part, err);
    if (!status)
        status = brought_get(&self->v, engine, &v, err);
    if (!status) {
        operand_t in[] = {apply_object(part.handle), apply_object(v)};
        const int64_t integers[] = {self->offset + cut.start - first, cut.length};
        status = apply_emit_part(APPLY_CORRELATE, in, 2, engine, self->made, i, integers, 2, err);
    }
    handle_unref(&part.handle);
    return status;
}

static int
run(sliding_t *self, int64_t count, err_t *err)
{
    int n = self->a->n;
    layout_t layout = {0};
    dtype_t dtype = dtype_promote(self->a->dtype, self->v.array->dtype);
    shape_t shape = {.ndim = 1, .extent = {count}};
    engine_link_t **engines = malloc((size_t)n * sizeof(engine_link_t *));
    if (!engines)
        return err_set(err, FH_NO_MEMORY, "no memory for %d pieces", n);
    for (int i = 0; i < n; i++)
        engines[i] = self->a->parts[i].handle->engine;
    int status = layout_split(&layout, 0, count, 0, engines, n, err);
    if (!status)
        status = array_new_as(&self->made, self->a->session, dtype, &shape, &layout, err);
    for (int i = 0; !status && i < layout.n; i++)
        status = correlate_part(self, layout.engines[i], i, err);
    layout_release(&layout);
    free(engines);
    return status;
}

int
fh_correlate(fh_array *a, fh_array *v, int64_t offset, int64_t count, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    int status = array_enter(a, err);
    if (!status)
        status = array_enter(v, err);
    if (!status && (a->session != v->session || a->shape.ndim != 1 || v->shape.ndim != 1))
        status = err_set(err, FH_INVALID_ARGUMENT, "correlations are of two vectors of one session");
    if (status)
        return status;
    sliding_t self = {.a = a, .v = {.array = v}, .na = a->shape.extent[0], .nv = v->shape.extent[0], .offset = offset};
    if (self.na == 0 || self.nv == 0)
        return err_set(err, FH_INVALID_ARGUMENT, "%s cannot be empty", self.na ? "v" : "a");
    if (count < 0 || offset < -self.nv || offset > self.na || count > self.na + self.nv)
        return err_set(err, FH_INVALID_ARGUMENT, "%lld results from %lld on, of %lld elements and %lld",
                       (long long)count, (long long)offset, (long long)self.na, (long long)self.nv);
    status = run(&self, count, err);
    brought_release(&self.v);
    return array_finish(self.made, status, ret, err);
}
