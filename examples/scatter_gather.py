"""What a scattered array looks like, and how it moves.  Run: scripts/with python3 examples/scatter_gather.py"""
import numpy as np

import farhand as fh


def main():
    image = np.random.default_rng(1).integers(0, 256, (600, 800), dtype=np.uint8)
    rows = fh.scatter(image, axis=0)
    print("by rows:   ", rows.shape, rows.dtype, "pieces", rows.bounds, "on engines", rows.engines)
    columns = rows.reshard(1)  # engine to engine
    print("by columns:", columns.shape, "pieces", columns.bounds, "on engines", columns.engines)
    whole = rows.reshard(None)
    print("whole:     ", whole.shape, "on engine", whole.engine)
    middle = rows[200:400, 300:500]  # a view: no data moves
    middle[...] = 255 - middle
    expected = image.copy()
    expected[200:400, 300:500] = 255 - expected[200:400, 300:500]
    print("equal:", np.array_equal(fh.gather(rows), expected) and np.array_equal(fh.gather(columns), image))


if __name__ == "__main__":
    main()
