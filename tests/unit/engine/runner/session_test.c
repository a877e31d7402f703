/* What a host remembers of a session, and how much at most. */
#include "engine/runner_request.h"
#include "engine/runner_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char TEXT[] = "define i64 @one(i64 %x) {\n  ret i64 %x\n}\n";

static runner_source_t *
source(runner_session_t *session, uint8_t number, const void *bytes, size_t size)
{
    uint8_t hash[32] = {number, (uint8_t)(size >> 8)};
    runner_source_t *ret = NULL;
    assert_int_equal(runner_session_add_source(session, hash, bytes, size, &ret, NULL), FH_OK);
    return ret;
}

static void
source_is_found_by_its_hash(void **state)
{
    (void)state;
    runner_session_t *session = runner_session_new(oid_new());
    runner_source_t *one = source(session, 1, TEXT, sizeof TEXT - 1), *two = source(session, 2, TEXT, sizeof TEXT - 1);
    assert_ptr_equal(runner_session_source(session, one->hash), one);
    assert_ptr_equal(runner_session_source(session, two->hash), two);
    assert_null(runner_session_source(session, (uint8_t[32]){9}));
    assert_string_equal(one->producer, "textual IR");
    runner_session_destroy(&session);
    assert_null(session);
}

static void
source_that_is_no_module_is_refused(void **state)
{
    (void)state;
    runner_session_t *session = runner_session_new(oid_new());
    runner_source_t *ret = NULL;
    assert_int_equal(runner_session_add_source(session, (uint8_t[32]){1},
                                               ("\x7f"
                                                "ELF"),
                                               4, &ret, NULL),
                     FH_BAD_BITCODE);
    char *large = calloc(1, RUNNER_MAX_BITCODE + 1);
    assert_non_null(large);
    memcpy(large, TEXT, sizeof TEXT);
    assert_int_equal(runner_session_add_source(session, (uint8_t[32]){2}, large, RUNNER_MAX_BITCODE + 1, &ret, NULL),
                     FH_BAD_BITCODE);
    free(large);
    assert_null(session->sources);
    runner_session_destroy(&session);
}

static void
unused_sources_give_way_used_ones_do_not(void **state)
{
    (void)state;
    runner_session_t *session = runner_session_new(oid_new());
    char *large = malloc(RUNNER_MAX_BITCODE);
    assert_non_null(large);
    memset(large, ' ', RUNNER_MAX_BITCODE);
    memcpy(large, TEXT, sizeof TEXT - 1);
    enum { FIT = SESSION_MAX_BITCODE / RUNNER_MAX_BITCODE };
    runner_kernel_t *kernel = NULL;
    for (int i = 0; i < FIT; i++)
        source(session, (uint8_t)i, large, RUNNER_MAX_BITCODE);
    runner_source_t *used = session->sources;
    assert_int_equal(runner_session_add_kernel(
                         session, used,
                         &(kernel_options_t){.entry = "", .signature = "", .kind = "", .layout = "", .fastmath = false},
                         1, &kernel, NULL),
                     FH_OK);
    runner_source_t *fresh = source(session, 200, large, RUNNER_MAX_BITCODE);
    assert_ptr_equal(runner_session_source(session, used->hash), used);
    assert_ptr_equal(runner_session_source(session, fresh->hash), fresh);
    assert_int_equal(session->bitcode_bytes, 2 * RUNNER_MAX_BITCODE);
    for (int i = 2; i < FIT; i++)
        source(session, (uint8_t)i, large, RUNNER_MAX_BITCODE);
    uint32_t id = 2;
    for (runner_source_t *each = session->sources; each; each = each->next, id++)
        assert_int_equal(
            runner_session_add_kernel(
                session, each,
                &(kernel_options_t){.entry = "", .signature = "", .kind = "", .layout = "", .fastmath = true}, id,
                &kernel, NULL),
            FH_OK);
    runner_source_t *none = NULL;
    assert_int_equal(runner_session_add_source(session, (uint8_t[32]){201}, large, RUNNER_MAX_BITCODE, &none, NULL),
                     FH_LIMIT_EXCEEDED);
    free(large);
    runner_session_destroy(&session);
}

static void
kernel_of_the_same_options_is_the_same(void **state)
{
    (void)state;
    runner_session_t *session = runner_session_new(oid_new());
    runner_source_t *one = source(session, 1, TEXT, sizeof TEXT - 1);
    runner_kernel_t *first, *again, *other;
    assert_int_equal(
        runner_session_add_kernel(
            session, one,
            &(kernel_options_t){.entry = "f", .signature = "s", .kind = "", .layout = "", .fastmath = false}, 1, &first,
            NULL),
        FH_OK);
    assert_int_equal(
        runner_session_add_kernel(
            session, one,
            &(kernel_options_t){.entry = "f", .signature = "s", .kind = "", .layout = "", .fastmath = false}, 2, &again,
            NULL),
        FH_OK);
    assert_ptr_equal(first, again);
    assert_int_equal(
        runner_session_add_kernel(
            session, one,
            &(kernel_options_t){.entry = "f", .signature = "s", .kind = "", .layout = "", .fastmath = true}, 2, &other,
            NULL),
        FH_OK);
    assert_ptr_not_equal(first, other);
    assert_ptr_equal(runner_session_kernel(session, 2), other);
    assert_null(runner_session_kernel(session, 3));
    char name[RUNNER_NAME_MAX + 1];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(
        runner_session_add_kernel(
            session, one,
            &(kernel_options_t){.entry = name, .signature = "", .kind = "", .layout = "", .fastmath = false}, 4, &other,
            NULL),
        FH_INVALID_ARGUMENT);
    runner_session_destroy(&session);
}

