/* broker/schema.h - the tables of the registry's file, as steps from version to version.
 * Step i brings PRAGMA user_version from i to i + 1.  Steps are never changed once released: add another.
 * Ids are 32 hex digits, shapes and strides JSON lists of integers, times milliseconds since 1970 (only to be shown).
 */
#ifndef FH_BROKER_SCHEMA_H
#define FH_BROKER_SCHEMA_H

static const char *const SCHEMA_STEPS[] = {
    "CREATE TABLE engines (id TEXT PRIMARY KEY, number INTEGER NOT NULL, state TEXT NOT NULL, endpoint TEXT NOT NULL,"
    " local TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL, cores INTEGER NOT NULL, memory INTEGER NOT NULL,"
    " used INTEGER NOT NULL, objects INTEGER NOT NULL, llvm TEXT NOT NULL, cpu TEXT NOT NULL, sandbox TEXT NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE sessions (id TEXT PRIMARY KEY, host TEXT NOT NULL, pid INTEGER NOT NULL, software TEXT NOT NULL,"
    " since_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE objects (id TEXT PRIMARY KEY, session TEXT NOT NULL, engine TEXT NOT NULL, type TEXT NOT NULL, dtype "
    "TEXT NOT NULL,"
    " shape TEXT NOT NULL, bytes INTEGER NOT NULL, made_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE names (name TEXT PRIMARY KEY, type TEXT NOT NULL, dtype TEXT NOT NULL, shape TEXT NOT NULL, axis "
    "INTEGER NOT NULL,"
    " state TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE pieces (name TEXT NOT NULL, position INTEGER NOT NULL, object TEXT NOT NULL, engine TEXT NOT NULL,"
    " length INTEGER, strides TEXT, PRIMARY KEY (name, position)) STRICT, WITHOUT ROWID;",
    /* Objects stand in the order in which they were made, under their rowid: a million random keys would be a page
       each. */
    "ALTER TABLE objects RENAME TO objects_by_id;"
    "CREATE TABLE objects (id TEXT NOT NULL, session TEXT NOT NULL, engine TEXT NOT NULL, type TEXT NOT NULL,"
    " dtype TEXT NOT NULL, shape TEXT NOT NULL, bytes INTEGER NOT NULL, made_ms INTEGER NOT NULL) STRICT;"
    "INSERT INTO objects SELECT id, session, engine, type, dtype, shape, bytes, made_ms FROM objects_by_id;"
    "DROP TABLE objects_by_id;",
};

enum { SCHEMA_VERSION = sizeof SCHEMA_STEPS / sizeof *SCHEMA_STEPS };

/* What read-only queries of clients may see. */
static const char *const SCHEMA_TABLES[] = {"engines", "sessions", "objects", "names", "pieces"};

#endif
