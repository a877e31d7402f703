#include "tests/process/kernel_rig.h"

#include <math.h>
#include <string.h>

fh_session *rig_session;

static cluster_t cluster;
static uint64_t random_state;

int
rig_start(void **state)
{
    (void)state;
    random_state = check_seed();
    cluster_start(&cluster, RIG_ENGINES);
    rig_session = cluster_connect(&cluster, 60);
    return 0;
}

int
rig_stop(void **state)
{
    (void)state;
    fh_close(&rig_session);
    cluster_stop(&cluster);
    return 0;
}

fh_session *
rig_connect(void)
{
    return cluster_connect(&cluster, 60);
}

void
rig_kill_engine(int i)
{
    cluster_kill_engine(&cluster, i);
}

int64_t
rig_random(int64_t below)
{
    return (int64_t)(check_random(&random_state) % (uint64_t)below);
}

void
rig_fill(double *ret, int64_t count, bool whole_numbers)
{
    for (int64_t i = 0; i < count; i++)
        ret[i] = whole_numbers ? (double)(rig_random(2001) - 1000)
                               : ldexp((double)rig_random(1 << 30) - (1 << 29), (int)rig_random(120) - 60);
}

fh_kernel *
rig_load(const char *entry, const fh_kernel_options *options)
{
    fh_kernel *kernel = NULL;
    fh_error error;
    fh_kernel_options with = options ? *options : (fh_kernel_options){0};
    with.entry = entry;
    fh_ok(fh_kernel_load_file(rig_session, FH_KERNELS_DIR "/client.ll", &with, &kernel, &error), error);
    return kernel;
}

fh_kernel *
rig_load_text(const char *text, const fh_kernel_options *options)
{
    fh_kernel *kernel = NULL;
    fh_error error;
    fh_ok(fh_kernel_load(rig_session, text, strlen(text), options, &kernel, &error), error);
    return kernel;
}

fh_array *
rig_scatter(const void *data, fh_dtype dtype, int ndim, const int64_t *shape, int axis)
{
    fh_engine_info engines[RIG_ENGINES];
    fh_id ids[RIG_ENGINES];
    fh_array *array = NULL;
    fh_error error;
    int n;
    fh_ok(fh_engines(rig_session, engines, RIG_ENGINES, &n, &error), error);
    int first = (int)rig_random(RIG_ENGINES);
    for (int i = 0; i < RIG_ENGINES; i++)
        ids[i] = engines[(first + i) % RIG_ENGINES].id;
    fh_scatter_options options = {.axis = axis, .engines = ids, .nengines = 1 + (int)rig_random(RIG_ENGINES)};
    if (axis != FH_WHOLE && rig_random(2))
        options.blocksize = 1 + rig_random(shape[axis] + 2);
    if (options.blocksize && shape[axis] / options.blocksize > 40)
        options.blocksize = shape[axis] / 40 + 1;
    /* Scattering only reads. */
    void *bytes;
    memcpy(&bytes, &data, sizeof bytes);
    fh_local local = {.data = bytes, .dtype = dtype, .ndim = ndim, .shape = shape};
    fh_ok(fh_scatter(rig_session, &local, &options, &array, &error), error);
    return array;
}

fh_array *
rig_scatter_somehow(const double *data, int ndim, const int64_t *shape)
{
    int axis = (int)rig_random(ndim + 1);
    return rig_scatter(data, FH_FLOAT64, ndim, shape, axis == ndim ? (int)FH_WHOLE : axis);
}
