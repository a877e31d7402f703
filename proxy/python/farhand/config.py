"""Settings of this process's client."""
from dataclasses import dataclass
from typing import Optional


@dataclass
class Config:
    """fh.config: change its attributes.

    implicit_gather_limit: bytes that a conversion to a local array may pull when nobody called gather.
    call_timeout: seconds that a call waits for a value; None: no limit.  Read when a session connects.
    tick_interval: seconds between two signs of life of an idle session.
    """

    implicit_gather_limit: int = 1 << 30
    call_timeout: Optional[float] = 60.0
    tick_interval: float = 3.0


config = Config()
