"""Settings of this process's client."""
from dataclasses import dataclass
from typing import Optional


@dataclass
class Config:
    """fh.config: change its attributes.

    implicit_gather_limit: bytes that a conversion to a local array may pull when nobody called gather.
    call_timeout: seconds that a call waits for a value; None: no limit.  Read when a session connects.
    tick_interval: seconds between two signs of life of an idle session.
    shared_memory: copy large arrays straight to the memory of engines on this host and map it when they are gathered (True),
        or send all bytes as messages.  Read when a session connects; results are the same.
    rings: small messages to engines on this host go through shared memory (True; $FARHAND_RINGS=off turns it off, too), or
        over ZeroMQ.  Read when a session connects; results are the same, session.stats() tells which way is taken.
    copy_threads: threads that copy a large array to and from engines on this host; None: as many as there are cores that this
        process may use.  Read when a session connects.
    show_output: print what remote Python code prints, with the number of its engine before each line.
    streams: connections that carry large arrays to and from each engine of another host: 0 as many as suit the cores, None none.
    compression: None or "lz4", for what goes over streams; pays on slow networks and compressible data.
    trust_network: send array bytes over streams without encryption; only to engines that were started with --trust-network.
    host: what this host is called, None for its own name; an engine of another name is reached over the network even if it is here.
    floor_division: whose results `x // y` has where infinities are divided: "numpy" (NaN, and -1 of 3 // -inf, as Python's own numbers) or
        "standard" (what the array API standard says of __floordiv__: infinities, and -0).  Functions follow their namespace always.
    fusion: keep elementwise operations back for a moment, so that chains of them reach the engines as one expression and what lies
        between is never stored (True; $FARHAND_FUSION=off turns it off, too).  Results are the same.
    linalg_rows: matrices in pieces with so many rows are factorised by all their engines together, smaller ones by one; None: as pays for
        each function.
    progress: show a bar on standard error for scatters and gathers, and for calls of executors, that take more than a second: True, False,
        or None for when somebody sees it.  All these but floor_division are read when a session connects.
    """

    implicit_gather_limit: int = 1 << 30
    call_timeout: Optional[float] = 60.0
    tick_interval: float = 3.0
    shared_memory: bool = True
    rings: bool = True
    copy_threads: Optional[int] = None
    show_output: bool = True
    streams: Optional[int] = 0
    compression: Optional[str] = None
    trust_network: bool = False
    host: Optional[str] = None
    progress: Optional[bool] = None
    fusion: bool = True
    linalg_rows: Optional[int] = None
    floor_division: str = "numpy"

    def __setattr__(self, name, value):
        if name == "floor_division" and value != getattr(self, name):
            from .operators import divide_as

            divide_as(value)
        super().__setattr__(name, value)


config = Config()
