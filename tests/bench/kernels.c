/* Kernels without an engine: how long compiling, calling and computing take.  One JSON line each; medians.  Computing
 * is compared with loops in C that run in turn with it.  Arrays lie as an engine's do: on huge pages, if these can be
 * had.
 */
#include "driver.h"
#include "engine/compute/compute.h"
#include "engine/huge_pages.h"
#include "tests/bench/measure.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { TURNS = 25, PAIRS = 7, SMALL = 1, LARGE = 4 << 20, LONG = 100000000, MANY = 3 };

static huge_pages_t *pages; /* NULL: there are none */

static const char AXPY[] =
    "define double @axpy%d(double %%a, double %%x) {\n  %%p = fmul double %%a, 2.5\n  %%s = fadd double %%p, %%x\n"
    "  ret double %%s\n}\n";

static void
must(int status, const err_t *err)
{
    if (!status)
        return;
    fprintf(stderr, "kernels: %s: %s\n", status_name(status), err->text);
    exit(1);
}

static void
compile_text(runner_host_t *host, oid_t session, int number, driver_compiled_t *ret)
{
    char text[300];
    snprintf(text, sizeof text, AXPY, number);
    must(driver_compile_text(host, session, text, "", ret), &ret->err);
}

static const char EXP_SIN[] = "declare double @sin(double)\ndeclare double @llvm.exp.f64(double)\n"
                              "define double @f(double %x) {\n  %e = call double @llvm.exp.f64(double %x)\n"
                              "  %s = call double @sin(double %x)\n  %r = fmul double %e, %s\n  ret double %r\n}\n";
static const char MUL_ADD[] = "define double @f(double %x, double %y, double %z) {\n  %p = fmul double %x, %y\n"
                              "  %s = fadd double %p, %z\n  ret double %s\n}\n";

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
        values[i] = measure_seconds(began);
        runner_host_destroy(&host);
    }
    return measure_median(values, 5);
}

static void
bench_compile(runner_host_t *host, oid_t session, double cold)
{
    double fresh[TURNS], known[TURNS];
    driver_compiled_t kernel;
    for (int i = 0; i < TURNS; i++) {
        int64_t began = clock_now_ns();
        compile_text(host, session, i, &kernel);
        fresh[i] = measure_seconds(began);
        began = clock_now_ns();
        compile_text(host, session, i, &kernel);
        known[i] = measure_seconds(began);
    }
    measure_print("kernels", "compile, cold: runner not started", cold * 1e3, "ms", 0, NULL);
    measure_print("kernels", "compile, warm: new kernel", measure_median(fresh, TURNS) * 1e3, "ms", cold * 1e3,
                  "the cold one");
    measure_print("kernels", "compile, cached: known kernel", measure_median(known, TURNS) * 1e3, "ms", cold * 1e3,
                  "the cold one");
}

/* --- arrays ---------------------------------------------------------------------------------------------------------
 */

static void
give_up(const char *what)
{
    fprintf(stderr, "kernels: %s\n", what);
    exit(1);
}

