/* Kernels without an engine: how long compiling, calling and computing take.  One JSON line each; medians. */
#include "driver.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TURNS = 25, SMALL = 1, LARGE = 4 << 20 };

static const char AXPY[] =
    "define double @axpy%d(double %%a, double %%x) {\n  %%p = fmul double %%a, 2.5\n  %%s = fadd double %%p, %%x\n"
    "  ret double %%s\n}\n";

static int
by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double
median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, by_size);
    return values[count / 2];
}

/* limit 0: there is none. */
static void
report(const char *name, double value, const char *unit, double limit, const char *limit_name)
{
    printf("{\"bench\": \"kernels\", \"case\": \"%s\", \"value\": %.4g, \"unit\": \"%s\"", name, value, unit);
    if (limit > 0)
        printf(", \"limit\": %.4g, \"limit_name\": \"%s\", \"ratio\": %.4g", limit, limit_name, value / limit);
    printf("}\n");
    fflush(stdout);
}

static void
must(int status, const err_t *err)
{
    if (!status)
        return;
    fprintf(stderr, "kernels: %s: %s\n", status_name(status), err->text);
    exit(1);
}

static double
seconds_since(int64_t began)
{
    return (double)(clock_now_ns() - began) / 1e9;
}

static void
compile_text(runner_host_t *host, oid_t session, int number, driver_compiled_t *ret)
{
    char text[300];
    snprintf(text, sizeof text, AXPY, number);
    must(driver_compile_text(host, session, text, "", ret), &ret->err);
}

static const char EXP_SIN[] = "declare double @sin(double)\ndeclare double @llvm.exp.f64(double)\n"
                              "define double @f(double %x, double %y) {\n  %e = call double @llvm.exp.f64(double %x)\n"
                              "  %s = call double @sin(double %y)\n  %r = fmul double %e, %s\n  ret double %r\n}\n";

/* A host that has just been made: no runner is there yet. */
static double
cold_compile(void)
{
    double values[5];
    for (int i = 0; i < 5; i++) {
        driver_compiled_t kernel;
        int64_t began = clock_now_ns();
        runner_host_t *host = driver_host();
        compile_text(host, oid_new(), i, &kernel);
        values[i] = seconds_since(began);
        runner_host_destroy(&host);
    }
    return median(values, 5);
}

static void
bench_compile(runner_host_t *host, oid_t session, double cold)
{
    double fresh[TURNS], known[TURNS];
    driver_compiled_t kernel;
    for (int i = 0; i < TURNS; i++) {
        int64_t began = clock_now_ns();
        compile_text(host, session, i, &kernel);
        fresh[i] = seconds_since(began);
        began = clock_now_ns();
        compile_text(host, session, i, &kernel);
        known[i] = seconds_since(began);
    }
    report("compile, cold: runner not started", cold * 1e3, "ms", 0, NULL);
    report("compile, warm: new kernel", median(fresh, TURNS) * 1e3, "ms", cold * 1e3, "the cold one");
    report("compile, cached: known kernel", median(known, TURNS) * 1e3, "ms", cold * 1e3, "the cold one");
}

static double
bench_call(runner_host_t *host, oid_t session, uint32_t kernel, int64_t n, int turns)
{
    double *values = calloc((size_t)turns, sizeof *values);
    driver_array_t in[2] = {driver_array(DTYPE_FLOAT64, 1, &n), driver_array(DTYPE_FLOAT64, 1, &n)};
    driver_array_t out = driver_array(DTYPE_FLOAT64, 1, &n);
    memset(in[0].data, 0, in[0].size);
    memset(in[1].data, 0, in[1].size);
    memset(out.data, 0, out.size);
    for (int i = 0; values && i < turns; i++) {
        driver_done_t done;
        int64_t began = clock_now_ns();
        must(driver_run(host, session, kernel, in, 2, &out, 10, &done), &done.err);
        values[i] = seconds_since(began);
    }
    double result = values ? median(values, turns) : 0;
    driver_array_free(&in[0]);
    driver_array_free(&in[1]);
    driver_array_free(&out);
    free(values);
    return result;
}

/* Seconds an element of the same work by a loop in this process, compiled as this program is. */
static double
bare_loop(bool transcendental)
{
    enum { BARE_TURNS = 5 };
    double values[BARE_TURNS], *a = calloc(LARGE, sizeof *a), *x = calloc(LARGE, sizeof *x),
                               *out = calloc(LARGE, sizeof *out);
    for (int i = 0; a && x && out && i < LARGE; i++)
        out[i] = a[i] = x[i] = 0;
    for (int turn = 0; a && x && out && turn < BARE_TURNS; turn++) {
        int64_t began = clock_now_ns();
        for (int i = 0; i < LARGE; i++)
            out[i] = transcendental ? exp(a[i]) * sin(x[i]) : a[i] * 2.5 + x[i];
        values[turn] = seconds_since(began) / (double)LARGE;
        a[turn] = out[turn];
    }
    free(a);
    free(x);
    free(out);
    return median(values, BARE_TURNS);
}

static void
bench_calls(int threads, double cold)
{
    runner_host_t *host = driver_host_threads(threads);
    driver_wait_spare(host);
    oid_t session = oid_new();
    driver_compiled_t kernel;
    if (threads == 1)
        bench_compile(host, session, cold);
    compile_text(host, session, 1, &kernel);
    char name[64];
    if (threads == 1)
        report("call, one element", bench_call(host, session, kernel.kernel, SMALL, 2000) * 1e6, "us", 0, NULL);
    snprintf(name, sizeof name, "axpy of 32 MiB, %d threads", threads);
    report(name, bench_call(host, session, kernel.kernel, LARGE, TURNS) * 1e9 / (double)LARGE, "ns/elt",
           bare_loop(false) * 1e9, "the loop in C, 1 thread");
    if (threads == 1) {
        must(driver_compile_text(host, session, EXP_SIN, "", &kernel), &kernel.err);
        double libm = bare_loop(true) * 1e9;
        report("exp(x)*sin(y)", bench_call(host, session, kernel.kernel, LARGE, 5) * 1e9 / (double)LARGE, "ns/elt",
               libm, "libm loop in C");
        must(driver_compile_fast(host, session, EXP_SIN, &kernel), &kernel.err);
        report("exp(x)*sin(y), fastmath", bench_call(host, session, kernel.kernel, LARGE, 5) * 1e9 / (double)LARGE,
               "ns/elt", libm, "libm loop in C");
    }
    runner_host_destroy(&host);
}

int
main(void)
{
    double cold = cold_compile();
    bench_calls(1, cold);
    bench_calls(2, cold);
    return 0;
}
