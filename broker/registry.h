/* broker/registry.h - what the broker knows: engines, objects, names.  In memory, no input or output.
 *
 * Engines hold the truth about objects; this table follows their news and can be rebuilt from it.  Names are durable.
 * What differs from the file stands in two lists of changes (broker/row.h) until broker/store.h has written it. Times
 * are nanoseconds of the monotonic clock, passed in.  Thread rule: one thread at a time.  Pointers that are returned
 * stay the registry's and are valid until the thing is removed; callers may read every field, and write where it says
 * so. */
#ifndef FH_BROKER_REGISTRY_H
#define FH_BROKER_REGISTRY_H

#include "base/err.h"
#include "base/oid.h"
#include "broker/map.h"
#include "broker/row.h"
#include "codecs/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* EXPECTED: read from the file; has not come back yet.  LOST and STOPPED: gone, kept to be listed. */
typedef enum { ENGINE_EXPECTED, ENGINE_READY, ENGINE_LOST, ENGINE_STOPPED } engine_state_t;

enum { REGISTRY_MAX_ENGINES = 4096, REGISTRY_MAX_ENDED_ENGINES = 32 };

typedef struct engine engine_t;
typedef struct object object_t;
typedef struct name name_t;

struct engine {
    row_t row;
    oid_t id;
    uint32_t number;
    engine_state_t state;
    char endpoint[256], local[256], host[256], llvm[33], cpu[65], sandbox[65];
    char offers[256]; /* tags and resources; told again with each announcement, not saved */
    uint64_t pid, cores, memory;
    uint64_t used, reported; /* of the last heartbeat: bytes, objects; writable */
    uint64_t promised;       /* bytes placed here since the last heartbeat; writable */
    uint32_t round;          /* counts announcements: objects of earlier rounds are unconfirmed */
    int64_t sweep_ns;        /* when unconfirmed objects are to be removed; 0: there are none; writable */
    object_t *objects;       /* those that it holds */
    engine_t *next;          /* in order of number */
};

/* There may be millions: what is short is kept short. */
struct object {
    row_t row;
    oid_t id, session;
    engine_t *engine;
    uint64_t bytes;
    int64_t made_ns;
    int64_t key;    /* of its row in the file, in the order in which we learnt of them; never used again */
    uint32_t round; /* of the engine, when it last told of this object */
    uint32_t dtype;
    uint8_t ndim;
    object_t *engine_next, *engine_previous;
    object_t *next, *previous; /* all objects in the order in which we learnt of them */
    int64_t shape[];           /* ndim; the text of the type behind them */
};

static inline const char *
object_type(const object_t *object)
{
    return (const char *)(object->shape + object->ndim);
}

/* Pin i of a name keeps its piece i; pieces of several names may be the same object. */
typedef struct pin pin_t;
struct pin {
    name_t *name;
    pin_t *next;                          /* the next pin of the same object */
    pin_t *engine_next, *engine_previous; /* pins of objects on the same engine, in no order */
};

/* ADDING and REMOVING: the change is not durable yet. */
typedef enum { NAME_LISTED, NAME_ADDING, NAME_REMOVING } name_state_t;

struct name {
    row_t row;
    name_state_t state;
    char text[256], type[33];
    uint32_t dtype;
    uint8_t ndim;
    int8_t axis;
    bool lost; /* an engine of a piece is gone */
    uint32_t npieces, nlengths, nstrides;
    pin_t *pins;             /* npieces */
    oid_t *pieces, *engines; /* npieces */
    int64_t *lengths, *strides, *shape;
    char *fields;            /* what elements of a void dtype consist of; "" if nobody said it */
    name_t *next, *previous; /* all names in the order in which they were given */
};

/* A place in the list of all objects or names that survives their removal. */
typedef struct cursor cursor_t;
struct cursor {
    object_t *object;
    name_t *name;
    cursor_t *next;
};

