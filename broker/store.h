/* broker/store.h - the registry's file: SQLite, hidden behind rows and queries.
 *
 * Durability: write-ahead log, synchronous=NORMAL.  What a save has written survives a crash of the broker; a loss of
 * power may take the last saves back (never half of one).  A full disk or a read-only one fails saves with
 * REGISTRY_FULL; reading goes on, and later saves work again once there is room. Thread rule: one thread at a time;
 * never used across fork. */
#ifndef FH_BROKER_STORE_H
#define FH_BROKER_STORE_H

#include "base/err.h"
#include "broker/registry.h"
#include "broker/session.h"
#include "codecs/value.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

typedef struct store store_t;
typedef struct reader reader_t;
typedef struct query query_t;

/* Open or make the file (mode 0600) and bring its tables to this version.  max_bytes bounds it (0: no bound).
 * IO_ERROR: not a database, damaged, of a later version, or on a network file system, where SQLite's locks cannot be
 * trusted. */
int store_open(store_t **ret, const char *path, int64_t max_bytes, err_t *err);
void store_close(store_t **self);
/* Heap that SQLite has taken in this process. */
int64_t store_memory_bytes(void);
/* Fill empty tables.  Engines come back as EXPECTED, LOST or STOPPED, sessions AWAY with the lease.  Rows that make no
 * sense are passed over and counted in *ret_skipped (may be NULL). */
int store_load(store_t *self, registry_t *registry, sessions_t *sessions, int64_t now_ns, lease_t lease,
               size_t *ret_skipped, err_t *err);
/* Write all changes and the first max_objects of those of objects in one transaction, or nothing.  The lists are left
 * alone: on OK the caller tells the rows' owners. */
int store_save(store_t *self, const registry_t *registry, size_t max_objects, int64_t now_ns, err_t *err);

/* ---- reading, for clients ------------------------------------------------------------------------------------------
 */

/* A connection of its own that can do nothing but read, for one thread; the store may be written at the same time by
 * another.  Borrows the store. */
int store_reader_open(reader_t **ret, const store_t *store, err_t *err);
void store_reader_close(reader_t **self);

/* One SELECT over the five tables.  cancelled, borrowed until query_destroy: another thread sets it to end the query.
 * limit_ns: of processor time that it may compute in all.  INVALID_ARGUMENT (with SQLite's words), PERMISSION (anything
 * but reading those tables), IO_ERROR, NO_MEMORY. */
int store_query(reader_t *self, const char *sql, size_t size, const atomic_bool *cancelled, int64_t limit_ns,
                query_t **ret, err_t *err);
int query_columns(const query_t *query);
/* The columns' names as values, query_columns of them. */
void query_names(const query_t *query, value_t *ret);
/* Go to the next row.  OK; NO_SUCH_OBJECT at the end; LIMIT_EXCEEDED: it computed too long; CANCELLED; others as
 * above. */
int query_next(query_t *query, err_t *err);
/* The row, query_columns values, valid until the next query_next. */
void query_row(const query_t *query, value_t *ret);
void query_destroy(query_t **query);

#endif
