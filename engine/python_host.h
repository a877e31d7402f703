/* engine/python_host.h - the engine's side of Python hosts: children that run the Python code of sessions.
 *
 * A session gets a host of its own with its first call, and it is killed with the session.  It may have further ones,
 * its workers, for calls that need none of its objects.  One more host belongs to all: what is published lives there.
 * They are no sandbox: the code has the engine's rights.  Calls are run in the order in which they were asked; several
 * may be on their way at once. Everything is asynchronous: what a call gave is in its job when that is finished, and
 * its lane is woken.  What a host says is checked.  When a host ends, the calls that it had fail, and all Python
 * objects in it hold that error from then on; the next call gets a new host. Thread rule: owned by the engine's reactor
 * thread, without the core's lock; jobs are guarded by that lock. */
#ifndef FH_ENGINE_PYTHON_HOST_H
#define FH_ENGINE_PYTHON_HOST_H

#include "engine/core.h"
#include "engine/python_process.h"

#include <poll.h>

typedef struct python_hosts python_hosts_t;
typedef struct python_host python_host_t;
typedef struct python_task python_task_t;

typedef struct python_hosts_options {
    core_t *core; /* borrowed */
    python_process_options_t process;
    int most;           /* sessions that have hosts at a time; 0: 64 */
    int workers;        /* hosts of one session at a time; 0: 1 */
    int64_t timeout_ns; /* for calls that name none; 0: an hour */
} python_hosts_options_t;

int python_hosts_new(python_hosts_t **ret, const python_hosts_options_t *options, err_t *err);
/* Kills all hosts; jobs that are due finish with CANCELLED. */
void python_hosts_destroy(python_hosts_t **self);

/* ---- calls
 * -----------------------------------------------------------------------------------------------------------
 */

/* What a call has made, before it belongs to anybody. */
typedef struct {
    buf_t *body;        /* the pickle; NULL: it is the last array */
    uint8_t small[256]; /* a small pickle lies here: */
    uint32_t small_bytes;
    oid_t *objects; /* Python objects beside the result; malloc'ed */
    uint32_t nobjects;
    oid_t *array_ids; /* malloc'ed, like arrays */
    pin_t *arrays;
    int narrays;
} python_made_t;

/* A call on its way, and then what became of it.  Under the core's lock once it has been asked. */
typedef struct python_job {
    struct python_job *next; /* of those that the host has; the oldest first */
    uint64_t serial, host;   /* of the host: what python objects that it makes belong to */
    core_t *core;            /* borrowed */
    const call_t *call;      /* until it is an orphan */
    lane_t *lane;            /* likewise */
    char what[PYHOST_WHAT];
    int64_t limit_ns;
    int verdict;      /* why it was asked to end; OK: it was not */
    bool interrupted; /* SIGINT was sent for it */
    oid_t result;     /* the object that its value becomes in the host; none: none, or it is published */
    bool finished, orphan;
    int status; /* then */
    err_t err;
    bool raised;         /* the pickle holds an exception; err says it in short */
    python_task_t *task; /* the call has left its lane; NULL: it has not */
    bool ring;           /* it asks for rings; then: */
    pyhost_place_t place;
    int pid;
    python_made_t made;
} python_job_t;

/* A call as it is asked; everything is borrowed. */
typedef struct {
    const call_t *call;
    lane_t *lane;
    str_t what;
    oid_t result; /* none: the value comes back */
    const oid_t *objects;
    uint32_t nobjects;
    pin_t *arrays; /* arrays, then buffers; their segments are taken */
    uint32_t narrays, nbuffers;
    const void *body; /* NULL: it is the last buffer */
    size_t body_bytes;
    int64_t timeout_ns; /* 0: the default */
} python_request_t;

/* The host of a session, or that of all (PYTHON_SHARED), started if there is none.  LIMIT_EXCEEDED, IO_ERROR. */
#define PYTHON_SHARED OID_NONE
int python_hosts_open(python_hosts_t *self, oid_t session, python_host_t **ret, err_t *err);
uint64_t python_host_serial(const python_host_t *self);
/* Could so many bytes of calls be asked beside those that wait?  The first call always can. */
bool python_host_has_room(const python_host_t *self, size_t bytes);
/* Ask for a call.  The job is the caller's: python_job_free it when it is finished, or python_job_orphan it before. */
int python_host_ask(python_host_t *self, const python_request_t *request, python_job_t **ret, err_t *err);
/* Ask for rings for the client that has called; likewise. */
int python_host_ask_ring(python_host_t *self, const call_t *call, lane_t *lane, python_job_t **ret, err_t *err);
/* The client says that its rings have hung up: the host has ended or is ended now.  The job fails with its last words.
 */
int python_host_ask_end(python_host_t *self, const call_t *call, lane_t *lane, str_t what, python_job_t **ret,
                        err_t *err);
/* Send what was asked. */
void python_host_push(python_host_t *self);

/* Under the core's lock: what a call has made becomes its session's and is told; a result that it has not is poisoned.
 * Failed: nothing was told. */
int python_reply(core_t *core, lane_t *lane, const msg_PY_CALL_t *call, python_job_t *job, err_t *err);
/* Ask a host of a session, started if there is none, for a call of no lane, which is taken, not on failure; the
 * request's segments are taken.  worker: as PY_CALL has it.  It is answered when it has been run. */
int python_task_ask(python_hosts_t *self, oid_t session, uint64_t worker, call_t **call, python_request_t *request,
                    err_t *err);
/* Under the core's lock.  Objects that were made and have not been published are dropped. */
void python_job_free(core_t *core, python_job_t **self);
/* Nobody waits for it any more. */
void python_job_orphan(void *job);

/* ---- for the reactor
 * -------------------------------------------------------------------------------------------------
 */

/* The host of a session; NULL: it has none that can be asked. */
python_host_t *python_hosts_find(const python_hosts_t *self, oid_t session);
/* That with this process number, as long as its end has not been told to those who wait for it; NULL: there is none. */
python_host_t *python_hosts_find_process(const python_hosts_t *self, oid_t session, uint64_t pid);
/* End those calls of a session that are marked as cancelled, and those of no lane that the message means; if it means
 * all, also the one that came through its client's rings. */
void python_hosts_cancel(python_hosts_t *self, oid_t session, const msg_CANCEL_t *cancel);

enum { PYTHON_TAKEN_BACK = 512 };

/* Take back its calls with these numbers as far as the host has not begun them; adds the numbers of those that it will
 * not begin to ret, which has room for PYTHON_TAKEN_BACK. */
void python_hosts_take_back(python_hosts_t *self, oid_t session, const ints_t *calls, int64_t *ret,
                            uint32_t *ret_count);
/* A session has ended: so do its host, and its calls in the shared one. */
void python_hosts_forget(python_hosts_t *self, oid_t session);
int python_hosts_fd(const python_hosts_t *self);
int64_t python_hosts_next_deadline(const python_hosts_t *self);
/* Before the reactor sleeps: look for some microseconds whether a host answers at once. */
bool python_hosts_linger(python_hosts_t *self);
/* Resident bytes of all hosts but for arrays; *ret_count: how many there are. */
int64_t python_hosts_memory(const python_hosts_t *self, int *ret_count);
/* Whatever has happened, and is due; hosts are told which objects are gone. */
void python_hosts_handle(python_hosts_t *self);

#endif
