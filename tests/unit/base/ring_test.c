/* base/ring: what goes in comes out, positions that cannot be break it and touch nothing, and nobody sleeps for ever.
 */
#include "base/ring.h"
#include "tests/support/check.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum { SIZE = 256, GUARD = 64, ROUNDS = 20000, TRIPS = 20000, PATIENCE_MS = 20000 };

typedef struct {
    ring_shared_t shared;
    uint8_t before[GUARD], data[SIZE], after[GUARD];
} memory_t;

static memory_t memory;
static ring_end_t producer, consumer;

static int
setup(void **state)
{
    (void)state;
    memset(&memory, 0, sizeof memory);
    memset(memory.before, 0xa5, GUARD);
    memset(memory.after, 0xa5, GUARD);
    ring_init(&producer, &memory.shared, memory.data, SIZE);
    ring_init(&consumer, &memory.shared, memory.data, SIZE);
    return 0;
}

static void
check_guards(void)
{
    for (int i = 0; i < GUARD; i++)
        if (memory.before[i] != 0xa5 || memory.after[i] != 0xa5)
            fail_msg("a byte outside of the ring was written");
}

static void
bytes_come_out_as_they_went_in(void **state)
{
    uint64_t random = check_seed();
    uint8_t in[SIZE], out[SIZE];
    size_t sizes[ROUNDS], sent = 0, got = 0;

    (void)state;
    while (got < ROUNDS) {
        size_t size = check_random(&random) % (SIZE / 2);
        if (sent < ROUNDS && ring_room(&producer) >= ring_padded(size)) {
            for (size_t i = 0; i < size; i++)
                in[i] = (uint8_t)(sent * 7 + i);
            ring_put(&producer, in, size);
            sizes[sent++] = size;
            if (check_random(&random) % 2)
                (void)ring_publish(&producer);
            continue;
        }
        (void)ring_publish(&producer);
        if (got == sent)
            continue;
        assert_true(ring_filled(&consumer) >= ring_padded(sizes[got]));
        ring_take(&consumer, out, sizes[got]);
        for (size_t i = 0; i < sizes[got]; i++)
            assert_int_equal(out[i], (uint8_t)(got * 7 + i));
        got++;
        (void)ring_release(&consumer);
    }
    assert_int_equal(ring_filled(&consumer), 0);
    assert_int_equal(ring_room(&producer), SIZE);
    check_guards();
}

static void
a_full_ring_has_no_room(void **state)
{
    uint8_t bytes[SIZE] = {0};

    (void)state;
    ring_put(&producer, bytes, SIZE);
    assert_int_equal(ring_room(&producer), 0);
    assert_int_equal(ring_filled(&consumer), 0); /* not published */
    assert_false(ring_publish(&producer));
    assert_int_equal(ring_filled(&consumer), SIZE);
    assert_false(ring_room_or_sleep(&producer, 8));
    ring_take(&consumer, bytes, 8);
    assert_false(ring_release(&consumer)); /* not worth a bell yet */
    ring_take(&consumer, bytes, SIZE / 2);
    assert_true(ring_release(&consumer));
    assert_false(ring_release(&consumer));
    assert_true(ring_room_or_sleep(&producer, SIZE / 2));
}

static void
who_sleeps_is_rung_once(void **state)
{
    uint64_t word = 1;

    (void)state;
    assert_true(ring_sleep(&consumer));
    ring_put(&producer, &word, sizeof word);
    assert_true(ring_publish(&producer));
    ring_put(&producer, &word, sizeof word);
    assert_false(ring_publish(&producer));
    assert_false(ring_sleep(&consumer)); /* there is something */
    assert_int_equal(ring_filled(&consumer), 2 * sizeof word);
    ring_take(&consumer, &word, sizeof word);
    assert_false(ring_sleep(&consumer));
    ring_take(&consumer, &word, sizeof word);
    assert_true(ring_sleep(&consumer));
    ring_wake(&consumer);
    ring_put(&producer, &word, sizeof word);
    assert_false(ring_publish(&producer));
}

static void
company_is_told_and_taken_back(void **state)
{
    (void)state;
    assert_false(ring_has_company(&consumer));
    ring_tell_company(&producer, true);
    assert_true(ring_has_company(&consumer));
    ring_tell_company(&producer, true);
    ring_tell_company(&producer, false);
    assert_false(ring_has_company(&consumer));
    memory.shared.company = 0xdeadbeef; /* whatever it is, it is a hint */
    assert_true(ring_has_company(&consumer));
}

/* Any position that the other side may have written: believed within bounds, else the ring is broken; then it has
 * neither room nor contents. */
