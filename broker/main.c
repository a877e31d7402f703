/* broker/main.c - the program farhand-broker: settings, files, keys, signals; what it waits for is in reactor.c. */
#include "base/clock.h"
#include "base/log.h"
#include "base/options.h"
#include "base/private_file.h"
#include "base/stop.h"
#include "broker/broker.h"
#include "broker/listen.h"
#include "broker/reactor.h"
#include "codecs/connection_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_PATH = OPTION_TEXT_MAX + 32, LOCK_RETRY_MS = 20 };

#define LOCK_PATIENCE_S 2.0

static const double DRAIN_S = 1.0; /* how long peers may take to read what waits for them at the end */

typedef struct {
#define OPTION OPTION_FIELD
#include "broker/options.def"
#undef OPTION
} settings_t;

static const option_t OPTIONS[] = {
#define OPTION OPTION_ROW
#include "broker/options.def"
#undef OPTION
};

static const option_table_t TABLE = {
    .program = "farhand-broker",
    .usage = "--folder FOLDER [OPTIONS]",
    .summary = "Keeps the names, objects, leases and engines of one cluster.",
    .rows = OPTIONS,
    .count = sizeof OPTIONS / sizeof *OPTIONS,
    .required = "folder",
};

/* What the program holds, in the order in which it is taken. */
typedef struct {
    settings_t settings;
    connection_t connection; /* broker.ini */
    int lock_fd;
    stop_t stop;
    void *context; /* the one of ZeroMQ, borrowed */
    listen_t listen;
    store_t *store;
    broker_t *broker;
} program_t;

/* FOLDER/NAME in one of two static buffers. */
static const char *
in_folder(const program_t *self, const char *name)
{
    static char paths[2][FILE_PATH];
    static unsigned next;
    char *path = paths[next++ % 2];

    snprintf(path, FILE_PATH, "%s/%s", self->settings.folder, name);
    return path;
}

/* One broker a folder: the lock lives as long as the process.  A broker that was just killed may still hold it while
 * the kernel takes it down: hence the patience. */
