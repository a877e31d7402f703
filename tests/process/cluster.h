/* tests/process/cluster.h - a real broker with engines in a folder of its own, for tests of libfarhand.
 * Functions fail the running test when they cannot do their work. */
#ifndef FH_TESTS_PROCESS_CLUSTER_H
#define FH_TESTS_PROCESS_CLUSTER_H

#include "proxy/farhand.h"
#include "tests/support/check.h"
#include "tests/support/proc.h"

enum { CLUSTER_MAX_ENGINES = 16 };

typedef struct {
    char folder[PATH_MAX];
    char client_file[PATH_MAX];
    proc_t broker;
    proc_t engines[CLUSTER_MAX_ENGINES];
    int nengines;
} cluster_t;

/* Make keys, start the broker and engines, wait until all are ready. */
void cluster_start(cluster_t *self, int nengines);
/* The same with one more option for each engine. */
void cluster_start_with(cluster_t *self, int nengines, const char *option);
/* The same, each engine as if it were on the host with that name. */
void cluster_start_apart(cluster_t *self, int nengines, const char *const *hosts);
void cluster_stop(cluster_t *self);
/* kill -9 and reap. */
void cluster_kill_engine(cluster_t *self, int i);
void cluster_kill_broker(cluster_t *self);
/* In the same folder, on the same port. */
void cluster_start_broker(cluster_t *self);
/* A session that knows all engines that run. */
fh_session *cluster_connect(cluster_t *self, double call_timeout_s);

/* As check_ok and check_fails, for fh_error. */
#define fh_ok(call, error) cluster_check((call), 0, &(error), #call, __FILE__, __LINE__)
#define fh_fails(call, status, error) cluster_check((call), (status), &(error), #call, __FILE__, __LINE__)
void cluster_check(int got, int wanted, const fh_error *error, const char *call, const char *file, int line);

#endif
