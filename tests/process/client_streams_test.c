/* Scatter and gather over streams: exact whatever the layout, the number of streams, and how they are sealed; progress,
 * and the end of a move at the user's wish. */
#include "base/clock.h"
#include "tests/process/cluster.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ENGINES = 2 };

static cluster_t cluster;

static int
start(void **state)
{
    (void)state;
    cluster_start_with(&cluster, ENGINES, "--trust-network");
    fh_session *session = cluster_connect(&cluster, 30); /* all engines are there */
    fh_close(&session);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    cluster_stop(&cluster);
    return 0;
}

static fh_session *
connect_far(fh_connect_options options)
{
    fh_session *session = NULL;
    fh_error error;
    options.target = cluster.client_file;
    options.host = "elsewhere";
    fh_ok(fh_connect(&session, &options, &error), error);
    return session;
}

static fh_stats
stats_of(const fh_session *session)
{
    fh_stats stats;
    fh_session_stats(session, &stats);
    return stats;
}

/* Bytes that differ from one place to the next, or (dull) mostly do not. */
static void
fill(unsigned char *bytes, size_t size, bool dull)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(dull ? i >> 13 : (i * 2654435761U) >> 24);
}

/* rows x columns of `dtype`, stored with `gap` elements between rows, or by columns. */
static void
there_and_back(fh_session *session, fh_dtype dtype, int64_t rows, int64_t columns, int64_t gap, bool by_columns,
               bool swapped, int axis, bool dull)
{
    const int64_t item = (int64_t)fh_dtype_size(dtype), shape[] = {rows, columns};
    const int64_t strides[] = {by_columns ? item : (columns + gap) * item, by_columns ? (rows + gap) * item : item};
    size_t size = (size_t)((rows + gap) * (columns + gap) * item);
    unsigned char *from = malloc(size), *to = calloc(1, size);
    fh_array *array = NULL;
    fh_error error;
    assert_non_null(from);
    assert_non_null(to);
    fill(from, size, dull);
    const fh_local local = {
        .data = from, .dtype = dtype, .ndim = 2, .shape = shape, .strides = strides, .swapped = swapped};
    fh_ok(fh_scatter(session, &local, &(fh_scatter_options){.axis = axis}, &array, &error), error);
    fh_ok(fh_gather(array, to, strides, &error), error);
    const int64_t width = dtype == FH_COMPLEX128 ? 8 : item;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) {
            int64_t at = r * strides[0] + c * strides[1];
            if (!swapped && memcmp(from + at, to + at, (size_t)item) == 0)
                continue;
            for (int64_t b = 0; b < item; b++)
                if (from[at + b / width * width + (swapped ? width - 1 - b % width : b % width)] != to[at + b])
                    fail_msg("element %lld, %lld differs", (long long)r, (long long)c);
        }
    fh_array_free(&array);
    free(from);
    free(to);
}

static void
all_layouts(fh_session *session, bool dull)
{
    for (int axis = 0; axis < 2; axis++) {
        there_and_back(session, FH_FLOAT64, 1500, 1111, 0, false, false, axis, dull);
        there_and_back(session, FH_INT8, 2311, 2999, 7, false, false, axis, dull);
        there_and_back(session, FH_FLOAT64, 900, 1300, 3, true, false, axis, dull);
    }
    there_and_back(session, FH_FLOAT64, 1400, 1111, 0, false, true, 0, dull);
    there_and_back(session, FH_COMPLEX128, 700, 1111, 0, false, true, FH_WHOLE, dull);
}

static void
what_comes_back_is_what_was_sent(void **state)
{
    static const fh_connect_options ways[] = {
        {.streams = 1}, {.streams = 3}, {.streams = 2, .trust_network = 1}, {.streams = 2, .compression = "lz4"}};
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        fh_session *session = connect_far(ways[i]);
        for (int dull = 0; dull < 2; dull++)
            all_layouts(session, dull);
        assert_true(stats_of(session).array_bytes_received > 80000000);
        assert_int_equal(stats_of(session).shared_bytes, 0);
        fh_close(&session);
    }
}

static void
without_streams_bytes_go_in_messages(void **state)
{
    fh_session *session = connect_far((fh_connect_options){.streams = -1});
    (void)state;
    there_and_back(session, FH_FLOAT64, 1500, 1111, 0, false, false, 0, false);
    /* One message for each MiB, at least. */
    assert_true(stats_of(session).messages_sent > 2 * 1500 * 1111 * 8 / 1048576);
    fh_close(&session);
}

static void
unknown_compression_is_refused(void **state)
{
    fh_session *session = NULL;
    fh_error error;
    (void)state;
    fh_fails(fh_connect(&session, &(fh_connect_options){.target = cluster.client_file, .compression = "zip"}, &error),
             FH_STATUS_INVALID_ARGUMENT, error);
    check_contains(error.text, "lz4");
}

static void
plain_streams_need_both_sides(void **state)
{
    enum { COUNT = 1 << 20 };
    cluster_t careful;
    fh_session *session = NULL;
    fh_array *array = NULL;
    fh_error error;
    const int64_t count = COUNT;
    double *data = calloc(COUNT, sizeof *data);
    const fh_local local = {.data = data, .dtype = FH_FLOAT64, .ndim = 1, .shape = &count};
    (void)state;
    assert_non_null(data);
    cluster_start(&careful, 1);
    session = cluster_connect(&careful, 30);
    fh_close(&session);
    fh_ok(fh_connect(&session,
                     &(fh_connect_options){.target = careful.client_file, .host = "elsewhere", .trust_network = 1},
                     &error),
          error);
    fh_fails(fh_scatter(session, &local, NULL, &array, &error), FH_STATUS_PERMISSION, error);
    check_contains(error.text, "--trust-network");
    fh_close(&session);
    cluster_stop(&careful);
    free(data);
}

