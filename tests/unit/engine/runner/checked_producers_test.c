/* Kernels of every producer with checks: what they compute is what they compute without, and no check trips. */
#include "suite.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 40, ROWS = 8, COLUMNS = 5 };

static oid_t session; /* one for all: a runner costs more than a kernel */

static int
set_up(void **state)
{
    suite_start(state);
    session = oid_new();
    return 0;
}

static int
tear_down(void **state)
{
    suite_stop(state);
    return 0;
}

/* How the kernels of tests/producers are asked for and called: %s is the dtype. */
typedef struct {
    const char *kind, *entry, *signature, *layout;
    int nin, ndim_in, ndim_out;
    fold_stage_t stage;
} kind_t;

static const kind_t KINDS[] = {
    {"ufunc", "ufunc_%s", "%s(%s, %s, %s)", "", 3, 1, 1, FOLD_NONE},
    {"piece", "piece_%s", "void(%s*, %s*, int64)", "", 1, 1, 1, FOLD_NONE},
    {"array", "array_%s", "void(%s[:,:], %s[:,:])", "", 1, 2, 2, FOLD_NONE},
    {"gufunc", "gufunc_%s", "void(%s[:], %s[:], %s)", "(n),(n)->()", 2, 2, 1, FOLD_NONE},
    {"reduction", "product_%s", "%s(%s)", "", 1, 1, 0, FOLD_ALL},
};

/* The text with every %s replaced. */
static void
fill_in(char *ret, size_t size, const char *text, const char *dtype)
{
    size_t at = 0;
    for (; *text && at + 16 < size; text++)
        if (text[0] == '%' && text[1] == 's') {
            at += (size_t)snprintf(ret + at, size - at, "%s", dtype);
            text++;
        } else {
            ret[at++] = *text;
        }
    ret[at] = '\0';
}

static driver_array_t
new_array(dtype_t dtype, int ndim)
{
    static const int64_t EXTENTS[3][2] = {{0, 0}, {N, 0}, {ROWS, COLUMNS}};
    return driver_array(dtype, ndim, EXTENTS[ndim]);
}

/* Small numbers that are exact in every dtype and whose products stay finite. */
static void
fill(driver_array_t *array, dtype_t dtype)
{
    for (size_t i = 0; i < array->size / dtype_size(dtype); i++) {
        void *at = array->data + i * dtype_size(dtype);
        double value = i % 3 ? 1 : 0.5;
        float single = (float)value;
        uint16_t half = i % 3 ? 0x3c00 : 0x3800;
        if (dtype == DTYPE_FLOAT64 || dtype == DTYPE_COMPLEX128)
            memcpy(at, &value, sizeof value);
        else if (dtype == DTYPE_FLOAT32 || dtype == DTYPE_COMPLEX64)
            memcpy(at, &single, sizeof single);
        else if (dtype == DTYPE_FLOAT16)
            memcpy(at, &half, sizeof half);
        else
            *(char *)at = (char)(i % 2);
    }
}

