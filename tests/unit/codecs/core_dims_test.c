#include "codecs/core_dims.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <string.h>

static void
parse_reads_operands_and_names(void **state)
{
    (void)state;
    core_dims_t dims;
    err_t err;

    check_ok(core_dims_parse(" ( m , k_1 ),(k_1,n)->(m,n) ", &dims, &err), err);
    assert_int_equal(dims.nin, 2);
    assert_int_equal(dims.nout, 1);
    assert_int_equal(dims.names, 3);
    assert_string_equal(dims.name[1], "k_1");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(dims.ndim[i], 2);
        assert_true(dims.fixed[i] == -1);
    }
    assert_int_equal(dims.dim[1][0], 1);
    assert_int_equal(dims.dim[2][0], 0);
    assert_int_equal(dims.dim[2][1], 2);

    check_ok(core_dims_parse("(),(3)->(),(3,3)", &dims, &err), err);
    assert_int_equal(dims.nin, 2);
    assert_int_equal(dims.nout, 2);
    assert_int_equal(dims.names, 1);
    assert_true(dims.fixed[0] == 3);
    assert_int_equal(dims.ndim[0], 0);
    assert_int_equal(dims.ndim[3], 2);
    check_ok(core_dims_parse("(a)->(999999999999999999,a)", &dims, &err), err);
    assert_true(dims.fixed[1] == 999999999999999999);
}

static void
parse_says_where_a_text_stops_making_sense(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } CASES[] = {
        {"", "a ( is missing, at position 0"},
        {"(m", "a ) or , is missing, at position 2"},
        {"(m)", "-> is missing, at position 3"},
        {"(m)->", "a ( is missing, at position 5"},
        {"(m)->(m) x", "something follows the last operand, at position 9"},
        {"(m)->(m)->(m)", "something follows"},
        {"(m,)->(m)", "a name or a number"},
        {"(m),->(m)", "a ( is missing"},
        {"->()", "a ( is missing"},
        {"(m)->(k)", "the output dimension k occurs in no input"},
        {"(m?)->()", "optional dimensions"},
        {"(?m)->()", "optional dimensions"},
        {"(3m)->()", "a name begins with a letter"},
        {"(03)->()", "a number begins with 0"},
        {"(1234567890123456789)->()", "too long"},
        {"(a23456789012345678901234)->()", "too long"},
        {"(-3)->()", "a name or a number"},
        {"(m\xc3\xa9)->()", "a ) or , is missing"},
        {"(a,a,a,a,a,a,a,a,a)->()", "more than 8 core dimensions"},
        {"(a,b,c,d,e,f,g,h),(i,j,k,l,m,n,o,p),(q)->()", "more than 16 different"},
        {"(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),()->(),()", "more than 24 operands"},
    };
    core_dims_t dims;
    err_t err;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        check_fails(core_dims_parse(CASES[i].text, &dims, &err), FH_INVALID_ARGUMENT, err);
        check_contains(err.text, CASES[i].says);
    }
}

/* Parse the layout and resolve it with these inputs. */
static int
resolve(const char *layout, const shape_t *inputs, core_dims_t *dims, shape_t *loop, int64_t *extents, err_t *err)
{
    const shape_t *borrowed[CORE_DIMS_MAX_OPERANDS];

    check_ok(core_dims_parse(layout, dims, err), *err);
    for (int i = 0; i < dims->nin; i++)
        borrowed[i] = &inputs[i];
    return core_dims_resolve(dims, borrowed, loop, extents, err);
}

