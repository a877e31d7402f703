#include "proxy/cli/npy.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static err_t err;

/* A .npy head of version 1 with this dictionary; returns its size. */
static size_t
make_head(char ret[NPY_HEADER_MAX], int version, const char *dict)
{
    size_t begin = version == 1 ? 10 : 12, length = strlen(dict);
    memset(ret, 0, begin);
    memcpy(ret, "\x93NUMPY", 6);
    ret[6] = (char)version;
    ret[8] = (char)(length & 0xff);
    ret[9] = (char)(length >> 8);
    memcpy(ret + begin, dict, length);
    return begin + length;
}

static int
parse(const char *dict, uint64_t data_size, npy_header_t *ret)
{
    static char head[NPY_HEADER_MAX];
    size_t size = make_head(head, 1, dict);
    return npy_parse(head, size, size + data_size, ret, &err);
}

static void
c_order_header_gives_shape_and_strides(void **state)
{
    (void)state;
    npy_header_t header;
    check_ok(parse("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }      \n", 96, &header), err);
    assert_int_equal(header.dtype, FH_FLOAT64);
    assert_int_equal(header.ndim, 2);
    assert_int_equal(header.shape[0], 3);
    assert_int_equal(header.shape[1], 4);
    assert_int_equal(header.strides[0], 32);
    assert_int_equal(header.strides[1], 8);
    assert_int_equal(header.data_size, 96);
    assert_int_equal(header.swapped, 0);
}

static void
fortran_order_and_swapped_bytes_are_understood(void **state)
{
    (void)state;
    npy_header_t header;
    check_ok(parse("{\"shape\": (3L, 4L), 'fortran_order': True, 'descr': '>i2'}", 24, &header), err);
    assert_int_equal(header.dtype, FH_INT16);
    assert_int_equal(header.strides[0], 2);
    assert_int_equal(header.strides[1], 6);
    assert_int_equal(header.swapped, 1);
    check_ok(parse("{'descr': '|b1', 'fortran_order': False, 'shape': (), }", 1, &header), err);
    assert_int_equal(header.ndim, 0);
    assert_int_equal(header.data_size, 1);
    check_ok(parse("{'descr': '<c16', 'fortran_order': False, 'shape': (5,), }", 80, &header), err);
    assert_int_equal(header.dtype, FH_COMPLEX128);
    check_ok(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (7, 0, 9), }", 0, &header), err);
    assert_int_equal(header.data_size, 0);
}

static void
versions_two_and_three_have_longer_lengths(void **state)
{
    (void)state;
    npy_header_t header;
    char head[NPY_HEADER_MAX];
    for (int version = 2; version <= 3; version++) {
        size_t size = make_head(head, version, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n");
        check_ok(npy_parse(head, size, size + 8, &header, &err), err);
        assert_int_equal(header.header_size, size);
    }
    size_t size = make_head(head, 4, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n");
    check_fails(npy_parse(head, size, size + 8, &header, &err), FH_NOT_SUPPORTED, err);
}

static void
wrong_headers_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *dict;
        int status;
    } wrong[] = {
        {"", FH_INVALID_ARGUMENT},
        {"{", FH_INVALID_ARGUMENT},
        {"{}", FH_INVALID_ARGUMENT},
        {"{'descr': '<f8', 'fortran_order': False}", FH_INVALID_ARGUMENT},
        {"{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", FH_INVALID_ARGUMENT},
        {"{'descr': '<f8', 'fortran_order': Maybe, 'shape': (1,)}", FH_INVALID_ARGUMENT},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}", FH_INVALID_ARGUMENT},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1 2)}", FH_INVALID_ARGUMENT},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,)}", FH_INVALID_ARGUMENT},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'x': 1}", FH_INVALID_ARGUMENT},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", FH_NOT_SUPPORTED},
        {"{'descr': '<U5', 'fortran_order': False, 'shape': (1,)}", FH_NOT_SUPPORTED},
        {"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}", FH_NOT_SUPPORTED},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", FH_LIMIT_EXCEEDED},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1152921504606846976,)}", FH_LIMIT_EXCEEDED},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (13,)}", FH_LIMIT_EXCEEDED}, /* more than the file has */
        {"{'descr': '<f8', 'fortran_order': False, 'shape': "
         "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)}",
         FH_LIMIT_EXCEEDED},
    };
    npy_header_t header;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        check_fails(parse(wrong[i].dict, 100, &header), wrong[i].status, err);
    check_fails(npy_parse("PK\3\4aaaaaaaaaa", 14, 14, &header, &err), FH_INVALID_ARGUMENT, err);
    check_fails(npy_parse("\x93NUMPY\1\0\377\377{}", 12, 1 << 20, &header, &err), FH_INVALID_ARGUMENT, err);
    check_fails(npy_parse("\x93NUMPY", 6, 6, &header, &err), FH_INVALID_ARGUMENT, err);
}

