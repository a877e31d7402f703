/* A row for each distribution: which function of NumPy's library makes an element. */
#include "engine/apply/random.h"

#include <string.h>

/* ---- the stream ------------------------------------------------------------------------------------------------- */

static uint64_t
next_number(void *state)
{
    draws_t *self = state;
    self->taken++;
    return philox_next(&self->philox);
}

static uint32_t
next_half(void *state)
{
    draws_t *self = state;
    self->taken++;
    return philox_next_half(&self->philox);
}

static double
to_double(uint64_t number)
{
    return (double)(number >> 11) * (1.0 / 9007199254740992.0);
}

static double
next_double(void *state)
{
    return to_double(next_number(state));
}

void
draws_init(draws_t *self, const philox_t *at)
{
    *self = (draws_t){.philox = *at};
    self->bitgen = (bitgen_t){self, next_number, next_half, next_double, next_number};
}

/* ---- distributions by what they take ---------------------------------------------------------------------------- */

typedef void fill_fn(sampler_t *self, draws_t *draws, void *out, int64_t n);

#define FILL(name, T, call)                                                                                            \
    static void fill_##name(sampler_t *self, draws_t *draws, void *out, int64_t n)                                     \
    {                                                                                                                  \
        bitgen_t *g = &draws->bitgen;                                                                                  \
        const double *p = self->real;                                                                                  \
        const int64_t *k = self->integer;                                                                              \
        T *element = out;                                                                                              \
        (void)g;                                                                                                       \
        (void)p;                                                                                                       \
        (void)k;                                                                                                       \
        for (int64_t i = 0; i < n; i++)                                                                                \
            element[i] = call;                                                                                         \
    }

FILL(random_f, float, (float)(next_half(draws) >> 8) * (1.0F / 16777216.0F))
FILL(standard_normal, double, random_standard_normal(g))
FILL(standard_normal_f, float, random_standard_normal_f(g))
FILL(standard_exponential, double, random_standard_exponential(g))
FILL(standard_exponential_f, float, random_standard_exponential_f(g))
FILL(standard_cauchy, double, random_standard_cauchy(g))
FILL(exponential, double, random_exponential(g, p[0]))
FILL(weibull, double, random_weibull(g, p[0]))
FILL(pareto, double, random_pareto(g, p[0]))
FILL(power, double, random_power(g, p[0]))
FILL(rayleigh, double, random_rayleigh(g, p[0]))
FILL(standard_gamma, double, random_standard_gamma(g, p[0]))
FILL(standard_gamma_f, float, random_standard_gamma_f(g, (float)p[0]))
FILL(chisquare, double, random_chisquare(g, p[0]))
FILL(standard_t, double, random_standard_t(g, p[0]))
FILL(uniform, double, random_uniform(g, p[0], p[1]))
FILL(normal, double, random_normal(g, p[0], p[1]))
FILL(lognormal, double, random_lognormal(g, p[0], p[1]))
FILL(laplace, double, random_laplace(g, p[0], p[1]))
FILL(gumbel, double, random_gumbel(g, p[0], p[1]))
FILL(logistic, double, random_logistic(g, p[0], p[1]))
FILL(gamma, double, random_gamma(g, p[0], p[1]))
FILL(beta, double, random_beta(g, p[0], p[1]))
FILL(noncentral_chisquare, double, random_noncentral_chisquare(g, p[0], p[1]))
FILL(f, double, random_f(g, p[0], p[1]))
FILL(vonmises, double, random_vonmises(g, p[0], p[1]))
FILL(wald, double, random_wald(g, p[0], p[1]))
FILL(triangular, double, random_triangular(g, p[0], p[1], p[2]))
FILL(noncentral_f, double, random_noncentral_f(g, p[0], p[1], p[2]))
FILL(poisson, int64_t, random_poisson(g, p[0]))
FILL(geometric, int64_t, random_geometric(g, p[0]))
FILL(logseries, int64_t, random_logseries(g, p[0]))
FILL(zipf, int64_t, random_zipf(g, p[0]))
FILL(negative_binomial, int64_t, random_negative_binomial(g, p[0], p[1]))
FILL(binomial, int64_t, random_binomial(g, p[0], k[0], &self->binomial))
FILL(hypergeometric, int64_t, random_hypergeometric(g, k[0], k[1], k[2]))

