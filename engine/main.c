/* engine/main.c - the program farhand-engine: settings, keys, links, signals; the reactor is in engine.c. */
#include "base/host_memory.h"
#include "base/link.h"
#include "base/link_zap.h"
#include "base/log.h"
#include "base/options.h"
#include "base/private_file.h"
#include "base/stop.h"
#include "codecs/connection_file.h"
#include "engine/engine.h"
#include "engine/offers.h"
#include "engine/python_host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENDPOINT = 300, SEND_LIMIT = 32, SELF_TEST_MS = 5000, LINGER_MS = 300, BUFFER_BYTES = 64 * 1024 * 1024 };

#define OPEN_DOMAIN "local" /* of the ipc endpoint: the folder keeps strangers out */

typedef struct {
#define OPTION OPTION_FIELD
#include "engine/options.def"
#undef OPTION
} settings_t;

static const option_t OPTIONS[] = {
#define OPTION OPTION_ROW
#include "engine/options.def"
#undef OPTION
};

static const option_table_t TABLE = {
    .program = "farhand-engine",
    .usage = "--connection FILE [OPTIONS]",
    .summary = "Holds arrays of one cluster and computes on them.",
    .rows = OPTIONS,
    .count = sizeof OPTIONS / sizeof *OPTIONS,
    .required = "connection",
};

/* What the program holds, in the order in which it is taken. */
typedef struct {
    settings_t settings;
    connection_t connection;
    link_keys_t keys;
    stop_t stop;
    huge_pages_t *pages;
    void *context;
    link_zap_t *zap;
    link_t *tcp, *ipc, *broker;
    engine_t *engine;
    char code_folder[PATH_MAX]; /* "": none */
    char endpoint[ENDPOINT], local[ENDPOINT], socket_path[ENDPOINT];
    char host[256];
    char offers[OFFERS_MAX + 1];
} program_t;

static void
raise_limits(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max; /* one descriptor a segment */
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static int
read_connection(program_t *self, err_t *err)
{
    const connection_t *connection = &self->connection;
    int status;

    status = offers_join(self->settings.tags, self->settings.resources, self->offers, err);
    if (!status)
        status = connection_read(self->settings.connection, "farhand-engine", &self->connection, err);
    if (status)
        return status;
    if (!connection->secret_key[0] || !connection->broker_public_key[0] || !connection->client_public_key[0] ||
        !connection->engine_public_key[0] || !connection->broker[0] || !connection->run_folder[0])
        return err_set(err, FH_INVALID_ARGUMENT, "%s lacks keys, the broker or the run folder",
                       self->settings.connection);
    (void)snprintf(self->keys.public_key, sizeof self->keys.public_key, "%s", connection->engine_public_key);
    (void)snprintf(self->keys.secret_key, sizeof self->keys.secret_key, "%s", connection->secret_key);
    return private_folder_make(connection->run_folder, err);
}

/* Host name and boot id, '/' between: equal strings are one running system. */
static void
find_host(program_t *self)
{
    char name[128] = "", boot[64] = "";
    int fd = -1;

    if (self->settings.host[0]) {
        (void)snprintf(self->host, sizeof self->host, "%.200s", self->settings.host);
        return;
    }
    fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

    if (gethostname(name, sizeof name - 1))
        name[0] = '\0';
    if (fd >= 0) {
        ssize_t size = read(fd, boot, sizeof boot - 1);

        boot[size > 0 ? strcspn(boot, "\n") : 0] = '\0';
        close(fd);
    }
    (void)snprintf(self->host, sizeof self->host, "%s/%s", name, boot);
}

static void
fill_defaults(settings_t *settings)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    if (settings->threads == 0)
        settings->threads = cpus > 0 ? cpus : 1;
    if (settings->memory == 0)
        settings->memory = host_memory_bytes("") / 10 * 6;
}

/* Where machine code of kernels is kept.  Relative paths in the environment do not count, as the XDG rules say. */
static void
find_code_folder(program_t *self)
{
    const char *wanted = self->settings.kernel_cache, *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int size = 0;

    if (wanted[0] && strcmp(wanted, "off") != 0)
        size = snprintf(self->code_folder, sizeof self->code_folder, "%s", wanted);
    else if (!wanted[0] && cache && cache[0] == '/')
        size = snprintf(self->code_folder, sizeof self->code_folder, "%s/farhand/kernels", cache);
    else if (!wanted[0] && home && home[0] == '/')
        size = snprintf(self->code_folder, sizeof self->code_folder, "%s/.cache/farhand/kernels", home);
    if (size >= (int)sizeof self->code_folder)
        self->code_folder[0] = '\0';
}