static void
positions_that_cannot_be_break_it(void **state)
{
    uint64_t random = check_seed();
    uint8_t out[SIZE];

    for (int i = 0; i < ROUNDS; i++) {
        uint64_t bit = UINT64_C(1) << check_random(&random) % 64, word = check_random(&random);
        setup(state);
        ring_put(&producer, out, 40);
        (void)ring_publish(&producer);
        uint64_t *position = i % 2 ? &memory.shared.head : &memory.shared.tail;
        *position = i % 4 < 2 ? *position ^ bit : word;
        size_t filled = ring_filled(&consumer), room = ring_room(&producer);
        assert_true(filled <= SIZE && room <= SIZE && filled % 8 == 0 && room % 8 == 0);
        if (i % 2 && memory.shared.head > SIZE)
            assert_true(consumer.broken && filled == 0 && !ring_has_any(&consumer));
        if (i % 2 == 0 && memory.shared.tail > 40)
            assert_true(producer.broken && room == 0 && !ring_room_or_sleep(&producer, 8));
        ring_take(&consumer, out, filled);
        (void)ring_release(&consumer);
        ring_put(&producer, NULL, room);
        (void)ring_publish(&producer);
        check_guards();
    }
}

static void
a_position_never_goes_back(void **state)
{
    uint8_t bytes[SIZE] = {0};

    (void)state;
    ring_put(&producer, bytes, 64);
    (void)ring_publish(&producer);
    assert_int_equal(ring_filled(&consumer), 64);
    memory.shared.head = 32;
    assert_int_equal(ring_filled(&consumer), 0);
    assert_true(consumer.broken);
}

/* ---- two threads ---------------------------------------------------------------------------------------------------
 */

typedef struct {
    ring_end_t in, out;
    int bell, other_bell;
    const char *trouble;
} side_t;

static void
ring_bell(const side_t *self, bool wanted)
{
    if (wanted && write(self->other_bell, "", 1) != 1)
        fail_msg("the bell cannot be rung");
}

/* Sleep until there is something.  False: nobody rang in time. */
static bool
await(side_t *self)
{
    char byte;

    while (!ring_has_any(&self->in)) {
        if (!ring_sleep(&self->in))
            continue;
        if (poll(&(struct pollfd){.fd = self->bell, .events = POLLIN}, 1, PATIENCE_MS) != 1)
            return false;
        ring_wake(&self->in);
        (void)!read(self->bell, &byte, 1);
    }
    return true;
}

/* Send back all words, one by one or a few at a time, always sleeping in between. */
static void *
echo(void *context)
{
    side_t *self = context;

    for (int done = 0; done < TRIPS;) {
        uint64_t word;
        if (!await(self)) {
            self->trouble = "the echo has waited for nothing";
            return NULL;
        }
        while (ring_filled(&self->in) && done < TRIPS) {
            ring_take(&self->in, &word, sizeof word);
            ring_bell(self, ring_release(&self->in));
            ring_put(&self->out, &word, sizeof word);
            ring_bell(self, ring_publish(&self->out));
            done++;
        }
    }
    return NULL;
}

static void
nobody_sleeps_for_ever(void **state)
{
    static memory_t there, back;
    int to[2], from[2];
    uint64_t random = check_seed(), got = 0, sent = 0, word;
    pthread_t thread;
    side_t us = {0}, them = {0};

    (void)state;
    assert_false(pipe(to) || pipe(from));
    ring_init(&us.out, &there.shared, there.data, SIZE);
    ring_init(&them.in, &there.shared, there.data, SIZE);
    ring_init(&us.in, &back.shared, back.data, SIZE);
    ring_init(&them.out, &back.shared, back.data, SIZE);
    us.bell = from[0], us.other_bell = to[1];
    them.bell = to[0], them.other_bell = from[1];
    assert_int_equal(pthread_create(&thread, NULL, echo, &them), 0);
    while (got < TRIPS) {
        uint64_t batch = 1 + check_random(&random) % (SIZE / 8);
        for (uint64_t i = 0; i < batch && sent < TRIPS; i++, sent++) {
            ring_put(&us.out, &sent, sizeof sent);
            if (check_random(&random) % 2)
                ring_bell(&us, ring_publish(&us.out));
        }
        ring_bell(&us, ring_publish(&us.out));
        while (got < sent) {
            if (!await(&us))
                fail_msg("nobody rang: %lu of %lu have come back; %s", (unsigned long)got, (unsigned long)sent,
                         them.trouble ? them.trouble : "");
            while (ring_filled(&us.in)) {
                ring_take(&us.in, &word, sizeof word);
                ring_bell(&us, ring_release(&us.in));
                assert_int_equal(word, got++);
            }
        }
    }
    pthread_join(thread, NULL);
    assert_null(them.trouble);
    for (int i = 0; i < 2; i++) {
        close(to[i]);
        close(from[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(bytes_come_out_as_they_went_in, setup),
        cmocka_unit_test_setup(a_full_ring_has_no_room, setup),
        cmocka_unit_test_setup(who_sleeps_is_rung_once, setup),
        cmocka_unit_test_setup(company_is_told_and_taken_back, setup),
        cmocka_unit_test_setup(positions_that_cannot_be_break_it, setup),
        cmocka_unit_test_setup(a_position_never_goes_back, setup),
        cmocka_unit_test(nobody_sleeps_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
