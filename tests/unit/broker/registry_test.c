/* The tables of engines, objects and names. */
#include "broker/registry.h"
#include "tests/support/check.h"

#include <string.h>

static const int64_t SHAPE[] = {6, 2};

static engine_t *
add_engine(registry_t *registry, oid_t id)
{
    const msg_ANNOUNCE_t announce = {.endpoint = str_of("tcp://h:1"), .cores = 4, .memory = 1000, .llvm = str_of("19")};
    engine_t *engine;
    err_t err;

    check_ok(registry_engine_announce(registry, id, &announce, "h/boot", 7, &engine, &err), err);
    return engine;
}

static object_t *
add_object(registry_t *registry, engine_t *engine, oid_t id, int64_t made_ns)
{
    const msg_OBJECT_t news = {
        .object = id, .session = id, .type = str_of("array"), .dtype = 12, .shape = {SHAPE, 2}, .bytes = 96};
    object_t *object;
    err_t err;

    check_ok(registry_object_put(registry, engine, &news, made_ns, &object, &err), err);
    return object;
}

/* One piece on each engine. */
static msg_PUBLISH_t
publish_of(const char *name, const oid_t *pieces, const oid_t *engines, uint32_t count)
{
    return (msg_PUBLISH_t){.name = str_of(name),
                           .type = str_of("array"),
                           .dtype = 12,
                           .shape = {SHAPE, 2},
                           .axis = 0,
                           .pieces = {pieces, count},
                           .engines = {engines, count}};
}

static name_t *
add_name(registry_t *registry, const char *text, const oid_t *pieces, const oid_t *engines, uint32_t count)
{
    msg_PUBLISH_t publish = publish_of(text, pieces, engines, count);
    name_t *name;
    err_t err;

    check_ok(registry_name_add(registry, &publish, &name, &err), err);
    registry_name_list(registry, name);
    return name;
}

static void
save(registry_t *registry)
{
    while (registry->object_changes.first)
        registry_saved(registry, registry->object_changes.first);
    while (registry->changes.first)
        registry_saved(registry, registry->changes.first);
}

static void
test_engine_numbered_in_order_of_arrival_and_keeps_its_number(void **state)
{
    registry_t registry;
    oid_t first = oid_new(), second = oid_new();

    (void)state;
    registry_init(&registry, 0, 0);
    assert_int_equal(add_engine(&registry, first)->number, 0);
    assert_int_equal(add_engine(&registry, second)->number, 1);
    registry_engine_end(&registry, registry_engine(&registry, first), ENGINE_LOST);
    assert_int_equal(registry_engine(&registry, first)->state, ENGINE_LOST);
    assert_int_equal(add_engine(&registry, first)->number, 0);
    assert_int_equal(registry_engine(&registry, first)->state, ENGINE_READY);
    assert_string_equal(registry_engine(&registry, first)->host, "h/boot");
    assert_int_equal(registry.nengines, 2);
    registry_release(&registry);
}

static void
test_engine_end_removes_its_objects_and_marks_names(void **state)
{
    registry_t registry;
    oid_t engines[] = {oid_new(), oid_new()}, pieces[] = {oid_new(), oid_new()};

    (void)state;
    registry_init(&registry, 0, 0);
    for (int i = 0; i < 2; i++)
        add_object(&registry, add_engine(&registry, engines[i]), pieces[i], 5);
    name_t *both = add_name(&registry, "both", pieces, engines, 2);
    name_t *one = add_name(&registry, "one", &pieces[1], &engines[1], 1);

    assert_false(both->lost);
    registry_engine_end(&registry, registry_engine(&registry, engines[0]), ENGINE_LOST);
    assert_null(registry_object(&registry, pieces[0]));
    assert_non_null(registry_object(&registry, pieces[1]));
    assert_true(both->lost);
    assert_false(one->lost);
    add_engine(&registry, engines[0]);
    assert_false(both->lost);
    registry_release(&registry);
}

