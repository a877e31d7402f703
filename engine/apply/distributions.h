/* engine/apply/distributions.h - what we call of NumPy's library of distributions, libnpyrandom: the same code makes
 * the same numbers.  NumPy's own header wants Python's. */
#ifndef FH_ENGINE_APPLY_DISTRIBUTIONS_H
#define FH_ENGINE_APPLY_DISTRIBUTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* bitgen_t of NumPy. */
typedef struct {
    void *state;
    uint64_t (*next_uint64)(void *state);
    uint32_t (*next_uint32)(void *state);
    double (*next_double)(void *state);
    uint64_t (*next_raw)(void *state);
} bitgen_t;

/* binomial_t of NumPy: what it remembers between calls with the same arguments. */
typedef struct {
    int has_binomial;
    double p_save;
    int64_t n_save;
    double r, q, fm;
    int64_t m;
    double p1, xm, xl, xr, c, laml, lamr, p2, p3, p4;
} binomial_t;

double random_standard_normal(bitgen_t *);
float random_standard_normal_f(bitgen_t *);
double random_standard_exponential(bitgen_t *);
float random_standard_exponential_f(bitgen_t *);
double random_standard_cauchy(bitgen_t *);

float random_standard_gamma_f(bitgen_t *, float);
double random_exponential(bitgen_t *, double);
double random_weibull(bitgen_t *, double);
double random_pareto(bitgen_t *, double);
double random_power(bitgen_t *, double);
double random_rayleigh(bitgen_t *, double);
double random_standard_gamma(bitgen_t *, double);
double random_chisquare(bitgen_t *, double);
double random_standard_t(bitgen_t *, double);

double random_normal(bitgen_t *, double, double);
double random_lognormal(bitgen_t *, double, double);
double random_laplace(bitgen_t *, double, double);
double random_gumbel(bitgen_t *, double, double);
double random_logistic(bitgen_t *, double, double);
double random_uniform(bitgen_t *, double, double);
double random_gamma(bitgen_t *, double, double);
double random_beta(bitgen_t *, double, double);
double random_noncentral_chisquare(bitgen_t *, double, double);
double random_f(bitgen_t *, double, double);
double random_vonmises(bitgen_t *, double, double);
double random_wald(bitgen_t *, double, double);

double random_triangular(bitgen_t *, double, double, double);
double random_noncentral_f(bitgen_t *, double, double, double);

int64_t random_poisson(bitgen_t *, double);
int64_t random_geometric(bitgen_t *, double);
int64_t random_logseries(bitgen_t *, double);
int64_t random_zipf(bitgen_t *, double);
int64_t random_negative_binomial(bitgen_t *, double, double);
int64_t random_binomial(bitgen_t *, double, int64_t, binomial_t *);
int64_t random_hypergeometric(bitgen_t *, int64_t, int64_t, int64_t);

uint64_t random_interval(bitgen_t *, uint64_t);
void random_bounded_uint64_fill(bitgen_t *, uint64_t, uint64_t, intptr_t, bool, uint64_t *);
void random_bounded_uint32_fill(bitgen_t *, uint32_t, uint32_t, intptr_t, bool, uint32_t *);
void random_bounded_uint16_fill(bitgen_t *, uint16_t, uint16_t, intptr_t, bool, uint16_t *);
void random_bounded_uint8_fill(bitgen_t *, uint8_t, uint8_t, intptr_t, bool, uint8_t *);
void random_bounded_bool_fill(bitgen_t *, uint8_t, uint8_t, intptr_t, bool, uint8_t *);

#endif
