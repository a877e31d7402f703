#include "base/clock.h"
#include "base/host_memory.h"
#include "base/private_file.h"
#include "codecs/connection_file.h"
#include "proxy/cli/command.h"
#include "proxy/cli/daemon.h"
#include "proxy/cli/run_folder.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_S 10.0
#define PATIENCE_EACH_S 0.25

enum { STOP_PATIENCE_S = 3, MAX_STARTED = RUN_MAX_ENGINES + 1 };

typedef struct {
    int64_t engines, threads, memory, owner;
    char name[OPTION_TEXT_MAX], listen[OPTION_TEXT_MAX], python[OPTION_TEXT_MAX], tags[OPTION_TEXT_MAX],
        resources[OPTION_TEXT_MAX];
    bool trust_network;
} settings_t;

static const option_t options[] = {
    {"engines", 'n', OPTION_INT, "2", 1, RUN_MAX_ENGINES, offsetof(settings_t, engines), "N",
     "Engines to start on this host."},
    {"threads", 0, OPTION_INT, "0", 0, 1024, offsetof(settings_t, threads), "N",
     "Threads that each engine computes with; 0: the cores of this host shared out."},
    {"memory", 0, OPTION_BYTES, "0", 0, 1e15, offsetof(settings_t, memory), "BYTES",
     "Memory for arrays on each engine; 0: 60 % of this host's memory (or of the limit of its cgroup) shared out."},
    {"owner", 0, OPTION_INT, "0", 0, 4194304, offsetof(settings_t, owner), "PID",
     "The process that the cluster is for: broker and engines end when it does; 0: none."},
    {"name", 0, OPTION_TEXT, "default", 0, 0, offsetof(settings_t, name), "CLUSTER", "Name of the cluster."},
    {"listen", 0, OPTION_TEXT, "127.0.0.1", 0, 0, offsetof(settings_t, listen), "HOST",
     "Address to listen on; one of this host's, for clients and engines on other hosts."},
    {"trust-network", 0, OPTION_BOOL, "0", 0, 0, offsetof(settings_t, trust_network), NULL,
     "Engines allow array bytes to travel without encryption: only where nobody listens or interferes."},
    {"python", 0, OPTION_TEXT, "auto", 0, 0, offsetof(settings_t, python), "WHEN",
     "Do the engines run clients' Python code, with their own rights: yes, no, or auto: if they listen on loopback "
     "only."},
    {"tags", 0, OPTION_TEXT, "", 0, 0, offsetof(settings_t, tags), "NAME,...",
     "Tags of the engines, for calls that ask for them; with semicolons between the lists of one engine and the next."},
    {"resources", 0, OPTION_TEXT, "", 0, 0, offsetof(settings_t, resources), "NAME=AMOUNT,...",
     "Resources of each engine, likewise."},
};

/* What one `up` has done so far, so that it can be undone. */
typedef struct {
    const settings_t *settings;
    char folder[RUN_PATH_MAX];
    int lock;   /* -1: not held */
    bool fresh; /* the keys were made by this run */
    int64_t deadline_ns;
    int started; /* daemons of this run */
    daemon_t daemons[MAX_STARTED];
    char names[MAX_STARTED][32], logs[MAX_STARTED][RUN_PATH_MAX];
    char endpoint[256]; /* of the broker */
} launch_t;

/* ---- keys ----------------------------------------------------------------------------------------------------------
 */

static int
write_connection(const launch_t *self, const char *file, const char *section, connection_t *connection,
                 const char *secret_key, err_t *err)
{
    char path[RUN_PATH_MAX];
    run_folder_path(path, self->folder, file);
    memcpy(connection->secret_key, secret_key, sizeof connection->secret_key);
    return connection_write(path, section, connection, err);
}

/* Three pairs: a stolen client key is no engine's, and neither is the broker's. */
static int
make_keys(launch_t *self, err_t *err)
{
    link_keys_t broker, engine, client;
    connection_t connection = {.broker = ""};
    int status = link_zmq_keys_new(&broker, err);
    if (!status)
        status = link_zmq_keys_new(&engine, err);
    if (!status)
        status = link_zmq_keys_new(&client, err);
    if (status)
        return status;
    (void)snprintf(connection.cluster, sizeof connection.cluster, "%.64s", self->settings->name);
    (void)snprintf(connection.run_folder, sizeof connection.run_folder, "%.255s", self->folder);
    memcpy(connection.broker_public_key, broker.public_key, sizeof broker.public_key);
    memcpy(connection.engine_public_key, engine.public_key, sizeof engine.public_key);
    memcpy(connection.client_public_key, client.public_key, sizeof client.public_key);
    self->fresh = true;
    status = write_connection(self, "client.ini", "farhand-client", &connection, client.secret_key, err);
    if (!status)
        status = write_connection(self, "engine.ini", "farhand-engine", &connection, engine.secret_key, err);
    if (!status) /* last: its presence says that all three are there */
        status = write_connection(self, "broker.ini", "farhand-broker", &connection, broker.secret_key, err);
    explicit_bzero(&broker, sizeof broker);
    explicit_bzero(&engine, sizeof engine);
    explicit_bzero(&client, sizeof client);
    explicit_bzero(&connection, sizeof connection);
    return status;
}