static void
test_news_of_what_is_known_write_nothing(void **state)
{
    registry_t registry;
    oid_t id = oid_new();

    (void)state;
    registry_init(&registry, 0, 0);
    engine_t *engine = add_engine(&registry, oid_new());
    object_t *object = add_object(&registry, engine, id, 5);
    msg_OBJECT_t news = {
        .object = id, .session = id, .type = str_of("array"), .dtype = 12, .shape = {SHAPE, 2}, .bytes = 96};

    save(&registry);
    add_engine(&registry, engine->id);
    assert_ptr_equal(add_object(&registry, engine, id, 7), object);
    assert_int_equal(registry.object_changes.count, 0);
    registry_engine_sweep(&registry, engine); /* it is confirmed all the same */
    assert_ptr_equal(registry_object(&registry, id), object);
    news.bytes = 97;
    assert_int_equal(registry_object_put(&registry, engine, &news, 7, &object, NULL), FH_OK);
    assert_int_equal(registry.object_changes.count, 1);
    save(&registry);
    news.type = str_of("kernel");
    assert_int_equal(registry_object_put(&registry, engine, &news, 7, &object, NULL), FH_OK);
    assert_string_equal(object_type(object), "kernel");
    assert_int_equal(object->made_ns, 5);
    assert_int_equal(registry.nobjects, 1);
    registry_release(&registry);
}

static size_t
count_pins(const registry_t *registry, oid_t engine)
{
    size_t count = 0;

    for (const pin_t *pin = registry_engine_pins(registry, engine); pin; pin = pin->engine_next)
        count++;
    return count;
}

static void
test_pins_are_found_by_engine(void **state)
{
    registry_t registry;
    oid_t engines[] = {oid_new(), oid_new(), OID_NONE}, pieces[] = {oid_new(), oid_new(), oid_new()};

    (void)state;
    registry_init(&registry, 0, 0);
    engines[2] = engines[0];
    for (int i = 0; i < 2; i++)
        add_engine(&registry, engines[i]);
    name_t *first = add_name(&registry, "first", pieces, engines, 3);
    name_t *second = add_name(&registry, "second", pieces, engines, 2);
    name_t *third = add_name(&registry, "third", pieces, engines, 1);

    assert_int_equal(count_pins(&registry, engines[0]), 4);
    assert_int_equal(count_pins(&registry, engines[1]), 2);
    registry_name_drop(&registry, first); /* whose pin the table points to */
    assert_int_equal(count_pins(&registry, engines[0]), 2);
    registry_engine_end(&registry, registry_engine(&registry, engines[0]), ENGINE_LOST);
    assert_true(second->lost && third->lost);
    registry_name_drop(&registry, third);
    registry_name_drop(&registry, second);
    assert_int_equal(count_pins(&registry, engines[0]) + count_pins(&registry, engines[1]), 0);
    assert_int_equal(registry.engine_pin_map.count, 0);
    registry_release(&registry);
}

static void
test_engines_that_ended_are_forgotten_oldest_first(void **state)
{
    registry_t registry;

    (void)state;
    registry_init(&registry, 0, 0);
    oid_t oldest = oid_new();

    registry_engine_end(&registry, add_engine(&registry, oldest), ENGINE_LOST);
    for (int i = 0; i < REGISTRY_MAX_ENDED_ENGINES; i++) {
        assert_non_null(registry_engine(&registry, oldest));
        registry_engine_end(&registry, add_engine(&registry, oid_new()), ENGINE_STOPPED);
    }
    assert_null(registry_engine(&registry, oldest));
    assert_int_equal(registry.nengines, REGISTRY_MAX_ENDED_ENGINES);
    registry_release(&registry);
}

static void
test_object_news_updates_and_sweep_removes_the_unconfirmed(void **state)
{
    registry_t registry;
    oid_t id = oid_new(), kept = oid_new(), gone = oid_new();

    (void)state;
    registry_init(&registry, 0, 0);
    engine_t *engine = add_engine(&registry, id);

    add_object(&registry, engine, kept, 5);
    add_object(&registry, engine, gone, 6);
    assert_int_equal(add_object(&registry, engine, kept, 99)->made_ns, 5); /* age counts from the first news */
    assert_int_equal(registry.nobjects, 2);
    add_engine(&registry, id);
    add_object(&registry, engine, kept, 100);
    registry_engine_sweep(&registry, engine);
    assert_non_null(registry_object(&registry, kept));
    assert_null(registry_object(&registry, gone));
    registry_release(&registry);
}

static void
test_object_of_another_engine_refused(void **state)
{
    registry_t registry;
    oid_t id = oid_new();
    const msg_OBJECT_t news = {.object = id, .type = str_of("array")};
    object_t *object;
    err_t err;

    (void)state;
    registry_init(&registry, 0, 0);
    add_object(&registry, add_engine(&registry, oid_new()), id, 1);
    check_fails(registry_object_put(&registry, add_engine(&registry, oid_new()), &news, 1, &object, &err),
                FH_PROTOCOL_ERROR, err);
    registry_release(&registry);
}