typedef struct {
    rows_t changes;        /* of sessions, engines and names: few, written at once */
    rows_t object_changes; /* of objects: many, written in portions */
    engine_t *engines;     /* in order of number */
    size_t nengines, nobjects, nnames;
    object_t *objects, *last_object;
    name_t *names, *last_name;
    map_t engine_map, object_map, name_map, pin_map, engine_pin_map;
    cursor_t *cursors;
    size_t max_objects, max_names;
    uint32_t next_number;
    int64_t next_key;
} registry_t;

/* Bounds of the tables; 0: 4,000,000 objects, 1,000,000 names. */
void registry_init(registry_t *self, size_t max_objects, size_t max_names);
void registry_release(registry_t *self);

engine_t *registry_engine(const registry_t *self, oid_t id);
/* An engine has announced itself: new, or there again (then it keeps its number).  Its objects are unconfirmed until it
 * names them.  LIMIT_EXCEEDED, NO_MEMORY. */
int registry_engine_announce(registry_t *self, oid_t id, const msg_ANNOUNCE_t *announce, const char *host, uint64_t pid,
                             engine_t **ret, err_t *err);
/* As read from the file: number and state are given. */
int registry_engine_restore(registry_t *self, oid_t id, uint32_t number, engine_state_t state, engine_t **ret,
                            err_t *err);
/* The engine is gone (LOST or STOPPED): its objects are removed, names that use it are marked lost. */
void registry_engine_end(registry_t *self, engine_t *engine, engine_state_t state);
/* Remove objects that the engine has not named since its last announcement. */
void registry_engine_sweep(registry_t *self, engine_t *engine);
const char *registry_engine_state_name(engine_state_t state);

object_t *registry_object(const registry_t *self, oid_t id);
/* So many objects are going to be told. */
void registry_reserve(registry_t *self, size_t objects);
/* News of an object: new, changed, or known already; then nothing is to be written.  An object that another engine
 * holds is refused with PROTOCOL_ERROR. Also LIMIT_EXCEEDED, NO_MEMORY, INVALID_ARGUMENT (unknown dtype). */
int registry_object_put(registry_t *self, engine_t *engine, const msg_OBJECT_t *object, int64_t made_ns, object_t **ret,
                        err_t *err);
void registry_object_remove(registry_t *self, object_t *object);

/* The name, in whatever state; NULL if there is none. */
name_t *registry_name(const registry_t *self, str_t text);
/* Give a name (state ADDING).  NAME_TAKEN if it is there, INVALID_ARGUMENT (lists that do not fit together, unknown
 * dtype, control characters in the text), LIMIT_EXCEEDED, NO_MEMORY.  Whether the engines live is the caller's to
 * check. */
int registry_name_add(registry_t *self, const msg_PUBLISH_t *publish, name_t **ret, err_t *err);
/* True if publish describes exactly this name. */
bool registry_name_same(const name_t *name, const msg_PUBLISH_t *publish);
/* It is in the file now, or its removal was given up. */
void registry_name_list(registry_t *self, name_t *name);
/* Mark for removal: it stays, in state REMOVING, until registry_saved. */
void registry_name_leave(registry_t *self, name_t *name);
/* Remove at once: an ADDING that failed. */
void registry_name_drop(registry_t *self, name_t *name);
/* The first name of an object that is not REMOVING and not `except` (may be NULL); NULL if none. */
name_t *registry_pinned(const registry_t *self, oid_t object, const name_t *except);
/* The message borrows from the name. */
void registry_name_to_message(const name_t *name, uint64_t call, message_t *ret);
/* Names that use the engine are lost, or no more, now that its state has changed. */
void registry_name_refresh(registry_t *self, oid_t engine);
/* The first pin of an object on that engine, NULL if there is none; the others follow by engine_next. */
const pin_t *registry_engine_pins(const registry_t *self, oid_t engine);
const oid_t *registry_pin_object(const pin_t *pin);

/* A row of ours is in the file as it is now: take it out of the changes, and free it if it is gone. */
void registry_saved(registry_t *self, row_t *row);

/* Walk all objects and names, a few at a time, while the registry changes. */
void registry_cursor_open(registry_t *self, cursor_t *cursor);
void registry_cursor_close(registry_t *self, cursor_t *cursor);

#endif
