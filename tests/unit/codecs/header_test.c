#include "codecs/message.h"
#include "tests/support/check.h"
#include "tests/unit/codecs/random_message.h"

#include <stdio.h>
#include <string.h>

enum { SOURCE_BYTES = 1 << 22 };

typedef struct {
    header_writer_t *writer;
    arena_t *source, *arena; /* of messages to be written, of messages read */
    random_t random;
} fixture_t;

static int
set_up(void **state)
{
    static fixture_t fixture;
    fixture.random.state = check_seed();
    *state = &fixture;
    return header_writer_new(&fixture.writer, NULL) || arena_new(&fixture.source, SOURCE_BYTES, NULL) ||
           arena_new(&fixture.arena, SOURCE_BYTES, NULL);
}

static int
tear_down(void **state)
{
    fixture_t *fixture = *state;
    header_writer_destroy(&fixture->writer);
    arena_destroy(&fixture->source);
    arena_destroy(&fixture->arena);
    return 0;
}

/* A frame with one message of the kind, whose source is *ret. */
static void
make_frame(fixture_t *f, const msg_desc_t *desc, message_t *ret)
{
    err_t err;
    arena_reset(f->source);
    random_message(&f->random, desc, f->source, ret);
    header_writer_reset(f->writer);
    if (header_writer_add(f->writer, ret, &err))
        fail_msg("%s", err.text);
}

static void
header_random_message_of_every_kind_comes_back_equal(void **state)
{
    fixture_t *f = *state;
    err_t err;
    for (int i = 0; message_desc_at(i); i++) {
        const msg_desc_t *desc = message_desc_at(i);
        for (int n = 0; n < 200; n++) {
            message_t sent, got;
            header_reader_t reader;
            make_frame(f, desc, &sent);
            arena_reset(f->arena);
            assert_int_equal(header_open(&reader, header_writer_data(f->writer), header_writer_size(f->writer), &err),
                             FH_OK);
            int status = header_next(&reader, f->arena, desc->senders[0], desc->receivers[0], sent.raw, &got, &err);
            if (status)
                fail_msg("%s", err.text);
            assert_true(message_equal(&sent, &got));
            assert_int_equal(message_call(&sent), message_call(&got));
            assert_int_equal(reader.raw_seen, sent.raw);
            status = header_next(&reader, f->arena, 'C', 'E', sent.raw, &got, &err);
            assert_int_equal(status, FH_NO_SUCH_OBJECT);
        }
    }
}

static void
header_equal_messages_are_those_with_equal_bytes(void **state)
{
    fixture_t *f = *state;
    static uint8_t bytes[HEADER_MAX_BYTES];
    int different = 0;
    for (int i = 0; message_desc_at(i); i++) {
        for (int n = 0; n < 60; n++) {
            /* Two messages from nearly the same state of the generator are often equal and often not. */
            message_t a, b;
            arena_t *first = f->source;
            uint64_t seed = f->random.state;
            make_frame(f, message_desc_at(i), &a);
            size_t size = header_writer_size(f->writer);
            memcpy(bytes, header_writer_data(f->writer), size);
            f->source = f->arena;
            if (n % 2)
                f->random.state = seed;
            make_frame(f, message_desc_at(i), &b);
            f->source = first;
            bool same = size == header_writer_size(f->writer) && !memcmp(bytes, header_writer_data(f->writer), size);
            assert_int_equal(message_equal(&a, &b), same);
            assert_true(same || n % 2 == 0);
            different += !same;
        }
    }
    assert_true(different > 100);
}

static void
header_every_truncation_is_protocol_error(void **state)
{
    fixture_t *f = *state;
    for (int i = 0; message_desc_at(i); i++) {
        message_t sent;
        make_frame(f, message_desc_at(i), &sent);
        for (size_t size = 0; size < header_writer_size(f->writer); size++) {
            /* A copy of exactly that size, so that a sanitizer sees a read beyond it. */
            uint8_t *frame = test_malloc(size + !size);
            memcpy(frame, header_writer_data(f->writer), size);
            header_reader_t reader;
            err_t err = {0};
            assert_int_equal(header_open(&reader, frame, size, &err), FH_PROTOCOL_ERROR);
            assert_int_not_equal(err.text[0], '\0');
            test_free(frame);
        }
    }
}

