/* engine/python_host.c - hosts from their start to their end. */
#include "base/clock.h"
#include "base/log.h"
#include "engine/python_host_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { MOST = 64 };

static const int64_t HOUR_NS = 3600000000000, BURY_NS = 50000000;

int
python_hosts_new(python_hosts_t **ret, const python_hosts_options_t *options, err_t *err)
{
    python_hosts_t *self = calloc(1, sizeof *self);

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for Python hosts");
    self->options = *options;
    self->core = options->core;
    if (!self->options.most)
        self->options.most = MOST;
    if (!self->options.workers)
        self->options.workers = 1;
    self->options.process.workers = self->options.workers;
    if (!self->options.timeout_ns)
        self->options.timeout_ns = HOUR_NS;
    self->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (self->epoll < 0) {
        free(self);
        return err_set_errno(err, FH_IO_ERROR, errno, "no epoll descriptor for Python hosts");
    }
    *ret = self;
    return FH_OK;
}

/* ---- jobs ----------------------------------------------------------------------------------------------------------
 */

void
python_job_free(core_t *core, python_job_t **self)
{
    python_job_t *job = *self;

    *self = NULL;
    if (!job)
        return;
    if (!oid_is_none(job->result))
        object_table_note_python(&core->objects, job->host, job->result);
    for (uint32_t i = 0; i < job->made.nobjects; i++)
        object_table_note_python(&core->objects, job->host, job->made.objects[i]);
    for (int i = 0; i < job->made.narrays; i++)
        segment_unref(&job->made.arrays[i].segment);
    buf_unref(&job->made.body);
    free(job->made.objects);
    free(job->made.array_ids);
    free(job->made.arrays);
    free(job);
}

void
python_job_orphan(void *job)
{
    python_job_t *self = job;

    if (self->finished)
        python_job_free(self->core, &self);
    else
        self->orphan = true;
}

void
python_host_finish(python_host_t *self, int status, const err_t *err)
{
    core_t *core = self->all->core;
    python_job_t *job = self->first;

    self->first = job->next;
    self->began_ns = clock_now_ns();
    self->interrupt_ns = self->kill_ns = INT64_MAX;
    pthread_mutex_lock(&core->lock);
    job->finished = true;
    job->status = status;
    if (status)
        job->err = *err;
    if (job->task)
        python_task_finish(core, job);
    else if (job->orphan)
        python_job_free(core, &job);
    else if (job->lane->first == job->call)
        lane_wake(&core->lanes, job->lane);
    pthread_mutex_unlock(&core->lock);
}

/* ---- hosts ---------------------------------------------------------------------------------------------------------
 */

static void
watch(python_host_t *self, int operation)
{
    struct epoll_event event = {.events = self->blocked ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.u64 = 2 * self->serial};

    /* It cannot fail but for memory; then deadlines find out what has happened. */
    (void)epoll_ctl(self->all->epoll, operation, self->process->child.socket, &event);
    event = (struct epoll_event){.events = EPOLLIN, .data.u64 = 2 * self->serial + 1};
    if (operation == EPOLL_CTL_ADD)
        (void)epoll_ctl(self->all->epoll, operation, self->process->child.pidfd, &event);
}

static python_host_t *
find(const python_hosts_t *self, oid_t session, uint64_t worker)
{
    for (python_host_t *host = self->hosts; host; host = host->next)
        if (oid_equal(host->session, session) && host->worker == worker && !host->ended)
            return host;
    return NULL;
}

python_host_t *
python_hosts_find(const python_hosts_t *self, oid_t session)
{
    return find(self, session, 0);
}

python_host_t *
python_hosts_find_process(const python_hosts_t *self, oid_t session, uint64_t pid)
{
    for (python_host_t *host = self->hosts; host; host = host->next)
        if (oid_equal(host->session, session) && (uint64_t)host->process->child.pid == pid)
            return host;
    return NULL;
}

static int
start(python_hosts_t *self, oid_t session, uint64_t worker, python_host_t **ret, err_t *err)
{
    python_host_t *host = calloc(1, sizeof *host);

    if (!host)
        return err_set(err, FH_NO_MEMORY, "no memory for a Python host");
    int status = python_process_start(&host->process, &self->options.process, err);

    if (status) {
        free(host);
        return status;
    }
    host->all = self;
    host->session = session;
    host->worker = worker;
    host->serial = ++self->serial;
    host->interrupt_ns = host->kill_ns = INT64_MAX;
    host->next = self->hosts;
    self->hosts = host;
    *(worker ? &self->workers : &self->count) += 1;
    watch(host, EPOLL_CTL_ADD);
    *ret = host;
    return FH_OK;
}

int
python_hosts_open_worker(python_hosts_t *self, oid_t session, uint64_t worker, python_host_t **ret, err_t *err)
{
    *ret = find(self, session, worker);
    if (*ret)
        return FH_OK;
    if (worker >= (uint64_t)self->options.workers)
        return err_set(err, FH_LIMIT_EXCEEDED,
                       "a session has at most %d Python hosts on this engine (--python-workers), there is no further "
                       "one with the number %llu",
                       self->options.workers, (unsigned long long)worker);
    if (self->workers >= self->options.most)
        return err_set(err, FH_LIMIT_EXCEEDED,
                       "the sessions of this engine have %d further Python hosts; it takes no more (--python-hosts)",
                       self->workers);
    return start(self, session, worker, ret, err);
}