static void
test_object_limits_and_nonsense_refused(void **state)
{
    registry_t registry;
    msg_OBJECT_t news = {.object = oid_new(), .type = str_of("array"), .dtype = 200};
    object_t *object;
    err_t err;

    (void)state;
    registry_init(&registry, 1, 0);
    engine_t *engine = add_engine(&registry, oid_new());

    check_fails(registry_object_put(&registry, engine, &news, 1, &object, &err), FH_INVALID_ARGUMENT, err);
    add_object(&registry, engine, oid_new(), 1);
    news.dtype = 0;
    check_fails(registry_object_put(&registry, engine, &news, 1, &object, &err), FH_LIMIT_EXCEEDED, err);
    registry_release(&registry);
}

static void
test_object_that_came_and_went_between_saves_never_written(void **state)
{
    registry_t registry;
    oid_t id = oid_new();

    (void)state;
    registry_init(&registry, 0, 0);
    engine_t *engine = add_engine(&registry, oid_new());

    save(&registry);
    registry_object_remove(&registry, add_object(&registry, engine, id, 1));
    assert_int_equal(registry.object_changes.count, 0);
    add_object(&registry, engine, id, 1);
    save(&registry);
    registry_object_remove(&registry, registry_object(&registry, id));
    assert_int_equal(registry.object_changes.count, 1);
    assert_true(registry.object_changes.first->gone);
    add_object(&registry, engine, id, 2); /* the same id again: deleted first, written then */
    assert_int_equal(registry.object_changes.count, 2);
    assert_true(registry.object_changes.first->gone);
    assert_false(registry.object_changes.last->gone);
    save(&registry);
    assert_non_null(registry_object(&registry, id));
    registry_release(&registry);
}

