/* proxy/cli/run_folder.h - the run folder of a cluster: lock, connection files, logs, and who runs.
 * A pid file holds a process id and when that process started, so that a recycled id is never taken for ours.
 * One thread. */
#ifndef FH_PROXY_CLI_RUN_FOLDER_H
#define FH_PROXY_CLI_RUN_FOLDER_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { RUN_PATH_MAX = 512, RUN_MAX_ENGINES = 256 };

/* Where the cluster's folder is; not made here. */
int run_folder_find(const char *cluster, char ret[RUN_PATH_MAX], err_t *err);
/* FOLDER/NAME. */
void run_folder_path(char ret[RUN_PATH_MAX], const char *folder, const char *name);
/* One `up` or `down` at a time: *ret_lock is a descriptor that holds the lock until it is closed.  BUSY: another one is
 * at work. */
int run_folder_lock(const char *folder, int *ret_lock, err_t *err);
/* Remove the folder and what is in it (links are not followed). */
int run_folder_remove(const char *folder, err_t *err);

/* A process that runs and is ours. */
typedef struct {
    pid_t pid;
    int pidfd;
} process_t;

/* "broker", "engine-0", ... */
void process_name(char ret[32], int engine);
/* Note down a process that has just been started. */
int process_record(const char *folder, const char *name, pid_t pid, err_t *err);
/* True if the process of that name runs; then *ret is to be closed with process_close. */
bool process_find(const char *folder, const char *name, process_t *ret);
void process_close(process_t *self);
/* SIGTERM to all, SIGKILL to those that are there after patience_s; returns how many had to be killed. */
int process_stop(process_t *processes, int count, double patience_s);

#endif
