/* engine/runner/operand: arrays of a call in memory files of small and of huge pages. */
#include "engine/huge_pages.h"
#include "engine/runner/run/kept_maps.h"
#include "engine/runner/run/operand.h"
#include "tests/support/check.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { KIB = 1024, MIB = 1024 * 1024, SIZE = 8 * MIB };

static huge_pages_t *pages; /* NULL: files of small pages are tested */

/* A file whose byte i is i / 4096, modulo 251. */
static int
make_file(void)
{
    int fd = pages ? -1 : memfd_create("operand-test", MFD_CLOEXEC);
    err_t err;
    if (pages)
        check_ok(huge_pages_file(pages, SIZE, &fd, &err), err);
    else
        assert_int_equal(ftruncate(fd, SIZE), 0);
    unsigned char *data = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(data, MAP_FAILED);
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (unsigned char)(i / 4096 % 251);
    munmap(data, SIZE);
    return fd;
}

/* n bytes from offset on, every `stride`th. */
static runner_operand_t
bytes_at(int64_t offset, int64_t n, int64_t stride)
{
    return (runner_operand_t){
        .dtype = DTYPE_UINT8, .ndim = 1, .extent = {n}, .stride = {stride}, .offset = offset, .fd_size = SIZE};
}

static void
array_at_any_offset_is_seen_and_written(void **state)
{
    static const struct {
        int64_t offset, n, stride;
    } CASES[] = {{0, SIZE, 1},
                 {1, SIZE - 1, 1},
                 {5 * KIB, 10, 1},
                 {2 * MIB - 1, 2, 1},
                 {3 * MIB + 4097, 4 * MIB, 1},
                 {SIZE - 1, SIZE, -1},
                 {7 * MIB, 4 * MIB / 3, -3}};
    int fd = make_file();
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        for (int writable = 0; writable < 2; writable++) {
            runner_operand_t wire = bytes_at(CASES[i].offset, CASES[i].n, CASES[i].stride);
            operand_map_t map;
            err_t err;
            check_ok(operand_map(&map, &wire, fd, writable, &err), err);
            for (int64_t k = 0; k < CASES[i].n; k += k < 5000 ? 1 : 997) {
                int64_t at = CASES[i].offset + k * CASES[i].stride;
                unsigned char *byte = (unsigned char *)map.nd.data + k * CASES[i].stride;
                assert_int_equal(*byte, at / 4096 % 251);
                if (writable)
                    *byte = *(volatile unsigned char *)byte;
            }
            operand_unmap(&map);
            assert_null(map.start);
        }
    close(fd);
}

static void
map_ends_with_the_file_and_begins_with_a_page(void **state)
{
    enum { ODD = 3 * MIB + 12 * KIB };
    int fd = make_file();
    runner_operand_t wire = bytes_at(3 * MIB + 5000, 1000, 1);
    operand_map_t map;
    err_t err;
    (void)state;
    check_ok(operand_map(&map, &wire, fd, false, &err), err);
    assert_int_equal(map.size, pages ? HUGE_PAGE : 4 * KIB);
    assert_int_equal((uintptr_t)map.start % map.size, 0); /* else it would not fit one entry */
    operand_unmap(&map);
    assert_int_equal(ftruncate(fd, ODD), 0);
    wire.fd_size = ODD;
    check_ok(operand_map(&map, &wire, fd, false, &err), err);
    assert_int_equal(map.size, pages ? ODD - 2 * MIB : 4 * KIB);
    operand_unmap(&map);
    wire.extent[0] = ODD;
    wire.offset = 0;
    assert_int_equal(ftruncate(fd, ODD - 1), 0);
    check_fails(operand_map(&map, &wire, fd, false, &err), FH_KERNEL_ERROR, err);
    assert_null(map.start);
    wire.fd_size = ODD - 1;
    check_fails(operand_map(&map, &wire, fd, false, &err), FH_KERNEL_ERROR, err);
    close(fd);
}

static void
array_of_nothing_needs_no_map(void **state)
{
    runner_operand_t wire = bytes_at(0, 0, 1);
    operand_map_t map;
    err_t err;
    (void)state;
    check_ok(operand_map(&map, &wire, -1, false, &err), err);
    assert_null(map.start);
    wire = bytes_at(0, 1, 1);
    check_fails(operand_map(&map, &wire, -1, false, &err), FH_KERNEL_ERROR, err);
}

/* Does the system let this process read there? */
static bool
is_open(const void *memory)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    bool open = write(ends[1], memory, 1) == 1;
    close(ends[0]);
    close(ends[1]);
    return open;
}

