/* engine/python_watch.c - what the reactor does for hosts: hear them, end calls in time, tell what is gone. */
#include "base/clock.h"
#include "base/process_memory.h"
#include "engine/python_host_private.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

enum { EVENTS = 32, GONE_AT_ONCE = 1024 };

static const int64_t START_NS = 30000000000, GRACE_NS = 2000000000, AGAIN_NS = 50000000;

/* ---- ending calls --------------------------------------------------------------------------------------------------
 */

/* The first call is to end: ask for it, ever again, since the host may just have been between two calls; at last kill.
 */
static void
press(python_host_t *self, int64_t now_ns)
{
    python_job_t *job = self->first;

    if (!job->interrupted)
        self->kill_ns = now_ns + GRACE_NS;
    job->interrupted = true;
    self->interrupt_ns = now_ns + AGAIN_NS;
    python_process_interrupt(self->process, job->serial);
}

/* ---- calls through the client's rings ------------------------------------------------------------------------------
 * The page says which one runs.  Whoever lies there keeps its own session's host busy, until the host is killed. */

/* Which one runs?  0: none. */
static uint64_t
running_direct(const python_host_t *self)
{
    uint64_t running = atomic_load(&self->process->page->running);

    return running & PYHOST_DIRECT ? running : 0;
}

