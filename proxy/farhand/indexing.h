/* farhand/indexing.h - masks and integer arrays as indices.  Included by farhand.h; do not include it alone. */
#ifndef FARHAND_INDEXING_H
#define FARHAND_INDEXING_H

#ifdef __cplusplus
extern "C" {
#endif

/* What happens to an index that lies outside: BAD_INDEX (negative ones count from the end), the remainder is taken, or
 * the nearest element. */
typedef enum { FH_INDEX_RAISE, FH_INDEX_WRAP, FH_INDEX_CLIP } fh_index_mode;

/* array[indices[0], indices[1], ...] of NumPy: integer arrays (remote, local or Python-like integers) for the first
 * nindices axes, which broadcast; the result's shape is theirs, then the other axes.  Other places of index arrays:
 * fh_transpose before and after.  An index that is none: BAD_INDEX here or where the result is asked for.  Waits for
 * the indices if the array is distributed along one of these axes. */
FH_EXPORT int fh_index_arrays(fh_array *array, const fh_operand *indices, int nindices, fh_index_mode mode,
                              fh_array **ret, fh_error *error);
/* array[indices...] = value, which broadcasts to the shape of fh_index_arrays' result; of equal indices the last
 * counts.  Nothing is written if an index is none: BAD_INDEX here or, if the array is not distributed along these axes,
 * at the next call that waits. */
FH_EXPORT int fh_assign_arrays(fh_array *array, const fh_operand *indices, int nindices, fh_index_mode mode,
                               const fh_operand *value, fh_casting casting, fh_error *error);
/* array[mask] of NumPy: a bool array (remote or local) with the shape of the first axes.  The chosen elements stay on
 * their engines if the array is cut along the first axis or one that the mask does not have.  Waits. */
FH_EXPORT int fh_index_mask(fh_array *array, const fh_operand *mask, fh_array **ret, fh_error *error);
/* array[mask] = value.  Waits if the value has an element for each chosen one. */
FH_EXPORT int fh_assign_mask(fh_array *array, const fh_operand *mask, const fh_operand *value, fh_casting casting,
                             fh_error *error);
/* Where the array is not zero, in C order: int64 of shape (dimensions, count).  At least one dimension.  Waits. */
FH_EXPORT int fh_nonzero(fh_array *array, fh_array **ret, fh_error *error);

#ifdef __cplusplus
}
#endif

#endif