/* Four numbers of a block at a time, without a call for each. */
static void
fill_random(sampler_t *self, draws_t *draws, void *out, int64_t n)
{
    double *element = out;
    philox_t *philox = &draws->philox;
    (void)self;
    draws->taken += n;
    while (n > 0 && philox->position < 4) {
        *element++ = to_double(philox_next(philox));
        n--;
    }
    uint64_t counter[4], block[4];
    memcpy(counter, philox->counter, sizeof counter);
    int64_t whole = n / 4;
    for (int64_t i = 0; i < whole; i++) {
        for (int word = 0; word < 4 && ++counter[word] == 0; word++) {
        }
        philox_block(philox->key, counter, block);
        for (int j = 0; j < 4; j++)
            *element++ = to_double(block[j]);
    }
    if (whole)
        philox_skip(philox, (uint64_t)whole * 4);
    for (n -= whole * 4; n > 0; n--)
        *element++ = to_double(philox_next(philox));
}

static void
fill_integers(sampler_t *self, draws_t *draws, void *out, int64_t n)
{
    bitgen_t *g = &draws->bitgen;
    uint64_t low = (uint64_t)self->integer[0], range = (uint64_t)self->integer[1];
    if (self->dtype == DTYPE_BOOL)
        random_bounded_bool_fill(g, low != 0, range != 0, n, false, out);
    else if (dtype_size(self->dtype) == 1)
        random_bounded_uint8_fill(g, (uint8_t)low, (uint8_t)range, n, false, out);
    else if (dtype_size(self->dtype) == 2)
        random_bounded_uint16_fill(g, (uint16_t)low, (uint16_t)range, n, false, out);
    else if (dtype_size(self->dtype) == 4)
        random_bounded_uint32_fill(g, (uint32_t)low, (uint32_t)range, n, false, out);
    else
        random_bounded_uint64_fill(g, low, range, n, false, out);
}

/* 0 to n-1, shuffled. */
static void
fill_permutation(sampler_t *self, draws_t *draws, void *out, int64_t n)
{
    int64_t *element = out;
    (void)self;
    for (int64_t i = 0; i < n; i++)
        element[i] = i;
    for (int64_t i = n - 1; i >= 1; i--) {
        uint64_t other = random_interval(&draws->bitgen, (uint64_t)i);
        int64_t kept = element[i];
        element[i] = element[other];
        element[other] = kept;
    }
}

static fill_fn *const FILLS[RANDOM_COUNT] = {
    [RANDOM_RANDOM] = fill_random,
    [RANDOM_RANDOM_F] = fill_random_f,
    [RANDOM_UNIFORM] = fill_uniform,
    [RANDOM_TRIANGULAR] = fill_triangular,
    [RANDOM_STANDARD_NORMAL] = fill_standard_normal,
    [RANDOM_STANDARD_NORMAL_F] = fill_standard_normal_f,
    [RANDOM_NORMAL] = fill_normal,
    [RANDOM_LOGNORMAL] = fill_lognormal,
    [RANDOM_STANDARD_EXPONENTIAL] = fill_standard_exponential,
    [RANDOM_STANDARD_EXPONENTIAL_F] = fill_standard_exponential_f,
    [RANDOM_EXPONENTIAL] = fill_exponential,
    [RANDOM_WEIBULL] = fill_weibull,
    [RANDOM_PARETO] = fill_pareto,
    [RANDOM_POWER] = fill_power,
    [RANDOM_RAYLEIGH] = fill_rayleigh,
    [RANDOM_LAPLACE] = fill_laplace,
    [RANDOM_GUMBEL] = fill_gumbel,
    [RANDOM_LOGISTIC] = fill_logistic,
    [RANDOM_STANDARD_GAMMA] = fill_standard_gamma,
    [RANDOM_STANDARD_GAMMA_F] = fill_standard_gamma_f,
    [RANDOM_GAMMA] = fill_gamma,
    [RANDOM_BETA] = fill_beta,
    [RANDOM_CHISQUARE] = fill_chisquare,
    [RANDOM_NONCENTRAL_CHISQUARE] = fill_noncentral_chisquare,
    [RANDOM_F] = fill_f,
    [RANDOM_NONCENTRAL_F] = fill_noncentral_f,
    [RANDOM_STANDARD_T] = fill_standard_t,
    [RANDOM_STANDARD_CAUCHY] = fill_standard_cauchy,
    [RANDOM_VONMISES] = fill_vonmises,
    [RANDOM_WALD] = fill_wald,
    [RANDOM_POISSON] = fill_poisson,
    [RANDOM_GEOMETRIC] = fill_geometric,
    [RANDOM_LOGSERIES] = fill_logseries,
    [RANDOM_ZIPF] = fill_zipf,
    [RANDOM_NEGATIVE_BINOMIAL] = fill_negative_binomial,
    [RANDOM_BINOMIAL] = fill_binomial,
    [RANDOM_HYPERGEOMETRIC] = fill_hypergeometric,
    [RANDOM_INTEGERS] = fill_integers,
    [RANDOM_PERMUTATION] = fill_permutation,
};

void
sampler_fill(sampler_t *self, draws_t *draws, void *out, int64_t n)
{
    FILLS[self->code](self, draws, out, n);
}
