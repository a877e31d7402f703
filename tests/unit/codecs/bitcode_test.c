#include "codecs/bitcode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The first bytes of files that clang and llvmlite have made: magic and identification block. */
static const uint8_t LLVM22[] = {0x42, 0x43, 0xc0, 0xde, 0x35, 0x14, 0x00, 0x00, 0x05, 0x00, 0x00,
                                 0x00, 0x62, 0x0c, 0x30, 0x24, 0x4a, 0x59, 0xbe, 0xa6, 0x6d, 0xfb,
                                 0xb5, 0xcf, 0x0b, 0x51, 0x80, 0x4c, 0x01, 0x00, 0x00, 0x00};
static const uint8_t LLVM14[] = {0x42, 0x43, 0xc0, 0xde, 0x35, 0x14, 0x00, 0x00, 0x05, 0x00, 0x00,
                                 0x00, 0x62, 0x0c, 0x30, 0x24, 0x4a, 0x59, 0xbe, 0x66, 0x8d, 0xfb,
                                 0xb4, 0xaf, 0x0b, 0x51, 0x80, 0x4c, 0x01, 0x00, 0x00, 0x00};

/* A bitstream made by hand. */
typedef struct {
    uint8_t bytes[512];
    size_t position; /* in bits */
} bits_t;

static void
add(bits_t *bits, uint64_t value, int width)
{
    for (int i = 0; i < width; i++, bits->position++)
        bits->bytes[bits->position / 8] =
            (uint8_t)(bits->bytes[bits->position / 8] | (value >> i & 1) << bits->position % 8);
}

static void
add_variable(bits_t *bits, uint64_t value, int width)
{
    uint64_t more = (uint64_t)1 << (width - 1);
    for (; value >= more; value >>= width - 1)
        add(bits, (value & (more - 1)) | more, width);
    add(bits, value, width);
}

static size_t
align(bits_t *bits)
{
    bits->position = (bits->position + 31) / 32 * 32;
    return bits->position / 8;
}

/* Magic and an identification block whose body the caller adds; close_block fills in its length. */
static void
open_block(bits_t *bits)
{
    *bits = (bits_t){.bytes = {0}};
    add(bits, 0xdec04342u, 32);
    add(bits, 1, 2);
    add_variable(bits, 13, 8);
    add_variable(bits, 5, 4);
    align(bits);
    add(bits, 0, 32);
}

static size_t
close_block(bits_t *bits)
{
    add(bits, 0, 5);
    size_t size = align(bits);
    bits->bytes[8] = (uint8_t)((size - 12) / 4);
    return size;
}

static void
bitcode_producer_of_real_files_is_their_llvm(void **state)
{
    (void)state;
    char producer[BITCODE_PRODUCER_SIZE];
    assert_int_equal(bitcode_producer(LLVM22, sizeof LLVM22, producer, NULL), FH_OK);
    assert_string_equal(producer, "LLVM22.1.8");
    assert_int_equal(bitcode_llvm_major(producer), 22);
    assert_int_equal(bitcode_producer(LLVM14, sizeof LLVM14, producer, NULL), FH_OK);
    assert_string_equal(producer, "LLVM14.0.6");
    assert_int_equal(bitcode_llvm_major(producer), 14);
}

static void
bitcode_producer_inside_wrapper_is_found(void **state)
{
    (void)state;
    uint8_t file[64] = {0xde, 0xc0, 0x17, 0x0b, 0, 0, 0, 0, 20, 0, 0, 0, sizeof LLVM22};
    memcpy(file + 20, LLVM22, sizeof LLVM22);
    char producer[BITCODE_PRODUCER_SIZE];
    assert_int_equal(bitcode_form(file, sizeof file), BITCODE_WRAPPED);
    assert_int_equal(bitcode_producer(file, sizeof file, producer, NULL), FH_OK);
    assert_string_equal(producer, "LLVM22.1.8");
    file[11] = 0xff;
    assert_int_equal(bitcode_producer(file, sizeof file, producer, NULL), FH_BAD_BITCODE);
    file[11] = 0;
    file[12] = 60;
    assert_int_equal(bitcode_producer(file, sizeof file, producer, NULL), FH_BAD_BITCODE);
}

