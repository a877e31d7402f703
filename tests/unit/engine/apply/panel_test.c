/* engine/apply/panel: the steps of shared factorisations, one after the other over one matrix; what is refused leaves
 * it as it was. */
#include "tests/support/check.h"
#include "tests/unit/engine/apply/harness.h"

#include <math.h>
#include <string.h>

enum { N = 6, HALF = 3 };

typedef struct {
    double at[N][N];
} matrix_t;

static matrix_t
random_matrix(uint64_t *seed)
{
    matrix_t matrix;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            matrix.at[i][j] = (double)(int64_t)(check_random(seed) % 19) - 9 + (i == j ? 0.5 : 0);
    return matrix;
}

/* Rows and columns of the matrix, written in place as the first output. */
static void
write_part(harness_t *h, matrix_t *matrix, int row, int rows, int column, int columns)
{
    harness_in_place(h, &matrix->at[row][column], DTYPE_FLOAT64, 2, (int64_t[]){rows, columns});
    h->out[0].stride[0] = sizeof matrix->at[0];
}

static void
read_part(harness_t *h, matrix_t *matrix, int row, int rows, int column, int columns)
{
    harness_input(h, &matrix->at[row][column], DTYPE_FLOAT64, 2, (int64_t[]){rows, columns});
    h->in[h->call.nin - 1].stride[0] = sizeof matrix->at[0];
}

static void
factor_panel(matrix_t *matrix, int row, int rows, int64_t *pivots)
{
    harness_t h;
    harness_init(&h);
    write_part(&h, matrix, row, rows, row, N - row);
    harness_output(&h, DTYPE_INT64);
    harness_run(&h, APPLY_LU_PANEL, FH_OK);
    memcpy(pivots, h.out[1].data, (size_t)rows * sizeof *pivots);
    harness_release(&h);
}

static void
solve_step(apply_code_t code, matrix_t *matrix, int row, int64_t *pivots, double right[N], int status)
{
    harness_t h;
    bool back = code == APPLY_LU_BACKWARD;
    harness_init(&h);
    read_part(&h, matrix, row, HALF, back ? row : 0, back ? N - row : row + HALF);
    if (back)
        harness_input(&h, pivots, DTYPE_INT64, 1, (int64_t[]){HALF});
    harness_in_place(&h, right, DTYPE_FLOAT64, 2, (int64_t[]){N, 1});
    harness_run(&h, code, status);
    harness_release(&h);
}

static void
update_rest(matrix_t *matrix, int64_t *pivots, int status)
{
    harness_t h;
    harness_init(&h);
    read_part(&h, matrix, 0, HALF, 0, N);
    harness_input(&h, pivots, DTYPE_INT64, 1, (int64_t[]){HALF});
    write_part(&h, matrix, HALF, N - HALF, 0, N);
    harness_run(&h, APPLY_LU_UPDATE, status);
    harness_release(&h);
}

static void
two_panels_solve_a_system(void **state)
{
    uint64_t seed = check_seed();
    const matrix_t a = random_matrix(&seed);
    matrix_t factors = a;
    double right[N], wanted[N];
    int64_t pivots[2][HALF];

    (void)state;
    for (int i = 0; i < N; i++) {
        right[i] = 0;
        wanted[i] = i + 1;
        for (int j = 0; j < N; j++)
            right[i] += a.at[i][j] * (j + 1);
    }
    factor_panel(&factors, 0, HALF, pivots[0]);
    update_rest(&factors, pivots[0], FH_OK);
    factor_panel(&factors, HALF, HALF, pivots[1]);
    solve_step(APPLY_LU_FORWARD, &factors, 0, NULL, right, FH_OK);
    solve_step(APPLY_LU_FORWARD, &factors, HALF, NULL, right, FH_OK);
    solve_step(APPLY_LU_BACKWARD, &factors, HALF, pivots[1], right, FH_OK);
    solve_step(APPLY_LU_BACKWARD, &factors, 0, pivots[0], right, FH_OK);
    for (int i = 0; i < N; i++)
        assert_true(fabs(right[i] - wanted[i]) < 1e-6);
}

/* Pivots come from another engine, as all that an array holds: they must lie in the panel. */
static void
pivots_are_checked(void **state)
{
    uint64_t seed = check_seed();
    matrix_t a = random_matrix(&seed), before = a;
    double right[N] = {1, 2, 3, 4, 5, 6}, kept[N];
    int64_t bad[][HALF] = {{0, 1, N}, {0, 0, 2}, {-1, 1, 2}, {INT64_MAX, 1, 2}, {0, 1, INT64_MIN}};

    (void)state;
    memcpy(kept, right, sizeof kept);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        update_rest(&a, bad[i], FH_BAD_INDEX);
        solve_step(APPLY_LU_BACKWARD, &a, 0, bad[i], right, FH_BAD_INDEX);
    }
    assert_memory_equal(&a, &before, sizeof a);
    assert_memory_equal(right, kept, sizeof kept);
}

