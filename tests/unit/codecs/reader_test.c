#include "codecs/reader.h"
#include "codecs/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define READER(bytes) {(const uint8_t *)(bytes), sizeof(bytes) - 1, 0}

static void
reader_every_kind_gives_its_token(void **state)
{
    (void)state;
    reader_t reader =
        READER("\xc0\xc3\x07\xcd\x01\x00\xd1\xff\x00\xd3\x00\x00\x00\x00\x00\x00\x00\x05\xca\x3f\x80\x00\x00"
               "\xa2hi\xd9\x01x\xc4\x02\x00\x01\xd6\x01"
               "abcd\xc7\x03\x02xyz\x92\x01\x02\xdf\x00\x00\x00\x00");
    static const struct {
        token_kind_t kind;
        uint32_t size;
        int64_t number;
    } EXPECTED[] = {{TOKEN_NIL, 0, 0},    {TOKEN_BOOL, 0, 1}, {TOKEN_UINT, 0, 7},  {TOKEN_UINT, 0, 256},
                    {TOKEN_INT, 0, -256}, {TOKEN_UINT, 0, 5}, {TOKEN_FLOAT, 0, 0}, {TOKEN_STR, 2, 0},
                    {TOKEN_STR, 1, 0},    {TOKEN_BIN, 2, 0},  {TOKEN_EXT, 4, 1},   {TOKEN_EXT, 3, 2},
                    {TOKEN_ARRAY, 2, 0},  {TOKEN_UINT, 0, 1}, {TOKEN_UINT, 0, 2},  {TOKEN_MAP, 0, 0}};
    for (size_t i = 0; i < sizeof EXPECTED / sizeof *EXPECTED; i++) {
        token_t token = {0};
        assert_int_equal(reader_next(&reader, &token, NULL), FH_OK);
        assert_int_equal(token.kind, EXPECTED[i].kind);
        if (token.kind >= TOKEN_STR)
            assert_int_equal(token.size, EXPECTED[i].size);
        if (token.kind == TOKEN_UINT || token.kind == TOKEN_INT)
            assert_int_equal(token.as.i, EXPECTED[i].number);
        if (token.kind == TOKEN_EXT)
            assert_int_equal(token.ext_type, EXPECTED[i].number);
        if (token.kind == TOKEN_FLOAT)
            assert_true(token.as.f == 1.0);
        if (token.kind == TOKEN_BOOL)
            assert_true(token.as.boolean);
    }
    assert_true(reader_at_end(&reader));
}

static void
reader_impossible_bytes_are_protocol_errors(void **state)
{
    (void)state;
    static const reader_t CASES[] = {
        READER(""),
        READER("\xc1"),
        READER("\xdd\xff\xff\xff\xff"),
        READER("\xdf\xff\xff\xff\xff"),
        READER("\x81\x01"),
        READER("\x92\x01"),
        READER("\xa3hi"),
        READER("\xc6\xff\xff\xff\xff\x00"),
        READER("\xcf\x00\x00\x00"),
        READER("\xc4"),
        READER("\xd8\x01\x00"),
        READER("\xc9\x00\x00\x00\x01\x01"),
        READER("\xd9"),
        READER("\xdc\x00"),
        READER("\xcb\x00\x00\x00\x00"),
        READER("\xde\x00\x01\x00"),
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        reader_t reader = CASES[i];
        err_t err;
        assert_int_equal(reader_skip(&reader, &err), FH_PROTOCOL_ERROR);
        assert_int_equal(err.status, FH_PROTOCOL_ERROR);
    }
}

static void
reader_count_above_the_bytes_left_is_refused_before_its_items(void **state)
{
    (void)state;
    static const reader_t CASES[] = {READER("\x82\x01\x02\x03"), READER("\xde\x00\x02\x01\x02\x03"),
                                     READER("\x93\x01\x02"), READER("\xdc\x00\x02\x01")};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        reader_t reader = CASES[i];
        token_t token;
        assert_int_equal(reader_next(&reader, &token, NULL), FH_PROTOCOL_ERROR);
        assert_int_equal(reader.position, 0);
    }
}

static void
reader_skip_passes_over_one_whole_item(void **state)
{
    (void)state;
    reader_t reader = READER("\x93\x01\x82\x01\xa1x\x02\x91\xc0\xc4\x01\x00\x2a");
    token_t token;
    assert_int_equal(reader_skip(&reader, NULL), FH_OK);
    assert_int_equal(reader_next(&reader, &token, NULL), FH_OK);
    assert_int_equal(token.as.u, 42);
    assert_true(reader_at_end(&reader));
}

static void
reader_skip_nested_too_deep_is_protocol_error(void **state)
{
    (void)state;
    for (int depth = 1; depth < 200; depth++) {
        uint8_t bytes[201];
        memset(bytes, 0x91, sizeof bytes);
        bytes[depth] = 0xc0;
        reader_t reader = {bytes, (size_t)depth + 1, 0};
        assert_int_equal(reader_skip(&reader, NULL), depth <= READER_MAX_DEPTH ? FH_OK : FH_PROTOCOL_ERROR);
    }
}

static void
reader_written_numbers_come_back(void **state)
{
    (void)state;
    writer_t writer;
    writer_init(&writer, 1 << 20);
    for (int shift = 0; shift < 64; shift++) {
        writer_uint(&writer, UINT64_MAX >> shift);
        writer_int(&writer, INT64_MIN >> shift);
    }
    reader_t reader = {writer.data, writer.size, 0};
    for (int shift = 0; shift < 64; shift++) {
        token_t token;
        assert_int_equal(reader_next(&reader, &token, NULL), FH_OK);
        assert_int_equal(token.kind, TOKEN_UINT);
        assert_true(token.as.u == UINT64_MAX >> shift);
        assert_int_equal(reader_next(&reader, &token, NULL), FH_OK);
        assert_int_equal(token.kind, TOKEN_INT);
        assert_true(token.as.i == INT64_MIN >> shift);
    }
    assert_true(reader_at_end(&reader));
    writer_release(&writer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader_every_kind_gives_its_token),
        cmocka_unit_test(reader_impossible_bytes_are_protocol_errors),
        cmocka_unit_test(reader_count_above_the_bytes_left_is_refused_before_its_items),
        cmocka_unit_test(reader_skip_passes_over_one_whole_item),
        cmocka_unit_test(reader_skip_nested_too_deep_is_protocol_error),
        cmocka_unit_test(reader_written_numbers_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