/* Reads all messages; what is accepted must be a message that can be written and read again.  Returns how many were. */
static int
read_all(fixture_t *f, const uint8_t *frame, size_t size)
{
    static const char ROLES[] = "CBE";
    header_reader_t reader;
    err_t err;
    int accepted = 0;
    int status = header_open(&reader, frame, size, &err);
    assert_true(status == FH_OK || status == FH_PROTOCOL_ERROR || status == FH_VERSION_MISMATCH);
    arena_reset(f->arena);
    while (status != FH_NO_SUCH_OBJECT && header_open(&(header_reader_t){0}, frame, size, NULL) == FH_OK) {
        message_t got;
        uint64_t roles = random_next(&f->random);
        size_t before = reader.position;
        uint32_t raw_before = reader.raw_seen;
        status = header_next(&reader, f->arena, ROLES[roles % 3], ROLES[roles / 3 % 3], 3, &got, &err);
        assert_true(status == FH_OK || status == FH_PROTOCOL_ERROR || status == FH_NO_SUCH_OBJECT ||
                    status == FH_LIMIT_EXCEEDED);
        assert_true(reader.position > before || before == size);
        assert_true(reader.raw_seen >= raw_before && reader.raw_seen <= 3);
        if (status)
            continue;
        accepted++;
        header_writer_reset(f->writer);
        status = header_writer_add(f->writer, &got, &err);
        if (status)
            fail_msg("%s", err.text);
    }
    return accepted;
}

static void
header_damaged_frames_are_refused_or_still_messages(void **state)
{
    fixture_t *f = *state;
    int accepted = 0, frames = 0;
    for (int round = 0; round < 40; round++) {
        for (int i = 0; message_desc_at(i); i++) {
            message_t sent;
            make_frame(f, message_desc_at(i), &sent);
            size_t size = header_writer_size(f->writer);
            uint8_t *frame = test_malloc(size);
            memcpy(frame, header_writer_data(f->writer), size);
            for (uint64_t n = random_in(&f->random, 1, 4); n; n--)
                frame[random_in(&f->random, 4, size - 1)] = (uint8_t)random_next(&f->random);
            accepted += read_all(f, frame, size);
            frames++;
            test_free(frame);
        }
    }
    assert_true(accepted > 0 && accepted < frames);
}

static void
header_several_messages_share_the_raw_frames_in_order(void **state)
{
    fixture_t *f = *state;
    header_reader_t reader;
    message_t got;
    header_writer_reset(f->writer);
    assert_int_equal(header_writer_size(f->writer), 4);
    for (uint64_t call = 1; call <= 5; call++) {
        message_t write = {.code = MSG_WRITE, .raw = 1, .as.WRITE = {.call = call, .object = oid_new()}};
        message_t sync = {.code = MSG_SYNC, .as.SYNC = {.call = 100 + call}};
        assert_int_equal(header_writer_add(f->writer, &write, NULL), FH_OK);
        assert_int_equal(header_writer_add(f->writer, &sync, NULL), FH_OK);
    }
    assert_int_equal(header_writer_count(f->writer), 10);
    assert_int_equal(header_open(&reader, header_writer_data(f->writer), header_writer_size(f->writer), NULL), FH_OK);
    for (uint64_t call = 1; call <= 5; call++) {
        assert_int_equal(header_next(&reader, f->arena, 'C', 'E', 5, &got, NULL), FH_OK);
        assert_int_equal(got.code, MSG_WRITE);
        assert_int_equal(reader.raw_seen - got.raw, call - 1);
        assert_int_equal(header_next(&reader, f->arena, 'C', 'E', 5, &got, NULL), FH_OK);
        assert_int_equal(message_call(&got), 100 + call);
        assert_int_equal(reader.raw_seen, call);
    }
    assert_int_equal(header_next(&reader, f->arena, 'C', 'E', 5, &got, NULL), FH_NO_SUCH_OBJECT);
}

static void
header_after_a_refused_message_the_next_one_is_read(void **state)
{
    fixture_t *f = *state;
    header_reader_t reader;
    message_t got, write = {.code = MSG_WRITE, .raw = 1, .as.WRITE = {.call = 7}};
    message_t ping = {.code = MSG_PING, .as.PING = {.call = 8}};
    err_t err;
    header_writer_reset(f->writer);
    header_writer_add(f->writer, &write, NULL);
    header_writer_add(f->writer, &ping, NULL);
    header_writer_add(f->writer, &write, NULL);
    assert_int_equal(header_open(&reader, header_writer_data(f->writer), header_writer_size(f->writer), NULL), FH_OK);
    /* An engine may not send WRITE, but it may send PING. */
    assert_int_equal(header_next(&reader, f->arena, 'E', 'E', 2, &got, &err), FH_PROTOCOL_ERROR);
    assert_non_null(strstr(err.text, "WRITE"));
    assert_int_equal(got.code, MSG_WRITE);
    assert_int_equal(message_call(&got), 7);
    assert_int_equal(reader.raw_seen, 1);
    assert_int_equal(header_next(&reader, f->arena, 'E', 'E', 2, &got, &err), FH_OK);
    assert_int_equal(got.code, MSG_PING);
    assert_int_equal(header_next(&reader, f->arena, 'C', 'E', 2, &got, &err), FH_OK);
    assert_int_equal(reader.raw_seen - got.raw, 1);
    assert_int_equal(header_next(&reader, f->arena, 'C', 'E', 2, &got, &err), FH_NO_SUCH_OBJECT);
}

