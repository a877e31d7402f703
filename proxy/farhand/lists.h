/* farhand/lists.h - many small arrays at a time; a part of farhand.h, which includes it. */
#ifndef FARHAND_LISTS_H
#define FARHAND_LISTS_H

#ifndef FARHAND_H
#error "include farhand.h"
#endif

/* Copy n local arrays to engines, each as one piece: array i to engines[i % nengines] (NULL: to all engines in turn, in
 * order of their numbers).  Small ones that go to the same engine travel together and share memory there, up to 4 MiB,
 * which is given back when the last of them is freed.  ret: room for n handles; on failure it is untouched and nothing
 * was made.  n 0 does nothing. */
FH_EXPORT int fh_scatter_list(fh_session *session, const fh_local *sources, int n, const fh_id *engines, int nengines,
                              fh_array **ret, fh_error *error);
/* Copy n arrays of one session to local memory: array i in C order to targets[i], which has room for it.  Waits.  Those
 * in one piece below 256 KiB come together, up to 1 MiB in one answer; the others as with fh_gather, after them.  On
 * failure, which is the first that is met, what the targets hold is not defined. */
FH_EXPORT int fh_gather_list(fh_array *const *arrays, int n, void *const *targets, fh_error *error);

/* Where an array of a list has come to lie. */
typedef struct {
    int mapping;    /* which of the mappings; negative: in none, use fh_gather_list */
    int64_t offset; /* of its first element in that mapping's memory, a multiple of 16 bytes */
} fh_list_place;

/* Memory that some of them lie in. */
typedef struct {
    void *data;
    int64_t size; /* bytes */
    fh_mapping *mapping;
} fh_list_memory;

/* Values of n arrays of one session in memory that the library finds, in C order.  Waits.  Engines of this host put the
 * values of their small arrays (below 256 KiB) together, up to 2 MiB at a time, if they have 1 MiB of them or more, and
 * that memory is mapped.  It is as fh_gather_map's: it can be written, nobody else sees that, and each mapping is given
 * back by fh_mapping_free.  ret_places: n places; arrays that cannot be mapped have none, and nothing has been done
 * about them.  ret_memory: room for n, of which *ret_count are used.  On failure there are no mappings. */
FH_EXPORT int fh_gather_list_map(fh_array *const *arrays, int n, fh_list_place *ret_places, fh_list_memory *ret_memory,
                                 int *ret_count, fh_error *error);

#endif