void
python_host_direct_what(const python_host_t *self, char ret[PYHOST_WHAT])
{
    memset(ret, 0, PYHOST_WHAT);
    if (!running_direct(self))
        return;
    memcpy(ret, self->process->page->what, PYHOST_WHAT - 1); /* once: it may be changed at any time */
    for (char *at = ret; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
}

static void
press_direct(python_host_t *self, int verdict, int64_t now_ns)
{
    if (!self->direct_verdict)
        self->kill_ns = now_ns + GRACE_NS;
    self->direct_verdict = verdict;
    self->interrupt_ns = now_ns + AGAIN_NS;
    atomic_store(&self->process->page->verdict, (uint32_t)verdict);
    python_process_interrupt(self->process, self->direct);
}

/* Take note of which one runs. */
static void
look_at_direct(python_host_t *self, int64_t now_ns)
{
    uint64_t running = running_direct(self);

    if (running == self->direct)
        return;
    if (self->direct_verdict)
        self->interrupt_ns = self->kill_ns = INT64_MAX; /* it has ended */
    if (self->direct)
        self->began_ns = now_ns; /* what was asked meanwhile begins now */
    self->direct = running;
    self->direct_ns = now_ns;
    self->direct_verdict = FH_OK;
}

static void
cancel_direct(python_host_t *self)
{
    int64_t now_ns = clock_now_ns();

    look_at_direct(self, now_ns);
    if (self->direct && !self->direct_verdict)
        press_direct(self, FH_CANCELLED, now_ns);
}

/* What is due about it.  True: one runs, and calls of the lane wait. */
static bool
enforce_direct(python_host_t *self, int64_t now_ns)
{
    look_at_direct(self, now_ns);
    if (!self->direct)
        return false;
    int verdict = self->direct_verdict;

    if (!verdict && now_ns >= self->direct_ns + self->all->options.timeout_ns)
        verdict = FH_TIMEOUT;
    if (verdict && (!self->direct_verdict || now_ns >= self->interrupt_ns))
        press_direct(self, verdict, now_ns);
    return true;
}

void
python_host_cancel(python_host_t *self)
{
    core_t *core = self->all->core;
    bool all = true;

    pthread_mutex_lock(&core->lock);
    for (python_job_t *job = self->first; job; job = job->next) {
        if ((job->orphan || call_cancelled(job->call)) && !job->verdict)
            job->verdict = FH_CANCELLED;
        all = all && job->verdict;
        if (all)
            atomic_store(&self->process->page->cancelled, job->serial);
    }
    pthread_mutex_unlock(&core->lock);
    if (self->first && self->first->verdict && !self->first->interrupted && !running_direct(self))
        press(self, clock_now_ns());
}

void
python_hosts_cancel(python_hosts_t *self, oid_t session, const msg_CANCEL_t *cancel)
{
    bool all = !cancel->objects.count && !cancel->calls.count;

    for (python_host_t *host = self->hosts; host; host = host->next) {
        bool own = oid_equal(host->session, session);

        if (host->ended || (!own && !oid_equal(host->session, PYTHON_SHARED)))
            continue;
        for (python_job_t *job = own ? host->first : NULL; job; job = job->next)
            if (python_task_is_wanted(job, cancel))
                python_task_cancel(job);
        python_host_cancel(host);
        if (own && all)
            cancel_direct(host);
    }
}

static bool
is_one_of(const python_job_t *job, oid_t session, const ints_t *calls)
{
    int64_t number = job->orphan || (job->lane && !oid_equal(job->lane->owner.session, session))
                         ? -1
                         : (int64_t)message_call(&job->call->message);

    for (uint32_t i = 0; i < calls->count; i++)
        if (calls->items[i] == number)
            return true;
    return false;
}

/* What was taken back is one row of serials, which grows at its ends until the host has passed it. */
static bool
grow_row(pyhost_page_t *page, uint64_t serial)
{
    uint64_t first = atomic_load(&page->back_first), last = atomic_load(&page->back_last);

    if (last <= atomic_load(&page->begun)) {
        atomic_store(&page->back_last, 0);
        atomic_store(&page->back_first, serial);
        atomic_store(&page->back_last, serial);
    } else if (serial == last + 1) {
        atomic_store(&page->back_last, serial);
    } else if (serial + 1 == first) {
        atomic_store(&page->back_first, serial);
    } else {
        return serial >= first && serial <= last;
    }
    return true;
}

/* From the last to the first, since the host begins the first ones meanwhile.  It stores what it begins before it looks
 * at the row, and we look at that after we have stored the row: one of the two sees the other. */
static void
take_back(python_host_t *self, python_job_t *job, oid_t session, const ints_t *calls, int64_t *ret, uint32_t *ret_count)
{
    python_job_t *wanted[PYTHON_TAKEN_BACK];
    int count = 0;

    for (; job && count < PYTHON_TAKEN_BACK; job = job->next)
        if (is_one_of(job, session, calls))
            wanted[count++] = job;
    while (count-- > 0) {
        python_job_t *last = wanted[count];

        if (*ret_count < PYTHON_TAKEN_BACK && grow_row(self->process->page, last->serial) &&
            atomic_load(&self->process->page->begun) < last->serial)
            ret[(*ret_count)++] = (int64_t)message_call(&last->call->message);
    }
}

void
python_hosts_take_back(python_hosts_t *self, oid_t session, const ints_t *calls, int64_t *ret, uint32_t *ret_count)
{
    pthread_mutex_lock(&self->core->lock);
    for (python_host_t *host = self->hosts; host; host = host->next)
        if (!host->ended && (oid_equal(host->session, session) || oid_equal(host->session, PYTHON_SHARED)))
            take_back(host, host->first, session, calls, ret, ret_count);
    pthread_mutex_unlock(&self->core->lock);
}

static int64_t
deadline_of(const python_host_t *self)
{
    int64_t deadline = self->kill_ns < self->interrupt_ns ? self->kill_ns : self->interrupt_ns;

    if (self->ended)
        return self->kill_ns;
    if (!self->ready && self->process->child.started_ns + START_NS < deadline)
        deadline = self->process->child.started_ns + START_NS;
    if (self->first && self->ready && !self->first->verdict && !self->direct &&
        self->began_ns + self->first->limit_ns < deadline)
        deadline = self->began_ns + self->first->limit_ns;
    return deadline;
}

int64_t
python_hosts_next_deadline(const python_hosts_t *self)
{
    int64_t deadline = INT64_MAX;

    for (const python_host_t *host = self->hosts; host; host = host->next)
        if (deadline_of(host) < deadline)
            deadline = deadline_of(host);
    return deadline;
}

static void
enforce(python_host_t *self, int64_t now_ns)
{
    if (!self->ready && now_ns >= self->process->child.started_ns + START_NS)
        python_host_kill(self, "it was not ready after 30 seconds");
    if (enforce_direct(self, now_ns))
        goto patience; /* what the lane has asked has not begun */
    if (self->first && self->ready && !self->first->verdict && now_ns >= self->began_ns + self->first->limit_ns)
        self->first->verdict = FH_TIMEOUT;
    if (self->first && self->first->verdict && (!self->first->interrupted || now_ns >= self->interrupt_ns))
        press(self, now_ns);
patience:
    if (now_ns >= self->kill_ns)
        python_host_kill(self, "a call did not end when it was interrupted");
}

/* ---- the reactor ---------------------------------------------------------------------------------------------------
 */

int
python_hosts_fd(const python_hosts_t *self)
{
    return self->epoll;
}

bool
python_hosts_linger(python_hosts_t *self)
{
    for (python_host_t *host = self->hosts; host; host = host->next)
        if (host->first && host->ready && !host->process->looked)
            return python_process_look(host->process);
    return false;
}

/* Take what it says.  Whoever has ended is found by pidfd, by the closed socket, or, killed, by and by. */
static void
listen(python_hosts_t *self, python_host_t *host)
{
    err_t err = {0};
    size_t size;
    int status;

    while (!(status = python_process_receive(host->process, self->datagram, &size, &err)) &&
           !(status = python_answer_take(host, self->datagram, size, &err)))
        continue;
    if (status == FH_BUSY) {
        python_host_push(host);
    } else if (status == FH_CANNOT_CONNECT) {
        python_host_kill(host, NULL);
    } else {
        (void)snprintf(host->fault, sizeof host->fault, "%.250s", err.text);
        python_host_kill(host, "it broke the protocol: ");
    }
}

static void
hear(python_hosts_t *self, uint64_t event)
{
    python_host_t *host = self->hosts;

    while (host && host->serial != event / 2)
        host = host->next;
    if (!host)
        return;
    if (!host->ended || !(event & 1))
        listen(self, host);
    if (event & 1)
        python_host_kill(host, NULL);
    if (host->ended)
        (void)epoll_ctl(self->epoll, EPOLL_CTL_DEL, host->process->child.socket, NULL);
}

static void
tell_gone_to(python_host_t *self, const python_gone_t *gone, size_t n)
{
    void *record = NULL;
    uint32_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += gone[i].host == self->serial;
    if (!count || self->ended ||
        python_packet_reserve(self, PYHOST_DROP, sizeof(pyhost_list_t) + count * sizeof(oid_t), 0, &record, NULL))
        return;
    ((pyhost_list_t *)record)->count = count;
    char *at = (char *)((pyhost_list_t *)record + 1);

    for (size_t i = 0; i < n; i++)
        if (gone[i].host == self->serial) {
            memcpy(at, &gone[i].id, sizeof gone[i].id);
            at += sizeof gone[i].id;
        }
    if (!self->first)
        python_host_push(self); /* else it goes when this call has ended */
}

/* Tell the hosts which of their objects are gone. */
static void
tell_gone(python_hosts_t *self)
{
    object_table_t *objects = &self->core->objects;
    python_gone_t gone[GONE_AT_ONCE];
    size_t n;

    do {
        pthread_mutex_lock(&self->core->lock);
        n = objects->python_count < GONE_AT_ONCE ? objects->python_count : GONE_AT_ONCE;
        objects->python_count -= n;
        if (n)
            memcpy(gone, objects->python_gone + objects->python_count, n * sizeof *gone);
        pthread_mutex_unlock(&self->core->lock);
        for (python_host_t *host = n ? self->hosts : NULL; host; host = host->next)
            tell_gone_to(host, gone, n);
    } while (n);
}

void
python_hosts_handle(python_hosts_t *self)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(self->epoll, events, EVENTS, 0);

    for (int i = 0; i < count; i++)
        hear(self, events[i].data.u64);
    int64_t now_ns = clock_now_ns();

    for (python_host_t *host = self->hosts, *next; host; host = next) {
        next = host->next;
        if (!host->ended && (now_ns >= deadline_of(host) || host->direct || running_direct(host) ||
                             (host->first && host->first->verdict && !host->first->interrupted)))
            enforce(host, now_ns);
        if (!host->ended)
            continue;
        if (child_process_bury(&host->process->child))
            python_host_lose(self, host);
        else if (now_ns >= host->kill_ns)
            python_host_kill(host, NULL);
    }
    tell_gone(self);
}

int64_t
python_hosts_memory(const python_hosts_t *self, int *ret_count)
{
    int64_t bytes = 0;

    *ret_count = 0;
    for (const python_host_t *host = self->hosts; host; host = host->next) {
        process_memory_t memory;

        if (!host->process || !host->process->child.pid || !process_memory(host->process->child.pid, &memory))
            continue;
        bytes += memory.anonymous + memory.file;
        ++*ret_count;
    }
    return bytes;
}
