#include "proxy/chain.h"

#include "proxy/emit.h"

#include <stdlib.h>
#include <string.h>

enum {
    LEAST_CHUNK = 1024 * 1024, /* that goes over streams */
    MOST_CHUNKS = 32,
    LEAST_BYTES = 4 * 1024 * 1024,
    LEAST_HOSTS = 3, /* the source's among them */
};

/* A host of the chain: the engine that gets the array for it. */
typedef struct {
    engine_link_t *engine;
    handle_t *whole; /* the array there; references are held */
    handle_t *chunk; /* the one that is handed on */
} link_of_chain_t;

typedef struct {
    const fh_array *array;
    link_of_chain_t *hosts; /* the source first */
    int n;
    int64_t count, each; /* elements of the array; of a chunk */
} chain_t;

static bool
same_host(const engine_link_t *a, const engine_link_t *b)
{
    return strcmp(a->host, b->host) == 0;
}

static const link_of_chain_t *
find_host(const chain_t *self, const engine_link_t *engine)
{
    for (int i = 0; i < self->n; i++)
        if (same_host(self->hosts[i].engine, engine))
            return &self->hosts[i];
    return NULL;
}

static int
find_hosts(chain_t *self, const fh_array *array, engine_link_t *const *engines, int n, err_t *err)
{
    *self = (chain_t){.array = array, .hosts = calloc((size_t)n + 1, sizeof *self->hosts)};
    if (!self->hosts)
        return err_set(err, FH_NO_MEMORY, "no memory for a chain of %d hosts", n);
    self->hosts[self->n++].engine = array->parts[0].handle->engine;
    for (int i = 0; i < n; i++)
        if (!find_host(self, engines[i]))
            self->hosts[self->n++].engine = engines[i];
    return FH_OK;
}

static void
release(chain_t *self)
{
    for (int i = 0; i < self->n; i++) {
        handle_unref(&self->hosts[i].whole);
        handle_unref(&self->hosts[i].chunk);
    }
    free(self->hosts);
}

bool
chain_pays(const fh_array *array, engine_link_t *const *engines, int n)
{
    chain_t chain;
    if (array->n != 1 || array_bytes(array) < LEAST_BYTES)
        return false;
    nd_t nd = array_part_nd(array, 0);
    if (!nd_is_c_contiguous(&nd) || find_hosts(&chain, array, engines, n, NULL))
        return false;
    int hosts = chain.n;
    release(&chain);
    return hosts >= LEAST_HOSTS;
}

/* Elements of the array from one on, as a vector. */
static nd_t
stretch(const chain_t *self, int64_t first, int64_t count)
{
    shape_t shape = {.ndim = 1, .extent = {count}};
    nd_t nd;
    nd_init(&nd, ARRAY_BASE + first * (int64_t)dtype_size(self->array->dtype), self->array->dtype, &shape);
    return nd;
}

/* The chunk goes into its place in the whole. */
static int
put_in_place(const link_of_chain_t *host, const nd_t *nd, err_t *err)
{
    operand_t operand = {.object = host->chunk->id};
    handle_t *slot = NULL;
    int status = emit_view(host->whole, nd, &slot, err);
    if (!status)
        status = emit_assign(slot, &operand, host->whole, err);
    handle_unref(&slot);
    return status;
}

/* One chunk from the source to the last host.  Each sends it on before it does anything else with it. */
static int
pass_on(chain_t *self, int64_t first, int64_t count, err_t *err)
{
    nd_t nd = stretch(self, first, count);
    int status = emit_view(self->hosts[0].whole, &nd, &self->hosts[0].chunk, err);
    for (int i = 1; i < self->n && !status; i++)
        status = emit_transfer(self->hosts[i - 1].chunk, self->hosts[i].engine, nd.dtype, &nd.shape,
                               &self->hosts[i].chunk, err);
    for (int i = 1; i < self->n && !status; i++)
        status = put_in_place(&self->hosts[i], &nd, err);
    for (int i = 0; i < self->n; i++)
        handle_unref(&self->hosts[i].chunk);
    return status;
}

static int
pass_all(chain_t *self, err_t *err)
{
    const fh_array *array = self->array;
    int64_t size = (int64_t)dtype_size(array->dtype), bytes = array_bytes(array);
    int64_t chunk = bytes / MOST_CHUNKS > LEAST_CHUNK ? bytes / MOST_CHUNKS : LEAST_CHUNK;
    int status = FH_OK;
    self->count = bytes / size;
    self->each = (chunk + size - 1) / size;
    self->hosts[0].whole = handle_ref(array->parts[0].handle);
    for (int i = 1; i < self->n && !status; i++)
        status = emit_empty(self->hosts[i].engine, array->dtype, &array->shape, NULL, &self->hosts[i].whole, err);
    for (int64_t first = 0; first < self->count && !status; first += self->each)
        status = pass_on(self, first, self->count - first < self->each ? self->count - first : self->each, err);
    return status;
}

/* From its host's engine to another one of that host, or what another part has already. */
static int
hand_out(const chain_t *self, engine_link_t *to, const part_t *before, int n, part_t *ret, err_t *err)
{
    const fh_array *array = self->array;
    handle_t *whole = find_host(self, to)->whole;
    const part_t *source = &array->parts[0];
    for (int i = 0; i < n; i++)
        if (before[i].handle->engine == to) {
            *ret = before[i];
            handle_ref(ret->handle);
            return FH_OK;
        }
    if (whole->engine == to)
        ret->handle = handle_ref(whole);
    else {
        int status = emit_transfer(whole, to, array->dtype, &array->shape, &ret->handle, err);
        if (status)
            return status;
    }
    if (ret->handle == source->handle)
        memcpy(ret->stride, source->stride, sizeof ret->stride);
    else
        shape_strides_c(&array->shape, (int64_t)dtype_size(array->dtype), ret->stride);
    return FH_OK;
}

int
chain_bring(const fh_array *array, engine_link_t *const *engines, int n, part_t *parts, err_t *err)
{
    chain_t chain;
    int made = 0;
    int status = find_hosts(&chain, array, engines, n, err);
    if (status)
        return status;
    status = pass_all(&chain, err);
    for (; made < n && !status; made += !status)
        status = hand_out(&chain, engines[made], parts, made, &parts[made], err);
    for (int i = 0; i < made && status; i++)
        handle_unref(&parts[i].handle);
    release(&chain);
    return status;
}
