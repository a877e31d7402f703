/* What a session does when engines and brokers die, freeze, restart or refuse. */
#include "base/clock.h"
#include "base/link.h"
#include "codecs/connection_file.h"
#include "tests/process/cluster.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ENGINES = 3, COUNT = 3000 };

static cluster_t cluster;
static double values[COUNT];
static const int64_t shape[] = {COUNT};

static int
start(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT; i++)
        values[i] = i;
    cluster_start(&cluster, ENGINES);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    cluster_stop(&cluster);
    return 0;
}

static fh_array *
scatter(fh_session *session)
{
    fh_local local = {.data = values, .dtype = FH_FLOAT64, .ndim = 1, .shape = shape};
    fh_array *array = NULL;
    fh_error error;
    fh_ok(fh_scatter(session, &local, NULL, &array, &error), error);
    return array;
}

static void
check_values(fh_array *array)
{
    double got[COUNT];
    fh_error error;
    fh_ok(fh_gather(array, got, NULL, &error), error);
    assert_memory_equal(got, values, sizeof values);
}

static double
seconds_since(int64_t start_ns)
{
    return (double)(clock_now_ns() - start_ns) / 1e9;
}

/* ---- connecting ----------------------------------------------------------------------------------------------------
 */

static void
connecting_without_a_cluster_says_what_to_do(void **state)
{
    fh_session *session = NULL;
    fh_error error;
    (void)state;
    fh_connect_options options = {.target = "/nonexistent/client.ini", .timeout_s = 3};
    fh_fails(fh_connect(&session, &options, &error), FH_CANNOT_CONNECT, error);
    check_contains(error.text, "farhand up");
    assert_null(session);
}

/* The connection file with other keys of ours. */
static void
write_strange_file(char path[PATH_MAX])
{
    connection_t connection;
    link_keys_t keys;
    err_t err;
    check_ok(connection_read(cluster.client_file, "farhand-client", &connection, &err), err);
    check_ok(link_zmq_keys_new(&keys, &err), err);
    memcpy(connection.client_public_key, keys.public_key, sizeof keys.public_key);
    memcpy(connection.secret_key, keys.secret_key, sizeof keys.secret_key);
    snprintf(path, PATH_MAX, "%.4000s/strange.ini", cluster.folder);
    check_ok(connection_write(path, "farhand-client", &connection, &err), err);
}

static void
connecting_with_wrong_keys_is_refused_in_time(void **state)
{
    char path[PATH_MAX];
    fh_session *session = NULL;
    fh_error error;
    (void)state;
    write_strange_file(path);
    fh_connect_options options = {.target = path, .timeout_s = 1};
    int64_t begun = clock_now_ns();
    fh_fails(fh_connect(&session, &options, &error), FH_CANNOT_CONNECT, error);
    check_contains(error.text, "handshake");
    assert_true(seconds_since(begun) < 3);
}

/* ---- sessions ------------------------------------------------------------------------------------------------------
 */

static void
two_sessions_share_names_and_outlive_each_other(void **state)
{
    fh_session *one = cluster_connect(&cluster, 20), *two = cluster_connect(&cluster, 20);
    fh_array *mine = scatter(one), *theirs = NULL, *other = NULL;
    fh_error error;
    (void)state;
    fh_ok(fh_publish(mine, "shared", &error), error);
    fh_ok(fh_get(two, "shared", &theirs, &error), error);
    check_values(theirs);
    other = scatter(two);
    fh_fails(fh_publish(other, "shared", &error), FH_NAME_TAKEN, error);
    fh_array_free(&mine);
    fh_close(&one);
    check_values(theirs);
    fh_array_free(&theirs);
    fh_ok(fh_get(two, "shared", &theirs, &error), error);
    check_values(theirs);
    fh_ok(fh_unpublish(two, "shared", &error), error);
    check_values(theirs); /* our view keeps the memory */
    fh_array *gone = NULL;
    fh_fails(fh_get(two, "shared", &gone, &error), FH_NO_SUCH_NAME, error);
    fh_array_free(&theirs);
    fh_array_free(&other);
    fh_close(&two);
}

