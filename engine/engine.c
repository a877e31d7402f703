/* engine/engine.c - the reactor's loop. */
#include "engine/engine.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/time_slice.h"
#include "engine/borrow.h"
#include "engine/broker_link.h"
#include "engine/compute_thread.h"
#include "engine/deposit.h"
#include "engine/mates.h"
#include "engine/peers.h"
#include "engine/python_host.h"
#include "engine/readiness.h"
#include "engine/spill.h"
#include "engine/streams.h"
#include "engine/transfer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    FIRST_ENDPOINT = 4 /* in the list of descriptors */,
    MAX_FDS = 1024,
    RETRY_MS = 1,
    MAX_RETRY_MS = 16,
    CONNECT_RETRY_MS = 5,
    MAX_WAIT_MS = 1000,
    RINGS_ALONE_MS = 20 /* so long calls through rings may be served without a turn of the whole loop */
};

static const int64_t NS_PER_MS = 1000000, CHECK_NS = 250000000, TRIM_NS = 10000000000, CACHE_AGE_NS = 60000000000,
                     SLICE_NS = 100000;

struct engine {
    core_t core;
    crew_t *crew; /* of the reactor: one thread, itself */
    compute_thread_t *compute;
    peers_t *peers;
    mates_t *mates;
    broker_link_t *broker;
    int64_t check_ns, trim_ns;          /* when they are due */
    bool readable[PEERS_MAX_ENDPOINTS]; /* endpoints that may have messages */
    int ring_fds, first_ring;           /* in fds */
    int retry_ms;                       /* how soon to try again to send to peers that take nothing */
    readiness_t readiness;              /* of fds */
    struct pollfd fds[MAX_FDS];
};

/* ---- making --------------------------------------------------------------------------------------------------------
 */

static void
start_runners(engine_t *self, const engine_options_t *options)
{
    const runner_host_options_t runners = {.program = options->runner,
                                           .unsafe_no_sandbox = options->unsafe_no_sandbox,
                                           .threads = options->threads,
                                           .cache_folder = options->code_folder,
                                           .cache_bytes = options->code_bytes,
                                           .start_spare = true};
    err_t err;

    if (runner_host_new(&self->core.runners, &runners, &err) == FH_OK)
        return;
    /* Arrays work without it. */
    self->core.runners = NULL;
    log_line(LOG_WARNING, "ENG-NO-RUNNER", "kernels are not available: %s", err.text);
}

static void
start_streams(engine_t *self, const engine_options_t *options)
{
    err_t err;

    if (!options->streams_host ||
        streams_new(&self->core.streams, &self->core, options->streams_host, options->trust_network, &err) == FH_OK)
        return;
    /* Arrays go over the links then. */
    self->core.streams = NULL;
    log_line(LOG_WARNING, "ENG-NO-STREAMS", "arrays come and go in messages only: %s", err.text);
}

/* Arrays and kernels work without it, so it is no reason not to start. */
static void
start_pythons(engine_t *self, const engine_options_t *options)
{
    err_t err;

    if (!options->pythons)
        return;
    int status = python_process_check(&options->pythons->process, &err);

    if (!status)
        status = python_hosts_new(&self->core.pythons,
                                  &(python_hosts_options_t){.core = &self->core,
                                                            .process = options->pythons->process,
                                                            .most = options->pythons->most,
                                                            .workers = options->pythons->workers,
                                                            .timeout_ns = options->pythons->timeout_ns},
                                  &err);
    if (!status)
        return;
    log_line(LOG_WARNING, "ENG-NO-PYTHON", "Python code is not run: %s", err.text);
    str_copy(str_of(err.text), self->core.no_python, sizeof self->core.no_python);
}

static int
make_parts(engine_t *self, const engine_options_t *options, err_t *err)
{
    int status = core_init(&self->core, options->memory_bytes, options->host, err);

    if (!status)
        pool_use_huge_pages(self->core.pool, options->pages);
    if (!status && options->spill_folder) {
        status = spill_new(&self->core.spill, options->spill_folder, options->spill_bytes, err);
        pool_use_spill(self->core.pool, self->core.spill);
    }
    if (!status)
        status = transfers_new(&self->core.transfers, &self->core, err);
    if (!status)
        status = deposits_new(&self->core.deposits, &self->core, err);
    if (!status)
        status = crew_new(&self->crew, 1, err);
    if (!status)
        status = peers_new(&self->peers,
                           &(peers_options_t){.core = &self->core,
                                              .crew = self->crew,
                                              .client_key = options->client_key,
                                              .engine_key = options->keys->public_key,
                                              .cluster = options->cluster},
                           err);
    if (!status)
        status =
            mates_new(&self->mates,
                      &(mates_options_t){&self->core, options->context, options->keys, options->trust_network}, err);
    self->core.reactor = pthread_self();
    self->core.has_reactor = true;
    if (!status)
        status = compute_thread_start(&self->compute, &self->core, options->threads, err);
    return status;
}

