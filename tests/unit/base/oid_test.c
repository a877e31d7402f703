#include "base/oid.h"
#include "tests/support/check.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MANY = 20000 };

static int
compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(oid_t));
}

static void
expect_all_different(oid_t *ids, size_t count)
{
    qsort(ids, count, sizeof ids[0], compare);
    for (size_t i = 1; i < count; i++)
        assert_false(oid_equal(ids[i - 1], ids[i]));
    assert_false(oid_is_none(ids[0]));
}

static void *
make_many(void *context)
{
    oid_t *ids = context;
    for (int i = 0; i < MANY; i++)
        ids[i] = oid_new();
    return NULL;
}

static void
ids_of_two_threads_are_all_different(void **state)
{
    (void)state;
    oid_t *ids = calloc(2 * MANY, sizeof *ids);
    pthread_t thread;
    assert_non_null(ids);
    assert_int_equal(pthread_create(&thread, NULL, make_many, ids + MANY), 0);
    make_many(ids);
    assert_int_equal(pthread_join(thread, NULL), 0);
    expect_all_different(ids, 2 * MANY);
    free(ids);
}

static void
forked_child_does_not_repeat_its_parents_ids(void **state)
{
    (void)state;
    oid_t ids[200];
    int ends[2];
    ids[0] = oid_new(); /* from here on there is a batch that a careless child would share */
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        for (int i = 0; i < 100; i++)
            ids[i] = oid_new();
        _exit(write(ends[1], ids, 100 * sizeof ids[0]) != (ssize_t)(100 * sizeof ids[0]));
    }
    for (int i = 1; i < 100; i++)
        ids[i] = oid_new();
    assert_int_equal(read(ends[0], ids + 100, 100 * sizeof ids[0]), 100 * sizeof ids[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(ends[0]);
    close(ends[1]);
    expect_all_different(ids, 200);
}

static void
format_and_parse_are_inverse(void **state)
{
    (void)state;
    char text[OID_TEXT_SIZE];
    for (int i = 0; i < 1000; i++) {
        oid_t id = oid_new(), back = OID_NONE;
        assert_string_equal(oid_format(id, text), text);
        assert_int_equal(strlen(text), 32);
        assert_true(oid_parse(text, 32, &back));
        assert_true(oid_equal(id, back));
    }
    oid_t id;
    assert_true(oid_parse("00112233445566778899aAbBcCdDeEfF", 32, &id));
    assert_string_equal(oid_format(id, text), "00112233445566778899aabbccddeeff");
}

static void
wrong_text_is_refused_and_leaves_the_id(void **state)
{
    (void)state;
    oid_t id = oid_new(), before = id;
    assert_false(oid_parse(NULL, 32, &id));
    assert_false(oid_parse("00112233445566778899aabbccddeeff", 31, &id));
    assert_false(oid_parse("00112233445566778899aabbccddeeff0", 33, &id));
    assert_false(oid_parse("00112233445566778899aabbccddeefg", 32, &id));
    assert_false(oid_parse("0x112233445566778899aabbccddeeff", 32, &id));
    assert_true(oid_equal(id, before));
}

static void
none_is_none(void **state)
{
    (void)state;
    assert_true(oid_is_none(OID_NONE));
    assert_false(oid_is_none(oid_new()));
}

static void
hash_spreads_ids_that_differ_in_one_bit(void **state)
{
    (void)state;
    uint64_t hashes[128];
    for (int bit = 0; bit < 128; bit++) {
        oid_t id = {{0}};
        id.bytes[bit / 8] = (uint8_t)(1 << bit % 8);
        hashes[bit] = oid_hash(id) & 0xffff;
        int same = 0;
        for (int k = 0; k < bit; k++)
            same += hashes[k] == hashes[bit];
        assert_true(same <= 1);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_of_two_threads_are_all_different),
        cmocka_unit_test(forked_child_does_not_repeat_its_parents_ids),
        cmocka_unit_test(format_and_parse_are_inverse),
        cmocka_unit_test(wrong_text_is_refused_and_leaves_the_id),
        cmocka_unit_test(none_is_none),
        cmocka_unit_test(hash_spreads_ids_that_differ_in_one_bit),
    };
    return cmocka_run_group_tests_name("base/oid", tests, NULL, NULL);
}
