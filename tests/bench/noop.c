/* The round trip of a call that does nothing, through libfarhand and a real engine: over ZeroMQ beside a bare DEALER
 * and ROUTER that bounce a message of the same size between two processes over the same kind of ipc socket, in turns;
 * and through rings, see noop_rings.c. */
#include "base/clock.h"
#include "proxy/farhand.h"
#include "tests/bench/measure.h"
#include "tests/bench/noop_rings.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <zmq.h>

enum { TURNS = 40, TRIPS = 50, FLOOD_TURNS = 10, FLOOD = 5000, BODY = 48, WAIT_MS = 5000 };

extern char **environ;

static const char *const CLUSTER = "bench-noop";

static void
give_up(const char *what, const char *text)
{
    fprintf(stderr, "noop: %s: %s\n", what, text);
    exit(1);
}

/* ---- the bare pair -------------------------------------------------------------------------------------------------
 */

/* As base/link sets its sockets: limits, heartbeats; but blocking. */
static void *
bare_socket(void *context, int type)
{
    static const int SETTINGS[][2] = {{ZMQ_LINGER, 0},         {ZMQ_SNDHWM, 1000},      {ZMQ_RCVHWM, 1000},
                                      {ZMQ_RCVTIMEO, WAIT_MS}, {ZMQ_SNDTIMEO, WAIT_MS}, {ZMQ_HEARTBEAT_IVL, 1000}};
    void *socket = zmq_socket(context, type);
    for (size_t i = 0; socket && i < sizeof SETTINGS / sizeof *SETTINGS; i++)
        zmq_setsockopt(socket, SETTINGS[i][0], &SETTINGS[i][1], sizeof SETTINGS[i][1]);
    return socket;
}

/* The child: sends back all that comes, until its parent dies or has been silent for a while. */
static void
echo(const char *endpoint)
{
    char identity[256], body[BODY];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    void *context = zmq_ctx_new(), *socket = bare_socket(context, ZMQ_ROUTER);
    const int patience_ms = 120000;
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    if (zmq_bind(socket, endpoint))
        _exit(1);
    for (;;) {
        int size = zmq_recv(socket, identity, sizeof identity, 0);
        if (size < 0 || zmq_recv(socket, body, sizeof body, 0) < 0)
            _exit(0);
        zmq_send(socket, identity, (size_t)size, ZMQ_SNDMORE);
        zmq_send(socket, body, sizeof body, 0);
    }
}

static void
bare_trip(void *socket)
{
    char body[BODY] = {0};
    if (zmq_send(socket, body, sizeof body, 0) < 0 || zmq_recv(socket, body, sizeof body, 0) < 0)
        give_up("bare round trip", zmq_strerror(zmq_errno()));
}

/* FLOOD messages, as many under way as cannot be dropped: a ROUTER drops what a pipe does not take, and a pipe that
 * takes 1000 hears of what was read only by the half. */
static void
bare_flood(void *socket)
{
    char body[BODY] = {0};
    for (int sent = 0, received = 0; received < FLOOD;) {
        while (sent < FLOOD && sent - received < 450 && zmq_send(socket, body, sizeof body, ZMQ_DONTWAIT) >= 0)
            sent++;
        if (zmq_recv(socket, body, sizeof body, 0) < 0)
            give_up("bare flood", zmq_strerror(zmq_errno()));
        received++;
        while (received < sent && zmq_recv(socket, body, sizeof body, ZMQ_DONTWAIT) >= 0)
            received++;
    }
}

/* ---- ours ----------------------------------------------------------------------------------------------------------
 */

static void
farhand(const char *command)
{
    const char *argv[] = {"farhand", command, "--name", CLUSTER, NULL, NULL, NULL};
    if (!strcmp(command, "up")) {
        argv[4] = "-n";
        argv[5] = "1";
    }
    pid_t pid;
    int status = -1;
    fflush(stdout);
    if (posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ))
        give_up("farhand", strerror(errno));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (status)
        give_up("farhand", command);
}

