/* Scatter, gather and resharding of one large array over two engines of this host, beside memcpy of as many bytes, a
 * copy by two threads past the cache, and a bare DEALER that sends them to a ROUTER in 1 MiB frames over ipc; and
 * gather without a copy, of 1 MiB to 1 GiB, along both axes, of scattered and computed arrays; and scatter of shared
 * memory. All are measured in turns. */
#include "base/clock.h"
#include "base/stream_copy.h"
#include "proxy/farhand.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <zmq.h>

enum { TURNS = 7, MAPS = 101, FRAME = 1 << 20, WAIT_MS = 20000 };

/* 1 GiB; rows so long that pieces along axis 1 are strided. */
static const int64_t shape[] = {16384, 8192};
#define BYTES ((size_t)16384 * 8192 * 8)

extern char **environ;

static const char *const CLUSTER = "bench-transfer";

static void
give_up(const char *what, const char *text)
{
    fprintf(stderr, "transfer: %s: %s\n", what, text);
    exit(1);
}

/* ---- the bare pair -------------------------------------------------------------------------------------------------
 */

static void *
bare_socket(void *context, int type)
{
    static const int settings[][2] = {
        {ZMQ_LINGER, 0}, {ZMQ_SNDHWM, 16}, {ZMQ_RCVHWM, 16}, {ZMQ_RCVTIMEO, WAIT_MS}, {ZMQ_SNDTIMEO, WAIT_MS}};
    void *socket = zmq_socket(context, type);
    for (size_t i = 0; socket && i < sizeof settings / sizeof *settings; i++)
        zmq_setsockopt(socket, settings[i][0], &settings[i][1], sizeof settings[i][1]);
    return socket;
}

/* The child: takes frames into place, answers each time it has all bytes. */
static void
sink(const char *endpoint)
{
    char identity[256], *place = malloc(BYTES);
    const int patience_ms = 300000;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    void *context = zmq_ctx_new(), *socket = bare_socket(context, ZMQ_ROUTER);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    if (!place || zmq_bind(socket, endpoint))
        _exit(1);
    memset(place, 0, BYTES);
    for (size_t have = 0;;) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        int size = zmq_recv(socket, identity, sizeof identity, 0);
        if (size < 0 || zmq_msg_recv(&frame, socket, 0) < 0)
            _exit(0);
        memcpy(place + have, zmq_msg_data(&frame), zmq_msg_size(&frame));
        have += zmq_msg_size(&frame);
        zmq_msg_close(&frame);
        if (have < BYTES)
            continue;
        zmq_send(socket, identity, (size_t)size, ZMQ_SNDMORE);
        zmq_send(socket, "", 0, 0);
        have = 0;
    }
}

static void
bare_send(void *socket, const char *bytes)
{
    char answer;
    for (size_t sent = 0; sent < BYTES; sent += FRAME)
        if (zmq_send(socket, bytes + sent, FRAME, 0) < 0)
            give_up("bare send", zmq_strerror(zmq_errno()));
    if (zmq_recv(socket, &answer, 1, 0) < 0)
        give_up("bare answer", zmq_strerror(zmq_errno()));
}

/* ---- ours ----------------------------------------------------------------------------------------------------------
 */

static void
farhand(const char *command)
{
    const char *argv[] = {"farhand", command, "--name", CLUSTER, NULL, NULL, NULL};
    pid_t pid;
    int status = -1;
    if (!strcmp(command, "up")) {
        argv[4] = "-n";
        argv[5] = "2";
    }
    fflush(stdout);
    if (posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ))
        give_up("farhand", strerror(errno));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (status)
        give_up("farhand", command);
}

static void
must(int status, const fh_error *error, const char *what)
{
    if (status)
        give_up(what, error->text);
}

/* What was measured, in GB/s, one figure a turn. */
enum { SCATTER_0, SCATTER_1, GATHER_0, GATHER_1, RESHARD, MEMCPY, COPY, BARE, KINDS };

static double rates[KINDS][TURNS];
static int turn;

static void
note(int kind, int64_t begin)
{
    if (turn >= 0)
        rates[kind][turn] = (double)BYTES / (double)(clock_now_ns() - begin);
}

typedef struct {
    char *to;
    const char *from;
} half_t;

