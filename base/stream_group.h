/* base/stream_group.h - several streams to one server that move arrays together.
 *
 * A group has a thread for each stream.  What is to be moved is a list of items, cut into chunks; each stream takes the
 * next chunk that nobody has, keeps a few under way, and counts a chunk when its bytes are in their place at the
 * receiver.  When a stream breaks, its chunks that were not counted go to others, and it asks for a new ticket: so a
 * transfer goes on where it was, and every byte is counted once.  A chunk that is sent again has the same bytes.
 * The group itself never talks to links: whoever owns it gets tickets when stream_group_wants says so.
 * Thread rule: all functions on one thread, which may wait on the eventfd that the group was made with: it is written
 * to when tickets are wanted, when a move has ended, and now and then while it goes on. */
#ifndef FH_BASE_STREAM_GROUP_H
#define FH_BASE_STREAM_GROUP_H

#include "base/stream.h"

enum { STREAM_GROUP_MAX = 16 };

/* One array (or piece) to be moved.  Borrowed until the move has ended, its memory until the item is done. */
typedef struct {
    uint8_t id[STREAM_ID]; /* at the server */
    int64_t bytes;
    char *data; /* its C-order bytes here, or NULL: convert has to make or place them */
    /* Fill bytes from the array (to the server), or the array from bytes.  Called on the group's threads. */
    void (*convert)(void *context, int64_t offset, int64_t size, char *bytes);
    void *context;
    int64_t moved; /* the group's */
} stream_item_t;

typedef struct stream_group stream_group_t;

typedef struct {
    int64_t bytes, moved;
    int64_t moved_ns;    /* when the last chunk was counted, or the move begun */
    uint64_t wire_bytes; /* that went through sockets, since the group was made */
    uint64_t broken;     /* streams that were lost, since the group was made */
} stream_progress_t;

/* Up to `streams` streams to host; wake_fd is borrowed.  No thread is started before the first move. */
int stream_group_new(stream_group_t **ret, const char *host, int streams, const stream_options_t *options, int wake_fd,
                     err_t *err);
/* Ends the threads, within moments: their streams are shut. */
void stream_group_destroy(stream_group_t **self);

/* Begin to move n items, all to or all from the server.  One move at a time. */
int stream_group_begin(stream_group_t *self, stream_item_t *items, int n, bool to_server, err_t *err);
/* There are more items now behind those that are being moved, n in all. */
void stream_group_go_on(stream_group_t *self, int n);
/* Has all of item i been moved?  Then nobody touches its memory any more; the owner is woken for each. */
bool stream_group_moved(stream_group_t *self, int i);
/* How many tickets should be got now. */
int stream_group_wants(stream_group_t *self);
void stream_group_give(stream_group_t *self, int port, const stream_ticket_t *tickets, int n);
/* True when all has been moved, or cannot be: *ret_status and err then say which. */
bool stream_group_ended(stream_group_t *self, int *ret_status, err_t *err);
void stream_group_progress(stream_group_t *self, stream_progress_t *ret);
/* The last reason why a stream broke in this move; false: none has. */
bool stream_group_trouble(stream_group_t *self, err_t *ret);
/* The move is over, or is given up: afterwards nobody touches the items any more.  Streams in the middle of something
 * are shut. */
void stream_group_end(stream_group_t *self);

#endif
