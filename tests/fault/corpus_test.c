/* Every module of tests/kernels/hostile gets its verdict, plain and with checks; those of tests/kernels/good trip none.
 *
 * A file's first lines say how it is asked for and what must come of it:
 *     ; STATUS words of the error
 *     ; kind KIND SIGNATURE        optional
 *     ; signature SIGNATURE        optional
 *     ; checked STATUS words       with checks, where that is another verdict
 *     ; on files                   its arrays are mapped, not handed over in the mailbox */
#include "suite.h"
#include "tests/fault/anything.h"
#include "tests/fault/campaign.h"
#include "tests/support/check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double CALL_LIMIT_S = 0.3;

static oid_t session; /* one for all modules that leave their runner alive */
static anything_t operands;

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

typedef struct {
    char status[32], words[128];
} verdict_t;

typedef struct {
    verdict_t plain, checked;
    char kind[16], signature[128];
    bool on_files;
} wish_t;

static void
read_wish(const char *text, wish_t *ret)
{
    *ret = (wish_t){0};
    if (sscanf(text, "; %31s%*1[ ]%127[^\n]", ret->plain.status, ret->plain.words) < 1)
        fail_msg("no verdict in the first line");
    for (const char *line = strchr(text, '\n'); line && line[1] == ';'; line = strchr(line + 1, '\n')) {
        sscanf(line + 1, "; kind %15s%*1[ ]%127[^\n]", ret->kind, ret->signature);
        sscanf(line + 1, "; signature %127[^\n]", ret->signature);
        sscanf(line + 1, "; checked %31s%*1[ ]%127[^\n]", ret->checked.status, ret->checked.words);
        ret->on_files |= !strncmp(line + 1, "; on files\n", strlen("; on files\n"));
    }
    if (!*ret->checked.status)
        ret->checked = ret->plain;
}

/* The operands on the heap, moved into files. */
static void
call_on_files(uint32_t kernel, driver_done_t *done)
{
    driver_array_t arrays[ANYTHING_MAX];
    runner_array_t moved[ANYTHING_MAX];
    runner_call_t call = operands.call;
    int count = call.nin + call.nout;
    for (int i = 0; i < count; i++) {
        const nd_t *nd = &operands.operands[i].nd;
        arrays[i] = driver_array(nd->dtype, nd->shape.ndim, nd->shape.extent);
        moved[i] = arrays[i].array;
        if (i >= call.nin)
            moved[i].fd = arrays[i].writable;
    }
    call.operands = moved;
    done->status = driver_start_with(suite_host, session, kernel, &call, done);
    if (!done->status)
        driver_wait(suite_host, &done->finished);
    for (int i = 0; i < count; i++)
        driver_array_free(&arrays[i]);
}

static void
call_kernel(const driver_compiled_t *kernel, bool on_files, driver_done_t *done)
{
    assert_true(anything_prepare(&operands, &kernel->info));
    operands.call.deadline_ns = clock_deadline(CALL_LIMIT_S);
    if (on_files) {
        call_on_files(kernel->kernel, done);
        return;
    }
    done->status = driver_start_with(suite_host, session, kernel->kernel, &operands.call, done);
    if (!done->status)
        driver_wait(suite_host, &done->finished);
    assert_true(anything_is_intact(&operands, done->status != FH_OK));
}

/* What becomes of a module; its error's text in a static buffer. */
static int
try_module(const char *text, size_t size, const wish_t *wish, bool debug, const char **ret_reason)
{
    static char reason[ERR_TEXT_MAX];
    driver_compiled_t kernel;
    driver_done_t done = {.status = FH_OK};
    kernel_options_t options = {.signature = wish->signature, .kind = wish->kind, .debug = debug};
    if (!driver_compile_with(suite_host, session, text, size, &options, &kernel))
        call_kernel(&kernel, wish->on_files, &done);
    int status = kernel.status ? kernel.status : done.status;
    snprintf(reason, sizeof reason, "%s", kernel.status ? kernel.err.text : status ? done.err.text : "");
    *ret_reason = reason;
    return status;
}

