#include "proxy/cli/command.h"
#include "proxy/cli/show.h"
#include "proxy/cli/show_memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ROOM = 1024 };

static fh_engine_info engines[ROOM];

static int
print_json(fh_session *session, int count, fh_error *error)
{
    const char *cluster = fh_cluster_name(session);
    (void)fputs("{\"cluster\": ", stdout);
    show_json_text(cluster, strlen(cluster), stdout);
    (void)fprintf(stdout, ", \"version\": \"%s\", \"engines\": [", fh_version());
    for (int i = 0; i < count; i++) {
        (void)fputs(i ? ", " : "", stdout);
        show_engine_json(&engines[i], stdout);
    }
    (void)fputs("], \"memory\": ", stdout);
    int status = show_memory_json(session, stdout, error);
    (void)fputs(status ? "null}\n" : "}\n", stdout);
    return status;
}

static int
print_text(fh_session *session, int count, fh_error *error)
{
    const char *cluster = fh_cluster_name(session);
    int64_t used = 0, memory = 0, objects = 0;
    int cores = 0, lost = 0;
    char used_text[SHOW_BYTES_MAX], memory_text[SHOW_BYTES_MAX];
    for (int i = 0; i < count; i++) {
        if (strcmp(engines[i].state, "lost") == 0) {
            lost++;
            continue;
        }
        used += engines[i].used_bytes;
        memory += engines[i].memory_bytes;
        objects += engines[i].objects;
        cores += engines[i].cores;
    }
    (void)printf("cluster %s is up: %d engine%s, %d cores, %" PRId64 " objects, %s of %s used\n", cluster, count - lost,
                 count - lost == 1 ? "" : "s", cores, objects, show_bytes(used, used_text),
                 show_bytes(memory, memory_text));
    if (lost)
        (void)printf("%d engine%s lost; what they held is gone\n", lost, lost == 1 ? " is" : "s are");
    show_engine_table(engines, count, stdout);
    return show_memory(session, stdout, error);
}

static int
run(const command_t *self, const void *given, int argc, char *argv[])
{
    (void)argc, (void)argv;
    const client_settings_t *settings = given;
    fh_session *session;
    fh_error error;
    int count = 0;
    if (!command_connect(self, settings->name, &session))
        return EXIT_FAILED;
    int status = fh_engines(session, engines, ROOM, &count, &error);
    count = count < ROOM ? count : ROOM;
    if (!status && settings->json)
        status = print_json(session, count, &error);
    else if (!status)
        status = print_text(session, count, &error);
    fh_close(&session);
    return status ? command_fail_remote(self, &error) : EXIT_DONE;
}

const command_t command_status = {
    .name = "status",
    .args = "",
    .options = client_options,
    .noptions = 2,
    .settings_size = sizeof(client_settings_t),
    .summary = "Show whether a cluster is up, and how it is.",
    .doc = "A line of sums, one for each engine, and one of what memory is used for.  Exits with 1 if the broker does "
           "not answer.",
    .run = run,
};