static void
test_name_lists_that_do_not_fit_refused(void **state)
{
    oid_t ids[] = {oid_new(), oid_new()};
    const int64_t numbers[] = {1, 2, 3};
    const msg_PUBLISH_t good = publish_of("n", ids, ids, 2);
    msg_PUBLISH_t bad[9];
    registry_t registry;
    name_t *name;
    err_t err;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        bad[i] = good;
    bad[0].name = str_of("");
    bad[1].name = str_of("a\nb");
    bad[2].dtype = 99;
    bad[3].axis = 2;
    bad[4].axis = -2;
    bad[5].engines.count = 1;
    bad[6].lengths = (ints_t){numbers, 3};
    bad[7].strides = (ints_t){numbers, 3};
    bad[8].pieces.count = bad[8].engines.count = 0;
    registry_init(&registry, 0, 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check_fails(registry_name_add(&registry, &bad[i], &name, &err), FH_INVALID_ARGUMENT, err);
    check_ok(registry_name_add(&registry, &good, &name, &err), err);
    check_fails(registry_name_add(&registry, &good, &name, &err), FH_NAME_TAKEN, err);
    assert_true(registry_name_same(name, &good));
    assert_true(name->lost); /* nobody knows these engines */
    registry_release(&registry);
}

static void
test_name_differs_in_any_field(void **state)
{
    oid_t ids[] = {oid_new(), oid_new()};
    const int64_t numbers[] = {1, 2, 3, 4};
    msg_PUBLISH_t publish = publish_of("n", ids, ids, 2), other;
    registry_t registry;
    name_t *name;
    err_t err;

    (void)state;
    publish.lengths = (ints_t){numbers, 2};
    publish.strides = (ints_t){numbers, 4};
    registry_init(&registry, 0, 0);
    check_ok(registry_name_add(&registry, &publish, &name, &err), err);
    assert_true(registry_name_same(name, &publish));
#define DIFFERS(change) (other = publish, change, assert_false(registry_name_same(name, &other)))
    DIFFERS(other.type = str_of("kernel"));
    DIFFERS(other.dtype = 11);
    DIFFERS(other.axis = 1);
    DIFFERS(other.shape.count = 1);
    DIFFERS(other.pieces.count = 1);
    DIFFERS(other.engines = ((oids_t){ids + 1, 1}));
    DIFFERS(other.lengths.items = numbers + 1);
    DIFFERS(other.strides.count = 0);
#undef DIFFERS
    registry_release(&registry);
}

static void
test_pins_count_names_of_an_object(void **state)
{
    oid_t engine = oid_new(), shared = oid_new(), own = oid_new(), pair[] = {shared, own};
    oid_t engines[] = {engine, engine};
    registry_t registry;

    (void)state;
    registry_init(&registry, 0, 0);
    add_engine(&registry, engine);
    name_t *first = add_name(&registry, "first", &shared, engines, 1);
    name_t *second = add_name(&registry, "second", pair, engines, 2);

    assert_ptr_equal(registry_pinned(&registry, shared, first), second);
    assert_ptr_equal(registry_pinned(&registry, shared, second), first);
    assert_null(registry_pinned(&registry, own, second));
    registry_name_leave(&registry, first);
    assert_null(registry_pinned(&registry, shared, second));
    assert_non_null(registry_name(&registry, str_of("first"))); /* until it is saved */
    registry_name_list(&registry, first);
    assert_ptr_equal(registry_pinned(&registry, shared, second), first);
    registry_name_drop(&registry, first);
    assert_ptr_equal(registry_pinned(&registry, shared, NULL), second);
    registry_name_leave(&registry, second);
    save(&registry);
    assert_null(registry_name(&registry, str_of("second")));
    assert_int_equal(registry.pin_map.count, 0);
    registry_release(&registry);
}

static void
test_names_random_pins_same_as_counted(void **state)
{
    enum { OBJECTS = 10, NAMES = 20, STEPS = 3000 };
    oid_t engine = oid_new(), objects[OBJECTS], engines[3] = {engine, engine, engine};
    int used[NAMES][3], there[NAMES] = {0};
    uint64_t seed = check_seed();
    registry_t registry;

    (void)state;
    registry_init(&registry, 0, 0);
    for (int i = 0; i < OBJECTS; i++)
        objects[i] = oid_new();
    for (int step = 0; step < STEPS; step++) {
        int which = (int)(check_random(&seed) % NAMES);
        char text[8] = {'n', (char)('a' + which), 0};

        if (there[which]) {
            registry_name_drop(&registry, registry_name(&registry, str_of(text)));
        } else {
            oid_t pieces[3];

            for (int i = 0; i < 3; i++) {
                used[which][i] = (int)(check_random(&seed) % OBJECTS); /* the same one twice is possible */
                pieces[i] = objects[used[which][i]];
            }
            add_name(&registry, text, pieces, engines, 3);
        }
        there[which] = !there[which];
        for (int object = 0; object < OBJECTS; object++) {
            int count = 0;

            for (int n = 0; n < NAMES; n++)
                for (int i = 0; i < 3; i++)
                    count += there[n] && used[n][i] == object;
            assert_int_equal(registry_pinned(&registry, objects[object], NULL) != NULL, count > 0);
        }
    }
    registry_release(&registry);
}

static void
test_cursor_survives_removals(void **state)
{
    oid_t ids[10];
    registry_t registry;
    cursor_t cursor;
    int seen = 0;

    (void)state;
    registry_init(&registry, 0, 0);
    engine_t *engine = add_engine(&registry, oid_new());

    for (int i = 0; i < 10; i++)
        add_object(&registry, engine, ids[i] = oid_new(), 1);
    registry_cursor_open(&registry, &cursor);
    cursor.object = cursor.object->next->next; /* two were taken */
    for (int i = 1; i < 5; i++)
        registry_object_remove(&registry, registry_object(&registry, ids[i]));
    assert_true(oid_equal(cursor.object->id, ids[5]));
    for (; cursor.object; cursor.object = cursor.object->next)
        seen++;
    assert_int_equal(seen, 5);
    registry_cursor_close(&registry, &cursor);
    assert_null(registry.cursors);
    registry_release(&registry);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engine_numbered_in_order_of_arrival_and_keeps_its_number),
        cmocka_unit_test(test_engine_end_removes_its_objects_and_marks_names),
        cmocka_unit_test(test_news_of_what_is_known_write_nothing),
        cmocka_unit_test(test_pins_are_found_by_engine),
        cmocka_unit_test(test_engines_that_ended_are_forgotten_oldest_first),
        cmocka_unit_test(test_object_news_updates_and_sweep_removes_the_unconfirmed),
        cmocka_unit_test(test_object_of_another_engine_refused),
        cmocka_unit_test(test_object_limits_and_nonsense_refused),
        cmocka_unit_test(test_object_that_came_and_went_between_saves_never_written),
        cmocka_unit_test(test_name_lists_that_do_not_fit_refused),
        cmocka_unit_test(test_name_differs_in_any_field),
        cmocka_unit_test(test_pins_count_names_of_an_object),
        cmocka_unit_test(test_names_random_pins_same_as_counted),
        cmocka_unit_test(test_cursor_survives_removals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
