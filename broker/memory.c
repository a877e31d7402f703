/* broker/memory.c - MEMORY: what the broker itself uses memory for. */
#include "codecs/memory.h"

#include "base/process_memory.h"
#include "broker/state.h"

enum { COLUMNS = 4 };

static void
add_row(broker_t *self, session_t *session, uint64_t call, memory_kind_t kind, int64_t bytes, size_t count)
{
    const value_t values[COLUMNS] = {
        {.kind = VALUE_STR, .as.str = str_of(memory_kind_text(kind))},
        {.kind = VALUE_OID, .as.oid = OID_NONE},
        {.kind = VALUE_INT, .as.i = bytes},
        {.kind = VALUE_INT, .as.i = (int64_t)count},
    };

    post_add(self, session, &(message_t){.code = MSG_ROW, .as.ROW = {.call = call, .values = {values, COLUMNS}}}, NULL);
}

void
memory_tell(broker_t *self, session_t *session, const message_t *message)
{
    uint64_t call = message->as.MEMORY.call;
    int64_t registry = store_memory_bytes();
    heap_memory_t heap = heap_memory();
    process_memory_t process;

    (void)process_memory(0, &process);
    int64_t rest = process.anonymous + process.file + process.shared - registry;
    /* What malloc keeps need not be resident: what is not given out cannot be more than the rest of the pages. */
    int64_t kept = process.anonymous > heap.used ? process.anonymous - heap.used : 0;

    kept = kept < heap.kept ? kept : heap.kept;
    kept = kept < rest ? kept : rest;
    add_row(self, session, call, MEMORY_REGISTRY, registry, self->registry.nobjects);
    add_row(self, session, call, MEMORY_FREE, kept, 0);
    add_row(self, session, call, MEMORY_PROCESS, rest - kept, self->sessions.count);
    post_add(self, session, &(message_t){.code = MSG_END, .as.END = {.call = call}}, NULL);
    post_flush(self, session);
}
