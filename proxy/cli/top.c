#include "proxy/cli/command.h"
#include "proxy/cli/show.h"
#include "proxy/cli/show_memory.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { ROOM = 256 };

typedef struct {
    char name[OPTION_TEXT_MAX];
    double interval;
    int64_t count;
} settings_t;

static const option_t options[] = {
    OPTION_ROW_CLUSTER(settings_t),
    {"interval", 'd', OPTION_SECONDS, "1", 0.1, 3600, offsetof(settings_t, interval), "SECONDS",
     "Time between two views."},
    {"count", 'n', OPTION_INT, "0", 0, 1e9, offsetof(settings_t, count), "N", "End after so many views; 0: at Ctrl-C."},
};

static volatile sig_atomic_t stopped;

static void
stop(int number)
{
    (void)number;
    stopped = 1;
}

static int
interrupted(void *context)
{
    (void)context;
    return stopped;
}

static int
show_once(fh_session *session, bool terminal, fh_error *error)
{
    static fh_engine_info engines[ROOM];
    int count = 0;
    int status = fh_engines(session, engines, ROOM, &count, error);
    if (status)
        return status;
    if (terminal)
        (void)fputs("\033[H\033[J", stdout);
    (void)printf("cluster %s: %d engines\n", fh_cluster_name(session), count);
    show_engine_table(engines, count < ROOM ? count : ROOM, stdout);
    status = show_memory(session, stdout, error);
    (void)fflush(stdout);
    return status;
}

static int
run(const command_t *self, const void *given, int argc, char *argv[])
{
    (void)argc, (void)argv;
    const settings_t *settings = given;
    bool terminal = isatty(STDOUT_FILENO);
    fh_session *session;
    fh_error error;
    fh_connect_options connect = {.target = settings->name[0] ? settings->name : NULL, .interrupted = interrupted};
    struct sigaction action = {.sa_handler = stop};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    int status = fh_connect(&session, &connect, &error);
    if (status)
        return command_fail_remote(self, &error);
    for (int64_t views = 1; !status && !stopped; views++) {
        status = show_once(session, terminal, &error);
        if (!status && views == settings->count)
            break;
        if (!status)
            (void)poll(NULL, 0, (int)(settings->interval * 1000)); /* ends early at a signal */
    }
    fh_close(&session);
    return status && !stopped ? command_fail_remote(self, &error) : EXIT_DONE;
}

const command_t command_top = {
    .name = "top",
    .args = "",
    .options = options,
    .noptions = sizeof options / sizeof options[0],
    .settings_size = sizeof(settings_t),
    .summary = "Show the engines again and again.",
    .doc = "A live view of memory and objects of each engine, until Ctrl-C.",
    .run = run,
};
