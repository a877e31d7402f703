/* Kernel messages of which hardly any makes sense: the engine refuses or poisons, loses no memory and goes on. */
#include "tests/process/kernel_caller.h"
#include "tests/support/check.h"

#include <string.h>

enum { ROUNDS = 4000, IDS = 12, KERNELS = 5, LIST = 24 };

typedef struct {
    caller_t caller;
    uint64_t random;
    oid_t ids[IDS]; /* arrays, kernels, a poisoned one, one that is unknown, none */
    /* What lists of a message lie in. */
    operand_t inputs[16];
    oid_t results[8], arrays[16], low[16], high[16];
    int64_t numbers[6][LIST];
} hostile_t;

static int
start(void **state)
{
    static engine_rig_t rig;

    engine_rig_start(&rig, 1, NULL);
    *state = &rig;
    return 0;
}

static int
stop(void **state)
{
    engine_rig_stop(*state);
    return 0;
}

static uint64_t
below(hostile_t *self, uint64_t limit)
{
    return check_random(&self->random) % limit;
}

/* Mostly what may pass. */
static int64_t
number(hostile_t *self)
{
    static const int64_t NUMBERS[] = {0,  1,  2,  3,   4,    4,         4,         5,         8,
                                      12, 16, 12, 11,  1024, -1,        -2,        7,         9,
                                      4,  16, 12, 100, 1500, INT64_MAX, INT64_MIN, INT32_MAX, INT64_C(1) << 40};

    return NUMBERS[below(self, sizeof NUMBERS / sizeof *NUMBERS)];
}

static uint64_t
count(hostile_t *self)
{
    int64_t value = number(self);

    return value < 0 ? (uint64_t)INT64_MAX : (uint64_t)value;
}

static oid_t
anything(hostile_t *self)
{
    return self->ids[below(self, IDS)];
}

/* One of n kernels from first on, mostly. */
static oid_t
kernel(hostile_t *self, uint64_t first, uint64_t n)
{
    return below(self, 8) ? self->ids[first + below(self, n)] : anything(self);
}

/* An array of float64, mostly. */
static oid_t
array(hostile_t *self)
{
    return below(self, 4) ? self->ids[KERNELS + below(self, 2)] : anything(self);
}

static oid_t
result(hostile_t *self)
{
    return below(self, 4) ? oid_new() : anything(self);
}

/* A list of n numbers, now and then of another length. */
static ints_t
list(hostile_t *self, int which, uint64_t n, uint32_t most)
{
    uint32_t length = (uint32_t)(below(self, 6) ? n : below(self, 3) ? below(self, most + 1) : 0);

    for (int i = 0; i < LIST; i++)
        self->numbers[which][i] = number(self);
    return (ints_t){self->numbers[which], length > most ? most : length};
}

static void
fill_lists(hostile_t *self)
{
    for (int i = 0; i < 16; i++) {
        self->inputs[i] = (operand_t){.object = array(self)};
        if (oid_is_none(self->inputs[i].object))
            self->inputs[i].dtype = (uint8_t)(1 + below(self, DTYPE_COUNT - 1));
        self->arrays[i] = array(self);
        self->low[i] = array(self);
        self->high[i] = array(self);
    }
    for (int i = 0; i < 8; i++)
        self->results[i] = result(self);
}

static message_t
make_call(hostile_t *self)
{
    return (message_t){
        .code = MSG_KERNEL_CALL,
        .as.KERNEL_CALL = {.kernel = kernel(self, 4, 1),
                           .inputs = {self->inputs, (uint32_t)(below(self, 2) ? 2 : 1 + below(self, 15))},
                           .result = self->results[0],
                           .in_place = !below(self, 3),
                           .shape = list(self, 0, below(self, 2), LIST),
                           .timeout_ms = 1000,
                           .where = below(self, 2) ? OID_NONE : anything(self),
                           .piece = below(self, 1000000)}};
}

static message_t
make_map(hostile_t *self)
{
    uint32_t nin = (uint32_t)below(self, 4), nout = (uint32_t)(1 + below(self, below(self, 4) ? 2 : 8));
    message_t message = {.code = MSG_KERNEL_MAP,
                         .as.KERNEL_MAP = {.kernel = kernel(self, 0, 3),
                                           .inputs = {self->inputs, nin},
                                           .results = {self->results, nout},
                                           .outs = below(self, 3) ? 0 : below(self, 256),
                                           .dtypes = list(self, 0, nout, 8),
                                           .ndims = list(self, 1, nout, 8),
                                           .shapes = list(self, 2, nout, LIST),
                                           .axis = below(self, 2) ? -1 : (int64_t)below(self, 3),
                                           .bases = list(self, 3, nin + nout, LIST),
                                           .wholes = list(self, 4, nin + nout, LIST),
                                           .piece = below(self, 1000000),
                                           .timeout_ms = 1000}};
    msg_KERNEL_MAP_t *map = &message.as.KERNEL_MAP;

    /* One number is too few for a list that must not be empty. */
    map->dtypes.count += !map->dtypes.count;
    map->ndims.count += !map->ndims.count;
    for (uint32_t i = 0; i < nout && below(self, 8); i++) {
        self->numbers[0][i] = DTYPE_FLOAT64;
        self->numbers[1][i] = 1;
        self->numbers[2][i] = (int64_t)below(self, 16);
    }
    if (map->axis < 0 && below(self, 4))
        map->bases.count = map->wholes.count = 0;
    if (!below(self, 4)) {
        map->width = count(self);
        map->pad_low = below(self, 2) ? count(self) : 0;
        map->pad_high = below(self, 2) ? count(self) : 0;
        map->low = (oids_t){self->low, (uint32_t)below(self, 17)};
        map->high = (oids_t){self->high, (uint32_t)(below(self, 2) ? nin : 0)};
    }
    return message;
}

