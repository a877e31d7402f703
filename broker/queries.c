/* broker/queries.c - threads that compute clients' queries in turns. */
#include "broker/queries.h"

#include "base/clock.h"
#include "codecs/message.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

enum { WORKERS = 2, FRAMES = 4, FRAME_BYTES = 32768, COLUMNS_MAX = 200, NICER = 5 };

static const int64_t TURN_NS = 20000000; /* so long one query goes on while others wait */

struct asked {
    asked_t *next;
    question_t question; /* sql lies behind this */
    atomic_bool cancelled;
    /* Of the worker that computes: the one that began, since its connection holds the statement. */
    query_t *query;
    uint64_t left;           /* rows that may still come */
    bool named, row_waiting; /* the names of the columns are out; the row under the cursor is not */
    /* Under the lock. */
    int worker; /* -1: nobody has begun */
    bool busy;  /* a worker computes */
    bool ended; /* with status and err */
    bool dropped;
    int status;
    err_t err;
    buf_t *frames[FRAMES]; /* a ring */
    unsigned first, count;
    char sql[];
};

typedef struct {
    queries_t *queries;
    int number;
    reader_t *reader;
    header_writer_t *writer;
    pthread_t thread;
} worker_t;

struct queries {
    const store_t *store;
    int64_t limit_ns;
    int fd;
    pthread_mutex_t lock;
    pthread_cond_t work;
    bool stopping;
    asked_t *first; /* in the order in which they are to have their turns */
    int nworkers;
    worker_t workers[WORKERS];
};

/* ---- the list, under the lock --------------------------------------------------------------------------------------
 */

static void
append(queries_t *self, asked_t *asked)
{
    asked_t **end = &self->first;

    while (*end)
        end = &(*end)->next;
    asked->next = NULL;
    *end = asked;
}

static void
take_out(queries_t *self, asked_t *asked)
{
    asked_t **place = &self->first;

    while (*place != asked)
        place = &(*place)->next;
    *place = asked->next;
}

static void
destroy(queries_t *self, asked_t *asked)
{
    take_out(self, asked);
    query_destroy(&asked->query);
    while (asked->count--)
        buf_unref(&asked->frames[asked->first++ % FRAMES]);
    free(asked);
}

static bool
session_computes(const queries_t *self, oid_t session)
{
    for (const asked_t *asked = self->first; asked; asked = asked->next)
        if (asked->worker >= 0 && !asked->ended && oid_equal(asked->question.session, session))
            return true;
    return false;
}

static bool
can_go_on(const queries_t *self, const asked_t *asked, int worker)
{
    if (asked->busy || (asked->worker >= 0 && asked->worker != worker))
        return false;
    if (asked->dropped)
        return true; /* to be destroyed by the thread that began it */
    if (asked->ended || asked->count == FRAMES)
        return false;
    return asked->worker == worker || !session_computes(self, asked->question.session);
}

static asked_t *
pick(const queries_t *self, int worker)
{
    for (asked_t *asked = self->first; asked; asked = asked->next)
        if (can_go_on(self, asked, worker))
            return asked;
    return NULL;
}

/* ---- computing, without the lock -----------------------------------------------------------------------------------
 */

/* One message into the frame.  LIMIT_EXCEEDED: no room. */
static int
add_values(worker_t *self, asked_t *asked, err_t *err)
{
    value_t values[COLUMNS_MAX];
    message_t message = {.code = MSG_ROW, .as.ROW = {.call = asked->question.call}};

    if (asked->named)
        query_row(asked->query, values);
    else
        query_names(asked->query, values);
    message.as.ROW.values = (values_t){values, (uint32_t)query_columns(asked->query)};
    return header_writer_add(self->writer, &message, err);
}

