/* Arrays between two hosts: the cluster in one network namespace, the client in another, a pair of virtual cables
 * between them; where no namespaces may be made, both on the loopback device, and the output says so.  Scatter and
 * gather of 1 GiB beside bare TCP with as many connections into memory that is there, in turns: plain streams, sealed
 * ones, and messages with CURVE; 4.5 GiB once; and a call while a gather goes on.
 *
 *     wire [TURNS]     5 unless given */
#include "base/clock.h"
#include "proxy/farhand.h"
#include "tests/bench/measure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BYTES ((size_t)1 << 30)
#define LARGE (((size_t)9 << 30) / 2)

enum { MAX_TURNS = 31, MAX_STREAMS = 4, BLOCK = 1 << 20 };

extern char **environ;

static const char *const CLUSTER = "bench-wire";
static const char *near_address = "10.231.77.1", *far_address = "10.231.77.2";

static void
give_up(const char *what, const char *text)
{
    fprintf(stderr, "wire: %s: %s\n", what, text);
    exit(1);
}

static int
run(const char *const argv[])
{
    pid_t pid;
    int status = -1;
    fflush(stdout);
    if (posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ))
        return -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

/* ---- bare sockets --------------------------------------------------------------------------------------------------
 */

/* size bytes out or in. */
static bool
move_all(int fd, char *bytes, size_t size, bool out)
{
    while (size > 0) {
        ssize_t moved = out ? send(fd, bytes, size < BLOCK ? size : BLOCK, MSG_NOSIGNAL)
                            : recv(fd, bytes, size < BLOCK ? size : BLOCK, MSG_WAITALL);
        if (moved <= 0)
            return false;
        bytes += moved;
        size -= (size_t)moved;
    }
    return true;
}

/* The far side of one connection: 8 bytes say how much comes (positive) or goes (negative), at which offset in memory
 * follows; then one byte back. */
typedef struct {
    int fd;
    char *memory;
} far_t;

static void *
serve(void *context)
{
    far_t self = *(far_t *)context;
    int64_t order[2];
    free(context);
    while (move_all(self.fd, (char *)order, sizeof order, false)) {
        bool out = order[0] < 0;
        char done = 1;
        if (!move_all(self.fd, self.memory + order[1], (size_t)(out ? -order[0] : order[0]), out) ||
            !move_all(self.fd, &done, 1, true))
            break;
    }
    close(self.fd);
    return NULL;
}

static void
serve_bare(int tell)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    char *memory = malloc(BYTES);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, far_address, &address.sin_addr);
    if (!memory || bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 16) ||
        getsockname(listener, (struct sockaddr *)&address, &size))
        _exit(1);
    memset(memory, 1, BYTES);
    if (write(tell, &address.sin_port, sizeof address.sin_port) < 0)
        _exit(1);
    for (;;) {
        pthread_t thread;
        far_t *far = malloc(sizeof *far);
        if (!far)
            _exit(1);
        *far = (far_t){accept(listener, NULL, NULL), memory};
        if (far->fd < 0 || pthread_create(&thread, NULL, serve, far))
            _exit(1);
        pthread_detach(thread);
    }
}

typedef struct {
    int fd;
    char *memory;
    int64_t offset, bytes;
    bool out;
} near_t;

static void *
move_bare(void *context)
{
    near_t *self = context;
    int64_t order[2] = {self->out ? self->bytes : -self->bytes, self->offset};
    char done = 0;
    if (!move_all(self->fd, (char *)order, sizeof order, true) ||
        !move_all(self->fd, self->memory + self->offset, (size_t)self->bytes, self->out) ||
        !move_all(self->fd, &done, 1, false))
        give_up("bare TCP", strerror(errno));
    return NULL;
}

/* GB/s of n connections that move BYTES together. */
static double
bare_rate(const int *fds, int n, char *memory, bool out)
{
    pthread_t threads[MAX_STREAMS];
    near_t parts[MAX_STREAMS];
    int64_t begin = clock_now_ns();
    for (int i = 0; i < n; i++) {
        parts[i] = (near_t){fds[i], memory, (int64_t)BYTES / n * i, (int64_t)BYTES / n, out};
        if (pthread_create(&threads[i], NULL, move_bare, &parts[i]))
            give_up("threads", strerror(errno));
    }
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    return (double)BYTES / 1e9 / measure_seconds(begin);
}