static int64_t
orphan_ns(double seconds)
{
    return seconds > 0 && seconds < 1e9 ? (int64_t)(seconds * 1e9) : INT64_MAX;
}

int
engine_new(engine_t **ret, const engine_options_t *options, err_t *err)
{
    engine_t *self = calloc(1, sizeof *self);

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for an engine");
    self->core.wake_fd = -1;
    readiness_init(&self->readiness);
    int status = make_parts(self, options, err);

    if (!status)
        status = broker_link_new(&self->broker,
                                 &(broker_link_options_t){.core = &self->core,
                                                          .mates = self->mates,
                                                          .peers = self->peers,
                                                          .link = options->broker,
                                                          .endpoint = options->endpoint,
                                                          .local = options->local,
                                                          .threads = options->threads,
                                                          .offers = options->offers,
                                                          .memory_bytes = options->memory_bytes,
                                                          .orphan_ns = orphan_ns(options->orphan_timeout_s)},
                                 err);
    if (status) {
        engine_destroy(&self);
        return status;
    }
    for (int i = 0; i < PEERS_MAX_ENDPOINTS; i++)
        self->readable[i] = true;
    peers_listen(self->peers, options->tcp);
    peers_listen(self->peers, options->ipc);
    start_runners(self, options);
    start_streams(self, options);
    start_pythons(self, options);
    *ret = self;
    return FH_OK;
}

void
engine_destroy(engine_t **self)
{
    engine_t *engine = *self;

    if (!engine)
        return;
    compute_thread_stop(&engine->compute);
    if (engine->core.runners) {
        runner_host_destroy(&engine->core.runners);
        engine->core.runners = NULL;
        peers_run_lanes(engine->peers); /* calls that waited for a runner have been cancelled */
    }
    streams_destroy(&engine->core.streams);
    if (engine->core.pythons) {
        python_hosts_destroy(&engine->core.pythons);
        peers_run_lanes(engine->peers);
    }
    broker_link_destroy(&engine->broker);
    deposits_destroy(&engine->core.deposits);
    if (engine->mates)
        mates_end_pulls(engine->mates);
    transfers_destroy(&engine->core.transfers);
    if (engine->peers)
        peers_disconnect(engine->peers);
    core_release(&engine->core); /* its messages came over links that are still there */
    peers_destroy(&engine->peers);
    mates_destroy(&engine->mates);
    crew_destroy(&engine->crew);
    readiness_release(&engine->readiness);
    free(engine);
    *self = NULL;
}

/* ---- a turn --------------------------------------------------------------------------------------------------------
 */

/* The broker first: what it publishes must be known before the clients' releases. */
static bool
receive(engine_t *self)
{
    bool more = broker_link_receive(self->broker);

    for (int i = 0; i < peers_endpoints(self->peers); i++) {
        if (self->readable[i])
            self->readable[i] = peers_receive(self->peers, i);
        more |= self->readable[i];
    }
    more |= peers_rings_serve_awake(self->peers);
    more |= mates_receive(self->mates);
    if (self->core.runners)
        runner_host_handle(self->core.runners);
    if (self->core.pythons)
        python_hosts_handle(self->core.pythons);
    peers_run_lanes(self->peers);
    return more;
}

/* Send what waits.  What comes up from now on is for the next turn. */
static bool
flush(engine_t *self)
{
    pthread_mutex_lock(&self->core.lock);
    __atomic_store_n(&self->core.for_reactor, false, __ATOMIC_RELAXED);
    batches_sweep(&self->core.lanes.batches);
    pthread_mutex_unlock(&self->core.lock);
    return peers_flush(self->peers);
}

