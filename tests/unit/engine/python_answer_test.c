/* engine/python_answer, python_ask: what a Python host says is checked, whatever its bytes are. */
#include "engine/python_host_private.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 30000, LIMIT = 64 << 20 };

typedef struct {
    core_t core;
    python_hosts_t all;
    python_host_t host;
    lane_t lane;
} bench_t;

static int
start(void **state)
{
    bench_t *bench = calloc(1, sizeof *bench);
    err_t err;

    check_ok(core_init(&bench->core, LIMIT, "here/1", &err), err);
    bench->all.core = &bench->core;
    bench->host.all = &bench->all;
    bench->host.session = oid_new();
    bench->host.serial = 1;
    *state = bench;
    return 0;
}

static int
stop(void **state)
{
    bench_t *bench = *state;

    python_packets_release(&bench->host);
    python_pins_release(&bench->host);
    free(bench->all.spare);
    core_release(&bench->core);
    free(bench);
    return 0;
}

/* A job that the host runs. */
static python_job_t *
job_of(bench_t *bench)
{
    python_job_t *job = calloc(1, sizeof *job);

    job->serial = 7;
    job->host = 1;
    job->lane = &bench->lane;
    (void)snprintf(job->what, sizeof job->what, "Worker.fill");
    bench->host.first = bench->host.last = job;
    return job;
}

static void
free_job(bench_t *bench, python_job_t *job)
{
    bench->host.first = NULL;
    python_job_free(&bench->core, &job);
    bench->core.objects.python_count = 0;
}

/* DONE with one object, an inline array of 3 x 5 float32, and a pickle of 6 bytes. */
typedef struct {
    pyhost_done_t done;
    char text[8];
    uint8_t object[PYHOST_ID];
    pyhost_made_t made;
    int64_t extents[2];
    char body[8];
    float contents[16];
} answer_t;

static void
fill(answer_t *ret)
{
    *ret = (answer_t){
        .done = {.record = {PYHOST_DONE, sizeof *ret, 7}, .objects = 1, .arrays = 1, .text_bytes = 4, .body_bytes = 6},
        .text = "text",
        .object = {1, 2, 3},
        .made = {.id = {9}, .dtype = DTYPE_FLOAT32, .ndim = 2, .bytes = 60},
        .extents = {3, 5},
        .body = "pickle",
        .contents = {0.5f, 1.5f},
    };
}

static int
take(bench_t *bench, const void *bytes, size_t size, err_t *err)
{
    _Alignas(8) static char datagram[PYHOST_DATAGRAM];

    memcpy(datagram, bytes, size);
    return python_answer_take(&bench->host, datagram, size, err);
}

static void
python_answer_gives_what_the_call_has_made(void **state)
{
    bench_t *bench = *state;
    python_job_t *job = job_of(bench);
    answer_t answer;
    err_t err;

    fill(&answer);
    check_ok(take(bench, &answer, sizeof answer, &err), err);
    assert_true(job->finished);
    assert_int_equal(job->status, FH_OK);
    assert_int_equal(job->made.nobjects, 1);
    assert_memory_equal(job->made.objects[0].bytes, answer.object, PYHOST_ID);
    assert_int_equal(job->made.narrays, 1);
    assert_int_equal(job->made.arrays[0].nd.shape.extent[1], 5);
    assert_true(((const float *)(const void *)job->made.arrays[0].nd.data)[1] == 1.5f);
    assert_int_equal(job->made.small_bytes, 6);
    assert_memory_equal(job->made.small, "pickle", 6);
    free_job(bench, job);
}

static void
python_answer_names_what_was_raised(void **state)
{
    bench_t *bench = *state;
    python_job_t *job = job_of(bench);
    answer_t answer;
    err_t err;

    fill(&answer);
    answer.done.outcome = PYHOST_RAISED;
    check_ok(take(bench, &answer, sizeof answer, &err), err);
    assert_int_equal(job->status, FH_REMOTE_ERROR);
    assert_true(job->raised);
    assert_string_equal(job->err.text, "Worker.fill raised text");
    free_job(bench, job);
}

