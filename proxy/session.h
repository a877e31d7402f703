/* proxy/session.h - a session: the connection to the broker, the engines it knows, what is due.
 * Thread rule: one thread at a time; see farhand.h. */
#ifndef FH_PROXY_SESSION_H
#define FH_PROXY_SESSION_H

#include "base/clock.h"
#include "codecs/connection_file.h"
#include "proxy/broker_link.h"
#include "proxy/engine_link.h"
#include "proxy/farhand.h"

#include <sys/types.h>

struct fh_session {
    pid_t pid; /* of the process that made it */
    bool closed;
    int64_t handles; /* that are alive; the session's memory lives as long as they */
    oid_t id;
    connection_t file;
    char path[512]; /* of the connection file */
    char cluster[65];
    char host[256]; /* our host string */
    void *context;  /* of ZeroMQ; from zmq_context_acquire */
    bool has_context;
    double call_timeout_s;
    bool wire_only;
    struct fh_mapping *shared; /* memory that it shares with engines; see proxy/shared.h */
    int copy_threads;          /* that copy large arrays on this host: 1 or more */
    bool runners_silent;       /* an engine did not tell in time what its runner knows of the host */
    bool use_rings;
    int streams;        /* to each engine of another host; 0: by the number of cores; negative: none */
    bool trust_network; /* streams are not sealed */
    bool compress;
    int wake_fd; /* of the streams; -1: there are none yet */
    void (*progress)(void *, int64_t moved, int64_t bytes);
    void *progress_context;
    int64_t moved_due_ns; /* when the program is told next; moved.c */
    bool moved_told;      /* it has been told of this move */
    int (*interrupted)(void *);
    void *interrupted_context;

    broker_link_t broker;

    engine_link_t **engines; /* in order of their numbers */
    int nengines, engines_room;
    struct kernel_code *kernels;                       /* what was loaded, the latest first; see kernel.h */
    struct fh_python_call *python_first, *python_last; /* that fh_python_collect has not handed out */
    struct fh_python_call *python_abandoned;           /* freed before they were answered */
    struct pollfd *pollfds;                            /* room for all links; wait.c fills it */
    int pollfds_room;
    conn_stats_t stats;
    int64_t linalg_rows;        /* see fh_connect_options */
    bool fusion, sending_tails; /* see tail.h */
    int tails, njoins;          /* engines with a tail; joins behind them */
    int nfollowers, stage;      /* calls behind these; the last stage so far, see tail_parts.h */
    int64_t tails_ns;           /* when one was last added to */
    struct tail_join *joins;
    struct tail_follower *followers;
    struct kept *kept; /* see kept.h */
    int nkept;
    struct crew *crew; /* computes them; NULL: none was needed yet */
    uint64_t engine_bytes, waits;
    int64_t pumped_ns; /* when everything was last looked at, by the coarse clock */
    uint64_t watch;    /* what calls are to report, as on the wire; see flags.h */
    fh_flags *flags;   /* reported and not taken; NULL: none yet */
    int nflags;
    int credit;            /* for waiting awake; see wait.c */
    int company;           /* so many calls to one engine alone, and engines hear that they are alone */
    uint64_t shared_bytes; /* copied from and to engines' memory in place */
    uint64_t mapped_bytes; /* gathered without a copy */
    bool maps_inner;       /* it has wanted to map what is cut along an inner axis and lies apart */
};

/* Every public function begins with this: INVALID_ARGUMENT for a NULL or closed session, or in a forked child. */
int session_enter(const fh_session *self, err_t *err);
/* The deadline of a call that waits: timeout_s < 0 means the session's own. */
int64_t session_deadline(const fh_session *self, double timeout_s);
/* One handle less; frees the memory of a closed session after its last one. */
void session_drop_handle(fh_session *self);
/* Free everything that is left, without sending. */
void session_destroy(fh_session *self);

/* The broker's ENGINE: a new engine, or news of a known one. */
int session_learn_engine(fh_session *self, const msg_ENGINE_t *info, err_t *err);
/* NULL if unknown. */
engine_link_t *session_engine(const fh_session *self, oid_t id);
engine_link_t *session_engine_number(const fh_session *self, int number);
/* Engines that are not lost, in order of their numbers; at most room into ret; returns how many there are. */
int session_ready_engines(const fh_session *self, engine_link_t **ret, int room);
/* The ready engine on which this session keeps least; CANNOT_CONNECT if there is none. */
int session_emptiest(const fh_session *self, engine_link_t **ret, err_t *err);

/* Whoever waited was interrupted: end what was issued so far, on all engines, since what one computes may come from
 * another. */
void session_cancel(fh_session *self);
/* Send what is collected for all engines, with the releases that are due; waits while a link has no room. */
int session_flush(fh_session *self, err_t *err);
/* Try to send everything that is collected, without waiting. */
void session_push(fh_session *self);
/* Take what has arrived, everywhere.  True if anything had. */
bool session_pump(fh_session *self);
/* Would the descriptors of all connections tell if something came? */
bool session_untouched(const fh_session *self);
/* Take what has come through rings, and everything if that was not done for some milliseconds: for calls that are
 * repeated quickly. */
bool session_glance(fh_session *self);
/* Only what has come through rings. */
bool session_glance_rings(fh_session *self);

#endif
