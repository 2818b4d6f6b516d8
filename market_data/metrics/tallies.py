"""What this process has served, counted so that a request pays for it a fraction of a microsecond. Pure.

A thread counts in rows of its own, found by its number: no lock, and nothing that two threads write. A thread that gets
the number of an ended one goes on with its rows, so they are as many as there were threads at once.
"""

import json
import os
import threading
from bisect import bisect_left
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

ENDPOINTS = ("prices", "history", "init", "health", "pairs", "unknown")
STATUSES = ("200", "206", "304", "400", "404", "405", "500", "503", "other")
CACHE_ERRORS = (
    "authentication",
    "timeout",
    "loading",
    "read_only",
    "out_of_memory",
    "cannot_save",
    "no_primary",
    "connection",
    "other",
)
SECONDS_BOUNDS = (
    0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
)  # fmt: skip
AGE_BOUNDS_MS = (250, 500, 1000, 2000, 4000, 5000, 6000, 8000, 10_000, 15_000, 20_000, 30_000, 60_000, 300_000)

Row = list[float]
"""Counts by bucket, the one above all bounds included, and then the sum of what was observed."""
Tally = dict[str, Row]
"""Rows by name: `prices 200` seconds of answers, `age` ms of the oldest price of an answer, `cache timeout` a count."""

_AGE = "age"


class ServedTallies:
    """Counts answers, ages of prices and failures of the cache. `on_new_row` is told when a thread starts a row."""

    def __init__(self, get_ident: Callable[[], int] = threading.get_ident) -> None:
        self._get_ident = get_ident
        self._rows: dict[tuple[int, str, int], tuple[Row, Row]] = {}
        self._names: dict[int, Tally] = {}
        self._lock = threading.Lock()
        self.on_new_row: Callable[[], None] | None = None

    def note_answer(self, endpoint: str, status: int, seconds: float, age_ms: int | None = None) -> None:
        """Count an answer, how long it took, and the age of the oldest price in it, if it has one."""
        key = self._get_ident(), endpoint, status
        rows = self._rows.get(key)
        answers, ages = self._new_rows(*key) if rows is None else rows
        answers[bisect_left(SECONDS_BOUNDS, seconds)] += 1
        answers[-1] += seconds
        if age_ms is not None:
            ages[bisect_left(AGE_BOUNDS_MS, age_ms)] += 1
            ages[-1] += age_ms

    def note_cache_error(self, kind: str) -> None:
        """Count a failure of Redis; a kind that is none of `CACHE_ERRORS` counts as `other`."""
        self._row_of(self._get_ident(), f"cache {kind if kind in CACHE_ERRORS else 'other'}")[0] += 1

    def totals(self) -> Tally:
        """Return what all threads have counted so far."""
        return summed(self._names.copy().values())

    def forget(self) -> None:
        """Begin anew, as a process does that was forked from one that had served."""
        self._rows, self._names = {}, {}
        self._lock = threading.Lock()

    def _new_rows(self, ident: int, endpoint: str, status: int) -> tuple[Row, Row]:
        known_status = str(status) if str(status) in STATUSES else "other"
        rows = (
            self._row_of(ident, f"{endpoint if endpoint in ENDPOINTS else 'unknown'} {known_status}"),
            self._row_of(ident, _AGE),
        )
        if endpoint in ENDPOINTS and known_status != "other":
            self._rows[ident, endpoint, status] = rows
        if self.on_new_row:
            self.on_new_row()
        return rows

    def _row_of(self, ident: int, name: str) -> Row:
        mine = self._names.get(ident)
        if mine is None:
            with self._lock:
                mine = self._names.setdefault(ident, {})
        row = mine.get(name)
        return mine.setdefault(name, [0.0] * (row_length(name) or 0)) if row is None else row


def row_length(name: str) -> int | None:
    """Return how long a row of this name is, None for a name that no row has."""
    first, _, second = name.partition(" ")
    if name == _AGE:
        return len(AGE_BOUNDS_MS) + 2
    if first == "cache":
        return 1 if second in CACHE_ERRORS else None
    return len(SECONDS_BOUNDS) + 2 if first in ENDPOINTS and second in STATUSES else None


def summed(tallies: Any) -> Tally:
    """Return the sums of the rows of the same name."""
    total: Tally = {}
    for tally in tallies:
        for name, row in tally.copy().items():
            known = total.get(name)
            total[name] = row.copy() if known is None else [a + b for a, b in zip(known, row, strict=True)]
    return total


def encode(tally: Mapping[str, Row]) -> bytes:
    """Return the tally as JSON text."""
    return json.dumps(tally, separators=(",", ":")).encode()


def decode(raw: bytes) -> Tally:
    """Return the tally of a JSON text, nothing for one that no worker of this version has written."""
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(content, dict) or not all(_is_row(name, row) for name, row in content.items()):
        return {}
    return content


def _is_row(name: str, row: Any) -> bool:
    return (
        isinstance(row, list)
        and len(row) == row_length(name)
        and all(type(value) in (int, float) and 0 <= value < 2**63 for value in row)
    )


@lru_cache(maxsize=1)
def open_served_tallies() -> ServedTallies:
    """Return the process's one tally."""
    tallies = ServedTallies()
    os.register_at_fork(after_in_child=tallies.forget)
    return tallies
