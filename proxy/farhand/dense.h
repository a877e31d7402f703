/* farhand/dense.h - matrices, random numbers, numbers at equal distances; a part of farhand.h, which includes it. */
#ifndef FARHAND_DENSE_H
#define FARHAND_DENSE_H

#ifndef FARHAND_H
#error "include farhand.h"
#endif

/* numpy.matmul of remote or local arrays (FH_ARRAY, FH_LOCAL; at least one remote): products of matrices, of stacks of
 * them that broadcast, of vectors.  Each engine multiplies the piece that it has, so the result is cut as the operand
 * that stays: along a's rows, b's columns or the stack, whichever moves fewest bytes; the other operand comes to it
 * engine to engine.  Where both are cut along the summed axis, only partial products travel; a result below 1 MiB then
 * lies on one engine.  Floats and complex numbers are multiplied by OpenBLAS: bits depend on the pieces. */
FH_EXPORT int fh_matmul(fh_session *session, const fh_operand *a, const fh_operand *b, fh_array **ret, fh_error *error);

enum { FH_LINALG_MAX_OUT = 4 };
typedef struct {
    int upper;    /* eigh, eigvalsh: is the upper triangle read? */
    double rcond; /* lstsq: as part of the largest singular value, below which one counts as 0 */
} fh_linalg_options;
/* A function of matrices that LAPACK has (protocol-tables.md lists the names and what they give: ret must have room for
 * FH_LINALG_MAX_OUT arrays).  Inputs are of one dtype, float32, float64, complex64 or complex128; the last two
 * dimensions are matrices, those before them a stack, each of whose matrices is computed where it lies.  cholesky and
 * solve of one large matrix that is cut are computed by all its engines; else one matrix goes to one of them.
 * Functions that can fail for what a matrix holds wait, and are LINALG_ERROR then.  options may be NULL. */
FH_EXPORT int fh_linalg(fh_session *session, const char *name, fh_array *const *in, int nin,
                        const fh_linalg_options *options, fh_array **ret, int *ret_count, fh_error *error);

typedef enum {
    FH_FFT_FORWARD,   /* complex128 of n numbers, of numbers of any kind */
    FH_FFT_BACKWARD,  /* the same, without a factor 1 / n */
    FH_FFT_REAL,      /* the first n / 2 + 1 numbers of real ones' spectrum */
    FH_FFT_REAL_AGAIN /* float64 of n numbers, from n / 2 + 1 */
} fh_fft_kind;
/* factor * the discrete Fourier transforms of all lines along one axis, which are cut or filled up with zeros to n
 * elements (FH_FFT_REAL_AGAIN: n / 2 + 1).  Pieces along another axis stay where they are; an array that is cut along
 * this one is first cut along its longest other axis, or brought to one engine.  The bits depend on the length and
 * on whether the axis is the last, on nothing else. */
FH_EXPORT int fh_fft(fh_array *a, int axis, int64_t n, fh_fft_kind kind, double factor, fh_array **ret,
                     fh_error *error);

/* The state of numpy.random.Philox: where it is in its stream. */
typedef struct {
    uint64_t counter[4], key[2]; /* lowest words first */
    uint64_t buffer[4];          /* is not read: it follows from the others */
    int position;                /* buffer_pos */
    int has_half;                /* has_uint32 */
    uint32_t half;               /* uinteger */
} fh_philox;

/* What to draw: a row of codecs/random.def (protocol.md lists them), with the parameters that NumPy's Generator gives
 * its C functions: uniform takes low and high - low; integers the lowest and the distance to the highest; binomial n
 * (an integer) and p. */
typedef struct {
    const char *distribution;
    fh_dtype dtype;
    const double *reals;
    int nreals;
    const int64_t *integers;
    int nintegers;
} fh_random_draw;

/* An array of random numbers: those that numpy.random.Generator(Philox) of that state gives for this shape, whatever
 * the pieces; *state goes on as NumPy's does.  Laid out as scatter would.  Uniform numbers are made without waiting;
 * normal ones, exponential ones and integers on all engines, but it waits for where pieces begin; other distributions
 * on one engine, from which they go to the others.  On failure the state is what it was. */
FH_EXPORT int fh_random(fh_session *session, const fh_random_draw *draw, int ndim, const int64_t *shape,
                        const fh_scatter_options *options, fh_philox *state, fh_array **ret, fh_error *error);

/* count numbers at equal distances, computed in the dtype as numpy.arange does from the first two.  Integers use the
 * first two fields, others the real and imaginary parts. */
typedef struct {
    int64_t integer_start, integer_next;
    double start[2], next[2];
} fh_ramp;
FH_EXPORT int fh_arange(fh_session *session, fh_dtype dtype, const fh_ramp *ramp, int64_t count,
                        const fh_scatter_options *options, fh_array **ret, fh_error *error);

#endif
