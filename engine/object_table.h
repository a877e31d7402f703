/* engine/object_table.h - the engine's objects: id -> array or kernel.
 *
 * An object belongs to the session that made it (its owner) until that drops the handle or ends; a published object is
 * kept (the broker says so) even without an owner.  It goes when nobody owns it and it is not kept.  A poisoned object
 * holds the error of the call that should have made it. The table also collects the news for the broker: objects that
 * are new since the last news, and ids of those that are gone. What is new and gone again between two news is never
 * mentioned. Pins: whoever works on an array without the lock holds a reference of its segment; the object itself may
 * go meanwhile. Thread rule: under the core's lock. */
#ifndef FH_ENGINE_OBJECT_TABLE_H
#define FH_ENGINE_OBJECT_TABLE_H

#include "base/buf.h"
#include "codecs/shape.h"
#include "engine/oid_map.h"
#include "engine/pool.h"

#include <stdbool.h>

enum { OBJECT_MAX_PER_OWNER = 1000000 };

/* A mapping stands for a client's map of an array's memory: while it is there the segment is frozen, if the map is
 * private, or cannot be frozen, if the client writes it.  A share
 * stands for another engine whose arrays lie in the segment (engine/lend.h).  A Python object lives in a
 * Python host (engine/python_host.h). */
typedef enum { OBJECT_ARRAY, OBJECT_KERNEL, OBJECT_MAPPING, OBJECT_SHARE, OBJECT_PYTHON } object_type_t;

typedef struct object object_t;

/* "array", "kernel", ...: as in OBJECT. */
const char *object_type_name(object_type_t type);

/* Whom objects belong to: one for each session.  Plain memory: set session, zero the rest. */
typedef struct {
    oid_t session;
    object_t *first;
    int64_t count;
} owner_t;

struct object {
    oid_t id;
    owner_t *owner; /* NULL: dropped, or its session has ended */
    oid_t session;  /* who made it */
    object_type_t type;
    bool kept;                                 /* published */
    bool view;                                 /* sees the memory of another */
    bool announced;                            /* the broker knows it */
    bool changed;                              /* the broker knows what it was before */
    bool writes;                               /* a mapping whose client writes the memory itself */
    buf_t *poison;                             /* an err_t, or NULL */
    segment_t *segment;                        /* arrays that are not poisoned, mappings, shares */
    int64_t offset;                            /* of the first element in the segment */
    void *kernel;                              /* kernels: what methods/kernel.c keeps, malloc'ed */
    uint64_t host;                             /* Python objects: serial of the host that they live in */
    object_t *previous, *next;                 /* of the same owner */
    object_t *news_previous, *news_next;       /* new ones, oldest first */
    object_t *segment_previous, *segment_next; /* in the same segment */
    dtype_t dtype;
    int ndim;
    int64_t dims[]; /* ndim extents, then ndim strides */
};

typedef struct {
    oid_map_t map;
    object_t *news_first, *news_last;
    size_t news_count;
    oid_t *gone; /* announced objects that are no more */
    size_t gone_count, gone_room;
    bool gone_lost;                  /* some could not be noted: all must be announced again */
    struct python_gone *python_gone; /* Python objects that are no more, for their hosts */
    size_t python_count, python_room;
} object_table_t;

/* A Python object that nobody has a handle of. */
typedef struct python_gone {
    uint64_t host;
    oid_t id;
} python_gone_t;

/* "array", "kernel", "mapping", "python" */
const char *object_type_name(object_type_t type);

/* All-zero memory is an empty table. */
void object_table_release(object_table_t *self);

/* NULL if it is not there. */
object_t *object_table_find(const object_table_t *self, oid_t id);
/* Each adds an object under an id that must be new (INVALID_ARGUMENT) and not OID_NONE; LIMIT_EXCEEDED when the owner
 * has too many. An array takes *segment (a reference; NULL afterwards, on failure too); nd->data points into it. */
int object_table_add_array(object_table_t *self, owner_t *owner, oid_t id, segment_t **segment, const nd_t *nd,
                           bool view, err_t *err);
/* A mapping of an array that is in the table.  Its segment is frozen (writes: cannot be frozen) until the mapping is
 * dropped, or abandoned if the owner ends first. */
int object_table_add_mapping(object_table_t *self, owner_t *owner, oid_t id, const object_t *array, bool writes,
                             err_t *err);
/* Another engine's hold on an array's memory, for the session that made the array; owner: that engine's. */
int object_table_add_share(object_table_t *self, owner_t *owner, oid_t id, const object_t *array, err_t *err);
/* Widen the range [*low, *high) of bytes in the segment to that of all arrays there; low == high: nothing yet. */
void object_table_hull(const segment_t *segment, int64_t *low, int64_t *high);
/* All arrays in this segment lie in another one from now on, where bytes from `low` on are at 0; mappings and shares
 * stay. */
void object_table_move(object_table_t *self, segment_t *from, segment_t *to, int64_t low);
/* Takes kernel (malloc'ed) on success. */
int object_table_add_kernel(object_table_t *self, owner_t *owner, oid_t id, void *kernel, err_t *err);
int object_table_add_python(object_table_t *self, owner_t *owner, oid_t id, uint64_t host, err_t *err);
/* A Python object is to be forgotten by its host, whether it is in the table or not.  What cannot be noted for want of
 * memory stays until the host ends. */
void object_table_note_python(object_table_t *self, uint64_t host, oid_t id);
/* A Python host has ended: all objects there hold this error from now on.  Returns how many. */
int object_table_poison_python(object_table_t *self, uint64_t host, buf_t *poison);
/* poison: an err_t in a buffer; a reference is taken.  An object that holds an error already keeps it. */
void object_table_poison(object_t *object, buf_t *poison);
int object_table_add_poisoned(object_table_t *self, owner_t *owner, oid_t id, buf_t *poison, err_t *err);

/* The array as strided memory; valid as long as a reference of its segment is held. */
void object_nd(const object_t *self, nd_t *ret);
/* Bytes that are accounted to this object: all of the segment to one of the objects there, an array as long as there is
 * one; 0 for the others, for kernels and poisoned ones, and for what lies in another engine's memory. */
int64_t object_bytes(const object_t *self);

/* If this is a mapping of the owner's: its memory is not written or used again even after it has been dropped. */
void object_table_abandon(object_table_t *self, const owner_t *owner, oid_t id);
/* The owner drops its handle.  Others' objects and unknown ids are passed over. */
void object_table_drop(object_table_t *self, const owner_t *owner, oid_t id);
/* The owner ends: all its objects that are not kept go, the others lose their owner. */
void object_table_disown(object_table_t *self, owner_t *owner);
/* All objects of one owner belong to another from now on. */
void object_table_hand_over(owner_t *from, owner_t *to);
/* Published, or no more.  Unknown ids are passed over. */
void object_table_keep(object_table_t *self, oid_t id, bool keep);

/* Take the oldest new object out of the news, or NULL.  It counts as announced from now on. */
object_t *object_table_next_new(object_table_t *self);
/* Forget the news; every object is new again (the broker has forgotten everything). */
void object_table_announce_all(object_table_t *self);

#endif
