/* engine/methods/carve.c - CARVE: many small arrays in the memory of one. */
#include "engine/methods.h"

#include <stddef.h>

/* Every result holds the error of what it should have been cut out of. */
static int
poison_all(run_t *run, const msg_CARVE_t *carve, const err_t *why, err_t *err)
{
    core_t *core = run->core;
    buf_t *poison = NULL;
    int status = buf_new_copy(&poison, why, sizeof *why, err);

    if (status)
        return status;
    pthread_mutex_lock(&core->lock);
    for (uint32_t i = 0; i < carve->results.count && !status && !run->lane->gone; i++)
        status = object_table_add_poisoned(&core->objects, &run->lane->owner, carve->results.items[i], poison, err);
    pthread_mutex_unlock(&core->lock);
    buf_unref(&poison);
    return status;
}

static int
check_lists(const msg_CARVE_t *carve, err_t *err)
{
    uint32_t n = carve->results.count;
    int64_t extents = 0;

    if (carve->dtypes.count != n || carve->offsets.count != n || carve->dims.count != n)
        return err_set(err, FH_INVALID_ARGUMENT, "%u arrays with %u dtypes, %u offsets and %u numbers of dimensions", n,
                       carve->dtypes.count, carve->offsets.count, carve->dims.count);
    for (uint32_t i = 0; i < n; i++) {
        if (carve->dims.items[i] < 0 || carve->dims.items[i] > SHAPE_MAX_DIMS)
            return err_set(err, FH_INVALID_ARGUMENT, "an array of %lld dimensions", (long long)carve->dims.items[i]);
        extents += carve->dims.items[i];
    }
    if (extents != carve->extents.count)
        return err_set(err, FH_INVALID_ARGUMENT, "%u extents for arrays of %lld dimensions together",
                       carve->extents.count, (long long)extents);
    return FH_OK;
}

/* Array i, whose extents are given; its memory is that of source. */
static int
cut(run_t *run, const msg_CARVE_t *carve, uint32_t i, ints_t extents, const pin_t *source, err_t *err)
{
    pin_t pin = {0};
    dtype_t dtype;
    shape_t shape;
    int status = carve->dtypes.items[i] < 0 ? err_set(err, FH_INVALID_ARGUMENT, "%lld is not the code of a dtype",
                                                      (long long)carve->dtypes.items[i])
                                            : run_shape((uint64_t)carve->dtypes.items[i], extents, &dtype, &shape, err);

    if (status)
        return status;
    nd_init(&pin.nd, NULL, dtype, &shape);
    status = run_place_aligned(source->segment, source->nd.data - source->segment->data, carve->offsets.items[i],
                               &pin.nd, err);
    if (!status)
        status = core_check_new(run->core, carve->results.items[i], err);
    if (status)
        return status;
    pin.segment = segment_ref(source->segment);
    return core_publish(run->core, run->lane, carve->results.items[i], &pin, true, err);
}

static int
run_carve(run_t *run, err_t *err)
{
    const msg_CARVE_t *carve = &run->call->message.as.CARVE;
    pin_t source = {0};
    err_t why = {0};
    uint32_t made = 0, extent = 0;
    int status = check_lists(carve, err);

    if (status)
        return status;
    status = core_pin(run->core, carve->object, &source, &why);
    if (status == FH_BUSY && run->on_reactor) {
        *err = why;
        return status; /* the compute thread can bring it back from disk */
    }
    if (status)
        return poison_all(run, carve, &why, err);
    for (; made < carve->results.count && !status; made += !status) {
        uint32_t dims = (uint32_t)carve->dims.items[made];

        status = cut(run, carve, made, (ints_t){carve->extents.items + extent, dims}, &source, err);
        extent += dims;
    }
    if (status) {
        pthread_mutex_lock(&run->core->lock);
        for (uint32_t i = 0; i < made; i++)
            object_table_drop(&run->core->objects, &run->lane->owner, carve->results.items[i]);
        pthread_mutex_unlock(&run->core->lock);
    }
    pin_release(&source);
    return status;
}

static const method_t ROWS[] = {
    {.code = MSG_CARVE, .run = run_carve},
};

const method_table_t METHODS_CARVE = {ROWS, sizeof ROWS / sizeof *ROWS};