int
python_hosts_open(python_hosts_t *self, oid_t session, python_host_t **ret, err_t *err)
{
    *ret = python_hosts_find(self, session);
    if (*ret)
        return FH_OK;
    if (self->count >= self->options.most)
        return err_set(err, FH_LIMIT_EXCEEDED,
                       "this engine has %d Python hosts, one for each session that runs Python and one for what is "
                       "published; it takes no more (--python-hosts)",
                       self->count);
    return start(self, session, 0, ret, err);
}

uint64_t
python_host_serial(const python_host_t *self)
{
    return self->serial;
}

void
python_host_kill(python_host_t *self, const char *verdict)
{
    if (!self->ended)
        self->verdict = verdict;
    self->ended = true;
    self->interrupt_ns = INT64_MAX;
    self->kill_ns = clock_now_ns() + BURY_NS; /* look whether it is gone */
    child_process_kill(&self->process->child);
}

void
python_host_push(python_host_t *self)
{
    bool was_blocked = self->blocked;

    self->blocked = false;
    while (self->ready && self->first_packet) {
        packet_t *packet = self->first_packet;
        err_t err = {0};
        int status = python_process_send(self->process, packet->bytes, packet->size, packet->fds, packet->nfds, &err);

        self->blocked = status == FH_BUSY;
        if (status && status != FH_BUSY && status != FH_CANNOT_CONNECT) {
            (void)snprintf(self->fault, sizeof self->fault, "%.250s", err.text);
            python_host_kill(self, "it could not be spoken to: ");
        }
        if (status)
            break; /* if it has closed, its end is noticed elsewhere */
        self->waiting -= packet->size;
        self->first_packet = packet->next;
        free(self->all->spare);
        self->all->spare = packet;
    }
    if (self->blocked != was_blocked)
        watch(self, EPOLL_CTL_MOD);
}

/* Its last words, for people. */
static void
describe_end(const python_host_t *self, const char *doing, err_t *err)
{
    const python_process_t *process = self->process;
    const char *signal = process->child.exit_signal ? sigabbrev_np(process->child.exit_signal) : NULL;
    char how[ERR_TEXT_MAX / 2 + 80];

    if (self->verdict)
        (void)snprintf(how, sizeof how, "it was ended, because %s%s", self->verdict, self->fault);
    else if (process->child.exit_signal)
        (void)snprintf(how, sizeof how, "it was killed by SIG%s", signal ? signal : "?");
    else
        (void)snprintf(how, sizeof how, "it ended with exit status %d", process->child.exit_code);
    if (!self->ready)
        (void)err_set(err, FH_IO_ERROR,
                      "a Python host could not be started: %s; its standard error is in the engine's log", how);
    else
        (void)err_set(
            err, FH_ENGINE_LOST,
            "the session's Python host has ended%s%.100s: %s; Python objects that were in it are lost, arrays "
            "are not, and the next call gets a new host",
            *doing ? " while it ran " : "", doing, how);
}

void
python_host_lose(python_hosts_t *self, python_host_t *host)
{
    err_t err = {0};
    buf_t *poison = NULL;
    python_host_t **at = &self->hosts;
    char direct[PYHOST_WHAT];

    while (*at != host)
        at = &(*at)->next;
    *at = host->next;
    *(host->worker ? &self->workers : &self->count) -= 1;
    python_host_direct_what(host, direct);
    describe_end(host, direct[0] ? direct : host->first ? host->first->what : "", &err);
    if (!host->closing)
        log_limited(LOG_WARNING, "ENG-PYTHON-LOST", "%s", err.text);
    while (host->first) {
        int verdict = host->first->verdict;
        err_t why = err;

        if (verdict)
            (void)err_set(&why, verdict,
                          "%s did not end when it was interrupted, so the Python host was killed: Python "
                          "objects that were in it are lost",
                          host->first->what);
        python_host_finish(host, verdict ? verdict : err.status, &why);
    }
    pthread_mutex_lock(&self->core->lock);
    err_set_origin(&err, "engine %d (%s), Python host", self->core->number, self->core->host_name);
    if (buf_new_copy(&poison, &err, sizeof err, NULL))
        poison = buf_ref(self->core->no_memory);
    (void)object_table_poison_python(&self->core->objects, host->serial, poison);
    buf_unref(&poison);
    pthread_mutex_unlock(&self->core->lock);
    python_packets_release(host);
    python_pins_release(host);
    python_process_destroy(&host->process);
    free(host);
}

void
python_hosts_destroy(python_hosts_t **self)
{
    python_hosts_t *hosts = *self;

    *self = NULL;
    if (!hosts)
        return;
    while (hosts->hosts) {
        hosts->hosts->closing = true;
        python_host_kill(hosts->hosts, "the engine stops");
        python_host_lose(hosts, hosts->hosts);
    }
    close(hosts->epoll);
    free(hosts->spare);
    free(hosts);
}

void
python_hosts_forget(python_hosts_t *self, oid_t session)
{
    for (python_host_t *host = self->hosts; host; host = host->next)
        if (oid_equal(host->session, session) && !host->ended) {
            host->closing = true;
            python_host_kill(host, "the session has ended");
        }
    python_host_t *host = python_hosts_find(self, PYTHON_SHARED);
    if (host)
        python_host_cancel(host);
}
