#include "proxy/cli/command.h"
#include "proxy/cli/show.h"

#include <stdio.h>

enum { ROOM = 1024 };

static fh_engine_info engines[ROOM];

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
    if (!status && settings->json) {
        for (int i = 0; i < count; i++) {
            (void)fputs(i ? ",\n " : "[", stdout);
            show_engine_json(&engines[i], stdout);
        }
        (void)fputs(count ? "]\n" : "[]\n", stdout);
    } else if (!status) {
        show_engine_table(engines, count, stdout);
    }
    fh_close(&session);
    return status ? command_fail_remote(self, &error) : EXIT_DONE;
}

const command_t command_engines = {
    .name = "engines",
    .args = "",
    .options = client_options,
    .noptions = 2,
    .settings_size = sizeof(client_settings_t),
    .summary = "List the engines.",
    .doc = "Number, state, process, cores, memory used and allowed, objects held, and host of each engine.",
    .run = run,
};