static int
take(kept_maps_t *maps, int keep, int64_t offset, int64_t n, int fd, bool writable, operand_map_t *ret, err_t *err)
{
    runner_operand_t wire = bytes_at(offset, n, 1);
    wire.keep = (uint8_t)keep;
    wire.held = fd < 0;
    return kept_maps_take(maps, &wire, fd, writable, ret, err);
}

static void
kept_map_is_open_for_the_calls_that_use_it(void **state)
{
    static kept_maps_t maps;
    int fd = make_file();
    operand_map_t first, second, part;
    err_t err;
    (void)state;
    kept_maps_begin(&maps, 0);
    check_ok(take(&maps, 1, 5000, MIB, fd, true, &first, &err), err);
    check_ok(take(&maps, RUNNER_MAPS, 4 * MIB, MIB, fd, false, &second, &err), err);
    check_ok(kept_maps_open(&maps, &err), err);
    assert_true(is_open(first.nd.data) && is_open(second.nd.data));
    assert_int_equal(kept_maps_here(&maps), (uint64_t)1 | (uint64_t)1 << (RUNNER_MAPS - 1));
    kept_maps_begin(&maps, 0);
    check_ok(take(&maps, 1, 9000, 1000, -1, true, &part, &err), err);
    check_ok(kept_maps_open(&maps, &err), err);
    assert_ptr_equal(part.nd.data, first.nd.data + 4000);
    assert_int_equal(*(unsigned char *)part.nd.data, 9000 / 4096);
    *(volatile char *)part.nd.data = 77;
    assert_true(is_open(first.nd.data));
    assert_false(is_open(second.nd.data));
    kept_maps_begin(&maps, 1);
    check_ok(take(&maps, RUNNER_MAPS, 4 * MIB, MIB, -1, false, &part, &err), err);
    check_ok(kept_maps_open(&maps, &err), err);
    assert_ptr_equal(part.nd.data, second.nd.data);
    assert_true(is_open(second.nd.data));
    assert_false(is_open(first.nd.data));
    assert_true(kept_maps_spare(&maps) == false && kept_maps_here(&maps));
    kept_maps_begin(&maps, ~(uint64_t)0);
    assert_int_equal(kept_maps_here(&maps), 0);
    close(fd);
}

static void
array_that_no_map_holds_is_refused(void **state)
{
    static kept_maps_t maps;
    int fd = make_file();
    operand_map_t map;
    err_t err;
    (void)state;
    check_fails(take(&maps, 1, 0, 10, -1, false, &map, &err), FH_KERNEL_ERROR, err); /* nothing is there */
    check_fails(take(&maps, 0, 0, 10, fd, false, &map, &err), FH_KERNEL_ERROR, err);
    check_fails(take(&maps, RUNNER_MAPS + 1, 0, 10, fd, false, &map, &err), FH_KERNEL_ERROR, err);
    check_ok(take(&maps, 1, 2 * MIB, MIB, fd, false, &map, &err), err);
    check_fails(take(&maps, 1, 2 * MIB, MIB, fd, false, &map, &err), FH_KERNEL_ERROR, err); /* twice */
    check_fails(take(&maps, 1, 2 * MIB, MIB, -1, true, &map, &err), FH_KERNEL_ERROR, err);
    check_fails(take(&maps, 1, 2 * MIB - 1, 10, -1, false, &map, &err), FH_KERNEL_ERROR, err);
    check_fails(take(&maps, 1, 2 * MIB + 10, 2 * MIB, -1, false, &map, &err), FH_KERNEL_ERROR, err);
    check_fails(take(&maps, 1, INT64_MAX - 5, 10, -1, false, &map, &err), FH_KERNEL_ERROR, err);
    kept_maps_begin(&maps, ~(uint64_t)0);
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(array_at_any_offset_is_seen_and_written),
        cmocka_unit_test(map_ends_with_the_file_and_begins_with_a_page),
        cmocka_unit_test(array_of_nothing_needs_no_map),
        cmocka_unit_test(kept_map_is_open_for_the_calls_that_use_it),
        cmocka_unit_test(array_that_no_map_holds_is_refused),
    };
    err_t err;
    int failed = cmocka_run_group_tests_name("small pages", tests, NULL, NULL);
    if (huge_pages_new(&pages, 64 * MIB, &err)) {
        print_message("not run on huge pages: %s\n", err.text);
        return failed;
    }
    failed += cmocka_run_group_tests_name("huge pages", tests, NULL, NULL);
    huge_pages_destroy(&pages);
    return failed;
}
