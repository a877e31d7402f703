#include "codecs/random.h"

#include <math.h>
#include <string.h>

static const random_t ROWS[] = {
#define RANDOM(NAME, name, dtype, parameters, unit, way, mean)                                                         \
    {#name, DTYPE_##dtype, parameters, unit, RANDOM_##way, mean},
#include "codecs/random.def"
#undef RANDOM
};

int
random_find(const char *name, dtype_t dtype)
{
    for (int i = 0; i < RANDOM_COUNT; i++)
        if (strcmp(ROWS[i].name, name) == 0 && (ROWS[i].dtype == dtype || ROWS[i].dtype == DTYPE_NONE))
            return i;
    return -1;
}

const random_t *
random_at(int code)
{
    return code >= 0 && code < RANDOM_COUNT ? &ROWS[code] : NULL;
}

random_t
random_integers(dtype_t dtype, uint64_t range)
{
    random_t self = ROWS[RANDOM_INTEGERS];
    self.dtype = dtype;
    bool halves = range <= UINT32_MAX;
    self.unit = halves ? 32 : 64;
    if (dtype_size(dtype) < 4 || range == 0)
        return self;
    /* Lemire (2019): a number is thrown away if what the product leaves is below this. */
    uint64_t above = range + 1; /* 0: all numbers are taken */
    uint64_t threshold = above == 0 || (halves && range == UINT32_MAX) ? 0
                         : halves                                      ? (UINT32_MAX - range) % above
                                                                       : (UINT64_MAX - range) % above;
    self.way = threshold ? RANDOM_CHAIN : RANDOM_FIXED;
    self.mean = 1 / (1 - ldexp((double)threshold, halves ? -32 : -64));
    return self;
}

/* ---- parameters ------------------------------------------------------------------------------------------------- */

typedef struct {
    char letter;
    double low, high;
    bool low_allowed, high_allowed;
    const char *text;
} limits_t;

static const double POISSON_MAX = 9.223372006484771e18; /* beyond it results would not fit int64 */

static const limits_t LIMITS[] = {
    {'n', 0, HUGE_VAL, true, false, "finite and not negative"},
    {'p', 0, HUGE_VAL, false, false, "finite and positive"},
    {'u', 0, 1, true, true, "from 0 to 1"},
    {'o', 0, 1, false, true, "above 0 and not above 1"},
    {'l', 0, 1, true, false, "at least 0 and below 1"},
    {'s', 0, POISSON_MAX, true, true, "from 0 to 9.2e18"},
    {'z', 1.000001, HUGE_VAL, true, false, "above 1 (by a millionth at least) and finite"},
};

static int
check_real(const random_t *row, int i, double value, err_t *err)
{
    for (size_t j = 0; j < sizeof LIMITS / sizeof *LIMITS; j++) {
        const limits_t *limits = &LIMITS[j];
        if (limits->letter != row->parameters[i])
            continue;
        bool above = limits->low_allowed ? value >= limits->low : value > limits->low;
        bool below = limits->high_allowed ? value <= limits->high : value < limits->high;
        if (!above || !below)
            return err_set(err, FH_INVALID_ARGUMENT, "%s: parameter %d must be %s, not %g", row->name, i + 1,
                           limits->text, value);
    }
    return FH_OK;
}

int
random_check(int code, const double *reals, int nreals, const int64_t *integers, int nintegers, err_t *err)
{
    static const int INTEGERS[RANDOM_COUNT] = {
        [RANDOM_BINOMIAL] = 1, [RANDOM_HYPERGEOMETRIC] = 3, [RANDOM_INTEGERS] = 2};
    const random_t *row = random_at(code);
    int status = FH_OK;
    if (!row)
        return err_set(err, FH_INVALID_ARGUMENT, "%d is not the code of a distribution", code);
    if (nreals != (int)strlen(row->parameters) || nintegers != INTEGERS[code])
        return err_set(err, FH_INVALID_ARGUMENT, "%s takes %zu reals and %d integers, not %d and %d", row->name,
                       strlen(row->parameters), INTEGERS[code], nreals, nintegers);
    for (int i = 0; i < nreals && !status; i++)
        status = check_real(row, i, reals[i], err);
    if (status)
        return status;
    if (code == RANDOM_TRIANGULAR && !(reals[0] <= reals[1] && reals[1] <= reals[2] && reals[0] < reals[2]))
        return err_set(err, FH_INVALID_ARGUMENT, "triangular: left <= mode <= right and left < right do not hold");
    if (code == RANDOM_NEGATIVE_BINOMIAL && !(reals[0] * (1 - reals[1]) / reals[1] < POISSON_MAX / 1e9))
        return err_set(err, FH_INVALID_ARGUMENT, "negative_binomial: n too large or p too small");
    if (code == RANDOM_BINOMIAL && integers[0] < 0)
        return err_set(err, FH_INVALID_ARGUMENT, "binomial: n must not be negative, not %lld", (long long)integers[0]);
    if (code == RANDOM_HYPERGEOMETRIC) {
        int64_t most = 1000000000;
        bool fits = integers[0] >= 0 && integers[0] < most && integers[1] >= 0 && integers[1] < most &&
                    integers[2] >= 0 && integers[2] <= integers[0] + integers[1];
        if (!fits)
            return err_set(err, FH_INVALID_ARGUMENT,
                           "hypergeometric: ngood and nbad go from 0 to 1e9, nsample to their sum");
    }
    return FH_OK;
}
