/* broker/queries.h - clients' SQL, on threads of its own: the reactor asks, and takes frames of ROW messages as they
 * come.
 *
 * Two threads, begun with the first query, take turns between the queries that can go on: one that has rows for its
 * client does not stop others, nor does one whose client does not read.  Of one session one query computes at a time.
 * Thread rule: all functions are the reactor's. */
#ifndef FH_BROKER_QUERIES_H
#define FH_BROKER_QUERIES_H

#include "base/buf.h"
#include "base/err.h"
#include "base/oid.h"
#include "broker/store.h"
#include "codecs/value.h"

#include <stddef.h>
#include <stdint.h>

typedef struct queries queries_t;
typedef struct asked asked_t; /* a query under way */

/* What is asked; sql is copied. */
typedef struct {
    oid_t session;
    uint64_t call;  /* for the messages */
    uint64_t limit; /* of rows */
    str_t sql;
} question_t;

/* limit_ns: of processor time for one query.  Borrows the store.  NO_MEMORY, IO_ERROR. */
int queries_new(queries_t **ret, const store_t *store, int64_t limit_ns, err_t *err);
/* Ends all queries and the threads; what was asked and not dropped is dropped. */
void queries_destroy(queries_t **self);
/* Readable when there may be something to take. */
int queries_fd(const queries_t *self);
/* Before taking: make the descriptor unreadable until there is more. */
void queries_rest(queries_t *self);

/* Begin.  How many may be under way is the caller's to bound.  NO_MEMORY, IO_ERROR. */
int queries_ask(queries_t *self, const question_t *question, asked_t **ret, err_t *err);
/* The next frame (owned).  OK; BUSY: not yet; NO_SUCH_OBJECT: that was all; others: why the query ended. */
int queries_take(queries_t *self, asked_t *asked, buf_t **ret, err_t *err);
/* Not wanted any more, or at its end: a query that computes is cancelled. */
void queries_drop(queries_t *self, asked_t **asked);

#endif