static bool
pump(engine_t *self, bool *ret_waiting)
{
    pthread_mutex_lock(&self->core.lock);
    const transfer_way_t way = {mates_send, mates_is_near, self->mates};
    bool more = transfers_pump(self->core.transfers, &way);

    *ret_waiting = borrows_pump(self->core.borrows, mates_send, self->mates);
    *ret_waiting |= transfers_waiting(self->core.transfers);
    pthread_mutex_unlock(&self->core.lock);
    mates_pull(self->mates);
    return more;
}

static int64_t
tick(engine_t *self, int64_t now_ns)
{
    int64_t due_ns = broker_link_tick(self->broker, now_ns);

    if (now_ns >= self->check_ns) {
        mates_check(self->mates);
        peers_rings_check(self->peers, now_ns);
        self->check_ns = now_ns + CHECK_NS;
    }
    if (now_ns >= self->trim_ns) {
        pool_trim(self->core.pool, now_ns - CACHE_AGE_NS);
        __atomic_store_n(&self->core.trim_heap, true, __ATOMIC_RELAXED);
        pthread_mutex_lock(&self->core.lock);
        pthread_cond_signal(&self->core.work); /* the compute thread unmaps when it has nothing else to do */
        pthread_mutex_unlock(&self->core.lock);
        self->trim_ns = now_ns + TRIM_NS;
    }
    if (self->core.runners) {
        int64_t runners_ns = runner_host_next_deadline(self->core.runners);

        due_ns = runners_ns < due_ns ? runners_ns : due_ns;
    }
    if (self->core.pythons) {
        int64_t pythons_ns = python_hosts_next_deadline(self->core.pythons);

        due_ns = pythons_ns < due_ns ? pythons_ns : due_ns;
    }
    return due_ns < self->check_ns ? due_ns : self->check_ns;
}

static int
fill_fds(engine_t *self, int stop_fd, int end_fd)
{
    int n = 0;

    self->fds[n++] = (struct pollfd){.fd = stop_fd, .events = POLLIN};
    self->fds[n++] = (struct pollfd){.fd = end_fd, .events = POLLIN};
    self->fds[n++] = (struct pollfd){.fd = self->core.wake_fd, .events = POLLIN};
    self->fds[n++] = (struct pollfd){.fd = link_fd(broker_link_link(self->broker)), .events = POLLIN};
    for (int i = 0; i < peers_endpoints(self->peers); i++)
        self->fds[n++] = (struct pollfd){.fd = link_fd(peers_endpoint(self->peers, i)), .events = POLLIN};
    self->first_ring = n;
    self->ring_fds = peers_rings_pollfds(self->peers, self->fds + n, MAX_FDS - n);
    n += self->ring_fds;
    int more = mates_pollfds(self->mates, self->fds + n, MAX_FDS - n);

    n += more < MAX_FDS - n ? more : MAX_FDS - n;
    if (self->core.runners) {
        more = runner_host_pollfds(self->core.runners, self->fds + n, MAX_FDS - n);
        n += more < MAX_FDS - n ? more : MAX_FDS - n;
    }
    if (self->core.pythons && n < MAX_FDS)
        self->fds[n++] = (struct pollfd){.fd = python_hosts_fd(self->core.pythons), .events = POLLIN};
    return n;
}

/* Is there something that needs no waiting?  Also announces that the reactor will wait, if not.  A link that has been
 * used may have swallowed the sign that its descriptor would give. */
static bool
must_go_on(engine_t *self)
{
    core_t *core = &self->core;
    bool ready = link_ready(broker_link_link(self->broker), NULL);

    for (int i = 0; i < peers_endpoints(self->peers); i++) {
        if (peers_was_used(self->peers, i))
            self->readable[i] |= link_ready(peers_endpoint(self->peers, i), NULL);
        ready |= self->readable[i];
    }
    pthread_mutex_lock(&core->lock);
    ready |= core->for_reactor || core->lanes.reactor_first != NULL || core->lanes.batches.retired != NULL;
    core->reactor_waits = !ready;
    pthread_mutex_unlock(&core->lock);
    ready = ready || !peers_rings_sleep(self->peers);
    return ready || (core->runners && runner_host_linger(core->runners)) ||
           (core->pythons && python_hosts_linger(core->pythons));
}

/* ZeroMQ does not tell when a peer takes messages again: try, ever less often. */
static int
wait_ms(engine_t *self, int64_t due_ns, bool at_once, bool blocked, bool waiting)
{
    int ms = at_once ? 0 : clock_remaining_ms(due_ns, MAX_WAIT_MS);

    self->retry_ms = !blocked ? RETRY_MS : self->retry_ms < MAX_RETRY_MS ? self->retry_ms * 2 : MAX_RETRY_MS;
    if (blocked && ms > self->retry_ms)
        ms = self->retry_ms;
    return waiting && ms > CONNECT_RETRY_MS ? CONNECT_RETRY_MS : ms;
}

