/* engine/engine.h - the reactor: one thread that owns all sockets, runners and timers, and never computes pieces.
 * Thread rule: made, run and destroyed on one thread; it starts the compute thread itself. */
#ifndef FH_ENGINE_ENGINE_H
#define FH_ENGINE_ENGINE_H

#include "base/link.h"
#include "engine/core.h"

typedef struct engine engine_t;

typedef struct {
    void *context;           /* ZeroMQ's; borrowed */
    const link_keys_t *keys; /* of the engines; borrowed until destroy */
    const char *client_key;  /* public key of clients */
    const char *cluster;
    const char *host;             /* host name and boot id */
    link_t *tcp, *ipc;            /* where peers connect; taken on success */
    link_t *broker;               /* taken on success */
    const char *endpoint, *local; /* of tcp and ipc, as others connect to them; borrowed until destroy */
    int threads;                  /* that compute; at least 1 */
    const char *offers;           /* tags and resources (offers.h); borrowed until destroy; NULL: none */
    int64_t memory_bytes;         /* limit for arrays */
    const char *spill_folder;     /* where arrays go that have no room; NULL: nowhere */
    int64_t spill_bytes;          /* how much of it at most; 0: what the disk has */
    const huge_pages_t *pages;    /* for large arrays; borrowed until destroy; NULL: there are none */
    double orphan_timeout_s;      /* without a broker for so long the engine ends; 0: never */
    bool unsafe_no_sandbox;
    const char *streams_host;                   /* where streams are listened for; NULL: nowhere */
    bool trust_network;                         /* streams that are not sealed are allowed */
    const char *code_folder;                    /* machine code of kernels is kept there; NULL: nowhere */
    int64_t code_bytes;                         /* how much at most */
    const char *runner;                         /* path of farhand-runner; NULL: where it is looked for by itself */
    const struct python_hosts_options *pythons; /* core aside; borrowed for the call; NULL: no Python code is run */
} engine_options_t;

int engine_new(engine_t **ret, const engine_options_t *options, err_t *err);
/* Serve until stop_fd or end_fd is readable (OK for stop_fd), the broker refuses the engine, or is silent for too long.
 * ready runs once, when the broker has accepted it. */
int engine_run(engine_t *self, int stop_fd, int end_fd, void (*ready)(void *context), void *context, err_t *err);
void engine_destroy(engine_t **self);

#endif