/* Keep the keys (and through broker.ini the port) of a cluster whose broker has died; make new ones where there are
 * none. */
static int
have_keys(launch_t *self, err_t *err)
{
    char path[RUN_PATH_MAX];
    connection_t connection;
    err_t why;
    run_folder_path(path, self->folder, "broker.ini");
    int status = connection_read(path, "farhand-broker", &connection, &why);
    explicit_bzero(&connection, sizeof connection);
    if (status == FH_IO_ERROR && why.os_errno == ENOENT)
        return make_keys(self, err);
    return status ? err_set(err, status, "%s", why.text) : FH_OK;
}

/* ---- daemons -------------------------------------------------------------------------------------------------------
 */

static int
start(launch_t *self, const char *name, char *const argv[], err_t *err)
{
    int i = self->started;
    (void)snprintf(self->names[i], sizeof self->names[i], "%s", name);
    (void)snprintf(self->logs[i], sizeof self->logs[i], "%.*s/%s.log", RUN_PATH_MAX / 2, self->folder, name);
    int status = daemon_start(&self->daemons[i], self->names[i], argv, self->logs[i], err);
    if (status)
        return status;
    self->started++;
    return process_record(self->folder, name, self->daemons[i].pid, err);
}

static int
start_broker(launch_t *self, err_t *err)
{
    settings_t settings = *self->settings; /* exec wants char * */
    char owner[32];
    (void)snprintf(owner, sizeof owner, "%" PRId64, settings.owner);
    char *argv[] = {(char[]){"farhand-broker"},
                    (char[]){"--folder"},
                    self->folder,
                    (char[]){"--cluster"},
                    settings.name,
                    (char[]){"--listen"},
                    settings.listen,
                    (char[]){"--owner"},
                    owner,
                    NULL};
    int status = start(self, "broker", argv, err);
    if (!status)
        status = daemon_await_ready(&self->daemons[0], self->deadline_ns, self->endpoint, sizeof self->endpoint, err);
    return status;
}

static int64_t
threads_each(const settings_t *settings)
{
    cpu_set_t cores;
    int count = sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 1;
    int64_t each = settings->threads ? settings->threads : count / settings->engines;
    return each > 0 ? each : 1;
}

static int64_t
memory_each(const settings_t *settings)
{
    return settings->memory ? settings->memory : host_memory_bytes("") / 10 * 6 / settings->engines;
}

static int
check_python(const settings_t *settings, err_t *err)
{
    static const char *const WORDS[] = {"yes", "no", "auto"};
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (strcmp(settings->python, WORDS[i]) == 0)
            return FH_OK;
    return err_set(err, FH_INVALID_ARGUMENT, "--python is yes, no or auto, not %.40s", settings->python);
}

static bool
runs_python(const settings_t *settings)
{
    bool loopback = strncmp(settings->listen, "127.", 4) == 0 || strcmp(settings->listen, "localhost") == 0 ||
                    strcmp(settings->listen, "[::1]") == 0;
    return strcmp(settings->python, "yes") == 0 || (strcmp(settings->python, "auto") == 0 && loopback);
}

/* The list of one engine, or the list for all. */
static void
list_of(const char *text, int number, char ret[OPTION_TEXT_MAX])
{
    const char *at = text;
    while (strchr(text, ';') && number-- > 0) {
        at += strcspn(at, ";");
        at += *at == ';';
    }
    (void)snprintf(ret, OPTION_TEXT_MAX, "%.*s", (int)strcspn(at, ";"), at);
}