/* More than arrays ever take: what was given back may be mapped by clients or a runner yet, by clients as long as they
 * like.  So it is the host's memory that bounds it, as it bounds memfds. */
static int64_t
limit_of_files(int64_t memory)
{
    int64_t all = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);

    return (memory > all / 2 ? 2 * memory : all) + HUGE_PAGE;
}

static void
find_huge_pages(program_t *self)
{
    err_t err;

    if (self->settings.small_pages)
        return;
    if (huge_pages_new(&self->pages, limit_of_files(self->settings.memory), &err))
        log_line(LOG_INFO, "ENG-SMALL-PAGES", "arrays lie on memfds of small pages; huge ones: %s", err.text);
    else
        log_line(LOG_INFO, "ENG-HUGE-PAGES", "arrays of 2 MiB and more lie on huge pages");
}

/* ---- links ---------------------------------------------------------------------------------------------------------
 */

/* An address that means "all of this host" is not one that others can connect to. */
static void
name_endpoint(program_t *self, const char *bound)
{
    static const char *const ANY[] = {"0.0.0.0", "*", "[::]", "::"};
    const char *port = strrchr(bound, ':');
    char name[128] = "localhost";

    (void)snprintf(self->endpoint, sizeof self->endpoint, "%s", bound);
    for (size_t i = 0; port && i < sizeof ANY / sizeof *ANY; i++)
        if (strcmp(self->settings.listen, ANY[i]) == 0) {
            (void)gethostname(name, sizeof name - 1);
            (void)snprintf(self->endpoint, sizeof self->endpoint, "tcp://%s%s", name, port);
        }
}

static int
listen_with_keys(program_t *self, err_t *err)
{
    const link_zmq_options_t options = {
        .keys = &self->keys, .zap_domain = "engine", .send_limit_messages = SEND_LIMIT, .linger_ms = LINGER_MS};
    char wanted[OPTION_TEXT_MAX + 16], bound[ENDPOINT], near[ENDPOINT];

    (void)snprintf(wanted, sizeof wanted, "tcp://%s:*", self->settings.listen);
    int status = link_zmq_bind(&self->tcp, self->context, wanted, &options, bound, sizeof bound, err);

    if (status)
        return status;
    name_endpoint(self, bound);
    bool any = strcmp(self->endpoint, bound) != 0;

    (void)snprintf(near, sizeof near, "%s%s", any ? "tcp://127.0.0.1" : bound, any ? strrchr(bound, ':') : "");
    status = link_zmq_self_test(self->context, near, self->keys.public_key, SELF_TEST_MS, err);
    if (status)
        err_prefix(err, "the engine does not start, since it does not keep strangers out");
    return status;
}

static int
listen_locally(program_t *self, err_t *err)
{
    const link_zmq_options_t options = {.send_limit_messages = SEND_LIMIT, .linger_ms = LINGER_MS};
    char id[OID_TEXT_SIZE], bound[ENDPOINT];
    int size;

    oid_format(oid_new(), id);
    (void)snprintf(self->socket_path, sizeof self->socket_path, "%s/e-%.8s.ipc", self->connection.run_folder, id);
    size = snprintf(self->local, sizeof self->local, "ipc://%s", self->socket_path);
    if (size >= 108 + (int)strlen("ipc://") || size >= (int)sizeof self->local)
        return err_set(err, FH_INVALID_ARGUMENT, "the run folder's path is too long for a socket: %s",
                       self->connection.run_folder);
    return link_zmq_bind(&self->ipc, self->context, self->local, &options, bound, sizeof bound, err);
}

static int
open_links(program_t *self, err_t *err)
{
    const char *admitted[] = {self->connection.client_public_key, self->connection.engine_public_key};
    const link_zmq_options_t options = {
        .keys = &self->keys, .server_key = self->connection.broker_public_key, .linger_ms = LINGER_MS};
    int status = link_zmq_context_new(&self->context, err);

    if (!status)
        status = link_zap_start(&self->zap, self->context, admitted, 2, OPEN_DOMAIN, err);
    if (!status)
        status = listen_with_keys(self, err);
    if (!status)
        status = listen_locally(self, err);
    return status ? status : link_zmq_connect(&self->broker, self->context, self->connection.broker, &options, err);
}