static void *
copy_half(void *half)
{
    stream_copy(((half_t *)half)->to, ((half_t *)half)->from, BYTES / 2);
    return NULL;
}

/* The limit of scatter: both cores, past the cache. */
static void
copy_by_two(char *to, const char *from)
{
    half_t halves[2] = {{to, from}, {to + BYTES / 2, from + BYTES / 2}};
    pthread_t thread;
    if (pthread_create(&thread, NULL, copy_half, &halves[1]))
        give_up("thread", "cannot be started");
    copy_half(&halves[0]);
    pthread_join(thread, NULL);
}

static void
one_turn(fh_session *session, void *bare, char *from, char *to)
{
    fh_local local = {.data = from, .dtype = FH_FLOAT64, .ndim = 2, .shape = shape};
    fh_array *array = NULL, *moved = NULL;
    fh_error error;
    int64_t begin;
    for (int axis = 0; axis < 2; axis++) {
        begin = clock_now_ns();
        must(fh_scatter(session, &local, &(fh_scatter_options){.axis = axis}, &array, &error), &error, "scatter");
        must(fh_sync(session, -1, &error), &error, "sync");
        note(SCATTER_0 + axis, begin);
        begin = clock_now_ns();
        must(fh_gather(array, to, NULL, &error), &error, "gather");
        note(GATHER_0 + axis, begin);
        if (memcmp(from, to, BYTES) != 0)
            give_up("gather", "the bytes differ");
        if (axis == 1) {
            begin = clock_now_ns();
            must(fh_reshard(array, &(fh_scatter_options){.axis = 0}, &moved, &error), &error, "reshard");
            must(fh_sync(session, -1, &error), &error, "sync");
            note(RESHARD, begin);
        }
        fh_array_free(&array);
        fh_array_free(&moved);
    }
    begin = clock_now_ns();
    memcpy(to, from, BYTES);
    note(MEMCPY, begin);
    begin = clock_now_ns();
    copy_by_two(to, from);
    note(COPY, begin);
    begin = clock_now_ns();
    bare_send(bare, from);
    note(BARE, begin);
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double
median(int kind)
{
    qsort(rates[kind], TURNS, sizeof(double), compare);
    return rates[kind][TURNS / 2];
}

static void
report(const char *name, int kind, int limit_kind, const char *limit_name)
{
    double value = median(kind), limit = median(limit_kind);
    printf("%-32s %6.2f GB/s   %s %6.2f GB/s   ratio %.2f\n", name, value, limit_name, limit, value / limit);
    printf("{\"bench\": \"transfer\", \"case\": \"%s\", \"value\": %.3f, \"unit\": \"GB/s\", \"limit\": %.3f, "
           "\"limit_name\": \"%s\", "
           "\"ratio\": %.3f}\n",
           name, value, limit, limit_name, value / limit);
}

/* ---- without a copy ------------------------------------------------------------------------------------------------
 */

/* Read it once, as fast as it goes. */
static uint64_t
sum_of(const void *bytes, size_t size)
{
    const uint64_t *words = bytes;
    uint64_t sums[8] = {0};
    for (size_t i = 0; i < size / 8; i += 8)
        for (size_t k = 0; k < 8; k++)
            sums[k] += words[i + k];
    return sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7];
}

/* The time to map and, apart from that, the rates of reading a fresh map and local memory. */
static void
take_maps(fh_array *array, const char *from, size_t bytes, double *map_us, double *map_rate, double *local_rate)
{
    uint64_t sum = sum_of(from, bytes);
    fh_error error;
    for (int i = 0; i < MAPS + TURNS; i++) {
        fh_mapping *mapping = NULL;
        void *data = NULL;
        int64_t begin = clock_now_ns();
        must(fh_gather_map(array, &data, &mapping, &error), &error, "gather without a copy");
        int64_t mapped = clock_now_ns();
        if (i < MAPS) {
            map_us[i] = (double)(mapped - begin) / 1e3;
        } else {
            bool same = sum_of(data, bytes) == sum;
            int64_t read = clock_now_ns();
            same = sum_of(from, bytes) == sum && same;
            map_rate[i - MAPS] = (double)bytes / (double)(read - mapped);
            local_rate[i - MAPS] = (double)bytes / (double)(clock_now_ns() - read);
            if (!same)
                give_up("gather without a copy", "the bytes differ");
        }
        fh_mapping_free(&mapping);
    }
    qsort(map_us, MAPS, sizeof(double), compare);
    qsort(map_rate, TURNS, sizeof(double), compare);
    qsort(local_rate, TURNS, sizeof(double), compare);
}