static void
connect_bare(int *fds, int n, in_port_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = port};
    const int one = 1;
    inet_pton(AF_INET, far_address, &address.sin_addr);
    for (int i = 0; i < n; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fds[i], (struct sockaddr *)&address, sizeof address))
            give_up("bare TCP", strerror(errno));
        setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
}

/* ---- ours ----------------------------------------------------------------------------------------------------------
 */

static void
must(int status, const fh_error *error, const char *what)
{
    if (status)
        give_up(what, error->text);
}

static fh_session *
connect_session(int streams, bool plain)
{
    fh_session *session = NULL;
    fh_error error;
    const fh_connect_options options = {
        .target = CLUSTER, .streams = streams, .trust_network = plain, .host = "elsewhere"};
    must(fh_connect(&session, &options, &error), &error, "connect");
    return session;
}

/* GB/s of a scatter and of a gather. */
static void
our_rates(fh_session *session, char *from, char *to, size_t bytes, double *ret_scatter, double *ret_gather)
{
    const int64_t extent = (int64_t)bytes / 8;
    const fh_local local = {.data = from, .dtype = FH_FLOAT64, .ndim = 1, .shape = &extent};
    fh_array *array = NULL;
    fh_error error;
    int64_t begin = clock_now_ns();
    must(fh_scatter(session, &local, NULL, &array, &error), &error, "scatter");
    must(fh_sync(session, -1, &error), &error, "sync");
    *ret_scatter = (double)bytes / 1e9 / measure_seconds(begin);
    begin = clock_now_ns();
    must(fh_gather(array, to, NULL, &error), &error, "gather");
    *ret_gather = (double)bytes / 1e9 / measure_seconds(begin);
    if (memcmp(from, to, bytes) != 0)
        give_up("gather", "the bytes differ");
    fh_array_free(&array);
    must(fh_sync(session, -1, &error), &error, "sync");
}

typedef struct {
    const char *name;
    int streams; /* as in fh_connect_options; of bare TCP: its absolute value */
    bool plain;
} way_t;

static const way_t WAYS[] = {
    {"plain, 1 stream", 1, true},       {"plain, 2 streams", 2, true},   {"plain, 4 streams", 4, true},
    {"sealed, 1 stream", 1, false},     {"sealed, 2 streams", 2, false}, {"sealed, 4 streams", 4, false},
    {"messages with CURVE", -1, false},
};

enum { NWAYS = sizeof WAYS / sizeof *WAYS };

static double bare[2][NWAYS][MAX_TURNS], ours[2][NWAYS][MAX_TURNS], ratio[2][NWAYS][MAX_TURNS];

static void
report(int turns)
{
    static const char *const directions[] = {"scatter", "gather"};
    for (int i = 0; i < NWAYS; i++)
        for (int k = 0; k < 2; k++) {
            char name[64];
            double quotient = measure_median(ratio[k][i], turns);
            snprintf(name, sizeof name, "%s 1 GiB, %s", directions[k], WAYS[i].name);
            printf("%-40s %6.2f GB/s   bare TCP %6.2f GB/s   median of the ratios %.2f (%.2f to %.2f)\n", name,
                   measure_median(ours[k][i], turns), measure_median(bare[k][i], turns), quotient, ratio[k][i][0],
                   ratio[k][i][turns - 1]);
            measure_print("wire", name, ours[k][i][turns / 2], "GB/s", bare[k][i][turns / 2],
                          "bare TCP, as many connections");
        }
}