static void
resolve_gives_the_shapes_of_results(void **state)
{
    (void)state;
    const shape_t inputs[] = {{4, {5, 1, 2, 3}}, {3, {7, 3, 4}}};
    int64_t extents[CORE_DIMS_MAX_NAMES];
    core_dims_t dims;
    shape_t loop, shape;
    char text[128];
    err_t err;

    check_ok(resolve("(m,k),(k,n)->(m,n),(),(2,n)", inputs, &dims, &loop, extents, &err), err);
    assert_string_equal(shape_format(&loop, text, sizeof text), "(5, 7)");
    static const char *const WANTED[] = {"(5, 7, 2, 3)", "(5, 7, 3, 4)", "(5, 7, 2, 4)", "(5, 7)", "(5, 7, 2, 4)"};

    for (int i = 0; i < 5; i++) {
        check_ok(core_dims_shape(&dims, i, &loop, extents, &shape, &err), err);
        assert_string_equal(shape_format(&shape, text, sizeof text), WANTED[i]);
    }
    const shape_t empty[] = {{2, {0, 3}}};

    check_ok(resolve("(3)->()", empty, &dims, &loop, extents, &err), err);
    assert_string_equal(shape_format(&loop, text, sizeof text), "(0,)");
}

static void
resolve_names_what_does_not_fit(void **state)
{
    (void)state;
    static const struct {
        const char *layout;
        shape_t inputs[2];
        const char *says;
    } CASES[] = {
        {"(m,n)->(m)", {{1, {5}}}, "input 0 has the shape (5,), but the layout gives it 2 core dimensions"},
        {"(m),(m)->()", {{1, {5}}, {2, {2, 1}}}, "input 1 has 1 elements along axis 1, the core dimension m; input 0"},
        {"(m,m)->()", {{2, {3, 4}}}, "input 0 has 4 elements along axis 1, the core dimension m; input 0 has 3"},
        {"(3)->()", {{2, {3, 4}}}, "input 0 has 4 elements along axis 1; the layout wants 3"},
        {"(m),(k)->()", {{2, {3, 1}}, {2, {2, 1}}}, "do not broadcast together"},
    };
    int64_t extents[CORE_DIMS_MAX_NAMES];
    core_dims_t dims;
    shape_t loop;
    err_t err;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        check_fails(resolve(CASES[i].layout, CASES[i].inputs, &dims, &loop, extents, &err), FH_INVALID_ARGUMENT, err);
        check_contains(err.text, CASES[i].says);
    }
    shape_t deep[] = {{.ndim = SHAPE_MAX_DIMS}}, shape;

    for (int i = 0; i < SHAPE_MAX_DIMS; i++)
        deep[0].extent[i] = 1;
    check_ok(resolve("()->(2)", deep, &dims, &loop, extents, &err), err);
    check_fails(core_dims_shape(&dims, 1, &loop, extents, &shape, &err), FH_INVALID_ARGUMENT, err);
}

/* Whatever the text: no number of the result is out of its range. */
static void
parse_survives_random_texts(void **state)
{
    (void)state;
    static const char GOOD[] = "(m, 12), (12,n_1),() -> (m,n_1), ()", SIGNS[] = "(),->mnk13 \t?_\xff";
    uint64_t random = check_seed();
    int good = 0;

    for (int round = 0; round < 100000; round++) {
        char text[sizeof GOOD];
        core_dims_t dims;
        err_t err;

        memcpy(text, GOOD, sizeof GOOD);
        for (uint64_t changes = check_random(&random) % 4; changes > 0; changes--)
            text[check_random(&random) % (sizeof GOOD - 1)] = SIGNS[check_random(&random) % (sizeof SIGNS - 1)];
        if (core_dims_parse(text, &dims, &err))
            continue;
        good++;
        assert_true(dims.nin >= 1 && dims.nout >= 1 && dims.nin + dims.nout <= CORE_DIMS_MAX_OPERANDS);
        for (int k = 0; k < dims.nin + dims.nout; k++)
            for (int i = 0; i < dims.ndim[k]; i++)
                assert_in_range(dims.dim[k][i], 0, dims.names - 1);
    }
    assert_in_range(good, 25000, 90000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_reads_operands_and_names),  cmocka_unit_test(parse_says_where_a_text_stops_making_sense),
        cmocka_unit_test(parse_survives_random_texts),     cmocka_unit_test(resolve_gives_the_shapes_of_results),
        cmocka_unit_test(resolve_names_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