/* The goal is 300 us, whatever the size. */
static void
measure_map(fh_session *session, const char *from, size_t bytes, int axis, bool computed)
{
    const int64_t extents[] = {(int64_t)bytes / 8 / 1024, 1024};
    fh_local local = {.data = (void *)(uintptr_t)from, .dtype = FH_FLOAT64, .ndim = 2, .shape = extents};
    double us[MAPS], map_rate[TURNS], local_rate[TURNS];
    fh_array *array = NULL, *scattered = NULL;
    char name[64];
    fh_error error;
    must(fh_scatter(session, &local, &(fh_scatter_options){.axis = axis}, &array, &error), &error, "scatter");
    if (computed) {
        fh_operand operand = {.kind = FH_ARRAY, .array = scattered = array};
        must(fh_ufunc(session, "positive", &operand, 1, NULL, &array, &error), &error, "positive");
        fh_array_free(&scattered);
    }
    must(fh_sync(session, -1, &error), &error, "sync");
    take_maps(array, from, bytes, us, map_rate, local_rate);
    snprintf(name, sizeof name, "map %zu MiB, axis %d%s", bytes >> 20, axis, computed ? ", computed" : "");
    printf("%-32s %6.0f us (p10 %.0f, goal 300)   first read %6.2f GB/s, local memory %6.2f GB/s\n", name, us[MAPS / 2],
           us[MAPS / 10], map_rate[TURNS / 2], local_rate[TURNS / 2]);
    printf("{\"bench\": \"transfer\", \"case\": \"%s\", \"value\": %.1f, \"unit\": \"us\", \"limit\": 300, "
           "\"limit_name\": \"goal\", \"ratio\": %.3f}\n",
           name, us[MAPS / 2], us[MAPS / 2] / 300);
    fh_array_free(&array);
}

/* x + 1 of 1 GiB, along the two axes in turns: results along axis 1 lie in memory of one engine. */
static void
measure_sums(fh_session *session, char *from)
{
    fh_local local = {.data = from, .dtype = FH_FLOAT64, .ndim = 2, .shape = shape};
    fh_array *array[2];
    double ms[2][TURNS];
    fh_error error;
    for (int axis = 0; axis < 2; axis++)
        must(fh_scatter(session, &local, &(fh_scatter_options){.axis = axis}, &array[axis], &error), &error, "scatter");
    for (int i = -1; i < TURNS; i++) /* the first turn takes fresh memory */
        for (int axis = 0; axis < 2; axis++) {
            fh_operand in[2] = {{.kind = FH_ARRAY, .array = array[axis]}, {.kind = FH_WEAK_FLOAT, .f = 1}};
            fh_array *sum = NULL;
            int64_t begin = clock_now_ns();
            must(fh_ufunc(session, "add", in, 2, NULL, &sum, &error), &error, "add");
            must(fh_sync(session, -1, &error), &error, "sync");
            if (i >= 0)
                ms[axis][i] = (double)(clock_now_ns() - begin) / 1e6;
            fh_array_free(&sum);
            must(fh_sync(session, -1, &error), &error, "sync");
        }
    for (int axis = 0; axis < 2; axis++) {
        qsort(ms[axis], TURNS, sizeof(double), compare);
        fh_array_free(&array[axis]);
    }
    double value = ms[1][TURNS / 2], limit = ms[0][TURNS / 2];
    printf("%-32s %6.1f ms   axis 0 %6.1f ms   ratio %.2f\n", "x + 1, 1 GiB, axis 1", value, limit, value / limit);
    printf("{\"bench\": \"transfer\", \"case\": \"x + 1, 1 GiB, axis 1\", \"value\": %.3f, \"unit\": \"ms\", "
           "\"limit\": %.3f, \"limit_name\": \"axis 0\", \"ratio\": %.3f}\n",
           value, limit, value / limit);
}