static int
lock_folder(program_t *self, err_t *err)
{
    const char *path = in_folder(self, "broker.lock");
    const int64_t deadline = clock_deadline(LOCK_PATIENCE_S);

    self->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (self->lock_fd < 0)
        return err_set_errno(err, FH_IO_ERROR, errno, "cannot open %s", path);
    while (flock(self->lock_fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK && clock_remaining_ms(deadline, 1) > 0)
        poll(NULL, 0, LOCK_RETRY_MS);
    if (flock(self->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return FH_OK;
    if (errno == EWOULDBLOCK)
        return err_set(err, FH_ALREADY_RUNNING, "a broker is running in %s already", self->settings.folder);
    return err_set_errno(err, FH_IO_ERROR, errno, "cannot lock %s", path);
}

static void
raise_limits(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max; /* one descriptor a peer */
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static int
read_connection(program_t *self, err_t *err)
{
    struct stat folder;
    int status;

    if (stat(self->settings.folder, &folder))
        return err_set_errno(err, FH_IO_ERROR, errno, "cannot look at the run folder %s", self->settings.folder);
    status = private_folder_make(self->settings.folder, err); /* it is there: this checks its owner and mode */
    if (!status)
        status = connection_read(in_folder(self, "broker.ini"), "farhand-broker", &self->connection, err);
    if (status)
        return status;
    if (!self->connection.secret_key[0] || !self->connection.broker_public_key[0] ||
        !self->connection.client_public_key[0] || !self->connection.engine_public_key[0])
        return err_set(err, FH_INVALID_ARGUMENT, "%s lacks keys; the broker does not run without",
                       in_folder(self, "broker.ini"));
    return FH_OK;
}

/* ---- files ---------------------------------------------------------------------------------------------------------
 */

static int
write_endpoint(program_t *self, const char *name, const char *section, err_t *err)
{
    connection_t connection;
    int status = connection_read(in_folder(self, name), section, &connection, err);

    if (status)
        return status;
    bool same = strcmp(connection.broker, self->listen.endpoint) == 0;

    snprintf(connection.broker, sizeof connection.broker, "%s", self->listen.endpoint);
    connection.broker_pid = getpid();
    status = connection_write(in_folder(self, name), section, &connection, err);
    if (!status || !same)
        return status;
    log_line(LOG_WARNING, "BRK-FILE", "%s: only its pid is out of date",
             err->text); /* a full disk: peers find us all the same */
    return FH_OK;
}

static int
write_files(program_t *self, err_t *err)
{
    static const struct {
        const char *name, *section;
    } FILES[] = {
        {"broker.ini", "farhand-broker"},
        {"client.ini", "farhand-client"},
        {"engine.ini", "farhand-engine"},
    };
    int status = FH_OK;

    for (size_t i = 0; !status && i < sizeof FILES / sizeof *FILES; i++)
        status = write_endpoint(self, FILES[i].name, FILES[i].section, err);
    return status;
}

/* ---- running -------------------------------------------------------------------------------------------------------
 */

static int64_t
to_ns(double seconds)
{
    return (int64_t)(seconds * 1e9);
}

static int
start(program_t *self, err_t *err)
{
    int status = stop_init(&self->stop, self->settings.owner, err);

    raise_limits();
    if (!status)
        status = read_connection(self, err);
    if (!status)
        status = lock_folder(self, err);
    if (!status)
        status = store_open(&self->store, in_folder(self, "registry.sqlite"), self->settings.registry_limit, err);
    if (!status)
        status = reactor_start(&self->context, err);
    if (!status)
        status = listen_open(&self->listen, self->context, &self->connection, self->settings.listen,
                             (int)self->settings.port, self->stop.fd, err);
    if (status)
        return status;
    const broker_options_t options = {
        .cluster = self->settings.cluster,
        .client_key = self->connection.client_public_key,
        .engine_key = self->connection.engine_public_key,
        .lease_ns = to_ns(self->settings.lease),
        .restart_lease_ns = to_ns(self->settings.restart_lease),
        .engine_return_ns = to_ns(self->settings.engine_return),
        .query_ns = to_ns(self->settings.query_limit),
    };

    status = broker_new(&self->broker, self->listen.link, self->store, &options, clock_now_ns(), err);
    if (!status)
        status = write_files(self, err);
    return status;
}

static void
drain(program_t *self)
{
    int64_t deadline = clock_deadline(DRAIN_S);

    while (!broker_drain(self->broker, clock_now_ns()) && clock_remaining_ms(deadline, 1) > 0)
        poll(NULL, 0, 1);
}

static void
stop(program_t *self)
{
    broker_destroy(&self->broker);
    listen_close(&self->listen);
    reactor_stop();
    store_close(&self->store);
    stop_release(&self->stop);
    if (self->lock_fd >= 0)
        close(self->lock_fd);
}

int
main(int argc, char *argv[])
{
    program_t self = {.lock_fd = -1, .stop = STOP_NONE};
    int status;
    err_t err;

    if (!options_start(&TABLE, argc, argv, &self.settings, &status))
        return status;
    umask(077);
    log_start("farhand-broker");
    status = start(&self, &err);
    if (!status) {
        printf("READY %s\n", self.listen.endpoint);
        fflush(stdout);
        log_line(LOG_INFO, "BRK-READY", "cluster=%s endpoint=%s", self.settings.cluster, self.listen.endpoint);
        status = reactor_run(self.broker, self.listen.link, self.stop.fd, link_zap_fd(self.listen.zap), &err);
        drain(&self);
    }
    if (status)
        log_line(LOG_ERROR, "BRK-FAILED", "status=%s %s", status_name(status), err.text);
    else
        log_line(LOG_INFO, "BRK-STOP", "ends: %s", stop_reason(&self.stop));
    stop(&self);
    return status ? 1 : 0;
}
