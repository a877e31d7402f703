/* Real bitcode: what clang and Numba made, whole, cut short, garbled, and from the future. */
#include "suite.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

/* Bitcode of a file, or skip the test with a reason. */
static char *
bitcode(const char *folder, const char *name, size_t *ret_size)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.bc", folder, name);
    char *bytes = driver_file(path, ret_size);
    if (!bytes) {
        print_message("%s is not there: no compiler for it\n", path);
        skip();
    }
    return bytes;
}

/* Run a kernel of doubles over n elements of each input; out[i] must be what expected says. */
static void
check_doubles(oid_t session, const driver_compiled_t *kernel, double (*expected)(const double *args), double tolerance)
{
    enum { N = 1000 };
    driver_array_t in[KERNEL_MAX_ARGS], out = driver_array(DTYPE_FLOAT64, 1, (int64_t[]){N});
    for (int k = 0; k < kernel->info.nin; k++) {
        in[k] = driver_array(DTYPE_FLOAT64, 1, (int64_t[]){N});
        for (int i = 0; i < N; i++)
            ((double *)(void *)in[k].data)[i] = (i * (k + 3) % 89) * 0.5 + 1;
    }
    driver_done_t done;
    if (driver_run(suite_host, session, kernel->kernel, in, kernel->info.nin, &out, 10, &done))
        fail_msg("%s: %s", status_name(done.status), done.err.text);
    for (int i = 0; i < N; i++) {
        double args[KERNEL_MAX_ARGS];
        for (int k = 0; k < kernel->info.nin; k++)
            args[k] = ((double *)(void *)in[k].data)[i];
        assert_true(fabs(((double *)(void *)out.data)[i] - expected(args)) <= tolerance);
    }
    for (int k = 0; k < kernel->info.nin; k++)
        driver_array_free(&in[k]);
    driver_array_free(&out);
}

static double
saxpy(const double *args)
{
    return args[0] * args[1] + args[2];
}

static double
haversine(const double *args)
{
    double degree = 0.017453292519943295, a = sin((args[2] - args[0]) * degree / 2),
           b = sin((args[3] - args[1]) * degree / 2);
    return 12742.0176 * asin(sqrt(a * a + cos(args[0] * degree) * cos(args[2] * degree) * b * b));
}

static void
compile_file(oid_t session, const char *folder, const char *name, const char *signature, driver_compiled_t *ret)
{
    size_t size;
    char *bytes = bitcode(folder, name, &size);
    if (driver_compile(suite_host, session, bytes, size, "", signature, "", ret))
        fail_msg("%s: %s: %s", name, status_name(ret->status), ret->err.text);
    free(bytes);
}

static void
clang_ufuncs_compute(void **state)
{
    (void)state;
    oid_t session = oid_new();
    driver_compiled_t kernel;
    compile_file(session, FH_EXAMPLES_FOLDER, "saxpy", "", &kernel);
    assert_non_null(strstr(kernel.info.producer, "LLVM"));
    check_doubles(session, &kernel, saxpy, 1e-12);
    compile_file(session, FH_EXAMPLES_FOLDER, "haversine", "double(double, double, double, double)", &kernel);
    check_doubles(session, &kernel, haversine, 1e-8);
    compile_file(session, FH_EXAMPLES_FOLDER, "mandelbrot", "int32(float64, float64)", &kernel);
    assert_int_equal(kernel.info.out[0], DTYPE_INT32);
    compile_file(session, FH_EXAMPLES_FOLDER, "smooth", "float64(float64)", &kernel);
    assert_int_equal(kernel.info.kind, KERNEL_PIECE);
}

