/* broker/store_private.h - what the files of the store share: the connection and its statements.
 * Only broker/store*.c include it. */
#ifndef FH_BROKER_STORE_PRIVATE_H
#define FH_BROKER_STORE_PRIVATE_H

#include "base/err.h"
#include "broker/store.h"
#include "codecs/shape.h"

#include <stdint.h>

#include <sqlite3.h>

enum { STORE_PATH_BYTES = 4096 };

#define STORE_STATEMENTS_TABLE(X)                                                                                      \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                                        \
    X(COMMIT, "COMMIT")                                                                                                \
    X(ROLLBACK, "ROLLBACK")                                                                                            \
    X(PUT_ENGINE, "INSERT OR REPLACE INTO engines VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)")                               \
    X(PUT_SESSION, "INSERT OR REPLACE INTO sessions VALUES (?,?,?,?,?)")                                               \
    X(PUT_OBJECT, "INSERT OR REPLACE INTO objects (rowid, id, session, engine, type, dtype, shape, bytes, made_ms)"    \
                  " VALUES (?,?,?,?,?,?,?,?,?)")                                                                       \
    X(PUT_NAME, "INSERT OR REPLACE INTO names VALUES (?,?,?,?,?,?)")                                                   \
    X(PUT_PIECE, "INSERT OR REPLACE INTO pieces VALUES (?,?,?,?,?,?)")                                                 \
    X(DROP_ENGINE, "DELETE FROM engines WHERE id = ?")                                                                 \
    X(DROP_SESSION, "DELETE FROM sessions WHERE id = ?")                                                               \
    X(DROP_OBJECT, "DELETE FROM objects WHERE rowid = ?")                                                              \
    X(DROP_NAME, "DELETE FROM names WHERE name = ?")                                                                   \
    X(DROP_PIECES, "DELETE FROM pieces WHERE name = ?")                                                                \
    X(ALL_ENGINES,                                                                                                     \
      "SELECT id, number, state, endpoint, local, host, pid, cores, memory, llvm, cpu, sandbox FROM engines"           \
      " ORDER BY number")                                                                                              \
    X(ALL_SESSIONS, "SELECT id, host, pid, software, since_ms FROM sessions")                                          \
    X(ALL_OBJECTS,                                                                                                     \
      "SELECT id, session, engine, type, dtype, shape, bytes, made_ms, rowid FROM objects ORDER BY rowid")             \
    X(MOST_OBJECTS, "SELECT max(rowid) - (SELECT min(rowid) FROM objects) + 1 FROM objects")                           \
    X(ALL_NAMES, "SELECT name, type, dtype, shape, axis FROM names")                                                   \
    X(COUNT_PIECES, "SELECT count(*) FROM pieces WHERE name = ?")                                                      \
    X(ALL_PIECES, "SELECT object, engine, length, strides FROM pieces WHERE name = ? ORDER BY position")

enum {
#define X(NAME, sql) STORE_##NAME,
    STORE_STATEMENTS_TABLE(X)
#undef X
        STORE_STATEMENTS
};

struct store {
    sqlite3 *db;
    sqlite3_stmt *statements[STORE_STATEMENTS];
    char path[STORE_PATH_BYTES];
};

/* Describe the last failure of a connection: "cannot WHAT the registry PATH: ...". */
int store_fail(const store_t *self, sqlite3 *db, const char *what, err_t *err);
/* Open another connection to the file, with all of SQLite's limits and defences. */
int store_connect(const store_t *self, int flags, sqlite3 **ret, err_t *err);
/* The prepared statement, made with its first use; NULL if that failed. */
sqlite3_stmt *store_statement(store_t *self, int which);

#endif
