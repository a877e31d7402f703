#include "tests/process/flaky_line.h"

#include "base/clock.h"
#include "tests/support/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_PORTS = 64, MAX_PAIRS = 1024, PIECE = 16 * 1024, LOOK_MS = 20 };

typedef struct {
    int listener;
    uint16_t target, port; /* network order */
} door_t;

typedef struct {
    pthread_t thread;
    int near, far; /* the process's end; the cluster's */
    bool stream, told, cut;
    int64_t budget; /* bytes until something happens */
    bool swallows, slow;
} pair_t;

static struct {
    pthread_mutex_t lock;
    bool on, down;
    uint64_t seed;
    unsigned kinds;
    int64_t every;
    int count, streams;
    int64_t bytes; /* of streams */
    door_t doors[MAX_PORTS];
    int ndoors;
    pair_t pairs[MAX_PAIRS];
    int npairs;
    pthread_t thread;
} line = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int
real_connect(int fd, const struct sockaddr *address, socklen_t size)
{
    return (int)syscall(SYS_connect, fd, address, size);
}

/* ---- one connection ------------------------------------------------------------------------------------------------
 */

/* Under the lock. */
static int64_t
new_budget(void)
{
    return line.kinds && line.every > 0 ? 1 + (int64_t)(check_random(&line.seed) % (uint64_t)(2 * line.every))
                                        : INT64_MAX;
}

/* Under the lock: what happens now. */
static unsigned
choose(void)
{
    unsigned kinds[8], n = 0;
    for (unsigned kind = 1; kind <= FLAKY_THROTTLE; kind *= 2)
        if (line.kinds & kind)
            kinds[n++] = kind;
    if (!n)
        return 0;
    line.count++;
    return kinds[check_random(&line.seed) % n];
}

static void
reset(int fd)
{
    const struct linger at_once = {1, 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

/* Something bad.  False: the connection is over. */
static bool
suffer(pair_t *self)
{
    pthread_mutex_lock(&line.lock);
    unsigned kind = choose();
    int pause_ms = 20 + (int)(check_random(&line.seed) % 180);
    self->budget = new_budget();
    pthread_mutex_unlock(&line.lock);
    if (kind == FLAKY_RESET) {
        reset(self->near);
        reset(self->far);
    }
    if (kind == FLAKY_STALL)
        (void)poll(NULL, 0, pause_ms);
    self->swallows |= kind == FLAKY_SWALLOW;
    self->slow |= kind == FLAKY_THROTTLE;
    return kind != FLAKY_RESET && kind != FLAKY_CLOSE;
}

static bool
write_all(int fd, const char *bytes, ssize_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, bytes, (size_t)size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        bytes += sent;
        size -= sent;
    }
    return true;
}

/* Hand on what has come at one end.  False: the connection is over. */
static bool
hand_on(pair_t *self, int from, int to)
{
    char bytes[PIECE];
    ssize_t got = recv(from, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    if (!self->told && from == self->near) {
        self->told = true;
        self->stream = got >= 4 && memcmp(bytes, "FHS1", 4) == 0;
        pthread_mutex_lock(&line.lock);
        line.streams += self->stream;
        pthread_mutex_unlock(&line.lock);
    }
    if (self->slow)
        (void)poll(NULL, 0, 1);
    pthread_mutex_lock(&line.lock);
    line.bytes += self->stream ? got : 0;
    pthread_mutex_unlock(&line.lock);
    if (self->swallows)
        return true;
    if (!self->stream || got < self->budget) {
        self->budget -= self->stream ? got : 0;
        return write_all(to, bytes, got);
    }
    ssize_t before = (ssize_t)self->budget; /* in the middle of whatever it is */
    if (!write_all(to, bytes, before) || !suffer(self))
        return false;
    return self->swallows || write_all(to, bytes + before, got - before);
}

static void *
run_pair(void *context)
{
    pair_t *self = context;
    struct pollfd fds[2] = {{.fd = self->near, .events = POLLIN}, {.fd = self->far, .events = POLLIN}};
    for (bool goes_on = true; goes_on;) {
        (void)poll(fds, 2, LOOK_MS);
        if (fds[0].revents)
            goes_on = hand_on(self, self->near, self->far);
        if (goes_on && fds[1].revents)
            goes_on = hand_on(self, self->far, self->near);
        pthread_mutex_lock(&line.lock);
        goes_on = goes_on && !self->cut;
        if (self->stream && self->budget > 4 * line.every && line.kinds)
            self->budget = new_budget(); /* it began when nothing bad happened */
        pthread_mutex_unlock(&line.lock);
    }
    (void)shutdown(self->near, SHUT_RDWR);
    (void)shutdown(self->far, SHUT_RDWR);
    close(self->near);
    close(self->far);
    return NULL;
}

/* ---- the line ------------------------------------------------------------------------------------------------------
 */

static void
let_in(const door_t *door)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = door->target, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int near = accept4(door->listener, NULL, NULL, SOCK_CLOEXEC), far = -1;
    pthread_mutex_lock(&line.lock);
    if (near >= 0 && !line.down && line.npairs < MAX_PAIRS)
        far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (far >= 0 && real_connect(far, (struct sockaddr *)&address, sizeof address) == 0) {
        pair_t *pair = &line.pairs[line.npairs];
        *pair = (pair_t){.near = near, .far = far, .budget = new_budget()};
        if (pthread_create(&pair->thread, NULL, run_pair, pair) == 0) {
            line.npairs++;
            near = far = -1;
        }
    }
    pthread_mutex_unlock(&line.lock);
    if (near >= 0) {
        reset(near);
        close(near);
    }
    if (far >= 0)
        close(far);
}

static void *
run_line(void *context)
{
    (void)context;
    for (;;) {
        struct pollfd fds[MAX_PORTS];
        pthread_mutex_lock(&line.lock);
        int n = line.ndoors;
        bool on = line.on;
        for (int i = 0; i < n; i++)
            fds[i] = (struct pollfd){.fd = line.doors[i].listener, .events = POLLIN};
        pthread_mutex_unlock(&line.lock);
        if (!on)
            return NULL;
        if (poll(fds, (nfds_t)n, LOOK_MS) > 0)
            for (int i = 0; i < n; i++)
                if (fds[i].revents)
                    let_in(&line.doors[i]);
    }
}

/* Under the lock: the port behind which the target is. */
static uint16_t
door_to(uint16_t target)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    for (int i = 0; i < line.ndoors; i++)
        if (line.doors[i].target == target || line.doors[i].port == target)
            return line.doors[i].port;
    int listener = line.ndoors < MAX_PORTS ? socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 64) ||
        getsockname(listener, (struct sockaddr *)&address, &size))
        return target;
    line.doors[line.ndoors++] = (door_t){listener, target, address.sin_port};
    return address.sin_port;
}

