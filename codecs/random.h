/* codecs/random.h - which distributions there are, and what they take from a stream of random numbers.
 * Made from codecs/random.def.  Pure. */
#ifndef FH_CODECS_RANDOM_H
#define FH_CODECS_RANDOM_H

#include "base/err.h"
#include "codecs/dtype.h"

/* Numbers that an element takes on the average, to five digits: where a stretch of a stream probably begins that makes
 * the n-th element.  It is found exactly when the stretch before has been computed. */
#define RANDOM_NORMAL_MEAN 1.02205
#define RANDOM_NORMAL_F_MEAN 1.02205
#define RANDOM_EXPONENTIAL_MEAN 1.03358
#define RANDOM_EXPONENTIAL_F_MEAN 1.03358

typedef enum {
#define RANDOM(NAME, name, dtype, parameters, unit, way, mean) RANDOM_##NAME,
#include "codecs/random.def"
#undef RANDOM
    RANDOM_COUNT
} random_code_t;

typedef enum { RANDOM_FIXED, RANDOM_CHAIN, RANDOM_SERIAL } random_way_t;

typedef struct {
    const char *name;
    dtype_t dtype;          /* DTYPE_NONE: any integers, or bool */
    const char *parameters; /* a letter for each */
    int unit;               /* 64, or 32: halves */
    random_way_t way;
    double mean;
} random_t;

/* Code of the distribution of that name that gives that dtype, or -1. */
int random_find(const char *name, dtype_t dtype);
const random_t *random_at(int code); /* NULL past the end */
/* Are these numbers of parameters that it takes, and are they what they may be?  INVALID_ARGUMENT.  Some distributions
 * would never end with others. */
int random_check(int code, const double *reals, int nreals, const int64_t *integers, int nintegers, err_t *err);
/* How integers of a dtype are made, the highest `range` above the lowest. */
random_t random_integers(dtype_t dtype, uint64_t range);

/* What APPLY random takes as integers, before what the distribution takes. */
enum {
    RANDOM_AT_CODE,
    RANDOM_AT_KEY,                              /* 2 */
    RANDOM_AT_COUNTER = RANDOM_AT_KEY + 2,      /* 4 */
    RANDOM_AT_POSITION = RANDOM_AT_COUNTER + 4, /* as in philox_t */
    RANDOM_AT_HAS_HALF,
    RANDOM_AT_HALF,
    RANDOM_AT_SKIP,  /* units of the stream that lie before the first element */
    RANDOM_AT_HEADS, /* of so many elements from the first on the report says where they begin */
    RANDOM_AT_TAILS, /* and of so many up to the one behind the last */
    RANDOM_AT_REST
};
/* The second output, int64: units taken, where the stream is then, then the heads and tails (units behind the skip). */
enum {
    RANDOM_REPORT_TAKEN,
    RANDOM_REPORT_HAS_HALF,
    RANDOM_REPORT_HALF,
    RANDOM_REPORT_POSITION,
    RANDOM_REPORT_COUNTER, /* 4 */
    RANDOM_REPORT_REST = RANDOM_REPORT_COUNTER + 4
};

#endif
