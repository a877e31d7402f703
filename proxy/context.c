#include "proxy/context.h"

#include "base/link.h"

#include <pthread.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *shared;
static int users;
static pid_t maker;

/* ---- the process ---------------------------------------------------------------------------------------------------
 */

static pid_t process;
static pthread_once_t process_once = PTHREAD_ONCE_INIT;

static void
note_process(void)
{
    __atomic_store_n(&process, getpid(), __ATOMIC_RELAXED);
}

static void
watch_process(void)
{
    if (!pthread_atfork(NULL, NULL, note_process))
        note_process();
}

pid_t
context_process(void)
{
    pid_t number = __atomic_load_n(&process, __ATOMIC_RELAXED);
    if (number)
        return number;
    pthread_once(&process_once, watch_process);
    return getpid();
}

/* ---- the context ---------------------------------------------------------------------------------------------------
 */

int
context_acquire(void **ret, err_t *err)
{
    int status = FH_OK;
    pthread_mutex_lock(&lock);
    if (users && maker != getpid()) {
        /* A child of fork: the parent's context cannot even be ended here. */
        users = 0;
        shared = NULL;
    }
    if (users == 0)
        status = link_zmq_context_new(&shared, err);
    if (!status) {
        maker = getpid();
        users++;
        *ret = shared;
    }
    pthread_mutex_unlock(&lock);
    return status;
}

void
context_release(void)
{
    pthread_mutex_lock(&lock);
    if (maker == getpid() && users > 0 && --users == 0)
        link_zmq_context_destroy(&shared);
    pthread_mutex_unlock(&lock);
}
