/* A ufunc kernel of three numbers.  clang -O1 -emit-llvm -c saxpy.c -o saxpy.bc */

double
saxpy(double a, double x, double y)
{
    return a * x + y;
}
