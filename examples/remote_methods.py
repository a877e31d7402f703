"""Methods of remote arrays and of engines, at once and later.  Run: scripts/with python3 examples/remote_methods.py"""
import numpy as np

import farhand as fh


def main():
    session = fh.connect()
    arrays = fh.scatter([np.arange(n, dtype=float) for n in (10, 20, 30)])  # the engines take turns
    print("engines:", [array.engine for array in arrays])
    print("means:", [float(mean) for mean in fh.call_all(arrays, "mean")])
    future = fh.methodcall(arrays[2], "std", block=False)
    print("later:", float(future.result(30)))
    print("an array's own methods:", fh.methodcall(arrays[0], "methods"))
    print("an engine's methods:", session.call(0, "methods"))
    for engine in session.engines:
        print(engine.number, engine.host, f"{engine.objects} objects, {engine.used} bytes")


if __name__ == "__main__":
    main()
