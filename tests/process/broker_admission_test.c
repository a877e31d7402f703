/* Who may talk to the broker, and what it makes of nonsense. */
#include "tests/process/broker_rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static rig_t rig;

static int
setup(void **state)
{
    (void)state;
    rig_start(&rig, NULL);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    rig_stop(&rig);
    return 0;
}

static message_t
hello_of(uint64_t call, oid_t session, uint64_t major)
{
    return (message_t){.code = MSG_HELLO, .as.HELLO = {.call = call, .session = session, .major = major, .minor = 0}};
}

static void
test_admission_unknown_key_refused(void **state)
{
    link_keys_t stranger;
    rig_peer_t peer;
    message_t message = hello_of(1, oid_new(), PROTOCOL_MAJOR);
    link_frame_t frame;
    err_t err;

    (void)state;
    check_ok(link_zmq_keys_new(&stranger, &err), err);
    rig_connect_keys(&rig, &peer, 'C', &stranger);
    check_ok(header_writer_add(peer.writer, &message, &err), err);
    frame = (link_frame_t){.data = header_writer_data(peer.writer), .size = header_writer_size(peer.writer)};
    link_send(peer.link, NULL, &frame, 1, NULL); /* no connection stands, so this may be BUSY */
    assert_false(rig_receive(&peer, &message, 1.0));
    rig_disconnect(&peer);
    check_ok(link_zmq_self_test(rig.context, rig.endpoint, rig.broker_keys.public_key, 5000, &err), err);
}

static void
test_admission_brokers_own_key_refused(void **state)
{
    rig_peer_t peer;
    message_t message;

    (void)state;
    rig_connect_keys(&rig, &peer, 'C', &rig.broker_keys);
    assert_false(rig_receive(&peer, &message, 0.5));
    rig_disconnect(&peer);
}

static void
test_hello_other_major_names_both_versions(void **state)
{
    rig_peer_t peer;
    message_t message = hello_of(7, oid_new(), PROTOCOL_MAJOR + 1);
    char text[512];

    (void)state;
    rig_connect(&rig, &peer, 'C');
    rig_send(&peer, &message);
    rig_expect_error(&peer, FH_VERSION_MISMATCH, &message);
    assert_int_equal(message.as.ERROR.call, 7);
    str_copy(message.as.ERROR.text, text, sizeof text);
    check_contains(text, "version 2");
    check_contains(text, "version 1");
    rig_disconnect(&peer);
}

static void
test_header_other_major_refused(void **state)
{
    static const uint8_t FRAME[] = {'F', 'H', PROTOCOL_MAJOR + 1, 0, 0x93, 0x06, 0x80, 0x00};
    rig_peer_t peer;
    message_t message;

    (void)state;
    rig_connect(&rig, &peer, 'C');
    rig_send_bytes(&peer, FRAME, sizeof FRAME);
    rig_expect_error(&peer, FH_VERSION_MISMATCH, &message);
    assert_int_equal(message.as.ERROR.call, 0);
    rig_disconnect(&peer);
}

static void
test_request_before_hello_says_stale(void **state)
{
    rig_peer_t peer;
    message_t message;

    (void)state;
    rig_connect(&rig, &peer, 'C');
    rig_send(&peer, &(message_t){.code = MSG_ENGINES, .as.ENGINES = {.call = 5}});
    rig_expect_error(&peer, FH_STALE_HANDLE, &message);
    assert_int_equal(message.as.ERROR.call, 0);
    rig_disconnect(&peer);
}

static void
test_hello_repeated_welcomed_again(void **state)
{
    rig_peer_t peer;
    message_t first, second;

    (void)state;
    rig_client(&rig, &peer);
    rig_hello(&peer, &first);
    oid_t incarnation = first.as.WELCOME.incarnation;

    rig_hello(&peer, &second);
    assert_true(oid_equal(incarnation, second.as.WELCOME.incarnation));
    rig_disconnect(&peer);
}

static void
test_hello_of_another_session_on_one_connection_refused(void **state)
{
    rig_peer_t peer;
    message_t message = hello_of(9, oid_new(), PROTOCOL_MAJOR);

    (void)state;
    rig_client(&rig, &peer);
    rig_send(&peer, &message);
    rig_expect_error(&peer, FH_PROTOCOL_ERROR, &message);
    assert_int_equal(message.as.ERROR.call, 9);
    rig_disconnect(&peer);
}

static void
test_hello_with_an_engines_id_by_a_client_refused(void **state)
{
    rig_peer_t engine, client;
    message_t message;

    (void)state;
    rig_engine(&rig, &engine);
    rig_connect(&rig, &client, 'C');
    message = hello_of(1, engine.id, PROTOCOL_MAJOR);
    rig_send(&client, &message);
    rig_expect_error(&client, FH_PERMISSION, &message);
    rig_disconnect(&client);
    rig_disconnect(&engine);
}

static void
test_announce_by_a_client_refused(void **state)
{
    rig_peer_t peer;
    message_t message;

    (void)state;
    rig_client(&rig, &peer);
    rig_send(&peer, &(message_t){.code = MSG_ANNOUNCE,
                                 .as.ANNOUNCE = {.call = 3, .endpoint = str_of("tcp://x:1"), .cores = 1}});
    rig_expect_error(&peer, FH_PROTOCOL_ERROR, &message);
    assert_int_equal(message.as.ERROR.call, 3);
    rig_send(&peer, &(message_t){.code = MSG_PING, .as.PING = {.call = 4}});
    rig_expect(&peer, MSG_PONG, &message);
    rig_disconnect(&peer);
}

