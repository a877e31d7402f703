/* Many small arrays to local memory at once, without a copy here: engines of this host pack them, and what they have
 * packed is mapped privately.  Each pack is mapped by itself, so that one array that is kept keeps no more than that.
 */
#include "proxy/array.h"
#include "proxy/emit.h"
#include "proxy/error.h"
#include "proxy/mapping.h"
#include "proxy/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    ALONE_BYTES = 256 * 1024,       /* arrays from here on are gathered by themselves */
    PACK_BYTES = 2 * 1024 * 1024,   /* together: a huge page */
    PACK_ARRAYS = 2048,             /* together */
    PACK_ALIGN = 16,                /* bytes; as the engine lays them */
    FULL_BYTES = PACK_BYTES / 4 * 3 /* a pack of so many gets a huge page to itself */
};

/* Arrays of one engine that are packed together. */
typedef struct {
    engine_link_t *engine;
    handle_t *packed, *mapping; /* the array of bytes there, and what holds it for us; NULL: not asked for yet */
    request_t packing;
    nearby_t near;
    int64_t bytes, size; /* of the arrays, and of what they are packed into */
    int n;
    int number; /* of the mapping that it has become; -1: none */
    oid_t ids[PACK_ARRAYS];
} pack_t;

typedef struct {
    engine_link_t *engine;
    int64_t bytes; /* of all small arrays there */
    int open;      /* number of the pack that is being filled; -1: none */
} source_t;

typedef struct {
    fh_session *session;
    fh_list_place *places;
    source_t *sources;
    pack_t **packs;
    int nsources, npacks, room;
} list_t;

/* ---- which engines -------------------------------------------------------------------------------------------------
 */

static bool
is_small(const fh_array *array)
{
    return array->n == 1 && array_bytes(array) < ALONE_BYTES;
}

static source_t *
find_source(const list_t *self, const engine_link_t *engine)
{
    for (int i = 0; i < self->nsources; i++)
        if (self->sources[i].engine == engine)
            return &self->sources[i];
    return NULL;
}

static int
count_bytes(list_t *self, fh_array *const *arrays, int n, err_t *err)
{
    self->sources = calloc((size_t)self->session->nengines + 1, sizeof *self->sources);
    if (!self->sources)
        return err_set(err, FH_NO_MEMORY, "no memory to gather from %d engines", self->session->nengines);
    for (int i = 0; i < n; i++) {
        engine_link_t *engine = arrays[i]->parts[0].handle->engine;
        source_t *source = find_source(self, engine);
        if (!source) {
            source = &self->sources[self->nsources++];
            *source = (source_t){.engine = engine, .open = -1};
        }
        if (is_small(arrays[i]))
            source->bytes += array_bytes(arrays[i]);
    }
    return FH_OK;
}

/* ---- asking --------------------------------------------------------------------------------------------------------
 */

static int
ask(const list_t *self, int number, err_t *err)
{
    pack_t *pack = self->packs[number];
    message_t message = {.code = MSG_PACK};
    uint64_t call;
    pack->size = pack->bytes > FULL_BYTES ? PACK_BYTES : pack->bytes > 0 ? pack->bytes : 1;
    int status = handle_new(&pack->packed, pack->engine, OID_NONE, pack->size, err);
    if (!status)
        status = handle_new(&pack->mapping, pack->engine, OID_NONE, 0, err);
    if (status)
        return status;
    message.as.PACK.objects = (oids_t){pack->ids, (uint32_t)pack->n};
    message.as.PACK.result = pack->packed->id;
    message.as.PACK.size = (uint64_t)pack->size;
    status = engine_link_call(pack->engine, &message, NULL, &call, err);
    if (status)
        return status;
    conn_expect(&pack->engine->conn, &pack->packing, call, 1);
    status = nearby_ask_map(&pack->near, pack->packed, pack->mapping, false, err);
    (void)engine_link_flush(pack->engine, NULL); /* what does not go now goes while we wait */
    return status;
}

static int
open_pack(list_t *self, source_t *source, err_t *err)
{
    if (self->npacks == self->room) {
        int room = 2 * self->room + 16;
        pack_t **grown = realloc(self->packs, (size_t)room * sizeof *grown);
        if (!grown)
            return err_set(err, FH_NO_MEMORY, "no memory to gather %d packs of arrays", room);
        self->packs = grown;
        self->room = room;
    }
    pack_t *pack = malloc(sizeof *pack);
    if (!pack)
        return err_set(err, FH_NO_MEMORY, "no memory to gather a pack of arrays");
    pack->engine = source->engine;
    pack->packed = pack->mapping = NULL;
    pack->packing = (request_t){0};
    pack->near = (nearby_t){0};
    pack->bytes = pack->size = 0;
    pack->n = 0;
    pack->number = -1;
    source->open = self->npacks;
    self->packs[self->npacks++] = pack;
    return FH_OK;
}

static int
add(list_t *self, const fh_array *array, fh_list_place *ret, err_t *err)
{
    source_t *source = find_source(self, array->parts[0].handle->engine);
    int status = FH_OK;
    ret->mapping = -1;
    if (!is_small(array) || !nearby_possible(source->engine, source->bytes))
        return FH_OK;
    int64_t bytes = array_bytes(array);
    pack_t *pack = source->open < 0 ? NULL : self->packs[source->open];
    int64_t at = pack ? (pack->bytes + PACK_ALIGN - 1) / PACK_ALIGN * PACK_ALIGN : 0;
    if (pack && (pack->n == PACK_ARRAYS || at + bytes > PACK_BYTES)) {
        status = ask(self, source->open, err);
        pack = NULL;
        at = 0;
    }
    if (!status && !pack)
        status = open_pack(self, source, err);
    if (status)
        return status;
    pack = self->packs[source->open];
    pack->ids[pack->n++] = array->parts[0].handle->id;
    pack->bytes = at + bytes;
    *ret = (fh_list_place){source->open, at};
    return FH_OK;
}

