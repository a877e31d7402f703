/* Good modules with some bytes changed: whatever becomes of them, it is a result or an error in time, and the host
 * lives.  FARHAND_MUTANT=N runs only that one, of the seed that is printed. */
#include "codecs/sha256.h"
#include "driver.h"
#include "tests/fault/anything.h"
#include "tests/fault/campaign.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 3, PER_SESSION = 200, CALL_LIMIT_MS = 300 };

static const struct {
    const char *file, *entry, *signature, *kind, *layout;
} SOURCES[] = {
    {"producers/bitcode/clang-16/ufunc.bc", "ufunc_float64", "", "ufunc", ""},
    {"producers/bitcode/clang-13/ufunc.bc", "ufunc_uint16", "uint16(uint16, uint16, uint16)", "ufunc", ""},
    {"producers/bitcode/clang-22-O1/ufunc.bc", "ufunc_complex128", "", "ufunc", ""},
    {"producers/bitcode/rustc/kernels.bc", "ufunc_float32", "", "ufunc", ""},
    {"producers/bitcode/flang-22/kernels.bc", "ufunc_float64", "", "ufunc", ""},
    {"producers/bitcode/clang-19/piece.bc", "piece_float32", "void(float32*, float32*, int64)", "piece", ""},
    {"producers/bitcode/clang-15/piece.bc", "piece_int64", "void(int64*, int64*, int64)", "piece", ""},
    {"producers/bitcode/clang-22-O1/array.bc", "array_float64", "void(float64[:,:], float64[:,:])", "array", ""},
    {"producers/bitcode/clang-13-O0/array.bc", "array_int32", "void(int32[:,:], int32[:,:])", "array", ""},
    {"producers/bitcode/clang-22-O1/gufunc.bc", "gufunc_float64", "void(float64[:], float64[:], float64)", "gufunc",
     "(n),(n)->()"},
    {"producers/bitcode/clang-14/gufunc.bc", "gufunc_uint8", "void(uint8[:], uint8[:], uint8)", "gufunc",
     "(n),(n)->()"},
    {"producers/bitcode/clang-22-O1/reduction.bc", "product_float64", "float64(float64)", "reduction", ""},
    {"producers/bitcode/clang-16/reduction.bc", "product_int16", "int16(int16)", "reduction", ""},
    {"kernels/good/sums.ll", "mean", "", "reduction", ""},
    {"kernels/good/arrays.ll", "twice", "", "array", ""},
};
enum { SOURCE_COUNT = sizeof SOURCES / sizeof *SOURCES };

typedef struct {
    bool busy, calling, spent; /* spent: its session has had enough */
    oid_t session;
    int index, used;
    int64_t began_ns;
    uint32_t kernel;
    anything_t operands;
} slot_t;

static struct {
    runner_host_t *host;
    char *bytes[SOURCE_COUNT];
    size_t sizes[SOURCE_COUNT];
    uint64_t seed;
    bool ending;
    slot_t slots[SLOTS];
    int compiled, refused, crashed, slow, ran, ran_wrong, ran_long, ended;
    campaign_times_t times;
} all;

/* Not while the host is torn down after that. */
static void
wrong(const slot_t *slot, const char *what, int status, const err_t *err)
{
    if (!all.ending)
        fail_msg("FARHAND_MUTANT=%d of %s: %s: %s \"%s\"", slot->index, SOURCES[slot->index % (int)SOURCE_COUNT].file,
                 what, status_name(status), err ? err->text : "");
}

static void
end(slot_t *slot)
{
    campaign_ended(&all.times, slot->began_ns);
    if (clock_now_ns() - slot->began_ns > 1000000000)
        printf("FARHAND_MUTANT=%d took %.1f s\n", slot->index, (double)(clock_now_ns() - slot->began_ns) / 1e9);
    slot->busy = false;
    slot->spent |= ++slot->used % (int)PER_SESSION == 0;
    all.ended++;
}

static void
on_called(void *context, int status, unsigned raised, const err_t *err)
{
    (void)raised;
    slot_t *slot = context;
    int *count = status == FH_OK               ? &all.ran
                 : status == FH_KERNEL_TIMEOUT ? &all.ran_long
                 : status == FH_KERNEL_FAULT || status == FH_KERNEL_ERROR || status == FH_KERNEL_POISONED
                     ? &all.ran_wrong
                     : NULL;
    if (!count)
        wrong(slot, "called", status, err);
    else
        ++*count;
    if (!anything_is_intact(&slot->operands, status != FH_OK))
        wrong(slot, "memory beside its outputs was written", status, err);
    end(slot);
}

static void
on_compiled(void *context, int status, const kernel_info_t *info, const err_t *err)
{
    slot_t *slot = context;
    if (status) {
        int *count = err && strstr(err->text, "took longer than")  ? &all.slow
                     : err && strstr(err->text, "did not survive") ? &all.crashed
                     : status == FH_BAD_BITCODE || status == FH_BITCODE_TOO_NEW || status == FH_KERNEL_ERROR
                         ? &all.refused
                         : NULL;
        if (!count)
            wrong(slot, "compiled", status, err);
        else
            ++*count;
        end(slot);
        return;
    }
    all.compiled++;
    slot->calling = anything_prepare(&slot->operands, info);
    if (!slot->calling)
        end(slot);
}

