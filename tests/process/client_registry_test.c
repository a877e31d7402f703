/* What a client learns from the registry, and engines that are reached as those of another host. */
#include "proxy/session.h"
#include "tests/process/cluster.h"

#include <stdio.h>
#include <string.h>

enum { ENGINES = 2, COUNT = 100000 };

static cluster_t cluster;
static fh_session *session;
static double values[COUNT];
static const int64_t shape[] = {COUNT};

static int
start(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT; i++)
        values[i] = i;
    cluster_start(&cluster, ENGINES);
    session = cluster_connect(&cluster, 20);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    fh_close(&session);
    cluster_stop(&cluster);
    return 0;
}

static fh_array *
scatter(fh_session *to)
{
    fh_local local = {.data = values, .dtype = FH_FLOAT64, .ndim = 1, .shape = shape};
    fh_array *array = NULL;
    fh_error error;
    fh_ok(fh_scatter(to, &local, NULL, &array, &error), error);
    return array;
}

static void
check_values(fh_array *array)
{
    static double got[COUNT];
    fh_error error;
    fh_ok(fh_gather(array, got, NULL, &error), error);
    assert_memory_equal(got, values, sizeof values);
}

static void
engines_are_listed_in_order_with_their_processes(void **state)
{
    fh_engine_info engines[ENGINES];
    fh_error error;
    int n = 0;
    (void)state;
    fh_ok(fh_engines(session, engines, ENGINES, &n, &error), error);
    assert_int_equal(n, ENGINES);
    for (int i = 0; i < n; i++) {
        assert_int_equal(engines[i].number, i);
        assert_string_equal(engines[i].state, "ready");
        assert_true(engines[i].pid == cluster.engines[0].pid || engines[i].pid == cluster.engines[1].pid);
        assert_true(engines[i].cores >= 1 && engines[i].memory_bytes > 0);
    }
    assert_string_equal(fh_cluster_name(session), "test");
}

/* ---- objects and names ---------------------------------------------------------------------------------------------
 */

typedef struct {
    fh_id id;
    int found, seen;
    fh_object_info info;
} search_t;

static int
find_object(void *context, const fh_object_info *info)
{
    search_t *self = context;
    self->seen++;
    if (memcmp(info->id.bytes, self->id.bytes, sizeof self->id.bytes) == 0) {
        self->found++;
        self->info = *info;
    }
    return 0;
}

/* Engines tell the broker of objects a little after they are made. */
static bool
is_listed(void *context)
{
    search_t *search = context;
    search->found = search->seen = 0;
    return fh_objects(session, 0, find_object, search, NULL) == 0 && search->found > 0;
}

static bool
two_are_listed(void *context)
{
    return is_listed(context) && ((const search_t *)context)->seen >= 2;
}

static bool
is_not_listed(void *context)
{
    search_t *search = context;
    search->found = search->seen = 0;
    return fh_objects(session, 0, find_object, search, NULL) == 0 && search->found == 0;
}

static void
objects_appear_in_the_registry_and_go_when_dropped(void **state)
{
    fh_array *array = scatter(session);
    fh_piece_info piece;
    search_t search = {.found = 0};
    fh_error error;
    (void)state;
    assert_int_equal(fh_array_piece(array, 0, &piece), 0);
    search.id = piece.id;
    assert_true(check_until(is_listed, &search, 10));
    assert_int_equal(search.info.dtype, FH_FLOAT64);
    assert_int_equal(search.info.ndim, 1);
    assert_int_equal(search.info.shape[0], piece.length);
    assert_memory_equal(search.info.engine.bytes, piece.engine.bytes, sizeof piece.engine.bytes);
    fh_array_free(&array);
    fh_ok(fh_tick(session, &error), error); /* the release goes with it */
    assert_true(check_until(is_not_listed, &search, 10));
}

static int
stop_at_once(void *context, const fh_object_info *info)
{
    (void)info;
    ++*(int *)context;
    return 1;
}

static void
a_visit_that_stops_sees_no_more_rows(void **state)
{
    fh_array *array = scatter(session);
    fh_piece_info piece;
    search_t search = {.found = 0};
    int seen = 0;
    fh_error error;
    (void)state;
    assert_int_equal(fh_array_piece(array, 1, &piece), 0);
    search.id = piece.id;
    assert_true(check_until(two_are_listed, &search, 10));
    fh_ok(fh_objects(session, 0, stop_at_once, &seen, &error), error);
    assert_int_equal(seen, 1);
    fh_array_free(&array);
}

typedef struct {
    char text[1024];
    size_t size;
} list_t;

static int
collect_name(void *context, const char *name)
{
    list_t *list = context;
    list->size += (size_t)snprintf(list->text + list->size, sizeof list->text - list->size, "%s;", name);
    assert_true(list->size < sizeof list->text);
    return 0;
}

