#include "codecs/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
writer_each_kind_is_written_in_the_shortest_form(void **state)
{
    (void)state;
    static const uint8_t EXPECTED[] = {0xc0, 0xc2, 0xc3, 0x7f, 0xcc, 0x80, 0xcd, 0x01, 0x00, 0xff, 0xd0,
                                       0x80, 0xcb, 0x3f, 0xf0, 0,    0,    0,    0,    0,    0,    0xa2,
                                       'h',  'i',  0xc4, 0x01, 0x2a, 0xd4, 0x07, 0x2a, 0x93, 0x81, 0xcf,
                                       0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    writer_t writer;
    writer_init(&writer, 1000);
    writer_nil(&writer);
    writer_bool(&writer, false);
    writer_bool(&writer, true);
    writer_uint(&writer, 127);
    writer_uint(&writer, 128);
    writer_uint(&writer, 256);
    writer_int(&writer, -1);
    writer_int(&writer, -128);
    writer_float(&writer, 1.0);
    writer_str(&writer, "hi", 2);
    writer_bin(&writer, "*", 1);
    writer_ext(&writer, 7, "*", 1);
    writer_array(&writer, 3);
    writer_map(&writer, 1);
    writer_uint(&writer, UINT64_MAX);
    assert_int_equal(writer_status(&writer, NULL), FH_OK);
    assert_int_equal(writer.size, sizeof EXPECTED);
    assert_memory_equal(writer.data, EXPECTED, sizeof EXPECTED);
    writer_release(&writer);
}

static void
writer_beyond_limit_sticks_until_rewound(void **state)
{
    (void)state;
    static const char BYTES[300];
    writer_t writer;
    err_t err;
    writer_init(&writer, 400);
    writer_bin(&writer, BYTES, sizeof BYTES);
    size_t mark = writer.size;
    assert_int_equal(writer_status(&writer, &err), FH_OK);
    writer_bin(&writer, BYTES, sizeof BYTES);
    assert_int_equal(writer_status(&writer, &err), FH_LIMIT_EXCEEDED);
    writer_nil(&writer);
    assert_int_equal(writer_status(&writer, &err), FH_LIMIT_EXCEEDED);
    assert_true(writer.size <= 400);
    writer_rewind(&writer, mark);
    writer_raw(&writer, BYTES, 400 - mark);
    assert_int_equal(writer_status(&writer, &err), FH_OK);
    assert_int_equal(writer.size, 400);
    writer_nil(&writer);
    assert_int_equal(writer_status(&writer, &err), FH_LIMIT_EXCEEDED);
    writer_release(&writer);
    assert_int_equal(writer.size, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writer_each_kind_is_written_in_the_shortest_form),
        cmocka_unit_test(writer_beyond_limit_sticks_until_rewound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