static int
ask_all(list_t *self, fh_array *const *arrays, int n, err_t *err)
{
    int status = FH_OK;
    for (int i = 0; i < n && !status; i++)
        status = add(self, arrays[i], &self->places[i], err);
    for (int i = 0; i < self->nsources && !status; i++)
        if (self->sources[i].open >= 0)
            status = ask(self, self->sources[i].open, err);
    return status;
}

/* ---- mapping -------------------------------------------------------------------------------------------------------
 */

/* Whole huge pages, if it has any, at the start of one. */
static int
map_pack(pack_t *self, fh_list_memory *ret, err_t *err)
{
    int64_t page = sysconf(_SC_PAGESIZE);
    size_t size = (size_t)((self->size + page - 1) / page * page), skip = 0;
    fh_mapping *mapping = NULL;
    int fd = -1, status = nearby_open(&self->near, O_RDONLY, 0, self->size, &fd, err);
    if (!status)
        status = mapping_new(&mapping, 1, err);
    if (!status) {
        char *all =
            mmap(NULL, size + PACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        bool mapped = all != MAP_FAILED;
        if (mapped) {
            skip = (PACK_BYTES - (uintptr_t)all % PACK_BYTES) % PACK_BYTES;
            mapped = mmap(all + skip, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, fd,
                          (off_t)self->near.offset) != MAP_FAILED;
            if (skip || !mapped)
                munmap(all, mapped ? skip : size + PACK_BYTES);
            if (mapped)
                munmap(all + skip + size, PACK_BYTES - skip);
        }
        if (!mapped)
            status = err_set_errno(err, FH_NOT_SUPPORTED, errno, "the engine's memory cannot be mapped");
        mapping->base = mapped ? all + skip : NULL;
        mapping->size = size;
    }
    if (fd >= 0)
        close(fd);
    if (status) {
        fh_mapping_free(&mapping);
        return status;
    }
    mapping->handles[0] = self->mapping;
    self->mapping = NULL;
    *ret = (fh_list_memory){mapping->base, self->size, mapping};
    return FH_OK;
}

/* OK also where it could not be packed or mapped. */
static int
take(pack_t *self, fh_list_memory *memory, int *count, err_t *err)
{
    fh_session *session = self->engine->session;
    int status = wait_reply(session, &self->engine->conn, &self->near.request, session_deadline(session, -1), err);
    if (status)
        return status;
    const request_t *first = self->packing.status ? &self->packing : &self->near.request;
    if (first->status == FH_NOT_SUPPORTED || first->status == FH_PROTOCOL_ERROR)
        return FH_OK; /* PROTOCOL_ERROR: an engine that does not know PACK */
    if (first->status) {
        if (err)
            *err = first->err;
        return first->status;
    }
    status = map_pack(self, &memory[*count], err);
    if (!status) {
        session->mapped_bytes += (uint64_t)self->bytes;
        self->number = (*count)++;
    }
    return status == FH_NOT_SUPPORTED ? FH_OK : status;
}

static void
list_release(list_t *self)
{
    for (int i = 0; i < self->npacks; i++) {
        pack_t *pack = self->packs[i];
        nearby_forget(&pack->near, 1);
        if (pack->packed)
            conn_forget(&pack->engine->conn, &pack->packing);
        handle_unref(&pack->mapping);
        handle_unref(&pack->packed);
        free(pack);
    }
    free(self->packs);
    free(self->sources);
}

int
fh_gather_list_map(fh_array *const *arrays, int n, fh_list_place *ret_places, fh_list_memory *ret_memory,
                   int *ret_count, fh_error *error)
{
    err_t *err = error_start(error);
    int status = FH_OK, count = 0;
    if (!ret_places || !ret_memory || !ret_count || (n > 0 && !arrays))
        return err_set(err, FH_INVALID_ARGUMENT, "no arrays, or no room to say where they are");
    *ret_count = 0;
    if (n <= 0)
        return FH_OK;
    for (int i = 0; i < n && !status; i++) {
        status = array_enter(arrays[i], err);
        if (!status && arrays[i]->session != arrays[0]->session)
            status = err_set(err, FH_INVALID_ARGUMENT, "the arrays belong to different sessions");
    }
    if (status)
        return status;
    list_t list = {.session = arrays[0]->session, .places = ret_places};
    status = count_bytes(&list, arrays, n, err);
    if (!status)
        status = ask_all(&list, arrays, n, err);
    for (int i = 0; i < list.npacks && !status; i++)
        status = take(list.packs[i], ret_memory, &count, err);
    for (int i = 0; i < n && !status; i++)
        if (ret_places[i].mapping >= 0)
            ret_places[i].mapping = list.packs[ret_places[i].mapping]->number;
    while (status && count > 0)
        fh_mapping_free(&ret_memory[--count].mapping);
    *ret_count = count;
    list_release(&list);
    if (status == FH_INTERRUPTED)
        session_cancel(arrays[0]->session);
    return status;
}
