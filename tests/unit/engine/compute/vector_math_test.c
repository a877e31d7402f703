#include "engine/compute/vector_math.h"
#include "tests/support/check.h"

#include <stdio.h>

enum { ROUNDS = 400000 };

static double
uniform(uint64_t *random)
{
    return (double)(check_random(random) >> 11) * 0x1p-53;
}

/* Arguments of all sizes: around 0 and 1, of middling size, and any exponent. */
static double
argument(uint64_t *random, int round, double middle)
{
    double x = 2 * uniform(random) - 1;
    switch (round % 4) {
    case 0:
        return x;
    case 1:
        return x * middle;
    case 2:
        return exp(x * 700) * (x < 0 ? -1 : 1);
    default:
        return 1 + x / 100;
    }
}

static double
spacing_f64(double x)
{
    return fabs(x) < DBL_MIN ? 0x1p-1074 : nextafter(fabs(x), (double)INFINITY) - fabs(x);
}

static double
spacing_f32(float x)
{
    return fabsf(x) < FLT_MIN ? 0x1p-149 : (double)(nextafterf(fabsf(x), INFINITY) - fabsf(x));
}

/* Errors in units of the last place against a wider computation; what is not finite must be equal. */
static void
check_function(double (*f)(double), float (*ff)(float), long double (*exact)(long double), double middle, double most)
{
    uint64_t random = check_seed();
    double worst = 0, worst_f = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double x = argument(&random, round, middle), y = f(x);
        long double wanted = exact((long double)x);
        if (!isfinite((double)wanted)) {
            assert_true(isnan(wanted) ? isnan(y) : y == (double)wanted);
        } else {
            double error = (double)(fabsl(wanted - (long double)y) / (long double)spacing_f64((double)wanted));
            worst = error > worst || isnan(error) ? error : worst;
        }
        float xf = (float)(round % 4 == 1 ? x / 8 : x), yf = ff(xf);
        long double wanted_f = exact((long double)xf);
        if (!isfinite((float)wanted_f)) {
            assert_true(isnan(wanted_f) ? isnan(yf) : yf == (float)wanted_f);
        } else {
            double error = (double)(fabsl(wanted_f - (long double)yf) / (long double)spacing_f32((float)wanted_f));
            worst_f = error > worst_f || isnan(error) ? error : worst_f;
        }
    }
    print_message("worst error in units of the last place: float64 %.3f, float32 %.3f\n", worst, worst_f);
    assert_true(worst < most && worst_f < most);
}

static void
exp_is_within_one_unit(void **state)
{
    (void)state;
    check_function(vexp, vexpf, expl, 745, 1);
}

static void
log_is_within_one_unit(void **state)
{
    (void)state;
    check_function(vlog, vlogf, logl, 745, 1);
}

static void
tanh_is_within_two_units(void **state)
{
    (void)state;
    check_function(vtanh, vtanhf, tanhl, 30, 2);
}

/* As the loops do: libm beyond the limit. */
static double
sin_any(double x)
{
    return fabs(x) <= VTRIG_LIMIT ? vsin(x) : sin(x);
}

static double
cos_any(double x)
{
    return fabs(x) <= VTRIG_LIMIT ? vcos(x) : cos(x);
}

static float
sin_any_f32(float x)
{
    return (float)sin_any((double)x);
}

static float
cos_any_f32(float x)
{
    return (float)cos_any((double)x);
}

static void
sin_is_within_one_unit(void **state)
{
    (void)state;
    check_function(sin_any, sin_any_f32, sinl, 1e6, 1);
    check_function(sin_any, sin_any_f32, sinl, 50, 1);
}

static void
cos_is_within_one_unit(void **state)
{
    (void)state;
    check_function(cos_any, cos_any_f32, cosl, 1e6, 1);
    check_function(cos_any, cos_any_f32, cosl, 50, 1);
}

/* Near multiples of pi/2, where almost all of the argument cancels. */
static void
sin_and_cos_near_their_zeros_keep_their_digits(void **state)
{
    (void)state;
    for (int k = 1; k < 600000; k += 7) {
        double x = k * 1.57079632679489661923;
        long double sine = sinl((long double)x), cosine = cosl((long double)x);
        assert_true(fabsl((long double)vsin(x) - sine) <= (long double)spacing_f64((double)sine));
        assert_true(fabsl((long double)vcos(x) - cosine) <= (long double)spacing_f64((double)cosine));
    }
}

static void
special_arguments_give_what_c_gives(void **state)
{
    (void)state;
    assert_true(vexp((double)INFINITY) == (double)INFINITY && vexp(-(double)INFINITY) == 0 && isnan(vexp((double)NAN)));
    assert_true(vexp(0) == 1 && vexp(-0.0) == 1 && vexp(710) == (double)INFINITY && vexp(-745.1) == 0x1p-1074 &&
                vexp(-1e300) == 0);
    assert_true(vexpf(89) == INFINITY && vexpf(-104) == 0 && vexpf(-103) == 0x1p-149f && isnan(vexpf(NAN)));
    assert_true(vlog(0) == -(double)INFINITY && vlog(-0.0) == -(double)INFINITY && isnan(vlog(-1)) &&
                isnan(vlog((double)NAN)));
    assert_true(vlog((double)INFINITY) == (double)INFINITY && vlog(1) == 0 && vlog(0x1p-1074) == log(0x1p-1074));
    assert_true(vlogf(0) == -INFINITY && isnan(vlogf(-1)) && vlogf(INFINITY) == INFINITY &&
                vlogf(0x1p-149f) == logf(0x1p-149f));
    assert_true(vtanh((double)INFINITY) == 1 && vtanh(-1e300) == -1 && isnan(vtanh((double)NAN)) &&
                signbit(vtanh(-0.0)));
    assert_true(signbit(vsin(-0.0)) && vsin(-0.0) == 0 && !signbit(vsin(0)) && vcos(0) == 1 && vcos(-0.0) == 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exp_is_within_one_unit),
        cmocka_unit_test(log_is_within_one_unit),
        cmocka_unit_test(tanh_is_within_two_units),
        cmocka_unit_test(sin_is_within_one_unit),
        cmocka_unit_test(cos_is_within_one_unit),
        cmocka_unit_test(sin_and_cos_near_their_zeros_keep_their_digits),
        cmocka_unit_test(special_arguments_give_what_c_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
