/* A real broker and a real engine, and peers with proper keys that send what no program of ours would: both daemons
 * stay alive, bounded, and quick for an honest client beside them. */
#include "tests/process/broker_rig.h"
#include "tests/process/wire_peer.h"
#include "tests/unit/codecs/random_message.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { MAX_VECTOR = 1 << 17, RESIDENT_LIMIT_KIB = 512 * 1024 };

static rig_t rig;
static proc_t engine;
static char engine_endpoint[256];
static wire_target_t broker_as_client, broker_as_engine, engine_as_client, engine_as_engine;
static random_t generator;
static wire_peer_t attacker, honest; /* closed after each test, also a failed one: the context waits for them */

static void
start_engine(void)
{
    const char *argv[] = {FH_BIN_DIR "/farhand-engine",
                          "--connection",
                          check_path(rig.folder, "engine.ini"),
                          "--memory",
                          "128M",
                          "--threads",
                          "1",
                          NULL};
    char line[512];
    proc_start(&engine, argv);
    assert_true(proc_line(&engine, line, sizeof line, 20));
    assert_int_equal(strncmp(line, "READY tcp://", 12), 0);
    snprintf(engine_endpoint, sizeof engine_endpoint, "%.255s", line + 6);
}

static int
setup(void **state)
{
    (void)state;
    generator.state = check_seed();
    rig_start(&rig, NULL);
    broker_as_client =
        (wire_target_t){rig.context, rig.endpoint, &rig.client_keys, rig.broker_keys.public_key, 'C', 'B'};
    broker_as_engine =
        (wire_target_t){rig.context, rig.endpoint, &rig.engine_keys, rig.broker_keys.public_key, 'E', 'B'};
    start_engine();
    engine_as_client =
        (wire_target_t){rig.context, engine_endpoint, &rig.client_keys, rig.engine_keys.public_key, 'C', 'E'};
    engine_as_engine =
        (wire_target_t){rig.context, engine_endpoint, &rig.engine_keys, rig.engine_keys.public_key, 'E', 'E'};
    return 0;
}

static int
teardown(void **state)
{
    int status = -1;
    (void)state;
    proc_signal(&engine, SIGTERM);
    assert_true(proc_wait(&engine, &status, 20));
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    proc_end(&engine);
    rig_stop(&rig);
    return 0;
}

/* ---- what must hold after each attack ------------------------------------------------------------------------------
 */

static long
resident_kib(pid_t pid)
{
    char path[64], line[256];
    long kib = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (!strncmp(line, "VmRSS:", 6))
            kib = strtol(line + 6, NULL, 10);
    fclose(file);
    return kib;
}

/* An honest newcomer is served, and the daemon has not grown without bound. */
static void
check_alive(const wire_target_t *target, pid_t pid)
{
    wire_peer_open(&honest, target);
    assert_int_equal(wire_peer_hello(&honest, 10), MSG_WELCOME);
    message_t question = target->server == 'B' ? (message_t){.code = MSG_NAMES, .as.NAMES = {.call = ++honest.call}}
                                               : (message_t){.code = MSG_SYNC, .as.SYNC = {.call = ++honest.call}};
    msg_code_t answer = target->server == 'B' ? MSG_END : MSG_OK;
    assert_int_equal(wire_peer_ask(&honest, &question, answer, NULL, 5), answer);
    message_t goodbye = {.code = MSG_GOODBYE, .as.GOODBYE = {.call = ++honest.call}};
    wire_peer_ask(&honest, &goodbye, MSG_OK, NULL, 5);
    wire_peer_close(&honest);
    assert_int_equal(kill(pid, 0), 0);
    assert_in_range(resident_kib(pid), 1, RESIDENT_LIMIT_KIB);
}

/* ---- attacks
 * --------------------------------------------------------------------------------------------------------- */

/* A new connection with a new session. */
static void
reconnect(wire_peer_t *peer, bool greet)
{
    const wire_target_t *target = peer->target;
    wire_peer_close(peer);
    wire_peer_open(peer, target);
    if (greet)
        assert_int_equal(wire_peer_hello(peer, 10), MSG_WELCOME);
}

/* The peer goes on with a new connection once it has been cut off. */
static void
send_or_reconnect(wire_peer_t *peer, const link_frame_t *frames, int count, bool greet)
{
    if (!wire_peer_send(peer, frames, count))
        reconnect(peer, greet);
}