/* Go to the next row unless one waits, and add it. */
static int
add_row(worker_t *self, asked_t *asked, err_t *err)
{
    int status = FH_OK;

    if (asked->named && !asked->row_waiting) {
        status = asked->left ? query_next(asked->query, err) : FH_NO_SUCH_OBJECT;
        if (status)
            return status;
        asked->left--;
        asked->row_waiting = true;
    }
    status = add_values(self, asked, err);
    if (status)
        return status;
    asked->row_waiting = false;
    asked->named = true;
    return FH_OK;
}

/* Compute until a frame is full or the turn is over.  OK: there is more to come; NO_SUCH_OBJECT: that was all. */
static int
compute(worker_t *self, asked_t *asked, buf_t **ret_frame, err_t *err)
{
    int64_t until_ns = clock_now_ns() + TURN_NS;
    int status = FH_OK;

    header_writer_reset(self->writer);
    if (!self->reader)
        status = store_reader_open(&self->reader, self->queries->store, err);
    if (!status && !asked->query)
        status = store_query(self->reader, asked->sql, asked->question.sql.size, &asked->cancelled,
                             self->queries->limit_ns, &asked->query, err);
    while (!status && header_writer_size(self->writer) < FRAME_BYTES && clock_now_ns() < until_ns)
        status = add_row(self, asked, err);
    if (status == FH_LIMIT_EXCEEDED && asked->row_waiting && header_writer_count(self->writer))
        status = FH_OK; /* the row goes into the next frame */
    if (header_writer_count(self->writer)) {
        int copied = buf_new_copy(ret_frame, header_writer_data(self->writer), header_writer_size(self->writer), err);

        status = copied ? copied : status;
    }
    if (status)
        query_destroy(&asked->query);
    return status;
}

static void
tell(const queries_t *self)
{
    const uint64_t one = 1;

    (void)!write(self->fd, &one, sizeof one); /* fails only if the reactor has been told four billion times */
}

/* A turn of one query.  Under the lock, which is given up meanwhile. */
static void
run(worker_t *self, asked_t *asked)
{
    queries_t *queries = self->queries;
    buf_t *frame = NULL;
    err_t err = {0};

    asked->worker = self->number;
    asked->busy = true;
    take_out(queries, asked);
    append(queries, asked);
    pthread_mutex_unlock(&queries->lock);
    int status = compute(self, asked, &frame, &err);

    pthread_mutex_lock(&queries->lock);
    asked->busy = false;
    if (frame)
        asked->frames[(asked->first + asked->count++) % FRAMES] = frame;
    if (status) {
        asked->ended = true;
        asked->status = status;
        asked->err = err;
        pthread_cond_broadcast(&queries->work); /* its session may have another */
    }
    if (frame || status)
        tell(queries);
}

static void *
work(void *argument)
{
    worker_t *self = argument;
    queries_t *queries = self->queries;

    /* The reactor goes first.  A failure changes nothing but that. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), getpriority(PRIO_PROCESS, 0) + NICER);
    pthread_mutex_lock(&queries->lock);
    while (!queries->stopping) {
        asked_t *asked = pick(queries, self->number);

        if (!asked)
            pthread_cond_wait(&queries->work, &queries->lock);
        else if (asked->dropped)
            destroy(queries, asked);
        else
            run(self, asked);
    }
    pthread_mutex_unlock(&queries->lock);
    return NULL;
}

/* ---- life ----------------------------------------------------------------------------------------------------------
 */

int
queries_new(queries_t **ret, const store_t *store, int64_t limit_ns, err_t *err)
{
    queries_t *self = calloc(1, sizeof *self);

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for queries");
    self->store = store;
    self->limit_ns = limit_ns;
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->work, NULL);
    self->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self->fd < 0) {
        int status = err_set_errno(err, FH_IO_ERROR, errno, "cannot make a descriptor for queries");

        queries_destroy(&self);
        return status;
    }
    *ret = self;
    return FH_OK;
}