static void
a_zero_on_the_diagonal_is_singular(void **state)
{
    uint64_t seed = check_seed();
    matrix_t a = random_matrix(&seed);
    double right[N] = {1, 2, 3, 4, 5, 6}, kept[N];

    (void)state;
    memcpy(kept, right, sizeof kept);
    a.at[1][1] = -0.0;
    solve_step(APPLY_LU_FORWARD, &a, 0, NULL, right, FH_LINALG_ERROR);
    assert_memory_equal(right, kept, sizeof kept);
}

static void
run_cholesky_panel(matrix_t *matrix, int row, int64_t start, int status)
{
    harness_t h;
    harness_init(&h);
    h.call.integers = &start;
    h.call.nintegers = 1;
    write_part(&h, matrix, row, HALF, 0, N);
    harness_run(&h, APPLY_CHOLESKY_PANEL, status);
    harness_release(&h);
}

static void
two_blocks_give_the_factor(void **state)
{
    uint64_t seed = check_seed();
    const matrix_t lower = random_matrix(&seed);
    matrix_t a, before;
    harness_t h;

    (void)state;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a.at[i][j] = 0;
            for (int k = 0; k <= (i < j ? i : j); k++)
                a.at[i][j] += (i == k ? 10 : lower.at[i][k]) * (j == k ? 10 : lower.at[j][k]);
        }
    before = a;
    before.at[1][1] = -1;
    matrix_t kept = before;
    run_cholesky_panel(&before, 0, 0, FH_LINALG_ERROR);
    run_cholesky_panel(&before, 0, HALF + 1, FH_INVALID_ARGUMENT);
    run_cholesky_panel(&before, 0, -1, FH_INVALID_ARGUMENT);
    assert_memory_equal(&before, &kept, sizeof kept);
    run_cholesky_panel(&a, 0, 0, FH_OK);
    harness_init(&h);
    read_part(&h, &a, 0, HALF, 0, HALF);
    write_part(&h, &a, HALF, N - HALF, 0, HALF);
    harness_run(&h, APPLY_CHOLESKY_UPDATE, FH_OK);
    harness_release(&h);
    run_cholesky_panel(&a, HALF, HALF, FH_OK);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            assert_true(fabs(a.at[i][j] - (j > i ? 0 : i == j ? 10 : lower.at[i][j])) < 1e-9);
}

/* Blocks that do not fit, of other types, or whose rows are not rows. */
static void
blocks_that_do_not_fit_are_refused(void **state)
{
    uint64_t seed = check_seed();
    matrix_t a = random_matrix(&seed), before = a;
    int64_t pivots[HALF] = {0, 1, 2};
    harness_t h;

    (void)state;
    harness_init(&h);
    read_part(&h, &a, 0, HALF, 0, N - 1);
    harness_input(&h, pivots, DTYPE_INT64, 1, (int64_t[]){HALF});
    write_part(&h, &a, HALF, N - HALF, 0, N);
    harness_run(&h, APPLY_LU_UPDATE, FH_INVALID_ARGUMENT);
    harness_release(&h);
    harness_init(&h);
    write_part(&h, &a, 0, HALF, 0, HALF);
    h.out[0].stride[1] = sizeof a.at[0];
    h.out[0].stride[0] = sizeof(double);
    harness_output(&h, DTYPE_INT64);
    harness_run(&h, APPLY_LU_PANEL, FH_INVALID_ARGUMENT);
    harness_release(&h);
    harness_init(&h);
    harness_in_place(&h, &a, DTYPE_INT64, 2, (int64_t[]){N, N});
    harness_output(&h, DTYPE_INT64);
    harness_run(&h, APPLY_LU_PANEL, FH_WRONG_TYPE);
    harness_release(&h);
    harness_init(&h);
    harness_output(&h, DTYPE_FLOAT64);
    harness_output(&h, DTYPE_INT64);
    harness_run(&h, APPLY_LU_PANEL, FH_INVALID_ARGUMENT);
    harness_release(&h);
    assert_memory_equal(&a, &before, sizeof a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_panels_solve_a_system),          cmocka_unit_test(pivots_are_checked),
        cmocka_unit_test(a_zero_on_the_diagonal_is_singular), cmocka_unit_test(two_blocks_give_the_factor),
        cmocka_unit_test(blocks_that_do_not_fit_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
