#include "base/private_file.h"
#include "proxy/cli/command.h"
#include "proxy/cli/run_folder.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENCE_S = 5 };

typedef struct {
    char name[OPTION_TEXT_MAX];
} settings_t;

static const option_t options[] = {
    {"name", 0, OPTION_TEXT, "default", 0, 0, offsetof(settings_t, name), "CLUSTER", "Name of the cluster."},
};

static int
stop_all(const char *folder)
{
    process_t processes[RUN_MAX_ENGINES + 1];
    int count = 0;
    for (int i = 0; i < RUN_MAX_ENGINES; i++) {
        char name[32];
        process_name(name, i);
        count += process_find(folder, name, &processes[count]);
    }
    count += process_find(folder, "broker", &processes[count]);
    int killed = process_stop(processes, count, PATIENCE_S);
    for (int i = 0; i < count; i++)
        process_close(&processes[i]);
    return killed;
}

static int
run(const command_t *self, const void *given, int argc, char *argv[])
{
    (void)argc, (void)argv;
    const char *cluster = ((const settings_t *)given)->name;
    char folder[RUN_PATH_MAX];
    struct stat info;
    err_t err;
    int lock;
    if (run_folder_find(cluster, folder, &err))
        return command_fail(self, &err);
    if (lstat(folder, &info)) {
        (void)printf("cluster %s is not up\n", cluster);
        return EXIT_DONE;
    }
    /* Only what is private to us is stopped and removed. */
    if (private_folder_make(folder, &err) || run_folder_lock(folder, &lock, &err))
        return command_fail(self, &err);
    int killed = stop_all(folder);
    int status = run_folder_remove(folder, &err);
    close(lock);
    if (status)
        return command_fail(self, &err);
    if (killed)
        (void)fprintf(stderr, "farhand down: %d of its processes did not end by themselves and were killed\n", killed);
    (void)printf("cluster %s is down\n", cluster);
    return EXIT_DONE;
}

const command_t command_down = {
    .name = "down",
    .args = "",
    .options = options,
    .noptions = 1,
    .settings_size = sizeof(settings_t),
    .summary = "Stop a cluster and remove its run folder.",
    .doc = "Broker and engines get SIGTERM, and SIGKILL if they are still there after 5 seconds.  Arrays and published "
           "names are gone\n"
           "afterwards.  A cluster that is not up is no error.",
    .run = run,
};
