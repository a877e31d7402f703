/* broker/store.c - the registry's file: opening it, its versions. */
#include "broker/store.h"

#include "broker/schema.h"
#include "broker/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096 };

static const char *const SQL[] = {
#define X(NAME, sql) sql,
    STORE_STATEMENTS_TABLE(X)
#undef X
};

/* ---- errors --------------------------------------------------------------------------------------------------------
 */

static const struct {
    int code, status;
} FAILURES[] = {
    {SQLITE_FULL, FH_REGISTRY_FULL},     {SQLITE_READONLY, FH_REGISTRY_FULL},   {SQLITE_IOERR, FH_REGISTRY_FULL},
    {SQLITE_NOMEM, FH_NO_MEMORY},        {SQLITE_INTERRUPT, FH_LIMIT_EXCEEDED}, {SQLITE_AUTH, FH_PERMISSION},
    {SQLITE_ERROR, FH_INVALID_ARGUMENT}, {SQLITE_TOOBIG, FH_LIMIT_EXCEEDED},
};

int
store_fail(const store_t *self, sqlite3 *db, const char *what, err_t *err)
{
    int code = db ? sqlite3_errcode(db) & 0xff : SQLITE_NOMEM;
    int status = FH_IO_ERROR;

    for (size_t i = 0; i < sizeof FAILURES / sizeof *FAILURES; i++)
        if (FAILURES[i].code == code)
            status = FAILURES[i].status;
    return err_set(err, status, "cannot %s the registry %s: %s", what, self->path,
                   db ? sqlite3_errmsg(db) : "no memory");
}

/* ---- opening -------------------------------------------------------------------------------------------------------
 */

/* File systems where locks or shared memory do not reach all hosts (statfs(2)). */
static const struct {
    uint32_t magic;
    const char *name;
} NETWORK_FILE_SYSTEMS[] = {
    {0x6969, "NFS"},     {0x517b, "SMB"},      {0xff534d42, "CIFS"},   {0xfe534d42, "SMB2"},   {0x65735546, "FUSE"},
    {0x5346414f, "AFS"}, {0x01021997, "9P"},   {0x00c36400, "Ceph"},   {0x0bd00bd0, "Lustre"}, {0x47504653, "GPFS"},
    {0x564c, "NCP"},     {0x73757245, "Coda"}, {0x19830326, "BeeGFS"},
};

