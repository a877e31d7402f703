#include "proxy/shared.h"

#include "proxy/emit.h"
#include "proxy/error.h"
#include "proxy/scatter.h"
#include "proxy/wait.h"
#include "proxy/whole.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SMALLEST = 64 * 1024 /* bytes that get a file */ };

/* ---- finding -------------------------------------------------------------------------------------------------------
 */

static int
by_stride(const void *a, const void *b)
{
    int64_t x = llabs(((const int64_t *)a)[0]), y = llabs(((const int64_t *)b)[0]);
    return (x > y) - (x < y);
}

/* Has every element a place of its own?  False where that is not plain from the strides. */
static bool
is_injective(const nd_t *nd)
{
    int64_t axes[SHAPE_MAX_DIMS][2], span = (int64_t)dtype_size(nd->dtype);
    size_t n = 0;
    for (int i = 0; i < nd->shape.ndim; i++)
        if (nd->shape.extent[i] > 1) {
            axes[n][0] = nd->stride[i];
            axes[n++][1] = nd->shape.extent[i];
        }
    qsort(axes, n, sizeof *axes, by_stride);
    for (size_t i = 0; i < n; i++) {
        if (llabs(axes[i][0]) < span)
            return false;
        span += llabs(axes[i][0]) * (axes[i][1] - 1);
    }
    return true;
}

static bool
is_aligned(const nd_t *nd, const char *start)
{
    int64_t item = (int64_t)dtype_size(nd->dtype);
    bool aligned = (nd->data - start) % item == 0;
    for (int i = 0; i < nd->shape.ndim; i++)
        aligned = aligned && (nd->shape.extent[i] <= 1 || nd->stride[i] % item == 0);
    return aligned;
}

const fh_mapping *
shared_find(const fh_session *session, const nd_t *source)
{
    int64_t low, high;
    if (!session->shared || nd_extent(source, &low, &high) || low == high)
        return NULL;
    uintptr_t from = (uintptr_t)source->data + (uintptr_t)low, to = (uintptr_t)source->data + (uintptr_t)high;
    for (const fh_mapping *at = session->shared; at; at = at->next) {
        uintptr_t begin = (uintptr_t)at->nd.data, end = begin + (uintptr_t)shape_bytes(&at->nd.shape, at->nd.dtype);
        if (from < begin || to > end)
            continue;
        bool fits = source->dtype == at->nd.dtype && is_aligned(source, at->nd.data) && is_injective(source);
        return fits ? at : NULL;
    }
    return NULL;
}

int
shared_scatter(fh_session *session, const fh_mapping *mapping, const nd_t *source, const layout_t *layout,
               fh_array **ret, err_t *err)
{
    fh_array *array = NULL;
    nd_t nd = *source;
    whole_t whole;
    int status = array_new_as(&array, session, source->dtype, &source->shape, layout, err);
    if (status)
        return status;
    nd.data = ARRAY_BASE + (source->data - mapping->nd.data);
    for (int i = 0; i < nd.shape.ndim; i++)
        if (nd.shape.extent[i] <= 1)
            nd.stride[i] = 0;
    status = whole_begin_in(array, layout, mapping->memory, &nd, &whole, err);
    if (!status)
        status = whole_end(&whole, err);
    whole_release(&whole);
    if (status)
        err_prefix(err, "scattering shared memory (a copy of the array can go to any engine)");
    return array_give(array, status, ret);
}

void
shared_forget(fh_mapping *mapping)
{
    fh_mapping **at = &mapping->memory->engine->session->shared;
    while (*at && *at != mapping)
        at = &(*at)->next;
    if (*at)
        *at = mapping->next;
    handle_unref(&mapping->memory);
}

/* ---- making --------------------------------------------------------------------------------------------------------
 */

/* The engine on this host on which the session keeps least. */
static int
choose_home(fh_session *session, engine_link_t **ret, err_t *err)
{
    engine_link_t *best = NULL;
    for (int i = 0; i < session->nengines; i++) {
        engine_link_t *engine = session->engines[i];
        if (nearby_possible(engine, NEARBY_BYTES) && (!best || engine->live_bytes < best->live_bytes))
            best = engine;
    }
    *ret = best;
    return best ? FH_OK
                : err_set(err, FH_NOT_SUPPORTED, "memory is shared with engines on this host only: there is none%s",
                          session->wire_only ? ", since the session may not touch their memory" : "");
}

/* The memory, with a mapping there that lets this process write. */
static int
make_memory(fh_mapping *self, nearby_t *near, engine_link_t *home, err_t *err)
{
    fh_session *session = home->session;
    int64_t item = (int64_t)dtype_size(self->nd.dtype), count = shape_count(&self->nd.shape);
    shape_t shape = {.ndim = 1, .extent = {count * item < SMALLEST ? SMALLEST / item : count}};
    int status = emit_empty(home, self->nd.dtype, &shape, NULL, &self->memory, err);
    if (!status)
        status = handle_new(&self->handles[0], home, OID_NONE, 0, err);
    if (!status)
        status = nearby_ask_map(near, self->memory, self->handles[0], true, err);
    if (!status)
        status = wait_until(session, session_deadline(session, -1), nearby_came, near, err);
    if (!status && near->request.status) {
        status = near->request.status;
        if (err)
            *err = near->request.err;
    }
    return status;
}

/* All pages are taken at once: a write where none can be had would end the process. */
static int
map_memory(fh_mapping *self, const nearby_t *near, err_t *err)
{
    int64_t bytes = shape_bytes(&self->nd.shape, self->nd.dtype), page = sysconf(_SC_PAGESIZE);
    int64_t skip = (int64_t)near->offset % page;
    int fd = -1, status = nearby_open(near, O_RDWR, 0, bytes, &fd, err);
    if (status)
        return status;
    if (bytes > 0 && fallocate(fd, 0, (off_t)near->offset, bytes))
        status = err_set_errno(err, FH_NO_MEMORY, errno, "no memory for %lld shared bytes", (long long)bytes);
    size_t size = (size_t)(skip + (bytes ? bytes : 1));
    char *base =
        status ? MAP_FAILED : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)near->offset - skip);
    if (!status && base == MAP_FAILED)
        status = err_set_errno(err, FH_NO_MEMORY, errno, "cannot map %zu shared bytes", size);
    close(fd);
    if (status)
        return status;
    self->base = base;
    self->size = size;
    self->nd.data = base + skip;
    return FH_OK;
}

int
fh_shared(fh_session *session, fh_dtype dtype, int ndim, const int64_t *shape, void **ret_data, fh_mapping **ret,
          fh_error *error)
{
    err_t *err = error_start(error);
    static char nothing[1];
    fh_local local = {.data = nothing, .dtype = dtype, .ndim = ndim, .shape = shape};
    fh_mapping *self = NULL;
    nearby_t near = {.engine = NULL};
    engine_link_t *home = NULL;
    bool swapped;
    int status = session_enter(session, err);
    if (!status)
        status = mapping_new(&self, 1, err);
    if (status)
        return status;
    status = scatter_local(&local, &self->nd, &swapped, err);
    if (!status)
        status = choose_home(session, &home, err);
    if (!status)
        status = make_memory(self, &near, home, err);
    if (!status)
        status = map_memory(self, &near, err);
    nearby_forget(&near, 1);
    if (status) {
        fh_mapping_free(&self);
        return status;
    }
    self->next = session->shared;
    session->shared = self;
    *ret_data = self->nd.data;
    *ret = self;
    return FH_OK;
}
