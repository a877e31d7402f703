#include "codecs/message.h"
#include "tests/support/check.h"
#include "tests/unit/codecs/random_message.h"

#include <stdio.h>
#include <string.h>

static void
message_descriptors_are_ordered_and_unique(void **state)
{
    (void)state;
    uint64_t last = 0;
    for (int i = 0; message_desc_at(i); i++) {
        const msg_desc_t *desc = message_desc_at(i);
        assert_true(desc->code > last);
        last = desc->code;
        assert_ptr_equal(message_desc(desc->code), desc);
        assert_in_range(desc->nfields, 1, 64);
        for (uint32_t k = 0; k < desc->nfields; k++) {
            const field_desc_t *field = &desc->fields[k];
            assert_true(k == 0 || field->key > field[-1].key);
            /* `call`, and nothing else, has key 1, and lies first: message_call relies on it. */
            assert_int_equal(field->key == 1, !strcmp(field->name, "call"));
            assert_true(field->key != 1 || (field->offset == 0 && field->kind == FIELD_U64));
            assert_true(strspn(desc->senders, "CBE") == strlen(desc->senders) && desc->senders[0]);
            assert_true(strspn(desc->receivers, "CBE") == strlen(desc->receivers) && desc->receivers[0]);
        }
    }
    assert_null(message_desc(0));
    assert_null(message_desc(255));
    assert_null(message_desc(UINT64_MAX));
    assert_null(message_desc_at(-1));
}

static void
message_print_names_every_field(void **state)
{
    (void)state;
    oid_t id = {{0xab, 1}};
    operand_t inputs[] = {{.object = id}, {.dtype = 4, .scalar = {0x34, 0x12}}};
    message_t message = {.code = MSG_UFUNC,
                         .as.UFUNC = {.call = 7, .op = str_of("add\n"), .inputs = {inputs, 2}, .results = {&id, 1}}};
    char text[400];
    assert_string_equal(message_print(&message, text, sizeof text),
                        "UFUNC call=7 op=\"add\\x0a\" inputs=[ab010000000000000000000000000000, int16:3412] "
                        "results=[ab010000000000000000000000000000] outs=0 loop_in=0 loop_out=0 "
                        "where=00000000000000000000000000000000 first=0 watch=0");
    value_t values[] = {{.kind = VALUE_NIL},
                        {.kind = VALUE_BOOL, .as.boolean = true},
                        {.kind = VALUE_INT, .as.i = -5},
                        {.kind = VALUE_UINT, .as.u = UINT64_MAX},
                        {.kind = VALUE_FLOAT, .as.f = 0.5},
                        {.kind = VALUE_BIN, .as.bin = {(const uint8_t *)"\x01\x02", 2}}};
    message = (message_t){.code = MSG_RESULT, .as.RESULT = {.call = 1, .values = {values, 6}}};
    assert_string_equal(message_print(&message, text, sizeof text),
                        "RESULT call=1 values=[nil, true, -5, 18446744073709551615, 0.5, 0102]");
    message = (message_t){.code = (msg_code_t)250};
    assert_string_equal(message_print(&message, text, sizeof text), "message 250 call=0");
}

static void
message_print_of_any_size_is_a_terminated_prefix(void **state)
{
    (void)state;
    random_t random;
    arena_t *arena;
    random.state = check_seed();
    assert_int_equal(arena_new(&arena, 1 << 22, NULL), FH_OK);
    for (int i = 0; message_desc_at(i); i++) {
        static char whole[20000];
        message_t message;
        arena_reset(arena);
        random_message(&random, message_desc_at(i), arena, &message);
        message_print(&message, whole, sizeof whole);
        for (size_t size = 1; size < 300; size++) {
            char text[301];
            memset(text, '#', sizeof text);
            message_print(&message, text, size);
            size_t length = strlen(text);
            assert_true(length == (strlen(whole) < size ? strlen(whole) : size - 1));
            assert_memory_equal(text, whole, length);
            assert_int_equal(text[size], '#');
        }
    }
    arena_destroy(&arena);
}

