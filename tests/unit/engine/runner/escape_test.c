/* A real runner from inside: it is made to link and run machine code that tries to get out.  And a runner that cannot
 * be walled in, which must not start. */
#include "driver.h"
#include "engine/runner_dispatch.h"
#include "tests/support/check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <seccomp.h>

static const char INNOCENT[] = "define i64 @innocent(i64 %x) {\n  ret i64 %x\n}\n";

static const char *const CALLS[] = {
#define ATTEMPT(name, a, b, c, d, e, f) #name,
#include "escape.def"
#undef ATTEMPT
};

static char folder[PATH_MAX];

static int
set_up(void **state)
{
    (void)state;
    check_folder_make(folder);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    check_folder_remove(folder);
    return 0;
}

/* The code that the engine believes to be what an earlier one has made of INNOCENT. */
static void
plant(runner_host_t *host, const uint8_t hash[32], const kernel_options_t *options)
{
    uint8_t key[KERNEL_KEY_SIZE];
    err_t err = {0};
    size_t size = 0;
    char *object = driver_file(FH_ESCAPE_OBJECT, &size);
    assert_true(object && size > 100 && host->spare && host->spare->ready);
    cached_code_t code = {
        .fd = open(FH_ESCAPE_OBJECT, O_RDONLY | O_CLOEXEC),
        .size = (uint32_t)size,
        .symbol = "farhand.escape",
        .about = {
            .entry = "innocent", .kind = KERNEL_UFUNC, .nin = 1, .nout = 1, .in = {DTYPE_INT64}, .out = {DTYPE_INT64}}};
    kernel_cache_key(&host->spare->maker, hash, options, key);
    check_ok(kernel_cache_keep(host->cache, key, &code, &err), err);
    close(code.fd);
    free(object);
}

typedef struct {
    bool finished;
    int status;
    bool cached;
} answer_t;

static void
on_compiled(void *context, int status, const kernel_info_t *info, const err_t *err)
{
    answer_t *answer = context;
    *answer = (answer_t){.finished = true, .status = status, .cached = info && info->cached};
    if (err)
        print_message("%s\n", err->text);
}

static void
nothing_forbidden_is_got_from_inside_a_runner(void **state)
{
    (void)state;
    kernel_options_t options = {.entry = "", .signature = "", .kind = "", .layout = ""};
    runner_host_t *host = driver_host_keeping(check_path(folder, "kernels"));
    const size_t attempts = sizeof CALLS / sizeof *CALLS;
    uint8_t hash[32] = {1};
    driver_wait_spare(host);
    plant(host, hash, &options);
    for (size_t i = 0; i < attempts; i++) {
        oid_t session = oid_new();
        int64_t which = (int64_t)i, result = 0;
        answer_t answer = {0};
        uint32_t kernel;
        err_t err = {0};
        check_ok(runner_host_compile(host, session, hash, INNOCENT, sizeof INNOCENT - 1, &options, on_compiled, &answer,
                                     &kernel, &err),
                 err);
        driver_wait(host, &answer.finished);
        assert_true(answer.status == FH_OK && answer.cached);
        runner_array_t operands[2] = {{.fd = -1}, {.fd = -1}};
        nd_init(&operands[0].nd, (char *)&which, DTYPE_INT64, &(shape_t){.ndim = 0});
        nd_init(&operands[1].nd, (char *)&result, DTYPE_INT64, &(shape_t){.ndim = 0});
        runner_call_t call = {
            .operands = operands, .nin = 1, .nout = 1, .axis = -1, .piece = -1, .deadline_ns = clock_deadline(20)};
        driver_done_t done;
        assert_int_equal(driver_start_with(host, session, kernel, &call, &done), FH_OK);
        driver_wait(host, &done.finished);
        char wanted[64];
        snprintf(wanted, sizeof wanted, ", %s", CALLS[i]);
        const char *found = strstr(done.err.text, wanted);
        if (done.status != FH_KERNEL_FAULT || done.err.signal != SIGSYS || !found || found[strlen(wanted)] != '\0')
            fail_msg("%s: %s, result %lld, \"%s\"", CALLS[i], status_name(done.status), (long long)result,
                     done.status ? done.err.text : "");
        runner_host_forget(host, session);
    }
    print_message("%zu forbidden calls were refused\n", attempts);
    runner_host_destroy(&host);
}

/* ---- no wall
 * ---------------------------------------------------------------------------------------------------------
 */

typedef enum { NO_LANDLOCK, NO_SECCOMP } lack_t;

/* From now on this process and its children have a kernel without that. */
static bool
take_away(lack_t lack)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int rc = filter ? 0 : -ENOMEM;
    if (!rc && lack == NO_LANDLOCK)
        rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(landlock_create_ruleset), 0);
    if (!rc && lack == NO_SECCOMP)
        rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(seccomp), 0);
    if (!rc && lack == NO_SECCOMP)
        rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 1,
                              SCMP_CMP(0, SCMP_CMP_EQ, PR_SET_SECCOMP, 0));
    if (!rc)
        rc = seccomp_load(filter);
    if (filter)
        seccomp_release(filter);
    return !rc;
}

enum { GOOD = 0, NO_FILTER = 10, NOT_REFUSED, NOT_SAID, NOT_ALLOWED, NOT_TOLD };

static int
try_to_live_without(lack_t lack, const char *name)
{
    driver_compiled_t kernel;
    if (!take_away(lack))
        return NO_FILTER;
    runner_host_t *host = driver_host();
    if (driver_compile_text(host, oid_new(), INNOCENT, "", &kernel) != FH_PERMISSION)
        return NOT_REFUSED;
    if (!strstr(kernel.err.text, name) || !strstr(kernel.err.text, "--unsafe-no-sandbox"))
        return NOT_SAID;
    runner_host_destroy(&host);
    host = driver_host_unsafe();
    if (driver_compile_text(host, oid_new(), INNOCENT, "", &kernel))
        return NOT_ALLOWED;
    const char *sandbox = runner_host_sandbox(host);
    if (strstr(sandbox, lack == NO_LANDLOCK ? "landlock" : "seccomp") ||
        !strstr(sandbox, lack == NO_LANDLOCK ? "seccomp" : "landlock"))
        return NOT_TOLD;
    runner_host_destroy(&host);
    return GOOD;
}

static void
must_not_start_without(lack_t lack, const char *name)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (!pid)
        _exit(try_to_live_without(lack, name));
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), GOOD);
}

static void
runner_without_landlock_does_not_start(void **state)
{
    (void)state;
    must_not_start_without(NO_LANDLOCK, "Landlock");
}

static void
runner_without_seccomp_does_not_start(void **state)
{
    (void)state;
    must_not_start_without(NO_SECCOMP, "seccomp");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(nothing_forbidden_is_got_from_inside_a_runner),
        TEST(runner_without_landlock_does_not_start),
        TEST(runner_without_seccomp_does_not_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