static void
every_prefix_of_a_module_is_refused(void **state)
{
    (void)state;
    size_t size;
    char *bytes = bitcode(FH_EXAMPLES_FOLDER, "haversine", &size);
    oid_t session = oid_new();
    driver_compiled_t kernel;
    for (size_t length = 0; length + 4 < size; length += 37) {
        int status = driver_compile(suite_host, session, bytes, length, "", "", "", &kernel);
        if (status != FH_BAD_BITCODE && !(length > size - 600 && (status == FH_OK || status == FH_KERNEL_ERROR)))
            fail_msg("%zu of %zu bytes: %s: %s", length, size, status_name(status), kernel.err.text);
    }
    assert_int_equal(driver_compile(suite_host, session, bytes, size, "", "", "", &kernel), FH_OK);
    free(bytes);
}

static void
garbled_modules_never_hurt_the_host(void **state)
{
    (void)state;
    size_t size;
    unsigned seed = 4711;
    print_message("seed %u\n", seed);
    char *bytes = bitcode(FH_EXAMPLES_FOLDER, "haversine", &size), *copy = malloc(size);
    assert_non_null(copy);
    for (int i = 0; i < 60; i++) {
        memcpy(copy, bytes, size);
        for (int k = rand_r(&seed) % 4; k >= 0; k--)
            copy[8 + (size_t)rand_r(&seed) % (size - 8)] = (char)rand_r(&seed);
        oid_t session = oid_new();
        driver_compiled_t kernel;
        int status = driver_compile(suite_host, session, copy, size, "", "", "", &kernel);
        if (status != FH_OK && status != FH_BAD_BITCODE && status != FH_KERNEL_ERROR && status != FH_BITCODE_TOO_NEW)
            fail_msg("mutation %d: %s: %s", i, status_name(status), kernel.err.text);
        runner_host_forget(suite_host, session);
    }
    free(copy);
    free(bytes);
}

static void
junk_is_bad_bitcode(void **state)
{
    (void)state;
    static const char *const JUNK[] = {"",
                                       "x",
                                       "hello, world",
                                       "BC",
                                       "BC\xc0\xde",
                                       ("\x7f"
                                        "ELF"),
                                       "define",
                                       "; nothing\n",
                                       "define double @f(double %x) {",
                                       "BC\xc0\xde garbage that is no module at all"};
    for (size_t i = 0; i < sizeof JUNK / sizeof *JUNK; i++) {
        driver_compiled_t kernel;
        int status = driver_compile_text(suite_host, oid_new(), JUNK[i], "", &kernel);
        if (status != FH_BAD_BITCODE && status != FH_KERNEL_ERROR)
            fail_msg("junk %zu: %s: %s", i, status_name(status), kernel.err.text);
    }
    char *large = calloc(1, (1 << 20) + 1);
    assert_non_null(large);
    memcpy(large, "BC\xc0\xde", 4);
    driver_compiled_t kernel;
    assert_int_equal(driver_compile(suite_host, oid_new(), large, (1 << 20) + 1, "", "", "", &kernel), FH_BAD_BITCODE);
    assert_non_null(strstr(kernel.err.text, "1048577"));
    free(large);
}

/* Bits, lowest first, as LLVM's bitstream has them. */
typedef struct {
    uint8_t bytes[256];
    size_t bits;
} bits_t;

static void
put(bits_t *self, uint64_t value, int width)
{
    for (int i = 0; i < width; i++, self->bits++)
        if (value >> i & 1)
            self->bytes[self->bits / 8] |= (uint8_t)(1u << self->bits % 8);
}

static void
put_variable(bits_t *self, uint64_t value, int width)
{
    uint64_t half = (uint64_t)1 << (width - 1);
    for (; value >= half; value >>= width - 1)
        put(self, (value & (half - 1)) | half, width);
    put(self, value, width);
}

static void
align(bits_t *self)
{
    self->bits = (self->bits + 31) / 32 * 32;
}

