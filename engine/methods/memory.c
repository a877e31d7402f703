/* engine/methods/memory.c - the engine's method "memory": what it uses memory for.
 *
 * The parts add up to the pages of its array files, each counted once whoever has mapped it, and the resident pages of
 * its process and its runners but for array files.  What is counted while others work may be off by what they do. */
#include "codecs/memory.h"

#include "base/process_memory.h"
#include "engine/methods/call.h"
#include "engine/python_host.h"

#include <stdlib.h>
#include <string.h>

/* Rows of one answer: with four values a row below the 4,096 of RESULT. */
enum { ROWS_MAX = 1000, ROW_VALUES = 4, SESSIONS_MAX = 480, FEW_FILES = 500 };

typedef struct {
    value_t values[ROWS_MAX * ROW_VALUES];
    uint32_t rows;
    int64_t heap; /* of ours, that rows tell of */
    int64_t code; /* of it, what others than the sessions that have rows have */
    uint32_t coders;
} table_t;

static void
add(table_t *self, memory_kind_t kind, oid_t owner, int64_t bytes, int64_t count)
{
    value_t *row = &self->values[self->rows++ * ROW_VALUES];

    row[0] = (value_t){.kind = VALUE_STR, .as.str = str_of(memory_kind_text(kind))};
    row[1] = (value_t){.kind = VALUE_OID, .as.oid = owner};
    row[2] = (value_t){.kind = VALUE_INT, .as.i = bytes};
    row[3] = (value_t){.kind = VALUE_INT, .as.i = count};
}

/* The sessions beyond SESSIONS_MAX share a row without an owner. */
static void
add_arrays(table_t *self, const pool_owner_t *owners, size_t count)
{
    int64_t bytes = 0, segments = 0;

    for (size_t i = 0; i < count; i++) {
        const pool_owner_t *owner = &owners[i];

        self->heap += owner->heap;
        if (i < SESSIONS_MAX) {
            add(self, MEMORY_ARRAYS, owner->session, owner->heap + owner->pages, owner->segments);
            continue;
        }
        bytes += owner->heap + owner->pages;
        segments += owner->segments;
    }
    if (segments)
        add(self, MEMORY_ARRAYS, OID_NONE, bytes, segments);
}

/* Answers that wait for peers; *ret_count: calls that wait in lanes. */
static int64_t
answer_bytes(core_t *core, int64_t *ret_count)
{
    size_t cursor = 0;
    int64_t bytes = 0;

    *ret_count = 0;
    pthread_mutex_lock(&core->lock);
    for (const lane_t *lane; (lane = oid_map_next(&core->lanes.by_session, &cursor));) {
        bytes += lane->outbox ? (int64_t)outbox_bytes(lane->outbox) : 0;
        *ret_count += lane->count;
    }
    pthread_mutex_unlock(&core->lock);
    return bytes;
}

/* What arrays and calls take. */
static int
fill_from_pool(core_t *core, table_t *self, err_t *err)
{
    pool_memory_t pool;
    pool_owner_t *owners = NULL;
    int64_t calls, queued = answer_bytes(core, &calls);
    int status = pool_measure(core->pool, &pool, &owners, err);

    if (status)
        return status;
    queued += pool.queued;
    add_arrays(self, owners, pool.owners);
    add(self, MEMORY_MAPPED, OID_NONE, pool.mapped, pool.mapped_count);
    add(self, MEMORY_IN_FLIGHT, OID_NONE, pool.in_flight + queued, pool.in_flight_count + calls);
    add(self, MEMORY_CACHE, OID_NONE, pool.cached, pool.cached_count);
    if (pool.spilled_count)
        add(self, MEMORY_SPILLED, OID_NONE, pool.spilled, pool.spilled_count);
    self->heap += queued;
    free(owners);
    return FH_OK;
}

static void
add_code(void *context, oid_t session, int64_t bytes, int64_t kernels)
{
    table_t *self = context;

    self->heap += bytes;
    if (self->coders++ < SESSIONS_MAX)
        add(self, MEMORY_CODE, session, bytes, kernels);
    else
        self->code += bytes;
}

/* What kernels and Python code take; on the reactor. */
static void
fill_from_children(core_t *core, table_t *self)
{
    int processes = 0;
    int64_t bytes = core->runners ? runner_host_memory(core->runners, add_code, self, &processes) : 0;

    if (self->code)
        add(self, MEMORY_CODE, OID_NONE, self->code, self->coders - SESSIONS_MAX);
    add(self, MEMORY_RUNNERS, OID_NONE, bytes, processes);
    if (!core->pythons)
        return;
    bytes = python_hosts_memory(core->pythons, &processes);
    add(self, MEMORY_PYTHON, OID_NONE, bytes, processes);
}

static void
fill_from_process(core_t *core, table_t *self)
{
    process_memory_t process;
    heap_memory_t heap = heap_memory();

    (void)process_memory(0, &process);
    pthread_mutex_lock(&core->lock);
    int64_t objects = (int64_t)core->objects.map.count;

    pthread_mutex_unlock(&core->lock);
    /* What malloc keeps need not be resident, but what is not given out cannot be more than the rest of the pages. */
    int64_t kept = process.anonymous > heap.used ? process.anonymous - heap.used : 0;
    int64_t rest = process.anonymous + process.file;

    kept = kept < heap.kept ? kept : heap.kept;
    rest -= kept + self->heap;
    add(self, MEMORY_FREE, OID_NONE, kept, 0);
    add(self, MEMORY_PROCESS, OID_NONE, rest > 0 ? rest : 0, objects);
}

static bool
has_many_files(core_t *core)
{
    pool_stats_t stats;

    pool_stats(core->pool, &stats);
    return stats.files > FEW_FILES;
}

/* With many files first on the compute thread, since it takes long; then on the reactor, which knows the children. */
int
memory_method(run_t *run, const receiver_t *self, answer_t *answer, err_t *err)
{
    call_t *call = run->call;
    table_t *table = call->state;
    core_t *core = run->core;
    int status = FH_OK;

    (void)self;
    if (!table && run->on_reactor && has_many_files(core)) {
        run->next = NEXT_COMPUTE;
        return FH_OK;
    }
    if (!table) {
        table = calloc(1, sizeof *table);
        status = table ? fill_from_pool(core, table, err) : err_set(err, FH_NO_MEMORY, "no memory for a table");
        if (status) {
            free(table);
            return status;
        }
        if ((core->runners || core->pythons) && !run->on_reactor) {
            call->state = table;
            call->phase = 1;
            run->next = NEXT_REACTOR;
            return FH_OK;
        }
    }
    call->state = NULL;
    if (core->runners || core->pythons)
        fill_from_children(core, table);
    fill_from_process(core, table);
    answer->memory = table;
    answer->values = table->values;
    answer->count = table->rows * ROW_VALUES;
    return FH_OK;
}
