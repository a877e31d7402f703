#include "engine/borrow.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_CALL = 16 /* HELLO has 1 */ };

static const int64_t ANSWER_NS = 5000000000; /* so long a lane waits */
static const int64_t AGAIN_NS = 2000000000;  /* RETURN without OK is sent again */

struct loan {
    borrows_t *borrows;
    oid_t engine, share, object;
    uint64_t size; /* of memory for pieces, which the lender may have to make; 0: object is an array */
    int64_t offset;
    bool abandoned;
    uint64_t call; /* of the RETURN */
    int64_t sent_ns;
    segment_t *segment;
    loan_t *next;
};

struct question {
    lane_t *lane;
    loan_t *loan; /* what it is to become */
    uint64_t call;
    int64_t deadline_ns;
    bool sent, answered;
    msg_LENT_t lent;
    err_t refused; /* status OK: it was not */
    question_t *next;
};

struct borrows {
    core_t *core;
    question_t *questions;
    uint64_t next_call;
    pthread_mutex_t lock; /* of what follows; taken after the core's */
    loan_t *loans;        /* in use */
    loan_t *returned;     /* to be told, or to be acknowledged */
    segment_t *doomed;    /* to be unmapped; linked by next */
};

int
borrows_new(borrows_t **ret, core_t *core, err_t *err)
{
    borrows_t *self = calloc(1, sizeof *self);

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for the table of borrowed segments");
    self->core = core;
    self->next_call = FIRST_CALL;
    pthread_mutex_init(&self->lock, NULL);
    *ret = self;
    return FH_OK;
}

void
borrows_destroy(borrows_t **self)
{
    borrows_t *borrows = *self;

    if (!borrows)
        return;
    borrows_reap(borrows);
    for (loan_t *loan = borrows->returned, *next; loan; loan = next) {
        next = loan->next;
        free(loan);
    }
    for (question_t *question = borrows->questions, *next; question; question = next) {
        next = question->next;
        free(question->loan);
        free(question);
    }
    pthread_mutex_destroy(&borrows->lock);
    free(borrows);
    *self = NULL;
}

/* ---- ends ----------------------------------------------------------------------------------------------------------
 */

static void
queue_return(borrows_t *self, loan_t *loan)
{
    loan->call = 0;
    loan->next = self->returned;
    self->returned = loan;
}

static void
loan_remove(borrows_t *self, const loan_t *loan)
{
    for (loan_t **at = &self->loans; *at; at = &(*at)->next)
        if (*at == loan) {
            *at = loan->next;
            return;
        }
}

void
borrow_give_back(segment_t *segment)
{
    loan_t *loan = segment->loan;
    borrows_t *self = loan->borrows;
    uint64_t one = 1;

    pthread_mutex_lock(&self->lock);
    loan_remove(self, loan);
    loan->abandoned = segment->abandoned || segment->spent;
    loan->segment = NULL;
    queue_return(self, loan);
    segment->next = self->doomed;
    self->doomed = segment;
    pthread_mutex_unlock(&self->lock);
    (void)pthread_cond_signal(&self->core->work); /* the compute thread unmaps, if it has nothing else to do */
    /* It can only fail when the counter is full: then the reactor is awake anyway. */
    if (write(self->core->wake_fd, &one, sizeof one) < 0)
        return;
}

void
borrows_reap(borrows_t *self)
{
    pthread_mutex_lock(&self->lock);
    segment_t *segment = self->doomed;

    self->doomed = NULL;
    pthread_mutex_unlock(&self->lock);
    while (segment) {
        segment_t *next = segment->next;

        segment_destroy(&segment);
        segment = next;
    }
}

/* ---- asking --------------------------------------------------------------------------------------------------------
 */