static void
exported_handles_work_in_another_session(void **state)
{
    fh_session *one = cluster_connect(&cluster, 20), *two = cluster_connect(&cluster, 20);
    fh_array *mine = scatter(one), *theirs = NULL;
    char bytes[4096];
    size_t size = 0;
    fh_error error;
    (void)state;
    fh_fails(fh_array_export(mine, bytes, 8, &size, &error), FH_LIMIT_EXCEEDED, error);
    fh_ok(fh_array_export(mine, bytes, sizeof bytes, &size, &error), error);
    fh_ok(fh_sync(one, -1, &error), error);
    fh_ok(fh_array_import(two, bytes, size, &theirs, &error), error);
    check_values(theirs);
    fh_array *broken = NULL;
    for (size_t cut = 0; cut < size; cut += 7)
        assert_int_not_equal(fh_array_import(two, bytes, cut, &broken, &error), 0);
    assert_null(broken);
    fh_array_free(&mine);
    fh_array_free(&theirs);
    fh_close(&one);
    fh_close(&two);
}

static void
a_forked_child_is_told_to_connect_by_itself(void **state)
{
    fh_session *session = cluster_connect(&cluster, 20);
    fh_array *array = scatter(session);
    fh_error error;
    int status = -1;
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        int wrong = fh_sync(session, 1, &error) != FH_INVALID_ARGUMENT;
        fh_session *own = NULL;
        double got = 0;
        fh_array *sum = NULL, *numbers = NULL;
        fh_local local = {.data = values, .dtype = FH_FLOAT64, .ndim = 1, .shape = shape};
        wrong |= fh_connect(&own, &(fh_connect_options){.target = cluster.client_file}, &error);
        wrong |= own && fh_scatter(own, &local, NULL, &numbers, &error);
        wrong |= numbers && fh_reduce(numbers, "max", NULL, -1, 0, FH_DTYPE_NONE, &sum, &error);
        wrong |= !sum || fh_gather(sum, &got, NULL, &error) || got != COUNT - 1;
        fh_array_free(&sum);
        fh_array_free(&numbers);
        fh_close(&own);
        fh_array_free(&array);
        fh_close(&session);
        _exit(wrong);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    check_values(array);
    fh_array_free(&array);
    fh_close(&session);
}

static int asked;

static int
interrupt_third(void *context)
{
    (void)context;
    return ++asked >= 3;
}

static void
a_frozen_engine_times_out_and_can_be_interrupted(void **state)
{
    fh_session *session = NULL;
    fh_error error;
    fh_connect_options options = {.target = cluster.client_file, .interrupted = interrupt_third};
    (void)state;
    fh_ok(fh_connect(&session, &options, &error), error);
    asked = -1000000;
    fh_array *array = scatter(session);
    fh_ok(fh_sync(session, -1, &error), error);
    proc_signal(&cluster.engines[0], SIGSTOP);
    fh_fails(fh_sync(session, 0.2, &error), FH_TIMEOUT, error);
    asked = 0;
    fh_fails(fh_sync(session, 10, &error), FH_INTERRUPTED, error);
    asked = -1000000;
    proc_signal(&cluster.engines[0], SIGCONT);
    fh_ok(fh_sync(session, 10, &error), error);
    check_values(array);
    fh_array_free(&array);
    fh_close(&session);
}

typedef struct {
    fh_session *session;
    int ready;
} engines_t;

static bool
all_ready(void *context)
{
    engines_t *self = context;
    fh_engine_info engines[ENGINES];
    int n = 0;
    self->ready = 0;
    if (fh_engines(self->session, engines, ENGINES, &n, NULL))
        return false;
    for (int i = 0; i < n && i < ENGINES; i++)
        self->ready += strcmp(engines[i].state, "ready") == 0;
    return self->ready == ENGINES;
}

static void
an_engine_that_was_silent_for_long_is_used_again(void **state)
{
    fh_session *session = cluster_connect(&cluster, 20);
    fh_array *array = scatter(session);
    engines_t engines = {session, 0};
    fh_error error;
    (void)state;
    fh_ok(fh_sync(session, -1, &error), error);
    proc_signal(&cluster.engines[1], SIGSTOP);
    fh_fails(fh_sync(session, 10, &error), FH_ENGINE_LOST, error);
    proc_signal(&cluster.engines[1], SIGCONT);
    fh_array_free(&array);
    assert_true(check_until(all_ready, &engines, 15));
    array = scatter(session);
    fh_array_info info;
    fh_array_describe(array, &info);
    assert_int_equal(info.npieces, ENGINES);
    check_values(array);
    fh_array_free(&array);
    fh_close(&session);
}

/* ---- deaths --------------------------------------------------------------------------------------------------------
 */

static void
calls_go_on_without_a_broker_and_names_after_its_return(void **state)
{
    fh_session *session = cluster_connect(&cluster, 20);
    fh_array *array = scatter(session), *same = NULL;
    fh_error error;
    (void)state;
    fh_ok(fh_publish(array, "kept", &error), error);
    cluster_kill_broker(&cluster);
    check_values(array);
    fh_array *other = scatter(session);
    check_values(other);
    cluster_start_broker(&cluster);
    fh_ok(fh_get(session, "kept", &same, &error), error);
    check_values(same);
    fh_ok(fh_unpublish(session, "kept", &error), error);
    fh_array_free(&array);
    fh_array_free(&same);
    fh_array_free(&other);
    fh_close(&session);
}