/* One field of a good answer is another. */
static void
python_answer_refuses_lies(void **state)
{
    bench_t *bench = *state;
    const struct {
        size_t offset, size;
        uint64_t value;
    } LIES[] = {
#define LIE(field, value) {offsetof(answer_t, field), sizeof((answer_t *)0)->field, (uint64_t)(value)}
        LIE(done.record.code, 99),
        LIE(done.record.size, 8),
        LIE(done.record.size, 1 << 30),
        LIE(done.record.size, 77),
        LIE(done.record.serial, 8),
        LIE(done.outcome, 3),
        LIE(done.objects, 1 << 20),
        LIE(done.objects, UINT32_MAX),
        LIE(done.arrays, 1000),
        LIE(done.arrays, 2),
        LIE(done.text_bytes, UINT32_MAX),
        LIE(done.text_bytes, 4096),
        LIE(done.body_bytes, 1 << 20),
        LIE(done.body_bytes, UINT32_MAX),
        LIE(made.granted, 1),
        LIE(made.dtype, 0),
        LIE(made.dtype, 200),
        LIE(made.ndim, -1),
        LIE(made.ndim, 33),
        LIE(made.ndim, 32),
        LIE(made.bytes, -60),
        LIE(made.bytes, INT64_MAX),
        LIE(made.bytes, 61),
        LIE(extents[0], -3),
        LIE(extents[0], INT64_MAX),
        LIE(extents[1], 1 << 20),
#undef LIE
    };

    for (size_t i = 0; i < sizeof LIES / sizeof *LIES; i++) {
        python_job_t *job = job_of(bench);
        answer_t answer;
        err_t err = {0};

        fill(&answer);
        memcpy((char *)&answer + LIES[i].offset, &LIES[i].value, LIES[i].size);
        if (take(bench, &answer, sizeof answer, &err) != FH_PROTOCOL_ERROR)
            fail_msg("lie %zu was taken", i);
        assert_false(job->finished);
        free_job(bench, job);
    }
}

static void
python_answer_without_a_call_is_refused(void **state)
{
    bench_t *bench = *state;
    answer_t answer;
    pyhost_memory_t want = {.record = {PYHOST_WANT, sizeof want, 0}, .count = 1};
    err_t err;

    fill(&answer);
    assert_int_equal(take(bench, &answer, sizeof answer, &err), FH_PROTOCOL_ERROR);
    assert_int_equal(take(bench, &want, sizeof want, &err), FH_PROTOCOL_ERROR);
}

typedef struct {
    pyhost_memory_t want;
    int64_t sizes[2];
} want_t;

static void
python_answer_grants_memory_as_there_is(void **state)
{
    bench_t *bench = *state;
    python_job_t *job = job_of(bench);
    want_t want = {.want = {.record = {PYHOST_WANT, sizeof want, 0}, .count = 2}, .sizes = {1 << 20, 5}};
    err_t err;

    check_ok(take(bench, &want, sizeof want, &err), err);
    assert_int_equal(bench->host.npins, 2);
    assert_int_equal(bench->host.last_packet->nfds, 2);
    const pyhost_memory_t *grant = (const void *)bench->host.last_packet->bytes;
    uint32_t pins[2];

    assert_int_equal(grant->count, 2);
    memcpy(pins, grant + 1, sizeof pins);
    assert_true(bench->host.pins[pins[0] - 1].granted);
    assert_true(bench->host.pins[pins[1] - 1].granted);
    want.sizes[1] = (int64_t)1 << 40;
    check_ok(take(bench, &want, sizeof want, &err), err);
    assert_int_equal(bench->host.npins, 2);
    assert_int_equal(((pyhost_memory_t *)(void *)bench->host.last_packet->bytes)->status, FH_LIMIT_EXCEEDED);
    want.sizes[0] = -1;
    assert_int_equal(take(bench, &want, sizeof want, &err), FH_PROTOCOL_ERROR);
    free_job(bench, job);
}

