/* Small modules that keep a compiler busy: each compiles or ends in an error within 12 seconds, in bounded memory, and
 * another session hardly notices. */
#include "driver.h"
#include "tests/fault/bombs.h"
#include "tests/fault/campaign.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t LIMIT_NS = 12000000000, MEMORY_MAX = (int64_t)4 << 30;
static const char ADD_ONE[] = "define i64 @one(i64 %x) {\n  %y = add i64 %x, 1\n  ret i64 %y\n}\n";

static struct {
    runner_host_t *host;
    oid_t neighbour;
    uint32_t one;
    driver_array_t in, out;
    driver_done_t done;
    int64_t asked_ns;
    campaign_times_t times;
} all;

static int
set_up(void **state)
{
    (void)state;
    all.host = driver_host();
    all.neighbour = oid_new();
    driver_wait_spare(all.host);
    driver_compiled_t kernel;
    if (driver_compile_text(all.host, all.neighbour, ADD_ONE, "", &kernel))
        return -1;
    all.one = kernel.kernel;
    all.in = driver_array(DTYPE_INT64, 1, (int64_t[]){100});
    all.out = driver_array(DTYPE_INT64, 1, (int64_t[]){100});
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    runner_host_destroy(&all.host);
    driver_array_free(&all.in);
    driver_array_free(&all.out);
    campaign_release(&all.times);
    return 0;
}

/* The most memory that a child of ours has. */
static int64_t
largest_child(void)
{
    pid_t children[16];
    int64_t largest = 0;
    for (int count = campaign_children(children, 16); count > 0; count--) {
        char path[64];
        long long total, resident = 0;
        snprintf(path, sizeof path, "/proc/%d/statm", (int)children[count - 1]);
        FILE *file = fopen(path, "r");
        if (file && fscanf(file, "%lld %lld", &total, &resident) == 2 && resident > largest)
            largest = resident;
        if (file)
            fclose(file);
    }
    return largest * sysconf(_SC_PAGESIZE);
}

static void
ask_neighbour(void)
{
    all.asked_ns = clock_now_ns();
    assert_int_equal(driver_start(all.host, all.neighbour, all.one, &all.in, 1, &all.out, 20, &all.done), FH_OK);
}

static void
hear_neighbour(void)
{
    if (!all.done.finished)
        return;
    assert_int_equal(all.done.status, FH_OK);
    campaign_ended(&all.times, all.asked_ns);
}

/* Turn the host until then, or until *flag. */
static void
go_on(const bool *flag, int64_t until)
{
    while (!*flag && clock_now_ns() < until) {
        struct pollfd fds[4];
        int count = runner_host_pollfds(all.host, fds, 4);
        poll(fds, (nfds_t)count, clock_remaining_ms(until, 20));
        runner_host_handle(all.host);
    }
}

static void
on_compiled(void *context, int status, const kernel_info_t *info, const err_t *err)
{
    (void)info;
    driver_compiled_t *ret = context;
    ret->finished = true;
    ret->status = status;
    if (err)
        ret->err = *err;
}

static void
set_off(const bomb_t *bomb, int64_t *peak)
{
    size_t size = 0;
    char *module = bomb_make(bomb, &size);
    assert_non_null(module);
    driver_compiled_t kernel = {.status = FH_INTERNAL};
    kernel_options_t options = {.entry = "", .signature = "", .kind = "", .layout = ""};
    uint8_t hash[32];
    oid_t session = oid_new();
    snprintf((char *)hash, sizeof hash, "%s", bomb->name);
    int64_t began = clock_now_ns(), most = 0;
    if (runner_host_compile(all.host, session, hash, module, size, &options, on_compiled, &kernel, &kernel.kernel,
                            &kernel.err))
        fail_msg("%s: refused at once: %s", bomb->name, kernel.err.text);
    free(module);
    while (!kernel.finished) {
        ask_neighbour();
        while (!all.done.finished)
            driver_turn(all.host, clock_deadline(30));
        hear_neighbour();
        int64_t now = largest_child();
        most = now > most ? now : most;
        go_on(&kernel.finished, clock_deadline(0.02));
    }
    int64_t took = clock_now_ns() - began;
    printf("%-16s %6zu KiB  %5.2f s  %5lld MiB  %s%s%.100s\n", bomb->name, size >> 10, (double)took / 1e9,
           (long long)most >> 20, status_name(kernel.status), kernel.status ? ": " : "",
           kernel.status ? kernel.err.text : "");
    assert_true(kernel.status == FH_OK || kernel.status == FH_BAD_BITCODE || kernel.status == FH_KERNEL_ERROR ||
                kernel.status == FH_KERNEL_FAULT);
    assert_true(took <= LIMIT_NS);
    *peak = most > *peak ? most : *peak;
    runner_host_forget(all.host, session);
}

static void
bombs_end_in_time_and_neighbours_go_on(void **state)
{
    (void)state;
    int count;
    int64_t peak = 0;
    const bomb_t *list = bombs(&count);
    bool everything = campaign_count(0, 1);
    for (int i = 0; i < count; i++)
        if (everything || !list[i].slow)
            set_off(&list[i], &peak);
    campaign_print(&all.times, "calls of another session");
    assert_true(peak < MEMORY_MAX);
    assert_true(campaign_kept(&all.times, 100));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bombs_end_in_time_and_neighbours_go_on),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
