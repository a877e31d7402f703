/* base/stream_group_private.h - a group and its threads, for stream_group*.c; nobody else includes it. */
#ifndef FH_BASE_STREAM_GROUP_PRIVATE_H
#define FH_BASE_STREAM_GROUP_PRIVATE_H

#include "base/stream_group.h"

#include <pthread.h>

enum { WINDOW = 4 /* chunks under way on each stream */ };

typedef struct {
    int item;
    int64_t offset;
    uint32_t size;
} chunk_t;

typedef struct {
    stream_group_t *group;
    pthread_t thread;
    bool runs;
    stream_t *stream;      /* NULL: not connected */
    bool connecting, busy; /* busy: works on chunks of the move */
    int64_t pause_ns;      /* no new connection before this */
    uint64_t wire_bytes;   /* of streams that are gone */
    chunk_t way[WINDOW];   /* under way, oldest first */
    int under_way;
    char *scratch; /* STREAM_CHUNK bytes, for items that are not in one piece */
} worker_t;

struct stream_group {
    pthread_mutex_t lock;
    pthread_cond_t work, idle; /* something to do; nobody is busy any more */
    char host[256];
    stream_options_t options;
    int wake_fd, streams;
    bool stop;
    worker_t workers[STREAM_GROUP_MAX];

    stream_ticket_t tickets[STREAM_GROUP_MAX];
    int ntickets, port;

    /* the move */
    stream_item_t *items;
    int n;
    bool to_server;
    int item; /* the next chunk that nobody has had */
    int64_t offset;
    chunk_t again[STREAM_GROUP_MAX * WINDOW]; /* chunks that came back */
    int nagain;
    stream_progress_t progress;
    int64_t told; /* moved when the owner was last woken */
    int status;   /* not FH_OK: the move has failed */
    err_t err;
    int trouble; /* why a stream broke last */
    err_t trouble_err;
};

/* A thread of a group; context: its worker_t. */
void *stream_group_work(void *context);
/* Under the lock: is there more to move; chunks that nobody has? */
bool stream_group_moves(const stream_group_t *self);
bool stream_group_has_chunks(const stream_group_t *self);

#endif
