/* tests/bench/bench_cluster.c */
#include "tests/bench/bench_cluster.h"

#include <errno.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void
give_up(const char *what, const char *text)
{
    fprintf(stderr, "%s: %s\n", what, text);
    exit(1);
}

void
bench_cluster_check(int status, const fh_error *error)
{
    if (status)
        give_up(fh_status_name(status), error->text);
}

static void
run(const char *const *argv)
{
    pid_t pid;
    int status = -1;

    fflush(stdout);
    if (posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ))
        give_up(argv[0], strerror(errno));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (status)
        give_up(argv[0], argv[1]);
}

void
bench_cluster_start(bench_cluster_t *self, const char *name, int engines)
{
    static char folder[] = "/tmp/farhand-bench-XXXXXX";
    static bool made;
    char count[16];
    fh_error error;

    if (!made && !mkdtemp(folder))
        give_up(folder, strerror(errno));
    made = true;
    setenv("XDG_RUNTIME_DIR", folder, 1);
    setenv("FARHAND_KERNEL_CACHE", "off", 1);
    unsetenv("FARHAND_CONNECTION");
    snprintf(self->name, sizeof self->name, "%s", name);
    snprintf(count, sizeof count, "%d", engines);
    run((const char *const[]){"farhand", "up", "--name", name, "-n", count, "--threads", "1", NULL});
    bench_cluster_check(fh_connect(&self->session, &(fh_connect_options){.target = name}, &error), &error);
}

void
bench_cluster_stop(bench_cluster_t *self)
{
    fh_close(&self->session);
    run((const char *const[]){"farhand", "down", "--name", self->name, NULL});
}