/* Compile and call; *ret_out gets the result.  The text of the error, or "". */
static const char *
run(const kind_t *kind, const char *bitcode, size_t size, dtype_t dtype, bool debug, driver_array_t *ret_out)
{
    static char text[ERR_TEXT_MAX + 32];
    char entry[64], signature[128];
    fill_in(entry, sizeof entry, kind->entry, dtype_name(dtype));
    fill_in(signature, sizeof signature, kind->signature, dtype_name(dtype));
    kernel_options_t options = {
        .entry = entry, .signature = signature, .kind = kind->kind, .layout = kind->layout, .debug = debug};
    driver_compiled_t kernel;
    driver_done_t done = {.status = FH_OK};
    *ret_out = new_array(dtype, kind->ndim_out);
    if (kind->layout[0]) { /* one result for each row */
        driver_array_free(ret_out);
        *ret_out = driver_array(dtype, 1, (int64_t[]){ROWS});
    }
    text[0] = '\0';
    if (driver_compile_with(suite_host, session, bitcode, size, &options, &kernel)) {
        snprintf(text, sizeof text, "compiling: %s", kernel.err.text);
        return text;
    }
    driver_array_t in[3];
    runner_array_t operands[4];
    for (int k = 0; k < kind->nin; k++) {
        in[k] = new_array(dtype, kind->ndim_in);
        fill(&in[k], dtype);
        operands[k] = in[k].array;
    }
    operands[kind->nin] = ret_out->array;
    operands[kind->nin].fd = ret_out->writable;
    runner_call_t call = {.operands = operands,
                          .nin = kind->nin,
                          .nout = 1,
                          .stage = kind->stage,
                          .axis = kind->stage ? 0 : -1,
                          .piece = -1,
                          .deadline_ns = clock_deadline(10)};
    int status = driver_start_with(suite_host, session, kernel.kernel, &call, &done);
    if (!status)
        driver_wait(suite_host, &done.finished);
    if (status || done.status)
        snprintf(text, sizeof text, "running: %s", done.err.text);
    for (int k = 0; k < kind->nin; k++)
        driver_array_free(&in[k]);
    return text;
}

/* 1: compared; 0: there is no such kernel. */
static int
compare(const kind_t *kind, const char *producer, const char *bitcode, size_t size, dtype_t dtype)
{
    driver_array_t plain, checked;
    bool there = !*run(kind, bitcode, size, dtype, false, &plain);
    if (there) {
        const char *said = run(kind, bitcode, size, dtype, true, &checked);
        if (*said)
            fail_msg("%s, %s of %s: %s", producer, kind->kind, dtype_name(dtype), said);
        if (memcmp(plain.data, checked.data, plain.size) != 0)
            fail_msg("%s, %s of %s: the results differ", producer, kind->kind, dtype_name(dtype));
        driver_array_free(&checked);
    }
    driver_array_free(&plain);
    return there;
}

/* Every third dtype of one producer: others of the next. */
static int
compare_some(const kind_t *kind, const char *producer, int turn)
{
    char path[600];
    size_t size = 0;
    snprintf(path, sizeof path, "%s/%s/%s.bc", FH_PRODUCERS_FOLDER, producer, kind->kind);
    char *bitcode = driver_file(path, &size);
    if (!bitcode) { /* some have all kinds in one module */
        snprintf(path, sizeof path, "%s/%s/kernels.bc", FH_PRODUCERS_FOLDER, producer);
        bitcode = driver_file(path, &size);
    }
    if (!bitcode)
        fail_msg("%s is not there", path);
    int count = 0;
    for (int dtype = DTYPE_BOOL + turn % 3; dtype <= DTYPE_COMPLEX128; dtype += 3)
        count += compare(kind, producer, bitcode, size, (dtype_t)dtype);
    free(bitcode);
    return count;
}

static void
check_kind(const char *name)
{
    const kind_t *kind = KINDS;
    while (strcmp(kind->kind, name) != 0)
        kind++;
    DIR *folder = opendir(FH_PRODUCERS_FOLDER);
    assert_non_null(folder);
    int count = 0, producers = 0;
    for (struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] != '.')
            count += compare_some(kind, entry->d_name, producers++);
    closedir(folder);
    print_message("%d kernels of %d producers\n", count, producers);
    assert_true(producers >= 10);
    assert_true(count >= 3 * producers);
}

static void
ufuncs_agree(void **state)
{
    (void)state;
    check_kind("ufunc");
}

static void
pieces_agree(void **state)
{
    (void)state;
    check_kind("piece");
}

static void
array_kernels_agree(void **state)
{
    (void)state;
    check_kind("array");
}

static void
gufuncs_agree(void **state)
{
    (void)state;
    check_kind("gufunc");
}

static void
reductions_agree(void **state)
{
    (void)state;
    check_kind("reduction");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ufuncs_agree),  cmocka_unit_test(pieces_agree),     cmocka_unit_test(array_kernels_agree),
        cmocka_unit_test(gufuncs_agree), cmocka_unit_test(reductions_agree),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