/* n doubles from 0 to 1, all touched. */
static driver_array_t
array(int64_t n)
{
    static uint64_t files;
    driver_array_t self = {.size = (size_t)n * sizeof(double), .writable = -1};
    shape_t shape = {.ndim = 1, .extent = {n}};
    char path[64];
    if (!pages || self.size < HUGE_PAGE || huge_pages_file(pages, self.size, &self.writable, NULL)) {
        self.writable = memfd_create("array", MFD_CLOEXEC);
        if (self.writable < 0 || ftruncate(self.writable, (off_t)self.size))
            give_up("no memory file for an array");
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", self.writable);
    self.data = mmap(NULL, self.size, PROT_READ | PROT_WRITE, MAP_SHARED, self.writable, 0);
    self.array.fd = open(path, O_RDONLY | O_CLOEXEC);
    if (self.data == MAP_FAILED || self.array.fd < 0)
        give_up("an array cannot be mapped");
    self.array.fd_size = (int64_t)self.size;
    self.array.segment = ++files;
    nd_init(&self.array.nd, self.data, DTYPE_FLOAT64, &shape);
    for (int64_t i = 0; i < n; i++)
        ((double *)(void *)self.data)[i] = (double)i / (double)n;
    return self;
}

/* --- loops in C -----------------------------------------------------------------------------------------------------
 */

/* What they work on: three inputs and a result of n doubles, for two threads. */
typedef struct {
    const double *x, *y, *z;
    double *out;
    int64_t n;
} bare_t;

static void
bare_exp_sin(void *context, int64_t part)
{
    const bare_t *self = context;
    (void)part;
    for (int64_t i = 0; i < self->n; i++)
        self->out[i] = exp(self->x[i]) * sin(self->x[i]);
}

static void
bare_axpy(void *context, int64_t part)
{
    const bare_t *self = context;
    (void)part;
    for (int64_t i = 0; i < self->n; i++)
        self->out[i] = self->x[i] * 2.5 + self->y[i];
}

/* One half of the array, past the cache where we know how. */
#if defined(__x86_64__)
__attribute__((target("avx2")))
#endif
static void
bare_mul_add(void *context, int64_t part)
{
    const bare_t *self = context;
    int64_t half = self->n / 16 * 8, i = part ? half : 0, end = part ? self->n : half;
#if defined(__x86_64__)
    for (; i + 4 <= end; i += 4) {
        __m256d product = _mm256_mul_pd(_mm256_loadu_pd(self->x + i), _mm256_loadu_pd(self->y + i));
        _mm256_stream_pd(self->out + i, _mm256_add_pd(product, _mm256_loadu_pd(self->z + i)));
    }
    _mm_sfence();
#endif
    for (; i < end; i++)
        self->out[i] = self->x[i] * self->y[i] + self->z[i];
}

/* --- calls ----------------------------------------------------------------------------------------------------------
 */

typedef struct {
    runner_host_t *host;
    oid_t session;
    uint32_t kernel;
    driver_array_t in[MANY], out;
    int nin;
} calls_t;

static void
make_arrays(calls_t *self, int nin, int64_t n)
{
    self->nin = nin;
    for (int k = 0; k < nin; k++)
        self->in[k] = array(n);
    self->out = array(n);
}

static void
free_arrays(calls_t *self)
{
    for (int k = 0; k < self->nin; k++)
        driver_array_free(&self->in[k]);
    driver_array_free(&self->out);
}

static double
call_once(calls_t *self)
{
    driver_done_t done;
    int64_t began = clock_now_ns();
    must(driver_run(self->host, self->session, self->kernel, self->in, self->nin, &self->out, 60, &done), &done.err);
    return measure_seconds(began);
}

static double
call_many(calls_t *self, int turns)
{
    double *values = calloc((size_t)turns, sizeof *values);
    for (int i = 0; values && i < turns; i++)
        values[i] = call_once(self);
    double result = values ? measure_median(values, turns) : 0;
    free(values);
    return result;
}

/* The kernel and the loop in C in turn, over n elements: what each takes for an element, and what part of the loop's
 * speed the kernel has. */
static void
compare(calls_t *self, const char *name, int64_t n, void (*loop)(void *, int64_t), int parts, const char *loop_name)
{
    double ours[PAIRS], bare[PAIRS], ratio[PAIRS];
    crew_t *crew = NULL;
    err_t err = {0};
    const double *in[MANY] = {NULL};
    for (int k = 0; k < self->nin; k++)
        in[k] = (const double *)(const void *)self->in[k].data;
    bare_t context = {in[0], in[1], in[2], (double *)(void *)self->out.data, n};
    must(crew_new(&crew, parts, &err), &err);
    for (int i = 0; i < PAIRS; i++) {
        int64_t began = clock_now_ns();
        crew_run(crew, parts, loop, &context);
        bare[i] = measure_seconds(began) / (double)n * 1e9;
        ours[i] = call_once(self) / (double)n * 1e9;
        ratio[i] = bare[i] / ours[i];
    }
    crew_destroy(&crew);
    char text[128];
    measure_print("kernels", name, measure_median(ours, PAIRS), "ns/elt", measure_median(bare, PAIRS), loop_name);
    snprintf(text, sizeof text, "%s: speed beside the loop", name);
    measure_print("kernels", text, measure_median(ratio, PAIRS), "ratio", 0, NULL);
}

static void
compile_for(calls_t *self, const char *text, const kernel_options_t *options)
{
    driver_compiled_t kernel;
    must(driver_compile_with(self->host, self->session, text, strlen(text), options, &kernel), &kernel.err);
    self->kernel = kernel.kernel;
}

static void
bench_math(calls_t *self)
{
    static const struct {
        const char *name;
        kernel_options_t options;
    } CASES[] = {{"exp(x)*sin(x)", {0}},
                 {"exp(x)*sin(x), exact", {.exact = true}},
                 {"exp(x)*sin(x), fastmath", {.fastmath = true}}};
    make_arrays(self, 1, LARGE);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        compile_for(self, EXP_SIN, &CASES[i].options);
        compare(self, CASES[i].name, LARGE, bare_exp_sin, 1, "scalar libm loop in C, 1 thread");
    }
    free_arrays(self);
}

static void
bench_calls(int threads, double cold)
{
    calls_t calls = {.host = driver_host_threads(threads), .session = oid_new()};
    char name[64];
    driver_wait_spare(calls.host);
    driver_compiled_t kernel;
    if (threads == 1)
        bench_compile(calls.host, calls.session, cold);
    compile_text(calls.host, calls.session, 1, &kernel);
    calls.kernel = kernel.kernel;
    make_arrays(&calls, 2, SMALL);
    snprintf(name, sizeof name, "call, one element, %d threads", threads);
    measure_print("kernels", name, call_many(&calls, 2000) * 1e6, "us", 0, NULL);
    free_arrays(&calls);
    make_arrays(&calls, 2, LARGE);
    snprintf(name, sizeof name, "axpy of 32 MiB, %d threads", threads);
    compare(&calls, name, LARGE, bare_axpy, 1, "the loop in C, 1 thread");
    free_arrays(&calls);
    huge_pages_t *huge = pages;
    pages = NULL;
    make_arrays(&calls, 2, LARGE);
    pages = huge;
    snprintf(name, sizeof name, "axpy of 32 MiB on small pages, %d threads", threads);
    compare(&calls, name, LARGE, bare_axpy, 1, "the loop in C, 1 thread");
    free_arrays(&calls);
    if (threads == 1)
        bench_math(&calls);
    if (threads == 2) {
        compile_for(&calls, MUL_ADD, &(kernel_options_t){0});
        make_arrays(&calls, 3, LONG);
        compare(&calls, "x*y+z of 1e8, 2 threads", LONG, bare_mul_add, 2, "loop in C past the cache, 2 threads");
        free_arrays(&calls);
    }
    runner_host_destroy(&calls.host);
}

int
main(void)
{
    err_t err = {0};
    if (huge_pages_new(&pages, (int64_t)8 << 30, &err))
        fprintf(stderr, "kernels: small pages: %s\n", err.text);
    double cold = cold_compile();
    bench_calls(1, cold);
    bench_calls(2, cold);
    huge_pages_destroy(&pages);
    return 0;
}