static void
measure(in_port_t port, int turns, char *from, char *to)
{
    fh_session *sessions[NWAYS];
    int fds[MAX_STREAMS];
    connect_bare(fds, MAX_STREAMS, port);
    for (int i = 0; i < NWAYS; i++)
        sessions[i] = connect_session(WAYS[i].streams, WAYS[i].plain);
    for (int turn = -1; turn < turns; turn++) /* the first one warms up */
        for (int i = 0; i < NWAYS; i++) {
            int n = abs(WAYS[i].streams), at = turn < 0 ? 0 : turn;
            bare[0][i][at] = bare_rate(fds, n, from, true);
            bare[1][i][at] = bare_rate(fds, n, to, false);
            our_rates(sessions[i], from, to, BYTES, &ours[0][i][at], &ours[1][i][at]);
            for (int k = 0; k < 2; k++)
                ratio[k][i][at] = ours[k][i][at] / bare[k][i][at];
            memset(to, 1, BYTES);
        }
    report(turns);
    for (int i = 0; i < NWAYS; i++)
        fh_close(&sessions[i]);
    for (int i = 0; i < MAX_STREAMS; i++)
        close(fds[i]);
}

/* More than 4 GiB, where there is room for it four times. */
static void
measure_large(void)
{
    fh_session *session = connect_session(2, true);
    double scatter, gather;
    char *from, *to;
    if ((int64_t)sysconf(_SC_AVPHYS_PAGES) * sysconf(_SC_PAGESIZE) < (int64_t)LARGE * 4) {
        printf("4.5 GiB: not measured, there is not enough memory\n");
        return;
    }
    from = malloc(LARGE);
    to = malloc(LARGE);
    if (!from || !to)
        give_up("memory", strerror(errno));
    for (size_t i = 0; i < LARGE; i += 8)
        memcpy(from + i, &(uint64_t){i}, 8);
    memset(to, 0, LARGE);
    our_rates(session, from, to, LARGE, &scatter, &gather);
    printf("4.5 GiB, plain, 2 streams: scatter %.2f GB/s (into memory that was not there), gather %.2f GB/s\n", scatter,
           gather);
    measure_print("wire", "gather 4.5 GiB, plain, 2 streams", gather, "GB/s", 0, "");
    free(from);
    free(to);
    fh_close(&session);
}

/* ---- a call beside bulk --------------------------------------------------------------------------------------------
 */

typedef struct {
    char *to;
    int streams;
    bool stop;
} bulk_t;

static void *
run_bulk(void *context)
{
    bulk_t *self = context;
    fh_session *session = connect_session(self->streams, false);
    const int64_t extent = (int64_t)BYTES / 8;
    const fh_local local = {.data = self->to, .dtype = FH_FLOAT64, .ndim = 1, .shape = &extent};
    fh_array *array = NULL;
    fh_error error;
    must(fh_scatter(session, &local, NULL, &array, &error), &error, "scatter");
    while (!__atomic_load_n(&self->stop, __ATOMIC_RELAXED))
        must(fh_gather(array, self->to, NULL, &error), &error, "gather");
    fh_array_free(&array);
    fh_close(&session);
    return NULL;
}

static double
call_us(fh_session *session)
{
    enum { CALLS = 301 };
    double times[CALLS];
    fh_error error;
    for (int i = 0; i < CALLS; i++) {
        int64_t begin = clock_now_ns();
        must(fh_sync(session, -1, &error), &error, "sync");
        times[i] = measure_seconds(begin) * 1e6;
    }
    return measure_median(times, CALLS);
}

static void
measure_calls(char *to)
{
    fh_session *session = connect_session(0, false);
    fh_array *array = NULL;
    fh_error error;
    const int64_t extent = 1;
    double alone;
    must(fh_empty(session, FH_FLOAT64, 1, &extent, NULL, &array, &error), &error, "empty");
    alone = call_us(session);
    for (int streams = -1; streams < 3; streams++) {
        bulk_t bulk = {to, streams, false};
        pthread_t thread;
        char name[64];
        if (streams == 0 || pthread_create(&thread, NULL, run_bulk, &bulk))
            continue;
        (void)poll(NULL, 0, 1000); /* let it run */
        double beside = call_us(session);
        __atomic_store_n(&bulk.stop, true, __ATOMIC_RELAXED);
        pthread_join(thread, NULL);
        snprintf(name, sizeof name, streams < 0 ? "call beside bulk in messages" : "call beside bulk, %d sealed",
                 streams);
        printf("%-40s %6.0f us   alone %6.0f us\n", name, beside, alone);
        measure_print("wire", name, beside, "us", alone, "the same call without bulk");
    }
    fh_array_free(&array);
    fh_close(&session);
}