/* All that was sent has been taken in: a HELLO behind it is answered, whichever way; false if the connection was closed
 * and took the HELLO with it. */
static bool
settle(wire_peer_t *peer, bool greet, double timeout_s)
{
    peer->call = 1000000;
    bool answer = wire_peer_hello(peer, timeout_s);
    reconnect(peer, greet);
    return answer;
}

static size_t
read_vector(const char *path, uint8_t *frame)
{
    char line[256];
    size_t size = 0;
    bool in_hex = false;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        unsigned byte;
        for (const char *c = line; in_hex && sscanf(c, "%2x", &byte) == 1 && size < MAX_VECTOR; c += 2)
            frame[size++] = (uint8_t)byte;
        in_hex = in_hex || !strcmp(line, "hex\n");
    }
    fclose(file);
    return size;
}

/* Every conformance vector of a folder, with no, one and two raw frames behind it. */
static void
send_vectors(wire_peer_t *peer, const char *folder, bool greet)
{
    static uint8_t frame[MAX_VECTOR];
    DIR *directory = opendir(folder);
    int sent = 0;
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));) {
        char path[1024];
        if (!strstr(entry->d_name, ".hex"))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        size_t size = read_vector(path, frame);
        for (int raw = 0; raw <= 2; raw++) {
            link_frame_t frames[3] = {
                {.data = frame, .size = size}, {.data = frame, .size = size}, {.data = "", .size = 0}};
            send_or_reconnect(peer, frames, 1 + raw, greet);
            sent++;
        }
    }
    closedir(directory);
    assert_true(sent > 150);
}

static void
send_random_bytes(wire_peer_t *peer, bool greet)
{
    uint8_t bytes[4096];
    for (int i = 0; i < 400; i++) {
        size_t size = (size_t)random_in(&generator, 0, i % 2 ? 64 : sizeof bytes);
        for (size_t k = 0; k < size; k++)
            bytes[k] = (uint8_t)random_next(&generator);
        if (i % 4 && size >= 4)
            memcpy(bytes, "FH\x01\x00", 4);
        send_or_reconnect(peer, &(link_frame_t){.data = bytes, .size = size}, 1, greet);
    }
}

/* Messages that are well-formed, of kinds that this role may send to that daemon, with random contents. */
static void
send_random_messages(wire_peer_t *peer, int count, bool greet)
{
    arena_t *arena;
    err_t err;
    check_ok(arena_new(&arena, 8 << 20, &err), err);
    for (int i = 0; i < count; i++) {
        const msg_desc_t *desc = NULL;
        while (!desc || !strchr(desc->senders, peer->target->role) || !strchr(desc->receivers, peer->target->server) ||
               ((desc->code == MSG_HELLO || desc->code == MSG_GOODBYE) && random_next(&generator) % 64))
            desc = message_desc(random_in(&generator, 1, 0x5f));
        message_t message;
        arena_reset(arena);
        random_message(&generator, desc, arena, &message);
        if (!wire_peer_send_message(peer, &message, (size_t)random_in(&generator, 0, 2048)))
            reconnect(peer, greet);
    }
    arena_destroy(&arena);
}

static void
send_odd_sizes(wire_peer_t *peer, bool greet)
{
    static uint8_t large[5 << 20];
    link_frame_t frames[LINK_MAX_FRAMES] = {{0}};
    memcpy(large, "FH\x01\x00\x93\x06\x80\x00", 8);
    for (int i = 0; i < LINK_MAX_FRAMES; i++)
        frames[i] = (link_frame_t){.data = i % 2 ? "" : (const char *)large, .size = i % 2 ? 0 : 8};
    send_or_reconnect(peer, frames, LINK_MAX_FRAMES, greet);
    send_or_reconnect(peer, frames + 1, 1, greet);
    send_or_reconnect(peer, frames + 1, 5, greet);
    for (int i = 0; i < 4; i++)
        send_or_reconnect(peer, &(link_frame_t){.data = large, .size = sizeof large}, 1, greet);
}