static void
message_equal_tells_messages_apart(void **state)
{
    (void)state;
    value_t five = {.kind = VALUE_INT, .as.i = 5}, also_five = {.kind = VALUE_UINT, .as.u = 5};
    value_t big = {.kind = VALUE_UINT, .as.u = UINT64_MAX}, minus = {.kind = VALUE_INT, .as.i = -1};
    message_t a = {.code = MSG_RESULT, .as.RESULT = {.call = 1, .values = {&five, 1}}}, b = a;
    b.as.RESULT.values.items = &also_five;
    assert_true(message_equal(&a, &b));
    a.as.RESULT.values.items = &big;
    b.as.RESULT.values.items = &minus;
    assert_false(message_equal(&a, &b));
    b = a;
    b.raw = 1;
    assert_false(message_equal(&a, &b));
    b = (message_t){.code = MSG_OK, .as.OK = {.call = 1}};
    assert_false(message_equal(&a, &b));
    a = b = (message_t){.code = (msg_code_t)255};
    assert_false(message_equal(&a, &b));
}

static void
str_functions_respect_sizes(void **state)
{
    (void)state;
    char buffer[6];
    assert_string_equal(str_copy(str_of("farhand"), buffer, sizeof buffer), "farha");
    assert_string_equal(str_copy(str_of("far"), buffer, sizeof buffer), "far");
    assert_string_equal(str_copy((str_t){NULL, 0}, buffer, sizeof buffer), "");
    assert_string_equal(str_copy(str_of("abc\xe2\x82\xac"), buffer, sizeof buffer), "abc");
    assert_ptr_equal(str_copy(str_of("x"), buffer, 0), buffer);
    assert_true(str_is(str_of("sum"), "sum"));
    assert_false(str_is(str_of("sum"), "su"));
    assert_false(str_is(str_of("su"), "sum"));
    assert_true(str_is((str_t){NULL, 0}, ""));
}

static void
message_of_an_err_brings_the_err_back(void **state)
{
    (void)state;
    err_t err = {0}, back;
    message_t message;
    err_set(&err, FH_KERNEL_FAULT, "the kernel crashed at step %d", 3);
    err_set_origin(&err, "engine 2, KERNEL_CALL");
    err.signal = 11;
    err.address = 0xdeadbeef;
    message_from_err(&message, 9, &err);
    assert_int_equal(message_call(&message), 9);
    message_to_err(&message.as.ERROR, &back);
    assert_int_equal(back.status, FH_KERNEL_FAULT);
    assert_string_equal(back.text, err.text);
    assert_string_equal(back.origin, err.origin);
    assert_int_equal(back.signal, 11);
    assert_int_equal(back.address, 0xdeadbeef);
}

static void
message_of_any_err_can_be_sent(void **state)
{
    (void)state;
    header_writer_t *writer;
    assert_int_equal(header_writer_new(&writer, NULL), FH_OK);
    err_t errs[4] = {{.status = 0, .signal = -3}, {.status = 1 << 20, .signal = 1000}, {.status = 3}, {.status = 3}};
    memset(errs[1].text, 'x', sizeof errs[1].text - 1);
    memcpy(errs[1].text + sizeof errs[1].text - 3, "\xe2\x82", 2); /* a character that was cut */
    memset(errs[1].origin, 'y', sizeof errs[1].origin - 1);
    snprintf(errs[2].text, sizeof errs[2].text, "name '\xff\xfe' is bad");
    memset(errs[3].text, 'z', sizeof errs[3].text); /* not even terminated */
    for (int i = 0; i < 4; i++) {
        message_t message;
        err_t err;
        message_from_err(&message, 1, &errs[i]);
        if (header_writer_add(writer, &message, &err))
            fail_msg("%s", err.text);
    }
    header_writer_destroy(&writer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_descriptors_are_ordered_and_unique),
        cmocka_unit_test(message_print_names_every_field),
        cmocka_unit_test(message_print_of_any_size_is_a_terminated_prefix),
        cmocka_unit_test(message_equal_tells_messages_apart),
        cmocka_unit_test(str_functions_respect_sizes),
        cmocka_unit_test(message_of_an_err_brings_the_err_back),
        cmocka_unit_test(message_of_any_err_can_be_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