static void
damaged_headers_never_read_beyond_their_end(void **state)
{
    (void)state;
    static const char dict[] = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }   \n";
    static char whole[NPY_HEADER_MAX];
    uint64_t seed = check_seed();
    size_t size = make_head(whole, 1, dict);
    for (int i = 0; i < 20000; i++) {
        npy_header_t header;
        size_t kept = check_random(&seed) % (size + 1);
        char *head = malloc(kept + 1); /* exactly so large, for the sanitizer to see */
        assert_non_null(head);
        memcpy(head, whole, kept);
        for (uint64_t k = check_random(&seed) % 4; k > 0 && kept; k--)
            head[check_random(&seed) % kept] = (char)check_random(&seed);
        if (npy_parse(head, kept, kept + 96, &header, &err) == FH_OK) {
            assert_in_range(header.ndim, 0, FH_MAX_DIMS);
            assert_in_range(header.data_size + header.header_size, 0, kept + 96);
        }
        free(head);
    }
}

static void
created_file_is_opened_again(void **state)
{
    (void)state;
    char folder[PATH_MAX], temporary[4096];
    npy_file_t file;
    const int64_t shape[] = {3, 5};
    check_folder_make(folder);
    const char *path = check_path(folder, "x.npy");
    check_ok(npy_create(&file, path, FH_INT32, 2, shape, temporary, &err), err);
    assert_int_equal((uintptr_t)file.data % 64, 0);
    for (int i = 0; i < 15; i++)
        ((int32_t *)file.data)[i] = i * i;
    assert_int_equal(rename(temporary, path), 0);
    npy_close(&file);
    npy_close(&file);
    check_ok(npy_open(&file, path, &err), err);
    assert_int_equal(file.header.dtype, FH_INT32);
    assert_int_equal(file.header.shape[1], 5);
    for (int i = 0; i < 15; i++)
        assert_int_equal(((int32_t *)file.data)[i], i * i);
    npy_close(&file);
    assert_int_equal(truncate(path, 150), 0);
    check_fails(npy_open(&file, path, &err), FH_LIMIT_EXCEEDED, err);
    check_contains(err.text, path);
    check_fails(npy_open(&file, check_path(folder, "none"), &err), FH_IO_ERROR, err);
    check_fails(npy_open(&file, folder, &err), FH_INVALID_ARGUMENT, err);
    assert_int_equal(mkfifo(check_path(folder, "fifo"), 0600), 0);
    check_fails(npy_open(&file, check_path(folder, "fifo"), &err), FH_INVALID_ARGUMENT, err);
    check_fails(npy_create(&file, check_path(folder, "no/x.npy"), FH_INT32, 2, shape, temporary, &err), FH_IO_ERROR,
                err);
    check_folder_remove(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(c_order_header_gives_shape_and_strides),
        cmocka_unit_test(fortran_order_and_swapped_bytes_are_understood),
        cmocka_unit_test(versions_two_and_three_have_longer_lengths),
        cmocka_unit_test(wrong_headers_are_refused),
        cmocka_unit_test(damaged_headers_never_read_beyond_their_end),
        cmocka_unit_test(created_file_is_opened_again),
    };
    return cmocka_run_group_tests_name("cli/npy", tests, NULL, NULL);
}
