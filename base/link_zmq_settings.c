#include "base/link_zmq_settings.h"

#include <string.h>

#include <zmq.h>

/* libzmq 4.3.4 has it, but shows it only to users of its draft interface. */
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif

enum {
    KEY_SIZE = 41,
    HEARTBEAT_MS = 500,
    HEARTBEAT_TIMEOUT_MS = 1500,
    HEARTBEAT_TTL_MS = 2000,
    HANDSHAKE_MS = 2000, /* CURVE takes milliseconds, but not on a machine with all its cores in use */
    TCP_MAXRT_MS = 3000,
    RECONNECT_MS = 20,
    RECONNECT_MAX_MS = 2000,
    DEFAULT_LIMIT = 1000,
    DEFAULT_MAX_FRAME = 4 * 1024 * 1024 + 4096
};

typedef struct {
    int option;
    int value;
} setting_t;

static int
apply(void *socket, const setting_t *settings, int count, err_t *err)
{
    for (int i = 0; i < count; i++)
        if (zmq_setsockopt(socket, settings[i].option, &settings[i].value, sizeof settings[i].value))
            return err_set(err, FH_INTERNAL, "ZeroMQ refuses %d for its option %d: %s", settings[i].value,
                           settings[i].option, zmq_strerror(zmq_errno()));
    return FH_OK;
}

static int
apply_common(void *socket, const char *endpoint, const link_zmq_options_t *options, err_t *err)
{
    int64_t max_frame = options->max_frame_bytes > 0 ? options->max_frame_bytes : DEFAULT_MAX_FRAME;
    const setting_t settings[] = {
        {ZMQ_LINGER, options->linger_ms},
        {ZMQ_SNDHWM, options->send_limit_messages > 0 ? options->send_limit_messages : DEFAULT_LIMIT},
        {ZMQ_RCVHWM, options->receive_limit_messages > 0 ? options->receive_limit_messages : DEFAULT_LIMIT},
        {ZMQ_SNDTIMEO, 0},
        {ZMQ_RCVTIMEO, 0},
        {ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS},
        {ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS},
        {ZMQ_HEARTBEAT_TTL, HEARTBEAT_TTL_MS},
        {ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS},
        {ZMQ_RECONNECT_IVL, RECONNECT_MS},
        {ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS},
        {ZMQ_IPV6, strchr(endpoint, '[') != NULL},
    };
    int status = apply(socket, settings, (int)(sizeof settings / sizeof settings[0]), err);
    if (!status && strncmp(endpoint, "tcp:", 4) == 0)
        status = apply(socket, &(setting_t){ZMQ_TCP_MAXRT, TCP_MAXRT_MS}, 1, err);
    if (!status && zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max_frame, sizeof max_frame))
        status = err_set(err, FH_INTERNAL, "ZeroMQ refuses a limit of %lld bytes a frame", (long long)max_frame);
    return status;
}

static int
set_key(void *socket, int option, const char *key, err_t *err)
{
    if (!key || strlen(key) != KEY_SIZE - 1 || zmq_setsockopt(socket, option, key, KEY_SIZE))
        return err_set(err, FH_INVALID_ARGUMENT, "a key is not 40 characters of Z85 text");
    return FH_OK;
}

static int
apply_keys(void *socket, bool server, const link_zmq_options_t *options, err_t *err)
{
    if (!options->keys)
        return FH_OK;
    int status = set_key(socket, ZMQ_CURVE_PUBLICKEY, options->keys->public_key, err);
    if (!status)
        status = set_key(socket, ZMQ_CURVE_SECRETKEY, options->keys->secret_key, err);
    if (status || !server)
        return status ? status : set_key(socket, ZMQ_CURVE_SERVERKEY, options->server_key, err);
    if (!options->zap_domain || !options->zap_domain[0])
        return err_set(err, FH_INVALID_ARGUMENT, "a server link with keys needs a ZAP domain");
    if (zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, options->zap_domain, strlen(options->zap_domain)))
        return err_set(err, FH_INVALID_ARGUMENT, "ZeroMQ refuses the ZAP domain: %s", zmq_strerror(zmq_errno()));
    /* Without the second one a server lets everybody in while no ZAP handler stands. */
    const setting_t settings[] = {{ZMQ_CURVE_SERVER, 1}, {ZMQ_ZAP_ENFORCE_DOMAIN, 1}};
    return apply(socket, settings, 2, err);
}

int
link_zmq_configure(void *socket, bool server, const char *endpoint, const link_zmq_options_t *options, err_t *err)
{
    int status = apply_common(socket, endpoint, options, err);
    if (!status)
        status = apply(socket, &(setting_t){server ? ZMQ_ROUTER_MANDATORY : ZMQ_IMMEDIATE, 1}, 1, err);
    if (!status && server)
        status = apply(socket, &(setting_t){ZMQ_ROUTER_HANDOVER, 0}, 1, err);
    if (!status)
        status = apply_keys(socket, server, options, err);
    return status;
}
