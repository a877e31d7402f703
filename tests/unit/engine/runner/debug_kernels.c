/* Kernels for checks_test.c, compiled without and with optimisation; lines matter.  Input k of element i is i - 10 * k. */
double sqrt(double);
static double sum(double *values, int n);

double
nan_made(double x)
{
    double y = x - 5;
    return
        1 +
        y / (x - 5);
}

double
nan_avoided(double x)
{
    double r = 0;
    if (x > 7)
        r = sqrt(x - 7) / (x - 7);
    if (x < 3)
        r = sqrt(3 - x);
    return x != 5 ? r + (x - 5) / (x - 5) : r;
}

double
nan_late(double x)
{
    double r = x < 10 ? sqrt(4 - x) : 0;
    return r;

}

static const double WEIGHTS[50] = {1, 2, 3};

double
behind_table(long i)
{
    return 2 *
        WEIGHTS[i];
}

static double a_table[20] = {1, 2, 3, 4}, another[20] = {4, 3, 2, 1};

double
in_tables(long i)
{
    double local[7] = {(double)i, 1, 2};
    return sum(i % 2 ? a_table : another, 20) + sum(local, 7);
}

long
shifted(long i)
{
    return
        3 +
        (1l << i);
}

long
shifted_well(long i)
{
    return i < 64 && i >= 0 ? (1l << i) + 3 : 0;
}

static double
sum(double *values, int n)
{
    double total = 0;
    for (int i = 0; i < n; i++) {
        total += values[i];
        values[i] = values[i] * .5 + .25;
    }
    return total;
}

static double
follow(const double *p)
{
    return *p + 1;
}

double
crashes(long i)
{
    return i < 60 ? 1
                  : follow((const double *)(i - 52));
}

double modf(double, double *);

double
crashes_in_a_library(double x)
{
    return
        modf(x, (double *)16);
}