static uint64_t
state_of(int index)
{
    uint64_t state = all.seed ^ (uint64_t)index << 32;
    check_random(&state);
    return state;
}

/* The source with 1 to 4 bytes changed. */
static char *
make_mutant(int index, size_t *ret_size)
{
    int source = index % (int)SOURCE_COUNT;
    uint64_t state = state_of(index);
    char *mutant = malloc(all.sizes[source]);
    assert_non_null(mutant);
    memcpy(mutant, all.bytes[source], all.sizes[source]);
    int flips = 1 + (int)(check_random(&state) % 4);
    for (int i = 0; i < flips; i++) {
        size_t at = check_random(&state) % all.sizes[source];
        mutant[at] = (char)(mutant[at] ^ (char)(1 + check_random(&state) % 255));
    }
    *ret_size = all.sizes[source];
    return mutant;
}

static void
submit(slot_t *slot, int index)
{
    int source = index % (int)SOURCE_COUNT;
    size_t size;
    char *mutant = make_mutant(index, &size);
    uint8_t hash[SHA256_SIZE];
    err_t err = {0};
    kernel_options_t options = {.entry = SOURCES[source].entry,
                                .signature = SOURCES[source].signature,
                                .kind = SOURCES[source].kind,
                                .layout = SOURCES[source].layout,
                                .debug = state_of(index) % 8 == 0};
    sha256(mutant, size, hash);
    slot->busy = true;
    slot->calling = false;
    slot->index = index;
    slot->began_ns = clock_now_ns();
    int status = runner_host_compile(all.host, slot->session, hash, mutant, size, &options, on_compiled, slot,
                                     &slot->kernel, &err);
    free(mutant);
    if (status)
        on_compiled(slot, status, NULL, &err);
}

static void
call(slot_t *slot)
{
    uint64_t ticket;
    err_t err = {0};
    slot->calling = false;
    slot->operands.call.deadline_ns = clock_deadline((double)CALL_LIMIT_MS / 1e3);
    int status =
        runner_host_run(all.host, slot->session, slot->kernel, &slot->operands.call, on_called, slot, &ticket, &err);
    if (status)
        wrong(slot, "calling it was refused", status, &err);
}

/* Requests are made here, not in callbacks. */
static void
advance(slot_t *slot, int *next, int last)
{
    if (slot->calling)
        call(slot);
    if ((slot->spent && !slot->busy) || oid_equal(slot->session, (oid_t){0})) {
        runner_host_forget(all.host, slot->session);
        slot->session = oid_new();
        slot->spent = false;
    }
    while (!slot->busy && *next < last)
        submit(slot, (*next)++);
}

static bool
any_busy(void)
{
    for (int i = 0; i < SLOTS; i++)
        if (all.slots[i].busy)
            return true;
    return false;
}

static void
mutants_end_in_results_or_errors(void **state)
{
    (void)state;
    const char *only = getenv("FARHAND_MUTANT");
    int next = only ? (int)strtol(only, NULL, 10) : 0, first = next,
        last = only ? next + 1 : campaign_count(1000, 20000);
    int64_t longest = clock_deadline(3600);
    do {
        for (int i = 0; i < SLOTS; i++)
            advance(&all.slots[i], &next, last);
        if (any_busy())
            driver_turn(all.host, longest);
        for (int i = 0; i < SLOTS; i++)
            if (all.slots[i].busy && clock_now_ns() - all.slots[i].began_ns > 15000000000)
                wrong(&all.slots[i], "nothing came of it in 15 s", FH_INTERNAL, NULL);
    } while (next < last || any_busy());
    assert_int_equal(all.ended, last - first);
    printf("%d mutants: %d refused, %d crashed the compiler, %d compiled too long; %d compiled, of which %d ran, %d "
           "ended in an "
           "error, %d at their time limit\n",
           all.ended, all.refused, all.crashed, all.slow, all.compiled, all.ran, all.ran_wrong, all.ran_long);
    campaign_print(&all.times, "mutants");
    assert_true(only || all.compiled > all.ended / 100);
    assert_true(only || all.refused > all.ended / 100);
}

static int
set_up(void **state)
{
    (void)state;
    all.seed = check_seed();
    for (int i = 0; i < (int)SOURCE_COUNT; i++) {
        char path[512];
        snprintf(path, sizeof path, FH_TESTS_FOLDER "/%s", SOURCES[i].file);
        all.bytes[i] = driver_file(path, &all.sizes[i]);
        if (!all.bytes[i] || !all.sizes[i]) {
            fprintf(stderr, "no file %s\n", path);
            return -1;
        }
    }
    all.host = driver_host();
    driver_wait_spare(all.host);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    all.ending = true;
    runner_host_destroy(&all.host);
    for (int i = 0; i < (int)SOURCE_COUNT; i++)
        free(all.bytes[i]);
    campaign_release(&all.times);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mutants_end_in_results_or_errors),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
