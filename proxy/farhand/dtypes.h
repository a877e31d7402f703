/* farhand/dtypes.h - element types that are not numbers: dates, durations, bytes, str, void, structured elements.
 *
 * An fh_dtype of theirs holds all that engines know of it, the unit or the size of an element:
 * fh_dtype_from_name("datetime64[ns]"), "timedelta64[25s]", "S5" (5 bytes), "U3" (3 characters of 4 bytes), "V12".
 * Engines store, move, index, pick and assign such elements; bytes, str and void are compared and sorted by their bytes
 * or characters, all of one dtype.  To compute with dates, see them as FH_INT64 (fh_view_as), the lowest of which is
 * NaT.  An element has at most 8,388,607 bytes; a unit counts at most 524,287. Included by farhand.h. */
#ifndef FARHAND_DTYPES_H
#define FARHAND_DTYPES_H

/* Elements of so many bytes that consist of fields: void to engines, with a text that goes along with handles and
 * names, so that who gets the array can read it again.  text: of the caller's, at most 16,384 bytes of UTF-8; Python
 * puts there what numpy.dtype takes. The same text and size give the same dtype.  A process keeps at most 4,096 of
 * them. */
FH_EXPORT int fh_dtype_structured(const char *text, size_t bytes, fh_dtype *ret, fh_error *error);
/* The text; "" for all other dtypes. */
FH_EXPORT const char *fh_dtype_fields(fh_dtype dtype);

/* The same memory with elements of another dtype.  Of another size: the last axis must lie one element behind the
 * other, and its extent (in each piece) must give whole elements; INVALID_ARGUMENT otherwise. */
FH_EXPORT int fh_view_as(fh_array *array, fh_dtype dtype, fh_array **ret, fh_error *error);
/* A part of each element: of that dtype, so many bytes from its beginning; with ndim > 0, a C-ordered array of them,
 * whose axes come last. */
FH_EXPORT int fh_field(fh_array *array, int64_t offset, fh_dtype dtype, int ndim, const int64_t *shape, fh_array **ret,
                       fh_error *error);

#endif
