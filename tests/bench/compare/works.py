"""What is measured, and who takes part."""
import dataclasses

from .inputs import FORMULAS, MATHS


@dataclasses.dataclass(frozen=True)
class Row:
    """One figure of a work.  unit: s, /s, B/s or B."""
    key: str
    title: str
    unit: str

    @property
    def larger_is_better(self):
        return self.unit.endswith("/s")


@dataclasses.dataclass(frozen=True)
class Work:
    """One method of a contestant: it takes a size and gives {row key: value}, other keys go to the record only.

    turns: how often each contestant comes, in full and in quick runs; seconds: who has used up more gets no further turn.
    """
    key: str
    rows: tuple
    full: tuple
    quick: tuple
    turns: tuple = (5, 1)
    seconds: float = 5.0
    where: str = ""  # {} in it stands for the size

    def sizes(self, quick):
        return self.quick if quick else self.full


@dataclasses.dataclass(frozen=True)
class Contestant:
    """A module of peers.  rests: its processes are stopped while it is not its turn (else leases would end)."""
    name: str
    title: str
    rests: bool = True


KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

WORKS = (
    Work("start", (Row("ready", "ready, two engines", "s"),), (2,), (2,), (5, 1), 8.0),
    Work("noop", (Row("p50", "call that does nothing, p50", "s"), Row("p99", "call that does nothing, p99", "s"),
                  Row("rested", "the same after 1 ms of rest, p50", "s")), (400,), (50,), (9, 1)),
    Work("pipelined", (Row("rate", "calls, many at once", "/s"),), (10000,), (200,), (7, 1)),
    Work("methods", (Row("p50", "method of a Python object, p50", "s"), Row("p99", "method of a Python object, p99", "s"),
                     Row("rested", "the same after 1 ms of rest, p50", "s")), (400,), (50,), (9, 1)),
    Work("together", (Row("rate", "methods of a Python object, many at once", "/s"),), (10000,), (200,), (5, 1)),
    Work("mapped", (Row("rate", "calls of a Python function, map of {}", "/s"),), (100_000,), (200,), (3, 1), 10.0),
    Work("axis0", (Row("scatter", "scatter {}, axis 0", "B/s"), Row("gather", "gather {}, axis 0", "s"),
                   Row("read", "gather {}, axis 0, and sum it", "s")),
         (KIB, 32 * KIB, MIB, 32 * MIB, GIB), (KIB, MIB), (3, 1), 6.0),
    Work("axis1", (Row("scatter", "scatter {}, axis 1", "B/s"), Row("gather", "gather {}, axis 1", "s"),
                   Row("read", "gather {}, axis 1, and sum it", "s")), (GIB,), (MIB,), (3, 1), 6.0),
    Work("arrays", (Row("rate", "scatter {} arrays of 8 kB", "/s"),), (10000,), (100,), (5, 1)),
    Work("apart", (Row("to", "{} to another host", "B/s"), Row("back", "{} from another host", "B/s")),
         (256 * MIB,), (MIB,), (3, 1), 60.0),
    Work("sums", (Row("sum", "sum of {}", "s"), Row("mean", "mean of {}", "s")), (10**8,), (10**5,), (2, 1)),
    Work("fused", (Row("fused", "(a*b + c).sum() of {}", "s"),), (10**8,), (10**5,), (7, 1), 12.0),
    Work("chosen", (Row("mask", "x[mask] of {}, half of them", "s"), Row("take", "x[indices] of {}, a million at random", "s")),
         (10**8,), (10**5,), (2, 1), 8.0),
    Work("kernel", (Row("new", "new function to its first result", "s"),), (3,), (1,), (4, 1)),
    Work("objects", (Row("create", "create {} objects", "/s"), Row("delete", "delete {} objects", "/s")), (1000,), (100,), (5, 1), 4.0),
    Work("matmul", (Row("time", "matmul {0} x {0}", "s"),), (4096,), (256,), (2, 1), 8.0),
    Work("factors", (Row("cholesky", "Cholesky's factor of {0} x {0}", "s"), Row("solve", "solve {0} equations", "s")), (4096,), (256,), (2, 1), 10.0),
    Work("maths", tuple(Row(name, f"{name} of {{}}", "s") for name in MATHS), (10**7,), (10**5,), (3, 1)),
    Work("arithmetic", (Row("chain", "a*b + c of {}", "s"), Row("means", "mean(axis=0) of {} in rows of 1,000", "s")), (10**7,), (10**5,), (3, 1)),
    Work("formulas", tuple(Row(name, f"{text} of {{}}", "s") for name, text in FORMULAS.items()), (10**7,), (10**5,), (3, 1)),
    Work("random", (Row("uniform", "{}, uniform over [0, 1)", "s"), Row("normal", "{}, normal", "s")), (2 * 10**7,), (10**5,), (3, 1)),
    Work("sorting", (Row("sort", "sort {} doubles", "s"), Row("argsort", "argsort {} doubles", "s"),
                     Row("running", "cumsum of {} doubles", "s"),
                     Row("histogram", "histogram of {} doubles, 100 bins", "s")), (10**7, 10**8), (10**5,), (2, 1), 20.0),
    Work("memory", (Row("worker", "memory of an idle engine", "B"), Row("controller", "memory of the idle rest", "B")), (1,), (1,), (1, 1)),
    Work("engines", (Row("ready", "ready, engines: {}", "s"), Row("sum", "(x + 1).sum(), value read, engines: {}", "s")),
         (1, 8, 64), (1, 3), (3, 1), 20.0),
)

LIMIT, OURS = "limit", "farhand"
CONTESTANTS = (
    Contestant(LIMIT, "limit: C, two threads, shared memory"),
    Contestant(OURS, "farhand", rests=False),
    Contestant("dask", "Dask distributed"),
    Contestant("ipyparallel", "ipyparallel"),
    Contestant("mpi4py", "mpi4py"),
    Contestant("redis", "Redis"),
    Contestant("multiprocessing", "multiprocessing"),
    Contestant("pyzmq", "pyzmq"),
    Contestant("numpy", "NumPy, OpenBLAS"),
    Contestant("numexpr", "numexpr"),
    Contestant("numba", "Numba"),
)


def size_text(work, size):
    if work.key.startswith(("axis", "apart")):
        return next(f"{size // unit} {name}" for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB"), (1, "B")) if size >= unit)
    if work.key in ("sums", "fused", "chosen", "maths", "arithmetic", "formulas", "random"):
        return f"{size:.0e} doubles".replace("e+0", "e")
    return f"{size:,}" if work.key not in ("matmul", "factors") else str(size)


def title(work, row, size):
    return row.title.format(size_text(work, size))
