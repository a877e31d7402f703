/* Numbers at equal distances, each piece from its first one on. */
#include "proxy/apply.h"
#include "proxy/error.h"
#include "proxy/scatter.h"

static int
ramp_part(const fh_array *made, const layout_t *layout, int i, const fh_ramp *ramp, handle_t **ret, err_t *err)
{
    shape_t part = array_part_shape(made, i);
    apply_output_t out = {.dtype = made->dtype, .shape = &part, .of = made, .part = i};
    bool integers = dtype_kind(made->dtype) == 'i' || dtype_kind(made->dtype) == 'u';
    int64_t first = layout->axis < 0 ? 0 : layout->cuts[i].start;
    apply_emit_t emit = {.method = APPLY_RAMP,
                         .engine = layout->engines[i],
                         .out = &out,
                         .nout = 1,
                         .integers = (int64_t[]){first, ramp->integer_start, ramp->integer_next},
                         .nintegers = integers ? 3 : 1,
                         .reals = (double[]){ramp->start[0], ramp->start[1], ramp->next[0], ramp->next[1]},
                         .nreals = integers ? 0 : 4};
    return apply_emit(&emit, ret, err);
}

int
fh_arange(fh_session *session, fh_dtype dtype, const fh_ramp *ramp, int64_t count, const fh_scatter_options *options,
          fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    shape_t shape = {.ndim = 1, .extent = {count}};
    layout_t layout = {0};
    fh_array *array = NULL;
    int status = session_enter(session, err);
    if (!status && (count < 0 || !dtype_valid((uint64_t)dtype)))
        status = err_set(err, FH_INVALID_ARGUMENT, "%lld numbers of dtype %d", (long long)count, (int)dtype);
    if (!status)
        status = scatter_layout(session, &shape, options, &layout, err);
    if (!status)
        status = array_new_as(&array, session, (dtype_t)dtype, &shape, &layout, err);
    for (int i = 0; i < layout.n && !status; i++) {
        handle_t *part = NULL;
        status = ramp_part(array, &layout, i, ramp, &part, err);
        if (!status)
            array_put(array, i, part, NULL);
    }
    layout_release(&layout);
    return array_finish(array, status, ret, err);
}