/* Granted memory becomes an array once; what the host sees for other reasons never does. */
static void
python_answer_takes_results_where_they_are(void **state)
{
    bench_t *bench = *state;
    want_t want = {.want = {.record = {PYHOST_WANT, offsetof(want_t, sizes[1]), 0}, .count = 1}, .sizes = {60}};
    python_job_t *job = job_of(bench);
    segment_t *segment, *granted;
    answer_t answer;
    uint32_t seen, pin;
    err_t err;

    check_ok(take(bench, &want, offsetof(want_t, sizes[1]), &err), err);
    memcpy(&pin, (const pyhost_memory_t *)(const void *)bench->host.last_packet->bytes + 1, sizeof pin);
    granted = bench->host.pins[pin - 1].segment;
    check_ok(pool_take(bench->core.pool, 60, bench->host.session, POOL_MEMFD, &segment, &err), err);
    check_ok(python_pin(&bench->host, &segment, &seen, &err), err);
    fill(&answer);
    answer.made.granted = 1;
    for (uint32_t wrong = 0; wrong < 40; wrong++) {
        answer.made.number = wrong;
        if (wrong != pin && take(bench, &answer, sizeof answer, &err) != FH_PROTOCOL_ERROR)
            fail_msg("an array in memory %u was taken", wrong);
        free_job(bench, job);
        job = job_of(bench);
    }
    answer.made.number = pin;
    check_ok(take(bench, &answer, sizeof answer, &err), err);
    assert_ptr_equal(job->made.arrays[0].segment, granted);
    assert_int_equal(bench->host.npins, 2); /* the host still sees it */
    free_job(bench, job);
    job = job_of(bench);
    assert_int_equal(take(bench, &answer, sizeof answer, &err), FH_PROTOCOL_ERROR);
    free_job(bench, job);
}

static void
python_answer_frees_pins_that_there_are(void **state)
{
    bench_t *bench = *state;
    struct {
        pyhost_list_t list;
        uint32_t pins[4];
    } gone = {.list = {.record = {PYHOST_FREE, sizeof gone, 0}, .count = 4}};
    segment_t *segment = NULL;
    err_t err;

    check_ok(pool_take(bench->core.pool, 4096, bench->host.session, 0, &segment, &err), err);
    check_ok(python_pin(&bench->host, &segment, &gone.pins[0], &err), err);
    gone.pins[1] = gone.pins[0];
    gone.pins[2] = 0;
    gone.pins[3] = UINT32_MAX;
    check_ok(take(bench, &gone, sizeof gone, &err), err);
    assert_int_equal(bench->host.npins, 0);
    gone.list.count = UINT32_MAX;
    assert_int_equal(take(bench, &gone, sizeof gone, &err), FH_PROTOCOL_ERROR);
}

/* Good datagrams with some bytes changed and cut anywhere: refused or taken, and nothing is lost. */
static void
python_answer_survives_noise(void **state)
{
    bench_t *bench = *state;
    pool_stats_t before, after;
    int taken = 0, refused = 0;

    srand48((long)check_seed());
    pool_stats(bench->core.pool, &before);
    for (int i = 0; i < ROUNDS; i++) {
        python_job_t *job = job_of(bench);
        answer_t answer;
        err_t err = {0};
        size_t size = sizeof answer;

        fill(&answer);
        for (long n = lrand48() % 4; n > 0; n--)
            ((char *)&answer)[lrand48() % (long)offsetof(answer_t, contents)] = (char)lrand48();
        if (lrand48() % 8 == 0)
            size = (size_t)(lrand48() % (long)size);
        int status = take(bench, &answer, size, &err);

        if (status)
            assert_int_equal(status, FH_PROTOCOL_ERROR);
        taken += job->finished;
        refused += status != FH_OK;
        free_job(bench, job);
        python_packets_release(&bench->host);
    }
    pool_stats(bench->core.pool, &after);
    assert_int_equal(after.used, before.used);
    assert_true(taken > ROUNDS / 10 && refused > ROUNDS / 10);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(python_answer_gives_what_the_call_has_made, start, stop),
        cmocka_unit_test_setup_teardown(python_answer_names_what_was_raised, start, stop),
        cmocka_unit_test_setup_teardown(python_answer_refuses_lies, start, stop),
        cmocka_unit_test_setup_teardown(python_answer_without_a_call_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(python_answer_grants_memory_as_there_is, start, stop),
        cmocka_unit_test_setup_teardown(python_answer_takes_results_where_they_are, start, stop),
        cmocka_unit_test_setup_teardown(python_answer_frees_pins_that_there_are, start, stop),
        cmocka_unit_test_setup_teardown(python_answer_survives_noise, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
