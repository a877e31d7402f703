/* engine/python_host_private.h - hosts and datagrams on their way, for python_*.c; nobody else includes it. */
#ifndef FH_ENGINE_PYTHON_HOST_PRIVATE_H
#define FH_ENGINE_PYTHON_HOST_PRIVATE_H

#include "engine/python_host.h"

/* A datagram that waits to be sent.  Its descriptors are those of pinned segments. */
typedef struct packet {
    struct packet *next;
    int fds[PYHOST_FDS], nfds;
    size_t size;
    _Alignas(8) char bytes[PYHOST_DATAGRAM];
} packet_t;

/* A segment that a host sees.  NULL: the place is free. */
typedef struct {
    segment_t *segment;
    bool granted; /* for a result, which it is not yet */
} python_pin_t;

struct python_host {
    python_host_t *next;
    python_hosts_t *all;
    oid_t session;   /* PYTHON_SHARED: of all */
    uint64_t serial; /* never used again in this engine */
    uint64_t job;    /* the last one: numbers of a host follow each other, so that rows of them can be taken back */
    uint64_t worker; /* its number; 0: the session's own host */
    bool closing;    /* its session has ended */
    bool ready;
    bool ended; /* or is being killed: nothing more is asked of it */
    python_process_t *process;
    packet_t *first_packet, *last_packet;
    size_t waiting;               /* bytes of packets */
    bool blocked;                 /* it does not take them now */
    python_job_t *first, *last;   /* asked and not answered */
    int64_t began_ns;             /* when the first of them became the first */
    uint64_t direct;              /* the call through its client's rings that it was seen to run; 0: none */
    int64_t direct_ns;            /* since when */
    int direct_verdict;           /* why it was asked to end; OK: it was not */
    int64_t interrupt_ns;         /* when to send SIGINT again; INT64_MAX: never */
    int64_t kill_ns;              /* when to lose patience; INT64_MAX: never */
    const char *verdict;          /* why we have killed it; NULL: we have not */
    char fault[ERR_TEXT_MAX / 2]; /* what it did wrong, if that was why */
    python_pin_t *pins;           /* segments that it sees, by their numbers less one */
    uint32_t npins, pins_room, next_pin;
};

struct python_hosts {
    python_hosts_options_t options;
    core_t *core;
    python_host_t *hosts;
    int count, workers; /* of sessions, and further ones */
    int epoll;
    uint64_t serial;
    packet_t *spare;
    _Alignas(8) char datagram[PYHOST_DATAGRAM];
};

/* ---- python_ask.c */
/* Room for a record of so many bytes and descriptors: a new packet if the last one is full. */
int python_packet_reserve(python_host_t *self, uint32_t code, size_t size, int nfds, void **ret, err_t *err);
void python_packet_add_fd(python_host_t *self, int fd);
void python_packets_release(python_host_t *self);
/* A pin for a segment that the host will see; takes the reference. */
int python_pin(python_host_t *self, segment_t **segment, uint32_t *ret, err_t *err);
/* The host does not see it any more.  Numbers that are none are passed over. */
void python_unpin(python_host_t *self, uint32_t pin);
void python_pins_release(python_host_t *self);

/* ---- python_answer.c */
/* Handle a datagram.  PROTOCOL_ERROR: the host must go. */
int python_answer_take(python_host_t *self, const char *bytes, size_t size, err_t *err);

/* ---- python_task.c */
/* Is the job's call one of no lane that the message means? */
bool python_task_is_wanted(const python_job_t *job, const msg_CANCEL_t *cancel);
/* Mark its call as cancelled. */
void python_task_cancel(python_job_t *job);
/* Under the core's lock: the job has ended.  Answers, and frees both. */
void python_task_finish(core_t *core, python_job_t *job);

/* ---- python_watch.c */
/* End those of its calls that are marked as cancelled, or that nobody waits for any more. */
void python_host_cancel(python_host_t *self);

/* What the call through its client's rings is called that it runs, as it says itself; "" if it runs none. */
void python_host_direct_what(const python_host_t *self, char ret[PYHOST_WHAT]);

/* ---- python_host.c */
int python_hosts_open_worker(python_hosts_t *self, oid_t session, uint64_t worker, python_host_t **ret, err_t *err);
/* verdict NULL: it has ended by itself, or is about to.  It is buried by and by. */
void python_host_kill(python_host_t *self, const char *verdict);
/* The child has ended: fail what it had, and forget it. */
void python_host_lose(python_hosts_t *self, python_host_t *host);
/* The host's first job is answered. */
void python_host_finish(python_host_t *self, int status, const err_t *err);

#endif
