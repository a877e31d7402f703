/* Kernels as a client of two engines with one thread each sees them: what a call, a submission and a new kernel cost,
 * and how fast they compute beside C loops of two threads in the same run.  Prints JSON lines for run.py.
 *
 *     kernel_client [ELEMENTS]      of the large arrays; 1e8 unless said */
#include "base/clock.h"
#include "proxy/farhand.h"
#include "tests/bench/measure.h"
#include "tests/bench/native_loops.h"

#include <errno.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { TURNS = 400, NEW_TURNS = 40, LARGE_TURNS = 7, STEPS = 10, SIDE = 4096 };

extern char **environ;

static const char *const CLUSTER = "bench-kernels";
static const char FMA[] = "define double @mul_add(double %x, double %y, double %z) {\n  %p = fmul double %x, %y\n"
                          "  %s = fadd double %p, %z\n  ret double %s\n}\n";
static const char PLUS_ONE[] =
    "define double @plus%d(double %%x) {\n  %%s = fadd double %%x, 1.0\n  ret double %%s\n}\n";

static fh_session *session;
static fh_error error;

static void
give_up(const char *what, const char *text)
{
    fprintf(stderr, "kernel_client: %s: %s\n", what, text);
    exit(1);
}

static void
must(int status, const char *what)
{
    if (status)
        give_up(what, error.text);
}

static void
farhand(const char *command)
{
    const char *argv[] = {"farhand", command, "--name", CLUSTER, NULL, NULL, NULL, NULL, NULL};
    if (!strcmp(command, "up")) {
        argv[4] = "-n";
        argv[5] = "2";
        argv[6] = "--threads";
        argv[7] = "1";
    }
    pid_t pid;
    int status = -1;
    fflush(stdout);
    if (posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ))
        give_up("farhand", strerror(errno));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (status)
        give_up("farhand", command);
}

static fh_kernel *
load_plus(int number)
{
    char text[160];
    fh_kernel *kernel = NULL;
    snprintf(text, sizeof text, PLUS_ONE, number);
    must(fh_kernel_load(session, text, strlen(text), NULL, &kernel, &error), "load");
    return kernel;
}

static fh_array *
scatter(const double *data, int ndim, const int64_t *shape, int axis)
{
    void *bytes;
    fh_array *array = NULL;
    memcpy(&bytes, &data, sizeof bytes);
    fh_local local = {.data = bytes, .dtype = FH_FLOAT64, .ndim = ndim, .shape = shape};
    must(fh_scatter(session, &local, &(fh_scatter_options){.axis = axis}, &array, &error), "scatter");
    return array;
}

/* ---- one element ---------------------------------------------------------------------------------------------------
 */

static double
call_and_get(fh_kernel *kernel, fh_array *x)
{
    double value;
    fh_array *made = NULL;
    fh_operand in[] = {{.kind = FH_ARRAY, .array = x}, {.kind = FH_WEAK_FLOAT, .f = 1}};
    int64_t began = clock_now_ns();
    must(kernel ? fh_kernel_call(kernel, in, 1, NULL, &made, &error)
                : fh_ufunc(session, "add", in, 2, NULL, &made, &error),
         "call");
    must(fh_gather(made, &value, NULL, &error), "gather");
    double seconds = measure_seconds(began);
    fh_array_free(&made);
    return seconds;
}

static void
bench_small(void)
{
    static double ours[TURNS], plain[TURNS], again[TURNS], fresh[NEW_TURNS];
    const double one = 1;
    const int64_t shape = 1;
    fh_array *x = scatter(&one, 1, &shape, FH_WHOLE);
    fh_kernel *kernel = load_plus(0);
    for (int i = 0; i < TURNS; i++) {
        plain[i] = call_and_get(NULL, x);
        ours[i] = call_and_get(kernel, x);
    }
    measure_print("kernel_client", "call of one element and its value", measure_median(ours, TURNS) * 1e6, "us",
                  measure_median(plain, TURNS) * 1e6, "the same with a ufunc");
    for (int i = 0; i < TURNS; i++) {
        int64_t began = clock_now_ns();
        fh_kernel *same = load_plus(0);
        again[i] = measure_seconds(began);
        fh_kernel_free(&same);
    }
    measure_print("kernel_client", "second submission", measure_median(again, TURNS) * 1e6, "us", 500, "0.5 ms");
    for (int i = 0; i < NEW_TURNS; i++) {
        int64_t began = clock_now_ns();
        fh_kernel *other = load_plus(1 + (int)(began % 1000000000));
        call_and_get(other, x);
        fresh[i] = measure_seconds(began);
        fh_kernel_free(&other);
    }
    measure_print("kernel_client", "new kernel to first result", measure_median(fresh, NEW_TURNS) * 1e3, "ms", 10,
                  "10 ms");
    fh_kernel_free(&kernel);
    fh_array_free(&x);
}

/* ---- large arrays --------------------------------------------------------------------------------------------------
 */