/* ---- how far it is, and its end ------------------------------------------------------------------------------------
 */

typedef struct {
    int calls, ends;
    int64_t last, bytes;
    int64_t stop_after; /* interrupt once so many bytes have moved */
    bool stopped;
} watch_t;

static void
note_progress(void *context, int64_t moved, int64_t bytes)
{
    watch_t *self = context;
    assert_true(moved >= self->last || moved == -1);
    assert_true(moved <= bytes);
    self->calls++;
    self->ends += moved == bytes || moved == -1;
    self->last = moved;
    self->bytes = bytes;
}

static int
wants_to_stop(void *context)
{
    watch_t *self = context;
    self->stopped |= self->stop_after > 0 && self->last >= self->stop_after;
    return self->stopped;
}

typedef struct {
    fh_session *session;
    int64_t limit;
} memory_t;

static bool
memory_is_back(void *context)
{
    const memory_t *self = context;
    fh_engine_info engines[ENGINES];
    int n = 0;
    int64_t used = 0;
    if (fh_engines(self->session, engines, ENGINES, &n, NULL))
        return false;
    for (int i = 0; i < n && i < ENGINES; i++)
        used += engines[i].used_bytes;
    return used <= self->limit;
}

/* Enough bytes for some seconds of any machine; stopped in their middle. */
static void
interrupted_moves_leave_nothing(void **state)
{
    enum { COUNT = 1 << 27 };
    watch_t watch = {.stop_after = 1};
    const fh_connect_options options = {
        .streams = 2, .progress = note_progress, .interrupted = wants_to_stop, .context = &watch};
    fh_session *session = connect_far(options);
    fh_array *array = NULL;
    fh_error error;
    const int64_t count = COUNT;
    unsigned char *data = calloc(COUNT, 8);
    const fh_local local = {.data = data, .dtype = FH_FLOAT64, .ndim = 1, .shape = &count};
    (void)state;
    assert_non_null(data);
    int status = FH_STATUS_OK;
    for (int i = 0; i < 20 && !status && !watch.stopped; i++) {
        watch.last = 0;
        status = fh_scatter(session, &local, NULL, &array, &error);
        fh_array_free(&array);
    }
    if (!watch.stopped) {
        print_message("skipped: this machine moves 1 GiB within the second after which progress is told\n");
        skip();
    }
    fh_fails(status, FH_STATUS_INTERRUPTED, error);
    assert_int_equal(watch.last, -1);
    assert_int_equal(watch.ends, 1);
    watch = (watch_t){.last = 0};
    there_and_back(session, FH_FLOAT64, 1000, 1111, 0, false, false, 0, false);
    fh_ok(fh_sync(session, -1, &error), error);
    memory_t memory = {session, 1 << 20};
    assert_true(check_until(memory_is_back, &memory, 10));
    fh_close(&session);
    free(data);
}

/* ---- who stands still costs his credit -----------------------------------------------------------------------------
 */

enum { HELD = 64 << 20, ROUNDS = 3 };

/* Gathers for ever; a byte to tell after the first time. */
static void
gather_for_ever(int tell)
{
    fh_session *session = NULL;
    fh_array *array = NULL;
    const int64_t count = HELD;
    unsigned char *data = calloc(1, HELD);
    const fh_local local = {.data = data, .dtype = FH_UINT8, .ndim = 1, .shape = &count};
    if (!data ||
        fh_connect(&session, &(fh_connect_options){.target = cluster.client_file, .host = "elsewhere", .streams = 4},
                   NULL) ||
        fh_scatter(session, &local, &(fh_scatter_options){.axis = FH_WHOLE}, &array, NULL))
        _exit(1);
    for (int i = 0; fh_gather(array, data, NULL, NULL) == 0; i++)
        if (i == 0 && write(tell, "", 1) != 1)
            break;
    _exit(1);
}

/* KiB of anonymous memory of a process. */
static long
anonymous_kib(pid_t pid)
{
    char path[64], text[256];
    long kib = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (kib < 0 && fgets(text, sizeof text, file))
        if (strncmp(text, "RssAnon:", 8) == 0)
            kib = strtol(text + 8, NULL, 10);
    fclose(file);
    return kib;
}

static long
engines_kib(void)
{
    long kib = 0;
    for (int i = 0; i < ENGINES; i++)
        kib += anonymous_kib(cluster.engines[i].pid);
    return kib;
}

/* A client stops in the middle of its gathers: engines keep at most two chunks for each of its streams, and others go
 * on. */
static void
a_client_that_stands_still_costs_little(void **state)
{
    fh_session *session = connect_far((fh_connect_options){.streams = 2});
    long before = engines_kib();
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        int told[2];
        char byte;
        assert_int_equal(pipe(told), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            gather_for_ever(told[1]);
        close(told[1]);
        assert_int_equal(read(told[0], &byte, 1), 1);
        assert_int_equal(kill(child, SIGSTOP), 0);
        there_and_back(session, FH_FLOAT64, 1500, 1111, 0, false, false, 0, false);
        long grown = engines_kib() - before;
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        close(told[0]);
        print_message("round %d: engines have grown by %ld KiB\n", i, grown);
        assert_true(grown < (i + 1) * 4 * 2 * 1024 + 16 * 1024);
    }
    fh_close(&session);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_back_is_what_was_sent), cmocka_unit_test(without_streams_bytes_go_in_messages),
        cmocka_unit_test(unknown_compression_is_refused),   cmocka_unit_test(plain_streams_need_both_sides),
        cmocka_unit_test(interrupted_moves_leave_nothing),  cmocka_unit_test(a_client_that_stands_still_costs_little),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