static void
our_trip(fh_session *session)
{
    fh_error error;
    if (fh_call(session, NULL, 0, "nop", NULL, 0, NULL, NULL, &error))
        give_up("nop", error.text);
}

static void
our_flood(fh_session *session)
{
    fh_error error;
    if (fh_call_many(session, NULL, 0, "nop", FLOOD, &error))
        give_up("many nops", error.text);
}

/* ---- measuring -----------------------------------------------------------------------------------------------------
 */

static void
report(const char *name, double *ours, double *bare, int count)
{
    double value = measure_median(ours, count), limit = measure_median(bare, count);
    printf("%-28s %8.2f us   bare %8.2f us   ratio %.2f\n", name, value, limit, value / limit);
    printf("{\"bench\": \"noop\", \"case\": \"%s\", \"value\": %.3f, \"unit\": \"us\", \"limit\": %.3f, "
           "\"limit_name\": \"bare DEALER/ROUTER over ipc\", \"ratio\": %.3f}\n",
           name, value, limit, value / limit);
    fflush(stdout);
}

/* Over ZeroMQ, trip by trip. */
static void
measure(fh_session *session, void *bare)
{
    static double ours[TURNS * TRIPS], theirs[TURNS * TRIPS];
    for (int turn = -2; turn < TURNS; turn++) { /* the first two warm up */
        for (int trip = 0; trip < TRIPS; trip++) {
            int at = (turn < 0 ? 0 : turn) * TRIPS + trip;
            int64_t begin = clock_now_ns();
            our_trip(session);
            int64_t middle = clock_now_ns();
            bare_trip(bare);
            ours[at] = (double)(middle - begin) / 1e3;
            theirs[at] = (double)(clock_now_ns() - middle) / 1e3;
        }
    }
    report("C client over ZeroMQ, one at a time", ours, theirs, TURNS * TRIPS);
    for (int turn = 0; turn < FLOOD_TURNS; turn++) {
        int64_t begin = clock_now_ns();
        our_flood(session);
        int64_t middle = clock_now_ns();
        bare_flood(bare);
        ours[turn] = (double)(middle - begin) / (1e3 * (double)FLOOD);
        theirs[turn] = (double)(clock_now_ns() - middle) / (1e3 * (double)FLOOD);
    }
    report("C client over ZeroMQ, pipelined", ours, theirs, FLOOD_TURNS);
}

static int
measure_all(void *bare, const char *endpoint)
{
    fh_session *zeromq = NULL, *rings = NULL;
    fh_error error;
    int failed = fh_connect(&rings, &(fh_connect_options){.target = CLUSTER}, &error);
    if (!failed)
        failed = fh_connect(&zeromq, &(fh_connect_options){.target = CLUSTER, .no_rings = 1}, &error);
    if (failed) {
        fprintf(stderr, "noop: %s\n", error.text);
    } else if (zmq_connect(bare, endpoint) == 0) {
        noop_rings(rings);
        measure(zeromq, bare);
    }
    fh_close(&zeromq);
    fh_close(&rings);
    return failed;
}

int
main(void)
{
    char folder[] = "/tmp/farhand-noop-XXXXXX", endpoint[64];
    if (!mkdtemp(folder))
        give_up("folder", strerror(errno));
    snprintf(endpoint, sizeof endpoint, "ipc://%s/bare", folder);
    setenv("XDG_RUNTIME_DIR", folder, 1);
    setenv("FARHAND_KERNEL_CACHE", "off", 1);
    unsetenv("FARHAND_CONNECTION");
    pid_t child = fork();
    if (child == 0)
        echo(endpoint);
    farhand("up");
    void *context = zmq_ctx_new(), *bare = bare_socket(context, ZMQ_DEALER);
    int failed = measure_all(bare, endpoint);
    farhand("down");
    zmq_close(bare);
    zmq_ctx_term(context);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return failed != 0;
}