static int
start_engine(launch_t *self, int number, err_t *err)
{
    settings_t settings = *self->settings;
    char connection[RUN_PATH_MAX], threads[32], memory[32], owner[32], name[32];
    char tags[OPTION_TEXT_MAX], resources[OPTION_TEXT_MAX];
    process_t running;
    process_name(name, number);
    if (process_find(self->folder, name, &running)) { /* it has outlived the broker */
        process_close(&running);
        return FH_OK;
    }
    run_folder_path(connection, self->folder, "engine.ini");
    (void)snprintf(threads, sizeof threads, "%" PRId64, threads_each(&settings));
    (void)snprintf(memory, sizeof memory, "%" PRId64, memory_each(&settings));
    (void)snprintf(owner, sizeof owner, "%" PRId64, settings.owner);
    list_of(settings.tags, number, tags);
    list_of(settings.resources, number, resources);
    char *argv[] = {(char[]){"farhand-engine"},
                    (char[]){"--connection"},
                    connection,
                    (char[]){"--listen"},
                    settings.listen,
                    (char[]){"--threads"},
                    threads,
                    (char[]){"--memory"},
                    memory,
                    (char[]){"--owner"},
                    owner,
                    (char[]){"--tags"},
                    tags,
                    (char[]){"--resources"},
                    resources,
                    NULL,
                    NULL,
                    NULL};
    char trust[] = "--trust-network", python[] = "--python", **next = argv + sizeof argv / sizeof *argv - 3;
    if (settings.trust_network)
        *next++ = trust;
    if (runs_python(&settings))
        *next = python;
    return start(self, name, argv, err);
}

/* One after the other, so that the broker gives them the numbers of their logs and pid files. */
static int
start_engines(launch_t *self, err_t *err)
{
    char endpoint[256];
    int status = FH_OK;
    for (int i = 0; i < self->settings->engines && !status; i++) {
        int before = self->started;
        status = start_engine(self, i, err);
        if (!status && self->started > before)
            status = daemon_await_ready(&self->daemons[before], self->deadline_ns, endpoint, sizeof endpoint, err);
    }
    return status;
}

/* ---- the whole -----------------------------------------------------------------------------------------------------
 */

static int
prepare(launch_t *self, err_t *err)
{
    process_t broker;
    int status = run_folder_find(self->settings->name, self->folder, err);
    if (!status)
        status = private_folder_make(self->folder, err);
    if (!status)
        status = run_folder_lock(self->folder, &self->lock, err);
    if (!status && process_find(self->folder, "broker", &broker)) {
        status = err_set(err, FH_ALREADY_RUNNING, "cluster %s runs already (broker: process %d); farhand down stops it",
                         self->settings->name, (int)broker.pid);
        process_close(&broker);
    }
    return status;
}

static void
undo(launch_t *self)
{
    process_t processes[MAX_STARTED];
    int count = 0;
    for (int i = 0; i < self->started; i++)
        count += process_find(self->folder, self->names[i], &processes[count]);
    (void)process_stop(processes, count, STOP_PATIENCE_S);
    for (int i = 0; i < count; i++)
        process_close(&processes[i]);
}

static int
launch(launch_t *self, err_t *err)
{
    int status = check_python(self->settings, err);
    if (!status)
        status = prepare(self, err);
    if (!status)
        status = have_keys(self, err);
    if (!status)
        status = start_broker(self, err);
    if (!status)
        status = start_engines(self, err);
    if (status)
        undo(self);
    if (self->lock >= 0)
        close(self->lock);
    return status;
}

static int
run(const command_t *self, const void *settings, int argc, char *argv[])
{
    (void)argc, (void)argv;
    static launch_t state; /* large */
    err_t err;
    const double engines = (double)((const settings_t *)settings)->engines;
    state = (launch_t){.settings = settings, .lock = -1};
    state.deadline_ns = clock_deadline(PATIENCE_S + engines * PATIENCE_EACH_S);
    if (launch(&state, &err))
        return command_fail(self, &err);
    (void)printf("cluster %s is up: %" PRId64 " engine%s, broker at %s, connection file %s/client.ini\n",
                 state.settings->name, state.settings->engines, state.settings->engines == 1 ? "" : "s", state.endpoint,
                 state.folder);
    return EXIT_DONE;
}

const command_t command_up = {
    .name = "up",
    .args = "",
    .options = options,
    .noptions = sizeof options / sizeof options[0],
    .settings_size = sizeof(settings_t),
    .summary = "Start a cluster on this host: a broker and engines.",
    .doc = "Returns when all engines are ready, at most after some 10 seconds.  Makes the cluster's run folder (mode "
           "0700) with keys,\n"
           "connection files and logs.  If the broker of the cluster has died, it is started again with the same keys "
           "and port,\n"
           "and engines that are missing are started; a cluster that runs is left alone, and that is an error.",
    .run = run,
};
