/* broker/listen.c - keys, admission, ports. */
#include "broker/listen.h"

#include "base/clock.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SEND_LIMIT = 100, SELF_TEST_MS = 5000, LINGER_MS = 300, RETRY_MS = 50 };

static const double BIND_S = 5.0; /* how long the port of the last time may be taken yet */

/* The port to bind: the one that was asked for, else that of the last time, else 0 (any). */
static int
wanted_port(const connection_t *connection, int port)
{
    const char *colon = strrchr(connection->broker, ':');
    long last = colon ? strtol(colon + 1, NULL, 10) : 0;

    if (port > 0)
        return port;
    return last > 0 && last < 65536 ? (int)last : 0;
}

/* Bind; the port of the last time may be held by a broker that is just ending. */
static int
bind_endpoint(listen_t *self, const char *host, int port, int stop_fd, const link_zmq_options_t *options,
              char *ret_bound, err_t *err)
{
    char endpoint[LISTEN_ENDPOINT];
    int64_t deadline = clock_deadline(BIND_S);
    int status;

    if (strlen(host) > LISTEN_ENDPOINT - 32)
        return err_set(err, FH_INVALID_ARGUMENT, "the address to listen on has %zu bytes", strlen(host));
    if (port)
        snprintf(endpoint, sizeof endpoint, "tcp://%s:%d", host, port);
    else
        snprintf(endpoint, sizeof endpoint, "tcp://%s:*", host);
    while ((status = link_zmq_bind(&self->link, self->context, endpoint, options, ret_bound, LISTEN_ENDPOINT, err)) !=
           FH_OK) {
        struct pollfd waits = {.fd = stop_fd, .events = POLLIN};

        if (!port || clock_remaining_ms(deadline, 1) == 0)
            return status;
        if (poll(&waits, 1, RETRY_MS) > 0)
            return err_set(err, FH_INTERRUPTED, "stopped while waiting for %s", endpoint);
    }
    return FH_OK;
}

/* An address that means "all of this host" is not one that others can connect to.  True if host is one. */
static bool
name_endpoint(listen_t *self, const char *host, const char *bound)
{
    static const char *const ANY[] = {"0.0.0.0", "*"};
    const char *port = strrchr(bound, ':');
    char name[128] = "localhost";

    snprintf(self->endpoint, sizeof self->endpoint, "%s", bound);
    for (size_t i = 0; port && i < sizeof ANY / sizeof *ANY; i++)
        if (strcmp(host, ANY[i]) == 0) {
            gethostname(name, sizeof name - 1);
            snprintf(self->endpoint, sizeof self->endpoint, "tcp://%s%s", name, port);
            return true;
        }
    return false;
}

static int
self_test(const listen_t *self, const char *bound, bool any, const char *server_key, err_t *err)
{
    char endpoint[LISTEN_ENDPOINT];
    const char *port = strrchr(bound, ':');

    snprintf(endpoint, sizeof endpoint, "%s%s", any ? "tcp://127.0.0.1" : bound, any && port ? port : "");
    int status = link_zmq_self_test(self->context, endpoint, server_key, SELF_TEST_MS, err);

    if (status)
        err_prefix(err, "the broker does not start, since it does not keep strangers out");
    return status;
}

int
listen_open(listen_t *self, void *context, const connection_t *connection, const char *host, int port, int stop_fd,
            err_t *err)
{
    const char *admitted[] = {connection->client_public_key, connection->engine_public_key};
    link_keys_t keys;
    const link_zmq_options_t options = {
        .keys = &keys, .zap_domain = "broker", .send_limit_messages = SEND_LIMIT, .linger_ms = LINGER_MS};
    char bound[LISTEN_ENDPOINT];
    int status;

    memcpy(keys.public_key, connection->broker_public_key, sizeof keys.public_key);
    memcpy(keys.secret_key, connection->secret_key, sizeof keys.secret_key);
    self->context = context;
    status = link_zap_start(&self->zap, self->context, admitted, 2, NULL, err);
    if (!status)
        status = bind_endpoint(self, host, wanted_port(connection, port), stop_fd, &options, bound, err);
    if (status)
        return status;
    return self_test(self, bound, name_endpoint(self, host, bound), connection->broker_public_key, err);
}

void
listen_close(listen_t *self)
{
    link_destroy(&self->link);
    link_zap_stop(&self->zap);
}