/* After messages came through rings and nothing else: may the reactor wait again as it did? */
static bool
can_wait_on(engine_t *self)
{
    core_t *core = &self->core;

    if (peers_rings_serve_awake(self->peers))
        return false;
    pthread_mutex_lock(&core->lock);
    bool ready = core->for_reactor || core->news_now || core->lanes.reactor_first || core->lanes.batches.retired;

    core->reactor_waits = !ready;
    pthread_mutex_unlock(&core->lock);
    return !ready && peers_rings_sleep(self->peers);
}

/* Poll.  Calls through rings are served here at once, without a turn of the whole loop, until due_ns. */
static int
poll_and_serve(engine_t *self, int n, int ms, int64_t due_ns)
{
    uint64_t version = peers_rings_version(self->peers) + mates_pollfds_version(self->mates);

    for (bool first = true;; first = false) {
        int woken = readiness_wait(&self->readiness, self->fds, n, version, ms), by_ring = 0;
        struct pollfd *rings = self->fds + self->first_ring;

        for (int i = 0; i < self->ring_fds && woken > 0; i++)
            by_ring += rings[i].revents != 0;
        bool served = peers_rings_wake(self->peers, rings, woken > 0 ? self->ring_fds : 0);

        int64_t now_ns = clock_now_ns();

        /* What the calls have made may be news for the broker, soon. */
        if (first && now_ns + RINGS_ALONE_MS * NS_PER_MS < due_ns)
            due_ns = now_ns + RINGS_ALONE_MS * NS_PER_MS;
        if (!served || by_ring != woken || ms == 0 || now_ns >= due_ns || !can_wait_on(self))
            return woken;
        ms = clock_remaining_ms(due_ns, RINGS_ALONE_MS);
    }
}

static int
wait_for_events(engine_t *self, int stop_fd, int end_fd, int ms, bool *ret_stop, err_t *err)
{
    uint64_t count;
    int n = fill_fds(self, stop_fd, end_fd);
    int woken = poll_and_serve(self, n, ms, clock_now_ns() + (int64_t)ms * NS_PER_MS);

    if (woken < 0 && errno != EINTR)
        return err_set_errno(err, FH_IO_ERROR, errno, "cannot wait for messages");
    pthread_mutex_lock(&self->core.lock);
    self->core.reactor_waits = false;
    pthread_mutex_unlock(&self->core.lock);
    if (woken < 0)
        return FH_OK;
    /* When nothing came in time all are looked at: no sign that was missed costs more than that. */
    for (int i = 0; i < peers_endpoints(self->peers); i++)
        self->readable[i] |= woken == 0 || self->fds[FIRST_ENDPOINT + i].revents != 0;
    if ((self->fds[2].revents & POLLIN) && read(self->core.wake_fd, &count, sizeof count) < 0 && errno != EAGAIN)
        return err_set_errno(err, FH_IO_ERROR, errno, "cannot read the engine's eventfd");
    *ret_stop = self->fds[0].revents != 0;
    if (self->fds[1].revents)
        return err_set(err, FH_INTERNAL, "the authentication handler has ended");
    return FH_OK;
}

int
engine_run(engine_t *self, int stop_fd, int end_fd, void (*ready)(void *context), void *context, err_t *err)
{
    bool stop = false, told = false;
    int status = FH_OK;

    /* The reactor works in short bursts, beside threads that compute for long; what it starts takes that back. */
    (void)time_slice_set(SLICE_NS);
    while (!status && !stop) {
        bool waiting, more = receive(self);

        more |= pump(self, &waiting);
        int64_t now_ns = clock_now_ns();
        int64_t due_ns = tick(self, now_ns);
        bool blocked = flush(self);

        if (!told && broker_link_ready(self->broker)) {
            ready(context);
            told = true;
        }
        status = broker_link_failure(self->broker, now_ns, err);
        more |= must_go_on(self);
        if (!status)
            status = wait_for_events(self, stop_fd, end_fd, wait_ms(self, due_ns, more, blocked, waiting), &stop, err);
    }
    broker_link_leave(self->broker);
    return status;
}