/* A module's head whose identification block names a producer. */
static void
identify(bits_t *self, const char *producer)
{
    put(self, 0xdec04342, 32);
    put(self, 1, 2);           /* a block */
    put_variable(self, 13, 8); /* of identification */
    put_variable(self, 5, 4);
    align(self);
    size_t length_at = self->bits / 8;
    put(self, 0, 32);
    put(self, 3, 5); /* a record: the producer */
    put_variable(self, 1, 6);
    put_variable(self, strlen(producer), 6);
    for (const char *c = producer; *c; c++)
        put_variable(self, (uint8_t)*c, 6);
    put(self, 3, 5); /* and the epoch */
    put_variable(self, 2, 6);
    put_variable(self, 1, 6);
    put_variable(self, 0, 6);
    put(self, 0, 5);
    align(self);
    self->bytes[length_at] = (uint8_t)((self->bits / 8 - length_at - 4) / 4);
}

static void
newer_producer_is_bitcode_too_new(void **state)
{
    (void)state;
    bits_t future = {.bits = 0};
    identify(&future, "LLVM99.1.0");
    driver_compiled_t kernel;
    assert_int_equal(driver_compile(suite_host, oid_new(), future.bytes, future.bits / 8, "", "", "", &kernel),
                     FH_BITCODE_TOO_NEW);
    assert_non_null(strstr(kernel.err.text, "LLVM99.1.0"));
    assert_non_null(strstr(kernel.err.text, runner_host_llvm(suite_host)));
    bits_t past = {.bits = 0};
    identify(&past, "LLVM3.9.0");
    assert_int_equal(driver_compile(suite_host, oid_new(), past.bytes, past.bits / 8, "", "", "", &kernel),
                     FH_BAD_BITCODE);
}

static double
axpy(const double *args)
{
    return 2.0 * args[0] + args[1];
}

static double
divide(const double *args)
{
    return args[0] / args[1];
}

static void
numba_kernels_compute_and_raise(void **state)
{
    (void)state;
    char folder[] = "/tmp/farhand-numba-XXXXXX", command[900], path[512];
    assert_non_null(mkdtemp(folder));
    snprintf(command, sizeof command, "'%s' '%s' '%s' >/dev/null 2>&1", FH_PYTHON, FH_NUMBA_SCRIPT, folder);
    int rc = system(command);
    if (!WIFEXITED(rc) || WEXITSTATUS(rc)) {
        print_message("no Numba for %s: its kernels are not tried\n", FH_PYTHON);
        rmdir(folder);
        skip();
    }
    oid_t session = oid_new();
    driver_compiled_t kernel;
    compile_file(session, folder, "axpy", "", &kernel);
    check_doubles(session, &kernel, axpy, 0);
    compile_file(session, folder, "divide", "float64(float64, float64)", &kernel);
    assert_string_equal(kernel.info.entry, "divide"); /* the wrapper needs Python, what it wraps does not */
    check_doubles(session, &kernel, divide, 0);
    driver_array_t in[2] = {driver_array(DTYPE_FLOAT64, 1, (int64_t[]){9}),
                            driver_array(DTYPE_FLOAT64, 1, (int64_t[]){9})};
    driver_array_t out = driver_array(DTYPE_FLOAT64, 1, (int64_t[]){9});
    driver_done_t done;
    assert_int_equal(driver_run(suite_host, session, kernel.kernel, in, 2, &out, 5, &done),
                     FH_KERNEL_ERROR); /* 0 / 0 */
    assert_non_null(strstr(done.err.text, "raised"));
    driver_array_free(&in[0]);
    driver_array_free(&in[1]);
    driver_array_free(&out);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s.bc", folder, i ? "axpy" : "divide");
        remove(path);
    }
    remove(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clang_ufuncs_compute),
        cmocka_unit_test(every_prefix_of_a_module_is_refused),
        cmocka_unit_test(garbled_modules_never_hurt_the_host),
        cmocka_unit_test(junk_is_bad_bitcode),
        cmocka_unit_test(newer_producer_is_bitcode_too_new),
        cmocka_unit_test(numba_kernels_compute_and_raise),
    };
    return cmocka_run_group_tests(tests, suite_start, suite_stop);
}
