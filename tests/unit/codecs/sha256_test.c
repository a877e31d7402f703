/* SHA-256 against the examples of FIPS 180-4 and the lengths at which padding changes. */
#include "codecs/sha256.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <string.h>

static void
check_digest(const void *bytes, size_t size, const char *wanted)
{
    uint8_t digest[SHA256_SIZE];
    char text[2 * SHA256_SIZE + 1];
    sha256(bytes, size, digest);
    for (int i = 0; i < SHA256_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(text, wanted);
}

static void
digest_of_standard_examples_matches(void **state)
{
    static char million[1000000];
    const char *two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    (void)state;
    memset(million, 'a', sizeof million);
    check_digest("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check_digest("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_digest(two_blocks, strlen(two_blocks), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    check_digest(million, sizeof million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void
digest_at_padding_boundaries_matches(void **state)
{
    static const struct {
        size_t size;
        const char *digest;
    } rows[] = {
        {55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"},
        {56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"},
        {64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"},
    };
    char bytes[64];
    (void)state;
    memset(bytes, 'a', sizeof bytes);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_digest(bytes, rows[i].size, rows[i].digest);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digest_of_standard_examples_matches),
        cmocka_unit_test(digest_at_padding_boundaries_matches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