static int
make_file(const store_t *self, err_t *err)
{
    struct statfs fs;
    int fd = open(self->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return err_set_errno(err, FH_IO_ERROR, errno, "cannot open the registry %s", self->path);
    int failed = fstatfs(fd, &fs) ? errno : 0;

    close(fd);
    if (failed)
        return err_set_errno(err, FH_IO_ERROR, failed, "cannot tell the file system of the registry %s", self->path);
    for (size_t i = 0; i < sizeof NETWORK_FILE_SYSTEMS / sizeof *NETWORK_FILE_SYSTEMS; i++)
        if ((uint32_t)fs.f_type == NETWORK_FILE_SYSTEMS[i].magic)
            return err_set(err, FH_IO_ERROR,
                           "the registry %s is on %s; it must be on a local disk: use another run folder", self->path,
                           NETWORK_FILE_SYSTEMS[i].name);
    return FH_OK;
}

int
store_connect(const store_t *self, int flags, sqlite3 **ret, err_t *err)
{
    static const struct {
        int limit, value;
    } LIMITS[] = {
        {SQLITE_LIMIT_LENGTH, 1 << 20},  {SQLITE_LIMIT_SQL_LENGTH, 32768},
        {SQLITE_LIMIT_COLUMN, 200},      {SQLITE_LIMIT_EXPR_DEPTH, 100},
        {SQLITE_LIMIT_ATTACHED, 0},      {SQLITE_LIMIT_COMPOUND_SELECT, 50},
        {SQLITE_LIMIT_VDBE_OP, 100000},  {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 500},
        {SQLITE_LIMIT_TRIGGER_DEPTH, 1}, {SQLITE_LIMIT_WORKER_THREADS, 0},
    };

    if (sqlite3_open_v2(self->path, ret, flags | SQLITE_OPEN_NOMUTEX, NULL))
        return store_fail(self, *ret, "open", err);
    for (size_t i = 0; i < sizeof LIMITS / sizeof *LIMITS; i++)
        sqlite3_limit(*ret, LIMITS[i].limit, LIMITS[i].value);
    sqlite3_db_config(*ret, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(*ret, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(*ret, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    sqlite3_db_config(*ret, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(*ret, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_busy_timeout(*ret, 1000);
    return FH_OK;
}

static int
read_number(store_t *self, const char *sql, int64_t *ret, err_t *err)
{
    sqlite3_stmt *statement = NULL;
    int status = FH_OK;

    if (sqlite3_prepare_v2(self->db, sql, -1, &statement, NULL) || sqlite3_step(statement) != SQLITE_ROW)
        status = store_fail(self, self->db, "read", err);
    else
        *ret = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return status;
}

static int
migrate(store_t *self, err_t *err)
{
    int64_t version = 0;
    int status = read_number(self, "PRAGMA user_version", &version, err);

    if (status)
        return status;
    if (version < 0 || version > SCHEMA_VERSION)
        return err_set(err, FH_IO_ERROR,
                       "the registry %s has version %" PRId64 "; this broker knows up to %d: use a newer farhand",
                       self->path, version, SCHEMA_VERSION);
    for (; version < SCHEMA_VERSION; version++) {
        char mark[64];

        snprintf(mark, sizeof mark, "PRAGMA user_version = %" PRId64, version + 1);
        if (sqlite3_exec(self->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) ||
            sqlite3_exec(self->db, SCHEMA_STEPS[version], NULL, NULL, NULL) ||
            sqlite3_exec(self->db, mark, NULL, NULL, NULL) || sqlite3_exec(self->db, "COMMIT", NULL, NULL, NULL)) {
            status = store_fail(self, self->db, "bring up to date", err);
            sqlite3_exec(self->db, "ROLLBACK", NULL, NULL, NULL);
            return status;
        }
    }
    return FH_OK;
}

static int
set_up(store_t *self, int64_t max_bytes, err_t *err)
{
    char sql[256];

    snprintf(sql, sizeof sql,
             "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -1024; PRAGMA "
             "journal_size_limit = 4194304;"
             " PRAGMA max_page_count = %" PRId64,
             max_bytes ? max_bytes / PAGE_BYTES + 1 : INT64_C(1073741823));
    if (sqlite3_exec(self->db, sql, NULL, NULL, NULL))
        return store_fail(self, self->db, "set up", err);
    return migrate(self, err);
}

int
store_open(store_t **ret, const char *path, int64_t max_bytes, err_t *err)
{
    store_t *self = calloc(1, sizeof *self);
    int status;

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for the registry's file");
    if (strlen(path) >= sizeof self->path)
        status = err_set(err, FH_INVALID_ARGUMENT, "the path of the registry has %zu bytes", strlen(path));
    else {
        memcpy(self->path, path, strlen(path) + 1);
        sqlite3_hard_heap_limit64(INT64_C(128) << 20);
        status = make_file(self, err);
    }
    if (!status)
        status = store_connect(self, SQLITE_OPEN_READWRITE, &self->db, err);
    if (!status)
        status = set_up(self, max_bytes, err);
    if (status) {
        store_close(&self);
        return status;
    }
    *ret = self;
    return FH_OK;
}

void
store_close(store_t **self)
{
    if (!*self)
        return;
    for (int i = 0; i < STORE_STATEMENTS; i++)
        sqlite3_finalize((*self)->statements[i]);
    sqlite3_close((*self)->db);
    free(*self);
    *self = NULL;
}

int64_t
store_memory_bytes(void)
{
    return sqlite3_memory_used();
}

sqlite3_stmt *
store_statement(store_t *self, int which)
{
    if (!self->statements[which])
        sqlite3_prepare_v3(self->db, SQL[which], -1, SQLITE_PREPARE_PERSISTENT, &self->statements[which], NULL);
    return self->statements[which];
}