static void
test_frames_of_nonsense_answered_and_survived(void **state)
{
    static const uint8_t PING[] = {'F', 'H', PROTOCOL_MAJOR, 0, 0x93, 0x06, 0x81, 0x01, 0x07, 0x00};
    uint64_t seed = check_seed();
    rig_peer_t peer, other;
    message_t message;

    (void)state;
    rig_client(&rig, &peer);
    for (int i = 0; i < 2000; i++) {
        uint8_t bytes[64];
        size_t size = check_random(&seed) % sizeof bytes;

        memcpy(bytes, PING, sizeof PING);
        for (size_t j = i % 2 ? sizeof PING : 0; j < size; j++)
            bytes[j] = (uint8_t)check_random(&seed);
        rig_send_bytes(&peer, bytes, size);
        while (rig_receive(&peer, &message, 0))
            assert_true(message.code == MSG_ERROR || message.code == MSG_PONG);
    }
    rig_client(&rig, &other);
    rig_send(&other, &(message_t){.code = MSG_PING, .as.PING = {.call = 77}});
    rig_expect(&other, MSG_PONG, &message);
    assert_int_equal(message.as.PONG.call, 77);
    rig_disconnect(&other);
    rig_disconnect(&peer);
}

static void
test_second_broker_in_a_folder_refused(void **state)
{
    const char *const argv[] = {FH_BIN_DIR "/farhand-broker", "--folder", rig.folder, NULL};
    proc_t second;
    int status = -1;

    (void)state;
    proc_start(&second, argv);
    assert_true(proc_wait(&second, &status, 10));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    proc_end(&second);
}

static void
test_broker_without_keys_refuses_to_start(void **state)
{
    char folder[PATH_MAX];
    proc_t broker;
    int status = -1;

    (void)state;
    check_folder_make(folder);
    check_file_make(check_path(folder, "broker.ini"), "[farhand-broker]\ncluster = test\n", 0600);
    const char *const argv[] = {FH_BIN_DIR "/farhand-broker", "--folder", folder, "--listen", "0.0.0.0", NULL};

    proc_start(&broker, argv);
    assert_true(proc_wait(&broker, &status, 10));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    proc_end(&broker);
    check_folder_remove(folder);
}

static void
test_files_name_the_endpoint_when_ready(void **state)
{
    connection_t client, engine;
    err_t err;

    (void)state;
    check_ok(connection_read(check_path(rig.folder, "client.ini"), "farhand-client", &client, &err), err);
    check_ok(connection_read(check_path(rig.folder, "engine.ini"), "farhand-engine", &engine, &err), err);
    assert_string_equal(client.broker, rig.endpoint);
    assert_string_equal(engine.broker, rig.endpoint);
    assert_int_equal(client.broker_pid, rig.broker.pid);
    assert_string_equal(client.secret_key, rig.client_keys.secret_key);
}

/* CZMQ would take the signals that end a process, and settings from the environment: these make no broker at all, or
 * one that writes its log to a socket. */
static void
test_broker_takes_nothing_from_czmqs_environment(void **state)
{
    rig_t other;

    (void)state;
    setenv("ZSYS_IO_THREADS", "0", 1);
    setenv("ZSYS_MAX_SOCKETS", "1", 1);
    setenv("ZSYS_SIGHANDLER", "true", 1);
    rig_start(&other, NULL);
    unsetenv("ZSYS_IO_THREADS");
    unsetenv("ZSYS_MAX_SOCKETS");
    unsetenv("ZSYS_SIGHANDLER");
    rig_stop(&other);
}

static void
test_signals_that_end_it_have_no_handlers(void **state)
{
    char path[64], line[256];
    unsigned long long caught = ~0ULL;

    (void)state;
    snprintf(path, sizeof path, "/proc/%d/status", (int)rig.broker.pid);
    FILE *file = fopen(path, "re");

    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        sscanf(line, "SigCgt: %llx", &caught);
    fclose(file);
    assert_int_equal(caught & (1ULL << (SIGINT - 1) | 1ULL << (SIGTERM - 1)), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_admission_unknown_key_refused),
        cmocka_unit_test(test_admission_brokers_own_key_refused),
        cmocka_unit_test(test_hello_other_major_names_both_versions),
        cmocka_unit_test(test_header_other_major_refused),
        cmocka_unit_test(test_request_before_hello_says_stale),
        cmocka_unit_test(test_hello_repeated_welcomed_again),
        cmocka_unit_test(test_hello_of_another_session_on_one_connection_refused),
        cmocka_unit_test(test_hello_with_an_engines_id_by_a_client_refused),
        cmocka_unit_test(test_announce_by_a_client_refused),
        cmocka_unit_test(test_frames_of_nonsense_answered_and_survived),
        cmocka_unit_test(test_second_broker_in_a_folder_refused),
        cmocka_unit_test(test_broker_without_keys_refuses_to_start),
        cmocka_unit_test(test_files_name_the_endpoint_when_ready),
        cmocka_unit_test(test_broker_takes_nothing_from_czmqs_environment),
        cmocka_unit_test(test_signals_that_end_it_have_no_handlers),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
