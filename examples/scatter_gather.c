/* scatter_gather.c - a heat map that spreads over engines: views and whole-array operations, no bytes in between.
 *
 * A square plate is held at 100 degrees along its upper edge and at 0 along the others.  Each step replaces every inner
 * point by the mean of its four neighbours.  The plate is cut by rows; neighbours on other engines are fetched engine
 * to engine.
 *
 *     farhand up -n 2
 *     cc scatter_gather.c -o scatter_gather $(pkg-config --cflags --libs farhand) && ./scatter_gather */
#include <farhand.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIZE = 64, STEPS = 200 };

/* plate[rows from r, columns from c, without the other end]: a view of SIZE-2 by SIZE-2. */
static int
shifted(fh_array *plate, int r, int c, fh_array **ret, fh_error *error)
{
    fh_index_item items[] = {
        {.kind = FH_INDEX_SLICE, .start = r, .stop = r + SIZE - 2, .has_start = 1, .has_stop = 1},
        {.kind = FH_INDEX_SLICE, .start = c, .stop = c + SIZE - 2, .has_start = 1, .has_stop = 1},
    };
    return fh_index(plate, items, 2, ret, error);
}

/* *sum += term, far away; *sum NULL: a copy of term. */
static int
add(fh_session *session, fh_array **sum, fh_array *term, fh_error *error)
{
    fh_array *none = NULL;
    fh_operand in[] = {{.kind = FH_ARRAY, .array = *sum}, {.kind = FH_ARRAY, .array = term}};
    if (!*sum)
        return fh_copy(term, sum, error);
    return fh_ufunc(session, "add", in, 2, &(fh_ufunc_options){.out = sum}, &none, error);
}

static int
step(fh_session *session, fh_array *plate, fh_array *inner, fh_error *error)
{
    static const int where[4][2] = {{0, 1}, {2, 1}, {1, 0}, {1, 2}};
    fh_array *sum = NULL, *neighbour = NULL, *none = NULL;
    int status = 0;
    for (int i = 0; i < 4 && !status; i++) {
        status = shifted(plate, where[i][0], where[i][1], &neighbour, error);
        if (!status)
            status = add(session, &sum, neighbour, error);
        fh_array_free(&neighbour);
    }
    if (!status) {
        fh_operand in[] = {{.kind = FH_ARRAY, .array = sum}, {.kind = FH_WEAK_FLOAT, .f = 0.25}};
        status = fh_ufunc(session, "multiply", in, 2, &(fh_ufunc_options){.out = &inner}, &none, error);
    }
    fh_array_free(&sum);
    return status;
}

int
main(int argc, char *argv[])
{
    static double plate[SIZE][SIZE];
    const int64_t shape[] = {SIZE, SIZE};
    fh_local local = {.data = plate, .dtype = FH_FLOAT64, .ndim = 2, .shape = shape};
    fh_session *session = NULL;
    fh_array *remote = NULL, *inner = NULL;
    fh_stats stats;
    fh_error error;

    for (int i = 0; i < SIZE; i++)
        plate[0][i] = 100;
    int status = fh_connect(&session, &(fh_connect_options){.target = argc > 1 ? argv[1] : NULL}, &error);
    if (!status)
        status = fh_scatter(session, &local, &(fh_scatter_options){.axis = 0}, &remote, &error);
    if (!status)
        status = shifted(remote, 1, 1, &inner, &error);
    for (int i = 0; i < STEPS && !status; i++)
        status = step(session, remote, inner, &error);
    if (!status)
        status = fh_gather(remote, plate, NULL, &error);
    if (status) {
        fprintf(stderr, "scatter_gather: %s\n", error.text);
    } else {
        for (int i = 0; i < SIZE; i += 4) {
            for (int k = 0; k < SIZE; k += 2)
                putchar(" .:-=+*#%@"[(int)(plate[i][k] / 10.001)]);
            putchar('\n');
        }
        fh_session_stats(session, &stats);
        printf("%d steps; %llu bytes went engine to engine, %llu came back here, %llu waits\n", STEPS,
               (unsigned long long)stats.engine_bytes, (unsigned long long)stats.array_bytes_received,
               (unsigned long long)stats.waits);
    }
    fh_array_free(&inner);
    fh_array_free(&remote);
    fh_close(&session);
    return status != 0;
}
