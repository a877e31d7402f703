"""Writes bitcode of kernels that Numba compiled into the folder that is its argument.  Exits with 77 where there is no Numba."""
import os
import sys

os.environ["NUMBA_OPT"] = "0"
try:
    import numba
except ImportError:
    print("Numba is not installed")
    sys.exit(77)

FOLDER = sys.argv[1]


def save(name, function):
    with open(os.path.join(FOLDER, name + ".bc"), "wb") as file:
        file.write(function._library._final_module.as_bitcode())


@numba.cfunc("float64(float64, float64)", error_model="numpy")
def axpy(a, b):
    return 2.0 * a + b


@numba.cfunc("float64(float64, float64)")
def divide(a, b):  # Python's error model: raises for b == 0
    return a / b


save("axpy", axpy)
save("divide", divide)
