/* codecs/core_dims.h - core dimensions of generalized ufuncs: the text "(m,k),(k,n)->(m,n)" and the shapes that follow.
 *
 * Names are C identifiers; a number stands for a fixed extent.  "()" is a scalar operand.  Pure; any thread. */
#ifndef FH_CODECS_CORE_DIMS_H
#define FH_CODECS_CORE_DIMS_H

#include "base/err.h"
#include "codecs/shape.h"

enum { CORE_DIMS_MAX_OPERANDS = 24, CORE_DIMS_MAX_NAMES = 16, CORE_DIMS_MAX_CORE = 8 };

typedef struct {
    int nin, nout;
    int names;                          /* distinct core dimensions */
    int64_t fixed[CORE_DIMS_MAX_NAMES]; /* extent of a dimension that is a number, else -1 */
    char name[CORE_DIMS_MAX_NAMES][24];
    int ndim[CORE_DIMS_MAX_OPERANDS];                    /* core dimensions of each operand, inputs first */
    int dim[CORE_DIMS_MAX_OPERANDS][CORE_DIMS_MAX_CORE]; /* which */
} core_dims_t;

/* INVALID_ARGUMENT says where the text stops making sense; every output dimension must occur in an input or be fixed.
 */
int core_dims_parse(const char *text, core_dims_t *ret, err_t *err);
/* The loop shape (inputs' leading dimensions broadcast) and the extents of all names, from the shapes of the inputs.
 * INVALID_ARGUMENT names the operand and dimension that do not fit. */
int core_dims_resolve(const core_dims_t *self, const shape_t *const *inputs, shape_t *ret_loop,
                      int64_t ret_extent[CORE_DIMS_MAX_NAMES], err_t *err);
/* Loop shape and core dimensions of an operand (inputs first), as one shape. */
int core_dims_shape(const core_dims_t *self, int operand, const shape_t *loop,
                    const int64_t extent[CORE_DIMS_MAX_NAMES], shape_t *ret, err_t *err);

#endif