/* Warm memory, on huge pages where these can be had. */
static double *
allocate(int64_t n)
{
    double *memory = aligned_alloc((size_t)2 << 20, ((size_t)n * sizeof(double) | 0x1fffff) + 1);
    if (!memory)
        give_up("memory", "there is not enough");
    (void)madvise(memory, (size_t)n * sizeof(double), MADV_HUGEPAGE);
    native_fill(memory, 1.5, n);
    return memory;
}

static void
bench_fma(int64_t n)
{
    double ours[LARGE_TURNS], native[LARGE_TURNS], *local[4];
    fh_kernel *kernel = NULL;
    fh_array *in[3];
    fh_operand operands[3];
    must(fh_kernel_load(session, FMA, sizeof FMA - 1, NULL, &kernel, &error), "load");
    for (int i = 0; i < 4; i++)
        local[i] = allocate(n);
    for (int i = 0; i < 3; i++) {
        in[i] = scatter(local[i], 1, &n, 0);
        operands[i] = (fh_operand){.kind = FH_ARRAY, .array = in[i]};
    }
    for (int turn = -1; turn < LARGE_TURNS; turn++) {
        fh_array *made = NULL;
        int64_t began = clock_now_ns();
        must(fh_kernel_call(kernel, operands, 3, NULL, &made, &error), "call");
        must(fh_wait(made, -1, &error), "wait");
        double seconds = measure_seconds(began);
        fh_array_free(&made);
        must(fh_sync(session, -1, &error), "sync");
        began = clock_now_ns();
        native_fma(local[0], local[1], local[2], local[3], n);
        if (turn < 0)
            continue; /* memory warms up */
        native[turn] = measure_seconds(began);
        ours[turn] = seconds;
    }
    measure_print("kernel_client", "x*y+z, 2 engines", measure_median(ours, LARGE_TURNS) * 1e9 / (double)n, "ns/elt",
                  measure_median(native, LARGE_TURNS) * 1e9 / (double)n, "streaming C loop, 2 threads");
    for (int i = 0; i < 4; i++)
        free(local[i]);
    for (int i = 0; i < 3; i++)
        fh_array_free(&in[i]);
    fh_kernel_free(&kernel);
    must(fh_sync(session, -1, &error), "sync");
}

static double
our_steps(fh_kernel *kernel, const double *start)
{
    static const int64_t shape[] = {SIDE, SIDE}, halo[] = {1, 0};
    fh_array *now = scatter(start, 2, shape, 0);
    must(fh_sync(session, -1, &error), "sync");
    int64_t began = clock_now_ns();
    for (int step = 0; step < STEPS; step++) {
        fh_array *next = NULL;
        fh_operand in = {.kind = FH_ARRAY, .array = now};
        must(fh_kernel_map(kernel, &in, 1, &(fh_kernel_map_options){.halo = halo, .nhalo = 2}, &next, 1, &error),
             "map");
        fh_array_free(&now);
        now = next;
    }
    must(fh_wait(now, -1, &error), "wait");
    double seconds = measure_seconds(began);
    fh_array_free(&now);
    return seconds / (double)STEPS;
}

static void
bench_stencil(void)
{
    double ours[LARGE_TURNS], native[LARGE_TURNS];
    double *local[] = {allocate((int64_t)SIDE * SIDE), allocate((int64_t)SIDE * SIDE)};
    fh_kernel *kernel = NULL;
    must(fh_kernel_load_file(session, FH_BENCH_KERNELS "/diffuse.ll", NULL, &kernel, &error), "load");
    for (int turn = -1; turn < LARGE_TURNS; turn++) {
        double seconds = our_steps(kernel, local[0]);
        int64_t began = clock_now_ns();
        for (int step = 0; step < STEPS; step++)
            native_diffuse(local[step % 2], local[1 - step % 2], SIDE, SIDE);
        if (turn < 0)
            continue;
        native[turn] = measure_seconds(began) / (double)STEPS;
        ours[turn] = seconds;
    }
    measure_print("kernel_client", "stencil of 4096 x 4096, 2 engines", measure_median(ours, LARGE_TURNS) * 1e3, "ms",
                  measure_median(native, LARGE_TURNS) * 1e3, "OpenMP, 2 threads");
    free(local[0]);
    free(local[1]);
    fh_kernel_free(&kernel);
}

int
main(int argc, char *argv[])
{
    int64_t n = argc > 1 ? (int64_t)strtod(argv[1], NULL) : 100000000;
    farhand("up");
    fh_connect_options options = {.target = CLUSTER};
    must(fh_connect(&session, &options, &error), "connect");
    bench_small();
    if (native_has_openmp()) {
        bench_fma(n > 1000 ? n : 1000);
        bench_stencil();
    } else {
        puts("kernel_client: the large cases are left out: this compiler has no OpenMP to compare with");
    }
    fh_close(&session);
    farhand("down");
    return 0;
}