static void
header_after_many_refused_messages_the_rest_is_passed_over(void **state)
{
    fixture_t *f = *state;
    header_reader_t reader;
    message_t got, write = {.code = MSG_WRITE, .raw = 1, .as.WRITE = {.call = 7}};
    header_writer_reset(f->writer);
    for (int i = 0; i < 2 * HEADER_MAX_REFUSED; i++)
        header_writer_add(f->writer, &write, NULL);
    assert_int_equal(header_open(&reader, header_writer_data(f->writer), header_writer_size(f->writer), NULL), FH_OK);
    for (int i = 0; i < HEADER_MAX_REFUSED; i++)
        assert_int_equal(header_next(&reader, f->arena, 'E', 'E', 2 * HEADER_MAX_REFUSED, &got, NULL),
                         FH_PROTOCOL_ERROR);
    assert_int_equal(header_next(&reader, f->arena, 'E', 'E', 2 * HEADER_MAX_REFUSED, &got, NULL), FH_NO_SUCH_OBJECT);
}

static void
header_raw_frames_that_do_not_add_up_are_protocol_errors(void **state)
{
    fixture_t *f = *state;
    header_reader_t reader;
    message_t got, write = {.code = MSG_WRITE, .raw = 1, .as.WRITE = {.call = 7}};
    header_writer_reset(f->writer);
    header_writer_add(f->writer, &write, NULL);
    const void *frame = header_writer_data(f->writer);
    size_t size = header_writer_size(f->writer);
    header_open(&reader, frame, size, NULL);
    assert_int_equal(header_next(&reader, f->arena, 'C', 'E', 0, &got, NULL), FH_PROTOCOL_ERROR);
    assert_int_equal(message_call(&got), 7);
    assert_int_equal(got.raw, 0);
    header_open(&reader, frame, size, NULL);
    assert_int_equal(header_next(&reader, f->arena, 'C', 'E', 3, &got, NULL), FH_OK);
    assert_int_equal(header_next(&reader, f->arena, 'C', 'E', 3, &got, NULL), FH_PROTOCOL_ERROR);
    assert_int_equal(header_next(&reader, f->arena, 'C', 'E', 3, &got, NULL), FH_NO_SUCH_OBJECT);
}

static void
header_lists_beyond_the_arena_are_limit_exceeded(void **state)
{
    fixture_t *f = *state;
    oid_t ids[100] = {{{1}}};
    message_t got, release = {.code = MSG_RELEASE, .as.RELEASE = {.call = 3, .objects = {ids, 100}}};
    message_t sync = {.code = MSG_SYNC, .as.SYNC = {.call = 4}};
    header_reader_t reader;
    arena_t *small;
    header_writer_reset(f->writer);
    header_writer_add(f->writer, &release, NULL);
    header_writer_add(f->writer, &sync, NULL);
    assert_int_equal(arena_new(&small, 1599, NULL), FH_OK);
    header_open(&reader, header_writer_data(f->writer), header_writer_size(f->writer), NULL);
    assert_int_equal(header_next(&reader, small, 'C', 'E', 0, &got, NULL), FH_LIMIT_EXCEEDED);
    assert_int_equal(message_call(&got), 3);
    assert_int_equal(header_next(&reader, small, 'C', 'E', 0, &got, NULL), FH_OK);
    assert_int_equal(got.as.SYNC.call, 4);
    arena_destroy(&small);
}