bool
borrows_find(borrows_t *self, oid_t engine, oid_t object, borrowed_t *ret)
{
    bool found = false;

    pthread_mutex_lock(&self->lock);
    for (loan_t *loan = self->loans; loan && !found; loan = loan->next) {
        if (!oid_equal(loan->engine, engine) || !oid_equal(loan->object, object))
            continue;
        /* One that is on its way to borrow_give_back stays dead. */
        int references = __atomic_load_n(&loan->segment->references, __ATOMIC_RELAXED);

        while (references > 0 && !found)
            found = __atomic_compare_exchange_n(&loan->segment->references, &references, references + 1, false,
                                                __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
        if (found)
            *ret = (borrowed_t){loan->segment, loan->offset};
    }
    pthread_mutex_unlock(&self->lock);
    return found;
}

int
borrows_ask(borrows_t *self, lane_t *lane, oid_t engine, oid_t object, uint64_t size, question_t **ret, err_t *err)
{
    question_t *question = calloc(1, sizeof *question);
    loan_t *loan = calloc(1, sizeof *loan);

    if (!question || !loan) {
        free(question);
        free(loan);
        return err_set(err, FH_NO_MEMORY, "no memory to borrow a segment");
    }
    *loan = (loan_t){.borrows = self, .engine = engine, .share = oid_new(), .object = object, .size = size};
    question->lane = lane;
    question->loan = loan;
    question->call = self->next_call++;
    question->deadline_ns = clock_now_ns() + ANSWER_NS;
    question->next = self->questions;
    self->questions = question;
    *ret = question;
    core_wake_reactor(self->core);
    return FH_OK;
}

static void
answer(borrows_t *self, question_t *question)
{
    question->answered = true;
    lane_wake(&self->core->lanes, question->lane);
}

static question_t *
find_question(const borrows_t *self, oid_t engine, uint64_t call)
{
    for (question_t *question = self->questions; question; question = question->next)
        if (question->call == call && oid_equal(question->loan->engine, engine) && !question->answered)
            return question;
    return NULL;
}

/* Without the question; its loan is the caller's. */
static loan_t *
question_end(borrows_t *self, question_t *question)
{
    loan_t *loan = question->loan;

    for (question_t **at = &self->questions; *at; at = &(*at)->next)
        if (*at == question) {
            *at = question->next;
            break;
        }
    free(question);
    return loan;
}

/* The lender is told, since it may have lent what nobody wants any more. */
static void
give_up(borrows_t *self, question_t *question)
{
    bool asked = question->sent && !question->refused.status;
    loan_t *loan = question_end(self, question);

    if (!asked) {
        free(loan);
        return;
    }
    pthread_mutex_lock(&self->lock);
    queue_return(self, loan);
    pthread_mutex_unlock(&self->lock);
    core_wake_reactor(self->core);
}

void
borrows_forget(borrows_t *self, question_t **question)
{
    if (*question)
        give_up(self, *question);
    *question = NULL;
}

/* ---- taking --------------------------------------------------------------------------------------------------------
 */

static int
open_lent(const msg_LENT_t *lent, int *ret, err_t *err)
{
    char path[64];
    struct stat file;

    (void)snprintf(path, sizeof path, "/proc/%llu/fd/%llu", (unsigned long long)lent->pid,
                   (unsigned long long)lent->fd);
    int fd = open(path, O_RDWR | O_CLOEXEC);

    if (fd >= 0 && fstat(fd, &file) == 0 && file.st_ino == lent->inode && file.st_dev == lent->device &&
        file.st_size >= (off_t)lent->size && lent->offset <= lent->size) {
        *ret = fd;
        return FH_OK;
    }
    if (fd >= 0)
        close(fd);
    return err_set(err, FH_NOT_SUPPORTED, "another engine's memory cannot be reached through %s", path);
}

static int
take(const msg_LENT_t *lent, loan_t *loan, segment_t **ret, err_t *err)
{
    int fd = -1, status = open_lent(lent, &fd, err);

    if (status)
        return status;
    status = segment_new_borrowed(ret, lent->size, fd, loan, err);
    if (status)
        close(fd);
    return status;
}

int
borrows_collect(borrows_t *self, question_t **question, bool *ret_came, borrowed_t *ret, err_t *err)
{
    core_t *core = self->core;
    question_t *asked = *question;
    segment_t *segment = NULL;

    pthread_mutex_lock(&core->lock);
    *ret_came = asked->answered;
    int status = asked->refused.status;

    if (status)
        *err = asked->refused;
    pthread_mutex_unlock(&core->lock);
    if (!*ret_came)
        return FH_OK;
    if (!status)
        status = take(&asked->lent, asked->loan, &segment, err);
    pthread_mutex_lock(&core->lock);
    *question = NULL;
    if (status) {
        give_up(self, asked);
    } else {
        loan_t *loan = asked->loan;

        segment->outside_writers = asked->lent.written;
        loan->offset = (int64_t)asked->lent.offset;
        loan->segment = segment;
        (void)question_end(self, asked);
        pthread_mutex_lock(&self->lock);
        loan->next = self->loans;
        self->loans = loan;
        pthread_mutex_unlock(&self->lock);
        *ret = (borrowed_t){segment, loan->offset};
    }
    pthread_mutex_unlock(&core->lock);
    return status;
}

/* ---- the reactor ---------------------------------------------------------------------------------------------------
 */

void
borrows_lent(borrows_t *self, oid_t engine, const msg_LENT_t *lent)
{
    question_t *question = find_question(self, engine, lent->call);

    if (!question)
        return;
    question->lent = *lent;
    answer(self, question);
}

static void
refuse(borrows_t *self, question_t *question, const err_t *why)
{
    question->refused = *why;
    answer(self, question);
}

bool
borrows_refused(borrows_t *self, oid_t engine, uint64_t call, const err_t *why)
{
    question_t *question = find_question(self, engine, call);

    if (question)
        refuse(self, question, why);
    return question != NULL;
}

void
borrows_acknowledged(borrows_t *self, oid_t engine, uint64_t call)
{
    pthread_mutex_lock(&self->lock);
    for (loan_t **at = &self->returned; *at; at = &(*at)->next) {
        loan_t *loan = *at;

        if (loan->call != call || !oid_equal(loan->engine, engine))
            continue;
        *at = loan->next;
        free(loan);
        break;
    }
    pthread_mutex_unlock(&self->lock);
}

void
borrows_broken(borrows_t *self, oid_t engine)
{
    for (question_t *question = self->questions; question; question = question->next)
        if (oid_equal(question->loan->engine, engine))
            question->sent = false;
    pthread_mutex_lock(&self->lock);
    for (loan_t *loan = self->returned; loan; loan = loan->next)
        if (oid_equal(loan->engine, engine))
            loan->call = 0;
    pthread_mutex_unlock(&self->lock);
}

void
borrows_engine_lost(borrows_t *self, oid_t engine, const err_t *why)
{
    for (question_t *question = self->questions; question; question = question->next)
        if (!question->answered && oid_equal(question->loan->engine, engine))
            refuse(self, question, why);
    pthread_mutex_lock(&self->lock);
    for (loan_t **at = &self->returned; *at;) {
        loan_t *loan = *at;

        if (!oid_equal(loan->engine, engine)) {
            at = &loan->next;
            continue;
        }
        *at = loan->next;
        free(loan);
    }
    pthread_mutex_unlock(&self->lock);
}

static int
send_question(const borrows_t *self, const question_t *question, borrow_send_fn send, void *context, err_t *err)
{
    const loan_t *loan = question->loan;
    message_t message = {.code = MSG_BORROW};
    msg_BORROW_t *borrow = &message.as.BORROW;

    borrow->call = question->call;
    borrow->share = loan->share;
    borrow->object = loan->object;
    borrow->session = question->lane->owner.session;
    borrow->host = str_of(self->core->host);
    borrow->size = loan->size;
    return send(context, loan->engine, &message, NULL, err);
}

static bool
pump_questions(borrows_t *self, int64_t now, borrow_send_fn send, void *context)
{
    bool waiting = false;

    for (question_t *question = self->questions; question; question = question->next) {
        err_t err = {0};
        int status = FH_OK;

        if (question->answered)
            continue;
        if (!question->sent)
            status = send_question(self, question, send, context, &err);
        question->sent = question->sent || !status;
        if (now >= question->deadline_ns)
            status = err_set(&err, FH_TIMEOUT, "another engine did not lend its memory in %d s",
                             (int)(ANSWER_NS / 1000000000));
        waiting |= status == FH_BUSY;
        if (status && status != FH_BUSY)
            refuse(self, question, &err);
    }
    return waiting;
}

static bool
pump_returns(borrows_t *self, int64_t now, borrow_send_fn send, void *context)
{
    bool waiting = false;

    pthread_mutex_lock(&self->lock);
    for (loan_t **at = &self->returned; *at;) {
        loan_t *loan = *at;
        message_t message = {.code = MSG_RETURN};
        int status = FH_OK;

        if (!loan->call || now - loan->sent_ns >= AGAIN_NS) {
            loan->call = self->next_call++;
            message.as.RETURN.call = loan->call;
            message.as.RETURN.share = loan->share;
            message.as.RETURN.abandoned = loan->abandoned;
            status = send(context, loan->engine, &message, NULL, &(err_t){0});
            loan->sent_ns = now;
        }
        if (status == FH_BUSY) {
            loan->call = 0;
            waiting = true;
        }
        if (status == FH_ENGINE_LOST) {
            *at = loan->next;
            free(loan);
        } else {
            at = &loan->next;
        }
    }
    pthread_mutex_unlock(&self->lock);
    return waiting;
}

bool
borrows_pump(borrows_t *self, borrow_send_fn send, void *context)
{
    int64_t now = clock_now_ns();
    bool waiting = pump_questions(self, now, send, context);

    return pump_returns(self, now, send, context) || waiting;
}
