/* APPLY random: a stretch of a stream as elements of a distribution.  What takes one number for each element is made by
 * the whole crew, each part from its own place in the stream. */
#include "engine/apply/random.h"

#include "engine/apply/apply.h"

#include <string.h>

enum { PART_ELEMENTS = 1 << 16 };

typedef struct {
    const sampler_t *sampler;
    const philox_t *start;
    char *out;
    int64_t count;
} parts_t;

/* ---- what is asked ---------------------------------------------------------------------------------------------- */

static int
read_start(const apply_call_t *call, philox_t *ret, err_t *err)
{
    const int64_t *given = call->integers;
    uint64_t key[2], counter[4];
    memcpy(key, given + RANDOM_AT_KEY, sizeof key);
    memcpy(counter, given + RANDOM_AT_COUNTER, sizeof counter);
    if (given[RANDOM_AT_POSITION] < 0 || given[RANDOM_AT_POSITION] > 4 || given[RANDOM_AT_SKIP] < 0)
        return err_set(err, FH_INVALID_ARGUMENT, "random: position %lld, skip %lld of a stream",
                       (long long)given[RANDOM_AT_POSITION], (long long)given[RANDOM_AT_SKIP]);
    philox_restore(ret, key, counter, (int)given[RANDOM_AT_POSITION]);
    ret->has_half = given[RANDOM_AT_HAS_HALF] != 0;
    ret->half = (uint32_t)given[RANDOM_AT_HALF];
    return FH_OK;
}

static int
read_sampler(const apply_call_t *call, sampler_t *ret, err_t *err)
{
    int64_t code = call->integers[RANDOM_AT_CODE];
    int rest = call->nintegers - RANDOM_AT_REST;
    const random_t *row = random_at(code >= 0 && code < RANDOM_COUNT ? (int)code : -1);
    int status =
        random_check(row ? (int)code : -1, call->reals, call->nreals, call->integers + RANDOM_AT_REST, rest, err);
    if (status)
        return status;
    *ret = (sampler_t){.code = (random_code_t)code, .row = *row, .dtype = call->out[0].dtype};
    memcpy(ret->real, call->reals, (size_t)call->nreals * sizeof *ret->real);
    memcpy(ret->integer, call->integers + RANDOM_AT_REST, (size_t)rest * sizeof *ret->integer);
    char kind = dtype_kind(ret->dtype);
    if (row->dtype == DTYPE_NONE && (kind == 'i' || kind == 'u' || kind == 'b'))
        ret->row = random_integers(ret->dtype, (uint64_t)ret->integer[1]);
    else if (row->dtype != ret->dtype)
        return err_set(err, FH_WRONG_TYPE, "random numbers %s are not of dtype %s", row->name, dtype_name(ret->dtype));
    return FH_OK;
}

static int
check_report(const apply_call_t *call, int64_t count, err_t *err)
{
    int64_t heads = call->integers[RANDOM_AT_HEADS], tails = call->integers[RANDOM_AT_TAILS];
    if (heads < 0 || heads > count || tails < 0 || tails > count + 1)
        return err_set(err, FH_INVALID_ARGUMENT, "random: places of %lld and %lld elements out of %lld",
                       (long long)heads, (long long)tails, (long long)count);
    const nd_t *report = call->nout > 1 ? &call->out[1] : NULL;
    if (report ? report->dtype != DTYPE_INT64 || report->shape.ndim != 1 ||
                     report->shape.extent[0] != RANDOM_REPORT_REST + heads + tails
               : heads || tails)
        return err_set(err, FH_INVALID_ARGUMENT, "random: the report is %lld int64",
                       (long long)(heads + tails) + RANDOM_REPORT_REST);
    return FH_OK;
}

/* ---- making ----------------------------------------------------------------------------------------------------- */

static void
skip(philox_t *philox, int unit, int64_t units)
{
    if (unit == 32)
        philox_skip_halves(philox, (uint64_t)units);
    else
        philox_skip(philox, (uint64_t)units);
}

static void
fill_part(void *context, int64_t i)
{
    const parts_t *parts = context;
    sampler_t sampler = *parts->sampler;
    int64_t first = i * PART_ELEMENTS, left = parts->count - first;
    philox_t philox = *parts->start;
    skip(&philox, sampler.row.unit, first);
    draws_t draws;
    draws_init(&draws, &philox);
    sampler_fill(&sampler, &draws, parts->out + first * (int64_t)dtype_size(sampler.dtype),
                 left < PART_ELEMENTS ? left : PART_ELEMENTS);
}

/* Elements of which the report says where they begin are made one by one. */
static void
fill_and_note(sampler_t *sampler, draws_t *draws, char *out, int64_t count, int64_t heads, int64_t tails,
              int64_t *places)
{
    int64_t size = (int64_t)dtype_size(sampler->dtype), i = 0;
    for (; i < heads; i++) {
        places[i] = draws->taken;
        sampler_fill(sampler, draws, out + i * size, 1);
    }
    int64_t first_tail = count - tails + 1; /* the last one is what follows the last element */
    if (tails && first_tail < heads) {      /* few elements: some are both; heads were made, their places are known */
        for (int64_t j = first_tail; j < heads; j++)
            places[heads + j - first_tail] = places[j];
    }
    int64_t plain = tails ? first_tail : count;
    if (i < plain) {
        sampler_fill(sampler, draws, out + i * size, plain - i);
        i = plain;
    }
    for (; i < count; i++) {
        places[heads + i - first_tail] = draws->taken;
        sampler_fill(sampler, draws, out + i * size, 1);
    }
    if (tails)
        places[heads + tails - 1] = draws->taken;
}

int
apply_random(apply_call_t *call, err_t *err)
{
    philox_t start;
    sampler_t sampler;
    int status = apply_integers(call, RANDOM_AT_REST, RANDOM_AT_REST + 3, err);
    if (!status)
        status = read_start(call, &start, err);
    if (!status)
        status = read_sampler(call, &sampler, err);
    int64_t count = call->out[0].data ? shape_count(&call->out[0].shape) : -1;
    if (!status && (count < 0 || (call->nout > 1 && !call->out[1].data)))
        status = err_set(err, FH_INVALID_ARGUMENT, "random: the client says how many there are");
    if (!status)
        status = check_report(call, count, err);
    if (status)
        return status;
    skip(&start, sampler.row.unit, call->integers[RANDOM_AT_SKIP]);
    int64_t heads = call->integers[RANDOM_AT_HEADS], tails = call->integers[RANDOM_AT_TAILS];
    int64_t *report = call->nout > 1 ? (int64_t *)call->out[1].data : NULL;
    draws_t draws;
    draws_init(&draws, &start);
    if (sampler.row.way == RANDOM_FIXED && !heads && !tails) {
        parts_t parts = {&sampler, &start, call->out[0].data, count};
        crew_run(call->crew, (count + PART_ELEMENTS - 1) / PART_ELEMENTS, fill_part, &parts);
        skip(&draws.philox, sampler.row.unit, count);
        draws.taken = count;
    } else {
        fill_and_note(&sampler, &draws, call->out[0].data, count, heads, tails,
                      report ? report + RANDOM_REPORT_REST : NULL);
    }
    if (report) {
        report[RANDOM_REPORT_TAKEN] = draws.taken;
        report[RANDOM_REPORT_HAS_HALF] = draws.philox.has_half;
        report[RANDOM_REPORT_HALF] = draws.philox.half;
        report[RANDOM_REPORT_POSITION] = draws.philox.position;
        memcpy(report + RANDOM_REPORT_COUNTER, draws.philox.counter, sizeof draws.philox.counter);
    }
    return FH_OK;
}