/* ---- two hosts -----------------------------------------------------------------------------------------------------
 */

static void
raise_loopback(void)
{
    const char *const argv[] = {"ip", "link", "set", "lo", "up", NULL};
    (void)run(argv);
}

/* A network namespace with one end of the cable, whose other end is in that of process `other`. */
static bool
lay_cable(pid_t other)
{
    char number[16];
    snprintf(number, sizeof number, "%d", (int)other);
    const char *const add[] = {"ip",   "link", "add",  "near0", "type", "veth",
                               "peer", "name", "far0", "netns", number, NULL};
    return run(add) == 0;
}

static bool
set_address(const char *device, const char *address)
{
    char with_mask[64];
    snprintf(with_mask, sizeof with_mask, "%s/24", address);
    const char *const name[] = {"ip", "addr", "add", with_mask, "dev", device, NULL};
    const char *const up[] = {"ip", "link", "set", device, "up", NULL};
    return run(name) == 0 && run(up) == 0;
}

static void
farhand(const char *command)
{
    const char *argv[] = {"farhand", command,    "--name",    CLUSTER,           strcmp(command, "up") ? NULL : "-n",
                          "1",       "--listen", far_address, "--trust-network", "--memory",
                          "12G",     NULL};
    if (run(argv))
        give_up("farhand", command);
}

/* The far host: gets a byte when the cable is there, tells the port of bare TCP, and ends when asked. */
static void
be_far(int hear, int tell, bool apart)
{
    char order = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (apart && unshare(CLONE_NEWNET))
        _exit(1);
    if (write(tell, &order, 1) != 1 || read(hear, &order, 1) != 1)
        _exit(1);
    if (apart) {
        raise_loopback();
        if (!set_address("far0", far_address))
            _exit(1);
    }
    farhand("up");
    pid_t sink = fork();
    if (sink == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve_bare(tell);
    }
    if (read(hear, &order, 1) < 0)
        order = 0;
    kill(sink, SIGKILL);
    waitpid(sink, NULL, 0);
    farhand("down");
    _exit(0);
}

int
main(int argc, char *argv[])
{
    char folder[] = "/tmp/farhand-wire-XXXXXX", byte = 0;
    int there[2], back[2], turns = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 5;
    in_port_t port = 0;
    bool apart = unshare(CLONE_NEWNET) == 0;
    if (turns < 1 || turns > MAX_TURNS)
        turns = 5;
    if (!mkdtemp(folder) || pipe(there) || pipe(back))
        give_up("folder", strerror(errno));
    setenv("XDG_RUNTIME_DIR", folder, 1);
    setenv("FARHAND_KERNEL_CACHE", "off", 1);
    unsetenv("FARHAND_CONNECTION");
    if (!apart)
        near_address = far_address = "127.0.0.1";
    pid_t far = fork();
    if (far == 0)
        be_far(there[0], back[1], apart);
    close(there[0]);
    close(back[1]);
    if (read(back[0], &byte, 1) != 1)
        give_up("the far host", "it did not start");
    if (apart) {
        raise_loopback();
        if (!lay_cable(far) || !set_address("near0", near_address))
            give_up("ip", "the cable between the namespaces cannot be laid");
    }
    printf("%s\n",
           apart ? "between two network namespaces" : "over the loopback device: no namespaces may be made here");
    if (write(there[1], &byte, 1) != 1 || read(back[0], &port, sizeof port) != (ssize_t)sizeof port)
        give_up("the far host", "it did not come up");
    char *from = malloc(BYTES), *to = malloc(BYTES);
    if (!from || !to)
        give_up("memory", strerror(errno));
    for (size_t i = 0; i < BYTES; i += 8)
        memcpy(from + i, &(double){(double)i}, 8);
    memset(to, 0, BYTES);
    measure(port, turns, from, to);
    measure_calls(to);
    free(from);
    free(to);
    measure_large();
    if (write(there[1], &byte, 1) != 1)
        give_up("the far host", "it has gone");
    waitpid(far, NULL, 0);
    return 0;
}
