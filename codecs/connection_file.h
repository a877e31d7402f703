/* codecs/connection_file.h - the file that says where a cluster is and holds the keys to it.
 *
 * INI text (`key = value` under one [section]), read with libinih, mode 0600, written atomically (O_EXCL temporary file
 * in the same folder, fsync, rename), refused if group or others can read it or another user owns it.  Three files in a
 * cluster's run folder: `client.ini` for clients, `engine.ini` for engines and `broker.ini` for the broker (section
 * names: farhand-client, farhand-engine, farhand-broker).  Thread rule: pure but for the file; usable on any thread. */
#ifndef FH_CODECS_CONNECTION_FILE_H
#define FH_CODECS_CONNECTION_FILE_H

#include "base/err.h"
#include "base/link.h"

typedef struct {
    char cluster[65]; /* name */
    char broker[256]; /* tcp endpoint of the broker */
    char broker_public_key[41];
    char engine_public_key[41]; /* clients check engines against it; engines: their own */
    char client_public_key[41]; /* client.ini: their own; engine.ini: whom to admit */
    char secret_key[41];        /* of the one who reads the file */
    char run_folder[256];       /* 0700 folder for ipc sockets, logs, pid files */
    int64_t broker_pid;
} connection_t;

/* section: "farhand-client", "farhand-engine" or "farhand-broker".  OK, IO_ERROR (no such file), PERMISSION (mode or
 * owner), INVALID_ARGUMENT (which line, which key). */
int connection_read(const char *path, const char *section, connection_t *ret, err_t *err);
int connection_write(const char *path, const char *section, const connection_t *connection, err_t *err);

/* The folder of a cluster: $XDG_RUNTIME_DIR/farhand/NAME, else $XDG_STATE_HOME/farhand/NAME, else
 * ~/.local/state/farhand/NAME, else INVALID_ARGUMENT.  Not created here. */
int connection_folder(const char *cluster, char *ret, size_t size, err_t *err);
/* Where a client should look: target (a path with a '/', or ending in .ini; else a cluster name), else
 * $FARHAND_CONNECTION, else the cluster "default". */
int connection_find(const char *target, char *ret_path, size_t size, err_t *err);

#endif