static void
a_missing_broker_is_reported_within_the_time_limit(void **state)
{
    fh_session *session = cluster_connect(&cluster, 1);
    fh_error error;
    fh_array *array = NULL;
    (void)state;
    cluster_kill_broker(&cluster);
    int64_t begun = clock_now_ns();
    fh_fails(fh_get(session, "anything", &array, &error), FH_BROKER_LOST, error);
    assert_true(seconds_since(begun) < 3);
    fh_session *second = NULL;
    fh_connect_options options = {.target = cluster.client_file, .timeout_s = 3};
    fh_fails(fh_connect(&second, &options, &error), FH_CANNOT_CONNECT, error);
    check_contains(error.text, "farhand up");
    cluster_start_broker(&cluster);
    fh_close(&session);
}

static void
a_killed_engine_fails_what_needs_it_within_two_seconds(void **state)
{
    fh_session *session = cluster_connect(&cluster, 20);
    fh_array *array = scatter(session), *next = NULL;
    double got[COUNT];
    fh_piece_info piece;
    fh_error error;
    (void)state;
    fh_ok(fh_sync(session, -1, &error), error);
    assert_int_equal(fh_array_piece(array, 1, &piece), 0);
    int victim = -1;
    for (int i = 0; i < ENGINES; i++) {
        fh_engine_info engines[ENGINES];
        int n;
        fh_ok(fh_engines(session, engines, ENGINES, &n, &error), error);
        for (int k = 0; k < n && k < ENGINES; k++)
            if (memcmp(engines[k].id.bytes, piece.engine.bytes, sizeof piece.engine.bytes) == 0 &&
                engines[k].pid == cluster.engines[i].pid)
                victim = i;
    }
    assert_true(victim >= 0);
    int64_t begun = clock_now_ns();
    cluster_kill_engine(&cluster, victim);
    fh_operand in[] = {{.kind = FH_ARRAY, .array = array}, {.kind = FH_WEAK_INT, .i = 1}};
    int status = fh_ufunc(session, "add", in, 2, NULL, &next, &error);
    if (!status)
        status = fh_gather(next, got, NULL, &error);
    fh_fails(status, FH_ENGINE_LOST, error);
    assert_true(seconds_since(begun) < 2);
    fh_fails(fh_gather(array, got, NULL, &error), FH_ENGINE_LOST, error);
    check_contains(error.text, "engine 1");
    fh_array_free(&next);
    fh_array_free(&array);
    array = scatter(session); /* on those that are left */
    check_values(array);
    fh_array_free(&array);
    fh_close(&session);
}

static void
a_killed_engine_is_noticed_without_a_broker(void **state)
{
    fh_session *session = cluster_connect(&cluster, 20);
    fh_array *array = scatter(session);
    double got[COUNT];
    fh_error error;
    (void)state;
    fh_ok(fh_sync(session, -1, &error), error);
    cluster_kill_broker(&cluster);
    int64_t begun = clock_now_ns();
    for (int i = 0; i < ENGINES; i++)
        if (cluster.engines[i].pid)
            cluster_kill_engine(&cluster, i);
    fh_fails(fh_gather(array, got, NULL, &error), FH_ENGINE_LOST, error);
    assert_true(seconds_since(begun) < 2);
    fh_array_free(&array);
    fh_close(&session);
    cluster_start_broker(&cluster);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connecting_without_a_cluster_says_what_to_do),
        cmocka_unit_test(connecting_with_wrong_keys_is_refused_in_time),
        cmocka_unit_test(two_sessions_share_names_and_outlive_each_other),
        cmocka_unit_test(exported_handles_work_in_another_session),
        cmocka_unit_test(a_forked_child_is_told_to_connect_by_itself),
        cmocka_unit_test(a_frozen_engine_times_out_and_can_be_interrupted),
        cmocka_unit_test(an_engine_that_was_silent_for_long_is_used_again),
        cmocka_unit_test(calls_go_on_without_a_broker_and_names_after_its_return),
        cmocka_unit_test(a_missing_broker_is_reported_within_the_time_limit),
        cmocka_unit_test(a_killed_engine_fails_what_needs_it_within_two_seconds),
        cmocka_unit_test(a_killed_engine_is_noticed_without_a_broker),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