/* Cancel what computes, so that the threads look up. */
static void
stop(queries_t *self)
{
    pthread_mutex_lock(&self->lock);
    self->stopping = true;
    for (asked_t *asked = self->first; asked; asked = asked->next)
        atomic_store_explicit(&asked->cancelled, true, memory_order_relaxed);
    pthread_cond_broadcast(&self->work);
    pthread_mutex_unlock(&self->lock);
}

void
queries_destroy(queries_t **queries)
{
    queries_t *self = *queries;

    if (!self)
        return;
    stop(self);
    for (int i = 0; i < self->nworkers; i++)
        pthread_join(self->workers[i].thread, NULL);
    while (self->first)
        destroy(self, self->first);
    for (int i = 0; i < self->nworkers; i++) {
        store_reader_close(&self->workers[i].reader);
        header_writer_destroy(&self->workers[i].writer);
    }
    if (self->fd >= 0)
        close(self->fd);
    pthread_cond_destroy(&self->work);
    pthread_mutex_destroy(&self->lock);
    free(self);
    *queries = NULL;
}

/* Signals are for the reactor. */
static int
start_thread(worker_t *worker)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&worker->thread, NULL, work, worker);

    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

/* All of them, or as many as there can be: one is enough. */
static int
start(queries_t *self, err_t *err)
{
    while (self->nworkers < WORKERS) {
        worker_t *worker = &self->workers[self->nworkers];
        int status = FH_OK;

        worker->queries = self;
        worker->number = self->nworkers;
        if (!worker->writer)
            status = header_writer_new(&worker->writer, err);
        if (!status) {
            int failed = start_thread(worker);

            if (failed)
                status = err_set_errno(err, FH_NO_MEMORY, failed, "cannot start a thread for queries");
        }
        if (status) {
            header_writer_destroy(&worker->writer);
            return self->nworkers ? FH_OK : status;
        }
        self->nworkers++;
    }
    return FH_OK;
}

int
queries_fd(const queries_t *self)
{
    return self->fd;
}

void
queries_rest(queries_t *self)
{
    uint64_t count;

    (void)!read(self->fd, &count, sizeof count); /* it does not block; nothing to read is as good */
}

/* ---- asking --------------------------------------------------------------------------------------------------------
 */

int
queries_ask(queries_t *self, const question_t *question, asked_t **ret, err_t *err)
{
    asked_t *asked = calloc(1, sizeof *asked + question->sql.size);
    int status = asked ? start(self, err) : err_set(err, FH_NO_MEMORY, "no memory for a query");

    if (status) {
        free(asked);
        return status;
    }
    asked->question = *question;
    asked->left = question->limit;
    asked->worker = -1;
    memcpy(asked->sql, question->sql.data, question->sql.size);
    pthread_mutex_lock(&self->lock);
    append(self, asked);
    pthread_cond_broadcast(&self->work);
    pthread_mutex_unlock(&self->lock);
    *ret = asked;
    return FH_OK;
}

int
queries_take(queries_t *self, asked_t *asked, buf_t **ret, err_t *err)
{
    int status = FH_OK;

    pthread_mutex_lock(&self->lock);
    if (asked->count) {
        *ret = asked->frames[asked->first++ % FRAMES];
        asked->count--;
        pthread_cond_broadcast(&self->work);
    } else if (asked->ended) {
        status = asked->status;
        *err = asked->err;
    } else
        status = FH_BUSY;
    pthread_mutex_unlock(&self->lock);
    return status;
}

void
queries_drop(queries_t *self, asked_t **asked)
{
    if (!*asked)
        return;
    pthread_mutex_lock(&self->lock);
    (*asked)->dropped = true;
    atomic_store_explicit(&(*asked)->cancelled, true, memory_order_relaxed);
    if (!(*asked)->busy && !(*asked)->query)
        destroy(self, *asked);
    else
        pthread_cond_broadcast(&self->work);
    pthread_mutex_unlock(&self->lock);
    *asked = NULL;
}