/* 1: it was another verdict. */
static int
check_module(const char *folder, const char *name, bool debug)
{
    char path[512];
    snprintf(path, sizeof path, FH_KERNELS_FOLDER "/%s/%s", folder, name);
    size_t size = 0;
    char *text = driver_file(path, &size);
    assert_non_null(text);
    wish_t wish;
    read_wish(text, &wish);
    const verdict_t *verdict = debug ? &wish.checked : &wish.plain;
    const char *reason;
    int status = try_module(text, size, &wish, debug, &reason);
    free(text);
    /* Checks may find in other words what a signal would have said. */
    bool other_words = debug && status == FH_KERNEL_FAULT && !strcmp(wish.checked.words, wish.plain.words);
    if (!strcmp(status_name(status), verdict->status) && (!status || other_words || strstr(reason, verdict->words)))
        return 0;
    print_error("%s%s: wanted %s \"%s\", got %s \"%s\"\n", name, debug ? " with checks" : "", verdict->status,
                verdict->words, status_name(status), reason);
    return 1;
}

static void
check_folder(const char *name, bool debug, int least)
{
    char path[512];
    snprintf(path, sizeof path, FH_KERNELS_FOLDER "/%s", name);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    int count = 0, wrong = 0;
    for (struct dirent *entry; (entry = readdir(folder));)
        if (strstr(entry->d_name, ".ll")) {
            wrong += check_module(name, entry->d_name, debug);
            count++;
        }
    closedir(folder);
    printf("%s: %d modules%s, %d wrong\n", name, count, debug ? " with checks" : "", wrong);
    assert_int_equal(wrong, 0);
    assert_true(count >= least);
}

static void
hostile_modules_get_their_verdicts(void **state)
{
    (void)state;
    check_folder("hostile", false, 80);
}

static void
hostile_modules_get_their_verdicts_with_checks(void **state)
{
    (void)state;
    check_folder("hostile", true, 80);
}

static const struct {
    const char *file, *entry, *kind, *signature, *layout;
} GOOD[] = {
    {"arrays.ll", "twice", "array", "", ""},
    {"arrays.ll", "first_only", "array", "", ""},
    {"arrays.ll", "product", "gufunc", "void(float64[:,:], float64[:,:], float64[:,:])", "(m,k),(k,n)->(m,n)"},
    {"numbers.ll", "add2", "ufunc", "", ""},
    {"numbers.ll", "scale", "piece", "void(float64*, float64*, int64)", ""},
    {"sums.ll", "total", "reduction", "", ""},
    {"sums.ll", "largest", "reduction", "", ""},
    {"sums.ll", "mean", "reduction", "", ""},
};

static void
check_good(const char *file, const kernel_options_t *options)
{
    char path[512];
    snprintf(path, sizeof path, FH_KERNELS_FOLDER "/good/%s", file);
    size_t size = 0;
    char *text = driver_file(path, &size);
    assert_non_null(text);
    driver_compiled_t kernel;
    driver_done_t done = {.status = FH_OK};
    if (driver_compile_with(suite_host, session, text, size, options, &kernel))
        fail_msg("%s of %s: %s", options->entry, file, kernel.err.text);
    call_kernel(&kernel, false, &done);
    if (done.status)
        fail_msg("%s of %s: %s", options->entry, file, done.err.text);
    free(text);
}

static void
good_modules_trip_no_check(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++)
        check_good(GOOD[i].file, &(kernel_options_t){.entry = GOOD[i].entry,
                                                     .kind = GOOD[i].kind,
                                                     .signature = GOOD[i].signature,
                                                     .layout = GOOD[i].layout,
                                                     .debug = true});
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_modules_get_their_verdicts),
        cmocka_unit_test(hostile_modules_get_their_verdicts_with_checks),
        cmocka_unit_test(good_modules_trip_no_check),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
