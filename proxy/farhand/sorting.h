/* farhand/sorting.h - sorting, searching, running results and counting.  Included by farhand.h; do not include it
 * alone. */
#ifndef FARHAND_SORTING_H
#define FARHAND_SORTING_H

#ifdef __cplusplus
extern "C" {
#endif

/* A sorted copy along axis (negative: from the end), in the layout of the array.  NaN comes last, -0.0 before 0.0; the
 * same bits for any number of engines and pieces.  An array whose distributed axis is sorted is exchanged between the
 * engines; then the call waits for samples of it. */
FH_EXPORT int fh_sort(fh_array *array, int axis, fh_array **ret, fh_error *error);
/* The positions along axis of the elements in their order, int64: stable, NaN last. */
FH_EXPORT int fh_argsort(fh_array *array, int axis, fh_array **ret, fh_error *error);
/* Running results of a ufunc with two inputs, as NumPy's accumulate: "add" is cumsum, "multiply" cumprod.  One element
 * after the other: floating results have NumPy's bits, whatever the pieces, but each engine waits for the one before.
 * Integers and bools do not wait so.
 * dtype FH_DTYPE_NONE: NumPy's. */
FH_EXPORT int fh_accumulate(fh_array *array, const char *op, int axis, fh_dtype dtype, fh_array **ret, fh_error *error);
/* Where values belong in a sorted vector: before equal elements, or (right) behind them.  sorter (may be NULL): the
 * vector's order, as fh_argsort gives it.  int64, in the layout of values. */
FH_EXPORT int fh_searchsorted(fh_array *sorted, fh_array *values, int right, fh_array *sorter, fh_array **ret,
                              fh_error *error);
/* For each value whether it is (invert: is not) in a sorted vector, as bool. */
FH_EXPORT int fh_isin(fh_array *values, fh_array *sorted, int invert, fh_array **ret, fh_error *error);
/* How often each of 0 ... bins - 1 occurs in an array of integers, as int64; or, with weights (of its shape), the sums
 * of these as float64, added one after the other. An element beyond the bins is INVALID_ARGUMENT when the result is
 * asked for. */
FH_EXPORT int fh_bincount(fh_array *array, fh_array *weights, int64_t bins, fh_array **ret, fh_error *error);
/* How many elements lie in each bin between rising edges (a vector of float64), the last bin with its right edge; with
 * weights as in fh_bincount.  even: the edges are as far apart, which is faster. */
FH_EXPORT int fh_histogram(fh_array *array, fh_array *edges, int even, fh_array *weights, fh_array **ret,
                           fh_error *error);
/* Piecewise linear interpolation at x between points (xp, fp), where xp rises; left and right are the values beyond
 * them.  float64. */
FH_EXPORT int fh_interp(fh_array *x, fh_array *xp, fh_array *fp, double left, double right, fh_array **ret,
                        fh_error *error);
/* count results: number i is the sum of a[offset + i + k] * v[k] over k, with zeros around a.  Both are vectors; the
 * result has the dtype that both promote to and is laid out over a's engines. */
FH_EXPORT int fh_correlate(fh_array *a, fh_array *v, int64_t offset, int64_t count, fh_array **ret, fh_error *error);

#ifdef __cplusplus
}
#endif

#endif
