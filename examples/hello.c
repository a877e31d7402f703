/* hello.c - the smallest farhand program: connect, say who is there, compute one number far away.
 *
 *     farhand up -n 2
 *     cc hello.c -o hello $(pkg-config --cflags --libs farhand) && ./hello
 *     farhand down */
#include <farhand.h>
#include <stdio.h>

int
main(int argc, char *argv[])
{
    fh_session *session = NULL;
    fh_array *numbers = NULL, *sum = NULL;
    fh_engine_info engines[16];
    fh_error error;
    double values[1000], result = 0;
    const int64_t shape[] = {1000};
    fh_local local = {.data = values, .dtype = FH_FLOAT64, .ndim = 1, .shape = shape};
    int count = 0, failed = 1;

    for (int i = 0; i < 1000; i++)
        values[i] = i;
    if (fh_connect(&session, &(fh_connect_options){.target = argc > 1 ? argv[1] : NULL}, &error) ||
        fh_engines(session, engines, 16, &count, &error))
        goto done;
    printf("cluster %s has %d engines:\n", fh_cluster_name(session), count);
    for (int i = 0; i < count && i < 16; i++)
        printf("  engine %d: process %lld, %d cores, %s\n", engines[i].number, (long long)engines[i].pid,
               engines[i].cores, engines[i].state);

    /* Cut over the engines; each sums its piece, one joins the sums; only the result comes back. */
    if (fh_scatter(session, &local, &(fh_scatter_options){.axis = 0}, &numbers, &error) ||
        fh_reduce(numbers, "sum", NULL, -1, 0, FH_DTYPE_NONE, &sum, &error) || fh_gather(sum, &result, NULL, &error))
        goto done;
    printf("0 + 1 + ... + 999 = %g\n", result);
    failed = 0;
done:
    if (failed)
        fprintf(stderr, "hello: %s\n", error.text);
    fh_array_free(&sum);
    fh_array_free(&numbers);
    fh_close(&session);
    return failed;
}
