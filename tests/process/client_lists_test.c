/* Lists of arrays there and back: every element, in memory and in messages, fresh memory and used, small pages and
 * huge. */
#include "tests/process/cluster.h"

#include <stdlib.h>
#include <string.h>

enum { ENGINES = 2, N = 3000, LONGEST = 900 };

/* Each list has C-ordered arrays, ones that go backwards, and ones in the other byte order. */
typedef struct {
    int64_t lengths[N], step, backwards;
    fh_local locals[N];
    int32_t *values; /* N rows of LONGEST */
    int32_t *got;
    fh_array *arrays[N];
    void *targets[N];
} list_t;

static int32_t
value_of(int i, int64_t k)
{
    return (int32_t)(i * LONGEST + k);
}

static int32_t
expected(const list_t *self, int i, int64_t k)
{
    return i % 3 == 1   ? value_of(i, self->lengths[i] - 1 - k)
           : i % 3 == 2 ? (int32_t)__builtin_bswap32((uint32_t)value_of(i, k))
                        : value_of(i, k);
}

static list_t *
list_new(void)
{
    list_t *self = calloc(1, sizeof *self);
    assert_non_null(self);
    self->values = calloc((size_t)N * LONGEST, sizeof *self->values);
    self->got = calloc((size_t)N * LONGEST, sizeof *self->got);
    assert_true(self->values && self->got);
    self->step = sizeof(int32_t);
    self->backwards = -self->step;
    for (int i = 0; i < N; i++) {
        int32_t *row = self->values + (int64_t)i * LONGEST;
        self->lengths[i] = (int64_t)i * 7919 % LONGEST; /* 0 is among them */
        for (int64_t k = 0; k < self->lengths[i]; k++)
            row[k] = value_of(i, k);
        bool turned = i % 3 == 1 && self->lengths[i] > 0;
        self->locals[i] = (fh_local){.data = turned ? row + self->lengths[i] - 1 : row,
                                     .dtype = FH_INT32,
                                     .ndim = 1,
                                     .shape = &self->lengths[i],
                                     .strides = turned ? &self->backwards : &self->step,
                                     .swapped = i % 3 == 2};
        self->targets[i] = self->got + (int64_t)i * LONGEST;
    }
    return self;
}

/* One array that is kept keeps no more than this. */
static bool
pack_is_small(const fh_list_memory *memory)
{
    return memory->size > 0 && memory->size <= 2 * 1024 * 1024;
}

/* Those that can be mapped are, and have their values, in memory that can be written and that the rest does not need.
 */
static void
mapped(list_t *self, bool near)
{
    static fh_list_place places[N];
    static fh_list_memory memory[N];
    fh_error error;
    int count = -1;
    fh_ok(fh_gather_list_map(self->arrays, N, places, memory, &count, &error), error);
    assert_int_equal(count > 1, near);
    for (int i = 0; i < N; i++) {
        assert_int_equal(places[i].mapping >= 0, near);
        if (!near)
            continue;
        assert_in_range(places[i].mapping, 0, count - 1);
        fh_list_memory *pack = &memory[places[i].mapping];
        int64_t bytes = self->lengths[i] * (int64_t)sizeof(int32_t);
        assert_true(places[i].offset >= 0 && places[i].offset % 16 == 0 && places[i].offset + bytes <= pack->size);
        int32_t *values = (int32_t *)(void *)((char *)pack->data + places[i].offset);
        for (int64_t k = 0; k < self->lengths[i]; k++)
            assert_int_equal(values[k], expected(self, i, k));
        for (int64_t k = 0; k < self->lengths[i]; k++)
            values[k] = -1; /* nobody else's */
    }
    for (int i = 0; i < count; i++) {
        assert_true(pack_is_small(&memory[i]));
        fh_mapping_free(&memory[i].mapping);
    }
}

