/* circle.c - pi from a grid over a square: which points lie in the circle?  A function of one's own runs on the
 * engines.
 *
 *     farhand up -n 2
 *     cc circle.c -o circle $(pkg-config --cflags --libs farhand) && ./circle
 *     farhand down
 *
 * The code is LLVM's textual IR here, so that the example needs no compiler; as a rule it is bitcode in a file, made by
 * `clang -O1 -emit-llvm -c` or any other compiler on LLVM, and loaded with fh_kernel_load_file. */
#include <farhand.h>
#include <stdio.h>
#include <string.h>

enum { SIDE = 2000 };

static const char INSIDE[] = "define double @inside(double %x, double %y) {\n"
                             "  %xx = fmul double %x, %x\n"
                             "  %yy = fmul double %y, %y\n"
                             "  %square = fadd double %xx, %yy\n"
                             "  %near = fcmp olt double %square, 1.0\n"
                             "  %one = uitofp i1 %near to double\n"
                             "  ret double %one\n"
                             "}\n";
static const char PLUS[] = "define double @plus(double %x, double %y) {\n"
                           "  %sum = fadd double %x, %y\n"
                           "  ret double %sum\n"
                           "}\n";

static double grid[SIDE];

int
main(int argc, char *argv[])
{
    fh_session *session = NULL;
    fh_kernel *inside = NULL, *plus = NULL;
    fh_array *rows = NULL, *points = NULL, *sum = NULL;
    fh_error error;
    const int64_t tall[] = {SIDE, 1}, wide[] = {SIDE};
    fh_local column = {.data = grid, .dtype = FH_FLOAT64, .ndim = 2, .shape = tall};
    fh_local row = {.data = grid, .dtype = FH_FLOAT64, .ndim = 1, .shape = wide};
    double count = 0;
    int failed = 1;

    for (int i = 0; i < SIDE; i++)
        grid[i] = ((double)i + 0.5) / (double)SIDE;
    if (fh_connect(&session, &(fh_connect_options){.target = argc > 1 ? argv[1] : NULL}, &error) ||
        fh_kernel_load(session, INSIDE, strlen(INSIDE), NULL, &inside, &error) ||
        fh_kernel_load(session, PLUS, strlen(PLUS), NULL, &plus, &error) ||
        fh_scatter(session, &column, &(fh_scatter_options){.axis = 0}, &rows, &error))
        goto done;

    /* The column is cut over the engines, the row goes to all of them; both broadcast to the grid, which is made there
     * and stays there. */
    const fh_operand xy[] = {{.kind = FH_ARRAY, .array = rows}, {.kind = FH_LOCAL, .local = &row}};
    if (fh_kernel_call(inside, xy, 2, NULL, &points, &error) ||
        fh_kernel_reduce(plus, &points, 1, NULL, -1, 0, 0, &sum, &error) || fh_gather(sum, &count, NULL, &error))
        goto done;
    printf("pi is about %.4f\n", 4 * count / ((double)SIDE * (double)SIDE));
    failed = 0;
done:
    if (failed)
        fprintf(stderr, "circle: %s\n", error.text);
    fh_array_free(&sum);
    fh_array_free(&points);
    fh_array_free(&rows);
    fh_kernel_free(&plus);
    fh_kernel_free(&inside);
    fh_close(&session);
    return failed;
}
