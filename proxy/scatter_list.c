/* Many local arrays at once: those of one engine go in chunks (scatter_chunk.h).  Memory for the next ones is asked for
 * ahead, so that engines take it while others are being filled. */
#include "proxy/error.h"
#include "proxy/scatter_chunk.h"

#include <stdlib.h>
#include <string.h>

enum { AHEAD = 6 /* chunks whose memory is asked for */ };

/* A list under way. */
typedef struct {
    fh_session *session;
    const fh_local *sources;
    int n;
    const layout_t *layout;
    int64_t *bytes;  /* of each array */
    chunk_t *chunks; /* those of all engines in turn */
    int nchunks, room;
} list_t;

/* ---- planning ------------------------------------------------------------------------------------------------------
 */

static int
measure(list_t *self, err_t *err)
{
    int status = FH_OK;
    self->bytes = malloc((size_t)self->n * sizeof *self->bytes);
    if (!self->bytes)
        return err_set(err, FH_NO_MEMORY, "no memory to list %d arrays", self->n);
    for (int i = 0; i < self->n && !status; i++) {
        nd_t nd;
        bool swapped;
        status = scatter_local(&self->sources[i], &nd, &swapped, err);
        if (!status)
            self->bytes[i] = shape_bytes(&nd.shape, nd.dtype);
    }
    return status;
}

/* Fill a chunk with arrays from *at on, which moves on behind them. */
static void
fill(const list_t *self, chunk_t *chunk, int *at)
{
    for (; *at < self->n; *at += self->layout->n)
        if (self->bytes[*at] < CHUNK_ALONE_BYTES && !chunk_add(chunk, self->bytes[*at]))
            return;
}

/* Room for one more chunk. */
static int
grow(list_t *self, err_t *err)
{
    if (self->nchunks < self->room)
        return FH_OK;
    int room = 2 * self->room + self->layout->n;
    chunk_t *grown = realloc(self->chunks, (size_t)room * sizeof *grown);
    if (!grown)
        return err_set(err, FH_NO_MEMORY, "no memory for %d chunks of a list", room);
    self->chunks = grown;
    self->room = room;
    return FH_OK;
}

static int
plan(list_t *self, err_t *err)
{
    int *at = malloc((size_t)self->layout->n * sizeof *at);
    int left = self->layout->n, status = at ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory to plan a list");
    for (int i = 0; i < self->layout->n && at; i++)
        at[i] = i;
    while (left > 0 && !status) {
        left = 0;
        for (int i = 0; i < self->layout->n && !status; i++) {
            if (at[i] >= self->n)
                continue;
            status = grow(self, err);
            if (status)
                break;
            chunk_t *chunk = &self->chunks[self->nchunks];
            chunk_init(chunk, self->layout->engines[i], at[i], self->layout->n);
            fill(self, chunk, &at[i]);
            self->nchunks += chunk->n > 0;
            left += at[i] < self->n;
        }
    }
    free(at);
    return status;
}

/* ---- sending -------------------------------------------------------------------------------------------------------
 */

static int
send_chunks(list_t *self, fh_array **ret, err_t *err)
{
    chunk_desk_t *desk = NULL;
    int asked = 0, status = chunk_desk_new(&desk, err);
    for (int i = 0; i < self->nchunks && !status; i++) {
        while (asked < self->nchunks && asked < i + AHEAD && !status)
            status = chunk_ask(&self->chunks[asked++], err);
        if (!status)
            status = chunk_send(&self->chunks[i], desk, self->sources, ret, err);
        if (!status)
            chunk_release(&self->chunks[i]);
    }
    chunk_desk_free(&desk);
    return status;
}

static int
send_alone(list_t *self, int i, fh_array **ret, err_t *err)
{
    layout_t layout;
    nd_t nd;
    bool swapped;
    int status = scatter_local(&self->sources[i], &nd, &swapped, err);
    if (!status)
        status = layout_single(&layout, self->layout->engines[i % self->layout->n], err);
    if (status)
        return status;
    status = scatter_to(self->session, &nd, swapped, &layout, ret, err);
    layout_release(&layout);
    return status;
}

static int
send_all(list_t *self, fh_array **ret, err_t *err)
{
    int status = measure(self, err);
    if (!status)
        status = plan(self, err);
    if (!status)
        status = send_chunks(self, ret, err);
    for (int i = 0; i < self->n && !status; i++)
        if (self->bytes[i] >= CHUNK_ALONE_BYTES)
            status = send_alone(self, i, &ret[i], err);
    for (int i = 0; i < self->nchunks; i++)
        chunk_release(&self->chunks[i]);
    free(self->chunks);
    free(self->bytes);
    return status ? status : session_flush(self->session, err);
}

/* ---- public --------------------------------------------------------------------------------------------------------
 */

/* The engines as scatter would take them for pieces, one each; NULL where that fails. */
static int
find_engines(fh_session *session, const fh_id *engines, int nengines, int n, layout_t *ret, err_t *err)
{
    int count = engines ? nengines : session_ready_engines(session, NULL, 0);
    shape_t shape = {.ndim = 1, .extent = {count < n ? count : n}};
    fh_scatter_options options = {.axis = 0, .engines = engines, .nengines = nengines};
    return scatter_layout(session, &shape, &options, ret, err);
}

int
fh_scatter_list(fh_session *session, const fh_local *sources, int n, const fh_id *engines, int nengines, fh_array **ret,
                fh_error *error)
{
    err_t *err = error_start(error);
    layout_t layout;
    int status = session_enter(session, err);
    if (status || n <= 0)
        return status;
    if (!sources || !ret || (engines && nengines < 1))
        return err_set(err, FH_INVALID_ARGUMENT, "no arrays, no room for handles, or an empty list of engines");
    status = find_engines(session, engines, nengines, n, &layout, err);
    if (status)
        return status;
    fh_array **made = calloc((size_t)n, sizeof(fh_array *));
    status = made ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory for %d handles", n);
    if (!status) {
        list_t list = {.session = session, .sources = sources, .n = n, .layout = &layout};
        status = send_all(&list, made, err);
    }
    for (int i = 0; i < n && made; i++) {
        if (status)
            fh_array_free(&made[i]);
        else
            ret[i] = made[i];
    }
    free(made);
    layout_release(&layout);
    return status;
}
