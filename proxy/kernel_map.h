/* proxy/kernel_map.h - a KERNEL_MAP under way: what array kernels and gufuncs share. */
#ifndef FH_PROXY_KERNEL_MAP_H
#define FH_PROXY_KERNEL_MAP_H

#include "proxy/align.h"
#include "proxy/inputs.h"
#include "proxy/kernel.h"

typedef struct {
    fh_array *given; /* an existing one; NULL: made is the result */
    bool in_place;   /* given lies as the result does: engines write it; else it is assigned to from made */
    dtype_t dtype;   /* that the kernel writes */
    shape_t shape;   /* of the whole */
    bool slices;     /* extent 1 for each piece, not that of the input's piece */
    fh_array *made;
    handle_t **drafts; /* layout.n, results that lack their ends; NULL handles where there is none; NULL: none at all */
} map_out_t;

/* What one piece reads beyond itself: strips (runner_call_t), or elements at the ends of its own arrays. */
typedef struct {
    bool low, high;
    bool early; /* what needs no strip is computed before the strips are there */
    int64_t pad_low, pad_high;
} map_edge_t;

typedef struct {
    part_t *parts;     /* layout.n of them, NULL handles where there is none; NULL: none at all */
    region_t *regions; /* layout.n: those that are on their way */
} map_strips_t;

typedef struct {
    fh_kernel *kernel;
    const fh_kernel_info *info;
    uint64_t timeout_ms;
    input_t in[KERNEL_MAX_IN];
    int nin;
    map_out_t out[KERNEL_MAX_OUT];
    int nout;
    layout_t layout; /* where it is computed; its axis is that of the first cut operand */
    int axis;        /* array kernels: along which the whole is cut, also if into one piece; -1: it is not */
    int64_t extent;  /* of the whole there */
    bool cut[KERNEL_MAX_IN];
    int64_t width;     /* halo along axis */
    map_edge_t *edges; /* layout.n; NULL without a halo */
    map_strips_t low[KERNEL_MAX_IN], high[KERNEL_MAX_IN];
} mapping_t;

/* The kernel, its time limit and inputs that can be cast to its dtypes. */
int mapping_init(mapping_t *self, fh_kernel *kernel, const fh_operand *in, int nin,
                 const fh_kernel_map_options *options, err_t *err);
void mapping_release(mapping_t *self);
/* Take over what is asked of output k, whose dtype and shape are otherwise those given. */
int mapping_take_out(mapping_t *self, int k, const fh_kernel_out *asked, dtype_t dtype, const shape_t *shape,
                     err_t *err);
/* Which outputs can be written in place?  layout is known. */
int mapping_place_outs(mapping_t *self, err_t *err);
/* Bring input i to the layout; shape: of a result that it is broadcast to, as for input_align. */
int mapping_align(mapping_t *self, int i, const shape_t *shape, err_t *err);
/* Send the messages; ret gets the new arrays. */
int mapping_emit(mapping_t *self, fh_array **ret, err_t *err);

int kernel_map_array(fh_kernel *kernel, const fh_operand *in, int nin, const fh_kernel_map_options *options,
                     fh_array **ret, err_t *err);
int kernel_map_gufunc(fh_kernel *kernel, const fh_operand *in, int nin, const fh_kernel_map_options *options,
                      fh_array **ret, err_t *err);
/* Halo of width elements along the mapping's axis: what each piece reads of its neighbours, brought to it; and large
 * pieces without their ends, which are computed while that is on its way. */
int stencil_plan(mapping_t *self, err_t *err);
/* Send the messages that compute part i without its ends. */
int mapping_emit_early(mapping_t *self, int i, err_t *err);

#endif