static void
header_writer_refuses_what_the_reader_would(void **state)
{
    fixture_t *f = *state;
    err_t err;
    header_writer_reset(f->writer);
    size_t before = header_writer_size(f->writer);
    const message_t bad[] = {
        {.code = MSG_OK},
        {.code = (msg_code_t)255},
        {.code = MSG_OK, .raw = 1, .as.OK = {.call = 1}},
        {.code = MSG_FETCH, .as.FETCH = {.call = 1, .size = 1048577}},
        {.code = MSG_LOOKUP, .as.LOOKUP = {.call = 1}},
        {.code = MSG_LOOKUP, .as.LOOKUP = {.call = 1, .name = {"a\0b", 3}}},
        {.code = MSG_LOOKUP, .as.LOOKUP = {.call = 1, .name = str_of("\xff")}},
        {.code = MSG_KERNEL, .as.KERNEL = {.call = 1, .hash = {(const uint8_t *)"short", 5}}},
        {.code = MSG_RELEASE, .as.RELEASE = {.call = 1}},
        {.code = MSG_PUBLISH, .as.PUBLISH = {.call = 1, .name = str_of("x"), .type = str_of("array"), .axis = -2}},
        {.code = MSG_ASSIGN, .as.ASSIGN = {.call = 1, .source = {&(operand_t){.dtype = 99}, 1}}},
        {.code = MSG_RESULT,
         .as.RESULT = {.call = 1, .values = {&(value_t){.kind = VALUE_STR, .as.str = {"\0", 1}}, 1}}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(header_writer_add(f->writer, &bad[i], &err), FH_INVALID_ARGUMENT);
        assert_int_equal(header_writer_size(f->writer), before);
        assert_int_equal(header_writer_count(f->writer), 0);
    }
    assert_int_equal(header_writer_add(f->writer, &bad[3], &err), FH_INVALID_ARGUMENT);
    assert_non_null(strstr(err.text, "FETCH.size"));
}

static void
header_writer_full_frame_is_limit_exceeded_and_keeps_what_it_has(void **state)
{
    fixture_t *f = *state;
    static oid_t ids[50000];
    memset(ids, 1, sizeof ids);
    message_t release = {.code = MSG_RELEASE, .as.RELEASE = {.call = 3, .objects = {ids, 50000}}};
    header_writer_reset(f->writer);
    uint32_t added = 0;
    int status = FH_OK;
    while (!status && added < 100)
        added += !(status = header_writer_add(f->writer, &release, NULL));
    assert_int_equal(status, FH_LIMIT_EXCEEDED);
    assert_int_equal(added, HEADER_MAX_BYTES / (50000 * 16));
    assert_int_equal(header_writer_count(f->writer), added);
    header_reader_t reader;
    assert_int_equal(header_open(&reader, header_writer_data(f->writer), header_writer_size(f->writer), NULL), FH_OK);
}

static void
header_of_too_many_messages_is_neither_written_nor_read(void **state)
{
    fixture_t *f = *state;
    static uint8_t frame[4 + 6 * (HEADER_MAX_MESSAGES + 1)] = {'F', 'H', PROTOCOL_MAJOR, PROTOCOL_MINOR};
    message_t ping = {.code = MSG_PING, .as.PING = {.call = 5}};
    header_reader_t reader;
    header_writer_reset(f->writer);
    for (int i = 0; i < HEADER_MAX_MESSAGES; i++)
        assert_int_equal(header_writer_add(f->writer, &ping, NULL), FH_OK);
    assert_int_equal(header_writer_add(f->writer, &ping, NULL), FH_LIMIT_EXCEEDED);
    assert_int_equal(header_writer_size(f->writer), sizeof frame - 6);
    for (size_t i = 4; i < sizeof frame; i += 6)
        memcpy(frame + i, "\x93\x06\x81\x01\x05\x00", 6);
    assert_memory_equal(header_writer_data(f->writer), frame, sizeof frame - 6);
    assert_int_equal(header_open(&reader, frame, sizeof frame - 6, NULL), FH_OK);
    assert_int_equal(header_open(&reader, frame, sizeof frame, NULL), FH_PROTOCOL_ERROR);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_random_message_of_every_kind_comes_back_equal),
        cmocka_unit_test(header_equal_messages_are_those_with_equal_bytes),
        cmocka_unit_test(header_every_truncation_is_protocol_error),
        cmocka_unit_test(header_damaged_frames_are_refused_or_still_messages),
        cmocka_unit_test(header_several_messages_share_the_raw_frames_in_order),
        cmocka_unit_test(header_after_a_refused_message_the_next_one_is_read),
        cmocka_unit_test(header_after_many_refused_messages_the_rest_is_passed_over),
        cmocka_unit_test(header_raw_frames_that_do_not_add_up_are_protocol_errors),
        cmocka_unit_test(header_lists_beyond_the_arena_are_limit_exceeded),
        cmocka_unit_test(header_writer_refuses_what_the_reader_would),
        cmocka_unit_test(header_writer_full_frame_is_limit_exceeded_and_keeps_what_it_has),
        cmocka_unit_test(header_of_too_many_messages_is_neither_written_nor_read),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
