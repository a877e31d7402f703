/* The test that strangers stay out, made by a daemon of itself. */
#include "base/clock.h"
#include "base/link.h"
#include "base/link_zmq_settings.h"
#include "base/oid.h"

#include <stdio.h>
#include <string.h>

#include <zmq.h>

/* Wait for the verdict of a handshake on a monitor socket. */
static int
await_verdict(void *monitor, const char *endpoint, int timeout_ms, err_t *err)
{
    int64_t deadline = clock_deadline(timeout_ms / 1000.0);
    for (int left; (left = clock_remaining_ms(deadline, timeout_ms)) > 0;) {
        zmq_pollitem_t item = {.socket = monitor, .events = ZMQ_POLLIN};
        uint16_t event = 0;
        char first[8], address[256];
        if (zmq_poll(&item, 1, left) <= 0)
            continue;
        /* An event is two frames: its number and value, and an address. */
        if (zmq_recv(monitor, first, sizeof first, ZMQ_DONTWAIT) >= (int)sizeof event)
            memcpy(&event, first, sizeof event);
        (void)zmq_recv(monitor, address, sizeof address, ZMQ_DONTWAIT);
        if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
            return FH_OK;
        if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
            return err_set(err, FH_PERMISSION, "%s let in a key that it cannot know", endpoint);
    }
    return err_set(err, FH_TIMEOUT, "%s did not refuse an unknown key within %d ms: does its ZAP handler run?",
                   endpoint, timeout_ms);
}

/* The monitor must stand before the connection is begun: a refusal can be quicker than the next line. */
static int
connect_watched(void *socket, void *monitor, const char *endpoint, err_t *err)
{
    const int events = ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    char address[64], unique[OID_TEXT_SIZE];
    (void)snprintf(address, sizeof address, "inproc://self-test-%s", oid_format(oid_new(), unique));
    if (zmq_socket_monitor(socket, address, events) || zmq_connect(monitor, address) || zmq_connect(socket, endpoint))
        return err_set(err, FH_CANNOT_CONNECT, "cannot test %s: %s", endpoint, zmq_strerror(zmq_errno()));
    return FH_OK;
}

int
link_zmq_self_test(void *context, const char *endpoint, const char *server_key, int timeout_ms, err_t *err)
{
    link_keys_t keys;
    void *socket = zmq_socket(context, ZMQ_DEALER), *monitor = zmq_socket(context, ZMQ_PAIR);
    int status = link_zmq_keys_new(&keys, err);
    if (!status && (!socket || !monitor))
        status = err_set(err, FH_LIMIT_EXCEEDED, "cannot make a ZeroMQ socket: %s", zmq_strerror(zmq_errno()));
    if (!status) /* with linger 0 */
        status = link_zmq_configure(socket, false, endpoint,
                                    &(link_zmq_options_t){.keys = &keys, .server_key = server_key}, err);
    if (!status)
        status = connect_watched(socket, monitor, endpoint, err);
    if (!status)
        status = await_verdict(monitor, endpoint, timeout_ms, err);
    if (socket) {
        (void)zmq_socket_monitor(socket, NULL, 0);
        zmq_close(socket);
    }
    if (monitor)
        zmq_close(monitor);
    return status;
}