static void
there_and_back(fh_session *session, list_t *self, bool near)
{
    fh_error error;
    memset(self->got, 0, (size_t)N * LONGEST * sizeof *self->got);
    fh_ok(fh_scatter_list(session, self->locals, N, NULL, 0, self->arrays, &error), error);
    mapped(self, near);
    fh_ok(fh_gather_list(self->arrays, N, self->targets, &error), error);
    for (int i = 0; i < N; i++)
        for (int64_t k = 0; k < self->lengths[i]; k++)
            assert_int_equal(self->got[(int64_t)i * LONGEST + k], expected(self, i, k));
    for (int i = 0; i < N; i++)
        fh_array_free(&self->arrays[i]);
}

static void
run_with(const char *option, int wire_only)
{
    static cluster_t cluster;
    fh_session *session = NULL;
    fh_error error;
    fh_stats stats;
    list_t *list = list_new();
    cluster_start_with(&cluster, ENGINES, option);
    fh_connect_options options = {.target = cluster.client_file, .call_timeout_s = 30, .wire_only = wire_only};
    fh_ok(fh_connect(&session, &options, &error), error);
    there_and_back(session, list, !wire_only);
    there_and_back(session, list, !wire_only); /* into memory that was used */
    fh_session_stats(session, &stats);
    assert_int_equal(stats.shared_bytes > 0, !wire_only);
    fh_close(&session);
    cluster_stop(&cluster);
    free(list->values);
    free(list->got);
    free(list);
}

static void
in_memory(void **state)
{
    (void)state;
    run_with("--threads=1", 0);
}

static void
on_small_pages(void **state)
{
    (void)state;
    run_with("--small-pages", 0);
}

static void
in_messages(void **state)
{
    (void)state;
    run_with("--threads=1", 1);
}

/* The memory of a list, and then the list, does not fit: an error, and what was made goes again. */
static void
what_does_not_fit_is_refused(void **state)
{
    enum { MANY = 4096, BYTES = 64 * 1024 };
    static cluster_t cluster;
    static fh_local locals[MANY];
    static fh_array *arrays[MANY];
    static char bytes[BYTES];
    int64_t length = BYTES;
    fh_array *small = NULL;
    fh_error error;
    (void)state;
    cluster_start_with(&cluster, 1, "--memory=64M");
    fh_session *session = cluster_connect(&cluster, 30);
    for (int i = 0; i < MANY; i++)
        locals[i] = (fh_local){.data = bytes, .dtype = FH_INT8, .ndim = 1, .shape = &length};
    fh_fails(fh_scatter_list(session, locals, MANY, NULL, 0, arrays, &error), FH_STATUS_LIMIT_EXCEEDED, error);
    for (int i = 0; i < MANY; i++)
        assert_null(arrays[i]);
    fh_ok(fh_scatter_list(session, locals, 100, NULL, 0, arrays, &error), error);
    fh_ok(fh_scatter(session, &locals[0], NULL, &small, &error), error);
    fh_ok(fh_sync(session, -1, &error), error);
    for (int i = 0; i < 100; i++)
        fh_array_free(&arrays[i]);
    fh_array_free(&small);
    fh_close(&session);
    cluster_stop(&cluster);
}

static void
an_engine_that_is_gone_is_told(void **state)
{
    static fh_list_place places[N];
    static fh_list_memory memory[N];
    int count = -1;
    static cluster_t cluster;
    list_t *list = list_new();
    fh_error error;
    (void)state;
    cluster_start(&cluster, ENGINES);
    fh_session *session = cluster_connect(&cluster, 30);
    fh_ok(fh_scatter_list(session, list->locals, N, NULL, 0, list->arrays, &error), error);
    fh_ok(fh_sync(session, -1, &error), error);
    cluster_kill_engine(&cluster, 0);
    fh_fails(fh_gather_list(list->arrays, N, list->targets, &error), FH_STATUS_ENGINE_LOST, error);
    fh_fails(fh_gather_list_map(list->arrays, N, places, memory, &count, &error), FH_STATUS_ENGINE_LOST, error);
    assert_int_equal(count, 0);
    for (int i = 0; i < N; i++)
        fh_array_free(&list->arrays[i]);
    fh_close(&session);
    cluster_stop(&cluster);
    free(list->values);
    free(list->got);
    free(list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_memory),
        cmocka_unit_test(on_small_pages),
        cmocka_unit_test(in_messages),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(an_engine_that_is_gone_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