static message_t
make_fold(hostile_t *self)
{
    return (message_t){.code = MSG_KERNEL_FOLD,
                       .as.KERNEL_FOLD = {.kernel = kernel(self, 3, 1),
                                          .stage = 1 + below(self, 5),
                                          .inputs = {self->arrays, (uint32_t)(below(self, 2) ? 1 : 1 + below(self, 3))},
                                          .results = {self->results, (uint32_t)(below(self, 3) ? 1 : 2)},
                                          .axis = (int64_t)(below(self, 3) ? 0 : below(self, 32)),
                                          .base = (int64_t)(below(self, 3) ? 0 : count(self)),
                                          .timeout_ms = 1000}};
}

/* Give back what may have been made. */
static void
release_new(hostile_t *self)
{
    oid_t made[8];
    uint32_t n = 0;

    for (int i = 0; i < 8; i++) {
        bool known = false;

        for (int k = 0; k < IDS; k++)
            known |= oid_equal(self->results[i], self->ids[k]);
        if (!known)
            made[n++] = self->results[i];
    }
    if (n)
        (void)caller_send(&self->caller, &(message_t){.code = MSG_RELEASE, .as.RELEASE.objects = {made, n}}, NULL, 0);
}

static void
load_all(hostile_t *self)
{
    static const int64_t SHAPE[] = {4, 16}, NEGATIVE = -1;
    static const uint8_t zeros[64];
    caller_t *caller = &self->caller;
    const kernel_wish_t MATRIX = {
        .file = "good/arrays", .entry = "product", .kind = "gufunc", .layout = "(m,k),(k,n)->(m,n)"};
    int n = 0;

    self->ids[n++] = kernel_load(caller, (kernel_wish_t){.file = "good/arrays", .entry = "first_only"}, NULL);
    self->ids[n++] = kernel_load(caller, (kernel_wish_t){.file = "good/arrays", .entry = "three"}, NULL);
    self->ids[n++] = kernel_load(caller, MATRIX, NULL);
    self->ids[n++] =
        kernel_load(caller, (kernel_wish_t){.file = "good/sums", .entry = "total", .kind = "reduction"}, NULL);
    self->ids[n++] =
        kernel_load(caller, (kernel_wish_t){.file = "good/sums", .entry = "total_step", .kind = "ufunc"}, NULL);
    self->ids[n++] = caller_doubles(caller, 4, 1, 1);
    self->ids[n++] = caller_doubles(caller, 12, 1, 1);
    self->ids[n++] = caller_doubles(caller, 16000, 1, 1);
    self->ids[n++] = kernel_array(caller, DTYPE_UINT8, SHAPE, 2, zeros, sizeof zeros);
    self->ids[n++] = kernel_array(caller, DTYPE_BOOL, SHAPE, 1, zeros, 4);
    self->ids[n++] = kernel_array(caller, DTYPE_BOOL, &NEGATIVE, 1, NULL, 0);
    self->ids[n++] = OID_NONE;
    assert_int_equal(n, IDS);
}

static void
random_kernel_messages_harm_nobody(void **state)
{
    static message_t (*const MAKERS[])(hostile_t *) = {make_call, make_map, make_fold};
    static hostile_t self;
    caller_t other;
    message_t message;
    double got;

    self.random = check_seed();
    caller_open(&other, *state, 0, OID_NONE, false);
    int64_t used = caller_stat(&other, "used"), calls = caller_stat(&other, "kernel_calls");

    caller_open(&self.caller, *state, 0, OID_NONE, false);
    load_all(&self);
    for (int i = 0; i < ROUNDS; i++) {
        fill_lists(&self);
        message = MAKERS[below(&self, 3)](&self);
        (void)caller_send(&self.caller, &message, NULL, 0);
        release_new(&self);
        if (i % 16 == 0) {
            uint64_t sync = caller_send(&self.caller, &(message_t){.code = MSG_SYNC}, NULL, 0);

            assert_true(caller_receive(&self.caller, &message, 60));
            assert_true(message.code == MSG_OK || message.code == MSG_ERROR);
            assert_int_equal(message_call(&message), sync);
        }
    }
    assert_true(caller_stat(&other, "kernel_calls") > calls + ROUNDS / 40);
    caller_fetch(&other, caller_doubles(&other, 1, 6, 0), &got, sizeof got);
    assert_true(got == 6);
    caller_leave(&self.caller);
    caller_leave(&other);
    caller_open(&other, *state, 0, OID_NONE, false);
    caller_wait_stat(&other, "used", used);
    caller_leave(&other);
}

static void
lists_that_say_more_than_they_hold_are_refused(void **state)
{
    /* FH 1.0, then [KERNEL_FOLD, {1: 7, 2: 16 bytes, 3: 1, 4: ids of 32 bytes but 16 are there, ...}, 0] */
    static const uint8_t FRAME[] = {'F', 'H', 1, 0, 0x93, 0xcc, 0x4c, 0x84, 1, 7, 2, 0xc4, 16, 1, 1, 1,    1,
                                    1,   1,   1, 1, 1,    1,    1,    1,    1, 1, 1, 1,    3,  1, 4, 0xc4, 32,
                                    1,   1,   1, 1, 1,    1,    1,    1,    1, 1, 1, 1,    1,  1, 1, 1,    0};
    caller_t caller;

    caller_open(&caller, *state, 0, OID_NONE, false);
    caller_send_bytes(&caller, FRAME, sizeof FRAME);
    caller_expect_error(&caller, FH_PROTOCOL_ERROR, NULL);
    caller_sync(&caller);
    caller_leave(&caller);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_kernel_messages_harm_nobody),
        cmocka_unit_test(lists_that_say_more_than_they_hold_are_refused),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