static void
kernels_have_a_limit(void **state)
{
    (void)state;
    runner_session_t *session = runner_session_new(oid_new());
    runner_source_t *one = source(session, 1, TEXT, sizeof TEXT - 1);
    runner_kernel_t *kernel;
    char entry[32];
    for (uint32_t i = 0; i < SESSION_MAX_KERNELS; i++) {
        snprintf(entry, sizeof entry, "f%u", i);
        assert_int_equal(
            runner_session_add_kernel(
                session, one,
                &(kernel_options_t){.entry = entry, .signature = "", .kind = "", .layout = "", .fastmath = false}, i,
                &kernel, NULL),
            FH_OK);
    }
    assert_int_equal(
        runner_session_add_kernel(
            session, one,
            &(kernel_options_t){.entry = "more", .signature = "", .kind = "", .layout = "", .fastmath = false}, 99999,
            &kernel, NULL),
        FH_LIMIT_EXCEEDED);
    runner_session_destroy(&session);
}

static void
jobs_leave_in_order_and_have_a_limit(void **state)
{
    (void)state;
    runner_session_t *session = runner_session_new(oid_new());
    runner_kernel_t *kernel;
    assert_int_equal(runner_session_add_kernel(
                         session, source(session, 1, TEXT, sizeof TEXT - 1),
                         &(kernel_options_t){.entry = "", .signature = "", .kind = "", .layout = ""}, 1, &kernel, NULL),
                     FH_OK);
    kernel->known = true;
    runner_job_t *jobs[SESSION_MAX_JOBS], *more = runner_job_new(kernel);
    for (int i = 0; i < SESSION_MAX_JOBS; i++) {
        jobs[i] = runner_job_new(kernel);
        assert_int_equal(runner_session_push(session, jobs[i], NULL), FH_OK);
    }
    assert_int_equal(runner_session_push(session, more, NULL), FH_BUSY);
    assert_true(runner_session_take(
        session, jobs[SESSION_MAX_JOBS - 1])); /* the last, one in the middle, one that is not there */
    assert_true(runner_session_take(session, jobs[5]));
    assert_false(runner_session_take(session, jobs[5]));
    runner_session_push_front(session, jobs[5]);
    assert_ptr_equal(runner_session_pop(session), jobs[5]);
    for (int i = 0; i < SESSION_MAX_JOBS - 1; i++)
        if (i != 5)
            assert_ptr_equal(runner_session_pop(session), jobs[i]);
    assert_null(runner_session_pop(session));
    assert_int_equal(runner_session_push(session, more, NULL), FH_OK);
    assert_ptr_equal(runner_session_pop(session), more);
    for (int i = 0; i < SESSION_MAX_JOBS; i++) {
        runner_job_detach(session, jobs[i]);
        runner_job_destroy(&jobs[i]);
    }
    runner_job_detach(session, more);
    runner_job_destroy(&more);
    runner_session_destroy(&session);
}

static void
kernel_that_never_compiled_goes_with_its_last_job(void **state)
{
    (void)state;
    runner_session_t *session = runner_session_new(oid_new());
    runner_kernel_t *kernel;
    runner_source_t *one = source(session, 1, TEXT, sizeof TEXT - 1);
    assert_int_equal(runner_session_add_kernel(
                         session, one,
                         &(kernel_options_t){.entry = "", .signature = "", .kind = "", .layout = "", .fastmath = false},
                         1, &kernel, NULL),
                     FH_OK);
    runner_job_t *first = runner_job_new(kernel), *second = runner_job_new(kernel);
    runner_job_detach(session, first);
    assert_ptr_equal(runner_session_kernel(session, 1), kernel);
    runner_job_detach(session, second);
    assert_null(runner_session_kernel(session, 1));
    assert_int_equal(one->kernels, 0);
    runner_job_destroy(&first);
    runner_job_destroy(&second);
    runner_session_destroy(&session);
}

static void
third_death_poisons_a_source(void **state)
{
    (void)state;
    runner_session_t *session = runner_session_new(oid_new());
    runner_source_t *one = source(session, 1, TEXT, sizeof TEXT - 1);
    for (one->deaths = 0; one->deaths < SOURCE_MAX_DEATHS; one->deaths++)
        assert_int_equal(runner_request_allowed(one, NULL), FH_OK);
    assert_int_equal(runner_request_allowed(one, NULL), FH_KERNEL_POISONED);
    runner_session_destroy(&session);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(source_is_found_by_its_hash),
        cmocka_unit_test(source_that_is_no_module_is_refused),
        cmocka_unit_test(unused_sources_give_way_used_ones_do_not),
        cmocka_unit_test(kernel_of_the_same_options_is_the_same),
        cmocka_unit_test(kernels_have_a_limit),
        cmocka_unit_test(jobs_leave_in_order_and_have_a_limit),
        cmocka_unit_test(kernel_that_never_compiled_goes_with_its_last_job),
        cmocka_unit_test(third_death_poisons_a_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
