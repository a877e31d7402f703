#include "tests/process/cluster.h"

#include "base/link.h"
#include "codecs/connection_file.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static const double PATIENCE_S = 20;

void
cluster_check(int got, int wanted, const fh_error *error, const char *call, const char *file, int line)
{
    if (got != wanted) {
        print_error("%s:%d: %s gave %s, not %s\n    %s [%s]\n", file, line, call, fh_status_name(got),
                    fh_status_name(wanted), got ? error->text : "", got ? error->origin : "");
        _fail(file, line);
    }
    if (wanted)
        assert_int_equal(error->status, wanted);
}

static void
write_files(cluster_t *self)
{
    static const char *const sections[] = {"farhand-broker", "farhand-client", "farhand-engine"};
    link_keys_t keys[3];
    err_t err;
    for (int i = 0; i < 3; i++)
        check_ok(link_zmq_keys_new(&keys[i], &err), err);
    for (int i = 0; i < 3; i++) {
        connection_t connection = {.cluster = "test"};
        snprintf(connection.broker_public_key, sizeof connection.broker_public_key, "%s", keys[0].public_key);
        snprintf(connection.client_public_key, sizeof connection.client_public_key, "%s", keys[1].public_key);
        snprintf(connection.engine_public_key, sizeof connection.engine_public_key, "%s", keys[2].public_key);
        snprintf(connection.secret_key, sizeof connection.secret_key, "%s", keys[i].secret_key);
        snprintf(connection.run_folder, sizeof connection.run_folder, "%.255s", self->folder);
        char name[64];
        snprintf(name, sizeof name, "%s.ini", sections[i] + strlen("farhand-"));
        check_ok(connection_write(check_path(self->folder, name), sections[i], &connection, &err), err);
    }
}

static void
await_ready(proc_t *process)
{
    char line[512];
    assert_true(proc_line(process, line, sizeof line, PATIENCE_S));
    assert_int_equal(strncmp(line, "READY ", 6), 0);
}

void
cluster_start_broker(cluster_t *self)
{
    const char *argv[] = {FH_BIN_DIR "/farhand-broker", "--folder", self->folder, "--cluster", "test", NULL};
    proc_start(&self->broker, argv);
    await_ready(&self->broker);
}

void
cluster_start(cluster_t *self, int nengines)
{
    cluster_start_with(self, nengines, NULL);
}

/* options: two for each engine, NULL where there are fewer. */
static void
start_engines(cluster_t *self, int nengines, const char *const (*options)[2])
{
    char file[PATH_MAX + 16];
    *self = (cluster_t){.nengines = nengines};
    check_folder_make(self->folder);
    write_files(self);
    cluster_start_broker(self);
    snprintf(file, sizeof file, "%s/engine.ini", self->folder);
    for (int i = 0; i < nengines; i++) {
        const char *argv[] = {
            FH_BIN_DIR "/farhand-engine", "--connection", file, "--threads", "1", options[i][0], options[i][1], NULL};
        proc_start(&self->engines[i], argv);
    }
    for (int i = 0; i < nengines; i++)
        await_ready(&self->engines[i]);
    snprintf(self->client_file, sizeof self->client_file, "%.4000s/client.ini", self->folder);
}

void
cluster_start_with(cluster_t *self, int nengines, const char *option)
{
    const char *options[CLUSTER_MAX_ENGINES][2] = {{NULL}};
    for (int i = 0; i < nengines; i++)
        options[i][0] = option;
    start_engines(self, nengines, (const char *const(*)[2])options);
}

void
cluster_start_apart(cluster_t *self, int nengines, const char *const *hosts)
{
    const char *options[CLUSTER_MAX_ENGINES][2] = {{NULL}};
    for (int i = 0; i < nengines; i++) {
        options[i][0] = "--host";
        options[i][1] = hosts[i];
    }
    start_engines(self, nengines, (const char *const(*)[2])options);
}

void
cluster_kill_engine(cluster_t *self, int i)
{
    proc_signal(&self->engines[i], SIGKILL);
    proc_end(&self->engines[i]);
}

void
cluster_kill_broker(cluster_t *self)
{
    proc_signal(&self->broker, SIGKILL);
    proc_end(&self->broker);
}

void
cluster_stop(cluster_t *self)
{
    for (int i = 0; i < self->nengines; i++)
        if (self->engines[i].pid)
            proc_signal(&self->engines[i], SIGTERM);
    for (int i = 0; i < self->nengines; i++) {
        int status = 0;
        if (self->engines[i].pid)
            assert_true(proc_wait(&self->engines[i], &status, PATIENCE_S));
        proc_end(&self->engines[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    if (self->broker.pid)
        proc_signal(&self->broker, SIGTERM);
    proc_end(&self->broker);
    check_folder_remove(self->folder);
}

typedef struct {
    fh_session *session;
    int wanted;
} waiting_t;

static bool
all_there(void *context)
{
    waiting_t *self = context;
    fh_engine_info engines[CLUSTER_MAX_ENGINES];
    int n = 0, ready = 0;
    if (fh_engines(self->session, engines, CLUSTER_MAX_ENGINES, &n, NULL))
        return false;
    for (int i = 0; i < n && i < CLUSTER_MAX_ENGINES; i++)
        ready += strcmp(engines[i].state, "ready") == 0;
    return ready >= self->wanted;
}

fh_session *
cluster_connect(cluster_t *self, double call_timeout_s)
{
    waiting_t waiting = {NULL, 0};
    fh_error error;
    fh_connect_options options = {.target = self->client_file, .call_timeout_s = call_timeout_s};
    fh_ok(fh_connect(&waiting.session, &options, &error), error);
    for (int i = 0; i < self->nengines; i++)
        waiting.wanted += self->engines[i].pid != 0;
    assert_true(check_until(all_there, &waiting, PATIENCE_S));
    return waiting.session;
}
