#include "tests/bench/measure.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

static int
by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double
measure_median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, by_size);
    return values[count / 2];
}

double
measure_seconds(int64_t began)
{
    return (double)(clock_now_ns() - began) / 1e9;
}

void
measure_print(const char *bench, const char *name, double value, const char *unit, double limit, const char *limit_name)
{
    printf("{\"bench\": \"%s\", \"case\": \"%s\", \"value\": %.4g, \"unit\": \"%s\"", bench, name, value, unit);
    if (limit > 0)
        printf(", \"limit\": %.4g, \"limit_name\": \"%s\", \"ratio\": %.4g", limit, limit_name, value / limit);
    printf("}\n");
    fflush(stdout);
}
