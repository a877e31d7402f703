/* farhand/lists.h - many small arrays at a time; a part of farhand.h, which includes it. */
#ifndef FARHAND_LISTS_H
#define FARHAND_LISTS_H

#ifndef FARHAND_H
#error "include farhand.h"/* Copy n arrays of one session to local memory: array i in C order to targets[i], which has room for it.  Waits.  Those
 * in one piece below 256 KiB come together, up to 1 MiB in one answer; the others as with fh_gather, after them.  On
 * failure, which is the first that is met, what the targets hold is not defined. */
FH_EXPORT int fh_gather_list(fh_array *const *arrays, int n, void *const *targets, fh_error *error);

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

#endif
