/* What kernels with checks call: which accesses pass, and the words for those that do not. */
#include "engine/runner/fault.h"
#include "engine/runner/run/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static jmp_buf back;
static char said[512];

/* In place of the end of the process. */
void
fault_checked(const char *text, const char *file, int32_t line)
{
    snprintf(said, sizeof said, "%s|%s|%d", text, file, (int)line);
    longjmp(back, 1);
}

typedef void (*access_fn)(const void *p, int64_t size, const void *base, int64_t room, const char *file, int32_t line);

/* What is said of an access; "" if it passes. */
static const char *
verdict(access_fn access, const void *p, int64_t size, const void *base, int64_t room)
{
    said[0] = '\0';
    if (!setjmp(back))
        access(p, size, base, room, "f.c", 3);
    return said;
}

static const char *
value_verdict(uint32_t bad, const guard_site_t *sites)
{
    said[0] = '\0';
    if (!setjmp(back))
        guard_value(bad, sites);
    return said;
}

static char *arrays[2]; /* of 80 bytes, far from each other and from the stack */
static guard_range_t ranges[2];

static int
set_up(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        arrays[i] = malloc(4 << 20);
        assert_non_null(arrays[i]);
        ranges[i] = (guard_range_t){.start = arrays[i], .size = 80, .writable = i == 1};
        snprintf(ranges[i].name, sizeof ranges[i].name, "argument %d (float64[10])", i);
    }
    guard_thread();
    guard_allow(ranges, 2);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    guard_allow(NULL, 0);
    free(arrays[0]);
    free(arrays[1]);
    return 0;
}

static void
arrays_may_be_touched_as_they_are_given(void **state)
{
    (void)state;
    assert_string_equal(verdict(guard_read, arrays[0], 8, NULL, 0), "");
    assert_string_equal(verdict(guard_read, arrays[0] + 72, 8, NULL, 0), "");
    assert_string_equal(verdict(guard_read, arrays[0], 80, NULL, 0), "");
    assert_string_equal(verdict(guard_read, arrays[1], 8, NULL, 0), "");
    assert_string_equal(verdict(guard_write, arrays[1] + 72, 8, NULL, 0), "");
    assert_string_equal(verdict(guard_write, arrays[0], 8, NULL, 0),
                        "write of 8 bytes into argument 0 (float64[10]), which is read-only|f.c|3");
    assert_string_equal(verdict(guard_read, arrays[0] + 80, 0, NULL, 0), "");
}

static void
places_outside_are_described(void **state)
{
    (void)state;
    assert_string_equal(verdict(guard_read, arrays[1] + 88, 8, NULL, 0),
                        "read of 8 bytes at 8 bytes past the end of argument 1 (float64[10])|f.c|3");
    assert_string_equal(verdict(guard_write, arrays[1] + 80, 8, NULL, 0),
                        "write of 8 bytes right behind the end of argument 1 (float64[10])|f.c|3");
    assert_string_equal(verdict(guard_read, arrays[0] + 76, 8, NULL, 0),
                        "read of 8 bytes across the end of argument 0 (float64[10])|f.c|3");
    assert_string_equal(verdict(guard_read, arrays[0] - 8, 4, NULL, 0),
                        "read of 4 bytes at 8 bytes before the start of argument 0 (float64[10])|f.c|3");
    assert_string_equal(verdict(guard_read, (const void *)(uintptr_t)8, 8, NULL, 0),
                        "read of 8 bytes at address 0x8, which is in none of the arrays|f.c|3");
    assert_non_null(strstr(verdict(guard_read, (const void *)(UINTPTR_MAX - 3), 8, NULL, 0), "none of the arrays"));
    assert_non_null(strstr(verdict(guard_read, arrays[0], INT64_MIN, NULL, 0), "across the end"));
}

static void
input_that_is_output_may_be_written(void **state)
{
    (void)state;
    guard_range_t same[2] = {ranges[0], ranges[0]};
    same[1].writable = true;
    guard_allow(same, 2);
    assert_string_equal(verdict(guard_write, arrays[0] + 16, 8, NULL, 0), "");
    guard_allow(ranges, 2);
}

static void
stack_from_here_up_is_the_kernels(void **state)
{
    (void)state;
    double local = 1;
    uintptr_t here = (uintptr_t)&local;
    assert_string_equal(verdict(guard_write, &local, sizeof local, NULL, 0), "");
    assert_non_null(strstr(verdict(guard_write, (const void *)(here - (1 << 20)), 8, NULL, 0), "none of the arrays"));
    assert_non_null(strstr(verdict(guard_write, (const void *)(here + (64 << 20)), 8, NULL, 0), "none of the arrays"));
}

static void
variables_end_where_they_end(void **state)
{
    (void)state;
    double local[3] = {0};
    assert_string_equal(verdict(guard_read, &local[2], 8, local, sizeof local), "");
    assert_string_equal(verdict(guard_read, local + 3, 8, local, sizeof local),
                        "read of 8 bytes right behind the end of a variable of 24 bytes|f.c|3");
    guard_allow(NULL, 0);
    assert_string_not_equal(verdict(guard_read, local + 3, 8, local, sizeof local), "");
    assert_string_equal(verdict(guard_read, arrays[0] + 800, 8, NULL, 0), ""); /* unknown ranges: nothing is said */
    guard_allow(ranges, 2);
}

static void
tables_of_the_module_are_known(void **state)
{
    (void)state;
    guard_global_t globals[] = {{arrays[0] + 1000, 16}, {arrays[0] + 2000, -16}};
    assert_string_equal(verdict(guard_write, arrays[0] + 1008, 8, globals, -2), "");
    assert_string_equal(verdict(guard_read, arrays[0] + 2008, 8, globals, -2), "");
    assert_string_equal(verdict(guard_write, arrays[0] + 2008, 8, globals, -2),
                        "write of 8 bytes into a constant of the kernel, which is read-only|f.c|3");
    assert_string_not_equal(verdict(guard_read, arrays[0] + 1012, 8, globals, -2), "");
}

static void
values_name_their_sites(void **state)
{
    (void)state;
    static const guard_site_t SITES[] = {{"a.c", "fdiv", 4, GUARD_NAN},
                                         {"b.c", "sdiv", 5, GUARD_DIVISION_BY_ZERO},
                                         {"b.c", "srem", 6, GUARD_DIVISION_OVERFLOW},
                                         {"", "shl", 0, GUARD_SHIFT}};
    static const char *const TEXTS[] = {"NaN made by fdiv|a.c|4", "integer division by zero: sdiv|b.c|5",
                                        "integer division of the least number by -1: srem|b.c|6",
                                        "shift by more bits than the number has: shl||0"};
    for (uint32_t bad = 0; bad <= 4; bad++)
        assert_string_equal(value_verdict(bad, SITES), bad ? TEXTS[bad - 1] : "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_may_be_touched_as_they_are_given),
        cmocka_unit_test(places_outside_are_described),
        cmocka_unit_test(input_that_is_output_may_be_written),
        cmocka_unit_test(stack_from_here_up_is_the_kernels),
        cmocka_unit_test(variables_end_where_they_end),
        cmocka_unit_test(tables_of_the_module_are_known),
        cmocka_unit_test(values_name_their_sites),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
