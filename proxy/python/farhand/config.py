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
    show_output: print what remote Python code prints, with the number of its engine before each line.
    """

    implicit_gather_limit: int = 1 << 30
    call_timeout: Optional[float] = 60.0
    tick_interval: float = 3.0
    shared_memory: bool = True
    rings: bool = True
    show_output: bool = True


config = Config()