/* Header frames of as many small messages as they may hold, all alike; and one of many more. */
static void
send_many(wire_peer_t *peer, const char *item, size_t item_size, int frames, bool greet)
{
    static uint8_t frame[HEADER_MAX_BYTES];
    size_t size = 4;
    memcpy(frame, "FH\x01\x00", 4);
    for (; size + item_size <= sizeof frame; size += item_size)
        memcpy(frame + size, item, item_size);
    send_or_reconnect(peer, &(link_frame_t){.data = frame, .size = size}, 1, greet);
    for (int i = 0; i < frames; i++)
        send_or_reconnect(peer, &(link_frame_t){.data = frame, .size = 4 + HEADER_MAX_MESSAGES * item_size}, 1, greet);
}

static void
attack(const wire_target_t *target, const wire_target_t *client, pid_t pid)
{
    for (int greet = 0; greet <= 1; greet++) {
        wire_peer_open(&attacker, target);
        reconnect(&attacker, greet);
        send_vectors(&attacker, FH_VECTORS "/invalid", greet);
        assert_true(settle(&attacker, greet, 10));
        check_alive(client, pid);
        send_vectors(&attacker, FH_VECTORS "/valid", greet);
        assert_true(settle(&attacker, greet, 10));
        check_alive(client, pid);
        send_random_bytes(&attacker, greet);
        send_many(&attacker, "\x93\x7f\x80\x00", 4, 60, greet); /* an unknown message */
        assert_true(settle(&attacker, greet, 10));
        check_alive(client, pid);
        send_many(&attacker, "\x93\x06\x81\x01\x05\x00", 6, 60, greet); /* PING, which wants an answer */
        settle(&attacker, greet, 2);
        check_alive(client, pid);
        send_many(&attacker, "\x93\x3d\x81\x01\x05\x00", 6, 60, greet); /* SYNC */
        settle(&attacker, greet, 2);
        check_alive(client, pid);
        send_many(&attacker, "\x93\x18\x81\x01\x05\x00", 6, 60, greet); /* NAMES */
        settle(&attacker, greet, 2);
        check_alive(client, pid);
        send_random_messages(&attacker, 3000, greet);
        assert_true(settle(&attacker, greet, 10));
        check_alive(client, pid);
        send_odd_sizes(&attacker, greet);
        settle(&attacker, greet, 0.5);
        check_alive(client, pid);
        wire_peer_close(&attacker);
    }
}

static void
hostile_client_frames_leave_the_broker_serving_others(void **state)
{
    (void)state;
    attack(&broker_as_client, &broker_as_client, rig.broker.pid);
}

static void
hostile_engine_frames_leave_the_broker_serving_others(void **state)
{
    (void)state;
    attack(&broker_as_engine, &broker_as_client, rig.broker.pid);
}

static void
hostile_client_frames_leave_the_engine_serving_others(void **state)
{
    (void)state;
    attack(&engine_as_client, &engine_as_client, engine.pid);
}

static void
hostile_engine_frames_leave_the_engine_serving_others(void **state)
{
    (void)state;
    attack(&engine_as_engine, &engine_as_client, engine.pid);
}

static void
hostile_hello_of_another_major_version_is_refused_with_both_versions(void **state)
{
    (void)state;
    static const wire_target_t *const TARGETS[] = {&broker_as_client, &broker_as_engine, &engine_as_client,
                                                   &engine_as_engine};
    for (size_t i = 0; i < sizeof TARGETS / sizeof *TARGETS; i++) {
        message_t answer, hello = {.code = MSG_HELLO, .as.HELLO = {.call = 1, .session = oid_new(), .major = 999}};
        wire_peer_open(&attacker, TARGETS[i]);
        assert_int_equal(wire_peer_ask(&attacker, &hello, MSG_WELCOME, &answer, 5), MSG_ERROR);
        assert_int_equal(answer.as.ERROR.status, FH_VERSION_MISMATCH);
        wire_peer_close(&attacker);
    }
}

static int
close_peers(void **state)
{
    (void)state;
    wire_peer_close(&attacker);
    wire_peer_close(&honest);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(hostile_client_frames_leave_the_broker_serving_others, close_peers),
        cmocka_unit_test_teardown(hostile_engine_frames_leave_the_broker_serving_others, close_peers),
        cmocka_unit_test_teardown(hostile_client_frames_leave_the_engine_serving_others, close_peers),
        cmocka_unit_test_teardown(hostile_engine_frames_leave_the_engine_serving_others, close_peers),
        cmocka_unit_test_teardown(hostile_hello_of_another_major_version_is_refused_with_both_versions, close_peers),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
