"""Counts what this process has served, at the cost of a fraction of a microsecond a response. Pure."""

import os
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import lru_cache

SECONDS_BOUNDS = (
    0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
)  # fmt: skip
AGE_BOUNDS_MS = (250, 500, 1000, 2000, 4000, 5000, 6000, 8000, 10_000, 15_000, 20_000, 30_000, 60_000, 300_000)

Row = list[float]
"""Counts by bucket, the one above all bounds included, and then the sum of what was observed."""
Rows = dict[tuple[str, int], Row]
"""Rows of the seconds that responses took, by endpoint and status."""


class Counters:
    """Counts responses, how long they took and how old their prices were. `on_new_row` is told when a row is begun.

    There is no lock, for it would cost as much as the counting: CPython lets another thread run only at calls and at
    jumps backwards, and none is between reading a count and writing it.
    """

    def __init__(self) -> None:
        self.on_new_row: Callable[[], None] | None = None
        self.forget()

    def forget(self) -> None:
        """Begin anew, as a process does that was forked from one that had served."""
        self.seconds: Rows = {}
        self.ages_ms = _empty(AGE_BOUNDS_MS)

    def count(self, endpoint: str, status: int, seconds: float, age_ms: int | None = None) -> None:
        """Count a response, how long it took, and the age of the oldest price in it, if it has one."""
        row = self.seconds.get((endpoint, status)) or self._new_row(endpoint, status)
        bucket = bisect_left(SECONDS_BOUNDS, seconds)
        row[bucket] += 1
        row[-1] += seconds
        if age_ms is not None:
            ages = self.ages_ms
            bucket = bisect_left(AGE_BOUNDS_MS, age_ms)
            ages[bucket] += 1
            ages[-1] += age_ms

    def _new_row(self, endpoint: str, status: int) -> Row:
        row = self.seconds.setdefault((endpoint, status), _empty(SECONDS_BOUNDS))
        if self.on_new_row:
            self.on_new_row()
        return row


def _empty(bounds: Sequence[float]) -> Row:
    return [0.0] * (len(bounds) + 2)


@lru_cache(maxsize=1)
def open_counters() -> Counters:
    """Return the process's one set of counters."""
    counters = Counters()
    os.register_at_fork(after_in_child=counters.forget)
    return counters
