"""What h2load's log says of a load at a fixed rate. Pure."""

from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil

_SILENCE_US = 2000


@dataclass(frozen=True)
class Waits:
    """What the requests of a measurement found; a wait lasts from sending to the end of the answer.

    `silent_percent` is the share of the time in which nothing was sent for more than 2 ms: high where h2load was kept
    from its core, or sent in bursts, and then the waits are its own.
    """

    per_second: float
    p50_ms: float
    p99_ms: float
    failed_percent: float
    silent_percent: float


@dataclass
class HalfLoad:
    """Half of the median rate, the connections that carry it, and what each round found."""

    wished_per_second: float
    connections: int
    rounds: list[Waits] = field(default_factory=list)


def waits_in(log: str, opening_seconds: float, seconds: float) -> Waits:
    """Return what h2load's log tells of the `seconds` after all connections were open.

    A line is start in µs since the epoch, status (-1: none), µs until the end of the answer. Raise ValueError where no
    request of that time succeeded.
    """
    requests = [tuple(int(figure) for figure in line.split("\t")[:3]) for line in log.splitlines()]
    begins_at = min((request[0] for request in requests), default=0) + opening_seconds * 1e6
    ends_at = begins_at + seconds * 1e6
    counted = [request for request in requests if begins_at <= request[0] < ends_at]
    waits_ms = sorted(took / 1000 for _, status, took in counted if 200 <= status < 300)
    if not waits_ms:
        raise ValueError("no request succeeded")
    p50, p99 = (waits_ms[ceil(len(waits_ms) * part) - 1] for part in (0.5, 0.99))
    gaps_us = (later - earlier for earlier, later in pairwise(sorted(request[0] for request in counted)))
    silent_seconds = sum(gap for gap in gaps_us if gap > _SILENCE_US) / 1e6
    failed_percent = 100 * (1 - len(waits_ms) / len(counted))
    return Waits(len(counted) / seconds, p50, p99, failed_percent, 100 * silent_seconds / seconds)