/* ---- running -------------------------------------------------------------------------------------------------------
 */

static int
make_engine(program_t *self, err_t *err)
{
    const python_hosts_options_t pythons = {
        .process = {.python = self->settings.python_executable, .memory_bytes = self->settings.python_memory},
        .most = (int)self->settings.python_hosts,
        .workers = (int)(self->settings.python_workers ? self->settings.python_workers : self->settings.threads),
        .timeout_ns = (int64_t)(self->settings.python_timeout * 1e9)};
    const engine_options_t options = {.context = self->context,
                                      .keys = &self->keys,
                                      .client_key = self->connection.client_public_key,
                                      .cluster = self->connection.cluster,
                                      .host = self->host,
                                      .tcp = self->tcp,
                                      .ipc = self->ipc,
                                      .broker = self->broker,
                                      .endpoint = self->endpoint,
                                      .local = self->local,
                                      .threads = (int)self->settings.threads,
                                      .offers = self->offers,
                                      .memory_bytes = self->settings.memory,
                                      .spill_folder = self->settings.spill[0] ? self->settings.spill : NULL,
                                      .spill_bytes = self->settings.spill_limit,
                                      .pages = self->pages,
                                      .orphan_timeout_s = self->settings.orphan_timeout,
                                      .unsafe_no_sandbox = self->settings.unsafe_no_sandbox,
                                      .streams_host = self->settings.no_streams ? NULL : self->settings.listen,
                                      .trust_network = self->settings.trust_network,
                                      .code_folder = *self->code_folder ? self->code_folder : NULL,
                                      .code_bytes = self->settings.kernel_cache_size,
                                      .pythons = self->settings.python ? &pythons : NULL};
    int status = engine_new(&self->engine, &options, err);

    if (!status)
        self->tcp = self->ipc = self->broker = NULL;
    return status;
}

static int
start(program_t *self, err_t *err)
{
    int status = stop_init(&self->stop, self->settings.owner, err);

    /* Buffers of 1 MiB come and go with every part of an array: keep their pages. */
    (void)mallopt(M_MMAP_THRESHOLD, BUFFER_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, BUFFER_BYTES);
    (void)signal(SIGXFSZ, SIG_IGN); /* a spill folder may have a limit: an error, not the end */
    raise_limits();
    find_host(self);
    fill_defaults(&self->settings);
    find_code_folder(self);
    find_huge_pages(self); /* before there are threads */
    if (!status)
        status = read_connection(self, err);
    if (!status)
        status = open_links(self, err);
    return status ? status : make_engine(self, err);
}

static void
say_ready(void *context)
{
    const program_t *self = context;

    printf("READY %s\n", self->endpoint);
    (void)fflush(stdout);
    log_line(LOG_INFO, "ENG-READY", "cluster=%s endpoint=%s local=%s threads=%lld memory=%lld",
             self->connection.cluster, self->endpoint, self->local, (long long)self->settings.threads,
             (long long)self->settings.memory);
}

static void
stop(program_t *self)
{
    engine_destroy(&self->engine);
    huge_pages_destroy(&self->pages);
    link_destroy(&self->tcp);
    link_destroy(&self->ipc);
    link_destroy(&self->broker);
    link_zap_stop(&self->zap);
    link_zmq_context_destroy(&self->context);
    if (self->socket_path[0])
        (void)unlink(self->socket_path);
    stop_release(&self->stop);
}

int
main(int argc, char *argv[])
{
    program_t self = {.stop = STOP_NONE};
    int status;
    err_t err;

    if (!options_start(&TABLE, argc, argv, &self.settings, &status))
        return status;
    (void)umask(077);
    log_start("farhand-engine");
    status = start(&self, &err);
    if (!status)
        status = engine_run(self.engine, self.stop.fd, link_zap_fd(self.zap), say_ready, &self, &err);
    if (status)
        log_line(LOG_ERROR, "ENG-FAILED", "status=%s %s", status_name(status), err.text);
    else
        log_line(LOG_INFO, "ENG-STOP", "ends: %s", stop_reason(&self.stop));
    stop(&self);
    return status ? 1 : 0;
}
