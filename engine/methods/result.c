#include "engine/methods/result.h"

int
result_make(run_t *run, oid_t id, dtype_t dtype, const shape_t *shape, uint64_t first, unsigned pool_flags, pin_t *ret,
            pin_t *ret_place, err_t *err)
{
    *ret_place = (pin_t){0};
    int status = core_make_piece(run->core, run->lane, id, dtype, shape, first, pool_flags, ret, err);

    if (status || nd_is_c_contiguous(&ret->nd))
        return status;
    *ret_place = *ret;
    *ret = (pin_t){0};
    status = core_make_piece(run->core, run->lane, OID_NONE, dtype, shape, first, pool_flags, ret, err);
    if (status)
        pin_release(ret_place);
    return status;
}

int
result_settle(run_t *run, pin_t *pin, pin_t *place, err_t *err)
{
    if (!place->segment)
        return FH_OK;
    segment_touch(place->segment);
    int status = compute_assign(run->crew, &place->nd, &pin->nd, err);

    if (status)
        return status;
    pin_release(pin);
    *pin = *place;
    *place = (pin_t){0};
    return FH_OK;
}