static void
bitcode_producer_in_other_encodings_is_found(void **state)
{
    (void)state;
    bits_t bits;
    char producer[BITCODE_PRODUCER_SIZE];
    /* An undefined-shape record; a longer text is cut, and what is no printable character replaced. */
    open_block(&bits);
    add(&bits, 3, 5);
    add_variable(&bits, 1, 6);
    add_variable(&bits, 80, 6);
    for (int i = 0; i < 80; i++)
        add_variable(&bits, i == 2 ? 7 : 'A', 6);
    size_t size = close_block(&bits);
    assert_int_equal(bitcode_producer(bits.bytes, size, producer, NULL), FH_OK);
    assert_int_equal(strlen(producer), BITCODE_PRODUCER_SIZE - 1);
    assert_memory_equal(producer, "AA?A", 4);
    /* A blob. */
    open_block(&bits);
    add(&bits, 2, 5);
    add_variable(&bits, 2, 5);
    add(&bits, 1, 1);
    add_variable(&bits, 1, 8);
    add(&bits, 0, 1);
    add(&bits, 5, 3);
    add(&bits, 4, 5);
    add_variable(&bits, 6, 6);
    align(&bits);
    for (const char *c = "LLVM9x"; *c; c++)
        add(&bits, (uint8_t)*c, 8);
    align(&bits);
    size = close_block(&bits);
    assert_int_equal(bitcode_producer(bits.bytes, size, producer, NULL), FH_OK);
    assert_string_equal(producer, "LLVM9x");
}

static void
bitcode_producer_of_truncated_file_is_bad_bitcode(void **state)
{
    (void)state;
    char producer[BITCODE_PRODUCER_SIZE];
    err_t err;
    for (size_t size = 0; size < sizeof LLVM22; size++) {
        assert_int_equal(bitcode_producer(LLVM22, size, producer, &err), FH_BAD_BITCODE);
        assert_int_equal(err.status, FH_BAD_BITCODE);
    }
}

static void
bitcode_producer_of_damaged_file_is_text_or_bad_bitcode(void **state)
{
    (void)state;
    int refused = 0;
    for (size_t bit = 0; bit < sizeof LLVM22 * 8; bit++) {
        for (size_t other = bit; other < sizeof LLVM22 * 8; other++) {
            uint8_t file[sizeof LLVM22];
            char producer[BITCODE_PRODUCER_SIZE] = "";
            memcpy(file, LLVM22, sizeof file);
            file[bit / 8] = (uint8_t)(file[bit / 8] ^ 1u << bit % 8);
            if (other != bit)
                file[other / 8] = (uint8_t)(file[other / 8] ^ 1u << other % 8);
            int status = bitcode_producer(file, sizeof file, producer, NULL);
            assert_true(status == FH_OK || status == FH_BAD_BITCODE);
            assert_true(strnlen(producer, sizeof producer) < sizeof producer);
            refused += status != FH_OK;
        }
    }
    assert_true(refused > 1000);
}

static void
bitcode_form_is_told_by_content(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bitcode_form_t form;
    } CASES[] = {
        {"; a comment\n\n  define double @f(double %x) {\n", BITCODE_TEXT},
        {"source_filename = \"a.c\"\n", BITCODE_TEXT},
        {"target triple = \"x86_64\"\n", BITCODE_TEXT},
        {"@table = constant i32 1\n", BITCODE_TEXT},
        {"", BITCODE_OTHER},
        {";", BITCODE_OTHER},
        {"; only a comment", BITCODE_OTHER},
        {"int main(void) {}", BITCODE_OTHER},
        {"define", BITCODE_OTHER},
        {"define \xff", BITCODE_OTHER},
        {"BC", BITCODE_OTHER},
    };
    assert_int_equal(bitcode_form(LLVM22, sizeof LLVM22), BITCODE_RAW);
    assert_int_equal(bitcode_form(NULL, 0), BITCODE_OTHER);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        assert_int_equal(bitcode_form(CASES[i].text, strlen(CASES[i].text)), CASES[i].form);
}

static void
bitcode_llvm_major_of_producers_is_their_number(void **state)
{
    (void)state;
    assert_int_equal(bitcode_llvm_major("LLVM22.1.2-rust-1.95.0-stable"), 22);
    assert_int_equal(bitcode_llvm_major("LLVM3.9"), 3);
    assert_int_equal(bitcode_llvm_major("APPLE_1_1600.0.26_0"), 0);
    assert_int_equal(bitcode_llvm_major("LLVM"), 0);
    assert_int_equal(bitcode_llvm_major(""), 0);
    assert_true(bitcode_llvm_major("LLVM99999999999999999999") > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bitcode_producer_of_real_files_is_their_llvm),
        cmocka_unit_test(bitcode_producer_inside_wrapper_is_found),
        cmocka_unit_test(bitcode_producer_in_other_encodings_is_found),
        cmocka_unit_test(bitcode_producer_of_truncated_file_is_bad_bitcode),
        cmocka_unit_test(bitcode_producer_of_damaged_file_is_text_or_bad_bitcode),
        cmocka_unit_test(bitcode_form_is_told_by_content),
        cmocka_unit_test(bitcode_llvm_major_of_producers_is_their_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