/* What the process and its libraries find under the name connect, instead of the C library's. */
__attribute__((visibility("default"))) int line_connect(int fd, const struct sockaddr *address,
                                                        socklen_t size) __asm__("connect");

int
line_connect(int fd, const struct sockaddr *address, socklen_t size)
{
    struct sockaddr_in other;
    if (size < sizeof other || address->sa_family != AF_INET)
        return real_connect(fd, address, size);
    memcpy(&other, address, sizeof other);
    pthread_mutex_lock(&line.lock);
    if (line.on && other.sin_addr.s_addr == htonl(INADDR_LOOPBACK))
        other.sin_port = door_to(other.sin_port);
    pthread_mutex_unlock(&line.lock);
    return real_connect(fd, (const struct sockaddr *)&other, sizeof other);
}

void
flaky_line_start(uint64_t seed)
{
    line.seed = seed;
    line.on = true;
    line.down = false;
    line.kinds = 0;
    line.count = line.streams = line.npairs = line.ndoors = 0;
    line.bytes = 0;
    assert_int_equal(pthread_create(&line.thread, NULL, run_line, NULL), 0);
}

void
flaky_line_set(unsigned kinds, int64_t every_bytes)
{
    pthread_mutex_lock(&line.lock);
    line.kinds = kinds;
    line.every = every_bytes;
    pthread_mutex_unlock(&line.lock);
}

void
flaky_line_cut(bool links, bool down)
{
    pthread_mutex_lock(&line.lock);
    line.down = down;
    for (int i = 0; i < line.npairs; i++)
        line.pairs[i].cut |= links || line.pairs[i].stream;
    pthread_mutex_unlock(&line.lock);
}

int
flaky_line_count(void)
{
    pthread_mutex_lock(&line.lock);
    int count = line.count;
    pthread_mutex_unlock(&line.lock);
    return count;
}

int
flaky_line_streams(void)
{
    pthread_mutex_lock(&line.lock);
    int streams = line.streams;
    pthread_mutex_unlock(&line.lock);
    return streams;
}

int64_t
flaky_line_bytes(void)
{
    pthread_mutex_lock(&line.lock);
    int64_t bytes = line.bytes;
    pthread_mutex_unlock(&line.lock);
    return bytes;
}

void
flaky_line_stop(void)
{
    flaky_line_cut(true, true);
    pthread_mutex_lock(&line.lock);
    line.on = false;
    pthread_mutex_unlock(&line.lock);
    pthread_join(line.thread, NULL);
    for (int i = 0; i < line.npairs; i++)
        pthread_join(line.pairs[i].thread, NULL);
    for (int i = 0; i < line.ndoors; i++)
        close(line.doors[i].listener);
    line.npairs = line.ndoors = 0;
}
