/* tests/bench/bench_cluster.h - a cluster of its own for a benchmark.  Everything gives up loudly. */
#ifndef FH_TESTS_BENCH_BENCH_CLUSTER_H
#define FH_TESTS_BENCH_BENCH_CLUSTER_H

#include "proxy/farhand.h"

typedef struct {
    char name[64];
    fh_session *session;
} bench_cluster_t;

/* `farhand up` with so many engines of one thread each, in a new temporary folder, and a session. */
void bench_cluster_start(bench_cluster_t *self, const char *name, int engines);
void bench_cluster_stop(bench_cluster_t *self);
/* Ends the program if status is not OK. */
void bench_cluster_check(int status, const fh_error *error);

#endif