/* What fh_shared has given is scattered in the time of a message. */
static void
measure_shared(fh_session *session)
{
    double us[MAPS];
    fh_mapping *mapping = NULL;
    void *data = NULL;
    fh_error error;
    must(fh_shared(session, FH_FLOAT64, 2, shape, &data, &mapping, &error), &error, "shared");
    for (int i = 0; i < MAPS; i++) {
        fh_local local = {.data = data, .dtype = FH_FLOAT64, .ndim = 2, .shape = shape};
        fh_array *array = NULL;
        int64_t begin = clock_now_ns();
        must(fh_scatter(session, &local, &(fh_scatter_options){.axis = 1}, &array, &error), &error, "scatter");
        us[i] = (double)(clock_now_ns() - begin) / 1e3;
        fh_array_free(&array);
    }
    fh_mapping_free(&mapping);
    qsort(us, MAPS, sizeof(double), compare);
    printf("%-32s %6.0f us (p10 %.0f, goal 300)\n", "scatter shared 1 GiB, axis 1", us[MAPS / 2], us[MAPS / 10]);
    printf("{\"bench\": \"transfer\", \"case\": \"scatter shared 1 GiB, axis 1\", \"value\": %.1f, \"unit\": \"us\", "
           "\"limit\": 300, \"limit_name\": \"goal\", \"ratio\": %.3f}\n",
           us[MAPS / 2], us[MAPS / 2] / 300);
}

static void
measure(fh_session *session, void *bare)
{
    static const char *const memcpy_name = "memcpy", *const bare_name = "bare DEALER/ROUTER over ipc",
                             *const copy_name = "two threads past the cache";
    char *from = malloc(BYTES), *to = malloc(BYTES);
    if (!from || !to)
        give_up("memory", strerror(errno));
    for (size_t i = 0; i < BYTES; i += 8)
        memcpy(from + i, &(double){(double)i}, 8);
    memset(to, 0, BYTES);
    for (turn = -1; turn < TURNS; turn++) /* the first one warms up */
        one_turn(session, bare, from, to);
    report("scatter 1 GiB, axis 0", SCATTER_0, MEMCPY, memcpy_name);
    report("scatter 1 GiB, axis 1", SCATTER_1, MEMCPY, memcpy_name);
    report("gather 1 GiB, axis 0", GATHER_0, MEMCPY, memcpy_name);
    report("gather 1 GiB, axis 1", GATHER_1, MEMCPY, memcpy_name);
    report("scatter, axis 0, both cores", SCATTER_0, COPY, copy_name);
    report("scatter, axis 1, both cores", SCATTER_1, COPY, copy_name);
    report("scatter, against sockets", SCATTER_0, BARE, bare_name);
    report("gather, against sockets", GATHER_0, BARE, bare_name);
    report("reshard axis 1 to 0", RESHARD, BARE, bare_name);
    measure_map(session, from, (size_t)1 << 20, 0, false);
    measure_map(session, from, (size_t)64 << 20, 0, false);
    for (int axis = 0; axis < 2; axis++)
        measure_map(session, from, BYTES, axis, false);
    for (int axis = 0; axis < 2; axis++)
        measure_map(session, from, BYTES, axis, true);
    measure_sums(session, from);
    measure_shared(session);
    free(from);
    free(to);
}

int
main(void)
{
    char folder[] = "/tmp/farhand-transfer-XXXXXX", endpoint[64];
    if (!mkdtemp(folder))
        give_up("folder", strerror(errno));
    snprintf(endpoint, sizeof endpoint, "ipc://%s/bare", folder);
    setenv("XDG_RUNTIME_DIR", folder, 1);
    setenv("FARHAND_KERNEL_CACHE", "off", 1);
    unsetenv("FARHAND_CONNECTION");
    pid_t child = fork();
    if (child == 0)
        sink(endpoint);
    farhand("up");
    fh_session *session = NULL;
    fh_error error;
    void *context = zmq_ctx_new(), *bare = bare_socket(context, ZMQ_DEALER);
    int failed = fh_connect(&session, &(fh_connect_options){.target = CLUSTER, .copy_threads = 2}, &error);
    if (failed)
        fprintf(stderr, "transfer: %s\n", error.text);
    else if (zmq_connect(bare, endpoint) == 0)
        measure(session, bare);
    fh_close(&session);
    farhand("down");
    zmq_close(bare);
    zmq_ctx_term(context);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return failed != 0;
}