static void
names_are_listed(void **state)
{
    fh_array *array = scatter(session);
    list_t all = {.size = 0};
    fh_error error;
    (void)state;
    fh_ok(fh_publish(array, "first", &error), error);
    fh_ok(fh_publish(array, "zweite ä", &error), error);
    fh_ok(fh_names(session, collect_name, &all, &error), error);
    check_contains(all.text, "first;");
    check_contains(all.text, "zweite ä;");
    fh_ok(fh_unpublish(session, "first", &error), error);
    fh_ok(fh_unpublish(session, "zweite ä", &error), error);
    fh_fails(fh_unpublish(session, "first", &error), FH_NO_SUCH_NAME, error);
    fh_fails(fh_publish(array, "", &error), FH_INVALID_ARGUMENT, error);
    fh_array_free(&array);
}

/* The name keeps the array, however soon its last handle is dropped. */
static void
names_outlive_handles_dropped_at_once(void **state)
{
    fh_error error;

    (void)state;
    for (int i = 0; i < 100; i++) {
        fh_array *array = scatter(session), *again = NULL;

        fh_ok(fh_publish(array, "fleeting", &error), error);
        fh_array_free(&array);
        fh_ok(fh_sync(session, -1, &error), error); /* the RELEASE is out */
        fh_ok(fh_get(session, "fleeting", &again, &error), error);
        fh_ok(fh_sync(session, -1, &error), error);
        fh_array_free(&again);
        fh_ok(fh_unpublish(session, "fleeting", &error), error);
    }
}

/* ---- SQL -----------------------------------------------------------------------------------------------------------
 */

typedef struct {
    int rows;
    char column[32];
    int64_t number;
} answer_t;

static int
take_row(void *context, const fh_value *cells, int count)
{
    answer_t *self = context;
    assert_int_equal(count, 1);
    if (self->rows++ == 0)
        snprintf(self->column, sizeof self->column, "%.*s", (int)cells[0].size, cells[0].data);
    else
        self->number = cells[0].kind == FH_VALUE_UINT ? (int64_t)cells[0].u : cells[0].i;
    return 0;
}

static void
sql_reads_and_never_writes(void **state)
{
    answer_t answer = {.rows = 0};
    fh_error error;
    (void)state;
    fh_ok(fh_sql(session, "SELECT count(*) AS n FROM engines", 0, take_row, &answer, &error), error);
    assert_int_equal(answer.rows, 2);
    assert_string_equal(answer.column, "n");
    assert_int_equal(answer.number, ENGINES);
    assert_int_not_equal(fh_sql(session, "DELETE FROM engines", 0, take_row, &answer, &error), 0);
    assert_int_not_equal(fh_sql(session, "SELECT nonsense FROM nowhere", 0, take_row, &answer, &error), 0);
    assert_true(error.text[0] != 0);
}

/* ---- another host --------------------------------------------------------------------------------------------------
 */

static void
engines_of_another_host_are_reached_over_tcp_with_keys(void **state)
{
    fh_session *far = cluster_connect(&cluster, 20);
    fh_error error;
    (void)state;
    snprintf(far->host, sizeof far->host, "elsewhere/0"); /* then no engine is on our host */
    fh_array *array = scatter(far), *moved = NULL;
    check_values(array);
    fh_ok(fh_reshard(array, &(fh_scatter_options){.axis = 0, .blocksize = 30000}, &moved, &error), error);
    check_values(moved);
    fh_array_free(&array);
    fh_array_free(&moved);
    fh_close(&far);
}

static void
engines_with_another_key_are_not_trusted(void **state)
{
    fh_session *far = cluster_connect(&cluster, 1);
    fh_local local = {.data = values, .dtype = FH_FLOAT64, .ndim = 1, .shape = shape};
    fh_array *array = NULL;
    fh_error error;
    (void)state;
    snprintf(far->host, sizeof far->host, "elsewhere/0");
    memcpy(far->file.engine_public_key, far->file.broker_public_key, sizeof far->file.engine_public_key);
    fh_fails(fh_scatter(far, &local, NULL, &array, &error), FH_CANNOT_CONNECT, error);
    check_contains(error.text, "key");
    fh_close(&far);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(engines_are_listed_in_order_with_their_processes),
        cmocka_unit_test(objects_appear_in_the_registry_and_go_when_dropped),
        cmocka_unit_test(a_visit_that_stops_sees_no_more_rows),
        cmocka_unit_test(names_are_listed),
        cmocka_unit_test(names_outlive_handles_dropped_at_once),
        cmocka_unit_test(sql_reads_and_never_writes),
        cmocka_unit_test(engines_of_another_host_are_reached_over_tcp_with_keys),
        cmocka_unit_test(engines_with_another_key_are_not_trusted),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
